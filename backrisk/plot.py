"""Figures from answers and posteriors; the only module that imports Matplotlib."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from backrisk.attribution import Attribution
from backrisk.errors import BackriskError
from backrisk.posterior import Posterior
from backrisk.query import Contrast, Risk
from backrisk.summary import INTERVAL_NAME, interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_INK, _MARK, _PALE = "#222222", "#1b6ca8", "#b9d3e6"
_METHOD = {
    "necessity": "probability that the outcome would have been absent",
    "shapley": "share of the excess risk",
    "diagnostic": "probability that the cause is adverse",
}


def _figure(height: float) -> tuple[Figure, Axes]:
    try:
        from matplotlib.figure import Figure as Canvas
    except ImportError as error:
        raise BackriskError("Figures need Matplotlib: install backrisk[plot].") from error
    figure = Canvas(figsize=(7.0, height), layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _words(name: object) -> str:
    return str(name).replace("_", " ")


def _intervals(axes: Axes, table: pd.DataFrame, labels: list[str]) -> None:
    """Draw a dot and an interval for each row, the first on top."""
    place = np.arange(len(table))[::-1]
    axes.hlines(place, table["low"], table["high"], color=_MARK, linewidth=3)
    axes.plot(table["mean"], place, "o", color=_MARK, markersize=7)
    axes.set_yticks(place, labels)
    axes.set_ylim(-0.6, len(table) - 0.4)
    axes.tick_params(length=0)
    axes.grid(axis="x", color="#e5e5e5")
    axes.set_axisbelow(True)


def plot_risk(answer: Risk) -> Figure:
    """Draw the distribution of a person's risk, with the population's average.

    Parameters
    ----------
    answer : Risk

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axes = _figure(3.2)
    counts, edges = np.histogram(100 * answer.draws, bins=40)
    axes.stairs(counts, edges, fill=True, color=_PALE)
    mean, average = 100 * answer.draws.mean(), 100 * float(answer.average.mean())
    low, high = (100 * float(end) for end in interval(answer.draws))
    top = counts.max()
    axes.hlines(-0.05 * top, low, high, color=_MARK, linewidth=3)
    axes.plot(mean, -0.05 * top, "o", color=_MARK, markersize=7)
    axes.axvline(average, color=_INK, linestyle=":")
    axes.text(average, 1.02 * top, "population's average", ha="center", color=_INK, size=9)
    axes.set_ylim(-0.1 * top, 1.12 * top)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel(f"risk of {_words(answer.target.label)}, %  (bar: {INTERVAL_NAME})")
    return figure


def plot_attribution(answer: Attribution) -> Figure:
    """Draw each cause's share with its interval, grade and, for necessity, bounds.

    Parameters
    ----------
    answer : Attribution

    Returns
    -------
    matplotlib.figure.Figure
    """
    table = answer.table
    figure, axes = _figure(1.3 + 0.42 * len(table))
    place = np.arange(len(table))[::-1]
    if answer.bounds is not None:
        axes.barh(
            place,
            table["upper_bound"] - table["lower_bound"],
            left=table["lower_bound"],
            height=0.55,
            color="#ececec",
            label="bounds without the coupling (means)",
        )
    labels = [
        f"{_words(cause)}: {_words(row['state'])}\nevidence {row['grade']}"
        for cause, row in table.iterrows()
    ]
    _intervals(axes, table, labels)
    axes.tick_params(axis="y", labelsize=8)
    axes.axvline(0, color=_INK, linewidth=0.8)
    axes.set_xlabel(f"{_METHOD[answer.method]}  (bar: {INTERVAL_NAME})", size=9)
    if answer.bounds is not None:
        figure.legend(loc="outside upper right", frameon=False, fontsize=8)
    return figure


def plot_contrasts(answers: dict[str, Contrast]) -> Figure:
    """Draw the change in risk that each intervention would bring.

    Parameters
    ----------
    answers : dict of label to Contrast

    Returns
    -------
    matplotlib.figure.Figure
    """
    table = 100 * pd.DataFrame(
        {label: answer.table.loc["change"] for label, answer in answers.items()}
    ).T.sort_values("mean")
    figure, axes = _figure(1.2 + 0.36 * len(table))
    _intervals(axes, table, [_words(label) for label in table.index])
    axes.axvline(0, color=_INK, linewidth=0.8)
    axes.set_xlabel(f"change in risk, percentage points  (bar: {INTERVAL_NAME})", size=9)
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
    """
    if posterior.beta is None or posterior.prior_beta is None:
        raise BackriskError("This posterior holds no effects: it was given as CPTs.")
    labels = posterior.layout.effect_labels
    figure, axes = _figure(1.2 + 0.21 * len(labels))
    place = np.arange(len(labels))[::-1]
    for draws, color, shift, width, label in (
        (posterior.prior_beta, "#cccccc", 0.17, 4.0, "prior"),
        (posterior.beta, _MARK, -0.17, 2.0, "posterior"),
    ):
        low, high = np.quantile(draws, [0.05, 0.95], axis=0)
        axes.hlines(place + shift, low, high, color=color, linewidth=width, label=label)
        axes.plot(draws.mean(axis=0), place + shift, "o", color=color, markersize=3)
    axes.set_yticks(place, [_words(label).replace(", ", " <- ") for label in labels], size=7)
    axes.set_ylim(-0.8, len(labels) - 0.2)
    axes.axvline(0, color=_INK, linewidth=0.8)
    axes.set_xlabel(f"log odds ratio, reference to worst state  ({INTERVAL_NAME})", size=9)
    figure.legend(loc="outside upper right", frameon=False, fontsize=8, ncols=2)
    return figure
