"""Of whom a question was asked: a codebook's conditions, judged by a row's answers.

Nothing follows from a condition that rests on a question which was asked and not answered. A
question that was not asked says so itself, so that conditions on it can be judged.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from graphlib import TopologicalSorter

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backrisk._spelling import number_of, spell
from backrisk.survey.logic import BOX, STATUS, Cell, parse
from backrisk.survey.schema import AskedIf, Column, Contents, Derived
from backrisk.words import Said, say, suggest

_BOX_LABELS = {"unchecked": "0", "checked": "1"}
DEEPEST = 100  # questions of which each decides whether the next is asked


def gated(book: Contents) -> dict[str, Column | Derived]:
    """Return the columns and derived values that are not asked of everyone."""
    both: dict[str, Column | Derived] = {**book.columns, **book.derived}
    return {name: spec for name, spec in both.items() if spec.asked_if is not None}


def columns_of(book: Contents, name: str) -> tuple[str, ...]:
    """Return every column that decides whether one was asked, and whether those were."""
    found: dict[str, None] = {}
    waiting = [name]
    while waiting:
        spec = {**book.columns, **book.derived}.get(waiting.pop())
        if spec is None or spec.asked_if is None:
            continue
        for column in parse(spec.asked_if.when).columns:
            if column not in found:
                found[column] = None
                waiting.append(column)
    return tuple(found)


def contradictions(book: Contents, source: str) -> list[Said]:
    """Return what is wrong with the conditions of a codebook, among its own columns.

    Parameters
    ----------
    book : Contents
    source : str
        The codebook or its file, as sentences call it.
    """
    problems: list[Said] = []
    for name, spec in gated(book).items():
        assert spec.asked_if is not None
        for column in parse(spec.asked_if.when).columns:
            if column not in book.columns:
                near = suggest(column, book.columns)
                at = {"source": source, "column": name, "other": column, "near": near}
                problems.append(say("survey.branching.no_such_column", **at))
        own = spec.from_ if isinstance(spec, Derived) else ()
        if {name, *own} & {*columns_of(book, name)}:
            problems.append(say("survey.branching.circle", source=source, column=name))
    return problems or _chains(book, source)


def _chains(book: Contents, source: str) -> list[Said]:
    """Refuse a chain of questions that is longer than any form has, where there is no circle."""
    resting = {
        name: parse(spec.asked_if.when).columns
        for name, spec in gated(book).items()
        if spec.asked_if is not None
    }
    depths: dict[str, int] = {}
    for name in TopologicalSorter(resting).static_order():
        depths[name] = 1 + max((depths[column] for column in resting.get(name, ())), default=-1)
        if depths[name] > DEEPEST:
            return [say("survey.branching.chain", source=source, column=name, most=DEEPEST)]
    return []


def asked(
    book: Contents,
    name: str,
    cells: Mapping[str, object],
    states: Mapping[str, str] | None = None,
) -> bool | None:
    """Return whether a question was asked of whoever gave some answers.

    Parameters
    ----------
    book : Contents
    name : str
        A column or a derived value.
    cells : mapping of str to object
        Raw answer by column, None where it is blank. Nothing is known of a column that is absent.
    states : mapping of str to str, optional
        The state that a column says, where that is known without its raw answer.

    Returns
    -------
    bool or None
        None where it rests on an answer that is missing though it was asked for.
    """
    spec = {**book.columns, **book.derived}[name]
    if spec.asked_if is None:
        return True
    return _Row(book, cells, states or {}).holds(spec.asked_if)


@dataclass(frozen=True)
class _Row:
    """The answers that conditions are judged by; each of them is looked at once.

    Parameters
    ----------
    book : Contents
    cells, states
        See `asked`.
    known : dict of str to Cell
        What was found out of columns so far.
    """

    book: Contents
    cells: Mapping[str, object]
    states: Mapping[str, str]
    known: dict[str, Cell] = field(default_factory=dict)

    def holds(self, asked_if: AskedIf) -> bool | None:
        """Return whether a condition holds; None where that is not known."""
        return parse(asked_if.when).holds(self.cell)

    def cell(self, name: str) -> Cell:
        """Return what is known of the answer to a column."""
        if name not in self.known:
            self.known[name] = self._found(name)
        return self.known[name]

    def _found(self, name: str) -> Cell:
        spec = self.book.columns[name]
        text = spell(self.cells[name]) if name in self.cells else None
        if text is not None and spec.blank(text, self.book.missing):
            text = None
        number = None if text is None or spec.type != "number" else _number(spec, text)
        if spec.type == "number" and number is None:
            text = None
        if text is None and name in self.states:
            return _of_state(spec, self.states[name])
        text = None if text is None else spec.label(text)
        if text is not None and BOX in name:
            text = _BOX_LABELS.get(text.lower(), text)
        blank = text is None or (BOX in name and text == "0")
        if blank and spec.asked_if is not None and self.holds(spec.asked_if) is False:
            if BOX in name and self._unopened(spec.asked_if):
                return Cell(blank=True)
            state = spec.asked_if.otherwise
            texts = frozenset[str]() if state is None else frozenset({state})
            return Cell(texts, blank=True, asked=False)
        if text is None:
            return Cell(blank=True if name in {**self.cells, **self.states} else None)
        if number is not None:
            return Cell(frozenset({text, f"{number:.15g}"}), number=number)
        return _of_text(spec, text)

    def _unopened(self, asked_if: AskedIf) -> bool:
        """Whether a box was not seen since nobody opened its page, so far as is known.

        Then it says nothing of whether it would have been ticked.
        """
        cells = {name: cell for name, cell in self.cells.items() if not name.endswith(STATUS)}
        return _Row(self.book, cells, self.states).holds(asked_if) is not False


def _number(spec: Column, text: str) -> float | None:
    """Return the number that a cell says in the unit of its column; None where it is missing."""
    try:
        number = spec.read(text, ())
    except ValueError:  # told where the column itself is checked
        return number_of(text)
    return None if number is None else float(number)


def _of_text(spec: Column, text: str) -> Cell:
    """Return what a raw answer is: itself, its partner in the other export, the state it says."""
    found = _of_label(spec, text)
    return replace(found, texts=found.texts | _choices(spec, [text]))


def _choices(spec: Column, codes: Iterable[str]) -> frozenset[str]:
    """Return what an export with labels writes in place of codes, where that is nothing else."""
    read = spec.choices or {}
    labels = {read[code] for code in codes if code in read and spec.code(read[code]) == code}
    return frozenset(labels - set(_spelled(spec)))


def _of_label(spec: Column, text: str) -> Cell:
    keys = _spelled(spec)
    state = next((said for said, labels in keys.items() if text in labels), None)
    if state is None and text in keys:  # a state in place of a label, as persons are given
        return _of_state(spec, text)
    if state is None:
        return Cell(frozenset({text}), number=number_of(text))
    partner = _partner(text, keys[state])
    texts = {text, *(() if partner is None else (partner,))}
    if not any(state in labels for said, labels in keys.items() if said != state):
        texts.add(state)
    code = text if number_of(text) is not None else partner
    codes = () if code is not None else (key for key in keys[state] if number_of(key) is not None)
    return Cell(frozenset(texts), frozenset(codes), number=number_of(code))


def _of_state(spec: Column, state: str) -> Cell:
    """Return what is known of an answer of which only the state is: it has one of its labels."""
    keys = _spelled(spec).get(state, ())
    codes = [key for key in keys if number_of(key) is not None]
    sure = frozenset(keys) if len(codes) <= 1 and len(keys) - len(codes) <= 1 else frozenset()
    number = number_of(codes[0]) if len(codes) == 1 else None
    perhaps = frozenset(keys) - sure
    return Cell(
        frozenset({state}) | sure | _choices(spec, sure),
        perhaps | _choices(spec, perhaps),
        number=number,
    )


def _spelled(spec: Column) -> dict[str, tuple[str, ...]]:
    """Return the labels of the file that say each state."""
    found: dict[str, tuple[str, ...]] = {}
    for label, state in (spec.labels or {}).items():
        if state is None:  # no answer
            continue
        found[state] = (*found.get(state, ()), spell(label) or label)
    return found


def answers_of(book: Contents, name: str) -> frozenset[str] | None:
    """Return all that a condition may compare a column with; None where there is no end of it."""
    spec = book.columns[name]
    if spec.labels is None and spec.choices is None:
        return None
    labels = spec.labels or {}
    found = {*labels, *(state for state in labels.values() if state is not None), *spec.unasked}
    found |= {*(spec.choices or {}), *(spec.choices or {}).values()}
    if BOX in name:
        found |= {*_BOX_LABELS.values()}
    return frozenset(word for each in found if (word := spell(each)) is not None)


def _partner(text: str, keys: Sequence[str]) -> str | None:
    """Return the code of a label, or the label of a code, among those that say one state.

    A codebook for raw and for labelled exports lists both: in the same order, so that the second
    code belongs to the second label.
    """
    codes = [key for key in keys if number_of(key) is not None]
    labels = [key for key in keys if number_of(key) is None]
    if len(codes) != len(labels):
        return None
    if text in codes:
        return labels[codes.index(text)]
    return codes[labels.index(text)] if text in labels else None


@dataclass(frozen=True)
class Gate:
    """How the codes of a measure that is not asked of everyone stand in a table.

    A code is that of a state; the number of states where the question was not asked; more than
    that where it was answered all the same, by as much as the state's code plus one.

    Parameters
    ----------
    name : str
        Of the measure.
    node : int
        That it fills.
    states : int
    otherwise : int
        The state's code where the question was not asked; -1 where nothing follows.
    """

    name: str
    node: int
    states: int
    otherwise: int

    @property
    def base(self) -> int:
        """The number of codes, missing included."""
        return 2 * self.states + 2

    def settled(self, codes: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return the states that codes come to: -1 where nothing is known."""
        given = np.where(codes > self.states, codes - self.states - 1, codes)
        return np.where(codes == self.states, self.otherwise, given).astype(codes.dtype)


