"""What each node's causes predict of it beside what a survey shows: where a family falls short."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from backrisk._arguments import checked
from backrisk._types import Array
from backrisk.check.answered import Ints, departure, pull, unordered
from backrisk.check.claims import (
    ERROR,
    Claim,
    Kind,
    Tested,
    Verdicts,
    by_other,
    contrasts,
    demand_level,
    judged,
    no_rows,
    pairs,
    shares,
)
from backrisk.check.independences import implied_independences
from backrisk.check.moments import Terms
from backrisk.check.scores import Scores
from backrisk.graph import CausalGraph, Node
from backrisk.posterior import Posterior
from backrisk.survey import Survey

_FREE = ("saturated", "item")  # mechanisms that hold any dependence on their causes
_RARELY = 0.5  # a construct that fewer people know is looked at by its answers


@checked()
def family_residuals(posterior: Posterior, survey: Survey, *, level: float = ERROR) -> Verdicts:
    """Compare each node with what its causes predict, by causes, by other nodes, answer by answer.

    Estimand of each test: the effect that the model leaves out, on the log odds of the node, of

    - another node, where the two have no independence among observed nodes that `local_tests`
      could test (one is unmeasured, or an unmeasured node joins them);
    - another node on how a question is answered, given what it measures: reports that depend on
      the outcome, for instance;
    - two causes together, beyond the sum of their effects, where the mechanism adds them up;
    - a middle state of a cause, beyond what effects that rise or fall steadily can follow.

    Of tables that were given (`Posterior.from_cpts`) the last two are instead whether their numbers
    are right: how common each state is given the causes (``level``: the log odds by which all rows
    are off alike; where the answers of others are missing, a level of theirs may be the reason);
    with that left open, what each state of a cause adds (``effect``); with that left open too, what
    two causes add together (``together``). Against other nodes, every row is left open.

    Parameters
    ----------
    posterior : Posterior
    survey : Survey
    level : float
        As for `local_tests`.

    Returns
    -------
    Verdicts
        As for `local_tests`, with which it shares the level. ``predicted`` holds shares
        by every two causes and by the nodes that were looked at.

    Raises
    ------
    QueryError
    FitError
        As for `local_tests`.

    Notes
    -----
    See `local_tests` for how. A report that goes with another node is no proof of a biased report:
    an effect of what it measures that the graph leaves out looks alike where that is hidden.
    """
    demand_level(level)
    return families_at(posterior, survey, level)


def families_at(posterior: Posterior, survey: Survey, level: float) -> Verdicts:
    """Return `family_residuals` at a level of both reports, of which its own half is below one."""
    scores = Scores.of(posterior, survey)
    graph = survey.graph
    tested = []
    known = {(e.node, e.other) for e in implied_independences(graph, scores.measured)}
    claims: dict[str, list[Claim]] = {}
    for node, other in dict.fromkeys(_by_others(graph, scores, known)):
        kind: Kind = "report" if graph.mechanism(node) == "item" else "other"
        claims.setdefault(other, []).append(Claim(kind, node, (other,), graph.parents(node)))
    tested = [t for other, asked in claims.items() for t in by_other(scores, other, asked)]
    if posterior.given is None:
        for name in graph.names:
            tested += _by_causes(scores, name)
        return judged(graph, tested, "check.families.title", level)
    # What a table says is tested from the coarse to the fine: how common states are; with that
    # left open, what a cause adds; with that left open too, what two add together.
    levels, effects, together = (
        Scores.of(posterior, survey, each) for each in ("nothing", "levels", "effects")
    )
    for name in graph.names:
        if name in scores.measured:
            tested.append(_level(levels, name))
        tested += _of_table(effects, name, 1) + _of_table(together, name, 2)
    return judged(graph, tested, "check.families.title", level)


def _by_others(
    graph: CausalGraph, scores: Scores, known: set[tuple[str, str]]
) -> Iterator[tuple[str, str]]:
    """Yield the nodes whose residuals are looked at, and by which measured node."""
    measured = set(scores.measured)
    for node, other in pairs(graph):
        if (node, other) in known:
            continue
        if other in measured:
            yield node, other
        elif node in measured and other not in graph.ancestors(node):
            yield other, node
    # What is rarely known of itself shows by its answers whether it acts on what it should not.
    for item in graph.items:
        if graph.mechanism(item) != "item" or item not in measured:
            continue
        (construct,) = graph.parents(item)
        if scores.answered[construct] >= _RARELY:
            continue
        for node in graph.names:
            near = {construct, *graph.parents(construct), *graph.children(construct)}
            if (
                node not in near
                and node not in graph.items
                and construct not in graph.descendants(node)
            ):
                yield node, item


@dataclass(frozen=True, eq=False)
class _Looked:
    """What is looked at in one family, by some of its causes.

    Parameters
    ----------
    node : Node
    causes : tuple of int
        Positions among the parents.
    sizes : tuple of int
        How many states these have.
    directions : ndarray, shape (direction, *sizes)
        Of each test: what the residual is multiplied by.
    """

    node: Node
    causes: tuple[int, ...]
    sizes: tuple[int, ...]
    directions: Array

    def functions(self, rows: Ints, table: Array) -> Array:
        """Return pulls in each direction; then away, risk and present in each group."""
        group = np.ravel_multi_index(tuple(rows[:, cause] for cause in self.causes), self.sizes)
        along = self.directions.reshape(-1, math.prod(self.sizes))[:, group].T
        own = pull(self.node, table)
        pulls = own[..., None] * along[:, None, None]
        pulls = pulls.reshape(*table.shape, math.prod(pulls.shape[2:]))
        inside = np.broadcast_to(
            np.eye(math.prod(self.sizes))[group][:, None], (*table.shape, math.prod(self.sizes))
        )
        risk = 1.0 - table[:, :1, None]
        every = [pulls, inside * departure(table)[..., None], inside * risk, inside]
        return np.concatenate(every, axis=2)


def _by_causes(scores: Scores, name: str) -> list[Tested]:
    """Test a family by each of its causes, and by every two of them."""
    graph = scores.graph
    node, parents = graph.node(name), [graph.node(parent) for parent in graph.parents(name)]
    kind = graph.mechanism(name)
    free = kind in _FREE
    stated = {frozenset(pair) for pair in node.interactions} if kind == "ordinal_logit" else set()
    found = []
    for at, parent in enumerate(parents):
        states = [] if free else _bends(parent, kind)
        if states or len(parents) == 1:
            found.append(_by_one(scores, node, at, states, "shape"))
    for (i, one), (j, two) in itertools.combinations(enumerate(parents), 2):
        looks = not free and frozenset((one.name, two.name)) not in stated
        found.append(_by_two(scores, node, (i, j), "interaction" if looks else None))
    return found


def _of_table(scores: Scores, name: str, causes: int) -> list[Tested]:
    """Test a table that was given by each cause, or by every two."""
    graph = scores.graph
    node, parents = graph.node(name), [graph.node(parent) for parent in graph.parents(name)]
    if causes == 1:
        return [
            _by_one(scores, node, at, list(range(1, len(parent.states))), "effect")
            for at, parent in enumerate(parents)
        ]
    pairs_of = itertools.combinations(range(len(parents)), 2)
    return [_by_two(scores, node, pair, "together") for pair in pairs_of]


def _by_one(scores: Scores, node: Node, at: int, states: list[int], kind: Kind) -> Tested:
    """Test a family by some states of one cause."""
    parent = scores.graph.node(scores.graph.parents(node.name)[at])
    size = len(parent.states)
    claims = [
        Claim(kind, node.name, (parent.name,), (), None, parent.states[state]) for state in states
    ]
    return _looked(scores, _Looked(node, (at,), (size,), np.eye(size)[states]), claims)


def _by_two(scores: Scores, node: Node, pair: tuple[int, int], kind: Kind | None) -> Tested:
    """Test a family by two causes together; without a kind, only count people."""
    parents = scores.graph.parents(node.name)
    one, two = (scores.graph.node(parents[at]) for at in pair)
    claims = []
    products: list[Array] = []
    if kind is not None:
        for (first, a), (_, b) in itertools.product(contrasts(one), contrasts(two)):
            products.append(np.outer(a - a.mean(), b - b.mean()))
            claims.append(Claim(kind, node.name, (one.name, two.name), (), None, first))
    sizes = len(one.states), len(two.states)
    return _looked(
        scores, _Looked(node, pair, sizes, np.array(products).reshape(-1, *sizes)), claims
    )


def _level(scores: Scores, name: str) -> Tested:
    """Test how common the states of a node are, given its causes, in a table that was given."""
    node = scores.graph.node(name)
    states = len(node.states)
    # Which states count: each of those without an order, else those from each one on.
    counted = np.eye(states)[1:] if unordered(node) else np.tri(states, k=-1).T[:-1]

    def functions(rows: Ints, table: Array) -> Array:
        del rows
        expected = table @ counted.T
        away: Array = counted.T[None] - expected[:, None]
        return np.concatenate([away, np.ones((*table.shape, 1))], axis=2)

    values, if_state = scores.by_family(name, functions)
    people = float(scores.people(values[:, -1]))
    claims = tuple(Claim("level", name, (), (), state) for state in node.states[1:])
    pulls = Terms(name, values[:, :-1], [each[..., :-1] for each in if_state])
    share = 1.0 / max(people, 1.0)
    away = Terms(name, share * values[:, :-1], [share * each[..., :-1] for each in if_state])
    return Tested(claims, scores.moments(pulls), scores.moments(away), no_rows())


def _bends(parent: Node, kind: str) -> list[int]:
    """Return the states of a cause whose effect a mechanism may not be able to follow."""
    if kind == "noisy_max":  # which only adds risk
        return list(range(1, len(parent.states)))
    return [] if parent.nominal else list(range(1, len(parent.states) - 1))


def _looked(scores: Scores, looked: _Looked, claims: Sequence[Claim]) -> Tested:
    graph, node, cells = scores.graph, looked.node, math.prod(looked.sizes)
    values, if_state = scores.by_family(node.name, looked.functions)
    first = values.shape[1] - 3 * cells
    second = first + cells
    risk, present = np.split(values[:, second:], 2, axis=1)
    people = scores.people(present)
    counted = scores.people(risk) + scores.people(values[:, first:second])
    some = np.where(people > 0, people, np.inf)
    states: tuple[str | None, ...] = node.states[1:] if unordered(node) else (None,)
    every = tuple(replace(claim, state=state) for state in states for claim in claims)
    # The difference in shares that goes with each: a state's own, or that across the corners.
    means = np.concatenate([*[_corners(looked, people)] * len(states), np.diag(1.0 / some)])
    away = Terms(
        node.name,
        values[:, first:second] @ means.T,
        [each[..., first:second] @ means.T for each in if_state],
    )
    pulls = Terms(node.name, values[:, :first], [each[..., :first] for each in if_state])
    differ, names = scores.moments(away), graph.parents(node.name)
    rows = []
    for at, where in enumerate(itertools.product(*(range(size) for size in looked.sizes))):
        group = tuple(
            (names[cause], graph.node(names[cause]).states[state])
            for cause, state in zip(looked.causes, where, strict=True)
        )
        rows.append((group, people[at], counted[at] / some[at]))
    return Tested(
        every,
        scores.moments(pulls),
        differ.part(slice(0, len(every))),
        shares(graph, node.name, rows, differ.part(slice(len(every), None))),
    )


def _corners(looked: _Looked, people: Array) -> Array:
    """Return by what departures of each group are weighted, ``(direction, group)``."""
    found = np.zeros((len(looked.directions), len(people)))
    for row, direction in zip(found, looked.directions, strict=True):
        flat = direction.ravel()
        for sign in (1.0, -1.0):
            these = sign * flat == np.abs(flat).max() if len(looked.sizes) == 2 else sign * flat > 0
            if people[these].sum() > 0:
                row[these] = sign / people[these].sum()
    return found
