"""Fits with and without published figures."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import special, stats

from backrisk import CausalGraph, Edge, FitError, Node, Prior, build_model, compile_model, fit
from backrisk.check import calibrate
from backrisk.fitting import sampling
from backrisk.fitting.chains import Settings
from backrisk.fitting.observed import prepare
from backrisk.graph import Figure, Layout
from backrisk.likelihood import conditioned, conditioning
from backrisk.survey import Survey

BINARY = ("no", "yes")
MEAN, SD = 0.3, 0.5
FIGURE = Figure(
    "x", "y", "OR", 3.0, 2.0, 4.5, ("no",), ("yes",), "y>=yes", condition=True, citation="One 2001"
)
SIZES = {"draws": 500, "tune": 300, "chains": 4, "progress": False}


def graph_with(*figures, kind="ordinal_logit"):
    nodes = (Node("x", BINARY), Node("y", BINARY, mechanism=kind))
    edges = (Edge("x", "y", "claim", "stated", "weak", Prior(MEAN, SD)),)
    return CausalGraph("g", nodes, edges, outcome="y", figures=figures)


def survey_of(graph):
    """30 people without x, of whom 10 have y, and 20 with x, of whom 9 have y."""
    x = ["no"] * 30 + ["yes"] * 20
    y = ["yes"] * 10 + ["no"] * 20 + ["yes"] * 9 + ["no"] * 11
    return Survey.from_frame(pd.DataFrame({"x": x, "y": y}), graph)


@pytest.fixture(scope="module")
def compiled():
    graph = graph_with(FIGURE)
    return compile_model(graph, survey_of(graph))


@pytest.fixture(scope="module")
def informed(compiled):
    graph = graph_with(FIGURE)
    return fit(graph, survey_of(graph), seed=1, compiled=compiled, **SIZES)


def exact_mean(prior, centre):
    """The posterior mean of the effect, by quadrature over it and the share at average causes."""
    (_, a), (_, b) = prior.fractions
    share = np.linspace(0.0005, 0.9995, 1000)[:, None]
    beta = np.linspace(-3, 5, 1601)[None]
    log = stats.beta.logpdf(share, a, b) + stats.norm.logpdf(beta, prior.mean[0], prior.sd[0])
    for exposed, (have, people) in enumerate([(10, 30), (9, 20)]):
        without = special.expit(special.logit(share) - beta * (exposed - centre))
        log = log + stats.binom.logpmf(people - have, people, without)
    weights = np.exp(log - log.max())
    return float((weights * beta).sum() / weights.sum())


def test_a_fit_starts_from_the_conditioned_prior(informed):
    layout = Layout(graph_with(FIGURE))
    prior = conditioned(layout).prior
    (effect,) = layout.mechanisms["y"].effects
    expected = exact_mean(prior, effect.centre)
    error = informed.beta.std() / np.sqrt(400)  # at least so many effective draws
    assert informed.beta.mean() == pytest.approx(expected, abs=4 * error)
    # And not from the one that the graph states, which lies farther off than that.
    assert abs(exact_mean(layout.prior, effect.centre) - expected) > 8 * error


def test_a_fit_keeps_the_prior_and_the_figures_that_it_used(informed):
    prior = conditioned(Layout(graph_with(FIGURE))).prior
    error = prior.sd[0] / np.sqrt(len(informed.prior_beta))
    assert informed.prior_beta.mean() == pytest.approx(prior.mean[0], abs=4 * error)
    assert informed.prior_beta.std() == pytest.approx(prior.sd[0], rel=0.1)
    assert informed.meta["figures"] == [{"cause": "x", "effect": "y", "citation": "One 2001"}]
    assert not informed.diagnostics.cautions


def test_a_model_compiled_with_figures_serves_no_fit_without_them(compiled):
    graph = graph_with(FIGURE)
    with pytest.raises(FitError, match="other published figures"):
        fit(graph, survey_of(graph), seed=1, compiled=compiled, evidence=False, **SIZES)


def test_figures_may_be_left_out():
    graph = graph_with(FIGURE)
    found = fit(
        graph, survey_of(graph), seed=1, evidence=False, sampler="pymc",
        draws=50, tune=50, chains=2, progress=False,
    )  # fmt: skip
    assert found.meta["figures"] == []
    assert found.prior_beta.mean() == pytest.approx(MEAN, abs=4 * SD / np.sqrt(1000))


def test_effects_of_a_model_have_the_mean_and_the_root_of_its_prior():
    graph = graph_with(FIGURE)
    two = CausalGraph(
        "g",
        (*graph.nodes, Node("z", BINARY)),
        (*graph.edges, Edge("z", "y", "claim", "stated", "weak", Prior(-0.2, 0.4))),
    )
    layout = Layout(two)
    covariance = np.array([[0.5, -0.2], [-0.2, 0.3]])
    prior = layout.prior.with_effects(np.array([0.1, 0.7]), covariance)
    z = np.array([0.3, -1.1])
    for given, expected in (
        (prior, prior.mean + np.linalg.cholesky(covariance) @ z),
        (None, layout.prior.mean + layout.prior.sd * z),
    ):
        model = build_model(two, prior=given)
        np.testing.assert_allclose(model["beta"].eval({model["z"]: z}), expected)


def test_an_exact_fit_is_the_same_with_and_without_figures():
    graph = graph_with(FIGURE, kind="saturated")
    survey = survey_of(graph)
    one, other = (
        fit(graph, survey, seed=2, draws=50, evidence=evidence) for evidence in (True, False)
    )
    assert one.diagnostics.method == "exact"
    np.testing.assert_array_equal(one.fractions, other.fractions)
    np.testing.assert_array_equal(one.prior_fractions, other.prior_fractions)
    assert one.meta["figures"] == []


def test_a_figure_that_could_not_be_used_is_told(monkeypatch):
    hazard = replace(FIGURE, measure="HR", citation="Two 2002")
    aside = replace(FIGURE, condition=False, citation="Three 2003")
    known = conditioned(Layout(graph_with(FIGURE, hazard, aside)))
    (said,) = sampling._left_out(known)
    assert "Two 2002" in said
    assert "length of time" in said
    monkeypatch.setattr(conditioning, "LARGEST", 3)
    first, second = sampling._left_out(conditioned(Layout(graph_with(FIGURE, hazard))))
    assert "One 2001" in first
    assert "the limit is 3" in first
    assert "Two 2002" in second


def test_a_prior_that_is_far_from_normal_is_told():
    known = conditioned(Layout(graph_with(FIGURE)))

    def weighted(share):  # so large a share of draws counts, and the others not at all
        return replace(known, weights=lambda: 1.0 * (np.arange(10_000) < round(10_000 * share)))

    assert sampling._left_out(weighted(sampling._ROUGH)) == ()
    (said,) = sampling._left_out(weighted(0.99 * sampling._ROUGH))
    assert "far from normal" in said


def test_kept_chains_are_those_of_the_same_figures():
    graph = graph_with(FIGURE)
    prepared = prepare(graph, survey_of(graph))
    settings = Settings(10, 10, 0.8, 1)
    known = conditioned(prepared.layout)
    marks = {
        sampling._fingerprint(replace(prepared, known=of), settings, 1) for of in (None, known)
    }
    assert len(marks) == 2


@pytest.mark.slow
def test_fits_with_figures_get_their_own_prior_back():
    """Truths are drawn from the conditioned prior; the effect's rank among draws is uniform."""
    fits, thinned = 100, 50
    found = calibrate(graph_with(FIGURE), people=100, fits=fits, seed=1, thinned=thinned)
    ranks = found.ranks[:, found.names.index("y, x")]
    counts = np.bincount(ranks * 5 // (thinned + 1), minlength=5)
    assert stats.chisquare(counts).pvalue > 1e-3
