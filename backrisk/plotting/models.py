"""Figures of a model: its effects, its interventions side by side, its calibration."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from backrisk.errors import BackriskError
from backrisk.graph import CausalGraph
from backrisk.plotting.canvas import (
    INK,
    MARK,
    PALE,
    draw_intervals,
    legend_outside,
    mark_zero,
    new_figure,
)
from backrisk.posterior import Posterior
from backrisk.queries import Contrast
from backrisk.summary import interval
from backrisk.words import humanize, interval_name, names_of, say

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_contrasts(answers: dict[str, Contrast]) -> Figure:
    """Draw the change in risk that each intervention would bring.

    Parameters
    ----------
    answers : dict of label to Contrast

    Returns
    -------
    matplotlib.figure.Figure
    """
    changes = {label: answer.table.iloc[2] for label, answer in answers.items()}
    table = 100 * pd.DataFrame(changes).T.sort_values("mean")
    figure, axes = new_figure(1.2 + 0.36 * len(table))
    draw_intervals(axes, table, [humanize(label) for label in table.index])
    mark_zero(axes)
    bar = say("plotting.bar", interval=interval_name())
    axes.set_xlabel(f"{say('plotting.change_any')}\n{bar}", size=9)
    return figure


def plot_effects(posterior: Posterior) -> Figure:
    """Draw each edge's log odds ratio before and after the data.

    Parameters
    ----------
    posterior : Posterior
        With prior draws.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    BackriskError
        If the posterior was given as CPTs, or Matplotlib is not installed.
    """
    if posterior.beta is None or posterior.prior_beta is None:
        raise BackriskError(say("plotting.no_effects"))
    terms = posterior.layout.effect_terms
    figure, axes = new_figure(1.2 + 0.21 * len(terms))
    place = np.arange(len(terms))[::-1]
    for draws, color, shift, width, label in (
        (posterior.prior_beta, "#cccccc", 0.17, 4.0, say("plotting.prior")),
        (posterior.beta, MARK, -0.17, 2.0, say("plotting.posterior")),
    ):
        low, high = interval(draws)
        axes.hlines(place + shift, low, high, color=color, linewidth=width, label=label)
        axes.plot(draws.mean(axis=0), place + shift, "o", color=color, markersize=3)
    names = names_of(posterior.graph)
    ticks = [
        f"{names.node(effect)} <- "
        + " x ".join(
            names.node(cause) if state is None else names.pair(cause, state)
            for cause, state in causes
        )
        for effect, causes in terms
    ]
    axes.set_yticks(place, ticks, size=7)
    axes.set_ylim(-0.8, len(terms) - 0.2)
    mark_zero(axes)
    axes.set_xlabel(say("plotting.log_odds_ratio", interval=interval_name()), size=9)
    legend_outside(figure, columns=2)
    return figure


def plot_odds_ratios(table: pd.DataFrame, graph: CausalGraph) -> Figure:
    """Draw each edge's odds ratio, the prior's and a published one beside it, on a log scale.

    Parameters
    ----------
    table : pandas.DataFrame
        What `backrisk.check.effects` gives.
    graph : CausalGraph
        Words the nodes and states.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    BackriskError
        If no ratio of the table is a number, or Matplotlib is not installed.
    """
    if not np.isfinite(table["median"].to_numpy(dtype=float)).any():
        raise BackriskError(say("plotting.nothing"))
    figure, axes = new_figure(1.4 + 0.3 * len(table))
    place = np.arange(len(table))[::-1]
    for columns, color, shift, width, label in (
        ("prior_{}", "#cccccc", 0.22, 4.0, say("plotting.prior")),
        ("{}", MARK, 0.0, 2.5, say("plotting.posterior")),
        ("published_{}", PALE, -0.22, 1.5, say("plotting.published")),
    ):
        middle = "published" if "published" in columns else columns.format("median")
        known = np.isfinite(table[middle].to_numpy(dtype=float))
        if known.any():
            low, high = (table[columns.format(end)][known] for end in ("low", "high"))
            axes.hlines(place[known] + shift, low, high, color=color, linewidth=width, label=label)
            axes.plot(table[middle][known], place[known] + shift, "o", color=color, markersize=4)
    names = names_of(graph)
    ticks = [
        f"{names.pair(row['cause'], row['state'])} \u2192 {names.node(row['effect'])}"
        for row in table.to_dict("records")
    ]
    axes.set_yticks(place, ticks, size=7)
    axes.set_ylim(-0.8, len(table) - 0.2)
    axes.set_xscale("log")
    axes.axvline(1.0, color=INK, linewidth=0.8)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlabel(say("plotting.odds_ratio", interval=interval_name()), size=9)
    legend_outside(figure, columns=3)
    return figure


def plot_calibration(curves: np.ndarray, limits: np.ndarray, note: str = "") -> Figure:
    """Draw how far the ranks of true values are from uniform, one curve a quantity.

    Parameters
    ----------
    curves : ndarray, shape (point, quantity)
        As `backrisk.check.calibration.Calibration.ecdf` gives them.
    limits : ndarray, shape (2, point)
        As `backrisk.check.calibration.bands` gives them.
    note : str
        What stands above the figure.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axes = new_figure(3.6)
    place = np.linspace(0.0, 1.0, len(curves))
    label = say("plotting.rank_limits")
    axes.fill_between(place, *limits, color="#ececec", label=label, linewidth=0)
    axes.plot(place, curves, color=MARK, linewidth=0.7, alpha=0.6)
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.set_xlabel(say("plotting.rank"), size=9)
    axes.set_ylabel(say("plotting.rank_share"), size=9)
    axes.set_title(note, loc="left", size=9)
    legend_outside(figure)
    return figure
