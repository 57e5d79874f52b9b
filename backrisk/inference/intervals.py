"""The compiled loop over two worlds that share their noise; see `backrisk.inference.coupling`."""

from __future__ import annotations

import math
from collections.abc import Container, Mapping, Sequence
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from backrisk._compiling import loop
from backrisk._types import Array
from backrisk.inference.vectors import number_at

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
    here, there = (np.asarray(table, np.float64) for table in (here, there))  # read by address
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
        *_addresses(here, shape, places),
        _moves(here, places, 0, draws),
        *_addresses(there, shape, places),
        _moves(there, places, 1, draws),
        which,
        first,
        second,
        out.reshape(-1, *counts, draws),
    )
    return out


def _moves(table: Array, places: Mapping[int, NDArray[np.intp]], side: int, draws: int) -> Ints:
    """Return how far from a cell each place lies, in bytes, ``(axis, place, draw)``."""
    most = max((each.shape[1] for each in places.values()), default=0)
    found = np.zeros((len(places), most, draws), np.int64)
    for into, (axis, each) in zip(found, places.items(), strict=True):
        if table.shape[axis] > 1:
            into[: each.shape[1]] = each[side] * table.strides[axis]
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
    table = np.asarray(table, np.float64)  # read by address
    shape = (*table.shape[:axis], len(places), *table.shape[axis + 1 : -1], places.shape[1])
    out = np.empty(shape)
    cells, _, step, draw = _addresses(
        np.moveaxis(table, axis, -2), (*table.shape[:axis], *table.shape[axis + 1 : -1])
    )
    after = math.prod(table.shape[axis + 1 : -1])
    into = out.reshape(-1, len(places), after, places.shape[1])
    _take(cells.reshape(-1, after), step, draw, places, into)
    return out


@loop(nogil=True, error_model="numpy")
def _take(cells, step, draw, places, into):  # type: ignore[no-untyped-def]
    for b in range(into.shape[0]):
        for p in range(into.shape[1]):
            for a in range(into.shape[2]):
                for z in range(into.shape[3]):
                    into[b, p, a, z] = number_at(cells[b, a] + places[p, z] * step + z * draw)


def _told(own: NDArray[np.intp] | None, rows: int) -> Ints:
    """Return the known state of each row, -1 where none is."""
    return (
        np.full(rows, -1, np.int64) if own is None else np.broadcast_to(own, rows).astype(np.int64)
    )


def _addresses(
    table: Array, shape: tuple[int, ...], moved: Container[int] = ()
) -> tuple[Ints, int, int, int]:
    """Return where in memory each cell of a table begins, and the steps from there in bytes.

    Over the axes that are moved all cells begin at the first entry.

    Returns
    -------
    addresses, levels, step to the next level, step to the next draw
    """
    axes = [
        np.arange(size, dtype=np.int64) * (step if own > 1 and axis not in moved else 0)
        for axis, (size, own, step) in enumerate(
            zip(shape, table.shape, table.strides, strict=False)
        )
    ]
    cells: Ints = reduce(np.add.outer, axes).ravel() + table.ctypes.data
    return cells, table.shape[-2], table.strides[-2], table.strides[-1] * (table.shape[-1] > 1)


@loop(nogil=True, error_model="numpy")
def _fill(  # type: ignore[no-untyped-def]
    cells_f, levels_f, level_f, draw_f, moves_f,
    cells_g, levels_g, level_g, draw_g, moves_g,
    which, first, second, out,
):  # fmt: skip
    draws = out.shape[3]
    here, there = np.empty((levels_f + 2, draws)), np.empty((levels_g + 2, draws))
    here[0], here[-1], there[0], there[-1] = 0.0, 1.0, 0.0, 1.0
    at = np.empty(draws, np.int64)
    a_row = out.shape[0] // len(first)
    for cell in range(out.shape[0]):
        i, j = first[cell // a_row], second[cell // a_row]
        _look_up(here, cells_f[cell], level_f, draw_f, moves_f, which[:, cell], i, at)
        _look_up(there, cells_g[cell], level_g, draw_g, moves_g, which[:, cell], j, at)
        for state in range(out.shape[1]):
            m = i if i >= 0 else state
            for other in range(out.shape[2]):
                n = j if j >= 0 else other
                for z in range(draws):
                    low, high = here[m, z], here[m + 1, z]
                    below, above = there[n, z], there[n + 1, z]
                    end = high if high < above else above
                    start = low if low > below else below
                    out[cell, state, other, z] = end - start if end > start else 0.0


@loop(nogil=True, error_model="numpy")
def _look_up(into, begins, level_step, draw_step, moves, which, state, at):  # type: ignore[no-untyped-def]
    """Look up the levels of a CDF; of a state that is known, those around it."""
    draws, last = into.shape[1], into.shape[0] - 2
    low, high = (0, last) if state < 0 else (max(state - 1, 0), min(state + 1, last))
    if len(which):
        for z in range(draws):
            at[z] = z * draw_step
        for axis in range(len(which)):
            for z in range(draws):
                at[z] += moves[axis, which[axis], z]
    for level in range(low, high):
        base = begins + level * level_step
        if len(which):
            for z in range(draws):
                into[level + 1, z] = number_at(base + at[z])
        elif draw_step == 8:
            for z in range(draws):
                into[level + 1, z] = number_at(base + 8 * z)
        else:
            for z in range(draws):
                into[level + 1, z] = number_at(base + draw_step * z)
