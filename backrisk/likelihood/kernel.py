"""The compiled loops that run a circuit's tape forward and backward.

Values are plain probabilities; where a pattern's would underflow, the pass is repeated with
logs. Addresses are unsigned inside the loops: an index that cannot be negative needs no check
against wrapping around, which takes nearly half the time off a pass.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backrisk._compiling import loop
from backrisk._types import Array
from backrisk.likelihood.cells import Rows, in_parts, stack_logs
from backrisk.likelihood.circuit import Circuit

Ints = NDArray[np.int64]

VERSION = 5  # raise it whenever the loops below change: compiled models are cached by it

# All factors are at most 1, so what underflows on the way to a root of at least this size is less
# than 1e-28 of it.
_SMALLEST = 1e-280

_1, _2, _3, _4, _5, _6 = (np.uint64(n) for n in range(1, 7))


@loop()
def _parts(tape: Ints):  # type: ignore[no-untyped-def]
    bounds = np.zeros(6, dtype=np.int64)
    bounds[0] = 7
    for i in range(5):
        bounds[i + 1] = bounds[i] + tape[2 + i]
    addresses = tape.view(np.uint64)
    templates = addresses[bounds[0] : bounds[1]].reshape(-1, 4)
    offsets = addresses[bounds[1] : bounds[2]]
    steps = addresses[bounds[2] : bounds[3]].reshape(-1, 3)
    bases = addresses[bounds[3] : bounds[4]]
    roots = addresses[bounds[4] : bounds[5]]
    return templates, offsets, steps, bases, roots


@loop(error_model="numpy")
def _forward(buffer, templates, offsets, steps, bases):  # type: ignore[no-untyped-def]
    # Two and three tables, nearly all steps, are written out: half the time of the general loop. So
    # are the sums of two tables over two and three states: a quarter less again.
    for i in range(steps.shape[0]):
        out, states, tables, at = templates[steps[i, 0]]
        target, base = steps[i, 1], steps[i, 2]
        if tables == _2:
            a, b = bases[base], bases[base + _1]
            if states == _2:
                for cell in range(out):
                    first = buffer[a + offsets[at]] * buffer[b + offsets[at + _1]]
                    second = buffer[a + offsets[at + _2]] * buffer[b + offsets[at + _3]]
                    buffer[target + cell] = first + second
                    at += _4
                continue
            if states == _3:
                for cell in range(out):
                    first = buffer[a + offsets[at]] * buffer[b + offsets[at + _1]]
                    second = buffer[a + offsets[at + _2]] * buffer[b + offsets[at + _3]]
                    third = buffer[a + offsets[at + _4]] * buffer[b + offsets[at + _5]]
                    buffer[target + cell] = first + second + third
                    at += _6
                continue
            for cell in range(out):
                total = 0.0
                for _ in range(states):
                    total += buffer[a + offsets[at]] * buffer[b + offsets[at + _1]]
                    at += _2
                buffer[target + cell] = total
        elif tables == _3:
            a, b, c = bases[base], bases[base + _1], bases[base + _2]
            for cell in range(out):
                total = 0.0
                for _ in range(states):
                    pair = buffer[a + offsets[at]] * buffer[b + offsets[at + _1]]
                    total += pair * buffer[c + offsets[at + _2]]
                    at += _3
                buffer[target + cell] = total
        else:
            for cell in range(out):
                total = 0.0
                for _ in range(states):
                    product = 1.0
                    for table in range(tables):
                        product *= buffer[bases[base + table] + offsets[at]]
                        at += _1
                    total += product
                buffer[target + cell] = total


@loop(error_model="numpy")
def _backward(buffer, adjoint, templates, offsets, steps, bases):  # type: ignore[no-untyped-def]
    widest = _1
    for i in range(templates.shape[0]):
        widest = max(widest, templates[i, 2])
    value = np.empty(widest)
    before = np.empty(widest)
    for i in range(steps.shape[0] - 1, -1, -1):
        out, states, tables, at = templates[steps[i, 0]]
        target, base = steps[i, 1], steps[i, 2]
        if tables == _2:
            a, b = bases[base], bases[base + _1]
            for cell in range(out):
                weight = adjoint[target + cell]
                for _ in range(states):
                    x, y = a + offsets[at], b + offsets[at + _1]
                    adjoint[x] += weight * buffer[y]
                    adjoint[y] += weight * buffer[x]
                    at += _2
        elif tables == _3:
            a, b, c = bases[base], bases[base + _1], bases[base + _2]
            for cell in range(out):
                weight = adjoint[target + cell]
                for _ in range(states):
                    x, y, z = a + offsets[at], b + offsets[at + _1], c + offsets[at + _2]
                    first, second, third = buffer[x] * weight, buffer[y], buffer[z]
                    adjoint[x] += weight * second * third
                    adjoint[y] += first * third
                    adjoint[z] += first * second
                    at += _3
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
                    for back in range(_1, tables + _1):
                        table = tables - back
                        adjoint[bases[base + table] + offsets[at + table]] += before[table] * after
                        after *= value[table]
                    at += tables


@loop(error_model="numpy")
def _forward_logs(logs, templates, offsets, steps, bases):  # type: ignore[no-untyped-def]
    for i in range(steps.shape[0]):
        out, states, tables, at = templates[steps[i, 0]]
        target, base = steps[i, 1], steps[i, 2]
        for cell in range(out):
            largest, total = -np.inf, 0.0
            for _ in range(states):
                term = 0.0
                for table in range(tables):
                    term += logs[bases[base + table] + offsets[at]]
                    at += _1
                if term > largest:
                    total = total * np.exp(largest - term) + 1.0
                    largest = term
                elif term > -np.inf:
                    total += np.exp(term - largest)
                elif np.isnan(term):
                    total = np.nan
            logs[target + cell] = largest + np.log(total)


@loop(error_model="numpy")
def _backward_logs(logs, expected, templates, offsets, steps, bases):  # type: ignore[no-untyped-def]
    # What is expected on a result goes to the terms of its sum by their shares.
    for i in range(steps.shape[0] - 1, -1, -1):
        out, states, tables, at = templates[steps[i, 0]]
        target, base = steps[i, 1], steps[i, 2]
        for cell in range(out):
            weight = expected[target + cell]
            for _ in range(states):
                term = 0.0
                for table in range(tables):
                    term += logs[bases[base + table] + offsets[at + table]]
                if weight != 0.0 and term > -np.inf:
                    share = weight * np.exp(term - logs[target + cell])
                    for table in range(tables):
                        expected[bases[base + table] + offsets[at + table]] += share
                at += tables


@loop()
def _smallest(buffer, roots):  # type: ignore[no-untyped-def]
    least = np.inf
    for i in range(roots.shape[0]):
        if not buffer[roots[i]] >= least:
            least = buffer[roots[i]]
    return least


@loop(error_model="numpy")
def add_hidden(buffer: Array, counts: Array, tape: Ints, reals: Array):  # type: ignore[no-untyped-def]
    """Add the families that are not observed in full, by plain probabilities.

    Parameters
    ----------
    buffer : ndarray, shape (tape[1],)
        Which starts with the probability of every CPT cell. The rest is overwritten.
    counts : ndarray, shape (cells,)
        To which the expected counts of these families are added.
    tape, reals : ndarray
        What `Circuit.packed` gave.

    Returns
    -------
    settled : bool
        False where a pattern's probability is too small for that, and nothing was added.
    value : float
        What the patterns with unobserved nodes add to the log-likelihood.
    """
    cells = tape[0]
    templates, offsets, steps, bases, roots = _parts(tape)
    _forward(buffer, templates, offsets, steps, bases)
    value = 0.0
    if not _smallest(buffer, roots) >= _SMALLEST:
        return False, value
    adjoint = np.zeros(tape[1])
    for i in range(roots.shape[0]):
        weight = reals[cells + i]
        value += weight * np.log(buffer[roots[i]])
        adjoint[roots[i]] = weight / buffer[roots[i]]
    _backward(buffer, adjoint, templates, offsets, steps, bases)
    for i in range(cells):
        counts[i] += adjoint[i] * buffer[i]
    return True, value


@loop(error_model="numpy")
def add_hidden_by_logs(log_cells: Array, counts: Array, tape: Ints, reals: Array) -> float:
    """Add the families that are not observed in full, by the logs of probabilities.

    Parameters
    ----------
    log_cells : ndarray, shape (cells,)
    counts : ndarray, shape (cells,)
        To which the expected counts of these families are added.
    tape, reals : ndarray
        What `Circuit.packed` gave.

    Returns
    -------
    float
        What the patterns with unobserved nodes add to the log-likelihood.
    """
    cells = tape[0]
    templates, offsets, steps, bases, roots = _parts(tape)
    buffer = np.empty(tape[1])
    for i in range(cells):  # assigning a slice takes seconds to compile
        buffer[i] = log_cells[i]
    _forward_logs(buffer, templates, offsets, steps, bases)
    adjoint = np.zeros(tape[1])
    value = 0.0
    for i in range(roots.shape[0]):
        weight = reals[cells + i]
        if weight != 0.0:
            value += weight * buffer[roots[i]]
        adjoint[roots[i]] = weight
    _backward_logs(buffer, adjoint, templates, offsets, steps, bases)
    for i in range(cells):
        counts[i] += adjoint[i]
    return value


@loop(error_model="numpy")
def value_and_counts(log_cells: Array, tape: Ints, reals: Array):  # type: ignore[no-untyped-def]
    """Return the log-likelihood and the expected family counts.

    Parameters
    ----------
    log_cells : ndarray, shape (cells,)
        Log of every CPT cell; minus infinity where the cell is impossible.
    tape, reals : ndarray
        What `Circuit.packed` gave.

    Returns
    -------
    value : float
        Minus infinity where a pattern is impossible, whatever its probability's magnitude.
    counts : ndarray, shape (cells,)
        ``d value / d log_cells``: how many people are expected on each cell.
    """
    cells = tape[0]
    buffer = np.empty(tape[1])
    counts = reals[:cells].copy()
    value = 0.0
    for i in range(cells):
        buffer[i] = np.exp(log_cells[i])
        if counts[i] != 0.0:
            value += counts[i] * log_cells[i]
    settled, added = add_hidden(buffer, counts, tape, reals)
    if settled:
        return value + added, counts
    return value + add_hidden_by_logs(log_cells, counts, tape, reals), counts


@loop(error_model="numpy")
def _root_values(log_cells: Array, tape: Ints) -> Array:
    templates, offsets, steps, bases, roots = _parts(tape)
    buffer = np.empty(tape[1])
    buffer[: tape[0]] = np.exp(log_cells)
    _forward(buffer, templates, offsets, steps, bases)
    if _smallest(buffer, roots) >= _SMALLEST:
        return np.log(buffer[roots])
    buffer[: tape[0]] = log_cells
    _forward_logs(buffer, templates, offsets, steps, bases)
    return buffer[roots]


@loop(error_model="numpy")
def address_logs(log_cells: Array, tape: Ints) -> Array:
    """Return the logs of all cells, and of the results of all steps, by their addresses.

    Parameters
    ----------
    log_cells : ndarray, shape (cells,)
    tape : ndarray
        What `Circuit.packed` gave.

    Returns
    -------
    ndarray, shape (buffer,)
    """
    templates, offsets, steps, bases, _ = _parts(tape)
    buffer = np.empty(tape[1])
    buffer[: tape[0]] = log_cells
    _forward_logs(buffer, templates, offsets, steps, bases)
    return buffer


def total_log_likelihood(circuit: Circuit, source: Rows) -> Array:
    """Return the log likelihood of a survey in each draw of a posterior.

    Parameters
    ----------
    circuit : Circuit
    source : Rows
        A posterior of the circuit's graph, or what gives rows as it does.

    Returns
    -------
    ndarray, shape (draw,)
    """
    tape, _ = circuit.packed()
    return np.array(
        [
            circuit.counts @ row + circuit.root_weights @ _root_values(row, tape)
            for some in in_parts(source.draws)
            for row in stack_logs(circuit.cells, source, some)
        ]
    )


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
        roots = _root_values(row, tape)
        found[draw] += np.bincount(pattern, weights=roots[root], minlength=len(found[draw]))
    return found
