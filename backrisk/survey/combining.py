"""What several visits within one slice, or several answers of a constant, come to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from backrisk.graph import CausalGraph, constants
from backrisk.survey.schema import REST, Contents, Visits
from backrisk.words import Said, say, suggest

Codes = NDArray[np.int8]
_ON_NUMBERS = ("mean", "sum")
_CLOSE = 9  # decimals to which a result counts: 0.7 and 0.1 are 0.8, which may be a cut point


def stated(book: Contents) -> Visits:
    """Return what a codebook says of reading over time; where it says nothing, what is left out."""
    return Visits() if book.panel is None else book.panel


def constant_names(book: Contents, graph: CausalGraph) -> frozenset[str]:
    """Return the columns and derived values that have one value for each person.

    Those that the codebook names, those that measure a constant of the graph or what another of
    them measures, and the inputs of nothing else.

    Parameters
    ----------
    book : Contents
        Checked against its graph.
    graph : CausalGraph
    """
    named = set(stated(book).constant)
    nodes = set(constants(graph))
    nodes |= {str(spec.measured) for name, spec in book.measures.items() if name in named}
    found = {name for name, spec in book.measures.items() if spec.measured in nodes}
    for column, spec in book.columns.items():
        uses = [name for name, derived in book.derived.items() if column in derived.from_]
        if spec.measured is None and (column in named or (uses and found.issuperset(uses))):
            found.add(column)
    return frozenset(found)


def template(book: Contents, graph: CausalGraph) -> CausalGraph:
    """Return a graph in which what a codebook says is constant, is.

    Raises
    ------
    GraphError
        A cause of it is not.
    """
    held = constant_names(book, graph)
    nodes = {str(spec.measured) for name, spec in book.measures.items() if name in held}
    changed = tuple(
        replace(node, constant=True) if node.name in nodes and not node.constant else node
        for node in graph.nodes
    )
    return graph if changed == graph.nodes else replace(graph, nodes=changed)


def contradictions(book: Contents, graph: CausalGraph, source: str) -> Iterator[Said]:
    """Say what a codebook states of reading over time that does not fit its columns.

    Parameters
    ----------
    book : Contents
        Whose measures fit the graph.
    graph : CausalGraph
    source : str
    """
    panel = book.panel
    if panel is None:
        return
    if panel.id is not None and panel.id == panel.time:
        yield say("survey.panel.id_is_time", source=source, column=panel.id)
    known = {**book.columns, **book.derived}
    for key, names in (("combine", panel.combine), ("constant", panel.constant)):
        for name in names:
            if name not in known and (key, name) != ("combine", REST):
                told = {"source": source, "key": key, "column": name, "near": suggest(name, known)}
                yield say("survey.panel.no_column", **told)
    held = constant_names(book, graph)
    for name, spec in known.items():
        rule, measured = panel.rule_of(name, name in held), spec.measured
        at = {"source": source, "column": name, "rule": rule}
        if measured is None:
            if name in panel.combine and (name not in held or rule not in ("first", "last")):
                yield say("survey.panel.rule_of_input", **at)
        elif rule in _ON_NUMBERS:
            if not spec.cuts:
                yield say("survey.panel.rule_of_numbers", **at)
            elif spec.asked_if is not None:
                yield say("survey.panel.rule_of_asked", **at)
            elif rule == "sum" and name in held:
                yield say("survey.panel.sum_of_constant", **at)
        elif rule == "worst" and measured in graph.names:
            node = graph.node(book.node_of(name) if spec.item is None else measured)
            if node.nominal and len(node.states) > 2:
                yield say("survey.panel.rule_of_order", **at, node=node.name)


def of_codes(
    rule: str, codes: Codes, keys: NDArray[np.int64], order: NDArray[np.int64], count: int
) -> Codes:
    """Return the code that those of each group come to; -1 where none of them is an answer.

    Parameters
    ----------
    rule : {"last", "first", "worst"}
    codes : ndarray of int8, shape (rows,)
        -1 is missing.
    keys : ndarray of int, shape (rows,)
        The group of each row.
    order : ndarray of int, shape (rows,)
        The rows in the order of their times.
    count : int
        Of the groups.

    Examples
    --------
    >>> codes, keys = np.array([2, 0, -1, 1], np.int8), np.array([0, 0, 0, 2])
    >>> of_codes("last", codes, keys, np.arange(4), 3).tolist()
    [0, -1, 1]
    """
    found = np.full(count, -1, np.int8)
    if rule == "worst":
        np.maximum.at(found, keys, codes)
        return found
    rows = order[codes[order] >= 0]
    if rule == "first":
        rows = rows[::-1]
    found[keys[rows]] = codes[rows]  # of several for one place, the last stays
    return found


def of_numbers(
    rule: str, numbers: NDArray[np.float64], keys: NDArray[np.int64], count: int
) -> NDArray[np.float64]:
    """Return the number that those of each group come to; NaN where there is none.

    Parameters
    ----------
    rule : {"mean", "sum"}
    numbers : ndarray of float, shape (rows,)
        NaN is missing.
    keys, count
        As in `of_codes`.

    Examples
    --------
    >>> of_numbers("mean", np.array([2.0, 3.0, np.nan]), np.array([0, 0, 1]), 2).tolist()
    [2.5, nan]
    """
    there = np.isfinite(numbers)
    sums = np.bincount(keys[there], numbers[there], count)
    sizes = np.bincount(keys[there], minlength=count)
    found = sums / np.maximum(sizes, 1) if rule == "mean" else sums
    return np.where(sizes > 0, np.round(found, _CLOSE), np.nan)
