"""The steps that lead from tables to one table: which are multiplied, what is summed out when.

Steps are planned by the numbers of states alone. Memory and work are counted as they are planned,
so that a query too large for its budget is refused before anything is allocated.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache, partial

from backrisk.inference.circuits import Product, QueryCircuit
from backrisk.inference.elimination import TRIES, Sets, bits, greedy, tries
from backrisk.inference.twin_network import Source, Variable

PLANS = 512  # that are kept of each kind, some 30 KB each
_PAIR_COPIES = 3  # tables of its size that coupling a node's two worlds takes
_PAIR_WORK = 6  # passes over a table that lay a pair of worlds out
_PAIR_PASSES = 4  # passes beside one for each level, where it is not laid out


@dataclass(frozen=True)
class Step:
    """Multiply tables and sum variables out.

    Tables are numbered: first the sources, then the results of the steps. What is not in the scope
    of the result is summed out. The result has a number of cells, for one person and draw, and a
    row for each combination of what is known.
    """

    inputs: tuple[int, ...]
    scope: tuple[Variable, ...]
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
    def paired(self) -> tuple[int, ...]:
        """The sources whose node's two worlds are one variable."""
        return tuple(i for i, source in enumerate(self.sources) if source.paired)

    @property
    def pairing(self) -> Pairing | None:
        """The step that sums a pair of worlds out that is never laid out; it is the last."""
        last = self.steps[-1] if self.steps else None
        return last if isinstance(last, Pairing) else None

    @cached_property
    def circuit(self) -> QueryCircuit:
        """All steps but a pairing; its roots are what the pairing reads, or the result."""
        pairing = self.pairing
        steps = self.steps[: -1 if pairing else None]
        roots = pairing.inputs[1:] if pairing else (len(self.sources) + len(steps) - 1,)
        return QueryCircuit(
            tuple(() if i == self.last else s.scope for i, s in enumerate(self.sources)),
            tuple(Product(step.inputs, step.scope) for step in steps),
            roots,
            self.states,
        )


def resized(part: Part, states: dict[Variable, int]) -> Part:
    """Return a part with its steps ordered anew for other numbers of states."""
    sizes = tuple((v, states.get(v, size)) for v, size in part.states)
    if sizes == part.states:
        return part
    return ordered(part.sources, part.keep, part.last, sizes, part.people)


@lru_cache(maxsize=PLANS)
def ordered(
    members: tuple[Source, ...],
    keep: tuple[Variable, ...],
    last: int | None,
    sizes: tuple[tuple[Variable, int], ...],
    people: int,
    most: int = TRIES,
) -> Part:
    """Order the variables to sum out, greedily, by two rules; the one with less work is taken.

    Weighted min-fill takes the variable that links the fewest cells not linked before; the other
    rule the variable that leaves the smallest table, counted over all people. Where the sums are
    wide, they are tried again with their merits blurred, at most so often: a greedy choice may be
    a bad one.
    """
    part = Part(members, keep, last, sizes, people)
    rules = _Planner.fill, _Planner.result
    planners = [_summed_out(_Planner(part), rule) for rule in rules]
    planner = min(planners, key=lambda planner: planner.work)
    for rule in tries(rules, planner.work, most):
        other = _summed_out(_Planner(part), rule)
        planner = min(planner, other, key=lambda planner: planner.work)
    return replace(
        part,
        steps=tuple(planner.steps),
        known=planner.known[-1] if planner.known else (),
        cells=planner.most,
        widest=planner.names(planner.widest),
        work=planner.work,
    )


Rule = Callable[["_Planner", Sequence[int], int], float]


