"""Cells of a spreadsheet that hold text, and nothing that is computed."""

from __future__ import annotations

import re

# What a spreadsheet may take for a formula, in its full-width forms too (OWASP, CSV injection).
_FORMULA = re.compile(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


def neutral(text: str) -> str:
    """Return text that no spreadsheet reads as a formula: an apostrophe goes before one.

    Examples
    --------
    >>> neutral("=1+1"), neutral("weak core")
    ("'=1+1", 'weak core')
    """
    shown = _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text)
    return f"'{shown}" if _FORMULA.match(shown) else shown
