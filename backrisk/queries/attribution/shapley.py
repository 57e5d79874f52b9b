"""Shapley shares of the players of a game, from its multilinear extension or from its orders."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from backrisk._types import Array
from backrisk.summary import interval
from backrisk.words import decimal, say

_ROUNDING = 1e-11  # by how much shares may miss their sum
_ORDERS = 8  # orders that are played, each with its reverse, before the error is looked at
_ROUNDS = 8  # times at most
_POINTS = 3  # of a quadrature that need not be exact to rounding
_SMALL = 0.0025  # an error that no reader of percentages will see


@dataclass(frozen=True, eq=False)
class Shares:
    """Draws of each cause's share, ``(draw, cause)``, and what an answer shows beside them."""

    draws: Array
    bounds: tuple[Array, Array] | None = None
    total: Array | None = None
    before: Array | None = None
    error: Array | None = None  # (cause,): Monte Carlo error of the means, where any was sampled
    evaluations: int = 0  # for each draw: how many second worlds were sampled


def sampling_note(error: Array, evaluations: int) -> str:
    """Say how exact what was sampled is, and by how much work.

    Parameters
    ----------
    error : ndarray, shape (cause,)
        Monte Carlo standard error of each mean.
    evaluations : int
        How many second worlds were sampled for each draw.
    """
    most, count = decimal(100 * float(error.max()), 2), f"{evaluations:,}"
    return say("queries.attribute.sampled", error=most, evaluations=count)


def sampled(
    play: Callable[..., Sequence[Array]],
    players: int,
    seed: int,
) -> tuple[Array, Array, int]:
    """Play a game in random orders, until their error is small beside what parameters leave open.

    Parameters
    ----------
    play : callable
        Of some orders of the players and a generator, ``rng``: for each order, what each player
        adds when it joins, ``(player, draw)``, the mean of the order and its reverse (Mitchell et
        al. 2022, arXiv:2104.12199).
    players : int
    seed : int

    Returns
    -------
    shares : ndarray, shape (player, draw)
    error : ndarray, shape (player,)
        Monte Carlo standard error of each mean share. It is at most a tenth of the interval's
        width, or a quarter of a percentage point, or all orders that are allowed were played.
    orders : int
        How many were played, reverses among them.
    """
    rng = np.random.default_rng(seed)
    found: list[Array] = []
    for played in range(_ROUNDS):
        orders = [rng.permutation(players).tolist() for _ in range(_ORDERS)]
        # What people are drawn by does not depend on how many players there are.
        found += play(orders, rng=np.random.default_rng([seed, played]))
        shares: Array = np.mean(found, axis=0)
        means = np.array([gains.mean(axis=1) for gains in found])
        error: Array = means.std(axis=0, ddof=1) / np.sqrt(len(means))
        low, high = interval(shares.T)
        if (error <= np.maximum((high - low) / 10, _SMALL)).all():
            break
    return shares, error, 2 * len(found)


def diagonal(
    slopes: Callable[[Sequence[float]], Sequence[Array]],
    players: int,
    total: Array | None,
) -> Array:
    """Return Shapley shares from the multilinear extension of a game.

    Let each player be in the set with probability q, independently of the others. The expected
    value of the game is a polynomial in the players' probabilities, and a player's share is the
    integral over q from 0 to 1 of the slope in that player's probability where all are q (Owen
    1972, doi:10.1287/mnsc.18.5.64). The slope has degree n - 1 in q, so that Gauss-Legendre
    quadrature with n / 2 points is exact. Where many players hardly interact, fewer points are
    exact to rounding: they are tried first, and kept if the shares sum to what they must.

    Parameters
    ----------
    slopes : callable
        Of some q: for each, the expected gain of each player's joining, ``(player, draw)``.
    players : int
    total : ndarray, shape (draw,), optional
        The value of all players less that of none. Without it three points are taken whatever the
        number of players: shares are then exact to hundredths of a percentage point.

    Returns
    -------
    ndarray, shape (player, draw)

    Examples
    --------
    >>> def slopes(points):  # of v(1) = 1, v(2) = 2, v(1, 2) = 5
    ...     return [np.array([[1 + 2 * q], [2 + 2 * q]]) for q in points]
    >>> diagonal(slopes, 2, np.array([5.0])).ravel().round(12).tolist()
    [2.0, 3.0]
    """
    enough = (players + 1) // 2
    tried = {min(_POINTS, enough)} if total is None else {min(players // 3 + 1, enough), enough}
    for count in sorted(tried):
        points, weights = np.polynomial.legendre.leggauss(count)
        found = slopes(((points + 1) / 2).tolist())
        shares: Array = sum(w * each for w, each in zip(weights / 2, found, strict=True))
        if total is not None and np.abs(shares.sum(axis=0) - total).max() < _ROUNDING:
            break
    return shares
