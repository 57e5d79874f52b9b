"""Exact queries for every draw at once: sum-product with the draw axis last.

World 0 is the one that was seen; world 1 is the one that would have been under an intervention.
Every table is sliced at what is known, and the plan of `backrisk.inference.plan` is carried out
on chunks of draws that stay near the processor. People who share a signature are one contraction:
each intermediate table has a row for every distinct combination of the answers it depends on.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property, reduce
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from backrisk.errors import QueryError
from backrisk.graph import CausalGraph
from backrisk.inference.coupling import (
    COUPLINGS,
    coupled,
    cumulated,
    joined,
    laid,
    placed,
    possible,
    summed_out,
)
from backrisk.inference.plan import (
    BOTH,
    Pairing,
    Part,
    Plan,
    Signature,
    Source,
    Variable,
    plan,
    reached,
    resized,
    sources,
)

__all__ = ["BUDGET", "CONTRADICTION", "COUPLINGS", "Tables", "Variable", "World"]

Array = NDArray[np.float64]
Codes = NDArray[np.intp]
State = int | Codes
Places = Mapping[str, Codes]  # what lies at the places of a pair of worlds, (2, place, draw)

CONTRADICTION = "The answers contradict each other: the model gives them probability 0."
BUDGET = 512 * 2**20  # bytes that the tables of a query may take at any moment
_CACHE = 16 * 2**20  # bytes of tables that are worked on at once
_FEW, _MANY = 256, 2048  # draws, and people, worked on at once
_CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
_THREADS = min(_CORES, 4)
_WORTH = 16 * 2**20  # bytes of tables from which on threads are worth starting
_LARGEST_KEY = 2**62  # distinct rows of answers are told apart by one integer


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

    def positive(self, name: str) -> bool:
        """Return whether no cell of a node's CPT is zero."""

    def causes(self, name: str) -> tuple[Array, list[Array]] | None:
        """Return a node's CPT as a leak and independent causes, if it has that form."""


