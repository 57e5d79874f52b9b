"""Figures of answers over time: what comes, period by period."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backrisk.plotting.canvas import INK, MARK, PROTECTS, UNCLEAR, legend_outside, new_figure
from backrisk.queries import Forecast, Review
from backrisk.summary import interval
from backrisk.words import interval_name, say

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LOOK = {"risk": (MARK, "o-"), "onset": (INK, "s--"), "recovery": (PROTECTS, "^:")}
_BAND = {"risk": 0.18, "onset": 0.08, "recovery": 0.08}  # the risk's stands out where they overlap
_TICKS = 13  # beyond which not every period has its own


def plot_forecast(answer: Forecast) -> Figure:
    """Draw the risk in each coming period as a curve with a band, and onset or recovery.

    To the left is the history: a dot at 100 % in each period in which the target was reported, at
    0 % where it was reported absent, and none where nothing is known.

    Parameters
    ----------
    answer : Forecast

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axes = new_figure(3.8)
    last = answer.periods[0] - 1
    axes.set_axisbelow(True)
    axes.grid(axis="y", color="#e5e5e5")
    axes.axvspan(-0.5, last + 0.5, color="#f4f4f4", linewidth=0, zorder=0)
    axes.axvline(last + 0.5, color=UNCLEAR, linewidth=0.8)
    _history(axes, answer, last)
    for kind, draws in answer.curves.items():
        colour, style = _LOOK[kind]
        low, high = interval(100 * draws)
        label = say(f"plotting.forecast.{kind}", target=answer.target.label)
        if len(answer.periods) > 1:
            axes.fill_between(
                answer.periods, low, high, color=colour, alpha=_BAND[kind], linewidth=0
            )
        else:  # a band over one period has no width
            axes.vlines(answer.periods, low, high, color=colour, linewidth=3, alpha=0.4)
        mean = 100 * draws.mean(axis=0)
        axes.plot(answer.periods, mean, style, color=colour, label=label, markersize=5)
    axes.set_ylim(-4, 104)
    axes.set_xlim(-0.5, answer.periods[-1] + 0.5)
    if answer.periods[-1] < _TICKS:
        axes.set_xticks(range(answer.periods[-1] + 1))
    else:
        axes.locator_params(axis="x", integer=True)
    axes.set_xlabel(say("plotting.forecast.period", last=last))
    band = say("plotting.forecast.band", interval=interval_name())
    axes.set_ylabel(f"{say('plotting.forecast.share')}\n{band}", size=9)
    if answer.plan:
        axes.set_title(say("plotting.with", done=answer.plan), size=9, loc="left", wrap=True)
    legend_outside(figure)
    return figure


def plot_review(answer: Review) -> Figure:
    """Draw the risk at each visit, and one period after it, given the history up to it.

    Parameters
    ----------
    answer : Review

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axes = new_figure(3.4)
    axes.set_axisbelow(True)
    axes.grid(axis="y", color="#e5e5e5")
    aside = 0.06 if len(answer.visits) > 1 else 0.02
    for kind, draws, colour, style, side in (
        ("risk", answer.draws, MARK, "o", -aside),
        ("ahead", answer.ahead, INK, "s", aside),
    ):
        low, high = interval(100 * draws)
        mean = 100 * draws.mean(axis=0)
        axes.errorbar(
            [visit + side for visit in answer.visits],
            mean,
            yerr=[mean - low, high - mean],
            fmt=style,
            color=colour,
            capsize=3,
            markersize=5,
            label=say(f"plotting.review.{kind}", target=answer.target.label),
        )
    axes.set_ylim(-4, 104)
    axes.set_xticks(answer.visits)
    axes.margins(x=0.1)
    axes.set_xlabel(say("plotting.review.period"))
    band = say("plotting.review.bar", interval=interval_name())
    axes.set_ylabel(f"{say('plotting.forecast.share')}\n{band}", size=9)
    legend_outside(figure)
    return figure


def _history(axes: Axes, answer: Forecast, last: int) -> None:
    """Draw what the history says of the target."""
    assert answer.graph is not None
    node = answer.graph.node(answer.target.node)
    found = {}
    for period in range(last + 1):
        name = f"{node.name}__{period}" if period else node.name  # as unrolled graphs name it
        if name in answer.evidence:
            there = node.code(answer.evidence[name]) in answer.target.codes
            found[period] = 100.0 if there else 0.0
    label = say("plotting.forecast.reported", target=answer.target.label)
    if found:
        # Open and filled, so that whoever prints without colour tells presence from absence.
        faces = [UNCLEAR if share else "white" for share in found.values()]
        axes.scatter(
            list(found),
            list(found.values()),
            s=36,
            c=faces,
            edgecolors=UNCLEAR,
            label=label,
            zorder=3,
            clip_on=False,
        )
