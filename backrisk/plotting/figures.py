"""Figures of answers, one function a kind of answer."""

from __future__ import annotations

from collections.abc import Mapping
from functools import singledispatch
from typing import TYPE_CHECKING, Any

import numpy as np

from backrisk.errors import BackriskError
from backrisk.plotting.canvas import (
    INK,
    MARK,
    PALE,
    PROTECTS,
    UNCLEAR,
    draw_intervals,
    legend_outside,
    mark_zero,
    new_figure,
)
from backrisk.plotting.over_time import plot_forecast, plot_review
from backrisk.queries import (
    Answer,
    Attribution,
    Consultation,
    Contrast,
    Diagnosis,
    FollowUp,
    Forecast,
    Mediation,
    Questions,
    Recommendation,
    Review,
    Risk,
    evidence_cell,
)
from backrisk.summary import interval, summarise
from backrisk.words import decimal, interval_name, listed, say

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
_MOST_QUESTIONS = 15


@singledispatch
def plot(answer: Answer) -> Figure:
    r"""Draw an answer by its kind.

    To draw a new kind of answer, register a function for its class: ``@plot.register``.

    Parameters
    ----------
    answer : Answer

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    BackriskError
        If there is nothing in it to draw, or Matplotlib is not installed.

    Examples
    --------
    >>> from backrisk import CausalGraph, Posterior, risk
    >>> g = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    >>> p = Posterior.from_cpts(g, {"x": [[0.5, 0.5]], "y": [[[0.7, 0.3], [0.2, 0.8]]]})
    >>> plot(risk(p, {"x": "yes"})).axes[0].get_xlabel()
    'risk of y, %\n(bar: 90 % equal-tailed interval)'
    """
    raise BackriskError(say("plotting.no_figure", kind=type(answer).__name__))


def _demand_rows(answer: Answer) -> None:
    if not answer.draws.size:
        raise BackriskError(say("plotting.nothing"))


plot.register(Forecast, plot_forecast)
plot.register(Review, plot_review)


