"""What the command line shares: reading a person, writing a file, showing an answer."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from textwrap import fill
from typing import Any, Literal

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from backrisk.errors import QueryError, no_file
from backrisk.posterior import Posterior
from backrisk.queries import Answer, Contrast
from backrisk.words import percent

_SUCH_AS = '{"core_strength": "weak"}'
INTERVAL_HEADER = "mean (90 % interval)"
_NUMBERS = (INTERVAL_HEADER, "leading", "data support", "without answers", "bounds")
_JSON_ONLY = ("node", "low", "high", "nnt", "nnt_low", "nnt_high", "question")
_TITLE = {
    "Diagnosis": "Likely states",
    "Mediation": "Direct and mediated effects on {about}",
    "Recommendation": "What would lower the risk of {about}",
    "Questions": "What would tell most about {about}",
}
_HEADER = {"nnt_words": "number needed to treat"}
_FIRST_TO_GO = (
    "leading",
    "state",
    "data support",
    "p helps",
    "risk after",
    "number needed to treat",
)  # where the terminal is narrow


class Format(StrEnum):
    """How an answer is printed."""

    table = "table"
    json = "json"


def read_json(path: Path) -> dict[str, Any]:
    """Read a person file: one JSON object of answers.

    Raises
    ------
    QueryError
        If there is none, or it is not a JSON object of words and numbers.
    """
    if not path.is_file():
        raise QueryError(no_file(path))
    try:
        data = json.loads(
            path.read_text(encoding="utf-8-sig"), object_pairs_hook=_once, parse_constant=_no_number
        )
    except (OSError, UnicodeDecodeError) as error:
        raise QueryError(f"{path} cannot be read as UTF-8 text.") from error
    except json.JSONDecodeError as error:
        raise QueryError(
            f"{path}, line {error.lineno}: not JSON ({error.msg}); expected {_SUCH_AS}."
        ) from error
    except (QueryError, ValueError, RecursionError) as error:
        raise QueryError(f"{path} cannot be read as JSON: {error}.") from error
    if not isinstance(data, dict):
        raise QueryError(f"{path} should hold one object of answers, such as {_SUCH_AS}.")
    for name, value in data.items():
        if not (value is None or isinstance(value, str | int | float)):
            raise QueryError(
                f"{path}: the answer to '{name}' should be one word or number, got {value!r}."
            )
    return data


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Read an object, refusing a name that stands twice: which answer is meant is not known."""
    for name, count in Counter(name for name, _ in pairs).items():
        if count > 1:
            raise QueryError(f"'{name}' stands {count} times, expected once")
    return dict(pairs)


def _no_number(constant: str) -> None:
    raise QueryError(f"{constant} is no number; leave out what was not answered")


def write_text(path: Path, text: str) -> None:
    """Write beside, then rename, so that nothing is left half-written.

    Raises
    ------
    QueryError
        If the file cannot be written.
    """
    beside = path.with_name(path.name + ".part")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        raise QueryError(f"{path} cannot be written: {error.strerror}.") from error
    finally:
        beside.unlink(missing_ok=True)


def show_diagnostics(posterior: Posterior, console: Console) -> None:
    """Print how the sampling was judged."""
    worst = posterior.diagnostics.worst
    if worst:
        console.print(
            f"Sampled by {posterior.diagnostics.method}: R-hat at most {worst['r_hat']:.3f}, "
            f"effective draws at least {min(worst['ess_bulk'], worst['ess_tail']):.0f}, "
            f"{worst['divergences']:.0f} divergences, E-BFMI at least {worst['e_bfmi']:.2f}."
        )
    else:
        console.print(f"Posterior: {posterior.diagnostics.method}; nothing to judge.")
    for warning in posterior.diagnostics.warnings:
        console.print(f"Warning: {warning}", style="yellow", markup=False)
    for caution in posterior.diagnostics.cautions:
        console.print(f"Note: {caution}", markup=False)


def show(answer: Answer, format: Format, console: Console) -> None:
    """Print an answer as a table and its text, or as JSON."""
    if format is Format.json:
        sys.stdout.write(json.dumps(answer.to_dict(), indent=2) + "\n")
        return
    found = answer.columns()
    columns = {"": list(map(str, found.pop("name"))), **_columns(found)}
    hidden = []
    for header in _FIRST_TO_GO:
        if header in columns and not _fits(_table(columns, broken=True), console):
            hidden.append(header)
            del columns[header]
    show_table(_title(answer), columns, console)
    if hidden:
        console.print(f"A wider terminal, or --format json, shows also: {', '.join(hidden)}.")
    console.print(answer.text, markup=False)


def show_table(
    title: str, columns: Mapping[str, list[str]], console: Console, folded: Sequence[str] = ()
) -> None:
    """Print cells by header; none is broken, but those of the `folded` columns of sentences."""
    console.print(title, style="italic", markup=False)
    table = _table(columns, folded)
    console.print(table if _fits(table, console) else _table(columns, folded, broken=True))


def _table(
    columns: Mapping[str, list[str]], folded: Sequence[str] = (), *, broken: bool = False
) -> Table:
    """Lay out a table, its headers whole or broken between words to the width of the cells."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for header, cells in columns.items():
        justify: Literal["left", "right"] = "right" if header in _NUMBERS else "left"
        widest = max(map(len, [*header.split(), *cells]), default=1)
        words = fill(header, widest) if broken else header
        table.add_column(words, justify=justify, no_wrap=header not in folded, overflow="fold")
    for row in zip(*columns.values(), strict=True):
        table.add_row(*map(escape, row))
    return table


def _fits(table: Table, console: Console) -> bool:
    unlimited = console.options.update(max_width=10_000)
    return console.measure(table, options=unlimited).maximum <= console.width


def _columns(found: Mapping[str, Sequence[Any]]) -> dict[str, list[str]]:
    """Lay columns out for a terminal: an estimate with its interval is one column."""
    shown: dict[str, list[str]] = {}
    for column, values in found.items():
        if column in _JSON_ONLY or column.startswith(("lower_", "upper_")):
            continue
        if column == "mean":
            shown[INTERVAL_HEADER] = [
                share(mean, low, high)
                for mean, low, high in zip(values, found["low"], found["high"], strict=True)
            ]
        elif column in ("risk_after", "share", "gain"):
            shown[column.replace("_", " ")] = [percent(value) for value in values]
        elif set(cells := [_cell(value, 4 if column == "bits" else 2) for value in values]) != {
            "-"
        }:
            shown[_HEADER.get(column, column.replace("_", " "))] = cells
    if "lower_bound" in found:
        shown["bounds"] = [
            f"{_points(low)} to {_points(high)}"
            for low, high in zip(found["lower_bound"], found["upper_bound"], strict=True)
        ]
    return shown


def _title(answer: Answer) -> str:
    about = answer.target.label
    if isinstance(answer, Contrast):
        return f"{about.capitalize()}, with {_set(answer.do)}"
    words = _TITLE.get(type(answer).__name__, "{kind} of {about}")
    return words.format(kind=type(answer).__name__, about=about)


def _set(do: Mapping[str, str]) -> str:
    return ", ".join(f"{node}={state}" for node, state in do.items())


def share(mean: float, low: float, high: float) -> str:
    """Word a share with its interval, as short as a column allows."""
    return f"{percent(mean)} ({_points(low)} to {_points(high)})"


def _points(share: float) -> str:
    return percent(share).removesuffix(" %")


def _cell(value: Any, digits: int = 2) -> str:
    if isinstance(value, str):
        return "-" if value == "not reported" else value
    return "-" if value != value else f"{value:.{digits}f}"
