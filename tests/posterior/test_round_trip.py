"""Any model saves, loads and answers to the bit as before: random graphs, kinds of fit, edges."""

import pickle
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_all_start_methods, get_context

import numpy as np
import pandas as pd
import pytest
import strategies

from backrisk import CausalGraph, Posterior, Survey, fit, load_posterior, risk
from backrisk.graph import Layout
from backrisk.posterior import Diagnostics, SiteEffects
from backrisk.posterior.diagnostics import WORST

ARRAYS = (
    *("fractions", "beta", "prior_fractions", "prior_beta", "log_prior", "log_likelihood"),
    *("site_shift", "site_scale", "steps_diverging", "steps_energy"),
)


def array(posterior, name):
    if name.startswith("steps_"):
        return posterior.sample_stats and posterior.sample_stats[name.removeprefix("steps_")]
    if not name.startswith("site_"):
        return getattr(posterior, name)
    return posterior.sites and getattr(posterior.sites, name.removeprefix("site_"))


def same(before, after):
    """Compare every part; arrays to the bit."""
    assert after.graph == before.graph
    assert after.codebook == before.codebook
    assert after.chains == before.chains
    assert after.meta == before.meta
    assert after.diagnostics == before.diagnostics
    for name in ARRAYS:
        first, second = array(before, name), array(after, name)
        assert (first is None) == (second is None), name
        assert first is None or first.tobytes() == second.tobytes(), name
    for name in before.graph.names:
        assert before.cpt(name).tobytes() == after.cpt(name).tobytes(), name


def comes_back(posterior, path, rng):
    found = load_posterior(posterior.save(path))
    same(posterior, found)
    graph = posterior.graph
    for _ in range(2):
        person = strategies.random_person(rng, graph)
        target = graph.outcome or graph.names[-1]
        draws = [risk(each, person, target=target).draws for each in (posterior, found)]
        assert draws[0].tobytes() == draws[1].tobytes()
    return found


def drawn(graph, rng, draws, chains, sites=0):
    """Return a model of any kind of parameters, as a sampler would leave it."""
    layout = Layout(graph)
    fractions, beta = layout.draw_prior(draws * chains, rng)
    before = layout.draw_prior(int(rng.integers(1, 4)), rng)
    shape = (draws * chains, sites, len(layout.pooled))
    return Posterior(
        graph,
        fractions,
        beta,
        chains,
        Diagnostics("nutpie", dict.fromkeys(WORST, 1.0), ("Bad.",)),
        prior_fractions=before[0],
        prior_beta=before[1],
        sites=SiteEffects(
            tuple(f"site {k}" for k in range(sites)),
            rng.normal(size=shape),
            rng.random((draws * chains, shape[-1])),
        )
        if sites
        else None,
        log_prior=rng.normal(size=draws * chains),
        log_likelihood=np.full(draws * chains, -np.inf),
        sample_stats={
            "diverging": rng.integers(2, size=draws * chains).astype(float),
            "energy": rng.normal(size=draws * chains),
        },
    )


@pytest.mark.parametrize("seed", strategies.seeds(4, 40))
def test_random_graphs_come_back(seed, tmp_path):
    rng = np.random.default_rng(seed)
    graph = strategies.random_graph(rng, int(rng.integers(1, 6)) + 1)
    comes_back(
        strategies.random_posterior(rng, graph, int(rng.integers(1, 5))), tmp_path / "g", rng
    )
    nodes = tuple(
        replace(node, mechanism=str(rng.choice(["saturated", "ordinal_logit", "noisy_max"])))
        if graph.parents(node.name)
        else node
        for node in graph.nodes
    )
    mixed = replace(graph, nodes=nodes)
    draws, chains, sites = (int(rng.integers(low, 4)) for low in (1, 1, 0))
    comes_back(drawn(mixed, rng, draws, chains, sites), tmp_path / "m.nc", rng)


@pytest.mark.parametrize("graph", [strategies.every_mechanism, strategies.nominal_causes])
def test_every_mechanism_comes_back(graph, tmp_path):
    rng = np.random.default_rng(0)
    comes_back(drawn(graph(), rng, 3, 2), tmp_path / "m.nc", rng)


