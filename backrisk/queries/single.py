"""Questions about one person, by rung: seeing, doing, counterfactual.

Every answer is computed for each draw and summarised last. It has ``draws``, ``table`` and
``text``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from backrisk.errors import QueryError
from backrisk.inference import BUDGET, World, contradiction, together
from backrisk.posterior import Posterior
from backrisk.summary import described
from backrisk.words import estimate, listed, percent, phrase, shift, thing

if TYPE_CHECKING:
    pass
from backrisk.queries.answer import Answer, Target
from backrisk.queries.asked import (
    check_coupling,
    demand_upstream,
    named,
    read_do,
    read_person,
    read_target,
)

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Risk(Answer):
    """P(target | evidence); ``draws`` is ``(draw,)``, ``average`` that of the population."""

    average: Array

    def columns(self) -> dict[str, list[Any]]:
        """Return the rows ``this person`` and ``average``."""
        return described(np.column_stack([self.draws, self.average]), ["this person", "average"])

    def sentences(self) -> list[str]:
        """Return what the answer says."""
        return [
            f"The risk of {self.target.label} given the answers is {estimate(self.draws)}; "
            f"over the whole population it is {estimate(self.average)}."
        ]


@dataclass(frozen=True, eq=False)
class Diagnosis(Answer):
    """P(state | evidence) of the unobserved nodes; ``draws`` is ``(draw, row)``."""

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

    def sentences(self) -> list[str]:
        """Return what the answer says."""
        best: dict[str, tuple[float, int]] = {}
        for column, (node, _) in enumerate(self.rows):
            mean = float(self.draws[:, column].mean())
            best[node] = max(best.get(node, (-1.0, 0)), (mean, column))
        adverse: list[tuple[float, str]] = []
        calm: list[tuple[float, str]] = []
        for column, share in ((column, share) for share, column in best.values()):
            node, state = self.rows[column]
            at_reference = next(s for n, s in self.rows if n == node) == state
            words = f"{phrase(node, state)} {estimate(self.draws[:, column])}"
            (calm if at_reference else adverse).append((share, words))
        said = [
            f"{opening}: {listed(words for _, words in sorted(found, reverse=True))}."
            for opening, found in (
                ("Not reported, and most likely away from the reference", adverse),
                ("Most likely at the reference", calm),
            )
            if found
        ]
        return said or ["Every node is among the answers."]


@dataclass(frozen=True, eq=False)
class Contrast(Answer):
    """The target's probability with a change made; ``draws`` is ``(draw,)``, beside ``before``."""

    before: Array
    do: Mapping[str, str]
    coupling: str | None

    @property
    def change(self) -> Array:
        """After minus before, ``(draw,)``."""
        return self.draws - self.before

    def columns(self) -> dict[str, list[Any]]:
        """Return the rows ``before``, ``after`` and ``change``."""
        draws = np.column_stack([self.before, self.draws, self.change])
        return described(draws, ["before", "after", "change"])

    def sentences(self) -> list[str]:
        """Return what the answer says."""
        done = listed(phrase(node, state) for node, state in self.do.items())
        if self.coupling is None:
            opening = f"With {done}, the risk of {self.target.label} would be"
        else:
            opening = f"Had this person had {done}, the probability of {self.target.label} would be"
        return [
            f"{opening} {estimate(self.draws)} in place of {percent(float(self.before.mean()))}, "
            f"{shift(self.change)}."
        ]


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


def risk(posterior: Posterior, person: Mapping[str, Any], *, target: str | None = None) -> Risk:
    """Answer how likely the target is for a person. Rung: seeing.

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

    Examples
    --------
    >>> from backrisk.graph import CausalGraph
    >>> g = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    >>> p = Posterior.from_cpts(g, {"x": [[0.5, 0.5]], "y": [[[0.7, 0.3], [0.2, 0.8]]]})
    >>> risk(p, {"x": "yes"}).draws.tolist()
    [0.8]
    """
    aim = read_target(posterior.graph, target)
    evidence = read_person(posterior, person)
    notes: tuple[str, ...] = ()
    if aim.node in evidence:
        notes = (
            f"{thing(aim.node).capitalize()} is itself among the answers, so nothing is "
            "uncertain; leave it out to ask what the other answers say.",
        )
    return Risk(
        probability(World(posterior, evidence, {}), aim),
        aim,
        named(posterior.graph, evidence),
        posterior.marginal(aim.node)[list(aim.codes)].sum(axis=0),
        notes=notes,
        warnings=posterior.diagnostics.warnings,
    )


