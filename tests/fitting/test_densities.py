"""The log prior and log likelihood of each draw, against PyMC's own and against each person's."""

from dataclasses import replace

import arviz as az
import numpy as np
import pandas as pd
import pytest
from scipy.special import logit
from scipy.stats import halfnorm, norm

from backrisk import (
    CausalGraph,
    Codebook,
    Edge,
    Node,
    Posterior,
    Prior,
    build_model,
    fit,
    load_posterior,
    log_likelihood,
    simulate,
)
from backrisk.fitting import survey_circuit
from backrisk.fitting.densities import log_likelihood_of, log_prior
from backrisk.graph import Layout
from backrisk.posterior import SiteEffects
from backrisk.survey import Survey, tabulate
from tests.strategies import every_mechanism, nominal_causes

TWO = ("no", "yes")


def people(graph, n=40, **extra):
    frame = simulate(graph, n, seed=5, gaps=False)
    rng = np.random.default_rng(6)
    gone = rng.random(frame.shape) < 0.2
    columns = {name: {"node": name} for name in frame.columns}
    data = {"name": "b", "graph": graph.name, "columns": columns}
    frame = frame.mask(gone, "")
    if "site" in extra:
        frame["site"] = rng.choice(extra["site"], size=n)
        data["site"] = "site"
    if "weight" in extra:
        frame["weight"] = rng.random(n) + 0.5
        data["weight"] = "weight"
    return Survey.from_frame(frame, graph, Codebook.from_dict(data, graph))


@pytest.mark.parametrize("sited", [False, True])
@pytest.mark.parametrize("graph", [every_mechanism(), nominal_causes()], ids=["every", "nominal"])
def test_the_log_likelihood_is_the_sum_of_everyone_s(graph, sited):
    survey = people(graph, **({"site": ["n", "s", "w"]} if sited else {}))
    layout, rng = Layout(survey.graph), np.random.default_rng(2)
    fractions, beta = layout.draw_prior(300, rng)
    pooled = len(layout.pooled)
    sites = None
    if sited:
        sites = SiteEffects(
            survey.sites, rng.normal(size=(300, 3, pooled)), rng.random((300, pooled))
        )
    circuit = survey_circuit(survey, tabulate(survey))
    found = log_likelihood_of(circuit, layout, fractions, beta, sites)
    tree = log_likelihood(Posterior(survey.graph, fractions, beta, sites=sites), survey)
    each = tree["log_likelihood"]["answers"].to_numpy()[0]
    np.testing.assert_allclose(found, each.sum(axis=1), rtol=1e-10)


def test_weighted_people_count_by_their_weights():
    graph = nominal_causes()
    survey = people(graph, weight=True)
    layout = Layout(survey.graph)
    drawn = layout.draw_prior(3, np.random.default_rng(2))
    found = log_likelihood_of(survey_circuit(survey, tabulate(survey)), layout, *drawn, None)
    each = log_likelihood(Posterior(survey.graph, *drawn), survey)
    rows = each["log_likelihood"]["answers"].to_numpy()[0]
    weights = survey.weights * survey.weights.sum() / (survey.weights**2).sum()
    np.testing.assert_allclose(found, rows @ weights, rtol=1e-10)


