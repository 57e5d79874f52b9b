"""All mistakes of a graph at once."""

import pytest

from backrisk import CausalGraph, Edge, GraphError, Node, load_graph
from backrisk.graph.problems import failure

WRONG = """
name: wrong
outcome: nobody
colour: red
nodes:
  x: {states: [no, yes], margin: [0.3, 0.6], concentration: much}
  y: {states: [low, low, high], mechanism: satured}
  z: {states: no}
  w: {states: [a, b], fixed: 1}
edges:
  - {cause: x, effect: y, claim: c, grade: weka}
  - {cause: y, effect: v, claim: c, grade: weak}
  - {cause: z, effect: w, claim: c, grade: weak, prior: 3}
  - {cause: w, effect: x, claim: c}
  - {cause: x, effect: w, claim: c, grade: weak}
  - [x, y]
roles: {advised: [xx], compared: z}
left_out: {x: Nobody asked.}
"""
TOLD = [
    "unknown key 'colour'",
    "'concentration' should be a number, got 'much'",
    "node 'z': expected a mapping with a list of 'states'",
    "node 'w': 'fixed' should be true or false",
    "edge z -> w: expected a prior such as {mean: 0.3, sd: 0.3}, got 3",
    "edge w -> x has no 'grade'",
    "an edge needs 'cause' and 'effect', got ['x', 'y']",
    "roles: 'compared' should be a list",
    "node 'x': the margin [0.3, 0.6] should be 2 shares",
    "node 'y': unknown mechanism 'satured'",
    "node 'y': state 'low' is repeated",
    "edge x -> y: unknown grade 'weka'",
    "edge y -> v: unknown node 'v'",
    "role 'advised' names 'xx'",
    "'x' is said to be left out, but is a node",
    "outcome: unknown node 'nobody'",
    "has a cycle: x -> w -> x",
]


def test_every_mistake_is_told_once(tmp_path):
    path = tmp_path / "wrong.yaml"
    path.write_text(WRONG, encoding="utf-8")
    with pytest.raises(GraphError) as raised:
        load_graph(path)
    problems = raised.value.problems
    for told in TOLD:
        assert [told in problem for problem in problems].count(True) == 1, told
    assert len(problems) == len(TOLD)
    lines = str(raised.value).split("\n  ")
    assert lines[0] == f"{path} has {len(TOLD)} mistakes:"
    assert lines[1:] == list(problems)


def test_one_mistake_is_a_sentence_alone():
    with pytest.raises(GraphError) as raised:
        CausalGraph("g", (Node("x", ("a", "b")),), outcome="y")
    assert raised.value.problems == (str(raised.value),)
    assert str(raised.value) == "Graph 'g': outcome: unknown node 'y'."


def test_very_many_mistakes_are_counted_and_the_first_printed():
    error = failure("It", (f"Mistake {k}." for k in range(50)))
    assert len(error.problems) == 50
    assert str(error).startswith("It has 50 mistakes:\n  Mistake 0.\n")
    assert str(error).endswith("Mistake 19.\n  and 30 more.")
    assert failure("It", ()) is None
    edges = tuple(Edge(f"a{k}", f"b{k}", "c", "stated", "weak") for k in range(5000))
    with pytest.raises(GraphError) as raised:
        CausalGraph("g", tuple(Node(f"n{k}", ("a", "b")) for k in range(5000)), edges)
    assert len(raised.value.problems) == 200