@dataclass(frozen=True, eq=False)
class NotAsked:
    """Who was not asked, and how many of them answered all the same.

    Parameters
    ----------
    people : mapping of str to int
        How many people were not asked, by node.
    answered : mapping of str to int
        How many of them answered something else than follows, by column or derived value.
    rows : mapping of str to ndarray of bool, shape (rows,)
        Which rows were not asked and did not answer, by column or derived value.
    """

    people: Mapping[str, int] = field(default_factory=dict)
    answered: Mapping[str, int] = field(default_factory=dict)
    rows: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        gates: Sequence[Gate],
        codes: NDArray[np.int32],
        people: NDArray[np.int64],
        names: Sequence[str],
    ) -> NotAsked:
        """Count the codes of a table.

        Parameters
        ----------
        gates : sequence of Gate
        codes : ndarray of int, shape (rows, nodes)
            As `Gate` has them.
        people : ndarray of int, shape (rows,)
            How many people each row stands for.
        names : sequence of str
            Of the nodes.
        """
        rows = {gate.name: codes[:, gate.node] == gate.states for gate in gates}
        given = {
            gate.name: (codes[:, gate.node] > gate.states)
            & (gate.settled(codes[:, gate.node]) != gate.otherwise)
            for gate in gates
        }
        off = {gate.name: codes[:, gate.node] >= gate.states for gate in gates}
        count = {name: int(people[these].sum()) for name, these in given.items()}
        return cls(
            {names[gate.node]: int(people[off[gate.name]].sum()) for gate in gates},
            {name: number for name, number in count.items() if number},
            rows,
        )

    def cautions(self, book: Contents) -> tuple[Said, ...]:
        """Say which answers were given though their question was not asked."""
        told = []
        for name, count in self.answered.items():
            spec = {**book.columns, **book.derived}[name]
            assert spec.asked_if is not None
            about = {"column": name, "count": count, "when": spec.asked_if.when}
            told.append(say("survey.branching.answered", **about))
        return tuple(told)


