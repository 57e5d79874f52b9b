"""Exact queries for every draw at once: sum-product with the draw axis last.

A variable is a pair ``(node, world)``. World 0 is the one that was seen; world 1 is the one that
would have been under an intervention. Nodes that the intervention cannot reach exist in world 0
alone and are shared.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from backrisk.errors import QueryError
from backrisk.graph import CausalGraph
from backrisk.mechanisms import independent_causes

Array = NDArray[np.float64]
Variable = tuple[str, int]

COUPLINGS = ("monotone", "independent_causes", "independent")
BUDGET = 512 * 2**20  # bytes that the largest table of a query may take


@dataclass(frozen=True, eq=False)
class Factor:
    """A table over variables, draw axis last: shape ``(*scope, draw)``."""

    scope: tuple[Variable, ...]
    table: Array


@lru_cache(maxsize=1024)
def _plan(
    scopes: tuple[tuple[Variable, ...], ...],
    sizes: tuple[tuple[Variable, int], ...],
    keep: tuple[Variable, ...],
) -> tuple[tuple[Variable, ...], int, tuple[Variable, ...]]:
    """Order the variables to sum out, smallest table first; cells and scope of the largest."""
    size = dict(sizes)
    live = [frozenset(scope) for scope in scopes]
    left = {v for scope in live for v in scope} - set(keep)

    def joined(v: Variable) -> frozenset[Variable]:
        return frozenset().union(*(scope for scope in live if v in scope))

    def cells(scope: Iterable[Variable]) -> int:
        total = 1
        for v in scope:
            total *= size[v]
        return total

    order = []
    largest = frozenset(keep)
    while left:
        v = min(left, key=lambda u: (cells(joined(u)), u))
        union = joined(v)
        largest = max(largest, union, key=cells)
        live = [scope for scope in live if v not in scope] + [union - {v}]
        left.remove(v)
        order.append(v)
    return tuple(order), cells(largest), tuple(sorted(largest))


def contract(factors: Sequence[Factor], keep: Sequence[Variable]) -> Array:
    """Multiply factors and sum out all but the kept variables.

    Parameters
    ----------
    factors : sequence of Factor
    keep : sequence of variables
        Each in the scope of some factor.

    Returns
    -------
    ndarray, shape (*keep, draw)

    Raises
    ------
    QueryError
        If a single draw would need more than `BUDGET` bytes; nothing is allocated.
    """
    sizes: dict[Variable, int] = {}
    for factor in factors:
        sizes |= dict(zip(factor.scope, factor.table.shape, strict=False))
    order, cells, largest = _plan(
        tuple(factor.scope for factor in factors), tuple(sorted(sizes.items())), tuple(keep)
    )
    if 8 * cells > BUDGET:
        names = ", ".join(sorted({node for node, _ in largest}))
        raise QueryError(
            f"The answer needs a table of {cells:,} cells for each draw, over {names}; the budget "
            f"is {BUDGET // 8:,}. Report more of these nodes."
        )
    draws = max(factor.table.shape[-1] for factor in factors)
    chunk = max(1, min(draws, BUDGET // (8 * cells)))
    parts = []
    for start in range(0, draws, chunk):
        part = [
            Factor(
                f.scope, f.table[..., start : start + chunk] if f.table.shape[-1] > 1 else f.table
            )
            for f in factors
        ]
        parts.append(_sum_product(part, order, tuple(keep)))
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=-1)


def _sum_product(
    factors: Sequence[Factor], order: Sequence[Variable], keep: tuple[Variable, ...]
) -> Array:
    live = list(factors)
    for v in order:
        joined = [factor for factor in live if v in factor.scope]
        union = (*sorted({u for f in joined for u in f.scope if u != v}), v)
        table = _multiply(joined, union).sum(axis=-2)
        live = [factor for factor in live if v not in factor.scope] + [Factor(union[:-1], table)]
    return _multiply(live, keep)


def _multiply(factors: Sequence[Factor], scope: tuple[Variable, ...]) -> Array:
    aligned = [align(factor.table, factor.scope, scope) for factor in factors]
    aligned.sort(key=lambda table: table.size)
    product = aligned[0]
    for table in aligned[1:]:
        product = product * table
    return product


def align(table: Array, scope: Sequence[Variable], union: Sequence[Variable]) -> Array:
    """Lay a table's axes out in the order of a larger scope, trailing axes kept."""
    order = sorted(range(len(scope)), key=lambda i: union.index(scope[i]))
    trailing = range(len(scope), table.ndim)
    shape = [table.shape[scope.index(v)] if v in scope else 1 for v in union]
    return table.transpose(*order, *trailing).reshape(*shape, *table.shape[len(scope) :])


class Tables(Protocol):
    """What the engine needs of a posterior."""

    @property
    def graph(self) -> CausalGraph:
        """The causal DAG."""

    @property
    def draws(self) -> int:
        """Number of draws."""

    def table(self, name: str) -> Array:
        """Return a node's CPT, shape ``(*parents, state, draw)``."""


