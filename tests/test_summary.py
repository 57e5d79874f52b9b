"""From draws to numbers: by hand, and on draws that are skewed."""

import numpy as np
import pytest
from scipy.stats import expon

from backrisk.summary import INTERVAL, described, interval, largest, side, summarise


def test_ninety_percent_lie_inside():
    assert INTERVAL == 0.90


def test_an_interval_leaves_as_much_on_either_side():
    """Equal tails of a skewed distribution; a shortest interval would start at 0."""
    draws = np.random.default_rng(0).exponential(size=200_000)
    low, high = interval(draws)
    # Four Monte Carlo errors of each quantile.
    assert low == pytest.approx(expon.ppf(0.05), abs=0.003)
    assert high == pytest.approx(expon.ppf(0.95), abs=0.05)
    low, high = interval(draws, 0.5)
    assert low == pytest.approx(expon.ppf(0.25), abs=0.006)
    assert high == pytest.approx(expon.ppf(0.75), abs=0.02)


def test_an_interval_is_over_the_first_axis():
    draws = np.arange(101.0)[:, None] * [1.0, 10.0]
    low, high = interval(draws)
    np.testing.assert_allclose(low, [5, 50])
    np.testing.assert_allclose(high, [95, 950])


def test_each_column_is_described():
    draws = np.stack([np.arange(101.0), np.arange(101.0) ** 2], axis=1)
    found = described(draws, ["a", "b"])
    assert list(found) == ["name", "mean", "low", "high"]
    assert found["name"] == ["a", "b"]
    assert found["mean"] == pytest.approx([50.0, 3350.0])
    assert found["low"] == pytest.approx([5.0, 25.0])
    assert found["high"] == pytest.approx([95.0, 9025.0])
    table = summarise(draws, ["a", "b"])
    assert list(table.columns) == ["mean", "low", "high"]
    assert table.loc["b"].tolist() == pytest.approx([3350.0, 25.0, 9025.0])


def test_the_largest_column_wins_its_draw():
    draws = np.array([[3.0, 1.0, 2.0], [0.0, 5.0, 4.0], [7.0, 6.0, 0.0], [1.0, 0.0, 9.0]])
    assert largest(draws).tolist() == [0.5, 0.25, 0.25]
    assert largest(np.stack([draws, -draws])).tolist() == [[0.5, 0.25, 0.25], [0.25, 0.5, 0.25]]


def test_equals_share_their_draw():
    assert largest(np.array([[1.0, 1.0, 0.0], [2.0, 0.0, 1.0]])).tolist() == [0.75, 0.25, 0.0]


def test_only_what_is_above_counts():
    draws = np.array([[0.2, 0.1], [0.0, -0.1], [-0.3, -0.2], [0.1, 0.3]])
    assert largest(draws, 0.0).tolist() == [0.25, 0.25]
    assert largest(draws).tolist() == [0.5, 0.5]


def test_of_no_column_none_is_the_largest():
    assert largest(np.zeros((7, 0))).shape == (0,)
    assert largest(np.zeros((2, 7, 0))).shape == (2, 0)


def test_rounding_decides_neither_who_is_largest_nor_who_is_above():
    draws = np.array([[0.4038461538461537, 0.40384615384615385], [1e-16, 3e-16]])
    assert largest(draws, 0.0).tolist() == [0.25, 0.25]


def test_an_interval_lies_on_a_side_of_zero_by_more_than_rounding():
    ends = np.array([[0.1, 0.2], [-0.2, -0.1], [-0.1, 0.2], [0.0, 0.2], [-0.2, 0.0]])
    assert side(*ends.T).tolist() == [1, -1, 0, 0, 0]
    assert side(*(1e-16 * ends).T).tolist() == [0, 0, 0, 0, 0]
