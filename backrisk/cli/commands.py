"""The command line. Errors are one sentence and exit code 2; nothing is left half-written."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from backrisk import __version__
from backrisk.cli.terminal import (
    Format,
    read_json,
    share,
    show,
    show_diagnostics,
    show_table,
    write_text,
)
from backrisk.errors import BackriskError, QueryError
from backrisk.graph import Prior, load_graph
from backrisk.posterior import Posterior, load_posterior
from backrisk.words import DISCLAIMER, INTERVAL_NAME, percent

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
_out = Console(highlight=False)
_err = Console(stderr=True, highlight=False)


ModelFile = Annotated[Path, typer.Argument(metavar="MODEL", help="A saved model (.nc).")]
SurveyFile = Annotated[
    str,
    typer.Argument(
        metavar="SURVEY", help="CSV, Parquet, or a DuckDB or SQLite file (file.duckdb::table)."
    ),
]
EngineOption = Annotated[
    str | None,
    typer.Option("--engine", help="pandas, duckdb or spark; default by the file's kind and size."),
]
PersonFile = Annotated[Path, typer.Option("--person", help="A JSON file of one person's answers.")]
FormatOption = Annotated[Format, typer.Option("--format", help="A table, or JSON.")]
TargetOption = Annotated[
    str | None, typer.Option("--target", help='A node, or "node>=state"; default the outcome.')
]
GraphOption = Annotated[
    str, typer.Option("--graph", help="A packaged graph's name, or a YAML file.")
]
CodebookOption = Annotated[
    str | None, typer.Option("--codebook", help="A packaged codebook's name, or a YAML file.")
]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help="Same seed, same result.")]
DoOption = Annotated[list[str], typer.Option("--do", help="node=state; may be repeated.")]
SiteOption = Annotated[
    str | None,
    typer.Option("--site", help="A site of the survey, or new; default the average over sites."),
]
CouplingOption = Annotated[
    str, typer.Option("--coupling", help="monotone, independent_causes or independent.")
]


@contextmanager
def _sentences() -> Iterator[None]:
    """Turn the package's errors into one sentence and exit code 2."""
    try:
        yield
    except BackriskError as error:
        words = "".join(
            c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in str(error)
        )
        _err.print(f"Error: {words}", style="red", markup=False, soft_wrap=True)
        raise typer.Exit(2) from error


def main() -> None:
    """Run the command line."""
    app()


def _version(asked: bool) -> None:
    if asked:
        _out.print(f"backrisk {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Tell the version.")
    ] = False,
) -> None:
    """Causal attribution of low back pain in runners. Decision support, not diagnosis."""


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder for the model and figures.")] = Path("out/demo"),
    seed: SeedOption = 1,
) -> None:
    """Tell the whole story on the packaged synthetic survey."""
    from backrisk.cli.demo import run

    with _sentences():
        run(out, seed, _out)


@app.command()
def simulate(
    out: Annotated[Path, typer.Option(help="The CSV file to write.")],
    graph: GraphOption = "runner",
    codebook: CodebookOption = None,
    n: Annotated[int, typer.Option("--n", help="Number of people.")] = 2000,
    seed: SeedOption = 1,
) -> None:
    """Write a synthetic survey: people drawn from the graph's documented truth."""
    from backrisk.posterior import simulate as draw
    from backrisk.survey import Codebook, load_codebook, packaged_codebooks

    with _sentences():
        chosen = load_graph(graph)
        if codebook is None:
            codebook = chosen.name if chosen.name in packaged_codebooks() else None
        book = Codebook.plain(chosen) if codebook is None else load_codebook(codebook, chosen)
        frame = draw(chosen, n, seed, codebook=book)
        write_text(out, frame.to_csv(index=False))
        _out.print(f"Wrote {n:,} synthetic runners to {out}.")


