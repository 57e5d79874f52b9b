"""The game of own departures: enumeration of the noise, and what is known without any sum."""

from dataclasses import replace

import numpy as np
import pytest
from strategies import Brute, random_graph, random_person, random_posterior, seeds

from backrisk import CausalGraph, Posterior, attribute, risk
from backrisk.graph import Roles
from backrisk.inference import walks
from backrisk.queries import read_target
from backrisk.queries.attribution import departures as module
from backrisk.queries.attribution.causes import players_of
from backrisk.queries.attribution.departures import Departures

EXACT = {"rtol": 0, "atol": 1e-10}
BASELINES = ("healthy", "average")
NY = ("no", "yes")


def game(posterior, person, players=None, baseline="healthy"):
    graph = posterior.graph
    target = read_target(graph, None)
    seen = {name: graph.node(name).code(label) for name, label in person.items()}
    chosen = players_of(graph, target) if players is None else players
    return Departures(posterior, seen, chosen, target, baseline)


def chain():
    """Return a chain of three, all of it known."""
    graph = CausalGraph.from_edges([("x", "m"), ("m", "y")], dict.fromkeys("xmy", NY))
    cpts = {"x": [0.5, 0.5], "m": [[0.8, 0.2], [0.2, 0.8]], "y": [[0.9, 0.1], [0.3, 0.7]]}
    return Posterior.from_cpts(graph, cpts)


@pytest.mark.parametrize(
    ("person", "baseline", "shares"),
    [
        ({"x": "yes", "m": "yes"}, "healthy", (0.405, 0.075)),
        ({"x": "no", "m": "yes"}, "healthy", (0.0, 0.48)),
        ({"x": "yes"}, "healthy", (0.36, 0.0)),
        ({"x": "yes", "m": "yes"}, "average", (0.2025, 0.0975)),
        ({}, "healthy", (0.18, 0.0)),  # half of 0.36: people carry it half of the time
        ({}, "average", (0.0, 0.0)),
        # Better than its cause would have it: 0.1 with its own noise, whatever the cause is.
        ({"x": "yes", "m": "no"}, "healthy", (0.18, -0.30)),
    ],
)
def test_a_chain_by_hand(person, baseline, shares):
    found = game(chain(), person, baseline=baseline).shares()
    np.testing.assert_allclose(found.draws[0], shares, rtol=0, atol=1e-12)
    np.testing.assert_allclose(found.total, sum(shares), rtol=0, atol=1e-12)
    assert found.error is None


def test_less_than_a_chain_explains_is_the_mediators_own_when_it_alone_plays():
    found = game(chain(), {"x": "yes", "m": "yes"}, ["m"]).shares()
    np.testing.assert_allclose(found.draws, [[0.7 - 0.58]], rtol=0, atol=1e-12)


@pytest.mark.parametrize("seed", seeds(80, 200))
def test_shares_equal_enumeration_of_the_noise(seed):
    rng = np.random.default_rng(60_000 + seed)
    graph = random_graph(rng, int(rng.integers(2, 4 if seed % 2 else 5)))
    while (
        np.prod([np.prod(graph.shape(n)[:-1]) * (graph.shape(n)[-1] - 1) + 1 for n in graph.names])
        > 3000
    ):
        graph = random_graph(rng, 3)
    posterior = random_posterior(rng, graph)
    person = random_person(rng, graph, rng.uniform(0.2, 0.9))
    seen = {name: graph.node(name).code(label) for name, label in person.items()}
    causes = [n for n in graph.names if n in graph.ancestors(graph.outcome)]
    players = [n for n in causes if rng.random() < 0.8] or causes
    behaved = tuple(n for n in causes if rng.random() < 0.2)  # stated to be habits
    roled = replace(graph, roles=Roles(healthy=behaved))
    again = Posterior.from_cpts(roled, {n: posterior.cpt(n) for n in graph.names})
    for baseline in BASELINES:
        found = game(again, person, players, baseline).shares()
        np.testing.assert_allclose(found.draws.sum(axis=1), found.total, **EXACT)
        for draw in range(posterior.draws):
            brute = Brute(posterior, draw).departures(
                lambda s: s[graph.outcome] > 0, seen, players, baseline, behaved
            )
            np.testing.assert_allclose(found.draws[draw], brute, **EXACT)


