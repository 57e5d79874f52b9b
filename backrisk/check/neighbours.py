"""The graphs one edge away from a graph: an edge reversed, dropped or added."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

import networkx as nx
import pandas as pd

from backrisk._arguments import checked
from backrisk.check.moment import demand_moment
from backrisk.errors import QueryError
from backrisk.graph import CausalGraph, Edge, Prior, still
from backrisk.words import listed, names_of, say, suggest

Kind = Literal["reverse", "drop", "add"]
KINDS: tuple[Kind, ...] = ("reverse", "drop", "add")
# An effect that nobody claims has no sign; its odds ratio is between 0.32 and 3.2 with 90 %.
ADDED = Prior(0.0, 0.7)


@dataclass(frozen=True)
class Neighbour:
    """A graph that differs from another in one edge.

    Parameters
    ----------
    base : CausalGraph
        The graph that it differs from.
    kind : {"reverse", "drop", "add"}
    cause, effect : str
        Ends of the edge as it is in `base`; of an added one, as it is in the neighbour.
    prior : Prior, optional
        Of the new edge: a reversed one keeps its own, since a log odds ratio is the same from
        either side. None for a dropped edge, into a node of more than two states without an order,
        and where the graph states no priors.
    asked : bool
        Whether the edge lies between nodes on the paths that were asked about.
    """

    base: CausalGraph = field(repr=False)
    kind: Kind
    cause: str
    effect: str
    prior: Prior | None = None
    asked: bool = True

    @property
    def name(self) -> str:
        """What differs, in short, such as ``"drop a -> b"``."""
        return f"{self.kind} {self.cause} -> {self.effect}"

    @property
    def sentence(self) -> str:
        """What this graph claims and the other does not, in words."""
        names = names_of(self.base)
        words = {"cause": names.node(self.cause), "effect": names.node(self.effect)}
        return say(f"check.neighbours.{self.kind}", **words)

    @property
    def changed(self) -> tuple[str, ...]:
        """The nodes that have other causes than in the graph it differs from."""
        return (self.effect, self.cause) if self.kind == "reverse" else (self.effect,)

    @cached_property
    def graph(self) -> CausalGraph:
        """The graph itself, of the same name and nodes, as one of a moment.

        An interaction of which the dropped edge's cause was part goes with the edge.

        Raises
        ------
        GraphError
            If no such graph can be: its largest family may be beyond what can be held.
        """
        base, pair = still(self.base), (self.cause, self.effect)
        edges = tuple(e for e in base.edges if (e.cause, e.effect) != pair)
        nodes = base.nodes
        if self.kind != "add":
            nodes = tuple(
                replace(n, interactions=tuple(i for i in n.interactions if self.cause not in i))
                if n.name == self.effect
                else n
                for n in base.nodes
            )
        if self.kind != "drop":
            back = self.kind == "reverse"
            cause, effect = pair[::-1] if back else pair
            origin = next((e.origin for e in base.edges if (e.cause, e.effect) == pair), "stated")
            edge = Edge(cause, effect, self.sentence, origin, "none", self.prior)
            edges = (*edges, edge)
        return replace(base, nodes=nodes, edges=edges)


@dataclass(frozen=True)
class RuledOut:
    """A change of an edge that makes no graph, or one that is impossible.

    Parameters
    ----------
    kind : {"reverse", "add"}
    cause, effect : str
        As for `Neighbour`.
    why : str
        ``cycle``, ``trait`` (something would cause what nobody can change) or ``stated`` (whoever
        asked called it impossible).
    """

    kind: Kind
    cause: str
    effect: str
    why: str


@dataclass(frozen=True)
class Neighbourhood:
    """The graphs one edge away from a graph, and the changes that are ruled out.

    Parameters
    ----------
    graph : CausalGraph
    neighbours : tuple of Neighbour
        Those about what was asked first; within these, reversed edges before dropped before added
        ones, and edges near the target before those far from it.
    ruled_out : tuple of RuledOut
    """

    graph: CausalGraph
    neighbours: tuple[Neighbour, ...]
    ruled_out: tuple[RuledOut, ...]

    @property
    def table(self) -> pd.DataFrame:
        """One row a neighbour: ``kind``, ``cause``, ``effect``, ``asked``, prior, ``sentence``."""
        return pd.DataFrame(
            {
                "kind": [each.kind for each in self.neighbours],
                "cause": [each.cause for each in self.neighbours],
                "effect": [each.effect for each in self.neighbours],
                "asked": [each.asked for each in self.neighbours],
                "prior_mean": [each.prior and each.prior.mean for each in self.neighbours],
                "prior_sd": [each.prior and each.prior.sd for each in self.neighbours],
                "sentence": [str(each.sentence) for each in self.neighbours],
            },
            index=pd.Index([each.name for each in self.neighbours], name="name"),
        )

    @property
    def text(self) -> str:
        """How many graphs of each kind there are, and how many changes are ruled out."""
        kinds = [each.kind for each in self.neighbours]
        counts = {kind: kinds.count(kind) for kind in KINDS}
        whys = [each.why for each in self.ruled_out]
        out = {why: whys.count(why) for why in ("cycle", "trait", "stated")}
        return say("check.neighbours.told", graph=self.graph.name, **counts, **out)


@checked()
def neighbours_of(
    graph: CausalGraph,
    *,
    target: str | None = None,
    causes: Collection[str] | None = None,
    kinds: Sequence[Kind] = KINDS,
    added: Prior = ADDED,
    impossible: Collection[tuple[str, str]] = (),
) -> Neighbourhood:
    """Return the graphs one edge away: each edge reversed, each dropped, each missing one added.

    Parameters
    ----------
    graph : CausalGraph
        Answers to items are what people say of a node, and no claim about it: their edges stay.
    target : str, optional
        The node that is asked about; default the graph's outcome.
    causes : collection of str, optional
        Its causes that are asked about; default all. Edges whose ends both lie on paths from one of
        these to the target come first.
    kinds : sequence of {"reverse", "drop", "add"}
    added : Prior
        Of an added edge's log odds ratio, and of a reversed one that states none or one for each
        state; not used where the graph states no priors at all.
    impossible : collection of (cause, effect)
        Edges that there cannot be, such as from what comes later to what comes earlier. Nothing
        causes a node of the graph's role ``traits``, either.

    Returns
    -------
    Neighbourhood

    Raises
    ------
    QueryError
        If a node is unknown, or a cause does not lead to the target.

    Examples
    --------
    >>> from backrisk import load_graph
    >>> found = neighbours_of(load_graph("runner_core"), causes=["fatigue"], kinds=["drop"])
    >>> [each.name for each in found.neighbours if each.asked]
    ['drop lumbar_load -> pain', 'drop compensation -> lumbar_load', 'drop fatigue -> compensation']
    """
    demand_moment(graph)
    target = graph.outcome if target is None else target
    asked = _on_paths(graph, target, causes)
    for cause, effect in impossible:
        for name in (cause, effect):
            _demand_node(graph, name)
    if wrong := [kind for kind in kinds if kind not in KINDS]:
        known = listed(map(repr, KINDS))
        raise QueryError(say("check.neighbours.no_kind", kind=wrong[0], known=known))
    walk = _Walk(graph, frozenset(impossible), added, asked)
    found: list[Neighbour] = []
    out: list[RuledOut] = []
    for kind in KINDS:
        if kind in kinds:
            for each in walk.of(kind):
                (found if isinstance(each, Neighbour) else out).append(each)  # type: ignore[arg-type]
    place = {name: i for i, name in enumerate(graph.topological)}

    def order(each: Neighbour) -> tuple[bool, int, int, int]:
        return not each.asked, KINDS.index(each.kind), -place[each.effect], -place[each.cause]

    return Neighbourhood(graph, tuple(sorted(found, key=order)), tuple(out))


@dataclass(frozen=True)
class _Walk:
    """What a walk over the edges needs to know.

    Parameters
    ----------
    graph : CausalGraph
    impossible : frozenset of (str, str)
    added : Prior
    asked : frozenset of str
        Nodes on the paths that were asked about.
    """

    graph: CausalGraph
    impossible: frozenset[tuple[str, str]]
    added: Prior
    asked: frozenset[str]

    @cached_property
    def nodes(self) -> tuple[str, ...]:
        """Nodes that claims are about: no answers to items."""
        return tuple(name for name in self.graph.names if name not in self.graph.items)

    @cached_property
    def new(self) -> Prior | None:
        """The prior of a new edge: none where the graph states none anywhere."""
        return self.added if any(edge.priors for edge in self.graph.edges) else None

    def of(self, kind: Kind) -> Iterator[Neighbour | RuledOut]:
        """Yield every change of a kind, possible or not."""
        if kind == "add":
            yield from self._added()
            return
        digraph = nx.DiGraph([(edge.cause, edge.effect) for edge in self.graph.edges])
        for edge in self.graph.edges:
            if edge.effect in self.graph.items:
                continue
            pair = edge.cause, edge.effect
            if kind == "drop":
                yield self._neighbour(kind, *pair, None)
                continue
            why = self._forbidden(*pair[::-1])
            rest = nx.restricted_view(digraph, [], [pair])
            if not why and nx.has_path(rest, *pair):  # the long way round closes a cycle
                why = "cycle"
            prior = self.new if edge.prior is None else edge.prior
            yield RuledOut(kind, *pair, why) if why else self._neighbour(kind, *pair, prior)

    def _added(self) -> Iterator[Neighbour | RuledOut]:
        linked = {frozenset((edge.cause, edge.effect)) for edge in self.graph.edges}
        for cause in self.nodes:
            for effect in self.nodes:
                if cause == effect or frozenset((cause, effect)) in linked:
                    continue
                why = self._forbidden(cause, effect)
                if not why and cause in self.graph.descendants(effect):
                    why = "cycle"
                made = self._neighbour("add", cause, effect, self.new)
                yield RuledOut("add", cause, effect, why) if why else made

    def _forbidden(self, cause: str, effect: str) -> str:
        if effect in self.graph.playing("traits"):
            return "trait"
        return "stated" if (cause, effect) in self.impossible else ""

    def _neighbour(self, kind: Kind, cause: str, effect: str, prior: Prior | None) -> Neighbour:
        asked = {cause, effect} <= self.asked
        entered = self.graph.node(cause if kind == "reverse" else effect)
        if entered.nominal and len(entered.states) > 2:
            prior = None  # states without an order have no odds ratio from the first to the last
        return Neighbour(self.graph, kind, cause, effect, prior, asked)


def _on_paths(
    graph: CausalGraph, target: str | None, causes: Collection[str] | None
) -> frozenset[str]:
    """Return the nodes on the paths from some causes to the target, ends included."""
    if target is None:
        if causes is not None:
            raise QueryError(say("check.neighbours.no_target", graph=graph.name))
        return frozenset(graph.names)
    _demand_node(graph, target)
    before = graph.ancestors(target)
    if causes is None:
        return before | {target}
    for cause in causes:
        _demand_node(graph, cause)
        if cause not in before:
            raise QueryError(say("check.neighbours.no_cause", cause=cause, target=target))
    return frozenset({target}).union(
        *((graph.descendants(cause) | {cause}) & before for cause in causes)
    )


def _demand_node(graph: CausalGraph, name: str) -> None:
    if name not in graph.names:
        near = suggest(name, graph.names)
        raise QueryError(say("check.neighbours.no_node", node=name, graph=graph.name, near=near))
