"""Graphs in the plain form that YAML, JSON and saved models hold, read and written.

Reading only gives values their types; whether they make a valid graph is checked in `validate`.
What cannot be read is told, and the rest is read as if it had been left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import Field, dataclass, field, fields
from importlib.resources.abc import Traversable
from typing import Any

from backrisk.errors import GraphError
from backrisk.graph.elements import (
    GRADES,
    Edge,
    Lagged,
    LeftOut,
    Node,
    Prior,
    Roles,
    Stated,
    word,
)
from backrisk.graph.problems import near, shown
from backrisk.graph.published import PUBLISHED, read_entry, read_published
from backrisk.words import say

_KEYS = tuple(key.name for key in fields(Stated))
_WORDS = ("title", "description", "vocabulary")
_TEXTS = ("description", "group", "margin_source", "mechanism", "label")
_TRUTHS = ("modifiable", "fixed", "nominal", "constant", "persist", "parted")
_PLAIN = (str, int, float)  # what YAML may make of a word


@dataclass
class Read:
    """A graph as far as it could be read, and what could not.

    Parameters
    ----------
    stated : dict
        The fields of a `CausalGraph`.
    problems : list of str
        A sentence for each mistake.
    unread : set of str
        Names of nodes that are stated, and could not be read.
    """

    stated: dict[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    unread: set[str] = field(default_factory=set)


def read_plain(data: Any, source: str, folder: Traversable | None = None) -> Read:
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
    Read

    Raises
    ------
    GraphError
        Where it has no nodes at all.
    """
    if not isinstance(data, Mapping) or not isinstance(data.get("nodes"), Mapping):
        raise GraphError(say("graph.not_a_graph", source=source))
    return _Reader(source, folder).graph(data)


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
    edges = list(map(_plain_edge, graph.edges))
    data: dict[str, Any] = {"name": graph.name, "nodes": nodes, "edges": edges}
    if graph.lagged:
        data["lagged"] = list(map(_plain_edge, graph.lagged))
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
    if graph.tied:
        data["tied"] = dict(graph.tied)
    return data


def _plain_edge(edge: Edge) -> dict[str, Any]:
    entry = _without_defaults(edge, leave=("prior", "state_priors"))
    if edge.prior is not None:
        entry["prior"] = _plain_prior(edge.prior)
    elif edge.state_priors:
        entry["prior"] = {state: _plain_prior(prior) for state, prior in edge.state_priors}
    return entry


def _plain_prior(prior: Prior) -> dict[str, float]:
    return {"mean": prior.mean, "sd": prior.sd}


def _without_defaults(element: Any, leave: Iterable[str] = ()) -> dict[str, Any]:
    def lists(entry: Any) -> Any:
        return [lists(part) for part in entry] if isinstance(entry, tuple) else entry

    def stated(key: Field[Any]) -> bool:
        return key.name not in leave and getattr(element, key.name) != key.default

    return {key.name: lists(getattr(element, key.name)) for key in fields(element) if stated(key)}


