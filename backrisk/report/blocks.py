"""What a report is made of: values that every format lays out in its own way.

Cells hold numbers as the answers have them; a format rounds them, and a spreadsheet keeps them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

from backrisk.summary import Estimate
from backrisk.words import Language, decimal, percent, say
from backrisk.words.phrases import whole

_TOLD = 0.001  # a share below it is not told more precisely

Kind = Literal["text", "share", "points", "number", "score", "tenths", "count"]


@dataclass(frozen=True)
class Range:
    """Two limits, such as bounds that need no coupling."""

    low: float
    high: float


type Cell = str | int | float | Estimate | Range | None


@dataclass(frozen=True)
class Heading:
    """What stands over a column of a table, and how its cells read.

    Parameters
    ----------
    name : str
        The key in spreadsheets.
    title : str
    kind : {"text", "share", "points", "number", "score", "tenths", "count"}
        How its numbers read: a share as percentage, a difference of shares as points.
    wide : int
        Its part of the width that is left; 0 as wide as its longest cell.
    strip : bool
        Draw its estimates beside the numbers, on one scale.
    """

    name: str
    title: str
    kind: Kind = "text"
    wide: int = 0
    strip: bool = False


@dataclass(frozen=True)
class Table:
    """A table; `shown` is False where it is too long for a page and only spreadsheets hold it.

    Parameters
    ----------
    name, title : str
    columns : tuple of Heading
    rows : tuple of tuple of Cell
    note : str
    shown : bool
    most : int, optional
        Rows that a page shows; spreadsheets hold all.
    rest : str
        What a page says below the rows that it shows, of those that it leaves out.
    sheet : bool
        Whether spreadsheets hold it.
    """

    name: str
    title: str
    columns: tuple[Heading, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    shown: bool = True
    most: int | None = None
    rest: str = ""
    sheet: bool = True


@dataclass(frozen=True)
class Text:
    """Paragraphs; as a list where `bullets`; `tone` says how they are set.

    "head" is a heading below a section's, "open" what is left to be filled in.
    """

    paragraphs: tuple[str, ...]
    bullets: bool = False
    tone: Literal["plain", "small", "head", "open", "warning"] = "plain"


@dataclass(frozen=True)
class Facts:
    """Pairs of a label and what it is."""

    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Headline:
    """One number in large type, with what it means."""

    number: str
    words: str


@dataclass(frozen=True)
class Figure:
    """A vector figure with what it shows in words."""

    svg: str
    words: str


type Block = Table | Text | Facts | Headline | Figure


@dataclass(frozen=True)
class Section:
    """A heading and its blocks; `page` starts a new page."""

    title: str
    blocks: tuple[Block, ...]
    page: bool = False


@dataclass(frozen=True)
class Report:
    """A whole report, before any format.

    Parameters
    ----------
    kind : {"person", "cohort", "card"}
    title, date, foot : str
    language : Language
        What the report is written in, and is to be rendered in.
    lead : tuple of str
        What stands under the title.
    marks : tuple of str
        What must be seen at once: synthetic data, decision support.
    warnings : tuple of str
        Those of the fit.
    sections : tuple of Section
    compact : bool
        Each page is made to fit one sheet of paper, by smaller type where it must.
    blanks : tuple of str
        What is to be filled in by hand, at the top of each sheet: labels of empty lines.
    """

    kind: Literal["person", "cohort", "card"]
    title: str
    date: str
    language: Language
    foot: str
    lead: tuple[str, ...]
    marks: tuple[str, ...]
    warnings: tuple[str, ...]
    sections: tuple[Section, ...]
    compact: bool = field(default=False)
    blanks: tuple[str, ...] = ()

    @property
    def tables(self) -> tuple[Table, ...]:
        """All tables, in order."""
        blocks = (block for section in self.sections for block in section.blocks)
        return tuple(block for block in blocks if isinstance(block, Table))


def worded(cell: Cell, kind: Kind) -> str:
    """Return a cell as a reader sees it.

    Examples
    --------
    >>> worded(Estimate(0.35, 0.301, 0.4), "share"), worded(Estimate(0.085, 0.0, 0.13), "points")
    ('35 % (30 to 40)', '8.5 (0.0 to 13.0)')
    >>> worded(Estimate(0.0004, 0.0, 0.0), "share")
    '<0.1 %'
    >>> worded(Range(0.04, 0.84), "share"), worded(2000, "count"), worded(None, "share")
    ('4.0 to 84 %', '2,000', '')
    """
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return ""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, Estimate):
        if kind == "share" and cell.mean and _tiny(cell):
            return number(cell.mean, kind)  # its ends would round to zero
        low, high = _bare(cell.low, kind), _bare(cell.high, kind)
        return say("report.numbers.estimate", mean=number(cell.mean, kind), low=low, high=high)
    if isinstance(cell, Range):
        return say("report.numbers.range", low=_bare(cell.low, kind), high=number(cell.high, kind))
    return number(cell, kind)


def _tiny(cell: Estimate) -> bool:
    return max(abs(cell.mean), abs(cell.low), abs(cell.high)) < _TOLD


def number(value: float, kind: Kind) -> str:
    """Return a number as a reader sees it.

    Examples
    --------
    >>> number(0.123, "share"), number(0.123, "points"), number(0.123, "number")
    ('12 %', '12.3', '0.12')
    >>> number(0.0, "share"), number(0.0, "points"), number(-0.0001, "points")
    ('0 %', '0.0', '0.0')
    """
    return (
        say("phrases.percent", number=_bare(value, kind)) if kind == "share" else _bare(value, kind)
    )


def _bare(value: float, kind: Kind) -> str:
    """Return a number without the sign of its unit."""
    if kind == "share":
        return percent(value, unit=False) if value else "0"
    if kind == "count":
        return whole(value)
    times, digits = {"points": (100, 1), "tenths": (1, 1), "score": (1, 3)}.get(kind, (1, 2))
    return decimal(round(times * value, digits) or 0.0, digits)
