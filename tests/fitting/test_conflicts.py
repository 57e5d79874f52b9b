"""Prior-data conflict: its formula, its rate where priors are right, and what it finds."""

import numpy as np
import pytest
from scipy import special, stats
from strategies import every_mechanism, nominal_causes

from backrisk import fit, risk
from backrisk.fitting import conflicts, find_conflicts
from backrisk.graph import CausalGraph, Edge, Layout, Node, Prior
from backrisk.likelihood import conditioned
from backrisk.summary import INTERVAL
from backrisk.survey import Codebook, Survey

BINARY = ("no", "yes")
MEAN, SD = 0.35, 0.15
REACH = stats.norm.ppf(0.5 + INTERVAL / 2)


def pair(margin=None):
    nodes = (Node("x", BINARY, margin=margin), Node("y", BINARY, mechanism="ordinal_logit"))
    edges = (Edge("x", "y", "claim", "literature", "strong", Prior(MEAN, SD)),)
    return CausalGraph("pair", nodes, edges, outcome="y")


def spread(mean, sd, draws=401):
    """Draws that have exactly this mean and standard deviation."""
    z = stats.norm.ppf((np.arange(draws) + 0.5) / draws)
    return mean + sd * (z - z.mean()) / z.std()


def found_of(layout, effects, fractions=None):
    if fractions is None:
        fractions = layout.draw_prior(len(effects), np.random.default_rng(1))[0]
    return find_conflicts(layout, layout.prior, fractions, effects)


def test_the_data_alone_are_set_against_the_prior():
    """A normal prior and a normal likelihood: the difference over its standard error."""
    layout = Layout(pair())
    alone, error = -0.95, 0.16
    weights = np.array([1 / SD**2, 1 / error**2])
    mean, sd = weights @ [MEAN, alone] / weights.sum(), weights.sum() ** -0.5
    (conflict,) = found_of(layout, spread(mean, sd)[:, None])
    z = (alone - MEAN) / np.hypot(error, SD)
    assert conflict.tail == pytest.approx(2 * stats.norm.sf(abs(z)), rel=1e-6)
    assert (conflict.kind, conflict.node, conflict.about) == ("edge", "y", "x")
    ends = [(MEAN, MEAN - REACH * SD, MEAN + REACH * SD)]
    ends.append((alone, alone - REACH * error, alone + REACH * error))
    assert conflict.prior == pytest.approx(np.exp(ends[0]))
    assert conflict.data == pytest.approx(np.exp(ends[1]))


def test_what_the_data_say_nothing_of_cannot_conflict():
    layout = Layout(pair())
    assert found_of(layout, spread(MEAN + 4 * SD, SD * 0.99)[:, None]) == ()
    assert found_of(layout, spread(MEAN + 4 * SD, SD * 1.2)[:, None]) == ()
    assert len(found_of(layout, spread(MEAN + 4 * SD, SD * 0.9)[:, None])) == 1


def test_a_handful_of_draws_tells_nothing():
    layout = Layout(pair())
    assert found_of(layout, spread(-1.0, 0.1, 99)[:, None]) == ()
    assert len(found_of(layout, spread(-1.0, 0.1, 100)[:, None])) == 1


def test_the_level_is_shared_by_all_stated_priors():
    """Holm: the least likely passes the level over their number, the next over one less."""
    names = [f"x{i}" for i in range(4)]
    nodes = (*(Node(name, BINARY) for name in names), Node("y", BINARY, mechanism="ordinal_logit"))
    edges = tuple(Edge(n, "y", "claim", "stated", "weak", Prior(0.0, 1.0)) for n in names)
    layout = Layout(CausalGraph("four", nodes, edges))
    sd = np.sqrt(0.5)

    def told(tails):
        means = stats.norm.isf(np.array(tails) / 2) * sd
        draws = np.column_stack([spread(mean, sd) for mean in means])
        return {each.about for each in found_of(layout, draws)}

    level = conflicts.LEVEL
    assert level == 0.05
    assert told([level / 4 * 1.01, 1, 1, 1]) == set()
    assert told([1, level / 4 * 0.99, 1, 1]) == {"x1"}
    assert told([level / 3 * 0.99, level / 4 * 0.99, 1, 1]) == {"x0", "x1"}
    assert told([level / 3 * 1.01, level / 4 * 0.99, level * 0.9, 1]) == {"x1"}
    assert told([level * 0.9] * 4) == set()


