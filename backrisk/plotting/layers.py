"""The cascade as a drawing: layers from causes to the outcome, for figure and page alike.

The layout follows Sugiyama, Tagawa and Toda (1981, doi:10.1109/TSMC.1981.4308636): layers, dummy
nodes where an edge crosses a layer, an order within each layer by barycentres.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from backrisk.graph import CausalGraph

Place = tuple[str, int]  # a node in its layer, or "cause>effect" where that edge passes one

BOX = (146.0, 44.0)
GAP = 46.0  # between layers, where edges bend
ROW = 54.0  # height that a box takes in its layer
PASS = 11.0  # height that a passing edge takes
MARGIN = 8.0
_SWEEPS = 24


@dataclass(frozen=True)
class Box:
    """A node's rectangle: left and top edge."""

    name: str
    x: float
    y: float


@dataclass(frozen=True)
class Line:
    """An edge as the points it passes; it runs level through each layer it crosses."""

    cause: str
    effect: str
    points: tuple[tuple[float, float], ...]

    @property
    def path(self) -> str:
        """The line as SVG path data."""
        (x, y), *rest = self.points
        parts = [f"M{x:.1f} {y:.1f}"]
        for right, down in rest:
            bend = (x + right) / 2
            level = f"L{right:.1f} {down:.1f}"
            curve = f"C{bend:.1f} {y:.1f} {bend:.1f} {down:.1f} {right:.1f} {down:.1f}"
            parts.append(level if down == y else curve)
            x, y = right, down
        return "".join(parts)


@dataclass(frozen=True)
class Drawing:
    """Where everything goes, in units of the SVG's view box."""

    width: float
    height: float
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]


def draw(graph: CausalGraph) -> Drawing:
    """Lay out a graph, items left out.

    Parameters
    ----------
    graph : CausalGraph

    Returns
    -------
    Drawing
        No two boxes overlap, and no edge passes under a box.

    Examples
    --------
    >>> graph = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    >>> [box.x for box in draw(graph).boxes]
    [8.0, 200.0]
    """
    layer = _layers(graph)
    columns, segments = _places(graph, layer)
    columns = _untangle(columns, segments)
    middle, height = _heights(columns, segments)
    left = {place: MARGIN + place[1] * (BOX[0] + GAP) for column in columns for place in column}
    boxes = tuple(
        Box(name, left[name, depth], middle[name, depth] - BOX[1] / 2)
        for name, depth in layer.items()
    )
    lines = []
    for edge in graph.edges:
        if edge.cause not in layer or edge.effect not in layer:
            continue
        first, last = layer[edge.cause], layer[edge.effect]
        points = [(left[edge.cause, first] + BOX[0], middle[edge.cause, first])]
        for depth in range(first + 1, last):
            place = (f"{edge.cause}>{edge.effect}", depth)
            points += [(left[place], middle[place]), (left[place] + BOX[0], middle[place])]
        points.append((left[edge.effect, last], middle[edge.effect, last]))
        lines.append(Line(edge.cause, edge.effect, tuple(points)))
    width = 2 * MARGIN + len(columns) * (BOX[0] + GAP) - GAP
    return Drawing(width, height, boxes, tuple(lines))


def _layers(graph: CausalGraph) -> dict[str, int]:
    """Place each node after its causes; a node without causes just before its first effect."""
    names = [name for name in graph.topological if name not in graph.items]
    depth: dict[str, int] = {}
    for name in names:
        depth[name] = max((depth[p] + 1 for p in graph.parents(name) if p in depth), default=0)
    for name in names:
        effects = [depth[child] for child in graph.children(name) if child in depth]
        if not graph.parents(name) and effects:
            depth[name] = min(effects) - 1
    return depth


