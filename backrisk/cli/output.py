"""What others get to see: the demonstration, scored cohorts, reports, the page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from backrisk._addresses import is_address
from backrisk._files import demand_place
from backrisk.cli import console
from backrisk.cli.console import sentences
from backrisk.cli.flags import FlagOption, flags_asked
from backrisk.cli.histories import told_of
from backrisk.cli.options import (
    ActionOption,
    CauseOption,
    CohortFile,
    CombineOption,
    DecimalOption,
    DelimiterOption,
    EarlierOption,
    EncodingOption,
    GlobOption,
    HistoryOption,
    ModelFile,
    PersonOption,
    SeedOption,
    SiteOption,
    StartOption,
    TargetOption,
    TimeColumn,
    model_at,
    read_as,
    tell_blank_rows,
)
from backrisk.cli.panels import demand_panel, read_combine
from backrisk.cli.persons import files_at
from backrisk.cli.terminal import read_saved
from backrisk.errors import BackriskError, QueryError
from backrisk.words import disclaimer, interval_name, say


def demo(
    out: Annotated[Path, typer.Option(help=say("cli.demo.out"))] = Path("out/demo"),
    seed: SeedOption = 1,
) -> None:
    """Run `backrisk.cli.demo`."""
    from backrisk.cli.demo import run

    with sentences():
        run(out, seed, console.out)


def score(
    model: ModelFile,
    cohort: CohortFile,
    out: Annotated[str, typer.Option(help=say("cli.score.out"))],
    id: Annotated[list[str] | None, typer.Option(help=say("cli.score.id"))] = None,
    target: TargetOption = None,
    shares: Annotated[bool, typer.Option("--shares", help=say("cli.score.shares"))] = False,
    cause: CauseOption = None,
    level: Annotated[str | None, typer.Option(help=say("cli.score.level"))] = None,
    action: ActionOption = None,
    coupling: Annotated[str | None, typer.Option(help=say("cli.options.coupling"))] = None,
    site: SiteOption = None,
    draws: Annotated[int | None, typer.Option(help=say("cli.score.draws"))] = None,
    engine: Annotated[str | None, typer.Option(help=say("cli.score.engine"))] = None,
    quote: Annotated[bool, typer.Option("--quote", help=say("cli.score.quote"))] = False,
    encoding: EncodingOption = None,
    delimiter: DelimiterOption = None,
    decimal: DecimalOption = None,
    glob: GlobOption = False,
    partition_by: Annotated[
        list[str] | None, typer.Option("--partition-by", help=say("cli.score.partition_by"))
    ] = None,
    panel: Annotated[bool, typer.Option("--panel", help=say("cli.score.panel"))] = False,
    periods: Annotated[int | None, typer.Option(min=1, help=say("cli.score.periods"))] = None,
    time: TimeColumn = None,
    start: StartOption = None,
    combine: CombineOption = None,
    seed: Annotated[int | None, typer.Option(min=0, help=say("cli.options.seed"))] = None,
) -> None:
    """Run `backrisk.score`; exit code 1 where problems are listed beside what was written."""
    from backrisk.cohort import problems_of, score_panel
    from backrisk.cohort import score as ask

    reading = read_as(encoding, delimiter, decimal, glob)
    over_time = {"periods": periods, "time": time, "start": start, "combine": combine, "seed": seed}
    of_one_moment = {"shares": shares or None, "cause": cause, "level": level, "action": action}
    of_one_moment |= {"coupling": coupling, "engine": engine, "partition_by": partition_by}
    with sentences():
        demand_panel(panel, over_time, of_one_moment)
        if Path(out).suffix and not is_address(out):
            demand_place(out, QueryError, (model, cohort))  # first: a folder has no file beside it
            if not panel:
                demand_place(problems_of(Path(out)), QueryError, (model, cohort))
        posterior = model_at(model, site)
        if panel:
            if id is not None and len(id) > 1:
                raise QueryError(say("cli.panel.one_id", ids=", ".join(id)))
            done = score_panel(
                posterior,
                cohort,
                out,
                periods=periods or 1,
                target=target,
                draws=draws,
                seed=seed or 0,
                id=id[0] if id else None,
                time=time,
                start=start,
                combine=read_combine(combine),
                quote=quote,
                progress=True,
                **reading,
            )
        else:
            done = ask(
                posterior,
                cohort,
                out,
                ids=id or (),
                target=target,
                shares=shares,
                causes=cause or None,
                level=level or "proximal",
                actions=action or None,
                coupling=coupling or "monotone",
                draws=draws,
                engine=engine or "duckdb",
                quote=quote,
                progress=True,
                partition_by=partition_by or None,
                **reading,
            )
    tell_blank_rows(done.blank_rows)
    key = "done_panel" if panel else "done_on_spark" if done.profiles is None else "done"
    told = say(
        f"cli.score.{key}",
        people=f"{done.people:,}",
        profiles="" if done.profiles is None else f"{done.profiles:,}",
        draws=f"{done.draws:,}",
        out=done.out,
        risks=say("cli.score.risks_panel", count=periods or 1, n=periods or 1),
        interval=interval_name(),
        disclaimer=disclaimer(),
    )
    console.out.print(told, soft_wrap=True, markup=False)
    for warning in done.warnings:
        told = say("cli.warning", warning=warning)
        console.out.print(told, style="yellow", markup=False, soft_wrap=True)
    for note in done.notes:
        told = say("cli.note", note=note)
        console.out.print(told, style="yellow", markup=False, soft_wrap=True)
    if done.listed is not None:
        told = say(
            "cli.score.problems", count=done.problems, n=f"{done.problems:,}", listed=done.listed
        )
        console.err.print(told, style="yellow", markup=False, soft_wrap=True)
    elif done.problems:
        told = say("cli.score.flagged", n=f"{done.problems:,}")
        console.err.print(told, style="yellow", markup=False, soft_wrap=True)
    if done.problems:
        raise typer.Exit(1)


def report(
    model: ModelFile,
    out: Annotated[Path, typer.Option(help=say("cli.report.out"))],
    person: PersonOption = None,
    history: HistoryOption = None,
    cohort: Annotated[str | None, typer.Option(help=say("cli.report.cohort"))] = None,
    card: Annotated[bool, typer.Option("--card", help=say("cli.report.card"))] = False,
    letter: Annotated[bool, typer.Option("--letter", help=say("cli.report.letter"))] = False,
    plain: Annotated[bool, typer.Option("--plain", help=say("cli.report.plain"))] = False,
    flag: FlagOption = None,
    target: TargetOption = None,
    group: Annotated[list[str] | None, typer.Option(help=say("cli.report.group"))] = None,
    periods: Annotated[int | None, typer.Option(min=1, help=say("cli.report.periods"))] = None,
    follow_up: Annotated[
        Path | None, typer.Option("--follow-up", help=say("cli.report.follow_up"))
    ] = None,
    earlier: EarlierOption = None,
    draws: Annotated[int | None, typer.Option(min=1, help=say("cli.report.draws"))] = None,
    date: Annotated[str | None, typer.Option(help=say("cli.report.date"))] = None,
    templates: Annotated[Path | None, typer.Option(help=say("cli.report.templates"))] = None,
    site: SiteOption = None,
    encoding: EncodingOption = None,
    delimiter: DelimiterOption = None,
    decimal: DecimalOption = None,
    glob: GlobOption = False,
) -> None:
    """Run `backrisk.report_person`, `backrisk.report_cohort` or `backrisk.model_card`."""
    from backrisk.cohort import read_cohort
    from backrisk.report import DRAWS, model_card, report_cohort, report_person

    with sentences():
        inputs = (model, person, history, cohort, follow_up, earlier, templates)
        demand_place(out, QueryError, inputs)
        if group and (card or cohort is None):
            raise QueryError(say("cli.report.group_without_cohort"))
        alone = person is not None or history is not None
        if letter and plain:
            raise QueryError(say("cli.report.letter_or_plain"))
        for option, given in (("--letter", letter), ("--plain", plain), ("--flag", flag)):
            if given and (person is None or history is not None or card or cohort is not None):
                raise QueryError(say("cli.report.of_a_person", option=option))
        if periods is not None and not alone:
            raise QueryError(say("cli.report.periods_without_history"))
        if follow_up is not None and not alone:
            raise QueryError(say("cli.report.follow_up_without_person"))
        if earlier is not None and follow_up is None:
            raise QueryError(say("cli.report.earlier_without_file"))
        posterior = model_at(model, site)
        people = None
        if cohort is not None:
            reading = read_as(encoding, delimiter, decimal, glob)
            people = read_cohort(posterior, cohort, **reading)
            tell_blank_rows(people.blank_rows)
        if card and not alone:
            model_card(posterior, out, survey=people, target=target, date=date, templates=templates)
        elif alone and cohort is None and not card:
            about = told_of(posterior, person, history)
            before = old = None
            if follow_up is not None and person is not None:
                before, _, old = files_at(posterior, follow_up, person, earlier, site)
            elif follow_up is not None:  # of a history, which has none
                before = read_saved(follow_up)
            report_person(
                posterior,
                about,
                out,
                target=target,
                draws=draws,
                periods=periods,
                before=before,
                earlier=old,
                kind="letter" if letter else "plain" if plain else "report",
                flags=flags_asked(flag),
                date=date,
                templates=templates,
            )
        elif people is not None and not alone:
            report_cohort(
                posterior,
                people,
                out,
                target=target,
                groups=group or None,
                draws=DRAWS if draws is None else draws,
                date=date,
                templates=templates,
            )
        else:
            raise QueryError(say("cli.report.which"))
        told = say("cli.report.done", out=out, disclaimer=disclaimer())
        console.about(out).print(told, markup=False)


def serve(
    model: ModelFile,
    host: Annotated[str, typer.Option(help=say("cli.serve.host"))] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help=say("cli.serve.port"))] = 8000,
    token: Annotated[
        str | None, typer.Option(envvar="BACKRISK_TOKEN", help=say("cli.serve.token"))
    ] = None,
    allow_host: Annotated[list[str] | None, typer.Option(help=say("cli.serve.allow_host"))] = None,
    draws: Annotated[int | None, typer.Option(min=1, help=say("cli.serve.draws"))] = None,
    language: Annotated[list[str] | None, typer.Option(help=say("cli.serve.language"))] = None,
    trusted_proxy: Annotated[
        list[str] | None, typer.Option(help=say("cli.serve.trusted_proxy"))
    ] = None,
    cds_hooks: Annotated[
        bool, typer.Option("--cds-hooks", help=say("cli.serve.cds_hooks"))
    ] = False,
    cds_origin: Annotated[list[str] | None, typer.Option(help=say("cli.serve.cds_origin"))] = None,
    earlier: Annotated[list[Path] | None, typer.Option(help=say("cli.serve.earlier"))] = None,
    seconds: Annotated[
        float, typer.Option(min=1, max=24 * 3600, help=say("cli.serve.seconds"))
    ] = 120,
) -> None:
    """Run `backrisk.web.serve`."""
    with sentences():
        try:
            from backrisk.web import serve as run
        except ModuleNotFoundError as error:
            raise BackriskError(say("cli.serve.needs", module=error.name)) from error
        run(
            model,
            host=host,
            port=port,
            token=token,
            hosts=allow_host or (),
            draws=draws,
            languages=language or (),
            proxies=trusted_proxy or (),
            seconds=seconds,
            cds_hooks=cds_hooks,
            cds_origins=cds_origin or (),
            earlier=earlier or (),
            announce=lambda address: console.out.print(say("cli.serve.at", address=address)),
        )