@dataclass(frozen=True, eq=False)
class World:
    """What is asked of a posterior: evidence in world 0, an intervention that makes world 1.

    Parameters
    ----------
    posterior : Tables
        A posterior.
    evidence : mapping of node to state code
        Seen in world 0. Arrays of codes, one for each person, ask for many people at once.
    do : mapping of node to state code
        Set in world 1; arrays as well.
    coupling : str
        How a node's noise is shared between the worlds.
    free : tuple of str
        Intervened nodes whose value in world 1 is left open, as an axis.
    told : mapping of node to state code
        Seen in world 1, of nodes that the intervention changes; arrays as well.
    """

    posterior: Tables
    evidence: Mapping[str, State]
    do: Mapping[str, State]
    coupling: str = "monotone"
    free: tuple[str, ...] = ()
    told: Mapping[str, State] = field(default_factory=dict)

    @property
    def graph(self) -> CausalGraph:
        """The posterior's graph."""
        return self.posterior.graph

    @cached_property
    def people(self) -> int | None:
        """The number of people; None where codes are single numbers."""
        given = (*self.evidence.values(), *self.do.values(), *self.told.values())
        sizes = {np.size(v) for v in given if np.ndim(v)}
        if len(sizes) > 1:
            raise QueryError(f"Codes of different numbers of people: {sorted(sizes)}.")
        return sizes.pop() if sizes else None

    @cached_property
    def _changed(self) -> frozenset[str]:
        return reached(self.graph, frozenset((*self.do, *self.free)))

    @cached_property
    def _zeros(self) -> frozenset[str]:
        """The nodes that may have two worlds and whose CPT has a zero."""
        return frozenset(name for name in self._changed if not self.posterior.positive(name))

    def variable(self, node: str) -> Variable:
        """Return a node as it is in world 1, which is world 0 where nothing reaches it."""
        return (node, int(node in self._changed))

    def joint(self, keep: Sequence[Variable]) -> Array:
        """Return ``P(keep, evidence)``, shape ``(*keep, draw)``.

        Kept variables are neither seen nor set. With many people their axis comes first.

        Raises
        ------
        QueryError
            If a single draw would need more than `BUDGET` bytes; nothing is allocated.
        """
        plan = self._plan(keep)
        found = self._run(plan.main, lambda table: table)
        constants = [self._run(part, lambda table: table) for part in plan.others]
        if constants:
            constant = reduce(np.multiply, constants)
            found = found * constant.reshape(len(constant), *(1,) * len(keep), -1)
        return self._shaped(found)

    def conditional(
        self,
        keep: Sequence[Variable],
        event: Mapping[Variable, Sequence[int]] | None = None,
        *,
        strict: bool = True,
    ) -> Array:
        """Return ``P(keep | evidence)``, shape ``(*keep, draw)``.

        What is independent of the kept variables given the evidence is not computed.

        Parameters
        ----------
        keep : sequence of variables
        event : mapping of variable to codes, optional
            Sum these states of kept variables, whose axes then fall away.
        strict : bool
            Refuse evidence of probability zero; else the answer is NaN there.

        Raises
        ------
        QueryError
            As `joint`; and if the evidence has probability zero in some draw.
        """
        plan = self._plan(keep)
        axes = tuple(range(1, 1 + len(keep)))
        gone = tuple(axis for axis, v in zip(axes, keep, strict=True) if event and v in event)

        def finish(table: Array) -> Array:
            total = table.sum(axis=axes, keepdims=True)
            for axis in gone:
                assert event is not None
                table = table.take(list(event[keep[axis - 1]]), axis=axis)
            with np.errstate(invalid="ignore"):  # 0 / 0 is seen below
                share: Array = (table.sum(axis=gone, keepdims=True) / total).squeeze(gone)
            return share

        found = self._run(plan.main, finish)
        for part in plan.others:
            if not all(self.posterior.positive(source.name) for source in part.sources):
                possible = self._run(part, lambda table: table) > 0
                shape = (len(possible), *(1,) * (found.ndim - 2), -1)
                found = np.where(possible.reshape(shape), found, np.nan)
        if strict and np.isnan(found).any():
            raise QueryError(CONTRADICTION)
        return self._shaped(found)

    def sources(
        self, keep: Sequence[Variable]
    ) -> list[tuple[tuple[Variable, ...], Callable[[slice], Array]]]:
        """Return the tables that `joint` multiplies, for one person: scopes, and how to get them.

        No two worlds are one variable here. A table for some draws has the axes of its scope and
        then the draws, or one draw for all.
        """
        found = list(sources(self._signature(keep), self._changed))
        rows = _Rows({v: self._codes(v) for source in found for v in source.known})

        def get(source: Source) -> Callable[[slice], Array]:
            fetch = self._fetch(source, rows)
            return lambda some: fetch(some, {})[0] if source.known else fetch(some, {})

        return [(source.scope, get(source)) for source in found]

    def touched(self, keep: Sequence[Variable]) -> dict[str, tuple[int, ...]]:
        """Return the nodes whose tables `conditional` multiplies, with the worlds they are in."""
        sources = self._plan(keep).main.sources
        return {source.name: source.worlds for source in sources if source.worlds}

    def without_own_causes(self, keep: Sequence[Variable]) -> tuple[str, ...]:
        """Return the doubled nodes whose CPT is no noisy-max.

        Independent causes are undefined for them: they follow the monotone coupling.
        """
        return tuple(
            name
            for name, worlds in self.touched(keep).items()
            if len(worlds) > 1 and self.posterior.causes(name) is None
        )

    def _signature(self, keep: Sequence[Variable]) -> Signature:
        return Signature(
            self.graph,
            frozenset(self.evidence),
            frozenset(self.do),
            frozenset(self.free),
            frozenset(self.told),
            tuple(keep),
            self._zeros,
            self.coupling != "independent",
            min(1 << ((self.people or 1) - 1).bit_length(), _MANY),
        )

    def _plan(self, keep: Sequence[Variable]) -> Plan:
        return plan(self._signature(keep))

    def _shaped(self, found: Array) -> Array:
        """Drop the axis of people where there is but one person; fill the axis of draws."""
        shape = (self.people or 1, *found.shape[1:-1], self.posterior.draws)
        full = np.broadcast_to(found, shape)
        return full[0] if self.people is None else full

    def _codes(self, variable: Variable) -> Codes:
        name, world = variable
        code = ({**self.told, **self.do} if world else self.evidence)[name]
        return np.atleast_1d(np.asarray(code, dtype=np.intp))

    def _run(self, part: Part, finish: Callable[[Array], Array]) -> Array:
        """Carry a part out for everyone; ``([person], *finished, draw)``."""
        _demand_room(part)
        if not part.sources:
            return finish(np.ones((1, 1)))
        codes = {v: self._codes(v) for source in part.sources for v in source.known}
        people = max((len(code) for code in codes.values()), default=1)
        parts = [
            self._run_people(part, finish, _people(codes, start, start + _MANY))
            for start in range(0, people, _MANY)
        ]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _run_people(
        self, part: Part, finish: Callable[[Array], Array], codes: Mapping[Variable, Codes]
    ) -> Array:
        """Carry a part out for some people, in chunks of draws that fit the cache."""
        rows = _Rows(codes)
        need = 8 * sum(step.cells * rows.count(step.known) for step in part.steps)
        if need * _FEW > BUDGET and rows.people > 1:
            half = rows.people // 2
            some, others = _people(codes, 0, half), _people(codes, half, rows.people)
            return np.concatenate(
                [self._run_people(part, finish, some), self._run_people(part, finish, others)]
            )
        draws = self.posterior.draws
        # Who asks from a thread of their own has shared the cores out already.
        alone = threading.current_thread() is threading.main_thread()
        workers = _THREADS if alone and need * draws > _WORTH else 1
        share = -(-draws // workers)
        chunk = max(min(max(_CACHE // need, _FEW), BUDGET // (workers * need), share), 1)
        fetches = [
            self._cdfs(source, rows) if i == part.last else self._fetch(source, rows)
            for i, source in enumerate(part.sources)
        ]

        out: list[Array] = []  # one, as soon as its shape is known
        lock = threading.Lock()

        def carry_out(some: slice) -> None:
            table = _carry_out(part, fetches, rows, some, self.coupling)
            done = finish(table if part.known else table[None])
            with lock:
                if not out:
                    out.append(np.empty((rows.people, *done.shape[1:-1], draws)))
            out[0][..., some] = done if len(done) == 1 else done[rows.of(part.known)[1]]

        chunks = [slice(at, min(at + chunk, draws)) for at in range(0, draws, chunk)]
        if workers == 1 or len(chunks) == 1:
            for piece in chunks:
                carry_out(piece)
        else:
            with ThreadPoolExecutor(workers) as threads:  # NumPy lets go of Python's lock
                list(threads.map(carry_out, chunks))  # raises what a thread raised
        return out[0]

    def _fetch(self, source: Source, rows: _Rows) -> _Fetch:
        """Return how to get a source for some draws: ``([row], *scope, draw)``.

        A pair of worlds that is one variable has an axis for each of the two.
        """
        if not source.worlds:
            ones = np.ones((len(self.graph.node(source.name).states), 1))
            return lambda some, places: ones
        codes = _known_codes(source, rows)
        owns = [codes.get((source.name, world)) for world in source.worlds]
        if len(source.worlds) > 1:
            cdfs, free = self._cdfs(source, rows), len(source.scope) - len(source.own)

            def pair(some: slice, places: Places) -> Array:
                sides = cdfs(some, places)
                own_noise = self._own_causes(source.name) is not None
                joint = (
                    joined(sides, owns) if own_noise else coupled(*sides[0], owns, self.coupling)
                )
                joint = joint if owns[1] is None else joint[..., 0, :]
                if owns[0] is not None:
                    joint = joint[(slice(None),) * (free + 1) + (0,)]
                return joint if source.known else joint[0]

            return pair
        side, (own,) = self._side(source, source.worlds[0], codes), owns

        def fetch(some: slice, places: Places) -> Array:
            _, table = side(some, places)
            if own is not None and len(own) == 1:
                table = table[..., own[0], :]
            elif own is not None:
                table = table[np.arange(len(table)), ..., own, :]
            return table if source.known else table[0]

        return fetch

    def _cdfs(
        self, source: Source, rows: _Rows
    ) -> Callable[[slice, Places], list[tuple[Array, Array]]]:
        """Return how to get the CDFs of a node in both worlds, without the last level.

        One pair, or one for each source of noise where a node's causes have their own:
        ``(row, *open parents, level, draw)`` over the parents of either world.
        """
        codes = _known_codes(source, rows)
        union = [v for v in source.scope if v[0] != source.name]
        causes = self._own_causes(source.name)
        if causes is not None:
            return lambda some, places: self._causes_cdfs(source, codes, causes, some, places)
        sides = [self._side(source, world, codes, cdf=True) for world in source.worlds]

        def fetch(some: slice, places: Places) -> list[tuple[Array, Array]]:
            found = (side(some, places) for side in sides)
            here, there = (laid(table, 1, scope, union, 2) for scope, table in found)
            return [(here, there)]

        return fetch

    def _side(
        self,
        source: Source,
        world: int,
        codes: Mapping[Variable, Codes],
        *,
        cdf: bool = False,
    ) -> Callable[[slice, Places], tuple[tuple[Variable, ...], Array]]:
        """Return how to get a node's CPT in one world: its open parents, and the table.

        The table is ``(row, *open parents, state, draw)``, or with levels in place of states; a
        parent whose two worlds are one variable has the axis of its places.
        """
        changed, positive = self._changed, self.posterior.positive(source.name)
        family = [(p, int(world and p in changed)) for p in self.graph.parents(source.name)]
        known = [i for i, v in enumerate(family) if v in codes]
        rest = [i for i, v in enumerate(family) if v not in codes]
        table = self.posterior.table(source.name, tuple(codes.get(v, slice(None)) for v in family))
        table = table.transpose(*known, *rest, *range(len(family), table.ndim))
        at = tuple(codes[family[i]] for i in known)
        together = {v[0] for v in source.scope if v[1] == BOTH}
        scope = tuple((family[i][0], BOTH) if family[i][0] in together else family[i] for i in rest)

        def fetch(some: slice, places: Places) -> tuple[tuple[Variable, ...], Array]:
            found = _taken(table[..., some], at)
            if cdf:
                found = cumulated(found, positive=positive)
            for axis, (name, kind) in enumerate(scope, start=1):
                if kind == BOTH:
                    found = placed(found, axis, places[name][world])
            return scope, found

        return fetch

    def _own_causes(self, name: str) -> tuple[Array, list[Array]] | None:
        return self.posterior.causes(name) if self.coupling == "independent_causes" else None

    def _causes_cdfs(
        self,
        source: Source,
        codes: Mapping[Variable, Codes],
        causes: tuple[Array, list[Array]],
        some: slice,
        places: Places,
    ) -> list[tuple[Array, Array]]:
        """Return the CDFs of the leak and of each cause in both worlds: each has its own noise."""
        union = [v for v in source.scope if v[0] != source.name]
        leak = causes[0][..., :-1, some]
        leak = leak.reshape(1, *(1,) * len(union), *leak.shape)
        found = [(leak, leak)]
        for parent, cause in zip(self.graph.parents(source.name), causes[1], strict=True):
            both = []
            for world in (0, 1):
                v = (parent, int(world and parent in self._changed))
                side = _taken(cause[..., :-1, some], (codes[v],) if v in codes else ())
                if (parent, BOTH) in union:
                    v, side = (parent, BOTH), placed(side, 1, places[parent][world])
                both.append(laid(side, 1, () if v in codes else (v,), union, 2))
            found.append((both[0], both[1]))
        return found


_Fetch = Callable[[slice, Places], Array]


def _demand_room(part: Part) -> None:
    """Refuse what would need more than the budget for a single draw."""
    if 8 * part.cells > BUDGET:
        names = ", ".join(sorted({node for node, _ in part.widest}))
        raise QueryError(
            f"The answer needs {part.cells:,} cells for each draw "
            f"({8 * part.cells / 2**20:,.0f} MB), over {names}; the budget is "
            f"{BUDGET // 8:,} ({BUDGET / 2**20:,.0f} MB). Report more of these nodes."
        )


class _Rows:
    """Which people share the answers that a table depends on."""

    def __init__(self, codes: Mapping[Variable, Codes]) -> None:
        self.codes = codes
        self.people = max((len(code) for code in codes.values()), default=1)
        self._found: dict[tuple[Variable, ...], tuple[Codes, Codes]] = {}

    def many(self, variable: Variable) -> bool:
        """Return whether people differ in a variable at all."""
        return len(self.codes[variable]) > 1

    def of(self, known: tuple[Variable, ...]) -> tuple[Codes, Codes]:
        """Return one person for each distinct row of answers, and each person's row."""
        if known not in self._found:
            key, size = np.zeros(self.people, dtype=np.intp), 1
            for v in known:
                states = int(self.codes[v].max()) + 1
                if size * states > _LARGEST_KEY:
                    key, size = np.unique(key, return_inverse=True)[1], self.people
                key, size = key * states + self.codes[v], size * states
            _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
            self._found[known] = first, inverse
        return self._found[known]

    def count(self, known: tuple[Variable, ...]) -> int:
        """Return the number of distinct rows."""
        return len(self.of(known)[0])


def _people(codes: Mapping[Variable, Codes], start: int, stop: int) -> dict[Variable, Codes]:
    return {v: code[start:stop] if len(code) > 1 else code for v, code in codes.items()}


def _known_codes(source: Source, rows: _Rows) -> dict[Variable, Codes]:
    """Return what is known of a source's variables, an entry for each distinct row."""
    first, _ = rows.of(source.known)
    return {v: rows.codes[v][first if rows.many(v) else [0]] for v in source.known}


def _carry_out(
    part: Part, fetches: Sequence[Callable[..., Any]], rows: _Rows, some: slice, coupling: str
) -> Array:
    """Carry the steps out for some draws."""
    places: dict[str, Codes] = {}
    tables: dict[int, Any] = {}
    sizes: dict[Variable, int] = {}
    for i in part.coupled:  # causes first: which pairs are possible depends on theirs
        source = part.sources[i]
        joint = fetches[i](some, places)
        tables[i], places[source.name] = possible(joint if source.known else joint[None])
        sizes[source.name, BOTH] = tables[i].shape[-2]
        if not source.known:
            tables[i] = tables[i][0]
    part = resized(part, sizes)
    _demand_room(part)
    known = [source.known for source in part.sources] + [step.known for step in part.steps]

    def spread(table: Array, before: tuple[Variable, ...], after: tuple[Variable, ...]) -> Array:
        if len(table) > 1 and before and before != after:
            return table[rows.of(before)[1][rows.of(after)[0]]]
        return table

    for number, step in enumerate(part.steps, start=len(fetches)):
        inputs: list[Any] = []
        for i in step.inputs:
            table = tables.pop(i) if i in tables else fetches[i](some, places)
            inputs.append(table if isinstance(table, list) else spread(table, known[i], step.known))
        if isinstance(step, Pairing):
            pair, *others = step.inputs
            source = part.sources[pair]
            sides = [[spread(cdf, source.known, step.known) for cdf in both] for both in inputs[0]]
            given = [t if known[i] else t[None] for i, t in zip(others, inputs[1:], strict=True)]
            union = [v for v in source.scope if v not in source.own]
            made = summed_out(source.own, union, step, sides, given, coupling)
            tables[number] = made if step.known else made[0]
        else:
            tables[number] = np.einsum(step.subscripts, *inputs)
    found: Array = tables[number]
    return found


def _taken(table: Array, at: Sequence[Codes]) -> Array:
    """Take one row for each entry of the codes of a table's first axes; one row without any."""
    if all(len(code) == 1 for code in at):  # a view, not a copy
        return table[(*(int(code[0]) for code in at), None)]
    return table[tuple(at)]
