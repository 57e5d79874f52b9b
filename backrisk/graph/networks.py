"""A graph as NetworkX has it: everything that the plain form says, as attributes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np

from backrisk.errors import GraphError
from backrisk.graph.arrows import TWO_STATES, identifier
from backrisk.graph.elements import Edge, Node, Prior, Stated, bare_edge, in_order
from backrisk.graph.plain import to_plain
from backrisk.graph.problems import near
from backrisk.words import say

if TYPE_CHECKING:
    import networkx as nx

_OF_NODE = {key.name for key in fields(Node)} - {"name"}
_OF_EDGE = {key.name for key in fields(Edge)} - {"cause", "effect", "state_priors"}
_OF_GRAPH = {key.name for key in fields(Stated)} - {"nodes", "edges"}


def to_networkx(graph: Stated) -> nx.DiGraph[str]:
    """Write a graph as a directed graph; see `CausalGraph.to_networkx`."""
    import networkx as nx

    plain = to_plain(graph)
    digraph: nx.DiGraph[str] = nx.DiGraph(**{k: v for k, v in plain.items() if k in _OF_GRAPH})
    digraph.add_nodes_from(plain["nodes"].items())
    for edge in plain["edges"]:
        said = {key: value for key, value in edge.items() if key in _OF_EDGE}
        digraph.add_edge(edge["cause"], edge["effect"], **said)
    return digraph


def from_networkx(
    digraph: nx.DiGraph[Any], states: Mapping[Any, Sequence[str]] | None
) -> dict[str, Any]:
    """Read the plain form of a directed graph; see `CausalGraph.from_networkx`."""
    if not (hasattr(digraph, "is_directed") and hasattr(digraph, "pred")):
        kind = type(digraph).__name__
        raise GraphError(say("graph.network.directed", kind=kind))
    if digraph.is_multigraph():
        raise GraphError(say("graph.network.multigraph"))
    names: dict[Any, str] = {}
    nodes: dict[str, Any] = {}
    given = {identifier(str(node)): labels for node, labels in (states or {}).items()}
    for node, said in digraph.nodes(data=True):
        name = names[node] = identifier(str(node))
        if name in nodes:
            raise GraphError(say("graph.network.same_name", second=str(node), node=name))
        entry = {key: value for key, value in said.items() if key in _OF_NODE}
        labels = given.pop(name, entry.get("states", TWO_STATES))
        if not in_order(labels):
            raise GraphError(say("graph.states_not_a_list", node=name, value=repr(labels)))
        entry["states"] = [
            label.item() if isinstance(label, np.generic) else label for label in labels
        ]
        if name != str(node):
            entry.setdefault("label", str(node))
        nodes[name] = entry
    for name in given:
        raise GraphError(say("graph.arrows.no_node", node=name, suggestion=near(name, nodes)))
    edges = []
    for node, effect in names.items():  # by effect: these are the axes of its CPT, in order
        for cause in digraph.pred[node]:
            bare = bare_edge(names[cause], effect)
            entry = {"claim": bare.claim, "grade": bare.grade, "origin": bare.origin}
            said = digraph.edges[cause, node]
            entry |= {key: value for key, value in said.items() if key in _OF_EDGE}
            if isinstance(prior := entry.get("prior"), Prior):
                entry["prior"] = {"mean": prior.mean, "sd": prior.sd}
            edges.append({"cause": names[cause], "effect": effect, **entry})
    graph = {key: value for key, value in digraph.graph.items() if key in _OF_GRAPH and value}
    return {**graph, "nodes": nodes, "edges": edges}
