"""From states to raw answers with that meaning, drawn at random: for simulated surveys."""

from __future__ import annotations

import math

import numpy as np

from backrisk.errors import SurveyError
from backrisk.survey.encode import measuring
from backrisk.survey.schema import Column, Contents
from backrisk.words import say

_TRIES = 200  # draws of inputs before a derived state counts as out of reach
_FINEST = 9  # decimals that are not exceeded to find a number in a narrow interval


def decode(book: Contents, name: str, state: str, rng: np.random.Generator) -> float | str:
    """Draw an answer to a column; see `Codebook.decode`."""
    spec = measuring(book, name, book.columns)
    labels = [label for label, meant in (spec.labels or {}).items() if meant == state]
    if labels:
        return labels[int(rng.integers(len(labels)))]
    interval = spec.interval(state)
    number = None if interval is None else draw_number(spec, *interval, rng)
    if number is None:
        raise SurveyError(say("survey.answer.out_of_reach", column=name, state=state))
    return number


def decode_derived(
    book: Contents, name: str, state: str, rng: np.random.Generator
) -> dict[str, float]:
    """Draw inputs of a derived value; see `Codebook.decode_derived`."""
    spec = measuring(book, name, book.derived)
    if spec.derive != "first_match" and (interval := spec.interval(state)):
        low, high = interval
        if spec.typical:
            low, high = max(low, spec.typical[0]), min(high, spec.typical[1])
        first, second = (book.columns[column] for column in spec.from_)
        for _ in range(_TRIES):
            below = draw_number(second, -math.inf, math.inf, rng)
            if below is None or (by := spec.divisor(below)) <= 0:
                continue
            above = draw_number(first, low * by, high * by, rng)
            drawn = dict(zip(spec.from_, (above, below), strict=True))
            if above is not None and spec.state(spec.value(drawn)) == state:
                return {spec.from_[0]: above, spec.from_[1]: below}
    raise SurveyError(say("survey.answer.derived_out_of_reach", name=name, state=state))


def draw_number(column: Column, low: float, high: float, rng: np.random.Generator) -> float | None:
    """Draw a typical number of ``[low, high)``, None where there is none.

    It has the column's decimals, and more only where no such number lies in the interval.
    """
    around = (column.cuts[0] - 10, column.cuts[-1] + 10) if column.cuts else (0, 100)
    floor, ceiling = column.typical or column.range or around
    bottom, top = max(low, floor), min(high, ceiling)
    for decimals in range(column.decimals, _FINEST) if bottom <= top else ():
        first, last = math.floor(bottom * 10**decimals), math.ceil(top * 10**decimals)
        # Compared as the numbers that would be written: a product may be rounded either way.
        while first / 10**decimals < bottom:
            first += 1
        while last / 10**decimals > top or last / 10**decimals >= high:
            last -= 1
        if first <= last:
            number = int(rng.integers(first, last + 1))
            return number / 10**decimals if decimals else number
    return None
