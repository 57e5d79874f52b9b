"""What each answer pattern is expected to have on every CPT cell: the E-step, person by person.

The circuit's own backward pass adds these up over all patterns, which is the gradient. A test needs
them apart. Each root of the tape rests on few of its steps, so that going back from every root over
its own steps alone takes little more than one pass for all.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from backrisk._compiling import loop
from backrisk._types import Array
from backrisk.likelihood.cells import Cells, Ints
from backrisk.likelihood.circuit import Circuit
from backrisk.likelihood.kernel import address_logs


@dataclass(frozen=True, eq=False)
class Expected:
    """The probability of every configuration of every family, given what each pattern observes.

    Parameters
    ----------
    cells : Cells
    log_likelihood : ndarray, shape (pattern,)
        Log probability of each pattern's answers; minus infinity where they are impossible.
    counts : scipy.sparse.csc_array, shape (pattern, cells)
        ``P(parents, state | answers)`` of each family that the answers depend on: a family's cells
        sum to 1. A family that a pattern's likelihood does not depend on has none; what sums to
        zero over the node's states is expected to be zero there.
    """

    cells: Cells
    log_likelihood: Array
    counts: sparse.csc_array

    def of(self, name: str, functions: Array) -> Array:
        """Return the expectation of functions of a family's configuration.

        Parameters
        ----------
        name : str
        functions : ndarray, shape (cell of the node, function)
            Their values in the node's cells, in the order of `Cells.joint`.

        Returns
        -------
        ndarray, shape (pattern, function)
        """
        part = self.cells.part(name)
        found: Array = self.counts[:, part.start : part.stop] @ functions
        return found


@dataclass(frozen=True, eq=False)
class Expecting:
    """A circuit at one draw's CPTs, ready to tell what any of its patterns expects.

    Parameters
    ----------
    circuit : Circuit
    log_cells : ndarray, shape (cells,)
        Of one draw; see `stack_logs`.

    Examples
    --------
    >>> import numpy as np
    >>> from backrisk.graph import CausalGraph
    >>> from backrisk.likelihood import build_circuit
    >>> two = ["no", "yes"]
    >>> graph = CausalGraph.from_edges([("a", "b")], {"a": two, "b": two})
    >>> circuit = build_circuit(graph, np.array([[-1, 1]], dtype=np.int8), np.ones(1))
    >>> expecting = Expecting(circuit, np.log([0.5, 0.5, 0.9, 0.1, 0.6, 0.4]))
    >>> expecting.of(np.array([0])).of("a", np.array([[0.0], [1.0]])).round(3).tolist()
    [[0.8]]
    """

    circuit: Circuit
    log_cells: Array

    @cached_property
    def _logs(self) -> Array:
        found: Array = address_logs(self.log_cells, self.circuit.packed()[0])
        return found

    @cached_property
    def _producer(self) -> Ints:
        """Of each address, the step whose result starts there."""
        found = np.full(self.circuit.buffer, -1, dtype=np.int64)
        found[self.circuit.steps[:, 1]] = np.arange(len(self.circuit.steps))
        return found

    def of(self, patterns: NDArray[np.intp]) -> Expected:
        """Return what some patterns are expected to have on every CPT cell.

        Parameters
        ----------
        patterns : ndarray of int

        Returns
        -------
        Expected
        """
        circuit, size, count = self.circuit, self.circuit.cells.size, len(patterns)
        rows = circuit.row_cells[patterns]
        place = np.full(len(circuit.row_cells), -1, dtype=np.int64)
        place[patterns] = np.arange(count)
        owner, root = circuit.row_roots
        kept = place[owner] >= 0
        owner, root = place[owner[kept]], root[kept]
        wanted, which = np.unique(root, return_inverse=True)
        starts, at, shares = _back_from_each(
            self._logs,
            circuit.roots[wanted],
            self._producer,
            circuit.templates,
            circuit.offsets,
            circuit.steps,
            circuit.bases,
            size,
        )
        by_root = sparse.csr_array((shares, at, starts), shape=(len(wanted), size))
        one = np.ones(len(owner))
        rests_on = sparse.csr_array((one, (owner, which)), shape=(count, len(wanted)))
        seen = rows >= 0
        where = np.nonzero(seen)[0], rows[seen]
        full = sparse.csr_array((np.ones(len(where[0])), where), shape=(count, size))
        value = np.where(seen, self.log_cells[np.where(seen, rows, 0)], 0.0).sum(axis=1)
        value += np.bincount(owner, self._logs[circuit.roots[root]], minlength=count)
        return Expected(circuit.cells, value, sparse.csc_array(rests_on @ by_root + full))


@loop(error_model="numpy")
def _back_from_each(buffer, roots, producer, templates, offsets, steps, bases, cells):  # type: ignore[no-untyped-def]
    """Go back from each root over the steps that it rests on; return the rows of a CSR matrix."""
    starts = np.zeros(roots.shape[0] + 1, dtype=np.int64)
    at = np.empty(1024, dtype=np.int64)
    shares = np.empty(1024, dtype=np.float64)
    expected = np.zeros(buffer.shape[0])
    seen = np.full(steps.shape[0], -1, dtype=np.int64)  # the last root that a step was met from
    touched = np.full(cells, -1, dtype=np.int64)  # likewise of a cell
    chain = np.empty(steps.shape[0], dtype=np.int64)
    end = 0
    for number in range(roots.shape[0]):
        starts[number] = end
        root = roots[number]
        if not buffer[root] > -np.inf:
            continue
        # A step comes after those that it rests on: found in any order, undone from the last.
        count = 1
        chain[0] = producer[root]
        seen[chain[0]] = number
        done = 0
        while done < count:
            template, _, base = steps[chain[done]]
            done += 1
            for table in range(templates[template, 2]):
                address = bases[base + table]
                if address >= cells:
                    below = producer[address]
                    if seen[below] != number:
                        seen[below] = number
                        chain[count] = below
                        count += 1
        order = np.sort(chain[:count])
        expected[root] = 1.0
        for back in range(count - 1, -1, -1):
            template, target, base = steps[order[back]]
            out, states, tables, offset = templates[template]
            for cell in range(out):
                weight = expected[target + cell]
                expected[target + cell] = 0.0
                if weight == 0.0:
                    offset += states * tables
                    continue
                for _ in range(states):
                    term = 0.0
                    for table in range(tables):
                        term += buffer[bases[base + table] + offsets[offset + table]]
                    if term > -np.inf:
                        share = weight * np.exp(term - buffer[target + cell])
                        for table in range(tables):
                            address = bases[base + table] + offsets[offset + table]
                            expected[address] += share
                            if address < cells and touched[address] != number:
                                touched[address] = number
                                if end == at.shape[0]:
                                    at = np.concatenate((at, np.empty_like(at)))
                                at[end] = address
                                end += 1
                    offset += tables
        if at.shape[0] > shares.shape[0]:
            longer = np.empty(at.shape[0], dtype=np.float64)
            longer[: starts[number]] = shares[: starts[number]]
            shares = longer
        for place in range(starts[number], end):
            shares[place] = expected[at[place]]
            expected[at[place]] = 0.0
    starts[roots.shape[0]] = end
    return starts, at[:end], shares[:end]
