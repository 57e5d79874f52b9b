"""The figure of predicted risks beside what happened: calibration curve and decision curve."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from backrisk.plotting.canvas import INK, MARK, PALE, UNCLEAR, new_figure
from backrisk.summary import INTERVAL
from backrisk.words import percent, say

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ROOM = 1.15  # of the axes beyond the largest risk that is drawn
_TALL = 1.5  # of the width: a band beyond tells nothing
_FEW = 0.005  # a share of people above which no risk is drawn
_UPPER_RIGHT, _UPPER_LEFT = 1, 2  # where Matplotlib puts a legend
_BARS = 0.12  # of the height: the tallest bar of people


def plot_outcome(curve: pd.DataFrame, decision: pd.DataFrame, target: str) -> Figure:
    """Draw the calibration curve with its band, and beside it the decision curve.

    Parameters
    ----------
    curve, decision : pandas.DataFrame
        As `backrisk.check.OutcomeCalibration` holds them.
    target : str
        How a sentence says the event.

    Returns
    -------
    matplotlib.figure.Figure
        Left: the share that had the event at each predicted risk, as a rising step curve; the band
        holds the whole curve of right risks with the interval's probability; bars below show where
        people are. Right: net benefit in 1,000 people by the threshold to act from.

    Raises
    ------
    BackriskError
        If Matplotlib is not installed.
    """
    figure, left = new_figure(4.2, width=9.6)
    left.remove()
    left, right = figure.subplots(1, 2)
    most = min(1.0, _largest(curve))
    _calibration(left, curve, most, target)
    _decision(right, decision, most, target)
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(color="#eeeeee")
        axes.set_axisbelow(True)
        axes.tick_params(labelsize=8)
    return figure


def _largest(curve: pd.DataFrame) -> float:
    """Return the end of the axes: nearly nobody's risk is beyond."""
    beyond = 1.0 - np.cumsum(curve["share"]) + curve["share"]
    return float(curve["predicted"][beyond >= _FEW].max()) * _ROOM


def _calibration(axes: Axes, curve: pd.DataFrame, most: float, target: str) -> None:
    at = 100 * curve["predicted"]
    axes.fill_between(
        at,
        100 * curve["low"],
        100 * curve["high"],
        color="#ececec",
        linewidth=0,
        label=say("plotting.outcome.band", share=percent(INTERVAL)),
    )
    axes.plot([0, 100], [0, 100], color=INK, linewidth=0.8, linestyle=":")
    axes.step(
        at, 100 * curve["observed"], where="mid", color=MARK, linewidth=2,
        label=say("plotting.outcome.observed"),
    )  # fmt: skip
    top = 100 * min(1.0, _TALL * most)
    edges = np.linspace(0.0, 100 * most, 41)
    people, _ = np.histogram(at, bins=edges, weights=curve["share"])
    foot = -_BARS * top
    height = np.where(people > 0, foot + _BARS * top * people / max(people.max(), 1e-12), foot)
    axes.stairs(height, edges, baseline=foot, fill=True, color=PALE)
    axes.set_xlim(0, 100 * most)
    axes.set_ylim(foot, top)
    axes.set_xlabel(say("plotting.outcome.predicted", target=target), size=9)
    axes.set_ylabel(say("plotting.outcome.share", target=target), size=9)
    axes.legend(frameon=False, fontsize=8, loc=_UPPER_LEFT)


def _decision(axes: Axes, decision: pd.DataFrame, most: float, target: str) -> None:
    shown = decision[decision["threshold"] <= most]
    at = 100 * shown["threshold"]
    axes.fill_between(at, 1000 * shown["low"], 1000 * shown["high"], color=PALE, linewidth=0)
    for column, color, style, width in (
        ("treat_all", UNCLEAR, "--", 1.2),
        ("treat_none", INK, "-", 0.8),
        ("regression", INK, "-.", 1.4),
        ("model", MARK, "-", 2.0),
    ):
        label = say(f"plotting.outcome.{column}")
        axes.plot(
            at, 1000 * shown[column], color=color, linestyle=style, linewidth=width, label=label
        )
    top = 1000 * float(max(shown["high"].max(), shown["regression"].max(), 0.001))
    axes.set_ylim(-0.25 * top, 1.05 * top)
    axes.set_xlim(0, 100 * most)
    axes.set_xlabel(say("plotting.outcome.threshold", target=target), size=9)
    axes.set_ylabel(say("plotting.outcome.benefit", share=percent(INTERVAL)), size=9)
    axes.legend(frameon=False, fontsize=8, loc=_UPPER_RIGHT)
