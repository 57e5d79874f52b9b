"""Each cause's share in one person's outcome, with the assumption named and bounds beside it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import networkx as nx
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backrisk.errors import QueryError, suggest
from backrisk.graph import GRADES, CausalGraph
from backrisk.inference.draws import World
from backrisk.posterior import Posterior
from backrisk.query import (
    Answer,
    Target,
    check_coupling,
    distribution,
    named,
    probability,
    read_person,
    read_target,
)
from backrisk.summary import estimate, interval, percent, summarise

Array = NDArray[np.float64]

METHODS = ("necessity", "shapley", "diagnostic")
LEVELS: Mapping[str, tuple[str, ...]] = {
    "proximal": ("capacity", "running_state"),
    "distal": ("behaviour",),
}
_HISTORY = ("previous_back_pain",)  # context that belongs to the distal level
MOST_CAUSES = 14
_SUPPORT_DRAWS = 250  # prior draws that data support is computed from

_ASSUMPTION = {
    "shapley": (
        "Shares split the excess risk over everyone at the reference evenly over all orders of "
        "removal; they rest on the graph, not on a coupling."
    ),
    "diagnostic": "These are probabilities of a cause being adverse, not of its having an effect.",
}


@dataclass(frozen=True, eq=False)
class Attribution(Answer):
    """Shares of causes; ``draws`` is ``(draw, cause)`` in the order of ``causes``.

    Parameters
    ----------
    causes : tuple of str
    method : str
    coupling : str, optional
        For ``necessity``.
    grades : tuple of str
        Of the weakest edge on each cause's strongest path to the target.
    data_support : ndarray, shape (cause,)
        How far the answer is from what the prior alone gives, as the Kolmogorov-Smirnov
        distance of the two distributions: 0 means that the answer is the assumption's.
    bounds : pair of ndarray, each (draw, cause), optional
        Assumption-free limits of the probability of necessity.
    total : ndarray, shape (draw,), optional
        For ``shapley``: the excess risk, which the shares sum to.
    before : ndarray, shape (draw, cause), optional
        For ``diagnostic``: the probability without any answer.
    """

    causes: tuple[str, ...]
    method: str
    grades: tuple[str, ...]
    data_support: Array
    coupling: str | None = None
    bounds: tuple[Array, Array] | None = None
    total: Array | None = None
    before: Array | None = None

    @property
    def leading(self) -> Array:
        """The probability of each cause being the largest, ``(cause,)``."""
        first = self.draws.argmax(axis=1)
        return np.bincount(first, minlength=len(self.causes)) / len(self.draws)

    @property
    def table(self) -> pd.DataFrame:
        """One row a cause, the largest mean first."""
        table = summarise(self.draws, self.causes)
        table["leading"] = self.leading
        table["grade"] = self.grades
        table["data_support"] = self.data_support
        table.insert(
            0, "state", [self.evidence.get(cause, "not reported") for cause in self.causes]
        )
        if self.bounds is not None:
            table["lower_bound"] = self.bounds[0].mean(axis=0)
            table["lower_bound_low"] = interval(self.bounds[0])[0]
            table["upper_bound"] = self.bounds[1].mean(axis=0)
            table["upper_bound_high"] = interval(self.bounds[1])[1]
        if self.before is not None:
            table["without_answers"] = self.before.mean(axis=0)
        return table.sort_values("mean", ascending=False, kind="stable")

    def sentences(self) -> list[str]:
        """Return what the answer says."""
        said = []
        if self.total is not None:
            said.append(
                f"The excess risk of {self.target.label} over all causes at their reference is "
                f"{estimate(self.total)}."
            )
        for cause in self.table.index[:3]:
            column = self.causes.index(cause)
            grade = f"evidence {self.grades[column]}"
            share = estimate(self.draws[:, column])
            if self.method == "necessity":
                assert self.bounds is not None
                low, high = (percent(float(b[:, column].mean())) for b in self.bounds)
                said.append(
                    f"Had {cause} been at its reference, {self.target.label} would have been "
                    f"absent with probability {share}, within {low} to {high} without the "
                    f"coupling ({grade})."
                )
            elif self.method == "shapley":
                said.append(f"The share of {cause} is {share} ({grade}).")
            else:
                said.append(f"{cause} is adverse with probability {share} ({grade}).")
        return said


def attribute(
    posterior: Posterior,
    person: Mapping[str, Any],
    causes: Sequence[str] | None = None,
    *,
    method: Literal["necessity", "shapley", "diagnostic"] = "necessity",
    level: Literal["proximal", "distal"] = "proximal",
    target: str | None = None,
    coupling: str = "monotone",
) -> Attribution:
    """Attribute one person's outcome, or risk of it, to causes. Rung: counterfactual.

    Parameters
    ----------
    posterior : Posterior
    person : mapping
        State labels by node, or raw answers of the codebook; incomplete allowed.
    causes : sequence of str, optional
        Default: the causes of the level; for ``shapley`` only those that no other cause of the
        level precedes, since an intermediate node in the same game blocks what precedes it. In a
        graph without groups, all ancestors of the target, or for ``shapley`` its roots.
    method : {"necessity", "shapley", "diagnostic"}
        ``necessity``: ``P(target absent had the cause been at its reference | evidence, target
        present)``, exact in the twin network under the coupling, with the bounds of Tian and
        Pearl (2000, doi:10.1023/A:1018912507879). ``shapley``: shares of ``v(all) - v(none)``
        where ``v(S) = P(target | do(causes in S as in the person, the others at reference),
        context)``, context being the evidence that no cause can change. ``diagnostic``:
        ``P(cause not at reference | evidence)``.
    level : {"proximal", "distal"}
        Capacities and running states, or behaviours and history.
    target : str, optional
    coupling : {"monotone", "independent_causes", "independent"}
        For ``necessity``.

    Returns
    -------
    Attribution
        ``draws`` of shape ``(draw, cause)``.

    Raises
    ------
    QueryError
        If the person, a cause, the target or the method is not understood; for ``necessity`` if
        the target is not reported as present; for ``shapley`` beyond 14 causes.

    Notes
    -----
    A cause that the person did not report is averaged over its posterior given the evidence.
    The bounds use the evidence that the cause cannot change and the target itself; where other
    evidence lies downstream of the cause they leave it out, and the estimate may lie outside.

    Examples
    --------
    >>> from backrisk.graph import CausalGraph
    >>> g = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    >>> p = Posterior.from_cpts(g, {"x": [[0.5, 0.5]], "y": [[[0.7, 0.3], [0.2, 0.8]]]})
    >>> answer = attribute(p, {"x": "yes", "y": "yes"}, method="necessity")
    >>> answer.draws.round(3).tolist(), [b.round(3).tolist() for b in answer.bounds]
    ([[0.625]], [[[0.625]], [[0.875]]])
    """
    graph = posterior.graph
    if method not in METHODS:
        raise QueryError(
            f"There is no method '{method}'{suggest(method, METHODS)}; expected one of "
            f"{', '.join(METHODS)}."
        )
    check_coupling(coupling)
    aim = read_target(graph, target)
    evidence = read_person(posterior, person)
    chosen = _causes(graph, aim, causes, method, level)
    if method == "necessity":
        _demand_target(aim, evidence)
    result = _compute(posterior, evidence, chosen, method, aim, coupling)
    return Attribution(
        result.draws,
        aim,
        named(graph, evidence),
        chosen,
        method,
        tuple(weakest_link(graph, cause, aim.node) for cause in chosen),
        _data_support(posterior, result.draws, evidence, chosen, method, aim, coupling),
        coupling=coupling if method == "necessity" else None,
        bounds=result.bounds,
        total=result.total,
        before=result.before,
        notes=_notes(graph, evidence, chosen, method, aim, coupling),
        warnings=posterior.diagnostics.warnings,
    )


@dataclass(frozen=True, eq=False)
class _Shares:
    draws: Array
    bounds: tuple[Array, Array] | None = None
    total: Array | None = None
    before: Array | None = None


def _compute(
    posterior: Posterior,
    evidence: Mapping[str, int],
    causes: Sequence[str],
    method: str,
    aim: Target,
    coupling: str,
) -> _Shares:
    if method == "necessity":
        pairs = [_necessity(posterior, evidence, cause, aim, coupling) for cause in causes]
        shares, lower, upper = (np.column_stack(part) for part in zip(*pairs, strict=True))
        return _Shares(shares, bounds=(lower, upper))
    if method == "shapley":
        values = _coalitions(posterior, evidence, causes, aim)
        shares = shapley(values)
        everyone, nobody = values[(1,) * len(causes)], values[(0,) * len(causes)]
        return _Shares(shares.T, total=everyone - nobody)

    def adverse(cause: str, seen: Mapping[str, int]) -> Array:
        if cause in seen:
            return np.full(posterior.draws, float(seen[cause] > 0))
        reference: Array = distribution(World(posterior, seen, {}), cause)[0]
        return 1.0 - reference

    return _Shares(
        np.column_stack([adverse(cause, evidence) for cause in causes]),
        before=np.column_stack([adverse(cause, {}) for cause in causes]),
    )


def _necessity(
    posterior: Posterior, evidence: Mapping[str, int], cause: str, aim: Target, coupling: str
) -> tuple[Array, Array, Array]:
    """Return the probability of necessity and its two bounds, each ``(draw,)``."""
    setting = {cause: 0}
    share = 1.0 - probability(World(posterior, evidence, setting, coupling), aim)
    downstream = posterior.graph.descendants(cause)
    context = {name: code for name, code in evidence.items() if name not in downstream}
    present = distribution(World(posterior, context, {}), aim.node)[evidence[aim.node]]
    would = probability(World(posterior, context, setting), aim)
    if not (present > 0).all():
        raise QueryError("The answers contradict each other: the model gives them probability 0.")
    lower = np.maximum(0.0, (present - would) / present)
    upper = np.minimum(1.0, (1.0 - would) / present)
    return share, lower, upper


def _coalitions(
    posterior: Posterior, evidence: Mapping[str, int], causes: Sequence[str], aim: Target
) -> Array:
    """Return v(S) for all sets of causes, shape ``(2, ..., 2, draw)``; index 1 is in the set."""
    graph = posterior.graph
    if len(causes) > MOST_CAUSES:
        raise QueryError(
            f"Shapley shares over {len(causes)} causes need {2 ** len(causes):,} sets; the limit "
            f"is {MOST_CAUSES} causes."
        )
    changed = frozenset().union(*(graph.descendants(cause) for cause in causes))
    context = {n: c for n, c in evidence.items() if n not in changed and n not in causes}
    # Every cause keeps its axis, so one contraction holds all sets.
    world = World(posterior, context, {}, free=tuple(causes))
    joint = world.joint([*((cause, 1) for cause in causes), (aim.node, 1)])
    total = joint.sum(axis=-2)
    if not (total > 0).all():
        raise QueryError("The answers contradict each other: the model gives them probability 0.")
    table = joint[..., list(aim.codes), :].sum(axis=-2) / total
    return _mix(posterior, evidence, causes, table)


def _mix(
    posterior: Posterior, evidence: Mapping[str, int], causes: Sequence[str], table: Array
) -> Array:
    """Average the causes that the person did not report over their joint posterior."""
    unreported = [cause for cause in causes if cause not in evidence]
    at: list[Any] = [[0, evidence[cause]] if cause in evidence else slice(None) for cause in causes]
    for axis, index in enumerate(at):
        if isinstance(index, list):
            table = np.take(table, index, axis=axis)
    values = np.empty((2,) * len(causes) + table.shape[-1:])
    weights = np.ones(table.shape[-1:])
    if unreported:
        weights = World(posterior, evidence, {}).joint([(cause, 0) for cause in unreported])
        weights = weights / weights.sum(axis=tuple(range(len(unreported))))
    for inside in itertools.product((0, 1), repeat=len(unreported)):
        member = dict(zip(unreported, inside, strict=True))
        index = tuple(
            0 if cause in member and not member[cause] else slice(None) for cause in causes
        )
        part = table[index]
        out = tuple(member.get(cause, slice(None)) for cause in causes)
        gone = tuple(i for i, cause in enumerate(unreported) if not member[cause])
        weight = weights.sum(axis=gone)
        remaining = [cause for cause in causes if member.get(cause, 1)]
        shape = [len(posterior.graph.node(c).states) if c in member else 1 for c in remaining]
        averaged = part * weight.reshape(*shape, -1)
        axes = tuple(i for i, cause in enumerate(remaining) if cause in member)
        values[out] = averaged.sum(axis=axes)
    return values


def shapley(values: Array) -> Array:
    """Return Shapley shares of a set function.

    Knows a set function and its players, no graph (Shapley 1953, doi:10.1515/9781400881970-018).

    Parameters
    ----------
    values : ndarray, shape (2, ..., 2, draw)
        One axis for each player: 0 outside the set, 1 inside.

    Returns
    -------
    ndarray, shape (player, draw)
        Sums over players to ``values[1, ..., 1] - values[0, ..., 0]``.

    Examples
    --------
    >>> shapley(np.array([[0.0, 1.0], [2.0, 5.0]])[..., None]).ravel().tolist()
    [3.0, 2.0]
    """
    players = values.ndim - 1
    size = np.zeros((2,) * (players - 1), dtype=int)
    for axis in range(players - 1):
        size = size + np.arange(2).reshape([2 if i == axis else 1 for i in range(players - 1)])
    weight = np.array([1.0 / (players * math.comb(players - 1, s)) for s in range(players)])[size]
    shares = []
    for player in range(players):
        gain = np.take(values, 1, axis=player) - np.take(values, 0, axis=player)
        shares.append((weight[..., None] * gain).sum(axis=tuple(range(players - 1))))
    return np.stack(shares)


def _causes(
    graph: CausalGraph, aim: Target, causes: Sequence[str] | None, method: str, level: str
) -> tuple[str, ...]:
    ancestors = graph.ancestors(aim.node)
    if causes is not None:
        for cause in causes:
            if cause not in graph.names:
                raise QueryError(f"The cause '{cause}' is no node{suggest(cause, graph.names)}.")
            if cause not in ancestors:
                raise QueryError(f"'{cause}' is no cause of '{aim.node}' in graph '{graph.name}'.")
        if len(set(causes)) < len(causes) or not causes:
            raise QueryError("causes= should name at least one node, each once.")
        return tuple(causes)
    if level not in LEVELS:
        raise QueryError(
            f"There is no level '{level}'{suggest(level, LEVELS)}; expected one of "
            f"{', '.join(LEVELS)}."
        )
    grouped = any(node.group for node in graph.nodes if node.name not in graph.items)
    members = [
        node.name
        for node in graph.nodes
        if node.name in ancestors
        and (
            not grouped
            or node.group in LEVELS[level]
            or (level == "distal" and node.name in _HISTORY)
        )
    ]
    if method == "shapley":
        members = [name for name in members if not graph.ancestors(name) & set(members)]
    if not members:
        raise QueryError(f"No {level} node causes '{aim.node}' in graph '{graph.name}'.")
    return tuple(members)


def _demand_target(aim: Target, evidence: Mapping[str, int]) -> None:
    if evidence.get(aim.node, -1) not in aim.codes:
        seen = "is not reported" if aim.node not in evidence else "is reported as absent"
        raise QueryError(
            f"Necessity asks what it took for {aim.label} to be there, but it {seen}; use "
            "method='shapley' for shares of the risk."
        )


def _notes(
    graph: CausalGraph,
    evidence: Mapping[str, int],
    causes: Sequence[str],
    method: str,
    aim: Target,
    coupling: str,
) -> tuple[str, ...]:
    downstream = {
        seen
        for seen in evidence
        if seen != aim.node and any(seen in graph.descendants(cause) for cause in causes)
    }
    listed = ", ".join(name for name in graph.names if name in downstream)
    if method == "necessity":
        notes = [f"This assumes the {coupling} coupling of each node's noise in the two worlds."]
        if listed:
            notes.append(f"The bounds leave out what lies downstream of a cause: {listed}.")
        return tuple(notes)
    notes = [_ASSUMPTION[method]]
    if method == "shapley":
        left_out = [name for name in graph.names if name in downstream and name not in causes]
        if left_out:
            notes.append(
                "The shares set aside answers that a cause can change, except to judge causes "
                f"that were not reported: {', '.join(left_out)}."
            )
        if any(graph.descendants(cause) & set(causes) for cause in causes):
            notes.append(
                "One of these causes acts through another, whose value the game fixes: its share "
                "is only what passes beside it."
            )
    return tuple(notes)


def weakest_link(graph: CausalGraph, cause: str, target: str) -> str:
    """Return the grade of the weakest edge on a cause's strongest path to the target.

    The strongest path is the one whose weakest edge is graded best.

    Raises
    ------
    QueryError
        If there is no path.

    Examples
    --------
    >>> from backrisk.graph import load_graph
    >>> weakest_link(load_graph("runner_core"), "core_strength", "pain")
    'contradicted'
    """
    for position, grade in enumerate(GRADES):
        allowed: nx.DiGraph[str] = nx.DiGraph()
        allowed.add_nodes_from(graph.names)
        allowed.add_edges_from(
            (edge.cause, edge.effect)
            for edge in graph.edges
            if edge.grade in GRADES[: position + 1]
        )
        if nx.has_path(allowed, cause, target):
            return grade
    raise QueryError(f"'{cause}' is no cause of '{target}' in graph '{graph.name}'.")


def _data_support(
    posterior: Posterior,
    draws: Array,
    evidence: Mapping[str, int],
    causes: Sequence[str],
    method: str,
    aim: Target,
    coupling: str,
) -> Array:
    """Return the distance of each share's distribution from its prior's; NaN without a prior."""
    if posterior.prior is None:
        return np.full(len(causes), np.nan)
    prior = posterior.prior.subset(_SUPPORT_DRAWS)
    before = _compute(prior, evidence, causes, method, aim, coupling).draws
    return np.array([_distance(a, b) for a, b in zip(before.T, draws.T, strict=True)])


def _distance(first: Array, second: Array) -> float:
    """Return the Kolmogorov-Smirnov distance of two samples."""
    points = np.concatenate([first, second])
    below = [np.searchsorted(np.sort(s), points, side="right") / len(s) for s in (first, second)]
    return float(np.abs(below[0] - below[1]).max())
