"""Whether a saved model can be believed: its sampling, what it learned, what a survey says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from backrisk._files import demand_place
from backrisk.cli import console
from backrisk.cli.console import sentences
from backrisk.cli.options import (
    DecimalOption,
    DelimiterOption,
    EncodingOption,
    FormatOption,
    GlobOption,
    ModelFile,
    SeedOption,
    read_as,
)
from backrisk.cli.tables import Format, give, show_table
from backrisk.cli.terminal import ratio, share, show_cells, show_diagnostics
from backrisk.errors import QueryError
from backrisk.words import decimal, names_of, percent, say

if TYPE_CHECKING:
    import pandas as pd

    from backrisk.check import Doubts
    from backrisk.posterior import Posterior

_TABLES = ("learned", "failures", "margins", "odds_ratios", "doubts.verdicts")


def check(
    model: ModelFile,
    survey: Annotated[
        str | None, typer.Argument(metavar="SURVEY", help=say("cli.check.survey"))
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help=say("cli.check.keep"))] = False,
    without: Annotated[list[str] | None, typer.Option(help=say("cli.check.without"))] = None,
    seed: SeedOption = 1,
    format: FormatOption = Format.table,
    encoding: EncodingOption = None,
    delimiter: DelimiterOption = None,
    decimal: DecimalOption = None,
    glob: GlobOption = False,
) -> None:
    """Show `backrisk.check.explain`, `learned`, `predicted_margins` and `doubts`."""
    from backrisk.check import doubts, explain, learned, predicted_margins
    from backrisk.posterior import load_posterior

    with sentences():
        posterior = load_posterior(model)
        if keep:
            if survey is None:
                raise QueryError(say("cli.check.keep_without_survey"))
            demand_place(model, QueryError, (survey,))
        said = learned(posterior)
        failures = explain(posterior) if posterior.diagnostics.worst else None
        margins = found = None
        if survey is not None:
            from backrisk.survey import read_survey

            reading = read_as(encoding, delimiter, decimal, glob)
            if posterior.graph.tied:  # a row would be read as a person, and is a visit
                raise QueryError(say("cli.check.several_periods"))
            read = read_survey(survey, posterior.graph, posterior.codebook, **reading)
            margins = predicted_margins(posterior, read)
            with console.err.status("") as line:
                found = doubts(
                    posterior,
                    read,
                    without=without or (),
                    seed=seed,
                    progress=lambda name: line.update(say("cli.check.at", check=name)),
                )
            if keep:
                found.kept_with(posterior).save(model)
        told = _checked(posterior, said, failures, margins, found)
        if give(format, told, *_TABLES):
            return
        _show_check(posterior, said, failures, margins)
        if found is None:
            _show_kept(posterior)
        else:
            _show_doubts(found)
            key = "kept" if keep else "not_kept"
            console.out.print(say(f"cli.check.{key}", model=model), markup=False)


def _checked(
    posterior: Posterior,
    said: pd.DataFrame,
    failures: pd.DataFrame | None,
    margins: pd.DataFrame | None,
    found: Doubts | None,
) -> dict[str, Any]:
    from backrisk.posterior import odds_ratios

    report: dict[str, Any] = {
        "kind": "check",
        "diagnostics": {
            "method": posterior.diagnostics.method,
            "worst": {
                name: None if value != value else value
                for name, value in posterior.diagnostics.worst.items()
            },
            "warnings": list(posterior.diagnostics.warnings),
            "verdicts": [each.to_dict() for each in posterior.diagnostics.verdicts],
            "cautions": list(posterior.diagnostics.cautions),
            "conflicts": [
                {**each.to_dict(), "text": text}
                for each, text in zip(
                    posterior.diagnostics.conflicts, posterior.conflicts_about(), strict=True
                )
            ],
        },
        "learned": said.reset_index(names="node").to_dict(orient="records"),
        "least_cells": {
            "least": posterior.least_cells.least,
            **posterior.least_cells.to_dict(),
            "text": list(posterior.least_cells.sentences(names_of(posterior.graph))),
        },
    }
    if failures is not None:
        known = failures.astype(object).where(failures.notna(), None)
        report["failures"] = known.to_dict(orient="records")
    if margins is not None:
        report["margins"] = margins.to_dict(orient="records")
    if found is not None:
        report["doubts"] = found.to_dict()
    if posterior.chosen:
        report["design"] = dict(posterior.meta["design"])
        report["odds_ratios"] = odds_ratios(posterior).to_dict(orient="records")
    return report


def _failed(failures: pd.DataFrame) -> tuple[dict[str, list[str]], tuple[str, ...]]:
    """Lay out what failed, one row a reason, and name the columns of sentences.

    The parameter with the worst R-hat stands for those that failed for the same reason.
    """
    columns: dict[str, list[str]] = {
        key: [] for key in ("parameters", "worst", "least", "why", "what_to_do")
    }
    for (why, what_to_do), group in failures.groupby(["why", "what_to_do"], sort=False):
        first, left = str(group["parameter"].iloc[0]), len(group) - 1
        several = say("cli.check.several", first=first, n=left) if left else first
        cells = (
            several,
            decimal(group["r_hat"].max(), 3),
            decimal(group["ess"].min(), 0),
            str(why),
            str(what_to_do),
        )
        for key, cell in zip(columns, cells, strict=True):
            columns[key].append(cell)
    return columns, ("parameters", "why", "what_to_do")


def _show_check(
    posterior: Posterior,
    said: pd.DataFrame,
    failures: pd.DataFrame | None,
    margins: pd.DataFrame | None,
) -> None:
    from backrisk.posterior import odds_ratios

    names = names_of(posterior.graph)
    show_diagnostics(posterior, console.out)
    show_cells(posterior, console.out)
    if failures is not None and len(failures):
        columns, folded = _failed(failures)
        show_table(say("cli.check.failed"), columns, console.out, folded=folded)
    rows = said.reset_index(names="node").to_dict("records")
    columns = {
        "node": [names.node(row["node"]) for row in rows],
        "answered": [percent(row["answered"]) for row in rows],
        "distance": [decimal(row["distance"], 2) for row in rows],
        "reading": [row["reading"] for row in rows],
    }
    show_table(say("cli.check.learned"), columns, console.out)
    console.out.print(say("cli.check.learned_note"), markup=False)
    if posterior.chosen:
        rows = odds_ratios(posterior).to_dict("records")
        columns = {
            "": [names.pair(row["cause"], row["state"]) for row in rows],
            "ratio": [ratio(row["median"], row["low"], row["high"]) for row in rows],
        }
        event = names.node(posterior.meta["design"]["outcome"])
        show_table(say("cli.check.odds_ratios", event=event), columns, console.out, folded=("",))
    if margins is not None:
        rows = margins.to_dict("records")
        columns = {
            "": [names.pair(row["node"], row["state"]) for row in rows],
            "survey": [percent(row["survey"]) for row in rows],
            "model": [share(row["model"], row["low"], row["high"]) for row in rows],
        }
        show_table(say("cli.check.margins"), columns, console.out, folded=("",))


def _show_doubts(found: Doubts) -> None:
    """Print one line for each check, what contradicts the model in colour."""
    console.out.print(say("cli.check.doubts"), style="italic", markup=False)
    for line, verdict in zip(found.lines, found.verdicts, strict=True):
        style = "yellow" if verdict.contradicts else None
        console.out.print(line, style=style, markup=False)
    for reason in found.refused.values():
        console.out.print(reason, markup=False)


def _show_kept(posterior: Posterior) -> None:
    """Print what earlier checks found, or that there were none."""
    console.out.print(say("cli.check.doubts"), style="italic", markup=False)
    for line in posterior.diagnostics.checked(names_of(posterior.graph)):
        console.out.print(line, markup=False)
