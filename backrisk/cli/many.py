"""A model for each part of a survey."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from backrisk.cli import console
from backrisk.cli.stopping import Stopped
from backrisk.cli.tables import show_table
from backrisk.errors import QueryError
from backrisk.words import say

if TYPE_CHECKING:
    from backrisk.fitting import Fits
    from backrisk.graph import CausalGraph
    from backrisk.survey import Panel, Survey


def demand_parts(each: str | None, runner: str | None, others: Mapping[str, object]) -> None:
    """Refuse options that a model for each part has not, and those that only it has.

    Raises
    ------
    QueryError
    """
    if each is None and runner is not None:
        raise QueryError(say("cli.fit.runner_alone"))
    given = [name for name, value in others.items() if value]
    if each is not None and given:
        raise QueryError(say("cli.fit.not_of_parts", option=f"--{given[0].replace('_', '-')}"))


def parts_of(
    each: str, survey: str, graph: CausalGraph, how: Mapping[str, Any], *, panel: bool
) -> Mapping[str, Survey | Panel]:
    """Read a survey or panel and return its parts by a column: of a node's states, or of sites.

    Raises
    ------
    SurveyError
        The survey cannot be read, has no such column, or one that changes over time.
    """
    from backrisk.survey import (
        load_codebook,
        packaged_codebooks,
        read_panel,
        read_survey,
        split_survey,
    )

    read_all = read_panel if panel else read_survey
    chosen = how["codebook"] or (graph.name if graph.name in packaged_codebooks() else None)
    book = None if chosen is None else load_codebook(chosen, graph)
    if book is not None and each in book.columns and each not in book.measures:
        raise QueryError(say("cli.fit.no_part", column=each))
    if each not in graph.names and (book is None or each not in book.measures):
        return split_survey(read_all(survey, graph, **{**how, "site": each}))
    whole = read_all(survey, graph, **how)
    read = whole.codebook.measures
    return split_survey(whole, whole.codebook.node_of(each) if each in read else each)


def fit_parts(
    parts: Mapping[str, Survey | Panel], out: Path, graph: CausalGraph, settings: Mapping[str, Any]
) -> None:
    """Run `backrisk.fit_each`, and show what became of each; exit code 1 where one failed."""
    from backrisk.fitting import fit_each

    try:
        found = fit_each(graph, parts, out=out, **settings)
    except (KeyboardInterrupt, Stopped) as stopped:
        told = say("cli.fit.parts_interrupted", out=out)
        console.err.print(told, style="yellow", soft_wrap=True, markup=False)
        raise typer.Exit(stopped.status if isinstance(stopped, Stopped) else 130) from None
    _show(found, parts)
    n = len(found.fitted)
    told = say("cli.fit.parts_done", count=n, n=n, out=out)
    console.out.print(told, markup=False)
    for key, why in found.failed.items():
        told = say("cli.fit.part_failed", part=key, why=why)
        console.err.print(told, style="red", soft_wrap=True, markup=False)
    if found.failed:
        raise typer.Exit(1)


def _show(found: Fits, parts: Mapping[str, Survey | Panel]) -> None:
    """Show the models as a table: their people, and whether they are sound."""
    from backrisk.posterior import load_posterior

    files = {key: path for key, path in found.fitted.items() if isinstance(path, Path)}
    models = {key: load_posterior(path) for key, path in files.items()}
    verdicts = [
        str(say("cli.fit.sound" if model.diagnostics.good else "cli.fit.unsound"))
        for model in models.values()
    ]
    columns: dict[str, list[str]] = {
        "part_of": list(models),
        "people": [f"{parts[key].n:,}" for key in models],
        "sound": verdicts,
        "model_file": [path.name for path in files.values()],
    }
    if models:
        show_table(
            say("cli.fit.parts_title"), columns, console.out, folded=("part_of", "model_file")
        )
