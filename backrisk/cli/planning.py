"""What a survey will be able to tell, from the shell: simulated before anybody is asked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backrisk.cli import console
from backrisk.cli.console import sentences
from backrisk.cli.options import CodebookOption, FormatOption, SeedOption, TargetOption
from backrisk.cli.pictures import picture_kind, write_picture
from backrisk.cli.stopping import Stopped
from backrisk.cli.tables import Format, give, show_table
from backrisk.cli.terminal import read_json
from backrisk.errors import QueryError
from backrisk.words import decimal, names_of, say

if TYPE_CHECKING:
    import pandas as pd

_SIZES = [200, 500, 2000]
_SMALL = 0.01  # below which a difference of probabilities has two digits in points


def plan(
    graph: Annotated[str, typer.Argument(metavar="GRAPH", help=say("cli.plan.graph"))],
    more: Annotated[
        list[int] | None, typer.Argument(metavar="[N]...", help=say("cli.plan.more"))
    ] = None,
    n: Annotated[list[int] | None, typer.Option("--n", min=1, help=say("cli.plan.n"))] = None,
    effect: Annotated[list[str] | None, typer.Option(help=say("cli.plan.effect"))] = None,
    share: Annotated[list[str] | None, typer.Option(help=say("cli.plan.share"))] = None,
    person: Annotated[Path | None, typer.Option(help=say("cli.plan.person"))] = None,
    target: TargetOption = None,
    codebook: CodebookOption = None,
    unmeasured: Annotated[list[str] | None, typer.Option(help=say("cli.plan.unmeasured"))] = None,
    item: Annotated[list[str] | None, typer.Option(help=say("cli.plan.item"))] = None,
    examined: Annotated[list[str] | None, typer.Option(help=say("cli.plan.examined"))] = None,
    wave: Annotated[bool, typer.Option("--wave", help=say("cli.plan.wave"))] = False,
    missing: Annotated[float | None, typer.Option(help=say("cli.plan.missing"))] = None,
    fits: Annotated[int, typer.Option(min=1, help=say("cli.plan.fits"))] = 20,
    null: Annotated[bool, typer.Option("--null/--no-null", help=say("cli.plan.null"))] = True,
    quick: Annotated[bool, typer.Option("--quick", help=say("cli.plan.quick"))] = False,
    draws: Annotated[int, typer.Option(min=50, help=say("cli.plan.draws"))] = 250,
    evidence: Annotated[
        bool, typer.Option("--evidence/--no-evidence", help=say("cli.plan.evidence"))
    ] = True,
    seed: SeedOption = 1,
    plot: Annotated[Path | None, typer.Option(help=say("cli.plan.plot"))] = None,
    format: FormatOption = Format.table,
) -> None:
    """Run `backrisk.check.plan_study`, and draw it."""
    from backrisk.graph import load_graph

    with sentences():
        inputs = (graph, codebook, person)
        if plot is not None:
            picture_kind(plot, inputs)
        chosen = load_graph(graph)
        items, parts = (
            _numbers(option, key) for option, key in ((item, "item"), (examined, "examined"))
        )
        about = None if person is None else read_json(person)
        from backrisk.survey import Codebook, load_codebook, packaged_codebooks

        if codebook is None and chosen.name in packaged_codebooks():
            codebook = chosen.name
        book = Codebook.plain(chosen) if codebook is None else load_codebook(codebook, chosen)
        if about is not None:
            about = book.encode_person(about, book.extend(chosen))
        from backrisk.check import plan_study  # PyMC, once the arguments are known to be sound

        try:
            found = plan_study(
                chosen,
                people=[*(n or []), *(more or [])] or _SIZES,
                seed=seed,
                fits=fits,
                effects=effect,
                shares=share or (),
                person=about,
                target=target,
                codebook=book,
                unmeasured=unmeasured or (),
                items=items,
                examined=parts,
                again=wave,
                missing=missing,
                null=null,
                quick=quick,
                draws=draws,
                evidence=evidence,
                progress=True,
            )
        except (KeyboardInterrupt, Stopped) as stopped:
            console.err.print(say("cli.plan.stopped"), style="yellow", markup=False)
            raise typer.Exit(stopped.status if isinstance(stopped, Stopped) else 130) from None
        names = names_of(chosen)
        titles: dict[tuple[str, str], str] = {
            (each.kind, each.cause): say(
                f"cli.plan.titles.{each.kind}",
                cause=names.node(each.cause),
                target=found.target.label,
            )
            for each in found.asked
        }
        if plot is not None:
            from backrisk.plotting import plot_plan

            write_picture(plot_plan(found.table, titles), plot, inputs)
        if give(format, found.to_dict()):
            return
        for (kind, cause), title in titles.items():
            own = found.table[(found.table["kind"] == kind) & (found.table["cause"] == cause)]
            before = _points(own["prior_width"].iloc[0])
            show_table(say("cli.plan.before", title=title, before=before), _cells(own), console.out)
        told = say("check.planning.made", count=fits, n=fits, graph=chosen.name)
        for note in (told, *found.notes):
            console.out.print(note, markup=False)
        if plot is not None:
            console.out.print(say("cli.plan.drawn", out=plot), markup=False)


def _cells(own: pd.DataFrame) -> dict[str, list[str]]:
    """Lay out the rows of one quantity; what no row has is left out."""
    rows = own.to_dict("records")
    columns = {
        "design": [row["design"] for row in rows],
        "people": [f"{row['people']:,}" for row in rows],
        "width": [_told(row["width"], row["width_error"]) for row in rows],
        "narrower": [_told(row["narrower"], row["narrower_error"]) for row in rows],
        "null_told": [_told(row["null"], row["null_error"]) for row in rows],
        "found": [_told(row["found"], row["found_error"]) for row in rows],
    }
    if set(columns["design"]) == {columns["design"][0]}:
        del columns["design"]
    return {key: cells for key, cells in columns.items() if set(cells) != {"-"}}


def _numbers(given: Sequence[str] | None, option: str) -> dict[str, float]:
    """Read ``node=number``."""
    found = {}
    for each in given or ():
        name, _, number = each.partition("=")
        try:
            found[name.strip()] = float(number)
        except ValueError:
            raise QueryError(say("cli.plan.no_number", option=option, given=each)) from None
    return found


def _told(value: float, error: float) -> str:
    """Word a share in percentage points with its Monte Carlo error."""
    if value != value:
        return "-"
    if error != error:
        return _points(value)
    digits = 1 if abs(value) >= _SMALL or value == 0 else 2
    words = (decimal(100 * number, digits) for number in (value, error))
    return say("cli.plan.with_error", **dict(zip(("value", "error"), words, strict=True)))


def _points(share: float) -> str:
    """Word a share in percentage points, a small one with a digit more."""
    return decimal(100 * share, 1 if abs(share) >= _SMALL else 2)