def risks(
    posterior: Posterior,
    people: Sequence[Mapping[str, Any]],
    do: Mapping[str, str] | None = None,
    *,
    target: str | None = None,
) -> Array:
    """Answer `risk`, or with an intervention `intervene`, for many people. Rungs: seeing, doing.

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
    aim = read_target(graph, target)
    setting = {} if do is None else read_do(graph, do, aim)
    codes = np.full((len(people), len(graph.names)), -1, dtype=np.intp)
    column = {name: i for i, name in enumerate(graph.names)}
    for place, person in enumerate(people):
        try:
            evidence = read_person(posterior, person)
            demand_upstream(graph, evidence, setting)
        except QueryError as error:
            raise QueryError(f"Person {place + 1}: {error}") from error
        for name, code in evidence.items():
            codes[place, column[name]] = code
    codes[:, [column[name] for name in setting]] = -1
    return probabilities(posterior, codes, aim, setting).T


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
        `intervene` answers, leave out the nodes that are set and what lies downstream of them.
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
            f"Answers for {people:,} people and {posterior.draws:,} draws do not fit the budget "
            f"of {BUDGET / 2**20:,.0f} MB; ask about {most:,} people at a time."
        )
    found = np.empty((people, posterior.draws))
    (node, world), setting = World(posterior, {}, do or {}).variable(target.node), do or {}
    reported = codes[:, graph.names.index(node)]
    told = (reported >= 0) & (world == 0)
    found[told] = np.isin(reported[told], target.codes)[:, None]
    asked = np.flatnonzero(~told)
    for part in together(posterior, codes[asked], [node], _PEOPLE):
        if part.starts is None:
            seen = World(part.tables, part.evidence, setting, coupling)
            found[asked[part.members]] = probability(seen, target, strict=False)
        else:
            joint = part.joint([(node, world)], setting, coupling)
            with np.errstate(invalid="ignore"):  # 0 / 0: contradictory answers
                share = joint[:, list(target.codes)].sum(axis=1) / joint.sum(axis=1)
            found[asked[part.members]] = share
    if strict and np.isnan(found).any():
        place = int(np.isnan(found).any(axis=1).argmax())
        raise QueryError(f"Person {place + 1}: {contradiction()}")
    return found


def diagnose(
    posterior: Posterior, person: Mapping[str, Any], *, target: str | None = None
) -> Diagnosis:
    """Answer which state each unobserved node is likely in. Rung: seeing.

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
    aim = read_target(graph, target)
    evidence = read_person(posterior, person)
    rows: list[tuple[str, str]] = []
    after, before = [], []
    for node in graph.nodes:
        if node.name in evidence or node.name in graph.items:
            continue
        rows += [(node.name, state) for state in node.states]
        after.append(distribution(World(posterior, evidence, {}), node.name))
        before.append(posterior.marginal(node.name))
    empty = np.zeros((posterior.draws, 0))
    return Diagnosis(
        np.concatenate([a.T for a in after], axis=1) if after else empty,
        aim,
        named(graph, evidence),
        tuple(rows),
        np.concatenate([b.T for b in before], axis=1) if before else empty,
        warnings=posterior.diagnostics.warnings,
    )


def distribution(world: World, node: str) -> Array:
    """Return P(node | evidence), ``(state, draw)``."""
    return world.conditional([(node, 0)])


