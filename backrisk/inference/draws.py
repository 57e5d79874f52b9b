"""Exact queries for every draw at once: sum-product with the draw axis last.

A variable is a pair ``(node, world)``. World 0 is the one that was seen; world 1 is the one that
would have been under an intervention. Nodes that the intervention cannot reach exist in world 0
alone and are shared.

A query is planned once for its *signature*: which nodes are seen, set, left open and kept, not
their values. The plan leaves out what sums to one, slices every table at what is known, splits
what falls apart, and orders the rest. People who share a signature are one contraction: each
intermediate table has a row for every distinct combination of the answers it depends on.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache, reduce
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from backrisk.errors import QueryError
from backrisk.graph import CausalGraph

Array = NDArray[np.float64]
Codes = NDArray[np.intp]
Variable = tuple[str, int]
State = int | Codes

COUPLINGS = ("monotone", "independent_causes", "independent")
CONTRADICTION = "The answers contradict each other: the model gives them probability 0."
BUDGET = 512 * 2**20  # bytes that the tables of a query may take at any moment
_CACHE = 16 * 2**20  # bytes of tables that stay near the processor
_FEW, _MANY = 128, 2048  # draws, and people, worked on at once
_LARGEST_KEY = 2**62  # distinct rows of answers are told apart by one integer
_PAIR_COPIES = 3  # tables of its size that coupling a node's two worlds takes
_PAIR_WORK = 6  # passes over a table that lay a pair of worlds out
_PAIR_PASSES = 4  # passes beside one for each level, where it is not laid out
_SLAB = 2**17  # numbers worked on at once where a pair is summed out
_LETTERS = [chr(code) for code in range(ord("A"), ord("z") + 1) if chr(code).isalpha()]
_LETTERS = [letter for letter in _LETTERS if letter not in "YZ"]  # people and draws


class Tables(Protocol):
    """What the engine needs of a posterior."""

    @property
    def graph(self) -> CausalGraph:
        """The causal DAG."""

    @property
    def draws(self) -> int:
        """Number of draws."""

    def table(self, name: str, at: tuple[Any, ...] = ()) -> Array:
        """Return a node's CPT, ``(*parents, state, draw)``, of which only rows `at` are sure."""

    def positive(self, name: str) -> bool:
        """Return whether no cell of a node's CPT is zero."""

    def causes(self, name: str) -> tuple[Array, list[Array]] | None:
        """Return a node's CPT as a leak and independent causes, if it has that form."""


@dataclass(frozen=True)
class _Source:
    """A table that the posterior gives: a node in one world, or in both.

    Parameters
    ----------
    name : str
    worlds : tuple of int
        None for the ones that a free variable has.
    known : tuple of variables
        Seen or set, where the table is sliced.
    scope : tuple of variables
        What is left open.
    """

    name: str
    worlds: tuple[int, ...]
    known: tuple[Variable, ...]
    scope: tuple[Variable, ...]


@dataclass(frozen=True)
class _Step:
    """Multiply tables and sum variables out.

    Tables are numbered: first the sources, then the results of the steps. Each letter of the
    subscripts is a variable; ``Y`` is the axis of people, ``Z`` that of draws. The result has a
    number of cells, for one person and draw, and a row for each combination of what is known.
    """

    inputs: tuple[int, ...]
    subscripts: str
    known: tuple[Variable, ...]
    cells: int


@dataclass(frozen=True)
class _Pairing(_Step):
    """Multiply a node's pair of worlds by tables and sum out all but what is kept, at once.

    The inputs are the pair, which is never laid out, then a table that speaks of the node, then
    weights that do not.

    Parameters
    ----------
    axes : tuple of variables
        What the inputs speak of beside the node: first what only the weights and the pair speak
        of, then the rest.
    scopes : tuple of tuple of variables
        Of the table and the weights.
    keep : tuple of variables
    """

    axes: tuple[Variable, ...]
    scopes: tuple[tuple[Variable, ...], ...]
    keep: tuple[Variable, ...]


@dataclass(frozen=True)
class _Part:
    """Steps that lead from some sources to one table.

    Parameters
    ----------
    sources : tuple of _Source
    steps : tuple of _Step
    known : tuple of variables
        What the result depends on.
    cells : int
        The most cells that are held at any moment, for one draw and one person.
    widest : tuple of variables
        Scope of the largest table.
    """

    sources: tuple[_Source, ...]
    steps: tuple[_Step, ...]
    known: tuple[Variable, ...]
    cells: int
    widest: tuple[Variable, ...]


@dataclass(frozen=True)
class _Plan:
    """A part that ends in the kept variables, and parts that are independent of them."""

    main: _Part
    others: tuple[_Part, ...]


@lru_cache(maxsize=4096)
def _reached(graph: CausalGraph, nodes: frozenset[str]) -> frozenset[str]:
    """Return the intervened nodes and all that they affect."""
    return nodes.union(*(graph.descendants(name) for name in nodes))


