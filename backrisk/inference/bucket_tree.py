"""Each of many variables, alone or with one other: one pass up a bucket tree, one down.

To ask about each of n variables on its own takes n eliminations, most of which repeat each other.
Here variables are summed out once; the tables that were multiplied to sum one out are its bucket,
and the result of the sum is a message to the bucket where it is used next. The buckets form a tree.
Sent back down, the product of everything that a bucket has not seen gives it the joint table of
its own variable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from backrisk._types import Array
from backrisk.errors import QueryError
from backrisk.inference.elimination import LETTERS, Sets, bits, greedy
from backrisk.inference.run import BUDGET
from backrisk.inference.steps import PLANS
from backrisk.inference.twin_network import Variable
from backrisk.inference.watching import watcher
from backrisk.inference.world import World
from backrisk.words import say

# The variables of a table, and how to get it for some draws, (*variables, draw), or one for all.
Fetched = tuple[tuple[Variable, ...], Callable[[slice], Array]]
# A variable that is asked about, the table the product does without, if any, and what it keeps.
_Asked = tuple[Variable, "_Table | None", "set[Variable | None]"]

_OWN = 1  # the world, so to speak, of what a node would have been, had it not been set

_CACHE = 4 * 2**20  # bytes of tables that stay near the processor
_FEW = 64  # draws worked on at once, at least


@dataclass(frozen=True, eq=False)
class _Table:
    """Values over variables, draw axis last."""

    scope: tuple[Variable, ...]
    values: Array

    def laid_out(self, scope: Sequence[Variable]) -> Array:
        """Return the values with their variables in another order."""
        return self.values.transpose(*map(self.scope.index, scope), -1)


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
    events = ([code for code in range(sizes[keep]) if code not in codes], codes)
    _, (beside,) = joints(sources, sizes, keep, wanted, events, world.posterior.draws)
    return beside


def each(world: World, variables: Iterable[Variable]) -> Mapping[Variable, Array]:
    """Return P(variable, evidence) for each of some variables, at about the cost of three.

    Parameters
    ----------
    world : World
    variables : iterable of variables
        Neither seen nor set.

    Returns
    -------
    mapping of variable to ndarray, shape (state, draw)

    Raises
    ------
    QueryError
        If the tables do not fit the budget.
    """
    wanted = frozenset(variables)
    sources = world.sources(tuple(sorted(wanted)))
    sizes = {v: len(world.graph.node(v[0]).states) for scope, _ in sources for v in scope}
    _, (found,) = joints(sources, sizes, None, wanted, [()], world.posterior.draws)
    return {v: table[0] for v, table in found.items()}


def set_in_turn(
    world: World, keep: Variable, nodes: Iterable[str], events: Sequence[Sequence[int]]
) -> Mapping[str, Array]:
    """Return P(keep in an event, a node's own state, evidence) where the node is set to each state.

    A node that is set has lost its table and nothing else: what the others multiply to is in the
    bucket of that table. With the table, its causes tell what the node's own state would have been.
    So all interventions together take one pass up and one down.

    Parameters
    ----------
    world : World
        In which nothing is set.
    keep : variable
        As for `pairs`.
    nodes : iterable of str
        Causes of `keep`, neither seen nor cause of what is seen.
    events : sequence of sequence of int
        States of `keep` that count together.

    Returns
    -------
    mapping of str to ndarray, shape (event, state that is set, own state, draw)

    Raises
    ------
    QueryError
        If the tables do not fit the budget.
    """
    sources = world.sources((keep,))
    sizes = {v: len(world.graph.node(v[0]).states) for scope, _ in sources for v in scope}
    draws = world.posterior.draws
    places = {scope[-1]: place for place, (scope, _) in enumerate(sources) if scope}
    found = {name: np.empty((len(events), sizes[name, 0], sizes[name, 0], draws)) for name in nodes}
    order, chunks = _prepared(sources, sizes, keep, events, draws)
    for some in chunks:
        tables = [_with_events(_Table(scope, get(some)), keep, events) for scope, get in sources]
        buckets, root = _upwards(tables, (), order, keep, {})
        own = {id(tables[places[name, 0]]): name for name in found}

        def about(bucket: _Bucket, own: dict[int, str] = own) -> Iterator[_Asked]:
            for table in bucket.inputs:
                if id(table) in own:
                    yield (own[id(table)], 0), table, {keep, *table.scope}

        for (name, _), rest in _back(buckets, root, keep, about).items():
            table = tables[places[name, 0]]
            alone = _Table((*table.scope[:-1], (name, _OWN)), table.values)
            scope = (keep, (name, 0), (name, _OWN))
            found[name][..., some] = _multiply([rest, alone], set(scope)).laid_out(scope)
    return found


def joints(
    sources: Sequence[Fetched],
    sizes: Mapping[Variable, int],
    keep: Variable | None,
    others: Iterable[Variable],
    events: Sequence[Sequence[int]],
    draws: int,
    alternatives: Sequence[Mapping[Variable, Array]] = ({},),
) -> tuple[list[Array], list[dict[Variable, Array]]]:
    """Return the sum of a product of tables at one variable, and at it with each of some others.

    Without the one variable there is one event, of no states, and each of the others stands alone.

    Parameters
    ----------
    sources : sequence of tables
        Scopes, and how to get the table for some draws.
    sizes : mapping of variable to int
        How many states each variable of a scope has.
    keep, others
        As for `pairs`.
    events : sequence of sequence of int
        States of `keep` that count together.
    draws : int
    alternatives : sequence of mapping of variable to ndarray, each (state, draw) or (state, 1)
        The product is formed with each of them in turn: further tables of one variable, which all
        alternatives give for the same ones.

    Returns
    -------
    alone : list of ndarray, each (event, draw)
        For each alternative.
    beside : list of dict of variable to ndarray, each (event, state, draw)

    Raises
    ------
    QueryError
        If the tables do not fit the budget.
    """
    wanted = frozenset(others)
    order, chunks = _prepared(sources, sizes, keep, events, draws)

    def about(bucket: _Bucket) -> Iterator[_Asked]:
        if bucket.variable is not None and bucket.variable in wanted:
            yield bucket.variable, None, {keep, bucket.variable}

    alone = [np.empty((len(events), draws)) for _ in alternatives]
    beside = [{v: np.empty((len(events), sizes[v], draws)) for v in wanted} for _ in alternatives]
    for some in chunks:
        tables = [_with_events(_Table(scope, get(some)), keep, events) for scope, get in sources]
        known: dict[int, _Table] = {}
        for alternative, one, many in zip(alternatives, alone, beside, strict=True):
            further = [_Table((v,), table) for v, table in alternative.items()]
            buckets, root = _upwards(tables, further, order, keep, known)
            one[:, some] = root.message.values
            for v, joint in _back(buckets, root, keep, about).items():
                # Of one draw, where it is the same in all.
                many[v][..., some] = joint.values if keep is None else joint.laid_out((keep, v))
    return alone, beside


def _prepared(
    sources: Sequence[Fetched],
    sizes: Mapping[Variable, int],
    keep: Variable | None,
    events: Sequence[Sequence[int]],
    draws: int,
) -> tuple[tuple[Variable, ...], Iterator[slice]]:
    """Return the order of elimination, and the draws that are worked on at once."""
    reduced = sizes if keep is None else {**sizes, keep: len(events)}
    order, cells = elimination_order(sources, reduced, keep)
    _demand_room(cells)
    return order, _chunks(cells, draws)


def _demand_room(cells: int) -> None:
    """Refuse what would need more than the budget for a single draw."""
    if 8 * cells > BUDGET:
        raise QueryError(
            say("inference.too_many_pairs", cells=f"{cells:,}", budget=f"{BUDGET // 8:,}")
        )


def _chunks(cells: int, draws: int) -> Iterator[slice]:
    chunk = max(min(max(_CACHE // (8 * cells), _FEW), BUDGET // (8 * cells)), 1)
    for start in range(0, draws, chunk):
        yield slice(start, min(start + chunk, draws))


def elimination_order(
    sources: Sequence[Fetched], sizes: Mapping[Variable, int], keep: Variable | None
) -> tuple[tuple[Variable, ...], int]:
    """Return the order in which variables are summed out, and the cells of the largest table."""
    return _order(tuple(scope for scope, _ in sources), tuple(sizes.items()), keep)


@lru_cache(maxsize=PLANS)
def _order(
    scopes: tuple[tuple[Variable, ...], ...],
    states: tuple[tuple[Variable, int], ...],
    keep: Variable | None,
) -> tuple[tuple[Variable, ...], int]:
    """Order the variables to sum out by weighted min-fill; cells of the largest table."""
    sets = Sets(dict(states))
    near = sets.near(map(sets.set, scopes))
    order, most, kept = [], 1, 0 if keep is None else sets.bit[keep]
    for v in greedy(sets, near, (1 << len(states)) - 1 & ~kept, sets.fill):
        order.append(sets.variables[v])
        most = max(most, sets.cells(near[v] | kept))
    return tuple(order), most


def cliques(
    sources: Sequence[Fetched], sizes: Mapping[Variable, int]
) -> list[tuple[tuple[Variable, ...], int]]:
    """Return the variables of each table that is formed as all are summed out, and its cells."""
    if not sizes:
        return []
    order, _ = elimination_order(sources, sizes, None)
    sets = Sets(dict(sizes))
    near = sets.near(sets.set(scope) for scope, _ in sources)
    places = {v: place for place, v in enumerate(sets.variables)}
    found = []
    for v in order:
        members = near[places[v]] | sets.bit[v]
        found.append((sets.names(members), sets.cells(members)))
        others = members & ~sets.bit[v]
        for u in bits(others):
            near[u] = (near[u] | others) & ~sets.bit[v]
    return found


def _upwards(
    tables: Sequence[_Table],
    further: Sequence[_Table],
    order: Sequence[Variable],
    keep: Variable | None,
    known: dict[int, _Table],
) -> tuple[list[_Bucket], _Bucket]:
    """Sum the variables out one by one; what has nothing to do with `further` is done once."""
    live, changing = [*tables, *further], set(map(id, further))
    buckets: list[_Bucket] = []
    for place, v in enumerate(order):
        joined = tuple(table for table in live if v in table.scope)
        if changing.isdisjoint(map(id, joined)):
            message = known.get(place) or _summed(joined, v)
            known[place] = message
        else:
            message = _summed(joined, v)
            changing.add(id(message))
        buckets.append(_Bucket(v, joined, message))
        live = [table for table in live if v not in table.scope] + [message]
    return buckets, _Bucket(None, tuple(live), _multiply(live, {keep}))


def _summed(tables: Sequence[_Table], v: Variable) -> _Table:
    """Multiply tables and sum a variable out."""
    return _multiply(tables, {u for table in tables for u in table.scope if u != v})


def drawn(
    sources: Sequence[Fetched],
    sizes: Mapping[Variable, int],
    uniforms: Sequence[Mapping[Variable, Array]],
    draws: int,
) -> list[dict[Variable, NDArray[np.int16]]]:
    """Draw states of all variables from the product of tables: sums upwards, states downwards.

    Parameters
    ----------
    sources, sizes
        As for `joints`.
    uniforms : sequence of mapping of variable to ndarray, each (sample,) or (sample, draw)
        For each set of samples: a number between 0 and 1 for each variable, by which its state is
        taken from its distribution given the states that were drawn before. Where they are the
        same for all posterior draws, these differ by their parameters and not by luck.
    draws : int

    Returns
    -------
    list of dict of variable to ndarray of int, each (sample, draw)

    Raises
    ------
    QueryError
        If the tables do not fit the budget.
    """
    order, _ = elimination_order(sources, sizes, None)
    # Every table of the way up is needed on the way down.
    cells = max(sum(size for _, size in cliques(sources, sizes)), 1)
    _demand_room(cells)
    found: list[dict[Variable, NDArray[np.int16]]] = [
        {v: np.empty((len(u), draws), np.int16) for v, u in numbers.items()} for numbers in uniforms
    ]
    for some in _chunks(cells, draws):
        live = [_Table(scope, get(some)) for scope, get in sources]
        buckets: list[_Bucket] = []
        for v in order:
            joined = tuple(table for table in live if v in table.scope)
            message = _summed(joined, v)
            buckets.append(_Bucket(v, joined, message))
            live = [table for table in live if v not in table.scope] + [message]
        known: dict[Variable, NDArray[np.int16]] = {}
        for bucket in reversed(buckets):
            variable = bucket.variable
            assert variable is not None
            lucks = [numbers[variable] for numbers in uniforms]  # all sets at once
            luck = np.concatenate([u[:, None] if u.ndim == 1 else u[:, some] for u in lucks])
            known[variable] = _one_state(bucket, variable, known, luck)
            ends = np.cumsum([len(u) for u in lucks])[:-1]
            for states, part in zip(found, np.split(known[variable], ends), strict=True):
                states[variable][:, some] = part
    return found


def _one_state(
    bucket: _Bucket,
    variable: Variable,
    known: Mapping[Variable, NDArray[np.int16]],
    uniforms: Array,
) -> NDArray[np.int16]:
    """Draw a variable's state given those of the others in its bucket: ``(sample, draw)``.

    The numbers are ``(sample, draw)`` or ``(sample, 1)``.
    """
    weights: Array = np.ones((1, 1, 1))
    for table in bucket.inputs:
        others = [v for v in table.scope if v != variable]
        values = table.laid_out((variable, *others))
        *sizes, draws = values.shape[1:]
        at: NDArray[np.intp] = np.zeros((1, 1), np.intp)
        for v, size in zip(others, sizes, strict=True):
            at = at * size + known[v]
        # Looking up in one long row is several times faster than by an index for each axis.
        weights = weights * values.reshape(len(values), -1).take(
            at * draws + np.arange(draws), axis=1
        )
    below = np.cumsum(weights, axis=0)
    state: NDArray[np.int16] = below[:-1] < uniforms * below[-1]
    return state.sum(axis=0, dtype=np.int16)


def _back(
    buckets: Sequence[_Bucket],
    root: _Bucket,
    keep: Variable | None,
    about: Callable[[_Bucket], Iterable[_Asked]],
) -> dict[Variable, _Table]:
    """Send what each bucket did not see back to it, where something is asked about it."""
    asked = {id(bucket): tuple(about(bucket)) for bucket in buckets}
    above = {id(table): bucket for bucket in (*buckets, root) for table in bucket.inputs}
    visited = {id(root)}
    for bucket in buckets:
        at = bucket
        while asked[id(bucket)] and id(at) not in visited:
            visited.add(id(at))
            at = above[id(at.message)]
    unseen: dict[int, list[_Table]] = {id(root): []}
    found: dict[Variable, _Table] = {}
    for bucket in reversed(buckets):
        if id(bucket) not in visited:
            continue
        parent = above[id(bucket.message)]
        rest = [table for table in parent.inputs if table is not bucket.message]
        rest += unseen[id(parent)]
        unseen[id(bucket)] = [_multiply(rest, {*bucket.message.scope, keep})] if rest else []
        for variable, lost, kept in asked[id(bucket)]:
            inputs = [table for table in bucket.inputs if table is not lost]
            found[variable] = _multiply([*inputs, *unseen[id(bucket)]], kept)
    return found


def _with_events(table: _Table, keep: Variable | None, events: Sequence[Sequence[int]]) -> _Table:
    """Reduce the axis of a variable's states to one entry for each event."""
    if keep is None or keep not in table.scope:
        return table
    axis = table.scope.index(keep)
    values = np.moveaxis(table.values, axis, 0)
    if [list(codes) for codes in events] == [[code] for code in range(len(values))]:
        return table
    found = np.zeros((len(events), *values.shape[1:]))
    for total, codes in zip(found, events, strict=True):
        for code in codes:
            total += values[code]
    return _Table(table.scope, np.moveaxis(found, 0, axis))


def _multiply(tables: Sequence[_Table], keep: set[Variable | None]) -> _Table:
    """Multiply tables and sum out all variables but some."""
    watcher()(v for table in tables for v in table.scope)
    operands = sorted(tables, key=lambda table: table.values.size)
    while len(operands) > 2:
        first, second = operands[:2]
        operands[:2] = [_multiply([first, second], {*first.scope, *second.scope})]
        operands.sort(key=lambda table: table.values.size)
    scope, subscripts = _subscripts(tuple(table.scope for table in operands), frozenset(keep))
    return _Table(scope, np.einsum(subscripts, *(table.values for table in operands)))


@lru_cache(maxsize=4096)
def _subscripts(
    scopes: tuple[tuple[Variable, ...], ...], keep: frozenset[Variable | None]
) -> tuple[tuple[Variable, ...], str]:
    """Return the kept scope and how to write the product of tables for einsum."""
    union = sorted({v for scope in scopes for v in scope})
    letter = dict(zip(union, LETTERS, strict=False))
    kept = tuple(v for v in union if v in keep)
    inputs = ",".join("".join(letter[v] for v in scope) + "Z" for scope in scopes)
    return kept, f"{inputs}->{''.join(letter[v] for v in kept)}Z"
