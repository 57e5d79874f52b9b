"""The compiled loop that draws a variable given the others; see `bucket_tree.drawn`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from backrisk._compiling import loop
from backrisk._types import Array
from backrisk.inference.twin_network import Variable
from backrisk.inference.vectors import number_at

_BLOCK = 64  # draws side by side


def one_state(
    tables: Sequence[tuple[tuple[Variable, ...], Array]],
    variable: Variable,
    known: Mapping[Variable, NDArray[np.int16]],
    uniforms: Array,
) -> NDArray[np.int16]:
    """Draw a variable's state from a product of tables given the states of their other variables.

    Parameters
    ----------
    tables : sequence of (scope, ndarray)
        Each ``(*scope, draw)``, with one draw where it is the same in all; the variable is in all.
    variable : variable
    known : mapping of variable to ndarray of int, each (sample, draw)
    uniforms : ndarray, shape (sample, draw) or (sample, 1)

    Returns
    -------
    ndarray of int, shape (sample, draw)
    """
    # Kept until the loop is done, which is given addresses: numbers of double precision.
    tables = [(scope, np.asarray(table, np.float64)) for scope, table in tables]
    others = list(dict.fromkeys(v for scope, _ in tables for v in scope if v != variable))
    begins, own, wide, first, which, steps = [], [], [], [0], [], []
    for scope, table in tables:
        begins.append(table.ctypes.data)
        own.append(table.strides[scope.index(variable)])
        wide.append(table.strides[-1] if table.shape[-1] > 1 else 0)
        for v, step in zip(scope, table.strides, strict=False):
            if v != variable:
                which.append(others.index(v))
                steps.append(step)
        first.append(len(which))
    states = max(table.shape[scope.index(variable)] for scope, table in tables)
    draws = max([uniforms.shape[1], *(table.shape[-1] for _, table in tables)])
    draws = max([draws, *(known[v].shape[1] for v in others)])
    samples = len(uniforms)
    given = np.empty((len(others), samples, draws), np.int16)
    for into, v in zip(given, others, strict=True):
        into[...] = known[v]
    found = np.empty((samples, draws), np.int16)
    numbers = (np.array(each, np.int64) for each in (begins, own, wide, first, which, steps))
    _draw(*numbers, given, np.broadcast_to(uniforms, (samples, draws)), states, found)
    return found


@loop(nogil=True, error_model="numpy")
def _draw(begins, own, wide, first, which, steps, given, uniforms, states, found):  # type: ignore[no-untyped-def]
    weights, at = np.empty((states, _BLOCK)), np.empty(_BLOCK, np.int64)
    for s in range(found.shape[0]):
        for z in range(0, found.shape[1], _BLOCK):
            some = min(_BLOCK, found.shape[1] - z)
            weights[:] = 1.0
            for t in range(len(begins)):
                for k in range(some):
                    at[k] = begins[t] + (z + k) * wide[t]
                for j in range(first[t], first[t + 1]):
                    for k in range(some):
                        at[k] += steps[j] * given[which[j], s, z + k]
                for state in range(states):
                    for k in range(some):
                        weights[state, k] *= number_at(at[k] + state * own[t])
            for k in range(some):
                found[s, z + k] = 0
            for state in range(1, states):  # cumulated
                for k in range(some):
                    weights[state, k] += weights[state - 1, k]
            for state in range(states - 1):
                for k in range(some):
                    reached = uniforms[s, z + k] * weights[states - 1, k]
                    found[s, z + k] += weights[state, k] < reached
