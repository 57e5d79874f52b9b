"""Posteriors made from others: replaced families, further nodes, draws side by side."""

from dataclasses import replace

import numpy as np
import pytest
from strategies import random_graph, random_posterior

from backrisk import CausalGraph, Posterior, load_graph
from backrisk.graph import Layout
from backrisk.inference import Pinned, Rewired, Stacked, World, cut_from, looked_up

BINARY = ["no", "yes"]


@pytest.fixture
def posterior():
    rng = np.random.default_rng(3)
    return random_posterior(rng, random_graph(rng, 4), draws=3)


def test_a_replaced_family_rules_and_the_rest_stays(posterior):
    name, other = posterior.graph.names[-1], posterior.graph.names[0]
    one_draw = np.full((*posterior.graph.shape(name), 1), 1 / posterior.graph.shape(name)[-1])
    rewired = Rewired(posterior, {name: one_draw}, posterior.graph)
    assert rewired.draws == 3
    table = rewired.table(name)
    assert table.shape == (*posterior.graph.shape(name), 3)
    np.testing.assert_array_equal(table, np.broadcast_to(one_draw, table.shape))
    np.testing.assert_array_equal(rewired.table(other), posterior.table(other))
    assert rewired.positive(name)
    assert rewired.positive(other) == posterior.positive(other)
    assert rewired.causes(other) == posterior.causes(other)
    with_zero = one_draw.copy()
    with_zero[..., 0, :] = 0
    assert not Rewired(posterior, {name: with_zero}, posterior.graph).positive(name)


def test_the_causes_of_a_replaced_family_are_its_own():
    graph = CausalGraph.from_edges([("a", "y"), ("b", "y")], dict.fromkeys("aby", BINARY))
    given = np.random.default_rng(0).dirichlet([1, 1], size=(2, 2))
    cpts = {"a": [0.5, 0.5], "b": [0.5, 0.5], "y": given}
    posterior = Posterior.from_cpts(graph, cpts)
    assert posterior.causes("y") is None
    noisy_or = np.array([[[0.9, 0.1], [0.36, 0.64]], [[0.18, 0.82], [0.072, 0.928]]])[..., None]
    leak, causes = Rewired(posterior, {"y": noisy_or}, graph).causes("y")
    np.testing.assert_allclose(leak[:, 0], [0.9, 1.0])
    np.testing.assert_allclose([cause[1, 0, 0] for cause in causes], [0.2, 0.4])


def test_a_further_node_has_the_table_of_another(posterior):
    small = CausalGraph.from_edges([("x", "y")], {"x": BINARY, "y": BINARY})
    source = random_posterior(np.random.default_rng(1), small, draws=2)
    twice = CausalGraph.from_edges([("x", "y"), ("x", "z")], dict.fromkeys("xyz", BINARY))
    rewired = Rewired(source, {}, twice, {"z": "y"})
    np.testing.assert_array_equal(rewired.table("z"), source.table("y"))
    assert rewired.positive("z") == source.positive("y")
    assert (rewired.causes("z") is None) == (source.causes("y") is None)
    both = World(rewired, {}, {}).joint([("y", 0), ("z", 0)])
    x, y = source.table("x"), source.table("y")
    np.testing.assert_allclose(both, np.einsum("xd,xyd,xzd->yzd", x, y, y))


def test_draws_of_two_posteriors_stand_side_by_side():
    rng = np.random.default_rng(5)
    graph = random_graph(rng, 4)
    first, second = random_posterior(rng, graph, draws=2), random_posterior(rng, graph, draws=3)
    stacked = Stacked(first, second)
    assert stacked.draws == 5
    assert stacked.graph is graph
    for name in graph.names:
        at = (0,) if graph.parents(name) else ()
        both = np.concatenate([first.table(name), second.table(name)], axis=-1)
        np.testing.assert_array_equal(stacked.table(name, at)[at], both[at])  # some rows first
        np.testing.assert_array_equal(stacked.table(name), both)
        assert stacked.positive(name)
    target = [(graph.outcome, 0)]
    joint = World(stacked, {}, {}).joint(target)
    apart = [World(part, {}, {}).joint(target) for part in (first, second)]
    np.testing.assert_allclose(joint, np.concatenate(apart, axis=-1), rtol=1e-12)


def test_a_copy_with_other_draws_joins_them_anew():
    rng = np.random.default_rng(6)
    graph = random_graph(rng, 2)
    first, second, third = (random_posterior(rng, graph, draws=2) for _ in range(3))
    stacked, name = Stacked(first, second), graph.outcome
    stacked.table(name)
    found = replace(stacked, second=third).table(name)
    np.testing.assert_array_equal(found[..., 2:], third.table(name))


def test_what_either_lacks_both_lack():
    graph = CausalGraph.from_edges([("a", "y")], {"a": BINARY, "y": list("uvw")})
    noisy = Posterior.from_cpts(graph, {"a": [0.5, 0.5], "y": [[0.8, 0.2, 0], [0.4, 0.3, 0.3]]})
    protects = Posterior.from_cpts(
        graph, {"a": [0.5, 0.5], "y": [[0.2, 0.4, 0.4], [0.8, 0.1, 0.1]]}
    )
    assert not Stacked(noisy, protects).positive("y")
    assert not Stacked(protects, noisy).positive("y")
    assert Stacked(protects, noisy).causes("y") is None
    assert Stacked(noisy, protects).causes("y") is None
    leak, (cause,) = Stacked(noisy, noisy).causes("y")
    np.testing.assert_allclose(leak, np.tile([[0.8], [1.0], [1.0]], 2))
    np.testing.assert_allclose(cause[1], np.tile([[0.5], [0.7], [1.0]], 2))


