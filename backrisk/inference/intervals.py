"""The compiled loop over two worlds that share their noise; see `backrisk.inference.coupling`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import numpy as np
from numba import njit
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from backrisk._types import Array

Ints = NDArray[np.int64]


def shared_lengths(here: Array, there: Array, owns: Sequence[NDArray[np.intp] | None]) -> Array:
    """Return the length that each interval of a CDF here shares with each of one there.

    Parameters
    ----------
    here, there : ndarray, shape (row, ..., level, draw)
        CDFs, without the last level. Either may have one entry where the other has more.
    owns : pair of ndarray, shape (row,), or None
        The state in each world where it is known.

    Returns
    -------
    ndarray, shape (row, ..., state here, state there, draw)
        With one state where it is known.
    """
    rows = max(len(table) for table in (here, there, *owns) if table is not None)
    shape = (rows, *np.broadcast_shapes(here.shape[1:-2], there.shape[1:-2]))
    draws = max(here.shape[-1], there.shape[-1])
    first, second = _told(owns[0], rows), _told(owns[1], rows)
    counts = [
        table.shape[-2] + 1 if own is None else 1
        for table, own in zip((here, there), owns, strict=True)
    ]
    out = np.empty((*shape, *counts, draws))
    _fill(
        *_laid_flat(here, shape),
        *_laid_flat(there, shape),
        first,
        second,
        out.reshape(-1, *counts, draws),
    )
    return out


def _told(own: NDArray[np.intp] | None, rows: int) -> Ints:
    """Return the known state of each row, -1 where none is."""
    return (
        np.full(rows, -1, np.int64) if own is None else np.broadcast_to(own, rows).astype(np.int64)
    )


def _laid_flat(table: Array, shape: tuple[int, ...]) -> tuple[Array, Ints, int, int, int]:
    """Return a table's numbers in one row: where each cell begins, and the steps from there.

    Returns
    -------
    numbers, places, levels, step to the next level, step to the next draw
    """
    steps = [stride // table.itemsize for stride in table.strides]
    extent = 1 + sum((size - 1) * step for size, step in zip(table.shape, steps, strict=True))
    axes = [
        np.arange(size, dtype=np.int64) * (step if own > 1 else 0)
        for size, own, step in zip(shape, table.shape, steps, strict=False)
    ]
    places: Ints = reduce(np.add.outer, axes).ravel()
    draw = steps[-1] if table.shape[-1] > 1 else 0
    flat = as_strided(table, (extent,), (table.itemsize,), writeable=False)
    return flat, places, table.shape[-2], steps[-2], draw


@njit(cache=True, nogil=True, error_model="numpy")
def _fill(  # type: ignore[no-untyped-def]
    f, cells_f, levels_f, level_f, draw_f, g, cells_g, levels_g, level_g, draw_g, first, second, out
):
    draws = out.shape[3]
    here, there = np.empty((levels_f + 2, draws)), np.empty((levels_g + 2, draws))
    here[0], here[-1], there[0], there[-1] = 0.0, 1.0, 0.0, 1.0
    a_row = out.shape[0] // len(first)
    for cell in range(out.shape[0]):
        for level in range(levels_f):
            at = cells_f[cell] + level * level_f
            for z in range(draws):
                here[level + 1, z] = f[at + z * draw_f]
        for level in range(levels_g):
            at = cells_g[cell] + level * level_g
            for z in range(draws):
                there[level + 1, z] = g[at + z * draw_g]
        i, j = first[cell // a_row], second[cell // a_row]
        for state in range(out.shape[1]):
            m = i if i >= 0 else state
            for other in range(out.shape[2]):
                n = j if j >= 0 else other
                for z in range(draws):
                    length = min(here[m + 1, z], there[n + 1, z]) - max(here[m, z], there[n, z])
                    out[cell, state, other, z] = max(length, 0.0)
