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

import bisect
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backrisk.errors import FitError
from backrisk.graph import CausalGraph

Array = NDArray[np.float64]
Ints = NDArray[np.int64]

LARGEST_TABLE = 4_000_000  # cells of one step, before anything is allocated
LARGEST_BUFFER = 250_000_000  # cells of all steps together, 2 GB; a gradient holds it twice

_TOO_MUCH = (
    "Summing out the unobserved nodes of {:,} answer patterns needs more than "
    f"{LARGEST_BUFFER:,} cells in all. Fit fewer people, or observe more."
)

_HIDDEN, _OBSERVED = 1, 2  # what a node is in a component; observed ones add their state
_PAIR = 3.0  # a product of two tables, written and pulled back through, in tables of a sum
_CASES_AT_ONCE = 100_000  # bounds the memory of construction


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


def stack_logs(cells: Cells, tables: Mapping[str, Array]) -> Array:
    """Lay the logs of CPT draws out as the kernel reads them.

    Parameters
    ----------
    cells : Cells
    tables : mapping of node to ndarray, shape (draw, *parents, state)

    Returns
    -------
    ndarray, shape (draw, cells)
    """
    draws = len(next(iter(tables.values())))
    logs = np.empty((draws, cells.size))
    for name, table in tables.items():
        logs[:, cells.part(name)] = np.log(np.maximum(table, np.finfo(float).tiny)).reshape(
            draws, -1
        )
    return logs


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


@dataclass(frozen=True)
class _Table:
    """A table of one component, before any row is looked at.

    Sets of nodes are integers, one bit a node. ``answers`` are the observed nodes that it depends
    on: rows that agree there share it. ``family`` is -1 for the result of a step.
    """

    slot: int
    family: int
    scope: int
    answers: int


class _Product(NamedTuple):
    """A step of a plan: the tables to multiply, the scope left, the node summed over if any."""

    tables: tuple[_Table, ...]
    scope: int
    node: int | None


class _Step(NamedTuple):
    """A step ready to run: its template, its tables in the template's order, which look alike."""

    template: int
    slots: tuple[int, ...]
    alike: tuple[tuple[int, int], ...]


