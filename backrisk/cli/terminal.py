"""What the command line shares: reading a person, writing a file, telling of a model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from backrisk import _json, _yaml
from backrisk._files import no_file, write
from backrisk.cli.tables import Format
from backrisk.errors import QueryError
from backrisk.words import again, decimal, names_of, ranged, say, unreadable

if TYPE_CHECKING:
    from backrisk.posterior import Posterior
    from backrisk.queries import Answer

_LONGEST = 100_000  # characters of a person's file


def read_json(path: Path) -> Mapping[str, Any]:
    """Read the answers of a person file.

    Raises
    ------
    QueryError
        As `read_saved`.
    """
    from backrisk.queries import opened

    return opened(read_saved(path)).person


def read_saved(path: Path) -> dict[str, Any]:
    """Read a person file: one JSON object of answers, alone or as the page saves them.

    Raises
    ------
    QueryError
        If there is none, or its answers are not a JSON object of words and numbers.
    """
    from backrisk.queries import opened

    if not path.is_file():
        raise QueryError(no_file(path))
    such_as = say("cli.person.such_as")
    try:
        data = _json.parse(_yaml.contents(path), _LONGEST)
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
    """Print an answer as a table and its text, or its data."""
    from backrisk.cli.answers import show_answer  # and the room of queries with it

    show_answer(answer, format, console)


def share(mean: float, low: float, high: float) -> str:
    """Word a share with its interval, as short as a column allows."""
    return ranged(mean, low, high, unit=False)
