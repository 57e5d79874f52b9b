"""Graphs over several periods, made of a graph that says how one leads to the next."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from importlib.resources.abc import Traversable
from typing import Any

from backrisk._arguments import checked
from backrisk.errors import GraphError
from backrisk.graph.elements import (
    ANSWERED,
    NOT_ANSWERED,
    Edge,
    Node,
    Prior,
    Roles,
)
from backrisk.graph.graph import CausalGraph
from backrisk.words import names_of, say

TRAIT, STAYS = "susceptibility", "stays"
WAVES_FOR_TRAIT = 3
MOST_NODES = 20_000
_TRAIT_STATES = ("low", "high")
_TRAIT_PRIOR = Prior(1.4, 0.7)  # an odds ratio of 4 between the classes, 1 to 16
_STAYS_MARGIN = (0.9, 0.1)  # a tenth leaves from one period to the next
_STAYS_PRIOR = Prior(0.0, 1.0)
_UNROLLED = "unrolled"  # the key of the plain form


@dataclass(frozen=True, repr=False)
class UnrolledGraph(CausalGraph):
    """The graph of several periods: what `unroll` makes. A `CausalGraph` like any other.

    The first period keeps the names of the template; in period ``t`` a node is called
    ``name__t``. A constant has one node. Every node of a later period is tied to the first one of
    its family, so that the number of parameters does not depend on the number of periods.

    Parameters
    ----------
    template : CausalGraph
        What it is made of.
    periods : int
    trait : bool
        Whether each person has a latent susceptibility.
    dropout : tuple of str
        On whose state drop-out may depend.

    Examples
    --------
    >>> from backrisk.graph import CausalGraph
    >>> template = CausalGraph.from_text("pain[-1] -> stiffness; stiffness -> pain")
    >>> graph = unroll(template, 3)
    >>> graph.parents("stiffness__2"), graph.owner("pain__2"), graph.base("pain__2")
    (('pain__1',), 'pain', ('pain', 2))
    """

    template: CausalGraph = None  # type: ignore[assignment]
    periods: int = 1
    trait: bool = False
    dropout: tuple[str, ...] = ()

    __hash__ = CausalGraph.__hash__

    @cached_property
    def _bases(self) -> dict[str, tuple[str, int]]:
        found: dict[str, tuple[str, int]] = {}
        for name in self.names:
            base, mark, period = name.rpartition("__")
            moves = bool(mark) and period.isdigit() and base in (*self.template.names, STAYS)
            found[name] = (base, int(period)) if moves else (name, 0)
        return found

    def at(self, name: str, period: int) -> str:
        """Return what a node of the template is called in a period.

        Parameters
        ----------
        name : str
        period : int
            From 0.

        Raises
        ------
        GraphError
            If the template has no such node, or the graph no such period.
        """
        if not 0 <= period < self.periods:
            raise GraphError(say("graph.no_period", period=period, last=self.periods - 1))
        if name not in (TRAIT, STAYS):
            name = self.template.node(name).name
        found = _named(name, period)
        return found if found in self._bases else name

    def base(self, name: str) -> tuple[str, int]:
        """Return the node of the template that a node is, and its period; 0 for a constant."""
        return self._bases[self.node(name).name]

    @cached_property
    def moving(self) -> tuple[str, ...]:
        """The nodes of the template that have a state in every period."""
        return tuple(name for name in self.template.names if name not in constants(self.template))

    def extended(self, periods: int) -> UnrolledGraph:
        """Return the same over another number of periods, at least 2 where it has several.

        The parameters are the same in the same order, so that ``replace(posterior,
        graph=graph.extended(9))`` speaks of periods that nobody has seen.

        Raises
        ------
        GraphError
            If there would be no period, or fewer than two where parameters speak of the second.
        """
        least = min(self.periods, 2)
        if periods < least:
            raise GraphError(say("graph.few_periods", periods=periods, least=least))
        return _unrolled(self.template, periods, self.trait, self.dropout)

    @property
    def own_words(self) -> dict[str, Any]:
        """The words of later periods, made of the template's: see `CausalGraph.own_words`."""
        words, names = super().own_words, names_of(self.template)
        for name in self.names:
            base, period = self._bases[name]
            if period and base != STAYS:
                told = say("graph.in_period", node=names.node(base), period=period)
                words["nodes"][name] = str(told)
                states = self.node(name).states
                words["states"][name] = {each: str(names.state(base, each)) for each in states}
        return words

    def to_dict(self) -> dict[str, Any]:
        """Return the plain form: the template, and how it is unrolled."""
        return {
            _UNROLLED: {
                "graph": self.template.to_dict(),
                "periods": self.periods,
                "trait": self.trait,
                "dropout": list(self.dropout),
            }
        }


