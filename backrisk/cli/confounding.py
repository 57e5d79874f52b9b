"""How strong a hidden common cause must be to change what is said of a person."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backrisk.cli import console
from backrisk.cli.completing import nodes
from backrisk.cli.console import sentences
from backrisk.cli.options import (
    FormatOption,
    ModelFile,
    PersonFile,
    SiteOption,
    TargetOption,
    model_at,
)
from backrisk.cli.persons import person_at
from backrisk.cli.pictures import picture_kind, write_picture
from backrisk.cli.tables import Format, give, show_grid, show_table
from backrisk.errors import QueryError
from backrisk.words import decimal, names_of, say

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from backrisk.check import Sensitivity
    from backrisk.posterior import Confounding


def confounding(
    model: ModelFile,
    person: PersonFile,
    cause: Annotated[str, typer.Option(help=say("cli.confounding.cause"), autocompletion=nodes)],
    shared: Annotated[str | None, typer.Option(help=say("cli.confounding.shared"))] = None,
    prevalence: Annotated[float, typer.Option(help=say("cli.confounding.prevalence"))] = 0.5,
    most: Annotated[float, typer.Option(help=say("cli.confounding.most"))] = 10.0,
    draws: Annotated[int, typer.Option(min=1, help=say("cli.confounding.draws"))] = 200,
    out: Annotated[Path | None, typer.Option(help=say("cli.confounding.out"))] = None,
    target: TargetOption = None,
    site: SiteOption = None,
    format: FormatOption = Format.table,
) -> None:
    """Run `backrisk.check.sensitivity`; draw its contour where a file is named."""
    from backrisk.check import sensitivity
    from backrisk.queries import target_for

    with sentences():
        if out is not None:
            picture_kind(out, (model, person))
        posterior = model_at(model, site)
        told = person_at(posterior, person)
        found = sensitivity(
            posterior,
            told,
            cause,
            target=target_for(posterior, told, target),
            shared=None if shared is None else _pair(shared),
            prevalence=prevalence,
            most=most,
            draws=draws,
        )
        if out is not None:
            write_picture(_figure(found), out, (model, person))
        if not give(format, found.to_dict(), "tipping", "contour", "observed"):
            _show(found)
        if out is not None:
            console.err.print(say("cli.confounding.done", out=out), markup=False)


def read_confounding(asked: list[str] | None) -> list[Confounding]:
    """Read what ``--confounding`` allows for: ``cause=SD`` or ``cause,effect=SD``.

    Raises
    ------
    QueryError
        If it is not of that form.
    """
    from backrisk.posterior import Confounding

    found = []
    for each in asked or []:
        nodes, _, spread = each.rpartition("=")
        cause, _, effect = (part.strip() for part in nodes.partition(","))
        try:
            sd = float(spread)
        except ValueError:
            cause = ""
        if not cause:
            raise QueryError(say("cli.confounding.bad", asked=each))
        found.append(Confounding(cause, effect or None, sd))
    return found


def _pair(shared: str) -> tuple[str, str]:
    first, _, second = (part.strip() for part in shared.partition(","))
    if not first or not second:
        raise QueryError(say("cli.confounding.bad_pair", asked=shared))
    return first, second


def _figure(found: Sensitivity) -> Figure:
    from backrisk.plotting import plot_confounding

    names = names_of(found.graph)
    first, second = map(names.node, found.shared)
    common = found.observed[found.observed["common"]]
    labels = [names.node(cause) for cause in common["cause"]]
    return plot_confounding(
        found.contour,
        first,
        second,
        found.target.label,
        observed=common.assign(label=labels),
        note=names.phrase(found.cause, found.state),
    )


def _show(found: Sensitivity) -> None:
    """Print what may change, how much of the effect is left, and what was measured."""
    from backrisk.posterior import worded_ratio

    names = names_of(found.graph)
    beyond = say("cli.confounding.beyond", most=decimal(found.most, 0))
    columns: dict[str, list[str]] = {
        "what": [say(f"cli.confounding.whats.{each.what}") for each in found.tipping],
        "odds_ratio": [
            beyond if each.odds_ratio is None else decimal(each.odds_ratio, 1)
            for each in found.tipping
        ],
        "before": [each.before or "-" for each in found.tipping],
        "after": [each.after or "-" for each in found.tipping],
    }
    first, second = map(names.node, found.shared)
    places = {"first": first, "second": second, "target": found.target.label}
    show_table(say("cli.confounding.title", **places), columns, console.out)
    grid = found.contour.pivot(index="into_second", columns="into_first", values="mean")
    grid = grid.sort_index(axis=0, ascending=found.direction > 0).sort_index(axis=1)
    down, across = ([worded_ratio(math.log(ratio)) for ratio in ends] for ends in grid.axes)
    cells = [[decimal(100 * cell, 1) for cell in grid[ratio]] for ratio in grid]
    title = say("cli.confounding.contour", **places)
    show_grid(title, down, list(zip(across, cells, strict=True)), console.out)
    console.out.print(found.text, markup=False)
