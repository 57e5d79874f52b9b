"""The logistic regression that a model has to beat, held to its definition."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit

from backrisk.check.regression import (
    best_fit,
    fold_risks,
    indicators,
    leave_one_out_risks,
    ridge,
    without_each,
)


@pytest.fixture
def people():
    """Answers to three questions, some missing, and an event that depends on them."""
    rng = np.random.default_rng(1)
    codes = rng.integers(0, 3, size=(150, 3)).astype(np.int8)
    codes[rng.random(codes.shape) < 0.1] = -1
    event = rng.random(150) < expit(-0.5 + 0.8 * (codes[:, 0] > 0) - 0.5 * (codes[:, 1] == 2))
    return codes, event


def penalised(beta, columns, event, weight, penalty):
    odds = columns @ beta
    loss = weight @ (np.logaddexp(0, odds) - event * odds)
    return loss + 0.5 * penalty * (beta[1:] @ beta[1:])


def test_the_fit_is_where_the_penalised_likelihood_is_largest(people):
    codes, event = people
    columns, weight = indicators(codes), np.random.default_rng(2).uniform(0.5, 2, len(codes))
    beta, inverse = ridge(columns, event, weight, 2.0)
    args = (columns, event.astype(float), weight, 2.0)
    best = minimize(penalised, np.zeros(columns.shape[1]), args, tol=1e-10)
    np.testing.assert_allclose(beta, best.x, atol=1e-4)
    chance = expit(columns @ beta)
    bent = (columns.T * (weight * chance * (1 - chance))) @ columns
    bent[range(1, len(bent)), range(1, len(bent))] += 2.0
    np.testing.assert_allclose(inverse @ bent, np.eye(len(bent)), atol=1e-6)


def test_leaving_out_in_closed_form_is_close_to_fitting_again(people):
    codes, event = people
    columns, weight = indicators(codes), np.ones(len(codes))
    beta, inverse = ridge(columns, event, weight, 1.0)
    found = without_each(columns, event, weight, weight, beta, inverse)
    moved = np.empty((len(codes), 2))
    for at in range(len(codes)):
        left = weight.copy()
        left[at] = 0.0
        again, _ = ridge(columns, event, left, 1.0)
        moved[at] = columns[at] @ again, columns[at] @ beta
    exact, before = moved.T
    # One Newton step leaves a term of second order: a few per cent of what leaving out moves.
    assert np.abs(found - exact).max() < 0.1 * np.abs(before - exact).max()


def test_people_of_one_row_are_left_out_one_at_a_time(people):
    codes, event = people
    twice = np.repeat(np.arange(len(codes)), 2)
    weight = np.ones(len(codes))
    together = leave_one_out_risks(codes, event, 2 * weight.astype(int), weight)
    apart = leave_one_out_risks(codes[twice], event[twice], np.ones(len(twice), int), weight[twice])
    np.testing.assert_allclose(together.risk, apart.risk[::2], atol=1e-6)


def test_a_fold_is_predicted_by_a_fit_without_it(people):
    codes, event = people
    people_of = np.ones(len(codes), np.int64)
    fold = (np.arange(len(codes)) % 5 == 0).astype(np.int64)
    (found,) = fold_risks(codes, event, people_of, people_of.astype(float), [fold])
    left = fold == 0
    columns = indicators(codes)
    ones = np.ones(left.sum())
    fitted = best_fit(columns[left], event[left].astype(float), ones, ones)
    np.testing.assert_allclose(found, expit(columns @ fitted.beta), atol=1e-6)


def test_what_tells_the_event_apart_for_sure_stays_finite():
    codes = np.repeat(np.array([[0], [1]], np.int8), 20, axis=0)
    risks = leave_one_out_risks(codes, codes[:, 0] > 0, np.ones(40, int), np.ones(40)).risk
    assert (risks[:20] < 0.05).all()
    assert (risks[20:] > 0.95).all()


def test_a_question_that_everybody_answers_alike_has_no_column():
    assert indicators(np.full((4, 2), -1, np.int8)).tolist() == [[1.0]] * 4
