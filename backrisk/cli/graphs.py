"""Graphs from one form to another, and the schemas of what a user writes."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from backrisk._files import demand_place
from backrisk.cli import console
from backrisk.cli.console import sentences
from backrisk.cli.terminal import write_text
from backrisk.errors import QueryError
from backrisk.words import say


class Form(StrEnum):
    """A form that a graph is written in."""

    yaml = "yaml"
    json = "json"
    dagitty = "dagitty"
    dot = "dot"
    mermaid = "mermaid"


class Kind(StrEnum):
    """What a schema describes."""

    graph = "graph"
    codebook = "codebook"


def graph(
    graph: Annotated[str, typer.Argument(metavar="GRAPH", help=say("cli.options.graph"))],
    to: Annotated[Form, typer.Option(help=say("cli.graph.to"))] = Form.yaml,
    out: Annotated[Path | None, typer.Option(help=say("cli.graph.out"))] = None,
) -> None:
    """Run `backrisk.load_graph`, then `to_yaml`, `to_dict` or what else writes a graph."""
    from backrisk.graph import load_graph

    with sentences():
        if out is not None:
            demand_place(out, QueryError, (graph,))
        read = load_graph(graph)
        if to is Form.json:
            text = json.dumps(read.to_dict(), indent=2, ensure_ascii=False) + "\n"
        else:
            writers = {
                Form.yaml: read.to_yaml,
                Form.dagitty: read.to_dagitty,
                Form.dot: read.to_dot,
                Form.mermaid: read.to_mermaid,
            }
            text = writers[to]()
        counts = {"graph": read.name, "nodes": len(read.nodes), "edges": len(read.edges)}
        _give(text, out, say("cli.graph.done", **counts, out=out), graph)


def schema(
    of: Annotated[Kind, typer.Argument(metavar="KIND", help=say("cli.schema.of"))],
    out: Annotated[Path | None, typer.Option(help=say("cli.schema.out"))] = None,
) -> None:
    """Print `backrisk.graph.graph_schema` or `backrisk.survey.codebook_schema`."""
    from backrisk.graph import graph_schema

    with sentences():
        if of is Kind.graph:
            found = graph_schema()
        else:
            from backrisk.survey import codebook_schema

            found = codebook_schema()
        text = json.dumps(found, indent=2, ensure_ascii=False) + "\n"
        _give(text, out, say("cli.schema.done", out=out))


def _give(text: str, out: Path | None, done: str, *inputs: str) -> None:
    """Write a text to a file and say so, or print it as it is."""
    if out is None:
        print(text, end="")
        return
    write_text(out, text, inputs)
    console.about(out).print(done, markup=False)
