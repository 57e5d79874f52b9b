"""How a person, a target, an intervention and a coupling are read."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from strategies import random_posterior

from backrisk import (
    CausalGraph,
    Posterior,
    QueryError,
    ask_next,
    attribute,
    counterfactual,
    diagnose,
    intervene,
    load_graph,
    mediate,
    recommend,
    risk,
    risks,
)
from backrisk.graph import Node
from backrisk.inference import contradiction
from backrisk.queries import check_coupling, coupling_name, flow, named, read_names, read_target
from backrisk.queries.asked import changing, read_answers
from backrisk.queries.attribution.methods import METHODS

TWO = ["no", "yes"]


@pytest.fixture
def posterior():
    graph = CausalGraph.from_edges([("x", "y")], {"x": TWO, "y": TWO})
    return Posterior.from_cpts(graph, {"x": [0.5, 0.5], "y": [[0.7, 0.3], [0.2, 0.8]]})


@pytest.fixture
def graph():
    states = {"grade": ["low", "mid", "high"], "harm": ["none", "some", "much"], "y": TWO}
    return CausalGraph.from_edges([("grade", "y"), ("harm", "y")], states)


@pytest.mark.parametrize(
    ("asked", "node", "codes", "label"),
    [
        (None, "y", (1,), "y"),
        ("y", "y", (1,), "y"),
        ("grade", "grade", (1, 2), "grade other than low"),
        ("harm", "harm", (1, 2), "harm"),
        (" grade >= mid ", "grade", (1, 2), "grade other than low"),
        ("grade>=high", "grade", (2,), "grade (high)"),
        ("Grade>=HIGH", "grade", (2,), "grade (high)"),
    ],
)
def test_a_target_is_a_node_and_the_states_that_count(graph, asked, node, codes, label):
    target = read_target(graph, asked)
    assert (target.node, target.codes, target.label) == (node, codes, label)


def test_a_target_between_reference_and_worst_says_where_it_begins():
    states = {"pain": ["0", "1", "2", "3"]}
    target = read_target(CausalGraph.from_edges([], states), "pain>=2")
    assert target.codes == (2, 3)  # the label, not the position
    assert target.label == "pain (2 or worse)"


@pytest.mark.parametrize(
    ("asked", "label"),
    [
        (None, "current low back pain"),
        ("pain>=not_limiting", "current low back pain"),
        ("pain>=limiting", "current, limiting low back pain"),
        ("low_mood", "low mood"),
        ("core_strength", "moderate or weak core strength"),
        ("gait_abnormality", "an unusual gait"),
    ],
)
def test_a_packaged_graphs_targets_are_worded(asked, label):
    assert read_target(load_graph("runner"), asked).label == label


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (3, "The target 3 was not understood: expected a node"),
        ("grad", r"target 'grad' .* graph 'graph' \(did you mean 'grade'\?\)"),
        ("grade>=hih", r"'grade' has no state 'hih' \(did you mean 'high'.*'low', 'mid', 'high'"),
        ("grade>=3", "has no state '3'"),
        ("grade>=2", "has no state '2'"),
        ("grade>=0", "has no state '0'"),
        ("grade>=²", "has no state '²'"),
        ("grade>=-1", "has no state '-1'"),
        ("grade>=", "has no state ''"),
    ],
)
def test_what_is_no_target_is_refused(graph, asked, words):
    with pytest.raises(QueryError, match=words):
        read_target(graph, asked)


def test_a_graph_without_an_outcome_has_no_target_by_default():
    graph = CausalGraph.from_edges([], {"a": TWO, "b": TWO})
    with pytest.raises(QueryError, match="'graph' names no outcome"):
        read_target(graph, None)


@pytest.mark.parametrize(
    "nothing",
    [None, float("nan"), np.float32("nan"), pd.NA, pd.NaT, "", " ", "NA", "nan"],
    ids=repr,
)
def test_no_answer_is_as_if_not_asked(posterior, nothing):
    assert risk(posterior, {"x": nothing}).draws == risk(posterior, {}).draws
    assert risk(posterior, {"x": nothing}).evidence == {}


@pytest.mark.parametrize("person", [None, ["x"], "x"])
def test_a_person_is_a_mapping(posterior, person):
    with pytest.raises(QueryError, match="person should be a mapping of node to state"):
        risk(posterior, person)


@pytest.mark.parametrize(
    ("person", "words"),
    [
        ({"xx": "yes"}, r"person's answer 'xx' is not a node .*mean 'x'"),
        ({"x": "yess"}, r"'x' has the value 'yess' \(did you mean 'yes'\?\).* 'no', 'yes'"),
    ],
)
def test_a_person_has_the_graphs_nodes_and_states(posterior, person, words):
    with pytest.raises(QueryError, match=words):
        risk(posterior, person)


def test_numbers_and_truth_values_are_labels():
    graph = CausalGraph.from_edges([("x", "y")], {"x": [0, 1], "y": [False, True]})
    posterior = Posterior.from_cpts(graph, {"x": [0.5, 0.5], "y": [[0.7, 0.3], [0.2, 0.8]]})
    assert risk(posterior, {"x": 1}).draws == risk(posterior, {"x": "1"}).draws == 0.8
    assert risk(posterior, {"y": True}, target="x").draws == pytest.approx(0.4 / 0.55)
    assert risk(posterior, {" x ": 1.0}).draws == risk(posterior, {"x": " 1.00"}).draws == 0.8
    assert risk(posterior, {"x": 1}, target="y>=True").draws == 0.8
    assert intervene(posterior, {}, {"x": 1.0}).draws == intervene(posterior, {}, {"x": "1"}).draws


@pytest.mark.parametrize("answer", [["yes"], {"yes": 1}, np.array([1, 2])])
def test_an_answer_is_no_list(posterior, answer):
    with pytest.raises(QueryError, match="the value"):
        risk(posterior, {"x": answer})


@pytest.mark.parametrize(
    ("do", "words"),
    [
        ({}, "Nothing is set"),
        ("x=no", "should be a mapping of node to state"),
        (["x"], "should be a mapping of node to state"),
        ({"y": "no"}, "The target 'y' itself cannot be set"),
        ({"xx": "no"}, "'xx' is not a node of graph 'graph'.*mean 'x'"),
        ({"x": "nope"}, "'x' cannot be set to 'nope'.* 'no', 'yes'"),
    ],
)
@pytest.mark.parametrize("ask", [intervene, counterfactual])
def test_what_cannot_be_done_is_refused(posterior, ask, do, words):
    with pytest.raises(QueryError, match=words):
        ask(posterior, {}, do)


def test_an_answer_cannot_be_set():
    graph = CausalGraph.from_edges(
        [("x", "y"), ("x", "said")], dict.fromkeys("xy", TWO) | {"said": TWO}, outcome="y"
    )
    nodes = tuple(
        replace(n, mechanism="item", reliability=0.5) if n.name == "said" else n
        for n in graph.nodes
    )
    assert isinstance(nodes[0], Node)
    graph = replace(graph, nodes=nodes)
    cpts = {"x": [0.5, 0.5], "y": [[0.7, 0.3], [0.2, 0.8]], "said": [[0.7, 0.3], [0.2, 0.8]]}
    with pytest.raises(QueryError, match="'said' cannot be set, because it is an answer"):
        intervene(Posterior.from_cpts(graph, cpts), {}, {"said": "no"})


def test_no_state_is_worse_than_another_where_there_is_no_order():
    kind = Node("kind", ("a", "b", "c"), nominal=True)
    graph = CausalGraph("g", (kind,))
    assert read_target(graph, "kind").codes == (1, 2)
    with pytest.raises(QueryError, match=r"states of 'kind' have no order, so .* ask for 'kind'"):
        read_target(graph, "kind>=c")


def test_a_coupling_is_one_of_three():
    for coupling in ("monotone", "independent_causes", "independent"):
        check_coupling(coupling)
        assert "_" not in coupling_name(coupling)
    with pytest.raises(QueryError, match=r"no coupling 'monoton' \(did you mean 'monotone'\?\)"):
        check_coupling("monoton")


def test_codes_are_named(graph):
    assert named(graph, {"grade": 2, "y": 0}) == {"grade": "high", "y": "no"}


@pytest.mark.parametrize("states", [["0", "5", "10"], ["1", "2", "3"], ["0", "1", "3+"]])
def test_a_number_is_a_label_or_nothing(states):
    graph = CausalGraph.from_edges([], {"a": states})
    for number in range(12):
        if str(number) == states[0]:
            with pytest.raises(QueryError, match=f"Everybody is at 'a>={number}'"):
                read_target(graph, f"a>={number}")
        elif str(number) in states:
            first = states.index(str(number))
            assert read_target(graph, f"a>={number}").codes == tuple(range(first, 3))
        else:
            with pytest.raises(QueryError, match=f"'a' has no state '{number}'"):
                read_target(graph, f"a>={number}")


def test_only_what_would_change_is_changed():
    """A acts on b; c stands apart."""
    graph = CausalGraph.from_edges([("a", "b"), ("b", "y"), ("c", "y")], dict.fromkeys("abcy", TWO))
    seen = {"a": 1, "b": 1, "c": 1}
    assert changing(graph, seen, {"a": 1, "b": 1, "c": 1}) == {}
    assert changing(graph, seen, {"b": 1, "c": 0}) == {"c": 0}
    # b is held where it is while a moves: that is a change.
    assert changing(graph, seen, {"b": 1, "a": 0}) == {"a": 0, "b": 1}
    assert changing(graph, {"c": 0}, {"a": 0, "c": 0}) == {"a": 0}


def sure():
    """X and y are the same, and z follows from neither."""
    states = dict.fromkeys("xyzw", TWO)
    graph = CausalGraph.from_edges([("x", "y"), ("y", "z"), ("w", "z")], states, outcome="z")
    same = [[1.0, 0.0], [0.0, 1.0]]
    flat = [[[0.5, 0.5], [0.4, 0.6]], [[0.3, 0.7], [0.2, 0.8]]]
    return Posterior.from_cpts(graph, {"x": [0.5, 0.5], "y": same, "z": flat, "w": [0.5, 0.5]})


QUESTIONS = {
    "risk": risk,
    "risks": lambda p, who: risks(p, [{}, who]),
    "diagnose": diagnose,
    "intervene": lambda p, who: intervene(p, who, {"w": "yes"}),
    "counterfactual": lambda p, who: counterfactual(p, who, {"w": "yes"}),
    "mediate": lambda p, who: mediate(p, who, "x", "y"),
    "recommend": recommend,
    "ask_next": ask_next,
    "ask_next alone": lambda p, who: ask_next(p, who, gain=False),
    "flow": lambda p, who: flow(p, who, {}),
    **{
        method: lambda p, who, method=method: attribute(p, who, ["x", "w"], method=method)
        for method in METHODS
        if method != "pathways"
    },
    "pathways": lambda p, who: attribute(p, who, ["x"], method="pathways"),
}


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize(
    "person", [{"x": "yes", "y": "no"}, {"x": "no", "y": "yes", "z": "yes", "w": "yes"}]
)
def test_answers_that_contradict_each_other_are_refused_alike(question, person):
    with pytest.raises(QueryError, match="contradict each other") as refused:
        QUESTIONS[question](sure(), {"z": "yes", **person})
    alone = str(refused.value).removeprefix("Person 2: ")
    assert alone == contradiction()
    QUESTIONS[question](sure(), dict.fromkeys("xyzw", "yes"))


def test_a_contradiction_with_the_target_alone_is_one_too():
    graph = CausalGraph.from_edges([("x", "y")], dict.fromkeys("xy", TWO))
    posterior = Posterior.from_cpts(graph, {"x": [0.5, 0.5], "y": [[1.0, 0.0], [0.0, 1.0]]})
    for ask in (risk, recommend, ask_next):
        with pytest.raises(QueryError, match="contradict each other"):
            ask(posterior, {"x": "no", "y": "yes"})
        ask(posterior, {"x": "yes", "y": "yes"}, target="y")


def test_a_contradiction_in_one_draw_is_one():
    graph = CausalGraph.from_edges([("x", "y")], dict.fromkeys("xy", TWO))
    y = np.array([[[0.5, 0.5], [0.5, 0.5]], [[1.0, 0.0], [0.5, 0.5]]])
    posterior = Posterior.from_cpts(graph, {"x": [0.5, 0.5], "y": y})
    risk(posterior, {"x": "yes", "y": "yes"})
    with pytest.raises(QueryError, match="contradict each other"):
        risk(posterior, {"x": "no", "y": "yes"})


ONE_NAME = {
    "attribute": lambda p, name: attribute(p, {"z": "yes"}, name, method="necessity").causes,
    "attribute pathways": lambda p, name: attribute(p, {}, name, method="pathways").draws,
    "recommend": lambda p, name: recommend(p, {}, actions=name).actions,
    "ask_next": lambda p, name: ask_next(p, {}, candidates=name).questions,
}


@pytest.mark.parametrize("question", ONE_NAME)
def test_one_name_as_text_is_a_list_of_one(question):
    graph = CausalGraph.from_edges(
        [("ab", "cd"), ("cd", "z")], dict.fromkeys(["ab", "cd", "z"], TWO)
    )
    posterior = random_posterior(np.random.default_rng(1), graph)
    ask = ONE_NAME[question]
    np.testing.assert_array_equal(ask(posterior, "ab"), ask(posterior, ["ab"]))
    with pytest.raises(QueryError, match="'abcd'"):
        ask(posterior, "abcd")


def test_one_mediator_and_one_set_of_causes_are_text_as_well():
    graph = CausalGraph.from_edges(
        [("ab", "cd"), ("cd", "z")], dict.fromkeys(["ab", "cd", "z"], TWO)
    )
    posterior = random_posterior(np.random.default_rng(1), graph)
    assert mediate(posterior, {}, "ab", "cd").mediators == ("cd",)
    assert attribute(posterior, {"z": "yes"}, "ab + cd", method="necessity").causes == ("ab + cd",)


@pytest.mark.parametrize("names", [3, [3], [("a", "b")], None])
def test_what_are_no_names_is_refused(names):
    with pytest.raises(QueryError, match="'candidates' should be a name or a list of names"):
        read_names(names, "candidates")


def test_names_and_answers_may_be_as_long_as_any_that_people_give():
    """Beyond that they are refused before they are compared to anything, and named in short."""
    graph = load_graph("runner_core")
    edge = {"x" * 200: "high", "pain": "y" * 10_000, "fatigue": 2**1000 - 1}
    for name, answer in edge.items():  # read, and then refused for what they are
        with pytest.raises(QueryError) as refused:
            read_answers(graph, None, {name: answer})
        assert "longer than any" not in str(refused.value)
    for name, answer in (("x" * 201, "high"), ("pain", "y" * 10_001), ("fatigue", 2**1000)):
        shown = name if len(name) <= 200 else "x" * 60 + "..."
        with pytest.raises(QueryError, match=f"'{re.escape(shown)}' is longer than any"):
            read_answers(graph, None, {name: answer})
    many = {f"n{i}": "high" for i in range(len(graph.names) + 100)}
    with pytest.raises(QueryError, match="n0"):
        read_answers(graph, None, many)
    with pytest.raises(QueryError, match=f"{len(many) + 1}"):
        read_answers(graph, None, {**many, "one": "high"})
