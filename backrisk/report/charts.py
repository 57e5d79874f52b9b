"""Small vector figures as SVG text: no fonts to fetch, the same bytes for the same numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

import numpy as np

from backrisk._types import Array
from backrisk.report.blocks import Range
from backrisk.summary import Estimate
from backrisk.words import say

INK, MARK, PALE, GRID, LIMITS = "#222222", "#1b6ca8", "#b9d3e6", "#dddddd", "#e6e0d4"
_FONT = ", ".join(("Libertinus Serif", "Georgia", "serif"))
_EM = 0.6  # width of a letter, of its size: on the wide side, so that no word is cut off


def _n(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _tag(name: str, attributes: Mapping[str, str | float], inside: str = "") -> str:
    said = "".join(
        f' {key}="{value if isinstance(value, str) else _n(value)}"'
        for key, value in attributes.items()
    )
    return f"<{name}{said}>{inside}</{name}>" if inside else f"<{name}{said}/>"


def _svg(width: float, height: float, parts: Sequence[str]) -> str:
    space = {"xmlns": "http://www.w3.org/2000/svg", "viewBox": f"0 0 {_n(width)} {_n(height)}"}
    return _tag("svg", {**space, "width": width, "height": height}, "".join(parts))


def _line(
    x1: float, y1: float, x2: float, y2: float, color: str, wide: float = 1, dash: str = ""
) -> str:
    drawn: dict[str, str | float] = {"x1": x1, "y1": y1, "x2": x2, "y2": y2, "stroke": color}
    dashed = {"stroke-dasharray": dash} if dash else {}
    return _tag("line", {**drawn, "stroke-width": wide, **dashed})


def _rect(x: float, y: float, width: float, height: float, color: str) -> str:
    size = {"width": max(width, 0), "height": height}
    return _tag("rect", {"x": x, "y": y, **size, "fill": color})


def _dot(x: float, y: float, size: float = 3.2) -> str:
    return _tag("circle", {"cx": x, "cy": y, "r": size, "fill": MARK})


def _word(x: float, y: float, text: object, anchor: str = "middle", size: float = 10) -> str:
    type_: dict[str, str | float] = {"font-size": size, "font-family": _FONT}
    where: dict[str, str | float] = {"x": x, "y": y, **type_, "text-anchor": anchor, "fill": INK}
    return _tag("text", where, escape(str(text)))


def _reach(text: str, size: float = 10) -> float:
    """Return how much room a word needs."""
    return _EM * size * len(text)


def nice(high: float) -> float:
    """Return a round number at or above a positive one.

    Examples
    --------
    >>> nice(0.37), nice(0.0012), nice(0.0)
    (0.4, 0.0015, 1.0)
    """
    if not high > 0:
        return 1.0
    unit = 10.0 ** math.floor(math.log10(high))
    for step in (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10):
        if step * unit >= high * (1 - 1e-12):
            return round(step * unit, 12)
    return 10 * unit


def scale(estimates: Sequence[Estimate], ranges: Sequence[Range] = ()) -> tuple[float, float]:
    """Return where a strip begins and ends: zero always on it."""
    highs = [e.high for e in estimates] + [r.high for r in ranges]
    lows = [e.low for e in estimates] + [r.low for r in ranges]
    low = min([0.0, *lows])
    return (-nice(-low) if low < 0 else 0.0), nice(max([0.0, *highs]))


_WIDE, _HIGH = 150.0, 14.0


def strip(estimate: Estimate, ends: tuple[float, float], limits: Range | None = None) -> str:
    """Draw one estimate with its interval, and limits behind it, on the scale of its table."""

    def x(value: float) -> float:
        return 4 + (_WIDE - 8) * (value - ends[0]) / (ends[1] - ends[0])

    middle = _HIGH / 2
    parts = []
    if limits is not None:
        parts.append(_rect(x(limits.low), 2, x(limits.high) - x(limits.low), _HIGH - 4, LIMITS))
    parts.append(_line(x(0.0), 0, x(0.0), _HIGH, "#888888", 0.8))
    parts.append(_line(x(estimate.low), middle, x(estimate.high), middle, MARK, 2.4))
    parts.append(_dot(x(estimate.mean), middle))
    return _svg(_WIDE, _HIGH, parts)


def ruler(ends: tuple[float, float], labels: tuple[str, str]) -> str:
    """Draw the scale of a table's strips: zero, and its ends where they are apart from it."""

    def x(value: float) -> float:
        return 4 + (_WIDE - 8) * (value - ends[0]) / (ends[1] - ends[0])

    zero = x(0.0)
    parts = [_line(x(ends[0]), 14, x(ends[1]), 14, "#888888", 0.8)]
    for value, label in ((ends[0], labels[0]), (0.0, "0"), (ends[1], labels[1])):
        place = x(value)
        if label != "0" and abs(place - zero) < 0.25 * _WIDE:
            continue
        parts.append(_line(place, 11, place, 16, "#888888", 0.8))
        anchor = "start" if place < 0.1 * _WIDE else "end" if place > 0.9 * _WIDE else "middle"
        at = {"start": place - 3, "end": place + 3, "middle": place}[anchor]
        parts.append(_word(at, 9, label, anchor, 10))
    return _svg(_WIDE, 16, parts)


