"""Graphs that come with the package, and graphs read from YAML files."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

from backrisk import _yaml
from backrisk._arguments import checked
from backrisk.errors import GraphError
from backrisk.graph.graph import CausalGraph
from backrisk.words import choices, say, suggest


@checked()
def load_graph(name_or_path: str | Path) -> CausalGraph:
    """Load a packaged graph by name, or a graph from a YAML file.

    Parameters
    ----------
    name_or_path : str or Path
        ``"runner"``, ``"runner_core"``, or the path of a file. A set of published figures that
        the file names is looked for in its folder, then in the package.

    Returns
    -------
    CausalGraph

    Raises
    ------
    GraphError
        If the file cannot be read or does not hold a valid graph.

    Examples
    --------
    >>> load_graph("runner_core").outcome
    'pain'
    """
    packaged = files("backrisk.graph") / "data" / f"{name_or_path}.yaml"
    path = Path(name_or_path)
    folder = None
    if packaged.is_file():
        text, source = packaged.read_text(encoding="utf-8"), str(name_or_path)
    elif path.is_file():
        source, folder = str(path), path.parent
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise GraphError(say("graph.not_text", source=source, why=error)) from error
    else:
        known = packaged_graphs()
        raise GraphError(
            say(
                "graph.no_graph",
                name=name_or_path,
                suggestion=suggest(name_or_path, known),
                known=choices(known),
            )
        )
    return CausalGraph.from_dict(_parse(text, source), source, folder)


def packaged_graphs() -> tuple[str, ...]:
    """Return the names of the graphs that come with the package.

    Returns
    -------
    tuple of str

    Examples
    --------
    >>> packaged_graphs()
    ('runner', 'runner_core')
    """
    folder = files("backrisk.graph") / "data"
    return tuple(
        sorted(entry.name[:-5] for entry in folder.iterdir() if entry.name.endswith(".yaml"))
    )


def _parse(text: str, source: str) -> Any:
    """Parse YAML safely.

    Raises
    ------
    GraphError
        Naming the source and the place.
    """
    try:
        return _yaml.parse(text)
    except _yaml.RepeatedKey as error:
        raise GraphError(
            say("graph.repeated_key", source=source, key=error.key, line=error.line)
        ) from error
    except _yaml.YAMLError as error:
        why = " ".join(str(error).split())
        raise GraphError(say("graph.not_yaml", source=source, why=why)) from error
