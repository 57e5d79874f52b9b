"""The compiled loops that take blocks of draws, side by side in lanes, through a tape.

All tables of a block lie in one buffer, ``(cell, lane)``: it stays near the processor, and nothing
is allocated on the way. A cell of a result is the sum of products of cells of its inputs; where
these lie is a place for the cell plus a place for the state that is summed over. The lanes of a
cell are one vector, which stays in registers while it is summed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backrisk._compiling import loop
from backrisk._types import Array
from backrisk.inference.filling import fill, states_of
from backrisk.inference.tape import LOAD, STORE
from backrisk.inference.vectors import (
    LANES,
    lanes_at,
    nothing,
    number_at,
    plus,
    plus_product,
    read,
    times,
    write,
)

Ints = NDArray[np.int64]


@loop(nogil=True, error_model="numpy")
def carry_out(  # type: ignore[no-untyped-def]
    steps: Ints,
    places: Ints,
    rows: Ints,
    given: Ints,
    filled: NDArray[np.bool_],
    wide: NDArray[np.bool_],
    where: Ints,
    starts: Ints,
    buffer: Array,
    out: Array,
    first: int,
    last: int,
):
    """Carry a tape out for some draws.

    Parameters
    ----------
    steps, places, rows : ndarray of int
        Of a tape, and of each step and input the row that each row of the result reads.
    given : ndarray of int, shape (source,)
        Where in memory each source begins; its draws lie side by side.
    filled : ndarray of bool, shape (source,)
        Whether it is there, or there is a recipe for it.
    wide : ndarray of bool, shape (source,)
        Whether it has an entry for each draw, or one for all.
    where : ndarray of int
        Of each source, one after the other: where each of its cells, of every row, lies from its
        beginning; or the recipe.
    starts : ndarray of int, shape (source + 1,)
        Where among these each source begins, and the end.
    buffer : ndarray
        Room to work in.
    out : ndarray, shape (cell, draw)
        The roots, one after the other.
    first, last : int
        The draws that are asked for.
    """
    size = 8 * LANES  # bytes of a cell
    for z in range(first, last, LANES):
        w = min(LANES, last - z)
        for i in range(steps.shape[0]):
            kind, target, many = steps[i, 0], steps[i, 1], steps[i, 2]
            if kind == LOAD:
                source = steps[i, 7]
                its = where[starts[source] : starts[source + 1]]
                if filled[source]:
                    _load(buffer, target, its, given[source], wide[source], z, w)
                else:
                    into = np.int64(buffer.ctypes.data) + size * target
                    fill(its, z, z + LANES, into, size * states_of(its), size)
            elif kind == STORE:
                at = steps[i, 7]
                for cell in range(many):
                    for lane in range(w):
                        out[target + cell, z + lane] = buffer[(at + cell) * LANES + lane]
            else:
                sizes = steps[i, 3:7]
                table, row = steps[i, 13], steps[i, 14]
                per = sizes.sum()
                cells = sizes[0] * sizes[1]
                for r in range(many):
                    into = target + r * cells
                    a = steps[i, 7] + rows[row + r] * steps[i, 10]
                    mine = places[table : table + per]
                    if kind == 1:
                        _sum(buffer, into, a, mine, sizes)
                        continue
                    b = steps[i, 8] + rows[row + many + r] * steps[i, 11]
                    other = places[table + per : table + 2 * per]
                    if kind == 2:
                        _sum_of_two(buffer, into, a, b, mine, other, sizes)
                        continue
                    c = steps[i, 9] + rows[row + 2 * many + r] * steps[i, 12]
                    third = places[table + 2 * per : table + 3 * per]
                    _sum_of_three(buffer, into, a, b, c, mine, other, third, sizes)


@loop(nogil=True, error_model="numpy")
def _load(buffer, target, cells, begins, wide, z, w):  # type: ignore[no-untyped-def]
    for cell in range(len(cells)):
        at = begins + cells[cell]
        if not wide:
            for lane in range(LANES):
                buffer[(target + cell) * LANES + lane] = number_at(at)
        elif w == LANES:
            write(buffer, target + cell, lanes_at(at + 8 * z))
        else:  # lanes without a draw have the last one's numbers
            for lane in range(LANES):
                number = number_at(at + 8 * (z + min(lane, w - 1)))
                buffer[(target + cell) * LANES + lane] = number


@loop(nogil=True, error_model="numpy")
def _sum(buffer, into, a, mine, sizes):  # type: ignore[no-untyped-def]
    outer, inner, high, low = sizes
    cell = into
    for h in range(outer):
        for k in range(inner):
            at_a = a + mine[h] + mine[outer + k]
            total = nothing()
            for u in range(outer + inner, outer + inner + high):
                from_a = at_a + mine[u]
                for v in range(outer + inner + high, outer + inner + high + low):
                    total = plus(total, read(buffer, from_a + mine[v]))
            write(buffer, cell, total)
            cell += 1


@loop(nogil=True, error_model="numpy")
def _sum_of_two(buffer, into, a, b, mine, other, sizes):  # type: ignore[no-untyped-def]
    outer, inner, high, low = sizes
    cell = into
    for h in range(outer):
        for k in range(inner):
            at_a = a + mine[h] + mine[outer + k]
            at_b = b + other[h] + other[outer + k]
            total = nothing()
            for u in range(outer + inner, outer + inner + high):
                from_a, from_b = at_a + mine[u], at_b + other[u]
                for v in range(outer + inner + high, outer + inner + high + low):
                    x = read(buffer, from_a + mine[v])
                    y = read(buffer, from_b + other[v])
                    total = plus_product(total, x, y)
            write(buffer, cell, total)
            cell += 1


@loop(nogil=True, error_model="numpy")
def _sum_of_three(buffer, into, a, b, c, mine, other, third, sizes):  # type: ignore[no-untyped-def]
    outer, inner, high, low = sizes
    cell = into
    for h in range(outer):
        for k in range(inner):
            at_a = a + mine[h] + mine[outer + k]
            at_b = b + other[h] + other[outer + k]
            at_c = c + third[h] + third[outer + k]
            total = nothing()
            for u in range(outer + inner, outer + inner + high):
                from_a, from_b, from_c = at_a + mine[u], at_b + other[u], at_c + third[u]
                for v in range(outer + inner + high, outer + inner + high + low):
                    x = read(buffer, from_a + mine[v])
                    y = read(buffer, from_b + other[v])
                    w = read(buffer, from_c + third[v])
                    total = plus_product(total, times(x, y), w)
            write(buffer, cell, total)
            cell += 1
