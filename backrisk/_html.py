"""What a notebook shows of a value: a small table and a few sentences, in whatever theme it has.

Nothing has a colour of its own but the bars, which are readable on light and on dark.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape

_LINE = "rgba(128,128,128,.35)"
_BAR = "#3987c9"  # 3:1 and more against both white and black
_WIDTH, _HEIGHT = 120, 14  # of a bar, in pixels
_CELL = "padding:2px 10px 2px 0;vertical-align:middle;background:none;"
MOST_ROWS = 12  # of a table: with its sentences no longer than a screen

Bar = tuple[float, float, float]


def block(title: str, *parts: str) -> str:
    """Return parts under a title as one block of HTML.

    Parameters
    ----------
    title : str
        Plain text.
    *parts : str
        HTML, as the other functions give it; empty ones are left out.
    """
    inside = "".join(part for part in parts if part)
    return (
        '<div style="font-size:90%;max-width:60em">'
        f"<p style='margin:.3em 0'><b>{escape(title)}</b></p>{inside}</div>"
    )


def paragraph(text: str) -> str:
    """Return a text as a paragraph; nothing for no text."""
    return f"<p style='margin:.3em 0'>{escape(text)}</p>" if text else ""


def folded(heading: str, sentences: Iterable[str]) -> str:
    """Return sentences under a heading that opens; nothing where there are none."""
    rows = "".join(f"<li>{escape(each)}</li>" for each in sentences)
    return f"<details><summary>{escape(heading)}</summary><ul>{rows}</ul></details>" if rows else ""


def table(columns: Mapping[str, Sequence[str]], bars: Sequence[Bar] = ()) -> str:
    """Return cells as a table, the first column to the left, the others to the right.

    Parameters
    ----------
    columns : mapping of heading to cells
        Plain text.
    bars : sequence of (middle, low, high), optional
        Of each row, drawn in a column of its own after the first, all on one scale that holds 0.
    """
    heads = list(columns)
    rows = list(zip(*columns.values(), strict=True))
    drawn = _bars(bars)
    head = _row([_cell(each, place, "th") for place, each in enumerate(heads)], bool(drawn))
    body = ""
    for row, bar in zip(rows, drawn or [""] * len(rows), strict=True):
        body += _row([_cell(each, at) for at, each in enumerate(row)], bool(drawn), bar)
    return f"<table style='border-collapse:collapse'>{head}{body}</table>"


def _cell(text: str, place: int, tag: str = "td") -> str:
    side = "right" if place else "left"
    edge = f"border-bottom:1px solid {_LINE};" if tag == "th" else ""
    return f"<{tag} style='{_CELL}{edge}text-align:{side}'>{escape(text)}</{tag}>"


def _row(cells: Sequence[str], barred: bool, bar: str = "") -> str:
    middle = f"<td style='{_CELL}'>{bar}</td>" if barred else ""
    return f"<tr style='background:none'>{cells[0]}{middle}{''.join(cells[1:])}</tr>"


def _bars(bars: Sequence[Bar]) -> list[str]:
    """Draw a middle and an interval of each, on one scale."""
    ends = [end for bar in bars for end in bar if math.isfinite(end)]
    least, most = min([0.0, *ends]), max([0.0, *ends])
    if not most - least:
        return []

    def place(value: float) -> float:
        return 4 + (_WIDTH - 8) * (value - least) / (most - least)

    drawn = []
    for middle, low, high in bars:
        inside = f"<path d='M{place(0.0):.1f} 0V{_HEIGHT}' stroke='{_LINE}'/>"
        if all(map(math.isfinite, (middle, low, high))):
            inside += (
                f"<path d='M{place(low):.1f} 7H{place(high):.1f}' stroke='{_BAR}'"
                " stroke-width='3'/>"
                f"<circle cx='{place(middle):.1f}' cy='7' r='3.5' fill='{_BAR}'/>"
            )
        drawn.append(
            f"<svg width='{_WIDTH}' height='{_HEIGHT}' aria-hidden='true'"
            f" style='display:block'>{inside}</svg>"
        )
    return drawn