@app.command()
def validate(
    survey: SurveyFile,
    graph: GraphOption = "runner",
    codebook: CodebookOption = None,
    engine: EngineOption = None,
) -> None:
    """Check a survey against its codebook and show what is answered."""
    from backrisk.survey import read_survey, tabulate

    with _sentences():
        read = read_survey(survey, load_graph(graph), codebook, engine=engine)
        patterns = len(tabulate(read).weights)
        answered = ["not measured" if s == 0 else f"{100 * s:.0f} %" for s in read.answered]
        columns = {"node": list(read.graph.names), "answered": answered}
        show_table(f"{Path(survey).name}: {read.n:,} people", columns, _out)
        _out.print(f"{patterns:,} distinct patterns, codebook '{read.codebook.name}'. No problems.")
        if read.codebook.synthetic:
            _out.print("The codebook says that this survey is synthetic.")


@app.command()
def fit(
    survey: SurveyFile,
    out: Annotated[Path, typer.Option(help="The model file to write.")],
    graph: GraphOption = "runner",
    codebook: CodebookOption = None,
    seed: SeedOption = 1,
    draws: Annotated[int, typer.Option(help="Draws for each chain.")] = 1000,
    chains: Annotated[int, typer.Option(help="Number of chains.")] = 4,
    tune: Annotated[int, typer.Option(help="Adaptation steps for each chain.")] = 1000,
    sampler: Annotated[str, typer.Option(help="nutpie or pymc.")] = "nutpie",
    target_accept: Annotated[
        float, typer.Option(min=0.5, max=0.999, help="Acceptance that step sizes aim at.")
    ] = 0.8,
    cores: Annotated[int | None, typer.Option(min=1, help="Chains that run at once.")] = None,
    engine: EngineOption = None,
) -> None:
    """Fit a survey and save the model.

    Interrupted, it keeps its finished chains; the same command goes on from them.
    """
    from backrisk.survey import read_survey

    with _sentences():
        if not out.parent.is_dir():
            raise QueryError(f"{out} cannot be written: there is no folder '{out.parent}'.")
        if out.is_dir():
            raise QueryError(f"{out} cannot be written: it is a folder.")
        chosen = load_graph(graph)
        read = read_survey(survey, chosen, codebook, engine=engine)
        from backrisk.fitting import fit as sample

        kept = out.with_name(f"{out.name}.chains")
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
                keep=kept,
            )
        except KeyboardInterrupt:
            done = len(list(kept.glob("chain-*.nc"))) if kept.is_dir() else 0
            _err.print(_interrupted(done, chains, kept), style="yellow", soft_wrap=True)
            raise typer.Exit(130) from None
        posterior.save(out)
        show_diagnostics(posterior, _out)
        _out.print(f"Saved {posterior.draws:,} draws to {out}.")


def _interrupted(done: int, chains: int, kept: Path) -> str:
    if not done:
        return "Interrupted before any chain had finished: nothing is kept, a fit starts again."
    return (
        f"Interrupted: {done} of {chains} chains had finished and are kept in {kept}; the same "
        "command goes on from them, the others start again."
    )


