"""Published figures about a graph: what was studied, in whom, comparing which states.

A set of them stands in two CSV files, ``NAME_evidence.csv`` (associations) and
``NAME_prevalence.csv`` (shares), whose columns are the fields of `Figure` and `Prevalence`. The
graph's YAML names the set under ``figures``; the files stand beside it, or come with the package.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, fields, replace
from importlib.resources import files
from importlib.resources.abc import Traversable
from textwrap import shorten
from typing import Any

from backrisk._yaml import Unreadable, contents
from backrisk.errors import GraphError
from backrisk.graph.elements import DESIGNS, GRADES, MEASURES, Figure, Node, Prevalence
from backrisk.graph.problems import failure, near, shown
from backrisk.words import Said, choices, say, unreadable

PUBLISHED = {"figures": "_evidence.csv", "prevalences": "_prevalence.csv"}
_BETWEEN = " or "  # between states that a cell names together

_KINDS: dict[str, type[Figure] | type[Prevalence]] = {"figures": Figure, "prevalences": Prevalence}
_LISTS = {"reference": _BETWEEN, "exposed": _BETWEEN, "states": _BETWEEN, "adjusted_for": None}
_NUMBERS = ("estimate", "low", "high", "share")
_COUNTS = ("n", "count")
_WIDE = 60  # characters of a wrong value that are shown


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
    problems: list[str] = []
    for key, suffix in PUBLISHED.items():
        own = None if folder is None or not name.isprintable() else folder / f"{name}{suffix}"
        if own is not None and own.name == f"{name}{suffix}" and _is_file(own):
            found[key] = tuple(_entries(key, own, by_name, problems))
    if error := failure(source, problems):
        raise error
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


def _is_file(place: Traversable) -> bool:
    try:
        return place.is_file()
    except (OSError, ValueError):  # a name too long for the system
        return False


def _entries(
    key: str, place: Traversable, by_name: Mapping[str, Node], problems: list[str]
) -> Iterator[Figure | Prevalence]:
    """Yield the entries of a user's own file; what is wrong with any goes into `problems`."""
    for at, row in _rows(place):
        try:
            entry = read_entry(key, row, at)
        except GraphError as error:
            problems += error.problems
            continue
        problems += entry_problems(entry, by_name, at)
        yield entry


def _rows(place: Traversable) -> Iterable[tuple[str, dict[str, str]]]:
    """Yield where each row is, and its cells that are not empty."""
    try:
        text = contents(place)
    except OSError as error:
        raise GraphError(say("graph.not_text", source=place.name, why=error)) from error
    except Unreadable as error:
        raise GraphError(unreadable(error, place.name)) from error
    reader = csv.DictReader(io.StringIO(text, newline=""), restkey="", restval="")
    try:
        rows = list(reader)
    except csv.Error as error:
        raise GraphError(say("graph.not_csv", source=place.name, why=error)) from error
    for number, row in enumerate(rows, start=2):
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
        raise GraphError(say("graph.not_published", at=at, value=shown(entry)))
    known = {key.name: key for key in fields(made)}
    for key in entry:
        if key not in known:
            hint = near(key, known)
            raise GraphError(say("graph.unknown_column", at=at, column=key, suggestion=hint))
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
        if not isinstance(given, str | bool) or given not in words:
            raise _unreadable(key, given, "truth", at)
        return words[given]
    kinds: dict[str, Callable[[Any], Any]] = dict.fromkeys(_NUMBERS, float)
    kinds |= dict.fromkeys(_COUNTS, int)
    if key not in kinds:
        return str(given)
    try:
        number = kinds[key](given)
    except (TypeError, ValueError, OverflowError):
        raise _unreadable(key, given, "count" if key in _COUNTS else "number", at) from None
    if not math.isfinite(number):
        raise _unreadable(key, given, "number", at)
    return number


def _told(column: str, value: Any, expected: str, at: str) -> Said:
    wanted = say(f"graph.expected_in_column.{expected}")
    told = shorten(str(value), _WIDE, placeholder="...")
    return say("graph.column", at=at, column=column, value=told, expected=wanted)


def _unreadable(column: str, value: Any, expected: str, at: str) -> GraphError:
    return GraphError(_told(column, value, expected, at))


def entry_problems(
    entry: Figure | Prevalence,
    by_name: Mapping[str, Node],
    at: str,
    unread: Collection[str] = (),
) -> Iterator[Said]:
    """Yield what is wrong with a figure or a prevalence, by the nodes of a graph and by itself.

    Parameters
    ----------
    entry : Figure or Prevalence
    by_name : mapping of name to Node
    at : str
        Where it stands.
    unread : collection of str
        Names of further nodes, whose states are not known.
    """
    known = dict.fromkeys((*by_name, *unread))
    if isinstance(entry, Prevalence):
        yield from _unknown("node", entry.node, known, at)
        yield from _unknown_states("states", entry.states, by_name.get(entry.node), at)
        if not entry.states or not 0 <= entry.share <= 1:
            yield _told("share", entry.share, "share", at)
        return
    for column in ("cause", "effect"):
        yield from _unknown(column, getattr(entry, column), known, at)
    for name in entry.adjusted_for:
        yield from _unknown("adjusted_for", name, known, at)
    for column, choice in (("measure", MEASURES), ("design", DESIGNS), ("grade", GRADES)):
        yield from _unknown(column, getattr(entry, column), choice, at)
    for column in ("reference", "exposed"):
        yield from _unknown_states(column, getattr(entry, column), by_name.get(entry.cause), at)
    for state in entry.exposed:
        if state in entry.reference:
            yield _told("exposed", state, "other_state", at)
    if entry.event:
        node, _, state = entry.event.partition(">=")
        if node != entry.effect or not state:
            yield _told("event", entry.event, "event", at)
        else:
            yield from _unknown_states("event", (state,), by_name.get(entry.effect), at)
    stated = {key: getattr(entry, key) for key in ("low", "estimate", "high")}
    numbers = [value for value in stated.values() if value is not None]
    if entry.measure != "other":
        for column, value in stated.items():
            if value is not None and value <= 0:
                yield _told(column, value, "ratio", at)
    if numbers != sorted(numbers) or (entry.low is None) != (entry.high is None):
        yield _told("low", entry.low, "interval", at)
    if entry.condition and entry.measure == "other":
        yield _told("measure", entry.measure, "ratio_measure", at)
    for column in ("estimate", "low", "reference", "exposed", "event") if entry.condition else ():
        if not getattr(entry, column):
            yield say("graph.condition_needs", at=at, column=column)


def _unknown(column: str, value: str, known: Iterable[str], at: str) -> Iterator[Said]:
    names = list(known)
    if value not in names:
        yield say(
            "graph.unknown_in_column",
            at=at,
            column=column,
            value=value,
            suggestion=near(value, names),
            choices=choices(names),
        )


def _unknown_states(
    column: str, states: Iterable[str], node: Node | None, at: str
) -> Iterator[Said]:
    if node is not None:
        for state in states:
            yield from _unknown(column, state, node.states, at)


def _cut(entry: Figure | Prevalence, by_name: Mapping[str, Node]) -> Figure | Prevalence:
    """Leave out covariates that a graph does not have: in it there is nothing to adjust for."""
    if isinstance(entry, Prevalence):
        return entry
    return replace(entry, adjusted_for=tuple(n for n in entry.adjusted_for if n in by_name))


def _fits(entry: Figure | Prevalence, by_name: Mapping[str, Node]) -> bool:
    """Whether a graph has the nodes and states that a packaged figure is about."""
    return next(entry_problems(entry, by_name, ""), None) is None
