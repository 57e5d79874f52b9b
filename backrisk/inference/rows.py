"""The marginal likelihood of a survey as one arithmetic circuit, shared by all its rows.

``log P(rows) = sum over patterns of weight * log sum over unobserved nodes of prod_v CPT_v``.

1. Unobserved nodes without observed descendants sum to one and are dropped. A family that a row
   observes in full becomes a count on one cell of the flat vector of all CPTs.
2. The other families fall apart into components of unobserved nodes. Rows with equal components
   are eliminated together, CPTs sliced at what was observed.
3. A step "sum over a node of a product of tables" is identified by its template of relative
   addresses and by the addresses of its inputs. Equal steps are made once, across all rows.
4. What is left is a tape of flat integer arrays that `backrisk.inference.kernel` runs forward
   for the value, and backward for the expected family counts, which are the gradient with respect
   to the log CPTs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backrisk.errors import FitError
from backrisk.graph import CausalGraph

Array = NDArray[np.float64]
Ints = NDArray[np.int64]

LARGEST_TABLE = 20_000_000  # cells of one step, before anything is allocated


@dataclass(frozen=True, eq=False)
class Cells:
    """Addresses of all CPT cells in one flat vector, node after node, rows in C order.

    Parameters
    ----------
    graph : CausalGraph
    """

    graph: CausalGraph
    families: tuple[tuple[int, ...], ...]
    strides: tuple[Ints, ...]
    starts: tuple[int, ...]
    size: int

    @classmethod
    def of(cls, graph: CausalGraph) -> Cells:
        """Lay out the CPTs of a graph."""
        position = {name: i for i, name in enumerate(graph.names)}
        families, strides, starts, size = [], [], [], 0
        for name in graph.names:
            shape = graph.shape(name)
            families.append((*(position[parent] for parent in graph.parents(name)), position[name]))
            strides.append(np.cumprod([1, *shape[:0:-1]])[::-1].astype(np.int64))
            starts.append(size)
            size += int(np.prod(shape))
        return cls(graph, tuple(families), tuple(strides), tuple(starts), size)

    def part(self, name: str) -> slice:
        """Return where the CPT of a node lies."""
        i = self.graph.names.index(name)
        return slice(self.starts[i], self.starts[i] + int(np.prod(self.graph.shape(name))))


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


@dataclass(frozen=True, eq=False)
class _Table:
    """A table of one component: its open nodes, relative addresses, and one base for each row.

    ``answers`` are the observed nodes that it depends on: rows that agree there share it.
    """

    scope: tuple[int, ...]
    relative: Ints
    bases: Ints
    answers: frozenset[int]


class _Tape:
    """Steps under construction, each made once."""

    def __init__(self, start: int) -> None:
        self.end = start
        self.templates: list[tuple[int, int, int, int]] = []
        self.offsets: list[Ints] = []
        self.steps: list[tuple[int, int, int]] = []
        self.bases: list[int] = []
        self._template_of: dict[bytes, int] = {}
        self._address_of: dict[tuple[int, bytes], int] = {}
        self._offset_length = 0

    def template(self, relative: Ints) -> int:
        """Return the number of a template, given ``[cell out, state, table]``."""
        key = np.array(relative.shape).tobytes() + relative.tobytes()
        if key not in self._template_of:
            self._template_of[key] = len(self.templates)
            out, states, tables = relative.shape
            self.templates.append((out, states, tables, self._offset_length))
            self.offsets.append(relative.ravel())
            self._offset_length += relative.size
        return self._template_of[key]

    def addresses(self, relative: Ints, bases: Ints) -> Ints:
        """Return the address of the result for each row of bases, adding steps that are new."""
        template = self.template(relative)
        rows, inverse = np.unique(bases, axis=0, return_inverse=True)
        found = np.empty(len(rows), dtype=np.int64)
        for i, row in enumerate(rows):
            key = (template, row.tobytes())
            if key not in self._address_of:
                self._address_of[key] = self.end
                self.steps.append((template, self.end, len(self.bases)))
                self.bases.extend(row.tolist())
                self.end += len(relative)
            found[i] = self._address_of[key]
        return found[inverse.ravel()]


def build_circuit(graph: CausalGraph, codes: NDArray[np.int8], weights: Array) -> Circuit:
    """Compile answer patterns into a circuit.

    Parameters
    ----------
    graph : CausalGraph
    codes : ndarray, shape (patterns, nodes)
        State codes in the graph's order; -1 where unobserved.
    weights : ndarray, shape (patterns,)

    Returns
    -------
    Circuit

    Raises
    ------
    FitError
        If a step would need a table of more than `LARGEST_TABLE` cells.
    """
    cells = Cells.of(graph)
    observed = codes >= 0
    states: Ints = codes.astype(np.int64)
    kept = _with_observed_descendants(graph, observed)
    hidden = kept & ~observed

    row_cells = np.full(states.shape, -1, dtype=np.int64)
    counts = np.zeros(cells.size)
    for v, family in enumerate(cells.families):
        full = observed[:, list(family)].all(axis=1)
        address = cells.starts[v] + states[:, list(family)] @ cells.strides[v]
        row_cells[full, v] = address[full]
        counts += np.bincount(address[full], weights=weights[full], minlength=cells.size)

    tape = _Tape(cells.size)
    pairs = [
        (rows, _eliminate(tape, cells, states[rows], nodes, families, len(states)))
        for (nodes, families), rows in _components(cells, hidden, kept).items()
    ]
    patterns = np.concatenate([rows for rows, _ in pairs] or [np.empty(0, np.int64)])
    addresses = np.concatenate([found for _, found in pairs] or [np.empty(0, np.int64)])
    roots, which = np.unique(addresses, return_inverse=True)
    return Circuit(
        cells=cells,
        counts=counts,
        templates=np.array(tape.templates, dtype=np.int64).reshape(-1, 4),
        offsets=np.concatenate(tape.offsets or [np.empty(0, np.int64)]),
        steps=np.array(tape.steps, dtype=np.int64).reshape(-1, 3),
        bases=np.array(tape.bases, dtype=np.int64),
        roots=roots,
        root_weights=np.bincount(which, weights=weights[patterns], minlength=len(roots)),
        buffer=tape.end,
        row_cells=row_cells,
        row_roots=(patterns, which),
    )


def _with_observed_descendants(
    graph: CausalGraph, observed: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    kept = observed.copy()
    for name in reversed(graph.topological):
        i = graph.names.index(name)
        for child in graph.children(name):
            kept[:, i] |= kept[:, graph.names.index(child)]
    return kept


def _components(
    cells: Cells, hidden: NDArray[np.bool_], kept: NDArray[np.bool_]
) -> dict[tuple[tuple[int, ...], tuple[int, ...]], Ints]:
    """Group rows by component: its unobserved nodes and the families that touch them."""
    masks, inverse = np.unique(np.hstack([hidden, kept]), axis=0, return_inverse=True)
    rows_of = np.split(np.argsort(inverse, kind="stable"), np.cumsum(np.bincount(inverse))[:-1])
    found: dict[tuple[tuple[int, ...], tuple[int, ...]], list[Ints]] = {}
    width = hidden.shape[1]
    for mask, rows in zip(masks, rows_of, strict=True):
        for component in _connected(cells, mask[:width], mask[width:]):
            found.setdefault(component, []).append(rows)
    return {component: np.sort(np.concatenate(rows)) for component, rows in found.items()}


def _connected(
    cells: Cells, hidden: NDArray[np.bool_], kept: NDArray[np.bool_]
) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Join unobserved nodes that share a family; nodes and families of each component."""
    parts: list[tuple[set[int], list[int]]] = []
    for v in np.flatnonzero(kept).tolist():
        nodes = {u for u in cells.families[v] if hidden[u]}
        if not nodes:
            continue
        families = [v]
        apart = []
        for other_nodes, other_families in parts:
            if nodes & other_nodes:
                nodes |= other_nodes
                families += other_families
            else:
                apart.append((other_nodes, other_families))
        parts = [*apart, (nodes, families)]
    return [(tuple(sorted(nodes)), tuple(sorted(families))) for nodes, families in parts]