def when(graph: CausalGraph, name: str) -> str:
    """Return a node as a sentence names it, with the period that it is of.

    A constant is named without a period, and so is every node of a graph of one moment.

    Examples
    --------
    >>> graph = unroll(CausalGraph.from_text("sex -> pain; pain[-1] -> pain"), 3)
    >>> when(graph, "pain__2"), when(graph, "pain")
    ('pain in period 2', 'pain in period 0')
    """
    if not isinstance(graph, UnrolledGraph):
        return names_of(graph).node(name)
    base, period = graph.base(name)
    node = names_of(graph.template).node(base)
    if base in (*constants(graph.template), TRAIT):
        return node
    return say("graph.when", node=node, period=period)


def _named(name: str, period: int) -> str:
    return f"{name}__{period}" if period else name


def constants(graph: CausalGraph) -> frozenset[str]:
    """Return the nodes that are the same at every period: constants, and answers about them."""
    found = {node.name for node in graph.nodes if node.constant}
    for name in graph.topological:
        if name in graph.items and set(graph.parents(name)) <= found:
            found.add(name)
    return frozenset(found)


def still(graph: CausalGraph) -> CausalGraph:
    """Return the graph of one moment: without what is said of one period and the next.

    Of a graph that is made to be compared with others, since what stays the same at every period
    may have no cause that does not.

    Examples
    --------
    >>> from backrisk.graph import load_graph
    >>> still(load_graph("runner_core")).lagged
    ()
    """
    nodes = (replace(n, constant=False, persist=False, parted=False) for n in graph.nodes)
    return replace(graph, nodes=tuple(nodes), lagged=())


@checked()
def unroll(
    graph: CausalGraph, periods: int, *, trait: bool = False, dropout: Iterable[str] = ()
) -> UnrolledGraph:
    """Return the graph of several periods.

    In the first period every node has its family as the graph states it. In each later one a node
    with lagged causes, or whose own past is a cause, has a family of transition: its causes of the
    same period, then its lagged causes one period before, then its own past. It is the same from
    period to period. Every other node has the family of the first period, and a constant node is
    one for all.

    Parameters
    ----------
    graph : CausalGraph
        The template: see `Node.constant`, `Node.persist`, `Node.parted`, and `Lagged`.
    periods : int
        At least 1.
    trait : bool
        Add ``susceptibility``, low or high: what a person brings to the outcome in every period,
        and nobody measures. It parts who someone is from what the outcome did. Its share, and an
        odds ratio around 4 (1 to 16), are assumptions that data may correct; the data can tell it
        from the outcome's own past only from three periods on.
    dropout : iterable of str
        Nodes on whose state one period before it may depend whether a person stays in the study
        (``stays__1``, ...): missing not at random.

    Returns
    -------
    UnrolledGraph

    Raises
    ------
    GraphError
        If there are too few or too many periods, a name is taken, or there is no outcome for the
        trait.

    References
    ----------
    Dean and Kanazawa 1989, doi:10.1111/j.1467-8640.1989.tb00324.x, on dynamic Bayesian networks.
    Heckman 1981, on state dependence and heterogeneity, in Studies in Labor Markets.

    Examples
    --------
    >>> from backrisk.graph import load_graph
    >>> core = load_graph("runner_core")
    >>> graph = unroll(core, 2)
    >>> graph.periods, graph.outcome, graph.names[: len(core.names)] == core.names
    (2, 'pain__1', True)
    """
    if isinstance(dropout, str):
        dropout = (dropout,)
    return _unrolled(graph, periods, trait, tuple(dropout))


