"""CPTs that are computed from draws of a model's parameters, row by row as they are asked for."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backrisk._types import Array, Codes
from backrisk.errors import QueryError
from backrisk.graph import Layout, Levels, NoisyMax, ProportionalOdds, holds, too_large
from backrisk.inference import cut_from
from backrisk.posterior.cpts import Ints, Variables, causes_of
from backrisk.posterior.datatree import EFFECTS, FRACTIONS

_PIECE = 2**17  # rows whose states are written out at once


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
    _odds: dict[str, ProportionalOdds | None] = field(default_factory=dict, init=False, repr=False)

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
        if not done[at].all():
            wanted = np.zeros_like(done)
            wanted[at] = True
            wanted &= ~done
            rows = np.argwhere(wanted)
            values = self.layout.rows(name, *self._draws_last, rows)
            if wanted.all():
                table = values.reshape(table.shape)
                self._computed[name] = (table, wanted)
            else:
                table[tuple(rows.T)] = values
                done |= wanted  # after the values: another thread may be reading
        return table

    def cut(self, name: str, at: tuple[Any, ...]) -> Callable[[slice], Array]:
        """Return how to get a part of a node's CPT for some draws: see `Tables.cut`.

        A table that is too large to be kept is computed anew each time, and that part alone.
        """
        graph = self.layout.graph
        if holds(graph, name, self.draws):
            return cut_from(self.table(name, at), at)
        shape = graph.shape(name)
        known = [axis for axis, codes in enumerate(at) if not isinstance(codes, slice)]
        rest = [axis for axis in range(len(at)) if axis not in known]
        people = max((len(at[axis]) for axis in known), default=1)
        if people == 1:
            codes = [None if axis in rest else int(at[axis][0]) for axis in range(len(at))]

            def left(some: slice) -> Array:
                fractions, beta = (each[:, some] for each in self._draws_last)
                return self.layout.part(name, fractions, beta, codes)[None]

            return left
        sizes = (people, *(shape[axis] for axis in rest))
        count = math.prod(sizes)

        def states(start: int, stop: int) -> Ints:
            person, *open_states = np.unravel_index(np.arange(start, stop), sizes)
            rows = np.empty((stop - start, len(at)), dtype=np.intp)
            for axis in known:
                rows[:, axis] = at[axis][person if len(at[axis]) > 1 else 0]
            for axis, codes in zip(rest, open_states, strict=True):
                rows[:, axis] = codes
            return rows

        def part(some: slice) -> Array:
            fractions, beta = (each[:, some] for each in self._draws_last)
            pieces = [
                self.layout.rows(name, fractions, beta, states(start, min(start + _PIECE, count)))
                for start in range(0, count, _PIECE)
            ]
            found = pieces[0] if len(pieces) == 1 else np.concatenate(pieces)
            return found.reshape(*sizes, *found.shape[1:])

        return part

    def causes(self, name: str) -> tuple[Array, list[Array]] | None:
        """Return a node's CPT as a leak and independent causes, if it has that form."""
        if holds(self.layout.graph, name, self.draws):
            return causes_of(self.table(name))
        if not isinstance(self.layout.mechanism(name), NoisyMax):
            return None
        sizes = self.layout.graph.shape(name)[:-1]
        # With all causes but one at the reference, the CDF is that of the leak times its own.
        rows = np.zeros((1 + sum(sizes), len(sizes)), dtype=np.intp)
        starts = np.cumsum([1, *sizes])
        for cause, start in enumerate(starts[:-1]):
            rows[start : starts[cause + 1], cause] = np.arange(sizes[cause])
        leak, *others = np.cumsum(self.rows(name, rows), axis=1)
        ratio = np.array(others) / leak
        return leak, np.split(ratio, starts[1:-1] - 1)

    def rows(self, name: str, rows: Ints, some: slice = slice(None)) -> Array:
        """Return rows of a node's CPT for some draws, ``(row, state, draw)``."""
        fractions, beta = self._draws_last
        return self.layout.rows(name, fractions[:, some], beta[:, some], rows)

    def levels(self, name: str, states: Sequence[Codes]) -> Array:
        """Return a node's CDF where its parents' states differ from draw to draw; see `Layout`."""
        if name not in self._levels:
            self._levels[name] = self.proportional_odds(name) or self.layout.levels(
                name, *self._draws_last
            )
        return self._levels[name](states)

    def proportional_odds(self, name: str) -> ProportionalOdds | None:
        """Return a node's CDF as odds that its causes multiply, if it has that form."""
        if name not in self._odds:
            self._odds[name] = self.layout.proportional_odds(name, *self._draws_last)
        return self._odds[name]

    def positive(self, name: str) -> bool:
        """Return whether no cell of a node's CPT is zero."""
        return self.layout.mechanism(name).positive

    def variables(self) -> Variables:
        """Return the two vectors of parameters."""
        return {
            FRACTIONS: (self.fractions, ("distribution",)),
            EFFECTS: (self.beta, ("effect",)),
        }
