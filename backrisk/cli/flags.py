"""What is asked before any number."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from backrisk.cli import console
from backrisk.cli.console import sentences
from backrisk.cli.options import FormatOption
from backrisk.cli.persons import demand_understood, saved_at
from backrisk.cli.tables import Format, give, show_table
from backrisk.cli.terminal import read_saved
from backrisk.errors import QueryError
from backrisk.words import disclaimer, say

if TYPE_CHECKING:
    from backrisk.posterior import Posterior
    from backrisk.queries import RedFlags

FlagOption = Annotated[list[str] | None, typer.Option("--flag", help=say("cli.flags.flag"))]
_NONE = "none"


def flags_asked(flag: list[str] | None) -> tuple[str, ...] | None:
    """Return the flags that apply, ``none`` for none of them; None where nobody asked.

    Raises
    ------
    QueryError
        If none and another are named together.
    """
    if not flag:
        return None
    if _NONE not in flag:
        return tuple(flag)
    if len(set(flag)) > 1:
        raise QueryError(say("cli.flags.none_and", flags=", ".join(flag)))
    return ()


def flags(
    model: Annotated[
        Path | None, typer.Argument(metavar="[MODEL]", help=say("cli.flags.model"))
    ] = None,
    person: Annotated[Path | None, typer.Option(help=say("cli.flags.person"))] = None,
    flag: FlagOption = None,
    format: FormatOption = Format.table,
) -> None:
    """Show `backrisk.red_flags`."""
    from backrisk.posterior import example_posterior, load_posterior
    from backrisk.queries import red_flags

    with sentences():
        posterior = example_posterior() if model is None else load_posterior(model)
        answers: Mapping[str, Any] = {}
        if person is not None:
            read = _packaged_at if model is None else saved_at
            answers = read(posterior, person)
        found = red_flags(posterior, answers, flags_asked(flag))
        if not give(format, found.to_dict()):
            _show(found)


def _packaged_at(posterior: Posterior, path: Path) -> Mapping[str, Any]:
    """Read a person file by the packaged graph's names, and say so where it has others.

    Raises
    ------
    QueryError
        As `saved_at`.
    """
    from backrisk.queries import opened
    from backrisk.survey import find_state

    saved = read_saved(path)
    try:
        demand_understood(posterior, path, saved)
    except QueryError as error:
        graph, book = posterior.graph, posterior.codebook
        known = (*(() if book is None else book.columns), *graph.names)
        if all(find_state(name, known) for name in opened(saved).person):
            raise
        told = say("cli.flags.packaged", graph=graph.name, person=path)
        raise QueryError(f"{error}\n{told}") from error
    return saved


def _show(found: RedFlags) -> None:
    first, *rest = found.sentences()
    style = "red" if found.ticked or found.reported else None
    console.out.print(first, style=style, markup=False)
    for line in rest:
        console.out.print(line, markup=False)
    if found.asked and not found.answered:
        columns = {
            "flag": [flag.name for flag in found.asked],
            "asks": [flag.question for flag in found.asked],
            "soon": [flag.soon for flag in found.asked],
        }
        show_table(say("queries.red_flags.asks"), columns, console.out, ("asks", "soon"))
    for source in found.sources:
        told = say("cli.flags.source", name=source.name, link=source.link)
        console.out.print(told, markup=False, soft_wrap=True)  # a link is not to be broken
    console.out.print(disclaimer(), markup=False)
