"""Risks of people left out: by closed form where there is one."""

from dataclasses import replace

import numpy as np
import pytest

from backrisk import Codebook, Posterior, QueryError, fit, risk
from backrisk.check.left_out import groups_of, leave_one_out, person_weights, risks_of, smoothed
from backrisk.check.rows import at_the_mean
from backrisk.graph import CausalGraph, Layout
from backrisk.posterior import SiteEffects
from backrisk.queries import read_target
from backrisk.survey import Survey

TWO = ("no", "yes")


@pytest.fixture
def graph():
    return CausalGraph.from_edges([("x", "y")], {"x": TWO, "y": TWO}, outcome="y")


def survey_of(graph, counts, **rest):
    """A survey with so many people of each (x, y)."""
    codes = np.repeat(np.array(list(counts), np.int8), list(counts.values()), axis=0)
    return Survey(graph, codes, Codebook.plain(graph), **rest)


COUNTS = {(0, 0): 30, (0, 1): 6, (1, 0): 9, (1, 1): 12, (1, -1): 5}


def without_one(graph, counts):
    """P(y | x) once one person of each (x, y) is left out: a Dirichlet's mean, in closed form."""
    first, second = Layout(graph).prior.fractions
    found = {}
    for (x, y), _ in counts.items():
        if y < 0:
            continue
        a, b = first[1 + x], second[1 + x]  # of y = no and y = yes given x
        no, yes = counts[x, 0] - (y == 0), counts[x, 1] - (y == 1)
        found[x, y] = (b + yes) / (a + b + no + yes)
    return found


def test_the_risk_is_that_of_a_fit_to_everybody_else(graph):
    survey = survey_of(graph, COUNTS)
    posterior = fit(graph, replace(survey, codes=survey.codes[survey.codes[:, 1] >= 0]), seed=1)
    target = read_target(graph, None)
    groups = groups_of(survey, target)
    found = leave_one_out(posterior, survey, groups, target, external=False)
    expected = without_one(graph, COUNTS)
    assert groups.people.tolist() == [30, 6, 9, 12]
    assert (found.k_hat < 0.5).all()
    for codes, told, seen in zip(groups.codes, found.risk, found.seen, strict=True):
        # 2,000 independent draws of a share with a standard deviation below 0.1.
        assert told == pytest.approx(expected[tuple(codes)], abs=4 * 0.1 / np.sqrt(2000))
        # Whoever had it is told less without themselves than with.
        assert (told < seen) == (codes[1] == 1)


def test_a_weighted_person_takes_their_weight_away(graph):
    """Weights of 2 and 0.5 are as 2 and 0.5 answers, scaled to the effective number of people."""
    counts = {key: count for key, count in COUNTS.items() if key[1] >= 0}
    survey = survey_of(graph, counts)
    weights = np.where(np.arange(survey.n) % 3 == 0, 2.0, 0.5)
    survey = replace(survey, weights=weights)
    posterior = fit(graph, survey, seed=1)
    target = read_target(graph, None)
    groups = groups_of(survey, target)
    found = leave_one_out(posterior, survey, groups, target, external=False)
    first, second = Layout(graph).prior.fractions
    scale = weights.sum() / (weights**2).sum()
    for at in range(len(groups)):
        x, y = groups.codes[at]
        own = groups.weight[at]
        no, yes = (
            scale * weights[(survey.codes == (x, k)).all(axis=1)].sum() - own * (y == k)
            for k in (0, 1)
        )
        a, b = first[1 + x], second[1 + x]
        expected = (b + yes) / (a + b + no + yes)
        assert found.risk[at] == pytest.approx(expected, abs=4 * 0.15 / np.sqrt(2000))


def test_nobody_is_left_out_of_a_model_that_was_fitted_to_others(graph):
    draws = np.linspace(0.2, 0.4, 11)
    cpts = {"x": [0.5, 0.5], "y": np.stack([np.stack([1 - draws, draws], 1)] * 2, axis=1)}
    posterior = Posterior.from_cpts(graph, cpts)
    survey, target = survey_of(graph, COUNTS), read_target(graph, None)
    groups = groups_of(survey, target)
    found = leave_one_out(posterior, survey, groups, target, external=True)
    told = risk(posterior, {"x": "yes"}).draws.mean()
    np.testing.assert_allclose(found.risk, told)
    np.testing.assert_allclose(risks_of(posterior, survey, groups, np.arange(2), target), told)
    assert found.k_hat is None
    assert not found.doubtful.any()


