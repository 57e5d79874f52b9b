"""The prior of all parameters: stated means and deviations are those of its draws."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import beta, multivariate_normal, norm

from backrisk import CausalGraph, Edge, Node, Prior
from backrisk.graph import Layout

DRAWS = 40_000


@pytest.fixture(scope="module")
def layout():
    nodes = (
        *(Node(name, ("a", "b")) for name in "pqr"),
        Node("y", ("a", "b", "c"), margin=(0.2, 0.3, 0.5), mechanism="ordinal_logit"),
    )
    priors = (Prior(0.7, 0.4), "weak"), (Prior(0.6, 0.3), "strong"), (Prior(-1.1, 0.5), "strong")
    edges = (
        Edge(cause, "y", "c", "stated", grade, prior)
        for cause, (prior, grade) in zip("pqr", priors, strict=True)
    )
    return Layout(CausalGraph("g", nodes, tuple(edges)))


def test_effects_are_normal_of_the_stated_mean_and_deviation_whatever_the_grade(layout):
    _, effects = layout.draw_prior(DRAWS, np.random.default_rng(0))
    mean, sd = np.array([0.7, 0.6, -1.1]), np.array([0.4, 0.3, 0.5])
    np.testing.assert_allclose(effects.mean(axis=0), mean, atol=5 * 0.5 / np.sqrt(DRAWS))
    np.testing.assert_allclose(effects.std(axis=0), sd, rtol=0.03)
    above = (effects > 0).mean(axis=0)  # no sign is forced
    np.testing.assert_allclose(above, norm.cdf(mean / sd), atol=5 * 0.5 / np.sqrt(DRAWS))
    assert layout.prior.mean.tolist() == mean.tolist()
    assert layout.prior.sd.tolist() == sd.tolist()


def test_fractions_make_the_dirichlet_of_each_simplex(layout):
    fractions, _ = layout.draw_prior(DRAWS, np.random.default_rng(1))
    assert ((fractions > 0) & (fractions < 1)).all()
    for name in "py":
        part = layout.mechanisms[name]
        alpha = np.array(part.simplexes[0].alpha)
        drawn = fractions[:, layout.fraction_slices[name]]
        first = drawn[:, 0]
        a, rest = alpha[0], alpha[1:].sum()
        assert first.mean() == pytest.approx(a / (a + rest), abs=0.01)
        assert first.var() == pytest.approx(a * rest / (a + rest) ** 2 / (a + rest + 1), rel=0.05)


def test_chains_start_at_the_prior_mean_and_away_from_the_ends(layout):
    start = layout.prior.start
    a, b = layout.prior.fractions
    np.testing.assert_allclose(start, np.clip(a / (a + b), 0.01, 0.99))
    certain = CausalGraph(
        "g",
        (
            Node("x", ("a", "b")),
            Node("i", ("a", "b"), mechanism="item", reliability=1.0),
        ),
        (Edge("x", "i", "c", "measurement", "weak"),),
    )
    np.testing.assert_allclose(Layout(certain).prior.start, [0.5, 0.99, 0.01])


def test_the_log_density_is_that_of_beta_and_normal(layout):
    fractions, effects = layout.draw_prior(5, np.random.default_rng(2))
    expected = beta.logpdf(fractions, *layout.prior.fractions).sum(axis=1)
    expected += norm.logpdf(effects, layout.prior.mean, layout.prior.sd).sum(axis=1)
    np.testing.assert_allclose(layout.prior.log_density(fractions, effects), expected, rtol=1e-12)
    ends = np.stack([np.zeros_like(fractions[0]), np.ones_like(fractions[0])])
    assert np.isfinite(layout.prior.log_density(ends, effects[:2])).all()


def test_a_graph_without_effects_has_none():
    graph = CausalGraph("g", (Node("x", ("a", "b")),))
    fractions, effects = Layout(graph).draw_prior(3, np.random.default_rng(0))
    assert fractions.shape == (3, 1)
    assert effects.shape == (3, 0)


def test_effects_may_depend_on_each_other(layout):
    mean = np.array([0.5, -0.2, 1.0])
    covariance = np.array([[0.5, 0.2, 0.0], [0.2, 0.4, -0.1], [0.0, -0.1, 0.3]])
    prior = layout.prior.with_effects(mean, covariance)
    np.testing.assert_allclose(prior.covariance, covariance)
    np.testing.assert_allclose(prior.sd, np.sqrt(np.diag(covariance)))
    assert prior.fractions is layout.prior.fractions
    assert prior.start is layout.prior.start
    _, effects = prior.draw(DRAWS, np.random.default_rng(2))
    np.testing.assert_allclose(effects.mean(axis=0), mean, atol=5 * 0.75 / np.sqrt(DRAWS))
    np.testing.assert_allclose(np.cov(effects.T), covariance, atol=5 * 0.75 / np.sqrt(DRAWS))
    np.testing.assert_allclose(layout.prior.covariance, np.diag(layout.prior.sd**2))


def test_log_densities_differ_as_the_densities_do(layout):
    """Beta times normal: only a constant that all priors share is left out."""
    prior = layout.prior
    covariance = np.array([[0.5, 0.2, 0.0], [0.2, 0.4, -0.1], [0.0, -0.1, 0.3]])
    a, b = prior.fractions
    other = replace(prior, fractions=(a + 1.5, b + 0.5)).with_effects(prior.mean + 0.3, covariance)
    fractions, effects = prior.draw(20, np.random.default_rng(3))

    def exact(of):
        normal = multivariate_normal(of.mean, of.covariance).logpdf(effects)
        return normal + beta.logpdf(fractions, *of.fractions).sum(axis=1)

    found = prior.log_density(fractions, effects) - other.log_density(fractions, effects)
    np.testing.assert_allclose(found, exact(prior) - exact(other), rtol=1e-9)
