"""What two worlds share: the joint table of a node in both, from its rows in each.

Tables have an axis of rows (answers that people share) first and that of draws last.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backrisk.inference.plan import LETTERS, Pairing, Variable

Array = NDArray[np.float64]
Codes = NDArray[np.intp]

COUPLINGS = ("monotone", "independent_causes", "independent")
_SLAB = 2**19  # numbers worked on at once where a pair is summed out


def laid(
    table: Array, before: int, scope: Sequence[Variable], axes: Sequence[Variable], after: int = 1
) -> Array:
    """Lay the axes of a table out over more, between those that stay before and after."""
    trailing = range(before + len(scope), before + len(scope) + after)
    order = (before + scope.index(v) for v in axes if v in scope)
    moved = table.transpose(*range(before), *order, *trailing)
    sizes = [table.shape[before + scope.index(v)] if v in scope else 1 for v in axes]
    return moved.reshape(*table.shape[:before], *sizes, *(table.shape[i] for i in trailing))


def cumulated(table: Array, *, positive: bool) -> Array:
    """Return the CDF over the state axis without its last entry, which is 1.

    Where cells may be zero, the CDF is 1 from the last possible state on, whatever rounding says,
    so that what is impossible stays so.
    """
    cdf = table[..., :-1, :].copy()
    for state in range(1, cdf.shape[-2]):  # `cumsum` over this axis is several times slower
        cdf[..., state, :] += cdf[..., state - 1, :]
    if not positive:
        above: Array | float = 1.0
        for state in reversed(range(cdf.shape[-2])):
            level = cdf[..., state, :]
            np.copyto(level, above, where=table[..., state + 1, :] == 0)
            above = level
    return cdf


def _window(cdf: Array, own: Codes | None) -> Array:
    """Return a CDF with 0 before and 1 after it, or the two entries around each row's state."""
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
    """Return the joint table of two rows, ``(row, ..., state here, state there, draw)``.

    Parameters
    ----------
    here, there : ndarray, shape (row, ..., level, draw)
        CDFs, without the last level.
    owns : pair of codes of rows, or None
        The states that are known.
    coupling : str
    """
    first = _window(here, owns[0])[..., None, :]
    second = _window(there, owns[1])[..., None, :, :]
    low, high = first[..., :-1, :, :], first[..., 1:, :, :]
    below, above = second[..., :-1, :], second[..., 1:, :]
    if coupling == "independent":
        return (high - low) * (above - below)
    shared = np.minimum(high, above) - np.maximum(low, below)
    np.maximum(shared, 0.0, out=shared)
    return shared


def joined(cdfs: Sequence[tuple[Array, Array]], owns: Sequence[Codes | None]) -> Array:
    """Return the joint table of a node whose leak and causes each have their own noise."""
    joint: Any = 1.0
    for pair in cdfs:
        first, second = (_window(side, own) for side, own in zip(pair, owns, strict=True))
        joint = joint * np.minimum(first[..., :, None, :], second[..., None, :, :])
    found: Array = np.maximum(np.diff(np.diff(joint, axis=-3), axis=-2), 0.0)
    return found


def possible(joint: Array) -> tuple[Array, Codes]:
    """Keep of a node's pairs of states those that are possible.

    Which are may differ from draw to draw, since an effect may have either sign. The entries of
    the new axis are places: as many as some draw needs, and what lies there may differ too.

    Parameters
    ----------
    joint : ndarray, shape (row, ..., state here, state there, draw)

    Returns
    -------
    table : ndarray, shape (row, ..., place, draw)
    states : ndarray, shape (2, place, draw) or (2, place, 1)
        What lies there, in each world.
    """
    table = joint.reshape(*joint.shape[:-3], -1, joint.shape[-1])
    some = (table > 0).any(axis=tuple(range(table.ndim - 2)))
    most = int(some.sum(axis=0).max())
    if some.any(axis=1).sum() == most:
        places = np.flatnonzero(some.any(axis=1))[:, None]
    else:
        places = np.argsort(~some, axis=0, kind="stable")[:most]
    return placed(table, -2, places), np.stack(np.divmod(places, joint.shape[-2]))


