"""Each cause's share in one person's outcome, with the assumption named and bounds beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backrisk._types import Array
from backrisk.errors import QueryError
from backrisk.graph import CausalGraph
from backrisk.inference import Tables, World
from backrisk.posterior import Posterior
from backrisk.queries.answer import Answer, Target, row_name
from backrisk.queries.asked import (
    check_coupling,
    coupling_name,
    named,
    read_person,
    read_target,
)
from backrisk.queries.attribution.causes import COUPLED, GAMES, read_causes
from backrisk.queries.attribution.departures import Departures
from backrisk.queries.attribution.necessity import (
    at_least,
    demand_possible,
    limits,
    necessity,
    necessity_and_sufficiency,
    sufficiency,
    uninformative,
)
from backrisk.queries.attribution.pathways import (
    direct_route,
    pathways,
    read_routes,
    route_grade,
)
from backrisk.queries.attribution.shapley import Shares
from backrisk.queries.paths import weakest_link, worst_grade
from backrisk.queries.seeing import distribution
from backrisk.queries.support import data_support
from backrisk.summary import interval, largest, summarise
from backrisk.words import (
    TOGETHER,
    choices,
    estimate,
    listed,
    names_of,
    percent,
    points,
    say,
    suggest,
)

METHODS = (
    "necessity",
    "sufficiency",
    "necessity_and_sufficiency",
    "shapley",
    "pathways",
    "diagnostic",
)


@dataclass(frozen=True, eq=False)
class Attribution(Answer):
    """Shares of causes; ``draws`` is ``(draw, cause)`` in the order of ``causes``.

    Parameters
    ----------
    causes : tuple of str
        Nodes; sets of nodes as ``"a + b"``; for ``pathways`` the routes.
    method : str
    coupling : str, optional
        For ``necessity``, ``sufficiency`` and ``necessity_and_sufficiency``.
    grades : tuple of str
        Of the weakest edge on each cause's strongest path to the target; of a set, the worst.
    data_support : ndarray, shape (cause,)
        How far the answer is from what the prior alone gives, as the Kolmogorov-Smirnov
        distance of the two distributions: 0 means that the answer is the assumption's.
    bounds : pair of ndarray, each (draw, cause), optional
        Limits that need no coupling.
    total : ndarray, shape (draw,), optional
        For ``shapley`` and ``pathways``: the excess risk, which the shares sum to.
    before : ndarray, shape (draw, cause), optional
        For ``diagnostic``: the probability without any answer.
    error : ndarray, shape (cause,), optional
        Monte Carlo standard error of the means, where the orders of a game were sampled.
    """

    causes: tuple[str, ...]
    method: str
    grades: tuple[str, ...]
    data_support: Array
    coupling: str | None = None
    bounds: tuple[Array, Array] | None = None
    total: Array | None = None
    before: Array | None = None
    error: Array | None = None

    @property
    def leading(self) -> Array:
        """The probability of each cause having the largest share, ``(cause,)``.

        None leads where no share is above 0; equal shares lead together.
        """
        return largest(self.draws, above=0.0)

    @property
    def limits(self) -> tuple[Array, Array] | None:
        """What is sure without a coupling: the bounds' low and high ends, each ``(cause,)``."""
        return self.bounds and limits(self.bounds)

    @property
    def at_least(self) -> NDArray[np.bool_]:
        """Which shares are their lower bound in every draw, ``(cause,)``: none gives less."""
        if self.bounds is None:
            return np.zeros(len(self.causes), dtype=bool)
        return at_least(self.draws, self.bounds)

    @property
    def uninformative(self) -> NDArray[np.bool_]:
        """Which shares rest on the coupling alone, ``(cause,)``: bounds leave 0 to 100 % open."""
        if self.bounds is None:
            return np.zeros(len(self.causes), dtype=bool)
        return uninformative(self.bounds)

    @property
    def table(self) -> pd.DataFrame:
        """One row a cause, the largest mean first."""
        table = summarise(self.draws, self.causes)
        table["leading"] = self.leading
        table["grade"] = self.grades
        table["data_support"] = self.data_support
        table.insert(0, "state", [self._state(cause) for cause in self.causes])
        if self.bounds is not None:
            table["lower_bound"] = self.bounds[0].mean(axis=0)
            table["lower_bound_low"] = interval(self.bounds[0])[0]
            table["upper_bound"] = self.bounds[1].mean(axis=0)
            table["upper_bound_high"] = interval(self.bounds[1])[1]
        if self.before is not None:
            table["without_answers"] = self.before.mean(axis=0)
        if self.error is not None:
            table["monte_carlo_error"] = self.error
        return table.sort_values("mean", ascending=False, kind="stable")

    def _state(self, cause: str) -> str:
        if cause == direct_route(self.target.node):
            return ""
        unreported = row_name("not_reported")
        return TOGETHER.join(self.evidence.get(n, unreported) for n in cause.split(TOGETHER))

    def row_label(self, name: str) -> str:
        """Return how a person reads the name of a row of `table`."""
        if name == direct_route(self.target.node):
            return say("queries.rows.straight", target=self.names.node(self.target.node))
        return self.names.node(name)

    def state_label(self, name: str) -> str:
        """Return a cause with the person's state of it, as a list shows it."""
        if name == direct_route(self.target.node):
            return self.row_label(name)
        nodes = name.split(TOGETHER)
        unreported = say("queries.rows.not_reported")
        states = TOGETHER.join(
            self.names.state(node, self.evidence[node]) if node in self.evidence else unreported
            for node in nodes
        )
        return say("phrases.pair", node=self.row_label(name), state=states)

    def sentences(self) -> list[str]:
        """Return what the answer says."""
        said: list[str] = []
        if self.total is not None:
            total, target = points(self.total), self.target.label
            said.append(say(f"queries.attribute.{self.method}.total", target=target, total=total))
        for cause in self.table.index[:3]:
            said.append(self._sentence(cause, self.causes.index(cause)))
        return said

    def _sentence(self, cause: str, column: int) -> str:
        draws = self.draws[:, column]
        nodes = cause.split(TOGETHER)
        straight = cause == direct_route(self.target.node)
        words: dict[str, str] = {
            "target": self.target.label,
            "share": points(draws) if self.method in GAMES else estimate(draws),
            "grade": self.names.grade(self.grades[column]),
            "nodes": "" if straight else listed(map(self.names.node, nodes)),
        }
        if self.method == "shapley":
            words["causes"] = listed(
                self.names.phrase(node, self.evidence[node])
                if node in self.evidence
                else self.names.node(node)
                for node in nodes
            )
        kind = "straight" if straight else "cause"
        if self.limits is not None:
            low, high = (percent(float(end[column])) for end in self.limits)
            words["limits"] = say("queries.attribute.limits", low=low, high=high)
            if self.uninformative[column]:
                kind = "open"
            elif self.at_least[column]:
                kind = "at_least"
        return say(f"queries.attribute.{self.method}.{kind}", **words)


