"""A node's pair of worlds summed out over its joint CDF, without ever being laid out.

Laid out, the pair of a node whose parents differ between the worlds has an axis for each parent's
pair of states and one for its own: the widest table of a counterfactual. It is not needed where
all that is asked of the pair is a sum. Summation by parts (Abel) turns a sum over states of
probabilities times a table into one over levels of the CDF times the table's differences::

    sum_ij P(X = i, X' = j) t_ij = sum_ij P(X <= i, X' <= j) d_ij,
    d_ij = t_ij - t_{i+1,j} - t_{i,j+1} + t_{i+1,j+1}

with ``t`` zero beyond its ends. The joint CDF is a minimum or a product of the CDFs in each world,
so each of its levels is made, weighted, summed and forgotten.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import reduce

import numpy as np

from backrisk._types import Array
from backrisk.inference.coupling import laid_out
from backrisk.inference.elimination import LETTERS
from backrisk.inference.steps import Pairing
from backrisk.inference.twin_network import Variable

_SLAB = 2**19  # numbers worked on at once


def summed_out(
    own: Sequence[Variable],
    union: Sequence[Variable],
    step: Pairing,
    sides: Sequence[Sequence[Array]],
    given: Sequence[Array],
    coupling: str,
) -> Array:
    """Carry a pairing out, slab by slab, so that no wide table leaves the processor's cache.

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
        The table over the node, then the weights.
    coupling : str

    Returns
    -------
    ndarray, shape (row, *step.keep, draw)
    """
    last = [v for v in step.axes if v in step.scopes[0] or v in step.keep]
    gone = len(step.axes) - len(last)  # axes that come first and are summed out
    slopes = np.moveaxis(laid_out(given[0], 1, step.scopes[0], [*own, *step.axes]), 0, 2).copy()
    # The mixed differences of the table, in the place of the table: over each world in turn.
    slopes[:-1] -= slopes[1:].copy()
    slopes[:, :-1] -= slopes[:, 1:].copy()
    weights = [
        laid_out(table, 1, scope, step.axes)
        for table, scope in zip(given[1:], step.scopes[1:], strict=True)
    ] or [np.ones((1,) * (2 + len(step.axes)))]
    heres, theres = (
        [laid_out(np.moveaxis(pair[world], -2, 0), 2, union, step.axes) for pair in sides]
        for world in (0, 1)
    )
    combine = np.multiply if coupling == "independent" else np.minimum
    shape = np.broadcast_shapes(
        slopes.shape[2:], *(w.shape for w in weights), *(t.shape[1:] for t in (*heres, *theres))
    )
    expected = np.zeros((*slopes.shape[:2], shape[0], *shape[1 + gone :]))
    # Loop over rows and as many of the summed axes as it takes for a slab to fit the cache.
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
    # The kept axes stand in the order of the step's; the answer wants them as they were asked for.
    total = total.transpose(0, *(1 + i for i in np.argsort(np.argsort(places))), -1)
    return np.maximum(total, 0.0)  # what is left of nothing by rounding may lie on either side


def _below(here: Array, there: Array, combine: np.ufunc) -> Array:
    """Return the joint CDF of two CDFs ``(level, ...)``, with the last level of each.

    At the last level of one world the joint CDF is the other world's own CDF.
    """
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
