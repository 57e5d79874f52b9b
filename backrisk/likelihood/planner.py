"""In which order the unobserved nodes of a component are summed out, and the steps it takes.

A step "sum over a node of a product of tables" is written as a template: the cells of its inputs
relative to where each input starts. Steps of different components, even of different nodes, that
do the same arithmetic share a template, which is all that the kernel needs to know.

The greedy loop is not that of `backrisk.inference.elimination`: costs here count the copies of a
table over the whole survey and which products are formed before a sum, so that they follow from the
tables at hand and not from the variables alone.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any, NamedTuple

import numpy as np

from backrisk.errors import FitError
from backrisk.likelihood.cells import Cells, Ints
from backrisk.words import say

LARGEST_TABLE = 4_000_000  # cells of one step, before anything is allocated
LARGEST_BUFFER = 250_000_000  # cells of all steps together, 2 GB; a gradient holds it twice

_MUCH = 20_000.0  # multiplications of one component from which other orders are tried
_OPEN = (9, 18)  # how many nodes such an order chooses among

_PAIR = 3.0  # a product of two tables, written and pulled back through, in tables of a sum


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


class Product(NamedTuple):
    """A step of a plan: the tables to multiply, the scope left, the node summed over if any."""

    tables: tuple[_Table, ...]
    scope: int
    node: int | None


class Step(NamedTuple):
    """A step ready to run: its template, its tables in the template's order, which look alike."""

    template: int
    slots: tuple[int, ...]
    alike: tuple[tuple[int, int], ...]


