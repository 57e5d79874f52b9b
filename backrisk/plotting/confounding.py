"""The figure of a hidden common cause: which odds ratios leave how much of an effect."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from backrisk.errors import BackriskError
from backrisk.plotting.canvas import INK, MARK, PALE, legend_outside, new_figure
from backrisk.words import decimal, interval_name, say

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
_FINE = 60  # points on each side, between which the surface is smooth
_LEVELS = 8
_BESIDE = 0.01  # how far a point's label stands from it, as a part of the axis


def plot_confounding(
    contour: pd.DataFrame,
    first: str,
    second: str,
    target: str,
    *,
    observed: pd.DataFrame | None = None,
    note: str = "",
) -> Figure:
    """Draw what a hidden common cause of two nodes would leave of an effect.

    Parameters
    ----------
    contour : pandas.DataFrame
        A row for each pair of odds ratios on a grid: ``into_first``, ``into_second``, and the
        effect's ``mean``, ``low``, ``high``, as `backrisk.check.sensitivity` gives them. An odds
        ratio below 1 is drawn by its inverse.
    first, second : str
        How a person reads the two nodes.
    target : str
        How a person reads the target.
    observed : pandas.DataFrame, optional
        Measured common causes to compare with, drawn as points: ``label``, ``into_first``,
        ``into_second``.
    note : str
        What stands above the figure.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    BackriskError
        If the grid is less than two by two, or Matplotlib is not installed.
    """
    turned = bool((contour["into_second"] < 1).any())
    table = contour.assign(
        **{side: np.exp(np.abs(np.log(contour[side]))) for side in ("into_first", "into_second")}
    )
    surfaces = {
        end: table.pivot(index="into_second", columns="into_first", values=end)
        for end in ("mean", "low", "high")
    }
    across = np.log(surfaces["mean"].columns.to_numpy(dtype=float))
    up = np.log(surfaces["mean"].index.to_numpy(dtype=float))
    if min(len(across), len(up)) < 2:
        raise BackriskError(say("plotting.nothing"))
    fine = np.linspace(across[0], across[-1], _FINE), np.linspace(up[0], up[-1], _FINE)
    mean, low, high = (
        100 * _smooth(across, up, surface.to_numpy(dtype=float), *fine)
        for surface in surfaces.values()
    )
    figure, axes = new_figure(5.2, 6.4)
    x, y = np.exp(fine[0]), np.exp(fine[1])
    lines = axes.contour(x, y, mean, levels=_LEVELS, colors=PALE, linewidths=1.2)
    axes.clabel(lines, fmt=lambda level: decimal(round(level, 6) or 0.0, 1), fontsize=8, colors=INK)
    before = float(mean[0, 0])
    nearer = low if before > 0 else high
    for surface, level, style, width, label in (
        (mean, before / 2, "-", 1.6, say("plotting.confounding.half")),
        (nearer, 0.0, "--", 1.6, say("plotting.confounding.interval", interval=interval_name())),
        (mean, 0.0, "-", 2.8, say("plotting.confounding.zero")),
    ):
        if surface.min() < level < surface.max():
            axes.contour(
                x, y, surface, levels=[level], colors=MARK, linestyles=style, linewidths=width
            )
            axes.plot([], [], style, color=MARK, linewidth=width, label=label)
    ends = float(x[-1]), float(y[-1])
    if observed is not None and len(observed):
        _points(axes, observed, ends)
    for side, end in zip(("x", "y"), ends, strict=True):
        getattr(axes, f"set_{side}scale")("log")
        ticks = [tick for tick in (1, 1.5, 2, 3, 4, 5, 7, 10, 20, 50, 100) if tick <= end]
        labels = [f"{tick:g}" for tick in ticks]
        getattr(axes, f"set_{side}ticks")(ticks, labels)
        getattr(axes, f"set_{side}ticks")([], minor=True)
        getattr(axes, f"set_{side}lim")(1.0, end)
    axes.set_xlabel(say("plotting.confounding.odds_ratio", node=first), size=9)
    key = "inverse" if turned else "odds_ratio"
    axes.set_ylabel(say(f"plotting.confounding.{key}", node=second), size=9)
    heading = say("plotting.confounding.lines", target=target)
    axes.set_title(f"{note}\n{heading}" if note else heading, loc="left", size=9)
    if axes.get_legend_handles_labels()[0]:
        legend_outside(figure)
    return figure


def _smooth(across: Array, up: Array, surface: Array, x: Array, y: Array) -> Array:
    """Return a surface between the points of a grid, rows upwards."""
    from scipy.interpolate import RectBivariateSpline

    degrees = min(3, len(up) - 1), min(3, len(across) - 1)
    found: Array = RectBivariateSpline(up, across, surface, kx=degrees[0], ky=degrees[1])(y, x)
    return found


def _points(axes: Axes, observed: pd.DataFrame, ends: tuple[float, float]) -> None:
    """Draw measured causes as points by the size of their odds ratios, those that fit."""
    told: str = say("plotting.confounding.observed")
    for row in observed.to_dict("records"):
        across, up = (abs(np.log(float(row[side]))) for side in ("into_first", "into_second"))
        at = math.exp(across), math.exp(up)
        if at[0] > ends[0] or at[1] > ends[1]:
            continue
        axes.plot(*at, "o", color=INK, markersize=5, label=told, clip_on=False, zorder=4)
        beside = at[0] * ends[0] ** _BESIDE, at[1] * ends[1] ** _BESIDE
        axes.text(*beside, str(row["label"]), size=8, color=INK, va="bottom")
        told = "_nolegend_"
