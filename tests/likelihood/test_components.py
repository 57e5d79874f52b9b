"""Components of unobserved nodes are those of the moral graph, given what is observed."""

import itertools

import networkx as nx
import numpy as np
import pytest
from strategies import random_graph

from backrisk.likelihood import Cells, distinct_bytes
from backrisk.likelihood.components import HIDDEN, OBSERVED, components


def expected(graph, row):
    """Connected components by NetworkX, as rows of marks."""
    names, digraph = graph.names, graph.to_networkx()
    seen = {name for name, code in zip(names, row, strict=True) if code >= 0}
    kept = seen.union(*(nx.ancestors(digraph, name) for name in seen))
    hidden = nx.Graph()
    hidden.add_nodes_from(kept - seen)
    families = [{*graph.parents(name), name} for name in kept]
    for family in families:
        hidden.add_edges_from(itertools.combinations(family - seen, 2))
    found = []
    for part in nx.connected_components(hidden):
        touched = set().union(*(family for family in families if family & part))
        found.append(
            tuple(
                0 if n not in touched else HIDDEN if n in part else OBSERVED + int(code)
                for n, code in zip(names, row, strict=True)
            )
        )
    return sorted(found)


@pytest.mark.parametrize("seed", range(30))
def test_components_are_those_of_the_moral_graph(seed):
    rng = np.random.default_rng(seed)
    graph = random_graph(rng, int(rng.integers(2, 9)), density=0.3)
    states = [len(node.states) for node in graph.nodes]
    codes = np.array(
        [[rng.integers(k) if rng.random() < 0.5 else -1 for k in states] for _ in range(20)],
        dtype=np.int8,
    )
    patterns, cases, case_of = components(Cells.of(graph), codes >= 0, codes)
    for place, row in enumerate(codes):
        found = sorted(map(tuple, cases[case_of[patterns == place]].tolist()))
        assert found == expected(graph, row)
    assert len(np.unique(cases, axis=0)) == len(cases)


def test_distinct_rows_are_told_once():
    rows = np.array([[1, 2], [0, 3], [1, 2], [2, 1]], dtype=np.int8)
    distinct, which = distinct_bytes(rows)
    assert len(distinct) == 3
    np.testing.assert_array_equal(distinct[which], rows)
