"""Paths and their evidence by definition: every path written out."""

from dataclasses import replace
from itertools import pairwise

import networkx as nx
import numpy as np
import pytest
from strategies import random_graph

from backrisk import QueryError, load_graph
from backrisk.graph import GRADES
from backrisk.queries import downstream, strongest_path, weakest_link
from backrisk.queries.paths import worst_grade


@pytest.mark.parametrize("seed", range(40))
def test_the_strongest_path_has_the_best_weakest_edge_and_then_the_fewest(seed):
    rng = np.random.default_rng(seed)
    graph = random_graph(rng, 6, density=0.6)
    edges = tuple(replace(edge, grade=str(rng.choice(GRADES))) for edge in graph.edges)
    graph = replace(graph, edges=edges)
    grade = {(edge.cause, edge.effect): GRADES.index(edge.grade) for edge in edges}
    digraph = graph.to_networkx()
    for cause in graph.names[:-1]:
        paths = [
            list(pairwise(path)) for path in nx.all_simple_paths(digraph, cause, graph.outcome)
        ]
        if not paths:
            with pytest.raises(QueryError, match=f"'{cause}' is not a cause of"):
                strongest_path(graph, cause, graph.outcome)
            continue
        best = min((max(map(grade.get, path)), len(path)) for path in paths)
        found = strongest_path(graph, cause, graph.outcome)
        steps = [(edge.cause, edge.effect) for edge in found]
        assert steps in paths
        assert (max(map(grade.get, steps)), len(steps)) == best
        assert weakest_link(graph, cause, graph.outcome) == GRADES[best[0]]


def test_grades_are_ordered_from_strong_to_contradicted():
    assert worst_grade("strong", "weak", "moderate") == "weak"
    assert worst_grade("none", "contradicted") == "contradicted"
    assert worst_grade("strong") == "strong"


def test_downstream_is_the_node_and_what_follows_from_it():
    graph = load_graph("runner_core")
    assert downstream(graph, "pain") == {"pain"}
    assert downstream(graph, "compensation") == {"compensation", "lumbar_load", "pain"}
