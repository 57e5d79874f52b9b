"""Text that others wrote, made harmless: cells of a spreadsheet, and lines of a terminal."""

from __future__ import annotations

import re
from unicodedata import category

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


def printable(text: str) -> str:
    r"""Return text in which nothing steers a terminal; the very same where nothing does.

    Examples
    --------
    >>> printable("weak\x1b[2J core") == "weak\N{REPLACEMENT CHARACTER}[2J core"
    True
    """
    shown = "".join(
        "\N{REPLACEMENT CHARACTER}" if category(c) in ("Cc", "Cs") and c not in "\n\t" else c
        for c in text
    )
    return text if shown == text else shown
