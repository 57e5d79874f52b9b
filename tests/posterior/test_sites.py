"""One site of a survey as a model like any other, by what a shift of the log odds means."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit, logit
from scipy.stats import halfnorm, norm

from backrisk import Posterior, PosteriorError
from backrisk.graph import SITE_SCALE, CausalGraph, Edge, Layout, Node, Prior
from backrisk.posterior import SiteEffects
from backrisk.posterior.sites import prior_of_new_site

DRAWS = 6
TWO, FOUR = ("no", "yes"), ("none", "mild", "some", "much")


@pytest.fixture
def posterior():
    """A cause, and two ordinal nodes of two and of four states whose intercepts vary by site."""
    nodes = (
        Node("x", TWO),
        Node("y", TWO, mechanism="ordinal_logit"),
        Node("w", FOUR, mechanism="ordinal_logit"),
    )
    edges = tuple(Edge("x", n, "Claim.", "stated", "weak", Prior(0.7, 0.5)) for n in ("y", "w"))
    graph = CausalGraph("sited", nodes, edges, outcome="y")
    layout, rng = Layout(graph), np.random.default_rng(0)
    assert layout.pooled == ("y", "w")
    before = layout.draw_prior(4000, rng)
    effects = SiteEffects(
        ("north", "south"), rng.normal(size=(DRAWS, 2, 2)), 0.5 + rng.random((DRAWS, 2))
    )
    return Posterior(
        graph,
        *layout.draw_prior(DRAWS, rng),
        prior_fractions=before[0],
        prior_beta=before[1],
        sites=effects,
        meta={"survey": "ours"},
    )


def above(cpt):
    """P(X > k) for each state but the last."""
    return 1 - np.cumsum(cpt, axis=-1)[..., :-1]


@pytest.mark.parametrize("name", ["average", "new", " Average", "NEW", "\tnew"])
def test_a_site_called_like_no_site_is_refused(posterior, name):
    shift, scale = posterior.sites.shift, posterior.sites.scale
    with pytest.raises(PosteriorError, match=r"A site of this model is called .* 'new' and 'avera"):
        SiteEffects(("north", name), shift, scale)
    held = SiteEffects(("north", f"{name} town"), shift, scale)
    effects = replace(posterior, sites=held)
    np.testing.assert_array_equal(
        effects.at_site(f"{name} town").cpt("y"), posterior.at_site("south").cpt("y")
    )


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("node", ["y", "w"])
def test_a_site_shifts_every_cutpoint_of_a_node_by_its_own_amount(posterior, place, node):
    """Logit P(X > k) grows by the shift, for each k and each state of the cause."""
    local = posterior.at_site(posterior.sites.names[place])
    column = posterior.layout.pooled.index(node)
    shift = posterior.sites.shift[:, place, column][:, None, None]
    expected = logit(above(posterior.cpt(node))) + shift
    np.testing.assert_allclose(logit(above(local.cpt(node))), expected, rtol=0, atol=1e-9)
    assert np.array_equal(local.cpt("x"), posterior.cpt("x"))


def test_a_site_s_model_has_no_sites_and_says_which_it_is(posterior):
    local = posterior.at_site("south")
    assert local.sites is None
    assert local.meta.items() >= {"survey": "ours", "site": "south"}.items()
    assert local.beta is posterior.beta
    with pytest.raises(PosteriorError, match=r"no sites.*'north'"):
        local.at_site("north")


@pytest.mark.parametrize("site", [None, "average"])
def test_the_average_is_the_posterior_itself(posterior, site):
    assert posterior.at_site(site) is posterior


def test_a_new_site_is_drawn_from_the_population_of_sites(posterior):
    wide = SiteEffects(("a",), np.zeros((50_000, 1, 2)), np.tile([0.5, 2.0], (50_000, 1)))
    shift = wide.at("new", np.random.default_rng(0))
    np.testing.assert_allclose(shift.mean(axis=0), 0.0, atol=4 * 2.0 / np.sqrt(50_000))
    np.testing.assert_allclose(shift.std(axis=0), [0.5, 2.0], rtol=0.02)
    one, same, other = (posterior.at_site("new", seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(one.fractions, same.fractions)
    assert not np.array_equal(one.fractions, other.fractions)
    assert np.array_equal(
        posterior.at_site("new").fractions, posterior.at_site("new", seed=0).fractions
    )
    shift = SiteEffects.at(posterior.sites, "new", np.random.default_rng(1))
    np.testing.assert_allclose(
        logit(above(one.cpt("y"))), logit(above(posterior.cpt("y"))) + shift[:, :1, None], atol=1e-9
    )


def test_the_prior_of_any_site_is_that_of_a_new_one(posterior):
    """Its spread of the log odds is the pooled prior's and the population's together."""
    local = posterior.at_site("north")
    before, after = (logit(above(p.prior.cpt("y")))[:, 0, 0] for p in (posterior, local))
    away = after - before
    # A normal whose scale is half-normal: variance SITE_SCALE squared, mean 0.
    assert away.mean() == pytest.approx(0.0, abs=4 * SITE_SCALE / np.sqrt(4000))
    assert away.std() == pytest.approx(SITE_SCALE, rel=0.1)
    assert local.prior_beta is posterior.prior_beta
    assert replace(posterior, prior_fractions=None).at_site("north").prior is None


def test_a_new_site_s_prior_has_the_stated_scale():
    away = prior_of_new_site(100_000, 2, np.random.default_rng(0))
    assert away.shape == (100_000, 2)
    np.testing.assert_allclose(away.std(axis=0), SITE_SCALE, rtol=0.03)
    # Each node has a scale and a shift of its own.
    assert abs(np.corrcoef(np.abs(away).T)[0, 1]) < 0.02


def test_an_unknown_site_is_refused_with_those_there_are(posterior):
    with pytest.raises(PosteriorError) as raised:
        posterior.at_site("nort")
    for fact in ("'nort'", "did you mean 'north'", "'south'", "'new'", "'average'"):
        assert fact in str(raised.value)


def test_tables_that_were_given_have_no_sites(posterior):
    given = Posterior.from_cpts(
        posterior.graph, {name: posterior.cpt(name) for name in posterior.graph.names}
    )
    with pytest.raises(PosteriorError, match=r"no sites.*'here'"):
        given.at_site("here")


def test_a_shift_of_the_odds_is_what_it_says():
    """By hand: P(X > 0) of 0.5 at a shift of log 3 is 0.75, and P(X > 1) of 0.2 is 3/7."""
    graph = CausalGraph(
        "one",
        (Node("x", TWO), Node("y", (*TWO, "often"), mechanism="ordinal_logit")),
        (Edge("x", "y", "Claim.", "stated", "weak", Prior(0.0, 1.0)),),
        outcome="y",
    )
    layout = Layout(graph)
    start = layout.fraction_slices["y"].start
    fractions = np.full((1, len(layout.fraction_labels)), 0.5)
    fractions[0, start : start + 2] = [0.5, 0.6]  # 0.5, then 0.6 of what is left: 0.5, 0.3, 0.2
    pooled = Posterior(
        graph,
        fractions,
        np.zeros((1, 1)),
        sites=SiteEffects(("a",), np.full((1, 1, 1), np.log(3)), np.ones((1, 1))),
    )
    np.testing.assert_allclose(pooled.cpt("y")[0, 0], [0.5, 0.3, 0.2])
    np.testing.assert_allclose(
        pooled.at_site("a").cpt("y")[0, 0], [0.25, 0.75 - expit(logit(0.2) + np.log(3)), 3 / 7]
    )


def test_the_log_prior_of_sites_is_the_density_that_their_prior_has():
    """A scale is half-normal, a shift normal with its node's scale."""
    rng = np.random.default_rng(3)
    scale, shift = np.abs(rng.normal(size=(5, 2))) + 0.1, rng.normal(size=(5, 3, 2))
    found = SiteEffects(("a", "b", "c"), shift, scale).log_prior()
    expected = halfnorm.logpdf(scale, scale=SITE_SCALE).sum(axis=1)
    expected += norm.logpdf(shift, scale=scale[:, None]).sum(axis=(1, 2))
    np.testing.assert_allclose(found, expected, rtol=1e-12)
