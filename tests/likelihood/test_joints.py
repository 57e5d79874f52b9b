"""Joint distributions of some nodes, beside every joint state written out."""

import itertools

import numpy as np
import pytest
from strategies import Brute, random_graph, seeds

from backrisk import Posterior
from backrisk.graph import CausalGraph
from backrisk.likelihood import Joint

DRAWS = 3


def model(rng, nodes=6):
    """A random graph with random CPTs, draws last."""
    graph = random_graph(rng, nodes)
    tables = {}
    for name in graph.names:
        table = rng.random((*graph.shape(name), DRAWS)) + 0.05
        tables[name] = table / table.sum(axis=-2, keepdims=True)
    return graph, tables


def brute(graph, tables, draw):
    cpts = {name: np.moveaxis(table, -1, 0) for name, table in tables.items()}
    return Brute(Posterior.from_cpts(graph, cpts), draw)


def enumerated(graph, tables, keep, draw, do=None):
    found = np.zeros([len(graph.node(name).states) for name in keep])
    for full, p in brute(graph, tables, draw).joint(do).items():
        state = dict(zip(graph.names, full, strict=True))
        found[tuple(state[name] for name in keep)] += p
    return found


def some_nodes(rng, graph):
    return tuple(rng.permutation(graph.names)[: rng.integers(1, 4)].tolist())


@pytest.mark.parametrize("seed", seeds(12, 60))
def test_a_joint_is_the_sum_over_everything_else(seed):
    rng = np.random.default_rng(seed)
    graph, tables = model(rng)
    keep = some_nodes(rng, graph)
    found = Joint(graph, keep).forward(tables)[-1]
    for draw in range(DRAWS):
        expected = enumerated(graph, tables, keep, draw)
        np.testing.assert_allclose(found[..., draw], expected, rtol=1e-12)


@pytest.mark.parametrize("seed", seeds(12, 60))
def test_what_is_set_by_lot_tells_nothing_of_its_causes(seed):
    """The average over interventions on the node, each as likely."""
    rng = np.random.default_rng(1000 + seed)
    graph, tables = model(rng)
    lot = str(rng.choice(graph.names))
    keep = tuple(dict.fromkeys((lot, *some_nodes(rng, graph))))
    found = Joint(graph, keep, lot).forward({n: t for n, t in tables.items() if n != lot})[-1]
    states = len(graph.node(lot).states)
    expected = sum(enumerated(graph, tables, keep, 0, {lot: k}) for k in range(states)) / states
    np.testing.assert_allclose(found[..., 0], expected, rtol=1e-12)


@pytest.mark.parametrize("seed", seeds(12, 60))
def test_the_way_back_gives_the_derivative_by_every_cell(seed):
    """A joint is linear in each CPT, so that a change of one changes it by exactly that much."""
    rng = np.random.default_rng(2000 + seed)
    graph, tables = model(rng)
    tables = {name: table[..., :1] for name, table in tables.items()}
    keep = some_nodes(rng, graph)
    joint = Joint(graph, keep)
    passed = joint.forward(tables)
    cotangent = rng.normal(size=(*passed[-1].shape[:-1], 2))
    back = joint.backward(passed, cotangent)
    assert set(back) == set(joint.nodes)
    axes = tuple(range(len(keep)))
    for name, moved in back.items():
        assert moved.shape == (*graph.shape(name), 2)
        change = rng.normal(size=tables[name].shape)
        other = joint.forward({**tables, name: tables[name] + change})[-1]
        gained = ((other - passed[-1]) * cotangent).sum(axis=axes)
        expected = (moved * change).sum(axis=tuple(range(change.ndim - 1)))
        np.testing.assert_allclose(gained, expected, rtol=1e-9, atol=1e-12)


def test_the_way_back_passes_what_is_set_by_lot():
    states = {name: ["no", "yes"] for name in "abc"}
    graph = CausalGraph.from_edges([("a", "b"), ("a", "c"), ("b", "c")], states)
    rng = np.random.default_rng(1)
    tables = {n: rng.dirichlet([1, 1], graph.shape(n)[:-1])[..., None] for n in "abc"}
    joint = Joint(graph, ("b", "c"), "b")
    passed = joint.forward(tables)
    back = joint.backward(passed, np.ones((2, 2, 1)))
    assert set(back) == {"a", "c"}


def test_only_what_leads_to_the_nodes_matters():
    states = {name: ["no", "yes"] for name in "abcd"}
    graph = CausalGraph.from_edges([("a", "b"), ("b", "c"), ("d", "b")], states)
    assert Joint(graph, ("b",)).nodes == ("a", "b", "d")
    assert Joint(graph, ("b",), "b").nodes == ("b",)
    assert Joint(graph, ("c",), "b").nodes == ("b", "c")


def test_the_largest_table_is_that_of_the_family_that_has_to_be_laid_out():
    states = {name: ["no", "yes"] for name in "abcd"} | {"y": ["none", "some", "much"]}
    graph = CausalGraph.from_edges([(name, "y") for name in "abcd"], states)
    assert Joint(graph, ("y",)).cells == 2**4 * 3
    assert Joint(graph, ("a", "b", "y")).cells == 2**4 * 3
    chain = CausalGraph.from_edges(itertools.pairwise("abcd"), states)
    assert Joint(chain, ("d",)).cells == 4
    assert Joint(chain, ("a", "d")).cells == 8