def _unrolled(
    graph: CausalGraph, periods: int, trait: bool, dropout: tuple[str, ...]
) -> UnrolledGraph:
    if isinstance(graph, UnrolledGraph):
        raise GraphError(say("graph.unrolled_already", graph=graph.name))
    if graph.tied:
        raise GraphError(say("graph.unroll_tied", graph=graph.name))
    if periods < 1:
        raise GraphError(say("graph.few_periods", periods=periods, least=1))
    if periods * len(graph.names) > MOST_NODES:
        count, most = f"{periods * len(graph.names):,}", f"{MOST_NODES:,}"
        raise GraphError(say("graph.many_periods", periods=periods, count=count, most=most))
    constant = constants(graph)
    for name in dropout:
        if graph.node(name).name in constant:
            raise GraphError(say("graph.dropout_constant", node=name))
    added: list[Node] = []
    if trait:
        if graph.outcome is None:
            raise GraphError(say("graph.trait_without_outcome", graph=graph.name))
        if graph.outcome in constant:
            raise GraphError(say("graph.trait_of_constant", node=graph.outcome))
        described = str(say("graph.trait"))
        added.append(Node(TRAIT, _TRAIT_STATES, described, constant=True, concentration=4.0))
        constant |= {TRAIT}
    taken = {_named(n, t) for n in (*graph.names, STAYS) for t in range(1, periods)}
    taken |= {*(node.name for node in added), *([STAYS] if dropout else [])}
    if clash := sorted(taken & set(graph.names)):
        raise GraphError(say("graph.period_name_taken", graph=graph.name, node=clash[0]))

    def at(period: int) -> Callable[[str], str]:
        return lambda name: name if name in constant else _named(name, period)

    nodes, edges = [*graph.nodes, *added], list(graph.edges)
    if trait:
        edges.append(_trait_edge(str(graph.outcome), str(graph.outcome)))
    tied: list[tuple[str, str]] = []
    first_of = _Family.of(graph, constant)
    for period in range(1, periods):
        now, before = at(period), at(period - 1)
        for node in graph.nodes:
            if node.name in constant:
                continue
            family = first_of[node.name]
            within = [
                replace(e, cause=now(e.cause), effect=now(e.effect))
                for e in graph.edges_into(node.name)
            ]
            if trait and node.name == graph.outcome:
                within.append(_trait_edge(node.name, now(node.name)))
            lagged = [
                Edge(
                    before(e.cause),
                    now(e.effect),
                    e.claim,
                    e.origin,
                    e.grade,
                    e.prior,
                    e.citations,
                    e.state_priors,
                )
                for e in family.lagged
            ]
            edges += (*within, *lagged)
            nodes.append(_copy(node, now, before, [e.cause for e in (*within, *lagged)]))
            owner = _named(node.name, 1) if family.lagged else node.name
            if now(node.name) != owner:
                tied.append((now(node.name), owner))
        if dropout:
            stays = Node(
                _named(STAYS, period),
                (ANSWERED, NOT_ANSWERED),
                margin=_STAYS_MARGIN,
                mechanism="ordinal_logit",
            )
            nodes.append(stays)
            claim = str(say("graph.stays"))
            edges += [
                Edge(before(name), stays.name, claim, "stated", "none", _STAYS_PRIOR)
                for name in dropout
            ]
            if period > 1:
                tied.append((stays.name, _named(STAYS, 1)))
    every = {
        name: [name if name in constant else _named(name, t) for t in range(periods)]
        for name in graph.names
    }
    roles = Roles(
        **{
            role.name: tuple(
                dict.fromkeys(
                    each
                    for name in getattr(graph.roles, role.name)
                    for each in every.get(name, [name])
                )
            )
            for role in fields(Roles)
        }
    )
    outcome = None if graph.outcome is None else every[graph.outcome][-1]
    stated = {key.name: getattr(graph, key.name) for key in fields(CausalGraph)}
    stated |= {"nodes": tuple(nodes), "edges": tuple(edges), "lagged": (), "tied": tuple(tied)}
    return UnrolledGraph(
        **(stated | {"roles": roles, "outcome": outcome}),
        template=graph,
        periods=periods,
        trait=trait,
        dropout=dropout,
    )


@dataclass(frozen=True)
class _Family:
    """The lagged edges into a node, its own past last."""

    lagged: tuple[Edge, ...]

    @classmethod
    def of(cls, graph: CausalGraph, constant: frozenset[str]) -> Mapping[str, _Family]:
        found: dict[str, list[Edge]] = {name: [] for name in graph.names}
        own: dict[str, Edge] = {
            node.name: Edge(node.name, node.name, str(say("graph.persists")), "stated", "none")
            for node in graph.nodes
            if node.persist
        }
        for edge in graph.lagged:
            if edge.cause == edge.effect:
                own[edge.cause] = edge
            else:
                found[edge.effect].append(edge)
        return {
            name: cls((*edges, *([own[name]] if name in own else [])))
            for name, edges in found.items()
        }


def _trait_edge(outcome: str, at: str) -> Edge:
    claim = str(say("graph.trait_edge", node=outcome))
    return Edge(TRAIT, at, claim, "stated", "none", _TRAIT_PRIOR)


def _copy(
    node: Node,
    now: Callable[[str], str],
    before: Callable[[str], str],
    causes: list[str],
) -> Node:
    """Return a node as it is in a later period."""
    pairs = [(now(one), now(other)) for one, other in node.interactions]
    past = before(node.name)
    if node.parted and past in causes:
        pairs += [(past, cause) for cause in causes if cause != past]
    return replace(node, name=now(node.name), interactions=tuple(pairs))


def read_graph(data: Any, source: str = "graph", folder: Traversable | None = None) -> CausalGraph:
    """Read a graph in its plain form, of one moment or of several periods.

    Parameters
    ----------
    data : mapping
        What `CausalGraph.to_dict` gave.
    source, folder
        As for `CausalGraph.from_dict`.

    Returns
    -------
    CausalGraph

    Raises
    ------
    GraphError
        As `CausalGraph.from_dict` does.
    """
    if not (isinstance(data, Mapping) and set(data) == {_UNROLLED}):
        return CausalGraph.from_dict(data, source, folder)
    found = data[_UNROLLED]
    periods, trait, dropout = (found.get(key) for key in ("periods", "trait", "dropout"))
    if not (type(periods) is int and type(trait) is bool and isinstance(dropout, list)):
        raise GraphError(say("graph.not_unrolled", source=source))
    template = CausalGraph.from_dict(found.get("graph"), source, folder)
    return _unrolled(template, periods, trait, tuple(map(str, dropout)))
