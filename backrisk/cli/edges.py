"""The effect of every edge, as the shell shows it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer

from backrisk.cli import console
from backrisk.cli.console import sentences
from backrisk.cli.options import FormatOption, ModelFile, SiteOption, model_at
from backrisk.cli.pictures import picture_kind, write_picture
from backrisk.cli.terminal import Format, ratio, show_table
from backrisk.posterior import Posterior
from backrisk.words import interval_name, names_of, percent, say


def effects(
    model: ModelFile,
    node: Annotated[list[str] | None, typer.Option(help=say("cli.effects.node"))] = None,
    site: SiteOption = None,
    plot: Annotated[Path | None, typer.Option(help=say("cli.effects.plot"))] = None,
    format: FormatOption = Format.table,
) -> None:
    """Show `backrisk.check.effects`."""
    from backrisk.check import effects as ask

    with sentences():
        if plot is not None:
            picture_kind(plot, (model,))
        posterior = model_at(model, site)
        found = ask(posterior, node or None)
        if plot is not None:
            from backrisk.plotting import plot_odds_ratios

            write_picture(plot_odds_ratios(found, posterior.graph), plot, (model,))
        if format is Format.json:
            known = found.replace([np.inf, -np.inf], np.nan)  # which JSON cannot hold
            rows = known.astype(object).where(known.notna(), None).to_dict(orient="records")
            print(json.dumps({"kind": "effects", "rows": rows}, indent=2))
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
