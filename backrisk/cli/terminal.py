"""What the command line shares: reading a person, writing a file, showing an answer."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from textwrap import fill
from typing import Any, Literal

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from backrisk import _json, _yaml
from backrisk._files import no_file, write
from backrisk.errors import QueryError
from backrisk.posterior import Posterior
from backrisk.queries import (
    Answer,
    Attribution,
    Contrast,
    Questions,
    estimate_cell,
    evidence_cell,
    in_points,
    narrowed_cell,
    opened,
)
from backrisk.summary import INTERVAL
from backrisk.words import (
    TOGETHER,
    again,
    capital,
    decimal,
    listed,
    names_of,
    percent,
    ranged,
    say,
    unreadable,
    whole,
)

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
_JSON_ONLY = (
    *(
        "name",
        "node",
        "state_code",
        "low",
        "high",
        "question",
        "at_least",
        "total_grade",
        "total_outcome",
    ),
    *("narrowed", "contraction_error", "moved_by_likelihood", "unmeasured"),
    *("kind", "period", "needed_low", "needed_high"),
)
_LONGEST = 100_000  # characters of a person's file
_SHARES = ("risk_after", "part", "without_answers")
_POINTS = {"gain": 2, "per_cost": 2, "monte_carlo_error": 2}  # digits of differences in risk
_RENAMED = {"share": "part"}  # columns whose name says something else beside other answers
# A row that no sentence tells of is folded away where its mean is within the one of zero, and its
# interval within the other.
_LITTLE, _AT_MOST = 0.01, 0.02
_TELLS = 5e-5  # bits, or a gain, from which on a table shows something of them
# What a narrow terminal goes without, the first to go first.
_FIRST_TO_GO = (
    *("moved_by_prior", "monte_carlo_error", "state", "p_helps", "contraction", "risk_after"),
    *("leading", "p_effect", "grade"),
)


class Format(StrEnum):
    """How an answer is printed."""

    table = "table"
    json = "json"


def read_json(path: Path) -> Mapping[str, Any]:
    """Read the answers of a person file.

    Raises
    ------
    QueryError
        As `read_saved`.
    """
    return opened(read_saved(path)).person


def read_saved(path: Path) -> dict[str, Any]:
    """Read a person file: one JSON object of answers, alone or as the page saves them.

    Raises
    ------
    QueryError
        If there is none, or its answers are not a JSON object of words and numbers.
    """
    if not path.is_file():
        raise QueryError(no_file(path))
    such_as = say("cli.person.such_as")
    try:
        data = _json.parse(_yaml.contents(path), _LONGEST, nan=True)
    except OSError as error:
        raise QueryError(say("cli.person.unreadable", path=path)) from error
    except _yaml.Unreadable as error:
        if error.kind != "json":
            raise QueryError(unreadable(error, path)) from error
        told = say("cli.person.not_json", path=path, such_as=such_as, **error.values)
        raise QueryError(told) from error
    if not isinstance(data, dict):
        raise QueryError(say("cli.person.no_object", path=path, such_as=such_as))
    try:
        answers = opened(data).person
    except QueryError as error:
        raise QueryError(say("cli.person.saved", path=path, problem=error)) from error
    for name, value in answers.items():
        if not (value is None or isinstance(value, str | int | float)):
            raise QueryError(say("cli.person.bad_value", path=path, name=name, value=repr(value)))
    return data


def write_text(path: Path, text: str, inputs: Iterable[object] = ()) -> None:
    """Write a text file whole, or not at all; see `backrisk._files.output`.

    Raises
    ------
    QueryError
        If the file cannot be written, or is one of those that are read.
    """
    write(path, text, QueryError, inputs)


def show_diagnostics(posterior: Posterior, console: Console) -> None:
    """Print how the sampling was judged."""
    found = posterior.diagnostics
    if worst := found.worst:
        told = say(
            "cli.sampling.judged",
            method=found.made_by,
            r_hat=decimal(worst["r_hat"], 3),
            ess=decimal(min(worst["ess_bulk"], worst["ess_tail"]), 0),
            divergences=decimal(worst["divergences"], 0),
            e_bfmi=decimal(worst["e_bfmi"], 2),
        )
    else:
        told = say("cli.sampling.given", method=found.made_by)
    console.print(told, markup=False)
    for warning in found.warnings:
        told = say("cli.warning", warning=again(warning))
        console.print(told, style="yellow", markup=False)
    if posterior.chosen:
        console.print(say("cli.note", note=posterior.chosen), markup=False)
    for conflict in posterior.conflicts_about():
        console.print(say("cli.warning", warning=conflict), style="yellow", markup=False)
    for caution in found.cautions:
        console.print(say("cli.note", note=again(caution)), markup=False)


def show_cells(posterior: Posterior, teller: Console) -> None:
    """Print which counts of people follow from a model."""
    for note in posterior.least_cells.sentences(names_of(posterior.graph)):
        teller.print(say("cli.note", note=note), markup=False)


def ratio(middle: float, low: float, high: float) -> str:
    """Word a ratio with its interval, as far as they are known."""
    if middle != middle:
        return "-"
    if low != low:
        return decimal(middle, 2)
    ends = {"low": decimal(low, 2), "high": decimal(high, 2)}
    return say("phrases.estimate", mean=decimal(middle, 2), **ends)


def show(answer: Answer, format: Format, console: Console) -> None:
    """Print an answer as a table and its text, or as JSON."""
    if format is Format.json:
        sys.stdout.write(json.dumps(answer.to_dict(), indent=2) + "\n")
        return
    found, folded = _folded(answer, answer.columns())
    rows = list(map(str, found["name"]))
    columns = {"": list(map(answer.row_label, rows)), **_columns(answer, found)}
    if "state" in columns:  # of a node that a row is named by
        columns["state"] = [_reported(answer, row) for row in rows]
        if set(columns["state"]) == {"-"}:
            del columns["state"]
    hidden = []
    for key in _FIRST_TO_GO:
        if key in columns and not _fits(_table(columns, broken=True), console):
            hidden.append(_header(key))
            del columns[key]
    show_table(_title(answer), columns, console)
    if folded:
        console.print(folded, markup=False)
    if hidden:
        told = say("cli.tables.hidden", columns=say("phrases.comma").join(hidden))
        console.print(told, markup=False)
    console.print(answer.text, markup=False)


def _folded(answer: Answer, found: dict[str, list[Any]]) -> tuple[dict[str, list[Any]], str]:
    """Leave out the rows that tell nothing, and say how many and how little."""
    rows = [dict(zip(found, row, strict=True)) for row in zip(*found.values(), strict=True)]
    if isinstance(answer, Attribution) and answer.effects is not None:
        told = {cause for cause, said in zip(answer.causes, answer.told, strict=True) if said}
        out = [row["name"] not in told and _negligible(row) for row in rows]
    elif isinstance(answer, Questions):
        out = [max(row["bits"], row.get("gain", 0.0)) < _TELLS for row in rows]
    else:
        return found, ""
    left = [row for row, without in zip(rows, out, strict=True) if without]
    if not left or len(left) == len(rows):
        return found, ""
    kept = [row for row, without in zip(rows, out, strict=True) if not without]
    shown = {name: [row[name] for row in kept] for name in found}
    if isinstance(answer, Questions):
        return shown, say("cli.tables.folded_questions", count=len(left), n=len(left))
    most = {
        "mean": max(abs(row["mean"]) for row in left),
        "end": max(max(-row["low"], row["high"]) for row in left),
    }
    points = answer.in_points(left[0]["name"])
    words = {
        name: say("cli.tables.points", number=in_points(size)) if points else percent(size)
        for name, size in most.items()
    }
    return shown, say("cli.tables.folded_causes", count=len(left), n=len(left), **words)


def _playing(answer: Attribution) -> dict[str, bool]:
    return dict(zip(answer.causes, answer.playing.tolist(), strict=True))


def _negligible(row: Mapping[str, Any]) -> bool:
    return bool(abs(row["mean"]) < _LITTLE and max(-row["low"], row["high"]) < _AT_MOST)


def show_table(
    title: str, columns: Mapping[str, list[str]], console: Console, folded: Sequence[str] = ()
) -> None:
    """Print cells by column; none is broken, but those of the `folded` columns of sentences.

    Parameters
    ----------
    title : str
    columns : mapping of str to list of str
        Cells by the column's key: its heading is ``cli.columns.<key>``; an empty key has none.
    console : rich.console.Console
    folded : sequence of str
        Keys of columns whose cells may take several lines.
    """
    console.print(title, style="italic", markup=False)
    table = _table(columns, folded)
    console.print(table if _fits(table, console) else _table(columns, folded, broken=True))


def _header(key: str) -> str:
    return say(f"cli.columns.{key}", percent=percent(INTERVAL)) if key else ""


def _table(
    columns: Mapping[str, list[str]], folded: Sequence[str] = (), *, broken: bool = False
) -> Table:
    """Lay out a table, its headers whole or broken between words to the width of the cells."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for key, cells in columns.items():
        header = _header(key)
        justify: Literal["left", "right"] = "right" if key in _NUMBERS else "left"
        widest = max(map(len, [*header.split(), *cells]), default=1)
        words = fill(header, widest) if broken else header
        table.add_column(words, justify=justify, no_wrap=key not in folded, overflow="fold")
    for row in zip(*columns.values(), strict=True):
        table.add_row(*map(escape, row))
    return table


