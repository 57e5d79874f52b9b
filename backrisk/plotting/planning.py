"""Figures of a study plan: how wide an interval will be, and how often a cause is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from backrisk.errors import BackriskError
from backrisk.plotting.canvas import INK, MARK, PROTECTS, UNCLEAR, new_figure
from backrisk.words import interval_name, say

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLOURS = (MARK, "#c2571a", PROTECTS, "#7b4fa3", UNCLEAR)
_MARKERS = "os^Dv"
_APART = 1.03  # how far designs stand from each other, as a factor of the number of people


def plot_plan(table: pd.DataFrame, titles: dict[tuple[str, str], str]) -> Figure:
    """Draw a study plan: the width of an interval by the number of people, and what is told.

    Parameters
    ----------
    table : pandas.DataFrame
        As `backrisk.check.StudyPlan.table` is.
    titles : dict of (kind, cause) to str
        What stands above each quantity, one row of panels each.

    Returns
    -------
    matplotlib.figure.Figure
        On the left the mean width with its Monte Carlo error, and what it is before any survey; on
        the right the share of surveys in which a cause is told, with an effect and without.

    Raises
    ------
    BackriskError
        If there is nothing to draw, or Matplotlib is not installed.
    """
    if not titles:
        raise BackriskError(say("plotting.nothing"))
    figure, first = new_figure(1.2 + 2.9 * len(titles), 9.0)
    first.remove()
    panels = figure.subplots(len(titles), 2, squeeze=False)
    for (left, right), ((kind, cause), title) in zip(panels, titles.items(), strict=True):
        own = table[(table["kind"] == kind) & (table["cause"] == cause)]
        _widths(left, own)
        _told(right, own)
        left.set_title(title, loc="left", size=9)
        for axes in (left, right):
            axes.spines[["top", "right"]].set_visible(False)
            axes.set_xscale("log")
            sizes = sorted(own["people"].unique())
            axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
            axes.minorticks_off()
            axes.set_xlabel(say("plotting.plan.people"), size=9)
            axes.grid(axis="y", color="#e5e5e5")
            axes.set_axisbelow(True)
            axes.set_ylim(bottom=0)
    drawn: dict[str, Any] = {}  # each design once, whatever the number of panels
    for axes in panels[0]:
        lines, labels = axes.get_legend_handles_labels()
        drawn |= dict(zip(labels, lines, strict=True))
    edge = "lower"
    where: Any = f"outside {edge} left"
    figure.legend(list(drawn.values()), list(drawn), loc=where, frameon=False, fontsize=8, ncols=2)
    return figure


def _widths(axes: Axes, own: pd.DataFrame) -> None:
    axes.axhline(
        100 * own["prior_width"].iloc[0],
        color=INK,
        linewidth=0.8,
        linestyle=":",
        label=say("plotting.plan.before"),
    )
    for place, (design, rows) in enumerate(own.groupby("design", sort=False)):
        axes.errorbar(
            rows["people"] * _APART**place,
            100 * rows["width"],
            100 * rows["width_error"],
            color=_COLOURS[place % len(_COLOURS)],
            marker=_MARKERS[place % len(_MARKERS)],
            markersize=5,
            linewidth=1.4,
            label=design,
        )
    axes.set_ylabel(say("plotting.plan.width", interval=interval_name()), size=9)


def _told(axes: Axes, own: pd.DataFrame) -> None:
    for place, (_, rows) in enumerate(own.groupby("design", sort=False)):
        for key, style in (("found", "-"), ("null", "--")):
            some = rows[rows[key].notna()]
            if not len(some):
                continue
            axes.errorbar(
                some["people"] * _APART**place,
                100 * some[key],
                100 * some[f"{key}_error"],
                color=_COLOURS[place % len(_COLOURS)],
                marker=_MARKERS[place % len(_MARKERS)],
                markersize=5,
                linewidth=1.4,
                linestyle=style,
            )
    for key, style in (("found", "-"), ("null", "--")):
        axes.plot([], [], color=INK, linestyle=style, label=say(f"plotting.plan.{key}"))
    axes.set_ylim(top=103)
    axes.set_ylabel(say("plotting.plan.told"), size=9)
