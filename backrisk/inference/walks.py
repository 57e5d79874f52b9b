"""A second world walked through by sampling, where a table over both worlds would be too large.

World 0 is drawn from its exact posterior, and with it the noise of every node; then switches are
turned on one after the other, and world 1 is followed down to the target, whose probability is
exact given the states of its causes. The numbers that samples are drawn by are the same for all
posterior draws: luck shifts all draws alike, and does not widen an interval.
"""

from __future__ import annotations

import sys
import threading
import weakref
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backrisk._types import Array
from backrisk.inference import slices
from backrisk.inference.bucket_tree import drawn
from backrisk.inference.replaying import stratified
from backrisk.inference.second_world import SecondWorld
from backrisk.inference.threads import in_threads, workers
from backrisk.inference.twin_network import Variable
from backrisk.inference.watching import watcher

_WORTH_SHARING = 10**6  # causes, samples and draws from which on threads are worth starting
_KEPT = 4  # sets of people, of some megabytes each
_lock = threading.Lock()
_drawn: dict[Any, list[dict[Variable, NDArray[np.int16]]]] = {}
_NOISE, _FRESH = _AFTER = 0, 1  # what a node's uniform numbers are for


def walks(
    world: SecondWorld,
    orders: Sequence[Sequence[int]],
    samples: int,
    rng: np.random.Generator,
) -> list[Array]:
    """Turn the switches on in some orders and, with the same noise, in their reverses.

    Parameters
    ----------
    world : SecondWorld
    orders : sequence of sequence of int
        Each a permutation of the positions of the switches.
    samples : int
        Of the noise, for each order.
    rng : numpy.random.Generator

    Returns
    -------
    list of ndarray, each (switch, draw)
        For each order: what turning each switch on adds to P(event in world 1 | evidence), the
        mean of the order and its reverse, and of the samples.
    """
    _, sizes = world.seen
    # World 0 comes first: what it is drawn by does not depend on which switches there are.
    drawn_by = stratified(samples, rng, len(orders) * len(sizes))
    states = _people(world, drawn_by.reshape(len(orders), len(sizes), samples))
    noise = stratified(samples, rng, len(orders) * len(world.needed) * len(_AFTER))
    noise = noise.reshape(len(orders), len(world.needed), len(_AFTER), samples)
    if "numba" in sys.modules and (found := _compiled(world, orders, noise, states)) is not None:
        return found
    names = [name for name, _ in world.needed]
    return [
        _People(world, dict(zip(names, numbers, strict=True)), known).walk(order)
        for order, numbers, known in zip(orders, noise, states, strict=True)
    ]


def forget() -> None:
    """Let go of what is kept of people who were asked about: states, and parts of wide tables."""
    slices.forget()
    with _lock:
        _drawn.clear()


def _people(
    world: SecondWorld, numbers: NDArray[np.float64]
) -> list[dict[Variable, NDArray[np.int16]]]:
    """Return states in world 0 of what is not seen, for each order; the last few are kept.

    All second worlds of one person have the same.
    """
    key = weakref.ref(world.tables), frozenset(world.evidence.items()), numbers.tobytes()
    with _lock:
        known = _drawn.get(key)
    if known is None:
        sources, sizes = world.seen
        here = [dict(zip(sorted(sizes), each, strict=True)) for each in numbers]
        known = drawn(sources, sizes, here, world.tables.draws)
        with _lock:
            _drawn[key] = known
            for gone in [old for old in _drawn if old[0]() is None] + list(_drawn)[:-_KEPT]:
                _drawn.pop(gone, None)
    return known


