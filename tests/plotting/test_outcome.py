"""The figure of calibration and net benefit holds what the frames hold."""

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("matplotlib")

from backrisk.plotting import plot_outcome


@pytest.fixture
def frames():
    at = np.linspace(0.05, 0.4, 8)
    share = np.full(8, 1 / 8)
    curve = pd.DataFrame(
        {
            "predicted": at,
            "observed": at + 0.02,
            "low": at - 0.03,
            "high": at + 0.05,
            "share": share,
        }
    )
    threshold = np.arange(1, 100) / 100
    benefit = np.maximum(0.2 - threshold / 2, 0)
    decision = pd.DataFrame(
        {"threshold": threshold, "model": benefit, "low": benefit - 0.01, "high": benefit + 0.01}
    ).assign(treat_all=0.2 - threshold, treat_none=0.0, regression=benefit - 0.005)
    return curve, decision


def test_lines_are_the_columns_in_per_cent_and_per_thousand(frames):
    curve, decision = frames
    left, right = plot_outcome(curve, decision, "the outcome").axes
    by_label = {line.get_label(): line for line in left.lines}
    np.testing.assert_allclose(by_label["observed share"].get_ydata(), 100 * curve["observed"])
    lines = {line.get_label(): line for line in right.lines}
    assert list(lines) == ["treat all", "treat none", "logistic regression", "model"]
    shown = decision["threshold"] <= 0.4 * 1.15
    np.testing.assert_allclose(lines["model"].get_ydata(), 1000 * decision["model"][shown])
    assert left.get_xlim() == right.get_xlim() == (0, pytest.approx(46))
    assert "the outcome" in left.get_xlabel()
    assert "the outcome" in right.get_xlabel()


def test_risks_of_a_handful_of_people_do_not_widen_the_axes(frames):
    curve, decision = frames
    last = pd.DataFrame(
        {"predicted": [0.95], "observed": 1.0, "low": 0.5, "high": 1.0, "share": 0.001}
    )
    left, _ = plot_outcome(pd.concat([curve, last]), decision, "it").axes
    assert left.get_xlim()[1] < 50


def test_one_risk_for_all_is_drawn(frames):
    curve, decision = frames
    plot_outcome(curve.iloc[:1].assign(share=1.0), decision, "it").canvas.draw()