@pytest.mark.parametrize("seed", range(20))
def test_what_all_add_is_the_risk_less_that_of_a_healthy_or_an_average_person(seed):
    rng = np.random.default_rng(61_000 + seed)
    graph = random_graph(rng, 5)
    posterior = random_posterior(rng, graph, draws=20)
    person = random_person(rng, graph)
    person.pop(graph.outcome, None)
    causes = players_of(graph, read_target(graph, None))
    own = risk(posterior, person).draws
    healthy = game(posterior, person, causes).shares()
    average = game(posterior, person, causes, "average").shares()
    roots = {n: graph.node(n).reference for n in graph.names if not graph.parents(n)}
    np.testing.assert_allclose(average.total, own - risk(posterior, {}).draws, **EXACT)
    np.testing.assert_allclose(healthy.total, own - risk(posterior, roots).draws, **EXACT)
    np.testing.assert_allclose(healthy.draws.sum(axis=1), healthy.total, **EXACT)


@pytest.mark.parametrize("seed", range(20))
def test_what_is_known_of_players_without_any_sum(seed):
    rng = np.random.default_rng(62_000 + seed)
    graph = random_graph(rng, 6)
    posterior = random_posterior(rng, graph, draws=5)
    person = random_person(rng, graph)
    causes = players_of(graph, read_target(graph, None))
    told = set(person).union(*(graph.ancestors(name) for name in person))
    healthy, average = (game(posterior, person, causes, b).shares().draws for b in BASELINES)
    for column, name in enumerate(causes):
        root = not graph.parents(name)
        if root and person.get(name) == graph.node(name).reference:
            assert (healthy[:, column] == 0).all()
        if name not in told and (not root or name not in person):
            assert (average[:, column] == 0).all()
            if not root:
                assert (healthy[:, column] == 0).all()
                # Nor does it change what others have.
                others = [c for c in causes if c != name]
                alone = game(posterior, person, others).shares().draws
                np.testing.assert_allclose(alone, np.delete(healthy, column, axis=1), **EXACT)


def test_among_roots_alone_it_is_the_interventional_game():
    edges = [("a", "y"), ("b", "y")]
    graph = CausalGraph.from_edges(edges, dict.fromkeys("aby", NY))
    table = [[[0.9, 0.1], [0.6, 0.4]], [[0.5, 0.5], [0.2, 0.8]]]
    posterior = Posterior.from_cpts(graph, {"a": [0.5, 0.5], "b": [0.5, 0.5], "y": table})
    found = game(posterior, {"a": "yes", "b": "yes"}).shares().draws[0]
    np.testing.assert_allclose(found, [(0.4 + 0.4) / 2, (0.3 + 0.3) / 2], rtol=0, atol=1e-12)


def test_a_trait_stays_the_persons_and_takes_nothing():
    graph = CausalGraph.from_edges([("sex", "y"), ("x", "y")], dict.fromkeys(("sex", "x", "y"), NY))
    graph = replace(graph, roles=Roles(traits=("sex",)))
    table = [[[0.9, 0.1], [0.6, 0.4]], [[0.8, 0.2], [0.4, 0.6]]]
    posterior = Posterior.from_cpts(graph, {"sex": [0.5, 0.5], "x": [0.5, 0.5], "y": table})
    answer = attribute(posterior, {"sex": "yes", "x": "yes"}, method="shapley")
    assert answer.causes == ("x",)
    np.testing.assert_allclose(answer.draws, [[0.6 - 0.2]], rtol=0, atol=1e-12)


