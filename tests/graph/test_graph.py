"""What a graph tells of itself, and that the packaged graphs are the described ones."""

import numpy as np
import pandas as pd
import pytest

from backrisk import (
    CausalGraph,
    Edge,
    GraphError,
    Node,
    Prior,
    intervene,
    load_codebook,
    load_graph,
    risk,
    truth,
)
from backrisk.graph import Roles

PARENTS = """
bmi: age sex
running_experience: age
low_mood: sex previous_back_pain
previous_back_pain: age sex running_experience
strength_training: age sex previous_back_pain low_mood
mobility_work: sex previous_back_pain strength_training
daily_posture: age sex
load_progression: running_experience previous_back_pain age
recovery: age low_mood
warm_up: strength_training age
footwear: age
surface: age
core_strength: strength_training sex
glute_strength: strength_training
hip_flexor_tightness: mobility_work daily_posture warm_up
back_stiffness: previous_back_pain age mobility_work
trunk_imbalance: core_strength back_stiffness daily_posture
pelvic_tilt: core_strength hip_flexor_tightness
hip_extension: hip_flexor_tightness
gait_abnormality: foot_type footwear core_strength glute_strength hip_flexor_tightness
fatigue: load_progression recovery core_strength
running_posture: fatigue core_strength daily_posture
compensation: fatigue core_strength glute_strength back_stiffness hip_extension trunk_imbalance
impact_load: footwear surface gait_abnormality bmi
lumbar_load: core_strength pelvic_tilt compensation impact_load running_posture \
trunk_imbalance gait_abnormality fatigue
pain: lumbar_load previous_back_pain warm_up strength_training low_mood bmi running_experience \
load_progression recovery age sex
"""
ROOTS = "age sex foot_type".split()


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


def test_priors_of_the_default_graph_follow_its_plain_rule():
    """As its description says: by grade, but for scales, strength work and published conditions."""
    graph = load_graph("runner")
    plain = {"weak": (0.5, 0.5), "none": (0.25, 0.4), "contradicted": (0.0, 0.3)}
    own = {e for e in graph.edges if e.origin == "literature" or e.effect == "pain"}
    for edge in set(graph.edges) - own:
        stated = (edge.prior.mean, edge.prior.sd)
        trained = edge.cause == "strength_training"
        known = {plain.get(edge.grade, (0.5, 0.5)), (-0.25, 0.4), (0.5, 0.7)}
        assert stated in known | ({(1.0, 0.5)} if trained or edge in scales(graph) else set()), edge
    for edge in graph.edges:
        if edge.grade == "contradicted":
            assert edge.prior.mean == 0
        if edge.grade == "none":
            assert abs(edge.prior.mean) <= 0.25


def scales(graph):
    """One edge for each node that nobody measures."""
    pairs = [("hip_flexor_tightness", "hip_extension"), ("fatigue", "compensation")]
    pairs += [("bmi", "impact_load"), ("lumbar_load", "pain")]
    return {edge for edge in graph.edges if (edge.cause, edge.effect) in pairs}


def test_every_node_that_nobody_measures_has_one_edge_that_sets_its_scale():
    graph = load_graph("runner")
    book = load_codebook("runner", graph)
    measured = {book.node_of(name) for name in book.measures} | {
        spec.measured for spec in book.measures.values()
    }
    hidden = set(graph.names) - measured
    assert hidden == {"hip_extension", "compensation", "impact_load", "lumbar_load"}
    for name in hidden:
        touching = [e for e in scales(graph) if name in (e.cause, e.effect)]
        others = [e for e in graph.edges if name in (e.cause, e.effect) and e not in scales(graph)]
        assert len(touching) == 1
        assert touching[0].prior.mean - touching[0].prior.sd > 0
        assert all(e.prior.mean <= 0.5 for e in others)


def test_a_prior_is_not_the_figure_that_conditions_it():
    graph = load_graph("runner")
    conditions = {(f.cause, f.effect) for f in graph.figures if f.condition}
    direct = [e for e in graph.edges if (e.cause, e.effect) in conditions]
    assert len(direct) >= 5
    assert {(e.prior.mean, e.prior.sd) for e in direct} == {(0.5, 0.7)}


def test_every_habit_shares_a_cause_with_pain_so_that_doing_is_not_seeing():
    """Some cause of the habit reaches pain also past it, and the two risks differ."""
    graph = load_graph("runner")
    model = truth(graph)
    for node in graph.nodes:
        if node.group != "behaviour":
            continue
        seen = risk(model, {node.name: node.states[-1]}).draws[0]
        done = intervene(model, {}, {node.name: node.states[-1]}).draws[0]
        assert abs(seen - done) > 1e-4, node.name