@pytest.fixture
def two_parents():
    states = {"a": ["0", "1"], "b": ["0", "1", "2"], "y": ["0", "1", "2"]}
    graph = CausalGraph.from_edges([("a", "y"), ("b", "y")], states)
    return random_posterior(np.random.default_rng(0), graph, draws=4)


@pytest.mark.parametrize("pins", [{}, {"b": 2}, {"a": 1, "b": 0}])
def test_a_pinned_parent_passes_its_state_whatever_it_is(two_parents, pins):
    table = two_parents.table("y")
    for axis, parent in enumerate(two_parents.graph.parents("y")):
        if parent in pins:
            table = np.repeat(table.take([pins[parent]], axis=axis), table.shape[axis], axis=axis)
    pinned = Pinned(two_parents, {"y": pins})
    np.testing.assert_array_equal(pinned.table("y"), table)
    np.testing.assert_array_equal(pinned.table("y", (0,))[0], table[0])
    codes = np.array([1, 0, 1]), np.array([2, 1, 0])
    every = slice(None)
    for at in (every, every), (codes[0], every), (every, codes[1]), codes:
        np.testing.assert_array_equal(
            pinned.cut("y", at)(slice(1, 3)), cut_from(table, at)(slice(1, 3))
        )
    states = np.array([[1, 0, 0, 1]]), np.array([[2, 1, 0, 0]])
    found = np.broadcast_to(pinned.levels("y", states), (2, 1, 4))
    np.testing.assert_allclose(found, looked_up(table, states), rtol=1e-15)
    np.testing.assert_array_equal(pinned.table("a"), two_parents.table("a"))
    assert pinned.positive("y") == two_parents.positive("y")
    assert (pinned.causes("y") is None) == (two_parents.causes("y") is None)


def test_a_pinned_cause_is_a_constant_among_independent_causes():
    graph = CausalGraph.from_edges([("a", "y"), ("b", "y")], dict.fromkeys("aby", BINARY))
    noisy_or = np.array([[[0.9, 0.1], [0.36, 0.64]], [[0.18, 0.82], [0.072, 0.928]]])
    posterior = Posterior.from_cpts(graph, {"a": [0.5, 0.5], "b": [0.5, 0.5], "y": noisy_or})
    leak, causes = Pinned(posterior, {"y": {"a": 1}}).causes("y")
    np.testing.assert_allclose(leak[:, 0], [0.9, 1.0])
    np.testing.assert_allclose(causes[0][:, 0, 0], [0.2, 0.2])
    np.testing.assert_allclose(causes[1][:, 0, 0], [1.0, 0.4])


@pytest.mark.parametrize("seed", range(5))
def test_levels_are_those_of_the_table_at_the_causes_states(seed):
    """Of replaced families, of others, of those that see a set state, of draws side by side."""
    rng = np.random.default_rng(seed)
    graph = random_graph(rng, 4, density=1.0)
    first, second = (random_posterior(rng, graph, draws=draws) for draws in (2, 3))
    name = graph.names[-1]
    parents, shape = graph.parents(name), graph.shape(name)
    replaced = rng.dirichlet(np.ones(shape[-1]), size=shape[:-1])[..., None]
    pins = {name: {parents[1]: 1}}
    for tables in (
        Rewired(first, {name: replaced}, graph),
        Rewired(first, {}, graph),
        Pinned(first, pins),
        Stacked(first, second),
    ):
        sizes = shape[:-1]
        states = [rng.integers(0, n, (6, tables.draws)) for n in sizes[:-1]]
        states.append(rng.integers(0, sizes[-1], (1, 1)))  # the same in all
        found = tables.levels(name, states)
        whole = tables.table(name)
        assert found.shape == (shape[-1] - 1, 6, tables.draws)
        for sample, draw in np.ndindex(6, tables.draws):
            at = tuple(np.broadcast_to(own, (6, tables.draws))[sample, draw] for own in states)
            expected = np.cumsum(whole[at][:, draw])[:-1]
            np.testing.assert_allclose(found[:, sample, draw], expected, rtol=0, atol=1e-15)


def test_odds_that_causes_multiply_are_those_of_what_is_stacked_and_of_nothing_that_is_changed():
    graph = load_graph("runner_core")
    layout, rng = Layout(graph), np.random.default_rng(4)
    first, second = (Posterior(graph, *layout.draw_prior(draws, rng)) for draws in (2, 3))
    name, other = "pain", "lumbar_load"
    parents, sizes = graph.parents(name), graph.shape(name)[:-1]
    stacked = Stacked(first, second)
    whole = stacked.table(name)
    for tables in (
        stacked,
        Rewired(stacked, {other: stacked.table(other)}, graph),
        Rewired(stacked, {}, graph, {name: name}),
        Pinned(stacked, {other: {graph.parents(other)[0]: 1}}),
    ):
        form = tables.proportional_odds(name)
        states = [rng.integers(0, n, (4, 5)) for n in sizes]
        for sample, draw in np.ndindex(4, 5):
            at = tuple(own[sample, draw] for own in states)
            expected = np.cumsum(whole[at][:, draw])[:-1]
            np.testing.assert_allclose(form(states)[:, sample, draw], expected, atol=1e-12)
    assert stacked.proportional_odds(name) is stacked.proportional_odds(name)
    assert Rewired(first, {name: first.table(name)}, graph).proportional_odds(name) is None
    assert Pinned(first, {name: {parents[0]: 0}}).proportional_odds(name) is None
    plain = Posterior.from_cpts(graph, {n: first.cpt(n) for n in graph.names})
    assert Stacked(first, plain).proportional_odds(name) is None
    assert Stacked(plain, first).proportional_odds(name) is None
