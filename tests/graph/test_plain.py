"""The plain form: what is read has its types, what is written is read again as it was."""

import json
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from backrisk import CausalGraph, Edge, GraphError, Node, Prior, _yaml, load_graph
from backrisk.graph import Figure, Lagged, LeftOut, Prevalence, Roles
from tests.strategies import random_graph

TWO = {"states": ["no", "yes"]}
EDGE = {"cause": "x", "effect": "y", "claim": "c", "grade": "weak"}
GOOD = {"name": "g", "nodes": {"x": TWO, "y": TWO}, "edges": [EDGE]}

FULL = CausalGraph(
    "full",
    (
        Node("a", ("x", "y", "z"), "A.", "first", True, (0.2, 0.3, 0.5), "made", 5.0, label="An A"),
        Node("b", ("x", "y"), labels=("less", "more")),
        Node("c", ("u", "v"), mechanism="ordinal_logit", interactions=(("a", "b"),)),
        Node("i", ("u", "v"), mechanism="item", reliability=0.5),
        Node("k", ("u", "v", "w"), nominal=True),
        Node("j", ("u", "v"), mechanism="item", misclassification=((0.9, 0.1), (0, 1)), fixed=True),
    ),
    (
        Edge("a", "c", "a leads to c.", "described", "strong", Prior(0.5, 0.25), ("doi", "other")),
        Edge("b", "c", "b leads to c.", "literature", "none"),
        Edge("k", "c", "k leads to c.", "stated", "weak",
             state_priors=(("w", Prior(0.1, 0.2)), ("v", Prior(0.3, 0.4)))),
        Edge("c", "i", "i tells of c.", "measurement", "weak"),
        Edge("c", "j", "j tells of c.", "measurement", "weak"),
    ),
    (Lagged("c", "a", "c wears a out."),),
    "c",
    "A title",
    "A description.",
    Roles(proximal=("c",), distal=("first",), compared=("b",)),
    (("first", "The first"), ("", "The rest")),
    "words",
    (Figure("a", "c", "OR", 2.0, 1.5, 3.0, ("x", "y"), ("z",), "c>=v", ("b",), n=7),),
    (Prevalence("a", ("y", "z"), 0.4, "a share", 2, 5, "Someone 2001", "10.1/X"),),
    (LeftOut("d", "Nobody asked."),),
)  # fmt: skip


@pytest.mark.parametrize("graph", [FULL, *map(load_graph, ("runner", "runner_core"))])
def test_what_is_written_is_read_again_as_it_was(graph, tmp_path):
    plain = json.loads(json.dumps(graph.to_dict()))
    (tmp_path / "a.yaml").write_text(graph.to_yaml(), encoding="utf-8")
    (tmp_path / "a.json").write_text(json.dumps(plain), encoding="utf-8")
    files = load_graph(tmp_path / "a.yaml"), load_graph(tmp_path / "a.json")
    for again in (CausalGraph.from_dict(plain), *files):
        assert again == graph
        for field in fields(graph):
            assert getattr(again, field.name) == getattr(graph, field.name)


STATES = st.lists(
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=6)
    | st.sampled_from(["no", "010", "08", "1.50", "1e3", "~", "true", "2002-02-30", "- a", "#"])
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.booleans(),
    min_size=2,
    max_size=4,
)


@given(st.data(), st.integers(0, 10**6))
def test_random_graphs_are_written_and_read_as_they_were(data, seed):
    graph = random_graph(np.random.default_rng(seed), 4)
    states = {}
    for name in graph.names:
        given_ = data.draw(STATES)
        spelled = Node(name, tuple(given_)).states
        assume("" not in spelled and len(set(spelled)) == len(spelled))
        states[name] = given_
    pairs = [(edge.cause, edge.effect) for edge in graph.edges]
    graph = CausalGraph.from_edges(pairs, states, outcome=graph.outcome)
    assert CausalGraph.from_dict(_yaml.parse(graph.to_yaml())) == graph


