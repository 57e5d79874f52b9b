"""How long a slice of time is, and in which slice a time lies."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backrisk._spelling import number_of, spell
from backrisk.words import say

Times = NDArray[np.float64]

_SPAN = re.compile(r"([0-9]{0,9}) *([DWMY])", re.IGNORECASE)
_FAR = 2.0**53  # slices, beyond which numbers of them run together
_CLOSE = 9  # decimals to which a quotient of times counts: 0.3 is three times 0.1


@dataclass(frozen=True)
class Every:
    """A length of time.

    Parameters
    ----------
    number : float
        Above 0.
    unit : {"", "D", "W", "M", "Y"}
        Of dates: days, weeks, months, years of the calendar. Of numbers: empty.
    """

    number: float
    unit: str = ""

    @classmethod
    def of(cls, given: object) -> Every:
        """Read a length of time.

        Parameters
        ----------
        given : str or float
            ``"30D"``, ``"1W"``, ``"M"``, or a number.

        Raises
        ------
        ValueError
            It is none. Its only argument says so.

        Examples
        --------
        >>> Every.of("30D"), Every.of("w").text, Every.of(0.5).text
        (Every(number=30.0, unit='D'), '1W', '0.5')
        """
        text = spell(given) or ""
        found = _SPAN.fullmatch(text)
        number = float(found[1] or 1) if found else number_of(text)
        if number is None or not number > 0:
            raise ValueError(say("survey.rules.every", value=text))
        return cls(number, found[2].upper() if found else "")

    @property
    def text(self) -> str:
        """The length as it is written: ``30D``."""
        return f"{self.number:.15g}{self.unit}"

    @property
    def dated(self) -> bool:
        """Whether it is a length of calendar time."""
        return self.unit != ""

    def slices(self, times: Times, starts: Times) -> NDArray[np.int64]:
        """Return the slice that each time lies in, counted from a start; before it, below 0.

        Days of the calendar count, whatever the hour. A month begins on the day of the month of the
        start, or on its last day where it is too short for that: counted from 31 January, slice 1
        begins on 28 February.

        Parameters
        ----------
        times, starts : ndarray of float, shape (n,)
            Days since 1970 where the length is of the calendar; else numbers.

        Examples
        --------
        >>> Every.of("7D").slices(np.array([3.9, 7.0, -1.0]), np.zeros(3)).tolist()
        [0, 1, -1]
        >>> Every.of("1M").slices(np.array([58.0, 59.0]), np.full(2, 30.0)).tolist()
        [1, 1]
        """
        if not self.dated:
            ratio = np.clip((times - starts) / self.number, -_FAR, _FAR)
            return np.floor(np.round(ratio, _CLOSE)).astype(np.int64)
        days, first = np.floor(times).astype(np.int64), np.floor(starts).astype(np.int64)
        number = int(self.number)
        if self.unit in "DW":
            found: NDArray[np.int64] = (days - first) // (number * (7 if self.unit == "W" else 1))
            return found
        month, day, _ = _calendar(days)
        first_month, first_day, _ = _calendar(first)
        last_day = _calendar(days)[2]
        months = month - first_month - (day < np.minimum(first_day, last_day))
        found = months // (number * (12 if self.unit == "Y" else 1))
        return found


def _calendar(days: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return the month since 1970 of each day, its place in the month, and the month's last."""
    months = days.astype("datetime64[D]").astype("datetime64[M]")
    begins = months.astype("datetime64[D]").astype(np.int64)
    ends = (months + np.timedelta64(1, "M")).astype("datetime64[D]").astype(np.int64)
    return months.astype(np.int64), days - begins, ends - begins - 1