def _compiled(
    world: SecondWorld,
    orders: Sequence[Sequence[int]],
    noise: Array,
    states: Sequence[Mapping[Variable, NDArray[np.int16]]],
) -> list[Array] | None:
    """Walk by compiled loops, where these know how to; see `walks`.

    Noise is ``(order, node, use, sample)``.
    """
    from backrisk.inference.walking import in_numbers, walked

    numbers = in_numbers(world)
    if numbers is None:
        return None
    walk, names, alive = numbers
    samples, draws = noise.shape[-1], world.tables.draws
    place = {name: i for i, name in enumerate(names)}
    at = [place[name] for name, _ in world.needed]
    own, fresh = np.zeros((2, len(orders), len(names), samples))
    own[:, at], fresh[:, at] = noise[:, :, 0], noise[:, :, 1]
    given = [np.zeros((len(names), samples, draws), np.int16) for _ in orders]
    for into, known in zip(given, states, strict=True):
        for (name, _), codes in known.items():
            if name in place:
                into[place[name]] = codes
    found = [np.empty((len(world.switches), draws)) for _ in orders]
    look, passed = watcher(), [(name, 1) for name in world.passed]

    def some(piece: tuple[int, slice]) -> None:
        look(passed)
        i, part = piece
        order = np.array(orders[i], np.int64)
        walked(walk, order, given[i], own[i], fresh[i], found[i], part.start, part.stop)

    count = workers(samples * draws * len(walk.causes) * len(orders) > _WORTH_SHARING)
    share = -(-draws // count)
    parts = [slice(start, min(start + share, draws)) for start in range(0, draws, share)]
    in_threads(some, [(i, part) for i in range(len(orders)) for part in parts], count)
    del alive  # until here, since the loops are given addresses and look no further
    return found


class _People:
    """People like the one who is asked about: what is known of her, and samples of the rest.

    Parameters
    ----------
    world : SecondWorld
    uniforms : mapping of node to ndarray, each (use, sample)
    drawn : mapping of variable to ndarray of int, each (sample, draw)
        States in world 0 of the nodes of which something is known but not the state.
    """

    def __init__(
        self,
        world: SecondWorld,
        uniforms: Mapping[str, Array],
        drawn: Mapping[Variable, NDArray[np.int16]],
    ) -> None:
        self.world, self.graph = world, world.graph
        self.target = world.target
        self.on: set[str] = set()
        self.there: dict[str, NDArray[np.intp]] = {}
        self.here: dict[str, NDArray[np.intp]] = {}
        self.windows: dict[str, tuple[Array, Array]] = {}  # of the noise, in which the state lies
        self.noise: dict[str, Array] = {}
        self.fresh: dict[str, Array] = {}
        for name, worlds in world.needed:
            noise = uniforms[name][_NOISE][:, None]
            if name in world.told:
                code = world.evidence.get(name)
                given = drawn[name, 0] if code is None else np.full((1, 1), code)
                self.here[name] = given.astype(np.intp)
            if name in world.told and 1 in worlds:
                low, high = _window(self._levels(name, 0), self.here[name])
                self.windows[name] = low, high
                noise = low + (high - low) * noise
            elif name not in world.told and 0 in worlds:
                self.here[name] = _state(self._levels(name, 0), noise)
            self.noise[name], self.fresh[name] = noise, uniforms[name][_FRESH][:, None]

    def walk(self, order: Sequence[int]) -> Array:
        """Turn the switches on in an order, and off again in the same: on in the reverse order."""
        switches = self.world.switches
        gains = np.zeros((len(switches), self.world.tables.draws))
        chance = off = self._follow(self.world.changed)
        for turn, sign in ((self.on.add, 1), (self.on.remove, -1)):
            for i in order:
                turn(switches[i])
                after = self._follow(self.world.moved(switches[i])) if self.on else off
                gains[i] += sign * (after - chance) / 2
                chance = after
        return gains

    def _follow(self, moved: frozenset[str]) -> Array:
        """Follow world 1 through the nodes that a switch changes: P(event) for each draw."""
        look = watcher()
        for name in self.world.passed:
            if name in moved:
                look([(name, 1)])
                self.there[name] = self._there(name)
        levels = self._levels(self.target, 1)
        low, high = self.windows.get(self.target, (0.0, 1.0))
        ends = np.concatenate([np.zeros_like(levels[:1]), levels, np.ones_like(levels[:1])])
        inside = np.clip(np.minimum(high, ends[1:]) - np.maximum(low, ends[:-1]), 0.0, None)
        chance = inside[list(self.world.codes)].sum(axis=0) / (high - low)
        found: Array = np.broadcast_to(chance.mean(axis=0), (self.world.tables.draws,))
        return found

    def _there(self, name: str) -> NDArray[np.intp]:
        world = self.world
        off = name in world.lost or (
            name in world.switched and world.switch_of(name) not in self.on
        )
        if off and name in world.reference:
            return np.zeros((1, 1), np.intp)
        if name in world.decided:
            return self.here[name]
        return _state(self._levels(name, 1), self.fresh[name] if off else self.noise[name])

    def _levels(self, name: str, side: int) -> Array:
        """Return a node's CDF given its causes in a world, as it hears of them."""
        heard = self.world.heard if side else {}
        there = self.here | self.there if side else self.here
        parents = self.graph.parents(name)
        states = [(self.here if heard.get((p, name)) in self.on else there)[p] for p in parents]
        return self.world.tables.levels(name, states)


def _state(levels: Array, noise: Array) -> NDArray[np.intp]:
    """Return the first state whose CDF reaches the noise."""
    return (levels < noise).sum(axis=0, dtype=np.intp)


def _window(levels: Array, state: NDArray[np.intp]) -> tuple[Array, Array]:
    """Return the limits of the noise that leads to a state, each (sample, draw)."""
    ends = np.concatenate([np.zeros_like(levels[:1]), levels, np.ones_like(levels[:1])])
    low, high = (np.take_along_axis(ends, (state + k)[None], axis=0)[0] for k in (0, 1))
    return low, high
