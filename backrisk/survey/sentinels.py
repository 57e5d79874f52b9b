"""Numbers that look like codes for why a value is missing: 99, -9, 888."""

from __future__ import annotations

import re
from collections.abc import Iterable

# -9, -99, 99, 888, -997: written of the digits 6 to 9, and of one of them but for the last.
_REASON = re.compile(r"-?(?:6{2,}|7{2,}|8{2,}|9{2,}|99*[5-8])|-[6-9]")
_APART = 3  # times as large as all others


def like_a_reason(number: float) -> bool:
    """Whether a number is written as codes for a reason are.

    Examples
    --------
    >>> [like_a_reason(number) for number in (99, -9, 998, 9, 90, 99.5)]
    [True, True, True, False, False, False]
    """
    return _REASON.fullmatch(f"{number:g}") is not None


def stands_apart(number: float, numbers: Iterable[float]) -> bool:
    """Whether a number is written as a code for a reason is, and lies apart from its column's.

    Examples
    --------
    >>> stands_apart(99, [12, 30, 99]), stands_apart(99, [70, 90, 99]), stands_apart(-9, [0, 3])
    (True, False, True)
    """
    if not like_a_reason(number):
        return False
    others = [other for other in numbers if not like_a_reason(other)]
    if number < 0:
        return all(other >= 0 for other in others)
    return bool(others) and number > _APART * max(others)
