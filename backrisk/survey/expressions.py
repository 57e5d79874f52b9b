"""Expressions over a table that an engine holds, in the parts that a survey needs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import ibis

from backrisk.survey.readers import ROW
from backrisk.survey.schema import Derived

Expression = Callable[[Any], Any]  # from a table to one of its columns
Digit = tuple[int, int, Expression]  # node (-1 for the site), base, code


def where(test: Any, value: Any) -> Any:
    """Return a value where the test holds, null elsewhere."""
    return test.ifelse(value, ibis.null(value.type()))


def certain(test: Expression) -> Expression:
    """Return a test that is false where it cannot be told."""
    return lambda t: test(t).fill_null(False)


def any_of(table: Any, names: Iterable[str]) -> Any:
    """Return whether any of the named columns is true."""
    found = table[ROW] < 0  # never
    for name in names:
        found = found | table[name]
    return found


def quotient(first: Expression, second: Expression, spec: Derived) -> Expression:
    """Return the number of a derived value, null where it is divided by zero or impossible."""

    def value(t: Any) -> Any:
        divisor: Any = spec.divisor(second(t))  # plain arithmetic, so an expression's as well
        number = first(t) / divisor.nullif(0.0)
        low, high = spec.possible
        return number if high == math.inf else where(number.between(low, high), number)

    return value


def cut(value: Expression, cuts: tuple[float, ...], codes: Sequence[int]) -> Expression:
    """Return the code of the interval that a number lies in, -1 where there is none."""

    def code(t: Any) -> Any:
        number = value(t)
        above = [(number >= bound, then) for bound, then in zip(cuts, codes[1:], strict=True)]
        return ibis.cases((number.isnull(), -1), *reversed(above), else_=codes[0])

    return code


def pack(word: Iterable[Digit]) -> Expression:
    """Return the integer whose digits, least significant first, are the codes plus one."""

    def value(t: Any) -> Any:
        total, unit = ibis.literal(0, "int64"), 1
        for _, base, code in word:
            total = total + (code(t).fill_null(-1).cast("int64") + 1) * unit
            unit *= base
        return total

    return value
