"""Questions about one person, each the Python function of the same name."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from backrisk.cli import console
from backrisk.cli.completing import nodes, people
from backrisk.cli.confounding import read_confounding
from backrisk.cli.console import sentences
from backrisk.cli.histories import demand_begun, plan_in, read_history, read_plan, told_of
from backrisk.cli.options import (
    ActionOption,
    CauseOption,
    ConfoundingOption,
    CouplingOption,
    DoOption,
    EarlierOption,
    FormatOption,
    FromOption,
    HistoryFile,
    HistoryOption,
    LevelOption,
    ModelFile,
    PeriodOption,
    PeriodsOption,
    PersonFile,
    PersonOption,
    PlanOption,
    SeedOption,
    SiteOption,
    TargetOption,
    UntilOption,
    demand_once,
    model_at,
)
from backrisk.cli.persons import files_at, person_at
from backrisk.cli.tables import Format
from backrisk.cli.terminal import show
from backrisk.errors import QueryError
from backrisk.words import say


def risk(
    model: ModelFile,
    person: PersonFile,
    target: TargetOption = None,
    site: SiteOption = None,
    format: FormatOption = Format.table,
) -> None:
    """Ask `backrisk.risk`."""
    from backrisk.queries import risk as ask
    from backrisk.queries import target_for

    with sentences():
        posterior = model_at(model, site)
        told = person_at(posterior, person)
        show(ask(posterior, told, target=target_for(posterior, told, target)), format, console.out)


def consult(
    model: ModelFile,
    person: PersonFile,
    target: TargetOption = None,
    site: SiteOption = None,
    format: FormatOption = Format.table,
) -> None:
    """Ask `backrisk.consult`."""
    from backrisk.queries import consult as ask

    with sentences():
        posterior = model_at(model, site)
        answers = person_at(posterior, person)
        show(ask(posterior, answers, target=target), format, console.out)


def diagnose(
    model: ModelFile,
    person: PersonFile,
    site: SiteOption = None,
    format: FormatOption = Format.table,
) -> None:
    """Ask `backrisk.diagnose`."""
    from backrisk.queries import diagnose as ask

    with sentences():
        posterior = model_at(model, site)
        show(ask(posterior, person_at(posterior, person)), format, console.out)


def forecast(
    model: ModelFile,
    history: HistoryFile,
    periods: PeriodsOption = 1,
    plan: PlanOption = None,
    target: TargetOption = None,
    seed: SeedOption = 0,
    site: SiteOption = None,
    format: FormatOption = Format.table,
) -> None:
    """Ask `backrisk.forecast`."""
    from backrisk.queries import forecast as ask

    with sentences():
        posterior = model_at(model, site)
        answer = ask(
            posterior,
            read_history(posterior, history),
            periods,
            target=target,
            plan=None if plan is None else plan_in(plan),
            seed=seed,
        )
        show(answer, format, console.out)


def intervene(
    model: ModelFile,
    person: PersonOption = None,
    history: HistoryOption = None,
    do: DoOption = None,
    plan: PlanOption = None,
    from_: FromOption = None,
    until: UntilOption = None,
    period: PeriodOption = None,
    target: TargetOption = None,
    confounding: ConfoundingOption = None,
    seed: SeedOption = 0,
    site: SiteOption = None,
    format: FormatOption = Format.table,
) -> None:
    """Ask `backrisk.intervene`."""
    from backrisk.queries import intervene as ask
    from backrisk.queries import target_for

    with sentences():
        posterior, setting = model_at(model, site), read_plan(do, plan)
        told = told_of(posterior, person, history)
        if isinstance(told, list):
            demand_begun(setting, from_, until, len(told) if period is None else period)
        answer = ask(
            posterior,
            told,
            setting,
            target=target_for(posterior, told, target),
            confounding=read_confounding(confounding) or None,
            from_=from_,
            until=until,
            period=period,
            seed=seed,
        )
        show(answer, format, console.out)


def counterfactual(
    model: ModelFile,
    person: PersonOption = None,
    history: HistoryOption = None,
    do: DoOption = None,
    plan: PlanOption = None,
    from_: FromOption = None,
    until: UntilOption = None,
    period: PeriodOption = None,
    target: TargetOption = None,
    coupling: CouplingOption = "monotone",
    seed: SeedOption = 0,
    site: SiteOption = None,
    format: FormatOption = Format.table,
) -> None:
    """Ask `backrisk.counterfactual`."""
    from backrisk.queries import counterfactual as ask
    from backrisk.queries import target_for

    with sentences():
        posterior, setting = model_at(model, site), read_plan(do, plan)
        told = told_of(posterior, person, history)
        if isinstance(told, list):
            demand_begun(setting, from_, until, len(told) - 1 if period is None else period)
        answer = ask(
            posterior,
            told,
            setting,
            target=target_for(posterior, told, target),
            coupling=coupling,
            from_=from_,
            until=until,
            period=period,
            seed=seed,
        )
        show(answer, format, console.out)


def attribute(
    model: ModelFile,
    person: PersonOption = None,
    history: HistoryOption = None,
    period: PeriodOption = None,
    method: Annotated[str, typer.Option(help=say("cli.attribute.method"))] = "shapley",
    level: LevelOption = None,
    cause: CauseOption = None,
    target: TargetOption = None,
    baseline: Annotated[str, typer.Option(help=say("cli.attribute.baseline"))] = "healthy",
    coupling: CouplingOption = "monotone",
    confounding: ConfoundingOption = None,
    seed: SeedOption = 0,
    site: SiteOption = None,
    format: FormatOption = Format.table,
) -> None:
    """Ask `backrisk.attribute`."""
    from backrisk.queries import attribute as ask
    from backrisk.queries import target_for

    with sentences():
        posterior = model_at(model, site)
        told = told_of(posterior, person, history)
        answer = ask(
            posterior,
            told,
            cause or None,
            method=method,  # type: ignore[arg-type]  # checked there, with a suggestion
            level=level,  # type: ignore[arg-type]
            target=target_for(posterior, told, target),
            baseline=baseline,  # type: ignore[arg-type]
            coupling=coupling,
            confounding=read_confounding(confounding) or None,
            period=period,
            seed=seed,
        )
        show(answer, format, console.out)


def mediate(
    model: ModelFile,
    person: PersonFile,
    cause: Annotated[str, typer.Option(help=say("cli.mediate.cause"), autocompletion=nodes)],
    mediator: Annotated[
        list[str], typer.Option(help=say("cli.mediate.mediator"), autocompletion=nodes)
    ],
    to: Annotated[str | None, typer.Option(help=say("cli.mediate.to"))] = None,
    target: TargetOption = None,
    site: SiteOption = None,
    format: FormatOption = Format.table,
) -> None:
    """Ask `backrisk.mediate`."""
    from backrisk.queries import mediate as ask
    from backrisk.queries import target_for

    with sentences():
        posterior = model_at(model, site)
        told = person_at(posterior, person)
        asked = target_for(posterior, told, target)
        answer = ask(posterior, told, cause, mediator, target=asked, to=to)
        show(answer, format, console.out)


def recommend(
    model: ModelFile,
    person: PersonOption = None,
    history: HistoryOption = None,
    periods: PeriodsOption = 1,
    action: ActionOption = None,
    cost: Annotated[list[str] | None, typer.Option(help=say("cli.recommend.cost"))] = None,
    most: Annotated[int, typer.Option(help=say("cli.recommend.most"))] = 1,
    target: TargetOption = None,
    coupling: CouplingOption = "monotone",
    seed: SeedOption = 0,
    site: SiteOption = None,
    format: FormatOption = Format.table,
) -> None:
    """Ask `backrisk.recommend`."""
    from backrisk.queries import recommend as ask
    from backrisk.queries import target_for

    with sentences():
        posterior = model_at(model, site)
        told = told_of(posterior, person, history)
        answer = ask(
            posterior,
            told,
            actions=action or None,
            costs=_read_costs(cost) if cost else None,
            most=most,
            target=target_for(posterior, told, target),
            coupling=coupling,
            periods=periods,
            seed=seed,
        )
        show(answer, format, console.out)


def ask_next(
    model: ModelFile,
    person: PersonFile,
    candidate: Annotated[
        list[str] | None, typer.Option(help=say("cli.ask_next.candidate"), autocompletion=nodes)
    ] = None,
    target: TargetOption = None,
    coupling: CouplingOption = "monotone",
    site: SiteOption = None,
    format: FormatOption = Format.table,
) -> None:
    """Ask `backrisk.ask_next`."""
    from backrisk.queries import ask_next as ask
    from backrisk.queries import target_for

    with sentences():
        posterior = model_at(model, site)
        told = person_at(posterior, person)
        answer = ask(
            posterior,
            told,
            candidates=candidate or None,
            target=target_for(posterior, told, target),
            coupling=coupling,
        )
        show(answer, format, console.out)


def follow_up(
    model: ModelFile,
    before: Annotated[
        Path,
        typer.Argument(metavar="BEFORE", help=say("cli.follow_up.before"), autocompletion=people),
    ],
    after: Annotated[
        Path,
        typer.Argument(metavar="AFTER", help=say("cli.follow_up.after"), autocompletion=people),
    ],
    earlier: EarlierOption = None,
    target: TargetOption = None,
    site: SiteOption = None,
    format: FormatOption = Format.table,
) -> None:
    """Ask `backrisk.follow_up`."""
    from backrisk.queries import follow_up as ask

    with sentences():
        posterior = model_at(model, site)
        first, second, old = files_at(posterior, before, after, earlier, site)
        answer = ask(posterior, first, second, earlier=old, target=target)
        show(answer, format, console.out)


def _read_costs(settings: list[str]) -> dict[str, float]:
    costs = {}
    for setting in settings:
        action, _, cost = setting.rpartition("=")
        try:
            costs[action.strip()] = float(cost)
        except ValueError:
            action = ""
        if not action:
            raise QueryError(say("cli.recommend.bad_cost", setting=setting))
    demand_once("--cost", settings, costs)
    return costs
