"""The compiled loops that fill a part of a wide table; see `backrisk.inference.slices`."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from backrisk._compiling import loop
from backrisk._types import Array
from backrisk.graph import ProportionalOdds
from backrisk.inference.vectors import LANES, alike, lanes_at, lanes_to, minus, over, plus, times

Ints = NDArray[np.int64]

_STATES, _CDF, _EVENT = range(3)  # what a row has: states, levels, or the sum of some states
_HEAD = 7  # numbers of a recipe before the lists
_AT_ONCE = 2**14  # cells, of which lanes without a draw are filled as well


def filled(
    form: ProportionalOdds,
    codes: Sequence[int | None],
    some: slice,
    *,
    cdf: bool = False,
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
        Without the axis of states for an event.
    """
    first, last, _ = some.indices(form.below.shape[-1])
    left = [parent for parent, code in enumerate(codes) if code is None]
    sizes = [form.sizes[parent] for parent in left]
    states = len(form.below) + (not cdf) if event is None else 1
    if left and last - first < LANES and math.prod(sizes) * states > _AT_ONCE:
        # Of a few draws, in parts: the lanes of all would be many times what is asked for.
        found = np.empty((*sizes, *([states] if event is None else []), last - first))
        for code, part in enumerate(found):
            one = (*codes[: left[0]], code, *codes[left[0] + 1 :])
            part[...] = filled(form, one, some, cdf=cdf, event=event)
        return found
    recipe, needed = recipe_for(form, codes, some, cdf=cdf, event=event)
    out = np.empty((*sizes, states, int(recipe[3])))
    wide = out.shape[-1]
    fill(recipe, 0, wide, out.ctypes.data, 8 * states * wide, 8 * wide)
    del needed  # and not before
    found = out[..., : last - first]
    return found if event is None else found[..., 0, :]


def recipe_for(
    form: ProportionalOdds,
    codes: Sequence[int | None],
    some: slice,
    *,
    cdf: bool = False,
    event: tuple[int, ...] | None = None,
) -> tuple[Ints, list[Array]]:
    """Return what the loops read to fill a part of a table, and what is to be kept meanwhile.

    Parameters
    ----------
    form, codes, some, cdf, event
        As for `filled`.

    Returns
    -------
    recipe : ndarray of int
        The number of levels, factors and open parents; how many draws lie side by side; the kind;
        where the two sides of the odds begin. Of each factor where its first row begins; of each
        open parent its states; of each factor and open parent how far it is to the next state, in
        bytes; of each state whether it is in the event.
    needed : list of ndarray
        What the addresses in it are of.
    """
    left = [parent for parent, code in enumerate(codes) if code is None]
    sizes = [form.sizes[parent] for parent in left]
    steps = np.zeros((len(form.causes), len(left)), np.int64)
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
    # Lanes without a draw have the last one's numbers.
    lanes = np.arange(first, first + -(-(last - first) // LANES) * LANES).clip(max=last - 1)
    sides = form.below, form.above, *form.factors
    needed = [np.ascontiguousarray(each[:, lanes], np.float64) for each in sides]
    kind = _EVENT if event is not None else _CDF if cdf else _STATES
    head = [len(form.below), len(form.causes), len(left), len(lanes), kind]
    addresses = [each.ctypes.data for each in needed[:2]]
    inside = np.isin(np.arange(len(form.below) + 1), event or ())
    row = 8 * len(lanes)  # in bytes
    starts = [
        each.ctypes.data + row * start for each, start in zip(needed[2:], begins, strict=True)
    ]
    lists = starts, sizes, row * steps.ravel(), inside
    return np.concatenate([head, addresses, *lists]).astype(np.int64), needed


@loop(nogil=True)
def states_of(recipe):  # type: ignore[no-untyped-def]
    """Return how many states a row has."""
    levels, kind = recipe[0], recipe[4]
    return 1 if kind == _EVENT else levels if kind == _CDF else levels + 1


@loop(nogil=True, error_model="numpy")
def fill(recipe, first, last, into, row, state):  # type: ignore[no-untyped-def]
    """Fill some draws of a table.

    Parameters
    ----------
    recipe : ndarray of int
    first, last : int
        The draws, a multiple of the lanes apart.
    into : int
        The address of the first cell.
    row, state : int
        How far it is to the next row, and to the next state, in bytes.
    """
    levels, count, parents, wide, kind, below, above = recipe[:_HEAD]
    factors = recipe[_HEAD : _HEAD + count].copy()
    sizes = _HEAD + count
    steps = sizes + parents
    inside = steps + count * parents
    states = np.zeros(parents, np.int64)
    rows = 1
    for k in range(parents):
        rows *= recipe[sizes + k]
    for _ in range(rows):
        for z in range(8 * first, 8 * last, 8 * LANES):
            odds = alike(1.0)
            for factor in range(count):
                odds = times(odds, lanes_at(factors[factor] + z))
            at = into + z - 8 * first
            if kind == _EVENT:
                total = alike(1.0) if recipe[inside + levels] else alike(0.0)
                for level in range(levels):
                    within = recipe[inside + level] - recipe[inside + level + 1]
                    if not within:
                        continue  # what one of them adds the other takes away
                    under = lanes_at(below + 8 * level * wide + z)
                    over_it = times(lanes_at(above + 8 * level * wide + z), odds)
                    cumulated = over(under, plus(over_it, under))
                    total = plus(total, cumulated) if within > 0 else minus(total, cumulated)
                lanes_to(at, total)
                continue
            before = alike(0.0)
            for level in range(levels):
                under = lanes_at(below + 8 * level * wide + z)
                over_it = times(lanes_at(above + 8 * level * wide + z), odds)
                cumulated = over(under, plus(over_it, under))
                lanes_to(at + state * level, minus(cumulated, before))
                if kind == _STATES:
                    before = cumulated
            if kind == _STATES:
                lanes_to(at + state * levels, minus(alike(1.0), before))
        into += row
        for k in range(parents - 1, -1, -1):  # to the next row
            states[k] += 1
            whole = states[k] == recipe[sizes + k]
            many = 1 - recipe[sizes + k] if whole else 1
            for factor in range(count):
                factors[factor] += many * recipe[steps + factor * parents + k]
            if not whole:
                break
            states[k] = 0
