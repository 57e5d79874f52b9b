"""What stands in the cells of a table: how often each label, and what cannot be true.

The codes of a survey no longer tell which label said a state, nor that a number was impossible.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from backrisk._spelling import no_answer, spell
from backrisk.survey.schema import Contents, Derived

# Distinct rows of some columns, each with the number of rows of the table that are like it.
Distinct = Callable[[tuple[str, ...]], Iterable[tuple[tuple[object, ...], int]]]


@dataclass(frozen=True)
class Impossible:
    """Values that nobody has.

    Parameters
    ----------
    rows : int
        That give one.
    least, largest : float
        Of these values.
    """

    rows: int
    least: float
    largest: float


@dataclass(frozen=True)
class Census:
    """The cells of a table, counted.

    Parameters
    ----------
    columns : tuple of str
        All of the table, as its header spells them.
    rows : int
        Of the table: where a person has several, more than people.
    labels : mapping of str to mapping of str to int
        For each column of labels that the codebook lists, the rows that say each of them.
    answered : mapping of str to int
        For each column of the codebook, the rows that hold an answer.
    impossible : mapping of str to Impossible
        By derived value; only where there are any.
    """

    columns: tuple[str, ...] = ()
    rows: int = 0
    labels: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    answered: Mapping[str, int] = field(default_factory=dict)
    impossible: Mapping[str, Impossible] = field(default_factory=dict)


def take_census(book: Contents, columns: Iterable[str], rows: int, distinct: Distinct) -> Census:
    """Count the cells of a table whose cells are all accepted.

    Parameters
    ----------
    book : Contents
        Checked against its graph.
    columns : iterable of str
        Of the table.
    rows : int
    distinct : callable
        From names of columns to their distinct rows of cells, with how often each occurs.

    Returns
    -------
    Census
    """
    names = tuple(columns)
    labels: dict[str, dict[str, int]] = {}
    answered: dict[str, int] = {}
    for name, spec in book.columns.items():
        if name not in names:
            continue
        counts: Counter[str] = Counter()
        for (cell,), count in distinct((name,)):
            text = spell(cell)
            if text is not None and not no_answer(text, book.missing):
                counts[spec.code(text) if spec.labels else ""] += count
        answered[name] = counts.total()
        if spec.labels:
            labels[name] = {label: counts[label] for label in spec.labels}
    found = {
        name: bad
        for name, spec in book.derived.items()
        if set(spec.from_) <= set(names) and (bad := _impossible(spec, book, distinct))
    }
    return Census(names, rows, labels, answered, found)


def _impossible(spec: Derived, book: Contents, distinct: Distinct) -> Impossible | None:
    low, high = spec.possible
    if spec.derive == "first_match" or low == -high:
        return None
    rows, numbers = 0, list[float]()
    for cells, count in distinct(spec.from_):
        values = {
            column: book.columns[column].read(cell, book.missing)
            for column, cell in zip(spec.from_, cells, strict=True)
        }
        number = spec.number(values)
        if number is not None and not low <= number <= high:
            rows += count
            numbers = [min([number, *numbers]), max([number, *numbers])]
    return Impossible(rows, numbers[0], numbers[-1]) if rows else None