def _eliminate(
    tape: _Tape,
    cells: Cells,
    codes: Ints,
    nodes: Sequence[int],
    families: Sequence[int],
    people: int,
) -> Ints:
    """Sum one component out for each row; return the address of each row's probability."""
    states = [len(node.states) for node in cells.graph.nodes]
    tables = []
    for v in families:
        family, strides = cells.families[v], cells.strides[v]
        scope = tuple(u for u in family if u in nodes)
        seen = [i for i, u in enumerate(family) if u not in nodes]
        bases = cells.starts[v] + codes[:, [family[i] for i in seen]] @ strides[seen]
        relative = np.zeros((), dtype=np.int64)
        for i, u in enumerate(family):
            if u in nodes:
                relative = relative[..., None] + strides[i] * np.arange(states[u])
        tables.append(_Table(scope, relative, bases, frozenset(family[i] for i in seen)))
    left = set(nodes)
    while left:
        node = min(left, key=lambda u: (_cost(tables, u, states, people), u))
        joined = [table for table in tables if node in table.scope]
        tables = [table for table in tables if node not in table.scope]
        tables.append(_sum_out(tape, cells, _merge(tape, cells, joined, states), node, states))
        left.remove(node)
    return tables[0].bases


def _scope(tables: Sequence[_Table], node: int) -> tuple[int, ...]:
    return tuple(sorted({u for table in tables for u in table.scope} - {node}))