@lru_cache(maxsize=4096)
def _plan(
    graph: CausalGraph,
    seen: frozenset[str],
    done: frozenset[str],
    free: frozenset[str],
    told: frozenset[str],
    zeros: frozenset[str],
    keep: tuple[Variable, ...],
    people: int,
) -> _Plan:
    """Plan a query for its signature and the order of magnitude of people."""
    sources = list(_sources(graph, seen, done, free, told, keep))
    sizes = {
        variable: len(graph.node(variable[0]).states)
        for source in sources
        for variable in (*source.scope, *source.known)
    }
    parts = _components(sources)
    main = [source for part in parts if _touches(part, keep) for source in part]
    others = [part for part in parts if not _touches(part, keep)]
    return _Plan(
        _order(main, keep, sizes, people, zeros),
        tuple(_order(part, (), sizes, people, zeros) for part in others),
    )


def _sources(
    graph: CausalGraph,
    seen: frozenset[str],
    done: frozenset[str],
    free: frozenset[str],
    told: frozenset[str],
    keep: Sequence[Variable],
) -> Iterator[_Source]:
    """Yield the tables of the kept and seen variables and their causes; the rest sums to one."""
    changed = _reached(graph, done | free)

    def causes(name: str, world: int) -> list[Variable]:
        return [(parent, int(world and parent in changed)) for parent in graph.parents(name)]

    def known(variable: Variable) -> bool:
        return variable[0] in (done | told if variable[1] else seen)

    needed: set[Variable] = set()
    waiting = [*keep, *((name, 0) for name in seen), *((name, 1) for name in told)]
    while waiting:
        name, world = waiting.pop()
        if (name, world) not in needed:
            needed.add((name, world))
            if not (world and name in done | free):
                waiting += causes(name, world)
    for variable in keep:
        if variable[1] and variable[0] in free:
            yield _Source(variable[0], (), (), (variable,))  # else nothing may speak of it
    for name in graph.topological:
        worlds = tuple(
            world
            for world in (0, 1)
            if (name, world) in needed and not (world and name in done | free)
        )
        if worlds:
            family = [v for world in worlds for v in (*causes(name, world), (name, world))]
            parents = dict.fromkeys(v for v in family if v[0] != name)
            within = [*parents, *((name, world) for world in worlds)]
            yield _Source(
                name,
                worlds,
                tuple(v for v in within if known(v)),
                tuple(v for v in within if not known(v)),
            )


def _components(sources: Sequence[_Source]) -> list[list[_Source]]:
    """Split tables into groups that share no open variable."""
    groups: list[tuple[set[Variable], list[_Source]]] = []
    for source in sources:
        scope, members = set(source.scope), [source]
        apart = []
        for others, group in groups:
            if scope & others:
                scope, members = scope | others, group + members
            else:
                apart.append((others, group))
        groups = [*apart, (scope, members)]
    return [members for _, members in groups]


def _touches(part: Sequence[_Source], keep: Sequence[Variable]) -> bool:
    return any(variable in source.scope for source in part for variable in keep)


