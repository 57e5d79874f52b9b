"""One spelling for every cell, label, state and header, whatever wrote it.

A spreadsheet, a database, a frame and a codebook write the same answer in different ways: ``1``,
``1.0`` and ``" 1 "``; ``ä`` as one character or as two; true as ``TRUE``. All of them are compared
by their canonical text.
"""

from __future__ import annotations

import datetime
import math
import re
import unicodedata
from decimal import Decimal
from functools import lru_cache
from numbers import Integral, Real

_AROUND = "\ufeff\u200b\u2060"  # marks without width that programs leave around a text
# Spaces of other widths, as word processors and web pages write them: nobody sees a difference.
_SPACES = dict.fromkeys([0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000], " ")
_DECIMAL = re.compile(r"[+-]?[0-9]*[.][0-9]+")
_TRUTH = {"True": "true", "TRUE": "true", "False": "false", "FALSE": "false"}
_EXACT = 2.0**53  # whole floats up to here are integers without doubt


def spell(cell: object) -> str | None:
    r"""Return the canonical text of a cell, a label, a state or a header.

    Space around a text does not count, and one within it is a plain one; Unicode is composed
    (NFC), lines end in ``\n``. Whole
    numbers have no decimals and fractions no trailing zeros (``1.0`` is ``1``, ``.50`` is
    ``0.5``); leading zeros of a whole number stay, since ``007`` may be a name. Truth is ``true``
    or ``false``. Dates are ISO 8601, with a space before the time, and without a time at
    midnight. A stretch of time is in hours, minutes and seconds, ``30:05:00``.

    Parameters
    ----------
    cell : object
        Of Python, NumPy, pandas or Arrow.

    Returns
    -------
    str or None
        None where there is nothing: None, NaN, NaT, NA, or a text of nothing but space.

    Examples
    --------
    >>> spell(" sometimes "), spell(2.0), spell("2.50"), spell(True), spell(float("nan"))
    ('sometimes', '2', '2.5', 'true', None)
    >>> spell(datetime.datetime(2024, 3, 1)), spell(datetime.datetime(2024, 3, 1, 9, 30))
    ('2024-03-01', '2024-03-01 09:30:00')
    """
    if isinstance(cell, str):
        return _text(cell)
    if isinstance(spelling := getattr(cell, "spelling", None), str):
        return _text(spelling)  # a number of YAML, where a word is meant
    if cell is None:
        return None
    if hasattr(cell, "as_py"):  # an Arrow scalar
        return spell(cell.as_py())
    if type(cell).__name__ == "timedelta64":  # of NumPy, which takes it for an integer
        return spell(cell.astype("timedelta64[us]").item())  # type: ignore[attr-defined]
    scalar = hasattr(cell, "item") and getattr(cell, "shape", ()) == ()
    if scalar and not isinstance(cell, Real | datetime.date):
        cell = cell.item()  # type: ignore[attr-defined]  # a NumPy scalar of another kind: truth, a date
        if cell is None or isinstance(cell, str):
            return spell(cell)
    if _nothing(cell):
        return None
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, Integral):
        return str(int(cell))
    if isinstance(cell, Real | Decimal):
        return _number(cell)
    if isinstance(cell, datetime.datetime):
        midnight = cell.time() == datetime.time() and cell.tzinfo is None
        whole = midnight and not getattr(cell, "nanosecond", 0)
        return cell.date().isoformat() if whole else cell.isoformat(sep=" ")
    if isinstance(cell, datetime.date | datetime.time):
        return cell.isoformat()
    if isinstance(cell, datetime.timedelta):
        return _stretch(cell)
    if isinstance(cell, bytes | bytearray):
        return _text(bytes(cell).decode("utf-8", "replace"))
    return _text(str(cell))


def number_of(text: str | None) -> float | None:
    """Return the finite number that a text says, None where it says none.

    Examples
    --------
    >>> number_of("-99.0"), number_of("1e3"), number_of("1_000"), number_of("inf")
    (-99.0, 1000.0, None, None)
    """
    if text is None or "_" in text:  # Python reads 1_000 as a thousand
        return None
    try:
        number = float(text.replace("\N{MINUS SIGN}", "-"))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def same_number(first: str | None, second: str | None) -> bool:
    """Whether two texts say the same number.

    Examples
    --------
    >>> same_number("-99", "-99.00"), same_number("99", "none"), same_number("x", "x")
    (True, False, False)
    """
    number = number_of(first)
    return number is not None and number == number_of(second)


def no_answer(text: str | None, missing: tuple[str, ...]) -> bool:
    """Whether a canonical text stands for no answer: by its letters, or by its value.

    Parameters
    ----------
    text : str or None
        As `spell` returns it.
    missing : tuple of str
        The words and numbers that a codebook says stand for no answer.

    Examples
    --------
    >>> no_answer(None, ()), no_answer("-99.00", ("-99", "refused")), no_answer("9", ("99",))
    (True, True, False)
    """
    if text is None:
        return True
    words, numbers = _codes(missing)
    return text in words or (bool(numbers) and number_of(text) in numbers)


@lru_cache(maxsize=256)
def _codes(missing: tuple[str, ...]) -> tuple[frozenset[str], frozenset[float]]:
    words = frozenset(word for code in missing if (word := spell(code)) is not None)
    return words, frozenset(number for w in words if (number := number_of(w)) is not None)


def _nothing(cell: object) -> bool:
    """Whether a cell is NaN, NaT or NA."""
    try:
        return bool(cell != cell)
    except (TypeError, ValueError):  # NA is neither equal nor unequal to itself; a list is a list
        return type(cell).__name__ == "NAType"


def _text(text: str) -> str | None:
    text = text.strip()
    while text and (text[0] in _AROUND or text[-1] in _AROUND):
        text = text.strip(_AROUND).strip()
    if not text:
        return None
    if not text.isascii():
        text = unicodedata.normalize("NFC", text.translate(_SPACES))
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "." in text and _DECIMAL.fullmatch(text):
        return _plain(text)
    return _TRUTH.get(text, text)


def _plain(text: str) -> str:
    """Return a decimal without trailing zeros, and with a digit before its point."""
    sign, digits = ("-" if text[0] == "-" else ""), text.lstrip("+-")
    whole, _, part = digits.partition(".")
    part = part.rstrip("0")
    whole = whole or "0"
    if not part:
        return "0" if not whole.strip("0") else sign + whole
    return f"{sign}{whole}.{part}"


def _stretch(cell: datetime.timedelta) -> str:
    micro = round(abs(cell) / datetime.timedelta(microseconds=1))
    seconds, part = divmod(micro, 1_000_000)
    text = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    part_of = f".{part:06d}".rstrip("0") if part else ""
    return ("-" if cell < datetime.timedelta() else "") + text + part_of


def _number(cell: Real | Decimal) -> str:
    if isinstance(cell, Decimal):
        return _plain(f"{cell:f}") if cell.is_finite() and "." in f"{cell:f}" else f"{cell:f}"
    number = float(cell)
    if number.is_integer() and abs(number) <= _EXACT:
        return str(int(number))
    text = str(cell)  # the shortest that is this number in its own precision
    return _plain(text) if _DECIMAL.fullmatch(text) else text
