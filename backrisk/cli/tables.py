"""Tables at any width, and the forms that a command's `--format` names."""

from __future__ import annotations

import csv
import io
import json
import math
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from textwrap import wrap
from typing import Any, Literal

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from backrisk.cli import console as tellers
from backrisk.summary import INTERVAL
from backrisk.words import neutral, percent, say

_NUMBERS = (
    "mean",
    "share_of_risk",
    "fall_in_risk",
    "p_effect",
    "p_above",
    "leading",
    "contraction",
    "without_answers",
    "bounds",
)  # flush right
_READABLE = 16  # characters that a column of words keeps as long as another can give way
_ESTIMATE = re.compile(r"^(\S+(?: %)?) (\(.+\))$")  # with its interval
_MARKED = str.maketrans({mark: f"\\{mark}" for mark in "\\|*<`"} | {"\n": " "})


class Format(StrEnum):
    """How what a command found is printed."""

    table = "table"
    json = "json"
    csv = "csv"
    md = "md"


def give(format: Format, told: Mapping[str, Any], *tables: str) -> bool:
    """Print what was found as data, if that is what was asked for.

    Parameters
    ----------
    format : Format
    told : mapping
        What is printed as JSON.
    *tables : str
        The keys of `told` that hold rows, each a mapping; by default ``"rows"``; ``"a.b"`` is a key
        of what stands under ``"a"``. As CSV these are all that goes to the standard output, with
        the numbers as JSON has them, several of them one below the other with a first column
        ``table`` that names each. Sentences go to the error output.

    Returns
    -------
    bool
        Whether it was printed; if not, a table is asked for.
    """
    if format is Format.json:
        sys.stdout.write(json.dumps(told, indent=2) + "\n")
    elif format is Format.csv:
        rows = []
        for name in tables or ("rows",):
            named = {"table": name.rpartition(".")[2]} if len(tables) > 1 else {}
            rows += [named | dict(row) for row in _held(told, name) or ()]
        sys.stdout.write(_separated(rows))
        for sentence in _sentences(told):
            tellers.err.print(sentence, markup=False)
    return format in (Format.json, Format.csv)


def _held(told: Mapping[str, Any], name: str) -> Any:
    first, _, rest = name.partition(".")
    found = told.get(first)
    return _held(found, rest) if rest and found is not None else found


def _sentences(told: Mapping[str, Any]) -> list[str]:
    """Return what is said beside the rows: the text, or the notes where there is none."""
    text = told.get("text")
    said = [text] if isinstance(text, str) else told.get("notes", ())
    return [str(each) for each in (*told.get("warnings", ()), *told.get("cautions", ()), *said)]


def _separated(rows: Sequence[Mapping[str, Any]]) -> str:
    text = io.StringIO()
    heads = list(dict.fromkeys(key for row in rows for key in row))
    writer = csv.writer(text, lineterminator="\n")
    if heads:
        writer.writerow(map(neutral, heads))
    writer.writerows([_datum(row.get(head)) for head in heads] for row in rows)
    return text.getvalue()


def _datum(value: Any) -> Any:
    """Return a value as a cell of a CSV file holds it: empty where nothing is known."""
    if isinstance(value, float) and not math.isfinite(value):
        return ""
    if isinstance(value, str):
        return neutral(value)
    if isinstance(value, Mapping | list | tuple):
        return neutral(json.dumps(value))
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else value


@dataclass(frozen=True)
class _Column:
    heading: str
    cells: Sequence[str]
    number: bool = False  # flush right
    bends: bool = False  # whether its cells may take several lines

    @property
    def widest(self) -> int:
        """Characters that its cells take, its heading broken between words."""
        return _widest((*self.heading.split(), *self.cells))

    @property
    def least(self) -> int:
        """Characters below which a word would be broken."""
        words = (word for cell in self.cells for word in cell.split())
        return _widest((*self.heading.split(), *words))


def show_table(
    title: str, columns: Mapping[str, list[str]], console: Console, folded: Sequence[str] = ()
) -> None:
    """Print cells by column, no word of which is ever broken.

    Parameters
    ----------
    title : str
    columns : mapping of str to list of str
        Cells by the column's key: its heading is ``cli.columns.<key>``; an empty key has none.
    console : rich.console.Console
    folded : sequence of str
        Keys of columns whose cells may take several lines. Those of the first column may where
        the terminal leaves no choice. Where even that is too wide, every row becomes a list.
    """
    _show(title, _columns(columns, folded), console)


