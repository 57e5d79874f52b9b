"""Arguments and options that commands share. Their help is in the language in use at import."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypedDict

import typer

from backrisk.cli import console
from backrisk.cli.completing import graphs, models, nodes, people, settings, targets, visits
from backrisk.cli.tables import Format
from backrisk.errors import BackriskError, QueryError
from backrisk.words import say

if TYPE_CHECKING:
    from backrisk.posterior import Posterior


def _help(name: str) -> str:
    return say(f"cli.options.{name}")


ModelFile = Annotated[
    Path, typer.Argument(metavar="MODEL", help=_help("model"), autocompletion=models)
]
SurveyFile = Annotated[str, typer.Argument(metavar="SURVEY", help=_help("table"))]
CohortFile = Annotated[str, typer.Argument(metavar="COHORT", help=_help("table"))]
EngineOption = Annotated[str | None, typer.Option("--engine", help=_help("engine"))]
EncodingOption = Annotated[str | None, typer.Option("--encoding", help=_help("encoding"))]
DelimiterOption = Annotated[str | None, typer.Option("--delimiter", help=_help("delimiter"))]
DecimalOption = Annotated[str | None, typer.Option("--decimal", help=_help("decimal"))]
GlobOption = Annotated[bool, typer.Option("--glob", help=_help("glob"))]
PersonFile = Annotated[Path, typer.Option("--person", help=_help("person"), autocompletion=people)]
PersonOption = Annotated[
    Path | None, typer.Option("--person", help=_help("person_or_history"), autocompletion=people)
]
HistoryFile = Annotated[
    Path, typer.Option("--history", help=_help("history"), autocompletion=visits)
]
HistoryOption = Annotated[
    Path | None, typer.Option("--history", help=_help("history"), autocompletion=visits)
]
PlanOption = Annotated[
    Path | None, typer.Option("--plan", help=_help("plan"), autocompletion=people)
]
FromOption = Annotated[int | None, typer.Option("--from", min=0, help=_help("from"))]
UntilOption = Annotated[int | None, typer.Option("--until", min=0, help=_help("until"))]
PeriodOption = Annotated[int | None, typer.Option("--period", min=0, help=_help("period"))]
PeriodsOption = Annotated[int, typer.Option("--periods", min=1, help=_help("periods"))]


def _printed(context: typer.Context, format: Format) -> Format:
    if format is Format.md:
        context.with_resource(console.in_markdown())
    return format


FormatOption = Annotated[Format, typer.Option("--format", help=_help("format"), callback=_printed)]
TargetOption = Annotated[
    str | None, typer.Option("--target", help=_help("target"), autocompletion=targets)
]
GraphOption = Annotated[str, typer.Option("--graph", help=_help("graph"), autocompletion=graphs)]
CodebookOption = Annotated[str | None, typer.Option("--codebook", help=_help("codebook"))]
WeightColumn = Annotated[str | None, typer.Option("--weight", help=_help("weight"))]
SiteColumn = Annotated[str | None, typer.Option("--site", help=_help("site_column"))]
EveryOption = Annotated[str | None, typer.Option("--every", help=_help("every"))]
IdColumn = Annotated[str | None, typer.Option("--id", help=_help("id"))]
TimeColumn = Annotated[str | None, typer.Option("--time", help=_help("time"))]
StartOption = Annotated[str | None, typer.Option("--start", help=_help("start"))]
CombineOption = Annotated[list[str] | None, typer.Option("--combine", help=_help("combine"))]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help=_help("seed"))]
DoOption = Annotated[
    list[str] | None, typer.Option("--do", help=_help("do"), autocompletion=settings)
]
SiteOption = Annotated[str | None, typer.Option("--site", help=_help("site"))]
CouplingOption = Annotated[str, typer.Option("--coupling", help=_help("coupling"))]
LevelOption = Annotated[str | None, typer.Option("--level", help=_help("level"))]
CauseOption = Annotated[
    list[str] | None, typer.Option("--cause", help=_help("cause"), autocompletion=nodes)
]
ConfoundingOption = Annotated[
    list[str] | None, typer.Option("--confounding", help=_help("confounding"), autocompletion=nodes)
]
EarlierOption = Annotated[
    Path | None, typer.Option("--earlier", help=_help("earlier"), autocompletion=models)
]
ActionOption = Annotated[
    list[str] | None, typer.Option("--action", help=_help("action"), autocompletion=nodes)
]


class Reading(TypedDict):
    """How a table is to be read."""

    encoding: str | None
    delimiter: str | None
    decimal: str | None
    glob: bool


def read_as(
    encoding: str | None, delimiter: str | None, decimal: str | None, glob: bool
) -> Reading:
    """Return the options of `backrisk.read_survey`; a tab is also named, or written as in code."""
    tab = delimiter in ("tab", "\\t")
    return Reading(
        encoding=encoding, delimiter="\t" if tab else delimiter, decimal=decimal, glob=glob
    )


def tell_blank_rows(count: int) -> None:
    """Say how many rows of a table were left out since nobody answered."""
    if count:
        told = say("cli.blank_rows", count=count, n=f"{count:,}")
        console.err.print(told, style="yellow", markup=False)


def model_at(model: Path, site: str | None) -> Posterior:
    """Load a model, and take it at a site where one is named.

    Raises
    ------
    PosteriorError
        If the model cannot be read, or does not know the site.
    """
    from backrisk.posterior import load_posterior

    posterior = load_posterior(model)
    try:
        return posterior.at_site(site)
    except BackriskError as error:
        raise type(error)(say("cli.person.saved", path=model, problem=error)) from error


def read_do(settings: Sequence[str]) -> dict[str, str]:
    """Read what is set, each as ``node=state``.

    Raises
    ------
    QueryError
    """
    do = {}
    for setting in settings:
        node, equals, state = setting.partition("=")
        if not equals or not node or not state:
            raise QueryError(say("cli.bad_do", setting=setting))
        do[node.strip()] = state.strip()
    demand_once("--do", settings, do)
    return do


def demand_once(option: str, settings: Sequence[str], read: Mapping[str, Any]) -> None:
    """Refuse an option that names the same node twice.

    Raises
    ------
    QueryError
    """
    if len(read) < len(settings):
        raise QueryError(say("cli.twice", option=option, settings=", ".join(settings)))