def attribute(
    posterior: Posterior,
    person: Mapping[str, Any],
    causes: str | Sequence[str | Sequence[str]] | None = None,
    *,
    method: Literal[
        "necessity",
        "sufficiency",
        "necessity_and_sufficiency",
        "shapley",
        "pathways",
        "diagnostic",
    ] = "necessity",
    level: Literal["proximal", "distal"] = "proximal",
    target: str | None = None,
    coupling: str = "monotone",
    seed: int = 0,
) -> Attribution:
    """Attribute one person's outcome, or risk of it, to causes. Rung: counterfactual.

    Parameters
    ----------
    posterior : Posterior
    person : mapping
        State labels by node, or raw answers of the codebook; incomplete allowed.
    causes : str, or sequence of str or of tuples of str, optional
        A tuple, or ``"a+b"``, is a set of causes, set together (not for the games). Default: the
        causes of the level; for ``shapley`` only those that no other cause of the level precedes,
        since an intermediate node in the same game blocks what precedes it. In a graph without
        levels, all ancestors of the target, or for ``shapley`` its roots.
    method : str
        Write Y for the target being there, Y(s) for its being there had the cause been s, x' for
        the reference, x for the person's state of the cause where that is reported and adverse,
        otherwise its worst; e for all that is reported, c for what the cause cannot change, its
        own value left out.

        ``necessity``: ``P(not Y(x') | Y, e)``, the probability of necessity.
        ``sufficiency``: ``P(Y(x) | X = x', not Y, c)``, the probability that the cause would
        bring the target about in someone like this who has neither.
        ``necessity_and_sufficiency``: ``P(Y(x), not Y(x') | c)``.
        The three are those of Pearl (2009, chapter 9, doi:10.1017/CBO9780511803161), exact in the
        twin network under the coupling, beside bounds that need no coupling (Tian and Pearl 2000,
        doi:10.1023/A:1018912507879).

        ``shapley``: shares of ``v(all) - v(none)`` where ``v(S) = P(Y | do(causes in S as in the
        person, the others at reference), c)``, c being the evidence that no cause can change.

        ``pathways``: shares of the same total by route. A route is a set of edges, and
        ``v(S) = P(Y in world S | e)``: with their own noise, the nodes that routes enter hear over
        the routes in S what their causes are in the person, over the others what they would be
        had every cause lost its departure. At the proximal level the causes are those of
        ``shapley``, and a route enters the target or a node next to it in the graph's role
        ``passing``; routes are told apart by where they start, and a passing node of which
        something is known has its own departure for one. At the distal level, and with `causes`,
        a route leaves a cause, and routes are told apart by the node that they enter first;
        ``"straight to target"`` passes none.

        ``diagnostic``: ``P(X not at reference | e)``.
    level : {"proximal", "distal"}
        The nodes that play this role in the graph.
    target : str, optional
    coupling : {"monotone", "independent_causes", "independent"}
    seed : int
        For games of more than 14 players, whose orders are sampled.

    Returns
    -------
    Attribution
        ``draws`` of shape ``(draw, cause)``.

    Raises
    ------
    QueryError
        If the person, a cause, the target or the method is not understood; for ``necessity`` if
        the target is not reported as present; where one cause changes another, for
        ``pathways``, and within a set for ``sufficiency`` and ``necessity_and_sufficiency``.

    Notes
    -----
    A cause that the person did not report is averaged over its posterior given the evidence.

    *Bounds.* Within each level of exposure the two marginals of the pair ``Y(x), Y(x')`` limit
    their joint (Fréchet); summed over the exposures that the evidence leaves open this gives the
    bounds of Tian and Pearl for a binary cause, and for any number of states. They condition on
    the evidence that the cause cannot change, and for ``necessity`` on the person's exposure and
    on Y. Evidence on mediators is left out of them: there the estimate of necessity, which uses
    it, may lie outside.

    *Routes.* As for ``shapley``, a node's noise is the one uniform number of the monotone coupling,
    with its posterior given e; independent of other nodes' without evidence. Each node hears one
    world over each edge, so that no recanting witness arises (Shpitser and Tchetgen Tchetgen 2016,
    doi:10.1214/15-AOS1411).

    *Sampled orders.* Each order of the players is taken with its reverse. Shares then still sum
    to the total in each draw, and ``error`` is the standard error of each mean over the pairs.

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
        hint, known = suggest(method, METHODS), choices(METHODS)
        raise QueryError(say("queries.no_method", name=method, hint=hint, choices=known))
    check_coupling(coupling)
    event = read_target(graph, target)
    evidence = read_person(posterior, person)
    if method == "necessity":
        _demand_target(event, evidence)
    tables = posterior.beside_prior
    if method == "pathways":
        routes = read_routes(graph, event, causes, level, evidence)
        chosen: tuple[tuple[str, ...], ...] = tuple((name,) for name in routes.edges)
        shares = pathways(tables, evidence, routes, event, seed=seed)
        grades = tuple(route_grade(graph, *route, event) for route in routes.edges.items())
    else:
        chosen = read_causes(graph, event, causes, method, level)
        shares = _compute(tables, evidence, chosen, method, event, coupling, seed)
        grades = tuple(
            worst_grade(*(weakest_link(graph, name, event.node) for name in group))
            for group in chosen
        )
    own = posterior.draws
    return Attribution(
        shares.draws[:own],
        event,
        named(graph, evidence),
        tuple(TOGETHER.join(group) for group in chosen),
        method,
        grades,
        data_support(shares.draws, posterior),
        coupling=coupling if method in COUPLED else None,
        bounds=shares.bounds and (shares.bounds[0][:own], shares.bounds[1][:own]),
        total=None if shares.total is None else shares.total[:own],
        before=None if shares.before is None else shares.before[:own],
        error=shares.error,
        graph=graph,
        notes=_notes(graph, evidence, chosen, method, event, coupling, shares),
        warnings=posterior.warnings,
    )


def _compute(
    tables: Tables,
    evidence: Mapping[str, int],
    causes: Sequence[tuple[str, ...]],
    method: str,
    target: Target,
    coupling: str,
    seed: int,
) -> Shares:
    if method in COUPLED:
        ask: Callable[..., tuple[Array, Array, Array]]
        ask = sufficiency if method == "sufficiency" else necessity_and_sufficiency
        if method == "necessity":
            whole = World(tables, evidence, {}).joint([])
            demand_possible(whole)
            ask = partial(necessity, whole=whole)
        found = [ask(tables, evidence, group, target, coupling) for group in causes]
        shares, lower, upper = (np.column_stack(part) for part in zip(*found, strict=True))
        return Shares(shares, bounds=(lower, upper))
    single = [group[0] for group in causes]
    if method == "shapley":
        return Departures(tables, evidence, single, target).shares(seed=seed)

    def adverse(cause: str, seen: Mapping[str, int]) -> Array:
        if cause in seen:
            return np.full(tables.draws, float(seen[cause] > 0))
        reference: Array = distribution(World(tables, seen, {}), cause)[0]
        return 1.0 - reference

    return Shares(
        np.column_stack([adverse(cause, evidence) for cause in single]),
        before=np.column_stack([adverse(cause, {}) for cause in single]),
    )


def _demand_target(target: Target, evidence: Mapping[str, int]) -> None:
    if target.node not in evidence:
        raise QueryError(say("queries.necessity_unreported", target=target.label))
    if evidence[target.node] not in target.codes:
        raise QueryError(say("queries.necessity_absent", target=target.label))


def _notes(
    graph: CausalGraph,
    evidence: Mapping[str, int],
    causes: Sequence[tuple[str, ...]],
    method: str,
    target: Target,
    coupling: str,
    shares: Shares,
) -> tuple[str, ...]:
    names = names_of(graph)

    def worded(nodes: Iterable[str]) -> str:
        return listed(map(names.node, nodes))

    notes: list[str] = []
    if method in COUPLED:
        starts = {name for group in causes for name in group}
        changed = frozenset().union(*(graph.descendants(name) for name in starts))
        reported = [name for name in graph.names if name in evidence and name in changed]
        mediators = [name for name in reported if name != target.node]
        notes.append(say("queries.coupling_assumed", coupling=coupling_name(coupling)))
        seen = evidence.get(target.node, 0)
        if method == "necessity" and seen > min(target.codes):
            state = names.phrase(target.node, graph.node(target.node).states[seen])
            notes.append(say("queries.attribute.worse", state=state, target=target.label))
        if method == "necessity" and mediators:
            notes.append(say("queries.attribute.outside", nodes=worded(mediators)))
        if method != "necessity" and reported:
            notes.append(say("queries.attribute.aside", nodes=worded(reported)))
        return tuple(notes)
    notes.append(say(f"queries.attribute.{method}.rests_on"))
    if shares.error is not None:
        notes.append(say("queries.attribute.sampled", error=points(np.full(2, shares.error.max()))))
    return tuple(notes)
