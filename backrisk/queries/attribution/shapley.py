"""Shapley shares of the players of a set function, and the coalitions of causes that define one."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backrisk._types import Array

Codes = NDArray[np.integer[Any]]


MOST_CAUSES = 14  # players of a game that is played out in full
ORDERS = 128  # orders that a larger game is sampled in: 64 and their reverses


@dataclass(frozen=True, eq=False)
class Shares:
    """Draws of each cause's share, ``(draw, cause)``, and what an answer shows beside them."""

    draws: Array
    bounds: tuple[Array, Array] | None = None
    total: Array | None = None
    before: Array | None = None
    pairs: Array | None = None  # (pair of orders, cause, draw), where orders were sampled


def played(values: Array) -> Shares:
    """Return the shares of a game of which every coalition's value is known."""
    players = values.ndim - 1
    everyone, nobody = values[(1,) * players], values[(0,) * players]
    return Shares(shapley(values).T, total=everyone - nobody)


def sampled(value: Callable[[frozenset[int]], Array], players: int, seed: int) -> Shares:
    """Play a game in random orders, each with its reverse."""
    known: dict[frozenset[int], Array] = {}

    def of(inside: frozenset[int]) -> Array:
        if inside not in known:
            known[inside] = value(inside)
        return known[inside]

    rng = np.random.default_rng(seed)
    nobody, everyone = of(frozenset()), of(frozenset(range(players)))
    pairs = np.zeros((ORDERS // 2, players, len(nobody)))
    for pair in pairs:
        order = rng.permutation(players).tolist()
        for one in (order, order[::-1]):
            before = nobody
            for place, player in enumerate(one, start=1):
                after = of(frozenset(one[:place]))
                pair[player] += (after - before) / 2
                before = after
    return Shares(pairs.mean(axis=0).T, total=everyone - nobody, pairs=pairs)


def standard_error(pairs: Array, draws: int) -> Array:
    """Return the Monte Carlo error of each mean share, from pairs of orders."""
    means = pairs[..., :draws].mean(axis=-1)
    error: Array = means.std(axis=0, ddof=1) / np.sqrt(len(means))
    return error


def shapley(values: Array) -> Array:
    """Return Shapley shares of a set function.

    Knows a set function and its players, no graph (Shapley 1953, doi:10.1515/9781400881970-018).

    Parameters
    ----------
    values : ndarray, shape (2, ..., 2, draw)
        One axis for each player: 0 outside the set, 1 inside.

    Returns
    -------
    ndarray, shape (player, draw)
        Sums over players to ``values[1, ..., 1] - values[0, ..., 0]``.

    Examples
    --------
    >>> shapley(np.array([[0.0, 1.0], [2.0, 5.0]])[..., None]).ravel().tolist()
    [3.0, 2.0]
    """
    players = values.ndim - 1
    size = np.zeros((2,) * (players - 1), dtype=int)
    for axis in range(players - 1):
        size = size + np.arange(2).reshape([2 if i == axis else 1 for i in range(players - 1)])
    weight = np.array([1.0 / (players * math.comb(players - 1, s)) for s in range(players)])[size]
    shares = []
    for player in range(players):
        gain = np.take(values, 1, axis=player) - np.take(values, 0, axis=player)
        shares.append((weight[..., None] * gain).sum(axis=tuple(range(players - 1))))
    return np.stack(shares)