def gate_of(name: str, spec: Column | Derived, node: int, states: tuple[str, ...]) -> Gate | None:
    """Return the gate of a measure that is not asked of everyone."""
    if spec.asked_if is None:
        return None
    state = spec.asked_if.otherwise
    return Gate(name, node, len(states), -1 if state is None else states.index(state))


def unticked(name: str, cell: object) -> bool:
    """Whether a cell is that of a box without a tick, which exports write though nobody saw it.

    Examples
    --------
    >>> unticked("sites___2", "0"), unticked("sites", "0")
    (True, False)
    """
    text = spell(cell)
    return BOX in name and text is not None and _BOX_LABELS.get(text.lower(), text) == "0"


def blanked(book: Contents, frame: pd.DataFrame) -> pd.DataFrame:
    """Leave blank what would not have been asked; see `Codebook.without_unasked`."""
    found, among = frame.copy(), gated(book)
    # What decides about others comes first: who was not asked it gives no answer to go by.
    for name in sorted(among, key=lambda name: len(columns_of(book, name))):
        spec = among[name]
        own = spec.from_ if isinstance(spec, Derived) else (name,)
        inputs = [column for column in own if column in frame]
        columns = [column for column in columns_of(book, name) if column in frame]
        rows = list(zip(*(found[column] for column in columns), strict=True))
        skipped = {
            raw: asked(book, name, dict(zip(columns, raw, strict=True))) is False
            for raw in dict.fromkeys(rows)
        }
        if rows:
            found.loc[[skipped[raw] for raw in rows], inputs] = ""
    return found
