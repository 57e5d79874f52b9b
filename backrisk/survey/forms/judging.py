"""What the cells of a column say about it: its kind, and its codes for missing answers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from backrisk.survey.forms.fields import Field
from backrisk.survey.forms.matching import no_answer
from backrisk.survey.forms.text import Cells
from backrisk.survey.schema import MISSING, fold
from backrisk.survey.sentinels import like_a_reason, stands_apart
from backrisk.survey.units import UNITS, names_of_units, with_unit

_FEW = 15  # distinct labels of a question with a few answers
_CODES = 6  # distinct small whole numbers that are more likely codes than measurements
_LONG = 80  # characters of a label
_MANY = 20  # rows from which a column without repetition is a name
_DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}([ T].*)?|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}([ T,].*)?")
# Codes that REDCap suggests for why a value is missing.
_REASONS = frozenset(
    ("NI", "INV", "UNK", "NASK", "ASKU", "NAV", "MSK", "NA", "NAVU", "NP", "QS", "TRC", "UNC",
     "DER", "PINF", "NINF", "OTH")
)  # fmt: skip


def judged(name: str, cells: Cells) -> Field:
    """Return what a column's cells look like.

    Parameters
    ----------
    name : str
    cells : Cells
    """
    given = [text for text in cells.counts if text not in MISSING]
    numbers = cells.numbers
    told = [text for text in given if text not in numbers and text not in _REASONS]
    if not given:
        return Field(name, "closed")
    if not [text for text in told if not no_answer(text)] and numbers:
        values = list(numbers.values())
        whole = all(value.is_integer() for value in values)
        if whole and len(values) == cells.filled >= _MANY and _counts(values):
            return Field(name, "closed")
        codes = {text for text, value in numbers.items() if not like_a_reason(value)}
        if whole and 0 < len(codes) <= _CODES and all(abs(numbers[text]) < 10 for text in codes):
            kept = [text for text in given if text in codes or text not in numbers]
            return Field(name, "choice", choices={text: text for text in sorted(kept)})
        return Field(name, "number", whole=whole)
    if units := _units([text for text in told if not no_answer(text)]):
        return Field(name, "number", whole=False, units=units)
    if all(_DATE.fullmatch(text) for text in told) or any("@" in text for text in told):
        return Field(name, "closed")
    few = len(given) <= _FEW and len(given) < max(cells.filled, 2)
    if few and all(len(text) <= _LONG for text in given) and not _several(given):
        # The most common spelling stands for those of another case, which are read as it is.
        common = sorted(given, key=lambda text: -cells.counts[text])
        spelled = {fold(text): text for text in reversed(common)}
        return Field(name, "choice", choices={t: t for t in given if spelled[fold(t)] == t})
    return Field(name, "closed" if len(given) == cells.filled >= _MANY else "text")


def _units(texts: Sequence[str]) -> tuple[str, ...]:
    """Return the units of one quantity, where all texts are amounts of it: 154 lb, 5 ft 7, 1:30."""
    for unit in UNITS if texts else ():
        if all(with_unit(text, unit) is not None for text in texts):
            return names_of_units(unit.quantity)
    return ()


def _counts(values: Sequence[float]) -> bool:
    """Whether numbers without repetition are names: counted from 0 or 1, or long."""
    low, high = min(values), max(values)
    return low >= 10_000 or (low in (0, 1) and high - low == len(values) - 1)


def _several(given: list[str]) -> bool:
    """Whether cells hold several answers side by side."""
    for mark in (", ", ";"):
        parts = {part.strip() for text in given for part in text.split(mark)}
        joined = sum(mark in text for text in given)
        if joined > len(given) / 3 and len(parts) < len(given):
            return True
    return False


def missing_codes(columns: Mapping[str, tuple[Field, Cells]]) -> dict[str, tuple[str, ...]]:
    """Return the cells of each column that look like codes for why a value is missing."""
    found: dict[str, dict[str, int]] = {}
    for name, (each, cells) in columns.items():
        if each.kind not in ("choice", "number"):
            continue
        known = {*each.choices, *each.choices.values()}
        numbers = cells.numbers
        for text, count in cells.counts.items():
            if text in known:
                continue
            apart = text in numbers and looks_missing(numbers[text], each, numbers.values())
            if apart or text in _REASONS:
                found.setdefault(name, {})[text] = count
    return {
        name: tuple(sorted(codes, key=lambda code: -codes[code])) for name, codes in found.items()
    }


def looks_missing(number: float, each: Field, numbers: Iterable[float]) -> bool:
    """Whether a number is written as codes for a reason are, and lies apart from its column's."""
    if not like_a_reason(number):
        return False
    if each.kind == "choice":
        return True
    if each.low is not None and each.high is not None:
        return not each.low <= number <= each.high
    return stands_apart(number, numbers)
