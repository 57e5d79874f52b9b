"""Markov equivalence, by its definition: the same separations."""

import itertools

import networkx as nx
import pytest

from backrisk import CausalGraph, QueryError
from backrisk.check import equivalence_classes, markov_equivalent

NAMES = "abcd"


def every_dag():
    pairs = list(itertools.combinations(NAMES, 2))
    for choice in itertools.product((None, False, True), repeat=len(pairs)):
        edges = [
            pair[::-1] if back else pair
            for pair, back in zip(pairs, choice, strict=True)
            if back is not None
        ]
        digraph = nx.DiGraph(edges)
        digraph.add_nodes_from(NAMES)
        if nx.is_directed_acyclic_graph(digraph):
            yield digraph, edges


def separations(digraph):
    return frozenset(
        (pair, given)
        for pair in itertools.combinations(NAMES, 2)
        for rest in [[n for n in NAMES if n not in pair]]
        for size in range(len(rest) + 1)
        for given in itertools.combinations(rest, size)
        if nx.is_d_separator(digraph, {pair[0]}, {pair[1]}, set(given))
    )


def made(edges):
    return CausalGraph.from_edges(edges, {name: ["no", "yes"] for name in NAMES}, outcome="d")


def test_graphs_of_four_nodes_are_equivalent_where_they_imply_the_same_separations():
    """All 543 of them; of 185 classes (Gillispie and Perlman 2002)."""
    by_definition = {}
    for digraph, edges in every_dag():
        by_definition.setdefault(separations(digraph), []).append(edges)
    assert sum(map(len, by_definition.values())) == 543
    first = {f"{n}": made(edges[0]) for n, edges in enumerate(by_definition.values())}
    assert len(equivalence_classes(first)) == len(by_definition) == 185
    for edges in by_definition.values():
        one = made(edges[0])
        assert all(markov_equivalent(one, made(o)).verdict == "equivalent" for o in edges[1:])


def test_what_differs_is_named_and_what_is_hidden_leaves_it_open():
    chain, collider = made([("a", "b"), ("b", "c")]), made([("a", "b"), ("c", "b")])
    found = markov_equivalent(chain, collider)
    assert (found.verdict, found.pairs, found.colliders) == ("different", (), (("a", "b", "c"),))
    assert "a and c meet in b" in found.text
    assert found.table["nodes"].tolist() == ["a, b, c"]
    hidden = markov_equivalent(chain, collider, observed=["a", "c", "d"])
    assert hidden.verdict == "not_known"
    assert "nobody is observed in b" in hidden.text
    # Enough, whoever is hidden.
    assert markov_equivalent(chain, made([("b", "a"), ("b", "c")]), observed=[]).verdict == (
        "equivalent"
    )
    more = markov_equivalent(chain, made([("a", "b"), ("b", "c"), ("a", "d")]))
    assert (more.pairs, more.verdict) == ((("a", "d"),), "different")
    assert "a and d are neighbours" in more.text


def test_other_nodes_are_refused():
    with pytest.raises(QueryError, match="different nodes: 'a' and 'b'"):
        markov_equivalent(CausalGraph.from_text("a -> c"), CausalGraph.from_text("b -> c"))
    with pytest.raises(QueryError, match="'z': no node"):
        markov_equivalent(made([]), made([]), observed=["z"])
