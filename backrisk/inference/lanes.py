"""The compiled loops that take blocks of draws, side by side in lanes, through a tape.

All tables of a block lie in one buffer, ``(cell, lane)``: it stays near the processor, and nothing
is allocated on the way. A cell of a result is the sum of products of cells of its inputs; where
these lie is a place for the cell plus a place for the state that is summed over. The lanes of a
cell are one vector, which stays in registers while it is summed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core.datamodel import models
from numba.extending import intrinsic, register_model
from numpy.typing import NDArray

from backrisk._types import Array
from backrisk.inference.tape import LOAD, STORE

Ints = NDArray[np.int64]

LANES = 16
_VECTOR = ir.VectorType(ir.DoubleType(), LANES)


class _Lanes(types.Type):  # type: ignore[misc]
    """A number for each of the draws side by side."""

    def __init__(self) -> None:
        super().__init__(name=f"Lanes({LANES})")


_lanes = _Lanes()


@register_model(_Lanes)
class _LanesModel(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, dmm: Any, fe_type: Any) -> None:
        super().__init__(dmm, fe_type, _VECTOR)


def _pointer(context: Any, builder: Any, kind: Any, array: Any, cell: Any) -> Any:
    """Return where a cell's lanes begin."""
    data = context.make_array(kind)(context, builder, array).data
    size = ir.Constant(cell.type, LANES)
    at = builder.gep(data, [builder.mul(cell, size)])
    return builder.bitcast(at, _VECTOR.as_pointer())


