"""The compiled loops of `backrisk.inference.walks`: one sample after the other, draws side by side.

A sample's states, of a few dozen draws, stay in the processor's nearest cache. They are found node
by node from the odds that causes multiply, which are looked up; nothing is formed for all samples.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from backrisk._compiling import loop
from backrisk._types import Array
from backrisk.inference.second_world import SecondWorld
from backrisk.inference.vectors import number_at

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

# How a node comes by its state in world 0. Of some, only the state in world 1 is asked about.
_NOWHERE, _TOLD, _DRAWN, _FOLLOWED = range(4)
# What becomes of it in world 1 where its switch is off, or lost for good.
_REFERENCE, _FRESH = range(2)
_NONE = -1  # no switch: always on
_LOST = -2  # no switch: always off
_BLOCK = 64  # draws side by side


class Walk(NamedTuple):
    """A second world in numbers. Nodes are numbered causes first, and switches as the world's.

    Parameters
    ----------
    begins, codes : ndarray of int, shape (node,)
        How each node comes by its state in world 0, and that state where it was told.
    windowed : ndarray of bool, shape (node,)
        Whether its noise lies in what leads to the state in world 0.
    switches, off : ndarray of int, shape (node,)
        Which switch it has in world 1, and what becomes of it without.
    decided : ndarray of bool, shape (node,)
        Whether it is as in world 0 where it is on.
    edges : ndarray of int, shape (node + 1,)
        Where the edges into each node begin.
    causes, heard, sizes : ndarray of int, shape (edge,)
        The node that an edge comes from, its switch, and the number of the cause's states.
    odds : ndarray of int, shape (node + 1,)
        Where the factors of each node's odds begin.
    spoken, of : ndarray of int
        Where the edges that a factor speaks of begin in `of`, which names them.
    factors, below, above : ndarray of int
        Where in memory each factor lies, and each node's probabilities of an average person.
    levels : ndarray of int, shape (node,)
        How many of these there are.
    moved : ndarray of bool, shape (switch + 1, node)
        What each switch may change in world 1; in the last row, all that differs there.
    target : int
    counts : ndarray of bool, shape (state,)
        Which of its states count.
    """

    begins: Ints
    codes: Ints
    windowed: Flags
    switches: Ints
    off: Ints
    decided: Flags
    edges: Ints
    causes: Ints
    heard: Ints
    sizes: Ints
    odds: Ints
    spoken: Ints
    of: Ints
    factors: Ints
    below: Ints
    above: Ints
    levels: Ints
    moved: Flags
    target: int
    counts: Flags


def in_numbers(world: SecondWorld) -> tuple[Walk, tuple[str, ...], list[Array]] | None:
    """Return a second world in numbers, its nodes, and the arrays that must outlive it.

    There is none where the CDF of a node that is followed has not the form of odds.
    """
    graph, needed = world.graph, dict(world.needed)
    names = tuple(n for n in graph.topological if n in needed or n in world.passed)
    place = {name: i for i, name in enumerate(names)}
    switch = {name: i for i, name in enumerate(world.switches)}
    alive: list[Array] = []

    def address(array: Array) -> int:
        alive.append(np.ascontiguousarray(array, np.float64))
        return alive[-1].ctypes.data

    begins, codes, switches, off = (np.zeros(len(names), np.int64) for _ in range(4))
    windowed, decided = np.zeros(len(names), bool), np.zeros(len(names), bool)
    below, above, levels = (np.zeros(len(names), np.int64) for _ in range(3))
    edges, odds, spoken = [0], [0], [0]
    causes: list[int] = []
    heard: list[int] = []
    sizes: list[int] = []
    of: list[int] = []
    factors: list[int] = []
    for i, name in enumerate(names):
        worlds = needed.get(name, ())
        told = name in world.told
        windowed[i] = told and 1 in worlds
        if told:
            begins[i] = _TOLD if name in world.evidence else _DRAWN
            codes[i] = world.evidence.get(name, 0)
        elif 0 in worlds:
            begins[i] = _FOLLOWED
        decided[i] = name in world.decided
        switches[i] = _NONE
        if name in world.lost:
            switches[i] = _LOST
        elif name in world.switched:
            switches[i] = switch[world.switch_of(name)]
        off[i] = _REFERENCE if name in world.reference else _FRESH
        if windowed[i] or begins[i] == _FOLLOWED or 1 in worlds or name == world.target:
            form = world.tables.proportional_odds(name)
            if form is None:
                return None
            below[i], above[i], levels[i] = (
                address(form.below),
                address(form.above),
                len(form.below),
            )
            parents = graph.parents(name)
            for cause, factor in zip(form.causes, form.factors, strict=True):
                of += [len(causes) + position for position in cause]
                spoken.append(len(of))
                factors.append(address(factor))
            causes += [place[parent] for parent in parents]
            heard += [
                switch[world.heard[p, name]] if (p, name) in world.heard else _NONE for p in parents
            ]
            sizes += form.sizes
        edges.append(len(causes))
        odds.append(len(factors))
    turned = [*(world.moved(name) for name in world.switches), world.changed]
    moved = np.array([[n in world.passed and n in some for n in names] for some in turned], bool)
    counts = np.isin(np.arange(len(graph.node(world.target).states)), world.codes)
    walk = Walk(
        begins,
        codes,
        windowed,
        switches,
        off,
        decided,
        _ints(edges),
        _ints(causes),
        _ints(heard),
        _ints(sizes),
        _ints(odds),
        _ints(spoken),
        _ints(of),
        _ints(factors),
        below,
        above,
        levels,
        moved,
        place[world.target],
        counts,
    )
    return walk, names, alive


def _ints(values: list[int]) -> Ints:
    return np.array(values, np.int64)


@loop(nogil=True, error_model="numpy")
def walked(walk, order, states, noise, fresh, gains, first, last):  # type: ignore[no-untyped-def]
    """Turn the switches on in an order and off in the same, for some draws.

    Parameters
    ----------
    walk : Walk
    order : ndarray of int, shape (switch,)
    states : ndarray of int, shape (node, sample, draw)
        Of the nodes that are drawn in world 0.
    noise, fresh : ndarray, shape (node, sample)
        Numbers between 0 and 1.
    gains : ndarray, shape (switch, draw)
        Is given what turning each switch on adds, the mean of both ways and of the samples.
    first, last : int
        The draws that are asked for.
    """
    nodes, samples, draws = states.shape
    here, there = np.zeros((nodes, _BLOCK), np.int64), np.zeros((nodes, _BLOCK), np.int64)
    own = np.zeros((nodes, _BLOCK))  # the noise that a person has
    low, high = np.zeros(_BLOCK), np.ones(_BLOCK)  # between which the target's lies
    ratio, row = np.empty(_BLOCK), np.empty(_BLOCK, np.int64)
    on = np.zeros(len(order), np.bool_)
    start, chance, after = np.empty(_BLOCK), np.empty(_BLOCK), np.empty(_BLOCK)
    for z in range(first, last, _BLOCK):
        wide = min(_BLOCK, last - z)
        gains[:, z : z + wide] = 0.0
        for s in range(samples):
            for n in range(nodes):
                if walk.begins[n] == _TOLD:
                    here[n, :] = walk.codes[n]
                elif walk.begins[n] == _DRAWN:
                    for k in range(wide):
                        here[n, k] = states[n, s, z + k]
                own[n, :] = noise[n, s]
                if walk.windowed[n]:
                    _odds(walk, n, here, here, on, z, wide, draws, row, ratio)
                    _window(walk, n, here, own, z, wide, draws, ratio, low, high)
                elif walk.begins[n] == _FOLLOWED:
                    _odds(walk, n, here, here, on, z, wide, draws, row, ratio)
                    _state(walk, n, here, own, z, wide, draws, ratio)
                there[n] = here[n]
            everything = walk.moved.shape[0] - 1
            _follow(walk, everything, here, there, own, fresh, s, on, z, wide, draws, row, ratio)
            _chance(walk, here, there, on, z, wide, draws, row, ratio, low, high, start)
            chance[:] = start
            for back in range(2):
                for turn in range(len(order)):
                    i = order[turn]
                    on[i] = back == 0
                    if back == 1 and turn == len(order) - 1:
                        after[:] = start  # all are off again
                    else:
                        _follow(walk, i, here, there, own, fresh, s, on, z, wide, draws, row, ratio)
                        _chance(walk, here, there, on, z, wide, draws, row, ratio, low, high, after)
                    for k in range(wide):
                        gained = after[k] - chance[k] if back == 0 else chance[k] - after[k]
                        gains[i, z + k] += gained / (2 * samples)
                    chance[:] = after


@loop(nogil=True, error_model="numpy")
def _odds(walk, n, state, here, on, z, wide, draws, row, ratio):  # type: ignore[no-untyped-def]
    """Look up what the causes multiply a node's odds by, as it hears of them."""
    ratio[:] = 1.0
    for factor in range(walk.odds[n], walk.odds[n + 1]):
        row[:] = 0
        for j in range(walk.spoken[factor], walk.spoken[factor + 1]):
            edge = walk.of[j]
            cause, size, switch = walk.causes[edge], walk.sizes[edge], walk.heard[edge]
            told = here if switch >= 0 and on[switch] else state
            for k in range(wide):
                row[k] = row[k] * size + told[cause, k]
        begins = walk.factors[factor]
        for k in range(wide):
            ratio[k] *= number_at(begins + 8 * (row[k] * draws + z + k))