NO_YES = ["no", "yes"]
GRAPHS = {
    "no effects": ([("x", "y")], {"x": NO_YES, "y": NO_YES}),
    "one node": ([], {"x": NO_YES}),
    "no edges": ([], {"x": NO_YES, "y": ["a", "b", "c"]}),
    "200 states": ([("x", "y")], {"x": [f"s{k}" for k in range(200)], "y": NO_YES}),
    "names": (
        [("cpt_x", "x_0"), ("chain", "é")],
        dict.fromkeys(("cpt_x", "x_0", "chain", "é"), NO_YES),
    ),
}


@pytest.mark.parametrize("kind", [*GRAPHS, pytest.param("300 nodes", marks=pytest.mark.slow)])
def test_graphs_at_the_edges_come_back(kind, tmp_path):
    many = ([(f"n{k}", f"n{k + 1}") for k in range(299)], {f"n{k}": NO_YES for k in range(300)})
    graph = CausalGraph.from_edges(*GRAPHS.get(kind, many))
    rng = np.random.default_rng(0)
    comes_back(strategies.random_posterior(rng, graph, 1), tmp_path / "given.nc", rng)
    comes_back(drawn(graph, rng, 1, 1), tmp_path / "drawn.nc", rng)


@pytest.mark.parametrize("kind", ["no effects", "one node", "no edges"])
@pytest.mark.parametrize(("draws", "chains"), [(1, 1), (20, 1), (5, 3)])
def test_exact_fits_come_back(kind, draws, chains, tmp_path):
    graph, rng = CausalGraph.from_edges(*GRAPHS[kind]), np.random.default_rng(1)
    table = pd.DataFrame({n.name: rng.choice(n.states, 30) for n in graph.nodes})
    table[graph.names[-1]] = table[graph.names[-1]].where(table.index >= 3)
    survey = Survey.from_frame(table, graph)
    posterior = fit(graph, survey, seed=1, draws=draws, chains=chains)
    assert posterior.diagnostics.method == "exact"
    comes_back(posterior, tmp_path / "m.nc", rng)


@pytest.mark.slow
def test_a_sampled_fit_of_one_draw_or_chain_comes_back(tmp_path):
    """An unobserved answer between two others: nothing is exact."""
    graph = CausalGraph.from_edges([("a", "b")], {"a": NO_YES, "b": ["s0", "s1", "s2"]})
    rng = np.random.default_rng(3)
    table = pd.DataFrame({n.name: rng.choice(n.states, 60) for n in graph.nodes})
    survey = Survey.from_frame(table.where(rng.random(table.shape) > 0.2), graph)
    for draws in (1, 60):
        posterior = fit(
            graph, survey, seed=1, draws=draws, tune=60, chains=1, sampler="nutpie", progress=False
        )
        assert posterior.diagnostics.method == "nutpie"
        found = load_posterior(posterior.save(tmp_path / "m.nc"))
        assert found.fractions.tobytes() == posterior.fractions.tobytes()
        assert found.diagnostics.cautions == posterior.diagnostics.cautions
        assert "One chain was sampled" in found.diagnostics.cautions[-1]


def asked(posterior):
    return risk(posterior, {"a": "s1"}, target="o").draws


def test_a_pickle_holds_the_model_and_nothing_that_was_computed(tmp_path):
    rng = np.random.default_rng(0)
    posterior = drawn(strategies.every_mechanism(), rng, 50, 2)
    fresh = len(pickle.dumps(posterior))
    answer = asked(posterior)
    assert posterior.thinned.draws == 100
    assert posterior.prior.marginal("o").any()
    assert len(pickle.dumps(posterior)) == fresh
    copied = pickle.loads(pickle.dumps(posterior))
    assert asked(copied).tobytes() == answer.tobytes()
    same(posterior, copied)
    given = strategies.random_posterior(rng, strategies.random_graph(rng, 4))
    same(given, pickle.loads(pickle.dumps(given)))


@pytest.mark.slow
@pytest.mark.parametrize("method", get_all_start_methods())
def test_another_process_answers_the_same(method):
    posterior = drawn(strategies.every_mechanism(), np.random.default_rng(0), 50, 2)
    answer = asked(posterior)
    with ProcessPoolExecutor(1, mp_context=get_context(method)) as pool:
        found = pool.submit(risk, posterior, {"a": "s1"}, target="o").result(timeout=120)
    # To rounding: here the compiled loops may have been imported, and there not.
    np.testing.assert_allclose(found.draws, answer, rtol=1e-12, atol=0)