class _Tape:
    """Steps being planned over tables; a table is a number, and is used once."""

    def __init__(
        self, sources: Sequence[_Source], sizes: Mapping[Variable, int], people: int
    ) -> None:
        self.sizes = sizes
        self.people = people
        self.sources = tuple(sources)
        self.scopes = [source.scope for source in sources]
        self.known = [source.known for source in sources]
        self.live = set(range(len(sources)))
        self.steps: list[_Step] = []
        self.held = self.most = self.work = 0
        self.widest: tuple[Variable, ...] = ()

    def cells(self, scope: Iterable[Variable]) -> int:
        """Return the number of cells of a table over a scope."""
        return math.prod(self.sizes[v] for v in scope)

    def rows(self, known: Iterable[Variable]) -> int:
        """Return how many rows a table may have that depends on these answers."""
        return min(self.people, self.cells(known))

    def _union(self, inputs: Iterable[int]) -> list[Variable]:
        return sorted({v for i in inputs for v in self.scopes[i]})

    def with_variable(self, v: Variable) -> list[int]:
        """Return the tables over a variable."""
        return [i for i in self.live if v in self.scopes[i]]

    def join(self, inputs: Sequence[int], scope: Sequence[Variable]) -> None:
        """Multiply tables and sum out all variables outside a scope."""
        inputs = list(inputs)
        while len(inputs) > 2:  # two at a time, those first that make the smallest table
            pairs = itertools.combinations(inputs, 2)
            pair = min(pairs, key=lambda pair: self.cells(self._union(pair)))
            self.join(pair, self._union(pair))
            inputs = [*(i for i in inputs if i not in pair), len(self.scopes) - 1]
        union = self._union(inputs)
        letter = dict(zip(union, _LETTERS, strict=False))
        known = tuple(sorted({v for i in inputs for v in self.known[i]}))

        def label(i: int) -> str:
            # More variables than letters make a table beyond any budget, which is refused.
            open_here = "".join(letter.get(v, "?") for v in self.scopes[i])
            return f"{'Y' if self.known[i] else ''}{open_here}Z"

        laid = [i for i in inputs if self.doubled(i)]
        self.work += self.cells(union) * self.rows(known)
        self.work += sum(
            _PAIR_WORK * self.cells(self.scopes[i]) * self.rows(self.known[i]) for i in laid
        )
        made = self._made(inputs, scope, known)
        cells = self._account(inputs, made)
        subscripts = f"{','.join(map(label, inputs))}->{label(made)}"
        self.steps.append(_Step(tuple(inputs), subscripts, known, cells))

    def doubled(self, i: int) -> bool:
        """Return whether a table is a source that is a node in both worlds."""
        return i < len(self.sources) and len(self.sources[i].worlds) > 1

    def pair_up(self, pair: int, keep: Sequence[Variable]) -> None:
        """Multiply all tables, among them a pair of worlds, and sum out all but what is kept."""
        own = self.own(pair)
        about = sorted({i for v in own for i in self.with_variable(v)} - {pair})
        if len(about) > 1:
            self.join(about, self._union(about))
            about = [len(self.scopes) - 1]
        inputs = [*about, *sorted(self.live - {pair, *about})]
        last = {v for v in (*self.scopes[inputs[0]], *keep) if v not in own}
        axes = [v for v in self._union([pair, *inputs]) if v not in own]
        axes.sort(key=lambda v: (v in last, v not in self.scopes[pair]))
        known = tuple(sorted({v for i in (pair, *inputs) for v in self.known[i]}))
        levels = math.prod(self.sizes[v] - 1 for v in own)
        self.work += (levels + _PAIR_PASSES) * self.cells(axes) * self.rows(known)
        scopes = tuple(self.scopes[i] for i in inputs)
        kept = [v for v in keep if v in axes]
        made = self._made([pair, *inputs], kept, known)
        cells = self._account(
            inputs, made, math.prod(self.sizes[v] for v in own) * self.cells(last)
        )
        # Never held, but so wide a sum would take as long as one that is.
        self.most = max(self.most, self.cells(axes))
        self.widest = max(self.widest, tuple(axes), key=self.cells)
        self.steps.append(
            _Pairing((pair, *inputs), "", known, cells, tuple(axes), scopes, tuple(kept))
        )

    def own(self, pair: int) -> list[Variable]:
        """Return a source's node in its worlds."""
        return [v for v in self.scopes[pair] if v[0] == self.sources[pair].name]

    def _made(
        self, inputs: Sequence[int], scope: Sequence[Variable], known: tuple[Variable, ...]
    ) -> int:
        """Give a new table, which takes the place of its inputs, a number."""
        self.scopes.append(tuple(scope))
        self.known.append(known)
        made = len(self.scopes) - 1
        self.live = self.live - set(inputs) | {made}
        return made

    def _account(self, inputs: Sequence[int], made: int, beside: int = 0) -> int:
        """Keep the books of memory and return the new cells of a step.

        Sources are fetched when used, results held until used.
        """
        fetched = [i for i in inputs if i < len(self.sources)]
        held = [i for i in inputs if i >= len(self.sources)]
        copies = [_PAIR_COPIES if len(self.sources[i].worlds) > 1 else 1 for i in fetched]
        new = (
            beside
            + self.cells(self.scopes[made])
            + sum(n * self.cells(self.scopes[i]) for n, i in zip(copies, fetched, strict=True))
        )
        self.most = max(self.most, self.held + new)
        self.held += self.cells(self.scopes[made]) - sum(self.cells(self.scopes[i]) for i in held)
        tables = [self.scopes[i] for i in (*inputs, made)]
        self.widest = max(self.widest, *tables, key=self.cells)
        return new


def _order(
    sources: Sequence[_Source],
    keep: Sequence[Variable],
    sizes: Mapping[Variable, int],
    people: int,
    zeros: frozenset[str],
) -> _Part:
    """Order the variables to sum out: the cheapest of some greedy orders.

    Weighted min-fill takes the variable that links the fewest cells not linked before, and suits
    one person best. With many people, who share what depends on few answers, so does the
    variable that leaves the smallest table, counted over all people. Where nodes have two worlds,
    each order is also tried with the widest pair of worlds left to the end, where it need not be
    laid out.
    """
    pair = _widest_pair(sources, keep, zeros, sizes)
    tapes = [
        _summed_out(_Tape(sources, sizes, people), keep, rule, apart)
        for rule in (_fill, _result)
        for apart in dict.fromkeys((None, pair))
    ]
    tape = min(tapes, key=lambda tape: tape.work)
    known = tape.known[-1] if tape.known else ()
    return _Part(tape.sources, tuple(tape.steps), known, tape.most, tape.widest)


def _widest_pair(
    sources: Sequence[_Source],
    keep: Sequence[Variable],
    zeros: frozenset[str],
    sizes: Mapping[Variable, int],
) -> int | None:
    """Return the largest source whose two worlds may be summed out at once, if there is any.

    A sum over the levels of a CDF leaves rounding where a sum over states leaves exactly nothing.
    Tables with zeros are kept from it, so that what is impossible stays impossible.
    """
    found = {}
    for i, source in enumerate(sources):
        own = [(source.name, world) for world in source.worlds]
        both = len(own) > 1 and all(v in source.scope and v not in keep for v in own)
        speaks = {v for other in sources if other is not source for v in other.scope}
        if both and source.name not in zeros and speaks.issuperset(own):
            found[i] = math.prod(sizes[v] for v in source.scope)
    return max(found, key=lambda i: found[i], default=None)


