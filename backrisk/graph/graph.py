"""The causal DAG: frozen, validated when it is made, and able to say which node causes which."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from importlib.resources.abc import Traversable
from itertools import chain
from typing import TYPE_CHECKING, Any

from backrisk import _yaml
from backrisk._arguments import checked, checked_class
from backrisk._html import block, paragraph, table
from backrisk.errors import GraphError
from backrisk.graph.arrows import Drawn, read_arrows
from backrisk.graph.dagitty import to_dagitty
from backrisk.graph.drawing import to_dot, to_mermaid
from backrisk.graph.elements import (
    Edge,
    Node,
    Roles,
    Stated,
    bare_edge,
    bare_lagged,
    in_order,
    word,
)
from backrisk.graph.leaving_out import without
from backrisk.graph.networks import from_networkx, to_networkx
from backrisk.graph.order import ancestors, topological
from backrisk.graph.plain import read_plain, to_plain
from backrisk.graph.problems import failure, shown
from backrisk.graph.validate import problems, validate
from backrisk.words import listed, names_of, say, suggest

if TYPE_CHECKING:
    import networkx as nx

SATURATED_ROWS = 12  # without stated priors, a family up to this many rows is left free


@checked_class()
@dataclass(frozen=True, repr=False)
class CausalGraph(Stated):
    """A causal DAG as data: frozen, validated when made.

    Parameters
    ----------
    name : str
        What messages, codebooks and reports call it.
    nodes : tuple of Node
        In YAML a mapping of each node's name to its fields.
    edges : tuple of Edge
        Direct causal claims. The order of the edges into a node is the order of its CPT's parent
        axes.
    lagged : tuple of Lagged
        Feedbacks from one period to the next. A model of one moment does not use them; `unroll`
        makes the graph of several.
    outcome : str, optional
        The node that queries are about by default.
    title, description : str
        A line and a paragraph for whoever reads about the graph.
    roles : Roles
        Which nodes make a level, what is advised on, what a cohort is divided by.
    groups : tuple of (str, str)
        Groups that nodes belong to, with their headings.
    vocabulary : str
        The name of its words in a language's ``names.yaml``, so that they can be translated.
    figures : tuple of Figure
        Published figures on how its nodes go together. In YAML it is the name of a set, two CSV
        files beside the YAML (``NAME_evidence.csv``, ``NAME_prevalence.csv``) or in the package,
        such as ``runner``; their columns are the fields of `Figure` and `Prevalence`.
    prevalences : tuple of Prevalence
        Published shares of people in states of its nodes, of the same set.
    left_out : tuple of LeftOut
        What a reader may look for and does not find, with the reason.
    tied : tuple of (str, str)
        Nodes whose family is that of another node, its owner: the same parameters. Their states
        and those of their causes are the same, in the same order.

    Raises
    ------
    GraphError
        With every mistake: one in a sentence, several in a line each, all in ``problems``.

    Examples
    --------
    >>> graph = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    >>> graph.parents("y")
    ('x',)
    """

    def __post_init__(self) -> None:
        """Give the outcome its one spelling, and validate."""
        if self.outcome is not None:
            object.__setattr__(self, "outcome", word(self.outcome))
        validate(self)

    def __repr__(self) -> str:
        """Return the name and the size; `to_yaml` writes everything."""
        sizes = f"nodes={len(self.nodes)}, edges={len(self.edges)}"
        return f"{type(self).__name__}({self.name!r}, {sizes}, outcome={self.outcome!r})"

    def _repr_html_(self) -> str:
        """Return how many nodes are in each group, and edges of each grade of evidence."""
        names, groups = names_of(self), Counter(node.group for node in self.nodes)
        grades = Counter(edge.grade for edge in self.edges)
        told = say(
            "graph.shown.size",
            nodes=len(self.nodes),
            edges=len(self.edges),
            lagged=len(self.lagged),
            outcome=names.node(self.outcome) if self.outcome else "-",
        )
        return block(
            self.title or self.name,
            paragraph(told),
            table(
                {
                    say("graph.shown.group"): [names.group(group) for group in groups],
                    say("graph.shown.nodes"): list(map(str, groups.values())),
                }
            ),
            table(
                {
                    say("graph.shown.grade"): [names.grade(grade) for grade in grades],
                    say("graph.shown.edges"): list(map(str, grades.values())),
                }
            ),
        )

    @classmethod
    @checked("edges", "states")
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
            In the order of the axes of the effects' CPTs; so no set.
        states : mapping of node name to labels, reference first
            A list or a tuple each; so no set.
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
        if isinstance(edges, str | set | frozenset | dict):
            raise GraphError(say("graph.edges_not_a_list", kind=type(edges).__name__))
        try:
            edges = list(edges)
            for edge in edges:
                if not in_order(edge):
                    raise GraphError(say("graph.edge_not_a_pair", value=repr(edge)))
            pairs = [(word(cause), word(effect)) for cause, effect in edges]
            for node in states:
                if not in_order(states[node]):
                    value = shown(states[node])
                    raise GraphError(say("graph.states_not_a_list", node=node, value=value))
            nodes = tuple(Node(word(node), tuple(states[node])) for node in states)
        except (TypeError, ValueError, LookupError) as error:
            raise GraphError(say("graph.not_edges_and_states", why=error)) from error
        return cls(
            name=name,
            nodes=nodes,
            edges=tuple(bare_edge(cause, effect) for cause, effect in pairs),
            outcome=outcome or _only_sink([node.name for node in nodes], pairs),
        )

    @classmethod
    @checked()
    def from_text(
        cls,
        text: str,
        states: Mapping[str, Sequence[str]] | None = None,
        outcome: str | None = None,
        *,
        name: str = "graph",
    ) -> CausalGraph:
        """Build a graph from lines with arrows, without priors.

        Parameters
        ----------
        text : str
            Statements, one a line or with ``;`` between them: ``a -> b``, ``b <- a``,
            ``a -> b -> c``, ``a + b -> c`` (or ``a, b -> c``). A node that stands alone is one
            without edges; ``pain: none, mild, severe`` gives its states, ``pain [outcome]`` its
            role. ``a <-> b`` is a cause of both that nobody measures. ``a[-1] -> b`` is a lagged
            edge: a one period before is a cause of b. ``#`` begins a comment. A name of several
            words stands in quotation marks: ``"hip extension"`` is the node ``hip_extension``,
            read as it was written.
        states : mapping of node name to labels, reference first, optional
            Of some or all nodes; where neither these nor the text give them, ``no`` and ``yes``.
        outcome : str, optional
            Default: the node that the text says it is, else the only node without effects.
        name : str

        Returns
        -------
        CausalGraph

        Raises
        ------
        GraphError
            Naming the line, and what was expected there; or every mistake of the graph.

        Examples
        --------
        >>> graph = CausalGraph.from_text("strength + sex -> core; core -> pain")
        >>> graph.parents("core"), graph.outcome, graph.node("core").states
        (('strength', 'sex'), 'pain', ('no', 'yes'))
        """
        return cls._drawn(read_arrows(text, str(say("graph.arrows.text"))), states, outcome, name)

    @classmethod
    @checked()
    def from_dagitty(
        cls,
        text: str,
        states: Mapping[str, Sequence[str]] | None = None,
        outcome: str | None = None,
        *,
        name: str | None = None,
    ) -> CausalGraph:
        """Build a graph from the text of DAGitty, without priors.

        ``x <-> y`` becomes a latent common cause of its own, ``u_x_y``. Outcome, exposure, latent,
        adjusted and selected nodes are kept (see `Roles`), labels too; positions are not. States
        are read where `to_dagitty` wrote them.

        Parameters
        ----------
        text : str
            ``dag { x [exposure] y [outcome] x -> y }``; ``dag {`` and ``}`` may be left out.
        states : mapping of node name to labels, reference first, optional
            Of some or all nodes; where neither these nor the text give them, ``no`` and ``yes``.
        outcome : str, optional
            Default: the node that the text says it is, else the only node without effects.
        name : str, optional
            Default: what the text calls itself, else ``graph``.

        Returns
        -------
        CausalGraph

        Raises
        ------
        GraphError
            Naming the line, and what was expected there; if it is no DAG (an undirected edge,
            ``pdag``, ``mag``, ``pag``); or every mistake of the graph.

        Examples
        --------
        >>> graph = CausalGraph.from_dagitty("dag { x [exposure] y [outcome] z -> {x y} x -> y }")
        >>> graph.outcome, graph.roles.exposure, graph.parents("y")
        ('y', ('x',), ('z', 'x'))
        """
        drawn = read_arrows(text, "DAGitty")
        return cls._drawn(drawn, states, outcome, name or drawn.name or "graph")

    @classmethod
    def _drawn(
        cls,
        drawn: Drawn,
        states: Mapping[str, Sequence[str]] | None,
        outcome: str | None,
        name: str,
    ) -> CausalGraph:
        outcomes = drawn.roles.pop("outcome", [])
        if len(outcomes) > 1 and outcome is None:
            raise GraphError(say("graph.arrows.outcomes", outcomes=listed(outcomes)))
        nodes = drawn.nodes(states)
        return cls(
            name=name,
            nodes=nodes,
            edges=tuple(bare_edge(*pair) for pair in drawn.edges),
            lagged=tuple(bare_lagged(*pair) for pair in drawn.lagged),
            outcome=outcome or next(iter(outcomes), _only_sink(list(drawn.labels), drawn.edges)),
            roles=Roles(**{role: tuple(named) for role, named in drawn.roles.items()}),
        )

    @classmethod
    @checked("digraph")
    def from_networkx(
        cls,
        digraph: nx.DiGraph[Any],
        states: Mapping[Any, Sequence[str]] | None = None,
        outcome: str | None = None,
        *,
        name: str | None = None,
    ) -> CausalGraph:
        """Build a graph from a directed graph of NetworkX.

        Parameters
        ----------
        digraph : networkx.DiGraph
            Attributes that bear the name of a field of `Node`, of `Edge` or of a graph are read;
            so everything that `to_networkx` writes is. Others are passed over.
        states : mapping of node to labels, reference first, optional
            Default: the node's attribute ``states``, else ``no`` and ``yes``.
        outcome : str, optional
            Default: what the graph's attribute ``outcome`` says, else the only node without
            effects.
        name : str, optional
            Default: the graph's attribute ``name``, else ``graph``.

        Returns
        -------
        CausalGraph
            The causes of a node in the order in which NetworkX has its predecessors.

        Raises
        ------
        GraphError
            If it is not directed or has several edges between two nodes; or every mistake of the
            graph.

        Examples
        --------
        >>> import networkx as nx
        >>> digraph = nx.DiGraph([("x", "y")])
        >>> digraph.nodes["y"]["states"] = ["none", "mild", "severe"]
        >>> CausalGraph.from_networkx(digraph).shape("y")
        (2, 3)
        """
        data = from_networkx(digraph, states)
        pairs = [(edge["cause"], edge["effect"]) for edge in data["edges"]]
        sink = _only_sink(list(data["nodes"]), pairs)
        data["name"] = name or data.get("name", "graph")
        data["outcome"] = outcome or data.get("outcome", sink)
        return cls.from_dict(data, str(data["name"]))

    @classmethod
    @checked("data")
    def from_dict(
        cls, data: Mapping[str, Any], source: str = "graph", folder: Traversable | None = None
    ) -> CausalGraph:
        """Build a graph from the plain form that YAML holds.

        Parameters
        ----------
        data : mapping
            The fields of a graph: ``nodes`` is a mapping of name to the fields of a `Node`,
            ``edges`` and ``lagged`` are lists of mappings, ``roles`` a mapping of role to a list
            of nodes and groups, ``groups`` one of group to heading, ``left_out`` one of name to
            reason, ``figures`` the name of a set of published figures or a list of them. All but
            ``nodes`` may be left out.
        source : str
            What to call it in an error.
        folder : Traversable, optional
            Where a named set of published figures may be, beside those of the package.

        Returns
        -------
        CausalGraph

        Raises
        ------
        GraphError
            Naming the source, the entry and what was expected.

        Examples
        --------
        >>> states = {"states": ["no", "yes"]}
        >>> edge = {"cause": "x", "effect": "y", "claim": "x leads to y.", "grade": "weak"}
        >>> CausalGraph.from_dict({"nodes": {"x": states, "y": states}, "edges": [edge]}).names
        ('x', 'y')
        """
        read = read_plain(data, source, folder)
        more = problems(Stated(**read.stated), read.unread) if read.problems else ()
        if error := failure(source, chain(read.problems, more)):
            raise error
        return cls(**read.stated)

    def to_dict(self) -> dict[str, Any]:
        """Return the plain form: what :meth:`from_dict` reads, and a saved model holds."""
        return to_plain(self)

    def to_yaml(self) -> str:
        """Return the graph as YAML that `load_graph` reads as it was.

        Examples
        --------
        >>> print(CausalGraph.from_text("x: low, high", name="alone").to_yaml(), end="")
        name: alone
        nodes:
          x:
            states: [low, high]
        edges: []
        outcome: x
        """
        return _yaml.dump(to_plain(self))

    def to_dagitty(self) -> str:
        """Return nodes, edges and roles as the text of DAGitty, which `from_dagitty` reads.

        The states of a node stand in an attribute of its own, which DAGitty passes on. Evidence,
        margins and mechanisms have no place there.

        Examples
        --------
        >>> print(CausalGraph.from_text("x -> y; z -> x").to_dagitty(), end="")
        dag graph {
        x
        y [outcome]
        z
        x -> y
        z -> x
        }
        """
        return to_dagitty(self)

    def to_dot(self) -> str:
        """Return the graph as DOT, which Graphviz draws; an edge says how well it is supported.

        Strong claims have thick lines, those that no study supports dashed ones, those that
        studies contradict dotted ones. The claim and its citations stand in the edge's tooltip.

        Examples
        --------
        >>> print(CausalGraph.from_text("x -> y").to_dot().splitlines()[-2])
          "x" -> "y" [label="none", penwidth=1.0, style=dashed, tooltip="x affects y"];
        """
        return to_dot(self, names_of(self))

    def to_mermaid(self) -> str:
        """Return the graph as Mermaid, which Markdown pages draw; see `to_dot`.

        Examples
        --------
        >>> print(CausalGraph.from_text("x -> y").to_mermaid(), end="")
        flowchart LR
          n0["x"]
          n1[["y"]]
          n0 -.->|"none"| n1
        """
        return to_mermaid(self, names_of(self))

    @cached_property
    def _by_name(self) -> dict[str, Node]:
        return {node.name: node for node in self.nodes}

    def node(self, name: str) -> Node:
        """Return a node.

        Raises
        ------
        GraphError
            If there is none of that name.
        """
        if name not in self._by_name:
            raise GraphError(
                say(
                    "graph.no_node",
                    graph=self.name,
                    node=name,
                    suggestion=self.near(name),
                )
            )
        return self._by_name[name]

    def near(self, name: object, others: Iterable[str] = ()) -> str:
        """Return in brackets what to tell of a name that no node has; empty where there is nothing.

        Why it is left out of the graph, or which name of a node, or of the others, is near.

        Examples
        --------
        >>> graph = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
        >>> graph.near("xx"), graph.without({"x": "Nobody was asked."}).near("x")
        (" (did you mean 'x'?)", ' (left out: Nobody was asked)')
        """
        for left in self.left_out:
            if left.name == name:
                return f" {say('graph.is_left_out', reason=left.reason.rstrip('.'))}"
        return suggest(name, [*others, *self.names])

    def without(self, reasons: Mapping[str, str]) -> CausalGraph:
        """Return the graph without some nodes; see `backrisk.graph.leaving_out`.

        Parameters
        ----------
        reasons : mapping of str to str
            Why each node is left out.

        Raises
        ------
        GraphError
        """
        return without(self, reasons)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the nodes, in the graph's order."""
        return tuple(node.name for node in self.nodes)

    @cached_property
    def items(self) -> tuple[str, ...]:
        """Names of the nodes that record survey answers; they are no cause of anything else."""
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
        """Return the nodes that play a role, in the graph's order.

        Parameters
        ----------
        role : str
            A field of `Roles`.

        Returns
        -------
        tuple of str
            The nodes that it names, and those of the groups that it names.

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
    def _owners(self) -> dict[str, str]:
        return {name: name for name in self.names} | dict(self.tied)

    def owner(self, name: str) -> str:
        """Return the node whose parameters a node's family has: itself unless it is tied."""
        return self._owners[name]

    @cached_property
    def topological(self) -> tuple[str, ...]:
        """Names, causes before effects; the graph's order where that leaves a choice."""
        return tuple(topological(self._parents))

    @cached_property
    def _parents(self) -> dict[str, tuple[str, ...]]:
        return {name: tuple(edge.cause for edge in self._incoming[name]) for name in self.names}

    @cached_property
    def _above(self) -> dict[str, frozenset[str]]:
        return ancestors(self._parents)

    @cached_property
    def _below(self) -> dict[str, frozenset[str]]:
        return {
            name: frozenset(other for other in self.names if name in self._above[other])
            for name in self.names
        }

    def __hash__(self) -> int:
        """Hash by names, quickly: a query finds its plan by its graph."""
        return hash((self.name, self.names))

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what is computed when it is first asked for."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @cached_property
    def _shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each CPT without draws."""
        return {
            node.name: tuple(
                len(self.node(n).states) for n in (*self._parents[node.name], node.name)
            )
            for node in self.nodes
        }

    def edges_into(self, name: str) -> tuple[Edge, ...]:
        """Return the edges into a node, in the order of its CPT's parent axes."""
        return self._incoming[self.node(name).name]

    def parents(self, name: str) -> tuple[str, ...]:
        """Return the direct causes of a node, in the order of its CPT's axes."""
        return self._parents[self.node(name).name]

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
        return self._shapes[self.node(name).name]

    def mechanism(self, name: str) -> str:
        """Return how a node depends on its parents.

        Roots are saturated. Other nodes follow an ordinal logit, which uses the priors of the
        edges; where no edge states a prior, a family of at most 12 parent configurations is
        saturated instead, and so is every node of more than two states without an order.

        Returns
        -------
        str
            As `Node.mechanism` has it.
        """
        return self.chosen_mechanism(name)[0]

    def chosen_mechanism(self, name: str) -> tuple[str, str]:
        """Return how a node depends on its parents, and what decided it.

        Returns
        -------
        kind : str
            See `mechanism`.
        decided : str
            ``stated`` (by the graph), ``root``, ``nominal``, ``priors`` (an edge states one),
            ``few_rows`` or ``many_rows`` (configurations of the parents, none with a prior).
            `mechanism_reasons` words it.
        """
        node = self.node(name)
        if node.mechanism is not None:
            return node.mechanism, "stated"
        edges = self.edges_into(name)
        if not edges:
            return "saturated", "root"
        if node.nominal and len(node.states) > 2:
            return "saturated", "nominal"
        if any(edge.priors for edge in edges):
            return "ordinal_logit", "priors"
        rows = math.prod(self.shape(name)[:-1])
        return (
            ("saturated", "few_rows") if rows <= SATURATED_ROWS else ("ordinal_logit", "many_rows")
        )

    def to_networkx(self) -> nx.DiGraph[str]:
        """Return the DAG as NetworkX has it, with all that the graph says as attributes."""
        return to_networkx(self)


def _only_sink(names: Sequence[str], edges: Iterable[tuple[str, str]]) -> str | None:
    """Return the only node without effects; None where there are several."""
    causes = {cause for cause, _ in edges}
    sinks = [name for name in names if name not in causes]
    return sinks[0] if len(sinks) == 1 else None