@loop(nogil=True, error_model="numpy")
def _level(walk, n, level, z, k, draws, ratio):  # type: ignore[no-untyped-def]
    """Return the CDF at a level."""
    at = 8 * (level * draws + z + k)
    below, above = number_at(walk.below[n] + at), number_at(walk.above[n] + at)
    return below / (above * ratio[k] + below)


@loop(nogil=True, error_model="numpy")
def _state(walk, n, state, noise, z, wide, draws, ratio):  # type: ignore[no-untyped-def]
    """Set a node to the first state whose CDF reaches the noise."""
    state[n, :] = 0
    for level in range(walk.levels[n]):
        for k in range(wide):
            state[n, k] += _level(walk, n, level, z, k, draws, ratio) < noise[n, k]


@loop(nogil=True, error_model="numpy")
def _window(walk, n, here, own, z, wide, draws, ratio, low, high):  # type: ignore[no-untyped-def]
    """Take a node's noise from where it leads to the state in world 0; keep the target's limits."""
    last = walk.levels[n]
    for k in range(wide):
        code = here[n, k]
        lower = _level(walk, n, code - 1, z, k, draws, ratio) if code > 0 else 0.0
        upper = _level(walk, n, code, z, k, draws, ratio) if code < last else 1.0
        own[n, k] = lower + (upper - lower) * own[n, k]
        if n == walk.target:
            low[k], high[k] = lower, upper


