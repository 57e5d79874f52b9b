"""Numbers side by side in lanes, for compiled loops: as many as stay in registers."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core.datamodel import models
from numba.extending import intrinsic, register_model

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
def read(typing: Any, array: Any, cell: Any) -> Any:
    """Return a cell's lanes."""

    def code(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        return builder.load(_pointer(context, builder, signature.args[0], *given), align=8)

    return _lanes(array, cell), code


@intrinsic
def write(typing: Any, array: Any, cell: Any, value: Any) -> Any:
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
def nothing(typing: Any) -> Any:
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
def plus_product(typing: Any, total: Any, first: Any, second: Any) -> Any:
    """Return a sum with a product added."""

    def code(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        total, first, second = given
        together = ("contract",)  # one instruction where the processor has it
        return builder.fadd(total, builder.fmul(first, second, flags=together), flags=together)

    return _lanes(total, first, second), code