@pytest.mark.parametrize("sited", [False, True])
def test_both_are_what_pymc_has(sited):
    """PyMC samples log odds of the fractions, a standard normal z, and log scales of sites."""
    graph = nominal_causes()
    survey = people(graph, **({"site": ["n", "s"]} if sited else {}))
    model = build_model(survey.graph, survey)
    layout, rng = Layout(survey.graph), np.random.default_rng(3)
    fractions, beta = layout.draw_prior(2, rng)
    pooled = len(layout.pooled)
    z = (beta - layout.prior.mean) / layout.prior.sd
    scale, away = rng.random((2, pooled)) + 0.1, rng.normal(size=(2, 2, pooled))
    sites = None
    if sited:
        sites = SiteEffects(survey.sites, scale[:, None] * away, scale)
    told = log_prior(layout.prior, fractions, beta, sites)
    circuit = survey_circuit(survey, tabulate(survey))
    likelihood = log_likelihood_of(circuit, layout, fractions, beta, sites)
    logp = model.compile_logp(jacobian=False)
    for draw in range(2):
        point = {"continuation_logodds__": logit(fractions[draw]), "z": z[draw]}
        # The density of an effect is that of z over its standard deviation.
        expected = told[draw] + np.log(layout.prior.sd).sum()
        if sited:
            point |= {"site_scale_log__": np.log(scale[draw]), "site_z": away[draw]}
            expected += 2 * np.log(scale[draw]).sum()
        assert logp(point) == pytest.approx(expected + likelihood[draw], rel=1e-9)


def test_the_prior_of_sites_is_half_normal_and_normal():
    rng = np.random.default_rng(4)
    sites = SiteEffects(("a", "b"), rng.normal(size=(3, 2, 1)), rng.random((3, 1)) + 0.1)
    expected = halfnorm.logpdf(sites.scale, scale=0.5).sum(axis=1) + norm.logpdf(
        sites.shift, scale=sites.scale[:, None]
    ).sum(axis=(1, 2))
    np.testing.assert_allclose(sites.log_prior(), expected, rtol=1e-12)


@pytest.mark.parametrize(
    "mechanism", [pytest.param("saturated", marks=pytest.mark.slow), "ordinal_logit"]
)
def test_a_fit_keeps_both_and_they_are_saved(mechanism, tmp_path):
    nodes = Node("x", TWO), Node("y", TWO, mechanism=mechanism)
    edge = Edge("x", "y", "Claim.", "stated", "weak", Prior(0.5, 1.0))
    graph = CausalGraph("g", nodes, (edge,), outcome="y")
    frame = pd.DataFrame({"x": ["no", "yes"] * 20, "y": ["no", "no", "yes", "yes"] * 10})
    survey = Survey.from_frame(frame, graph)
    posterior = fit(graph, survey, seed=1, draws=100, tune=200, chains=2, progress=False)
    x, y = posterior.cpt("x"), posterior.cpt("y")
    counts = 10.0  # of each pair of answers
    expected = counts * np.log(x[:, :, None] * y).sum(axis=(1, 2))
    np.testing.assert_allclose(posterior.log_likelihood, expected, rtol=1e-9)
    told = log_prior(posterior.layout.prior, posterior.fractions, posterior.beta, None)
    np.testing.assert_array_equal(posterior.log_prior, told)
    loaded = load_posterior(posterior.save(tmp_path / "m.nc"))
    assert np.array_equal(loaded.log_prior, posterior.log_prior)
    assert np.array_equal(loaded.log_likelihood, posterior.log_likelihood)
    few = posterior.subset(7)
    kept = posterior.spaced(7)
    assert np.array_equal(few.log_prior, posterior.log_prior[kept])
    assert np.array_equal(few.log_likelihood, posterior.log_likelihood[kept])
    bare = replace(posterior, log_prior=None, log_likelihood=None)
    older = load_posterior(bare.save(tmp_path / "older.nc"))
    assert older.log_prior is None
    assert older.log_likelihood is None


def test_arviz_scales_the_prior_by_what_is_kept(core_posterior):
    """A prior of greater power pulls effects towards its mean, as their draws' weights say."""
    tree = core_posterior.to_datatree()
    found = az.psense_summary(tree, var_names=["beta"])
    assert np.isfinite(found[["prior", "likelihood"]].to_numpy()).all()
    weights = np.exp(0.5 * (core_posterior.log_prior - core_posterior.log_prior.max()))
    before = core_posterior.beta.mean(axis=0) - core_posterior.layout.prior.mean
    after = weights @ core_posterior.beta / weights.sum() - core_posterior.layout.prior.mean
    assert (np.abs(after) ** 2).sum() < (np.abs(before) ** 2).sum()
