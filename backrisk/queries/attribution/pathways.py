"""Shares of the excess risk by route: a game over which edges pass on the person's values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from backrisk._types import Array
from backrisk.errors import QueryError
from backrisk.graph import GRADES, CausalGraph, Node
from backrisk.inference import Rewired, Tables, World, pairs
from backrisk.queries.answer import Target, row_name
from backrisk.queries.attribution.causes import at_level, read_causes
from backrisk.queries.attribution.shapley import Shares, diagonal
from backrisk.queries.paths import weakest_link, worst_grade
from backrisk.queries.seeing import probability
from backrisk.words import say

Routes = dict[str, tuple[tuple[str, str], ...]]


def direct_route(target: str) -> str:
    """Return the name of the route that passes no other node: a row's name, as programs read it."""
    return row_name("straight").format(target=target)


def read_routes(
    graph: CausalGraph,
    target: Target,
    causes: str | Sequence[str | Sequence[str]] | None,
    level: str,
) -> Routes:
    """Return the edges of each route by its name.

    Raises
    ------
    QueryError
        As `read_causes`; if there is no route, or routes overlap.
    """
    ancestors = graph.ancestors(target.node)
    towards = [e for e in graph.edges if e.effect in ancestors or e.effect == target.node]
    if causes is None and level == "proximal":
        loads = set(graph.playing("passing")) & set(graph.parents(target.node))
        starting = {*at_level(graph, level), *graph.playing("passing")}
        final = [
            edge
            for edge in towards
            if edge.effect in loads | {target.node}
            and edge.cause not in loads
            and edge.cause in starting
        ]
        names = dict.fromkeys(edge.cause for edge in final)
        if not names:
            raise QueryError(
                say("queries.no_cause_at_level", level=level, target=target.node, graph=graph.name)
            )
        return {n: tuple((e.cause, e.effect) for e in final if e.cause == n) for n in names}
    chosen = read_causes(graph, target, causes, "pathways", level)
    members = {group[0] for group in chosen}
    for name in graph.names:
        if name in members and (above := graph.ancestors(name) & members):
            raise QueryError(say("queries.routes_overlap", cause=name, above=sorted(above)[0]))
    leaving = [edge for edge in towards if edge.cause in members]
    found: Routes = {}
    for edge in leaving:
        name = edge.effect if edge.effect != target.node else direct_route(target.node)
        found[name] = (*found.get(name, ()), (edge.cause, edge.effect))
    return found


def route_grade(graph: CausalGraph, route: Sequence[tuple[str, str]], target: Target) -> str:
    """Return the grade of the weakest edge on the strongest path over a route."""
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
) -> Shares:
    """Play the game of the routes: which of them pass on the person's values."""
    # A route that passes reference values anyhow has no share.
    open_routes = {
        name: route
        for name, route in routes.items()
        if any(evidence.get(cause, 1) > 0 for cause, _ in route)
    }
    draws = np.zeros((tables.draws, len(routes)))
    if not open_routes:
        return Shares(draws, total=np.zeros(tables.draws))
    switched, again, switches = _switched(tables, open_routes, target)
    keep, others = (again.node, 0), [(name, 0) for name in switches]

    def slopes(points: Sequence[float]) -> list[Array]:
        found = []
        for on in points:
            chance = dict.fromkeys(switches, np.array([[1.0 - on], [on]]))
            soft = replace(switched, replaced={**switched.replaced, **chance})
            joint = pairs(World(soft, evidence, {}), keep, others, again.codes)
            event = [joint[switch][1] / joint[switch].sum(axis=0) for switch in others]
            found.append(np.array([passed - blocked for blocked, passed in event]))
        return found

    nobody, everyone = (
        probability(World(switched, {**evidence, **dict.fromkeys(switches, on)}, {}), again)
        for on in (0, 1)
    )
    shares = diagonal(slopes, len(switches), everyone - nobody)
    columns = [i for i, name in enumerate(routes) if name in open_routes]
    draws[:, columns] = shares.T
    return Shares(draws, total=everyone - nobody)


def _switched(
    tables: Tables, routes: Routes, target: Target
) -> tuple[Rewired, Target, tuple[str, ...]]:
    """Let all that routes lead to happen anew, with a switch for each route.

    An edge of a route passes on its cause's value, or the reference where the route is off, to
    the new copy of its effect; the copies have the CPTs of what they copy.
    """
    graph = tables.graph
    heads = {effect for route in routes.values() for _, effect in route}
    anew = heads.union(*(graph.descendants(head) for head in heads))
    anew &= graph.ancestors(target.node) | {target.node}
    taken = set(graph.names)

    def free(name: str) -> str:
        """Return a name that no node has yet."""
        while name in taken:
            name += "_"
        taken.add(name)
        return name

    copies = {name: free(f"{name}_anew") for name in graph.names if name in anew}
    switches = tuple(free(f"route_{i}") for i in range(len(routes)))
    switch = {
        edge: name for name, route in zip(switches, routes.values(), strict=True) for edge in route
    }
    nodes = [replace(graph.node(n), name=copy, interactions=()) for n, copy in copies.items()]
    nodes += [Node(name, ("off", "on")) for name in switches]
    edges = []
    replaced = {name: np.full((2, 1), 0.5) for name in switches}
    for edge in graph.edges:
        if edge.effect not in copies:
            continue
        cause, effect = copies.get(edge.cause, edge.cause), copies[edge.effect]
        if turned := switch.get((edge.cause, edge.effect)):
            passed, states = free(f"{cause}_to_{effect}"), graph.node(edge.cause).states
            nodes.append(Node(passed, states))
            edges += [replace(edge, cause=name, effect=passed) for name in (cause, turned)]
            on = np.eye(len(states))
            off = np.broadcast_to(on[0], on.shape)
            replaced[passed], cause = np.stack([off, on], axis=1)[..., None], passed
        edges.append(replace(edge, cause=cause, effect=effect))
    twice = replace(graph, nodes=(*graph.nodes, *nodes), edges=(*graph.edges, *edges), outcome=None)
    same = {copy: name for name, copy in copies.items()}
    again = Target(copies[target.node], target.codes, target.label)
    return Rewired(tables, replaced, twice, same), again, switches
