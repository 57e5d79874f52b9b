"""Graphs without some of their nodes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace

from backrisk.errors import GraphError
from backrisk.graph.elements import Figure, LeftOut, Roles, Stated
from backrisk.words import say, suggest


def without[G: Stated](graph: G, reasons: Mapping[str, str]) -> G:
    """Return a graph without some nodes, their edges, and all that is said of them.

    What a node that goes did to its effects becomes part of their chance, and of the direct edges
    of its own causes, where the graph has such edges. So effects of what shared it as a cause are
    no longer adjusted for it.

    Parameters
    ----------
    graph : Stated
    reasons : mapping of str to str
        Why each node is left out, in a sentence; kept in `CausalGraph.left_out`. What the graph
        has already left out is passed over.

    Returns
    -------
    Stated
        Of the same kind.

    Raises
    ------
    GraphError
        For a name that is no node, for the outcome, and where no node would be left.

    Examples
    --------
    >>> from backrisk.graph import load_graph
    >>> graph = without(load_graph("runner"), {"surface": "Nobody was asked."})
    >>> graph.parents("impact_load"), [left.name for left in graph.left_out][-1]
    (('footwear', 'gait_abnormality', 'bmi'), 'surface')
    """
    names = [node.name for node in graph.nodes]
    already = {left.name for left in graph.left_out}
    gone = [name for name in reasons if name not in already]
    for name in gone:
        if name not in names:
            raise GraphError(
                say("graph.no_node", graph=graph.name, node=name, suggestion=suggest(name, names))
            )
        if name == graph.outcome:
            raise GraphError(say("graph.leave_out_outcome", graph=graph.name, node=name))
    if not gone:
        return graph
    out = frozenset(gone)
    nodes = tuple(
        replace(
            node,
            interactions=tuple(pair for pair in node.interactions if not out.intersection(pair)),
        )
        for node in graph.nodes
        if node.name not in out
    )
    # A role may name a group: one that nobody is left in goes too.
    known = {node.name for node in nodes} | {node.group for node in nodes}
    roles = {role.name: getattr(graph.roles, role.name) for role in fields(Roles)}
    return replace(
        graph,
        nodes=nodes,
        edges=tuple(e for e in graph.edges if not out & {e.cause, e.effect}),
        lagged=tuple(e for e in graph.lagged if not out & {e.cause, e.effect}),
        roles=Roles(
            **{role: tuple(n for n in names if n in known) for role, names in roles.items()}
        ),
        figures=tuple(f for f in graph.figures if not out & _nodes_of(f)),
        prevalences=tuple(p for p in graph.prevalences if p.node not in out),
        left_out=(*graph.left_out, *(LeftOut(name, reasons[name]) for name in gone)),
    )


def _nodes_of(figure: Figure) -> frozenset[str]:
    return frozenset({figure.cause, figure.effect, *figure.adjusted_for})
