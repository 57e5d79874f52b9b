"""Each of many variables, alone or with one other: one pass up a bucket tree, one down.

To ask about each of n variables on its own takes n eliminations, most of which repeat each other.
Here variables are summed out once; the tables that were multiplied to sum one out are its bucket,
and the result of the sum is a message to the bucket where it is used next. The buckets form a tree.
Sent back down, the product of everything that a bucket has not seen gives it the joint table of
its own variable.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from backrisk._types import Array
from backrisk.errors import QueryError
from backrisk.inference.circuits import (
    BUDGET,
    Drafted,
    QueryCircuit,
    evaluated,
    worth_compiling,
)
from backrisk.inference.elimination import TRIES, Sets, bits, greedy, tries
from backrisk.inference.slices import Table, as_array
from backrisk.inference.steps import PLANS
from backrisk.inference.threads import in_threads, workers
from backrisk.inference.twin_network import Variable
from backrisk.inference.world import World
from backrisk.words import say

# The variables of a table, and how to get it for some draws, (*variables, draw), or one for all.
Fetched = tuple[tuple[Variable, ...], Callable[[slice], Table]]
Scopes = tuple[tuple[Variable, ...], ...]
States = tuple[tuple[Variable, int], ...]
# A variable that is asked about, the table the product does without, if any, and what it keeps.
_Asked = tuple[Variable, "int | None", "set[Variable | None]"]

_OWN = 1  # the world, so to speak, of what a node would have been, had it not been set

_CACHE = 4 * 2**20  # bytes of tables that stay near the processor
_GIVEN = 32 * 2**20  # bytes of tables that compiled loops are given at once
_FEW = 64  # draws worked on at once, at least
_WORTH_SHARING = 10**6  # cells times draws from which on threads are worth starting


@dataclass(frozen=True)
class _Bucket:
    """The tables that were multiplied to sum out one variable, and the message that came of it."""

    variable: Variable | None
    inputs: tuple[int, ...]
    message: int


def each(world: World, variables: Iterable[Variable]) -> Mapping[Variable, Array]:
    """Return P(variable, evidence) for each of some variables, at about the cost of three.

    Variables are summed out one by one; then what each bucket did not see flows back to it
    (Kask, Dechter, Larrosa and Dechter 2005, doi:10.1016/j.artint.2005.04.001).

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
    if not wanted:
        return {}
    sources = world.sources(tuple(sorted(wanted)))
    sizes = {v: len(world.graph.node(v[0]).states) for scope, _ in sources for v in scope}
    _, (found,) = joints(sources, sizes, None, wanted, [()], world.posterior.draws)
    return {v: table[0] for v, table in found.items()}


