"""How a query is computed: which tables it needs, how they fall apart, in what order they go.

A variable is a pair ``(node, world)``. World 0 is the one that was seen; world 1 is the one that
would have been under an intervention. Nodes that the intervention cannot reach exist in world 0
alone and are shared. A node that is open in both worlds, and always spoken of in both, is one
variable ``(node, BOTH)``: its states are pairs of states, of which a coupling allows but a few.

A plan depends on a query's signature, which nodes are seen, set, left open and kept, and not on
their values. It leaves out what sums to one, slices every table at what is known, splits what
falls apart, and orders the rest. Sets of variables are bits of an integer here, since a plan is
made for every new combination of answers.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial

from backrisk.graph import CausalGraph

Variable = tuple[str, int]
BOTH = 2

LETTERS = [chr(code) for code in range(ord("A"), ord("z") + 1) if chr(code).isalpha()]
LETTERS = [letter for letter in LETTERS if letter not in "YZ"]  # people and draws
_PAIR_COPIES = 3  # tables of its size that coupling a node's two worlds takes
_PAIR_WORK = 6  # passes over a table that lay a pair of worlds out
_PAIR_PASSES = 4  # passes beside one for each level, where it is not laid out


@dataclass(frozen=True)
class Signature:
    """What a plan depends on.

    Parameters
    ----------
    graph : CausalGraph
    seen, done, free, told : frozenset of str
        As `backrisk.inference.draws.World` has them, without their values.
    keep : tuple of variables
    zeros : frozenset of str
        Nodes that may be in two worlds and whose CPT has a zero.
    noise : bool
        Whether the worlds share noise, so that few pairs of states are possible.
    people : int
        Their order of magnitude.
    """

    graph: CausalGraph
    seen: frozenset[str]
    done: frozenset[str]
    free: frozenset[str]
    told: frozenset[str]
    keep: tuple[Variable, ...]
    zeros: frozenset[str]
    noise: bool
    people: int

    @property
    def changed(self) -> frozenset[str]:
        """The intervened nodes and all that they affect."""
        return reached(self.graph, self.done | self.free)

    def known(self, variable: Variable) -> bool:
        """Return whether a variable is seen or set."""
        name, world = variable
        return name in (self.done | self.told if world else self.seen)


@dataclass(frozen=True)
class Source:
    """A table that the posterior gives: a node in one world, or in both.

    Parameters
    ----------
    name : str
    worlds : tuple of int
        None for the ones that a free variable has.
    known : tuple of variables
        Seen or set, where the table is sliced.
    scope : tuple of variables
        What is left open, the node itself last.
    """

    name: str
    worlds: tuple[int, ...]
    known: tuple[Variable, ...]
    scope: tuple[Variable, ...]

    @property
    def own(self) -> tuple[Variable, ...]:
        """The node's own open variables."""
        return tuple(v for v in self.scope if v[0] == self.name)

    @property
    def coupled(self) -> bool:
        """Whether the node's two worlds are one variable of this table."""
        return (self.name, BOTH) in self.scope


@dataclass(frozen=True)
class Step:
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
class Pairing(Step):
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
class Part:
    """Sources that lead to one table, and the steps for given numbers of states.

    Parameters
    ----------
    sources : tuple of Source
        Causes before effects.
    keep : tuple of variables
    last : int, optional
        The source whose two worlds are summed out at last, and never laid out.
    states : tuple of (variable, int)
        Of every open variable and every known one; of a pair, how many may be possible.
    people : int
    steps : tuple of Step
    known : tuple of variables
        What the result depends on.
    cells : int
        The most cells that are held at any moment, for one draw and one person.
    widest : tuple of variables
        Scope of the largest table.
    work : int
        Cells that are passed over.
    """

    sources: tuple[Source, ...]
    keep: tuple[Variable, ...]
    last: int | None
    states: tuple[tuple[Variable, int], ...]
    people: int
    steps: tuple[Step, ...] = ()
    known: tuple[Variable, ...] = ()
    cells: int = 0
    widest: tuple[Variable, ...] = ()
    work: int = 0

    @property
    def coupled(self) -> tuple[int, ...]:
        """The sources whose node's two worlds are one variable."""
        return tuple(i for i, source in enumerate(self.sources) if source.coupled)


@dataclass(frozen=True)
class Plan:
    """A part that ends in the kept variables, and parts that are independent of them."""

    main: Part
    others: tuple[Part, ...]


