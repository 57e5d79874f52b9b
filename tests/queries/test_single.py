"""How a person, a target and an intervention are read."""

import pytest

from backrisk import CausalGraph, Posterior, QueryError, intervene, risk

TWO = ["no", "yes"]


@pytest.fixture
def posterior():
    graph = CausalGraph.from_edges([("x", "y")], {"x": TWO, "y": TWO})
    return Posterior.from_cpts(graph, {"x": [0.5, 0.5], "y": [[0.7, 0.3], [0.2, 0.8]]})


@pytest.mark.parametrize("nothing", [None, float("nan")])
def test_no_answer_is_as_if_not_asked(posterior, nothing):
    assert risk(posterior, {"x": nothing}).draws == risk(posterior, {}).draws
    assert risk(posterior, {"x": nothing}).evidence == {}


@pytest.mark.parametrize("person", [None, ["x"], "x"])
def test_a_person_is_a_mapping(posterior, person):
    with pytest.raises(QueryError, match="A person is a mapping of node to state"):
        risk(posterior, person)


@pytest.mark.parametrize("do", ["x=no", ["x"]])
def test_an_intervention_is_a_mapping(posterior, do):
    with pytest.raises(QueryError, match="do= is a mapping of node to state"):
        intervene(posterior, {}, do)


def test_a_target_is_words(posterior):
    with pytest.raises(QueryError, match="target=3: expected a node"):
        risk(posterior, {}, target=3)


def test_numbers_and_truth_values_are_labels():
    graph = CausalGraph.from_edges([("x", "y")], {"x": [0, 1], "y": [False, True]})
    posterior = Posterior.from_cpts(graph, {"x": [0.5, 0.5], "y": [[0.7, 0.3], [0.2, 0.8]]})
    assert risk(posterior, {"x": 1}).draws == risk(posterior, {"x": "1"}).draws == 0.8
    assert risk(posterior, {"y": True}, target="x").draws == pytest.approx(0.4 / 0.55)


def test_an_answer_prints_as_its_text_in_lines(posterior):
    answer = risk(posterior, {"x": "yes"})
    assert " ".join(str(answer).split()) == answer.text
    assert max(map(len, str(answer).splitlines())) <= 88
