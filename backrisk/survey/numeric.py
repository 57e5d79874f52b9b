"""Columns of numbers, read by the engine as Python would read them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import ibis
import numpy as np
import pyarrow as pa

from backrisk.survey.dictionary import Dictionary
from backrisk.survey.expressions import Expression, where
from backrisk.survey.schema import Column

GONE = math.inf  # says "missing" among numbers read in Python; the engines' null says "refused"
_PLAIN = "^[+-]?[0-9]{1,18}([.][0-9]{1,18})?$"  # read alike by every engine and by Python
_LARGEST = float(np.finfo(float).max)


@dataclass(frozen=True)
class Numbers:
    """A column of numbers.

    Parameters
    ----------
    value : Expression
        The number of each cell; null where it is missing or refused.
    refused : Expression
        Whether the cell is refused; null where it is missing.
    """

    value: Expression
    refused: Expression


def read_numbers(
    known: Dictionary,
    cell: Expression,
    read: Callable[[object], float],
    spec: Column,
    words: tuple[str, ...],
) -> Numbers:
    """Read a column of numbers.

    Columns that the engine holds as numbers are compared by it. Text comes to Python as distinct
    cells; of a column with very many of them only those that are no plain number do.

    Parameters
    ----------
    known : Dictionary
    cell : Expression
        The column of the source.
    read : callable
        From a cell to its number, `GONE` where it is missing; ValueError refuses.
    spec : Column
        Whose range the engine checks.
    words : tuple of str
        That stand for no answer.
    """
    kind = cell(known.source.table).type()
    low, high = spec.range or (-math.inf, math.inf)

    def accepted(number: Any) -> Any:
        return number.between(max(low, -_LARGEST), min(high, _LARGEST))

    def refused(number: Any) -> Any:
        finite = number.between(-_LARGEST, _LARGEST)
        return ~finite if spec.outside == "missing" else ~accepted(number)

    def one(raw: tuple[object, ...]) -> float:
        return read(raw[0])

    if kind.is_integer() or kind.is_floating():
        gone = [number for word in words if (number := _spelled(word)) is not None]

        def numeric(t: Any) -> Any:
            value = cell(t).cast("float64")
            there = ~value.isnan() & (~value.isin(gone) if gone else ibis.literal(True))
            return where(there, value)

        return Numbers(
            lambda t: where(accepted(numeric(t)), numeric(t)), lambda t: refused(numeric(t))
        )

    written = kind.is_string() or kind.is_decimal()
    if not written or known.few(cell):
        each = known.meaning([cell], one, pa.float64())
        return Numbers(
            lambda t: where(each(t) < GONE, each(t)),
            lambda t: cell(t).notnull() & each(t).isnull(),
        )

    def text(t: Any) -> Any:
        return cell(t).cast("string")

    def plain(t: Any) -> Any:
        return text(t).re_search(_PLAIN) & (~text(t).isin(words) if words else True)

    def digits(t: Any) -> Any:
        return where(plain(t), text(t)).try_cast("float64")

    def odd(t: Any) -> Any:
        return where(~plain(t), text(t))

    other = known.meaning([odd], one, pa.float64())
    return Numbers(
        lambda t: where(accepted(digits(t)), digits(t)).coalesce(where(other(t) < GONE, other(t))),
        lambda t: refused(digits(t)).fill_null(False) | (odd(t).notnull() & other(t).isnull()),
    )


def _spelled(word: str) -> float | None:
    """Return the number that is spelled as this word, None where there is none."""
    try:
        number = float(word)
    except ValueError:
        return None
    return number if math.isfinite(number) and word in (f"{number:.0f}", str(number)) else None