def test_a_habit_with_causes_is_at_its_reference_in_the_healthy_baseline():
    plain = CausalGraph.from_edges(
        [("age", "habit"), ("habit", "y")], dict.fromkeys(("age", "habit", "y"), NY)
    )
    cpts = {"age": [0.5, 0.5], "habit": [[0.8, 0.2], [0.4, 0.6]], "y": [[0.9, 0.1], [0.4, 0.6]]}
    roles = Roles(traits=("age",), healthy=("habit",))
    for graph, share in ((plain, 0.5 * 0.8), (replace(plain, roles=roles), 0.5)):
        posterior = Posterior.from_cpts(graph, cpts)
        found = game(posterior, {"age": "no", "habit": "yes"}, ["habit"]).shares()
        np.testing.assert_allclose(found.draws, [[share]], rtol=0, atol=1e-12)


@pytest.mark.parametrize("seed", range(25))
def test_sampled_worlds_play_the_same_game(seed, monkeypatch):
    rng = np.random.default_rng(63_000 + seed)
    graph = random_graph(rng, 5)
    posterior = random_posterior(rng, graph, draws=3)
    person = random_person(rng, graph)
    for baseline in BASELINES:
        exact = game(posterior, person, baseline=baseline).shares()
        monkeypatch.setattr(module, "_CELLS", 0)
        sampled = game(posterior, person, baseline=baseline).shares(seed=seed)
        again = game(posterior, person, baseline=baseline).shares(seed=seed)
        monkeypatch.undo()
        np.testing.assert_array_equal(sampled.draws, again.draws)
        np.testing.assert_allclose(sampled.draws.sum(axis=1), sampled.total, **EXACT)
        if sampled.error is None:  # nobody plays
            continue
        # Five standard errors, which are estimated from eight orders or more: Student's t has
        # 99.9 % within 5.4 of them.
        gap = np.abs(sampled.draws.mean(axis=0) - exact.draws.mean(axis=0))
        assert (gap <= 5.4 * sampled.error + 1e-12).all()


def test_samples_of_the_noise_are_unbiased():
    """Each order is an estimate of its own: many of them come close to the exact shares."""
    rng = np.random.default_rng(5)
    graph = random_graph(rng, 6)
    posterior = random_posterior(rng, graph, draws=3)
    person = random_person(rng, graph)
    exact = game(posterior, person).shares()
    world = game(posterior, person)._world
    players = list(exact_players(posterior, person, world))
    orders = [rng.permutation(len(players)).tolist() for _ in range(400)]
    found = np.array(walks(world, orders, samples=8, rng=rng))
    error = found.std(axis=0, ddof=1) / np.sqrt(len(found))
    gap = np.abs(found.mean(axis=0) - exact.draws[:, players].T)
    assert (gap <= 4.5 * error + 1e-12).all()  # 18 comparisons


def exact_players(posterior, person, world):
    return [game(posterior, person).players.index(name) for name in world.switched]


def test_a_runner_whose_only_adverse_answer_is_fatigue_owes_it_to_fatigue(core_prior):
    person = {"core_strength": "strong", "hip_flexor_tightness": "normal", "fatigue": "high"}
    answer = attribute(core_prior, person, method="shapley")
    assert answer.table.index[0] == "fatigue"
    assert answer.total.mean() > 0.01
    others = [answer.causes.index(n) for n in ("core_strength", "hip_flexor_tightness")]
    assert (answer.draws[:, others] == 0).all()


@pytest.mark.parametrize("seed", range(5))
def test_quick_shares_are_exact_to_hundredths_of_a_point(seed):
    rng = np.random.default_rng(64_000 + seed)
    graph = random_graph(rng, 7)
    posterior = random_posterior(rng, graph, draws=5)
    person = random_person(rng, graph, 0.9)
    exact, quick = (game(posterior, person).shares(quick=quick) for quick in (False, True))
    np.testing.assert_allclose(quick.draws, exact.draws, rtol=0, atol=2e-4)
    np.testing.assert_allclose(quick.draws.sum(axis=1), quick.total, **EXACT)