def intervene(
    posterior: Posterior,
    person: Mapping[str, Any],
    do: Mapping[str, str],
    *,
    target: str | None = None,
) -> Contrast:
    """Answer what the target's probability would be if nodes were set. Rung: doing.

    Parameters
    ----------
    posterior : Posterior
    person : mapping
        Evidence on nodes that the intervention cannot change. A reported value of an intervened
        node is replaced by the one set.
    do : mapping of node to state
    target : str, optional

    Returns
    -------
    Contrast
        ``draws`` of ``P(target | do, evidence)``; ``before`` is ``P(target | evidence)`` with
        the person's own values of the intervened nodes.

    Raises
    ------
    QueryError
        If there is evidence on a descendant of an intervened node: what would have been, given
        what was seen, is the question of `counterfactual`.

    Notes
    -----
    Assumes that the graph holds: no unmeasured common cause of the set nodes and the target.

    Examples
    --------
    >>> from backrisk.graph import CausalGraph
    >>> g = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    >>> p = Posterior.from_cpts(g, {"x": [[0.5, 0.5]], "y": [[[0.7, 0.3], [0.2, 0.8]]]})
    >>> intervene(p, {}, {"x": "no"}).draws.tolist()
    [0.3]
    """
    graph = posterior.graph
    aim = read_target(graph, target)
    evidence = read_person(posterior, person)
    setting = read_do(graph, do, aim)
    demand_upstream(graph, evidence, setting)
    context = {name: code for name, code in evidence.items() if name not in setting}
    return Contrast(
        probability(World(posterior, context, setting), aim),
        aim,
        named(graph, evidence),
        probability(World(posterior, evidence, {}), aim),
        named(graph, setting),
        None,
        notes=(f"This rests on the graph '{thing(graph.name)}' being right about causes.",),
        warnings=posterior.diagnostics.warnings,
    )


def coupling_notes(world: World, target: Target) -> tuple[str, ...]:
    """Say which coupling an answer assumes, and where the model does not allow it."""
    notes = [
        f"This assumes the {thing(world.coupling)} coupling of each node's noise in the two worlds."
    ]
    if world.coupling == "independent_causes":
        others = world.without_own_causes([world.variable(target.node)])
        if others:
            notes.append(
                "Independent causes have a meaning only where a node's causes act independently "
                f"(a noisy-max), which these do not: {', '.join(others)}. They follow the "
                "monotone coupling in its place."
            )
    return tuple(notes)


def counterfactual(
    posterior: Posterior,
    person: Mapping[str, Any],
    do: Mapping[str, str],
    *,
    target: str | None = None,
    coupling: str = "monotone",
) -> Contrast:
    """Answer what would have been for this very person. Rung: counterfactual.

    Abduction, action and prediction in the twin network (Balke and Pearl 1994; Pearl 2009,
    doi:10.1017/CBO9780511803161).

    Parameters
    ----------
    posterior : Posterior
    person : mapping
        Evidence on any nodes.
    do : mapping of node to state
    target : str, optional
    coupling : {"monotone", "independent_causes", "independent"}
        How a node's noise is shared between what was and what would have been; an assumption
        that no data can check.

    Returns
    -------
    Contrast
        ``draws`` of ``P(target had do been | evidence)``; ``before`` is ``P(target | evidence)``.

    Raises
    ------
    QueryError
        As for `risk`; if the coupling is unknown; if the table would not fit the budget.

    Examples
    --------
    >>> from backrisk.graph import CausalGraph
    >>> g = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    >>> p = Posterior.from_cpts(g, {"x": [[0.5, 0.5]], "y": [[[0.7, 0.3], [0.2, 0.8]]]})
    >>> answer = counterfactual(p, {"x": "yes", "y": "yes"}, {"x": "no"})
    >>> answer.draws.round(3).tolist()
    [0.375]
    """
    graph = posterior.graph
    aim = read_target(graph, target)
    evidence = read_person(posterior, person)
    setting = read_do(graph, do, aim)
    check_coupling(coupling)
    world = World(posterior, evidence, setting, coupling)
    return Contrast(
        probability(world, aim),
        aim,
        named(graph, evidence),
        probability(World(posterior, evidence, {}), aim),
        named(graph, setting),
        coupling,
        notes=coupling_notes(world, aim),
        warnings=posterior.diagnostics.warnings,
    )
