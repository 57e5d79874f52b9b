"""What a survey's reader should know though nothing is wrong: told, and never silently mended."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from backrisk.graph import CausalGraph
from backrisk.survey.census import Census
from backrisk.survey.dead_rules import dead_rules
from backrisk.survey.schema import Contents, Derived
from backrisk.survey.skips import find_skips
from backrisk.words import Said, bare_name, listed, say

PLAIN = "plain"  # the name of the codebook of a table of nodes and labels
WEIGHT = "weight"  # a column that a plain table is often weighted by
_SHOWN = 8  # names that a sentence lists
_SOME = 20  # people from which their middle says something
_GROUPS = {"bmi": (16.0, 40.0)}  # between which the median of a group of people lies


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

    Rules that can never match, or match nobody; values that nobody has, or that look like codes for
    no answer; questions that were skipped after certain answers to another, and a column of weights
    that is not read.

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
    dead = dead_rules(book)
    found = [*dead, *_unmet(book, census, dead), *_impossible(book, census)]
    found += [*_unlikely(book, census), *_apart(census), *_parts_of_one(census)]
    found += [*_skips(book, graph, codes, people)]
    left = unread(book, census.columns)
    if WEIGHT in left and book.weight is None and (book.takes_rest or book.name == PLAIN):
        found.append(say("survey.cautions.weight", column=WEIGHT))
    return tuple(found)


def table_cautions(
    book: Contents, census: Census, people: Mapping[str, Mapping[str, int]]
) -> tuple[Said, ...]:
    """Return what bears on the table alone: labels and states that nobody has, columns left unread.

    Parameters
    ----------
    book : Contents
    census : Census
    people : mapping of str to mapping of str to int
        By measure, how many people are in each state of its node.
    """
    found = []
    silent = [name for name, counts in people.items() if not any(counts.values())]
    unused = {
        name: [label for label, count in counts.items() if not count]
        for name, counts in census.labels.items()
        if name not in silent
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
    if silent:
        names = _few(say("phrases.quoted", text=name) for name in silent)
        found.append(say("survey.cautions.silent", columns=names))
    nobody = {
        name: [state for state, count in counts.items() if not count and not _told(book, name,
               state, unused.get(name, ()))]
        for name, counts in people.items()
        if name not in silent
    }  # fmt: skip
    states = [
        say(
            "survey.cautions.states_of",
            column=name,
            node=book.node_of(name),
            states=_few(say("phrases.quoted", text=state) for state in states),
        )
        for name, states in nobody.items()
        if states
    ]
    if states:
        found.append(say("survey.cautions.nobody", states=say("phrases.semicolon").join(states)))
    left = unread(book, census.columns)
    lacking = {bare_name(name): name for name in book.columns if name not in census.columns}
    found += [
        say("survey.cautions.near", column=name, known=lacking[bare_name(name)])
        for name in left
        if bare_name(name) in lacking
    ]
    return tuple(found)


def _told(book: Contents, name: str, state: str, unused: Collection[str]) -> bool:
    """Whether the labels that say a state are told already, as those that no row has."""
    spec = book.columns.get(name)
    labels = (spec.labels or {}) if spec is not None else {}
    return any(said == state and label in unused for label, said in labels.items())


def _few(names: Iterable[str]) -> str:
    """List names, the first few of them where they are many."""
    every = list(names)
    shown = every[:_SHOWN]
    if len(every) > _SHOWN:
        shown.append(say("survey.cautions.others", count=len(every) - _SHOWN))
    return listed(shown)


def _unmet(book: Contents, census: Census, dead: Iterable[Said]) -> list[Said]:
    """Return which rules no row of the table meets, apart from those that none ever can."""
    told = {(each.values.get("name"), each.values.get("rule")) for each in dead}
    found = []
    for name, rules in census.matched.items():
        spec = book.derived[name]
        for place, (rule, matched) in enumerate(zip(spec.rules, rules, strict=True), 1):
            if matched.first or (name, place) in told:
                continue
            state = rule.state or say("survey.cautions.none")
            at = {"rule": place, "name": name, "state": state, "node": book.node_of(name)}
            if matched.rows:
                found.append(say("survey.cautions.rule_preceded", **at))
                continue
            first = rule.when[0]
            at["columns"] = listed(say("phrases.quoted", text=column) for column in first.any)
            at["words"] = listed(say("phrases.quoted", text=word) for word in first.contains)
            key = "rule_unmet_all" if len(rule.when) > 1 else "rule_unmet"
            if matched.texts and len(rule.when) == 1:
                key = "rule_unmet_by"
                at["texts"] = listed(say("phrases.quoted", text=text) for text in matched.texts)
            found.append(say(f"survey.cautions.{key}", **at))
    return found


def _apart(census: Census) -> list[Said]:
    return [
        say(
            "survey.cautions.apart",
            column=name,
            value=f"{each.value:g}",
            count=each.rows,
            least=f"{each.least:g}",
            largest=f"{each.largest:g}",
        )
        for name, numbers in census.apart.items()
        for each in numbers
    ]


def _parts_of_one(census: Census) -> list[Said]:
    return [
        say(
            "survey.cautions.parts_of_one", column=name, middle=f"{each.middle:.3g}", rows=each.rows
        )
        for name, each in census.parts_of_one.items()
    ]


def _unlikely(book: Contents, census: Census) -> list[Said]:
    """Return the body mass indices that hardly any group of people has."""
    found = []
    for name, spread in census.spread.items():
        spec = book.derived[name]
        low, high = _GROUPS.get(spec.derive, (-math.inf, math.inf))
        extreme = spread.state in (spec.states[0], spec.states[-1]) and len(spec.states) > 1
        if spread.rows < _SOME or (low <= spread.middle <= high and not extreme):
            continue
        told = {"name": name, "middle": f"{spread.middle:.3g}", "rows": f"{spread.rows:,}"}
        key = "unlikely_all" if extreme else "unlikely"
        inputs = listed(_inputs(book, spec))
        found.append(say(f"survey.cautions.{key}", **told, state=spread.state, inputs=inputs))
    return found


def _inputs(book: Contents, spec: Derived) -> list[Said]:
    """Say what a value is derived of, with the units."""
    return [
        say(
            "survey.cautions.input_in" if unit else "survey.cautions.input", input=column, unit=unit
        )
        for column in spec.from_
        for unit in (book.columns[column].unit,)
    ]


def _impossible(book: Contents, census: Census) -> list[Said]:
    found = []
    for name, bad in census.impossible.items():
        said = _inputs(book, book.derived[name])
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
