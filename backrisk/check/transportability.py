"""Whether an effect found in one population holds in another, told by the graph alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import networkx as nx

from backrisk._arguments import checked
from backrisk.errors import QueryError
from backrisk.graph import CausalGraph
from backrisk.queries import read_names, read_target
from backrisk.words import listed, names_of, say

_POINTER = "-> "  # before a node's name: no identifier, so no node has that name


@dataclass(frozen=True)
class Transportability:
    """Whether an effect is the same in another population.

    Parameters
    ----------
    cause, target : str
    given : tuple of str
    differs : tuple of str
        The nodes that the selection diagram points at.
    needed : tuple of str
        Those of them whose mechanism there has to be known. None where the effect is the same.
    graph : CausalGraph
    """

    cause: str
    target: str
    given: tuple[str, ...]
    differs: tuple[str, ...]
    needed: tuple[str, ...]
    graph: CausalGraph = field(repr=False)

    @property
    def direct(self) -> bool:
        """Whether the effect is the same as it is."""
        return not self.needed

    @property
    def text(self) -> str:
        """The same in words."""
        names = names_of(self.graph)
        about = {"cause": names.node(self.cause), "target": names.node(self.target)}
        if self.given:
            about["given"] = listed(map(names.node, self.given))
        how = "within" if self.given else "overall"
        if self.direct:
            return say(f"check.transportability.same.{how}", **about)
        about["nodes"] = listed(map(names.node, self.needed))
        return say(f"check.transportability.needed.{how}", count=len(self.needed), **about)


@checked()
def transportable(
    graph: CausalGraph,
    differs: Iterable[str],
    cause: str,
    *,
    target: str | None = None,
    given: str | tuple[str, ...] | list[str] = (),
) -> Transportability:
    """Tell whether ``P(target | do(cause), given)`` is the same in another population.

    Parameters
    ----------
    graph : CausalGraph
    differs : iterable of str
        The nodes that the selection diagram points at.
    cause : str
    target : str, optional
        A node; default the graph's outcome.
    given : str or list of str
        Nodes within whose states the effect is asked for; nothing that the cause changes.

    Returns
    -------
    Transportability
        ``needed`` names the mechanisms that have to be known in the other population: those whose
        pointer is d-connected with the target given cause and `given` once the edges into the cause
        are cut. Where there is none the effect is transported as it is (direct transportability;
        Pearl and Bareinboim 2014, doi:10.1214/14-STS486). Since every
        cause that nodes share is a node of the graph, it is identified there once each of these
        mechanisms is: `transport` takes what is stated of them.

    Raises
    ------
    QueryError
        If a node is not one of the graph, the cause leads nowhere near the target, or `given` names
        something that the cause changes.

    Examples
    --------
    >>> graph = CausalGraph.from_text("age -> strength; age -> pain; strength -> pain")
    >>> transportable(graph, ["age"], "strength").needed
    ('age',)
    >>> transportable(graph, ["age"], "strength", given="age").direct
    True
    >>> transportable(graph, ["strength"], "strength").direct
    True
    """
    outcome = read_target(graph, target).node
    pointed = read_names(differs, "differs")
    within = read_names(given, "given")
    for option, named in (("differs", pointed), ("cause", (cause,)), ("given", within)):
        for name in named:
            if name not in graph.names:
                near = graph.near(name)
                about = {"option": option, "name": name, "graph": graph.name, "near": near}
                raise QueryError(say("check.transportability.no_node", **about))
    if cause not in graph.ancestors(outcome):
        raise QueryError(say("queries.no_cause", name=cause, target=outcome, graph=graph.name))
    if changed := [n for n in within if n == cause or n in graph.descendants(cause)]:
        raise QueryError(say("check.transportability.changed", node=changed[0], cause=cause))
    cut = nx.DiGraph([(edge.cause, edge.effect) for edge in graph.edges if edge.effect != cause])
    cut.add_nodes_from(graph.names)
    cut.add_edges_from((f"{_POINTER}{name}", name) for name in pointed if name != cause)
    needed = tuple(
        name
        for name in graph.topological
        if name in pointed
        and name != cause
        and not nx.is_d_separator(cut, {f"{_POINTER}{name}"}, {outcome}, {cause, *within})
    )
    return Transportability(cause, outcome, within, pointed, needed, graph)