def test_what_is_left_out_is_told_with_its_reason():
    left = {entry.name: entry.reason for entry in load_graph("runner").left_out}
    assert {"health_habit", "front_to_back_balance", "hamstring_length", "rehabilitation",
            "previous_injury", "foot_strike"} == set(left)  # fmt: skip
    assert all(len(reason.split()) > 10 for reason in left.values())


def test_feedbacks_stand_as_lagged_edges():
    pairs = {(edge.cause, edge.effect) for edge in load_graph("runner").lagged}
    assert {("compensation", "daily_posture"), ("pain", "gait_abnormality")} <= pairs


def test_labels_may_be_numbers_and_truth_values():
    graph = CausalGraph.from_edges([("x", "y")], {"x": [0, 1], "y": [False, True]})
    assert graph.node("x").states == ("0", "1")
    assert graph.node("y").states == ("false", "true")


XY = {"x": ["no", "yes"], "y": ["no", "yes"]}


@pytest.mark.parametrize(
    ("edges", "states", "message"),
    [
        ([("x",)], {"x": ["no", "yes"]}, "Expected edges such as"),
        (3, {"x": ["no", "yes"]}, "Expected edges such as"),
        ([], 3, "Expected edges such as"),
        ([], {"x": None}, "states of 'x' should be a list of labels, got None"),
        ([], {"x": {"no": 0, "yes": 1}}, "states of 'x' should be a list of labels, got {'no': 0"),
        ([], {"x": {"no", "yes"}}, "states of 'x' should be a list of labels, got {"),
        ([], {"x": frozenset({"no", "yes"})}, "states of 'x' should be a list of labels, got f"),
        ([], {"x": (s for s in ("no", "yes"))}, "states of 'x' should be a list of labels, got <g"),
        ([], {"x": b"no"}, "states of 'x' should be a list of labels, got b'no'"),
        ({("x", "y")}, XY, "edges should be a list .* got a set"),
        (frozenset(), {"x": ["no", "yes"]}, "edges should be a list of pairs, .* got a frozenset"),
        ({"xy": 1}, XY, "edges should be a list .* got a dict"),
        ("xy", XY, "edges should be a list of pairs, .* got a str"),
        (["xy"], XY, r"should be a pair \(cause, eff.*, got 'xy'"),
        ([{"x", "y"}], XY, "An edge should be a pair"),
        ([], {"x": "no"}, "states of 'x' should be a list of labels, got 'no'"),
        ([], {"x": ["no", ""]}, "node 'x': a state is empty"),
        ([], {"x": ["no", "no "]}, "node 'x': state 'no' is repeated"),
        ([(1, 2)], {1: ["no", "yes"], 2: ["no", "yes"]}, "node '1': a name consists of letters"),
    ],
)
def test_edges_and_states_that_make_no_graph(edges, states, message):
    with pytest.raises(GraphError, match=message):
        CausalGraph.from_edges(edges, states)


def test_what_is_given_in_order_makes_a_graph():
    given = {"a": np.array(["no", "yes"]), "b": pd.Index(["no", "yes"])}
    graph = CausalGraph.from_edges(iter([["a", "b"]]), given | {"c": ("no", "yes")})
    assert [node.states for node in graph.nodes] == [("no", "yes")] * 3
    assert graph.parents("b") == ("a",)
    given["c"] = dict.fromkeys(["no", "yes"]).keys()
    assert CausalGraph.from_edges(graph.to_networkx().edges, given) == graph


def test_labels_that_look_like_numbers_stay_words():
    graph = load_graph("runner")
    assert graph.node("age").states == ("under_40", "40_54", "55_plus")
    assert graph.node("running_experience").states == ("up_to_6y", "over_6y")


BINARY = ["no", "yes"]


def diamond():
    """A leads to b and c, both to d; e stands alone, and the order of nodes is another."""
    edges = [("a", "b"), ("c", "d"), ("a", "c"), ("b", "d")]
    states = {"d": BINARY, "e": BINARY, "c": list("xyz"), "b": BINARY, "a": list("wxyz")}
    return CausalGraph.from_edges(edges, states, name="diamond")


def test_who_causes_whom():
    graph = diamond()
    assert graph.names == ("d", "e", "c", "b", "a")
    assert graph.topological == ("e", "a", "c", "b", "d")
    assert graph.parents("d") == ("c", "b")
    assert graph.children("a") == ("b", "c")
    assert graph.ancestors("d") == {"a", "b", "c"}
    assert graph.descendants("a") == {"b", "c", "d"}
    assert graph.ancestors("e") == graph.descendants("e") == frozenset()
    assert graph.shape("d") == (3, 2, 2)
    assert [edge.cause for edge in graph.edges_into("d")] == ["c", "b"]