def _summed_out(
    tape: _Tape,
    keep: Sequence[Variable],
    rule: Callable[[_Tape, Mapping[Variable, set[Variable]], Variable], int],
    pair: int | None,
) -> _Tape:
    """Sum out all variables that are not kept, in the greedy order of a rule; a pair at last."""
    near: dict[Variable, set[Variable]] = {}
    for source in tape.sources:
        for v in source.scope:
            near.setdefault(v, set()).update(source.scope)
    left = set(near) - set(keep)
    if pair is not None:
        left -= set(tape.scopes[pair])
    while ready := [v for v in left if pair is None or not _waits(tape, near, v, pair)]:
        v = min(ready, key=lambda v: (rule(tape, near, v), tape.cells(near[v]), v))
        others = near[v] - {v}
        tape.join(tape.with_variable(v), sorted(others))
        for u in others:
            near[u] = (near[u] | others) - {v}
        left.remove(v)
    if pair is not None:
        tape.pair_up(pair, keep)
    elif tape.live:
        tape.join(sorted(tape.live), [v for v in keep if v in near])
    return tape


def _waits(tape: _Tape, near: Mapping[Variable, set[Variable]], v: Variable, pair: int) -> bool:
    """Return whether to sum a variable out would make more cells that speak of the pair's node."""
    own = tape.own(pair)
    about = [i for i in tape.with_variable(v) if any(u in tape.scopes[i] for u in own)]
    return any(tape.cells(near[v] - {v}) > tape.cells(tape.scopes[i]) for i in about)


def _fill(tape: _Tape, near: Mapping[Variable, set[Variable]], v: Variable) -> int:
    others = near[v] - {v}
    return sum(tape.sizes[a] * tape.sizes[b] for a in others for b in others - near[a])


def _result(tape: _Tape, near: Mapping[Variable, set[Variable]], v: Variable) -> int:
    known = {u for i in tape.with_variable(v) for u in tape.known[i]}
    return tape.cells(near[v] - {v}) * tape.rows(known)