def placed(table: Array, axis: int, places: Codes) -> Array:
    """Take the entries of an axis that lie at some places, which may differ from draw to draw.

    Parameters
    ----------
    table : ndarray, shape (..., draw)
    axis : int
    places : ndarray, shape (place, draw) or (place, 1)
    """
    if places.shape[1] == 1:
        return table.take(places[:, 0], axis=axis)
    entries = np.moveaxis(table, axis, 0)
    found = np.empty((len(places), *entries.shape[1:-1], places.shape[1]))
    for into, at in zip(found, places, strict=True):
        into[...] = entries[at[0]]
        for entry in np.unique(at[at != at[0]]):
            np.copyto(into, entries[entry], where=at == entry)
    return np.moveaxis(found, 0, axis)


def summed_out(
    own: Sequence[Variable],
    union: Sequence[Variable],
    step: Pairing,
    sides: Sequence[Sequence[Array]],
    given: Sequence[Array],
    coupling: str,
) -> Array:
    """Carry a pairing out, slab by slab, so that no wide table leaves the processor's cache.

    A sum over states of probabilities times a table is one over levels of the joint CDF times the
    table's differences (Abel). At the top level of a world the joint CDF is the other world's own.

    Parameters
    ----------
    own : pair of variables
        The node in its worlds.
    union : sequence of variables
        What the sides depend on.
    step : Pairing
    sides : sequence of pairs of ndarray, each (row, *union, level, draw)
        CDFs in each world without the last level: one pair, or one for each independent cause.
    given : sequence of ndarray, each (row, *scope, draw)
    coupling : str
    """
    last = [v for v in step.axes if v in step.scopes[0] or v in step.keep]
    gone = len(step.axes) - len(last)  # axes that come first and are summed out
    slopes = np.moveaxis(laid(given[0], 1, step.scopes[0], [*own, *step.axes]), 0, 2).copy()
    slopes[:-1] -= slopes[1:].copy()
    slopes[:, :-1] -= slopes[:, 1:].copy()
    weights = [
        laid(table, 1, scope, step.axes)
        for table, scope in zip(given[1:], step.scopes[1:], strict=True)
    ] or [np.ones((1,) * (2 + len(step.axes)))]
    heres, theres = (
        [laid(np.moveaxis(pair[world], -2, 0), 2, union, step.axes) for pair in sides]
        for world in (0, 1)
    )
    combine = np.multiply if coupling == "independent" else np.minimum
    shape = np.broadcast_shapes(
        slopes.shape[2:], *(w.shape for w in weights), *(t.shape[1:] for t in (*heres, *theres))
    )
    expected = np.zeros((*slopes.shape[:2], shape[0], *shape[1 + gone :]))
    looped = 1
    while looped < 1 + gone and math.prod(expected.shape[:2] + shape[looped:]) > _SLAB:
        looped += 1
    axes = "".join(LETTERS[2 : 2 + len(shape) - 1 - looped])
    kept = axes[1 + gone - looped :]
    subscripts = f"AB{axes}Z,{axes}Z->AB{kept}Z"
    for slab in np.ndindex(*shape[:looped]):
        both = _product(
            _below(_part(here, slab, 1), _part(there, slab, 1), combine)
            for here, there in zip(heres, theres, strict=True)
        )
        weight = _product(_part(table, slab, 0) for table in weights)
        expected[:, :, slab[0]] += np.einsum(subscripts, both, weight)
    slopes = slopes.reshape(*slopes.shape[:3], *slopes.shape[3 + gone :])
    places = [last.index(v) for v in step.keep]
    total = (slopes * expected).sum(axis=(0, 1))
    total = total.sum(axis=tuple(1 + i for i in range(len(last)) if i not in places))
    total = total.transpose(0, *(1 + i for i in np.argsort(np.argsort(places))), -1)
    return np.maximum(total, 0.0)  # what is left of nothing by rounding may lie on either side


def _below(here: Array, there: Array, combine: np.ufunc) -> Array:
    """Return the joint CDF of two CDFs ``(level, ...)``, with the last level of each."""
    shape = np.broadcast_shapes(here.shape[1:], there.shape[1:])
    joint = np.empty((len(here) + 1, len(there) + 1, *shape))
    combine(here[:, None], there, out=joint[:-1, :-1])
    joint[:-1, -1], joint[-1, :-1], joint[-1, -1] = here, there, 1.0
    return joint


def _part(table: Array, slab: tuple[int, ...], skip: int) -> Array:
    """Take a slab of a table that may have one entry where others have more."""
    axes = table.shape[skip : skip + len(slab)]
    at = tuple(min(i, size - 1) for i, size in zip(slab, axes, strict=True))
    return table[(*(slice(None),) * skip, *at)]


def _product(tables: Iterable[Array]) -> Array:
    product: Array = reduce(np.multiply, tables)
    return product