def set_in_turn(
    world: World,
    keep: Variable | None,
    nodes: Iterable[str],
    events: Sequence[Sequence[int]] = ((),),
) -> Mapping[str, Array]:
    """Return P(keep in an event, a node's own state, evidence) where the node is set to each state.

    A node that is set has lost its table and nothing else: what the others multiply to is in the
    bucket of that table. With the table, its causes tell what the node's own state would have been.
    So all interventions together take one pass up and one down.

    Parameters
    ----------
    world : World
        In which nothing is set.
    keep : variable, optional
        Neither seen nor set, nor cause of anything that is seen. Without it there is one event, of
        no states: what `World.among` speaks of.
    nodes : iterable of str
        Causes of `keep`, or of what is known to be among some states; neither seen nor cause of
        what is seen.
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
    sources = world.sources(() if keep is None else (keep,))
    sizes = {v: len(world.graph.node(v[0]).states) for scope, _ in sources for v in scope}
    draws, wanted = world.posterior.draws, tuple(nodes)
    reduced = sizes if keep is None else {**sizes, keep: len(events)}
    scopes = tuple(scope for scope, _ in sources)
    circuit, cells = _set_in_turn(scopes, tuple(reduced.items()), keep, wanted)
    _demand_room(cells)
    places = [_place(scopes, name) for name in wanted]
    found = {
        name: np.empty((len(events), sizes[name, 0], sizes[name, 0], draws)) for name in wanted
    }
    for some, compiled in _chunks(circuit, cells, draws):
        tables = [_with_events(scope, get(some), keep, events) for scope, get in sources]
        tables += [tables[place] for place in places]
        roots = evaluated(circuit, tables, _width(tables), compiled=compiled)
        for name, root, values in zip(wanted, circuit.roots, roots, strict=True):
            own = (name, 0), (name, _OWN)
            scope = own if keep is None else (keep, *own)
            found[name][..., some] = _laid_out(circuit.scopes[root], values, scope)
    return found


def _place(scopes: Scopes, name: str) -> int:
    """Return which of the tables is an open node's: the first that ends in it.

    Tables of what is known may end in it too, and come after it.
    """
    return next(i for i, scope in enumerate(scopes) if scope and scope[-1] == (name, 0))


@lru_cache(maxsize=PLANS)
def _set_in_turn(
    scopes: Scopes, states: States, keep: Variable | None, nodes: tuple[str, ...]
) -> tuple[QueryCircuit, int]:
    """Return the circuit of `set_in_turn`, and the cells of its largest table."""
    order, cells = _order(scopes, states, keep)
    own = {_place(scopes, name): name for name in nodes}
    alone = [(*scopes[place][:-1], (name, _OWN)) for place, name in own.items()]
    sizes = dict(states)
    sizes |= {(name, _OWN): sizes[name, 0] for name in nodes}
    draft = Drafted((*scopes, *alone), sizes)
    buckets, root = _upwards(draft, range(len(scopes)), order, keep)

    def about(bucket: _Bucket) -> Iterator[_Asked]:
        for table in bucket.inputs:
            if table in own:
                yield (own[table], 0), table, {keep, *draft.scopes[table]}

    rest = _back(draft, buckets, root, keep, about)
    roots = [
        draft.multiplied([rest[name, 0], len(scopes) + i], {keep, (name, 0), (name, _OWN)})
        for i, name in enumerate(nodes)
    ]
    return draft.circuit(roots), cells


def joints(
    sources: Sequence[Fetched],
    sizes: Mapping[Variable, int],
    keep: Variable | None,
    others: Iterable[Variable],
    events: Sequence[Sequence[int]],
    draws: int,
    alternatives: Sequence[Mapping[Variable, Array]] = ({},),
    *,
    search: int | None = None,
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
        As for `set_in_turn`, and what is asked about beside it.
    events : sequence of sequence of int
        States of `keep` that count together.
    draws : int
    alternatives : sequence of mapping of variable to ndarray, each (state, draw) or (state, 1)
        The product is formed with each of them in turn: further tables of one variable, which all
        alternatives give for the same ones.
    search : int, optional
        As for `elimination_order`.

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
    wanted = tuple(sorted(set(others)))
    further = tuple(alternatives[0]) if alternatives else ()
    reduced = sizes if keep is None else {**sizes, keep: len(events)}
    circuit, cells = _joints(
        tuple(scope for scope, _ in sources),
        tuple(reduced.items()),
        keep,
        wanted,
        further,
        len(alternatives),
        search,
    )
    _demand_room(cells)
    alone = [np.empty((len(events), draws)) for _ in alternatives]
    beside = [{v: np.empty((len(events), sizes[v], draws)) for v in wanted} for _ in alternatives]
    for some, compiled in _chunks(circuit, cells, draws):
        tables = [_with_events(scope, get(some), keep, events) for scope, get in sources]
        tables += [alternative[v] for alternative in alternatives for v in further]
        roots = evaluated(circuit, tables, _width(tables), compiled=compiled)
        found = iter(zip(circuit.roots, roots, strict=True))
        for one, many in zip(alone, beside, strict=True):
            one[:, some] = next(found)[1]
            for v in wanted:
                root, values = next(found)
                # Of one draw, where it is the same in all.
                scope = (v,) if keep is None else (keep, v)
                many[v][..., some] = _laid_out(circuit.scopes[root], values, scope)
    return alone, beside


@lru_cache(maxsize=PLANS)
def _joints(
    scopes: Scopes,
    states: States,
    keep: Variable | None,
    wanted: tuple[Variable, ...],
    further: tuple[Variable, ...],
    times: int,
    search: int | None,
) -> tuple[QueryCircuit, int]:
    """Return the circuit of `joints`, and the cells of its largest table."""
    order, cells = _order(scopes, states, keep, search)
    draft = Drafted((*scopes, *((v,) for v in further * times)), dict(states))

    def about(bucket: _Bucket) -> Iterator[_Asked]:
        if bucket.variable is not None and bucket.variable in wanted:
            yield bucket.variable, None, {keep, bucket.variable}

    roots: list[int] = []
    for time in range(times):
        start = len(scopes) + time * len(further)
        tables = [*range(len(scopes)), *range(start, start + len(further))]
        buckets, root = _upwards(draft, tables, order, keep)
        found = _back(draft, buckets, root, keep, about)
        roots += [root.message, *(found[v] for v in wanted)]
    return draft.circuit(roots), cells


def _demand_room(cells: int) -> None:
    """Refuse what would need more than the budget for a single draw."""
    if 8 * cells > BUDGET:
        raise QueryError(
            say("inference.too_many_pairs", cells=f"{cells:,}", budget=f"{BUDGET // 8:,}")
        )


def _chunks(
    circuit: QueryCircuit, cells: int, draws: int, most: int | None = None
) -> Iterator[tuple[slice, bool]]:
    """Yield the draws worked on at once, at most so many, and whether in compiled loops."""
    compiled = worth_compiling(circuit.work * draws)
    sizes = dict(circuit.sizes)
    given = sum((math.prod(sizes[v] for v in scope) for scope in circuit.sources), start=1)
    few = _GIVEN // (8 * given) if compiled else _CACHE // (8 * cells)
    chunk = max(min(max(few, _FEW), BUDGET // (8 * cells), most or draws), 1)
    for start in range(0, draws, chunk):
        yield slice(start, min(start + chunk, draws)), compiled


def _width(tables: Iterable[Table]) -> int:
    """Return for how many draws tables were fetched."""
    return max((table.shape[-1] for table in tables), default=1)


def elimination_order(
    sources: Sequence[Fetched],
    sizes: Mapping[Variable, int],
    keep: Variable | None,
    search: int | None = None,
) -> tuple[tuple[Variable, ...], int]:
    """Return the order in which variables are summed out, and the cells of the largest table.

    Parameters
    ----------
    sources, sizes, keep
        As for `joints`.
    search : int, optional
        How often to look for a better order of wide tables: less where it is used for little.
    """
    return _order(tuple(scope for scope, _ in sources), tuple(sizes.items()), keep, search)


def _order(
    scopes: Scopes, states: States, keep: Variable | None, search: int | None = None
) -> tuple[tuple[Variable, ...], int]:
    """Order the variables to sum out; cells of the largest table.

    What is kept is in every table that is counted: how many states it has is no matter for the
    order, so one search serves whatever is asked about them.
    """
    alike = tuple((v, 1 if v == keep else n) for v, n in states)
    order, most = _searched(scopes, alike, keep, TRIES if search is None else search)
    return order, most * (1 if keep is None else dict(states)[keep])


@lru_cache(maxsize=PLANS)
def _searched(
    scopes: Scopes, states: States, keep: Variable | None, search: int
) -> tuple[tuple[Variable, ...], int]:
    """Search for an order of elimination.

    By weighted min-fill, or by the size of what is left; where tables are wide, with blurred
    merits as well. The order over the fewest cells is taken.
    """
    sets = Sets(dict(states))
    scope_sets = [sets.set(scope) for scope in scopes]
    kept = 0 if keep is None else sets.bit[keep]

    def result(near: Sequence[int], v: int) -> int:
        return sets.cells(near[v] | kept)

    def tried(merit: Callable[[Sequence[int], int], float]) -> tuple[int, int, list[int]]:
        near = sets.near(scope_sets)
        order, most, work = [], 1, 0
        for v in greedy(sets, near, (1 << len(states)) - 1 & ~kept, merit):
            order.append(v)
            cells = result(near, v)
            most, work = max(most, cells), work + cells
        return work, most, order

    rules = sets.fill, result
    best = min(map(tried, rules))
    best = min([best, *map(tried, tries(rules, best[0], search))])
    _, most, order = best
    return tuple(sets.variables[v] for v in order), most


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
    draft: Drafted, tables: Iterable[int], order: Sequence[Variable], keep: Variable | None
) -> tuple[list[_Bucket], _Bucket]:
    """Sum the variables out one by one."""
    live, buckets = list(tables), []
    for v in order:
        joined = tuple(table for table in live if v in draft.scopes[table])
        rest = {u for table in joined for u in draft.scopes[table] if u != v}
        message = draft.multiplied(joined, rest)
        buckets.append(_Bucket(v, joined, message))
        live = [table for table in live if table not in joined] + [message]
    return buckets, _Bucket(None, tuple(live), draft.multiplied(live, {keep}) if live else -1)


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
    # Every table of the way up is needed on the way down.
    cells = max(sum(size for _, size in cliques(sources, sizes)), 1)
    _demand_room(cells)
    circuit, buckets = _messages(tuple(scope for scope, _ in sources), tuple(sizes.items()))
    found: list[dict[Variable, NDArray[np.int16]]] = [
        {v: np.empty((len(u), draws), np.int16) for v, u in numbers.items()} for numbers in uniforms
    ]

    def draw(piece: tuple[slice, bool]) -> None:
        some, compiled = piece
        tables = [as_array(get(some)) for _, get in sources]
        sent = evaluated(circuit, tables, _width(tables), compiled=compiled)
        values = dict(enumerate(tables)) | dict(zip(circuit.roots, sent, strict=True))
        known: dict[Variable, NDArray[np.int16]] = {}
        for bucket in reversed(buckets):
            variable = bucket.variable
            assert variable is not None
            lucks = [numbers[variable] for numbers in uniforms]  # all sets at once
            luck = np.concatenate([u[:, None] if u.ndim == 1 else u[:, some] for u in lucks])
            inputs = [(circuit.scopes[table], values[table]) for table in bucket.inputs]
            known[variable] = _one_state(inputs, variable, known, luck)
            ends = np.cumsum([len(u) for u in lucks])[:-1]
            for states, part in zip(found, np.split(known[variable], ends), strict=True):
                states[variable][:, some] = part

    count = workers(circuit.work * draws > _WORTH_SHARING)
    in_threads(draw, list(_chunks(circuit, cells, draws, -(-draws // count))), count)
    return found


@lru_cache(maxsize=PLANS)
def _messages(scopes: Scopes, states: States) -> tuple[QueryCircuit, tuple[_Bucket, ...]]:
    """Return the circuit whose roots are all messages on the way up."""
    draft = Drafted(scopes, dict(states))
    buckets, _ = _upwards(draft, range(len(scopes)), _order(scopes, states, None)[0], None)
    return draft.circuit([bucket.message for bucket in buckets]), tuple(buckets)


def _one_state(
    tables: Sequence[tuple[tuple[Variable, ...], Array]],
    variable: Variable,
    known: Mapping[Variable, NDArray[np.int16]],
    uniforms: Array,
) -> NDArray[np.int16]:
    """Draw a variable's state given those of the others in its bucket: ``(sample, draw)``.

    The numbers are ``(sample, draw)`` or ``(sample, 1)``.
    """
    if "numba" in sys.modules:
        from backrisk.inference.drawing import one_state

        return one_state(tables, variable, known, uniforms)
    weights: Array = np.ones((1, 1, 1))
    for scope, table in tables:
        others = [v for v in scope if v != variable]
        values = _laid_out(scope, table, (variable, *others))
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
    draft: Drafted,
    buckets: Sequence[_Bucket],
    root: _Bucket,
    keep: Variable | None,
    about: Callable[[_Bucket], Iterable[_Asked]],
) -> dict[Variable, int]:
    """Send what each bucket did not see back to it, where something is asked about it."""
    asked = {bucket.variable: tuple(about(bucket)) for bucket in buckets}
    above = {table: bucket for bucket in (*buckets, root) for table in bucket.inputs}
    visited: set[Variable | None] = {None}
    for bucket in buckets:
        at = bucket
        while asked[bucket.variable] and at.variable not in visited:
            visited.add(at.variable)
            at = above[at.message]
    unseen: dict[Variable | None, list[int]] = {None: []}
    found: dict[Variable, int] = {}
    for bucket in reversed(buckets):
        if bucket.variable not in visited:
            continue
        parent = above[bucket.message]
        rest = [table for table in parent.inputs if table != bucket.message]
        rest += unseen[parent.variable]
        kept = {*draft.scopes[bucket.message], keep}
        unseen[bucket.variable] = [draft.multiplied(rest, kept)] if rest else []
        for variable, lost, kept in asked[bucket.variable]:
            inputs = [table for table in bucket.inputs if table != lost]
            found[variable] = draft.multiplied([*inputs, *unseen[bucket.variable]], kept)
    return found


def _with_events(
    scope: tuple[Variable, ...],
    table: Table,
    keep: Variable | None,
    events: Sequence[Sequence[int]],
) -> Table:
    """Reduce the axis of a variable's states to one entry for each event."""
    if keep is None or keep not in scope:
        return table
    axis = scope.index(keep)
    if [list(codes) for codes in events] == [[code] for code in range(table.shape[axis])]:
        return table
    values = np.moveaxis(as_array(table), axis, 0)
    found = np.zeros((len(events), *values.shape[1:]))
    for total, codes in zip(found, events, strict=True):
        for code in codes:
            total += values[code]
    return np.moveaxis(found, 0, axis)


def _laid_out(scope: tuple[Variable, ...], values: Array, axes: Sequence[Variable]) -> Array:
    """Return values with their variables in another order."""
    return values.transpose(*map(scope.index, axes), -1)
