"""Published figures about a graph: what was studied, in whom, comparing which states.

A set of them stands in two CSV files, ``NAME_evidence.csv`` (associations) and
``NAME_prevalence.csv`` (shares), whose columns are the fields of `Figure` and `Prevalence`. The
graph's YAML names the set under ``figures``; the files stand beside it, or come with the package.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, fields, replace
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from backrisk.errors import GraphError
from backrisk.graph.elements import DESIGNS, GRADES, MEASURES, Figure, Node, Prevalence
from backrisk.words import choices, say, suggest

PUBLISHED = {"figures": "_evidence.csv", "prevalences": "_prevalence.csv"}
_BETWEEN = " or "  # between states that a cell names together

_KINDS: dict[str, type[Figure] | type[Prevalence]] = {"figures": Figure, "prevalences": Prevalence}
_LISTS = {"reference": _BETWEEN, "exposed": _BETWEEN, "states": _BETWEEN, "adjusted_for": None}
_NUMBERS = ("estimate", "low", "high", "share")
_COUNTS = ("n", "count")


def packaged_figures() -> tuple[str, ...]:
    """Return the names of the sets of published figures that come with the package."""
    found = (entry.name for entry in (files("backrisk.graph") / "data").iterdir())
    suffix = PUBLISHED["figures"]
    return tuple(sorted(name.removesuffix(suffix) for name in found if name.endswith(suffix)))


def read_published(
    name: str, nodes: Sequence[Node], folder: Traversable | None, source: str
) -> dict[str, tuple[Any, ...]]:
    """Read a set of published figures.

    Parameters
    ----------
    name : str
        Of the set: files in the folder, else of the package.
    nodes : sequence of Node
        Of the graph. A set of the package serves several graphs, so that what it has on nodes or
        states that this one lacks is left out; one beside the graph's own file is held to it.
    folder : Traversable, optional
        Where the graph's own file is.
    source : str
        What to call the graph in an error.

    Returns
    -------
    dict
        ``figures`` and ``prevalences``, each a tuple.

    Raises
    ------
    GraphError
        Naming the file, row, column and value, or that there is no such set.
    """
    by_name = {node.name: node for node in nodes}
    found: dict[str, tuple[Any, ...]] = {}
    for key, suffix in PUBLISHED.items():
        own = None if folder is None else folder / f"{name}{suffix}"
        if own is not None and own.is_file():
            rows = [(at, read_entry(key, row, at)) for at, row in _rows(own)]
            for at, entry in rows:
                check_entry(entry, by_name, at)
            found[key] = tuple(entry for _, entry in rows)
    if not found and name not in packaged_figures():
        at, known = str(say("graph.at", graph=source)), choices(packaged_figures())
        raise GraphError(say("graph.no_figures", at=at, name=name, known=known))
    if not found:
        for key, suffix in PUBLISHED.items():
            place = files("backrisk.graph") / "data" / f"{name}{suffix}"
            entries = [read_entry(key, row, at) for at, row in _rows(place)]
            cut = (_cut(entry, by_name) for entry in entries)
            found[key] = tuple(entry for entry in cut if _fits(entry, by_name))
    return found


def _rows(place: Traversable) -> Iterable[tuple[str, dict[str, str]]]:
    """Yield where each row is, and its cells that are not empty."""
    try:
        text = place.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise GraphError(say("graph.not_text", source=place.name, why=error)) from error
    reader = csv.DictReader(io.StringIO(text, newline=""), restkey="", restval="")
    for number, row in enumerate(reader, start=2):
        at = str(say("graph.at_row", file=place.name, row=number))
        if "" in row:
            raise GraphError(say("graph.row_width", at=at, columns=len(reader.fieldnames or ())))
        yield at, {key.strip(): cell.strip() for key, cell in row.items() if cell.strip()}


def read_entry(kind: str, entry: Any, at: str) -> Figure | Prevalence:
    """Read a figure or a prevalence: cells of text, or the plain form of a saved graph.

    Parameters
    ----------
    kind : str
        ``figures`` or ``prevalences``.
    entry : mapping
        The fields that are stated.
    at : str
        Where it stands, for an error.

    Returns
    -------
    Figure or Prevalence

    Raises
    ------
    GraphError
        Naming the place, the column and the value.
    """
    made = _KINDS[kind]
    if not isinstance(entry, Mapping):
        raise GraphError(say("graph.not_published", at=at, value=repr(entry)))
    known = {key.name: key for key in fields(made)}
    for key in entry:
        if key not in known:
            near = suggest(str(key), known)
            raise GraphError(say("graph.unknown_column", at=at, column=key, suggestion=near))
    for name, key in known.items():
        if key.default is MISSING and name not in entry:
            raise GraphError(say("graph.column_needed", at=at, column=name))
    return made(**{key: _value(key, entry[key], at) for key in known if key in entry})


def _value(key: str, given: Any, at: str) -> Any:
    if key in _LISTS:
        parts = given.split(_LISTS[key]) if isinstance(given, str) else given
        if not isinstance(parts, Sequence):
            raise _unreadable(key, given, "list", at)
        return tuple(str(part).strip() for part in parts)
    if key == "condition":
        words: dict[Any, bool] = {"yes": True, "no": False, True: True, False: False}
        if given not in words:
            raise _unreadable(key, given, "truth", at)
        return words[given]
    kinds: dict[str, Callable[[Any], Any]] = dict.fromkeys(_NUMBERS, float)
    kinds |= dict.fromkeys(_COUNTS, int)
    if key not in kinds:
        return str(given)
    try:
        number = kinds[key](given)
    except (TypeError, ValueError):
        raise _unreadable(key, given, "count" if key in _COUNTS else "number", at) from None
    if not math.isfinite(number):
        raise _unreadable(key, given, "number", at)
    return number


def _unreadable(column: str, value: Any, expected: str, at: str) -> GraphError:
    wanted = say(f"graph.expected_in_column.{expected}")
    return GraphError(say("graph.column", at=at, column=column, value=value, expected=wanted))


def check_entry(entry: Figure | Prevalence, by_name: Mapping[str, Node], at: str) -> None:
    """Hold a figure or a prevalence to the nodes of a graph, and to itself.

    Raises
    ------
    GraphError
        Naming the place, the column and the value.
    """
    if isinstance(entry, Prevalence):
        _known("node", entry.node, by_name, at)
        _known_states("states", entry.states, by_name[entry.node], at)
        if not entry.states or not 0 <= entry.share <= 1:
            raise _unreadable("share", entry.share, "share", at)
        return
    for column in ("cause", "effect"):
        _known(column, getattr(entry, column), by_name, at)
    for name in entry.adjusted_for:
        _known("adjusted_for", name, by_name, at)
    for column, known in (("measure", MEASURES), ("design", DESIGNS), ("grade", GRADES)):
        _known(column, getattr(entry, column), known, at)
    for column in ("reference", "exposed"):
        _known_states(column, getattr(entry, column), by_name[entry.cause], at)
    for state in entry.exposed:
        if state in entry.reference:
            raise _unreadable("exposed", state, "other_state", at)
    if entry.event:
        node, _, state = entry.event.partition(">=")
        if node.strip() != entry.effect or not state:
            raise _unreadable("event", entry.event, "event", at)
        _known_states("event", (state.strip(),), by_name[entry.effect], at)
    stated = {key: getattr(entry, key) for key in ("low", "estimate", "high")}
    numbers = [value for value in stated.values() if value is not None]
    if entry.measure != "other":
        for column, value in stated.items():
            if value is not None and value <= 0:
                raise _unreadable(column, value, "ratio", at)
    if numbers != sorted(numbers) or (entry.low is None) != (entry.high is None):
        raise _unreadable("low", entry.low, "interval", at)
    if entry.condition:
        _check_condition(entry, at)


def _check_condition(entry: Figure, at: str) -> None:
    if entry.measure == "other":
        raise _unreadable("measure", entry.measure, "ratio_measure", at)
    for column in ("estimate", "low", "reference", "exposed", "event"):
        if not getattr(entry, column):
            raise GraphError(say("graph.condition_needs", at=at, column=column))


def _known(column: str, value: str, known: Iterable[str], at: str) -> None:
    if value not in known:
        names = list(known)
        raise GraphError(
            say(
                "graph.unknown_in_column",
                at=at,
                column=column,
                value=value,
                suggestion=suggest(value, names),
                choices=choices(names),
            )
        )


def _known_states(column: str, states: Iterable[str], node: Node, at: str) -> None:
    for state in states:
        _known(column, state, node.states, at)


def _cut(entry: Figure | Prevalence, by_name: Mapping[str, Node]) -> Figure | Prevalence:
    """Leave out covariates that a graph does not have: in it there is nothing to adjust for."""
    if isinstance(entry, Prevalence):
        return entry
    return replace(entry, adjusted_for=tuple(n for n in entry.adjusted_for if n in by_name))


def _fits(entry: Figure | Prevalence, by_name: Mapping[str, Node]) -> bool:
    """Whether a graph has the nodes and states that a packaged figure is about."""
    try:
        check_entry(entry, by_name, "")
    except GraphError:
        return False
    return True
