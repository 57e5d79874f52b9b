"""Graphs that come with the package, and graphs read from files."""

from __future__ import annotations

import json
import os
from importlib.resources import files
from pathlib import Path
from typing import Any

from backrisk import _json, _yaml
from backrisk._arguments import checked
from backrisk.errors import GraphError
from backrisk.graph.arrows import is_dagitty
from backrisk.graph.graph import CausalGraph
from backrisk.words import choices, say, suggest, unreadable

_DRAWN = (".txt", ".dag", ".dagitty")


@checked()
def load_graph(name_or_path: str | Path) -> CausalGraph:
    """Load a packaged graph by name, or a graph from a file.

    Parameters
    ----------
    name_or_path : str or Path
        ``"runner"``, ``"runner_core"``, ``"athletes"``, or the path of a file: of YAML; of JSON
        (``.json``); or with arrows (``.txt``, ``.dag``), in lines as `CausalGraph.from_text` reads
        them or in the text of DAGitty. A set of published figures that a file of YAML or JSON
        names is looked for in its folder, then in the package.

    Returns
    -------
    CausalGraph

    Raises
    ------
    GraphError
        If the file cannot be read or does not hold a valid graph; with every mistake of it.

    Examples
    --------
    >>> load_graph("runner_core").outcome
    'pain'
    """
    known = packaged_graphs()
    if str(name_or_path) in known:
        place = files("backrisk.graph") / "data" / f"{name_or_path}.yaml"
        return CausalGraph.from_dict(_yaml.read(place), str(name_or_path))
    if not os.path.isfile(name_or_path):
        raise GraphError(
            say(
                "graph.no_graph",
                name=name_or_path,
                suggestion=suggest(name_or_path, known),
                known=choices(known),
            )
        )
    path = Path(name_or_path)
    source = str(path)
    try:
        text = _yaml.contents(path)
        if path.suffix.lower() in _DRAWN:
            return _drawn(text, path)
        parse = _json.parse if path.suffix.lower() == ".json" else _yaml.parse
        return CausalGraph.from_dict(parse(text), source, path.parent)
    except OSError as error:
        raise GraphError(say("graph.not_text", source=source, why=error)) from error
    except _yaml.Unreadable as error:
        raise GraphError(unreadable(error, source)) from error


def packaged_graphs() -> tuple[str, ...]:
    """Return the names of the graphs that come with the package.

    Returns
    -------
    tuple of str

    Examples
    --------
    >>> packaged_graphs()
    ('athletes', 'runner', 'runner_core')
    """
    folder = files("backrisk.graph") / "data"
    return tuple(
        sorted(entry.name[:-5] for entry in folder.iterdir() if entry.name.endswith(".yaml"))
    )


def _drawn(text: str, path: Path) -> CausalGraph:
    """Read a graph with arrows; it is called what DAGitty calls it, else as its file."""
    if is_dagitty(text):
        graph = CausalGraph.from_dagitty(text)
        return graph if graph.name != "graph" else CausalGraph.from_dagitty(text, name=path.stem)
    return CausalGraph.from_text(text, name=path.stem)


def graph_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a graph's YAML.

    It says of every key what it means and what it takes. Whether the parts of a graph fit each
    other is checked by `load_graph`.

    Returns
    -------
    dict
        As it stands in ``backrisk/graph/data/graph.schema.json``.

    Examples
    --------
    >>> schema = graph_schema()
    >>> schema["required"], schema["$defs"]["Edge"]["required"]
    (['nodes'], ['cause', 'effect', 'claim', 'grade'])
    """
    path = files("backrisk.graph") / "data" / "graph.schema.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found
