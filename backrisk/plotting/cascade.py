"""The cascade as a figure: a person's evidence, likely states and the routes of the risk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from backrisk.plotting.canvas import INK, new_figure
from backrisk.plotting.figures import adverse_draws
from backrisk.plotting.layers import BOX, MARGIN, Box, draw
from backrisk.posterior import Posterior
from backrisk.queries import Attribution, Diagnosis
from backrisk.words import percent, say

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ROUTE, _FAINT = "#b3321f", "#c4c4c4"
_INCH = 84.0  # units of the drawing in an inch of the figure
_KEY = 40.0  # height of the key below the drawing
_NOTICEABLE = 0.02  # share of the risk that makes an edge red


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
    drawing = draw(graph)
    height = drawing.height + _KEY
    figure, axes = new_figure(height / _INCH, drawing.width / _INCH)
    axes.axis("off")
    axes.set_xlim(0, drawing.width)
    axes.set_ylim(height, 0)  # the drawing counts from the top
    carried = _carried(posterior, diagnosis.target.node, routes)
    for line in drawing.lines:
        _arrow(axes, line.points, carried.get((line.cause, line.effect), 0.0))
    adverse = {name: float(draws.mean()) for name, draws in adverse_draws(diagnosis).items()}
    for box in drawing.boxes:
        _box(axes, diagnosis, adverse, box)
    key = say("plotting.key_routes" if routes is not None else "plotting.key")
    axes.text(MARGIN, drawing.height + _KEY / 2, key, size=8, color=INK, va="center")
    return figure


def _carried(
    posterior: Posterior, target: str, routes: Attribution | None
) -> dict[tuple[str, str], float]:
    """Return the share of the risk that each edge of a route carries, from 0 to 1."""
    if routes is None:
        return {}
    graph = posterior.graph
    means = routes.draws.mean(axis=0).tolist()
    shares = {cause: max(mean, 0.0) for cause, mean in zip(routes.causes, means, strict=True)}
    whole = sum(shares.values())
    if not whole:
        return {}
    passing = set(graph.playing("passing")) & set(graph.parents(target))
    return {
        (edge.cause, edge.effect): (
            1.0 if edge.cause in passing else shares.get(edge.cause, 0.0) / whole
        )
        for edge in graph.edges
        if edge.effect in passing | {target}
    }


def _arrow(axes: Axes, points: Sequence[tuple[float, float]], share: float) -> None:
    """Draw an edge through the points it passes, as wide as the share of the risk it carries."""
    from matplotlib.patches import FancyArrowPatch
    from matplotlib.path import Path

    carries = share > _NOTICEABLE
    corners, codes = [points[0]], [Path.MOVETO]
    for (x0, y0), (x1, y1) in pairwise(points):
        middle = (x0 + x1) / 2
        corners += [(middle, y0), (middle, y1), (x1, y1)]
        codes += [Path.CURVE4] * 3
    axes.add_patch(
        FancyArrowPatch(
            path=Path(corners, codes),
            arrowstyle="-|>",
            mutation_scale=6 + 6 * carries,
            linewidth=1.0 + 5.0 * share if carries else 0.6,
            color=_ROUTE if carries else _FAINT,
            zorder=2 if carries else 1,
        )
    )


def _box(axes: Axes, diagnosis: Diagnosis, adverse: Mapping[str, float], box: Box) -> None:
    """Draw a node: what was reported of it, or how likely it is away from its reference."""
    from matplotlib.patches import FancyBboxPatch

    names, (width, height) = diagnosis.names, BOX
    reported = diagnosis.evidence.get(box.name)
    if reported is None:
        share = adverse.get(box.name, 0.0)
        said: str = say("plotting.adverse", share=percent(share))
    else:
        share = float(reported != diagnosis.graph.node(box.name).reference)
        said = names.state(box.name, reported)
    axes.add_patch(
        FancyBboxPatch(
            (box.x, box.y),
            width,
            height,
            boxstyle="round,pad=0,rounding_size=5",
            facecolor=(1.0, 1.0 - 0.32 * share, 1.0 - 0.62 * share),
            edgecolor=INK,
            linewidth=2.0 if reported else 0.6,
            zorder=3,
        )
    )
    x, y = box.x + width / 2, box.y + height / 2
    centred: dict[str, Any] = {"ha": "center", "va": "center", "zorder": 4}
    axes.text(x, y - height / 5, names.node(box.name), size=7.5, **centred)
    axes.text(x, y + height / 5, said, size=7, color="#555555", **centred)
