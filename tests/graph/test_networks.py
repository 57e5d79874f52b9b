"""Graphs of NetworkX, read and written."""

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backrisk import CausalGraph, GraphError, Prior, load_graph, packaged_graphs
from tests.graph.test_plain import FULL
from tests.strategies import every_mechanism, nominal_causes, random_graph


def same(one, other):
    """Whether graphs say the same; the order of edges counts within each family."""
    return one.to_dict() | {"edges": []} == other.to_dict() | {"edges": []} and all(
        one.edges_into(name) == other.edges_into(name) for name in one.names
    )


@given(st.integers(0, 10**6))
def test_random_graphs_go_out_and_in(seed):
    graph = random_graph(np.random.default_rng(seed), 6)
    assert same(CausalGraph.from_networkx(graph.to_networkx()), graph)


@pytest.mark.parametrize(
    "graph", [FULL, every_mechanism(), nominal_causes(), *map(load_graph, packaged_graphs())]
)
def test_all_that_a_graph_says_goes_out_and_in(graph):
    assert same(CausalGraph.from_networkx(graph.to_networkx()), graph)


def test_the_order_of_causes_is_that_of_the_predecessors():
    digraph = nx.DiGraph([("b", "y"), ("a", "y")])
    digraph.add_node("a")
    assert CausalGraph.from_networkx(digraph).parents("y") == ("b", "a")


def test_a_graph_of_others_is_read():
    digraph = nx.DiGraph([("hip extension", "pain"), ("sex", "pain")], colour="red", name="ours")
    digraph.nodes["pain"].update(states=("none", "mild", "severe"), pos=(0, 1), group=2)
    digraph.edges["sex", "pain"].update(weight=0.5, prior=Prior(0.3, 0.2), grade="weak")
    graph = CausalGraph.from_networkx(digraph, {"sex": ["male", "female"]})
    assert graph.names == ("hip_extension", "pain", "sex")
    assert graph.node("hip_extension").label == "hip extension"
    assert graph.shape("pain") == (2, 2, 3)
    assert graph.edges_into("pain")[1].prior == Prior(0.3, 0.2)
    assert (graph.outcome, graph.name, graph.node("pain").group) == ("pain", "ours", "2")


@pytest.mark.parametrize(
    ("digraph", "states", "message"),
    [
        (nx.Graph([("x", "y")]), None, "Expected a directed graph of NetworkX, got a Graph"),
        (3, None, "got a int"),
        (nx.MultiDiGraph([("x", "y")]), None, "several edges between two nodes"),
        (nx.DiGraph([("x y", "x-y")]), None, "'x-y', would both be called x_y"),
        (nx.DiGraph([("x", "y"), ("y", "x")]), None, "has a cycle"),
        (nx.DiGraph([("x", "y")]), {"z": ["no", "yes"]}, "given for 'z', which is not a node"),
        (nx.DiGraph([("x", "y")]), {"x": {"no", "yes"}}, "states of 'x' should be a list"),
    ],
)
def test_what_is_no_dag_is_refused(digraph, states, message):
    with pytest.raises(GraphError, match=message):
        CausalGraph.from_networkx(digraph, states)


@pytest.mark.parametrize("states", [np.array([0, 1]), [np.int64(0), np.float64(1)], range(2)])
def test_states_may_be_numbers_of_any_library(states):
    digraph = nx.DiGraph([("a", "b")])
    digraph.nodes["a"]["states"] = states
    assert CausalGraph.from_networkx(digraph).node("a").states == ("0", "1")
    by_name = CausalGraph.from_networkx(nx.DiGraph([("a", "b")]), {"a": states})
    assert by_name.node("a").states == ("0", "1")
