"""Every check of a graph; each mistake is a `GraphError` of one sentence that says where it is.

The checks run on what a graph states (`Stated`), before anything is derived from it: a graph that
exists is valid.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields

from backrisk.errors import GraphError
from backrisk.graph.elements import (
    ANSWERED,
    GRADES,
    MECHANISMS,
    NOT_ANSWERED,
    ORIGINS,
    Edge,
    Node,
    Roles,
    Stated,
)
from backrisk.graph.order import find_cycle
from backrisk.graph.published import PUBLISHED, check_entry
from backrisk.words import choices, listed, say, suggest

_LARGEST_LOG_ODDS = 4.0  # an odds ratio of 55: beyond any published risk factor
_LARGEST_SD = 3.0
# An iterator has its order once; views of a mapping or of a NetworkX graph have one, and may pass.
_UNORDERED = (str, bytes, set, frozenset, dict, Iterator)
_ROUNDING = 1e-6  # how far shares that sum to 1 may miss it


def validate(graph: Stated) -> None:
    """Check a graph.

    Parameters
    ----------
    graph : Stated
        What the graph states.

    Raises
    ------
    GraphError
        For the first mistake.
    """
    at = str(say("graph.at", graph=graph.name))
    for key in ("nodes", "edges", "lagged"):
        _check_order(graph, key, at)
    if not graph.nodes:
        raise GraphError(say("graph.no_nodes", at=at))
    for name, count in _repeated(node.name for node in graph.nodes):
        raise GraphError(say("graph.node_repeated", at=at, node=name, times=count))
    for node in graph.nodes:
        _check_node(node, str(say("graph.at_node", at=at, node=node.name)))
    by_name = {node.name: node for node in graph.nodes}
    for edge in graph.edges:
        _check_edge(edge, by_name, at)
    for (cause, effect), count in _repeated((e.cause, e.effect) for e in graph.edges):
        raise GraphError(say("graph.edge_repeated", at=at, cause=cause, effect=effect, times=count))
    for lagged in graph.lagged:
        where = str(say("graph.at_lagged", at=at, cause=lagged.cause, effect=lagged.effect))
        _check_known(lagged.cause, by_name, where)
        _check_known(lagged.effect, by_name, where)
    _check_roles(graph, at)
    for left in graph.left_out:
        if left.name in by_name:
            raise GraphError(say("graph.left_out_node", at=at, name=left.name))
        if not left.reason:
            raise GraphError(say("graph.left_out_reason", at=at, name=left.name))
    for key in PUBLISHED:
        for number, entry in enumerate(getattr(graph, key), start=1):
            where = str(say("graph.at_entry", at=at, key=key, number=number))
            check_entry(entry, by_name, where)
    if graph.outcome is not None:
        _check_known(graph.outcome, by_name, str(say("graph.at_outcome", at=at)))
    incoming: dict[str, list[Edge]] = {name: [] for name in by_name}
    children: dict[str, list[Node]] = {name: [] for name in by_name}
    for edge in graph.edges:
        incoming[edge.effect].append(edge)
        children[edge.cause].append(by_name[edge.effect])
    parents = {name: [edge.cause for edge in edges] for name, edges in incoming.items()}
    if cycle := find_cycle(parents):
        raise GraphError(say("graph.cycle", at=at, path=" -> ".join((*cycle, cycle[0]))))
    for node in graph.nodes:
        where = str(say("graph.at_node", at=at, node=node.name))
        _check_interactions(node, parents[node.name], where)
        if node.nominal and len(node.states) > 2:
            _check_unordered(node, incoming[node.name], where)
        if node.mechanism == "item":
            causes = [by_name[name] for name in parents[node.name]]
            _check_item(node, causes, children[node.name], where)
        elif (
            node.misclassification is not None
            or node.row_people is not None
            or node.fixed
            or node.reliability is not None
        ):
            raise GraphError(say("graph.only_an_item", where=where))
        if node.mechanism == "response":
            _check_response(node, incoming[node.name], children[node.name], where)


def in_order(given: object) -> bool:
    """Return whether something given holds its entries in an order that will be the same again.

    The order of states is their meaning, and that of edges the order of a CPT's axes.

    Examples
    --------
    >>> in_order(["no", "yes"]), in_order({"no", "yes"}), in_order("no")
    (True, False, False)
    """
    return isinstance(given, Iterable) and not isinstance(given, _UNORDERED)


def _check_order(element: Stated | Node | Edge | Roles, key: str, where: str) -> None:
    if not in_order(getattr(element, key)):
        kind = type(getattr(element, key)).__name__
        raise GraphError(say("graph.expected_order", where=where, key=key, kind=kind))


def _repeated[T](entries: Iterable[T]) -> list[tuple[T, int]]:
    return [(entry, count) for entry, count in Counter(entries).items() if count > 1]


def _check_known(name: str, by_name: Mapping[str, Node], where: str) -> None:
    if name not in by_name:
        raise GraphError(
            say("graph.unknown_node", where=where, node=name, suggestion=suggest(name, by_name))
        )


def _check_choice(value: str, known: Sequence[str], key: str, where: str) -> None:
    if value not in known:
        raise GraphError(
            say(
                "graph.unknown_value",
                where=where,
                key=key,
                value=value,
                suggestion=suggest(value, known),
                choices=choices(known),
            )
        )


def _check_node(node: Node, where: str) -> None:
    if not node.name.isidentifier():
        raise GraphError(say("graph.node_name", where=where))
    for key in ("states", "labels", "interactions"):
        _check_order(node, key, where)
    for key in ("margin", "misclassification", "row_people"):
        if getattr(node, key) is not None:
            _check_order(node, key, where)
    if len(node.states) < 2:
        raise GraphError(say("graph.few_states", where=where, count=len(node.states)))
    for state in node.states:
        if not state or state != state.strip():
            raise GraphError(say("graph.state_blank", where=where, state=state))
    for state, _ in _repeated(node.states):
        raise GraphError(say("graph.state_repeated", where=where, state=state))
    if node.labels and len(node.labels) != len(node.states):
        raise GraphError(
            say("graph.labels", where=where, labels=len(node.labels), states=len(node.states))
        )
    if node.mechanism is not None:
        _check_choice(node.mechanism, MECHANISMS, "mechanism", where)
    if node.margin is not None and (
        any(share <= 0 for share in node.margin) or not _sums_to_one(node.margin, node.states)
    ):
        raise GraphError(
            say("graph.margin", where=where, margin=list(node.margin), states=len(node.states))
        )
    if not 0 < node.concentration < math.inf:
        raise GraphError(say("graph.concentration", where=where, value=node.concentration))
    if node.reliability is not None and not 0 <= node.reliability <= 1:
        raise GraphError(say("graph.reliability", where=where, value=node.reliability))


def _sums_to_one(shares: Sequence[float], states: Sequence[str]) -> bool:
    return len(shares) == len(states) and abs(sum(shares) - 1) <= _ROUNDING


def _check_edge(edge: Edge, by_name: Mapping[str, Node], at: str) -> None:
    where = str(say("graph.at_edge", at=at, cause=edge.cause, effect=edge.effect))
    _check_known(edge.cause, by_name, where)
    _check_known(edge.effect, by_name, where)
    if edge.cause == edge.effect:
        raise GraphError(say("graph.own_cause", where=where))
    if not edge.claim:
        raise GraphError(say("graph.edge_needs", where=where, key="claim"))
    _check_order(edge, "citations", where)
    _check_choice(edge.grade, GRADES, "grade", where)
    _check_choice(edge.origin, ORIGINS, "origin", where)
    for prior in edge.priors:
        if not (abs(prior.mean) <= _LARGEST_LOG_ODDS and 0 < prior.sd <= _LARGEST_SD):
            raise GraphError(
                say(
                    "graph.absurd_prior",
                    where=where,
                    mean=prior.mean,
                    sd=prior.sd,
                    largest_mean=f"{_LARGEST_LOG_ODDS:g}",
                    largest_sd=f"{_LARGEST_SD:g}",
                )
            )
    if edge.state_priors:
        cause = by_name[edge.cause]
        expected = cause.states[1:]
        stated = sorted(state for state, _ in edge.state_priors)
        if not cause.nominal or edge.prior is not None or stated != sorted(expected):
            raise GraphError(
                say(
                    "graph.state_priors" if cause.nominal else "graph.state_priors_of_ordered",
                    where=where,
                    cause=cause.name,
                    states=listed(map(repr, expected)),
                )
            )


def _check_unordered(node: Node, incoming: Sequence[Edge], where: str) -> None:
    """Refuse what speaks of an order of the states of a node that has none."""
    if node.mechanism in ("ordinal_logit", "noisy_max") or (
        node.mechanism != "item" and any(edge.priors for edge in incoming)
    ):
        raise GraphError(say("graph.nominal", where=where))


def _check_roles(graph: Stated, at: str) -> None:
    known = {node.name for node in graph.nodes} | {n.group for n in graph.nodes if n.group}
    for role in fields(Roles):
        _check_order(graph.roles, role.name, at)  # a name alone would be read by its letters
        for name in getattr(graph.roles, role.name):
            if name not in known:
                raise GraphError(
                    say(
                        "graph.role_of_nobody",
                        at=at,
                        role=role.name,
                        name=name,
                        suggestion=suggest(name, sorted(known)),
                    )
                )


def _check_interactions(node: Node, parents: Sequence[str], where: str) -> None:
    for pair in node.interactions:
        if len(set(pair)) != 2 or not set(pair) <= set(parents):
            raise GraphError(
                say(
                    "graph.interaction" if parents else "graph.interaction_of_root",
                    where=where,
                    pair=" x ".join(pair),
                    parents=", ".join(parents),
                )
            )


def _check_item(node: Node, parents: Sequence[Node], children: Sequence[Node], where: str) -> None:
    if len(parents) != 1 or any(child.mechanism != "response" for child in children):
        raise GraphError(say("graph.item_family", where=where))
    (construct,) = parents
    rows = node.misclassification
    rated, reliable = rows is not None, node.reliability is not None
    if not answers_fit(node.states, construct.states, rated=rated, reliable=reliable):
        raise GraphError(
            say(
                "graph.item_states",
                where=where,
                construct=construct.name,
                states=", ".join(construct.states),
            )
        )
    if rows is not None and node.reliability is not None:
        raise GraphError(say("graph.misclassification_and_reliability", where=where))
    if rows is not None and (
        len(rows) != len(construct.states)
        or any(share < 0 for row in rows for share in row)
        or not all(_sums_to_one(row, node.states) for row in rows)
    ):
        raise GraphError(
            say(
                "graph.misclassification",
                where=where,
                construct=construct.name,
                rows=len(construct.states),
                answers=len(node.states),
            )
        )
    if node.fixed and rows is None and node.reliability is None:
        raise GraphError(say("graph.fixed", where=where))
    people = node.row_people
    if people is not None and (
        rows is None
        or len(people) != len(construct.states)
        or not all(0 < count < math.inf for count in people)
    ):
        about = {"construct": construct.name, "rows": len(construct.states)}
        raise GraphError(say("graph.row_people", where=where, **about))


def answers_fit(
    answers: Sequence[str], states: Sequence[str], *, rated: bool, reliable: bool
) -> bool:
    """Whether an item's answers can be read: as its construct's states, or as its own.

    Parameters
    ----------
    answers : sequence of str
        Of the item.
    states : sequence of str
        Of its construct.
    rated, reliable : bool
        Whether it has a misclassification, which says what each answer means, or a reliability,
        which says how far answers agree with states.

    Examples
    --------
    >>> kinds = ("none", "mild", "bad")
    >>> answers_fit(("none", "bad"), kinds, rated=False, reliable=True)
    True
    >>> answers_fit(("no", "yes"), kinds, rated=False, reliable=False)
    True
    >>> answers_fit(("none", "mlid"), kinds, rated=False, reliable=False)
    False
    """
    shared = [state for state in states if state in answers]
    if len(shared) == len(answers):
        return shared == list(answers)
    return not reliable and (rated or not shared)


def _check_response(
    node: Node, incoming: Sequence[Edge], children: Sequence[Node], where: str
) -> None:
    if (
        len(incoming) != 1
        or not incoming[0].priors
        or children
        or node.states != (ANSWERED, NOT_ANSWERED)
    ):
        raise GraphError(
            say("graph.response", where=where, answered=ANSWERED, not_answered=NOT_ANSWERED)
        )
