"""Codebooks drafted from a table or a form, and written out as a form."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from backrisk._files import demand_place
from backrisk.cli import console
from backrisk.cli.console import sentences
from backrisk.cli.options import DecimalOption, DelimiterOption, EncodingOption, read_as
from backrisk.cli.terminal import write_text
from backrisk.errors import QueryError
from backrisk.words import say

_SHOWN = 20  # decisions that are printed; the draft has all


def codebook(
    table: Annotated[
        str | None, typer.Argument(metavar="TABLE", help=say("cli.codebook.table"))
    ] = None,
    graph: Annotated[str | None, typer.Option("--graph", help=say("cli.options.graph"))] = None,
    out: Annotated[Path | None, typer.Option(help=say("cli.codebook.out"))] = None,
    redcap: Annotated[
        Path | None, typer.Option(metavar="DICTIONARY", help=say("cli.codebook.redcap"))
    ] = None,
    qualtrics: Annotated[
        bool, typer.Option("--qualtrics", help=say("cli.codebook.qualtrics"))
    ] = False,
    limesurvey: Annotated[
        bool, typer.Option("--limesurvey", help=say("cli.codebook.limesurvey"))
    ] = False,
    google: Annotated[bool, typer.Option("--google", help=say("cli.codebook.google"))] = False,
    to: Annotated[str | None, typer.Option(help=say("cli.codebook.to"))] = None,
    encoding: EncodingOption = None,
    delimiter: DelimiterOption = None,
    decimal: DecimalOption = None,
) -> None:
    """Run `backrisk.draft_codebook`, or `backrisk.redcap_dictionary`."""
    from backrisk.graph import load_graph
    from backrisk.survey import draft_codebook, load_codebook, redcap_dictionary

    tools = {"qualtrics": qualtrics, "limesurvey": limesurvey, "google": google}
    named = [name for name, asked in tools.items() if asked]
    with sentences():
        if out is not None:
            demand_place(out, QueryError, (table, redcap, graph))
        if to is not None:
            if to != "redcap":
                raise QueryError(say("cli.codebook.bad_to", to=to))
            if table is None or redcap or named:
                raise QueryError(say("cli.codebook.to_alone"))
            chosen = load_codebook(table, None if graph is None else load_graph(graph))
            text = redcap_dictionary(chosen)
            _write(out, text, (table, graph))
            if out is not None:
                told = say("cli.codebook.written", out=out, count=len(chosen.columns))
                console.about(out).print(told, markup=False)
            return
        if len(named) > 1:
            raise QueryError(say("cli.codebook.one_tool", tools=" --".join(named)))
        read = read_as(encoding, delimiter, decimal, False)
        tool: Any = named[0] if named else None
        draft = draft_codebook(
            table,
            load_graph(graph or "runner"),
            dictionary=redcap,
            tool=tool,
            encoding=read["encoding"],
            delimiter=read["delimiter"],
            decimal=read["decimal"],
        )
        _write(out, draft.text, (table, redcap, graph))
        if out is not None:
            counts = {"read": len(draft.read), "all": len(draft.read) + len(draft.unread)}
            teller = console.about(out)
            teller.print(say("cli.codebook.drafted", out=out, **counts), markup=False)
            for each in draft.decide[:_SHOWN]:
                teller.print(say("cli.codebook.decide", what=each), markup=False)
            if (more := len(draft.decide) - _SHOWN) > 0:
                teller.print(say("cli.codebook.more", count=more, out=out), markup=False)


def _write(out: Path | None, text: str, inputs: tuple[str | Path | None, ...]) -> None:
    """Print a text, or write it where nothing else stands."""
    if out is None:
        print(text, end="")
        return
    if out.is_file() and out.read_text(encoding="utf-8", errors="replace") != text:
        raise QueryError(say("cli.codebook.exists", out=out))
    write_text(out, text, inputs)