class _Planner:
    """Elimination orders and templates, each found once."""

    def __init__(self, cells: Cells, people: int) -> None:
        self.cells = cells
        self.people = people
        self.states = [len(node.states) for node in cells.graph.nodes]
        self.members = [sum(1 << u for u in family) for family in cells.families]
        self.templates: list[tuple[int, int, int, int]] = []
        self.offsets: list[Ints] = []
        self._offset_length = 0
        self._template_of: dict[bytes, int] = {}
        self._steps: dict[Any, tuple[int, tuple[int, ...], tuple[tuple[int, int], ...]]] = {}
        self._alike = [
            (float(k), sum(1 << u for u, states in enumerate(self.states) if states == k))
            for k in sorted(set(self.states))
        ]
        self._copied: dict[tuple[int, int], float] = {}
        self._pairings: dict[Any, tuple[float, tuple[tuple[int, int], ...]]] = {}

    def plan(self, nodes: int, families: Sequence[int]) -> list[_Product]:
        """Order the elimination of one component: greedy, smallest cost next.

        Sizes are checked here, before the first template is written.
        """
        tables = [_Table(v, v, self.members[v] & nodes, self.members[v] & ~nodes) for v in families]
        plan: list[_Product] = []
        costs = {u: self._cost(tables, u) for u in _bits(nodes)}
        while costs:
            node = min(costs, key=lambda u: (costs[u], u))
            del costs[node]
            joined = [table for table in tables if table.scope >> node & 1]
            tables = [table for table in tables if not table.scope >> node & 1]
            made = self._multiply(plan, self._merge(plan, joined), node)
            tables.append(made)
            for u in _bits(made.scope):
                costs[u] = self._cost(tables, u)
        return plan

    def _size(self, nodes: int) -> float:
        """Return the number of joint states of a set of nodes."""
        size = 1.0
        for states, alike in self._alike:
            size *= states ** min((nodes & alike).bit_count(), 60)  # beyond any table, yet finite
        return size

    def _cost(self, tables: Sequence[_Table], node: int) -> float:
        """Return the multiplications that it would take if this node went next."""
        joined = tuple((table.scope, table.answers) for table in tables if table.scope >> node & 1)
        return self._pairing(joined)[0]

    def _pairing(
        self, joined: tuple[tuple[int, int], ...]
    ) -> tuple[float, tuple[tuple[int, int], ...]]:
        """Find which pairs to multiply before the sum over a node, and the cost of all of it.

        A table costs its cells times its distinct copies in the whole survey, so that what few
        answers decide is multiplied once and shared by everyone. A pair is multiplied apart where
        that, with writing it and pulling back through it, takes less than one more table in the
        sum.

        Parameters
        ----------
        joined : tuple of (scope, answers)

        Returns
        -------
        cost : float
        pairs : tuple of (int, int)
            Positions in `joined`; products follow, in the order of their making.
        """
        if joined not in self._pairings:
            scope = answers = 0
            for one_scope, one_answers in joined:
                scope, answers = scope | one_scope, answers | one_answers
            whole, cost = self._cells(scope, answers), 0.0
            pairs: list[tuple[int, int]] = []
            left = sorted((self._cells(s, a), s, a, i) for i, (s, a) in enumerate(joined))
            while len(left) > 2:
                least, best = whole / _PAIR, None
                for i, (own, scope, answers, _) in enumerate(left):
                    if own >= least:  # so is every product with it, or with a later one
                        break
                    for j in range(i):
                        size = self._cells(scope | left[j][1], answers | left[j][2])
                        if size < least:
                            least, best = size, (i, j)
                if best is None:
                    break
                first, second = left.pop(best[0]), left.pop(best[1])
                made = len(joined) + len(pairs)
                bisect.insort(left, (least, first[1] | second[1], first[2] | second[2], made))
                pairs.append((first[3], second[3]))
                cost += _PAIR * least
            self._pairings[joined] = (cost + whole * len(left), tuple(pairs))
        return self._pairings[joined]

    def _cells(self, scope: int, answers: int) -> float:
        """Return the cells of a table over all its copies."""
        key = (scope, answers)
        if key not in self._copied:
            self._copied[key] = self._size(scope) * min(self._size(answers), self.people)
        return self._copied[key]

    def _merge(self, plan: list[_Product], joined: Sequence[_Table]) -> list[_Table]:
        """Multiply the pairs that are worth it."""
        left = dict(enumerate(joined))
        pairs = self._pairing(tuple((table.scope, table.answers) for table in joined))[1]
        for made, (i, j) in enumerate(pairs, start=len(joined)):
            left[made] = self._multiply(plan, [left.pop(i), left.pop(j)], None)
        return list(left.values())

    def _multiply(self, plan: list[_Product], joined: Sequence[_Table], node: int | None) -> _Table:
        """Plan to multiply tables, and to sum over one node of theirs where one is given."""
        whole = answers = 0
        for table in joined:
            whole |= table.scope
            answers |= table.answers
        if self._size(whole) > LARGEST_TABLE:
            names = ", ".join(self.cells.graph.names[u] for u in _bits(whole))
            raise FitError(
                f"Summing out the unobserved nodes needs a table of {self._size(whole):,.0f} cells "
                f"over {names}; the limit is {LARGEST_TABLE:,}. Observe one of them or remove "
                "edges between them."
            )
        scope = whole if node is None else whole & ~(1 << node)
        tables = sorted(joined, key=lambda table: (table.family, table.scope, table.slot))
        plan.append(_Product(tuple(tables), scope, node))
        return _Table(len(self.states) + len(plan) - 1, -1, scope, answers)

    def ready(self, product: _Product) -> _Step:
        """Find the template of a planned step."""
        key = (tuple((table.family, table.scope) for table in product.tables), product.node)
        if key not in self._steps:
            self._steps[key] = self._template(product)
        template, order, alike = self._steps[key]
        return _Step(template, tuple(product.tables[i].slot for i in order), alike)

    def _template(
        self, product: _Product
    ) -> tuple[int, tuple[int, ...], tuple[tuple[int, int], ...]]:
        """Return a template's number, the order of its tables, and the runs that look alike."""
        joined, node = product.tables, product.node
        axes = list(_bits(product.scope)) + ([] if node is None else [node])
        shape = tuple(self.states[u] for u in axes)
        if self._offset_length + math.prod(shape) * len(joined) > LARGEST_BUFFER:
            raise FitError(_TOO_MUCH.format(self.people))
        columns = []
        for table in joined:
            relative = np.zeros(shape, dtype=np.int64)
            for u, stride in self._strides(table):
                along = [1] * len(axes)
                along[axes.index(u)] = self.states[u]
                relative += stride * np.arange(self.states[u]).reshape(along)
            columns.append(relative.reshape(-1, 1 if node is None else shape[-1]))
        order = sorted(range(len(joined)), key=lambda i: columns[i].tobytes())
        relative = np.stack([columns[i] for i in order], axis=-1)
        looks = [columns[i].tobytes() for i in order]
        alike = tuple(
            (looks.index(look), looks.index(look) + looks.count(look))
            for look in dict.fromkeys(looks)
            if looks.count(look) > 1
        )
        name = np.array(relative.shape).tobytes() + relative.tobytes()
        if name not in self._template_of:
            self._template_of[name] = len(self.templates)
            out, states, tables = relative.shape
            self.templates.append((out, states, tables, self._offset_length))
            self.offsets.append(relative.ravel())
            self._offset_length += relative.size
        return self._template_of[name], tuple(order), alike

    def _strides(self, table: _Table) -> list[tuple[int, int]]:
        """Return the open nodes of a table with the distance between their states."""
        if table.family >= 0:
            family, strides = self.cells.families[table.family], self.cells.strides[table.family]
            return [
                (u, int(stride))
                for u, stride in zip(family, strides, strict=True)
                if table.scope >> u & 1
            ]
        found, stride = [], 1
        for u in reversed(list(_bits(table.scope))):
            found.append((u, stride))
            stride *= self.states[u]
        return found


