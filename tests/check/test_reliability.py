"""Calibration, scores and net benefit, by their definitions and by simulation."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit, logit
from scipy.stats import kstest

from backrisk.check.reliability import (
    THRESHOLDS,
    auc,
    decompose,
    means,
    net_benefits,
    recalibration,
    reliability,
    resampled,
    score_tests,
    simultaneous,
)

RNG = np.random.default_rng(3)
RISK = np.round(RNG.uniform(0.05, 0.9, 60), 1)  # with ties
EVENT = RNG.random(60) < RISK
WEIGHTS = RNG.uniform(0.5, 2.0, (3, 60))


def test_auc_is_the_share_of_pairs_in_the_right_order():
    for weights, found in zip(WEIGHTS, auc(RISK, EVENT, WEIGHTS), strict=True):
        order = (RISK[:, None] > RISK) + 0.5 * (RISK[:, None] == RISK)
        pairs = np.outer(weights * EVENT, weights * ~EVENT)
        assert found == pytest.approx((order * pairs).sum() / pairs.sum())


def test_auc_of_one_kind_of_people_is_no_number():
    assert np.isnan(auc(RISK, np.ones(60, bool), WEIGHTS)).all()


def test_slope_and_intercepts_are_those_of_a_logistic_regression():
    large, intercept, slope = recalibration(RISK, EVENT, WEIGHTS)

    def loss(at, weights, fixed=None):
        odds = at[0] + (at[1] if fixed is None else fixed) * logit(RISK)
        return weights @ (np.logaddexp(0, odds) - EVENT * odds)

    for row, weights in enumerate(WEIGHTS):
        best = minimize(loss, [0.0, 1.0], (weights,), tol=1e-10).x
        np.testing.assert_allclose([intercept[row], slope[row]], best, atol=1e-4)
        whole = minimize(loss, [0.0], (weights, 1.0), tol=1e-10).x
        np.testing.assert_allclose(large[row], whole[0], atol=1e-4)


def test_slope_of_risks_that_tell_nothing_or_all_is_no_number():
    ones = np.ones((1, 4))
    event = np.array([True, False, True, False])
    for risk in (np.full(4, 0.3), np.array([0.9, 0.1, 0.9, 0.1])):
        _, _, slope = recalibration(risk, event, ones)
        assert np.isnan(slope[0])


def test_score_tests_hold_their_level_and_see_each_kind_of_fault():
    rng = np.random.default_rng(1)
    people, person = np.ones(500, np.int64), rng.uniform(0.5, 1.5, 500)
    odds = rng.normal(-1.0, 0.8, 500)
    found = np.array(
        [
            score_tests(expit(odds), rng.random(500) < expit(odds), people, person)
            for _ in range(800)
        ]
    )
    for column in found.T:
        assert kstest(column, "uniform").pvalue > 1e-4
    for truth, large, slope in ((odds + 0.8, True, False), (1.0 + 2.0 * odds, False, True)):
        tests = score_tests(expit(odds), rng.random(500) < expit(truth), people, person)
        assert (tests.large < 1e-4) >= large
        assert (tests.slope < 1e-4) == slope
        assert tests.both < 1e-4


def test_one_risk_for_all_is_tested_on_the_whole_alone():
    tests = score_tests(np.full(9, 0.5), np.ones(9, bool), np.ones(9, np.int64), np.ones(9))
    assert tests.slope == 1.0
    assert tests.both == tests.large == pytest.approx(0.0027, abs=1e-4)  # a z of 3


def test_the_parts_of_the_brier_score_add_up():
    for weights in WEIGHTS:
        parts = decompose(RISK, EVENT, weights)
        assert parts.brier == pytest.approx(np.average((EVENT - RISK) ** 2, weights=weights))
        rest = parts.miscalibration - parts.discrimination + parts.uncertainty
        assert parts.brier == pytest.approx(rest)
        assert parts.miscalibration >= 0
        assert parts.discrimination >= 0


def test_the_curve_rises_and_its_p_value_holds_its_level():
    rng = np.random.default_rng(2)
    people = rng.integers(1, 12, 30)
    found = []
    for _ in range(70):
        risk = rng.uniform(0.05, 0.6, 30)
        # People of a group are alike: each group once with the event, once without.
        ill = rng.binomial(people, risk)
        split = np.concatenate([ill, people - ill])
        keep = split > 0
        both, event = np.tile(risk, 2)[keep], (np.arange(60) < 30)[keep]
        curve, p = reliability(
            both, event, split[keep], np.ones(keep.sum()), times=299, probability=0.9, rng=rng
        )
        assert (np.diff(curve.observed) >= 0).all()
        assert (curve.low <= curve.high).all()
        inside = ((curve.observed >= curve.low) & (curve.observed <= curve.high)).all()
        found.append((p, inside))
    p, inside = np.array(found).T
    assert kstest(p, "uniform").pvalue > 1e-4
    # 90 % of 70 curves, up to four standard errors, a band from 299 curves having its own.
    assert abs(inside.mean() - 0.9) < 4 * np.sqrt(0.09 * (1 / 70 + 1 / 299))


def test_a_fault_that_no_slope_shows_is_seen_by_the_curve():
    rng = np.random.default_rng(4)
    risk = rng.uniform(0.1, 0.9, 2000)
    bent = risk + 0.15 * np.cos(2 * np.pi * (risk - 0.1) / 0.8)
    event = rng.random(2000) < np.clip(bent, 0, 1)
    ones = np.ones(2000)
    settings = {"times": 199, "probability": 0.9, "rng": rng}
    assert reliability(risk, event, ones.astype(np.int64), ones, **settings)[1] == 1 / 200
    assert score_tests(risk, event, ones.astype(np.int64), ones).both > 1e-3


def test_limits_hold_that_share_of_curves():
    curves = np.random.default_rng(5).normal(size=(2000, 20)).cumsum(axis=1)
    low, high = simultaneous(curves, 0.8)
    inside = ((curves >= low) & (curves <= high)).all(axis=1).mean()
    assert 0.8 <= inside < 0.83


def test_net_benefit_counts_false_positives_at_the_odds_of_the_threshold():
    found = net_benefits(RISK, EVENT, WEIGHTS)
    assert found.shape == (3, 99)
    for at in (9, 49, 79):
        t = THRESHOLDS[at]
        for weights, told in zip(WEIGHTS, found[:, at], strict=True):
            acted = t <= RISK
            true, false = weights @ (acted & EVENT), weights @ (acted & ~EVENT)
            assert told == pytest.approx((true - false * t / (1 - t)) / weights.sum())


def test_bootstrap_samples_have_as_many_people():
    people = np.array([3, 1, 6])
    weights = resampled(people, np.array([1.0, 2.0, 0.5]), 400, np.random.default_rng(1))
    counts = weights / np.array([1.0, 2.0, 0.5])
    assert (counts.sum(axis=1) == 10).all()
    error = np.sqrt(10 * 0.3 * 0.7 / 400)
    assert np.abs(counts.mean(axis=0) - people).max() < 4 * error
    np.testing.assert_allclose(means(weights, np.ones(3)), 1.0)


def test_people_of_other_folds_are_not_compared():
    fold = np.arange(60) % 2
    order = (RISK[:, None] > RISK) + 0.5 * (RISK[:, None] == RISK)
    pairs = np.outer(EVENT, ~EVENT) * (fold[:, None] == fold)
    found = auc(RISK, EVENT, np.ones((1, 60)), fold)
    assert found[0] == pytest.approx((order * pairs).sum() / pairs.sum())
