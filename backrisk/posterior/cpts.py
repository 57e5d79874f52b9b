"""Where the draws of CPTs come from: given tables, or parameters that they are computed from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from backrisk._types import Array, Codes

Variables = Mapping[str, tuple[Array, tuple[str, ...]]]  # by name: draws first; the other axes


class CPTs(Protocol):
    """The draws of every CPT of a graph, wherever they come from."""

    @property
    def draws(self) -> int:
        """The number of draws."""

    def table(self, name: str, at: tuple[Any, ...] = ()) -> Array:
        """Return a node's CPT, ``(*parents, state, draw)``, of which only rows `at` are sure."""

    def levels(self, name: str, states: Sequence[Codes]) -> Array:
        """Return a node's CDF where its parents' states differ from draw to draw."""

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
