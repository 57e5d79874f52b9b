"""The nodes that answers add to a graph."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from backrisk.errors import QueryError, SurveyError
from backrisk.graph import CausalGraph, Node, Prior
from backrisk.survey import Codebook, Survey
from tests.survey._small import GRAPH, book, contents


def edge_of(graph, cause, effect):
    (found,) = (edge for edge in graph.edges if (edge.cause, edge.effect) == (cause, effect))
    return found


def test_an_item_becomes_a_leaf_of_its_construct_once():
    found = book()
    graph = found.extend(GRAPH)
    assert graph.names == (*GRAPH.names, "plank")
    assert graph.items == ("plank",)
    node = graph.node("plank")
    assert graph.parents("plank") == ("core",)
    assert node.states == ("strong", "moderate", "weak")  # the construct's order, not the cuts'
    assert (node.reliability, node.misclassification) == (0.6, None)
    assert (node.group, node.mechanism, node.fixed) == ("item", "item", False)
    assert node.concentration == 200
    assert node.description == "plank"
    edge = edge_of(graph, "core", "plank")
    assert edge.claim == "The answer to 'plank' reports core, with error."
    assert (edge.origin, edge.grade, edge.citations) == ("measurement", "moderate", ())
    assert found.extend(graph) is graph


def test_question_source_and_error_of_an_item_are_its_nodes():
    data = contents()
    data["columns"]["felt"] = {
        "item": "core", "question": "Weak?", "source": "a study", "error": "fixed", "people": 30,
        "labels": {"yes": "weak", "no": "strong"},
        "misclassification": {"weak": {"weak": 0.8, "strong": 0.2}, "strong": {"strong": 1.0},
                              "moderate": {"strong": 0.5, "weak": 0.5}},
    }  # fmt: skip
    graph = Codebook.from_dict(data, GRAPH).extend(GRAPH)
    node, edge = graph.node("felt"), edge_of(graph, "core", "felt")
    assert node.states == ("strong", "weak")
    assert node.misclassification == ((1.0, 0.0), (0.5, 0.5), (0.2, 0.8))
    assert (node.fixed, node.concentration, node.description) == (True, 30, "Weak?")
    assert edge.claim == "The answer to 'Weak?' reports core, with error."
    assert edge.citations == ("a study",)


def responding():
    data = contents()
    data["columns"]["ache"] = {
        "node": "pain", "question": "Hurts?",
        "nonresponse": {"mean": 0.5, "sd": 0.25, "share": 0.2, "why": "a guess"},
    }  # fmt: skip
    data["columns"]["plank"]["nonresponse"] = {"mean": 0, "sd": 1}
    data["derived"]["ratio"]["nonresponse"] = {"mean": 0, "sd": 1}
    return Codebook.from_dict(data, GRAPH)


def test_a_response_becomes_a_child_of_its_answer_once():
    found = responding()
    graph = found.extend(GRAPH)
    assert graph.names[-3:] == ("plank_response", "ache_response", "ratio_response")
    assert graph.parents("ache_response") == ("pain",)
    assert graph.parents("plank_response") == ("plank",)
    assert graph.parents("ratio_response") == ("load",)
    node, edge = graph.node("ache_response"), edge_of(graph, "pain", "ache_response")
    assert node.description == "Whether 'Hurts?' was answered."
    assert (node.group, node.mechanism) == ("response", "response")
    assert node.margin == (0.8, 0.2)
    assert edge.prior == Prior(0.5, 0.25)
    assert (edge.origin, edge.grade, edge.citations) == ("measurement", "weak", ("a guess",))
    assert edge.claim == "Whether it is answered may depend on what the answer would have been."
    assert edge_of(graph, "plank", "plank_response").citations == ()
    assert graph.node("plank_response").description == "Whether 'plank' was answered."
    assert found.extend(graph) is graph


def test_a_response_is_known_where_its_question_was_asked():
    found = responding()
    graph = found.extend(GRAPH)
    codes = np.full((3, len(graph.names)), -1, dtype=np.int8)
    codes[:, graph.names.index("pain")] = [0, -1, 2]
    codes[:, graph.names.index("load")] = [-1, 1, 1]
    before = codes.copy()
    filled = found.with_responses(codes, graph, ["ache", "month"])
    assert (codes == before).all()
    at = [graph.names.index(f"{name}_response") for name in ("ache", "ratio", "plank")]
    assert filled[:, at].T.tolist() == [[0, 1, 0], [1, 0, 0], [-1, -1, -1]]
    assert graph.node("ache_response").states == ("answered", "not_answered")
    rest = [i for i in range(len(graph.names)) if i not in at]
    assert (filled[:, rest] == before[:, rest]).all()


def test_what_the_codebook_leaves_out_is_in_no_survey_of_it():
    data = contents() | {"leaves_out": {"extra": "Nobody was asked."}}
    graph = replace(GRAPH, nodes=(*GRAPH.nodes, Node("extra", ("no", "yes"))))
    found = Codebook.from_dict(data, graph)
    less = found.extend(graph)
    assert less.names == (*GRAPH.names, "plank")
    assert [left.name for left in less.left_out] == ["extra"]
    assert found.extend(less) is less
    again = Codebook.from_dict(found.to_dict(), less)  # as a saved model reads it
    assert again == found
    with pytest.raises(QueryError, match=r"'extra' .*\(left out: Nobody was asked\)"):
        found.encode_person({"extra": "yes"}, less)


KINDS = CausalGraph.from_edges(
    [("kind", "pain")], {"kind": ["sprain", "strain", "tear"], "pain": ["no", "yes"]}
)
RATES = {"sprain": {"no": 0.9, "yes": 0.1}, "tear": {"no": 0.3, "yes": 0.7}}


def sign(**about):
    """The codebook of a sign with answers of its own, of one of three kinds."""
    about = {"item": "kind", "answers": ["no", "yes"], **about}
    columns = {"swollen": about, "pain": {"node": "pain"}}
    return Codebook.from_dict({"name": "b", "graph": "graph", "columns": columns}, KINDS)


def test_a_sign_has_answers_of_its_own_and_a_prior_for_each_row():
    found = sign(misclassification=RATES, row_people={"sprain": 300, "tear": 40})
    node = found.extend(KINDS).node("swollen")
    assert node.states == ("no", "yes")
    # Of a strain nothing is said, so that each answer is worth one person.
    assert node.misclassification == ((0.9, 0.1), (0.5, 0.5), (0.3, 0.7))
    assert node.row_people == (300.0, 2.0, 40.0)
    assert found.encode_answer("swollen", "yes") == ("swollen", "yes")
    alike = sign(misclassification=RATES | {"strain": {"no": 1.0}}, people=50)
    node = alike.extend(KINDS).node("swollen")
    assert (node.row_people, node.concentration) == (None, 50.0)
    assert Codebook.from_dict(found.to_dict(), KINDS) == found


def test_a_sign_may_be_a_label_or_a_number():
    labelled = sign(error="unknown", labels={"0": "no", "1": "yes", "2": "yes"})
    frame = pd.DataFrame({"swollen": ["0", "2", ""], "pain": "no"})
    survey = Survey.from_frame(frame, KINDS, labelled)
    assert survey.codes[:, survey.graph.names.index("swollen")].tolist() == [0, 1, -1]
    measured = sign(error="unknown", type="number", cuts=[2.5])
    frame = pd.DataFrame({"swollen": ["1", "3", ""], "pain": "no"})
    survey = Survey.from_frame(frame, KINDS, measured)
    assert survey.codes[:, survey.graph.names.index("swollen")].tolist() == [0, 1, -1]


@pytest.mark.parametrize(
    ("about", "said"),
    [
        ({"reliability": 0.8}, "with them a 'misclassification'"),
        ({"error": "unknown", "answers": ["no"]}, "at least two different answers"),
        ({"error": "unknown", "answers": ["no", "no"]}, "at least two different answers"),
        ({"error": "unknown", "answers": ["sprain", "yes"]}, "some of its 'answers' are states"),
        ({"error": "unknown", "row_people": {"tear": 3}}, "Only an item with a 'misclass"),
        ({"error": "unknown", "labels": {"0": "nein"}}, "'nein' is not one of the item's"),
        ({"misclassification": {"teer": {"no": 1.0}}}, "'teer' is not a state of node 'kind'"),
        ({"misclassification": {"tear": {"nay": 1.0}}}, "'nay' is not one of the item's"),
        ({"misclassification": RATES, "row_people": {"teer": 3}}, "'teer' is not a state of"),
        ({"misclassification": RATES, "error": "fixed"}, "needs a row for every state of 'kind'"),
    ],
)
def test_a_sign_that_cannot_stand_is_refused(about, said):
    with pytest.raises(SurveyError, match=said):
        sign(**about)