@app.command()
def prior(
    graph: GraphOption = "runner",
    odds_ratio: Annotated[
        tuple[float, float] | None,
        typer.Option(help="Limits that hold the odds ratio with 90 %: prints the edge's prior."),
    ] = None,
    draws: Annotated[int, typer.Option(min=100, help="Draws of the prior.")] = 1000,
    seed: SeedOption = 1,
    format: FormatOption = Format.table,
) -> None:
    """Compare what a graph believes before any data with published figures."""
    with _sentences():
        if odds_ratio is not None:
            believed = Prior.from_odds_ratio(*odds_ratio)
            _out.print(f"prior: {{mean: {believed.mean:.3f}, sd: {believed.sd:.3f}}}", markup=False)
            return
        from backrisk.check import prior_associations, prior_margins

        chosen = load_graph(graph)
        margins = prior_margins(chosen, draws=draws, seed=seed)
        ratios = prior_associations(chosen, draws=draws, seed=seed)
        if format is Format.json:
            tables = {
                name: frame.astype(object).where(frame.notna(), None).to_dict(orient="records")
                for name, frame in (("margins", margins), ("odds_ratios", ratios))
            }
            print(json.dumps({"kind": "prior", **tables}, indent=2))
            return
        rows = margins.to_dict("records")
        columns = {"": [f"{row['node']}={row['state']}" for row in rows]}
        columns["prior"] = [share(row["mean"], row["low"], row["high"]) for row in rows]
        columns["published"] = [
            "-" if row["published"] != row["published"] else percent(row["published"])
            for row in rows
        ]
        columns["inside"] = [row["inside"] for row in rows]
        columns["a figure of"] = [row["what"] for row in rows]
        show_table("Margins", columns, _out, folded=("", "a figure of"))
        if len(ratios):
            rows = ratios.to_dict("records")
            columns = {
                "cause": [row["cause"] for row in rows],
                "implied": [
                    f"{row['implied']:.2f} ({row['low']:.2f} to {row['high']:.2f})" for row in rows
                ],
                "published": [f"{row['published']:.2f}" for row in rows],
                "inside": [row["inside"] for row in rows],
            }
            show_table("Odds ratios of pain", columns, _out)
        _out.print("Ranges are the 90 % equal-tailed interval of the prior.")


@app.command()
def check(
    model: ModelFile,
    survey: Annotated[
        str | None,
        typer.Argument(
            metavar="SURVEY", help="The survey, to compare with what the model predicts."
        ),
    ] = None,
    format: FormatOption = Format.table,
) -> None:
    """Judge a saved model: its sampling, what the data said, its predictions of a survey."""
    from backrisk.check import explain, learned, predicted_margins

    with _sentences():
        posterior = load_posterior(model)
        said = learned(posterior)
        failures = explain(posterior) if posterior.diagnostics.worst else None
        margins = None
        if survey is not None:
            from backrisk.survey import read_survey

            read = read_survey(survey, posterior.graph, posterior.codebook)
            margins = predicted_margins(posterior, read)
        if format is Format.json:
            report: dict[str, Any] = {
                "kind": "check",
                "diagnostics": {
                    "method": posterior.diagnostics.method,
                    "worst": {
                        name: None if value != value else value
                        for name, value in posterior.diagnostics.worst.items()
                    },
                    "warnings": list(posterior.diagnostics.warnings),
                    "cautions": list(posterior.diagnostics.cautions),
                },
                "learned": said.reset_index(names="node").to_dict(orient="records"),
            }
            if failures is not None:
                report["failures"] = failures.to_dict(orient="records")
            if margins is not None:
                report["margins"] = margins.to_dict(orient="records")
            print(json.dumps(report, indent=2))
            return
        show_diagnostics(posterior, _out)
        if failures is not None and len(failures):
            rows = failures.to_dict("records")
            columns = {
                "parameter": [row["parameter"] for row in rows],
                "R-hat": [f"{row['r_hat']:.3f}" for row in rows],
                "effective draws": [f"{row['ess']:.0f}" for row in rows],
                "why": [row["why"] for row in rows],
                "what to do": [row["what_to_do"] for row in rows],
            }
            show_table("What failed", columns, _out, folded=("parameter", "why", "what to do"))
        rows = said.reset_index(names="node").to_dict("records")
        columns = {
            "node": [row["node"] for row in rows],
            "answered": [f"{100 * row['answered']:.0f} %" for row in rows],
            "prior to posterior distance": [f"{row['distance']:.2f}" for row in rows],
            "reading": [row["reading"] for row in rows],
        }
        show_table("What the data said", columns, _out)
        if margins is not None:
            rows = margins.to_dict("records")
            columns = {
                "": [f"{row['node']}={row['state']}" for row in rows],
                "survey": [percent(row["survey"]) for row in rows],
                "model": [share(row["model"], row["low"], row["high"]) for row in rows],
            }
            show_table("Margins", columns, _out, folded=("",))


