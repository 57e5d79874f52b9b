"""Whole CPTs at a few parameter values, and how they move with the parameters."""

from __future__ import annotations

from typing import Any

import numpy as np

from backrisk._types import Array
from backrisk.graph import Layout, OrdinalLogit, break_sticks

_STEP = 1e-30  # along the imaginary axis
_AT_ONCE = 4_000_000  # cells of stepped tables that are worked on at once


def whole_table(layout: Layout, fractions: Array, effects: Array, name: str) -> Array:
    """Return a node's CPT, draws last, computed for all configurations of its parents at once.

    Parameters
    ----------
    layout : Layout
    fractions : ndarray, shape (fraction, draw)
    effects : ndarray, shape (effect, draw)
    name : str

    Returns
    -------
    ndarray, shape (*parents, state, draw)
    """
    own = fractions[layout.fraction_slices[name]]
    beta = effects[layout.effect_slices[name]]
    each = layout.mechanism(name)
    if not isinstance(each, OrdinalLogit):
        rows = np.array(list(each.configurations()), dtype=np.intp)
        return each.rows(own, beta, rows).reshape(*each.shape, -1)
    parents = len(each.parents)
    shift = np.zeros((1,) * parents + (1,))
    for causes, added in each.shifts(own, beta).items():
        shift = shift + _along(added, causes, parents)
    # logistic(logit(p) - shift) is p / (p + (1 - p) exp(shift)): no logit, no lost digits.
    average = break_sticks(own[: each.shape[-1] - 1], axis=0)
    odds = np.exp(shift)
    table = np.empty((*each.shape, average.shape[-1]), dtype=odds.dtype)
    before: Any = 0.0
    for k in range(each.shape[-1] - 1):
        below, above = average[: k + 1].sum(axis=0), average[k + 1 :].sum(axis=0)
        upto = below / (below + above * odds)
        table[..., k, :] = upto - before
        before = upto
    table[..., -1, :] = 1.0 - before
    return table


def slopes(
    layout: Layout, fractions: Array, effects: Array, name: str, cotangent: Array
) -> tuple[Array, Array]:
    """Return how functions of a node's CPT move with the node's parameters.

    Parameters
    ----------
    layout : Layout
    fractions : ndarray, shape (fraction,)
    effects : ndarray, shape (effect,)
    name : str
    cotangent : ndarray, shape (*parents, state, function)
        The derivatives with respect to the CPT.

    Returns
    -------
    by_fractions : ndarray, shape (fraction of the node, function)
    by_effects : ndarray, shape (effect of the node, function)

    Notes
    -----
    A step along the imaginary axis, so small that nothing is lost to rounding, gives the exact
    derivative of any mechanism as its imaginary part (Squire and Trapp 1998,
    doi:10.1137/S003614459631241X): each parameter takes its step in a column of its own. Of an
    ordinal logit only the average and what each cause adds take it, from which a table follows.
    """
    parts = layout.fraction_slices[name], layout.effect_slices[name]
    sizes = [part.stop - part.start for part in parts]
    each = layout.mechanism(name)
    if isinstance(each, OrdinalLogit):
        found = _ordinal_slopes(each, fractions[parts[0]], effects[parts[1]], cotangent)
        return found[: sizes[0]], found[sizes[0] :]
    flat = cotangent.reshape(-1, cotangent.shape[-1])
    found = np.empty((sum(sizes), cotangent.shape[-1]))
    columns = max(1, _AT_ONCE // len(flat))
    for start in range(0, len(found), columns):
        some = range(start, min(start + columns, len(found)))
        stepped: list[Any] = [
            np.repeat(v[:, None].astype(complex), len(some), axis=1) for v in (fractions, effects)
        ]
        for column, at in enumerate(some):
            vector, place = (0, at) if at < sizes[0] else (1, at - sizes[0])
            stepped[vector][parts[vector].start + place, column] += _STEP * 1j
        moved = whole_table(layout, stepped[0], stepped[1], name).imag / _STEP
        found[some.start : some.stop] = moved.reshape(len(flat), -1).T @ flat
    return found[: sizes[0]], found[sizes[0] :]


def _along(values: Array, causes: tuple[int, ...], parents: int) -> Array:
    """Lay values out along the axes of all parents: ``(*states of causes, draw)`` to them."""
    laid = values.transpose(*np.argsort(causes), values.ndim - 1)
    sizes = [1] * parents
    for cause, size in zip(sorted(causes), laid.shape, strict=False):
        sizes[cause] = size
    return laid.reshape(*sizes, values.shape[-1])


def _ordinal_slopes(
    each: OrdinalLogit, fractions: Array, effects: Array, cotangent: Array
) -> Array:
    """Return the same for an ordinal logit, ``(fraction and effect, function)``."""
    own, beta = fractions[:, None], effects[:, None]
    states, parents = each.shape[-1], len(each.parents)
    average = break_sticks(own[: states - 1], axis=0)
    shift = np.zeros((1,) * (parents + 1))
    for causes, added in each.shifts(own, beta).items():
        shift = shift + _along(added, causes, parents)
    odds = np.exp(shift)
    by_average = np.zeros((states, cotangent.shape[-1]))
    by_row: Any = 0.0
    every = tuple(range(parents))
    for k in range(states - 1):  # P(X <= k) = below / (below + above * odds)
        below, above = average[: k + 1].sum(), average[k + 1 :].sum()
        onto = (cotangent[..., k, :] - cotangent[..., k + 1, :]) * odds
        onto = onto / (below + above * odds) ** 2
        total = onto.sum(axis=every)
        by_average[: k + 1] += above * total
        by_average[k + 1 :] -= below * total
        by_row = by_row - below * above * onto
    sizes = len(fractions), len(effects)
    steps = _STEP * 1j * np.eye(sum(sizes))
    moved: list[Any] = [own + steps[: sizes[0]], beta + steps[sizes[0] :]]
    found: Array = break_sticks(moved[0][: states - 1], axis=0).imag.T @ by_average
    for causes, added in each.shifts(moved[0], moved[1]).items():
        left = sorted(causes)
        apart = by_row.sum(axis=tuple(i for i in every if i not in causes))
        apart = apart.transpose(*(left.index(cause) for cause in causes), -1)
        flat: Any = added.reshape(-1, added.shape[-1])
        found = found + flat.imag.T @ apart.reshape(len(flat), -1)
    return found / _STEP