def _fits(table: Table, console: Console) -> bool:
    unlimited = console.options.update(max_width=10_000)
    return console.measure(table, options=unlimited).maximum <= console.width


def _columns(answer: Answer, found: Mapping[str, Sequence[Any]]) -> dict[str, list[str]]:
    """Lay columns out for a terminal: an estimate with its interval is one column."""
    shown: dict[str, list[str]] = {}
    rows = [dict(zip(found, row, strict=True)) for row in zip(*found.values(), strict=True)]
    for column, values in found.items():
        if column in _JSON_ONLY or column.startswith(("lower_", "upper_")):
            continue
        if column == "state" and "node" in found:  # the row's own name says it
            continue
        if column == "mean":
            shown[answer.measure] = [estimate_cell(answer, row) for row in rows]
        elif column == "p_effect" and isinstance(answer, Attribution):
            # What only passes on has no effect of its own, which is not to be sure of its absence.
            playing = _playing(answer)
            shown[column] = [
                _cell(row["p_effect"]) if playing[row["name"]] else "-" for row in rows
            ]
        elif column == "grade":
            shown[column] = [evidence_cell(answer.names, row) for row in rows]
        elif column == "contraction":
            if any(cells := [narrowed_cell(row) for row in rows]):
                shown[column] = [cell or "-" for cell in cells]
        elif (renamed := _RENAMED.get(column, column)) in _SHARES:
            shown[renamed] = [percent(value) for value in values]
        elif column == "number_needed":
            shown[column] = [_needed(row) for row in rows]
        elif column in _POINTS:
            shown[column] = [_cell(100 * value, _POINTS[column]) for value in values]
        elif set(cells := [_cell(value, 4 if column == "bits" else 2) for value in values]) != {
            "-"
        }:
            shown[column] = cells
    if "lower_bound" in found:
        shown["bounds"] = [
            say("cli.tables.bounds", low=_bare(low), high=_bare(high))
            for low, high in zip(found["lower_bound_low"], found["upper_bound_high"], strict=True)
        ]
    return shown


