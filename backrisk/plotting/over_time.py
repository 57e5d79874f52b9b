"""Figures of answers over time: what comes, period by period."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backrisk.plotting.canvas import INK, MARK, PROTECTS, legend_outside, new_figure
from backrisk.queries import Forecast
from backrisk.summary import interval
from backrisk.words import interval_name, say

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_LOOK = {"risk": (MARK, "o-"), "onset": (INK, "s--"), "recovery": (PROTECTS, "^:")}


def plot_forecast(answer: Forecast) -> Figure:
    """Draw the risk in each coming period as a curve with a band, and onset or recovery.

    Parameters
    ----------
    answer : Forecast

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axes = new_figure(3.4)
    for kind, draws in answer.curves.items():
        colour, style = _LOOK[kind]
        low, high = interval(100 * draws)
        axes.fill_between(answer.periods, low, high, color=colour, alpha=0.15, linewidth=0)
        label = say(f"plotting.forecast.{kind}", target=answer.target.label)
        axes.plot(answer.periods, 100 * draws.mean(axis=0), style, color=colour, label=label)
    axes.set_ylim(0, 100)
    axes.set_xticks(answer.periods)
    axes.grid(axis="y", color="#e5e5e5")
    axes.set_xlabel(say("plotting.forecast.period", last=answer.periods[0] - 1))
    band = say("plotting.forecast.band", interval=interval_name())
    axes.set_ylabel(f"{say('plotting.forecast.share')}\n{band}", size=9)
    legend_outside(figure)
    return figure
