"""What exact inference needs from a posterior."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from backrisk._types import Array, Codes
from backrisk.graph import CausalGraph, ProportionalOdds


class Tables(Protocol):
    """What the engine needs of a posterior."""

    @property
    def graph(self) -> CausalGraph:
        """The causal DAG."""

    @property
    def draws(self) -> int:
        """Number of draws."""

    def table(self, name: str, at: tuple[Any, ...] = ()) -> Array:
        """Return a node's CPT, ``(*parents, state, draw)``, of which only rows `at` are sure."""

    def levels(self, name: str, states: Sequence[Codes]) -> Array:
        """Return a node's CDF without its last level, ``(state - 1, sample, draw)``.

        The states of its parents differ from draw to draw, ``(sample, draw)``, or are ``(1, 1)``.
        """

    def cut(self, name: str, at: tuple[Any, ...]) -> Callable[[slice], Array]:
        """Return how to get a part of a node's CPT for some draws.

        Parameters
        ----------
        name : str
        at : tuple
            Of each parent: the codes of its states, one for each row or one for all, or a slice
            of all where it stays open.

        Returns
        -------
        callable
            Of a slice of the draws; gives ``(row, *open parents, state, draw)``.
        """

    def proportional_odds(self, name: str) -> ProportionalOdds | None:
        """Return a node's CDF as odds that its causes multiply, if it has that form."""

    def positive(self, name: str) -> bool:
        """Return whether no cell of a node's CPT is zero."""

    def causes(self, name: str) -> tuple[Array, list[Array]] | None:
        """Return a node's CPT as a leak and independent causes, if it has that form."""


def cut_from(table: Array, at: tuple[Any, ...]) -> Callable[[slice], Array]:
    """Return how to get a part of a table that is laid out whole; see `Tables.cut`.

    Parameters
    ----------
    table : ndarray, shape (*parents, state, draw)
    at : tuple

    Examples
    --------
    >>> table = np.arange(8.0).reshape(2, 2, 2, 1)
    >>> cut_from(table, (np.array([1, 0]), slice(None)))(slice(None)).shape
    (2, 2, 2, 1)
    """
    known = [axis for axis, codes in enumerate(at) if not isinstance(codes, slice)]
    rest = [axis for axis in range(table.ndim) if axis not in known]
    table = table.transpose(*known, *rest)
    codes = [at[axis] for axis in known]
    return lambda some: _taken(table[..., some], codes)


def _taken(table: Array, at: Sequence[Array]) -> Array:
    """Take one row for each entry of the codes of a table's first axes; one row without any."""
    if all(len(code) == 1 for code in at):  # a view, not a copy
        return table[(*(int(code[0]) for code in at), None)]
    found: Array = table[tuple(at)]
    return found


def looked_up(table: Array, states: Sequence[Codes]) -> Array:
    """Return the CDF of a CPT where the parents' states differ from draw to draw.

    Parameters
    ----------
    table : ndarray, shape (*parents, state, draw)
    states : sequence of ndarray of int, each (sample, draw) or (1, 1)

    Returns
    -------
    ndarray, shape (state - 1, sample, draw)

    Examples
    --------
    >>> table = np.array([[[0.7], [0.3]], [[0.2], [0.8]]])
    >>> looked_up(table, [np.array([[0], [1], [1]])])[0, :, 0].tolist()
    [0.7, 0.2, 0.2]
    """
    by_state = np.moveaxis(table, -2, 0)
    draw = np.arange(table.shape[-1])
    return np.cumsum([p[(*states, draw)] if states else p[None] for p in by_state], axis=0)[:-1]
