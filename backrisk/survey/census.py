"""What stands in the cells of a table: how often each label, and what cannot be true.

The codes of a survey no longer tell which label said a state, nor that a number was impossible.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from backrisk._spelling import spell
from backrisk.survey.schema import Contents, Derived, Measure, Rule
from backrisk.survey.sentinels import like_a_reason, stands_apart

_RULES = 200_000  # rows up to which it is counted how many meet each rule
_PER_CENT = ("%", "percent", "pct")  # without space and case
_FEW = 6  # answers of a column up to which they are no free text
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
class Apart:
    """A number that stands apart from all others of its column, and repeats.

    Parameters
    ----------
    value : float
    rows : int
        That hold it.
    least, largest : float
        Of the others.
    """

    value: float
    rows: int
    least: float
    largest: float


@dataclass(frozen=True)
class Spread:
    """Where the numbers of a derived value lie.

    Parameters
    ----------
    rows : int
    middle : float
        The median.
    state : str
        The one state that all of them say; empty where they say several.
    """

    rows: int
    middle: float
    state: str


@dataclass(frozen=True)
class Matched:
    """Which rows meet a rule.

    Parameters
    ----------
    rows : int
        That meet it.
    first : int
        That meet no rule before it.
    texts : tuple of str
        The answers to the rule's columns, where they are few.
    """

    rows: int
    first: int
    texts: tuple[str, ...]


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
    apart : mapping of str to tuple of Apart
        By column of numbers; only where there are any.
    spread : mapping of str to Spread
        By derived value that is a number.
    matched : mapping of str to tuple of Matched
        By derived value of rules.
    parts_of_one : mapping of str to Spread
        By column of numbers in per cent, none of which is above 1: perhaps they are shares.
    """

    columns: tuple[str, ...] = ()
    rows: int = 0
    labels: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    answered: Mapping[str, int] = field(default_factory=dict)
    impossible: Mapping[str, Impossible] = field(default_factory=dict)
    apart: Mapping[str, tuple[Apart, ...]] = field(default_factory=dict)
    spread: Mapping[str, Spread] = field(default_factory=dict)
    matched: Mapping[str, tuple[Matched, ...]] = field(default_factory=dict)
    parts_of_one: Mapping[str, Spread] = field(default_factory=dict)


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
    apart: dict[str, tuple[Apart, ...]] = {}
    answered: dict[str, int] = {}
    parts: dict[str, Spread] = {}
    for name, spec in book.columns.items():
        if name not in names:
            continue
        counts: Counter[str] = Counter()
        numbers: Counter[float] = Counter()
        for (cell,), count in distinct((name,)):
            text = spell(cell)
            if text is not None and not spec.blank(text, book.missing):
                if spec.type == "number":
                    number = spec.read(text, book.missing)
                    numbers.update({} if number is None else {float(number): count})
                counts[spec.label(text) if spec.labels else ""] += count
        answered[name] = counts.total()
        if spec.labels:
            labels[name] = {label: counts[label] for label in spec.labels}
        if found := _apart(numbers):
            apart[name] = found
        if "".join(spec.unit.casefold().split()) in _PER_CENT and _parts_of_one(numbers):
            parts[name] = _spread(spec, numbers)
    impossible: dict[str, Impossible] = {}
    spread: dict[str, Spread] = {}
    matched: dict[str, tuple[Matched, ...]] = {}
    for name, derived in book.derived.items():
        present = tuple(column for column in derived.from_ if column in names)
        if derived.derive == "first_match" and present and rows <= _RULES:
            matched[name] = _matched(derived, present, book, distinct)
        elif derived.derive != "first_match" and present == derived.from_:
            values = _numbers(derived, book, distinct)
            low, high = derived.possible
            bad = {n: count for n, count in values.items() if not low <= n <= high}
            if bad:
                impossible[name] = Impossible(sum(bad.values()), min(bad), max(bad))
            if values:
                spread[name] = _spread(derived, values)
    return Census(names, rows, labels, answered, impossible, apart, spread, matched, parts)


def _apart(numbers: Mapping[float, int]) -> tuple[Apart, ...]:
    """Return the numbers that look like codes for no answer: apart from others, and repeated."""
    others = [number for number in numbers if not like_a_reason(number)]
    return tuple(
        Apart(number, count, min(others), max(others))
        for number, count in numbers.items()
        if count > 1 and others and stands_apart(number, numbers)
    )


def _parts_of_one(numbers: Mapping[float, int]) -> bool:
    """Whether several numbers lie between 0 and 1, and some within."""
    within = sum(0 < number < 1 for number in numbers)
    return within > 1 and all(0 <= number <= 1 for number in numbers)


def _numbers(spec: Derived, book: Contents, distinct: Distinct) -> dict[float, int]:
    """Return the numbers of a derived value, possible or not, with their rows."""
    found: Counter[float] = Counter()
    for cells, count in distinct(spec.from_):
        number = spec.number(_values(spec.from_, cells, book))
        if number is not None:
            found[number] += count
    return dict(found)


def _values(
    names: tuple[str, ...], cells: tuple[object, ...], book: Contents
) -> dict[str, float | str | None]:
    return {
        column: book.columns[column].read(cell, book.missing)
        for column, cell in zip(names, cells, strict=True)
    }


def _spread(spec: Measure, numbers: Mapping[float, int]) -> Spread:
    total, states = sum(numbers.values()), {spec.state(number) for number in numbers}
    reached, middle = 0, 0.0
    for middle in sorted(numbers):
        reached += numbers[middle]
        if 2 * reached >= total:
            break
    return Spread(total, middle, str(states.pop()) if len(states) == 1 else "")


def _matched(
    spec: Derived, present: tuple[str, ...], book: Contents, distinct: Distinct
) -> tuple[Matched, ...]:
    rows, first = [0] * len(spec.rules), [0] * len(spec.rules)
    seen: dict[str, set[str]] = {column: set() for column in present}
    for cells, count in distinct(present):
        values = _values(present, cells, book)
        texts = {c: text for c in present if (text := spell(values[c])) is not None}
        for column, text in texts.items():
            if len(seen[column]) <= _FEW:
                seen[column].add(text)
        holding = [place for place, rule in enumerate(spec.rules) if texts and rule.holds(texts)]
        for place in holding:
            rows[place] += count
        for place in holding[:1]:
            first[place] += count
    return tuple(
        Matched(rows[place], first[place], _few(seen, rule))
        for place, rule in enumerate(spec.rules)
    )


def _few(seen: Mapping[str, set[str]], rule: Rule) -> tuple[str, ...]:
    """Return the answers to a rule's columns; none where they may be free text."""
    columns = {column for test in rule.when for column in test.any}
    texts = [text for column in columns for text in seen.get(column, ())]
    few = all(len(seen.get(column, ())) <= _FEW for column in columns)
    return tuple(sorted(set(texts))) if few else ()