def test_the_spelling_of_words_that_look_like_numbers_stays():
    text = """
nodes:
  x: {states: [010, 08, 0x1f, 1e3, no, 2002-02-30, 1.50, true], labels: [1, 02, 3, 4, 5, 6, 7, ~8]}
  y: {states: [010, 1.50]}
  z: {states: [1.0, 2.0, "3.00"]}
"""
    x, y, z = CausalGraph.from_dict(_yaml.parse(text)).nodes
    assert x.states == ("010", "08", "0x1f", "1e3", "no", "2002-02-30", "1.5", "true")
    assert x.labels == ("1", "02", "3", "4", "5", "6", "7", "~8")
    assert (y.states, y.labels) == (("010", "1.5"), ("010", "1.50"))  # read as it was given
    assert (z.states, z.labels) == (("1", "2", "3"), ())
    assert [y.code(label) for label in ("010", 1.5, " 1.500", "1.5")] == [0, 1, 1, 1]


def test_what_is_as_if_left_out_is_not_written():
    plain = CausalGraph.from_dict(GOOD).to_dict()
    assert plain == {**GOOD, "edges": [{**EDGE, "origin": "stated"}]}
    assert FULL.to_dict()["roles"] == {"proximal": ["c"], "distal": ["first"], "compared": ["b"]}
    assert FULL.to_dict()["groups"] == {"first": "The first", "": "The rest"}
    assert FULL.to_dict()["left_out"] == {"d": "Nobody asked."}
    assert FULL.to_dict()["edges"][0]["prior"] == {"mean": 0.5, "sd": 0.25}
    each = {"w": {"mean": 0.1, "sd": 0.2}, "v": {"mean": 0.3, "sd": 0.4}}
    assert FULL.to_dict()["edges"][2]["prior"] == each


def test_what_is_left_out_is_read_as_if_stated():
    graph = CausalGraph.from_dict({"nodes": {"x": TWO}}, "somewhere.yaml")
    assert graph == CausalGraph("somewhere.yaml", (Node("x", ("no", "yes")),))
    again = CausalGraph.from_dict({**GOOD, "roles": None, "groups": None, "outcome": None})
    assert (again.roles, again.groups, again.outcome) == (Roles(), (), None)
    assert again.edges == (Edge("x", "y", "c", "stated", "weak"),)


def test_words_that_yaml_took_for_numbers_are_words():
    nodes = {"x": {"states": [0, 1.5, True], "labels": [1, 2, 3], "group": 7, "label": 8}}
    graph = CausalGraph.from_dict({"name": 5, "nodes": nodes, "groups": {7: 9}, "title": 2})
    (node,) = graph.nodes
    assert node.states == ("0", "1.5", "true")
    assert (node.labels, node.group, node.label) == (("1", "2", "3"), "7", "8")
    assert (graph.name, graph.groups, graph.title) == ("5", (("7", "9"),), "2")


def changed(**parts):
    return {**GOOD, **parts}


def x(**parts):
    return changed(nodes={**GOOD["nodes"], "x": {**TWO, **parts}})


def edges(**parts):
    return changed(edges=[{**EDGE, **parts}])


