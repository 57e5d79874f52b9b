"""The tables of a query, fetched from the posterior for some draws and sliced at what is known."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from backrisk._types import Array
from backrisk.inference.answer_rows import AnswerRows, Codes
from backrisk.inference.coupling import (
    Places,
    at_places,
    coupled,
    coupled_causes,
    laid_out,
)
from backrisk.inference.slices import Table, part_of, unfilled_part
from backrisk.inference.tables import Tables, cut_from
from backrisk.inference.twin_network import BOTH, Source, Variable

Fetch = Callable[[slice, Mapping[str, Places]], Table]
FetchPair = Callable[[slice, Mapping[str, Places]], Array]
FetchSides = Callable[[slice, Mapping[str, Places]], list[tuple[Array, Array]]]


@dataclass(frozen=True, eq=False)
class Fetcher:
    """How to get the tables of a query, sliced at what is known, for some draws at a time.

    What is fetched depends on the places of the pairs of worlds above it: which pairs of states
    are possible may differ from draw to draw (see `coupling.possible_pairs`).

    Parameters
    ----------
    posterior : Tables
    changed : frozenset of str
        The nodes that differ between the worlds.
    coupling : str
        How a node's noise is shared between the worlds.
    among : mapping of node to codes
        Of nodes of which no more is known than that they are in one of these states.
    """

    posterior: Tables
    changed: frozenset[str]
    coupling: str
    among: Mapping[str, Sequence[int]] = field(default_factory=dict)

    def table(self, source: Source, rows: AnswerRows) -> Fetch:
        """Return how to get a source for some draws: ``([row], *scope, draw)``.

        A pair of worlds that is one variable has an axis for each of the two.
        """
        if not source.worlds:
            ones = np.ones((len(self.posterior.graph.node(source.name).states), 1))
            return lambda some, places: ones
        codes = rows.codes_of(source.known)
        owns = [codes.get((source.name, world)) for world in source.worlds]
        if len(source.worlds) > 1:
            free = len(source.scope) - len(source.own)
            joint = self._joint(source, rows, owns)

            def pair(some: slice, places: Mapping[str, Places]) -> Array:
                both = joint(some, places)
                if owns[1] is not None:  # a state that is known has one entry
                    both = both[..., 0, :]
                if owns[0] is not None:
                    both = both[(slice(None),) * (free + 1) + (0,)]
                return both if source.known else both[0]

            return pair
        world, (own,) = source.worlds[0], owns
        event: tuple[int, ...] | None = None
        if source.name in self.among:
            event = tuple(self.among[source.name])
        elif own is not None and len(own) == 1:
            event = (int(own[0]),)
        at, scope = self._known(source, world, codes)
        how = self.posterior, source.name, at
        # The loops fill one table for everyone: not the row of each answer about the node itself.
        apart = not any(kind == BOTH for _, kind in scope) and (own is None or event is not None)
        part: Callable[[slice], Array] | None = None

        def fetch(some: slice, places: Mapping[str, Places]) -> Table:
            nonlocal part  # got when it is needed: by then the compiled loops may be there
            if apart and (fill := unfilled_part(*how, event)) is not None:
                return fill(some)
            if part is None:
                part = part_of(*how, event=event)
            table = _placed(scope, part(some), world, places)
            if own is not None and event is None:
                table = table[np.arange(len(table)), ..., own, :]
            return table if source.known else table[0]

        return fetch

    def _joint(self, source: Source, rows: AnswerRows, owns: Sequence[Codes | None]) -> FetchPair:
        """Return how to get the joint table of a node in both worlds; see `coupling.coupled`."""
        if self._causes(source.name) is not None:
            cdfs = self.cdfs(source, rows)
            return lambda some, places: coupled_causes(cdfs(some, places), owns)
        if self.coupling == "independent" or "numba" not in sys.modules:
            cdfs = self.cdfs(source, rows)
            return lambda some, places: coupled(*cdfs(some, places)[0], owns, self.coupling)
        from backrisk.inference.intervals import shared_lengths

        # The compiled loop looks up the places of pairs itself: no side is laid out over them.
        union = [v for v in source.scope if v[0] != source.name]
        paired = {axis: v[0] for axis, v in enumerate(union, start=1) if v[1] == BOTH}
        codes = rows.codes_of(source.known)
        sides = [self._side(source, world, codes, cdf=True) for world in source.worlds]

        def fetch(some: slice, places: Mapping[str, Places]) -> Array:
            here, there = (laid_out(part(some), 1, scope, union, 2) for scope, part in sides)
            return shared_lengths(
                here, there, owns, {axis: places[name] for axis, name in paired.items()}
            )

        return fetch

    def cdfs(self, source: Source, rows: AnswerRows) -> FetchSides:
        """Return how to get the CDFs of a node in both worlds, without the last level.

        One pair, or one for each source of noise where a node's causes have their own:
        ``(row, *open parents, level, draw)`` over the parents of either world.
        """
        codes = rows.codes_of(source.known)
        union = [v for v in source.scope if v[0] != source.name]
        causes = self._causes(source.name)
        if causes is not None:
            return lambda some, places: self._causes_cdfs(source, codes, causes, some, places)
        sides = [self._side(source, world, codes, cdf=True) for world in source.worlds]

        def fetch(some: slice, places: Mapping[str, Places]) -> list[tuple[Array, Array]]:
            here, there = (
                laid_out(_placed(scope, part(some), world, places), 1, scope, union, 2)
                for world, (scope, part) in zip(source.worlds, sides, strict=True)
            )
            return [(here, there)]

        return fetch

    def _side(
        self, source: Source, world: int, codes: Mapping[Variable, Codes], *, cdf: bool = False
    ) -> tuple[tuple[Variable, ...], Callable[[slice], Array]]:
        """Return a node's open parents in one world, and how to get its CPT.

        The table is ``(row, *open parents, state, draw)``, or with levels in place of states; each
        parent has its own states, though its two worlds may be one variable.
        """
        at, scope = self._known(source, world, codes)
        return scope, part_of(self.posterior, source.name, at, cdf=cdf)

    def _known(
        self, source: Source, world: int, codes: Mapping[Variable, Codes]
    ) -> tuple[tuple[Any, ...], tuple[Variable, ...]]:
        """Return which states of a node's parents are known in one world, and the open ones."""
        parents = self.posterior.graph.parents(source.name)
        family = [(parent, int(world and parent in self.changed)) for parent in parents]
        rest = [v for v in family if v not in codes]
        at = tuple(codes.get(v, slice(None)) for v in family)
        together = {v[0] for v in source.scope if v[1] == BOTH}
        scope = tuple((name, BOTH) if name in together else (name, side) for name, side in rest)
        return at, scope

    def _causes(self, name: str) -> tuple[Array, list[Array]] | None:
        return self.posterior.causes(name) if self.coupling == "independent_causes" else None

    def _causes_cdfs(
        self,
        source: Source,
        codes: Mapping[Variable, Codes],
        causes: tuple[Array, list[Array]],
        some: slice,
        places: Mapping[str, Places],
    ) -> list[tuple[Array, Array]]:
        """Return the CDFs of the leak and of each cause in both worlds: each has its own noise."""
        union = [v for v in source.scope if v[0] != source.name]
        leak = causes[0][..., :-1, some]
        leak = leak.reshape(1, *(1,) * len(union), *leak.shape)
        found = [(leak, leak)]
        for parent, cause in zip(self.posterior.graph.parents(source.name), causes[1], strict=True):
            both = []
            for world in (0, 1):
                v = (parent, int(world and parent in self.changed))
                side = cut_from(cause[..., :-1, :], (codes.get(v, slice(None)),))(some)
                if (parent, BOTH) in union:
                    v, side = (parent, BOTH), at_places(side, 1, places[parent][world])
                both.append(laid_out(side, 1, () if v in codes else (v,), union, 2))
            found.append((both[0], both[1]))
        return found


def _placed(
    scope: Sequence[Variable], table: Array, world: int, places: Mapping[str, Places]
) -> Array:
    """Lay the parents whose worlds are one variable out over its places.

    The table is ``(row, *scope, ..., draw)``.
    """
    for axis, (name, kind) in enumerate(scope, start=1):
        if kind == BOTH:
            table = at_places(table, axis, places[name][world])
    return table
