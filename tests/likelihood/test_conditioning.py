"""Priors conditioned on published figures, beside exact posteriors."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import integrate, special, stats

from backrisk.graph import CausalGraph, Edge, Figure, Layout, Node, Prior, load_graph
from backrisk.likelihood import Implied, conditioned, conditioning, readings
from backrisk.likelihood.conditioning import _beta

BINARY = ("no", "yes")
MEAN, SD = 0.3, 0.5
FIGURE = Figure(
    "x", "y", "OR", 2.0, 1.0, 4.0, ("no",), ("yes",), "y>=yes", condition=True, citation="One 2001"
)


def pair(*figures, states=BINARY, graph="g"):
    nodes = (Node("x", states), Node("y", BINARY, mechanism="ordinal_logit"))
    edges = (Edge("x", "y", "claim", "stated", "weak", Prior(MEAN, SD)),)
    return CausalGraph(graph, nodes, edges, figures=figures)


def combined(*figures):
    """A normal prior and normal observations of the same number: mean and standard deviation."""
    weights = [1 / SD**2, *(1 / f.standard_error**2 for f in figures)]
    values = [MEAN, *(f.log_estimate for f in figures)]
    return np.dot(weights, values) / sum(weights), sum(weights) ** -0.5


def test_where_the_odds_ratio_is_the_effect_the_posterior_is_the_textbook_s():
    found = conditioned(Layout(pair(FIGURE)))
    mean, sd = combined(FIGURE)
    assert found.prior.mean[0] == pytest.approx(mean, rel=1e-6)
    assert found.prior.sd[0] == pytest.approx(sd, rel=1e-6)
    assert [each.used for each in found.figures] == [True]
    assert found.used == found.figures
    # The normal is the posterior itself: every draw weighs the same.
    assert found.effective == pytest.approx(1.0, abs=1e-6)


def test_shares_keep_their_prior():
    layout = Layout(pair(FIGURE))
    found = conditioned(layout).prior
    for one, other in zip(found.fractions, layout.prior.fractions, strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(found.start, layout.prior.start)


def test_two_studies_count_as_two_and_one_study_as_one():
    other = replace(FIGURE, estimate=3.0, low=2.0, high=4.5, citation="Two 2002")
    both = conditioned(Layout(pair(FIGURE, other))).prior
    mean, sd = combined(FIGURE, other)
    assert (both.mean[0], both.sd[0]) == pytest.approx((mean, sd), rel=1e-6)
    once = conditioned(Layout(pair(FIGURE, replace(other, citation="One 2001"))))
    assert (once.prior.mean[0], once.prior.sd[0]) == pytest.approx(combined(FIGURE), rel=1e-6)
    assert [each.used for each in once.figures] == [True, False]


def assert_is_stated(prior, stated):
    assert prior.root is None
    for name in ("mean", "sd"):
        np.testing.assert_array_equal(getattr(prior, name), getattr(stated, name))
    for one, other in zip(prior.fractions, stated.fractions, strict=True):
        np.testing.assert_array_equal(one, other)


def test_without_figures_the_prior_is_the_graph_s_own():
    layout = Layout(pair())
    found = conditioned(layout)
    assert_is_stated(found.prior, layout.prior)
    assert (found.figures, found.effective) == ((), 1.0)
    aside = conditioned(Layout(pair(replace(FIGURE, condition=False))))
    assert aside.prior.root is None
    assert len(aside.figures) == 1


def test_a_graph_without_effects_uses_no_figure():
    graph = replace(pair(FIGURE), edges=(Edge("x", "y", "claim", "stated", "weak"),))
    graph = replace(graph, nodes=(graph.nodes[0], Node("y", BINARY)))
    layout = Layout(graph)
    assert layout.effect_labels == ()
    found = conditioned(layout)
    assert_is_stated(found.prior, layout.prior)
    assert "no family" in found.figures[0].why


def test_a_figure_that_needs_too_large_a_table_is_left_out_and_says_so(monkeypatch):
    monkeypatch.setattr(conditioning, "LARGEST", 3)
    found = conditioned(Layout(pair(FIGURE)))
    assert found.prior.root is None
    (each,) = found.figures
    assert each.contrast is None
    assert "has 4 cells, and the limit is 3" in each.why


def test_a_figure_about_inner_states_moves_effect_and_step():
    """Beside the exact posterior, by quadrature over the effect and the step of the middle state.

    With two states of the outcome an odds ratio against the reference is the effect times the step,
    whatever the shares are.
    """
    inner = replace(FIGURE, exposed=("mid",), reference=("low",), low=1.5, high=8 / 3)
    graph = pair(inner, states=("low", "mid", "high"))
    layout = Layout(graph)
    found = conditioned(layout)
    first, second = (part[-1] for part in layout.prior.fractions)
    beta, step = np.meshgrid(np.linspace(-2, 4, 1201), np.linspace(5e-4, 1 - 5e-4, 1000))
    density = (
        stats.norm.pdf(beta, MEAN, SD)
        * stats.beta.pdf(step, first, second)
        * stats.norm.pdf(beta * step, inner.log_estimate, inner.standard_error)
    )
    density /= density.sum()
    exact = (density * beta).sum(), (density * step).sum()
    a, b = (part[-1] for part in found.prior.fractions)
    # The posterior is skewed: its mode and curvature miss its moments a little.
    sd = np.sqrt((density * (beta - exact[0]) ** 2).sum())
    assert found.prior.mean[0] == pytest.approx(exact[0], abs=0.25 * sd)
    assert found.prior.sd[0] == pytest.approx(sd, rel=0.2)
    assert a / (a + b) == pytest.approx(exact[1], abs=0.05)
    assert found.prior.mean[0] > MEAN + 0.2
    assert a / (a + b) > first / (first + second) + 0.05
    assert 0.5 < found.effective < 0.99


def test_effects_that_share_a_figure_become_dependent():
    """Along a chain x -> m -> y a ratio of x and y says that one effect or the other is large."""
    nodes = tuple(
        Node(name, BINARY, mechanism=kind)
        for name, kind in (("x", None), ("m", "ordinal_logit"), ("y", "ordinal_logit"))
    )
    edges = tuple(
        Edge(a, b, "claim", "stated", "weak", Prior(1.0, 0.5)) for a, b in (("x", "m"), ("m", "y"))
    )
    graph = CausalGraph("chain", nodes, edges, figures=(replace(FIGURE, low=1.8, high=20 / 9),))
    layout = Layout(graph)
    prior = conditioned(layout).prior
    assert prior.covariance[0, 1] < -0.02
    (reading,) = readings(graph)
    implied = Implied(layout, (reading.contrast,))
    before, after = (
        implied.values(*p.draw(2000, np.random.default_rng(1)))[:, 0] for p in (layout.prior, prior)
    )
    aim = graph.figures[0].log_estimate
    assert abs(np.median(after) - aim) < 0.5 * abs(np.median(before) - aim)


@pytest.mark.parametrize(("a", "b"), [(2.0, 2.0), (0.6, 3.0), (40.0, 2.0), (300.0, 500.0)])
def test_a_beta_is_found_by_the_moments_of_its_logit(a, b):
    mean = special.digamma(a) - special.digamma(b)
    variance = special.polygamma(1, a) + special.polygamma(1, b)
    assert _beta(mean, variance) == pytest.approx((a, b), rel=1e-6)
    # The moments are those of the logit.
    logit = lambda x: np.log(x / (1 - x)) * stats.beta.pdf(x, a, b)  # noqa: E731
    assert integrate.quad(logit, 0, 1, limit=200)[0] == pytest.approx(mean, abs=1e-6)


def test_the_same_graph_has_the_same_prior_every_time():
    one = conditioned(Layout(load_graph("runner_core")))
    assert conditioned(Layout(load_graph("runner_core"))) is one  # found once
    conditioning._conditioned.cache_clear()
    same = conditioned(Layout(load_graph("runner_core")))
    np.testing.assert_array_equal(one.prior.mean, same.prior.mean)
    np.testing.assert_array_equal(one.prior.root, same.prior.root)
    assert one.effective == same.effective
    other = conditioned(Layout(load_graph("runner_core")), seed=1)
    np.testing.assert_array_equal(one.prior.mean, other.prior.mean)
    assert one.effective != other.effective
    assert one.effective > 0.5