@lru_cache(maxsize=4096)
def reached(graph: CausalGraph, nodes: frozenset[str]) -> frozenset[str]:
    """Return the intervened nodes and all that they affect."""
    return nodes.union(*(graph.descendants(name) for name in nodes))


@lru_cache(maxsize=4096)
def plan(signature: Signature) -> Plan:
    """Plan a query.

    Where nodes have two worlds, it is also tried with the widest pair of worlds left to the end,
    where it need not be laid out.
    """
    found = _planned(signature, "")
    if wide := _widest_pair(found, signature.zeros):
        other = _planned(signature, wide)
        works = (sum(part.work for part in (p.main, *p.others)) for p in (other, found))
        if next(works) < next(works):
            return other
    return found


def resized(part: Part, states: dict[Variable, int]) -> Part:
    """Return a part with its steps ordered anew for other numbers of states."""
    sizes = tuple((v, states.get(v, size)) for v, size in part.states)
    if sizes == part.states:
        return part
    return _ordered(part.sources, part.keep, part.last, sizes, part.people)


def _planned(signature: Signature, apart: str) -> Plan:
    """Plan a query, one node's pair of worlds to be summed out at last."""
    parts = _components(tuple(sources(signature, {apart} if apart else set())))
    main = [source for part in parts if _touches(part, signature.keep) for source in part]
    others = [part for part in parts if not _touches(part, signature.keep)]
    return Plan(
        _part(signature, main, signature.keep, apart),
        tuple(_part(signature, part, (), apart) for part in others),
    )


def _part(
    signature: Signature, members: Sequence[Source], keep: tuple[Variable, ...], apart: str
) -> Part:
    place = {name: i for i, name in enumerate(signature.graph.topological)}
    ordered = tuple(sorted(members, key=lambda source: place[source.name]))
    last = [i for i, source in enumerate(ordered) if source.name == apart and source.worlds]
    variables = dict.fromkeys(v for s in ordered for v in (*s.scope, *s.known))
    sizes = tuple((v, states(signature, v)) for v in variables)
    return _ordered(ordered, keep, last[0] if last else None, sizes, signature.people)


def states(signature: Signature, variable: Variable) -> int:
    """Return how many states a variable has; of a pair, how many are likely to be possible."""
    size = len(signature.graph.node(variable[0]).states)
    if variable[1] != BOTH:
        return size
    # Two rows that share their noise overlap in at most so many pairs of states.
    return 2 * size - 1 if signature.noise else size * size


def sources(signature: Signature, apart: Iterable[str] = ()) -> Iterator[Source]:
    """Yield the tables of the kept and seen variables and their causes; the rest sums to one.

    Parameters
    ----------
    signature : Signature
    apart : iterable of str
        Nodes whose two worlds stay two variables.
    """
    graph, changed, known = signature.graph, signature.changed, signature.known
    intervened = signature.done | signature.free

    def causes(name: str, world: int) -> list[Variable]:
        return [(parent, int(world and parent in changed)) for parent in graph.parents(name)]

    needed: set[Variable] = set()
    waiting = [
        *signature.keep,
        *((name, 0) for name in signature.seen),
        *((name, 1) for name in signature.told),
    ]
    while waiting:
        name, world = waiting.pop()
        if (name, world) not in needed:
            needed.add((name, world))
            if not (world and name in intervened):
                waiting += causes(name, world)
    families = []
    for name in graph.topological:
        worlds = tuple(
            world
            for world in (0, 1)
            if (name, world) in needed and not (world and name in intervened)
        )
        if worlds:
            family = [v for world in worlds for v in (*causes(name, world), (name, world))]
            parents = dict.fromkeys(v for v in family if v[0] != name)
            families.append((name, worlds, [*parents, *((name, world) for world in worlds)]))
    coupled = _coupled(families, signature, set(apart))
    for variable in signature.keep:
        if variable[1] and variable[0] in signature.free:
            yield Source(variable[0], (), (), (variable,))  # else nothing may speak of it
    for name, worlds, family in families:
        left = ((v[0], BOTH) if v[0] in coupled else v for v in family if not known(v))
        yield Source(name, worlds, tuple(v for v in family if known(v)), tuple(dict.fromkeys(left)))


