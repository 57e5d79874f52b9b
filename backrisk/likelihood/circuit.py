"""The marginal likelihood of a survey as one arithmetic circuit, shared by all its rows.

``log P(rows) = sum over patterns of weight * log sum over unobserved nodes of prod_v CPT_v``.

1. Unobserved nodes without observed descendants sum to one and are dropped. A family that a row
   observes in full becomes a count on one cell of the flat vector of all CPTs.
2. The other families fall apart into components of unobserved nodes. Rows with equal components
   are eliminated together, CPTs sliced at what was observed.
3. A step "sum over a node of a product of tables" is identified by its template of relative
   addresses and by the addresses of its inputs. Equal steps are made once, across all rows.
4. What is left is a tape of flat integer arrays that `backrisk.likelihood.kernel` runs forward
   for the value, and backward for the expected family counts, which are the gradient with respect
   to the log CPTs.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backrisk._types import Array
from backrisk.graph import CausalGraph
from backrisk.likelihood.cells import Cells, Ints, distinct_bytes
from backrisk.likelihood.components import (
    HIDDEN,
    OBSERVED,
    components,
    with_observed_descendants,
)
from backrisk.likelihood.planner import Planner, Product
from backrisk.likelihood.tape import Tape, put_on_tape

_CASES_AT_ONCE = 100_000  # bounds the memory of construction


@dataclass(frozen=True, eq=False)
class Circuit:
    """A tape that computes the marginal likelihood of a survey from its log CPTs.

    Parameters
    ----------
    cells : Cells
    counts : ndarray, shape (cells,)
        Weighted counts of the families observed in full.
    templates : ndarray, shape (templates, 4)
        Cells out, states summed over, tables in, start in `offsets`.
    offsets : ndarray
        Relative addresses ``[cell out, state, table]`` of every template, one after another.
    steps : ndarray, shape (steps, 3)
        Template, address of the result, start in `bases`.
    bases : ndarray
        Addresses of each step's tables.
    roots, root_weights : ndarray, shape (roots,)
        Addresses whose logs add to the result, with their weights.
    buffer : int
        Length of the working vector: CPT cells, then results.
    row_cells : ndarray, shape (patterns, nodes)
        The cell that each pattern's observed family falls on; -1 where none.
    row_roots : tuple of ndarray
        (pattern, root) pairs, as two vectors.
    """

    cells: Cells
    counts: Array
    templates: Ints
    offsets: Ints
    steps: Ints
    bases: Ints
    roots: Ints
    root_weights: Array
    buffer: int
    row_cells: Ints
    row_roots: tuple[Ints, Ints]

    def packed(self) -> tuple[Ints, Array]:
        """Return the tape as one vector of integers, header first, and one of reals."""
        parts = (self.templates, self.offsets, self.steps, self.bases, self.roots)
        sizes = [len(part.ravel()) for part in parts]
        header = [self.cells.size, self.buffer, *sizes]
        integers = np.concatenate([np.array(header), *(part.ravel() for part in parts)])
        return integers.astype(np.int64), np.concatenate([self.counts, self.root_weights])


def build_circuit(
    graph: CausalGraph,
    codes: NDArray[np.int8],
    weights: Array,
    by_row: Collection[str] = (),
) -> Circuit:
    """Compile answer patterns into a circuit.

    Parameters
    ----------
    graph : CausalGraph
    codes : ndarray, shape (patterns, nodes)
        State codes in the graph's order; -1 where unobserved.
    weights : ndarray, shape (patterns,)
    by_row : collection of str
        Nodes whose CPT need not be laid out whole; see `Cells.used`.

    Returns
    -------
    Circuit

    Raises
    ------
    FitError
        If a step would need a table of more than `LARGEST_TABLE` cells, or all steps together
        more than `LARGEST_BUFFER`.

    Examples
    --------
    >>> from backrisk.graph import CausalGraph
    >>> two = ["no", "yes"]
    >>> graph = CausalGraph.from_edges([("a", "b"), ("b", "c")], {"a": two, "b": two, "c": two})
    >>> codes = np.array([[0, -1, 1], [0, 1, 1]], dtype=np.int8)
    >>> circuit = build_circuit(graph, codes, np.array([10.0, 5.0]))
    >>> circuit.counts[circuit.cells.part("a")].tolist(), len(circuit.steps)
    ([15.0, 0.0], 1)
    """
    families, observed = Cells.of(graph), codes >= 0
    patterns, cases, case_of = components(families, observed, codes)
    shapes, shape_of = distinct_bytes(np.minimum(cases, OBSERVED))
    planner = Planner(families, len(codes))
    # All that is too large is refused here, before anything of its size is laid out.
    products = [_plan(planner, shape) for shape in shapes]
    kept = with_observed_descendants(graph, observed)
    cells, addresses = Cells.used(graph, codes, kept, by_row)
    planner.demand_room(cells.size)

    row_cells = np.full(codes.shape, -1, dtype=np.int64)
    counts = np.zeros(cells.size)
    for v, family in enumerate(cells.families):
        full = observed[:, list(family)].all(axis=1)
        row_cells[full, v] = addresses[full, v]
        counts += np.bincount(addresses[full, v], weights=weights[full], minlength=cells.size)
    tape = Tape(cells.size)
    plans = [[planner.ready(product, cells) for product in plan] for plan in products]
    owner = np.empty(len(cases), dtype=np.int64)
    owner[case_of] = patterns  # any pattern of a case: they agree on all that it depends on
    address = np.empty(len(cases), dtype=np.int64)
    order = np.argsort(shape_of, kind="stable")
    for part in np.split(order, range(_CASES_AT_ONCE, len(order), _CASES_AT_ONCE)):
        address[part] = put_on_tape(planner, tape, plans, shape_of[part], addresses[owner[part]])
    roots, which = np.unique(address[case_of], return_inverse=True)
    return Circuit(
        cells=cells,
        counts=counts,
        templates=np.array(planner.templates, dtype=np.int64).reshape(-1, 4),
        offsets=np.concatenate([np.empty(0, np.int64), *planner.offsets]),
        steps=np.array(tape.steps, dtype=np.int64).reshape(-1, 3),
        bases=np.array(tape.bases, dtype=np.int64),
        roots=roots,
        root_weights=np.bincount(which, weights=weights[patterns], minlength=len(roots)),
        buffer=tape.end,
        row_cells=row_cells,
        row_roots=(patterns, which),
    )


def _plan(planner: Planner, shape: NDArray[np.int8]) -> list[Product]:
    nodes = sum(1 << u for u in np.flatnonzero(shape == HIDDEN).tolist())
    families = [v for v in np.flatnonzero(shape).tolist() if planner.members[v] & nodes]
    return planner.plan(nodes, families)


def size_of(circuit: Circuit) -> dict[str, int]:
    """Return how large a circuit is: steps, multiply-adds in a pass, cells held."""
    template = circuit.templates[circuit.steps[:, 0]]
    return {
        "steps": len(circuit.steps),
        "multiply_adds": int(template[:, :3].prod(axis=1).sum()),
        "cells": circuit.buffer,
        "roots": len(circuit.roots),
    }
