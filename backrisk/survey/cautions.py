"""What a survey's reader should know though nothing is wrong: told, and never silently mended."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from backrisk.graph import CausalGraph
from backrisk.survey.census import Census
from backrisk.survey.dead_rules import dead_rules
from backrisk.survey.schema import Contents
from backrisk.survey.skips import find_skips
from backrisk.words import Said, bare_name, listed, say

PLAIN = "plain"  # the name of the codebook of a table of nodes and labels
WEIGHT = "weight"  # a column that a plain table is often weighted by
_SHOWN = 8  # names that a sentence lists


def unread(book: Contents, columns: Iterable[str]) -> tuple[str, ...]:
    """Return the columns of a table of which nothing is read."""
    used = {*book.columns, book.site, book.weight}
    if book.one_row_per is not None:
        used |= {book.one_row_per.column, book.one_row_per.by}
    if book.design is not None:
        used |= {book.design.set, book.design.person}
    return tuple(name for name in columns if name not in used)


def answer_cautions(
    book: Contents,
    graph: CausalGraph,
    codes: NDArray[np.integer],
    people: NDArray[np.integer] | None,
    census: Census,
) -> tuple[Said, ...]:
    """Return what bears on every answer of a model that is fitted to a survey.

    Rules that can never match, values that nobody has, questions that were skipped after certain
    answers to another, and a column of weights that is not read.

    Parameters
    ----------
    book : Contents
        Checked against its graph.
    graph : CausalGraph
        Extended by the codebook's items.
    codes : ndarray of int, shape (rows, nodes)
    people : ndarray of int, shape (rows,), optional
    census : Census
    """
    found = [*dead_rules(book), *_impossible(book, census), *_skips(book, graph, codes, people)]
    left = unread(book, census.columns)
    if WEIGHT in left and book.weight is None and (book.takes_rest or book.name == PLAIN):
        found.append(say("survey.cautions.weight", column=WEIGHT))
    return tuple(found)


def table_cautions(book: Contents, census: Census) -> tuple[Said, ...]:
    """Return what bears on the table alone: labels that no row uses, and columns left unread.

    Parameters
    ----------
    book : Contents
    census : Census
    """
    found = []
    unused = {
        name: [label for label, count in counts.items() if not count]
        for name, counts in census.labels.items()
    }
    told = [
        say(
            "survey.cautions.labels_of",
            column=name,
            labels=_few(say("phrases.quoted", text=label) for label in labels),
        )
        for name, labels in unused.items()
        if labels
    ]
    if told:
        found.append(say("survey.cautions.unused", labels=say("phrases.semicolon").join(told)))
    left = unread(book, census.columns)
    lacking = {bare_name(name): name for name in book.columns if name not in census.columns}
    found += [
        say("survey.cautions.near", column=name, known=lacking[bare_name(name)])
        for name in left
        if bare_name(name) in lacking
    ]
    return tuple(found)


def _few(names: Iterable[str]) -> str:
    """List names, the first few of them where they are many."""
    every = list(names)
    shown = every[:_SHOWN]
    if len(every) > _SHOWN:
        shown.append(say("survey.cautions.others", count=len(every) - _SHOWN))
    return listed(shown)


def _impossible(book: Contents, census: Census) -> list[Said]:
    found = []
    for name, bad in census.impossible.items():
        spec = book.derived[name]
        said = [
            say(
                "survey.cautions.input_in" if unit else "survey.cautions.input",
                input=column,
                unit=unit,
            )
            for column in spec.from_
            for unit in (book.columns[column].unit,)
        ]
        one = bad.least == bad.largest
        found.append(
            say(
                "survey.cautions.impossible_one" if one else "survey.cautions.impossible",
                name=name,
                count=bad.rows,
                least=f"{bad.least:.4g}",
                largest=f"{bad.largest:.4g}",
                inputs=listed(said),
            )
        )
    return found


def _skips(
    book: Contents,
    graph: CausalGraph,
    codes: NDArray[np.integer],
    people: NDArray[np.integer] | None,
) -> list[Said]:
    places = {name: graph.names.index(book.node_of(name)) for name in book.measures}
    sizes = {name: len(graph.nodes[place].states) for name, place in places.items()}
    known = [
        name
        for name, spec in book.measures.items()
        for each in (spec, *(book.columns.get(c) for c in getattr(spec, "from_", ())))
        if each is not None and each.asked_if is not None
    ]
    found = []
    for skip in find_skips(codes, people, places, sizes, known):
        states = graph.nodes[places[skip.gate]].states
        told = listed(say("phrases.quoted", text=states[code]) for code in skip.blank)
        found.append(
            say(
                "survey.cautions.skipped",
                column=skip.measure,
                gate=skip.gate,
                states=told,
                count=skip.people,
            )
        )
    return found
