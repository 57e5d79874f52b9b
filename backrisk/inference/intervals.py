"""The compiled loop over two worlds that share their noise; see `backrisk.inference.coupling`."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from functools import reduce

import numpy as np
from numba import njit
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from backrisk._types import Array

Ints = NDArray[np.int64]


def shared_lengths(
    here: Array,
    there: Array,
    owns: Sequence[NDArray[np.intp] | None],
    places: Mapping[int, NDArray[np.intp]] | None = None,
) -> Array:
    """Return the length that each interval of a CDF here shares with each of one there.

    Parameters
    ----------
    here, there : ndarray, shape (row, ..., level, draw)
        CDFs, without the last level. Either may have one entry where the other has more.
    owns : pair of ndarray, shape (row,), or None
        The state in each world where it is known.
    places : mapping of int to ndarray of int, each (2, place, draw) or (2, place, 1), optional
        Axes whose entries are states of one world: what the result has in their place, and which
        entry of each side lies there.

    Returns
    -------
    ndarray, shape (row, ..., state here, state there, draw)
        With one state where it is known.
    """
    places = places or {}
    rows = max(len(table) for table in (here, there, *owns) if table is not None)
    draws = max(here.shape[-1], there.shape[-1], *(each.shape[-1] for each in places.values()), 1)
    sizes = [rows, *np.broadcast_shapes(here.shape[1:-2], there.shape[1:-2])]
    for axis, each in places.items():
        sizes[axis] = each.shape[1]
    shape = tuple(sizes)
    first, second = _told(owns[0], rows), _told(owns[1], rows)
    counts = [
        table.shape[-2] + 1 if own is None else 1
        for table, own in zip((here, there), owns, strict=True)
    ]
    cells = np.indices(shape).reshape(len(shape), -1)
    which = cells[list(places)]
    out = np.empty((*shape, *counts, draws))
    _fill(
        *_laid_flat(here, shape, places),
        _moves(here, places, 0, draws),
        *_laid_flat(there, shape, places),
        _moves(there, places, 1, draws),
        which,
        first,
        second,
        out.reshape(-1, *counts, draws),
    )
    return out


def _moves(table: Array, places: Mapping[int, NDArray[np.intp]], side: int, draws: int) -> Ints:
    """Return how far from a cell each place lies, ``(axis, place, draw)``."""
    most = max((each.shape[1] for each in places.values()), default=0)
    found = np.zeros((len(places), most, draws), np.int64)
    for into, (axis, each) in zip(found, places.items(), strict=True):
        if table.shape[axis] > 1:
            into[: each.shape[1]] = each[side] * (table.strides[axis] // table.itemsize)
    return found


def at_each(table: Array, axis: int, places: NDArray[np.intp]) -> Array:
    """Take the entries of an axis that lie at some places, which differ from draw to draw.

    Parameters
    ----------
    table : ndarray, shape (..., draw)
    axis : int
        Not that of the draws.
    places : ndarray, shape (place, draw)

    Returns
    -------
    ndarray
        With places in place of the axis.
    """
    shape = (*table.shape[:axis], len(places), *table.shape[axis + 1 : -1], places.shape[1])
    out = np.empty(shape)
    flat, cells, _, step, draw = _laid_flat(
        np.moveaxis(table, axis, -2), (*table.shape[:axis], *table.shape[axis + 1 : -1])
    )
    after = int(np.prod(table.shape[axis + 1 : -1], dtype=np.int64))
    into = out.reshape(-1, len(places), after, places.shape[1])
    _take(flat, cells.reshape(-1, after), step, draw, places, into)
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def _take(flat, cells, step, draw, places, into):  # type: ignore[no-untyped-def]
    for b in range(into.shape[0]):
        for p in range(into.shape[1]):
            for a in range(into.shape[2]):
                for z in range(into.shape[3]):
                    into[b, p, a, z] = flat[cells[b, a] + places[p, z] * step + z * draw]


def _told(own: NDArray[np.intp] | None, rows: int) -> Ints:
    """Return the known state of each row, -1 where none is."""
    return (
        np.full(rows, -1, np.int64) if own is None else np.broadcast_to(own, rows).astype(np.int64)
    )


def _laid_flat(
    table: Array, shape: tuple[int, ...], moved: Container[int] = ()
) -> tuple[Array, Ints, int, int, int]:
    """Return a table's numbers in one row: where each cell begins, and the steps from there.

    Over the axes that are moved all cells begin at the first entry.

    Returns
    -------
    numbers, places, levels, step to the next level, step to the next draw
    """
    steps = [stride // table.itemsize for stride in table.strides]
    extent = 1 + sum((size - 1) * step for size, step in zip(table.shape, steps, strict=True))
    axes = [
        np.arange(size, dtype=np.int64) * (step if own > 1 and axis not in moved else 0)
        for axis, (size, own, step) in enumerate(zip(shape, table.shape, steps, strict=False))
    ]
    places: Ints = reduce(np.add.outer, axes).ravel()
    draw = steps[-1] if table.shape[-1] > 1 else 0
    flat = as_strided(table, (extent,), (table.itemsize,), writeable=False)
    return flat, places, table.shape[-2], steps[-2], draw


@njit(cache=True, nogil=True, error_model="numpy")
def _fill(  # type: ignore[no-untyped-def]
    f, cells_f, levels_f, level_f, draw_f, moves_f,
    g, cells_g, levels_g, level_g, draw_g, moves_g,
    which, first, second, out,
):  # fmt: skip
    draws = out.shape[3]
    here, there = np.empty((levels_f + 2, draws)), np.empty((levels_g + 2, draws))
    here[0], here[-1], there[0], there[-1] = 0.0, 1.0, 0.0, 1.0
    at_f, at_g = np.empty(draws, np.int64), np.empty(draws, np.int64)
    a_row = out.shape[0] // len(first)
    for cell in range(out.shape[0]):
        for z in range(draws):
            at_f[z], at_g[z] = cells_f[cell] + z * draw_f, cells_g[cell] + z * draw_g
        for axis in range(which.shape[0]):
            place = which[axis, cell]
            for z in range(draws):
                at_f[z] += moves_f[axis, place, z]
                at_g[z] += moves_g[axis, place, z]
        for level in range(levels_f):
            for z in range(draws):
                here[level + 1, z] = f[at_f[z] + level * level_f]
        for level in range(levels_g):
            for z in range(draws):
                there[level + 1, z] = g[at_g[z] + level * level_g]
        i, j = first[cell // a_row], second[cell // a_row]
        for state in range(out.shape[1]):
            m = i if i >= 0 else state
            for other in range(out.shape[2]):
                n = j if j >= 0 else other
                for z in range(draws):
                    length = min(here[m + 1, z], there[n + 1, z]) - max(here[m, z], there[n, z])
                    out[cell, state, other, z] = max(length, 0.0)
