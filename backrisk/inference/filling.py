"""The compiled loop that fills a part of a wide table; see `backrisk.inference.slices`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numba import njit

from backrisk._types import Array
from backrisk.graph import ProportionalOdds
from backrisk.inference.lanes import (
    LANES,
    alike,
    lanes_at,
    lanes_to,
    minus,
    over,
    plus,
    times,
)

_STATES, _CDF, _EVENT = range(3)


def filled(
    form: ProportionalOdds,
    codes: Sequence[int | None],
    some: slice,
    *,
    cdf: bool,
    event: tuple[int, ...] | None = None,
) -> Array:
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
    event : tuple of int, optional
        States that are summed.

    Returns
    -------
    ndarray, shape (*open parents, state, draw)
        With one entry in place of the states for an event.
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
    draws = last - first
    lanes = np.arange(first, max(last, first + LANES)).clip(max=last - 1)
    below, above, *factors = (
        np.ascontiguousarray(each[:, lanes], np.float64)
        for each in (form.below, form.above, *form.factors)
    )
    inside = np.isin(np.arange(len(below) + 1), event or ())
    states = len(below) + (not cdf) if event is None else 1
    out = np.empty((*sizes, states, len(lanes)))
    addresses = np.array([each.ctypes.data for each in (below, above, *factors)], np.int64)
    kind = _EVENT if event is not None else _CDF if cdf else _STATES
    shape = np.array(sizes, np.int64)
    _fill(
        addresses,
        len(below),
        begins,
        steps,
        shape,
        kind,
        inside,
        out.reshape(-1, states, len(lanes)),
    )
    return out[..., :draws]


@njit(cache=True, nogil=True, error_model="numpy")
def _fill(  # type: ignore[no-untyped-def]
    addresses, levels, begins, steps, sizes, kind, inside, out
):
    count, wide = len(begins), out.shape[2]
    state = np.zeros(len(sizes), np.int64)
    factors = np.zeros(count, np.int64)  # where those of a row begin
    for row in range(out.shape[0]):
        for factor in range(count):
            at = begins[factor]
            for k in range(len(sizes)):
                at += state[k] * steps[factor, k]
            factors[factor] = addresses[2 + factor] + 8 * at * wide
        for block in range(0, wide, LANES):
            z = 8 * min(block, wide - LANES)  # the last lanes may be done twice
            odds = alike(1.0)
            for factor in range(count):
                odds = times(odds, lanes_at(factors[factor] + z))
            into = out.ctypes.data + 8 * row * out.shape[1] * wide + z
            before = alike(0.0)
            total = alike(1.0 if inside[levels] else 0.0)
            for level in range(levels):
                if kind == _EVENT and inside[level] == inside[level + 1]:
                    continue  # what one of them adds the other takes away
                at = 8 * level * wide + z
                below = lanes_at(addresses[0] + at)
                above = lanes_at(addresses[1] + at)
                cumulated = over(below, plus(times(above, odds), below))
                if kind == _EVENT:
                    total = plus(total, cumulated) if inside[level] else minus(total, cumulated)
                    continue
                each = cumulated if kind == _CDF else minus(cumulated, before)
                lanes_to(into + 8 * level * wide, each)
                before = cumulated
            if kind == _EVENT:
                lanes_to(into, total)
            elif kind == _STATES:
                lanes_to(into + 8 * levels * wide, minus(alike(1.0), before))
        for k in range(len(sizes) - 1, -1, -1):
            state[k] += 1
            if state[k] < sizes[k]:
                break
            state[k] = 0
