"""A question to a posterior in one world or in two: what was seen, and what would have been.

World 0 is the one that was seen; world 1 is the one that would have been under an intervention.
Every table is sliced at what is known, and the plan of `backrisk.inference.plan` is carried out
by `backrisk.inference.run`. People who share a signature are one contraction: each intermediate
table has a row for every distinct combination of the answers that it depends on.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, reduce

import numpy as np

from backrisk._types import Array
from backrisk.errors import QueryError
from backrisk.graph import CausalGraph
from backrisk.inference.answer_rows import AnswerRows, Codes
from backrisk.inference.fetching import Fetcher
from backrisk.inference.plan import Plan, plan
from backrisk.inference.run import MANY, run
from backrisk.inference.slices import Table, Unfilled
from backrisk.inference.steps import Part
from backrisk.inference.tables import Tables
from backrisk.inference.twin_network import Signature, Source, Variable, reached, sources
from backrisk.words import say

State = int | Codes

_WIDE = 2**10  # cells of a table, from which on two plans are worth more than one


def contradiction() -> str:
    """Say that answers have probability zero."""
    return say("inference.contradiction")


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
    among : mapping of node to codes
        In the last world, which it is the only one to have them in: known to be in one of some
        states. Nothing that is asked about or known follows from them.
    """

    posterior: Tables
    evidence: Mapping[str, State]
    do: Mapping[str, State]
    coupling: str = "monotone"
    free: tuple[str, ...] = ()
    told: Mapping[str, State] = field(default_factory=dict)
    among: Mapping[str, Sequence[int]] = field(default_factory=dict)

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
            raise QueryError(
                say("inference.numbers_of_people", sizes=", ".join(map(str, sorted(sizes))))
            )
        return sizes.pop() if sizes else None

    @cached_property
    def _changed(self) -> frozenset[str]:
        return reached(self.graph, frozenset((*self.do, *self.free)))

    @cached_property
    def _fetcher(self) -> Fetcher:
        return Fetcher(self.posterior, self._changed, self.coupling, self.among)

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
        return self._shaped(self._product(plan.main, plan.others, len(keep)))

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
        if event and (variable := self._wide_leaf(keep, event)):
            share = self._share(variable, event[variable], [v for v in keep if v != variable])
            if strict and np.isnan(share).any():
                raise QueryError(contradiction())
            return self._shaped(share)
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

        found = self._where_possible(self._run(plan.main, finish), plan.others)
        if strict and np.isnan(found).any():
            raise QueryError(contradiction())
        return self._shaped(found)

    def _wide_leaf(
        self, keep: Sequence[Variable], event: Mapping[Variable, Sequence[int]]
    ) -> Variable | None:
        """Return the variable of an event where its own table is best summed first.

        Where it has a table to itself that is wide, and nothing that matters follows from it: then
        its states need not be told apart, and how likely the evidence is needs no table of it.
        """
        if len(event) > 1:
            return None
        ((name, world),) = event
        if (name, world) != self.variable(name):  # `among` speaks of the last world
            return None
        signature = self._signature(keep)
        parents = ((p, int(world and p in self._changed)) for p in self.graph.parents(name))
        left = (name, *(v[0] for v in parents if not signature.known(v)))
        if math.prod(len(self.graph.node(one).states) for one in left) <= _WIDE:
            return None
        all_sources = sources(signature, self._changed)
        about = [s for s in all_sources if (name, world) in (*s.scope, *s.known)]
        alone = len(about) == 1 and about[0].name == name and about[0].worlds == (world,)
        return (name, world) if alone else None

    def _share(self, variable: Variable, codes: Sequence[int], keep: Sequence[Variable]) -> Array:
        """Return P(variable in codes, keep | evidence) by the probabilities with it and without."""
        there = replace(self, among={variable[0]: codes})
        ours, theirs = there._plan(keep), self._plan(keep)
        alike = [part for part in theirs.others if part in ours.others]

        def product(world: World, plan: Plan) -> Array:
            others = [part for part in plan.others if part not in alike]
            return world._product(plan.main, others, len(keep))

        total = product(self, theirs)
        whole = total.sum(axis=tuple(range(1, 1 + len(keep))), keepdims=True)
        with np.errstate(invalid="ignore"):  # 0 / 0: evidence of probability zero
            share: Array = product(there, ours) / whole
        return self._where_possible(np.minimum(share, 1.0), alike)  # above it by rounding alone

    def _product(self, main: Part, others: Sequence[Part], kept: int) -> Array:
        """Return a part that ends in some kept variables, times all others."""
        found = self._run(main, lambda table: table)
        constants = [self._run(part, lambda table: table) for part in others]
        if constants:
            constant = reduce(np.multiply, constants)
            found = found * constant.reshape(len(constant), *(1,) * kept, -1)
        return found

    def _where_possible(self, found: Array, others: Sequence[Part]) -> Array:
        """Return what was found, or NaN where what is independent of it has probability zero."""
        for part in others:
            if not all(self.posterior.positive(source.name) for source in part.sources):
                supported = self._run(part, lambda table: table) > 0
                shape = (len(supported), *(1,) * (found.ndim - 2), -1)
                found = np.where(supported.reshape(shape), found, np.nan)
        return found

    def sources(
        self, keep: Sequence[Variable]
    ) -> list[tuple[tuple[Variable, ...], Callable[[slice], Table]]]:
        """Return the tables that `joint` multiplies, for one person: scopes, and how to get them.

        No two worlds are one variable here. A table for some draws has the axes of its scope and
        then the draws, or one draw for all.
        """
        found = list(sources(self._signature(keep), self._changed))
        rows = AnswerRows({v: self._codes(v) for source in found for v in source.known})

        def get(source: Source) -> Callable[[slice], Table]:
            fetch = self._fetcher.table(source, rows)

            def some_draws(some: slice) -> Table:
                table = fetch(some, {})
                return table[0] if source.known and not isinstance(table, Unfilled) else table

            return some_draws

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

    def cells(self, keep: Sequence[Variable]) -> int:
        """Return how many cells `joint` holds at most at any moment, for one draw."""
        plan = self._plan(keep)
        return max(part.cells for part in (plan.main, *plan.others))

    def _signature(self, keep: Sequence[Variable]) -> Signature:
        changed = self.among.keys() & self._changed
        return Signature(
            self.graph,
            frozenset(self.evidence) | self.among.keys() - changed,
            frozenset(self.do),
            frozenset(self.free),
            frozenset(self.told) | changed,
            tuple(keep),
            self._zeros,
            self.coupling != "independent",
            min(1 << ((self.people or 1) - 1).bit_length(), MANY),
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
        if name in self.among:
            return np.zeros(1, np.intp)  # the fetched table has the event in place of states
        code = ({**self.told, **self.do} if world else self.evidence)[name]
        return np.atleast_1d(np.asarray(code, dtype=np.intp))

    def _run(self, part: Part, finish: Callable[[Array], Array]) -> Array:
        known = {v: self._codes(v) for source in part.sources for v in source.known}
        return run(part, known, self._fetcher, finish)
