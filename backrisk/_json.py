"""JSON without surprises: no name twice, nothing endless, bounded in size and nesting."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

from backrisk._yaml import DEEPEST, HALF, LONGEST, MOST_VALUES, Unreadable

_JOINED = "."
_SHOWN = 20  # characters of a number
_DIGITS = 300  # an integer of more is read as a float, and may be endless


def parse(text: str, longest: int = LONGEST) -> Any:
    """Read JSON.

    Parameters
    ----------
    text : str
    longest : int
        Characters that it may have.

    Returns
    -------
    object

    Raises
    ------
    Unreadable
        If it is not JSON, has a name twice in one object, what is no number that can be computed
        with (NaN, Infinity, 1e999), naming where, or more nesting or text than any file needs.

    Examples
    --------
    >>> parse('{"fatigue": "high", "hours": 5.5}')
    {'fatigue': 'high', 'hours': 5.5}
    """
    if len(text) > longest:
        raise Unreadable("too_long", limit=f"{longest:,}")
    try:
        data = json.loads(
            text.removeprefix("\ufeff"),
            object_pairs_hook=_once,
            parse_constant=_NoNumber,
            parse_float=_number,
            parse_int=lambda digits: int(digits) if len(digits) <= _DIGITS else _number(digits),
        )
    except json.JSONDecodeError as error:
        raise Unreadable("json", line=error.lineno, why=error.msg) from None
    except RecursionError:
        raise Unreadable("too_deep", line=1, limit=DEEPEST) from None
    bound(data)
    for path, value in _within(data):
        if isinstance(value, _NoNumber):
            where = {"name": _JOINED.join(path)} if path else {}
            raise Unreadable("constant_at" if path else "constant", constant=value.text, **where)
    if half := HALF.search(json.dumps(data, ensure_ascii=False)):  # written as an escape
        code = f"{ord(half[0]):04X}"
        line = text.count("\n", 0, text.upper().find(f"\\U{code}")) + 1
        raise Unreadable("control", line=line, code=f"U+{code}")
    return data


def bound(data: Any) -> None:
    """Refuse more values, or deeper nesting, than any file needs.

    Raises
    ------
    Unreadable
    """
    level, count = [data], 0
    for _ in range(DEEPEST + 1):
        count += len(level)
        if count > MOST_VALUES:
            raise Unreadable("too_many", line=1, limit=f"{MOST_VALUES:,}")
        held = [each for each in level if isinstance(each, dict | list)]
        if not held:
            return
        parts = (each.values() if isinstance(each, dict) else each for each in held)
        level = list(chain.from_iterable(parts))
    raise Unreadable("too_deep", line=1, limit=DEEPEST)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a name that stands twice: which value is meant is not known."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise Unreadable("repeated_name", name=name)
        found[name] = value
    return found


@dataclass(frozen=True)
class _NoNumber:
    """What stands where a number should, until it is known under which name."""

    text: str


def _number(digits: str) -> float | _NoNumber:
    number = float(digits)
    if math.isfinite(number):
        return number
    return _NoNumber(digits if len(digits) <= _SHOWN else f"{digits[:_SHOWN]}...")


def _within(data: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Return every value that is no object or list, with what leads to it: names and positions."""
    if isinstance(data, dict):
        for name, value in data.items():
            yield from _within(value, (*path, name))
    elif isinstance(data, list):
        for position, value in enumerate(data):
            yield from _within(value, (*path, str(position)))
    else:
        yield path, data
