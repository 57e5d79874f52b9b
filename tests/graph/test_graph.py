"""Graphs: the packaged ones are the described ones; each mistake is one clear sentence."""

import csv
from importlib.resources import files

import pytest

from backrisk import CausalGraph, GraphError, load_graph
from backrisk.graph import GRADES

PARENTS = """
core_strength: strength_training sex
glute_strength: strength_training
hip_flexor_tightness: mobility_work daily_posture warm_up
back_stiffness: previous_back_pain age
trunk_imbalance: core_strength back_stiffness daily_posture
pelvic_tilt: core_strength hip_flexor_tightness
hip_extension: hip_flexor_tightness
gait_abnormality: foot_type footwear core_strength glute_strength hip_flexor_tightness
fatigue: load_progression recovery core_strength
running_posture: fatigue core_strength daily_posture
compensation: fatigue core_strength glute_strength back_stiffness hip_extension trunk_imbalance
impact_load: footwear surface gait_abnormality bmi
lumbar_load: core_strength pelvic_tilt compensation impact_load running_posture \
trunk_imbalance gait_abnormality
pain: lumbar_load previous_back_pain warm_up strength_training low_mood bmi running_experience
"""
ROOTS = """
age sex bmi running_experience foot_type low_mood previous_back_pain strength_training
mobility_work daily_posture load_progression recovery warm_up footwear surface
""".split()


def table(name):
    with (files("backrisk.graph") / "data" / f"{name}.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_runner_has_the_described_parents():
    graph = load_graph("runner")
    expected = {}
    for line in PARENTS.strip().splitlines():
        name, parents = line.split(":")
        expected[name] = tuple(parents.split())
    assert {n: graph.parents(n) for n in graph.names if n not in ROOTS} == expected
    assert all(graph.parents(name) == () for name in ROOTS)
    assert graph.node("running_posture").interactions == (("fatigue", "core_strength"),)


@pytest.mark.parametrize("name", ["runner", "runner_core"])
def test_every_edge_carries_its_evidence(name):
    graph = load_graph(name)
    for edge in graph.edges:
        assert edge.claim.endswith(".")
        assert edge.prior is not None
        if edge.grade == "contradicted":
            assert abs(edge.prior.mean) <= 0.1, "a contradicted claim starts near zero"
        if edge.grade == "strong":
            assert edge.citations


def test_direct_effects_do_not_exceed_the_evidence_table():
    """An edge is part of a total association: its prior is centred no further from zero."""
    graph = load_graph("runner")
    stated = {(edge.cause, edge.effect): edge.prior for edge in graph.edges}
    compared = 0
    for row in table("evidence"):
        prior = stated.get((row["cause"], row["effect"]))
        if prior is not None:
            compared += 1
            assert prior.mean <= float(row["prior_mean"]) + 0.1, row
    assert compared >= 15


def test_evidence_and_prevalence_name_known_nodes_and_states():
    graph = load_graph("runner")
    elsewhere = {"previous_injury_any"}
    assert {row["cause"] for row in table("evidence")} <= {*graph.names, *elsewhere}
    for row in table("prevalence"):
        assert all(graph.node(row["node"]).code(s) >= 0 for s in row["state"].split(" or "))


def test_feedbacks_stand_as_lagged_edges():
    pairs = {(edge.cause, edge.effect) for edge in load_graph("runner").lagged}
    assert {("compensation", "daily_posture"), ("pain", "gait_abnormality")} <= pairs


@pytest.mark.parametrize("name", ["runner", "runner_core"])
def test_plain_form_round_trip(name):
    graph = load_graph(name)
    assert CausalGraph.from_dict(graph.to_dict()) == graph


GOOD = {
    "name": "g",
    "nodes": {"x": {"states": ["no", "yes"]}, "y": {"states": ["no", "yes"]}},
    "edges": [{"cause": "x", "effect": "y", "claim": "c", "grade": "weak"}],
}


def changed(**parts):
    return {**GOOD, **parts}


def edge(**parts):
    return [{**GOOD["edges"][0], **parts}]


TWO = {"states": ["no", "yes"]}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (changed(edges=[*edge(), *edge(cause="y", effect="x")]), "has a cycle: x -> y -> x"),
        (changed(edges=edge(cause="z")), "unknown node 'z'"),
        (changed(edges=edge(cause="x", effect="x")), "cannot cause itself"),
        (changed(edges=[*edge(), *edge()]), "is given 2 times"),
        (changed(edges=edge(grade="")), "has no 'grade'"),
        (changed(edges=edge(claim="")), "has no 'claim'"),
        (changed(edges=edge(grade="weka")), "did you mean 'weak'"),
        (changed(edges=edge(origin="dream")), "unknown origin 'dream'"),
        (changed(edges=edge(prior={"mean": 50, "sd": 1})), "absurd for a log odds"),
        (changed(edges=edge(prior={"mean": 0, "sd": -1})), "absurd for a log odds"),
        (changed(edges=edge(prior=3)), "expected a prior such as"),
        (changed(nodes={**GOOD["nodes"], "x": {"states": ["no", "no"]}}), "'no' is repeated"),
        (changed(nodes={**GOOD["nodes"], "x": {"states": ["no"]}}), "at least two"),
        (changed(nodes={**GOOD["nodes"], "x": {**TWO, "margin": [0.9, 0.9]}}), "sum to 1"),
        (changed(nodes={**GOOD["nodes"], "x": {**TWO, "mechanism": "item"}}), "one construct"),
        (changed(nodes={**GOOD["nodes"], "x": {**TWO, "colour": 1}}), "unknown key 'colour'"),
        (changed(nodes={**GOOD["nodes"], "x": {**TWO, "modifiable": "no"}}), "true or false, got"),
        (changed(nodes={**GOOD["nodes"], "x": {**TWO, "reliability": []}}), "node 'x': float"),
        (
            changed(nodes={**GOOD["nodes"], "x": {"states": ["no", None]}}),
            "expected a word, got None",
        ),
        (changed(edges=3), "'edges' should be a list, got 3"),
        (changed(edges=edge(citations="doi")), "'citations' should be a list"),
        (changed(outcome=["y"]), r"outcome: expected a word, got \['y'\]"),
        (changed(outcome="z"), "outcome: unknown node 'z'"),
        (changed(lagged=[{"cause": "z", "effect": "y", "claim": "c"}]), "unknown node 'z'"),
    ],
)
def test_each_mistake_is_one_sentence(data, message):
    with pytest.raises(GraphError, match=message) as raised:
        CausalGraph.from_dict(data)
    assert "\n" not in str(raised.value)


