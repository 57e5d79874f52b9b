"""A second world of the same person, in which some nodes have lost what was their own.

World 0 is the person, with all that was seen. In world 1 every node answers to its causes there
through the noise that it has in world 0 (see `coupling`, ``monotone``), unless its *switch* is
off: then it draws fresh noise, or is at its reference. Each switch is on with a probability of its
own, and independent of the others; so the probability of an event in world 1 is a polynomial in
these, linear in each, and its slope in one is what the node's own noise adds on average.

Only nodes with something seen at or below them differ from what people are on average: of the
others nothing is known in world 0, and world 1 needs no pair of worlds for them.

A switch may also decide what is heard over edges: on, their effects hear in world 1 what their
causes are in world 0; off, what they are in world 1. So one world passes into the other by routes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial

import numpy as np

from backrisk._types import Array
from backrisk.graph import CausalGraph
from backrisk.inference.bucket_tree import elimination_order, joints
from backrisk.inference.coupling import coupled, cumulated, laid_out
from backrisk.inference.slices import part_of
from backrisk.inference.tables import Tables
from backrisk.inference.twin_network import Variable, reached
from backrisk.inference.world import World

# The variables of a table, and how to get it for some draws, (*variables, draw), or one for all.
Formed = tuple[tuple[Variable, ...], Callable[[slice], Array]]

SWITCH = 2  # the world, so to speak, of a switch: off, on
_KEPT = 2**26  # bytes of tables that are kept for others
_HEARD = 3  # and on: what a node's effects hear over the first route, the second, and so on


class Kept:
    """Tables that are kept for whoever asks for the same, while there is room; for many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tables: dict[Hashable, Array] = {}
        self._bytes = 0

    def get(self, key: Hashable, form: Callable[[], Array]) -> Array:
        """Return a table, formed where it is not kept; those that were kept first go first."""
        table = self._tables.get(key)
        if table is None:
            table = form()
            with self._lock:
                self._bytes += table.nbytes if key not in self._tables else 0
                self._tables[key] = table
                while self._bytes > _KEPT:
                    self._bytes -= self._tables.pop(next(iter(self._tables))).nbytes
        return table


