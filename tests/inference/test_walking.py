"""The compiled walk is the one that NumPy takes; people who were drawn are drawn once."""

import sys
from dataclasses import replace

import numpy as np
import pytest
from strategies import random_graph, random_person

from backrisk import Posterior, attribute, load_graph
from backrisk.graph import Edge, Layout, Prior
from backrisk.inference import SecondWorld, forget, walking, walks
from backrisk.inference.replaying import stratified
from backrisk.inference.surgery import Pinned, Rewired, Stacked
from backrisk.queries import read_person
from backrisk.queries.attribution import departures

SAME = {"rtol": 0, "atol": 1e-13}


def ordinal(rng, nodes, draws):
    """A posterior of random ordinal families, whose CDFs have the form of odds."""
    graph = random_graph(rng, nodes)
    edges = tuple(
        Edge(e.cause, e.effect, "claim", "stated", "weak", Prior(0.5, 0.8)) for e in graph.edges
    )
    named = tuple(
        replace(node, mechanism="ordinal_logit") if graph.parents(node.name) else node
        for node in graph.nodes
    )
    graph = replace(graph, nodes=named, edges=edges)
    return Posterior(graph, *Layout(graph).draw_prior(draws, rng))


def second_world(rng, tables, person):
    """A second world with every kind of node: switched, lost, at the reference, drawn anew."""
    graph = tables.graph
    causes = [name for name in graph.names if name in graph.ancestors(graph.outcome)]
    kinds = {name: rng.random() for name in causes}
    switched = [name for name in causes if kinds[name] < 0.7]
    lost = frozenset(name for name in causes if kinds[name] >= 0.85)
    reference = frozenset(name for name in causes if rng.random() < 0.5)
    states = len(graph.node(graph.outcome).states)
    return SecondWorld(tables, person, switched, reference, graph.outcome, [states - 1], lost, {})


def both_ways(world, monkeypatch, seed=0, samples=5, orders=3):
    """Walk by the compiled loops, then by NumPy, with the same numbers."""
    rng = np.random.default_rng(seed)
    turns = [rng.permutation(len(world.switches)).tolist() for _ in range(orders)]
    compiled = walks(world, turns, samples, np.random.default_rng(seed))
    with monkeypatch.context() as without:
        without.delitem(sys.modules, "numba")
        forget()  # people are drawn again
        plain = walks(world, turns, samples, np.random.default_rng(seed))
    return np.array(compiled), np.array(plain)


@pytest.mark.parametrize("seed", range(20))
def test_the_compiled_walk_is_that_of_numpy(seed, monkeypatch):
    rng = np.random.default_rng(71_000 + seed)
    posterior = ordinal(rng, 6, draws=int(rng.integers(1, 150)))
    person = read_person(posterior, random_person(rng, posterior.graph))
    world = second_world(rng, posterior, person)
    if world.switches:
        assert walking.in_numbers(world) is not None
        np.testing.assert_allclose(*both_ways(world, monkeypatch, seed), **SAME)


@pytest.mark.parametrize("method", ["shapley", "pathways", "necessity"])
def test_questions_have_the_same_answer_with_a_compiler_and_without(method, monkeypatch):
    graph = load_graph("runner_core")
    posterior = Posterior(graph, *Layout(graph).draw_prior(70, np.random.default_rng(1)))
    person = {"fatigue": "high", "core_strength": "weak"}
    person |= {"pain": "limiting"} if method == "necessity" else {}
    monkeypatch.setattr(departures, "_CELLS", 0)
    compiled = attribute(posterior, person, method=method).draws
    monkeypatch.delitem(sys.modules, "numba")
    forget()
    np.testing.assert_allclose(attribute(posterior, person, method=method).draws, compiled, **SAME)


def test_draws_beside_the_priors_walk_as_each_does_alone(monkeypatch):
    rng = np.random.default_rng(3)
    posterior = ordinal(rng, 5, draws=90)
    first, second = posterior.subset(20), posterior.subset(65)
    person = {posterior.graph.outcome: 1}
    together, alone, other = (
        both_ways(second_world(np.random.default_rng(4), tables, person), monkeypatch)[0]
        for tables in (Stacked(first, second), first, second)
    )
    np.testing.assert_array_equal(together, np.concatenate([alone, other], axis=-1))


def test_families_without_the_form_of_odds_are_walked_by_numpy(monkeypatch):
    rng = np.random.default_rng(5)
    posterior = ordinal(rng, 5, draws=4)
    graph = posterior.graph
    effect = next(name for name in graph.names if len(graph.parents(name)) > 1)
    cause = graph.parents(effect)[0]
    table = posterior.table(effect)
    for tables in (
        Rewired(posterior, {effect: table}, graph),
        Pinned(posterior, {effect: {cause: 0}}),
    ):
        assert tables.proportional_odds(effect) is None
        world = second_world(np.random.default_rng(6), tables, {graph.outcome: 1})
        assert walking.in_numbers(world) is None
        np.testing.assert_array_equal(*both_ways(world, monkeypatch))
    # A table that is given as it is changes nothing about the walk.
    worlds = (
        second_world(np.random.default_rng(6), t, {graph.outcome: 1})
        for t in (posterior, Rewired(posterior, {effect: table}, graph))
    )
    np.testing.assert_allclose(*(both_ways(world, monkeypatch)[0] for world in worlds), **SAME)


def test_numbers_fill_every_part_once():
    found = stratified(7, np.random.default_rng(0), 5)
    assert found.shape == (5, 7)
    np.testing.assert_array_equal(np.sort(np.floor(7 * found), axis=1), [range(7)] * 5)
    assert stratified(7, np.random.default_rng(0)).shape == (7,)