def _bits(nodes: int) -> Iterator[int]:
    while nodes:
        low = nodes & -nodes
        yield low.bit_length() - 1
        nodes ^= low


class _Tape:
    """Steps under construction, each made once."""

    def __init__(self, start: int) -> None:
        self.end = start
        self.steps: list[tuple[int, int, int]] = []
        self.bases: list[int] = []
        self._address_of: dict[tuple[int, ...], int] = {}

    def addresses(self, template: int, out: int, bases: Ints) -> Ints:
        """Return the address of the result for each row of bases, adding steps that are new."""
        first, inverse = _distinct(bases)
        found = np.empty(len(first), dtype=np.int64)
        for i, row in enumerate(bases[first].tolist()):
            key = (template, *row)
            address = self._address_of.get(key)
            if address is None:
                address = self._address_of[key] = self.end
                self.steps.append((template, address, len(self.bases)))
                self.bases.extend(row)
                self.end += out
            found[i] = address
        return found[inverse]


def _distinct(rows: Ints) -> tuple[Ints, Ints]:
    """Return where each distinct row first stands, and the distinct row of every row.

    Columns are folded into one key, which is renumbered before it could overflow: many times
    faster than sorting rows.
    """
    key = rows[:, 0]
    for column in rows.T[1:]:
        width = int(column.max()) + 1
        if (int(key.max()) + 1) * width >= 1 << 62:
            key = np.unique(key, return_inverse=True)[1]
        key = key * width + column
    _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    return first, inverse


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
        If a step would need a table of more than `LARGEST_TABLE` cells, or all steps together
        more than `LARGEST_BUFFER`.
    """
    cells = Cells.of(graph)
    observed = codes >= 0
    addresses = np.empty(codes.shape, dtype=np.int64)  # of each family, unobserved nodes at 0
    row_cells = np.full(codes.shape, -1, dtype=np.int64)
    counts = np.zeros(cells.size)
    states = np.maximum(codes, 0)
    for v, family in enumerate(cells.families):
        address = np.full(len(codes), cells.starts[v], dtype=np.int64)
        for u, stride in zip(family, cells.strides[v].tolist(), strict=True):
            address += stride * states[:, u].astype(np.int64)
        full = observed[:, list(family)].all(axis=1)
        addresses[:, v] = address
        row_cells[full, v] = address[full]
        counts += np.bincount(address[full], weights=weights[full], minlength=cells.size)

    planner, tape = _Planner(cells, len(codes)), _Tape(cells.size)
    patterns, cases, case_of = _components(cells, observed, codes)
    shapes, shape_of = _distinct_bytes(np.minimum(cases, _OBSERVED))
    products = [_plan(planner, shape) for shape in shapes]
    plans = [[planner.ready(product) for product in plan] for plan in products]
    owner = np.empty(len(cases), dtype=np.int64)
    owner[case_of] = patterns  # any pattern of a case: they agree on all that it depends on
    address = np.empty(len(cases), dtype=np.int64)
    order = np.argsort(shape_of, kind="stable")
    for part in np.split(order, range(_CASES_AT_ONCE, len(order), _CASES_AT_ONCE)):
        address[part] = _run(planner, tape, plans, shape_of[part], addresses[owner[part]])
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
    cells: Cells, observed: NDArray[np.bool_], codes: NDArray[np.int8]
) -> tuple[Ints, NDArray[np.int8], Ints]:
    """Split every pattern into components of unobserved nodes, and find those that are equal.

    Returns
    -------
    patterns : ndarray, shape (components,)
        The pattern that each component belongs to.
    cases : ndarray of int8, shape (cases, nodes)
        Distinct components: `_HIDDEN` for its unobserved nodes, `_OBSERVED` plus the state for
        the observed nodes of the families that touch these, 0 for all others.
    case_of : ndarray, shape (components,)
    """
    kept = _with_observed_descendants(cells.graph, observed)
    hidden = kept & ~observed
    nodes = hidden.shape[1]
    # Each unobserved node carries the lowest node that it is connected to.
    label = np.where(hidden, np.arange(nodes, dtype=np.int32), np.int32(nodes))
    before = np.zeros_like(label)
    touched = np.empty_like(label)
    families = list(enumerate(cells.families))
    while not np.array_equal(before, label):
        before[...] = label
        families.reverse()  # what is connected upwards and downwards takes few rounds
        for v, family in families:
            lowest = label[:, list(family)].min(axis=1)
            touched[:, v] = np.where(kept[:, v], lowest, nodes)
            for u in family:
                joined = kept[:, v] & hidden[:, u]
                label[joined, u] = lowest[joined]
    patterns, found = [np.empty(0, np.int64)], [np.empty((0, nodes), np.int8)]
    for node in range(nodes):
        rows = np.flatnonzero(label[:, node] == node)
        if not len(rows):
            continue
        case = np.zeros((len(rows), nodes), dtype=np.int8)
        of_this = touched[rows] == node
        for v in np.flatnonzero(of_this.any(axis=0)).tolist():
            for u in cells.families[v]:
                case[of_this[:, v], u] = 1
        case = np.where(case, np.where(observed[rows], _OBSERVED + codes[rows], _HIDDEN), 0)
        patterns.append(rows)
        found.append(case.astype(np.int8))
    cases, case_of = _distinct_bytes(np.concatenate(found))
    return np.concatenate(patterns), cases, case_of


def _distinct_bytes(rows: NDArray[np.int8]) -> tuple[NDArray[np.int8], Ints]:
    """Return the distinct rows, and the distinct row of every row."""
    packed = np.ascontiguousarray(rows).view(np.dtype((np.void, rows.shape[1]))).ravel()
    _, first, inverse = np.unique(packed, return_index=True, return_inverse=True)
    return rows[first], inverse


def _plan(planner: _Planner, shape: NDArray[np.int8]) -> list[_Product]:
    nodes = sum(1 << u for u in np.flatnonzero(shape == _HIDDEN).tolist())
    families = [v for v in np.flatnonzero(shape).tolist() if planner.members[v] & nodes]
    return planner.plan(nodes, families)


def _run(
    planner: _Planner,
    tape: _Tape,
    plans: Sequence[Sequence[_Step]],
    shape_of: Ints,
    addresses: Ints,
) -> Ints:
    """Put the steps of many cases on the tape; return the address of each case's probability.

    The n-th steps of all plans are taken together, those of one template at once.

    Parameters
    ----------
    shape_of : ndarray, shape (cases,)
        The plan of each case, ascending.
    addresses : ndarray, shape (cases, nodes)
        Of the families' tables.
    """
    shapes, starts = np.unique(shape_of, return_index=True)
    stops = np.append(starts[1:], len(shape_of))
    nodes = addresses.shape[1]
    longest = max((len(plans[shape]) for shape in shapes), default=0)
    slots = np.empty((len(addresses), nodes + longest), dtype=np.int64)
    slots[:, :nodes] = addresses
    last = np.empty(len(addresses), dtype=np.int64)
    for turn in range(longest):
        together: dict[int, list[int]] = {}
        for i, shape in enumerate(shapes.tolist()):
            if turn < len(plans[shape]):
                together.setdefault(plans[shape][turn].template, []).append(i)
        for template, chosen in together.items():
            steps = [plans[shapes[i]][turn] for i in chosen]
            rows = np.concatenate([np.arange(starts[i], stops[i]) for i in chosen])
            lengths = stops[chosen] - starts[chosen]
            bases = slots[rows[:, None], np.repeat([step.slots for step in steps], lengths, axis=0)]
            for start, stop in steps[0].alike:  # a product does not depend on their order
                bases[:, start:stop].sort(axis=1)
            out = planner.templates[template][0]
            slots[rows, nodes + turn] = tape.addresses(template, out, bases)
            if tape.end > LARGEST_BUFFER:
                raise FitError(_TOO_MUCH.format(planner.people))
    for i, shape in enumerate(shapes.tolist()):
        last[starts[i] : stops[i]] = slots[starts[i] : stops[i], nodes + len(plans[shape]) - 1]
    return last


def depth(circuit: Circuit) -> dict[str, int]:
    """Return how large a circuit is: steps, multiply-adds in a pass, cells held."""
    template = circuit.templates[circuit.steps[:, 0]]
    return {
        "steps": len(circuit.steps),
        "multiply_adds": int(template[:, :3].prod(axis=1).sum()),
        "cells": circuit.buffer,
        "roots": len(circuit.roots),
    }
