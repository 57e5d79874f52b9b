"""The normal distribution at the mode: of the density that is sampled, near what is found there."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit, logit

from backrisk import FitError, compile_model, simulate
from backrisk.fitting import approximate
from backrisk.fitting.densities import log_likelihood_of, log_prior
from backrisk.fitting.mode import density_of
from backrisk.fitting.observed import prepare
from backrisk.fitting.sampling import model_of
from backrisk.survey import Survey


@pytest.mark.slow
def test_the_density_and_its_slopes_are_those_of_the_model(core_graph, core_survey, core_compiled):
    prepared = replace(prepare(core_graph, core_survey), known=core_compiled.known)
    density = density_of(model_of(prepared, core_compiled))
    layout, prior = prepared.layout, prepared.prior
    first = len(layout.fraction_labels)
    points = np.random.default_rng(1).normal(size=(4, first + len(layout.effect_labels))) * 0.3
    fractions, z = expit(points[:, :first]), points[:, first:]
    beta = prior.mean + (prior.sd * z if prior.root is None else z @ prior.root.T)
    expected = log_prior(prior, fractions, beta, None)
    expected += log_likelihood_of(prepared.circuit, layout, fractions, beta, None, None)
    expected += np.log(fractions * (1 - fractions)).sum(axis=1)  # to the logit scale
    found = np.array([-density(point)[0] for point in points])
    # Effects have another unit of length there: a constant, which does not count.
    np.testing.assert_allclose(np.diff(found), np.diff(expected), rtol=1e-8)
    step = 1e-5
    for way in np.eye(points.shape[1]):
        slope = (density(points[0] + step * way)[0] - density(points[0] - step * way)[0]) / 2 / step
        assert density(points[0])[1] @ way == pytest.approx(slope, rel=1e-4, abs=1e-3)


@pytest.mark.slow
def test_means_and_spreads_are_near_those_of_sampling(
    core_graph, core_survey, core_compiled, core_posterior
):
    found = approximate(core_graph, core_survey, seed=1, draws=4000, compiled=core_compiled)
    assert found.diagnostics.method == "laplace"
    assert found.diagnostics.good
    for mine, sampled in (
        (logit(found.fractions), logit(core_posterior.fractions)),
        (found.beta, core_posterior.beta),
    ):
        spread = sampled.std(axis=0)
        # A tenth of a posterior is tilted by its skewness; 1,200 draws count as some hundreds.
        assert np.abs((mine.mean(axis=0) - sampled.mean(axis=0)) / spread).max() < 0.5
        assert np.abs(np.log(mine.std(axis=0) / spread)).max() < 0.3
        assert np.abs(np.log(mine.std(axis=0) / spread)).mean() < 0.1
    again = approximate(core_graph, core_survey, seed=1, draws=50, compiled=core_compiled)
    assert again.draws == 50
    assert again.meta["design"] is None


def test_surveys_with_sites_are_refused(core_graph, core_compiled):
    frame = simulate(core_graph, 40, seed=1).assign(site=["a", "b"] * 20)
    survey = Survey.from_frame(frame, core_graph, site="site")
    with pytest.raises(FitError, match="with sites is not approximated"):
        approximate(core_graph, survey, seed=1, compiled=core_compiled)


def test_a_density_without_a_mode_is_told(core_graph, core_survey, core_compiled, monkeypatch):
    from backrisk.fitting import laplace

    def summitless(model):
        start = model.initial_point_func(1)
        return lambda point: (-float(((point - start) ** 2).sum()) / 2, start - point)

    monkeypatch.setattr(laplace, "density_of", summitless)
    found = approximate(core_graph, core_survey, seed=1, draws=10, compiled=core_compiled)
    assert not found.diagnostics.good
    assert "No mode was found" in found.diagnostics.warnings[0]
    assert np.isfinite(found.beta).all()


def test_nothing_is_compiled_where_the_posterior_is_exact():
    from backrisk import CausalGraph, fit

    graph = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    survey = Survey.from_frame(simulate(graph, 30, seed=1, gaps=False), graph)
    compiled = compile_model(graph, survey)
    assert compiled.compiled is None
    found = fit(graph, survey, seed=1, draws=20, compiled=compiled, progress=False)
    assert found.diagnostics.method == "exact"