def bars(rows: Sequence[tuple[str, Estimate]], top: float, axis: str) -> str:
    """Draw labelled shares with intervals, from zero, with an axis in percent."""
    widest = max(_reach(label, 11) for label, _ in rows)
    left, wide, each = max(150.0, widest + 12), max(340.0, _reach(axis)), 26.0
    high = each * len(rows)

    def x(share: float) -> float:
        return left + wide * share / top

    parts = []
    for tick in _ticks(top):
        parts.append(_line(x(tick), 4, x(tick), high, GRID))
        parts.append(_word(x(tick), high + 13, _percent(tick)))
    for place, (label, estimate) in enumerate(rows):
        y = each * (place + 0.5)
        parts.append(_rect(left, y - 6, x(estimate.mean) - left, 12, PALE))
        parts.append(_line(x(estimate.low), y, x(estimate.high), y, MARK, 2.4))
        parts.append(_dot(x(estimate.mean), y))
        parts.append(_word(left - 6, y + 3.5, label, "end", 11))
    parts.append(_word(left + wide / 2, high + 27, axis))
    return _svg(left + wide + 20, high + 32, parts)


def _percent(share: float) -> str:
    number = f"{100 * share:g}".replace(".", say("phrases.decimal_mark"))
    return say("phrases.percent", number=number)


def _ticks(top: float) -> list[float]:
    unit = 10.0 ** math.floor(math.log10(top / 5))
    step = next(times * unit for times in (1, 2, 2.5, 5, 10) if times * unit >= top / 5 * 0.999)
    return [round(i * step, 12) for i in range(int(top / step + 1e-9) + 1)]


def curve(rows: Sequence[tuple[str, Estimate]], axis: str, upward: str) -> str:
    """Draw shares from one named moment to the next: means joined, intervals as a band."""
    top = nice(max(estimate.high for _, estimate in rows))
    left, wide, high, head = 52.0, max(420.0, _reach(axis)), 150.0, 22.0

    def x(place: int) -> float:
        return left + wide * ((place + 0.5) / len(rows))

    def y(share: float) -> float:
        return head + high * (1 - share / top)

    parts = [_word(left - 40, 11, upward, "start")]
    for tick in _ticks(top):
        parts.append(_line(left, y(tick), left + wide, y(tick), GRID))
        parts.append(_word(left - 5, y(tick) + 3.5, _percent(tick), "end"))
    places = range(len(rows))
    upper = [(x(i), y(rows[i][1].high)) for i in places]
    lower = [(x(i), y(rows[i][1].low)) for i in reversed(places)]
    parts.append(_tag("polygon", {"points": _points([*upper, *lower]), "fill": PALE}))
    means = [(x(i), y(rows[i][1].mean)) for i in places]
    shown: dict[str, str | float] = {"fill": "none", "stroke": MARK, "stroke-width": 2}
    parts.append(_tag("polyline", {"points": _points(means), **shown}))
    for i in places:
        label, estimate = rows[i]
        parts.append(_line(x(i), y(estimate.low), x(i), y(estimate.high), MARK, 1))
        parts.append(_dot(x(i), y(estimate.mean)))
        parts.append(_word(x(i), head + high + 14, label))
    parts.append(_word(left + wide / 2, head + high + 29, axis))
    return _svg(max(left + wide + 8, left - 40 + _reach(upward)), head + high + 35, parts)