def show_grid(
    title: str,
    rows: Sequence[str],
    columns: Sequence[tuple[str, Sequence[str]]],
    console: Console,
) -> None:
    """Print numbers by two others, as `show_table` prints.

    Parameters
    ----------
    title : str
        What stands down, and what across.
    rows : sequence of str
        What each row is headed by.
    columns : sequence of tuple
        Each a heading as it stands, and the cells below it.
    console : rich.console.Console
    """
    headed = [_Column("", rows, number=True)]
    _show(title, headed + [_Column(*column, number=True) for column in columns], console)


def header(key: str) -> str:
    """Return the heading of a column."""
    return say(f"cli.columns.{key}", percent=percent(INTERVAL)) if key else ""


def fits(columns: Mapping[str, list[str]], console: Console) -> bool:
    """Whether a table fits a terminal with every cell whole, its headings broken between words."""
    laid = _columns(columns)
    return _excess(_table(laid, [column.widest for column in laid]), console) <= 0


def _columns(columns: Mapping[str, list[str]], folded: Sequence[str] = ()) -> list[_Column]:
    return [
        _Column(header(key), cells, key in _NUMBERS, bends=key in folded or place == 0)
        for place, (key, cells) in enumerate(columns.items())
    ]


def _show(title: str, columns: Sequence[_Column], console: Console) -> None:
    if getattr(console, "markdown", False):
        console.print(f"**{title.translate(_MARKED)}**", markup=False)
        console.print(_marked(columns), markup=False)
        return
    console.print(title, style="italic", markup=False)
    for table in (_table(columns), *_narrower(columns, console)):
        if _excess(table, console) <= 0:
            console.print(table)
            return
    console.print()
    console.print(_listed(columns, console.width), markup=False, soft_wrap=True)


def _widest(texts: Sequence[str]) -> int:
    return max((cell_len(line) for text in texts for line in text.split("\n")), default=1) or 1


def _narrower(columns: Sequence[_Column], console: Console) -> Iterator[Table]:
    """Yield a table narrowed between words, then one with intervals below their estimates."""
    yield _narrowed(columns, console)
    split = [
        replace(column, cells=[_ESTIMATE.sub(r"\1\n\2", cell) for cell in column.cells])
        for column in columns
    ]
    yield _narrowed(split, console)


def _narrowed(columns: Sequence[_Column], console: Console) -> Table:
    """Break headings, then cells of words, the last columns first, as far as there is need."""
    widths = [column.widest for column in columns]
    excess = _excess(_table(columns, widths), console)
    for floor in (_READABLE, 1):
        for place, column in reversed(list(enumerate(columns))):
            if column.bends:
                given = max(min(excess, widths[place] - max(column.least, floor)), 0)
                widths[place] -= given
                excess -= given
    return _table(columns, widths)


def _table(columns: Sequence[_Column], widths: Sequence[int] | None = None) -> Table:
    """Lay out a table, each column as wide as it is said to be, or as it is."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for place, column in enumerate(columns):
        justify: Literal["left", "right"] = "right" if column.number else "left"
        width = None if widths is None else widths[place]
        table.add_column(
            escape(column.heading),
            justify=justify,
            width=width,
            no_wrap=width is None,
            overflow="fold",
        )
    for row in _rows(columns):
        table.add_row(*map(escape, row))
    return table


def _rows(columns: Sequence[_Column]) -> Iterator[tuple[str, ...]]:
    return zip(*(column.cells for column in columns), strict=True)


def _excess(table: Table, console: Console) -> int:
    """Return by how many characters a table is wider than the terminal."""
    unlimited = console.options.update(max_width=10_000)
    return console.measure(table, options=unlimited).maximum - console.width


def _listed(columns: Sequence[_Column], width: int) -> str:
    """Return each row as a list of what it holds, under its first cell."""
    lines: list[str] = []
    for first, *cells in _rows(columns):
        lines += _lines(first, width, "", "  ")
        for column, cell in zip(columns[1:], cells, strict=True):
            if cell not in ("", "-"):
                told = say("cli.tables.listed", heading=column.heading, cell=cell)
                lines += _lines(told, width, "  ", "    ")
    return "\n".join(lines)


def _lines(text: str, width: int, first: str, others: str) -> list[str]:
    return wrap(
        " ".join(text.split()),
        width,
        initial_indent=first,
        subsequent_indent=others,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _marked(columns: Sequence[_Column]) -> str:
    """Return a table in Markdown, as GitHub and pandoc read it."""
    heads = [column.heading.translate(_MARKED) for column in columns]
    rules = ["---:" if column.number else "---" for column in columns]
    rows = [[cell.translate(_MARKED) for cell in row] for row in _rows(columns)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (heads, rules, *rows))
