"""The compiled loop that fills a part of a wide table; see `backrisk.inference.slices`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numba import njit

from backrisk._types import Array
from backrisk.graph import ProportionalOdds
from backrisk.inference.lanes import number_at


def filled(form: ProportionalOdds, codes: Sequence[int | None], some: slice, *, cdf: bool) -> Array:
    """Return the rows of a CPT that some known causes leave.

    Parameters
    ----------
    form : ProportionalOdds
    codes : sequence of int or None
        Of each parent: its state, or None where it is open.
    some : slice
        Of the draws.
    cdf : bool
        Whether the states are cumulated, without the last.

    Returns
    -------
    ndarray, shape (*open parents, state, draw)
    """
    left = [parent for parent, code in enumerate(codes) if code is None]
    sizes = [form.sizes[parent] for parent in left]
    steps = np.zeros((len(form.causes), len(left)), np.int64)  # of each factor's rows
    begins = np.zeros(len(form.causes), np.int64)
    for factor, causes in enumerate(form.causes):
        step = 1
        for cause in reversed(causes):
            code = codes[cause]
            if code is None:
                steps[factor, left.index(cause)] = step
            else:
                begins[factor] += code * step
            step *= form.sizes[cause]
    first, last, _ = some.indices(form.below.shape[-1])
    below, above, *factors = (
        np.ascontiguousarray(each, np.float64) for each in (form.below, form.above, *form.factors)
    )
    out = np.empty((*sizes, len(below) + (not cdf), last - first))
    addresses = np.array([factor.ctypes.data for factor in factors], np.int64)
    rows = out.reshape(-1, *out.shape[-2:])
    _fill(below, above, addresses, begins, steps, np.array(sizes, np.int64), cdf, first, rows)
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def _fill(below, above, factors, begins, steps, sizes, cdf, first, out):  # type: ignore[no-untyped-def]
    levels, draws = below.shape
    wide = out.shape[2]
    ratio = np.empty(wide)
    state = np.zeros(len(sizes), np.int64)
    for row in range(out.shape[0]):
        ratio[:] = 1.0
        for factor in range(len(factors)):
            at = begins[factor]
            for k in range(len(sizes)):
                at += state[k] * steps[factor, k]
            address = factors[factor] + 8 * (at * draws + first)
            for z in range(wide):
                ratio[z] *= number_at(address + 8 * z)
        for level in range(levels):
            for z in range(wide):
                p = below[level, first + z]
                out[row, level, z] = p / (above[level, first + z] * ratio[z] + p)
        if not cdf:
            for z in range(wide):
                out[row, levels, z] = 1.0 - out[row, levels - 1, z]
            for level in range(levels - 1, 0, -1):
                for z in range(wide):
                    out[row, level, z] -= out[row, level - 1, z]
        for k in range(len(sizes) - 1, -1, -1):
            state[k] += 1
            if state[k] < sizes[k]:
                break
            state[k] = 0
