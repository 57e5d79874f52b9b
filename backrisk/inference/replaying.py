"""People like the one who is asked about, drawn with their noise, and what they would have done.

A table over everything unknown is too large where one person is followed over many periods. Here
the nodes with something seen at or below them are drawn from their exact joint posterior: summed
out one by one, then drawn one by one the other way round. All others answer to their causes. With
the states comes the noise of every node, one uniform number (see `coupling`, ``monotone``), and
with that noise any number of other worlds are *replayed*: the same people, had some nodes been
set. Worlds share their luck, so that what differs between them is what was set.

The numbers that samples are drawn by are the same for all posterior draws, and belong to a node
by its name: what is asked about a later node changes nothing about an earlier one, to the bit.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from backrisk._types import Array
from backrisk.errors import QueryError
from backrisk.graph import when
from backrisk.inference.bucket_tree import Fetched, cliques, drawn
from backrisk.inference.circuits import BUDGET
from backrisk.inference.slices import part_of
from backrisk.inference.tables import Tables
from backrisk.inference.twin_network import Variable
from backrisk.inference.watching import watcher
from backrisk.words import listed, say

States = NDArray[np.intp]  # (sample, draw), or (1, 1) where all are alike

_HERE, _NOISE = 0, 1  # what a node's uniform numbers are for
DRAWN_CELLS = 2**23  # of all tables, for one draw, beyond which samples are weighted instead
_AT_ONCE = 2**24  # states of all nodes that are held at once, each with the limits of its noise


@dataclass(frozen=True, eq=False)
class Rule:
    """How a node is set by what came before it.

    Parameters
    ----------
    inputs : tuple of str
        The nodes that it looks at; none of them follows from the node that is set.
    choose : callable
        Of the states of the inputs, and of those that the node would have by itself; returns the
        states that it is set to.
    """

    inputs: tuple[str, ...]
    choose: Callable[[Mapping[str, States], States], States]


Setting = int | Rule


@dataclass(frozen=True, eq=False)
class Followed:
    """A world of some people, as far as it was followed.

    Parameters
    ----------
    people : People
    states : mapping of node to ndarray of int, each (sample, draw) or (1, 1)
    same : frozenset of str
        The nodes that are as they were in the world that was seen.
    deaf : frozenset of (cause, effect)
    """

    people: People
    states: Mapping[str, States]
    same: frozenset[str]
    deaf: frozenset[tuple[str, str]]

    def chance(self, name: str, codes: Sequence[int]) -> Array:
        """Return the probability of a node's states, given those of its causes in this world.

        Parameters
        ----------
        name : str
            Followed, and not set.
        codes : sequence of int

        Returns
        -------
        ndarray, shape (sample, draw), (1, draw) or (1, 1)
            Where something is known of the node, its noise lies in what is known of it; its own
            state is then all that is told in the world that was seen.
        """
        people = self.people
        bounded = people.bounded(name)
        if name in people.told and (name in self.same or not bounded):
            return np.isin(self.states[name], codes).astype(float)
        levels = people.levels(name, self.states, self.deaf)
        low, high = people.window(name) if bounded else (np.zeros((1, 1)), np.ones((1, 1)))
        ends = _ends(levels)
        inside = np.clip(np.minimum(high, ends[1:]) - np.maximum(low, ends[:-1]), 0.0, None)
        found: Array = inside[list(codes)].sum(axis=0) / (high - low)
        return found


@dataclass(frozen=True, eq=False)
class People:
    """Samples of one person, of whom some nodes are seen.

    Parameters
    ----------
    tables : Tables
        A posterior.
    evidence : mapping of node to state code
    told : frozenset of str
        The nodes with something seen at or below them.
    drawn : mapping of node to ndarray of int, each (sample, draw)
        Of those that are not seen, from their joint posterior; empty where people are weighted.
    numbers : callable
        Of a node: the uniform numbers of its noise, ``(sample,)``.
    samples : int
    wide : tuple of str
        Nodes whose joint table is too large for people to be drawn, where it is: then they are
        followed from their first cause on, and count by `log_weights`. Empty else.
    """

    tables: Tables
    evidence: Mapping[str, int]
    told: frozenset[str]
    drawn: Mapping[str, NDArray[np.int16]]
    numbers: Callable[[str], Array]
    samples: int
    wide: tuple[str, ...] = ()
    _here: dict[str, States] = field(default_factory=dict, init=False, repr=False)
    _windows: dict[str, tuple[Array, Array]] = field(default_factory=dict, init=False, repr=False)

    def bounded(self, name: str) -> bool:
        """Return whether the noise of a node lies in what leads to a state that is known."""
        return name in self.evidence or name in self.drawn

    @property
    def log_weights(self) -> Array:
        """How well each sample agrees with what is seen, ``(sample, draw)``; all alike if drawn.

        The logarithm of the probability of what is seen, given the states of its causes.
        """
        found: Array = np.zeros((1, 1))
        if self.wide:
            self.follow(self.evidence)
            with np.errstate(divide="ignore"):
                for name in self.evidence:
                    low, high = self.window(name)
                    found = found + np.log(high - low)
        return np.broadcast_to(found, (self.samples, self.tables.draws))

    def follow(
        self,
        names: Iterable[str],
        settings: Mapping[str, Setting] | None = None,
        deaf: Collection[tuple[str, str]] = (),
    ) -> Followed:
        """Return the states of some nodes, and of what they follow from, in a world.

        Parameters
        ----------
        names : iterable of str
        settings : mapping of node to int or Rule, optional
            What is set in this world; by default it is the one that was seen.
        deaf : collection of (cause, effect)
            Edges over which an effect hears the reference of its cause, whatever that is.

        Returns
        -------
        Followed
        """
        settings, deaf = settings or {}, frozenset(deaf)
        there: dict[str, States] = {}
        same: set[str] = set()
        look = watcher()
        for name in self._order(names, settings):
            look([(name, 1)])
            setting = settings.get(name)
            if isinstance(setting, int):
                if self.evidence.get(name) == setting:
                    there[name] = self._seen(name)
                    same.add(name)
                else:
                    there[name] = np.full((1, 1), setting, dtype=np.intp)
                continue
            parents = self.tables.graph.parents(name)
            if all(parent in same and (parent, name) not in deaf for parent in parents):
                there[name] = self._seen(name)
                same.add(name)
            else:
                there[name] = self._state(name, self.levels(name, there, deaf))
            if isinstance(setting, Rule):
                own = there[name]
                there[name] = setting.choose(there, own)
                if name in same and not (own == there[name]).all():
                    same.discard(name)
        return Followed(self, there, frozenset(same), deaf)

    def levels(
        self,
        name: str,
        states: Mapping[str, States],
        deaf: Collection[tuple[str, str]] = (),
    ) -> Array:
        """Return a node's CDF without its last level, given its causes in a world."""
        nothing = np.zeros((1, 1), dtype=np.intp)
        parents = self.tables.graph.parents(name)
        return self.tables.levels(
            name, [nothing if (p, name) in deaf else states[p] for p in parents]
        )

    def window(self, name: str) -> tuple[Array, Array]:
        """Return the limits of the noise of a node of which something is known."""
        if name not in self._windows:
            for parent in self.tables.graph.parents(name):
                self._seen(parent)
            ends = _ends(self.levels(name, self._here))
            state = self._seen(name)
            low, high = (np.take_along_axis(ends, (state + k)[None], axis=0)[0] for k in (0, 1))
            self._windows[name] = low, high
        return self._windows[name]

    def _seen(self, name: str) -> States:
        """Return a node's states in the world that was seen, once its causes were followed."""
        if name not in self._here:
            if name in self.evidence:
                self._here[name] = np.full((1, 1), self.evidence[name], dtype=np.intp)
            elif name in self.drawn:
                self._here[name] = self.drawn[name].astype(np.intp)
            else:
                self._here[name] = self._state(name, self.levels(name, self._here))
        return self._here[name]

    def _state(self, name: str, levels: Array) -> States:
        """Return the first state whose CDF reaches the node's noise."""
        noise = self.numbers(name)[:, None]
        if self.bounded(name):
            low, high = self.window(name)
            noise = np.clip(low + (high - low) * noise, np.nextafter(low, 2.0), high)
        found: States = (levels < noise).sum(axis=0, dtype=np.intp)
        return found

    def _order(self, names: Iterable[str], settings: Mapping[str, Setting]) -> list[str]:
        """Return the nodes and all that they follow from in a world, causes first."""

        def before(name: str) -> tuple[str, ...]:
            setting = settings.get(name)
            if isinstance(setting, int):
                return ()
            parents = self.tables.graph.parents(name)
            return (*parents, *setting.inputs) if isinstance(setting, Rule) else parents

        found: dict[str, None] = {}
        waiting = [(name, False) for name in reversed(list(names))]
        while waiting:  # depth first, without recursion: a person may be followed for long
            name, ready = waiting.pop()
            if name in found:
                continue
            if ready:
                found[name] = None
            else:
                waiting.append((name, True))
                waiting += [(parent, False) for parent in before(name) if parent not in found]
        return list(found)


