"""The effect of every edge, as the shell shows it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backrisk.cli import console
from backrisk.cli.completing import nodes
from backrisk.cli.console import sentences
from backrisk.cli.options import FormatOption, ModelFile, SiteOption, model_at
from backrisk.cli.pictures import picture_kind, write_picture
from backrisk.cli.tables import Format, give, show_table
from backrisk.cli.terminal import ratio
from backrisk.words import interval_name, names_of, percent, say

if TYPE_CHECKING:
    import pandas as pd

    from backrisk.posterior import Posterior


def effects(
    model: ModelFile,
    node: Annotated[
        list[str] | None, typer.Option(help=say("cli.effects.node"), autocompletion=nodes)
    ] = None,
    site: SiteOption = None,
    plot: Annotated[Path | None, typer.Option(help=say("cli.effects.plot"))] = None,
    format: FormatOption = Format.table,
) -> None:
    """Show `backrisk.check.effects`."""
    import numpy as np

    from backrisk.check import effects as ask

    with sentences():
        if plot is not None:
            picture_kind(plot, (model,))
        posterior = model_at(model, site)
        found = ask(posterior, node or None)
        if plot is not None:
            from backrisk.plotting import plot_odds_ratios

            write_picture(plot_odds_ratios(found, posterior.graph), plot, (model,))
        known = found.replace([np.inf, -np.inf], np.nan)  # which JSON cannot hold
        rows = known.astype(object).where(known.notna(), None).to_dict(orient="records")
        told = {"kind": "effects", "rows": rows, "warnings": list(posterior.warnings)}
        if give(format, told):
            return
        _show(posterior, found)
        if plot is not None:
            console.err.print(say("cli.effects.drawn", out=plot), markup=False)


def _show(posterior: Posterior, found: pd.DataFrame) -> None:
    names = names_of(posterior.graph)
    for effect, group in found.groupby("effect", sort=False):
        rows = group.to_dict("records")
        columns = {
            "": [names.pair(row["cause"], row["state"]) for row in rows],
            "ratio": [ratio(row["median"], row["low"], row["high"]) for row in rows],
            "prior": [
                ratio(row["prior_median"], row["prior_low"], row["prior_high"]) for row in rows
            ],
            "p_above": [percent(row["p_above"]) for row in rows],
            "published": [
                ratio(row["published"], row["published_low"], row["published_high"]) for row in rows
            ],
            "grade": [names.grade(row["grade"]) for row in rows],
        }
        show_table(names.heading(str(effect)), columns, console.out, folded=("",))
    console.out.print(say("cli.effects.what", interval=interval_name()), markup=False)
    for warning in posterior.warnings:
        console.out.print(say("cli.warning", warning=warning), style="yellow", markup=False)