def test_too_few_draws_for_a_tail_leave_every_prediction_in_doubt():
    weights, k_hat = smoothed(np.log([[0.2, 0.4, 0.4]]))
    np.testing.assert_allclose(weights, [[0.5, 0.25, 0.25]])
    assert np.isinf(k_hat).all()
    weights, k_hat = smoothed(np.full((2, 50), -1.0))
    np.testing.assert_allclose(weights, 1 / 50)
    assert (k_hat < 0).all()


def test_a_heavy_tail_is_noticed():
    rng = np.random.default_rng(1)
    light, heavy = rng.normal(0, 0.1, 1000), -rng.standard_exponential(1000) * 1.2
    k_hat = smoothed(np.stack([light, heavy]))[1]
    assert k_hat[0] < 0.5
    assert k_hat[1] > 0.7  # 1 / the tail's index, of weights exp(1.2 E): 1.2


def test_people_who_are_alike_and_weigh_the_same_are_one_group(graph):
    codes = np.array([[0, 0], [0, 0], [0, 0], [1, 1], [1, -1]], np.int8)
    weights = np.array([1.0, 1.0, 3.0, 2.0, 2.0])
    survey = Survey(graph, codes, Codebook.plain(graph), weights=weights)
    groups = groups_of(survey, read_target(graph, None))
    assert groups.people.tolist() == [2, 1, 1]
    scale = weights.sum() / (weights**2).sum()
    np.testing.assert_allclose(groups.weight, scale * np.array([1, 2, 3]))
    assert sorted(groups.rows.tolist()) == [-1, 0, 0, 1, 2]
    assert groups.total.sum() == pytest.approx(scale * 7)


def test_people_who_were_counted_weigh_their_mean(graph):
    codes = np.array([[0, 0], [1, 1]], np.int8)
    counted = Survey(
        graph, codes, Codebook.plain(graph),
        weights=np.array([6.0, 2.0]), people=np.array([3, 2]), squares=np.array([12.0, 2.0]),
    )  # fmt: skip
    people, weight = person_weights(counted)
    assert people.tolist() == [3, 2]
    np.testing.assert_allclose(weight, 8 / 14 * np.array([2.0, 1.0]))


@pytest.mark.parametrize(
    ("codes", "said"),
    [
        ([[0, -1], [1, -1]], "Nobody in this survey reports 'y'"),
        ([[0, 1]], "The one person who reports it has"),
        ([[0, 0], [1, 0]], "None of the 2 people who report it"),
        ([[0, 1], [1, 1]], "All 2 people who report it"),
    ],
)
def test_an_outcome_that_tells_nothing_is_refused(graph, codes, said):
    survey = Survey(graph, np.array(codes, np.int8), Codebook.plain(graph))
    with pytest.raises(QueryError, match=said):
        groups_of(survey, read_target(graph, None))


def test_the_mean_of_draws_is_one_draw(core_prior):
    point = at_the_mean(core_prior)
    assert point.draws == 1
    np.testing.assert_allclose(point.beta[0], core_prior.beta.mean(axis=0))
    odds = np.log(core_prior.fractions / (1 - core_prior.fractions)).mean(axis=0)
    np.testing.assert_allclose(point.fractions[0], 1 / (1 + np.exp(-odds)))
    sites = SiteEffects(
        ("a",), np.ones((60, 1, 9)) * np.arange(60)[:, None, None], np.ones((60, 9))
    )
    assert (at_the_mean(replace(core_prior, sites=sites)).sites.shift == 29.5).all()


def test_the_mean_of_given_tables_is_a_table(graph):
    y = np.array([[[0.8, 0.2], [0.4, 0.6]], [[0.6, 0.4], [0.2, 0.8]]])
    point = at_the_mean(Posterior.from_cpts(graph, {"x": [0.5, 0.5], "y": y}))
    np.testing.assert_allclose(point.cpt("y")[0], [[0.7, 0.3], [0.3, 0.7]])
