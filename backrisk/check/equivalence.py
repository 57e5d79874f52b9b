"""Whether two graphs imply the same independences, so that no data can tell them apart by these.

Equal predictions within error are another matter: see `backrisk.check.comparison`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import pandas as pd

from backrisk._arguments import checked
from backrisk.errors import QueryError
from backrisk.graph import CausalGraph
from backrisk.words import listed, names_of, say

Verdict = Literal["equivalent", "different", "not_known"]
Pair = tuple[str, str]
Collider = tuple[str, str, str]


@dataclass(frozen=True)
class Equivalence:
    """Whether two graphs of the same nodes imply the same independences among what is observed.

    Parameters
    ----------
    verdict : {"equivalent", "different", "not_known"}
        ``not_known`` where the graphs differ and some of their nodes are observed in nobody: then
        the same skeleton and v-structures suffice for equivalence and are not needed for it.
    pairs : tuple of (str, str)
        Nodes that are neighbours in one of the graphs only.
    colliders : tuple of (str, str, str)
        Causes and effect of the v-structures that only one of the graphs has: two causes of one
        effect that are not neighbours of each other. The effect stands in the middle.
    hidden : tuple of str
        Nodes that nobody is observed in.
    graph : CausalGraph
        The first, which words the nodes.
    """

    verdict: Verdict
    pairs: tuple[Pair, ...]
    colliders: tuple[Collider, ...]
    hidden: tuple[str, ...]
    graph: CausalGraph

    @property
    def table(self) -> pd.DataFrame:
        """What only one of the graphs has, a row each: ``what``, ``nodes``."""
        rows = [("neighbours", ", ".join(pair)) for pair in self.pairs]
        rows += [("v-structure", ", ".join(collider)) for collider in self.colliders]
        return pd.DataFrame(
            {"what": [what for what, _ in rows], "nodes": [nodes for _, nodes in rows]}
        )

    @property
    def text(self) -> str:
        """The verdict in a sentence."""
        names = names_of(self.graph)
        if self.verdict == "equivalent":
            return say("check.equivalence.equivalent")
        pairs = [
            say("check.equivalence.pair", one=names.node(one), other=names.node(other))
            for one, other in self.pairs
        ]
        pairs += [
            say(
                "check.equivalence.collider",
                one=names.node(one),
                other=names.node(other),
                effect=names.node(effect),
            )
            for one, effect, other in self.colliders
        ]
        why = listed(pairs)
        if self.verdict == "different":
            return say("check.equivalence.different", why=why)
        hidden = listed(map(names.node, self.hidden))
        return say("check.equivalence.not_known", why=why, hidden=hidden)


@checked()
def markov_equivalent(
    first: CausalGraph, second: CausalGraph, *, observed: Collection[str] | None = None
) -> Equivalence:
    """Say whether two graphs imply the same independences among what is observed.

    Two DAGs do so exactly where they have the same skeleton and the same v-structures (Verma and
    Pearl 1990, doi:10.48550/arXiv.1304.1108). That is about all nodes. Where some are observed in
    nobody, it suffices, since equal sets of joint distributions have equal sets of margins; that
    graphs which differ there differ in what they imply of the rest is not claimed.

    Parameters
    ----------
    first, second : CausalGraph
        With the same nodes.
    observed : collection of str, optional
        Nodes that anybody is observed in; default all. Nodes that are observed in some people,
        whoever these are given the other answers, count.

    Returns
    -------
    Equivalence

    Raises
    ------
    QueryError
        If the graphs have different nodes, or a node that is called observed is in neither.

    Notes
    -----
    Independences are all that is compared. Mechanisms have shapes, and priors have widths: two
    equivalent graphs may predict a survey differently well, and such a difference says nothing of
    a direction unless somebody vouches for the shapes.

    Examples
    --------
    >>> from backrisk import CausalGraph
    >>> chain, fork, collider = (
    ...     CausalGraph.from_text(text, name="three", outcome="z")
    ...     for text in ("x -> y -> z", "y -> x; y -> z", "x -> y; z -> y")
    ... )
    >>> markov_equivalent(chain, fork).verdict, markov_equivalent(chain, collider).verdict
    ('equivalent', 'different')
    >>> markov_equivalent(chain, collider, observed=["x", "z"]).verdict
    'not_known'
    """
    if set(first.names) != set(second.names):
        only = sorted(set(first.names) ^ set(second.names))
        raise QueryError(say("check.equivalence.other_nodes", nodes=listed(map(repr, only))))
    seen = set(first.names) if observed is None else set(observed)
    if unknown := sorted(seen - set(first.names)):
        raise QueryError(say("check.equivalence.no_node", nodes=listed(map(repr, unknown))))
    pairs = tuple(sorted(skeleton(first) ^ skeleton(second)))
    colliders = tuple(sorted(v_structures(first) ^ v_structures(second)))
    hidden = tuple(name for name in first.names if name not in seen)
    verdict: Verdict = "equivalent"
    if pairs or colliders:
        verdict = "not_known" if hidden else "different"
    return Equivalence(verdict, pairs, colliders, hidden, first)


@checked()
def equivalence_classes(graphs: Mapping[str, CausalGraph]) -> tuple[tuple[str, ...], ...]:
    """Part graphs of the same nodes into those that imply the same independences.

    Parameters
    ----------
    graphs : mapping of str to CausalGraph

    Returns
    -------
    tuple of tuple of str
        Names, classes in the order of their first.

    Raises
    ------
    QueryError
        If the graphs have different nodes.

    Examples
    --------
    >>> from backrisk import CausalGraph
    >>> texts = {"chain": "x -> y -> z", "fork": "y -> x; y -> z", "collider": "x -> y; z -> y"}
    >>> equivalence_classes({n: CausalGraph.from_text(t, outcome="z") for n, t in texts.items()})
    (('chain', 'fork'), ('collider',))
    """
    classes: list[list[str]] = []
    for name, graph in graphs.items():
        for each in classes:
            if markov_equivalent(graphs[each[0]], graph).verdict == "equivalent":
                each.append(name)
                break
        else:
            classes.append([name])
    return tuple(map(tuple, classes))


def skeleton(graph: CausalGraph) -> frozenset[Pair]:
    """Return the pairs of neighbours, each in alphabetical order."""
    return frozenset(
        (min(edge.cause, edge.effect), max(edge.cause, edge.effect)) for edge in graph.edges
    )


def v_structures(graph: CausalGraph) -> frozenset[Collider]:
    """Return causes and effect of every v-structure, the effect in the middle."""
    near = skeleton(graph)
    return frozenset(
        (one, name, other)
        for name in graph.names
        for one, other in combinations(sorted(graph.parents(name)), 2)
        if (one, other) not in near
    )
