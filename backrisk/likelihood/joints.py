"""The exact joint distribution of some nodes, and how it moves with every CPT.

Unobserved nodes are summed out of the product of all CPTs, as in the circuit of a survey: values
on the way forward, and on the way back the cotangent of each CPT, which is the expected family
count that the circuit's gradient is made of. Nothing is observed here, so that a table keeps the
axes of all nodes that are asked for; many parameter values go through at once, on the last axis.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from backrisk._types import Array
from backrisk.graph import CausalGraph
from backrisk.likelihood.planner import bits


class _Step(NamedTuple):
    """Two tables, or one, multiplied and summed over what is not in the scope left."""

    inputs: tuple[int, ...]
    scope: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Joint:
    """The joint distribution of some nodes as a function of all CPTs.

    Parameters
    ----------
    graph : CausalGraph
    keep : tuple of str
        The nodes, in the order of the axes.
    cut : str, optional
        A node that is set by lot: its states are equally likely whatever its parents are.

    Examples
    --------
    >>> states = {"a": ["no", "yes"], "b": ["no", "yes"]}
    >>> joint = Joint(CausalGraph.from_edges([("a", "b")], states), ("b",))
    >>> tables = {"a": [0.75, 0.25], "b": [[0.5, 0.5], [0.1, 0.9]]}
    >>> passed = joint.forward({n: np.array(t)[..., None] for n, t in tables.items()})
    >>> passed[-1][:, 0].round(3).tolist()
    [0.4, 0.6]
    >>> joint.backward(passed, np.array([[1.0], [0.0]]))["a"][:, 0].tolist()
    [0.5, 0.1]
    """

    graph: CausalGraph
    keep: tuple[str, ...]
    cut: str | None = None

    @cached_property
    def nodes(self) -> tuple[str, ...]:
        """The nodes whose CPTs matter: those kept and what lies above them."""
        above = set(self.keep)
        for name in reversed(self.graph.topological):
            if name in above and name != self.cut:
                above |= set(self.graph.parents(name))
        return tuple(name for name in self.graph.names if name in above)

    @cached_property
    def _scopes(self) -> list[tuple[int, ...]]:
        place = {name: i for i, name in enumerate(self.graph.names)}
        return [
            tuple(place[n] for n in ((name,) if name == self.cut else self._family(name)))
            for name in self.nodes
        ]

    def _family(self, name: str) -> tuple[str, ...]:
        return (*self.graph.parents(name), name)

    @cached_property
    def _steps(self) -> tuple[tuple[_Step, ...], int]:
        """The steps in order, greedily by the size of the table that a sum runs over."""
        scopes = [_set(scope) for scope in self._scopes]
        kept = _set(self.graph.names.index(name) for name in self.keep)
        live = set(range(len(scopes)))
        left = _set(i for scope in self._scopes for i in scope) & ~kept
        steps: list[_Step] = []
        most = 0

        def join(inputs: Sequence[int], scope: int) -> int:
            steps.append(_Step(tuple(inputs), tuple(bits(scope))))
            scopes.append(scope)
            return len(scopes) - 1

        def multiplied(chosen: Iterable[int], gone: int) -> None:
            nonlocal most
            order = sorted(chosen, key=lambda i: (self._size(scopes[i]), i))
            live.difference_update(order)
            whole = _union(scopes[i] for i in order)
            most = max(most, self._size(whole))
            while len(order) > 2:  # small ones first, so that products stay small for long
                first, second, *rest = order
                order = [join((first, second), scopes[first] | scopes[second]), *rest]
                order.sort(key=lambda i: (self._size(scopes[i]), i))
            live.add(join(order, whole & ~gone))

        while left:

            def cost(v: int) -> tuple[int, int]:
                return self._size(_union(scopes[i] for i in live if scopes[i] >> v & 1)), v

            v = min(bits(left), key=cost)
            left &= ~(1 << v)
            multiplied([i for i in live if scopes[i] >> v & 1], 1 << v)
        multiplied(live.copy(), 0)
        # The axes of the last one are those that were asked for, in their order.
        asked = tuple(self.graph.names.index(name) for name in self.keep)
        steps[-1] = steps[-1]._replace(scope=asked)
        return tuple(steps), most

    @property
    def cells(self) -> int:
        """The cells of the largest table that has to be laid out."""
        return self._steps[1]

    def _size(self, scope: int) -> int:
        return math.prod(len(self.graph.nodes[i].states) for i in bits(scope))

    def forward(self, tables: Mapping[str, Array]) -> list[Array]:
        """Return all tables on the way, the joint distribution last.

        Parameters
        ----------
        tables : mapping of node to ndarray, shape (*parents, state, draw)

        Returns
        -------
        list of ndarray
            The last has the shape ``(*keep, draw)``.
        """
        found = [self._table(name, tables) for name in self.nodes]
        scopes = list(self._scopes)
        for step in self._steps[0]:
            found.append(_product([(found[i], scopes[i]) for i in step.inputs], step.scope))
            scopes.append(step.scope)
        return found

    def _table(self, name: str, tables: Mapping[str, Array]) -> Array:
        if name != self.cut:
            return tables[name]
        states = len(self.graph.node(name).states)
        return np.full((states, 1), 1.0 / states)

    def backward(self, passed: Sequence[Array], cotangent: Array) -> dict[str, Array]:
        """Return how a function of the joint distribution moves with every CPT.

        Parameters
        ----------
        passed : list of ndarray
            What `forward` gave, for one draw.
        cotangent : ndarray, shape (*keep, function)
            The derivatives of any number of functions with respect to the joint distribution.

        Returns
        -------
        mapping of node to ndarray, shape (*parents, state, function)
        """
        steps, first = self._steps[0], len(self.nodes)
        scopes = [*self._scopes, *(step.scope for step in steps)]
        # Every table is used once, so that its cotangent is that of one step.
        moved: list[Any] = [None] * len(scopes)
        moved[-1] = cotangent
        for at in range(len(scopes) - 1, first - 1, -1):
            inputs = steps[at - first].inputs
            for i in inputs:
                others = [(passed[j], scopes[j]) for j in inputs if j != i]
                known = [(moved[at], scopes[at]), *others]
                moved[i] = _spread(
                    _product(known, _shared(known, scopes[i])), known, scopes[i], passed[i].shape
                )
            moved[at] = None
        return {name: moved[i] for i, name in enumerate(self.nodes) if name != self.cut}


def _set(members: Iterable[int]) -> int:
    return _union(1 << i for i in members)


def _union(sets: Iterable[int]) -> int:
    found = 0
    for each in sets:
        found |= each
    return found


def _shared(tables: Sequence[tuple[Array, tuple[int, ...]]], scope: tuple[int, ...]) -> list[int]:
    """Return the axes of a scope that some table has."""
    known = {i for _, axes in tables for i in axes}
    return [i for i in scope if i in known]


def _spread(
    found: Array,
    tables: Sequence[tuple[Array, tuple[int, ...]]],
    scope: tuple[int, ...],
    shape: tuple[int, ...],
) -> Array:
    """Repeat a table along the axes that were summed over before anything else knew them."""
    known = _shared(tables, scope)
    sizes = [n if i in known else 1 for i, n in zip(scope, shape[:-1], strict=True)]
    full = (*shape[:-1], found.shape[-1])
    return np.broadcast_to(found.reshape(*sizes, found.shape[-1]), full)


def _product(tables: Sequence[tuple[Array, tuple[int, ...]]], scope: Sequence[int]) -> Array:
    """Multiply tables and sum over all axes but those of a scope, and that of draws."""
    if len(tables) == 2 and 1 in (found.shape[-1] for found, _ in tables):
        return _matrix_product(tables[0], tables[1], scope)
    axes = {i: at for at, i in enumerate(dict.fromkeys(i for _, own in tables for i in own))}
    arguments: list[Any] = []
    for table, own in tables:
        arguments += [table, [*(axes[i] for i in own), ...]]
    found: Array = np.einsum(*arguments, [*(axes[i] for i in scope), ...])
    return found


def _matrix_product(
    one: tuple[Array, tuple[int, ...]], other: tuple[Array, tuple[int, ...]], scope: Sequence[int]
) -> Array:
    """Do the same of two tables, at most one of which has draws: several times faster."""
    (first, a), (second, b) = (_kept(*one, other[1], scope), _kept(*other, one[1], scope))
    size = dict(zip(a, first.shape, strict=False)) | dict(zip(b, second.shape, strict=False))
    both = [i for i in a if i in b and i in scope]
    summed = [i for i in a if i in b and i not in scope]
    left, right = [i for i in a if i not in b], [i for i in b if i not in a]
    draws = first.shape[-1], second.shape[-1]

    def laid(table: Array, own: Sequence[int], order: Sequence[int], *shape: int) -> Array:
        at = [len(own) if i < 0 else own.index(i) for i in order]
        return table.transpose(at).reshape(shape)

    many, inner, rows, columns = (
        math.prod(size[i] for i in axes) for axes in (both, summed, left, right)
    )
    found = laid(first, a, [*both, *left, -1, *summed], many, rows * draws[0], inner) @ laid(
        second, b, [*both, *summed, *right, -1], many, inner, columns * draws[1]
    )
    order = [*both, *left, -1, *right, -2]
    whole = found.reshape(
        [*(size[i] for i in (*both, *left)), draws[0], *(size[i] for i in right), draws[1]]
    )
    shape = [*(size[i] for i in scope), draws[0] * draws[1]]
    return whole.transpose([order.index(i) for i in (*scope, -1, -2)]).reshape(shape)


def _kept(
    table: Array, own: Sequence[int], others: Sequence[int], scope: Sequence[int]
) -> tuple[Array, tuple[int, ...]]:
    """Sum a table over the axes that nothing else has and nobody asks for."""
    gone = tuple(at for at, i in enumerate(own) if i not in others and i not in scope)
    return table.sum(axis=gone), tuple(i for at, i in enumerate(own) if at not in gone)