@dataclass(frozen=True, eq=False)
class World:
    """What is asked of a posterior: evidence in world 0, an intervention that makes world 1.

    Parameters
    ----------
    posterior : Tables
        A posterior.
    evidence : mapping of node to state code
        Seen in world 0.
    do : mapping of node to state code
        Set in world 1.
    coupling : str
        How a node's noise is shared between the worlds.
    free : tuple of str
        Intervened nodes whose value in world 1 is left open, as an axis.
    """

    posterior: Tables
    evidence: Mapping[str, int]
    do: Mapping[str, int]
    coupling: str = "monotone"
    free: tuple[str, ...] = ()

    @property
    def graph(self) -> CausalGraph:
        """The posterior's graph."""
        return self.posterior.graph

    def variable(self, node: str) -> Variable:
        """Return a node as it is in world 1, which is world 0 where nothing reaches it."""
        return (node, int(node in self._changed))

    @property
    def _changed(self) -> frozenset[str]:
        set_nodes = (*self.do, *self.free)
        return frozenset(set_nodes).union(*(self.graph.descendants(n) for n in set_nodes))

    def joint(self, keep: Sequence[Variable]) -> Array:
        """Return ``P(keep, evidence)``, shape ``(*keep, draw)``.

        Kept variables are neither seen nor set.
        """
        return contract(self._factors(keep), keep)

    def _factors(self, keep: Sequence[Variable]) -> list[Factor]:
        needed = self._needed(keep)
        factors = [Factor((), np.ones(self.posterior.draws))]
        for name in self.free:  # also where other intervened nodes cut off all its effects
            states = len(self.graph.node(name).states)
            factors.append(Factor(((name, 1),), np.ones((states, 1))))
        for name in self.graph.names:
            here, there = (name, 0) in needed, (name, 1) in needed
            if name in self.do or name in self.free:
                there = False
            if here and there:
                factors.append(self._pair(name))
            elif here or there:
                factors.append(self._single(name, int(there)))
        return factors

    def _needed(self, keep: Sequence[Variable]) -> set[Variable]:
        """Return the kept and seen variables with all their causes; the rest sums to one."""
        changed = self._changed
        needed: set[Variable] = set()
        waiting = [*keep, *((name, 0) for name in self.evidence)]
        while waiting:
            name, world = waiting.pop()
            if (name, world) in needed:
                continue
            needed.add((name, world))
            if world and (name in self.do or name in self.free):
                continue
            waiting += [(p, int(world and p in changed)) for p in self.graph.parents(name)]
        return needed

    def _value(self, node: str, world: int) -> int | None:
        """Return the state of a variable, if it is seen or set."""
        return self.do.get(node) if world else self.evidence.get(node)

    def _sliced(self, name: str, world: int) -> tuple[tuple[Variable, ...], Array]:
        """Return the CPT of a node in a world, sliced at its known parents; the open ones."""
        changed = self._changed
        index: list[Any] = []
        scope: list[Variable] = []
        for parent in self.graph.parents(name):
            variable = (parent, int(world and parent in changed))
            value = self._value(*variable)
            index.append(slice(None) if value is None else value)
            if value is None:
                scope.append(variable)
        return tuple(scope), self.posterior.table(name)[tuple(index)]

    def _single(self, name: str, world: int) -> Factor:
        scope, table = self._sliced(name, world)
        value = self._value(name, world)
        if value is not None:
            return Factor(scope, table[..., value, :])
        return Factor((*scope, (name, world)), table)

    def _pair(self, name: str) -> Factor:
        """Return the joint table of a node in both worlds, by coupling its two CDFs."""
        scope0, table0 = self._sliced(name, 0)
        scope1, table1 = self._sliced(name, 1)
        union = tuple(dict.fromkeys((*scope0, *scope1)))
        joint: Array | None = None
        if self.coupling == "independent_causes":
            joint = self._pair_of_causes(name, union)
        if joint is None:
            first, second = _levels(table0), _levels(table1)
            value = self._value(name, 0)
            if value is not None:
                first = first[..., value : value + 2, :]
            here = align(first, scope0, union)[..., :, None, :]
            there = align(second, scope1, union)[..., None, :, :]
            independent = self.coupling == "independent"
            joint = here * there if independent else np.minimum(here, there)
        table = np.diff(np.diff(joint, axis=-3), axis=-2)
        if self._value(name, 0) is not None:
            return Factor((*union, (name, 1)), table[..., 0, :, :])
        return Factor((*union, (name, 0), (name, 1)), table)

    def _pair_of_causes(self, name: str, union: tuple[Variable, ...]) -> Array | None:
        """Return the joint CDF where each cause has its own noise; None if the CPT forbids it."""
        found = independent_causes(self.posterior.table(name))
        if found is None:
            return None
        leak, causes = found
        value = self._value(name, 0)
        window = slice(None) if value is None else slice(value, value + 2)
        changed = self._changed
        levels = _levels(np.diff(leak, axis=0, prepend=0.0))
        joint = np.minimum(levels[window][:, None], levels[None])
        joint = joint.reshape(*(1,) * len(union), *joint.shape)
        for parent, cause in zip(self.graph.parents(name), causes, strict=True):
            zero = np.zeros_like(cause[:, :1])
            # Below the lowest state the CDF is 0, whatever the cause: any factor will do there.
            bounds = np.concatenate([zero + 1.0, cause], axis=1)
            sides = []
            for world in (0, 1):
                variable = (parent, int(world and parent in changed))
                known = self._value(*variable)
                scope = () if known is not None else (variable,)
                side = bounds if known is None else bounds[known]
                side = side[..., window, :] if world == 0 else side
                sides.append(align(side, scope, union))
            joint = joint * np.minimum(sides[0][..., :, None, :], sides[1][..., None, :, :])
        return joint


def _levels(table: Array) -> Array:
    """Return the CDF over the state axis with a leading zero: ``(..., state + 1, draw)``."""
    below = np.cumsum(table, axis=-2)
    below[..., -1, :] = 1.0
    return np.concatenate([np.zeros_like(below[..., :1, :]), below], axis=-2)