@pytest.mark.parametrize(
    "ask", ["node", "parents", "children", "ancestors", "descendants", "shape", "edges_into"]
)
def test_nobody_is_asked_about_who_is_not_there(ask):
    with pytest.raises(GraphError, match=r"'diamond' has no node 'q'"):
        getattr(diamond(), ask)("q")


def test_the_outcome_is_the_only_sink_or_what_is_stated():
    states = {"a": BINARY, "b": BINARY, "c": BINARY}
    assert CausalGraph.from_edges([("a", "b"), ("a", "c")], states).outcome is None
    assert CausalGraph.from_edges([("a", "b"), ("b", "c")], states).outcome == "c"
    assert CausalGraph.from_edges([("a", "b"), ("b", "c")], states, outcome="b").outcome == "b"
    (edge,) = CausalGraph.from_edges([("a", "b")], states).edges
    assert (edge.origin, edge.grade, edge.prior) == ("stated", "none", None)


def test_networkx_gets_nodes_edges_grades_and_claims():
    graph = load_graph("runner_core")
    digraph = graph.to_networkx()
    assert tuple(digraph) == graph.names
    assert {(c, e): (d["grade"], d["claim"]) for c, e, d in digraph.edges(data=True)} == {
        (edge.cause, edge.effect): (edge.grade, edge.claim) for edge in graph.edges
    }


def family(sizes, prior=None, mechanism=None):
    """A node y of two states whose parents have so many."""
    parents = [Node(f"p{i}", tuple(map(str, range(size)))) for i, size in enumerate(sizes)]
    edges = tuple(Edge(node.name, "y", "c", "stated", "weak", prior) for node in parents)
    return CausalGraph("g", (*parents, Node("y", ("a", "b"), mechanism=mechanism)), edges)


@pytest.mark.parametrize(
    ("graph", "kind"),
    [
        (family([]), "saturated"),
        (family([3, 4]), "saturated"),  # 12 rows
        (family([13]), "ordinal_logit"),
        (family([2, 7]), "ordinal_logit"),
        (family([2], Prior(0.1, 0.1)), "ordinal_logit"),
        (family([13], mechanism="saturated"), "saturated"),
        (family([2], mechanism="noisy_max"), "noisy_max"),
    ],
)
def test_a_small_family_without_priors_is_left_free(graph, kind):
    assert graph.mechanism("y") == kind


def test_items_and_responses_are_told_apart_from_the_rest():
    kinds = {"x": None, "i": "item", "z": None, "r": "response"}
    states = {"r": ("answered", "not_answered")}
    nodes = tuple(Node(n, states.get(n, ("a", "b")), mechanism=k) for n, k in kinds.items())
    edges = (
        Edge("x", "i", "c", "measurement", "weak"),
        Edge("z", "r", "c", "measurement", "weak", Prior(0, 1)),
    )
    assert CausalGraph("g", nodes, edges).items == ("i", "r")


def test_a_role_is_played_by_the_nodes_and_groups_that_it_names():
    nodes = tuple(
        Node(name, ("a", "b"), group=group)
        for name, group in [("x", "first"), ("y", ""), ("z", "second"), ("w", "first")]
    )
    roles = Roles(advised=("z", "first"), compared=("y",))
    graph = CausalGraph("g", nodes, roles=roles)
    assert graph.playing("advised") == ("x", "z", "w")
    assert graph.playing("compared") == ("y",)
    assert graph.playing("passing") == ()


def test_the_packaged_roles_name_what_they_should():
    graph = load_graph("runner")
    assert graph.playing("passing") == ("impact_load", "lumbar_load")
    assert graph.playing("compared") == ("age", "sex", "running_experience")
    assert all(graph.node(name).modifiable for name in graph.playing("advised"))
    levels = set(graph.playing("proximal")), set(graph.playing("distal"))
    assert levels[0].isdisjoint(levels[1])
    assert levels[0] | levels[1] <= graph.ancestors("pain")
    assert graph.playing("traits") == ("age", "sex")
    behaviours = tuple(n.name for n in graph.nodes if n.group in ("context", "behaviour"))
    assert graph.playing("healthy") == behaviours


def test_own_words_are_those_that_are_stated():
    nodes = (Node("x", ("a", "b"), label="The x"), Node("y", ("a", "b"), labels=("low", "high")))
    graph = CausalGraph("g", nodes, groups=(("k", "Kind"),))
    assert graph.own_words == {
        "nodes": {"x": "The x"},
        "states": {"y": {"a": "low", "b": "high"}},
        "groups": {"k": "Kind"},
    }
