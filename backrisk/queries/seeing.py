"""What goes with a person's answers. Rung: seeing.

Every answer is computed for each draw and summarised last. It has ``draws``, ``table`` and
``text``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backrisk._arguments import checked
from backrisk._types import Array
from backrisk.errors import QueryError
from backrisk.inference import BUDGET, Tables, World, contradiction, each, set_in_turn, together
from backrisk.posterior import Posterior
from backrisk.queries.answer import Answer, Target, row_name
from backrisk.queries.asked import (
    changing,
    demand_identified,
    named,
    read_do,
    read_person,
    read_target,
)
from backrisk.queries.flags import unfit_for
from backrisk.summary import described
from backrisk.words import estimate, listed, names_of, say


@dataclass(frozen=True, eq=False, repr=False)
class Risk(Answer):
    """P(target | evidence); ``draws`` is ``(draw,)``, ``average`` that of the whole population.

    Parameters
    ----------
    average : ndarray, shape (draw,)
        P(target), whatever was answered.
    surveyed : bool
        Whether the average is of the people whom a survey stands for, or of those whom given
        tables describe.
    """

    average: Array
    surveyed: bool = True

    @property
    def population(self) -> str:
        """Whom the average is of."""
        return say(f"queries.population.{'surveyed' if self.surveyed else 'described'}")

    def columns(self) -> dict[str, list[Any]]:
        """Return the rows ``this person`` and ``average``."""
        return described(np.column_stack([self.draws, self.average]), list(map(row_name, _RISK)))

    def row_label(self, name: str) -> str:
        """Return how a person reads the name of a row of `table`."""
        if name == row_name("average"):
            return self.population
        return say("queries.rows.person")

    def sentences(self) -> list[str]:
        """Return what the answer says."""
        return [
            say(
                "queries.risk",
                target=self.target.label,
                risk=estimate(self.draws),
                average=estimate(self.average),
                population=self.population,
            )
        ]


_RISK = ("person", "average")  # rows of its table


@dataclass(frozen=True, eq=False, repr=False)
class Diagnosis(Answer):
    """P(state | evidence) of the unobserved nodes; ``draws`` is ``(draw, row)``.

    Parameters
    ----------
    rows : tuple of (str, str)
        Node and state; the states of a node follow one another, its reference first.
    before : ndarray, shape (draw, row)
        The same without any answer.
    """

    rows: tuple[tuple[str, str], ...]
    before: Array

    def columns(self) -> dict[str, list[Any]]:
        """Return one row a state: mean and interval, and the mean without any answer."""
        found = described(self.draws, [f"{node}={state}" for node, state in self.rows])
        named_rows = {
            "name": found.pop("name"),
            "node": [node for node, _ in self.rows],
            "state": [state for _, state in self.rows],
        }
        return {**named_rows, **found, "without_answers": self.before.mean(axis=0).tolist()}

    def row_label(self, name: str) -> str:
        """Return how a person reads the name of a row of `table`."""
        return self.names.pair(*name.split("=", 1))

    def sentences(self) -> list[str]:
        """Return what the answer says: the likeliest state of each node, the surest first."""
        best: dict[str, tuple[float, int]] = {}
        for column, (node, _) in enumerate(self.rows):
            mean = float(self.draws[:, column].mean())
            best[node] = max(best.get(node, (-1.0, 0)), (mean, column))
        away: list[tuple[float, str]] = []
        at_reference: list[tuple[float, str]] = []
        for share, column in best.values():
            node, state = self.rows[column]
            said = say(
                "queries.diagnose.state",
                state=self.names.phrase(node, state),
                share=estimate(self.draws[:, column]),
            )
            reference = self.graph.node(node).reference
            (at_reference if state == reference else away).append((share, said))
        found: list[str] = []
        if away:
            states = listed(said for _, said in sorted(away, reverse=True))
            found.append(say("queries.diagnose.away", states=states))
        if at_reference:
            states = listed(said for _, said in sorted(at_reference, reverse=True))
            found.append(say("queries.diagnose.at_reference", states=states))
        return found or [say("queries.diagnose.nothing")]


def probability(world: World, target: Target, *, strict: bool = True) -> Array:
    """Return P(target in the last world | evidence), ``(draw,)``; ``(person, draw)`` for many.

    Raises
    ------
    QueryError
        If the evidence has probability zero in some draw; if not `strict`, the answer is NaN.
    """
    variable = world.variable(target.node)
    if variable[1] == 0 and target.node in world.evidence:
        present = np.isin(world.evidence[target.node], target.codes).astype(float)
        shape = () if world.people is None else (world.people,)
        draws = np.broadcast_to(present[..., None], (*shape, world.posterior.draws))
        return draws.copy()
    return world.conditional([variable], {variable: target.codes}, strict=strict)


def after_each(
    tables: Tables,
    evidence: Mapping[str, int],
    changes: Sequence[Mapping[str, int]],
    target: Target,
    coupling: str = "monotone",
) -> list[Array]:
    """Return P(target after a change | evidence) of each of some changes, ``(draw,)``.

    Changes of one node that nothing reported follows from are found together, in one pass, and with
    them what is without a change.

    Raises
    ------
    QueryError
        As `probability`.
    """
    graph = tables.graph
    single = dict.fromkeys(next(iter(change)) for change in changes if len(change) == 1)
    free = [n for n in single if evidence.keys().isdisjoint({n, *graph.descendants(n)})]
    together: Mapping[str, Array] = {}
    whole: Array = np.ones(0)  # nothing reported follows from what is set: as likely as before
    now = World(tables, evidence, {})
    if len(free) > 1:
        # Where it is too wide for the passes, each change may be narrow enough.
        with suppress(QueryError):
            together = set_in_turn(replace(now, among={target.node: target.codes}), None, free)
    if together:
        whole = now.joint([])
        if not (whole > 0).all():
            raise QueryError(contradiction())
    found: dict[frozenset[tuple[str, int]], Array] = {}
    for change in changes:
        key = frozenset(change.items())
        if key in found:
            continue
        node, code = next(iter(change.items()), (next(iter(together), ""), None))
        if len(change) > 1 or node not in together:
            found[key] = probability(World(tables, evidence, change, coupling), target)
            continue
        (joint,) = together[node]  # without a change, a node is set to what it is
        there = np.einsum("ssd->d", joint) if code is None else joint[code].sum(axis=0)
        found[key] = np.minimum(there / whole, 1.0)  # above it by rounding alone
    return [found[frozenset(change.items())] for change in changes]


@checked("person")
def risk(posterior: Posterior, person: Mapping[str, Any], *, target: str | None = None) -> Risk:
    """Return how likely the target is for a person. Rung: seeing.

    Parameters
    ----------
    posterior : Posterior
    person : mapping
        State labels by node, or raw answers of the codebook; incomplete allowed.
    target : str, optional
        A node, or ``"node>=state"``; default the graph's outcome.

    Returns
    -------
    Risk
        ``draws`` of ``P(target | evidence)``, shape ``(draw,)``.

    Raises
    ------
    QueryError
        If the person or the target is not understood, or the evidence is impossible.

    Notes
    -----
    An association, not an effect: it says what goes with the answers, not what a change would do.
    Whom the model is not made for is told among the notes, as by `backrisk.red_flags`.

    Examples
    --------
    >>> from backrisk.graph import CausalGraph
    >>> g = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    >>> p = Posterior.from_cpts(g, {"x": [[0.5, 0.5]], "y": [[[0.7, 0.3], [0.2, 0.8]]]})
    >>> risk(p, {"x": "yes"}).draws.tolist()
    [0.8]
    """
    event = read_target(posterior.graph, target)
    evidence = read_person(posterior, person)
    notes = unfit_for(posterior, person)
    if event.node in evidence:
        node = names_of(posterior.graph).node(event.node)
        there = evidence[event.node] in event.codes
        key = "present" if there else "absent"
        notes += (say(f"queries.risk_reported.{key}", node=node, target=event.label),)
    average: Array = posterior.marginal(event.node)[list(event.codes)].sum(axis=0)
    return Risk(
        probability(World(posterior, evidence, {}), event) if evidence else average.copy(),
        event,
        named(posterior.graph, evidence),
        average,
        surveyed=posterior.surveyed,
        graph=posterior.graph,
        notes=notes,
        warnings=posterior.warnings_about((event.node, *evidence)),
    )


@checked()
def risks(
    posterior: Posterior,
    people: Sequence[Mapping[str, Any]],
    do: Mapping[str, str] | None = None,
    *,
    target: str | None = None,
) -> Array:
    """Return `risk`, or with an intervention `intervene`, of many people. Rungs: seeing, doing.

    People who answered the same questions are one contraction, however they answered.

    Parameters
    ----------
    posterior : Posterior
    people : sequence of mapping
        As for `risk`.
    do : mapping of node to state, optional
        As for `intervene`; the same for everyone.
    target : str, optional

    Returns
    -------
    ndarray, shape (draw, person)

    Raises
    ------
    QueryError
        As `risk` and `intervene`, naming the person by place, from 1; if the answer would not
        fit the budget.

    Notes
    -----
    Assumptions are those of `risk` or `intervene`.

    Examples
    --------
    >>> from backrisk.graph import CausalGraph
    >>> g = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    >>> p = Posterior.from_cpts(g, {"x": [[0.5, 0.5]], "y": [[[0.7, 0.3], [0.2, 0.8]]]})
    >>> risks(p, [{"x": "yes"}, {}, {"x": "no"}]).round(3).tolist()
    [[0.8, 0.55, 0.3]]
    """
    graph = posterior.graph
    event = read_target(graph, target)
    setting = {} if do is None else read_do(graph, do, event)
    codes = np.full((len(people), len(graph.names)), -1, dtype=np.intp)
    column = {name: i for i, name in enumerate(graph.names)}
    for place, person in enumerate(people):
        try:
            evidence = read_person(posterior, person)
            changed = changing(graph, evidence, setting)
            demand_identified(posterior, evidence, changed, event)
        except QueryError as error:
            raise QueryError(
                say("queries.person_number", number=place + 1, problem=str(error))
            ) from error
        for name, code in evidence.items():
            codes[place, column[name]] = code
    return probabilities(posterior, codes, event, setting).T


_PEOPLE = 2048  # people asked about in one contraction


def probabilities(
    posterior: Posterior,
    codes: NDArray[np.integer[Any]],
    target: Target,
    do: Mapping[str, int] | None = None,
    coupling: str = "monotone",
    *,
    strict: bool = True,
) -> Array:
    """Return P(target in the last world | evidence) for many people given as codes.

    Parameters
    ----------
    posterior : Posterior
    codes : ndarray of int, shape (person, node)
        States in the order of the graph's nodes, -1 where not seen: those of a survey.
    target : Target
    do : mapping of node to state code, optional
        Set in world 1. Evidence stays evidence about world 0, as in `counterfactual`; for what
        `intervene` answers, leave out what lies downstream of the nodes that are set.
    coupling : str
    strict : bool
        Refuse contradictory answers; else theirs is NaN.

    Returns
    -------
    ndarray, shape (person, draw)

    Raises
    ------
    QueryError
        If the answer would not fit the budget; if answers contradict each other.
    """
    graph, people = posterior.graph, len(codes)
    if 8 * people * posterior.draws > BUDGET:
        most = BUDGET // (8 * posterior.draws)
        raise QueryError(
            say(
                "queries.too_many_people",
                people=f"{people:,}",
                draws=f"{posterior.draws:,}",
                budget=f"{BUDGET / 2**20:,.0f}",
                most=f"{most:,}",
            )
        )
    found = np.empty((people, posterior.draws))
    setting = do or {}
    # Whoever is as everything is set to stays as they are: for them the worlds are one.
    idle = np.full(people, bool(setting) and coupling != "independent")
    for name, code in setting.items():
        idle &= codes[:, graph.names.index(name)] == code
    for some, change in ((~idle, setting), (idle, {})):
        places = np.flatnonzero(some)
        for at, shares in _shares(posterior, codes[places], target, change, coupling):
            found[places[at]] = shares
    if strict and np.isnan(found).any():
        place = int(np.isnan(found).any(axis=1).argmax())
        raise QueryError(say("queries.person_number", number=place + 1, problem=contradiction()))
    return found


def _shares(
    posterior: Posterior,
    codes: NDArray[np.integer[Any]],
    target: Target,
    do: Mapping[str, int],
    coupling: str,
) -> Iterator[tuple[NDArray[np.intp], Array]]:
    """Yield places of people, and the probabilities of those, ``(person, draw)``."""
    node, world = World(posterior, {}, do).variable(target.node)
    reported = codes[:, posterior.graph.names.index(node)]
    told = (reported >= 0) & (world == 0)
    yield np.flatnonzero(told), np.isin(reported[told], target.codes)[:, None].astype(float)
    asked = np.flatnonzero(~told)
    for part in together(posterior, codes[asked], [node], _PEOPLE):
        at = asked[part.members]
        if part.starts is None:
            seen = World(part.tables, part.evidence, do, coupling)
            yield at, probability(seen, target, strict=False)
        else:
            joint = part.joint([(node, world)], do, coupling)
            with np.errstate(invalid="ignore"):  # 0 / 0: contradictory answers
                yield at, joint[:, list(target.codes)].sum(axis=1) / joint.sum(axis=1)


def possible(posterior: Posterior, codes: NDArray[np.integer[Any]]) -> NDArray[np.bool_]:
    """Return whose answers do not contradict each other, in any draw.

    Parameters
    ----------
    posterior : Posterior
    codes : ndarray of int, shape (person, node)
        -1 where not seen.

    Returns
    -------
    ndarray of bool, shape (person,)
    """
    found = np.ones(len(codes), dtype=bool)
    if not all(posterior.positive(name) for name in posterior.graph.names):
        for part in together(posterior, codes, [], _PEOPLE):
            found[part.members] = (part.joint([]) > 0).all(axis=-1)
    return found


@checked("person")
def diagnose(
    posterior: Posterior, person: Mapping[str, Any], *, target: str | None = None
) -> Diagnosis:
    """Return which state each unobserved node is likely in. Rung: seeing.

    Parameters
    ----------
    posterior : Posterior
    person : mapping
    target : str, optional
        Only names what the answer is for.

    Returns
    -------
    Diagnosis
        ``draws`` of ``P(node = state | evidence)``, shape ``(draw, row)`` in the order of
        ``rows``, pairs of node and state. Items are left out.

    Raises
    ------
    QueryError
        As for `risk`.

    Examples
    --------
    >>> from backrisk.graph import CausalGraph
    >>> g = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    >>> p = Posterior.from_cpts(g, {"x": [[0.5, 0.5]], "y": [[[0.7, 0.3], [0.2, 0.8]]]})
    >>> diagnose(p, {"y": "yes"}).table["mean"].round(3).to_dict()
    {'x=no': 0.273, 'x=yes': 0.727}
    """
    graph = posterior.graph
    event = read_target(graph, target)
    evidence = read_person(posterior, person)
    nodes = [n for n in graph.nodes if n.name not in evidence and n.name not in graph.items]
    names = [node.name for node in nodes]
    rows = [(node.name, state) for node in nodes for state in node.states]
    after = list(distributions(posterior, evidence, names).values())
    before = [posterior.marginal(name) for name in names]
    empty = np.zeros((posterior.draws, 0))
    return Diagnosis(
        np.concatenate([a.T for a in after], axis=1) if after else empty,
        event,
        named(graph, evidence),
        tuple(rows),
        np.concatenate([b.T for b in before], axis=1) if before else empty,
        graph=graph,
        warnings=posterior.warnings_about(graph.names),
    )


def distribution(world: World, node: str) -> Array:
    """Return P(node | evidence), ``(state, draw)``."""
    return world.conditional([(node, 0)])


def distributions(
    posterior: Posterior, evidence: Mapping[str, int], nodes: Sequence[str]
) -> dict[str, Array]:
    """Return P(node | evidence) of each node, ``(state, draw)``, in the order of the nodes.

    Parameters
    ----------
    posterior : Posterior
    evidence : mapping of node to state code
    nodes : sequence of str
        Not seen.

    Raises
    ------
    QueryError
        If the answers contradict each other.
    """
    if not evidence:
        return {name: posterior.marginal(name) for name in nodes}
    graph, world = posterior.graph, World(posterior, evidence, {})
    told = {*evidence, *nodes}
    # Nothing that is asked or seen depends on a last node: for all others its table is no matter.
    last = [name for name in nodes if told.isdisjoint(graph.descendants(name))]
    found = {name: distribution(world, name) for name in last}
    for (name, _), joint in each(world, [(n, 0) for n in nodes if n not in found]).items():
        whole = joint.sum(axis=0)
        if not whole.all():
            raise QueryError(contradiction())
        found[name] = joint / whole
    return {name: found[name] for name in nodes}