def test_labels_may_be_numbers_and_truth_values():
    graph = CausalGraph.from_edges([("x", "y")], {"x": [0, 1], "y": [False, True]})
    assert graph.node("x").states == ("0", "1")
    assert graph.node("y").states == ("False", "True")


@pytest.mark.parametrize(
    ("edges", "states", "message"),
    [
        ([("x",)], {"x": ["no", "yes"]}, "Expected edges such as"),
        ([], {"x": None}, "Expected edges such as"),
        ([], {"x": "no"}, "should be a list of labels, got 'no'"),
        ([], {"x": ["no", ""]}, "state '' is empty"),
        ([], {"x": ["no", "no "]}, "'no ' is empty or has a blank at an end"),
        ([(1, 2)], {1: ["no", "yes"], 2: ["no", "yes"]}, "node '1': a name needs letters"),
    ],
)
def test_edges_and_states_that_make_no_graph(edges, states, message):
    with pytest.raises(GraphError, match=message):
        CausalGraph.from_edges(edges, states)


def test_a_repeated_key_and_a_missing_file_are_refused(tmp_path):
    path = tmp_path / "g.yaml"
    path.write_text("name: g\nname: h\n")
    with pytest.raises(GraphError, match="stands twice"):
        load_graph(path)
    with pytest.raises(GraphError, match="did you mean 'runner'"):
        load_graph("runer")


def test_yes_and_no_are_words(tmp_path):
    path = tmp_path / "g.yaml"
    path.write_text("nodes: {x: {states: [no, yes]}}\n")
    assert load_graph(path).node("x").states == ("no", "yes")


def test_grades_are_ordered_from_strong_to_contradicted():
    assert GRADES[0] == "strong"
    assert GRADES[-1] == "contradicted"


def test_labels_that_look_like_numbers_stay_words():
    graph = load_graph("runner")
    assert graph.node("age").states == ("under_40", "40_54", "55_plus")
    assert graph.node("running_experience").states == ("up_to_6y", "over_6y")