def _places(
    graph: CausalGraph, layer: Mapping[str, int]
) -> tuple[list[list[Place]], list[tuple[Place, Place]]]:
    """Return each layer's places, and the segments that join places of neighbouring layers."""
    columns: list[list[Place]] = [[] for _ in range(max(layer.values(), default=0) + 1)]
    for name in graph.names:
        if name in layer:
            columns[layer[name]].append((name, layer[name]))
    segments = []
    for edge in graph.edges:
        if edge.cause not in layer or edge.effect not in layer:
            continue
        route: list[Place] = [(edge.cause, layer[edge.cause])]
        for depth in range(layer[edge.cause] + 1, layer[edge.effect]):
            route.append((f"{edge.cause}>{edge.effect}", depth))
            columns[depth].append(route[-1])
        route.append((edge.effect, layer[edge.effect]))
        segments += list(itertools.pairwise(route))
    return columns, segments


def _untangle(
    columns: list[list[Place]], segments: Sequence[tuple[Place, Place]]
) -> list[list[Place]]:
    """Order each layer by the mean position of its neighbours, to and fro; keep the best order."""
    best, fewest = columns, _crossings(columns, segments)
    for sweep in range(_SWEEPS):
        forward = sweep % 2 == 0
        near: dict[Place, list[Place]] = {}
        for cause, effect in segments:
            here, there = (effect, cause) if forward else (cause, effect)
            near.setdefault(here, []).append(there)
        columns = [list(column) for column in columns]
        depths = range(len(columns)) if forward else range(len(columns) - 1, -1, -1)
        position: dict[Place, float] = {}
        for depth in depths:
            column = columns[depth]
            rank = {place: (i + 0.5) / len(column) for i, place in enumerate(column)}
            for place in column:
                if neighbours := near.get(place):
                    rank[place] = sum(position[n] for n in neighbours) / len(neighbours)
            column.sort(key=lambda place: rank[place])
            position |= {place: (i + 0.5) / len(column) for i, place in enumerate(column)}
        if (crossings := _crossings(columns, segments)) < fewest:
            best, fewest = columns, crossings
    return best


def _crossings(columns: Sequence[Sequence[Place]], segments: Sequence[tuple[Place, Place]]) -> int:
    rank = {place: i for column in columns for i, place in enumerate(column)}
    count = 0
    for depth in range(len(columns) - 1):
        ends = [(rank[a], rank[b]) for a, b in segments if a[1] == depth]
        count += sum((a - c) * (b - d) < 0 for (a, b), (c, d) in itertools.combinations(ends, 2))
    return count


def _heights(
    columns: Sequence[Sequence[Place]], segments: Sequence[tuple[Place, Place]]
) -> tuple[dict[Place, float], float]:
    """Return the middle of each place, and the drawing's height.

    Places are drawn towards their neighbours, in order and without touching.
    """
    tall = {p: PASS if ">" in p[0] else ROW for column in columns for p in column}
    height = max(sum(tall[p] for p in column) for column in columns) + 2 * MARGIN
    middle: dict[Place, float] = {}
    for column in columns:
        free = (height - 2 * MARGIN - sum(tall[p] for p in column)) / (len(column) + 1)
        y = MARGIN + free
        for place in column:
            middle[place] = y + tall[place] / 2
            y += tall[place] + free
    near: dict[Place, list[Place]] = {}
    for cause, effect in segments:
        near.setdefault(cause, []).append(effect)
        near.setdefault(effect, []).append(cause)
    for _ in range(_SWEEPS):
        for column in columns:
            wish = [
                sum(middle[n] for n in near[p]) / len(near[p]) if p in near else middle[p]
                for p in column
            ]
            for place, y in zip(
                column, _spread(wish, [tall[p] for p in column], height), strict=True
            ):
                middle[place] = y
    return middle, height


def _spread(wish: Sequence[float], tall: Sequence[float], height: float) -> list[float]:
    """Move middles as little as needed to keep order and distance, within the drawing."""
    low = []
    edge = MARGIN
    for y, size in zip(wish, tall, strict=True):
        edge = max(edge + size, y + size / 2)
        low.append(edge - size / 2)
    edge = height - MARGIN
    placed = []
    for y, size in zip(reversed(low), reversed(tall), strict=True):
        edge = min(edge - size, y - size / 2)
        placed.append(edge + size / 2)
    return placed[::-1]