def test_the_least_likely_comes_first():
    nodes = (*(Node(name, BINARY) for name in "ab"), Node("y", BINARY, mechanism="ordinal_logit"))
    edges = tuple(Edge(n, "y", "claim", "stated", "weak", Prior(0.0, 1.0)) for n in "ab")
    layout = Layout(CausalGraph("two", nodes, edges))
    draws = np.column_stack([spread(4.0, 0.5), spread(-5.0, 0.5)])
    first, second = found_of(layout, draws)
    assert (first.about, second.about) == ("b", "a")
    assert first.tail < second.tail


def test_only_what_somebody_stated_is_checked():
    layout = Layout(pair())
    kinds = [each.kind for each in conflicts._stated(layout)]
    assert kinds == ["edge"]
    kinds = [each.kind for each in conflicts._stated(Layout(pair(margin=(0.3, 0.7))))]
    assert kinds == ["margin", "edge"]
    every = Layout(every_mechanism())
    places = {"edge": every.effect_labels}
    for each in conflicts._stated(every):
        label = places.get(each.kind, every.fraction_labels)[each.place]
        assert label.startswith(each.node)
        assert each.about in label
    # Its interaction has a default, its items a stated reliability, its tables the edges' priors.
    stated = list(conflicts._stated(every))
    assert not any(" x " in each.about for each in stated)
    assert {each.node for each in stated if each.kind == "row"} == {"m", "n", "s", "i"}
    assert {each.node for each in stated if each.kind == "edge"} == {"o", "r"}


def test_a_nominal_cause_is_checked_by_state():
    layout = Layout(nominal_causes())
    found = [(each.about, each.state) for each in conflicts._stated(layout) if each.kind == "edge"]
    found = found[:3]
    assert found == [("kind", "s1"), ("kind", "s2"), ("a", "")]


def test_a_share_is_compared_on_the_scale_on_which_its_prior_is_normal():
    """So that a quantile of the prior is that quantile of a standard normal, far out too."""
    a, b = 3.0, 7.0
    tails = np.array([1e-12, 1e-3, 0.2, 0.5])
    low = special.betaincinv(a, b, tails)
    high = special.betainccinv(a, b, tails)
    np.testing.assert_allclose(conflicts._normal_score(low, a, b), stats.norm.ppf(tails), atol=1e-9)
    np.testing.assert_allclose(
        conflicts._normal_score(high, a, b), stats.norm.isf(tails), atol=1e-7
    )


def roots(rng, count):
    nodes = []
    for i in range(count):
        states = tuple(f"s{k}" for k in range(rng.integers(2, 5)))
        margin = tuple(map(float, rng.dirichlet(np.full(len(states), 5.0))))
        nodes.append(Node(f"n{i}", states, margin=margin, concentration=float(rng.integers(5, 40))))
    return CausalGraph("roots", tuple(nodes), ())


