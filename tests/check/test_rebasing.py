"""How a family is moved: in parts as in one, and never held whole for all draws."""

from dataclasses import replace

import numpy as np
import pytest
from strategies import every_mechanism, random_posterior

from backrisk import CausalGraph, Posterior, QueryError, load_graph
from backrisk.check import rebasing
from backrisk.graph import Layout
from backrisk.inference import cut_from


def drawn(graph, draws):
    return Posterior(graph, *Layout(graph).draw_prior(draws, np.random.default_rng(1)))


@pytest.mark.parametrize("name", ["o", "n"])
def test_parts_give_what_the_whole_gives(name, monkeypatch):
    graph = every_mechanism()
    before = drawn(graph, 7)
    shares = before.marginal(name).T
    wanted = np.tile(shares.min(axis=0) * 0.8, (7, 1))
    wanted[:, -1] = 1.0 - wanted[:, :-1].sum(axis=1)
    whole = rebasing.moved_baseline(before, name, wanted, None)
    monkeypatch.setattr(rebasing, "_CELLS", 2 * np.prod(graph.shape(name)))
    parts = rebasing.moved_baseline(before, name, wanted, None)
    np.testing.assert_allclose(parts.fractions, whole.fractions, atol=1e-13)
    np.testing.assert_allclose(parts.marginal(name).T, wanted, atol=1e-12)


def test_some_draws_of_a_posterior_are_asked_as_its_own():
    graph = every_mechanism()
    before = drawn(graph, 7)
    part = rebasing._Part(before, slice(2, 6))
    at = (np.array([1]), slice(None), np.array([0]))
    for some in (slice(0, 4), slice(1, 3)):
        table = before.table("o")[..., 2:6]
        np.testing.assert_array_equal(part.cut("o", at)(some), cut_from(table, at)(some))


def test_a_table_that_a_model_holds_is_read_back():
    graph = every_mechanism()
    before = drawn(graph, 3)
    wanted = random_posterior(np.random.default_rng(2), graph, 3)
    for name in ("a", "s", "i", "o", "m"):
        after = rebasing.with_table(before, name, wanted.cpt(name))
        np.testing.assert_allclose(after.cpt(name), wanted.cpt(name), atol=1e-14)
        others = [other for other in graph.names if other != name]
        assert all((after.cpt(each) == before.cpt(each)).all() for each in others)


def test_shares_near_the_ends_are_reached():
    graph = every_mechanism()
    before = drawn(graph, 5)
    for low in (1e-9, 1 - 1e-9):
        wanted = np.tile([1 - low, low], (5, 1))
        after = rebasing.moved_baseline(before, "o", wanted, 2)
        np.testing.assert_allclose(after.marginal("o")[2], low, rtol=1e-9, atol=1e-14)


def test_an_error_that_is_fixed_is_not_moved():
    graph = every_mechanism()
    nodes = tuple(
        replace(node, fixed=True, reliability=None, misclassification=((0.9, 0.05, 0.05),) * 3)
        if node.name == "i"
        else node
        for node in graph.nodes
    )
    fixed = drawn(CausalGraph("fixed", nodes, graph.edges), 2)
    table = fixed.cpt("i")
    with pytest.raises(QueryError, match="known and fixed"):
        rebasing.with_table(fixed, "i", table)
    with pytest.raises(QueryError, match="known and fixed"):
        rebasing.moved_baseline(fixed, "i", np.full((2, 3), 1 / 3), None)


def test_a_large_family_is_moved_exactly():
    """Of 34,992 rows in the packaged graph."""
    before = drawn(load_graph("runner"), 3)
    wanted = np.array([[0.7, 0.2, 0.1], [0.95, 0.04, 0.01], [0.4, 0.3, 0.3]])
    after = rebasing.moved_baseline(before, "pain", wanted, None)
    np.testing.assert_allclose(after.marginal("pain").T, wanted, atol=1e-12)
    assert (after.beta == before.beta).all()
