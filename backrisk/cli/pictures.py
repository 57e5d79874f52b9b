"""Figures that a command writes beside what it prints."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from backrisk._files import demand_place, write
from backrisk.errors import QueryError
from backrisk.words import say

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_ENDINGS = ("png", "svg", "pdf")


def picture_kind(out: Path, inputs: Sequence[object]) -> str:
    """Return the format that a picture's name says, before anything is computed.

    Parameters
    ----------
    out : Path
    inputs : sequence
        Files that it must not be.

    Raises
    ------
    QueryError
        If no picture is written in it, or it cannot be written there.
    """
    kind = out.suffix[1:].lower()
    if kind not in _ENDINGS:
        raise QueryError(say("cli.no_picture", out=out))
    demand_place(out, QueryError, inputs)
    return kind


def write_picture(figure: Figure, out: Path, inputs: Sequence[object]) -> None:
    """Write a figure, whole or not at all.

    Raises
    ------
    QueryError
        As for `picture_kind`, or if there is no room.
    """
    kind, stream = picture_kind(out, inputs), BytesIO()
    figure.savefig(stream, format=kind, dpi=150)
    write(out, stream.getvalue(), QueryError, inputs)
