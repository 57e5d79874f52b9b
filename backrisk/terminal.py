"""What the command line shares: reading a person, writing a file, showing an answer."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from backrisk.errors import QueryError
from backrisk.posterior import Posterior
from backrisk.query import Answer


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
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise QueryError(f"{path}: there is no such file.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise QueryError(f"{path} cannot be read as UTF-8 text.") from error
    except json.JSONDecodeError as error:
        raise QueryError(
            f"{path}, line {error.lineno}: not JSON ({error.msg}); expected an object such as "
            '{"core_strength": "weak"}.'
        ) from error
    if not isinstance(data, dict) or not all(
        isinstance(value, str | int | float) or value is None for value in data.values()
    ):
        raise QueryError(
            f'{path} should hold one object of answers, such as {{"core_strength": "weak"}}.'
        )
    return data


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


def show(answer: Answer, format: Format, console: Console) -> None:
    """Print an answer as a table and its text, or as JSON."""
    if format is Format.json:
        sys.stdout.write(json.dumps(answer.to_dict(), indent=2) + "\n")
        return
    columns = answer.columns()
    shown = _shown(columns)
    table = Table(title=_title(answer), title_justify="left")
    table.add_column("", no_wrap=True)
    for column in shown:
        table.add_column(column.replace("_", " "), justify="right")
    for place, name in enumerate(columns["name"]):
        table.add_row(str(name), *(_cell(columns[column][place]) for column in shown))
    console.print(table)
    console.print(answer.text, markup=False)


def _shown(columns: Any) -> list[str]:
    """Leave to JSON what would crowd a terminal."""
    hidden = ("name", "node", "lower_bound_low", "upper_bound_high")
    return [column for column in columns if column not in hidden]


def _title(answer: Answer) -> str:
    kind = type(answer).__name__
    return f"{kind} of {answer.target.label}"


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "-" if value != value else f"{value:.3f}"
