"""Models to and from other tools, and completed surveys."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Annotated

import typer

from backrisk._files import demand_place, write
from backrisk.cli import console
from backrisk.cli.console import sentences
from backrisk.cli.options import (
    DecimalOption,
    DelimiterOption,
    EncodingOption,
    GlobOption,
    ModelFile,
    SeedOption,
    SiteOption,
    SurveyFile,
    model_at,
    read_as,
    tell_blank_rows,
)
from backrisk.cli.terminal import write_text
from backrisk.errors import PosteriorError, QueryError
from backrisk.words import choices, neutral, say

_DRAWINGS = (".dot", ".gv", ".mmd")


def export(
    model: ModelFile,
    out: Annotated[Path, typer.Argument(metavar="OUT", help=say("cli.export.out"))],
    draw: Annotated[int | None, typer.Option(min=0, help=say("cli.export.draw"))] = None,
    site: SiteOption = None,
) -> None:
    """Run `backrisk.save_network`, or `CausalGraph.to_dot` or `to_mermaid` for a drawing."""
    from backrisk.exchange import NETWORK_KINDS, lost, save_network

    with sentences():
        kind = out.suffix.lower()
        if kind not in (*NETWORK_KINDS, *_DRAWINGS):
            known = choices((*NETWORK_KINDS, *_DRAWINGS))
            raise QueryError(say("cli.export.kind", file=out.name, known=known))
        demand_place(out, QueryError, (model,))
        posterior = model_at(model, site)
        graph = posterior.graph
        teller = console.about(out)
        if kind in _DRAWINGS:
            if draw is not None:
                raise QueryError(say("cli.export.no_draw", file=out.name))
            write_text(out, graph.to_mermaid() if kind == ".mmd" else graph.to_dot(), (model,))
            told = say("cli.export.drawn", graph=graph.name, out=out)
            teller.print(told, markup=False)
            return
        save_network(posterior, out, draw=draw)
        for line in (
            say("cli.export.done", nodes=len(graph.nodes), out=out),
            *lost(posterior, draw),
        ):
            teller.print(line, markup=False)


def import_network(
    network: Annotated[Path, typer.Argument(metavar="NETWORK", help=say("cli.import.file"))],
    out: Annotated[Path, typer.Option(help=say("cli.import.out"))],
    graph: Annotated[str | None, typer.Option(help=say("cli.import.graph"))] = None,
    outcome: Annotated[str | None, typer.Option(help=say("cli.import.outcome"))] = None,
) -> None:
    """Run `backrisk.read_network` and save the model."""
    from backrisk.exchange import read_network
    from backrisk.graph import load_graph

    with sentences():
        demand_place(out, QueryError, (network, graph))
        known = None if graph is None else load_graph(graph)
        posterior = read_network(network, outcome=outcome, graph=known)
        posterior.save(out)
        read = posterior.graph
        told = say(
            "cli.import.done",
            network=network.name,
            nodes=len(read.nodes),
            edges=len(read.edges),
            outcome=read.outcome or "-",
            out=out,
        )
        for line in (told, *posterior.diagnostics.cautions):
            console.about(out).print(line, markup=False)


def impute(
    model: ModelFile,
    survey: SurveyFile,
    out: Annotated[Path, typer.Option(help=say("cli.impute.out"))],
    n: Annotated[int, typer.Option("--n", min=1, help=say("cli.impute.n"))] = 20,
    seed: SeedOption = 1,
    node: Annotated[list[str] | None, typer.Option(help=say("cli.impute.node"))] = None,
    encoding: EncodingOption = None,
    delimiter: DelimiterOption = None,
    decimal: DecimalOption = None,
    glob: GlobOption = False,
) -> None:
    """Run `backrisk.impute`."""
    from backrisk.cohort import read_cohort
    from backrisk.exchange import impute as complete
    from backrisk.posterior import load_posterior

    with sentences():
        kind = out.suffix.lower()
        if kind not in (".csv", ".parquet"):
            raise QueryError(say("cli.impute.kind", file=out.name))
        demand_place(out, QueryError, (model, survey))
        posterior = load_posterior(model)
        reading = read_as(encoding, delimiter, decimal, glob)
        read = read_cohort(posterior, survey, engine="pandas", **reading)
        tell_blank_rows(read.blank_rows)
        found = complete(posterior, read, n, seed=seed, nodes=node)
        if kind == ".csv":
            for name in found.columns[2:]:
                found[name] = found[name].cat.rename_categories(neutral)
            write_text(out, found.to_csv(index=False), (model, survey))
        else:
            held = io.BytesIO()
            found.to_parquet(held, index=False)
            write(out, held.getvalue(), PosteriorError, (model, survey))
        told = say("cli.impute.done", n=n, people=f"{read.n:,}", out=out)
        for line in (told, say("cli.impute.pool"), *posterior.warnings_about()):
            console.about(out).print(line, markup=False)
