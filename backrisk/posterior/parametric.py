"""CPTs that are computed from draws of a model's parameters, row by row as they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backrisk._types import Array, Codes
from backrisk.errors import QueryError
from backrisk.graph import Layout, Levels, too_large
from backrisk.posterior.cpts import Variables
from backrisk.posterior.datatree import EFFECTS, FRACTIONS


@dataclass(frozen=True, eq=False)
class ParametricCPTs:
    """CPTs as a function of parameters.

    Parameters
    ----------
    layout : Layout
    fractions : ndarray, shape (draw, fraction)
        Stick-breaking fractions: of what the states before have left, the share of each state.
    beta : ndarray, shape (draw, effect)
        Log odds ratios.
    """

    layout: Layout
    fractions: Array
    beta: Array
    _computed: dict[str, tuple[Array, NDArray[np.bool_]]] = field(
        default_factory=dict, init=False, repr=False
    )

    _levels: dict[str, Levels] = field(default_factory=dict, init=False, repr=False)

    @property
    def draws(self) -> int:
        """The number of draws."""
        return len(self.fractions)

    @cached_property
    def _draws_last(self) -> tuple[Array, Array]:
        return np.ascontiguousarray(self.fractions.T), np.ascontiguousarray(self.beta.T)

    def table(self, name: str, at: tuple[Any, ...] = ()) -> Array:
        """Return a node's CPT, ``(*parents, state, draw)``.

        Parameters
        ----------
        name : str
        at : tuple
            An index of the parents' axes. Only the rows there are sure to be computed; every
            other row may hold anything. A row is computed once.

        Raises
        ------
        QueryError
            If the table is too large to hold; nothing is allocated.
        """
        graph = self.layout.graph
        shape = graph.shape(name)
        if name not in self._computed:
            if complaint := too_large(graph, name, self.draws):
                raise QueryError(complaint)
            # Memory that is never touched is never laid out, so rows nobody asks for are free.
            self._computed[name] = (np.empty((*shape, self.draws)), np.zeros(shape[:-1], bool))
        table, done = self._computed[name]
        wanted = np.zeros_like(done)
        wanted[at] = True
        wanted &= ~done
        if wanted.any():
            rows = np.argwhere(wanted)
            values = self.layout.rows(name, *self._draws_last, rows)
            if wanted.all():
                table = values.reshape(table.shape)
                self._computed[name] = (table, wanted)
            else:
                table[tuple(rows.T)] = values
                done |= wanted  # after the values: another thread may be reading
        return table

    def levels(self, name: str, states: Sequence[Codes]) -> Array:
        """Return a node's CDF where its parents' states differ from draw to draw; see `Layout`."""
        if name not in self._levels:
            self._levels[name] = self.layout.levels(name, *self._draws_last)
        return self._levels[name](states)

    def positive(self, name: str) -> bool:
        """Return whether no cell of a node's CPT is zero."""
        return self.layout.mechanisms[name].positive

    def variables(self) -> Variables:
        """Return the two vectors of parameters."""
        return {
            FRACTIONS: (self.fractions, ("distribution",)),
            EFFECTS: (self.beta, ("effect",)),
        }