def _coupled(
    families: Sequence[tuple[str, tuple[int, ...], list[Variable]]],
    signature: Signature,
    apart: set[str],
) -> set[str]:
    """Return the nodes whose two worlds are one variable: open, and spoken of together."""
    found = {
        name
        for name, worlds, _ in families
        if len(worlds) > 1
        and name not in apart
        and not any((name, w) in signature.keep or signature.known((name, w)) for w in worlds)
    }
    for _, _, family in families:
        left = {v for v in family if not signature.known(v)}
        if len(left) > 1:
            found -= {name for name, world in left if (name, 1 - world) not in left}
    return found


def _components(members: Sequence[Source]) -> list[list[Source]]:
    """Split tables into groups that share no open variable."""
    groups: list[tuple[set[Variable], list[Source]]] = []
    for source in members:
        scope, together = set(source.scope), [source]
        apart = []
        for others, group in groups:
            if scope & others:
                scope, together = scope | others, group + together
            else:
                apart.append((others, group))
        groups = [*apart, (scope, together)]
    return [together for _, together in groups]


def _touches(part: Sequence[Source], keep: Sequence[Variable]) -> bool:
    return any(variable in source.scope for source in part for variable in keep)


def _widest_pair(found: Plan, zeros: frozenset[str]) -> str:
    """Return the node with the largest table of those whose two worlds may be summed out at once.

    A sum over the levels of a CDF leaves rounding where a sum over states leaves exactly nothing.
    Tables with zeros are kept from it, so that what is impossible stays impossible.
    """
    cells: dict[str, int] = {}
    for part in (found.main, *found.others):
        sizes = dict(part.states)
        for source in part.sources:
            if source.coupled and source.name not in zeros:
                cells[source.name] = math.prod(sizes[v] for v in source.scope)
    return max(cells, key=lambda name: cells[name], default="")


@lru_cache(maxsize=4096)
def _ordered(
    members: tuple[Source, ...],
    keep: tuple[Variable, ...],
    last: int | None,
    sizes: tuple[tuple[Variable, int], ...],
    people: int,
) -> Part:
    """Order the variables to sum out, greedily.

    Weighted min-fill takes the variable that links the fewest cells not linked before, and suits
    one person. With several, who share what depends on few answers, the variable that leaves the
    smallest table, counted over all people, is tried as well.
    """
    part = Part(members, keep, last, sizes, people)
    rules = (_Tape.fill,) if people == 1 else (_Tape.fill, _Tape.result)
    tapes = [_summed_out(_Tape(part), rule) for rule in rules]
    tape = min(tapes, key=lambda tape: tape.work)
    return replace(
        part,
        steps=tuple(tape.steps),
        known=tape.known[-1] if tape.known else (),
        cells=tape.most,
        widest=tape.names(tape.widest),
        work=tape.work,
    )


@lru_cache(maxsize=2**16)
def bits(members: int) -> tuple[int, ...]:
    """Return the positions of the bits of a set."""
    found = []
    while members:
        low = members & -members
        found.append(low.bit_length() - 1)
        members ^= low
    return tuple(found)


class Sets:
    """Sets of variables as bits of an integer.

    Parameters
    ----------
    states : mapping of variable to int
        The number of states of each.
    """

    def __init__(self, states: Mapping[Variable, int]) -> None:
        self.variables = sorted(states)
        self.sizes = [states[v] for v in self.variables]
        self.bit = {v: 1 << i for i, v in enumerate(self.variables)}
        self._cells: dict[int, int] = {0: 1}
        self._weights: dict[int, int] = {0: 0}

    def set(self, variables: Iterable[Variable]) -> int:
        """Return a set of variables."""
        return sum(self.bit[v] for v in variables)

    def names(self, members: int) -> tuple[Variable, ...]:
        """Return the variables of a set."""
        return tuple(self.variables[i] for i in bits(members))

    def cells(self, members: int) -> int:
        """Return the number of cells of a table over a set of variables."""
        if members not in self._cells:
            self._cells[members] = math.prod(self.sizes[i] for i in bits(members))
        return self._cells[members]

    def weight(self, members: int) -> int:
        """Return the number of states of a set of variables, one after the other."""
        if members not in self._weights:
            self._weights[members] = sum(self.sizes[i] for i in bits(members))
        return self._weights[members]

    def near(self, scopes: Iterable[int]) -> list[int]:
        """Return what each variable shares a table with."""
        found = [0] * len(self.variables)
        for members in scopes:
            for i in bits(members):
                found[i] |= members
        return found

    def fill(self, near: Sequence[int], v: int) -> int:
        """Return how many cells summing a variable out would link that were not linked before."""
        others = near[v] & ~(1 << v)
        return sum(self.sizes[a] * self.weight(others & ~near[a]) for a in bits(others))


