"""Graphs as DAGitty writes and reads them."""

import string
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backrisk import CausalGraph, GraphError, Node, load_graph
from backrisk.graph import Roles
from tests.strategies import random_graph

# As dagitty.net writes it: a box, positions, sorted lines, another spelling for a role.
FROM_THE_SITE = """
dag {
bb="-2.2,-3.1,2.1,2.9"
"low mood" [latent,pos="-0.4,-1.4"]
back.pain [outcome,pos="1.2,0.3",label="Low back pain"]
core [exposure,pos="-1.4,0.3"]
sex [adjusted,pos="-0.1,1.5"]
study [selected]
"low mood" -> back.pain [beta=".4"]
"low mood" -> core
core -> back.pain [pos="0.1,0.2"]
sex -> { back.pain core } -> study
}
"""


def test_what_the_site_writes_is_read():
    graph = CausalGraph.from_dagitty(FROM_THE_SITE)
    assert graph.names == ("low_mood", "back_pain", "core", "sex", "study")
    assert graph.parents("back_pain") == ("low_mood", "core", "sex")
    assert graph.parents("study") == ("back_pain", "core")
    assert graph.outcome == "back_pain"
    assert graph.node("back_pain").label == "Low back pain"
    assert graph.roles == Roles(
        exposure=("core",), latent=("low_mood",), adjusted=("sex",), selected=("study",)
    )


@pytest.mark.parametrize(
    "text",
    ["dag{x->y}", "dag {\nx\n->\ny\n}", "digraph g { x -> y; }", "x -> y", "DAG { y <- x x }",
     'strict dag "g" {"x" -> "y"}', "dag { bb=\"0,0,1,1\" x [e] y [target] x -> y z -> z2 }"],
)  # fmt: skip
def test_its_dialects_say_the_same(text):
    graph = CausalGraph.from_dagitty(text)
    assert graph.parents("y") == ("x",)
    assert graph.outcome in ("y", "z2")


def test_a_bidirected_edge_is_a_common_cause_that_nobody_measures():
    graph = CausalGraph.from_dagitty("dag { x <-> y -> z x <-> y u_y_z y <-> z }")
    assert graph.roles.latent == ("u_x_y", "u_y_z_")
    assert set(graph.children("u_x_y")) == {"x", "y"}
    assert graph.node("u_x_y").states == ("no", "yes")
    assert CausalGraph.from_dagitty(graph.to_dagitty()) == graph


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("pdag { x -> y }", "a graph of the kind 'pdag' is no DAG"),
        ("mag { x -> y }", "kind 'mag'"),
        ("graph { x -- y }", "kind 'graph'"),
        ("dag { x -- y }", "line 1: the edge '--' has no direction"),
        ("dag {\n x @-> y }", "line 2: the edge '@->'"),
        ("dag { x -> y", "expected a closing brace"),
        ("dag { x -> y } z", "line 1: found 'z', expected nothing more"),
        ("dag { x + y -> z }", r"found '\+', expected the name of a node"),
        ("dag { x [outcome] y [o] }", "Several nodes are outcomes: x and y"),
        ("dag { x -> y -> x }", "has a cycle"),
    ],
)
def test_what_is_no_dag_is_refused(text, message):
    with pytest.raises(GraphError, match=message):
        CausalGraph.from_dagitty(text)


def test_the_outcome_may_be_chosen_among_several():
    text = "dag { x [outcome] y [outcome] x -> y }"
    assert CausalGraph.from_dagitty(text, outcome="x").outcome == "x"


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1)
NAMES = st.from_regex(r"[A-Za-zäß_][A-Za-z0-9ß_]{0,6}", fullmatch=True)


@given(st.data(), st.integers(0, 10**6))
def test_out_and_in_is_the_same_graph(data, seed):
    rng = np.random.default_rng(seed)
    graph = random_graph(rng, 5)
    count = len(graph.names)
    names = data.draw(st.lists(NAMES, min_size=count, max_size=count, unique_by=Node_name))
    states = st.lists(TEXT, min_size=2, max_size=4, unique_by=lambda t: Node("x", (t, t)).states[0])
    labels = {
        node: data.draw(states.filter(lambda s: all(Node("x", tuple(s)).states))) for node in names
    }
    new = dict(zip(graph.names, names, strict=True))
    pairs = [(new[edge.cause], new[edge.effect]) for edge in graph.edges]
    graph = CausalGraph.from_edges(pairs, labels, outcome=new[graph.outcome], name="mine")
    chosen = [tuple(n for n in graph.names if rng.random() < 0.3) for _ in range(3)]
    roles = Roles(exposure=chosen[0], latent=chosen[1], adjusted=chosen[2])
    nodes = tuple(replace(node, labels=()) for node in graph.nodes)
    graph = replace(graph, roles=roles, nodes=nodes)
    assert CausalGraph.from_dagitty(graph.to_dagitty()) == graph


def Node_name(name):
    return Node(name, ("no", "yes")).name


@given(st.text(string.printable, min_size=1).filter(lambda t: " ".join(t.split())))
def test_a_label_goes_out_and_in(label):
    node = replace(Node("x", ("no", "yes")), label=label)
    again = CausalGraph.from_dagitty(CausalGraph("g", (node,)).to_dagitty()).node("x").label
    assert again == " ".join(label.split()).replace("\\", "/")


def test_a_packaged_graph_keeps_nodes_states_and_edges():
    graph = load_graph("runner")
    again = CausalGraph.from_dagitty(graph.to_dagitty())
    assert again.names == graph.names
    for name in graph.names:
        assert again.parents(name) == graph.parents(name)
        assert again.node(name).states == graph.node(name).states
    assert (again.name, again.outcome) == (graph.name, graph.outcome)