class Planner:
    """Elimination orders and templates, each found once.

    Thousands of answer patterns lead to hundreds of components that differ in which nodes are
    unobserved; each such shape is planned once. Sets of nodes are integers, one bit a node.

    Parameters
    ----------
    cells : Cells
        Of whole tables; only their families are read.
    people : int
        The number of answer patterns: a table has at most so many distinct copies.
    """

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

    def plan(self, nodes: int, families: Sequence[int]) -> list[Product]:
        """Order the elimination of one component: greedy, smallest cost next.

        Of a component that takes much, the last nodes of the graph are also tried first, a few
        open at a time: over many periods the smallest cost alone lets a front grow in all of them
        at once. Sizes are checked here, before the first template is written.
        """
        best = self._greedy(nodes, families, nodes.bit_count())
        if self._taken(best) > _MUCH:
            others = (self._greedy(nodes, families, open_) for open_ in _OPEN)
            best = min((best, *others), key=self._taken)
        if too_large := next((p for p in best if self._size(_whole(p)) > LARGEST_TABLE), None):
            names = ", ".join(self.cells.graph.names[u] for u in bits(_whole(too_large)))
            raise FitError(
                say(
                    "likelihood.large_table",
                    cells=f"{self._size(_whole(too_large)):,.0f}",
                    nodes=names,
                    limit=f"{LARGEST_TABLE:,}",
                )
            )
        return best

    def _taken(self, plan: Sequence[Product]) -> float:
        """Return the multiplications of a plan, over all copies of its tables."""
        return sum(len(p.tables) * self._cells(_whole(p), _answers(p)) for p in plan)

    def _greedy(self, nodes: int, families: Sequence[int], open_: int) -> list[Product]:
        """Order the elimination by the smallest cost among the last nodes that are left."""
        # Costs are counted anew only for nodes that share a table with the one that went.
        tables = [_Table(v, v, self.members[v] & nodes, self.members[v] & ~nodes) for v in families]
        plan: list[Product] = []
        left = list(bits(nodes))
        costs = {u: self._cost(tables, u) for u in left}
        while left:
            node = min(left[-open_:], key=lambda u: (costs[u], u))
            left.remove(node)
            joined = [table for table in tables if table.scope >> node & 1]
            tables = [table for table in tables if not table.scope >> node & 1]
            made = self._multiply(plan, self._merge(plan, joined), node)
            tables.append(made)
            for u in bits(made.scope):
                costs[u] = self._cost(tables, u)
        return plan

    def demand_room(self, cells: int) -> None:
        """Refuse more cells in all than a fit can hold.

        Raises
        ------
        FitError
        """
        if cells > LARGEST_BUFFER:
            raise FitError(
                say(
                    "likelihood.large_circuit",
                    count=self.people,
                    patterns=f"{self.people:,}",
                    limit=f"{LARGEST_BUFFER:,}",
                )
            )

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
                        break  # since a product is at least as large as its larger factor
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

    def _merge(self, plan: list[Product], joined: Sequence[_Table]) -> list[_Table]:
        """Multiply the pairs that are worth it."""
        left = dict(enumerate(joined))
        pairs = self._pairing(tuple((table.scope, table.answers) for table in joined))[1]
        for made, (i, j) in enumerate(pairs, start=len(joined)):
            left[made] = self._multiply(plan, [left.pop(i), left.pop(j)], None)
        return list(left.values())

    def _multiply(self, plan: list[Product], joined: Sequence[_Table], node: int | None) -> _Table:
        """Plan to multiply tables, and to sum over one node of theirs where one is given."""
        whole = answers = 0
        for table in joined:
            whole |= table.scope
            answers |= table.answers
        scope = whole if node is None else whole & ~(1 << node)
        tables = sorted(joined, key=lambda table: (table.family, table.scope, table.slot))
        plan.append(Product(tuple(tables), scope, node))
        return _Table(len(self.states) + len(plan) - 1, -1, scope, answers)

    def ready(self, product: Product, cells: Cells) -> Step:
        """Find the template of a planned step, by the addresses of the cells that are used."""
        key = (tuple((table.family, table.scope) for table in product.tables), product.node)
        if key not in self._steps:
            self._steps[key] = self._template(product, cells)
        template, order, alike = self._steps[key]
        return Step(template, tuple(product.tables[i].slot for i in order), alike)

    def _template(
        self, product: Product, cells: Cells
    ) -> tuple[int, tuple[int, ...], tuple[tuple[int, int], ...]]:
        """Return a template's number, the order of its tables, and the runs that look alike."""
        joined, node = product.tables, product.node
        axes = list(bits(product.scope)) + ([] if node is None else [node])
        shape = tuple(self.states[u] for u in axes)
        self.demand_room(self._offset_length + math.prod(shape) * len(joined))
        columns = []
        for table in joined:
            relative = np.zeros(shape, dtype=np.int64)
            for u, stride in self._strides(table, cells):
                along = [1] * len(axes)
                along[axes.index(u)] = self.states[u]
                relative += stride * np.arange(self.states[u]).reshape(along)
            columns.append(relative.reshape(-1, 1 if node is None else shape[-1]))
        # A product does not depend on the order of its factors: a fixed one lets steps that differ
        # in it alone be one template.
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

    def _strides(self, table: _Table, cells: Cells) -> list[tuple[int, int]]:
        """Return the open nodes of a table with the distance between their states."""
        if table.family >= 0:
            return cells.strides(table.family, table.scope)
        found, stride = [], 1
        for u in reversed(list(bits(table.scope))):
            found.append((u, stride))
            stride *= self.states[u]
        return found


def _whole(product: Product) -> int:
    """Return the nodes of all tables of a step."""
    return reduce(or_, (table.scope for table in product.tables), 0)


def _answers(product: Product) -> int:
    """Return the observed nodes that all tables of a step depend on."""
    return reduce(or_, (table.answers for table in product.tables), 0)


def bits(nodes: int) -> Iterator[int]:
    """Yield the nodes of a set.

    Examples
    --------
    >>> list(bits(0b1101))
    [0, 2, 3]
    """
    while nodes:
        low = nodes & -nodes
        yield low.bit_length() - 1
        nodes ^= low