def _title(answer: Answer) -> str:
    return capital(
        say(
            f"cli.tables.{type(answer).__name__.lower()}",
            target=answer.target.label,
            do=_set(answer) if isinstance(answer, Contrast) else "",
        )
    )


def _set(answer: Contrast) -> str:
    return listed(answer.names.pair(node, state) for node, state in answer.do.items())


def _reported(answer: Answer, row: str) -> str:
    """Word the states that a person reported of the nodes that a row is named by."""
    told = [
        answer.names.state(node, answer.evidence[node]) if node in answer.evidence else "-"
        for node in row.split(TOGETHER)
    ]
    return TOGETHER.join(told) if set(told) != {"-"} else "-"


def share(mean: float, low: float, high: float) -> str:
    """Word a share with its interval, as short as a column allows."""
    return ranged(mean, low, high, unit=False)


def _needed(row: Mapping[str, Any]) -> str:
    """Word a number needed to treat with its interval, in whole people."""
    ends = (row["number_needed"], row["needed_low"], row["needed_high"])
    if any(number != number for number in ends):
        return "-"
    mean, low, high = (whole(math.ceil(abs(number))) for number in ends)
    return say("phrases.estimate", mean=mean, low=low, high=high)


def _bare(share: float) -> str:
    """Word a share without its unit, which stands beside it."""
    return percent(share, unit=False)


def _cell(value: Any, digits: int = 2) -> str:
    if isinstance(value, str):
        return value
    return "-" if value is None or value != value else decimal(value, digits)