@plot.register(Risk)
def plot_risk(answer: Risk) -> Figure:
    """Draw the distribution of a person's risk, with the population's average.

    Parameters
    ----------
    answer : Risk

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axes = new_figure(3.2)
    counts, edges = np.histogram(100 * answer.draws, bins=40)
    axes.stairs(counts, edges, fill=True, color=PALE)
    mean, average = 100 * answer.draws.mean(), 100 * float(answer.average.mean())
    low, high = (100 * float(end) for end in interval(answer.draws))
    top = counts.max()
    axes.hlines(-0.05 * top, low, high, color=MARK, linewidth=3)
    axes.plot(mean, -0.05 * top, "o", color=MARK, markersize=7)
    axes.axvline(average, color=INK, linestyle=":")
    left, right = axes.get_xlim()
    at = (average - left) / (right - left)
    side = "left" if at < 0.25 else "right" if at > 0.75 else "center"
    axes.text(average, 1.02 * top, f" {say('plotting.average')} ", ha=side, color=INK, size=9)
    axes.set_ylim(-0.1 * top, 1.12 * top)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel(_with_bar(say("plotting.risk", target=answer.target.label)))
    return figure


@plot.register(Consultation)
def plot_consultation(answer: Consultation) -> Figure:
    """Draw how likely the target is or, where it is reported, what each cause was needed for.

    Parameters
    ----------
    answer : Consultation

    Returns
    -------
    matplotlib.figure.Figure
    """
    shown = answer.likely or answer.causes
    if shown is None:
        raise BackriskError(say("plotting.nothing"))
    figure: Figure = plot(shown)
    return figure


def _with_bar(quantity: str) -> str:
    """Return the label of an axis: the quantity, and what the bars are."""
    return f"{quantity}\n{say('plotting.bar', interval=interval_name())}"


@plot.register(Attribution)
def plot_attribution(answer: Attribution) -> Figure:
    """Draw each cause's number with its interval, grade and, for necessity, bounds.

    An effect that may have either sign is grey, one that protects green.

    Parameters
    ----------
    answer : Attribution

    Returns
    -------
    matplotlib.figure.Figure
    """
    table = answer.table
    columns = [answer.causes.index(str(cause)) for cause in table.index]
    if answer.total is not None:  # shares of a risk are read in points; who has no part has none
        columns = [column for column in columns if answer.playing[column]]
        table = table.loc[[answer.causes[column] for column in columns]]
        table = table.assign(**{end: 100 * table[end] for end in ("mean", "low", "high")})
    if table.empty:
        raise BackriskError(say("plotting.nothing"))
    figure, axes = new_figure(1.3 + 0.42 * len(table))
    if answer.bounds is not None:
        axes.barh(
            np.arange(len(table))[::-1],
            table["upper_bound_high"] - table["lower_bound_low"],
            left=table["lower_bound_low"],
            height=0.55,
            color="#ececec",
            label=say("plotting.bounds"),
        )
    labels = [
        _graded(answer, answer.state_label(str(cause)), row)
        for cause, row in zip(table.index, table.to_dict("records"), strict=True)
    ]
    colours: str | list[str] = MARK
    if answer.effects is not None:
        signs = answer.signs
        colours = [(UNCLEAR, MARK, PROTECTS)[signs[column]] for column in columns]
    draw_intervals(axes, table, labels, colours=colours)
    axes.tick_params(axis="y", labelsize=8)
    mark_zero(axes)
    axes.set_xlabel(_with_bar(_quantity(answer)), size=9)
    if answer.bounds is not None:
        legend_outside(figure)
    return figure


def _quantity(answer: Attribution) -> str:
    """Return what the numbers of an attribution are, and the error of those that were sampled."""
    key = f"plotting.attribution.{answer.method}"
    said = say(key if answer.baseline is None else f"{key}.{answer.baseline}")
    if answer.error is None:
        return said
    most = decimal(100 * float(answer.error.max()), 2)
    return f"{said}\n{say('plotting.sampled', error=most)}"


def _graded(answer: Answer, label: str, row: Mapping[Any, Any]) -> str:
    """Return the label of a row with the grades of its evidence below."""
    grade = evidence_cell(answer.names, row)
    return f"{label}\n{say('plotting.evidence', grade=grade)}" if grade else label


@plot.register(Diagnosis)
def plot_diagnosis(answer: Diagnosis) -> Figure:
    """Draw how likely each unobserved node is away from its reference.

    Parameters
    ----------
    answer : Diagnosis

    Returns
    -------
    matplotlib.figure.Figure
    """
    _demand_rows(answer)
    adverse = adverse_draws(answer)
    table = summarise(100 * np.column_stack(list(adverse.values())), list(adverse))
    table = table.sort_values("mean", ascending=False, kind="stable")
    figure, axes = new_figure(1.2 + 0.26 * len(table))
    draw_intervals(axes, table, [answer.names.node(name) for name in table.index])
    axes.set_xlim(0, 100)
    axes.set_xlabel(_with_bar(say("plotting.diagnosis")), size=9)
    return figure


def adverse_draws(answer: Diagnosis) -> dict[str, Array]:
    """Return P(node not at its reference) by node, each ``(draw,)``."""
    found: dict[str, Array] = {}
    for column, (node, _) in enumerate(answer.rows):
        if node not in found:  # the first row of a node is its reference
            found[node] = 1.0 - answer.draws[:, column]
    return found


@plot.register(Contrast)
def plot_contrast(answer: Contrast) -> Figure:
    """Draw a probability before and after a change.

    Parameters
    ----------
    answer : Contrast

    Returns
    -------
    matplotlib.figure.Figure
    """
    done = listed(answer.names.phrase(node, state) for node, state in answer.do.items())
    table = 100 * answer.table.iloc[:2]  # before and after
    figure, axes = new_figure(1.9)
    draw_intervals(axes, table, [say("plotting.as_is"), say("plotting.with", done=done)])
    axes.set_xlabel(_with_bar(say("plotting.probability", target=answer.target.label)), size=9)
    return figure


@plot.register(FollowUp)
def plot_follow_up(answer: FollowUp) -> Figure:
    """Draw the risk by an earlier file and by a later one.

    Parameters
    ----------
    answer : FollowUp

    Returns
    -------
    matplotlib.figure.Figure
    """
    table = answer.table.iloc[:2]  # before and after
    labels = [answer.row_label(name) for name in table.index]
    figure, axes = new_figure(1.9)
    draw_intervals(axes, 100 * table, labels)
    axes.set_xlabel(_with_bar(say("plotting.probability", target=answer.target.label)), size=9)
    return figure


@plot.register(Mediation)
def plot_mediation(answer: Mediation) -> Figure:
    """Draw the natural effects.

    Parameters
    ----------
    answer : Mediation

    Returns
    -------
    matplotlib.figure.Figure
    """
    names = answer.names
    through = listed(map(names.node, answer.mediators))
    table = 100 * answer.table.iloc[:3]  # the effects, without their proportions
    figure, axes = new_figure(2.3)
    labels: list[str] = [
        say("plotting.direct"),
        say("plotting.through", mediators=through),
        say("plotting.total"),
    ]
    draw_intervals(axes, table, labels)
    mark_zero(axes)
    start, end = (names.state(answer.cause, state) for state in (answer.start, answer.end))
    title = say("plotting.from_to", node=names.node(answer.cause), start=start, end=end)
    axes.set_title(title, size=10, loc="left")
    axes.set_xlabel(_with_bar(say("plotting.change", target=answer.target.label)), size=9)
    return figure


@plot.register(Recommendation)
def plot_recommendation(answer: Recommendation) -> Figure:
    """Draw each action's risk reduction with its interval and grade.

    Parameters
    ----------
    answer : Recommendation

    Returns
    -------
    matplotlib.figure.Figure
    """
    _demand_rows(answer)
    table = answer.table
    figure, axes = new_figure(1.3 + 0.42 * len(table))
    labels = [
        _graded(answer, answer.row_label(str(action)), row)
        for action, row in zip(table.index, table.to_dict("records"), strict=True)
    ]
    draw_intervals(axes, table[["mean", "low", "high"]] * 100, labels)
    axes.tick_params(axis="y", labelsize=8)
    mark_zero(axes)
    axes.set_xlabel(_with_bar(say("plotting.fall", target=answer.target.label)), size=9)
    return figure


@plot.register(Questions)
def plot_questions(answer: Questions) -> Figure:
    """Draw what each question would tell, the most telling fifteen.

    Parameters
    ----------
    answer : Questions

    Returns
    -------
    matplotlib.figure.Figure
    """
    _demand_rows(answer)
    table = answer.table.head(_MOST_QUESTIONS)
    figure, axes = new_figure(1.2 + 0.3 * len(table))
    draw_intervals(axes, table, [answer.names.node(name) for name in table.index], dot="bits")
    axes.set_xlim(left=0)
    quantity = say("plotting.information", target=answer.target.label)
    bar = say("plotting.bar_within", interval=interval_name())
    axes.set_xlabel(f"{quantity}\n{bar}", size=9)
    return figure
