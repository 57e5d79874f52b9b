"""What all figures are drawn on; Matplotlib is imported only when one is made."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from backrisk.errors import BackriskError
from backrisk.words import say

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, MARK, PALE = "#222222", "#1b6ca8", "#b9d3e6"
PROTECTS, UNCLEAR = "#2e7d4f", "#9a9a9a"  # an effect below zero; one that may have either sign


@cache
def _canvas() -> type[Figure]:
    """Return a Matplotlib figure that a notebook shows, whether or not it uses pyplot."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise BackriskError(say("plotting.no_matplotlib")) from error

    class Shown(Figure):
        def _repr_png_(self) -> bytes:
            stream = BytesIO()
            self.savefig(stream, format="png")
            return stream.getvalue()

    return Shown


def new_figure(height: float, width: float = 7.0) -> tuple[Figure, Axes]:
    """Return an empty figure with one pair of axes; sizes in inches.

    Raises
    ------
    BackriskError
        If Matplotlib is not installed.
    """
    figure = _canvas()(figsize=(width, height), layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def draw_intervals(
    axes: Axes,
    table: pd.DataFrame,
    labels: list[str],
    dot: str = "mean",
    colours: Sequence[str] | str = MARK,
) -> None:
    """Draw a dot and an interval for each row, the first on top.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    table : pandas.DataFrame
        With columns ``low`` and ``high``.
    labels : list of str
        What stands beside each row.
    dot : str
        The column of the dots.
    colours : str or sequence of str
        Of all rows, or of each.
    """
    place = np.arange(len(table))[::-1]
    axes.hlines(place, table["low"], table["high"], color=colours, linewidth=3)
    axes.scatter(table[dot], place, s=49, c=colours, zorder=2)
    axes.set_yticks(place, labels)
    axes.set_ylim(-0.6, len(table) - 0.4)
    axes.tick_params(length=0)
    axes.grid(axis="x", color="#e5e5e5")
    axes.set_axisbelow(True)


def mark_zero(axes: Axes) -> None:
    """Draw the line of no effect."""
    axes.axvline(0, color=INK, linewidth=0.8)


def legend_outside(figure: Figure, columns: int = 1) -> None:
    """Draw the legend above the axes, where it hides nothing."""
    edge = "upper"
    where: Any = f"outside {edge} right"
    figure.legend(loc=where, frameon=False, fontsize=8, ncols=columns)
