"""Figures from answers and posteriors; the only module that imports Matplotlib."""

from __future__ import annotations

from functools import cache
from io import BytesIO
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from backrisk.errors import BackriskError
from backrisk.graph import CausalGraph
from backrisk.posterior import Posterior
from backrisk.queries import (
    Answer,
    Attribution,
    Contrast,
    Diagnosis,
    Mediation,
    Questions,
    Recommendation,
    Risk,
)
from backrisk.summary import interval, summarise
from backrisk.words import INTERVAL_NAME, names, thing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_INK, _MARK, _PALE, _ROUTE = "#222222", "#1b6ca8", "#b9d3e6", "#b3321f"
_HALF = 0.33  # of a box's width, where layers are one apart
_METHOD = {
    "necessity": "probability that the outcome would have been absent",
    "sufficiency": "probability that the cause would bring the outcome about",
    "necessity_and_sufficiency": "probability of bringing about and preventing, both",
    "pathways": "share of the excess risk, points",
    "shapley": "share of the excess risk, points",
    "diagnostic": "probability that the cause is adverse",
}


@cache
def _canvas() -> type[Figure]:
    """Return a Matplotlib figure that a notebook shows, whether or not it uses pyplot."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise BackriskError("Figures need Matplotlib: install backrisk[plot].") from error

    class Shown(Figure):
        def _repr_png_(self) -> bytes:
            stream = BytesIO()
            self.savefig(stream, format="png")
            return stream.getvalue()

    return Shown


def _figure(height: float) -> tuple[Figure, Axes]:
    figure = _canvas()(figsize=(7.0, height), layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


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
    left, right = axes.get_xlim()
    at = (average - left) / (right - left)
    side = "left" if at < 0.25 else "right" if at > 0.75 else "center"
    axes.text(average, 1.02 * top, " population's average ", ha=side, color=_INK, size=9)
    axes.set_ylim(-0.1 * top, 1.12 * top)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel(f"risk of {thing(answer.target.label)}, %\n(bar: {INTERVAL_NAME})")
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
    if answer.total is not None:  # shares of a risk are read in points
        table[["mean", "low", "high"]] *= 100
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
    labels = []
    for cause, row in table.iterrows():
        name, state = str(cause), str(row["state"])
        label = names().pair(name, state) if state else names().node(name)
        labels.append(f"{label}\nevidence {names().grade(str(row['grade']))}")
    _intervals(axes, table, labels)
    axes.tick_params(axis="y", labelsize=8)
    axes.axvline(0, color=_INK, linewidth=0.8)
    axes.set_xlabel(f"{_METHOD[answer.method]}\n(bar: {INTERVAL_NAME})", size=9)
    if answer.bounds is not None:
        figure.legend(loc="outside upper right", frameon=False, fontsize=8)
    return figure


def plot_diagnosis(answer: Diagnosis) -> Figure:
    """Draw how likely each unobserved node is away from its reference.

    Parameters
    ----------
    answer : Diagnosis

    Returns
    -------
    matplotlib.figure.Figure
    """
    adverse = _adverse(answer)
    table = summarise(100 * np.column_stack(list(adverse.values())), list(adverse))
    table = table.sort_values("mean", ascending=False, kind="stable")
    figure, axes = _figure(1.2 + 0.26 * len(table))
    _intervals(axes, table, [names().node(name) for name in table.index])
    axes.set_xlim(0, 100)
    axes.set_xlabel(
        f"probability of being away from the reference, %\n(bar: {INTERVAL_NAME})", size=9
    )
    return figure


def _adverse(answer: Diagnosis) -> dict[str, np.ndarray]:
    """Return P(node not at its reference) by node, each ``(draw,)``."""
    found: dict[str, np.ndarray] = {}
    for column, (node, _) in enumerate(answer.rows):
        if node not in found:  # the first row of a node is its reference
            found[node] = 1.0 - answer.draws[:, column]
    return found


def plot_contrast(answer: Contrast) -> Figure:
    """Draw a probability before and after a change.

    Parameters
    ----------
    answer : Contrast

    Returns
    -------
    matplotlib.figure.Figure
    """
    done = ", ".join(names().pair(node, state) for node, state in answer.do.items())
    table = 100 * answer.table.loc[["before", "after"]]
    figure, axes = _figure(1.9)
    _intervals(axes, table, ["as things are", f"with {done}"])
    axes.set_xlabel(f"probability of {answer.target.label}, %\n(bar: {INTERVAL_NAME})", size=9)
    return figure


def plot_mediation(answer: Mediation) -> Figure:
    """Draw the natural effects.

    Parameters
    ----------
    answer : Mediation

    Returns
    -------
    matplotlib.figure.Figure
    """
    through = ", ".join(map(names().node, answer.mediators))
    table = 100 * answer.table.iloc[:3]
    figure, axes = _figure(2.3)
    _intervals(axes, table, ["direct", f"through {through}", "total"])
    axes.axvline(0, color=_INK, linewidth=0.8)
    start, end = (names().state(answer.cause, state) for state in (answer.start, answer.end))
    axes.set_title(f"{names().node(answer.cause)}: {start} to {end}", size=10, loc="left")
    axes.set_xlabel(
        f"change in the risk of {answer.target.label}, points\n(bar: {INTERVAL_NAME})", size=9
    )
    return figure


def plot_recommendation(answer: Recommendation) -> Figure:
    """Draw each action's risk reduction with its interval, number needed to treat and grade.

    Parameters
    ----------
    answer : Recommendation

    Returns
    -------
    matplotlib.figure.Figure
    """
    table = answer.table
    figure, axes = _figure(1.3 + 0.42 * len(table))
    labels = []
    for label, row in table.iterrows():
        setting = answer.settings[answer.actions.index(str(label))]
        done = " and ".join(names().pair(node, state) for node, state in setting.items())
        labels.append(f"{done}\nevidence {names().grade(str(row['grade']))}")
    _intervals(axes, table[["mean", "low", "high"]] * 100, labels)
    axes.tick_params(axis="y", labelsize=8)
    axes.axvline(0, color=_INK, linewidth=0.8)
    for place, words in zip(np.arange(len(table))[::-1], table["nnt_words"], strict=True):
        axes.text(
            1.02, place, words, size=7.5, va="center",
            transform=axes.get_yaxis_transform(),
        )  # fmt: skip
    axes.text(
        1.02, 1.0, "number needed to treat", size=7.5, weight="bold", transform=axes.transAxes
    )
    axes.set_xlabel(
        f"fall in the risk of {answer.target.label}, points\n(bar: {INTERVAL_NAME})", size=9
    )
    return figure


def plot_questions(answer: Questions) -> Figure:
    """Draw what each question would tell, the most telling fifteen.

    Parameters
    ----------
    answer : Questions

    Returns
    -------
    matplotlib.figure.Figure
    """
    table = answer.table.head(15)
    figure, axes = _figure(1.2 + 0.3 * len(table))
    place = np.arange(len(table))[::-1]
    axes.hlines(place, table["low"], table["high"], color=_MARK, linewidth=3)
    axes.plot(table["bits"], place, "o", color=_MARK, markersize=7)
    axes.set_yticks(place, [names().node(name) for name in table.index])
    axes.set_ylim(-0.6, len(table) - 0.4)
    axes.set_xlim(left=0)
    axes.tick_params(length=0)
    axes.grid(axis="x", color="#e5e5e5")
    axes.set_axisbelow(True)
    axes.set_xlabel(
        f"information about {answer.target.label}, bits\n(bar: {INTERVAL_NAME} within draws)",
        size=9,
    )
    return figure


def plot_cascade(
    posterior: Posterior, diagnosis: Diagnosis, routes: Attribution | None = None
) -> Figure:
    """Draw the graph with a person's evidence, likely states and the routes that carry the risk.

    Parameters
    ----------
    posterior : Posterior
        Whose graph is drawn, items left out.
    diagnosis : Diagnosis
        The person's; boxes are shaded by the probability of being away from the reference.
    routes : Attribution, optional
        By ``method="pathways"`` at the proximal level; arrows on a route are as wide as its
        share.

    Returns
    -------
    matplotlib.figure.Figure
    """
    graph = posterior.graph
    place, bends = _layers(graph)
    wide = 1.0 + max(x for x, _ in place.values())
    high = max(
        y for y in (*(y for _, y in place.values()), *(y for at in bends.values() for _, y in at))
    )
    figure, axes = _figure(1.2 + 0.55 * high)
    figure.set_size_inches(2.3 * wide, 1.2 + 0.55 * high)
    axes.axis("off")
    axes.set_xlim(-0.36, wide - 0.64)
    axes.set_ylim(-1.4, high + 0.5)
    target = diagnosis.target.node
    loads = set(graph.playing("passing")) & set(graph.parents(target))
    shares: dict[str, float] = {}
    if routes is not None:
        shares = dict(zip(routes.causes, routes.draws.mean(axis=0).tolist(), strict=True))
    carried = sum(max(share, 0.0) for share in shares.values())
    for edge in graph.edges:
        if edge.cause not in place or edge.effect not in place:
            continue
        share = 0.0
        if carried and edge.effect in loads | {target}:
            share = 1.0 if edge.cause in loads else max(shares.get(edge.cause, 0.0), 0.0) / carried
        between = bends.get((edge.cause, edge.effect), [])
        _arrow(axes, [place[edge.cause], *between, place[edge.effect]], share)
    adverse = {name: float(draws.mean()) for name, draws in _adverse(diagnosis).items()}
    for name, (x, y) in place.items():
        _box(axes, graph, diagnosis, adverse, name, x, y)
    key = "Bold frame: reported. Shade: probability of being away from the reference."
    if shares:
        key += " Red: routes that carry the excess risk, as wide as their share."
    axes.text(-0.33, -1.1, key, size=8, color=_INK, va="center")
    return figure


def _arrow(axes: Axes, points: list[tuple[float, float]], share: float) -> None:
    """Draw an edge through its bends, as wide as the share of the risk that it carries."""
    from matplotlib.patches import FancyArrowPatch
    from matplotlib.path import Path

    carries = share > 0.02
    (x, y), *inner, (end, height) = points
    through = [(x + _HALF, y)]
    for bx, by in inner:
        through += [(bx - _HALF, by), (bx + _HALF, by)]
    through.append((end - _HALF, height))
    corners, codes = [through[0]], [Path.MOVETO]
    for (x0, y0), (x1, y1) in pairwise(through):
        middle = (x0 + x1) / 2
        corners += [(middle, y0), (middle, y1), (x1, y1)]
        codes += [Path.CURVE4] * 3
    axes.add_patch(
        FancyArrowPatch(
            path=Path(corners, codes),
            arrowstyle="-|>",
            mutation_scale=6 + 6 * carries,
            linewidth=1.0 + 5.0 * share if carries else 0.6,
            color=_ROUTE if carries else "#c4c4c4",
            zorder=2 if carries else 1,
        )
    )


def _box(
    axes: Axes,
    graph: CausalGraph,
    diagnosis: Diagnosis,
    adverse: dict[str, float],
    name: str,
    x: float,
    y: float,
) -> None:
    from matplotlib.patches import FancyBboxPatch

    reported = diagnosis.evidence.get(name)
    if reported is None:
        share = adverse.get(name, 0.0)
        said = f"adverse {100 * share:.0f} %"
    else:
        share = float(reported != graph.node(name).reference)
        said = names().state(name, reported)
    axes.add_patch(
        FancyBboxPatch(
            (x - _HALF, y - 0.45),
            2 * _HALF,
            0.9,
            boxstyle="round,pad=0,rounding_size=0.06",
            facecolor=(1.0, 1.0 - 0.32 * share, 1.0 - 0.62 * share),
            edgecolor=_INK,
            linewidth=2.0 if reported else 0.6,
            zorder=3,
        )
    )
    axes.text(x, y + 0.18, names().node(name), ha="center", va="center", size=7.5, zorder=4)
    axes.text(x, y - 0.2, said, ha="center", va="center", size=7, color="#555555", zorder=4)


def _layers(
    graph: CausalGraph,
) -> tuple[dict[str, tuple[float, float]], dict[tuple[str, str], list[tuple[float, float]]]]:
    """Place causes left of effects, and the bends of long edges between the boxes they pass.

    Sugiyama, Tagawa and Toda 1981, doi:10.1109/TSMC.1981.4308636: layers, then an order within
    each that puts everything near what it is joined to.
    """
    names = [name for name in graph.topological if name not in graph.items]
    depth: dict[str, int] = {}
    for name in names:
        depth[name] = 1 + max((depth[p] for p in graph.parents(name)), default=-1)
    # What causes only late nodes stands just before them, which shortens arrows.
    for name in reversed(names):
        later = [depth[child] for child in graph.children(name) if child in depth]
        if later and not graph.parents(name):
            depth[name] = min(later) - 1
    columns: list[list[Any]] = [[] for _ in range(1 + max(depth.values()))]
    near: dict[Any, list[Any]] = {name: [] for name in names}
    for name in names:
        columns[depth[name]].append(name)
    for edge in graph.edges:
        if edge.cause not in depth or edge.effect not in depth:
            continue
        chain: list[Any] = [edge.cause]
        for column in range(depth[edge.cause] + 1, depth[edge.effect]):
            bend = (edge.cause, edge.effect, column)
            columns[column].append(bend)
            near[bend] = []
            chain.append(bend)
        for one, other in zip(chain, [*chain[1:], edge.effect], strict=True):
            near[one].append(other)
            near[other].append(one)
    size = {item: 1.3 if isinstance(item, str) else 0.25 for item in near}
    tallest = max(sum(size[item] for item in column) for column in columns)
    at: dict[Any, float] = {}

    def spread() -> None:
        for column in columns:
            gap = (tallest - sum(size[item] for item in column)) / (len(column) + 1)
            y = tallest
            for item in column:
                y -= gap + size[item] / 2
                at[item] = y
                y -= size[item] / 2

    spread()
    for _ in range(12):
        for column in (*columns, *reversed(columns)):
            column.sort(
                key=lambda item: -np.mean([at[other] for other in near[item]] or [at[item]])
            )
            spread()
    place = {name: (float(depth[name]), at[name]) for name in names}
    bends: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for item in near:
        if not isinstance(item, str):
            bends.setdefault(item[:2], []).append((float(item[2]), at[item]))
    return place, bends


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
    _intervals(axes, table, [thing(label) for label in table.index])
    axes.axvline(0, color=_INK, linewidth=0.8)
    axes.set_xlabel(f"change in risk, percentage points\n(bar: {INTERVAL_NAME})", size=9)
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
    ticks = [" <- ".join(map(names().node, label.split(", "))) for label in labels]
    axes.set_yticks(place, ticks, size=7)
    axes.set_ylim(-0.8, len(labels) - 0.2)
    axes.axvline(0, color=_INK, linewidth=0.8)
    axes.set_xlabel(f"log odds ratio, reference to worst state  ({INTERVAL_NAME})", size=9)
    figure.legend(loc="outside upper right", frameon=False, fontsize=8, ncols=2)
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
    figure, axes = _figure(3.6)
    place = np.linspace(0.0, 1.0, len(curves))
    axes.fill_between(place, *limits, color="#ececec", label="limits of uniform ranks", linewidth=0)
    axes.plot(place, curves, color=_MARK, linewidth=0.7, alpha=0.6)
    axes.axhline(0, color=_INK, linewidth=0.8)
    axes.set_xlabel("rank of the true value among the draws, as a share", size=9)
    axes.set_ylabel("share of ranks below, minus that share", size=9)
    axes.set_title(note, loc="left", size=9)
    figure.legend(loc="outside upper right", frameon=False, fontsize=8)
    return figure


def plot(answer: Answer) -> Figure:
    """Draw an answer by its kind.

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
    """
    if not answer.draws.size:
        raise BackriskError("There is nothing to draw: the answer has no rows.")
    for kind, draw in _DRAWN.items():
        if isinstance(answer, kind):
            figure: Figure = draw(answer)
            return figure
    raise BackriskError(f"There is no figure of a {type(answer).__name__.lower()}.")


_DRAWN: dict[type[Answer], Any] = {
    Risk: plot_risk,
    Diagnosis: plot_diagnosis,
    Contrast: plot_contrast,
    Attribution: plot_attribution,
    Mediation: plot_mediation,
    Recommendation: plot_recommendation,
    Questions: plot_questions,
}
