"""A discrete Bayesian network as every other tool has it: one table a node, and nothing else."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from backrisk._types import Array
from backrisk.errors import BackriskError, GraphError, PosteriorError, QueryError
from backrisk.exchange.spelling import node_names
from backrisk.graph import CausalGraph, Node, bare_edge
from backrisk.posterior import Diagnostics, Posterior
from backrisk.words import listed, say

ROUNDED = 1e-3  # by how much the sum of a row may miss 1: tables are often written to few digits
MOST_CELLS = 10_000_000  # of all tables of a file


@dataclass(frozen=True, eq=False)
class Family:
    """A node with its table.

    Parameters
    ----------
    name : str
    states : tuple of str
    parents : tuple of str
    values : ndarray, shape (*parents, state)
        Each row a distribution.
    label : str
        How a person reads the node; empty as its name.
    labels : tuple of str
        How a person reads its states; empty as they are.
    nominal : bool
        Whether the states have no order.
    """

    name: str
    states: tuple[str, ...]
    parents: tuple[str, ...]
    values: Array
    label: str = ""
    labels: tuple[str, ...] = ()
    nominal: bool = False


@dataclass(frozen=True, eq=False)
class Network:
    """Families whose parents are all among them.

    Parameters
    ----------
    name : str
    families : tuple of Family
    outcome : str, optional
        What is asked about by default.
    """

    name: str
    families: tuple[Family, ...]
    outcome: str | None = None


def network_of(posterior: Posterior, draw: int | None = None) -> Network:
    """Return the posterior mean of every table, or the tables of one draw.

    Parameters
    ----------
    posterior : Posterior
    draw : int, optional
        From 0.

    Returns
    -------
    Network

    Raises
    ------
    QueryError
        If there is no such draw, or the tables are too many to be written out.
    """
    graph = posterior.graph
    if draw is not None and not 0 <= draw < posterior.draws:
        raise QueryError(say("exchange.no_draw", draw=draw, last=posterior.draws - 1))
    cells = sum(math.prod(graph.shape(name)) for name in graph.names)
    if cells > MOST_CELLS:
        raise QueryError(say("exchange.too_many", cells=f"{cells:,}", most=f"{MOST_CELLS:,}"))
    families = [
        Family(
            node.name,
            node.states,
            graph.parents(node.name),
            posterior.mean_cpt(node.name) if draw is None else _one(posterior, node.name, draw),
            node.label,
            node.labels,
            node.nominal,
        )
        for node in graph.nodes
    ]
    return Network(graph.name, tuple(families), graph.outcome)


def _one(posterior: Posterior, name: str, draw: int) -> Array:
    """Return a node's table in one draw, ``(*parents, state)``."""
    shape = posterior.graph.shape(name)
    sizes = shape[:-1]
    every = np.indices(sizes, dtype=np.intp).reshape(len(sizes), math.prod(sizes)).T
    found: Array = posterior.rows(name, every, slice(draw, draw + 1))[..., 0].reshape(shape)
    return found


def posterior_of(
    network: Network, source: str, outcome: str | None = None, graph: CausalGraph | None = None
) -> Posterior:
    """Return a network as a posterior of one draw.

    Parameters
    ----------
    network : Network
    source : str
        What messages call it.
    outcome : str, optional
        In place of the one that the network names.
    graph : CausalGraph, optional
        What is said of the same nodes, states and edges, in any order; nothing but the tables is
        then taken from the network.

    Returns
    -------
    Posterior

    Raises
    ------
    PosteriorError
        If the network is no DAG of discrete nodes with a distribution in each row, or is not that
        of the graph.
    """
    network = _usable(network)
    try:
        made = _graph(network, outcome) if graph is None else graph
        tables = {}
        families = {family.name: family for family in network.families}
        _refuse_others(source, families, made)
        for node in made.nodes:
            table = _aligned(source, families[node.name], made, families)
            if made.owner(node.name) == node.name:
                tables[node.name] = table
        posterior = Posterior.from_cpts(made, tables)
    except PosteriorError:
        raise
    except BackriskError as error:
        why = error.problems[0] if isinstance(error, GraphError) else str(error)
        told = str(say("exchange.no_network", source=source, why=why.rstrip(".")))
        raise PosteriorError(told) from error
    caution = say("exchange.one_draw", source=source)
    return replace(posterior, diagnostics=Diagnostics("given", cautions=(caution,)))


def _usable(network: Network) -> Network:
    """Return a network whose nodes are called by identifiers; how they were written is kept."""
    names = node_names(family.name for family in network.families)
    families = tuple(
        replace(
            family,
            name=names[family.name],
            parents=tuple(names[parent] for parent in family.parents),
            label=family.label or (family.name if names[family.name] != family.name else ""),
        )
        for family in network.families
    )
    outcome = None if network.outcome is None else names.get(network.outcome)
    return Network(network.name, families, outcome)


def _graph(network: Network, outcome: str | None) -> CausalGraph:
    """Return the graph that a network has: of its edges nothing is said."""
    nodes = tuple(
        Node(
            family.name,
            family.states,
            nominal=family.nominal,
            label=family.label,
            labels=family.labels,
        )
        for family in network.families
    )
    edges = tuple(
        bare_edge(parent, family.name) for family in network.families for parent in family.parents
    )
    if outcome is None and (outcome := network.outcome) is None:
        causes = {edge.cause for edge in edges}
        last = [node.name for node in nodes if node.name not in causes]
        outcome = last[0] if len(last) == 1 else None
    return CausalGraph(network.name or "network", nodes, edges, outcome=outcome)


def _refuse_others(source: str, families: Mapping[str, Family], graph: CausalGraph) -> None:
    """Refuse a network that has other nodes than a graph."""
    missing = [name for name in graph.names if name not in families]
    more = [name for name in families if name not in graph.names]
    if missing or more:
        key = "exchange.node_missing" if missing else "exchange.node_unknown"
        raise PosteriorError(say(key, source=source, node=(missing or more)[0], graph=graph.name))


def _aligned(
    source: str, family: Family, graph: CausalGraph, families: Mapping[str, Family]
) -> Array:
    """Return a family's table with the axes and states in the order of a graph."""
    parents = graph.parents(family.name)
    told = {"source": source, "node": family.name, "graph": graph.name}
    if sorted(parents) != sorted(family.parents):
        told |= {"found": _listed(family.parents), "expected": _listed(parents)}
        raise PosteriorError(say("exchange.other_parents", **told))
    values = family.values.transpose(
        *(family.parents.index(parent) for parent in parents), len(parents)
    )
    for axis, name in enumerate((*parents, family.name)):
        found, expected = families[name].states, graph.node(name).states
        if sorted(found) != sorted(expected):
            told |= {"node": name, "found": _listed(found), "expected": _listed(expected)}
            raise PosteriorError(say("exchange.other_states", **told))
        values = values.take([found.index(state) for state in expected], axis=axis)
    return np.ascontiguousarray(values)


def _listed(names: Sequence[str]) -> str:
    return listed(names) if names else str(say("exchange.none"))