def _points(places: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{_n(x)},{_n(y)}" for x, y in places)


def histogram(shares: Array, weights: Array, average: float, axis: str, marked: str) -> str:
    """Draw how risks are spread over people, with their average."""
    top = nice(float(shares.max()))
    edges = np.linspace(0.0, top, 31)
    counts, _ = np.histogram(shares, bins=edges, weights=weights)
    left, wide, high = 14.0, max(520.0, _reach(axis)), 120.0

    def x(share: float) -> float:
        return left + wide * share / top

    tallest = float(counts.max())
    parts = []
    for count, low, end in zip(counts, edges[:-1], edges[1:], strict=True):
        tall = high * float(count) / tallest
        if tall > 0:
            parts.append(
                _rect(x(low) + 0.5, 16 + high - tall, x(end) - x(low) - 1, max(tall, 0.8), PALE)
            )
    floor = 16 + high
    parts.append(_line(left, floor, left + wide, floor, INK))
    for tick in _ticks(top):
        parts.append(_line(x(tick), floor, x(tick), floor + 4, INK))
        parts.append(_word(x(tick), floor + 15, _percent(tick)))
    parts.append(_line(x(average), 12, x(average), floor, INK, 1, "3 2"))
    anchor = "start" if average < 0.6 * top else "end"
    parts.append(_word(x(average) + (4 if anchor == "start" else -4), 11, marked, anchor))
    parts.append(_word(left + wide / 2, floor + 29, axis))
    return _svg(left + wide + 20, floor + 34, parts)


def reliability(
    predicted: Sequence[float], observed: Sequence[Estimate], across: str, upward: str
) -> str:
    """Draw observed shares with their intervals against predicted ones, and equality."""
    top = nice(max([*predicted, *(e.high for e in observed)]))
    left, side, head = 52.0, max(260.0, _reach(across), _reach(upward)), 8.0

    def x(share: float) -> float:
        return left + side * share / top

    def y(share: float) -> float:
        return head + side - side * share / top

    parts = []
    for tick in _ticks(top):
        parts.append(_line(x(tick), y(0), x(tick), y(top), GRID))
        parts.append(_line(x(0), y(tick), x(top), y(tick), GRID))
        parts.append(_word(x(tick), y(0) + 14, _percent(tick)))
        parts.append(_word(left - 5, y(tick) + 3.5, _percent(tick), "end"))
    parts.append(_line(x(0), y(0), x(top), y(top), "#888888", 1, "4 3"))
    for at, seen in zip(predicted, observed, strict=True):
        parts.append(_line(x(at), y(seen.low), x(at), y(seen.high), MARK, 2.2))
        parts.append(_dot(x(at), y(seen.mean)))
    parts.append(_word(left + side / 2, y(0) + 29, across))
    middle = head + side / 2
    turned = {"transform": f"rotate(-90 12 {_n(middle)})"}
    parts.append(_tag("g", turned, _word(12, middle + 3, upward)))
    return _svg(left + side + 16, y(0) + 35, parts)


_ROW, _STEP = 20, 15.0  # icons in a row; pixels from one to the next


def icons(count: int, of: int = 100) -> str:
    """Draw people in rows, the first `count` of them filled; told apart without their colour.

    Examples
    --------
    >>> icons(31).count("<path"), icons(31).count(MARK + '" stroke'), icons(0).count('"none"')
    (100, 31, 100)
    """
    parts = []
    for place in range(of):
        x, y = 3 + _STEP * (place % _ROW), 2 + 1.5 * _STEP * (place // _ROW)
        # A head, and shoulders below it.
        head = f"M{_n(x + 2)} {_n(y + 3.5)}a3.5 3.5 0 1 1 7 0a3.5 3.5 0 1 1 -7 0z"
        body = f"M{_n(x)} {_n(y + 19)}v-6q0 -4 5.5 -4t5.5 4v6z"
        fill = MARK if place < count else "none"
        stroke = MARK if place < count else "#888888"
        parts.append(_tag("path", {"d": head + body, "fill": fill, "stroke": stroke}))
    rows = math.ceil(of / _ROW)
    return _svg(_ROW * _STEP + 2, rows * 1.5 * _STEP + 2, parts)
