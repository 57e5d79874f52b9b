"""Graphs in the plain form that YAML, JSON and saved models hold, read and written.

Reading only gives values their types; whether they make a valid graph is checked in `validate`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import Field, fields
from importlib.resources.abc import Traversable
from typing import Any

from backrisk.errors import GraphError
from backrisk.graph.elements import Edge, Lagged, LeftOut, Node, Prior, Roles, Stated
from backrisk.graph.published import PUBLISHED, read_entry, read_published
from backrisk.words import say, suggest

_KEYS = tuple(key.name for key in fields(Stated))
_WORDS = ("title", "description", "vocabulary")


def read_plain(data: Any, source: str, folder: Traversable | None = None) -> dict[str, Any]:
    """Read the plain form of a graph.

    Parameters
    ----------
    data : mapping
        See `CausalGraph.from_dict`.
    source : str
        What to call it in an error.
    folder : Traversable, optional
        Where sets of published figures may be, beside those of the package.

    Returns
    -------
    dict
        The fields of a `CausalGraph`.

    Raises
    ------
    GraphError
        Naming the source, the entry, its value and what was expected.
    """
    if not isinstance(data, Mapping) or not isinstance(data.get("nodes"), Mapping):
        raise GraphError(say("graph.not_a_graph", source=source))
    _check_keys(data, _KEYS, source)
    outcome = data.get("outcome")
    nodes = tuple(_read_node(str(k), v, source) for k, v in data["nodes"].items())
    return {
        "name": _word(data.get("name", source), f"{source}: name"),
        "nodes": nodes,
        "edges": tuple(_read_edge(entry, source) for entry in _entries(data, "edges", source)),
        "lagged": tuple(_read_lagged(entry, source) for entry in _entries(data, "lagged", source)),
        "outcome": None if outcome is None else _word(outcome, f"{source}: outcome"),
        "roles": _read_roles(data.get("roles"), source),
        "groups": _read_groups(data.get("groups"), source),
        "left_out": _read_left_out(data.get("left_out"), source),
        **{key: _word(data.get(key, ""), f"{source}: {key}") for key in _WORDS},
        **_read_figures(data, nodes, source, folder),
    }


def to_plain(graph: Stated) -> dict[str, Any]:
    """Return the plain form of a graph, without what is as it would be if left out.

    Parameters
    ----------
    graph : Stated

    Returns
    -------
    dict
        Of words, numbers, truth values, lists and dicts.
    """
    nodes = {node.name: _without_defaults(node, leave=("name",)) for node in graph.nodes}
    edges = []
    for edge in graph.edges:
        entry = _without_defaults(edge, leave=("prior", "state_priors"))
        if edge.prior is not None:
            entry["prior"] = _plain_prior(edge.prior)
        elif edge.state_priors:
            entry["prior"] = {state: _plain_prior(prior) for state, prior in edge.state_priors}
        edges.append(entry)
    data: dict[str, Any] = {"name": graph.name, "nodes": nodes, "edges": edges}
    if graph.lagged:
        data["lagged"] = [_without_defaults(entry) for entry in graph.lagged]
    for key in ("outcome", *_WORDS):
        if getattr(graph, key):
            data[key] = getattr(graph, key)
    for key in PUBLISHED:
        if entries := getattr(graph, key):
            data[key] = [_without_defaults(entry) for entry in entries]
    if roles := _without_defaults(graph.roles):
        data["roles"] = roles
    if graph.groups:
        data["groups"] = dict(graph.groups)
    if graph.left_out:
        data["left_out"] = {left.name: left.reason for left in graph.left_out}
    return data


def _plain_prior(prior: Prior) -> dict[str, float]:
    return {"mean": prior.mean, "sd": prior.sd}


def _without_defaults(element: Any, leave: Iterable[str] = ()) -> dict[str, Any]:
    def lists(entry: Any) -> Any:
        return [lists(part) for part in entry] if isinstance(entry, tuple) else entry

    def stated(key: Field[Any]) -> bool:
        return key.name not in leave and getattr(element, key.name) != key.default

    return {key.name: lists(getattr(element, key.name)) for key in fields(element) if stated(key)}


def _check_keys(entry: Mapping[str, Any], known: Iterable[str], where: str) -> None:
    for key in entry:
        if key not in known:
            raise GraphError(
                say("graph.unknown_key", where=where, key=key, suggestion=suggest(key, known))
            )


def _word(value: Any, where: str) -> str:
    """Read a word, which YAML may have taken for a number or a truth value."""
    if not isinstance(value, str | int | float):
        raise GraphError(say("graph.expected_word", where=where, value=repr(value)))
    return str(value)


def _entries(data: Mapping[str, Any], key: str, where: str) -> list[Any]:
    """Read a list that may be left out."""
    found = data.get(key)
    if found is not None and not isinstance(found, list):
        raise GraphError(say("graph.expected_list", where=where, key=key, value=repr(found)))
    return found or []


def _words(data: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
    """Read a list of words that may be left out."""
    return tuple(_word(entry, f"{where}, {key}") for entry in _entries(data, key, where))


def _read_node(name: str, entry: Any, source: str) -> Node:
    where = str(say("graph.at_node", at=source, node=name))
    if not isinstance(entry, Mapping) or not isinstance(entry.get("states"), list):
        raise GraphError(say("graph.not_a_node", where=where))
    _check_keys(entry, [key.name for key in fields(Node) if key.name != "name"], where)
    values = {key: value for key, value in entry.items() if value is not None}
    for key in ("description", "group", "margin_source", "mechanism", "label"):
        if key in values:
            values[key] = _word(values[key], f"{where}, {key}")
    for key in ("states", "labels"):
        values[key] = _words(values, key, where)
    # No and yes are words here, and a word would count as true.
    for key in ("modifiable", "fixed", "nominal"):
        if not isinstance(values.get(key, False), bool):
            raise GraphError(
                say("graph.expected_truth", where=where, key=key, value=repr(values[key]))
            )
    try:
        for key in ("reliability", "concentration"):
            if key in values:
                values[key] = float(values[key])
        for key in ("margin", "row_people"):
            if key in values:
                values[key] = tuple(map(float, values[key]))
        if "misclassification" in values:
            rows = values["misclassification"]
            values["misclassification"] = tuple(tuple(map(float, row)) for row in rows)
        values["interactions"] = tuple(
            (str(first), str(second)) for first, second in values.get("interactions", ())
        )
    except (TypeError, ValueError) as error:
        raise GraphError(say("graph.unreadable_value", where=where, why=error)) from error
    return Node(name=name, **values)


def _read_edge(entry: Any, source: str) -> Edge:
    if not isinstance(entry, Mapping) or not {"cause", "effect"} <= set(entry):
        raise GraphError(say("graph.not_an_edge", where=source, value=repr(entry)))
    where = str(say("graph.at_edge", at=source, cause=entry["cause"], effect=entry["effect"]))
    known = [key.name for key in fields(Edge) if key.name != "state_priors"]
    _check_keys(entry, known, where)
    for key in ("claim", "grade"):
        if not entry.get(key):
            raise GraphError(say("graph.edge_needs", where=where, key=key))
    prior = entry.get("prior")
    by_state: tuple[tuple[str, Prior], ...] = ()
    try:
        if isinstance(prior, Mapping) and all(isinstance(v, Mapping) for v in prior.values()):
            by_state = tuple((str(state), _read_prior(each)) for state, each in prior.items())
        read = None if prior is None or by_state else _read_prior(prior)
    except (TypeError, KeyError, ValueError) as error:
        raise GraphError(say("graph.not_a_prior", where=where, value=repr(prior))) from error
    return Edge(
        cause=str(entry["cause"]),
        effect=str(entry["effect"]),
        claim=str(entry["claim"]),
        origin=str(entry.get("origin", "stated")),
        grade=str(entry["grade"]),
        prior=read,
        citations=_words(entry, "citations", where),
        state_priors=by_state,
    )


def _read_prior(entry: Any) -> Prior:
    return Prior(float(entry["mean"]), float(entry["sd"]))


def _read_lagged(entry: Any, source: str) -> Lagged:
    if not isinstance(entry, Mapping) or set(entry) != {"cause", "effect", "claim"}:
        raise GraphError(say("graph.not_lagged", where=source, value=repr(entry)))
    return Lagged(**{key: str(value) for key, value in entry.items()})


def _read_figures(
    data: Mapping[str, Any], nodes: Sequence[Node], source: str, folder: Traversable | None
) -> dict[str, tuple[Any, ...]]:
    """Read the name of a set of published figures, or the figures, as a saved model has them."""
    named = data.get("figures")
    if isinstance(named, str) and named:
        return read_published(named, nodes, folder, source)
    found: dict[str, tuple[Any, ...]] = {}
    for key in PUBLISHED:
        where = [
            (str(say("graph.at_entry", at=source, key=key, number=number)), entry)
            for number, entry in enumerate(_entries(data, key, source), start=1)
        ]
        found[key] = tuple(read_entry(key, entry, at) for at, entry in where)
    return found


def _read_roles(entry: Any, source: str) -> Roles:
    if entry is None:
        return Roles()
    if not isinstance(entry, Mapping):
        raise GraphError(say("graph.not_roles", where=source, value=repr(entry)))
    where = f"{source}: roles"
    _check_keys(entry, [role.name for role in fields(Roles)], where)
    return Roles(**{role: _words(entry, role, where) for role in entry})


def _read_groups(entry: Any, source: str) -> tuple[tuple[str, str], ...]:
    if entry is None:
        return ()
    if not isinstance(entry, Mapping):
        raise GraphError(say("graph.not_groups", where=source, value=repr(entry)))
    return tuple(
        (str(name), _word(heading, f"{source}: groups, {name}")) for name, heading in entry.items()
    )


def _read_left_out(entry: Any, source: str) -> tuple[LeftOut, ...]:
    if entry is None:
        return ()
    if not isinstance(entry, Mapping):
        raise GraphError(say("graph.not_left_out", where=source, value=repr(entry)))
    return tuple(
        LeftOut(str(name), _word(reason, f"{source}: left_out, {name}"))
        for name, reason in entry.items()
    )
