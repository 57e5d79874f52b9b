"""How a part is carried out changes nothing but time and memory, and memory is bounded."""

import itertools
import threading
import tracemalloc

import numpy as np
import pytest
from strategies import random_graph, random_person, random_posterior

from backrisk import CausalGraph, Posterior, QueryError, load_codebook, load_graph, risk, risks
from backrisk.graph import Layout
from backrisk.inference import World, threads
from backrisk.inference import run as draws

ROUNDING = 1e-12
BINARY = ["no", "yes"]
# Most of the outcome's causes, so that its family stays small.
CONTEXT = {
    "age": "40_54",
    "bmi": "under_25",
    "running_experience": "over_6y",
    "low_mood": "no",
    "previous_back_pain": "one_episode",
    "strength_training": "occasional",
    "load_progression": "moderate",
    "recovery": "adequate",
    "warm_up": "brief",
}


@pytest.fixture(scope="module")
def runner():
    """The whole runner graph, with items and few draws."""
    graph = load_codebook("runner").extend(load_graph("runner"))
    return Posterior(graph, *Layout(graph).draw_prior(7, np.random.default_rng(0)))


def test_people_who_share_a_signature_are_one_contraction(runner, monkeypatch):
    calls = []
    inner = draws._carry_out
    monkeypatch.setattr(draws, "_carry_out", lambda *args: calls.append(1) or inner(*args))
    states = runner.graph.node("core_strength").states
    people = [
        {**CONTEXT, "core_strength": s, "fatigue": f} for s in states for f in ("low", "high")
    ] * 3
    together = risks(runner, people)
    assert len(calls) == 1
    alone = np.stack([risk(runner, person).draws for person in people], axis=1)
    np.testing.assert_allclose(together, alone, rtol=0, atol=ROUNDING)


def test_chunks_of_draws_and_of_people_change_nothing(runner, monkeypatch):
    rng = np.random.default_rng(5)
    people = [CONTEXT | random_person(rng, runner.graph, 0.2) for _ in range(16)]
    people += [{**CONTEXT, "core_strength": "weak", "sex": s} for s in ("male", "female")] * 8
    whole = risks(runner, people)
    monkeypatch.setattr(draws, "_CACHE", 1)
    monkeypatch.setattr(draws, "_FEW", 2)
    monkeypatch.setattr(draws, "MANY", 3)
    monkeypatch.setattr("backrisk.queries.seeing._PEOPLE", 7)
    np.testing.assert_allclose(risks(runner, people), whole, rtol=0, atol=ROUNDING)
    monkeypatch.setattr(draws, "BUDGET", 200_000)  # room for some draws of one person only
    np.testing.assert_allclose(risks(runner, people), whole, rtol=0, atol=ROUNDING)


def dense(latent):
    """Roots of which every pair has a child: small families, but one large clique."""
    names = [f"x{i}" for i in range(latent)]
    pairs = list(itertools.combinations(names, 2))
    children = [f"{a}_{b}" for a, b in pairs]
    edges = [(c, child) for pair, child in zip(pairs, children, strict=True) for c in pair]
    graph = CausalGraph.from_edges(
        edges, dict.fromkeys([*names, *children], BINARY), outcome=names[0]
    )
    cpts = {name: np.full(graph.shape(name), 0.5) for name in graph.names}
    return Posterior.from_cpts(graph, cpts), dict.fromkeys(children, "yes")


def test_a_query_beyond_the_budget_is_refused_before_anything_is_allocated():
    posterior, person = dense(28)
    tracemalloc.start()
    try:
        with pytest.raises(QueryError, match=r"[\d,]{10,} cells for each draw \(\d,\d+ MB\)"):
            risk(posterior, person)
        assert tracemalloc.get_traced_memory()[1] < 20 * 2**20
    finally:
        tracemalloc.stop()


def test_memory_stays_within_the_budget(monkeypatch):
    posterior, person = dense(12)
    monkeypatch.setattr(draws, "BUDGET", 2**20)
    given = {name: np.repeat(posterior.cpt(name), 500, axis=0) for name in posterior.graph.names}
    many = Posterior.from_cpts(posterior.graph, given)
    tracemalloc.start()
    try:
        answer = risk(many, person).draws
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    np.testing.assert_allclose(answer, 0.5, rtol=0, atol=ROUNDING)
    assert peak < 2 * 2**20  # the budget, and the bookkeeping of a plan over 78 nodes


@pytest.mark.parametrize("seed", range(5))
def test_threads_change_nothing(seed, monkeypatch):
    rng = np.random.default_rng(seed)
    graph = random_graph(rng, 5)
    world = World(random_posterior(rng, graph, draws=100), {}, {graph.names[0]: 1})
    keep = [(graph.outcome, 1)]
    alone = world.joint(keep)
    monkeypatch.setattr(threads, "THREADS", 3)
    monkeypatch.setattr(draws, "_WORTH", 0)
    monkeypatch.setattr(draws, "_FEW", 10)
    monkeypatch.setattr(draws, "_CACHE", 0)
    np.testing.assert_array_equal(world.joint(keep), alone)