@dataclass
class _Reader:
    """Reads entries, and notes what is wrong with them."""

    source: str
    folder: Traversable | None
    read: Read = field(default_factory=Read)

    def graph(self, data: Mapping[str, Any]) -> Read:
        self.keys(data, _KEYS, self.source)
        nodes = tuple(
            node for name, entry in data["nodes"].items() if (node := self.node(word(name), entry))
        )
        stated: dict[str, Any] = {
            "name": self.text(data.get("name", self.source), f"{self.source}: name"),
            "nodes": nodes,
            "outcome": self.outcome(data.get("outcome")),
            "roles": self.roles(data.get("roles")),
            "groups": self.pairs(data, "groups", "graph.not_groups"),
            "tied": self.pairs(data, "tied", "graph.not_tied"),
            "left_out": tuple(
                LeftOut(*pair) for pair in self.pairs(data, "left_out", "graph.not_left_out")
            ),
        }
        for key, one in (("edges", self.edge), ("lagged", self.lagged)):
            made = map(one, self.entries(data, key, self.source))
            stated[key] = tuple(each for each in made if each is not None)
        for key in _WORDS:
            stated[key] = self.text(data.get(key, ""), f"{self.source}: {key}")
        stated |= self.figures(data, nodes)
        self.read.stated = stated
        return self.read

    def wrong(self, what: str, **values: Any) -> None:
        self.read.problems.append(say(f"graph.{what}", **values))

    def keys(self, entry: Mapping[str, Any], known: Iterable[str], where: str) -> None:
        for key in entry:
            if key not in known:
                self.wrong("unknown_key", where=where, key=key, suggestion=near(key, known))

    def text(self, value: Any, where: str, instead: str = "") -> str:
        """Read a word, which YAML may have taken for a number or a truth value."""
        if not isinstance(value, _PLAIN):
            self.wrong("expected_word", where=where, value=shown(value))
            return instead
        return str(value)

    def outcome(self, value: Any) -> str | None:
        told = len(self.read.problems)
        name = None if value is None else word(self.text(value, f"{self.source}: outcome"))
        return None if len(self.read.problems) > told else name

    def entries(self, data: Mapping[str, Any], key: str, where: str) -> Sequence[Any]:
        """Read a list that may be left out."""
        found = data.get(key)
        if found is not None and not isinstance(found, list | tuple):
            self.wrong("expected_list", where=where, key=key, value=shown(found))
            return []
        return found or []

    def words(self, data: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
        """Read a list of words that may be left out."""
        told = len(self.read.problems)
        read = [self.text(e, f"{where}, {key}") for e in self.entries(data, key, where)]
        return tuple(read) if len(self.read.problems) == told else ()

    def number(self, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, _PLAIN):
            raise TypeError
        return float(value)

    def numbers(self, value: Any) -> tuple[float, ...]:
        if not isinstance(value, list | tuple):
            raise TypeError
        return tuple(map(self.number, value))

    def rows(self, value: Any) -> tuple[tuple[float, ...], ...]:
        if not isinstance(value, list | tuple):
            raise TypeError
        return tuple(map(self.numbers, value))

    def names(self, value: Any) -> tuple[tuple[str, str], ...]:
        if not isinstance(value, list | tuple):
            raise TypeError
        for pair in value:
            first, second = pair
            if not (isinstance(first, _PLAIN) and isinstance(second, _PLAIN)):
                raise TypeError
        return tuple((str(first), str(second)) for first, second in value)

    def truth(self, value: Any) -> bool:
        """Read true or false: no and yes are words here, and a word would count as true."""
        if not isinstance(value, bool):
            raise TypeError
        return value

    def node(self, name: str, entry: Any) -> Node | None:
        where = str(say("graph.at_node", at=self.source, node=name))
        if not isinstance(entry, Mapping) or not isinstance(entry.get("states"), list | tuple):
            self.wrong("not_a_node", where=where)
            self.read.unread.add(name)
            return None
        self.keys(entry, [key.name for key in fields(Node) if key.name != "name"], where)
        given = {key: value for key, value in entry.items() if value is not None}
        values: dict[str, Any] = {
            key: self.text(given[key], f"{where}, {key}") for key in _TEXTS if key in given
        }
        for key in ("states", "labels"):
            values[key] = self.words(given, key, where)
        if not all(isinstance(state, _PLAIN) for state in given["states"]):
            self.read.unread.add(name)  # told; how many states there are is not known
        kinds: dict[str, tuple[str, Callable[[Any], Any]]] = {
            **dict.fromkeys(_TRUTHS, ("truth", self.truth)),
            **dict.fromkeys(("reliability", "concentration"), ("number", self.number)),
            **dict.fromkeys(("margin", "row_people"), ("numbers", self.numbers)),
            "misclassification": ("rows", self.rows),
            "interactions": ("pairs", self.names),
        }
        for key, (kind, one) in kinds.items():
            if key in given:
                try:
                    values[key] = one(given[key])
                except (TypeError, ValueError, OverflowError):
                    value = shown(given[key])
                    self.wrong(f"expected_{kind}", where=where, key=key, value=value)
        return None if name in self.read.unread else Node(name=name, **values)

    def edge(self, entry: Any) -> Edge | None:
        return self.claim(entry, Edge, "edge", {"origin": "stated"})

    def lagged(self, entry: Any) -> Lagged | None:
        instead = {"origin": Lagged.origin, "grade": Lagged.grade}
        return self.claim(entry, Lagged, "lagged", instead)

    def claim[E: Edge](
        self, entry: Any, kind: type[E], key: str, defaults: Mapping[str, str]
    ) -> E | None:
        """Read an edge, whose keys without a default it has to state."""
        ends = ("cause", "effect")
        if not isinstance(entry, Mapping) or not all(
            isinstance(entry.get(end), _PLAIN) for end in ends
        ):
            self.wrong(f"not_{key}", where=self.source, value=shown(entry))
            return None
        cause, effect = (word(str(entry[end])) for end in ends)
        where = str(say(f"graph.at_{key}", at=self.source, cause=cause, effect=effect))
        self.keys(entry, [key.name for key in fields(Edge) if key.name != "state_priors"], where)
        said = {}
        for name, instead in (("origin", "stated"), ("claim", "-"), ("grade", GRADES[0])):
            value = entry.get(name, defaults.get(name))
            if value is None or (isinstance(value, str) and not value):
                self.wrong("edge_needs", where=where, key=name)
                value = instead
            said[name] = self.text(value, f"{where}, {name}", instead)
        prior, each = self.prior(entry.get("prior"), where)
        citations = self.words(entry, "citations", where)
        return kind(cause, effect, **said, prior=prior, citations=citations, state_priors=each)

    def prior(self, entry: Any, where: str) -> tuple[Prior | None, tuple[tuple[str, Prior], ...]]:
        """Read the prior of an edge, or those of the states of a nominal cause."""

        def one(each: Any) -> Prior:
            return Prior(self.number(each["mean"]), self.number(each["sd"]))

        if entry is None:
            return None, ()
        try:
            if (
                isinstance(entry, Mapping)
                and entry
                and all(isinstance(each, Mapping) for each in entry.values())
            ):
                return None, tuple((str(state), one(each)) for state, each in entry.items())
            return one(entry), ()
        except (TypeError, KeyError, ValueError, OverflowError, IndexError):
            self.wrong("not_a_prior", where=where, value=shown(entry))
            return None, ()

    def figures(self, data: Mapping[str, Any], nodes: Sequence[Node]) -> dict[str, tuple[Any, ...]]:
        """Read the name of a set of published figures, or the figures, as a saved model does."""
        named = data.get("figures")
        if isinstance(named, str) and named:
            try:
                return read_published(named, nodes, self.folder, self.source)
            except GraphError as error:
                # A node that could not be read is told of already, and the set may be about it.
                self.read.problems += () if self.read.unread else error.problems
                return {}
        found: dict[str, tuple[Any, ...]] = {}
        for key in PUBLISHED:
            made = []
            for number, entry in enumerate(self.entries(data, key, self.source), start=1):
                at = str(say("graph.at_entry", at=self.source, key=key, number=number))
                try:
                    made.append(read_entry(key, entry, at))
                except GraphError as error:
                    self.read.problems += error.problems
            found[key] = tuple(made)
        return found

    def roles(self, entry: Any) -> Roles:
        if entry is None:
            return Roles()
        if not isinstance(entry, Mapping):
            self.wrong("not_roles", where=self.source, value=shown(entry))
            return Roles()
        where = f"{self.source}: roles"
        known = [role.name for role in fields(Roles)]
        self.keys(entry, known, where)
        return Roles(**{role: self.words(entry, role, where) for role in entry if role in known})

    def pairs(self, data: Mapping[str, Any], key: str, unfit: str) -> tuple[tuple[str, str], ...]:
        """Read a mapping of names to text that may be left out."""
        entry = data.get(key)
        if entry is None:
            return ()
        if not isinstance(entry, Mapping):
            self.read.problems.append(say(unfit, where=self.source, value=shown(entry)))
            return ()
        where = f"{self.source}: {key}"
        return tuple((word(k), self.text(v, f"{where}, {k}", "-")) for k, v in entry.items())
