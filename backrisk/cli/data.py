"""From a graph to a survey, and from a survey to a model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from backrisk._addresses import is_address
from backrisk._files import demand_place, is_stream
from backrisk.cli import console
from backrisk.cli.console import sentences
from backrisk.cli.many import demand_parts, fit_parts, parts_of
from backrisk.cli.options import (
    CodebookOption,
    CombineOption,
    DecimalOption,
    DelimiterOption,
    EncodingOption,
    EngineOption,
    EveryOption,
    FormatOption,
    GlobOption,
    GraphOption,
    IdColumn,
    SeedOption,
    SiteColumn,
    StartOption,
    SurveyFile,
    TimeColumn,
    WeightColumn,
    read_as,
    tell_blank_rows,
)
from backrisk.cli.panels import demand_panel, read_combine, tell_cost
from backrisk.cli.stopping import Stopped
from backrisk.cli.tables import Format, give, show_table
from backrisk.cli.terminal import ratio, share, show_cells, show_diagnostics, write_text
from backrisk.errors import BackriskError, QueryError
from backrisk.words import Names, interval_name, names_of, percent, say

if TYPE_CHECKING:
    import pandas as pd

    from backrisk.graph import CausalGraph
    from backrisk.survey import Panel, Survey, Understood

_PERIODS = 6  # of a panel
_NARROW = 100  # characters of a terminal that has no room for a column more


def simulate(
    out: Annotated[Path, typer.Option(help=say("cli.simulate.out"))],
    graph: GraphOption = "runner",
    codebook: CodebookOption = None,
    n: Annotated[int, typer.Option("--n", help=say("cli.simulate.n"))] = 2000,
    seed: SeedOption = 1,
    truth: Annotated[int | None, typer.Option(min=0, help=say("cli.simulate.truth"))] = None,
    panel: Annotated[bool, typer.Option("--panel", help=say("cli.simulate.panel"))] = False,
    periods: Annotated[int | None, typer.Option(min=1, help=say("cli.simulate.periods"))] = None,
    trait: Annotated[bool, typer.Option("--trait", help=say("cli.simulate.trait"))] = False,
    missing: Annotated[
        float | None, typer.Option(min=0, max=0.99, help=say("cli.simulate.missing"))
    ] = None,
) -> None:
    """Run `backrisk.simulate`, or `backrisk.simulate_panel`."""
    from backrisk.graph import load_graph, unroll
    from backrisk.posterior import MISSING, drawn_truth, simulate_panel
    from backrisk.posterior import simulate as draw
    from backrisk.survey import Codebook, load_codebook, packaged_codebooks

    with sentences():
        demand_place(out, QueryError, (graph, codebook))
        chosen = load_graph(graph)
        if codebook is None:
            codebook = chosen.name if chosen.name in packaged_codebooks() else None
        book = Codebook.plain(chosen) if codebook is None else load_codebook(codebook, chosen)
        over_time = {"periods": periods, "trait": trait or None, "missing": missing}
        demand_panel(panel, over_time, {})
        periods = periods or _PERIODS
        whole = book.extend(chosen)
        whole = unroll(whole, periods, trait=trait) if panel else whole
        source = None if truth is None else drawn_truth(whole, truth)
        if panel:
            share = MISSING if missing is None else missing
            frame = simulate_panel(
                chosen, n, periods, seed, codebook=book, missing=share, trait=trait, truth=source
            )
        else:
            frame = draw(chosen, n, seed, codebook=book, posterior=source)
        write_text(out, frame.to_csv(index=False), (graph, codebook))
        told = say("cli.simulate.done", n=f"{n:,}", out=out)
        if panel:
            visits = f"{len(frame):,}"
            told = say("cli.simulate.done_panel", n=f"{n:,}", visits=visits, out=out)
        console.about(out).print(told, markup=False)


def validate(
    survey: SurveyFile,
    graph: GraphOption = "runner",
    codebook: CodebookOption = None,
    engine: EngineOption = None,
    encoding: EncodingOption = None,
    delimiter: DelimiterOption = None,
    decimal: DecimalOption = None,
    glob: GlobOption = False,
    weight: WeightColumn = None,
    site: SiteColumn = None,
    format: FormatOption = Format.table,
) -> None:
    """Show `backrisk.describe`: how a survey was read, and what a fit to it would be."""
    from backrisk.graph import load_graph
    from backrisk.survey import describe, read_survey

    with sentences():
        reading = read_as(encoding, delimiter, decimal, glob)
        read = read_survey(
            survey,
            load_graph(graph),
            codebook,
            engine=engine,
            weight=weight,
            site=site,
            **reading,
        )
        found = describe(read)
        if give(format, found.to_dict(), "columns"):
            return
        _show_understood(Path(survey).name, found)
        tell_blank_rows(read.blank_rows)
        if read.codebook.synthetic:
            console.out.print(say("cli.validate.synthetic"))


def _show_understood(file: str, found: Understood) -> None:
    from backrisk.survey import NOT_READ, say_counts

    read = [each for each in found.columns if each.role not in NOT_READ]
    names = [each.column for each in read]
    says = [str(say(f"cli.validate.roles.{each.role}", node=each.node)) for each in read]
    columns = {"column": names, "says": says}
    if console.out.width < _NARROW:  # two lines in one column
        pairs = zip(names, says, strict=True)
        columns = {"column": [a if a == b else f"{a}\n {b}" for a, b in pairs]}
    columns |= {
        "read_as": [each.how for each in read],
        "people": [say_counts(each) for each in read],
        "missing": [f"{each.missing:,}" for each in read],
    }
    if any(each.not_asked for each in read):
        columns["not_asked"] = [f"{each.not_asked:,}" for each in read]
    title = say(
        "cli.validate.title",
        file=file,
        count=found.people,
        n=f"{found.people:,}",
        patterns=f"{found.patterns:,}",
        codebook=found.codebook,
    )
    show_table(title, columns, console.out, folded=("column", "says", "read_as", "people"))
    for caution in found.cautions:
        told = say("cli.validate.caution", caution=caution)
        console.out.print(told, style="yellow", markup=False)
    if not found.cautions:
        console.out.print(say("cli.validate.no_cautions"))
    for line in (*found.others, *found.fit):
        console.out.print(line, markup=False)


def fit(
    survey: SurveyFile,
    out: Annotated[str, typer.Option(help=say("cli.fit.out"))],
    graph: GraphOption = "runner",
    codebook: CodebookOption = None,
    seed: SeedOption = 1,
    draws: Annotated[int, typer.Option(help=say("cli.fit.draws"))] = 1000,
    chains: Annotated[int, typer.Option(help=say("cli.fit.chains"))] = 4,
    tune: Annotated[int | None, typer.Option(help=say("cli.fit.tune"))] = None,
    sampler: Annotated[str, typer.Option(help=say("cli.fit.sampler"))] = "nutpie",
    target_accept: Annotated[
        float | None, typer.Option(min=0.5, max=0.999, help=say("cli.fit.target_accept"))
    ] = None,
    cores: Annotated[int | None, typer.Option(min=1, help=say("cli.fit.cores"))] = None,
    evidence: Annotated[
        bool, typer.Option("--evidence/--no-evidence", help=say("cli.fit.evidence"))
    ] = True,
    engine: EngineOption = None,
    encoding: EncodingOption = None,
    delimiter: DelimiterOption = None,
    decimal: DecimalOption = None,
    glob: GlobOption = False,
    weight: WeightColumn = None,
    site: SiteColumn = None,
    least_cell: Annotated[int | None, typer.Option(min=1, help=say("cli.fit.least_cell"))] = None,
    panel: Annotated[bool, typer.Option("--panel", help=say("cli.fit.panel"))] = False,
    every: EveryOption = None,
    id: IdColumn = None,
    time: TimeColumn = None,
    start: StartOption = None,
    combine: CombineOption = None,
    trait: Annotated[
        bool | None, typer.Option("--trait/--no-trait", help=say("cli.fit.trait"))
    ] = None,
    dropout: Annotated[list[str] | None, typer.Option(help=say("cli.fit.dropout"))] = None,
    each: Annotated[str | None, typer.Option("--each", help=say("cli.fit.each"))] = None,
    runner: Annotated[str | None, typer.Option("--runner", help=say("cli.fit.runner"))] = None,
) -> None:
    """Run `backrisk.fit` and save the model, or `backrisk.fit_each` and save one for each part."""
    from backrisk.graph import load_graph
    from backrisk.posterior import LeastCells
    from backrisk.survey import Panel, read_panel, read_survey

    with sentences():
        demand_parts(each, runner, {"least_cell": least_cell, "cores": cores})
        if is_address(out):  # which would be the path of an odd folder
            raise QueryError(say("cli.fit.no_address", path=out))
        place = Path(out)
        if each is None:
            demand_place(place, QueryError, (survey, graph, codebook))
        chosen = load_graph(graph)
        reading = read_as(encoding, delimiter, decimal, glob)
        visits: dict[str, Any] = {
            "every": every,
            "id": id,
            "time": time,
            "start": start,
            "combine": combine,
        }
        demand_panel(panel, visits | {"trait": trait, "dropout": dropout}, {"engine": engine})
        how: dict[str, Any] = {"codebook": codebook, "weight": weight, "site": site, **reading}
        how |= visits | {"combine": read_combine(combine)} if panel else {"engine": engine}
        if each is not None:
            parts = parts_of(each, survey, chosen, how, panel=panel)
            settings: dict[str, Any] = {"seed": seed, "draws": draws, "chains": chains}
            settings |= {"tune": tune, "target_accept": target_accept}
            settings |= {"trait": trait, "dropout": dropout or ()}
            ways: dict[str, Any] = {"sampler": sampler, "evidence": evidence, "runner": runner}
            fit_parts(parts, place, chosen, settings | ways)
            return
        read: Survey | Panel = (read_panel if panel else read_survey)(survey, chosen, **how)
        tell_blank_rows(read.blank_rows)
        if least_cell is not None:  # told before the sampling, as the survey alone decides it
            whole = read.to_survey() if isinstance(read, Panel) else read
            LeastCells.of_survey(whole).refuse_fewer(least_cell)
        from backrisk.fitting import TUNE, clear_kept
        from backrisk.fitting import fit as sample  # PyMC, once the survey is known to be sound

        over_time: dict[str, Any] = {}
        if isinstance(read, Panel):
            over_time = {"trait": trait, "dropout": dropout or ()}
            steps = draws + (TUNE.get(sampler, 0) if tune is None else tune)
            tell_cost(chosen, read, over_time, steps, chains, cores, console.about(place))
        kept = None if is_stream(place) else place.with_name(f"{place.name}.chains")
        try:
            posterior = sample(
                chosen,
                read,
                seed=seed,
                draws=draws,
                chains=chains,
                tune=tune,
                sampler=sampler,  # type: ignore[arg-type]  # checked there, with a suggestion
                target_accept=target_accept,
                cores=cores,
                evidence=evidence,
                keep=kept,
                **over_time,
            )
        except (KeyboardInterrupt, Stopped) as stopped:
            done = _finished(kept)
            key = "interrupted" if done else "interrupted_early"
            told = say(f"cli.fit.{key}", done=done, chains=chains, kept=kept)
            console.err.print(told, style="yellow", soft_wrap=True, markup=False)
            code = stopped.status if isinstance(stopped, Stopped) else 130
            raise typer.Exit(code) from None
        try:
            if least_cell is not None:
                posterior = posterior.without_counts_below(least_cell)
            posterior.save(place)
        except BackriskError:
            if posterior.diagnostics.method == "nutpie" and _finished(kept):
                told = say("cli.fit.not_saved", kept=kept)
                console.err.print(told, style="yellow", soft_wrap=True, markup=False)
            raise
        if kept is not None:
            clear_kept(kept, posterior)
        teller = console.about(place)
        show_diagnostics(posterior, teller)
        show_cells(posterior, teller)
        told = say("cli.fit.done", draws=f"{posterior.draws:,}", out=out)
        teller.print(told, markup=False)
        if kept is not None:
            key = "next_panel" if panel else "next"
            teller.print(say(f"cli.fit.{key}", out=out, survey=survey), markup=False)


def _finished(kept: Path | None) -> int:
    """Return how many chains are kept in a folder."""
    return len(list(kept.glob("chain-*.nc"))) if kept is not None and kept.is_dir() else 0


def prior(
    graph: GraphOption = "runner",
    odds_ratio: Annotated[
        tuple[float, float] | None, typer.Option(help=say("cli.prior.odds_ratio"))
    ] = None,
    draws: Annotated[int, typer.Option(min=100, help=say("cli.prior.draws"))] = 1000,
    seed: SeedOption = 1,
    format: FormatOption = Format.table,
) -> None:
    """Show `backrisk.check.prior_margins` and `backrisk.check.prior_associations`."""
    from backrisk.graph import Prior, load_graph

    with sentences():
        if odds_ratio is not None:
            believed = Prior.from_odds_ratio(*odds_ratio)
            line = f"prior: {{mean: {believed.mean:.3f}, sd: {believed.sd:.3f}}}"
            console.out.print(line, markup=False)
            return
        from backrisk.check import prior_associations, prior_margins

        chosen = load_graph(graph)
        margins = prior_margins(chosen, draws=draws, seed=seed)
        ratios = prior_associations(chosen, draws=draws, seed=seed)
        tables = {
            name: frame.astype(object).where(frame.notna(), None).to_dict(orient="records")
            for name, frame in (("margins", margins), ("figures", ratios))
        }
        if give(format, {"kind": "prior", **tables}, *tables):
            return
        _show_prior(chosen, margins, ratios)


def _show_prior(graph: CausalGraph, margins: pd.DataFrame, ratios: pd.DataFrame) -> None:
    names = names_of(graph)
    rows = margins.to_dict("records")
    columns = {
        "": [names.pair(row["node"], row["state"]) for row in rows],
        "prior": [share(row["mean"], row["low"], row["high"]) for row in rows],
        "published": [
            "-" if row["published"] != row["published"] else percent(row["published"])
            for row in rows
        ],
        "inside": [row["inside"] for row in rows],
        "figure_of": [row["what"] for row in rows],
    }
    show_table(say("cli.prior.margins"), columns, console.out, folded=("", "figure_of"))
    if len(ratios):
        every = ratios.to_dict("records")
        rows = [row for row in every if row["implied"] == row["implied"]]
        columns = {
            "ratio": [_ratio_of(names, row) for row in rows],
            "published": [
                ratio(row["published"], row["published_low"], row["published_high"]) for row in rows
            ],
            "before": [ratio(row["before"], row["before_low"], row["before_high"]) for row in rows],
            "after": [ratio(row["implied"], row["low"], row["high"]) for row in rows],
        }
        show_table(say("cli.prior.figures"), columns, console.out, folded=("ratio",))
        for row in every:
            said = {"ratio": _ratio_of(names, row), "grade": names.grade(row["grade"])}
            said |= {"citation": row["citation"], "why": row["why"]}
            key = "left_out" if row["why"] else "used"
            console.out.print(say(f"cli.prior.{key}", **said), markup=False)
    console.out.print(say("cli.prior.ranges", interval=interval_name()))


def _ratio_of(names: Names, row: Mapping[Any, Any]) -> str:
    """Word which ratio a published figure is."""
    told = {"cause": names.node(row["cause"]), "effect": names.node(row["effect"])}
    if not row["exposed"]:
        return say("cli.prior.ratio", measure=row["measure"], **told)
    groups = {key: _states(names, row["cause"], row[key]) for key in ("exposed", "reference")}
    return say("cli.prior.ratio_of", measure=row["measure"], **told, **groups)


def _states(names: Names, node: str, states: str) -> str:
    found = (names.state(node, state) for state in states.split(" or "))
    return say("cli.prior.or_states").join(found)
