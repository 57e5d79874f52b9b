"""Which causes are asked about, by name or by level, and how well their paths are known."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import networkx as nx

from backrisk.errors import QueryError, suggest
from backrisk.graph import GRADES, CausalGraph
from backrisk.queries.answer import Target
from backrisk.queries.attribution.necessity import earliest

COUPLED = ("necessity", "sufficiency", "necessity_and_sufficiency")
GAMES = ("shapley", "pathways")
BETWEEN = " + "
LEVELS = ("proximal", "distal")


def at_level(graph: CausalGraph, level: str) -> tuple[str, ...]:
    """Return the nodes of a level; every node but the items where a graph states no level."""
    if not graph.roles.proximal and not graph.roles.distal:
        return tuple(name for name in graph.names if name not in graph.items)
    return graph.playing(level)


def read_causes(
    graph: CausalGraph,
    aim: Target,
    causes: Sequence[str | Sequence[str]] | None,
    method: str,
    level: str,
) -> tuple[tuple[str, ...], ...]:
    """Read the causes that a method is asked about, each a set of nodes.

    Parameters
    ----------
    graph : CausalGraph
    aim : Target
    causes : sequence of str or of sequences of str, optional
        Default: those of the level.
    method, level : str

    Raises
    ------
    QueryError
        If a cause, a set or the level is not understood, or there is none.
    """
    ancestors = graph.ancestors(aim.node)
    if causes is not None:
        groups = tuple(_members(cause) for cause in causes)
        for cause in itertools.chain.from_iterable(groups):
            if cause not in graph.names:
                raise QueryError(f"The cause '{cause}' is no node{suggest(cause, graph.names)}.")
            if cause not in ancestors:
                raise QueryError(f"'{cause}' is no cause of '{aim.node}' in graph '{graph.name}'.")
        sets = [frozenset(group) for group in groups]
        if not all(groups) or not groups or len(set(sets)) < len(sets):
            raise QueryError("causes= should name at least one node, each once.")
        for group in groups:
            _demand_set(graph, group, method)
        return groups
    if level not in LEVELS:
        raise QueryError(
            f"There is no level '{level}'{suggest(level, LEVELS)}; expected one of "
            f"{', '.join(LEVELS)}."
        )
    members = [name for name in at_level(graph, level) if name in ancestors]
    if method in GAMES:
        members = [name for name in members if not graph.ancestors(name) & set(members)]
    if not members:
        raise QueryError(f"No {level} node causes '{aim.node}' in graph '{graph.name}'.")
    return tuple((name,) for name in members)


def _members(cause: str | Sequence[str]) -> tuple[str, ...]:
    """Read a cause, or a set of causes as a sequence or joined by plus signs."""
    parts = cause.split("+") if isinstance(cause, str) else cause
    if not isinstance(parts, Sequence) or not all(isinstance(part, str) for part in parts):
        raise QueryError(f"causes= holds {cause!r}; expected a node's name, or a tuple of names.")
    return tuple(dict.fromkeys(part.strip() for part in parts))


def _demand_set(graph: CausalGraph, group: tuple[str, ...], method: str) -> None:
    if len(group) == 1:
        return
    if method not in COUPLED:
        raise QueryError(
            f"Sets of causes such as '{BETWEEN.join(group)}' are for {', '.join(COUPLED)}; "
            f"for {method} name single causes."
        )
    if method != "necessity" and len(earliest(graph, group)) < len(group):
        later = next(name for name in group if name not in earliest(graph, group))
        raise QueryError(
            f"In the set '{BETWEEN.join(group)}' another cause changes '{later}'; for {method} "
            "a set holds causes that do not change one another."
        )


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