@dataclass(frozen=True, eq=False)
class SecondWorld:
    """What is asked of world 1.

    Parameters
    ----------
    tables : Tables
        A posterior.
    evidence : mapping of node to state code
        Seen in world 0.
    switched : sequence of str
        The nodes with a switch.
    reference : frozenset of str
        Those of them that are at state 0 where they are off; the others draw fresh noise.
    target : str
    codes : sequence of int
        The states of the target that count.
    lost : frozenset of str
        Nodes that have no switch and are off.
    heard : mapping of (cause, effect) to str
        The switch of each edge over which world 0 may be heard in world 1. Its cause differs
        between the worlds. A switch may have many edges; it is not one of a node.
    together : mapping of str to str
        The name of a node's switch, where it is not the node's own: several nodes of one switch
        are on or off together.
    search : int, optional
        As for `elimination_order`.
    kept : Kept, optional
        Keeps the tables of families for other second worlds of the same tables, with the same
        `reference`, `lost` and `together` and no edges that are heard, where whoever has a switch
        of its own may differ.

    Notes
    -----
    Every node that an edge of `heard` leads to, and what these cause, hear nothing but that from
    nodes that come before them and differ; so each node is in two worlds, and not in three.
    """

    tables: Tables
    evidence: Mapping[str, int]
    switched: Sequence[str]
    reference: frozenset[str]
    target: str
    codes: Sequence[int]
    lost: frozenset[str] = frozenset()
    heard: Mapping[tuple[str, str], str] = field(default_factory=dict)
    together: Mapping[str, str] = field(default_factory=dict)
    search: int | None = None
    kept: Kept | None = None

    @property
    def graph(self) -> CausalGraph:
        """The tables' graph."""
        return self.tables.graph

    @cached_property
    def switches(self) -> tuple[str, ...]:
        """The names of all switches: nodes, then those of edges."""
        return tuple(dict.fromkeys([*map(self.switch_of, self.switched), *self.heard.values()]))

    def switch_of(self, name: str) -> str:
        """Return the name of the switch of a node that has one."""
        return self.together.get(name, name)

    def moved(self, switch: str) -> frozenset[str]:
        """Return the nodes that a switch may change in world 1."""
        effects = {effect for (_, effect), name in self.heard.items() if name == switch}
        effects |= {name for name in self.switched if self.switch_of(name) == switch}
        return reached(self.graph, frozenset(effects))

    def slopes(self, points: Iterable[float]) -> list[Array]:
        """Return how the probability of the event grows with each switch.

        Parameters
        ----------
        points : iterable of float
            Probabilities, above 0 and below 1: in turn, that of every switch being on.

        Returns
        -------
        list of ndarray, each (switch, draw)
            ``P(event in world 1 | switch on, evidence) - P(event in world 1 | off, evidence)``,
            the other switches being on with the probability of the point.
        """
        chosen, slopes = list(points), []
        if self.target not in self.changed:  # and has no table in world 1
            return [np.zeros((len(self.switches), self.tables.draws)) for _ in chosen]
        _, beside = self._joints([self.codes], [(name, SWITCH) for name in self.switches], chosen)
        for on, joint in zip(chosen, beside, strict=True):
            # A switch has nothing to do with what is known of world 0.
            apart = np.array([[1.0 / (on - 1.0)], [1.0 / on]])
            gained = [(joint[name, SWITCH][0] * apart).sum(axis=0) for name in self.switches]
            slopes.append(np.array(gained) / self._evidence)
        return slopes

    @cached_property
    def _evidence(self) -> Array:
        """P(evidence), of all that bears on the target: ``(draw,)``. World 1 sums to 1."""
        if self.kept is None:
            families = [self._family(name, (0,)) for name, _ in self._bearing]
        else:
            kept = self.kept
            families = [self._by_kept(kept, name, (0,), scope) for name, scope in self._bearing]
        if not families:
            return np.ones(self.tables.draws)
        sizes = {v: self._states(v[0]) for scope, _ in families for v in scope}
        (found,), _ = joints(families, sizes, None, (), [()], self.tables.draws)
        only: Array = found[0]
        return only

    @property
    def nobody(self) -> Array:
        """P(event in world 1 | evidence) with every switch off, ``(draw,)``."""
        if self.target not in self.changed:
            return self.everybody
        chance: Array = self._off[1] / self._off.sum(axis=0)
        return chance

    @property
    def everybody(self) -> Array:
        """P(event in world 1 | evidence) with every switch on, ``(draw,)``: that of world 0."""
        if self.target in self.evidence:
            return np.full(self.tables.draws, float(self.evidence[self.target] in self.codes))
        seen = (self.target, 0)
        return World(self.tables, self.evidence, {}).conditional([seen], {seen: self.codes})

    @cached_property
    def _off(self) -> Array:
        """P(event in world 1, evidence) and that of its absence, all off, ``(2, draw)``."""
        others = set(range(self._states(self.target))) - set(self.codes)
        (joint,), _ = self._joints([sorted(others), self.codes], (), [0.0])
        return joint

    @property
    def cells(self) -> int:
        """The number of cells of the largest table that is formed for one draw."""
        sources, sizes = self._sources
        return elimination_order(sources, sizes, (self.target, 1), self.search)[1]

    def _joints(
        self, events: Sequence[Sequence[int]], others: Sequence[Variable], points: Sequence[float]
    ) -> tuple[list[Array], list[dict[Variable, Array]]]:
        """Return the joint of the target's events in world 1, and of others, with the evidence."""
        sources, sizes = self._sources
        chances = [
            {(name, SWITCH): np.array([[1.0 - on], [on]]) for name in self.switches}
            for on in points
        ]
        keep = (self.target, 1)
        draws = self.tables.draws
        return joints(sources, sizes, keep, others, events, draws, chances, search=self.search)

    @cached_property
    def changed(self) -> frozenset[str]:
        """The nodes that may differ between the worlds."""
        return reached(self.graph, self.lost.union(self.switched))

    @cached_property
    def decided(self) -> frozenset[str]:
        """The nodes whose switch decides their state in world 1: as reported, or the reference."""
        return frozenset(
            name
            for name in self.switched
            if name in self.reference
            and name in self.evidence
            and not self.changed.intersection(self.graph.parents(name))
        )

    def another(self, evidence: Mapping[str, int]) -> SecondWorld:
        """Return the same question about another person, planned as this one.

        Parameters
        ----------
        evidence : mapping of node to state code
            What was seen of the same nodes.
        """
        other = replace(self, evidence=evidence)
        if not self.switches:  # nothing changes, and nothing was planned
            return other
        for name in ("needed", "changed", "decided", "told", "_scopes", "_near", "_bearing"):
            other.__dict__[name] = getattr(self, name)
        return other

    @cached_property
    def _scopes(self) -> tuple[tuple[Variable, ...], ...]:
        """The scope of each family that matters."""
        return tuple(scope for scope, _ in self._formed)

    @cached_property
    def _formed(self) -> list[Formed]:
        return [_once(*self._family(name, worlds)) for name, worlds in self.needed]

    @property
    def _families(self) -> list[Formed]:
        """The tables of the nodes that matter, in the worlds in which they do."""
        if self.kept is None:
            return self._formed
        each = zip(self.needed, self._scopes, strict=True)
        return [self._by_kept(self.kept, name, worlds, scope) for (name, worlds), scope in each]

    def _by_kept(
        self, kept: Kept, name: str, worlds: tuple[int, ...], scope: tuple[Variable, ...]
    ) -> Formed:
        """Return a family's table, formed once for all who answered alike about the family."""
        about = (name, *self.graph.parents(name))
        key = name, worlds, scope, tuple(self.evidence.get(node) for node in about)

        def form() -> Array:
            return _once(*self._family(name, worlds))[1](slice(None))

        def get(some: slice) -> Array:
            table = kept.get(key, form)
            return table[..., some] if table.shape[-1] > 1 else table

        return scope, get

    @cached_property
    def _near(self) -> frozenset[Variable]:
        """The variables that bear on the target in world 1."""
        scopes = [*self._scopes, *(scope for scope, _ in self._hearings())]
        return _connected(scopes, (self.target, 1))

    @cached_property
    def _sources(self) -> tuple[list[Formed], dict[Variable, int]]:
        """Return the tables that bear on the target in world 1, and how many states they have."""
        families = [*self._families, *self._hearings()]
        kept = [(scope, fetch) for scope, fetch in families if self._near.intersection(scope)]
        sizes = {v: 2 if v[1] == SWITCH else self._states(v[0]) for v in self._near}
        return kept, sizes

    @cached_property
    def _bearing(self) -> list[tuple[str, tuple[Variable, ...]]]:
        """The nodes of world 0 whose tables are among the sources, with their scopes there."""
        each = zip(self.needed, self._scopes, strict=True)
        near = (node for node, scope in each if self._near.intersection(scope))
        return [(name, self._family(name, (0,))[0]) for name, worlds in near if 0 in worlds]

    def _states(self, name: str) -> int:
        return len(self.graph.node(name).states)

    @cached_property
    def told(self) -> frozenset[str]:
        """The nodes of which something is known: what is seen, and everything above it."""
        return frozenset(self.evidence).union(*(self.graph.ancestors(n) for n in self.evidence))

    @cached_property
    def needed(self) -> tuple[tuple[str, tuple[int, ...]], ...]:
        """The nodes that matter, causes first, with the worlds in which they do."""
        above = self.graph.ancestors(self.target) | {self.target}
        causes = {cause for cause, _ in self.heard}
        heard = causes.union(*map(self.graph.ancestors, causes))
        given = self.decided | (self.lost & self.reference)
        found = []
        for name in self.graph.topological:
            here = name in self.told or name in above - self.changed or name in heard
            there = name in (above & self.changed) - given
            if here or there:
                found.append((name, (0,) * here + (1,) * there))
        return tuple(found)

    @cached_property
    def passed(self) -> tuple[str, ...]:
        """The nodes that differ in world 1 and lead to the target, causes first."""
        above = self.graph.ancestors(self.target)
        return tuple(name for name in self.graph.topological if name in above & self.changed)

    @property
    def seen(self) -> tuple[list[Formed], dict[Variable, int]]:
        """The tables of world 0 where something is known, and how many states they have."""
        families = [self._family(name, (0,)) for name in sorted(self.told)]
        sizes = {v: self._states(v[0]) for scope, _ in families for v in scope}
        return [(scope, fetch) for scope, fetch in families if scope], sizes

    def _family(self, name: str, worlds: tuple[int, ...]) -> Formed:
        """Return a node's table given its causes, in the worlds in which it matters."""
        sides = [self._side(name, world) for world in worlds]
        own = self.evidence.get(name)
        if worlds == (0,):
            scope, part = sides[0]
            if own is None:
                return (*scope, (name, 0)), part
            return scope, lambda some: part(some)[..., own, :]
        switch = ((self.switch_of(name), SWITCH),) if name in self.switched else ()
        if worlds == (1,):
            return self._anew(name, *sides[0], switch)
        return self._pair(name, sides, switch, own)

    def _side(self, name: str, world: int) -> Formed:
        """Return a node's CPT where what is known of its causes is filled in.

        Scope without the node, and how to get the table, ``(*scope, state, draw)``.
        """
        told_by = [self._heard(parent, name, world) for parent in self.graph.parents(name)]
        switches = tuple(dict.fromkeys(v for v, _ in told_by if v and v[1] == SWITCH))
        rest = tuple(v for v, _ in told_by if v and v[1] != SWITCH)
        # One row for each way to turn the switches that decide a cause's state.
        turned = np.indices((2,) * len(switches)).reshape(len(switches), 2 ** len(switches))
        at = tuple(
            slice(None)
            if v in rest
            else np.asarray(codes)[turned[switches.index(v)]]
            if v
            else np.asarray(codes)
            for v, codes in told_by
        )

        cut: Callable[[slice], Array] | None = None

        def part(some: slice) -> Array:
            nonlocal cut
            if cut is None:  # what the posterior lays out is laid out when it is first needed
                cut = part_of(self.tables, name, at)
            rows = cut(some)
            return rows.reshape(*(2 for _ in switches), *rows.shape[1:])

        return (*switches, *rest), part

    def _heard(self, name: str, effect: str, world: int) -> tuple[Variable | None, Sequence[int]]:
        """Return what tells an effect the state of its cause in a world, as `_told_by`."""
        switch = self.heard.get((name, effect)) if world else None
        if switch is None:
            return self._told_by(name, world)
        (here, known), (there, otherwise) = (self._told_by(name, world) for world in (0, 1))
        if here is None and there is None:
            return (switch, SWITCH), [*otherwise, *known]
        return (name, _HEARD + self.switches.index(switch)), range(self._states(name))

    def _told_by(self, name: str, world: int) -> tuple[Variable | None, Sequence[int]]:
        """Return the variable that tells a node's state in a world, and the states it stands for.

        There is none where the one state is known.
        """
        if world and name in self.changed:
            if name in self.lost & self.reference:
                return None, [0]
            if name in self.decided:
                return (self.switch_of(name), SWITCH), [0, self.evidence[name]]
            return (name, 1), range(self._states(name))
        if name in self.evidence:
            return None, [self.evidence[name]]
        return (name, 0), range(self._states(name))

    def _hearings(self) -> list[Formed]:
        """Return the tables of what is heard over a route: a node's state in one of two worlds."""
        found: dict[tuple[Variable, ...], Array] = {}  # of a route into several nodes, one
        for (name, effect), switch in self.heard.items():
            heard, _ = self._heard(name, effect, 1)
            if heard is None or heard[1] == SWITCH:
                continue
            (here, known), (there, otherwise) = (self._told_by(name, world) for world in (0, 1))
            states = np.eye(self._states(name))
            on, off = states[list(known)][:, None], states[list(otherwise)][None]
            table = np.stack(np.broadcast_arrays(off, on))
            gone = tuple(axis for axis, v in ((1, here), (2, there)) if v is None)
            scope = ((switch, SWITCH), *(v for v in (here, there) if v), heard)
            found[scope] = table.squeeze(gone)[..., None]
        return [(scope, partial(_same, table)) for scope, table in found.items()]

    def _anew(
        self,
        name: str,
        scope: tuple[Variable, ...],
        part: Callable[[slice], Array],
        switch: tuple[Variable, ...],
    ) -> Formed:
        """Return the table of a node of which nothing is known: its noise is as anyone's."""
        open_axes = (*scope, (name, 1))
        if not switch or name not in self.reference:
            return open_axes, part

        def fetch(some: slice) -> Array:
            on = part(some)
            return np.stack([_at_reference(on.sum(axis=-2), on.shape[-2]), on])

        return (*switch, *open_axes), fetch

    def _pair(
        self,
        name: str,
        sides: Sequence[Formed],
        switch: tuple[Variable, ...],
        own: int | None,
    ) -> Formed:
        """Return the joint table of a node in both worlds."""
        union = tuple(dict.fromkeys(v for scope, _ in sides for v in scope))
        codes = None if own is None else np.array([own])
        positive = self.tables.positive(name)

        def fetch(some: slice) -> Array:
            here, there = (
                laid_out(cumulated(part(some)[None], positive=positive), 1, scope, union, 2)
                for scope, part in sides
            )

            def joint(coupling: str) -> Array:
                found: Array = coupled(here, there, (codes, None), coupling)[0]
                return found

            both = joint("independent" if name in self.lost else "monotone")
            if switch and name in self.reference:
                both = np.stack([_at_reference(both.sum(axis=-2), both.shape[-2]), both])
            elif switch:
                both = np.stack([joint("independent"), both])
            return both if own is None else both[..., 0, :, :]

        open_states = ((name, 0),) * (own is None) + ((name, 1),)
        return (*switch, *union, *open_states), fetch


def _once(scope: tuple[Variable, ...], fetch: Callable[[slice], Array]) -> Formed:
    """Return a table with one axis for each variable: a switch may decide a node and its cause."""
    kept = tuple(dict.fromkeys(scope))
    if len(kept) == len(scope):
        return scope, fetch
    axes = [*map(kept.index, scope), len(kept)]
    return kept, lambda some: np.einsum(fetch(some), axes, range(len(kept) + 1))


def _same(table: Array, _: slice) -> Array:
    """Return a table that is the same in all draws."""
    return table


def _at_reference(chance: Array, states: int) -> Array:
    """Add the axis of a node's states in world 1, where it is at state 0."""
    table = np.zeros((*chance.shape[:-1], states, chance.shape[-1]))
    table[..., 0, :] = chance
    return table


def _connected(scopes: Iterable[tuple[Variable, ...]], start: Variable) -> frozenset[Variable]:
    """Return the variables that share a table with one, or with another that does, and so on."""
    near: dict[Variable, set[Variable]] = {}
    for scope in scopes:
        for v in scope:
            near.setdefault(v, set()).update(scope)
    found, waiting = {start}, [start]
    while waiting:
        more = near[waiting.pop()] - found
        found |= more
        waiting += more
    return frozenset(found)
