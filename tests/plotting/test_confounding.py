"""The figure of a hidden common cause."""

import numpy as np
import pandas as pd
import pytest

from backrisk import BackriskError
from backrisk.plotting import plot_confounding


def surface(sign=1, ratios=(1.0, 2.0, 4.0, 8.0)):
    """An effect that falls with both odds ratios, gone where their logarithms multiply to 2."""
    return pd.DataFrame(
        [
            {
                "into_first": a,
                "into_second": b**sign,
                "mean": 0.2 - 0.1 * np.log(a) * np.log(b),
                "low": 0.15 - 0.1 * np.log(a) * np.log(b),
                "high": 0.25 - 0.1 * np.log(a) * np.log(b),
            }
            for a in ratios
            for b in ratios
        ]
    )


def labels(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_lines_stand_where_half_and_nothing_is_left():
    figure = plot_confounding(surface(), "x", "y", "harm")
    axes = figure.axes[0]
    half, interval, zero = axes.collections[1:4]
    for line, product in ((half, 1.0), (interval, 1.5), (zero, 2.0)):
        points = np.vstack([path.vertices for path in line.get_paths()])
        np.testing.assert_allclose(np.log(points).prod(axis=1), product, rtol=0.02)
    assert labels(figure) == [
        "half of the effect",
        "the 90 % equal-tailed interval reaches zero",
        "no effect on average",
    ]
    assert axes.get_xlabel() == "odds ratio of the hidden cause into x"
    assert "harm" in axes.get_title(loc="left")


def test_lines_that_are_not_reached_are_not_drawn():
    figure = plot_confounding(surface(ratios=(1.0, 1.5, 2.0)), "x", "y", "harm")
    assert not figure.legends or labels(figure) == []


def test_an_odds_ratio_below_one_is_inverted_and_the_axis_says_so():
    axes = plot_confounding(surface(-1), "x", "y", "harm").axes[0]
    assert axes.get_ylabel().endswith("into y, inverted")
    assert axes.get_ylim() == pytest.approx((1, 8))


def test_measured_causes_are_points_by_their_size():
    seen = pd.DataFrame(
        {"label": ["z", "far"], "into_first": [2.0, 50.0], "into_second": [0.25, 2.0]}
    )
    axes = plot_confounding(surface(), "x", "y", "harm", observed=seen).axes[0]
    points = [line for line in axes.lines if line.get_marker() == "o"]
    assert [(line.get_xdata()[0], line.get_ydata()[0]) for line in points] == [
        pytest.approx((2.0, 4.0))
    ]
    assert [text.get_text() for text in axes.texts if text.get_text() in ("z", "far")] == ["z"]


def test_a_single_pair_is_no_surface():
    with pytest.raises(BackriskError, match="nothing to draw"):
        plot_confounding(surface(ratios=(2.0,)), "x", "y", "harm")
