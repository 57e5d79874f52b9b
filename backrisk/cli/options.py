"""Arguments and options that commands share. Their help is in the language in use at import."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from backrisk.cli.terminal import Format
from backrisk.posterior import Posterior, load_posterior
from backrisk.words import say


def _help(name: str) -> str:
    return say(f"cli.options.{name}")


ModelFile = Annotated[Path, typer.Argument(metavar="MODEL", help=_help("model"))]
SurveyFile = Annotated[str, typer.Argument(metavar="SURVEY", help=_help("table"))]
CohortFile = Annotated[str, typer.Argument(metavar="COHORT", help=_help("table"))]
EngineOption = Annotated[str | None, typer.Option("--engine", help=_help("engine"))]
PersonFile = Annotated[Path, typer.Option("--person", help=_help("person"))]
FormatOption = Annotated[Format, typer.Option("--format", help=_help("format"))]
TargetOption = Annotated[str | None, typer.Option("--target", help=_help("target"))]
GraphOption = Annotated[str, typer.Option("--graph", help=_help("graph"))]
CodebookOption = Annotated[str | None, typer.Option("--codebook", help=_help("codebook"))]
WeightColumn = Annotated[str | None, typer.Option("--weight", help=_help("weight"))]
SiteColumn = Annotated[str | None, typer.Option("--site", help=_help("site_column"))]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help=_help("seed"))]
DoOption = Annotated[list[str], typer.Option("--do", help=_help("do"))]
SiteOption = Annotated[str | None, typer.Option("--site", help=_help("site"))]
CouplingOption = Annotated[str, typer.Option("--coupling", help=_help("coupling"))]
LevelOption = Annotated[str | None, typer.Option("--level", help=_help("level"))]
CauseOption = Annotated[list[str] | None, typer.Option("--cause", help=_help("cause"))]
ActionOption = Annotated[list[str] | None, typer.Option("--action", help=_help("action"))]


def model_at(model: Path, site: str | None) -> Posterior:
    """Load a model, and take it at a site where one is named."""
    return load_posterior(model).at_site(site)