@app.command()
def serve(
    model: ModelFile,
    host: Annotated[str, typer.Option(help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8000,
    token: Annotated[
        str | None,
        typer.Option(
            envvar="BACKRISK_TOKEN",
            help="Asked of every question; needed where other machines can reach the host.",
        ),
    ] = None,
    allow_host: Annotated[
        list[str] | None, typer.Option(help="A name the server is reached by; may be repeated.")
    ] = None,
    draws: Annotated[int, typer.Option(min=1, help="Draws that every answer uses.")] = 1000,
) -> None:
    """Serve the clinician's page and the programming interface."""
    with _sentences():
        try:
            from backrisk.web import serve as run
        except ModuleNotFoundError as error:
            raise BackriskError(
                f"Serving needs {error.name}: pip install 'backrisk[web]'."
            ) from error
        run(
            model,
            host=host,
            port=port,
            token=token,
            hosts=allow_host or (),
            draws=draws,
            announce=lambda address: _out.print(f"{address} (stop with Ctrl+C)"),
        )


@app.command()
def risk(
    model: ModelFile,
    person: PersonFile,
    target: TargetOption = None,
    site: SiteOption = None,
    format: FormatOption = Format.table,
) -> None:
    """Tell how likely the target is for this person (seeing)."""
    from backrisk.queries import risk as ask

    with _sentences():
        show(ask(_model_at(model, site), read_json(person), target=target), format, _out)


@app.command()
def diagnose(
    model: ModelFile,
    person: PersonFile,
    site: SiteOption = None,
    format: FormatOption = Format.table,
) -> None:
    """Tell which state each unobserved node is likely in (seeing)."""
    from backrisk.queries import diagnose as ask

    with _sentences():
        show(ask(_model_at(model, site), read_json(person)), format, _out)


@app.command()
def intervene(
    model: ModelFile,
    person: PersonFile,
    do: DoOption,
    target: TargetOption = None,
    site: SiteOption = None,
    format: FormatOption = Format.table,
) -> None:
    """Tell what the risk would be if a node were set (doing)."""
    from backrisk.queries import intervene as ask

    with _sentences():
        answer = ask(_model_at(model, site), read_json(person), _read_do(do), target=target)
        show(answer, format, _out)


@app.command()
def counterfactual(
    model: ModelFile,
    person: PersonFile,
    do: DoOption,
    target: TargetOption = None,
    coupling: CouplingOption = "monotone",
    site: SiteOption = None,
    format: FormatOption = Format.table,
) -> None:
    """Tell what would have been for this very person (counterfactual)."""
    from backrisk.queries import counterfactual as ask

    with _sentences():
        answer = ask(
            _model_at(model, site),
            read_json(person),
            _read_do(do),
            target=target,
            coupling=coupling,
        )
        show(answer, format, _out)


@app.command()
def attribute(
    model: ModelFile,
    person: PersonFile,
    method: Annotated[
        str,
        typer.Option(
            help="necessity, sufficiency, necessity_and_sufficiency, shapley, pathways, diagnostic."
        ),
    ] = "necessity",
    level: Annotated[str, typer.Option(help="proximal or distal.")] = "proximal",
    cause: Annotated[
        list[str] | None, typer.Option(help="A cause, or a set as a+b; may be repeated.")
    ] = None,
    target: TargetOption = None,
    coupling: CouplingOption = "monotone",
    seed: SeedOption = 0,
    site: SiteOption = None,
    format: FormatOption = Format.table,
) -> None:
    """Tell which causes this person's outcome, or risk, goes back to."""
    from backrisk.queries import attribute as ask

    with _sentences():
        answer = ask(
            _model_at(model, site),
            read_json(person),
            cause or None,
            method=method,  # type: ignore[arg-type]  # checked there, with a suggestion
            level=level,  # type: ignore[arg-type]
            target=target,
            coupling=coupling,
            seed=seed,
        )
        show(answer, format, _out)


@app.command()
def mediate(
    model: ModelFile,
    person: PersonFile,
    cause: Annotated[str, typer.Option(help="The cause, set from its reference.")],
    mediator: Annotated[list[str], typer.Option(help="A mediator; may be repeated.")],
    to: Annotated[str | None, typer.Option(help="The state that the cause is set to.")] = None,
    target: TargetOption = None,
    site: SiteOption = None,
    format: FormatOption = Format.table,
) -> None:
    """Tell how much of a cause's effect goes through mediators (counterfactual)."""
    from backrisk.queries import mediate as ask

    with _sentences():
        answer = ask(
            _model_at(model, site), read_json(person), cause, mediator, target=target, to=to
        )
        show(answer, format, _out)


@app.command()
def score(
    model: ModelFile,
    cohort: Annotated[
        str,
        typer.Argument(
            metavar="COHORT",
            help="CSV, Parquet, or a DuckDB or SQLite file (file.duckdb::table).",
        ),
    ],
    out: Annotated[Path, typer.Option(help="The .parquet or .csv file to write.")],
    id: Annotated[
        list[str] | None, typer.Option(help="A column of the cohort to keep; may be repeated.")
    ] = None,
    target: TargetOption = None,
    cause: Annotated[list[str] | None, typer.Option(help="A cause; may be repeated.")] = None,
    level: Annotated[str, typer.Option(help="proximal or distal.")] = "proximal",
    action: Annotated[
        list[str] | None, typer.Option(help="node, or node=state; may be repeated.")
    ] = None,
    coupling: CouplingOption = "monotone",
    site: Annotated[
        str | None, typer.Option(help="The site of all, or 'new'; default the average.")
    ] = None,
    draws: Annotated[int | None, typer.Option(help="Use at most so many draws.")] = None,
    engine: Annotated[str, typer.Option(help="duckdb or spark.")] = "duckdb",
) -> None:
    """Score every person of a cohort: risk, leading cause, shares, best action.

    Exit code 0: all went well; 1: written, with problems listed beside; 2: nothing written.
    """
    from backrisk.cohort import score as ask

    with _sentences():
        done = ask(
            load_posterior(model).at_site(site),
            cohort,
            out,
            ids=id or (),
            target=target,
            causes=cause or None,
            level=level,
            actions=action or None,
            coupling=coupling,
            draws=draws,
            engine=engine,
        )
    _out.print(
        f"Scored {done.people:,} people ({done.profiles:,} distinct profiles, {done.draws:,} "
        f"draws) in {done.out}. Low and high: {INTERVAL_NAME}. {DISCLAIMER}",
        soft_wrap=True,
    )
    for warning in done.warnings:
        _out.print(f"Warning: {warning}", style="yellow", markup=False, soft_wrap=True)
    if done.listed is not None:
        found = "One problem" if done.problems == 1 else f"{done.problems:,} problems"
        _err.print(
            f"{found}, listed in {done.listed}; the rest is scored.",
            style="yellow",
            markup=False,
            soft_wrap=True,
        )
        raise typer.Exit(1)


@app.command()
def recommend(
    model: ModelFile,
    person: PersonFile,
    action: Annotated[
        list[str] | None, typer.Option(help="node, or node=state; may be repeated.")
    ] = None,
    cost: Annotated[
        list[str] | None, typer.Option(help="action=number, for every action; may be repeated.")
    ] = None,
    most: Annotated[int, typer.Option(help="Up to how many actions together.")] = 1,
    target: TargetOption = None,
    coupling: CouplingOption = "monotone",
    site: SiteOption = None,
    format: FormatOption = Format.table,
) -> None:
    """Rank what this person could change by how far it would lower the risk (counterfactual)."""
    from backrisk.queries import recommend as ask

    with _sentences():
        answer = ask(
            _model_at(model, site),
            read_json(person),
            actions=action or None,
            costs=_read_costs(cost) if cost else None,
            most=most,
            target=target,
            coupling=coupling,
        )
        show(answer, format, _out)


@app.command()
def ask_next(
    model: ModelFile,
    person: PersonFile,
    candidate: Annotated[
        list[str] | None, typer.Option(help="A node, item or column; may be repeated.")
    ] = None,
    target: TargetOption = None,
    coupling: CouplingOption = "monotone",
    site: SiteOption = None,
    format: FormatOption = Format.table,
) -> None:
    """Tell which unanswered question would tell most."""
    from backrisk.queries import ask_next as ask

    with _sentences():
        answer = ask(
            _model_at(model, site),
            read_json(person),
            candidates=candidate or None,
            target=target,
            coupling=coupling,
        )
        show(answer, format, _out)


@app.command()
def report(
    model: ModelFile,
    out: Annotated[
        Path,
        typer.Option(help="A person: .html, .pdf. A cohort: also .xlsx, .csv. A card: also .md."),
    ],
    person: Annotated[
        Path | None, typer.Option(help="A JSON file of one person's answers.")
    ] = None,
    cohort: Annotated[
        str | None, typer.Option(help="A survey of people; with --card, to judge the model by.")
    ] = None,
    card: Annotated[bool, typer.Option("--card", help="A model card after TRIPOD+AI.")] = False,
    target: TargetOption = None,
    group: Annotated[
        list[str] | None, typer.Option(help="A node to group a cohort by; may be repeated.")
    ] = None,
    draws: Annotated[
        int | None, typer.Option(min=1, help="At most so many draws; 200 for a cohort.")
    ] = None,
    date: Annotated[str | None, typer.Option(help="The date stated; default today.")] = None,
    templates: Annotated[
        Path | None, typer.Option(help="A folder of templates, sentences, logo of your own.")
    ] = None,
    site: SiteOption = None,
) -> None:
    """Write a report to hand on: of a person, of a cohort, or of the model itself."""
    from backrisk.report import DRAWS, model_card, report_cohort, report_person

    with _sentences():
        if group and (card or cohort is None):
            raise QueryError("--group is for the report of a cohort; leave it out.")
        posterior = _model_at(model, site)
        if card and person is None:
            model_card(posterior, out, survey=cohort, target=target, date=date, templates=templates)
        elif person is not None and cohort is None and not card:
            report_person(
                posterior,
                read_json(person),
                out,
                target=target,
                draws=draws,
                date=date,
                templates=templates,
            )
        elif cohort is not None and person is None:
            report_cohort(
                posterior,
                cohort,
                out,
                target=target,
                groups=group or None,
                draws=DRAWS if draws is None else draws,
                date=date,
                templates=templates,
            )
        else:
            raise QueryError("Give one of --person, --cohort and --card (which may take a cohort).")
        _out.print(f"Wrote {out}. {DISCLAIMER}", markup=False)


def _model_at(model: Path, site: str | None) -> Posterior:
    return load_posterior(model).at_site(site)


def _read_costs(settings: list[str]) -> dict[str, float]:
    costs = {}
    for setting in settings:
        action, _, cost = setting.rpartition("=")
        try:
            costs[action.strip()] = float(cost)
        except ValueError:
            action = ""
        if not action:
            raise QueryError(f"--cost {setting}: expected action=number, such as warm_up=2.")
    _demand_once("--cost", settings, costs)
    return costs


def _read_do(settings: list[str]) -> dict[str, str]:
    do = {}
    for setting in settings:
        node, equals, state = setting.partition("=")
        if not equals or not node or not state:
            raise QueryError(f"--do {setting}: expected node=state, such as core_strength=strong.")
        do[node.strip()] = state.strip()
    _demand_once("--do", settings, do)
    return do


def _demand_once(option: str, settings: list[str], read: Mapping[str, Any]) -> None:
    if len(read) < len(settings):
        raise QueryError(f"{option} names a node twice: {', '.join(settings)}.")