@pytest.mark.parametrize("people", [30, 400])
def test_shares_from_the_prior_conflict_as_often_as_is_said(people, monkeypatch):
    """Simulated from the prior, tails are uniform; so at most one fit in twenty tells of any."""
    fits, draws = 200, 200
    rng = np.random.default_rng(11)
    layout = Layout(roots(rng, 6))
    a, b = layout.prior.fractions
    told, tails = 0, []
    for _ in range(fits):
        truth, effects = layout.draw_prior(1, rng)
        first, second = a.copy(), b.copy()
        for name, part in layout.fraction_slices.items():
            counts = rng.multinomial(people, layout.cpt(name, truth, effects)[0])
            first[part] += counts[:-1]
            second[part] += counts[::-1].cumsum()[::-1][1:]
        drawn = rng.beta(first, second, size=(draws, len(a)))
        told += bool(find_conflicts(layout, layout.prior, drawn, np.zeros((draws, 0))))
        with monkeypatch.context() as patch:
            patch.setattr(conflicts, "LEVEL", np.inf)  # tell of everything
            every = find_conflicts(layout, layout.prior, drawn, np.zeros((draws, 0)))
        tails += [each.tail for each in every]
    assert len(tails) > 0.9 * fits * len(layout.fraction_labels)
    assert told <= stats.binom.isf(1e-3, fits, conflicts.LEVEL)
    # Whole people make the tails of thirty coarse, by about a hundredth.
    assert stats.kstest(tails, "uniform").statistic < 0.02 + 2.0 / np.sqrt(len(tails))


def test_effects_from_the_prior_conflict_as_often_as_is_said(monkeypatch):
    """The posterior of one log odds ratio by quadrature, intercept and outcomes simulated."""
    monkeypatch.setattr(conflicts, "LEVEL", np.inf)
    layout = Layout(pair())
    rng = np.random.default_rng(12)
    grid = np.linspace(MEAN - 7 * SD, MEAN + 7 * SD, 1401)
    tails = []
    for _ in range(400):
        beta = rng.normal(MEAN, SD)
        counts = [rng.binomial(n, special.expit(-1.5 + b)) for n, b in ((900, 0.0), (600, beta))]
        log = stats.norm.logpdf(grid, MEAN, SD)
        log += stats.binom.logpmf(counts[1], 600, special.expit(-1.5 + grid))
        weights = np.exp(log - log.max())
        draws = rng.choice(grid, 800, p=weights / weights.sum())
        tails += [each.tail for each in found_of(layout, draws[:, None])]
    assert len(tails) == 400
    assert stats.kstest(tails, "uniform").pvalue > 1e-3


@pytest.fixture(scope="module")
def contradicted():
    """2,000 people whose data say an odds ratio of 0.4, under a prior around 1.4."""
    graph = pair()
    rng = np.random.default_rng(1)
    x = rng.random(2000) < 0.3
    y = rng.random(2000) < np.where(x, 0.08, 0.16)
    import pandas as pd

    frame = pd.DataFrame({"x": np.where(x, "yes", "no"), "y": np.where(y, "yes", "no")})
    survey = Survey.from_frame(frame, graph, Codebook.plain(graph))
    return fit(graph, survey, seed=1, draws=300, tune=300, chains=2, progress=False)


def test_data_win_over_a_strong_claim_and_the_conflict_is_told(contradicted):
    assert np.quantile(contradicted.beta, 0.95) < 0
    (conflict,) = contradicted.diagnostics.conflicts
    assert (conflict.node, conflict.about) == ("y", "x")
    assert conflict.prior[0] == pytest.approx(np.exp(MEAN))
    assert conflict.data[2] < 0.7
    for answer in (risk(contradicted, {"x": "yes"}), risk(contradicted, {})):
        assert any("effect of x on y" in warning for warning in answer.warnings)
    assert risk(contradicted, {}, target="x").warnings == contradicted.believed


def test_the_prior_that_is_checked_is_the_one_of_the_fit():
    """A conditioned prior is narrower, so that the same posterior conflicts with it sooner."""
    from backrisk.graph import load_graph

    layout = Layout(load_graph("runner_core"))
    prior = conditioned(layout).prior
    at = layout.effect_labels.index("compensation, fatigue")
    fractions, effects = prior.draw(401, np.random.default_rng(3))
    effects[:, at] = spread(prior.mean[at] - 5 * prior.sd[at], 0.2 * prior.sd[at])
    (found,) = find_conflicts(layout, prior, fractions, effects)
    assert found.prior[0] == pytest.approx(np.exp(prior.mean[at]))