def greedy(
    sets: Sets,
    near: list[int],
    left: int,
    merit: Callable[[Sequence[int], int], int],
    ready: Callable[[Sequence[int], int], bool] = lambda near, v: True,
) -> Iterator[int]:
    """Yield variables to sum out, each time the one of least merit, and link its neighbours.

    Parameters
    ----------
    sets : Sets
    near : list of int
        What each variable shares a table with; changed as variables go.
    left : int
        The set of variables to go.
    merit : callable
    ready : callable
        Whether a variable may go now; the rest is left.
    """
    merits: dict[int, tuple[int, int, int]] = {}
    while some := [v for v in bits(left) if ready(near, v)]:
        for v in some:
            if v not in merits:
                merits[v] = merit(near, v), sets.cells(near[v]), v
        v = min(some, key=merits.__getitem__)
        yield v
        left &= ~(1 << v)
        others = near[v] & ~(1 << v)
        for u in bits(others):
            near[u] = (near[u] | others) & ~(1 << v)
        for u in bits(others):
            for w in bits(near[u]):  # what may have changed for them is counted anew
                merits.pop(w, None)


class _Tape(Sets):
    """Steps being planned over tables; a table is a number, and is used once."""

    def __init__(self, part: Part) -> None:
        self.part = part
        self.states = dict(part.states)
        super().__init__({v: self.states[v] for source in part.sources for v in source.scope})
        self.scopes = [source.scope for source in part.sources]
        self.sets = [self.set(scope) for scope in self.scopes]
        self.known = [source.known for source in part.sources]
        self.coupled = frozenset(part.coupled)
        self.live = set(range(len(self.sets)))
        self.steps: list[Step] = []
        self._rows: dict[tuple[Variable, ...], int] = {}
        # Pairs are coupled ahead and held until they are used.
        self.held = sum(self.cells(self.sets[i]) for i in self.coupled)
        self.most = self.held + max((self._fetched(i) for i in self.coupled), default=0)
        self.work = sum(
            _PAIR_WORK * self.cells(self.sets[i]) * self.rows(self.known[i]) for i in self.coupled
        )
        self.widest = max(self.sets, key=self.cells, default=0)

    def result(self, near: Sequence[int], v: int) -> int:
        """Return how many cells summing a variable out would leave, for everyone."""
        known = self.knowing(self.with_variable(1 << v))
        return self.cells(near[v] & ~(1 << v)) * self.rows(known)

    def rows(self, known: tuple[Variable, ...]) -> int:
        """Return how many rows a table may have that depends on these answers."""
        if known not in self._rows:
            combinations = math.prod(self.states[v] for v in known)
            self._rows[known] = min(self.part.people, combinations)
        return self._rows[known]

    def union(self, inputs: Iterable[int]) -> int:
        """Return the variables of some tables."""
        members = 0
        for i in inputs:
            members |= self.sets[i]
        return members

    def knowing(self, inputs: Iterable[int]) -> tuple[Variable, ...]:
        """Return the answers that some tables depend on."""
        return tuple(sorted({v for i in inputs for v in self.known[i]}))

    def with_variable(self, bit: int) -> list[int]:
        """Return the tables over a variable, or over any of some."""
        return [i for i in self.live if self.sets[i] & bit]

    def join(self, inputs: Sequence[int], scope: Sequence[Variable]) -> None:
        """Multiply tables and sum out all variables outside a scope."""
        inputs = list(inputs)
        while len(inputs) > 2:  # two at a time, those first that make the smallest table
            pairs = itertools.combinations(inputs, 2)
            pair = min(pairs, key=lambda pair: self.cells(self.union(pair)))
            self.join(pair, self.names(self.union(pair)))
            inputs = [*(i for i in inputs if i not in pair), len(self.sets) - 1]
        union = self.union(inputs)
        letter = dict(zip(self.names(union), LETTERS, strict=False))
        known = self.knowing(inputs)

        def label(i: int) -> str:
            # More variables than letters make a table beyond any budget, which is refused.
            open_here = "".join(letter.get(v, "?") for v in self.scopes[i])
            return f"{'Y' if self.known[i] else ''}{open_here}Z"

        self.work += self.cells(union) * self.rows(known)
        made = self._made(inputs, scope, known)
        cells = self._account(inputs, made)
        subscripts = f"{','.join(map(label, inputs))}->{label(made)}"
        self.steps.append(Step(tuple(inputs), subscripts, known, cells))

    def pair_up(self, pair: int) -> None:
        """Multiply all tables, among them a pair of worlds, and sum out all but what is kept."""
        keep, own = self.part.keep, self.own(pair)
        about = sorted(i for i in self.with_variable(own) if i != pair)
        if len(about) > 1:
            self.join(about, self.names(self.union(about)))
            about = [len(self.sets) - 1]
        inputs = [*about, *sorted(self.live - {pair, *about})]
        last = (self.sets[inputs[0]] | self.set(v for v in keep if v in self.bit)) & ~own
        every = self.union([pair, *inputs]) & ~own
        axes = sorted(
            self.names(every),
            key=lambda v: (bool(self.bit[v] & last), not self.bit[v] & self.sets[pair]),
        )
        known = self.knowing((pair, *inputs))
        levels = math.prod(self.sizes[i] - 1 for i in bits(own))
        self.work += (levels + _PAIR_PASSES) * self.cells(every) * self.rows(known)
        scopes = tuple(self.scopes[i] for i in inputs)
        kept = tuple(v for v in keep if v in axes)
        made = self._made([pair, *inputs], kept, known)
        cells = self._account(inputs, made, self.cells(own) * self.cells(last))
        # Never held, but so wide a sum would take as long as one that is.
        self.most = max(self.most, self.cells(every))
        self.widest = max(self.widest, every, key=self.cells)
        self.steps.append(Pairing((pair, *inputs), "", known, cells, tuple(axes), scopes, kept))

    def own(self, pair: int) -> int:
        """Return a source's node in its worlds."""
        return self.set(self.part.sources[pair].own)

    def _made(
        self, inputs: Sequence[int], scope: Sequence[Variable], known: tuple[Variable, ...]
    ) -> int:
        """Give a new table, which takes the place of its inputs, a number."""
        self.scopes.append(tuple(scope))
        self.sets.append(self.set(scope))
        self.known.append(known)
        made = len(self.sets) - 1
        self.live = self.live - set(inputs) | {made}
        return made

    def _account(self, inputs: Sequence[int], made: int, beside: int = 0) -> int:
        """Keep the books of memory and return the new cells of a step.

        Sources are fetched when used, results and coupled pairs held until used.
        """
        held = [i for i in inputs if i >= len(self.part.sources) or i in self.coupled]
        fetched = [i for i in inputs if i not in held]
        result = self.cells(self.sets[made])
        new = beside + result + sum(self._fetched(i) for i in fetched)
        self.most = max(self.most, self.held + new)
        self.held += result - sum(self.cells(self.sets[i]) for i in held)
        self.widest = max(self.widest, *(self.sets[i] for i in (*inputs, made)), key=self.cells)
        return new

    def _fetched(self, i: int) -> int:
        """Return the cells that getting a source takes."""
        copies = _PAIR_COPIES if len(self.part.sources[i].worlds) > 1 else 1
        return copies * self.cells(self.sets[i])