BAD = [
    (3, "^g.yaml: expected a mapping with 'nodes'"),
    ({"nodes": ["x"]}, "^g.yaml: expected a mapping"),
    (changed(egdes=[]), r"^g.yaml: unknown key 'egdes' \(did you mean 'edges'\?\)"),
    (changed(name=["g"]), r"^g.yaml: name: expected text, got \['g'\]"),
    (changed(outcome=["y"]), r"^g.yaml: outcome: expected text, got \['y'\]"),
    (changed(title={}), "^g.yaml: title: expected text"),
    (changed(vocabulary=[]), "^g.yaml: vocabulary: expected text"),
    ({"nodes": {"x": ["no"]}}, "^g.yaml: node 'x': expected a mapping with a list of"),
    ({"nodes": {"x": {"states": "no"}}}, "node 'x': expected a mapping with a list of"),
    (x(colour=1), "^g.yaml: node 'x': unknown key 'colour'"),
    (x(name="x"), "node 'x': unknown key 'name'"),
    (x(states=["no", None]), "node 'x', states: expected text, got None"),
    (x(labels="no"), "node 'x': 'labels' should be a list, got 'no'"),
    (x(labels=[[]]), r"node 'x', labels: expected text, got \[\]"),
    (x(description=[]), "node 'x', description: expected text"),
    (x(label=[]), "node 'x', label: expected text"),
    (x(modifiable="no"), "node 'x': 'modifiable' should be true or false, got 'no'"),
    (x(nominal="yes"), "node 'x': 'nominal' should be true or false, got 'yes'"),
    (x(fixed=1), "node 'x': 'fixed' should be true or false, got 1"),
    (x(reliability=[]), "node 'x': 'reliability' should be a number, got \\[\\]"),
    (x(concentration="much"), "node 'x': 'concentration' should be a number, got 'much'"),
    (x(margin=0.5), "node 'x': 'margin' should be a list of numbers, got 0.5"),
    (x(margin=["a"]), "node 'x': 'margin' should be a list of numbers, .*'a'"),
    (x(misclassification=[0.5]), "node 'x': 'misclassification' should be a list of rows"),
    (x(interactions=[["a"]]), "node 'x': 'interactions' should be a list of pairs"),
    (changed(edges=3), "^g.yaml: 'edges' should be a list, got 3"),
    (changed(edges=["x"]), "^g.yaml: an edge needs 'cause' and 'effect', got 'x'"),
    (changed(edges=[{"cause": "x"}]), "an edge needs 'cause' and 'effect'"),
    (edges(colour=1), "^g.yaml: edge x -> y: unknown key 'colour'"),
    (edges(grade=""), "^g.yaml: edge x -> y has no 'grade'"),
    (edges(claim=None), "^g.yaml: edge x -> y has no 'claim'"),
    (edges(prior=3), r"edge x -> y: expected a prior such as {mean: 0.3, sd: 0.3}, got 3"),
    (edges(prior={"mean": 1}), "expected a prior"),
    (edges(prior={"mean": 1, "sd": "a"}), "expected a prior"),
    (edges(prior={"b": {"mean": 1}}), "expected a prior such as .*, got {'b': {'mean': 1}}"),
    (edges(prior={"b": {"mean": 1, "sd": 1}, "c": 1}), "expected a prior such as"),
    (edges(prior={}), "expected a prior such as"),
    (edges(state_priors={}), "edge x -> y: unknown key 'state_priors'"),
    (edges(citations="doi"), "edge x -> y: 'citations' should be a list, got 'doi'"),
    (edges(citations=[{}]), "edge x -> y, citations: expected text, got {}"),
    (changed(lagged={}), "^g.yaml: 'lagged' should be a list"),
    (changed(lagged=["x"]), "^g.yaml: a lagged edge needs .* got 'x'"),
    (changed(lagged=[{"cause": "x", "claim": "c"}]), "a lagged edge needs 'cause', 'effect' and"),
    (changed(lagged=[{"cause": "x", "effect": "y"}]), "lagged edge x -> y has no 'claim'"),
    (changed(tied=["x"]), "'tied' should map each node"),
    (changed(roles=["x"]), r"^g.yaml: 'roles' should map .* got \['x'\]"),
    (changed(roles={"proximate": []}), r"roles: unknown key 'proximate' .*'proximal'"),
    (changed(roles={"advised": "x"}), "^g.yaml: roles: 'advised' should be a list, got 'x'"),
    (changed(roles={"advised": [None]}), "roles, advised: expected text, got None"),
    (changed(groups=["a"]), r"^g.yaml: 'groups' should map .* got \['a'\]"),
    (changed(groups={"a": None}), "^g.yaml: groups, a: expected text, got None"),
    (changed(left_out=["a"]), r"^g.yaml: 'left_out' should map .* got \['a'\]"),
    (changed(left_out={"a": None}), "^g.yaml: left_out, a: expected text, got None"),
    (changed(figures=3), "^g.yaml: 'figures' should be a list, got 3"),
]  # fmt: skip


@pytest.mark.parametrize(("data", "message"), BAD)
def test_what_is_no_plain_form_is_refused_with_its_place(data, message):
    with pytest.raises(GraphError, match=message) as raised:
        CausalGraph.from_dict(data, "g.yaml")
    assert "\n" not in str(raised.value)