def people_like(
    tables: Tables,
    evidence: Mapping[str, int],
    *,
    samples: int,
    seed: int,
    at_once: int | None = None,
    weighted: int = 0,
) -> Iterator[People]:
    """Yield samples of a person, so many at once that their states can be held.

    Parameters
    ----------
    tables : Tables
        A posterior.
    evidence : mapping of node to state code
        Not impossible.
    samples : int
        In all, for each posterior draw. They are a Latin hypercube: the numbers of each node are
        stratified. The variance of a mean over them is at most ``n / (n - 1)`` times what it would
        be if they were independent (Owen 1997, doi:10.1137/S0036142994277468), so that the usual
        standard error is not too small.
    seed : int
    at_once : int, optional
        Samples of one yield; by default as many as can be held.
    weighted : int
        Where the joint posterior would need tables of more than `DRAWN_CELLS` cells in all: yield
        so many samples in place of `samples`, which were not drawn given what is seen but count by
        `People.log_weights` (likelihood weighting: Fung and Chang 1990,
        doi:10.1016/B978-0-444-88738-2.50023-3). By default none.

    Yields
    ------
    People

    Raises
    ------
    QueryError
        If the tables that the draws need do not fit the budget for a single one, naming the nodes
        whose joint table is too large.

    Examples
    --------
    >>> from backrisk.graph import CausalGraph
    >>> from backrisk.posterior import Posterior
    >>> g = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    >>> p = Posterior.from_cpts(g, {"x": [[0.5, 0.5]], "y": [[[0.7, 0.3], [0.2, 0.8]]]})
    >>> (people,) = people_like(p, {"y": 1}, samples=1000, seed=1)
    >>> seen = people.follow(["y"]).chance("y", [1])
    >>> prevented = 1 - people.follow(["y"], {"x": 0}).chance("y", [1])
    >>> seen.item(), bool(abs(prevented.mean() - 0.5 / 1.1) < 0.05)
    (1.0, True)
    """
    graph = tables.graph
    told = frozenset(evidence).union(*(graph.ancestors(name) for name in evidence))
    sources = [family_of(tables, name, evidence) for name in sorted(told)]
    sources = [(scope, fetch) for scope, fetch in sources if scope]
    sizes = {(name, 0): len(graph.node(name).states) for name in sorted(told - set(evidence))}
    parts = cliques(sources, sizes)
    cells = sum(size for _, size in parts)
    widest, _ = max(parts, key=lambda part: part[1], default=((), 0))
    wide = tuple(sorted(name for name, _ in widest))
    if weighted and cells > DRAWN_CELLS:
        sizes, samples = {}, weighted
    elif 8 * cells > BUDGET:
        most = f"{BUDGET // 8:,}"
        nodes = listed(when(graph, name) for name in wide)
        words = {"cells": f"{cells:,}", "budget": most, "nodes": nodes}
        raise QueryError(say("inference.too_many_joint_states", **words))
    else:
        wide = ()

    def numbers(name: str, use: int) -> Array:
        rng = np.random.default_rng([seed, use, crc32(name.encode())])
        return stratified(samples, rng)

    here = {v: numbers(v[0], _HERE) for v in sizes}
    (known,) = drawn(sources, sizes, [here], tables.draws) if sizes else [{}]
    noise: dict[str, Array] = {}

    def of(some: slice) -> Callable[[str], Array]:
        def own(name: str) -> Array:
            if name not in noise:
                noise[name] = numbers(name, _NOISE)
            return noise[name][some]

        return own

    few = at_once or max(_AT_ONCE // (tables.draws * len(graph.names)), 1)
    for start in range(0, samples, few):
        some = slice(start, min(start + few, samples))
        mine = {name: codes[some] for (name, _), codes in known.items()}
        yield People(tables, evidence, told, mine, of(some), some.stop - start, wide)


def stratified(samples: int, rng: np.random.Generator, times: int | None = None) -> Array:
    """Return one number from each of as many equal parts of 0 to 1, in random order.

    Parameters
    ----------
    samples : int
    rng : numpy.random.Generator
    times : int, optional
        How often; by default once, without an axis for it.

    Returns
    -------
    ndarray, shape (sample,) or (time, sample)
    """
    shape = (samples,) if times is None else (times, samples)
    part = rng.permuted(np.broadcast_to(np.arange(samples), shape), axis=-1)
    return (part + rng.random(shape)) / samples


def family_of(tables: Tables, name: str, evidence: Mapping[str, int]) -> Fetched:
    """Return a node's table, sliced at what is seen: its scope, and how to get it."""
    parents = tables.graph.parents(name)
    at = tuple(np.array([evidence[p]]) if p in evidence else slice(None) for p in parents)
    scope: tuple[Variable, ...] = tuple((p, 0) for p in parents if p not in evidence)
    own = evidence.get(name)
    cut = part_of(tables, name, at)
    if own is None:
        return (*scope, (name, 0)), lambda some: cut(some)[0]
    return scope, lambda some: cut(some)[0][..., own, :]


def _ends(levels: Array) -> Array:
    """Return a CDF with 0 before and 1 after it."""
    return np.concatenate([np.zeros_like(levels[:1]), levels, np.ones_like(levels[:1])])
