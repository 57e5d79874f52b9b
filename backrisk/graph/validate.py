"""Every check of a graph; each mistake is a sentence that says where it is.

The checks run on what a graph states (`Stated`), before anything is derived from it: a graph that
exists is valid. All mistakes are told at once, apart from those that follow from another.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from unicodedata import category

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
    in_order,
)
from backrisk.graph.order import find_cycle
from backrisk.graph.problems import failure, near, shown
from backrisk.graph.published import PUBLISHED, entry_problems
from backrisk.words import Said, choices, listed, say

MOST_STATES = 1000
_LARGEST_LOG_ODDS = 4.0  # an odds ratio of 55: beyond any published risk factor
_LARGEST_SD = 3.0
_ROUNDING = 1e-6  # how far shares that sum to 1 may miss it

type Problems = Iterator[Said]


def validate(graph: Stated) -> None:
    """Check a graph.

    Parameters
    ----------
    graph : Stated
        What the graph states.

    Raises
    ------
    GraphError
        With every mistake.
    """
    if error := failure(str(say("graph.at", graph=graph.name)), problems(graph)):
        raise error


def problems(graph: Stated, unread: Collection[str] = ()) -> Problems:
    """Yield a sentence for every mistake of a graph.

    Parameters
    ----------
    graph : Stated
    unread : collection of str
        Nodes that were stated but could not be read: that is told already, and whatever names
        them is no further mistake.
    """
    at = str(say("graph.at", graph=graph.name))
    disorder = [each for key in ("nodes", "edges", "lagged") for each in _order(graph, key, at)]
    yield from disorder
    if disorder:
        return
    if not graph.nodes and not unread:
        yield say("graph.no_nodes", at=at)
    for name, count in _repeated(node.name for node in graph.nodes):
        yield say("graph.node_repeated", at=at, node=name, times=count)
    by_name = {node.name: node for node in graph.nodes}
    known = dict.fromkeys((*by_name, *unread))
    sound = set()  # nodes without a mistake, in families of which others can be looked for
    for node in graph.nodes:
        found = list(_node(node, str(say("graph.at_node", at=at, node=node.name))))
        yield from found
        if not found:
            sound.add(node.name)
    edges = []
    for edge in graph.edges:
        where = str(say("graph.at_edge", at=at, cause=edge.cause, effect=edge.effect))
        found = list(_ends(edge, known, where))
        yield from found
        yield from _edge(edge, by_name, sound, where)
        if not found and edge.cause in by_name and edge.effect in by_name:
            edges.append(edge)
    for (cause, effect), count in _repeated((e.cause, e.effect) for e in graph.edges):
        yield say("graph.edge_repeated", at=at, cause=cause, effect=effect, times=count)
    yield from _over_time(graph, by_name, known, sound, edges, at)
    yield from _tied(graph, by_name, known, at)
    yield from _roles(graph, known, at)
    for left in graph.left_out:
        if left.name in known:
            yield say("graph.left_out_node", at=at, name=left.name)
        if not left.reason:
            yield say("graph.left_out_reason", at=at, name=left.name)
    for key in PUBLISHED:
        for number, entry in enumerate(getattr(graph, key), start=1):
            where = str(say("graph.at_entry", at=at, key=key, number=number))
            yield from entry_problems(entry, by_name, where, unread)
    if graph.outcome is not None:
        yield from _unknown(graph.outcome, known, str(say("graph.at_outcome", at=at)))
    yield from _families(graph, edges, by_name, sound, bool(unread), at)


def _over_time(
    graph: Stated,
    by_name: Mapping[str, Node],
    known: Collection[str],
    sound: Collection[str],
    edges: Sequence[Edge],
    at: str,
) -> Problems:
    """Yield what is wrong with what is said of one period and the next."""
    lasting = {lagged.effect for lagged in graph.lagged if lagged.cause == lagged.effect}
    for lagged in graph.lagged:
        ends = {"cause": lagged.cause, "effect": lagged.effect}
        where = str(say("graph.at_lagged", at=at, **ends))
        yield from _unknown(lagged.cause, known, where)
        if lagged.effect != lagged.cause:
            yield from _unknown(lagged.effect, known, where)
        yield from _edge(lagged, by_name, sound, where)
        for end in dict.fromkeys(ends.values()):
            if end in by_name and by_name[end].constant:
                yield say("graph.lagged_constant", where=where, node=end)
            if end in by_name and by_name[end].mechanism in ("item", "response"):
                yield say("graph.lagged_answer", where=where, node=end)
    for (cause, effect), count in _repeated((e.cause, e.effect) for e in graph.lagged):
        yield say("graph.lagged_repeated", at=at, cause=cause, effect=effect, times=count)
    for node in by_name.values():
        where = str(say("graph.at_node", at=at, node=node.name))
        if node.constant and node.persist:
            yield say("graph.constant_persists", where=where)
        if node.parted and not (node.persist or node.name in lasting):
            yield say("graph.parted_alone", where=where)
    for edge in edges:
        if by_name[edge.effect].constant and not by_name[edge.cause].constant:
            where = str(say("graph.at_node", at=at, node=edge.effect))
            yield say("graph.constant_cause", where=where, cause=edge.cause)


def _tied(graph: Stated, by_name: Mapping[str, Node], known: Collection[str], at: str) -> Problems:
    """Yield what is wrong with families that are said to be those of others."""
    owners = dict(graph.tied)
    parents: dict[str, list[str]] = {name: [] for name in by_name}
    for edge in graph.edges:
        if edge.effect in parents:
            parents[edge.effect].append(edge.cause)
    for node, owner in graph.tied:
        where = str(say("graph.at_tied", at=at, node=node))
        yield from _unknown(node, known, where)
        yield from _unknown(owner, known, where)
        if owner in owners:
            yield say("graph.tied_on", where=where, owner=owner)
        if node in by_name and owner in by_name:
            families = [
                [by_name[each].states for each in (*parents[name], name) if each in by_name]
                for name in (node, owner)
            ]
            if families[0] != families[1]:
                yield say("graph.tied_unlike", where=where, owner=owner)
    for node, count in _repeated(node for node, _ in graph.tied):
        yield say("graph.tied_repeated", at=at, node=node, times=count)


def _families(
    graph: Stated,
    edges: Sequence[Edge],
    by_name: Mapping[str, Node],
    sound: Collection[str],
    some_unread: bool,
    at: str,
) -> Problems:
    """Yield what is wrong between nodes and their parents, where the edges are known."""
    incoming: dict[str, list[Edge]] = {name: [] for name in by_name}
    children: dict[str, list[Node]] = {name: [] for name in by_name}
    for edge in edges:
        incoming[edge.effect].append(edge)
        children[edge.cause].append(by_name[edge.effect])
    parents = {name: [edge.cause for edge in found] for name, found in incoming.items()}
    if cycle := find_cycle(parents):
        yield say("graph.cycle", at=at, path=" -> ".join((*cycle, cycle[0])))
    whole = len(edges) == len(graph.edges) and not some_unread
    for node in graph.nodes:
        where = str(say("graph.at_node", at=at, node=node.name))
        if node.name not in sound:
            continue
        if whole or parents[node.name]:
            yield from _interactions(node, parents[node.name], where)
        if node.nominal and len(node.states) > 2:
            yield from _unordered(node, incoming[node.name], where)
        if node.mechanism == "item" and (whole or parents[node.name]):
            causes = [by_name[name] for name in parents[node.name]]
            yield from _item(node, causes, children[node.name], where)
        elif node.mechanism != "item" and (
            node.misclassification is not None
            or node.row_people is not None
            or node.fixed
            or node.reliability is not None
        ):
            yield say("graph.only_an_item", where=where)
        if node.mechanism == "response" and (whole or parents[node.name]):
            yield from _response(node, incoming[node.name], children[node.name], where)


def _order(element: Stated | Node | Edge | Roles, key: str, where: str) -> Problems:
    if not in_order(getattr(element, key)):
        kind = type(getattr(element, key)).__name__
        yield say("graph.expected_order", where=where, key=key, kind=kind)


def _repeated[T](entries: Iterable[T]) -> list[tuple[T, int]]:
    return [(entry, count) for entry, count in Counter(entries).items() if count > 1]


def _unknown(name: str, known: Collection[str], where: str) -> Problems:
    if name not in known:
        yield say("graph.unknown_node", where=where, node=name, suggestion=near(name, known))


def _choice(value: str, known: Sequence[str], key: str, where: str) -> Problems:
    if value not in known:
        hint, told = near(value, known), choices(known)
        where_said = {"where": where, "key": key, "value": value}
        yield say("graph.unknown_value", **where_said, suggestion=hint, choices=told)


def _node(node: Node, where: str) -> Problems:
    if not node.name.isidentifier():
        yield say("graph.node_name", where=where)
    stated = [
        key
        for key in ("margin", "misclassification", "row_people")
        if getattr(node, key) is not None
    ]
    disorder = [
        each
        for key in ("states", "labels", "interactions", *stated)
        for each in _order(node, key, where)
    ]
    yield from disorder
    if node.mechanism is not None:
        yield from _choice(node.mechanism, MECHANISMS, "mechanism", where)
    if not 0 < node.concentration < math.inf:
        yield say("graph.concentration", where=where, value=node.concentration)
    if node.reliability is not None and not 0 <= node.reliability <= 1:
        yield say("graph.reliability", where=where, value=node.reliability)
    if disorder:
        return
    if len(node.states) < 2:
        yield say("graph.few_states", where=where, count=len(node.states))
    if len(node.states) > MOST_STATES:
        yield say("graph.many_states", where=where, count=len(node.states), limit=MOST_STATES)
        return
    if "" in node.states:
        yield say("graph.state_blank", where=where)
    for state in node.states:
        if any(category(mark) in ("Cc", "Cs") for mark in state):
            yield say("graph.state_control", where=where, state=shown(state))
    for state, _ in _repeated(node.states):
        if state:
            yield say("graph.state_repeated", where=where, state=state)
    if node.labels and len(node.labels) != len(node.states):
        counts = {"labels": len(node.labels), "states": len(node.states)}
        yield say("graph.labels", where=where, **counts)
    if node.margin is not None and (
        any(share <= 0 for share in node.margin) or not _sums_to_one(node.margin, node.states)
    ):
        yield say("graph.margin", where=where, margin=_few(node.margin), states=len(node.states))


def _few(margin: Sequence[float]) -> str:
    """Return shares as a sentence shows them, the first of very many."""
    told = ", ".join(str(float(share)) for share in margin[:12])
    return f"[{told}, ...]" if len(margin) > 12 else f"[{told}]"


def _sums_to_one(shares: Sequence[float], states: Sequence[str]) -> bool:
    return len(shares) == len(states) and abs(sum(shares) - 1) <= _ROUNDING


def _ends(edge: Edge, known: Collection[str], where: str) -> Problems:
    yield from _unknown(edge.cause, known, where)
    if edge.cause == edge.effect:
        yield say("graph.own_cause", where=where)
    else:
        yield from _unknown(edge.effect, known, where)


def _edge(edge: Edge, by_name: Mapping[str, Node], sound: Collection[str], where: str) -> Problems:
    if not edge.claim:
        yield say("graph.edge_needs", where=where, key="claim")
    yield from _order(edge, "citations", where)
    yield from _choice(edge.grade, GRADES, "grade", where)
    yield from _choice(edge.origin, ORIGINS, "origin", where)
    for prior in edge.priors:
        if not (abs(prior.mean) <= _LARGEST_LOG_ODDS and 0 < prior.sd <= _LARGEST_SD):
            yield say(
                "graph.absurd_prior",
                where=where,
                mean=prior.mean,
                sd=prior.sd,
                largest_mean=f"{_LARGEST_LOG_ODDS:g}",
                largest_sd=f"{_LARGEST_SD:g}",
            )
    if edge.state_priors and edge.cause in sound:
        cause = by_name[edge.cause]
        expected = cause.states[1:]
        stated = sorted(state for state, _ in edge.state_priors)
        if not cause.nominal or edge.prior is not None or stated != sorted(expected):
            key = "graph.state_priors" if cause.nominal else "graph.state_priors_of_ordered"
            states = listed(map(repr, expected))
            yield say(key, where=where, cause=cause.name, states=states)


def _unordered(node: Node, incoming: Sequence[Edge], where: str) -> Problems:
    """Refuse what speaks of an order of the states of a node that has none."""
    if node.mechanism in ("ordinal_logit", "noisy_max") or (
        node.mechanism != "item" and any(edge.priors for edge in incoming)
    ):
        yield say("graph.nominal", where=where)


def _roles(graph: Stated, known: Collection[str], at: str) -> Problems:
    named = dict.fromkeys((*known, *(n.group for n in graph.nodes if n.group)))
    for role in fields(Roles):
        disorder = list(_order(graph.roles, role.name, at))  # a name would be read by its letters
        yield from disorder
        for name in () if disorder else getattr(graph.roles, role.name):
            if name not in named:
                hint = near(name, named)
                yield say("graph.role_of_nobody", at=at, role=role.name, name=name, suggestion=hint)


def _interactions(node: Node, parents: Sequence[str], where: str) -> Problems:
    for pair in node.interactions:
        if len(set(pair)) != 2 or not set(pair) <= set(parents):
            key = "graph.interaction" if parents else "graph.interaction_of_root"
            yield say(key, where=where, pair=" x ".join(pair), parents=", ".join(parents))


def _item(node: Node, parents: Sequence[Node], children: Sequence[Node], where: str) -> Problems:
    if len(parents) != 1 or any(child.mechanism != "response" for child in children):
        yield say("graph.item_family", where=where)
        return
    (construct,) = parents
    rows = node.misclassification
    rated, reliable = rows is not None, node.reliability is not None
    if not answers_fit(node.states, construct.states, rated=rated, reliable=reliable):
        states = ", ".join(construct.states)
        yield say("graph.item_states", where=where, construct=construct.name, states=states)
    if rows is not None and node.reliability is not None:
        yield say("graph.misclassification_and_reliability", where=where)
    if rows is not None and (
        len(rows) != len(construct.states)
        or any(share < 0 for row in rows for share in row)
        or not all(_sums_to_one(row, node.states) for row in rows)
    ):
        sizes = {"rows": len(construct.states), "answers": len(node.states)}
        yield say("graph.misclassification", where=where, construct=construct.name, **sizes)
    if node.fixed and rows is None and node.reliability is None:
        yield say("graph.fixed", where=where)
    people = node.row_people
    if people is not None and (
        rows is None
        or len(people) != len(construct.states)
        or not all(0 < count < math.inf for count in people)
    ):
        about = {"construct": construct.name, "rows": len(construct.states)}
        yield say("graph.row_people", where=where, **about)


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


def _response(
    node: Node, incoming: Sequence[Edge], children: Sequence[Node], where: str
) -> Problems:
    if (
        len(incoming) != 1
        or not incoming[0].priors
        or children
        or node.states != (ANSWERED, NOT_ANSWERED)
    ):
        yield say("graph.response", where=where, answered=ANSWERED, not_answered=NOT_ANSWERED)