@intrinsic
def _read(typing: Any, array: Any, cell: Any) -> Any:
    """Return a cell's lanes."""

    def code(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        return builder.load(_pointer(context, builder, signature.args[0], *given), align=8)

    return _lanes(array, cell), code


@intrinsic
def _write(typing: Any, array: Any, cell: Any, value: Any) -> Any:
    """Set a cell's lanes."""

    def code(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        builder.store(given[2], _pointer(context, builder, signature.args[0], *given[:2]), align=8)
        return context.get_dummy_value()

    return types.void(array, cell, value), code


@intrinsic
def lanes_at(typing: Any, address: Any) -> Any:
    """Return the numbers that lie side by side at an address."""

    def code(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        return builder.load(builder.inttoptr(given[0], _VECTOR.as_pointer()), align=8)

    return _lanes(address), code


@intrinsic
def number_at(typing: Any, address: Any) -> Any:
    """Return the number at an address."""

    def code(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        return builder.load(builder.inttoptr(given[0], ir.DoubleType().as_pointer()), align=8)

    return types.float64(address), code


@intrinsic
def lanes_to(typing: Any, address: Any, value: Any) -> Any:
    """Set the numbers that lie side by side at an address."""

    def code(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        pointer = builder.inttoptr(given[0], _VECTOR.as_pointer())
        builder.store(given[1], pointer, align=8)
        return context.get_dummy_value()

    return types.void(address, value), code


@intrinsic
def _nothing(typing: Any) -> Any:
    """Return lanes of zero."""

    def code(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        return ir.Constant(_VECTOR, [0.0] * LANES)

    return _lanes(), code


@intrinsic
def plus(typing: Any, first: Any, second: Any) -> Any:
    """Return a sum."""

    def code(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        return builder.fadd(*given)

    return _lanes(first, second), code


@intrinsic
def times(typing: Any, first: Any, second: Any) -> Any:
    """Return a product."""

    def code(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        return builder.fmul(*given)

    return _lanes(first, second), code


@intrinsic
def over(typing: Any, first: Any, second: Any) -> Any:
    """Return a quotient."""

    def code(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        return builder.fdiv(*given)

    return _lanes(first, second), code


@intrinsic
def minus(typing: Any, first: Any, second: Any) -> Any:
    """Return a difference."""

    def code(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        return builder.fsub(*given)

    return _lanes(first, second), code


@intrinsic
def alike(typing: Any, number: Any) -> Any:
    """Return one number in all lanes."""

    def code(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        found = ir.Constant(_VECTOR, ir.Undefined)
        for lane in range(LANES):
            at = ir.Constant(ir.IntType(32), lane)
            found = builder.insert_element(found, given[0], at)
        return found

    return _lanes(number), code


@intrinsic
def _plus_product(typing: Any, total: Any, first: Any, second: Any) -> Any:
    """Return a sum with a product added."""

    def code(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        total, first, second = given
        together = ("contract",)  # one instruction where the processor has it
        return builder.fadd(total, builder.fmul(first, second, flags=together), flags=together)

    return _lanes(total, first, second), code


@njit(cache=True, nogil=True, error_model="numpy")
def carry_out(  # type: ignore[no-untyped-def]
    steps: Ints,
    places: Ints,
    rows: Ints,
    given: Ints,
    where: Ints,
    starts: Ints,
    wide: NDArray[np.bool_],
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
    where : ndarray of int
        Of each source, one after the other: where each of its cells, of every row, lies from there.
    starts : ndarray of int, shape (source,)
        Where among these each source begins.
    wide : ndarray of bool, shape (source,)
        Whether it has an entry for each draw, or one for all.
    buffer : ndarray
        Room to work in.
    out : ndarray, shape (cell, draw)
        The roots, one after the other.
    first, last : int
        The draws that are asked for.
    """
    for z in range(first, last, LANES):
        w = min(LANES, last - z)
        for i in range(steps.shape[0]):
            kind, target, many = steps[i, 0], steps[i, 1], steps[i, 2]
            if kind == LOAD:
                source = steps[i, 7]
                cells = where[starts[source] : starts[source] + many]
                _load(buffer, target, cells, given[source], wide[source], z, w)
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


@njit(cache=True, nogil=True, error_model="numpy")
def _load(buffer, target, cells, begins, wide, z, w):  # type: ignore[no-untyped-def]
    for cell in range(len(cells)):
        at = begins + cells[cell]
        if not wide:
            for lane in range(LANES):
                buffer[(target + cell) * LANES + lane] = number_at(at)
        elif w == LANES:
            _write(buffer, target + cell, lanes_at(at + 8 * z))
        else:  # lanes without a draw have the last one's numbers
            for lane in range(LANES):
                number = number_at(at + 8 * (z + min(lane, w - 1)))
                buffer[(target + cell) * LANES + lane] = number


@njit(cache=True, nogil=True, error_model="numpy")
def _sum(buffer, into, a, mine, sizes):  # type: ignore[no-untyped-def]
    outer, inner, high, low = sizes
    cell = into
    for h in range(outer):
        for k in range(inner):
            at_a = a + mine[h] + mine[outer + k]
            total = _nothing()
            for u in range(outer + inner, outer + inner + high):
                from_a = at_a + mine[u]
                for v in range(outer + inner + high, outer + inner + high + low):
                    total = plus(total, _read(buffer, from_a + mine[v]))
            _write(buffer, cell, total)
            cell += 1


@njit(cache=True, nogil=True, error_model="numpy")
def _sum_of_two(buffer, into, a, b, mine, other, sizes):  # type: ignore[no-untyped-def]
    outer, inner, high, low = sizes
    cell = into
    for h in range(outer):
        for k in range(inner):
            at_a = a + mine[h] + mine[outer + k]
            at_b = b + other[h] + other[outer + k]
            total = _nothing()
            for u in range(outer + inner, outer + inner + high):
                from_a, from_b = at_a + mine[u], at_b + other[u]
                for v in range(outer + inner + high, outer + inner + high + low):
                    x = _read(buffer, from_a + mine[v])
                    y = _read(buffer, from_b + other[v])
                    total = _plus_product(total, x, y)
            _write(buffer, cell, total)
            cell += 1


@njit(cache=True, nogil=True, error_model="numpy")
def _sum_of_three(buffer, into, a, b, c, mine, other, third, sizes):  # type: ignore[no-untyped-def]
    outer, inner, high, low = sizes
    cell = into
    for h in range(outer):
        for k in range(inner):
            at_a = a + mine[h] + mine[outer + k]
            at_b = b + other[h] + other[outer + k]
            at_c = c + third[h] + third[outer + k]
            total = _nothing()
            for u in range(outer + inner, outer + inner + high):
                from_a, from_b, from_c = at_a + mine[u], at_b + other[u], at_c + third[u]
                for v in range(outer + inner + high, outer + inner + high + low):
                    x = _read(buffer, from_a + mine[v])
                    y = _read(buffer, from_b + other[v])
                    w = _read(buffer, from_c + third[v])
                    total = _plus_product(total, times(x, y), w)
            _write(buffer, cell, total)
            cell += 1