@loop(nogil=True, error_model="numpy")
def _follow(  # type: ignore[no-untyped-def]
    walk, switch, here, there, own, fresh, s, on, z, wide, draws, row, ratio
):
    """Follow world 1 through the nodes that a switch may change."""
    for n in range(there.shape[0]):
        if not walk.moved[switch, n] or n == walk.target:
            continue
        mine = walk.switches[n]
        off = mine == _LOST or (mine >= 0 and not on[mine])
        if off and walk.off[n] == _REFERENCE:
            there[n, :] = 0
        elif walk.decided[n]:
            there[n] = here[n]
        else:
            _odds(walk, n, there, here, on, z, wide, draws, row, ratio)
            if off:
                there[n, :] = 0
                for level in range(walk.levels[n]):
                    for k in range(wide):
                        at = _level(walk, n, level, z, k, draws, ratio)
                        there[n, k] += at < fresh[n, s]
            else:
                _state(walk, n, there, own, z, wide, draws, ratio)


@loop(nogil=True, error_model="numpy")
def _chance(  # type: ignore[no-untyped-def]
    walk, here, there, on, z, wide, draws, row, ratio, low, high, chance
):
    """Return the probability of the target's event in world 1, given its causes there."""
    n, last = walk.target, walk.levels[walk.target]
    _odds(walk, n, there, here, on, z, wide, draws, row, ratio)
    chance[:] = 0.0
    for state in range(last + 1):
        if not walk.counts[state]:
            continue
        for k in range(wide):
            lower = _level(walk, n, state - 1, z, k, draws, ratio) if state > 0 else 0.0
            upper = _level(walk, n, state, z, k, draws, ratio) if state < last else 1.0
            chance[k] += max(min(high[k], upper) - max(low[k], lower), 0.0)
    for k in range(wide):
        chance[k] /= high[k] - low[k]
