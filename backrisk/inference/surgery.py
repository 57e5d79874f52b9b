"""Posteriors made from others: with some families replaced, or with the draws of two combined."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backrisk._types import Array, Codes
from backrisk.graph import CausalGraph, ProportionalOdds, holds, independent_causes
from backrisk.inference.slices import part_of
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
            return part_of(self.source, self.same.get(name, name), at)
        return cut_from(self.table(name), at)

    def levels(self, name: str, states: Sequence[Codes]) -> Array:
        """Return a node's CDF where its parents' states differ from draw to draw."""
        if name in self.replaced:
            return looked_up(self.table(name), states)
        return self.source.levels(self.same.get(name, name), states)

    def proportional_odds(self, name: str) -> ProportionalOdds | None:
        """Return a node's CDF as odds that its causes multiply, if it has that form."""
        return (
            None
            if name in self.replaced
            else self.source.proportional_odds(self.same.get(name, name))
        )

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
class Pinned:
    """Tables in which some nodes see a set state of a parent, whatever the parent's own is.

    Nothing is laid out: the part of a table that is asked for is got with the parent's state set.

    Parameters
    ----------
    source : Tables
    pinned : mapping of node to mapping of parent to state code
    """

    source: Tables
    pinned: Mapping[str, Mapping[str, int]]

    @property
    def graph(self) -> CausalGraph:
        """The source's."""
        return self.source.graph

    @property
    def draws(self) -> int:
        """Number of draws."""
        return self.source.draws

    def table(self, name: str, at: tuple[Any, ...] = ()) -> Array:
        """Return a node's CPT, ``(*parents, state, draw)``, of which only rows `at` are sure."""
        pins = self._pins(name)
        whole = (*at, *(slice(None),) * (len(self.graph.parents(name)) - len(at)))
        table = self.source.table(name, tuple(pins.get(i, codes) for i, codes in enumerate(whole)))
        for axis, state in pins.items():
            one = (*(slice(None),) * axis, slice(state, state + 1))
            table = np.broadcast_to(table[one], table.shape)
        return table

    def cut(self, name: str, at: tuple[Any, ...]) -> Callable[[slice], Array]:
        """Return how to get a part of a node's CPT for some draws; see `Tables.cut`."""
        pins = self._pins(name)
        set_at = (np.array([pins[i]]) if i in pins else codes for i, codes in enumerate(at))
        cut = part_of(self.source, name, tuple(set_at))
        left = [axis for axis, codes in enumerate(at) if isinstance(codes, slice)]
        people = max((len(codes) for codes in at if not isinstance(codes, slice)), default=1)
        sizes = self.graph.shape(name)

        def fetch(some: slice) -> Array:
            found = cut(some)
            for place, axis in enumerate(left, start=1):
                if axis in pins:
                    shape = (*found.shape[:place], sizes[axis], *found.shape[place:])
                    found = np.broadcast_to(np.expand_dims(found, place), shape)
            return np.broadcast_to(found, (people, *found.shape[1:]))

        return fetch

    def levels(self, name: str, states: Sequence[Codes]) -> Array:
        """Return a node's CDF where its parents' states differ from draw to draw."""
        pins = self._pins(name)
        return self.source.levels(
            name, [np.array([[pins[i]]]) if i in pins else own for i, own in enumerate(states)]
        )

    def proportional_odds(self, name: str) -> ProportionalOdds | None:
        """Return a node's CDF as odds that causes multiply, which no pinned cause does."""
        return None if self._pins(name) else self.source.proportional_odds(name)

    def positive(self, name: str) -> bool:
        """Return whether no cell of a node's CPT is zero."""
        return self.source.positive(name)

    def causes(self, name: str) -> tuple[Array, list[Array]] | None:
        """Return a node's CPT as a leak and independent causes, if it has that form."""
        found = self.source.causes(name)
        if found is None:
            return None
        leak, parts = found
        pins = self._pins(name)
        return leak, [
            np.broadcast_to(part[pins[i]], part.shape) if i in pins else part
            for i, part in enumerate(parts)
        ]

    def _pins(self, name: str) -> dict[int, int]:
        """Return the state that each pinned parent has, by the parent's axis."""
        parents = self.graph.parents(name)
        return {parents.index(p): state for p, state in self.pinned.get(name, {}).items()}


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
    _odds: dict[str, ProportionalOdds | None] = field(default_factory=dict, init=False, repr=False)

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
        if not done[at].all():
            wanted = np.zeros_like(done)
            wanted[at] = True
            wanted &= ~done
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

    def proportional_odds(self, name: str) -> ProportionalOdds | None:
        """Return a node's CDF as odds that its causes multiply, if it has that form."""
        if name not in self._odds:
            first, second = self.first.proportional_odds(name), self.second.proportional_odds(name)
            self._odds[name] = first and second and first.beside(second)
        return self._odds[name]

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
