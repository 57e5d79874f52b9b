"""What stands before the decimals of a table's numbers: a point, or a comma."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from backrisk._spelling import spell

_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+")
_POINT = re.compile(r"[+-]?[0-9]*[.][0-9]+")
_THOUSANDS = re.compile(r"[+-]?[1-9][0-9]{0,2},[0-9]{3}")


@dataclass(frozen=True)
class Decimals:
    """How the numbers of a table are written.

    Parameters
    ----------
    mark : {".", ","}
    stated : bool
        Whether that was said of the whole table; else it was found in its columns of numbers.
    """

    mark: str = "."
    stated: bool = False

    @classmethod
    def of(cls, stated: str | None, columns: Iterable[Iterable[str]]) -> Decimals:
        """Find out what stands before the decimals of a table's numbers.

        It is a comma where a cell has one that cannot divide thousands, and no cell has a point.

        Parameters
        ----------
        stated : {".", ","}, optional
        columns : iterable of iterable of str
            The distinct cells of its columns of numbers.

        Examples
        --------
        >>> Decimals.of(None, [["72,5", "80"]]).mark, Decimals.of(None, [["1,250"]]).mark
        (',', '.')
        """
        if stated is not None:
            return cls(stated, True)
        comma = False
        for cells in columns:
            for text in cells:
                if _POINT.fullmatch(text):
                    return cls()
                comma |= bool(_COMMA.fullmatch(text) and not _THOUSANDS.fullmatch(text))
        return cls("," if comma else ".")

    def plain(self, text: str | None, kind: str) -> str | None:
        """Return a cell with a point before its decimals; a point that divides thousands stays out.

        Parameters
        ----------
        text : str, optional
            Canonical.
        kind : {"number", "label", "text"}
            Of the column. Other columns than numbers are changed only where the mark was stated.
        """
        if text is None or self.mark == "." or (kind != "number" and not self.stated):
            return text
        if _COMMA.fullmatch(text):
            return spell(text.replace(",", "."))
        return text.replace(".", " ") if kind == "number" and _POINT.fullmatch(text) else text


def comma_in(text: str | None) -> bool:
    """Whether a text is a number with one comma, before decimals or between thousands."""
    return text is not None and _COMMA.fullmatch(text) is not None