def test_what_a_thread_raises_is_raised(monkeypatch):
    rng = np.random.default_rng(0)
    graph = random_graph(rng, 4)
    world = World(random_posterior(rng, graph, draws=100), {}, {})
    monkeypatch.setattr(threads, "THREADS", 3)
    monkeypatch.setattr(draws, "_WORTH", 0)
    monkeypatch.setattr(draws, "_FEW", 10)

    def broken(*_):
        raise MemoryError

    monkeypatch.setattr(draws, "_carry_out", broken)
    with pytest.raises(MemoryError):
        world.joint([(graph.outcome, 0)])


def test_the_budget_is_met_to_the_cell(monkeypatch):
    posterior, person = dense(6)
    world = World(posterior, dict.fromkeys(person, 1), {})
    need = 8 * world._plan([("x0", 0)]).main.cells
    monkeypatch.setattr(draws, "BUDGET", need)
    world.joint([("x0", 0)])
    monkeypatch.setattr(draws, "BUDGET", need - 1)
    with pytest.raises(QueryError, match=rf"needs {need // 8:,} cells .* over x0, "):
        world.joint([("x0", 0)])


def test_no_budget_refuses_what_nothing_is_open_in(monkeypatch):
    graph = CausalGraph.from_edges([("x", "y")], dict.fromkeys("xy", BINARY))
    cpts = {"x": [0.5, 0.5], "y": [[0.7, 0.3], [0.2, 0.8]]}
    world = World(Posterior.from_cpts(graph, cpts), {"x": 1, "y": 1}, {})
    monkeypatch.setattr(draws, "BUDGET", 1)
    np.testing.assert_allclose(world.joint([]), [0.4], rtol=0, atol=1e-12)


def test_chunks_fit_the_budget_and_the_cache_and_hold_each_draw_once(monkeypatch):
    rng = np.random.default_rng(0)
    graph = random_graph(rng, 5)
    world = World(random_posterior(rng, graph, draws=100), {}, {graph.names[0]: 1})
    keep = [(graph.outcome, 1)]
    part = world._plan(keep).main
    need = 8 * sum(step.cells for step in part.steps)
    expected, chunks, made = world.joint(keep), [], []
    inner, pool = draws._carry_out, threads.ThreadPoolExecutor

    def noted(*given):
        chunks.append(given[3])
        return inner(*given)

    monkeypatch.setattr(draws, "_carry_out", noted)
    monkeypatch.setattr(threads, "ThreadPoolExecutor", lambda n: made.append(n) or pool(n))
    monkeypatch.setattr(threads, "THREADS", 3)
    monkeypatch.setattr(draws, "_FEW", 10)

    def longest(cache, budget, worth):
        chunks.clear()
        made.clear()
        monkeypatch.setattr(draws, "_CACHE", cache)
        monkeypatch.setattr(draws, "_GIVEN", cache)
        monkeypatch.setattr(draws, "BUDGET", budget)
        monkeypatch.setattr(draws, "_WORTH", worth)
        np.testing.assert_array_equal(world.joint(keep), expected)
        told = sorted(z for some in chunks for z in range(some.start, some.stop))
        assert told == list(range(100))
        return max(some.stop - some.start for some in chunks), made

    alone, plenty = 100 * need, 10**9
    assert longest(0, plenty, alone) == (10, [])  # a few at least
    assert longest(25 * need, plenty, alone) == (25, [])
    assert longest(25 * need, plenty, alone - 1) == (25, [3])
    assert longest(plenty, plenty, alone) == (100, [])
    assert longest(plenty, plenty, alone - 1) == (34, [3])  # a share for each thread
    assert longest(plenty, 20 * need, alone) == (20, [])
    assert longest(plenty, 3 * 20 * need, alone - 1) == (20, [3])
    assert longest(plenty, 3 * 20 * need - 1, alone - 1) == (19, [3])
    answers = []
    asking = threading.Thread(target=lambda: answers.append(longest(0, plenty, alone - 1)))
    asking.start()
    asking.join()
    assert answers == [(10, [])]  # who asks from a thread of their own shares no more


def test_people_are_halved_until_some_draws_of_them_fit(monkeypatch):
    rng = np.random.default_rng(4)
    graph = random_graph(rng, 5)
    name = graph.names[0]
    size = len(graph.node(name).states)
    world = World(random_posterior(rng, graph, draws=9), {name: np.arange(7) % size}, {})
    keep = [(graph.outcome, 0)]
    expected, many = world.joint(keep), []
    inner = draws._run_people

    def noted(part, finish, fetcher, codes):
        many.append(max(len(code) for code in codes.values()))
        return inner(part, finish, fetcher, codes)

    monkeypatch.setattr(draws, "_run_people", noted)
    monkeypatch.setattr(draws, "_FEW", 10**9)
    np.testing.assert_array_equal(world.joint(keep), expected)
    assert many[:13] == [7, 3, 1, 2, 1, 1, 4, 2, 1, 1, 2, 1, 1]
    assert many == many[:13] * (len(many) // 13)  # and so for each part of the plan
