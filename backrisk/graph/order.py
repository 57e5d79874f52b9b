"""Orders and cycles of a directed graph, from each node's parents.

Python's own `graphlib` has what is needed. NetworkX has more, and importing it would double the
time that a question asked from the shell takes to start (0.4 s to 0.7 s): it is imported where a
graph is turned into its `DiGraph`, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from heapq import heappop, heappush


def find_cycle(parents: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Return the nodes of a cycle in the order of its edges, the first node of the graph first.

    Parameters
    ----------
    parents : mapping of name to names
        In the order of the graph's nodes.

    Returns
    -------
    tuple of str
        Empty where there is no cycle.

    Examples
    --------
    >>> find_cycle({"a": ["c"], "b": ["a"], "c": ["b"]})
    ('a', 'b', 'c')
    """
    try:
        TopologicalSorter(parents).prepare()
    except CycleError as error:
        cycle = error.args[1][:-1]  # the first node stands again at the end
        first = cycle.index(next(name for name in parents if name in cycle))
        return (*cycle[first:], *cycle[:first])
    return ()


def topological(parents: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Yield names, causes before effects; the given order where that leaves a choice.

    Parameters
    ----------
    parents : mapping of name to names
        Of a graph without cycles.

    Yields
    ------
    str

    Examples
    --------
    >>> list(topological({"effect": ["cause"], "other": [], "cause": []}))
    ['other', 'cause', 'effect']
    """
    names = list(parents)
    place = {name: i for i, name in enumerate(names)}
    sorter = TopologicalSorter(parents)
    sorter.prepare()
    ready: list[int] = []
    while sorter.is_active():
        for name in sorter.get_ready():
            heappush(ready, place[name])
        first = names[heappop(ready)]
        yield first
        sorter.done(first)


def ancestors(parents: Mapping[str, Sequence[str]]) -> dict[str, frozenset[str]]:
    """Return every direct and indirect cause of every node, in one pass.

    Parameters
    ----------
    parents : mapping of name to names
        Of a graph without cycles.

    Returns
    -------
    dict of name to frozenset of str

    Examples
    --------
    >>> sorted(ancestors({"a": [], "b": ["a"], "c": ["b"]})["c"])
    ['a', 'b']
    """
    above: dict[str, frozenset[str]] = {}
    for name in topological(parents):
        causes = parents[name]
        above[name] = frozenset(causes).union(*(above[cause] for cause in causes))
    return above
