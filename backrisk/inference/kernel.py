"""The compiled loops that run a circuit's tape forward and backward."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from backrisk.inference.rows import Circuit

Array = NDArray[np.float64]
Ints = NDArray[np.int64]

VERSION = 2  # raise it whenever the loops below change: compiled models are cached by it


@njit(cache=True)
def _parts(tape: Ints):  # type: ignore[no-untyped-def]
    bounds = np.zeros(6, dtype=np.int64)
    bounds[0] = 7
    for i in range(5):
        bounds[i + 1] = bounds[i] + tape[2 + i]
    templates = tape[bounds[0] : bounds[1]].reshape(-1, 4)
    offsets = tape[bounds[1] : bounds[2]]
    steps = tape[bounds[2] : bounds[3]].reshape(-1, 3)
    bases = tape[bounds[3] : bounds[4]]
    roots = tape[bounds[4] : bounds[5]]
    return templates, offsets, steps, bases, roots


@njit(cache=True, error_model="numpy")
def _forward(buffer, templates, offsets, steps, bases):  # type: ignore[no-untyped-def]
    # Two and three tables, nearly all steps, are written out: half the time of the general loop.
    for i in range(steps.shape[0]):
        out, states, tables, at = templates[steps[i, 0]]
        target, base = steps[i, 1], steps[i, 2]
        if tables == 2:
            a, b = bases[base], bases[base + 1]
            for cell in range(out):
                total = 0.0
                for _ in range(states):
                    total += buffer[a + offsets[at]] * buffer[b + offsets[at + 1]]
                    at += 2
                buffer[target + cell] = total
        elif tables == 3:
            a, b, c = bases[base], bases[base + 1], bases[base + 2]
            for cell in range(out):
                total = 0.0
                for _ in range(states):
                    pair = buffer[a + offsets[at]] * buffer[b + offsets[at + 1]]
                    total += pair * buffer[c + offsets[at + 2]]
                    at += 3
                buffer[target + cell] = total
        else:
            for cell in range(out):
                total = 0.0
                for _ in range(states):
                    product = 1.0
                    for table in range(tables):
                        product *= buffer[bases[base + table] + offsets[at]]
                        at += 1
                    total += product
                buffer[target + cell] = total


@njit(cache=True, error_model="numpy")
def _backward(buffer, adjoint, templates, offsets, steps, bases):  # type: ignore[no-untyped-def]
    widest = 1
    for i in range(templates.shape[0]):
        widest = max(widest, templates[i, 2])
    value = np.empty(widest)
    before = np.empty(widest)
    for i in range(steps.shape[0] - 1, -1, -1):
        out, states, tables, at = templates[steps[i, 0]]
        target, base = steps[i, 1], steps[i, 2]
        if tables == 2:
            a, b = bases[base], bases[base + 1]
            for cell in range(out):
                weight = adjoint[target + cell]
                for _ in range(states):
                    x, y = a + offsets[at], b + offsets[at + 1]
                    adjoint[x] += weight * buffer[y]
                    adjoint[y] += weight * buffer[x]
                    at += 2
        elif tables == 3:
            a, b, c = bases[base], bases[base + 1], bases[base + 2]
            for cell in range(out):
                weight = adjoint[target + cell]
                for _ in range(states):
                    x, y, z = a + offsets[at], b + offsets[at + 1], c + offsets[at + 2]
                    first, second, third = buffer[x] * weight, buffer[y], buffer[z]
                    adjoint[x] += weight * second * third
                    adjoint[y] += first * third
                    adjoint[z] += first * second
                    at += 3
        else:
            for cell in range(out):
                weight = adjoint[target + cell]
                for _ in range(states):
                    product = 1.0
                    for table in range(tables):
                        value[table] = buffer[bases[base + table] + offsets[at + table]]
                        before[table] = product
                        product *= value[table]
                    after = weight
                    for table in range(tables - 1, -1, -1):
                        adjoint[bases[base + table] + offsets[at + table]] += before[table] * after
                        after *= value[table]
                    at += tables


@njit(cache=True)
def value_and_counts(log_cells: Array, tape: Ints, reals: Array):  # type: ignore[no-untyped-def]
    """Return the log-likelihood and the expected family counts.

    Parameters
    ----------
    log_cells : ndarray, shape (cells,)
        Log of every CPT cell.
    tape, reals : ndarray
        What `Circuit.packed` gave.

    Returns
    -------
    value : float
    counts : ndarray, shape (cells,)
        ``d value / d log_cells``: how many people are expected on each cell.
    """
    cells = tape[0]
    templates, offsets, steps, bases, roots = _parts(tape)
    buffer = np.empty(tape[1])
    for i in range(cells):
        buffer[i] = np.exp(log_cells[i])
    _forward(buffer, templates, offsets, steps, bases)
    counts = reals[:cells].copy()
    value = 0.0
    for i in range(cells):
        if counts[i] != 0.0:
            value += counts[i] * log_cells[i]
    adjoint = np.zeros(tape[1])
    for i in range(roots.shape[0]):
        weight = reals[cells + i]
        value += weight * np.log(buffer[roots[i]])
        adjoint[roots[i]] = weight / buffer[roots[i]]
    _backward(buffer, adjoint, templates, offsets, steps, bases)
    for i in range(cells):
        counts[i] += adjoint[i] * buffer[i]
    return value, counts


@njit(cache=True)
def _root_values(log_cells: Array, tape: Ints) -> Array:
    templates, offsets, steps, bases, roots = _parts(tape)
    buffer = np.empty(tape[1])
    buffer[: tape[0]] = np.exp(log_cells)
    _forward(buffer, templates, offsets, steps, bases)
    values: Array = np.log(buffer[roots])
    return values


def row_log_likelihood(circuit: Circuit, log_cells: Array) -> Array:
    """Return the log probability of each pattern's answers.

    Parameters
    ----------
    circuit : Circuit
    log_cells : ndarray, shape (draw, cells)

    Returns
    -------
    ndarray, shape (draw, patterns)
    """
    tape, _ = circuit.packed()
    seen = circuit.row_cells >= 0
    pattern, root = circuit.row_roots
    found = np.empty((len(log_cells), len(circuit.row_cells)))
    for draw, row in enumerate(log_cells):
        found[draw] = np.where(seen, row[circuit.row_cells], 0.0).sum(axis=1)
        np.add.at(found[draw], pattern, _root_values(row, tape)[root])
    return found
