"""Where the draws of CPTs come from: given tables, or parameters that they are computed from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from backrisk._types import Array, Codes
from backrisk.graph import ProportionalOdds, independent_causes

_PROBE = 8  # draws that tell whether a CPT can be a noisy-max at all

Ints = NDArray[np.intp]
Variables = Mapping[str, tuple[Array, tuple[str, ...]]]  # by name: draws first; the other axes


class CPTs(Protocol):
    """The draws of every CPT of a graph, wherever they come from."""

    @property
    def draws(self) -> int:
        """The number of draws."""

    def table(self, name: str, at: tuple[Any, ...] = ()) -> Array:
        """Return a node's CPT, ``(*parents, state, draw)``, of which only rows `at` are sure."""

    def cut(self, name: str, at: tuple[Any, ...]) -> Callable[[slice], Array]:
        """Return how to get a part of a CPT for some draws; see `backrisk.inference.Tables`."""

    def causes(self, name: str) -> tuple[Array, list[Array]] | None:
        """Return a CPT as a leak and independent causes, if it has that form."""

    def rows(self, name: str, rows: Ints, some: slice = slice(None)) -> Array:
        """Return rows of a node's CPT for some draws, ``(row, state, draw)``; see `Posterior`."""

    def levels(self, name: str, states: Sequence[Codes]) -> Array:
        """Return a node's CDF where its parents' states differ from draw to draw."""

    def proportional_odds(self, name: str) -> ProportionalOdds | None:
        """Return a node's CDF as odds that its causes multiply, if it has that form."""

    def positive(self, name: str) -> bool:
        """Return whether no cell of a node's CPT is zero."""

    def variables(self) -> Variables:
        """Return what is stored, and the names of its axes after that of the draws."""


def draws_last(table: Array) -> Array:
    """Return the same table, draws first, whose memory has the draws of a cell side by side.

    A query adds and multiplies cells draw by draw: in this order each sum runs through memory
    once, several times faster than with the draws far apart.
    """
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(table, 0, -1)), -1, 0)


def causes_of(table: Array) -> tuple[Array, list[Array]] | None:
    """Return a table as a leak and independent causes; a few draws tell whether it may be one."""
    possible = independent_causes(table[..., spaced(table.shape[-1], _PROBE)]) is not None
    return independent_causes(table) if possible else None


def spaced(draws: int, few: int) -> Ints:
    """Return at most so many of the draws, evenly spaced."""
    return np.linspace(0, draws - 1, min(few, draws)).astype(np.intp)
