"""Which causes are asked about, by name or by level."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

from backrisk.errors import QueryError
from backrisk.graph import CausalGraph
from backrisk.queries.answer import Target
from backrisk.queries.asked import demand_cause, read_node
from backrisk.queries.attribution.necessity import earliest
from backrisk.words import TOGETHER, choices, listed, say, suggest

COUPLED = ("necessity", "sufficiency", "necessity_and_sufficiency")
GAMES = ("shapley", "pathways")
LEVELS = ("proximal", "distal")


def at_level(graph: CausalGraph, level: str) -> tuple[str, ...]:
    """Return the nodes of a level; every node but the items where a graph states no level."""
    if not graph.roles.proximal and not graph.roles.distal:
        return tuple(name for name in graph.names if name not in graph.items)
    return graph.playing(level)


def players_of(graph: CausalGraph, target: Target) -> tuple[str, ...]:
    """Return who plays where nobody is named: every cause but the traits that nobody can change.

    Examples
    --------
    >>> from backrisk.graph import load_graph
    >>> players_of(load_graph("runner_core"), Target("pain", (1, 2), "pain"))
    ('core_strength', 'hip_flexor_tightness', 'fatigue', 'pelvic_tilt', 'compensation',
    'lumbar_load')
    """
    traits = set(graph.playing("traits"))
    above = graph.ancestors(target.node)
    return tuple(name for name in graph.names if name in above and name not in traits)


def reported_adverse(
    graph: CausalGraph, evidence: Mapping[str, int], target: Target
) -> tuple[str, ...]:
    """Return the causes of the target that are reported away from their reference, causes first.

    A cause that is not reported itself is among them if a sign of it is reported adverse. Traits,
    which nobody can change, are not.

    Parameters
    ----------
    graph : CausalGraph
    evidence : mapping of node to state code
    target : Target
    """
    signed = {
        graph.parents(name)[0]
        for name, code in evidence.items()
        if code and name in graph.items and graph.parents(name)[0] not in evidence
    }
    seen = signed.union(name for name, code in evidence.items() if code)
    players = seen.intersection(players_of(graph, target))
    return tuple(name for name in graph.topological if name in players)


def read_causes(
    graph: CausalGraph,
    target: Target,
    causes: str | Sequence[str | Sequence[str]] | None,
    method: str,
    level: str,
) -> tuple[tuple[str, ...], ...]:
    """Read the causes that a method is asked about, each a set of nodes.

    Parameters
    ----------
    graph : CausalGraph
    target : Target
    causes : str, or sequence of str or of sequences of str, optional
        Default: those of the level; of a game, those that follow from no other of them.
    method, level : str

    Raises
    ------
    QueryError
        If a cause, a set or the level is not understood, or there is none.
    """
    ancestors = graph.ancestors(target.node)
    if isinstance(causes, str):  # one cause, or one set
        causes = (causes,)
    if causes is not None:
        groups = tuple(_members(graph, cause) for cause in causes)
        for cause in itertools.chain.from_iterable(groups):
            demand_cause(graph, cause, target.node)
        sets = [frozenset(group) for group in groups]
        if not all(groups) or not groups or len(set(sets)) < len(sets):
            raise QueryError(say("queries.causes_once"))
        for group in groups:
            _demand_set(graph, group, method)
        return groups
    if level not in LEVELS:
        hint, known = suggest(level, LEVELS), choices(LEVELS)
        raise QueryError(say("queries.no_level", name=level, hint=hint, choices=known))
    members = [name for name in at_level(graph, level) if name in ancestors]
    if method in GAMES:
        members = [name for name in members if not graph.ancestors(name) & set(members)]
    if not members:
        raise QueryError(
            say("queries.no_cause_at_level", level=level, target=target.node, graph=graph.name)
        )
    return tuple((name,) for name in members)


def _members(graph: CausalGraph, cause: str | Sequence[str]) -> tuple[str, ...]:
    """Read a cause, or a set of causes as a sequence or joined by plus signs."""
    parts = cause.split("+") if isinstance(cause, str) else cause
    if not isinstance(parts, Sequence) or not all(isinstance(part, str) for part in parts):
        raise QueryError(say("queries.causes_form", cause=repr(cause)))
    named = (read_node(graph, part.strip(), "queries.what.cause") for part in parts)
    return tuple(dict.fromkeys(named))


def _demand_set(graph: CausalGraph, group: tuple[str, ...], method: str) -> None:
    if len(group) == 1:
        return
    if method not in COUPLED:
        raise QueryError(
            say(
                "queries.no_sets",
                group=TOGETHER.join(group),
                methods=listed(COUPLED),
                method=method,
            )
        )
    if method != "necessity" and len(earliest(graph, group)) < len(group):
        later = next(name for name in group if name not in earliest(graph, group))
        raise QueryError(
            say("queries.set_changes_itself", group=TOGETHER.join(group), node=later, method=method)
        )
