"""The graphs one edge away: all of them, none twice, none that cannot be."""

from collections import Counter
from dataclasses import replace

import networkx as nx
import numpy as np
import pytest
from strategies import every_mechanism, random_graph, runner_with_items

from backrisk import CausalGraph, Prior, QueryError, load_graph
from backrisk.check import neighbours_of


def edges_of(graph):
    return frozenset((edge.cause, edge.effect) for edge in graph.edges)


def by_definition(graph):
    """Every DAG whose edges differ in one pair of nodes."""
    own = edges_of(graph)
    found = set()
    for a in graph.names:
        for b in graph.names:
            if a == b:
                continue
            for other in (own - {(a, b)}, own - {(b, a)} | {(a, b)}):
                digraph = nx.DiGraph(list(other))
                if other != own and nx.is_directed_acyclic_graph(digraph):
                    found.add(other)
    return found


@pytest.mark.parametrize("seed", range(5))
def test_each_graph_one_edge_away_is_there_once(seed):
    graph = random_graph(np.random.default_rng(seed), 5)
    found = neighbours_of(graph)
    each = Counter(edges_of(one.graph) for one in found.neighbours)
    assert set(each) == by_definition(graph)
    assert set(each.values()) == {1}
    assert {one.why for one in found.ruled_out} <= {"cycle"}
    assert len(found.table) == len(found.neighbours)
    # Without stated priors none is made up, so that mechanisms stay as they are.
    assert all(one.prior is None for one in found.neighbours)


def test_nothing_causes_a_trait_nor_what_is_called_impossible():
    graph = load_graph("runner")
    barred = ("pain", "low_mood")
    found = neighbours_of(graph, impossible=[barred])
    into = {
        (each.effect, each.cause) if each.kind == "reverse" else (each.cause, each.effect)
        for each in found.neighbours
        if each.kind != "drop"
    }
    for each in found.neighbours[::29]:  # any of them makes a graph
        edge = each.graph.edges[-1]
        assert each.kind == "drop" or (edge.cause, edge.effect) in into
    assert not {effect for _, effect in into} & set(graph.playing("traits"))
    assert barred not in into
    assert {one.why for one in found.ruled_out} == {"cycle", "trait", "stated"}
    assert "age" in {one.cause for one in found.ruled_out if one.why == "trait"}


def test_those_asked_about_come_first_and_answers_to_items_stay():
    graph = runner_with_items()
    found = neighbours_of(graph, causes=["fatigue"])
    path = (graph.descendants("fatigue") | {"fatigue"}) & (graph.ancestors("pain") | {"pain"})
    asked = [one.asked for one in found.neighbours]
    assert asked == sorted(asked, reverse=True)
    for one in found.neighbours:
        assert one.asked == ({one.cause, one.effect} <= path)
        assert not {one.cause, one.effect} & set(graph.items)


def test_a_dropped_cause_takes_its_interaction_and_a_reversed_edge_keeps_its_prior():
    graph = every_mechanism()
    found = {one.name: one for one in neighbours_of(graph, added=Prior(0.2, 0.3)).neighbours}
    assert found["drop a -> o"].graph.node("o").interactions == ()
    assert found["drop a -> o"].changed == ("o",)
    back = found["reverse a -> o"]
    assert back.changed == ("o", "a")
    assert back.graph.edges_into("a")[0].prior == Prior(0.5, 0.5)
    assert found["add a -> b"].graph.edges_into("b")[-1].prior == Prior(0.2, 0.3)
    assert "a affects b directly" in found["add a -> b"].sentence


def test_what_makes_no_question_is_refused():
    graph = load_graph("runner_core")
    for asked, said in (
        ({"target": "pian"}, "did you mean 'pain'"),
        ({"causes": ["pain"]}, "no cause of 'pain'"),
        ({"impossible": [("pain", "nobody")]}, "'nobody' is not a node"),
        ({"kinds": ["turn"]}, "turn"),
    ):
        with pytest.raises(QueryError, match=said):
            neighbours_of(graph, **asked)
    with pytest.raises(QueryError, match="no outcome"):
        neighbours_of(replace(graph, outcome=None), causes=["fatigue"])
    alone = neighbours_of(CausalGraph.from_text("x"))
    assert alone.neighbours == ()
    assert "0 graphs with an edge reversed" in alone.text
