"""By which routes a person's risk comes in: the game of own departures, played over edges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from backrisk.errors import QueryError
from backrisk.graph import GRADES, CausalGraph
from backrisk.inference import SecondWorld, Tables, reached
from backrisk.queries.answer import Target, row_name
from backrisk.queries.attribution.causes import players_of, read_causes
from backrisk.queries.attribution.departures import Baseline, at_reference, play, playing_of
from backrisk.queries.attribution.shapley import Shares
from backrisk.queries.paths import weakest_link, worst_grade
from backrisk.words import say


@dataclass(frozen=True)
class Routes:
    """Routes into a target, each a set of edges.

    Parameters
    ----------
    players : tuple of str
        The causes whose departures the routes pass on.
    edges : mapping of str to tuple of (cause, effect)
        By the route's name. A route without edges is the own departure of the node of that name,
        which other routes enter.
    """

    players: tuple[str, ...]
    edges: Mapping[str, tuple[tuple[str, str], ...]]


def direct_route(target: str) -> str:
    """Return the name of the route that passes no other node: a row's name, as programs read it."""
    return row_name("straight").format(target=target)


def read_routes(
    graph: CausalGraph,
    target: Target,
    causes: str | Sequence[str | Sequence[str]] | None,
    level: str,
    evidence: Mapping[str, int],
) -> Routes:
    """Return the routes that are asked about.

    Raises
    ------
    QueryError
        As `read_causes`; if there is no route, or routes overlap.
    """
    above = graph.ancestors(target.node)
    if causes is None and level == "proximal":
        return _final(graph, target, evidence)
    members = {group[0] for group in read_causes(graph, target, causes, "pathways", level)}
    for name in graph.names:
        if name in members and (before := graph.ancestors(name) & members):
            raise QueryError(say("queries.routes_overlap", cause=name, above=sorted(before)[0]))
    found: dict[str, tuple[tuple[str, str], ...]] = {}
    for edge in graph.edges:
        if edge.cause in members and edge.effect in above | {target.node}:
            straight = edge.effect == target.node
            name = direct_route(target.node) if straight else edge.effect
            found[name] = (*found.get(name, ()), (edge.cause, edge.effect))
    return Routes(tuple(name for name in graph.names if name in members), found)


def _final(graph: CausalGraph, target: Target, evidence: Mapping[str, int]) -> Routes:
    """Return the routes into the target and what passes on to it, told apart by their start."""
    players = players_of(graph, target)
    above = graph.ancestors(target.node)
    last = above.intersection(graph.playing("passing"), graph.parents(target.node))
    heads = reached(graph, last | {target.node}) & (above | {target.node})
    differing = reached(graph, frozenset(players)) - heads
    found: dict[str, tuple[tuple[str, str], ...]] = {}
    for edge in graph.edges:
        if edge.effect in heads and edge.cause in differing:
            found[edge.cause] = (*found.get(edge.cause, ()), (edge.cause, edge.effect))
    told = frozenset(evidence).union(*(graph.ancestors(name) for name in evidence))
    passing = heads.intersection(players)
    # What nothing is known of has no departure to pass on: it is a row only where none other is.
    own = passing & (told | at_reference(graph, "healthy")) or (passing if not found else set())
    found |= {name: () for name in graph.names if name in own}
    if not found:
        raise QueryError(
            say("queries.no_cause_at_level", level="proximal", target=target.node, graph=graph.name)
        )
    return Routes(players, found)


def route_grade(
    graph: CausalGraph, name: str, route: Sequence[tuple[str, str]], target: Target
) -> str:
    """Return the grade of the weakest edge on the strongest path over a route."""
    if not route:
        return weakest_link(graph, name, target.node)
    grade = {(edge.cause, edge.effect): edge.grade for edge in graph.edges}
    over = []
    for cause, effect in route:
        rest = [] if effect == target.node else [weakest_link(graph, effect, target.node)]
        over.append(worst_grade(grade[cause, effect], *rest))
    return min(over, key=GRADES.index)


def pathways(
    tables: Tables,
    evidence: Mapping[str, int],
    routes: Routes,
    target: Target,
    *,
    baseline: Baseline = "healthy",
    seed: int = 0,
) -> Shares:
    """Share the risk that departures bring in by the routes that they take.

    Parameters
    ----------
    tables : Tables
        A posterior.
    evidence : mapping of node to state code
        Not impossible.
    routes : Routes
    target : Target
    baseline : {"healthy", "average"}
    seed : int
        For what is sampled.

    Notes
    -----
    Of the two worlds of `Departures`, let world 1 be that in which every player has lost its
    departure. The nodes that routes enter, and what these cause on the way to the target, are
    worked out with the person's noise from what they hear: over an edge of a route that is on the
    cause's state in world 0, over one that is off that in world 1. A player among them has a route
    of its own, which keeps its noise or draws it afresh. With all routes on the target is the
    person's, with none that of a person without departures: shares sum to the total of
    `Departures` for the same players and baseline.

    Every node hears one world over each edge, so there is no recanting witness (Shpitser and
    Tchetgen Tchetgen 2016, doi:10.1214/15-AOS1411).

    Returns
    -------
    Shares
        ``draws`` of shape ``(draw, route)``, which sum to ``total`` in each draw.

    Raises
    ------
    QueryError
        If a table would not fit the budget.
    """
    graph = tables.graph
    reference = at_reference(graph, baseline)
    playing = playing_of(graph, evidence, routes.players, reference)
    changed = reached(graph, frozenset(playing))
    own = tuple(name for name in playing if name in routes.edges and not routes.edges[name])
    heard = {
        edge: name for name, route in routes.edges.items() for edge in route if edge[0] in changed
    }
    lost = frozenset(playing).difference(own)
    world = SecondWorld(
        tables, evidence, own, reference, target.node, target.codes, lost=lost, heard=heard
    )
    return play(world, tuple(routes.edges), seed=seed)
