"""A row of the table of comparisons."""

from __future__ import annotations

from typing import TypedDict


class Row(TypedDict):
    """One comparison.

    ``what`` names the quantity; ``ours`` and ``theirs`` are the numbers as they are printed;
    ``error`` is how far apart they are, with its unit; ``verdict`` is "equal", "agrees" or
    "differs"; ``source`` is the other program with its version, or the publication.
    """

    what: str
    ours: str
    theirs: str
    error: str
    verdict: str
    source: str


def equal(what: str, ours: str, theirs: str, error: float, limit: float, source: str) -> Row:
    """Return a row of numbers that should be equal but for rounding."""
    verdict = "equal" if error <= limit else "differs"
    return Row(
        what=what,
        ours=ours,
        theirs=theirs,
        error=f"{error:.1e}",
        verdict=verdict,
        source=source,
    )


def agreeing(
    what: str, ours: float, theirs: float, unit: float, name: str, limit: float, source: str
) -> Row:
    """Return a row of numbers that should agree within some of a unit, such as standard errors."""
    error = (ours - theirs) / unit
    return Row(
        what=what,
        ours=f"{ours:.4f}",
        theirs=f"{theirs:.4f}",
        error=f"{error:+.2f} {name}",
        verdict="agrees" if abs(error) <= limit else "differs",
        source=source,
    )
