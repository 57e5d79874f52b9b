"""Judging: what the prior says beside published figures, and why a fit failed."""

import math

import numpy as np
import pytest
from scipy.stats import norm

from backrisk import GraphError, Posterior, Prior, QueryError, load_graph
from backrisk.check import explain, learned, prior_associations, prior_margins
from backrisk.graph import CausalGraph, Edge, Layout, Node
from backrisk.posterior import Diagnostics

CONTRADICTED = {"foot_type"}  # starts near no effect, whatever one association says


@pytest.fixture(scope="module")
def runner():
    return load_graph("runner")


def test_implied_odds_ratios_reach_the_published_intervals(runner):
    table = prior_associations(runner, seed=1)
    known = table.dropna(subset=["published_low"])
    assert len(known) >= 8
    for row in known.itertuples():
        if row.cause not in CONTRADICTED:
            assert row.low <= row.published_high, row.cause
            assert row.published_low <= row.high, row.cause


def test_prior_margins_follow_the_stated_ones(runner):
    """With every effect at its mean; parents depend on each other, which costs two points."""
    layout = Layout(runner)
    (a, b), mean = layout.prior.fractions, layout.prior.mean
    cpts = {n: layout.cpt(n, (a / (a + b))[None], mean[None]) for n in runner.names}
    posterior = Posterior.from_cpts(runner, cpts)
    from backrisk.inference import World
    from backrisk.queries import distribution

    for node in runner.nodes:
        share = distribution(World(posterior, {}, {}), node.name)[:, 0]
        assert np.abs(share - node.margin).max() < 0.02, node.name


def test_prior_margins_hold_most_published_prevalences(runner):
    table = prior_margins(runner, seed=1)
    cited = table[table["published"].notna()]
    assert set(cited["inside"]) <= {"yes", "no"}
    # 0.007 is the lowest of nineteen studies, and 0.045 that of a single race.
    assert set(cited.loc[cited["inside"] == "no", "published"]) <= {0.007, 0.045}


def test_an_odds_ratio_becomes_a_prior_with_those_limits():
    prior = Prior.from_odds_ratio(1.2, 3.5, probability=0.8)
    limits = norm.ppf([0.1, 0.9], prior.mean, prior.sd)
    np.testing.assert_allclose(np.exp(limits), [1.2, 3.5], rtol=1e-9)


@pytest.mark.parametrize(
    "limits", [(0, 1), (2, 1), (1, 1), (-1, 2), (1, math.inf), (math.nan, 2), (1, 2, 0), (1, 2, 1)]
)
def test_impossible_beliefs_are_refused(limits):
    with pytest.raises(GraphError):
        Prior.from_odds_ratio(*limits)


def sampled(graph, fractions, beta, chains, answered):
    return Posterior(
        graph,
        fractions,
        beta,
        chains=chains,
        diagnostics=Diagnostics("nutpie", {"r_hat": 2.0}),
        meta={"answered": answered},
    )


@pytest.fixture
def latent():
    nodes = (
        Node("c", ("no", "yes")),
        Node("y", ("no", "yes")),
        Node("i", ("no", "yes"), mechanism="item", reliability=0.5),
    )
    edges = (
        Edge("c", "y", "Claim.", "stated", "weak", Prior(0.5, 1.0)),
        Edge("c", "i", "Claim.", "measurement", "moderate"),
    )
    return CausalGraph("latent", nodes, edges, outcome="y")


def test_chains_in_mirror_images_are_called_label_switching(latent):
    rng = np.random.default_rng(0)
    centre = np.repeat([0.2, 0.2, 0.8, 0.8], 200)[:, None]
    fractions = np.clip(centre + 0.02 * rng.normal(size=(800, 4)), 0.01, 0.99)
    beta = np.where(centre > 0.5, -1.0, 1.0) + 0.1 * rng.normal(size=(800, 1))
    found = explain(sampled(latent, fractions, beta, 4, {"c": 0.0, "y": 1.0, "i": 1.0}))
    assert len(found) == 5
    assert found["why"].str.startswith("Label switching").all()
    assert found["what_to_do"].str.contains("'c'").all()


def test_a_trade_off_with_an_items_error_is_called_a_ridge(latent):
    rng = np.random.default_rng(0)
    walk = np.cumsum(0.01 * rng.normal(size=(800,)))  # slow, so that it fails
    walk = (walk - walk.mean()) / np.ptp(walk)
    fractions = rng.uniform(0.3, 0.7, size=(800, 4))
    item = Layout(latent).fraction_slices["i"].start
    fractions[:, 0] = 0.5 + 0.3 * walk
    fractions[:, item] = 0.5 - 0.3 * walk
    answered = {"c": 0.5, "y": 1.0, "i": 1.0}
    found = explain(sampled(latent, fractions, rng.normal(size=(800, 1)), 2, answered))
    assert found["why"].str.startswith("A ridge").all()
    assert set(found["node"]) == {"c", "i"}


def test_good_chains_need_no_explanation(latent):
    rng = np.random.default_rng(0)
    draws = rng.uniform(0.3, 0.7, size=(4000, 4)), rng.normal(size=(4000, 1))
    assert explain(sampled(latent, *draws, 4, {"c": 0.0})).empty


def test_given_tables_cannot_be_explained():
    graph = CausalGraph.from_edges([], {"x": ["no", "yes"]})
    with pytest.raises(QueryError, match="not sampled"):
        explain(Posterior.from_cpts(graph, {"x": [[0.5, 0.5]]}))


@pytest.mark.parametrize("reliability", [0.5, 0.8])
def test_an_error_that_is_fixed_is_not_learned(reliability):
    two = ("no", "yes")
    graph = CausalGraph(
        "fixed",
        (
            Node("core", two),
            Node("plank", two, mechanism="item", reliability=reliability, fixed=True),
        ),
        (Edge("core", "plank", "A weak core holds a short plank.", "measurement", "moderate"),),
    )
    layout, rng = Layout(graph), np.random.default_rng(0)
    before, after = layout.draw_prior(200, rng), layout.draw_prior(200, rng)
    posterior = Posterior(graph, *after, prior_fractions=before[0], prior_beta=before[1])
    table = learned(posterior)
    assert table.loc["plank", "reading"] == "known beforehand"
    assert table.loc["plank", "distance"] == 0.0
    assert table.loc["core", "reading"] == "mostly prior"
