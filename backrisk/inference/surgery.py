"""Posteriors made from others: with some families replaced, or with the draws of two combined."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backrisk._types import Array, Codes
from backrisk.graph import CausalGraph, holds, independent_causes
from backrisk.inference.tables import Tables, cut_from, looked_up


@dataclass(frozen=True, eq=False)
class Rewired:
    """Tables of which some are replaced: an intervention on families or on single edges.

    Parameters
    ----------
    source : Tables
    replaced : mapping of node to ndarray, shape (*parents, state, draw)
        Of one draw, where it is the same in all.
    graph : CausalGraph
        The source's, or one with further nodes, each of which is among the replaced or the same.
    same : mapping of node to node, optional
        Whose table of the source further nodes have.
    """

    source: Tables
    replaced: Mapping[str, Array]
    graph: CausalGraph
    same: Mapping[str, str] = field(default_factory=dict)

    @property
    def draws(self) -> int:
        """Number of draws."""
        return self.source.draws

    def table(self, name: str, at: tuple[Any, ...] = ()) -> Array:
        """Return a node's CPT, ``(*parents, state, draw)``, of which only rows `at` are sure."""
        if name not in self.replaced:
            return self.source.table(self.same.get(name, name), at)
        table = self.replaced[name]
        return np.broadcast_to(table, (*table.shape[:-1], self.draws))

    def cut(self, name: str, at: tuple[Any, ...]) -> Callable[[slice], Array]:
        """Return how to get a part of a node's CPT for some draws; see `Tables.cut`."""
        if name not in self.replaced:
            return self.source.cut(self.same.get(name, name), at)
        return cut_from(self.table(name), at)

    def levels(self, name: str, states: Sequence[Codes]) -> Array:
        """Return a node's CDF where its parents' states differ from draw to draw."""
        if name in self.replaced:
            return looked_up(self.table(name), states)
        return self.source.levels(self.same.get(name, name), states)

    def positive(self, name: str) -> bool:
        """Return whether no cell of a node's CPT is zero."""
        if name in self.replaced:
            return bool((self.replaced[name] > 0).all())
        return self.source.positive(self.same.get(name, name))

    def causes(self, name: str) -> tuple[Array, list[Array]] | None:
        """Return a node's CPT as a leak and independent causes, if it has that form."""
        if name in self.replaced:
            return independent_causes(self.replaced[name])
        return self.source.causes(self.same.get(name, name))


@dataclass(frozen=True, eq=False)
class Stacked:
    """The draws of two posteriors of one graph, so that both are asked in one contraction.

    Parameters
    ----------
    first, second : Tables
    """

    first: Tables
    second: Tables
    _joined: dict[str, tuple[Array, NDArray[np.bool_]]] = field(
        default_factory=dict, init=False, repr=False
    )

    @property
    def graph(self) -> CausalGraph:
        """The causal DAG of both."""
        return self.first.graph

    @property
    def draws(self) -> int:
        """Number of draws of both together."""
        return self.first.draws + self.second.draws

    def table(self, name: str, at: tuple[Any, ...] = ()) -> Array:
        """Return a node's CPT, ``(*parents, state, draw)``, of which only rows `at` are sure."""
        if name not in self._joined:
            shape = self.graph.shape(name)
            self._joined[name] = np.empty((*shape, self.draws)), np.zeros(shape[:-1], bool)
        table, done = self._joined[name]
        wanted = np.zeros_like(done)
        wanted[at] = True
        wanted &= ~done
        if wanted.any():
            both = [part.table(name, at)[wanted] for part in (self.first, self.second)]
            table[wanted] = np.concatenate(both, axis=-1)
            done |= wanted  # after the values: another thread may be reading
        return table

    def cut(self, name: str, at: tuple[Any, ...]) -> Callable[[slice], Array]:
        """Return how to get a part of a node's CPT for some draws; see `Tables.cut`."""
        if holds(self.graph, name, self.draws):
            return cut_from(self.table(name, at), at)
        cuts = self.first.cut(name, at), self.second.cut(name, at)

        def both(some: slice) -> Array:
            start, stop, _ = some.indices(self.draws)
            middle = min(max(self.first.draws, start), stop)
            sides = (start, middle, 0), (middle, stop, self.first.draws)
            found = [
                cut(slice(a - before, b - before))
                for cut, (a, b, before) in zip(cuts, sides, strict=True)
                if a < b
            ]
            return found[0] if len(found) == 1 else np.concatenate(found, axis=-1)

        return both

    def levels(self, name: str, states: Sequence[Codes]) -> Array:
        """Return a node's CDF where its parents' states differ from draw to draw."""
        cut = self.first.draws
        both = [
            part.levels(name, [s[..., some] if s.shape[-1] > 1 else s for s in states])
            for part, some in ((self.first, slice(cut)), (self.second, slice(cut, None)))
        ]
        return np.concatenate(both, axis=-1)

    def positive(self, name: str) -> bool:
        """Return whether no cell of a node's CPT is zero."""
        return self.first.positive(name) and self.second.positive(name)

    def causes(self, name: str) -> tuple[Array, list[Array]] | None:
        """Return a node's CPT as a leak and independent causes, if it has that form."""
        pair = self.first.causes(name), self.second.causes(name)
        if pair[0] is None or pair[1] is None:
            return None
        both = zip(pair[0][1], pair[1][1], strict=True)
        leak = np.concatenate([pair[0][0], pair[1][0]], axis=-1)
        return leak, [np.concatenate(sides, axis=-1) for sides in both]


def pin(table: Array, axes: Mapping[int, int]) -> Array:
    """Return a CPT in which some parents pass a set state, whatever theirs is.

    Parameters
    ----------
    table : ndarray, shape (*parents, state, draw)
    axes : mapping of a parent's axis to the state that it passes

    Returns
    -------
    ndarray
        Of the same shape; a view.

    Examples
    --------
    >>> pin(np.array([[[0.7], [0.3]], [[0.2], [0.8]]]), {0: 1})[..., 0].tolist()
    [[0.2, 0.8], [0.2, 0.8]]
    """
    index = tuple(
        slice(axes[axis], axes[axis] + 1) if axis in axes else slice(None)
        for axis in range(table.ndim)
    )
    return np.broadcast_to(table[index], table.shape)
