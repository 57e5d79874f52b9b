"""Orders, ancestors and cycles are those of NetworkX, which is too slow to load for a question."""

import networkx as nx
import numpy as np
import pytest

from backrisk.graph.order import ancestors, find_cycle, topological


def shuffled(rng, nodes, density, acyclic):
    """Parents of a random graph, whose order of nodes says nothing of that of causes."""
    names = [f"n{i}" for i in range(nodes)]
    rng.shuffle(names)
    parents = {name: [] for name in names}
    hidden = list(names)
    rng.shuffle(hidden)
    for i, cause in enumerate(hidden):
        for j, effect in enumerate(hidden):
            if (i < j if acyclic else i != j) and rng.random() < density:
                parents[effect].append(cause)
    return parents


def digraph(parents):
    found = nx.DiGraph()
    found.add_nodes_from(parents)
    found.add_edges_from((cause, name) for name, causes in parents.items() for cause in causes)
    return found


@pytest.mark.parametrize("seed", range(20))
def test_order_and_ancestors_equal_networkx(seed):
    rng = np.random.default_rng(seed)
    parents = shuffled(rng, int(rng.integers(1, 15)), 0.25, acyclic=True)
    place = list(parents).index
    expected = nx.lexicographical_topological_sort(digraph(parents), key=place)
    assert list(topological(parents)) == list(expected)
    assert ancestors(parents) == {name: nx.ancestors(digraph(parents), name) for name in parents}
    assert find_cycle(parents) == ()


@pytest.mark.parametrize("seed", range(20))
def test_a_cycle_is_one_of_the_graphs_and_starts_at_its_first_node(seed):
    rng = np.random.default_rng(seed)
    parents = shuffled(rng, int(rng.integers(2, 10)), 0.3, acyclic=False)
    cycle = find_cycle(parents)
    if nx.is_directed_acyclic_graph(digraph(parents)):
        assert cycle == ()
        return
    for cause, effect in zip(cycle, (*cycle[1:], cycle[0]), strict=True):
        assert cause in parents[effect]
    assert len(set(cycle)) == len(cycle)
    assert cycle[0] == min(cycle, key=list(parents).index)
