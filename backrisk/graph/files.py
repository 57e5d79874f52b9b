"""Graphs that come with the package, and graphs read from YAML files."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backrisk import _yaml
from backrisk.errors import GraphError, suggest

if TYPE_CHECKING:
    pass
from backrisk.graph.graph import CausalGraph


def load_graph(name_or_path: str | Path) -> CausalGraph:
    """Load a packaged graph by name, or a graph from a YAML file.

    Parameters
    ----------
    name_or_path : str or Path
        ``"runner"``, ``"runner_core"``, or the path of a file.

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
    if packaged.is_file():
        text, source = packaged.read_text(encoding="utf-8"), str(name_or_path)
    elif path.is_file():
        source = str(path)
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise GraphError(f"{source}: cannot be read as UTF-8 text ({error}).") from error
    else:
        raise GraphError(
            f"No graph '{name_or_path}'{suggest(name_or_path, packaged_graphs())}; expected one of "
            f"{', '.join(packaged_graphs())}, or the path of a YAML file."
        )
    return CausalGraph.from_dict(_parse(text, source), source)


def packaged_graphs() -> tuple[str, ...]:
    """Return the names of the graphs that come with the package."""
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
    except _yaml.YAMLError as error:
        where = " ".join(str(error).split())
        raise GraphError(f"{source}: not valid YAML: {where}.") from error
