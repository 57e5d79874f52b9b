"""How risks agree with outcomes: scores by their definitions, and at their ends."""

import numpy as np
import pytest
from scipy.stats import beta

from backrisk.cohort.agreement import agreement, jeffreys


def test_scores_come_from_their_definitions(people, cohort):
    risk_each = cohort.risk[0][cohort.rows]
    pain = people.codes[:, people.graph.names.index("pain")]
    p, y = risk_each[pain >= 0], (pain[pain >= 0] > 0).astype(float)
    found = cohort.agreement
    assert found.people == len(y)
    assert found.cases == y.sum()
    assert sum(found.sizes) == len(y)
    assert found.brier == pytest.approx(np.mean((p - y) ** 2), rel=1e-12)
    assert found.brier_reference == pytest.approx(y.mean() * (1 - y.mean()), rel=1e-12)
    assert found.ratio.mean == pytest.approx(y.sum() / p.sum(), rel=1e-12)
    pairs = np.sign(p[y == 1][:, None] - p[y == 0][None])
    assert found.concordance.mean == pytest.approx((pairs.mean() + 1) / 2, rel=1e-12)
    weighed = np.dot(found.predicted, found.sizes) / len(y)
    assert weighed == pytest.approx(p.mean(), rel=1e-12)


def test_agreement_at_its_ends():
    ones = np.ones(4, np.int64)
    assert agreement(np.full(4, 0.3), np.full(4, -1, np.int8), ones) is None
    same = agreement(np.full(4, 0.5), np.array([0, 1, 0, 1], np.int8), ones)
    assert same.sizes == (4,)  # equal risks are one group
    assert same.concordance.mean == 0.5
    assert agreement(np.full(4, 0.5), np.zeros(4, np.int8), ones).concordance is None
    sharp = agreement(np.array([0.0, 1.0]), np.array([0, 1], np.int8), ones[:2])
    assert sharp.brier == 0.0
    # Brown, Cai and DasGupta 2001: no events, or only events, reach the end.
    assert (jeffreys(0, 20).low, jeffreys(20, 20).high) == (0.0, 1.0)


def test_groups_are_tenths_of_the_people_from_the_lowest_risk():
    risk = np.linspace(0.95, 0.05, 10)  # not in order, as profiles are not
    outcome = np.array([1, 1, 1, 1, 1, 0, 0, 0, 0, 0], np.int8)
    people = np.full(10, 3, np.int64)
    found = agreement(risk, outcome, people)
    assert found.sizes == (3,) * 10
    np.testing.assert_allclose(found.predicted, risk[::-1])
    assert [seen.mean for seen in found.observed] == [0.0] * 5 + [1.0] * 5
    assert (found.people, found.cases) == (30, 15)
    assert found.concordance.mean == 1.0


def test_an_unknown_outcome_counts_for_nothing():
    risk, people = np.array([0.2, 0.9, 0.6]), np.array([2, 50, 1], np.int64)
    found = agreement(risk, np.array([0, -1, 1], np.int8), people)
    assert (found.people, found.cases) == (3, 1)
    assert found.brier == pytest.approx((2 * 0.2**2 + 0.4**2) / 3)
    assert found.brier_reference == pytest.approx(1 / 3 * 2 / 3)
    assert found.ratio.mean == pytest.approx(1 / (2 * 0.2 + 0.6))
    whole = jeffreys(1, 3)
    assert found.ratio.low == pytest.approx(3 * whole.low / 1.0)
    assert found.ratio.high == pytest.approx(3 * whole.high / 1.0)


def test_the_interval_of_concordance_is_delongs():
    """Structural components written out: a variance over cases, and one over the others."""
    cases, others = np.array([0.3, 0.6, 0.9]), np.array([0.1, 0.3, 0.5, 0.7])
    wins = (cases[:, None] > others) + 0.5 * (cases[:, None] == others)
    spread = wins.mean(axis=1).var(ddof=1) / 3 + wins.mean(axis=0).var(ddof=1) / 4
    risk = np.r_[cases, others]
    outcome = np.r_[np.ones(3), np.zeros(4)].astype(np.int8)
    found = agreement(risk, outcome, np.ones(7, np.int64)).concordance
    assert found.mean == pytest.approx(wins.mean())
    assert found.low == pytest.approx(max(0.0, wins.mean() - 1.6448536269514722 * spread**0.5))
    assert found.high == pytest.approx(min(1.0, wins.mean() + 1.6448536269514722 * spread**0.5))


def test_one_case_alone_gives_the_widest_variance_there_is():
    found = agreement(
        np.array([0.2, 0.4, 0.6]), np.array([0, 1, 0], np.int8), np.ones(3, np.int64)
    ).concordance
    assert (found.mean, found.low, found.high) == (0.5, 0.0, 1.0)


def test_jeffreys_interval_is_the_published_one():
    """Brown, Cai and DasGupta 2001: quantiles of Beta(x + 1/2, n - x + 1/2)."""
    found = jeffreys(2, 10)
    assert found.mean == 0.2
    assert beta(2.5, 8.5).cdf(found.low) == pytest.approx(0.05)
    assert beta(2.5, 8.5).cdf(found.high) == pytest.approx(0.95)
