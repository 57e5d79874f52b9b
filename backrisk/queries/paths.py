"""What lies downstream of a node, and how well its effect and the paths to it are known."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from backrisk.graph import GRADES, CausalGraph, Edge
from backrisk.queries.asked import demand_cause

if TYPE_CHECKING:
    import networkx as nx


def downstream(graph: CausalGraph, node: str) -> frozenset[str]:
    """Return a node and everything that follows from it: what an answer about it speaks of.

    Examples
    --------
    >>> from backrisk.graph import load_graph
    >>> sorted(downstream(load_graph("runner_core"), "lumbar_load"))
    ['lumbar_load', 'pain']
    """
    return graph.descendants(node) | {node}


def worst_grade(*grades: str) -> str:
    """Return the grade of the weakest evidence."""
    return max(grades, key=GRADES.index)


def strongest_path(graph: CausalGraph, cause: str, target: str) -> tuple[Edge, ...]:
    """Return the edges of a cause's strongest path to the target.

    The strongest path is the one whose weakest edge is graded best; the shortest where several
    are as strong.

    Raises
    ------
    QueryError
        If there is no path.

    Examples
    --------
    >>> from backrisk.graph import load_graph
    >>> path = strongest_path(load_graph("runner"), "strength_training", "pain")
    >>> [(edge.cause, edge.effect, edge.grade) for edge in path]
    [('strength_training', 'pain', 'moderate')]
    """
    import networkx as nx  # a fifth of a second, which a risk does without

    demand_cause(graph, cause, target)
    digraph = _digraph(graph)
    for number in range(1, len(GRADES)):
        allowed = GRADES[:number]

        def good(start: str, end: str, allowed: tuple[str, ...] = allowed) -> bool:
            return digraph.edges[start, end]["grade"] in allowed

        well_known = nx.subgraph_view(digraph, filter_edge=good)
        if nx.has_path(well_known, cause, target):
            break
    else:
        well_known = digraph
    edges = {(edge.cause, edge.effect): edge for edge in graph.edges}
    return tuple(edges[step] for step in pairwise(nx.shortest_path(well_known, cause, target)))


@lru_cache(maxsize=8)
def _digraph(graph: CausalGraph) -> nx.DiGraph[Any]:
    """Return a graph for networkx, made once for all the causes that are asked about."""
    return graph.to_networkx()


def weakest_link(graph: CausalGraph, cause: str, target: str) -> str:
    """Return the grade of the weakest edge on a cause's strongest path to the target.

    Raises
    ------
    QueryError
        If there is no path.

    Examples
    --------
    >>> from backrisk.graph import load_graph
    >>> weakest_link(load_graph("runner_core"), "core_strength", "pain")
    'contradicted'
    """
    return worst_grade(*(edge.grade for edge in strongest_path(graph, cause, target)))


@dataclass(frozen=True)
class Studied:
    """How well the effect of a cause as a whole was studied, by whatever path.

    Parameters
    ----------
    grade : str
        Empty where no published figure is about it.
    outcome : str
        What was measured in place of the target; empty where it was the target.
    """

    grade: str = ""
    outcome: str = ""


def total_evidence(graph: CausalGraph, cause: str, target: str) -> Studied:
    """Return how well the effect of a cause on a node is known, from the graph's figures.

    Figures on an event of the node count before those on something else that comes near it. One
    that contradicts the effect on the node decides; otherwise the best does.

    Parameters
    ----------
    graph : CausalGraph
    cause, target : str

    Returns
    -------
    Studied

    Examples
    --------
    >>> from backrisk.graph import CausalGraph
    >>> g = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    >>> total_evidence(g, "x", "y")
    Studied(grade='', outcome='')
    """
    about = [each for each in graph.figures if (each.cause, each.effect) == (cause, target)]
    own = [each for each in about if each.event]
    against = [each for each in own if each.grade == GRADES[-1]]
    if not about:
        return Studied()
    best = min(against or own or about, key=lambda each: GRADES.index(each.grade))
    return Studied(best.grade, "" if best.event else best.outcome)


def total_evidence_of(graph: CausalGraph, group: Iterable[str], target: str) -> Studied:
    """Return how well the effects of a set of causes are known: the worst of them."""
    found = [total_evidence(graph, name, target) for name in group]
    if not all(each.grade for each in found):
        return Studied()
    return max(found, key=lambda each: GRADES.index(each.grade))
