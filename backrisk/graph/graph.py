"""Causal graphs: nodes with ordered states, edges with evidence, read from YAML and validated."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any

from backrisk.errors import GraphError, suggest

if TYPE_CHECKING:
    import networkx as nx
from backrisk.graph.elements import (
    ANSWERED,
    GRADES,
    MECHANISMS,
    NOT_ANSWERED,
    ORIGINS,
    Edge,
    Lagged,
    Node,
    Prior,
    Roles,
)

_LARGEST_LOG_ODDS = 4.0  # an odds ratio of 55: beyond any published risk factor
_LARGEST_SD = 3.0
_SATURATED_ROWS = 12  # without stated priors, a family up to this many rows is left free


@dataclass(frozen=True)
class CausalGraph:
    """A causal DAG as data: frozen, validated when made.

    Parameters
    ----------
    name : str
    nodes : tuple of Node
    edges : tuple of Edge
        The order of the edges into a node is the order of its CPT's parent axes.
    lagged : tuple of Lagged
    outcome : str, optional
        The node that queries are about by default.
    title, description : str
    roles : Roles
        Which nodes make a level, what is advised on, what a cohort is parted by.
    groups : tuple of (str, str)
        Headings of the groups that nodes belong to.
    vocabulary : str
        The name of its words in a language's ``names.yaml``, so that they can be translated.

    Raises
    ------
    GraphError
        For the first mistake found, in one sentence.

    Examples
    --------
    >>> graph = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    >>> graph.parents("y")
    ('x',)
    """

    name: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...] = ()
    lagged: tuple[Lagged, ...] = ()
    outcome: str | None = None
    title: str = ""
    description: str = ""
    roles: Roles = field(default_factory=Roles)
    groups: tuple[tuple[str, str], ...] = ()
    vocabulary: str = ""
    _by_name: dict[str, Node] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Validate, and index the nodes by name."""
        object.__setattr__(self, "_by_name", {node.name: node for node in self.nodes})
        _validate(self)

    @classmethod
    def from_edges(
        cls,
        edges: Iterable[tuple[str, str]],
        states: Mapping[str, Sequence[str]],
        *,
        outcome: str | None = None,
        name: str = "graph",
    ) -> CausalGraph:
        """Build a graph from pairs of names, without priors.

        Parameters
        ----------
        edges : iterable of (cause, effect)
        states : mapping of node name to labels, reference first
        outcome : str, optional
            Default: the only node without effects, if there is just one.
        name : str

        Returns
        -------
        CausalGraph

        Raises
        ------
        GraphError
            If the edges and states do not make a DAG.

        Examples
        --------
        >>> two = {"a": ["no", "yes"], "b": ["no", "yes"]}
        >>> CausalGraph.from_edges([("a", "b")], two).outcome
        'b'
        """
        try:
            pairs = [(str(cause), str(effect)) for cause, effect in edges]
            labels = {str(node): tuple(map(str, states[node])) for node in states}
        except (TypeError, ValueError) as error:
            raise GraphError(
                "Expected edges such as ('a', 'b') and states such as {'a': ['no', 'yes']}: "
                f"{error}."
            ) from error
        for node, given in states.items():
            if isinstance(given, str):
                raise GraphError(
                    f"The states of '{node}' should be a list of labels, got '{given}'."
                )
        causes = {cause for cause, _ in pairs}
        sinks = [node for node in labels if node not in causes]
        return cls(
            name=name,
            nodes=tuple(Node(node, given) for node, given in labels.items()),
            edges=tuple(
                Edge(cause, effect, f"{cause} affects {effect}", "stated", "none")
                for cause, effect in pairs
            ),
            outcome=outcome or (sinks[0] if len(sinks) == 1 else None),
        )

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], source: str = "graph") -> CausalGraph:
        """Build a graph from the plain form that YAML holds.

        Parameters
        ----------
        data : mapping
            Keys ``name``, ``nodes`` (mapping), ``edges`` (list), and optionally ``outcome``,
            ``lagged``, ``title``, ``description``.
        source : str
            What to call it in an error.

        Returns
        -------
        CausalGraph

        Raises
        ------
        GraphError
            Naming the source, the entry and what was expected.
        """
        if not isinstance(data, Mapping) or not isinstance(data.get("nodes"), Mapping):
            raise GraphError(f"{source}: expected a mapping with 'nodes' and 'edges'.")
        allowed = {field.name for field in fields(cls) if field.init}
        _known_keys(data, allowed, source)
        outcome = data.get("outcome")
        return cls(
            name=_word(data.get("name", source), f"{source}: name"),
            nodes=tuple(_read_node(str(k), v, source) for k, v in data["nodes"].items()),
            edges=tuple(_read_edge(entry, source) for entry in _entries(data, "edges", source)),
            lagged=tuple(_read_lagged(entry, source) for entry in _entries(data, "lagged", source)),
            outcome=None if outcome is None else _word(outcome, f"{source}: outcome"),
            title=_word(data.get("title", ""), f"{source}: title"),
            description=_word(data.get("description", ""), f"{source}: description"),
            roles=_read_roles(data.get("roles"), source),
            groups=_read_groups(data.get("groups"), source),
            vocabulary=_word(data.get("vocabulary", ""), f"{source}: vocabulary"),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the plain form: what :meth:`from_dict` reads, and a saved model holds."""
        nodes = {}
        for node in self.nodes:
            entry = _without_defaults(node)
            entry.pop("name")
            nodes[node.name] = entry
        edges = []
        for edge in self.edges:
            entry = _without_defaults(edge)
            if edge.prior is not None:
                entry["prior"] = {"mean": edge.prior.mean, "sd": edge.prior.sd}
            edges.append(entry)
        data: dict[str, Any] = {"name": self.name, "nodes": nodes, "edges": edges}
        if self.lagged:
            data["lagged"] = [_without_defaults(entry) for entry in self.lagged]
        for key in ("outcome", "title", "description", "vocabulary"):
            if getattr(self, key):
                data[key] = getattr(self, key)
        if roles := _without_defaults(self.roles):
            data["roles"] = roles
        if self.groups:
            data["groups"] = dict(self.groups)
        return data

    def node(self, name: str) -> Node:
        """Return a node.

        Raises
        ------
        GraphError
            If there is none of that name.
        """
        if name not in self._by_name:
            raise GraphError(
                f"Graph '{self.name}' has no node '{name}'{suggest(name, self._by_name)}."
            )
        return self._by_name[name]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the nodes, in the graph's order."""
        return tuple(node.name for node in self.nodes)

    @cached_property
    def items(self) -> tuple[str, ...]:
        """Names of the nodes that tell of survey answers: no parts of how the outcome arises."""
        return tuple(node.name for node in self.nodes if node.mechanism in ("item", "response"))

    @cached_property
    def _incoming(self) -> dict[str, tuple[Edge, ...]]:
        found: dict[str, list[Edge]] = {name: [] for name in self.names}
        for edge in self.edges:
            found[edge.effect].append(edge)
        return {name: tuple(edges) for name, edges in found.items()}

    @property
    def own_words(self) -> dict[str, Any]:
        """The words that the graph itself states: ``nodes``, ``states`` by node, ``groups``."""
        return {
            "nodes": {node.name: node.label for node in self.nodes if node.label},
            "states": {
                node.name: dict(zip(node.states, node.labels, strict=True))
                for node in self.nodes
                if node.labels
            },
            "groups": dict(self.groups),
        }

    def playing(self, role: str) -> tuple[str, ...]:
        """Return the nodes that play a role, in the graph's order; see `Roles`.

        Examples
        --------
        >>> from backrisk.graph import load_graph
        >>> load_graph("runner").playing("passing")
        ('impact_load', 'lumbar_load')
        """
        named = getattr(self.roles, role)
        return tuple(
            n.name for n in self.nodes if n.name in named or (n.group and n.group in named)
        )

    @cached_property
    def topological(self) -> tuple[str, ...]:
        """Names, causes before effects; the graph's order where that leaves a choice."""
        order: list[str] = []
        waiting = dict.fromkeys(self.names)
        while waiting:
            free = (n for n in waiting if not any(e.cause in waiting for e in self._incoming[n]))
            order.append(next(free))  # there is one: the graph was checked for cycles
            del waiting[order[-1]]
        return tuple(order)

    @cached_property
    def _above(self) -> dict[str, frozenset[str]]:
        above: dict[str, frozenset[str]] = {}
        for name in self.topological:
            causes = self.parents(name)
            above[name] = frozenset(causes).union(*(above[cause] for cause in causes))
        return above

    @cached_property
    def _below(self) -> dict[str, frozenset[str]]:
        return {
            name: frozenset(other for other in self.names if name in self._above[other])
            for name in self.names
        }

    def __hash__(self) -> int:
        """Hash by names, quickly: a query finds its plan by its graph."""
        return hash((self.name, self.names))

    def edges_into(self, name: str) -> tuple[Edge, ...]:
        """Return the edges into a node, in the order of its CPT's parent axes."""
        return self._incoming[self.node(name).name]

    def parents(self, name: str) -> tuple[str, ...]:
        """Return the direct causes of a node, in the order of its CPT's axes."""
        return tuple(edge.cause for edge in self.edges_into(name))

    def children(self, name: str) -> tuple[str, ...]:
        """Return the direct effects of a node."""
        return tuple(edge.effect for edge in self.edges if edge.cause == self.node(name).name)

    def ancestors(self, name: str) -> frozenset[str]:
        """Return every direct and indirect cause of a node."""
        return self._above[self.node(name).name]

    def descendants(self, name: str) -> frozenset[str]:
        """Return every direct and indirect effect of a node."""
        return self._below[self.node(name).name]

    def shape(self, name: str) -> tuple[int, ...]:
        """Return the shape of a node's CPT without draws: ``(*parents, state)``."""
        return tuple(len(self.node(n).states) for n in (*self.parents(name), name))

    def mechanism(self, name: str) -> str:
        """Return how a node depends on its parents.

        Roots are saturated. Other nodes follow an ordinal logit, which uses the priors of the
        edges; where no edge states a prior, a small family is saturated instead.
        """
        node = self.node(name)
        if node.mechanism is not None:
            return node.mechanism
        edges = self.edges_into(name)
        rows = 1
        for size in self.shape(name)[:-1]:
            rows *= size
        if not edges or (rows <= _SATURATED_ROWS and all(edge.prior is None for edge in edges)):
            return "saturated"
        return "ordinal_logit"

    def to_networkx(self) -> nx.DiGraph[str]:
        """Return the DAG as NetworkX has it, with grades and claims on the edges."""
        import networkx as nx

        digraph: nx.DiGraph[str] = nx.DiGraph()
        digraph.add_nodes_from(self.names)
        for edge in self.edges:
            digraph.add_edge(edge.cause, edge.effect, grade=edge.grade, claim=edge.claim)
        return digraph


def _known_keys(entry: Mapping[str, Any], allowed: Iterable[str], where: str) -> None:
    for key in entry:
        if key not in set(allowed):
            raise GraphError(f"{where}: unknown key '{key}'{suggest(key, allowed)}.")


def _word(value: Any, where: str) -> str:
    """Read a word, which YAML may have taken for a number or a truth value."""
    if not isinstance(value, str | int | float):
        raise GraphError(f"{where}: expected a word, got {value!r}.")
    return str(value)


def _entries(data: Mapping[str, Any], key: str, where: str) -> list[Any]:
    """Read a list that may be left out."""
    found = data.get(key)
    if found is not None and not isinstance(found, list):
        raise GraphError(f"{where}: '{key}' should be a list, got {found!r}.")
    return found or []


def _read_node(name: str, entry: Any, source: str) -> Node:
    where = f"{source}: node '{name}'"
    if not isinstance(entry, Mapping) or not isinstance(entry.get("states"), list):
        raise GraphError(f"{where}: expected a mapping with a list of 'states'.")
    _known_keys(entry, {f.name for f in fields(Node)} - {"name"}, where)
    values = {key: value for key, value in entry.items() if value is not None}
    values["states"] = tuple(_word(state, f"{where}, states") for state in entry["states"])
    for key in ("description", "group", "margin_source", "mechanism", "label"):
        if key in values:
            values[key] = _word(values[key], f"{where}, {key}")
    if "labels" in values:
        values["labels"] = tuple(
            _word(label, f"{where}, labels") for label in _entries(values, "labels", where)
        )
    for key in ("modifiable", "fixed"):  # no and yes are words here, and a word would count as true
        if not isinstance(values.get(key, False), bool):
            raise GraphError(f"{where}: '{key}' should be true or false, got {values[key]!r}.")
    try:
        for key in ("reliability", "concentration"):
            if key in values:
                values[key] = float(values[key])
        if "margin" in values:
            values["margin"] = tuple(float(share) for share in values["margin"])
        if "misclassification" in values:
            values["misclassification"] = tuple(
                tuple(map(float, row)) for row in values["misclassification"]
            )
        values["interactions"] = tuple(
            (str(first), str(second)) for first, second in values.get("interactions", ())
        )
    except (TypeError, ValueError) as error:
        raise GraphError(f"{where}: {error}.") from error
    return Node(name=name, **values)


def _read_edge(entry: Any, source: str) -> Edge:
    if not isinstance(entry, Mapping) or not {"cause", "effect"} <= set(entry):
        raise GraphError(f"{source}: an edge needs 'cause' and 'effect', got {entry!r}.")
    where = f"{source}: edge {entry['cause']} -> {entry['effect']}"
    _known_keys(entry, {f.name for f in fields(Edge)}, where)
    for key in ("claim", "grade"):
        if not entry.get(key):
            raise GraphError(f"{where} has no '{key}'; every edge needs a claim and a grade.")
    prior = entry.get("prior")
    try:
        read = None if prior is None else Prior(float(prior["mean"]), float(prior["sd"]))
    except (TypeError, KeyError, ValueError) as error:
        raise GraphError(
            f"{where}: expected a prior such as {{mean: 0.3, sd: 0.3}}, got {prior!r}."
        ) from error
    return Edge(
        cause=str(entry["cause"]),
        effect=str(entry["effect"]),
        claim=str(entry["claim"]),
        origin=str(entry.get("origin", "stated")),
        grade=str(entry["grade"]),
        prior=read,
        citations=tuple(
            _word(c, f"{where}, citations") for c in _entries(entry, "citations", where)
        ),
    )


def _read_roles(entry: Any, source: str) -> Roles:
    if entry is None:
        return Roles()
    known = [field.name for field in fields(Roles)]
    if not isinstance(entry, Mapping):
        raise GraphError(f"{source}: 'roles' should be a mapping of role to names, got {entry!r}.")
    _known_keys(entry, known, f"{source}: roles")
    where = f"{source}: roles"
    return Roles(
        **{
            role: tuple(_word(name, f"{where}, {role}") for name in _entries(entry, role, where))
            for role in entry
        }
    )


def _read_groups(entry: Any, source: str) -> tuple[tuple[str, str], ...]:
    if entry is None:
        return ()
    if not isinstance(entry, Mapping):
        raise GraphError(
            f"{source}: 'groups' should be a mapping of group to heading, got {entry!r}."
        )
    return tuple((str(name), _word(text, f"{source}: groups")) for name, text in entry.items())


def _read_lagged(entry: Any, source: str) -> Lagged:
    if not isinstance(entry, Mapping) or set(entry) != {"cause", "effect", "claim"}:
        raise GraphError(
            f"{source}: a lagged edge needs 'cause', 'effect' and 'claim', got {entry!r}."
        )
    return Lagged(**{key: str(value) for key, value in entry.items()})


def _without_defaults(value: Any) -> dict[str, Any]:
    def plain(entry: Any) -> Any:
        return [plain(part) for part in entry] if isinstance(entry, tuple) else entry

    return {
        f.name: plain(getattr(value, f.name))
        for f in fields(value)
        if f.name != "prior" and getattr(value, f.name) != f.default
    }


def _validate(graph: CausalGraph) -> None:
    """Raise a GraphError for the first mistake."""
    at = f"Graph '{graph.name}'"
    for name, count in Counter(node.name for node in graph.nodes).items():
        if count > 1:
            raise GraphError(f"{at}: node '{name}' is defined {count} times.")
    if not graph.nodes:
        raise GraphError(f"{at} has no nodes.")
    for node in graph.nodes:
        _validate_node(node, at)
    for edge in graph.edges:
        _validate_edge(edge, graph, at)
    for (cause, effect), count in Counter((e.cause, e.effect) for e in graph.edges).items():
        if count > 1:
            raise GraphError(f"{at}: edge {cause} -> {effect} is given {count} times.")
    for lagged in graph.lagged:
        _known_node(lagged.cause, graph, f"{at}: lagged edge to '{lagged.effect}'")
        _known_node(lagged.effect, graph, f"{at}: lagged edge from '{lagged.cause}'")
    known = {*graph.names, *(node.group for node in graph.nodes if node.group)}
    for role in fields(Roles):
        for name in getattr(graph.roles, role.name):
            if name not in known:
                raise GraphError(
                    f"{at}: role '{role.name}' names '{name}', which is neither a node nor a group"
                    f"{suggest(name, known)}."
                )
    if graph.outcome is not None:
        _known_node(graph.outcome, graph, f"{at}: outcome")
    if cycle := _cycle(graph):
        path = " -> ".join((*cycle, cycle[0]))
        raise GraphError(f"{at} has a cycle: {path}; a feedback belongs under 'lagged'.")
    for node in graph.nodes:
        _validate_family(node, graph, at)


def _cycle(graph: CausalGraph) -> tuple[str, ...]:
    """Return the nodes of a cycle in the order of its edges, if there is one."""
    names = graph.names
    left = set(names)
    while True:
        stuck = {edge.effect for edge in graph.edges if {edge.cause, edge.effect} <= left}
        if not stuck:
            return ()
        if stuck == left:
            break
        left = stuck
    # Every node left has a cause among those left: walking from cause to cause must return.
    cause_of = {e.effect: e.cause for e in graph.edges if {e.cause, e.effect} <= left}
    walk = [next(name for name in names if name in left)]
    while cause_of[walk[-1]] not in walk:
        walk.append(cause_of[walk[-1]])
    cycle = walk[walk.index(cause_of[walk[-1]]) :][::-1]
    first = min(range(len(cycle)), key=lambda i: names.index(cycle[i]))
    return (*cycle[first:], *cycle[:first])


def _known_node(name: str, graph: CausalGraph, where: str) -> None:
    if name not in graph._by_name:
        raise GraphError(f"{where}: unknown node '{name}'{suggest(name, graph._by_name)}.")


def _validate_node(node: Node, at: str) -> None:
    where = f"{at}: node '{node.name}'"
    if not node.name.isidentifier():
        raise GraphError(f"{where}: a name needs letters, digits and underscores only.")
    if len(node.states) < 2:
        raise GraphError(f"{where} has {len(node.states)} state; at least two are needed.")
    for state, count in Counter(node.states).items():
        if not state or state != state.strip():
            raise GraphError(f"{where}: state '{state}' is empty or has a blank at an end.")
        if count > 1:
            raise GraphError(f"{where}: state '{state}' is repeated.")
    if node.labels and len(node.labels) != len(node.states):
        raise GraphError(
            f"{where} has {len(node.labels)} labels for its {len(node.states)} states; give one "
            "for each, or none."
        )
    if node.mechanism is not None and node.mechanism not in MECHANISMS:
        raise GraphError(
            f"{where}: unknown mechanism '{node.mechanism}'{suggest(node.mechanism, MECHANISMS)}; "
            f"expected one of {', '.join(MECHANISMS)}."
        )
    if node.margin is not None and (
        len(node.margin) != len(node.states)
        or any(not 0 < share < 1 for share in node.margin)
        or abs(sum(node.margin) - 1) > 1e-6
    ):
        raise GraphError(
            f"{where}: margin {list(node.margin)} should be {len(node.states)} shares "
            "above 0 that sum to 1."
        )
    if not 0 < node.concentration < float("inf"):
        raise GraphError(f"{where}: concentration {node.concentration} should be above 0.")
    if node.reliability is not None and not 0 <= node.reliability <= 1:
        raise GraphError(f"{where}: reliability {node.reliability} should lie in [0, 1].")


def _validate_edge(edge: Edge, graph: CausalGraph, at: str) -> None:
    where = f"{at}: edge {edge.cause} -> {edge.effect}"
    _known_node(edge.cause, graph, where)
    _known_node(edge.effect, graph, where)
    if edge.cause == edge.effect:
        raise GraphError(f"{where}: a node cannot cause itself.")
    if not edge.claim:
        raise GraphError(f"{where} has no claim.")
    for value, known, what in ((edge.grade, GRADES, "grade"), (edge.origin, ORIGINS, "origin")):
        if value not in known:
            raise GraphError(
                f"{where}: unknown {what} '{value}'{suggest(value, known)}; "
                f"expected one of {', '.join(known)}."
            )
    if edge.prior is not None and not (
        abs(edge.prior.mean) <= _LARGEST_LOG_ODDS and 0 < edge.prior.sd <= _LARGEST_SD
    ):
        raise GraphError(
            f"{where}: prior mean {edge.prior.mean}, sd {edge.prior.sd} is absurd for a log odds "
            f"ratio; expected |mean| <= {_LARGEST_LOG_ODDS:g} and 0 < sd <= {_LARGEST_SD:g}."
        )


def _validate_family(node: Node, graph: CausalGraph, at: str) -> None:
    where = f"{at}: node '{node.name}'"
    parents = graph.parents(node.name)
    for pair in node.interactions:
        if len(set(pair)) != 2 or not set(pair) <= set(parents):
            raise GraphError(
                f"{where}: interaction {' x '.join(pair)} should name two of its parents, "
                f"{', '.join(parents) or 'of which it has none'}."
            )
    if node.mechanism == "item":
        _validate_item(node, graph, where)
    elif node.misclassification is not None or node.fixed or node.reliability is not None:
        raise GraphError(f"{where}: only an item has a reliability or a misclassification.")
    if node.mechanism == "response" and (
        len(parents) != 1
        or graph.children(node.name)
        or node.states != (ANSWERED, NOT_ANSWERED)
        or graph.edges_into(node.name)[0].prior is None
    ):
        raise GraphError(
            f"{where}: a response has the states {ANSWERED} and {NOT_ANSWERED}, the node that may "
            "go unanswered as its only parent with a prior, and no children."
        )


def _validate_item(node: Node, graph: CausalGraph, where: str) -> None:
    parents = graph.parents(node.name)
    children = [graph.node(child).mechanism for child in graph.children(node.name)]
    if len(parents) != 1 or set(children) - {"response"}:
        raise GraphError(
            f"{where}: an item has one construct as its parent, and no children but a response."
        )
    construct = graph.node(parents[0])
    if tuple(s for s in construct.states if s in node.states) != node.states:
        raise GraphError(
            f"{where}: an item has states of its construct '{construct.name}', in their order."
        )
    rows = node.misclassification
    if rows is not None and (
        node.reliability is not None
        or len(rows) != len(construct.states)
        or any(len(row) != len(node.states) or abs(sum(row) - 1) > 1e-6 for row in rows)
        or any(not 0 <= share <= 1 for row in rows for share in row)
    ):
        raise GraphError(
            f"{where}: misclassification takes the place of a reliability and has a row of "
            f"{len(node.states)} shares that sum to 1 for each of the {len(construct.states)} "
            f"states of '{construct.name}'."
        )
    if node.fixed and rows is None and node.reliability is None:
        raise GraphError(f"{where}: a fixed error needs a reliability or a misclassification.")
