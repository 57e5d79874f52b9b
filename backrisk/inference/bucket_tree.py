"""The joint of one variable with each of many others: one pass up a bucket tree, one down.

To ask about each of n variables on its own takes n eliminations, most of which repeat each other.
Here variables are summed out once; the tables that were multiplied to sum one out are its bucket,
and the result of the sum is a message to the bucket where it is used next. The buckets form a tree.
Sent back down, the product of everything that a bucket has not seen gives it the joint table of
its own variable.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from backrisk._types import Array
from backrisk.errors import QueryError
from backrisk.inference.elimination import LETTERS, Sets, greedy
from backrisk.inference.run import BUDGET
from backrisk.inference.twin_network import Variable
from backrisk.inference.world import World
from backrisk.words import say

_CACHE = 4 * 2**20  # bytes of tables that stay near the processor


@dataclass(frozen=True, eq=False)
class _Table:
    """Values over variables, draw axis last."""

    scope: tuple[Variable, ...]
    values: Array


@dataclass(frozen=True, eq=False)
class _Bucket:
    """What was multiplied to sum out one variable, and the message that came of it."""

    variable: Variable | None
    inputs: tuple[_Table, ...]
    message: _Table


def pairs(
    world: World, keep: Variable, others: Iterable[Variable], codes: Sequence[int]
) -> Mapping[Variable, Array]:
    """Return P(keep in codes or not, other, evidence) for each other variable.

    Variables are summed out one by one; then what each bucket did not see flows back to it
    (Kask, Dechter, Larrosa and Dechter 2005, doi:10.1016/j.artint.2005.04.001). All the joint
    tables together cost about three times what one does.

    Parameters
    ----------
    world : World
    keep : variable
        Neither seen nor set, nor cause of anything that is seen.
    others : iterable of variables
        Neither seen nor set, none of them `keep`.
    codes : sequence of int
        States of `keep` that count.

    Returns
    -------
    mapping of variable to ndarray, shape (2, state, draw)
        First axis: `keep` outside the codes, and in them.

    Raises
    ------
    QueryError
        If the tables do not fit the budget.
    """
    wanted = frozenset(others)
    sources = world.sources((keep, *sorted(wanted)))
    sizes = {v: len(world.graph.node(v[0]).states) for scope, _ in sources for v in scope}
    order, cells = _order(tuple(scope for scope, _ in sources), tuple(sizes.items()), keep)
    if 8 * cells > BUDGET:
        raise QueryError(
            say("inference.too_many_pairs", cells=f"{cells:,}", budget=f"{BUDGET // 8:,}")
        )
    draws = world.posterior.draws
    chunk = max(_CACHE // (8 * cells), 64)
    found = {v: np.empty((2, sizes[v], draws)) for v in wanted}
    for start in range(0, draws, chunk):
        some = slice(start, min(start + chunk, draws))
        tables = [_Table(scope, fetch(some)) for scope, fetch in sources]
        for v, joint in _joints(tables, order, keep, wanted, codes).items():
            found[v][..., some] = joint  # of one draw, where it is the same in all
    return found


@lru_cache(maxsize=4096)
def _order(
    scopes: tuple[tuple[Variable, ...], ...],
    states: tuple[tuple[Variable, int], ...],
    keep: Variable,
) -> tuple[tuple[Variable, ...], int]:
    """Order the variables to sum out by weighted min-fill; cells of the largest table."""
    sets = Sets(dict(states))
    near = sets.near(map(sets.set, scopes))
    order, most, kept = [], 1, sets.bit[keep]
    for v in greedy(sets, near, (1 << len(states)) - 1 & ~kept, sets.fill):
        order.append(sets.variables[v])
        most = max(most, sets.cells(near[v] | kept))
    return tuple(order), most


def _joints(
    tables: Sequence[_Table],
    order: Sequence[Variable],
    keep: Variable,
    wanted: frozenset[Variable],
    codes: Sequence[int],
) -> dict[Variable, Array]:
    live = [
        _Table(table.scope, _event(table.values, table.scope.index(keep), codes))
        if keep in table.scope
        else table
        for table in tables
    ]
    buckets: list[_Bucket] = []
    for v in order:
        joined = tuple(table for table in live if v in table.scope)
        message = _multiply(joined, {u for table in joined for u in table.scope if u != v})
        buckets.append(_Bucket(v, joined, message))
        live = [table for table in live if v not in table.scope] + [message]
    return _back(buckets, _Bucket(None, tuple(live), _multiply(live, {keep})), keep, wanted)


def _back(
    buckets: Sequence[_Bucket], root: _Bucket, keep: Variable, wanted: frozenset[Variable]
) -> dict[Variable, Array]:
    """Send what each bucket did not see back to it, where a wanted variable lies there."""
    above = {id(table): bucket for bucket in (*buckets, root) for table in bucket.inputs}
    visited = {id(root)}
    for bucket in buckets:
        at = bucket
        while bucket.variable in wanted and id(at) not in visited:
            visited.add(id(at))
            at = above[id(at.message)]
    unseen: dict[int, list[_Table]] = {id(root): []}
    found: dict[Variable, Array] = {}
    for bucket in reversed(buckets):
        if id(bucket) not in visited:
            continue
        parent = above[id(bucket.message)]
        rest = [table for table in parent.inputs if table is not bucket.message]
        rest += unseen[id(parent)]
        unseen[id(bucket)] = [_multiply(rest, {*bucket.message.scope, keep})] if rest else []
        if bucket.variable is not None and bucket.variable in wanted:
            joint = _multiply([*bucket.inputs, *unseen[id(bucket)]], {keep, bucket.variable})
            first = joint.scope.index(keep)
            found[bucket.variable] = joint.values if first == 0 else joint.values.swapaxes(0, 1)
    return found


def _event(table: Array, axis: int, codes: Sequence[int]) -> Array:
    """Reduce the axis of a node's states to: outside the codes, in them."""
    inside = np.isin(np.arange(table.shape[axis]), codes)
    parts = [table.compress(chosen, axis=axis).sum(axis=axis) for chosen in (~inside, inside)]
    return np.stack(parts, axis=axis)


def _multiply(tables: Sequence[_Table], keep: set[Variable]) -> _Table:
    """Multiply tables and sum out all variables but some."""
    operands = sorted(tables, key=lambda table: table.values.size)
    while len(operands) > 2:
        first, second = operands[:2]
        operands[:2] = [_multiply([first, second], {*first.scope, *second.scope})]
        operands.sort(key=lambda table: table.values.size)
    scope, subscripts = _subscripts(tuple(table.scope for table in operands), frozenset(keep))
    return _Table(scope, np.einsum(subscripts, *(table.values for table in operands)))


@lru_cache(maxsize=4096)
def _subscripts(
    scopes: tuple[tuple[Variable, ...], ...], keep: frozenset[Variable]
) -> tuple[tuple[Variable, ...], str]:
    """Return the kept scope and how to write the product of tables for einsum."""
    union = sorted({v for scope in scopes for v in scope})
    letter = dict(zip(union, LETTERS, strict=False))
    kept = tuple(v for v in union if v in keep)
    inputs = ",".join("".join(letter[v] for v in scope) + "Z" for scope in scopes)
    return kept, f"{inputs}->{''.join(letter[v] for v in kept)}Z"
