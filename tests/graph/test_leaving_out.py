"""Graphs without some of their nodes."""

import pytest

from backrisk.errors import GraphError
from backrisk.graph import CausalGraph, Edge, Figure, Lagged, Node, Prevalence, Roles, load_graph

TWO = ("no", "yes")
WHY = {"u": "Nobody was asked."}


def edge(cause, effect):
    return Edge(cause, effect, "Said.", "stated", "weak")


GRAPH = CausalGraph(
    "whole",
    (
        Node("u", TWO, group="habits"),
        Node("x", TWO),
        Node("m", TWO, mechanism="ordinal_logit", interactions=(("u", "x"), ("x", "w"))),
        Node("w", TWO),
        Node("y", TWO),
    ),
    (edge("u", "m"), edge("x", "m"), edge("w", "m"), edge("m", "y"), edge("u", "y")),
    lagged=(Lagged("y", "u", "Said."), Lagged("y", "x", "Said.")),
    outcome="y",
    roles=Roles(proximal=("m",), distal=("u", "x"), advised=("habits",)),
    figures=(
        Figure("x", "y", "other"),
        Figure("u", "y", "other"),
        Figure("x", "y", "other", adjusted_for=("u",)),
    ),
    prevalences=(Prevalence("u", ("yes",), 0.2), Prevalence("x", ("yes",), 0.2)),
)


def test_all_that_was_said_of_a_node_goes_with_it():
    less = GRAPH.without(WHY)
    assert less.names == ("x", "m", "w", "y")
    assert [(e.cause, e.effect) for e in less.edges] == [("x", "m"), ("w", "m"), ("m", "y")]
    assert less.node("m").interactions == (("x", "w"),)
    assert [(e.cause, e.effect) for e in less.lagged] == [("y", "x")]
    assert less.roles == Roles(proximal=("m",), distal=("x",))
    # A figure that is adjusted for the node is no figure of the rest.
    assert less.figures == GRAPH.figures[:1]
    assert [p.node for p in less.prevalences] == ["x"]
    assert [(left.name, left.reason) for left in less.left_out] == [("u", "Nobody was asked.")]
    assert less.outcome == "y"


def test_who_asks_for_the_node_is_told_why_it_is_not_there():
    less = GRAPH.without(WHY)
    assert less.near("u") == " (left out: Nobody was asked)"
    assert less.near("xs") == " (did you mean 'x'?)"
    assert less.near("columm", ["column"]) == " (did you mean 'column'?)"
    assert less.near("nothing like it") == ""
    with pytest.raises(GraphError, match=r"no node 'u' \(left out: Nobody was asked\)\."):
        less.node("u")


def test_leaving_out_once_is_enough():
    less = GRAPH.without(WHY)
    assert less.without(WHY) is less
    assert GRAPH.without({}) is GRAPH
    assert CausalGraph.from_dict(less.to_dict()) == less


def test_what_cannot_be_left_out():
    with pytest.raises(GraphError, match="no node 'ux'"):
        GRAPH.without({"ux": "Why."})
    with pytest.raises(GraphError, match="is about 'y', which cannot be left out"):
        GRAPH.without({"y": "Why."})
    with pytest.raises(GraphError, match="without a reason"):
        GRAPH.without({"u": ""})
    one = CausalGraph("one", (Node("x", TWO),), ())
    with pytest.raises(GraphError, match="has no nodes"):
        one.without({"x": "Why."})


@pytest.mark.parametrize("name", load_graph("runner").names)
def test_every_node_of_the_packaged_graph_but_its_outcome_can_be_left_out(name):
    graph = load_graph("runner")
    if name == graph.outcome:
        with pytest.raises(GraphError):
            graph.without({name: "Why."})
    else:
        assert graph.without({name: "Why."}).names == tuple(n for n in graph.names if n != name)