def _cost(tables: Sequence[_Table], node: int, states: Sequence[int], people: int) -> float:
    """Return the cells to compute if this node went next.

    The size of the table times its distinct copies in the whole survey, so that what few answers
    decide is summed first and shared by everyone.
    """
    joined = [table for table in tables if node in table.scope]
    copies = 1.0
    for u in frozenset().union(*(table.answers for table in joined)):
        copies = min(copies * states[u], people)
    size = float(states[node])
    for u in _scope(joined, node):
        size *= states[u]
    return size * copies


def _merge(
    tape: _Tape, cells: Cells, joined: Sequence[_Table], states: Sequence[int]
) -> list[_Table]:
    """Multiply tables of equal scope first, so that the larger step multiplies fewer."""
    groups: dict[frozenset[int], list[_Table]] = {}
    for table in joined:
        groups.setdefault(frozenset(table.scope), []).append(table)
    if len(groups) == 1:
        return list(joined)
    return [
        group[0] if len(group) == 1 else _step(tape, cells, group, tuple(sorted(scope)), states)
        for scope, group in groups.items()
    ]


def _sum_out(
    tape: _Tape, cells: Cells, joined: Sequence[_Table], node: int, states: Sequence[int]
) -> _Table:
    return _step(tape, cells, joined, _scope(joined, node), states, node)


def _step(
    tape: _Tape,
    cells: Cells,
    joined: Sequence[_Table],
    scope: tuple[int, ...],
    states: Sequence[int],
    node: int | None = None,
) -> _Table:
    """Multiply tables over a scope, and sum over one more node where one is given."""
    axes = scope if node is None else (*scope, node)
    shape = tuple(states[u] for u in axes)
    size = int(np.prod([float(s) for s in shape]))
    if size > LARGEST_TABLE:
        names = ", ".join(cells.graph.names[u] for u in axes)
        raise FitError(
            f"Summing out the unobserved nodes needs a table of {size:,} cells over {names}; the "
            f"limit is {LARGEST_TABLE:,}. Observe one of them or remove edges between them."
        )
    expanded = []
    for table in joined:
        # The axes of a table stand in the order of its scope; bring them to the step's order.
        order = sorted(range(len(table.scope)), key=lambda i: axes.index(table.scope[i]))
        dims = [states[u] if u in table.scope else 1 for u in axes]
        relative = np.broadcast_to(table.relative.transpose(order).reshape(dims), shape)
        expanded.append(relative.reshape(-1, 1 if node is None else shape[-1]))
    ranked = sorted(range(len(joined)), key=lambda i: (expanded[i].tobytes(), joined[i].bases[0]))
    relative = np.stack([expanded[i] for i in ranked], axis=-1)
    bases = np.stack([joined[i].bases for i in ranked], axis=-1)
    addresses = tape.addresses(np.ascontiguousarray(relative), np.ascontiguousarray(bases))
    out = np.arange(len(relative), dtype=np.int64).reshape([states[u] for u in scope])
    return _Table(scope, out, addresses, frozenset().union(*(t.answers for t in joined)))


def depth(circuit: Circuit) -> dict[str, int]:
    """Return how large a circuit is: steps, multiply-adds in a pass, cells held."""
    template = circuit.templates[circuit.steps[:, 0]]
    return {
        "steps": len(circuit.steps),
        "multiply_adds": int(template[:, :3].prod(axis=1).sum()),
        "cells": circuit.buffer,
        "roots": len(circuit.roots),
    }