class _Planner(Sets):
    """Steps being planned over tables; a table is a number, and is used once.

    Tables are numbered: first the sources, then the result of each step. `live` are those not yet
    used. `held` counts the cells that stay allocated between steps, `most` the largest number at
    any moment, `work` the cells passed over: a plan is judged by them before it is run.
    """

    def __init__(self, part: Part) -> None:
        self.part = part
        self.states = dict(part.states)
        super().__init__({v: self.states[v] for source in part.sources for v in source.scope})
        self.scopes = [source.scope for source in part.sources]
        self.sets = [self.set(scope) for scope in self.scopes]
        self.known = [source.known for source in part.sources]
        self.paired = frozenset(part.paired)
        self.live = set(range(len(self.sets)))
        self.steps: list[Step] = []
        self._rows: dict[tuple[Variable, ...], int] = {}
        # Pairs are coupled ahead and held until they are used.
        self.held = sum(self.cells(self.sets[i]) for i in self.paired)
        self.most = self.held + max((self._fetched(i) for i in self.paired), default=0)
        self.work = sum(
            _PAIR_WORK * self.cells(self.sets[i]) * self.rows(self.known[i]) for i in self.paired
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
        """Multiply tables and sum out all variables outside a scope.

        Two at a time, those first that make the smallest table.
        """
        inputs = list(inputs)
        while len(inputs) > 2:
            pairs = itertools.combinations(inputs, 2)
            pair = min(pairs, key=lambda pair: self.cells(self.union(pair)))
            self.join(pair, self.names(self.union(pair)))
            inputs = [*(i for i in inputs if i not in pair), len(self.sets) - 1]
        known = self.knowing(inputs)
        self.work += self.cells(self.union(inputs)) * self.rows(known)
        made = self._made(inputs, scope, known)
        cells = self._account(inputs, made)
        self.steps.append(Step(tuple(inputs), tuple(scope), known, cells))

    def pair_up(self, pair: int) -> None:
        """Multiply all tables, among them a pair of worlds, and sum out all but what is kept."""
        keep, own = self.part.keep, self.own(pair)
        # What depends on the node becomes one table, whose differences stand for it; the rest only
        # weighs, and need not be multiplied together.
        about = sorted(i for i in self.with_variable(own) if i != pair)
        if len(about) > 1:
            self.join(about, self.names(self.union(about)))
            about = [len(self.sets) - 1]
        inputs = [*about, *sorted(self.live - {pair, *about})]
        last = (self.sets[inputs[0]] | self.set(v for v in keep if v in self.bit)) & ~own
        every = self.union([pair, *inputs]) & ~own
        # Axes that are summed out come first, those of the pair before others: slabs are cut there.
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
        self.steps.append(Pairing((pair, *inputs), kept, known, cells, tuple(axes), scopes, kept))

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
        held = [i for i in inputs if i >= len(self.part.sources) or i in self.paired]
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


def _summed_out(planner: _Planner, rule: Rule) -> _Planner:
    """Sum out all variables that are not kept, in the greedy order of a rule; a pair at last."""
    pair, kept = planner.part.last, [v for v in planner.part.keep if v in planner.bit]
    near = planner.near(planner.sets)
    left = planner.union(planner.live) & ~planner.set(kept)
    if pair is None:
        for v in greedy(planner, near, left, partial(rule, planner)):
            planner.join(planner.with_variable(1 << v), planner.names(near[v] & ~(1 << v)))
        if planner.live:
            planner.join(sorted(planner.live), kept)
        return planner
    left &= ~planner.sets[pair]
    for v in greedy(planner, near, left, partial(rule, planner), partial(_ready, planner, pair)):
        planner.join(planner.with_variable(1 << v), planner.names(near[v] & ~(1 << v)))
    planner.pair_up(pair)
    return planner


def _ready(planner: _Planner, pair: int, near: Sequence[int], v: int) -> bool:
    """Return whether summing a variable out leaves no larger table over the pair's node.

    The pair is not laid out only to be multiplied by a table that is as wide.
    """
    about = [i for i in planner.with_variable(1 << v) if planner.sets[i] & planner.own(pair)]
    made = planner.cells(near[v] & ~(1 << v))
    return all(made <= planner.cells(planner.sets[i]) for i in about)
