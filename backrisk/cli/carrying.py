"""A model carried to another population."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from backrisk._files import demand_place
from backrisk.cli import console
from backrisk.cli.completing import nodes
from backrisk.cli.console import sentences
from backrisk.cli.options import (
    DecimalOption,
    DelimiterOption,
    EncodingOption,
    FormatOption,
    GlobOption,
    ModelFile,
    SeedOption,
    SiteOption,
    TargetOption,
    model_at,
    read_as,
    tell_blank_rows,
)
from backrisk.cli.persons import person_at
from backrisk.cli.tables import Format, give, show_table
from backrisk.cli.terminal import share
from backrisk.errors import QueryError
from backrisk.words import Names, disclaimer, interval_name, names_of, say

if TYPE_CHECKING:
    import pandas as pd

    from backrisk.graph import CausalGraph


def transport(
    model: ModelFile,
    to: Annotated[Path, typer.Option(help=say("cli.transport.to"))],
    out: Annotated[Path, typer.Option(help=say("cli.transport.out"))],
    person: Annotated[list[Path] | None, typer.Option(help=say("cli.transport.person"))] = None,
    cohort: Annotated[str | None, typer.Option(help=say("cli.transport.cohort"))] = None,
    cause: Annotated[
        list[str] | None, typer.Option(help=say("cli.transport.cause"), autocompletion=nodes)
    ] = None,
    target: TargetOption = None,
    site: SiteOption = None,
    seed: SeedOption = 1,
    format: FormatOption = Format.table,
    encoding: EncodingOption = None,
    delimiter: DelimiterOption = None,
    decimal: DecimalOption = None,
    glob: GlobOption = False,
) -> None:
    """Run `backrisk.check.transport`, `carried_risks` and `stated_shares`, and save the model."""
    from backrisk.check import carried_risks, read_population, stated_shares, transportable
    from backrisk.check import transport as carry
    from backrisk.cohort import read_cohort

    with sentences():
        demand_place(out, QueryError, (model, to, cohort, *(person or ())))
        before = model_at(model, site)
        population = read_population(to, before.graph)
        after = carry(before, population, seed=seed)
        people = {_called(path): person_at(before, path) for path in person or ()}
        read = None
        if cohort is not None:
            read = read_cohort(after, cohort, **read_as(encoding, delimiter, decimal, glob))
            tell_blank_rows(read.blank_rows)
        found = carried_risks(before, after, people, cohort=read, causes=cause or (), target=target)
        shares = stated_shares(after, population, seed=seed)
        effects = [
            transportable(after.graph, population.differs, each, target=found.target.node)
            for each in cause or ()
        ]
        after.save(out)
        teller = console.about(out)
        told: dict[str, Any] = {
            "kind": "transport",
            "population": population.name,
            "source": population.source,
            "assumes": list(after.carried),
            "risks": found.table.to_dict(orient="records"),
            "shares": shares.table.to_dict(orient="records"),
            "effects": [
                {"cause": each.cause, "same": each.direct, "needed": list(each.needed)}
                for each in effects
            ],
            "text": " ".join([found.text, shares.text, *(each.text for each in effects)]),
        }
        if give(format, told, "risks", "shares", "effects"):
            return
        _show(after.graph, found.table, shares.table)
        for line in (found.text, shares.text, *(each.text for each in effects)):
            teller.print(line, markup=False)
        for assumed in after.carried:
            teller.print(say("cli.note", note=assumed), markup=False)
        told_interval = say("cli.transport.ranges", interval=interval_name())
        teller.print(told_interval, markup=False)
        said = say("cli.transport.done", out=out, disclaimer=disclaimer())
        teller.print(said, markup=False)


def _called(person: Path) -> str:
    """Return what a person's file is called, as text: a name may be any bytes."""
    return os.fsencode(person.stem).decode(errors="replace")


def _show(graph: CausalGraph, risks: pd.DataFrame, shares: pd.DataFrame) -> None:
    names = names_of(graph)
    rows = risks.to_dict("records")
    labels = [
        say(
            f"cli.transport.rows.{row['what']}",
            of=names.node(row["of"]) if row["what"] == "effect" else row["of"],
        )
        for row in rows
    ]
    columns = {"": list(map(str, labels))}
    for key in ("before", "after"):
        columns[key] = [share(row[key], row[f"{key}_low"], row[f"{key}_high"]) for row in rows]
    show_table(say("cli.transport.risks"), columns, console.out)
    rows = shares.to_dict("records")
    if rows:
        columns = {
            "": [f"{names.node(row['node'])}: {_state(names, row)}" for row in rows],
            "published": [
                share(row["stated"], row["stated_low"], row["stated_high"]) for row in rows
            ],
            "model": [share(row["model"], row["low"], row["high"]) for row in rows],
            "reading": [
                say(f"cli.transport.{'used' if row['used'] else 'tested'}") for row in rows
            ],
        }
        show_table(say("cli.transport.shares"), columns, console.out)


def _state(names: Names, row: dict[Any, Any]) -> str:
    state = str(row["state"])
    if not state.startswith(">="):
        return str(names.state(row["node"], state))
    return str(say("cli.transport.or_worse", state=names.state(row["node"], state[2:])))
