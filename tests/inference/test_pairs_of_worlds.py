"""Pairs of worlds summed out over their CDFs against pairs laid out state by state."""

import numpy as np
import pytest
from strategies import random_graph, random_person, random_posterior, seeds
from test_world import coded, noisy

from backrisk import CausalGraph, Posterior, attribute
from backrisk.inference import COUPLINGS, World, pairs_of_worlds, steps, twin_network
from backrisk.inference import plan as plans
from backrisk.queries import probability, read_target

EXACT = {"rtol": 0, "atol": 1e-10}


def forget():
    """Forget every plan that was made."""
    plans.plan.cache_clear()
    steps.ordered.cache_clear()


@pytest.fixture
def laid(monkeypatch):
    """Return how to ask with every pair laid out, each world a variable of its own."""

    def ask(call):
        with monkeypatch.context() as patch:
            patch.setattr(plans, "_widest_pair", lambda *_: "")
            patch.setattr(twin_network, "_paired", lambda *_: set())
            forget()
            answer = call()
        forget()
        return answer

    return ask


def always_pairing(patch):
    """Take a pairing wherever there can be one, and slabs as small as they come."""
    patch.setattr(steps, "_PAIR_PASSES", -1000)
    patch.setattr(pairs_of_worlds, "_SLAB", 1)
    forget()


@pytest.mark.parametrize("seed", seeds(90, 200))
def test_pairings_equal_pairs_laid_out(seed, laid, monkeypatch):
    rng = np.random.default_rng(40_000 + seed)
    coupling = COUPLINGS[seed % 3]
    own = seed % 2  # noisy-max families, whose causes have noise of their own
    posterior = noisy(rng, 6) if own else random_posterior(rng, random_graph(rng, 7), draws=3)
    graph = posterior.graph
    target = graph.outcome
    person = coded(graph, random_person(rng, graph, 0.25))
    causes = sorted(graph.ancestors(target))
    cause = causes[int(rng.integers(len(causes)))]
    setting = {cause: int(rng.integers(len(graph.node(cause).states)))}
    world = World(posterior, person, setting, coupling)
    many = {n: rng.integers(0, code + 1, 3) for n, code in person.items()}
    told = {target: rng.integers(0, len(graph.node(target).states), 3)}
    people = World(posterior, many, setting, coupling, told=told)
    rest = [n for n in graph.names if n not in person and n not in (cause, target)][:1]
    keep = [world.variable(target), *((n, 0) for n in rest)]

    def ask():
        return world.joint(keep), people.joint([]), people.joint([(n, 0) for n in rest])

    expected = laid(ask)
    always_pairing(monkeypatch)
    for got, other in zip(ask(), expected, strict=True):
        np.testing.assert_allclose(got, other, **EXACT)
    forget()


def test_the_widest_pair_is_not_laid_out():
    rng = np.random.default_rng(5)
    names = ["x", *(f"m{i}" for i in range(5)), "load", "y"]
    edges = [("x", f"m{i}") for i in range(5)] + [(f"m{i}", "load") for i in range(5)]
    states = {name: ["a", "b", "c"] for name in names}
    graph = CausalGraph.from_edges([*edges, ("load", "y")], states, outcome="y")
    posterior = random_posterior(rng, graph, draws=2)
    plan = World(posterior, {"y": 2}, {"x": 0}, told={"y": 0})._plan([])
    taken = [step for part in plan.others for step in part.steps]
    (pairing,) = (step for step in taken if isinstance(step, steps.Pairing))
    assert sorted(pairing.axes) == [(f"m{i}", twin_network.BOTH) for i in range(5)]
    # With every pair of states laid out, the load's would take 9 * 9**5 cells for one draw.
    assert max(step.cells for step in taken) < 2 * 5**5


@pytest.mark.parametrize("seed", range(30))
def test_what_is_impossible_stays_so_where_tables_have_zeros(seed, laid, monkeypatch):
    rng = np.random.default_rng(41_000 + seed)
    graph = random_graph(rng, 6)
    cpts = {}
    for name in graph.names:
        shape = graph.shape(name)
        table = rng.dirichlet(np.ones(shape[-1]), size=(2, *shape[:-1]))
        table *= rng.random(table.shape) < 0.6
        table[..., 0] += table.sum(axis=-1) == 0
        cpts[name] = table / table.sum(axis=-1, keepdims=True)
    posterior = Posterior.from_cpts(graph, cpts)
    aim = read_target(graph, None)
    cause = sorted(graph.ancestors(aim.node))[0]
    world = World(posterior, coded(graph, random_person(rng, graph)), {cause: 0})
    expected = laid(lambda: probability(world, aim, strict=False))
    always_pairing(monkeypatch)
    got = probability(world, aim, strict=False)
    np.testing.assert_array_equal(np.isnan(got), np.isnan(expected))
    np.testing.assert_allclose(got, expected, **EXACT)
    forget()


@pytest.mark.parametrize("coupling", COUPLINGS)
def test_rounding_makes_nothing_possible(coupling, monkeypatch):
    """What is seen follows only from states that never come about, in every draw."""
    rng = np.random.default_rng(6)
    states = {"x": ["a", "b"], "m": ["a", "b", "c", "d"], "y": ["no", "yes"]}
    graph = CausalGraph.from_edges([("x", "m"), ("m", "y"), ("x", "y")], states, outcome="y")
    never = np.zeros((100, 2, 4))
    never[..., 0] = rng.integers(1, 64, (100, 2)) / 64  # sums to 1 without rounding
    never[..., 1] = 1 - never[..., 0]
    seen = rng.random((100, 4, 2)) * [[0.0], [0.0], [1.0], [1.0]]
    cpts = {"x": [0.5, 0.5], "m": never, "y": np.stack([1 - seen, seen], axis=-1)}
    posterior = Posterior.from_cpts(graph, cpts)
    always_pairing(monkeypatch)
    world = World(posterior, {"y": 1}, {"x": 0}, coupling)
    assert np.isnan(probability(world, read_target(graph, None), strict=False)).all()
    forget()


@pytest.mark.parametrize("coupling", COUPLINGS)
def test_who_is_at_the_reference_owes_nothing_to_the_cause(coupling):
    graph = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    posterior = Posterior.from_cpts(graph, {"x": [0.5, 0.5], "y": [[0.7, 0.3], [0.2, 0.8]]})
    share = attribute(
        posterior, {"x": "no", "y": "yes"}, ["x"], coupling=coupling, method="necessity"
    ).draws[0, 0]
    # The independent coupling draws noise anew even where nothing was changed.
    assert share == pytest.approx(0.7 if coupling == "independent" else 0.0, abs=1e-15)