@dataclass(frozen=True, eq=False)
class World:
    """What is asked of a posterior: evidence in world 0, an intervention that makes world 1.

    Parameters
    ----------
    posterior : Tables
        A posterior.
    evidence : mapping of node to state code
        Seen in world 0. Arrays of codes, one for each person, ask for many people at once.
    do : mapping of node to state code
        Set in world 1; arrays as well.
    coupling : str
        How a node's noise is shared between the worlds.
    free : tuple of str
        Intervened nodes whose value in world 1 is left open, as an axis.
    told : mapping of node to state code
        Seen in world 1, of nodes that the intervention changes; arrays as well.
    """

    posterior: Tables
    evidence: Mapping[str, State]
    do: Mapping[str, State]
    coupling: str = "monotone"
    free: tuple[str, ...] = ()
    told: Mapping[str, State] = field(default_factory=dict)

    @property
    def graph(self) -> CausalGraph:
        """The posterior's graph."""
        return self.posterior.graph

    @cached_property
    def people(self) -> int | None:
        """The number of people; None where codes are single numbers."""
        given = (*self.evidence.values(), *self.do.values(), *self.told.values())
        sizes = {np.size(v) for v in given if np.ndim(v)}
        if len(sizes) > 1:
            raise QueryError(f"Codes of different numbers of people: {sorted(sizes)}.")
        return sizes.pop() if sizes else None

    @cached_property
    def _changed(self) -> frozenset[str]:
        return _reached(self.graph, frozenset((*self.do, *self.free)))

    @cached_property
    def _zeros(self) -> frozenset[str]:
        """The nodes that may have two worlds and whose CPT has a zero."""
        return frozenset(name for name in self._changed if not self.posterior.positive(name))

    def variable(self, node: str) -> Variable:
        """Return a node as it is in world 1, which is world 0 where nothing reaches it."""
        return (node, int(node in self._changed))

    def joint(self, keep: Sequence[Variable]) -> Array:
        """Return ``P(keep, evidence)``, shape ``(*keep, draw)``.

        Kept variables are neither seen nor set. With many people their axis comes first.

        Raises
        ------
        QueryError
            If a single draw would need more than `BUDGET` bytes; nothing is allocated.
        """
        plan = self._plan(keep)
        found = self._run(plan.main, lambda table: table)
        for part in plan.others:
            constant = self._run(part, lambda table: table)
            found = found * constant.reshape(len(constant), *(1,) * len(keep), -1)
        return self._shaped(found)

    def conditional(
        self,
        keep: Sequence[Variable],
        event: Mapping[Variable, Sequence[int]] | None = None,
        *,
        strict: bool = True,
    ) -> Array:
        """Return ``P(keep | evidence)``, shape ``(*keep, draw)``.

        What is independent of the kept variables given the evidence is not computed.

        Parameters
        ----------
        keep : sequence of variables
        event : mapping of variable to codes, optional
            Sum these states of kept variables, whose axes then fall away.
        strict : bool
            Refuse evidence of probability zero; else the answer is NaN there.

        Raises
        ------
        QueryError
            As `joint`; and if the evidence has probability zero in some draw.
        """
        plan = self._plan(keep)
        axes = tuple(range(1, 1 + len(keep)))
        gone = tuple(axis for axis, v in zip(axes, keep, strict=True) if event and v in event)

        def finish(table: Array) -> Array:
            total = table.sum(axis=axes, keepdims=True)
            for axis in gone:
                assert event is not None
                table = table.take(list(event[keep[axis - 1]]), axis=axis)
            with np.errstate(invalid="ignore"):  # 0 / 0 is seen below
                share: Array = (table.sum(axis=gone, keepdims=True) / total).squeeze(gone)
            return share

        found = self._run(plan.main, finish)
        for part in plan.others:
            if not all(self.posterior.positive(source.name) for source in part.sources):
                possible = self._run(part, lambda table: table) > 0
                shape = (len(possible), *(1,) * (found.ndim - 2), -1)
                found = np.where(possible.reshape(shape), found, np.nan)
        if strict and np.isnan(found).any():
            raise QueryError(CONTRADICTION)
        return self._shaped(found)

    def sources(
        self, keep: Sequence[Variable]
    ) -> list[tuple[tuple[Variable, ...], Callable[[slice], Array]]]:
        """Return the tables that `joint` multiplies, for one person: scopes, and how to get them.

        A table for some draws has the axes of its scope and then the draws, or one draw for all.
        """
        plan = self._plan(keep)
        sources = [s for part in (plan.main, *plan.others) for s in part.sources]
        rows = _Rows({v: self._codes(v) for source in sources for v in source.known})

        def get(source: _Source) -> Callable[[slice], Array]:
            fetch = self._fetch(source, rows)
            return (lambda some: fetch(some)[0]) if source.known else fetch

        return [(source.scope, get(source)) for source in sources]

    def touched(self, keep: Sequence[Variable]) -> dict[str, tuple[int, ...]]:
        """Return the nodes whose tables `conditional` multiplies, with the worlds they are in."""
        sources = self._plan(keep).main.sources
        return {source.name: source.worlds for source in sources if source.worlds}

    def without_own_causes(self, keep: Sequence[Variable]) -> tuple[str, ...]:
        """Return the doubled nodes whose CPT is no noisy-max.

        Independent causes are undefined for them: they follow the monotone coupling.
        """
        return tuple(
            name
            for name, worlds in self.touched(keep).items()
            if len(worlds) > 1 and self.posterior.causes(name) is None
        )

    def _plan(self, keep: Sequence[Variable]) -> _Plan:
        return _plan(
            self.graph,
            frozenset(self.evidence),
            frozenset(self.do),
            frozenset(self.free),
            frozenset(self.told),
            self._zeros,
            tuple(keep),
            min(1 << ((self.people or 1) - 1).bit_length(), _MANY),
        )

    def _shaped(self, found: Array) -> Array:
        """Drop the axis of people where there is but one person; fill the axis of draws."""
        shape = (self.people or 1, *found.shape[1:-1], self.posterior.draws)
        full = np.broadcast_to(found, shape)
        return full[0] if self.people is None else full

    def _codes(self, variable: Variable) -> Codes:
        name, world = variable
        code = ({**self.told, **self.do} if world else self.evidence)[name]
        return np.atleast_1d(np.asarray(code, dtype=np.intp))

    def _run(self, part: _Part, finish: Callable[[Array], Array]) -> Array:
        """Carry a part out for everyone; ``([person], *finished, draw)``."""
        if 8 * part.cells > BUDGET:
            names = ", ".join(sorted({node for node, _ in part.widest}))
            raise QueryError(
                f"The answer needs {part.cells:,} cells for each draw "
                f"({8 * part.cells / 2**20:,.0f} MB), over {names}; the budget is "
                f"{BUDGET // 8:,} ({BUDGET / 2**20:,.0f} MB). Report more of these nodes."
            )
        if not part.sources:
            return finish(np.ones((1, 1)))
        codes = {v: self._codes(v) for source in part.sources for v in source.known}
        people = max((len(code) for code in codes.values()), default=1)
        parts = [
            self._run_people(part, finish, _people(codes, start, start + _MANY))
            for start in range(0, people, _MANY)
        ]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _run_people(
        self, part: _Part, finish: Callable[[Array], Array], codes: Mapping[Variable, Codes]
    ) -> Array:
        """Carry a part out for some people, in chunks of draws that fit the cache."""
        rows = _Rows(codes)
        need = 8 * sum(step.cells * rows.count(step.known) for step in part.steps)
        if need * _FEW > BUDGET and rows.people > 1:
            half = rows.people // 2
            some, others = _people(codes, 0, half), _people(codes, half, rows.people)
            return np.concatenate(
                [self._run_people(part, finish, some), self._run_people(part, finish, others)]
            )
        draws = self.posterior.draws
        chunk = max(min(max(_CACHE // need, _FEW), BUDGET // need, draws), 1)
        unlaid = {step.inputs[0] for step in part.steps if isinstance(step, _Pairing)}
        fetches = [
            self._cdfs(source, rows) if i in unlaid else self._fetch(source, rows)
            for i, source in enumerate(part.sources)
        ]
        out: Array | None = None
        for start in range(0, draws, chunk):
            some_draws = slice(start, min(start + chunk, draws))
            table = _carry_out(part, fetches, rows, some_draws, self.coupling)
            done = finish(table if part.known else table[None])
            if out is None:
                out = np.empty((rows.people, *done.shape[1:-1], draws))
            out[..., some_draws] = done if len(done) == 1 else done[rows.of(part.known)[1]]
        assert out is not None
        return out

    def _fetch(self, source: _Source, rows: _Rows) -> Callable[[slice], Array]:
        """Return how to get a source for some draws: ``([row], *scope, draw)``."""
        if not source.worlds:
            ones = np.ones((len(self.graph.node(source.name).states), 1))
            return lambda some: ones
        first, _ = rows.of(source.known)
        codes = {v: rows.codes[v][first if rows.many(v) else [0]] for v in source.known}
        worlds = [self._sliced(source.name, world, codes) for world in source.worlds]
        if len(worlds) > 1:
            return self._pair(source, codes, worlds)
        _, table, at = worlds[0]
        own = codes.get((source.name, source.worlds[0]))
        if own is not None:
            table, at = np.moveaxis(table, -2, len(at)), (*at, own)
        if not at:
            return lambda some: table[..., some]
        return lambda some: _taken(table[..., some], at)

    def _sliced(
        self, name: str, world: int, codes: Mapping[Variable, Codes]
    ) -> tuple[tuple[Variable, ...], Array, tuple[Codes, ...]]:
        """Return a CPT with its known parents first, the codes to take there, the open parents."""
        changed = self._changed
        family = [(p, int(world and p in changed)) for p in self.graph.parents(name)]
        at = tuple(codes.get(v, slice(None)) for v in family)
        known = [i for i, v in enumerate(family) if v in codes]
        rest = [i for i, v in enumerate(family) if v not in codes]
        table = self.posterior.table(name, at)
        trailing = range(len(family), table.ndim)
        return (
            tuple(family[i] for i in rest),
            table.transpose(*known, *rest, *trailing),
            tuple(codes[family[i]] for i in known),
        )

    def _pair(
        self,
        source: _Source,
        codes: Mapping[Variable, Codes],
        worlds: Sequence[tuple[tuple[Variable, ...], Array, tuple[Codes, ...]]],
    ) -> Callable[[slice], Array]:
        """Return how to get the joint table of a node in both worlds, by coupling its two rows."""
        owns = [codes.get((source.name, world)) for world in source.worlds]
        union = [v for v in source.scope if v[0] != source.name]
        causes = self._own_causes(source.name)

        def fetch(some: slice) -> Array:
            if causes is not None:
                joint = _joined(self._causes_cdfs(source, codes, causes, some), owns)
            else:
                here, there = (
                    _align(_taken(table[..., some], at), scope, union)
                    for scope, table, at in worlds
                )
                joint = _coupled(here, there, owns, self.coupling)
            joint = joint if owns[1] is None else joint[..., 0, :]
            if owns[0] is not None:
                joint = joint[(slice(None),) * (len(union) + 1) + (0,)]
            return joint if source.known else joint[0]

        return fetch

    def _own_causes(self, name: str) -> tuple[Array, list[Array]] | None:
        return self.posterior.causes(name) if self.coupling == "independent_causes" else None

    def _cdfs(self, source: _Source, rows: _Rows) -> Callable[[slice], list[tuple[Array, Array]]]:
        """Return how to get what the joint CDF of a node in both worlds is made of."""
        first, _ = rows.of(source.known)
        codes = {v: rows.codes[v][first if rows.many(v) else [0]] for v in source.known}
        union = [v for v in source.scope if v[0] != source.name]
        causes = self._own_causes(source.name)
        worlds = [self._sliced(source.name, world, codes) for world in source.worlds]

        def fetch(some: slice) -> list[tuple[Array, Array]]:
            if causes is not None:
                return self._causes_cdfs(source, codes, causes, some)
            here, there = (
                _align(_levels(_taken(table[..., some], at))[..., 1:, :], scope, union)
                for scope, table, at in worlds
            )
            return [(here, there)]

        return fetch

    def _causes_cdfs(
        self,
        source: _Source,
        codes: Mapping[Variable, Codes],
        causes: tuple[Array, list[Array]],
        some: slice,
    ) -> list[tuple[Array, Array]]:
        """Return the CDFs of the leak and of each cause in both worlds: each has its own noise."""
        union = [v for v in source.scope if v[0] != source.name]
        leak = causes[0][..., some]
        leak = leak.reshape(1, *(1,) * len(union), *leak.shape)
        found = [(leak, leak)]
        for parent, cause in zip(self.graph.parents(source.name), causes[1], strict=True):
            sides = []
            for world in (0, 1):
                v = (parent, int(world and parent in self._changed))
                known = (codes[v],) if v in codes else ()
                side = _taken(cause[..., some], known)
                sides.append(_align(side, () if known else (v,), union))
            found.append((sides[0], sides[1]))
        return found


class _Rows:
    """Which people share the answers that a table depends on."""

    def __init__(self, codes: Mapping[Variable, Codes]) -> None:
        self.codes = codes
        self.people = max((len(code) for code in codes.values()), default=1)
        self._found: dict[tuple[Variable, ...], tuple[Codes, Codes]] = {}

    def many(self, variable: Variable) -> bool:
        """Return whether people differ in a variable at all."""
        return len(self.codes[variable]) > 1

    def of(self, known: tuple[Variable, ...]) -> tuple[Codes, Codes]:
        """Return one person for each distinct row of answers, and each person's row."""
        if known not in self._found:
            key, size = np.zeros(self.people, dtype=np.intp), 1
            for v in known:
                states = int(self.codes[v].max()) + 1
                if size * states > _LARGEST_KEY:
                    key, size = np.unique(key, return_inverse=True)[1], self.people
                key, size = key * states + self.codes[v], size * states
            _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
            self._found[known] = first, inverse
        return self._found[known]

    def count(self, known: tuple[Variable, ...]) -> int:
        """Return the number of distinct rows."""
        return len(self.of(known)[0])


def _people(codes: Mapping[Variable, Codes], start: int, stop: int) -> dict[Variable, Codes]:
    return {v: code[start:stop] if len(code) > 1 else code for v, code in codes.items()}


def _carry_out(
    part: _Part, fetches: Sequence[Callable[[slice], Any]], rows: _Rows, some: slice, coupling: str
) -> Array:
    """Carry the steps out for some draws."""
    known = [source.known for source in part.sources] + [step.known for step in part.steps]
    tables: dict[int, Array] = {}

    def spread(table: Array, before: tuple[Variable, ...], after: tuple[Variable, ...]) -> Array:
        if len(table) > 1 and before and before != after:
            return table[rows.of(before)[1][rows.of(after)[0]]]
        return table

    for number, step in enumerate(part.steps, start=len(fetches)):
        inputs: list[Any] = []
        for i in step.inputs:
            table: Any = tables.pop(i) if i in tables else fetches[i](some)
            if not isinstance(table, list):
                table = spread(table, known[i], step.known)
            inputs.append(table)
        if isinstance(step, _Pairing):
            pair, *others = step.inputs
            source = part.sources[pair]
            sides = [[spread(cdf, source.known, step.known) for cdf in both] for both in inputs[0]]
            given = [t if known[i] else t[None] for i, t in zip(others, inputs[1:], strict=True)]
            made = _paired(source, step, sides, given, coupling)
            tables[number] = made if step.known else made[0]
        else:
            tables[number] = np.einsum(step.subscripts, *inputs)
    return tables[number]


def _paired(
    source: _Source,
    step: _Pairing,
    sides: Sequence[Sequence[Array]],
    given: Sequence[Array],
    coupling: str,
) -> Array:
    """Carry a pairing out, slab by slab, so that no wide table leaves the processor's cache.

    A sum over states of probabilities times a table is one over levels of the joint CDF times the
    table's differences (Abel). At the top level of a world the joint CDF is the other world's own.
    """
    own = [(source.name, world) for world in source.worlds]
    union = [v for v in source.scope if v not in own]
    last = [v for v in step.axes if v in step.scopes[0] or v in step.keep]
    gone = len(step.axes) - len(last)  # axes that come first and are summed out
    slopes = np.moveaxis(_laid(given[0], 1, step.scopes[0], [*own, *step.axes]), 0, 2).copy()
    slopes[:-1] -= slopes[1:].copy()
    slopes[:, :-1] -= slopes[:, 1:].copy()
    weights = [
        _laid(table, 1, scope, step.axes)
        for table, scope in zip(given[1:], step.scopes[1:], strict=True)
    ] or [np.ones((1,) * (2 + len(step.axes)))]
    heres, theres = (
        [_laid(np.moveaxis(pair[world], -2, 0), 2, union, step.axes) for pair in sides]
        for world in (0, 1)
    )
    combine = np.multiply if coupling == "independent" else np.minimum
    shape = np.broadcast_shapes(
        slopes.shape[2:], *(w.shape for w in weights), *(t.shape[1:] for t in (*heres, *theres))
    )
    levels = slopes.shape[:2]
    expected = np.zeros((*levels, shape[0], *shape[1 + gone :]))
    axes = 1
    while axes < 1 + gone and math.prod(shape[axes:]) > _SLAB:
        axes += 1
    left = 1 + gone - axes
    top = [size - 1 for size in levels]
    for slab in np.ndindex(*shape[:axes]):
        here, there = ([_part(side, slab, 1) for side in each] for each in (heres, theres))
        weight = _product([_part(table, slab, 0) for table in weights])
        into = expected[:, :, slab[0]]
        first, second = (_over(weight, side, left) for side in (here, there))
        into[-1, -1] += _summed([first], left)
        for level in range(top[0]):
            into[level, -1] += _summed([first, _product([a[level] for a in here])], left)
        for other in range(top[1]):
            into[-1, other] += _summed([second, _product([b[other] for b in there])], left)
        for level, other in itertools.product(range(top[0]), range(top[1])):
            both = [combine(a[level], b[other]) for a, b in zip(here, there, strict=True)]
            into[level, other] += _summed([weight, _product(both)], left)
    slopes = slopes.reshape(*slopes.shape[:3], *slopes.shape[3 + gone :])
    kept = [last.index(v) for v in step.keep]
    total = (slopes * expected).sum(axis=(0, 1))
    total = total.sum(axis=tuple(1 + i for i in range(len(last)) if i not in kept))
    total = total.transpose(0, *(1 + i for i in np.argsort(np.argsort(kept))), -1)
    return np.maximum(total, 0.0)  # what is left of nothing by rounding may lie on either side


def _laid(table: Array, skip: int, scope: Sequence[Variable], axes: Sequence[Variable]) -> Array:
    """Lay the axes of a table, after some others and before that of draws, out over more."""
    moved = table.transpose(*range(skip), *(skip + scope.index(v) for v in axes if v in scope), -1)
    sizes = [table.shape[skip + scope.index(v)] if v in scope else 1 for v in axes]
    return moved.reshape(*table.shape[:skip], *sizes, table.shape[-1])


def _part(table: Array, slab: tuple[int, ...], skip: int) -> Array:
    """Take a slab of a table that may have one entry where others have more."""
    axes = table.shape[skip : skip + len(slab)]
    at = tuple(min(i, size - 1) for i, size in zip(slab, axes, strict=True))
    return table[(*(slice(None),) * skip, *at)]


def _product(tables: Iterable[Array]) -> Array:
    product: Array = reduce(np.multiply, tables)
    return product


def _over(weight: Array, sides: Sequence[Array], gone: int) -> Array:
    """Sum out those of the first axes that none of the sides knows."""
    unknown = [i for i in range(gone) if all(side.shape[1 + i] == 1 for side in sides)]
    rest: Array = weight.sum(axis=tuple(unknown), keepdims=True)
    return rest


def _summed(tables: Sequence[Array], gone: int) -> Array:
    """Multiply tables of like axes, the draws last, and sum out the first."""
    letters = _LETTERS[: tables[0].ndim - 1]
    found, inputs = [], []
    for table in tables:
        wide = [i for i, size in enumerate(table.shape[:-1]) if size > 1]
        found.append("".join(letters[i] for i in wide))
        inputs.append(table.reshape(*(table.shape[i] for i in wide), table.shape[-1]))
    kept = [x for x in letters[gone:] if any(x in label for label in found)]
    out: Array = np.einsum(f"{'Z,'.join(found)}Z->{''.join(kept)}Z", *inputs)
    sizes = iter(out.shape)
    return out.reshape(*(next(sizes) if x in kept else 1 for x in letters[gone:]), out.shape[-1])


def _taken(table: Array, at: Sequence[Codes]) -> Array:
    """Take one row for each entry of the codes of a table's first axes; one row without any."""
    if all(len(code) == 1 for code in at):  # a view, not a copy
        return table[(*(int(code[0]) for code in at), None)]
    return table[tuple(at)]


def _align(table: Array, scope: Sequence[Variable], union: Sequence[Variable]) -> Array:
    """Lay a table ``(row, *scope, state, draw)`` out over a larger scope."""
    order = sorted(range(len(scope)), key=lambda i: union.index(scope[i]))
    shape = [table.shape[1 + scope.index(v)] if v in scope else 1 for v in union]
    moved = table.transpose(0, *(1 + i for i in order), -2, -1)
    return moved.reshape(len(table), *shape, *table.shape[-2:])


def _levels(table: Array) -> Array:
    """Return the CDF over the state axis with a leading zero: ``(..., state + 1, draw)``."""
    levels = np.empty((*table.shape[:-2], table.shape[-2] + 1, table.shape[-1]))
    levels[..., 0, :] = 0.0
    for state in range(table.shape[-2] - 1):  # `cumsum` over this axis is several times slower
        np.add(levels[..., state, :], table[..., state, :], out=levels[..., state + 1, :])
    levels[..., -1, :] = 1.0
    return levels


def _window(levels: Array, own: Codes | None, width: int) -> Array:
    """Keep some entries from each row's seen state on, ``(row, ..., width, draw)``."""
    if own is None:
        return levels
    row = np.arange(len(levels))
    return np.stack([levels[row, ..., own + i, :] for i in range(width)], axis=-2)


def _coupled(here: Array, there: Array, owns: Sequence[Codes | None], coupling: str) -> Array:
    """Return the joint table of two rows, ``(row, ..., state here, state there, draw)``."""
    if coupling == "independent":
        first, second = (
            _window(side, own, 1) for side, own in zip((here, there), owns, strict=True)
        )
        return first[..., :, None, :] * second[..., None, :, :]
    first = _window(_levels(here), owns[0], 2)[..., None, :]
    second = _window(_levels(there), owns[1], 2)[..., None, :, :]
    low, high = first[..., :-1, :, :], first[..., 1:, :, :]
    shared = np.minimum(high, second[..., 1:, :]) - np.maximum(low, second[..., :-1, :])
    np.maximum(shared, 0.0, out=shared)
    return shared


def _joined(cdfs: Sequence[tuple[Array, Array]], owns: Sequence[Codes | None]) -> Array:
    """Return the joint table of a node whose leak and causes each have their own noise."""
    joint: Any = 1.0
    for pair in cdfs:
        first, second = (
            _window(np.concatenate([np.zeros_like(side[..., :1, :]), side], axis=-2), own, 2)
            for side, own in zip(pair, owns, strict=True)
        )
        joint = joint * np.minimum(first[..., :, None, :], second[..., None, :, :])
    found: Array = np.maximum(np.diff(np.diff(joint, axis=-3), axis=-2), 0.0)
    return found