def _summed_out(tape: _Tape, rule: Callable[[_Tape, Sequence[int], int], int]) -> _Tape:
    """Sum out all variables that are not kept, in the greedy order of a rule; a pair at last."""
    pair, kept = tape.part.last, [v for v in tape.part.keep if v in tape.bit]
    near = tape.near(tape.sets)
    left = tape.union(tape.live) & ~tape.set(kept)
    if pair is None:
        for v in greedy(tape, near, left, partial(rule, tape)):
            tape.join(tape.with_variable(1 << v), tape.names(near[v] & ~(1 << v)))
        if tape.live:
            tape.join(sorted(tape.live), kept)
        return tape
    left &= ~tape.sets[pair]
    for v in greedy(tape, near, left, partial(rule, tape), partial(_ready, tape, pair)):
        tape.join(tape.with_variable(1 << v), tape.names(near[v] & ~(1 << v)))
    tape.pair_up(pair)
    return tape


def _ready(tape: _Tape, pair: int, near: Sequence[int], v: int) -> bool:
    """Return whether to sum a variable out makes no more cells that speak of the pair's node."""
    about = [i for i in tape.with_variable(1 << v) if tape.sets[i] & tape.own(pair)]
    made = tape.cells(near[v] & ~(1 << v))
    return all(made <= tape.cells(tape.sets[i]) for i in about)
