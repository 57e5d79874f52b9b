"""What two worlds share: the joint table of a node in both, from its CPT's rows in each.

The CPT of a node says how likely each state is under one configuration of its parents. A
counterfactual needs more: how likely state ``i`` in the world that was seen goes with state ``j``
in the world that would have been, where the parents differ. Data cannot tell; a *coupling* is the
assumption that does.

``monotone``
    One uniform number U for each person, as in a threshold model: the state is the first whose CDF
    reaches U. With the CDFs ``F`` here and ``G`` there, ``P(X <= i, X' <= j) = min(F_i, G_j)``, and
    the probability of a pair is the length that the intervals ``(F_{i-1}, F_i]`` and
    ``(G_{j-1}, G_j]`` share. A change that lowers the risk at every level makes nobody worse.
``independent_causes``
    The leak and each cause of a noisy-max have a uniform number of their own. The node is the
    largest contribution, so its joint CDF is the product of theirs. Nodes that are not
    noisy-max follow the monotone coupling.
``independent``
    No shared noise: ``F_i G_j``. For comparison.

Where the parents agree in both worlds, the first two give the same state in both.

Tables have an axis of rows (answers that people share) first and that of draws last.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backrisk._types import Array
from backrisk.inference.twin_network import Variable

Codes = NDArray[np.intp]
Places = NDArray[np.intp]  # the states of a pair of worlds, (2, place, draw) or (2, place, 1)

COUPLINGS = ("monotone", "independent_causes", "independent")


def laid_out(
    table: Array, before: int, scope: Sequence[Variable], axes: Sequence[Variable], after: int = 1
) -> Array:
    """Lay the axes of a table out over more, between those that stay before and after.

    Parameters
    ----------
    table : ndarray, shape (*before, *scope, *after)
    before : int
        How many axes stay in front.
    scope : sequence of variables
        What the axes after them are.
    axes : sequence of variables
        What they become: in this order, with one entry where the table does not depend on one.
    after : int
        How many axes stay at the end.

    Returns
    -------
    ndarray, shape (*before, *axes, *after)
    """
    trailing = range(before + len(scope), before + len(scope) + after)
    order = (before + scope.index(v) for v in axes if v in scope)
    moved = table.transpose(*range(before), *order, *trailing)
    sizes = [table.shape[before + scope.index(v)] if v in scope else 1 for v in axes]
    return moved.reshape(*table.shape[:before], *sizes, *(table.shape[i] for i in trailing))


def cumulated(table: Array, *, positive: bool) -> Array:
    """Return the CDF over the state axis without its last entry, which is 1.

    Where cells may be zero, the CDF is 1 from the last possible state on, whatever rounding says,
    so that what is impossible stays so.

    Parameters
    ----------
    table : ndarray, shape (..., state, draw)
    positive : bool
        Whether no cell is zero.

    Returns
    -------
    ndarray, shape (..., state - 1, draw)
    """
    cdf = table[..., :-1, :].copy()
    for state in range(1, cdf.shape[-2]):  # `cumsum` over this axis is several times slower
        cdf[..., state, :] += cdf[..., state - 1, :]
    if not positive:
        # From the top down: a level takes the one above it where the state between is impossible.
        above: Array | float = 1.0
        for state in reversed(range(cdf.shape[-2])):
            level = cdf[..., state, :]
            np.copyto(level, above, where=table[..., state + 1, :] == 0)
            above = level
    return cdf


def _window(cdf: Array, own: Codes | None) -> Array:
    """Return a CDF with 0 before and 1 after it, or the two entries around each row's state.

    The intervals between neighbouring entries are those of U in which a state comes about.
    """
    last = cdf.shape[-2]
    if own is not None and (own == own[0]).all():
        around = np.empty((*cdf.shape[:-2], 2, cdf.shape[-1]))
        around[..., 0, :] = cdf[..., own[0] - 1, :] if own[0] > 0 else 0.0
        around[..., 1, :] = cdf[..., own[0], :] if own[0] < last else 1.0
        return around
    ends = np.empty((*cdf.shape[:-2], last + 2, cdf.shape[-1]))
    ends[..., 0, :], ends[..., 1:-1, :], ends[..., -1, :] = 0.0, cdf, 1.0
    if own is None:
        return ends
    row = np.arange(len(cdf))
    return np.stack([ends[row, ..., own, :], ends[row, ..., own + 1, :]], axis=-2)


def coupled(here: Array, there: Array, owns: Sequence[Codes | None], coupling: str) -> Array:
    """Return the joint table of a node in two worlds that share its noise, or share nothing.

    Parameters
    ----------
    here, there : ndarray, shape (row, ..., level, draw)
        CDFs, without the last level.
    owns : pair of ndarray, shape (row,), or None
        The node's state in each world where it is known.
    coupling : str

    Returns
    -------
    ndarray, shape (row, ..., state here, state there, draw)
        With one state where it is known.
    """
    if coupling != "independent" and "numba" in sys.modules:
        from backrisk.inference.intervals import shared_lengths

        return shared_lengths(here, there, owns)
    first = _window(here, owns[0])[..., None, :]
    second = _window(there, owns[1])[..., None, :, :]
    low, high = first[..., :-1, :, :], first[..., 1:, :, :]
    below, above = second[..., :-1, :], second[..., 1:, :]
    if coupling == "independent":
        return (high - low) * (above - below)
    # The length that two intervals of U share.
    shared = np.minimum(high, above) - np.maximum(low, below)
    np.maximum(shared, 0.0, out=shared)
    return shared


def coupled_causes(cdfs: Sequence[tuple[Array, Array]], owns: Sequence[Codes | None]) -> Array:
    """Return the joint table of a node whose leak and causes each have their own noise.

    Parameters
    ----------
    cdfs : sequence of pairs of ndarray, each (row, ..., level, draw)
        For the leak and each cause: its CDF here and there, without the last level.
    owns : pair of ndarray, shape (row,), or None
        The node's state in each world where it is known.

    Returns
    -------
    ndarray, shape (row, ..., state here, state there, draw)
    """
    below: Any = 1.0  # P(X <= i, X' <= j), a product over independent contributions
    for pair in cdfs:
        first, second = (_window(side, own) for side, own in zip(pair, owns, strict=True))
        below = below * np.minimum(first[..., :, None, :], second[..., None, :, :])
    found: Array = np.maximum(np.diff(np.diff(below, axis=-3), axis=-2), 0.0)
    return found


def possible_pairs(both: Array) -> tuple[Array, Places]:
    """Keep of a node's pairs of states those that are possible.

    With shared noise, K states make at most 2 K - 1 pairs, not K * K: a pair of worlds is hardly
    wider than two nodes. Which pairs are possible may differ from draw to draw, since an effect may
    have either sign. The entries of the new axis are places: as many as some draw needs, and what
    lies there may differ too.

    Parameters
    ----------
    both : ndarray, shape (row, ..., state here, state there, draw)

    Returns
    -------
    table : ndarray, shape (row, ..., place, draw)
    states : ndarray, shape (2, place, draw) or (2, place, 1)
        What lies there, in each world.
    """
    table = both.reshape(*both.shape[:-3], -1, both.shape[-1])
    some = (table > 0).any(axis=tuple(range(table.ndim - 2)))
    most = int(some.sum(axis=0).max())
    if some.any(axis=1).sum() == most:
        places = np.flatnonzero(some.any(axis=1))[:, None]  # the same in every draw
    else:
        # Each draw's possible pairs first; where it has fewer, impossible ones fill its places.
        places = np.argsort(~some, axis=0, kind="stable")[:most]
    return at_places(table, -2, places), np.stack(np.divmod(places, both.shape[-2]))


def at_places(table: Array, axis: int, places: NDArray[np.intp]) -> Array:
    """Take the entries of an axis that lie at some places, which may differ from draw to draw.

    `numpy.take_along_axis` would have to copy the places over all other axes.

    Parameters
    ----------
    table : ndarray, shape (..., draw)
    axis : int
    places : ndarray, shape (place, draw) or (place, 1)

    Returns
    -------
    ndarray
        With places in place of the axis.
    """
    if places.shape[1] == 1:
        return table.take(places[:, 0], axis=axis)
    if "numba" in sys.modules:
        from backrisk.inference.intervals import at_each

        return at_each(table, axis % table.ndim, places)
    entries = np.moveaxis(table, axis, 0)
    found = np.empty((len(places), *entries.shape[1:-1], places.shape[1]))
    for into, at in zip(found, places, strict=True):
        into[...] = entries[at[0]]
        for entry in np.unique(at[at != at[0]]):
            np.copyto(into, entries[entry], where=at == entry)
    return np.moveaxis(found, 0, axis)
