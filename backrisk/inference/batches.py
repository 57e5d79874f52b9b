"""Many people in few contractions, whatever each of them left unanswered.

A query is planned once for the questions that were answered. People who each left out a question
of their own would each need a plan, and planning takes longer than the contraction. Two identities
let them share one. An item that was not answered says nothing about what it measures: it counts as
answered by a further state that is equally likely whatever it measures. For any other node, the
probability of a person's answers is the sum over the states that fill the gap: a few more rows
cost less than a plan.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backrisk._types import Array
from backrisk.graph import CausalGraph
from backrisk.inference.surgery import Rewired
from backrisk.inference.tables import Tables
from backrisk.inference.twin_network import Variable
from backrisk.inference.world import World

Codes = NDArray[np.intp]

_PLAN = 2**12  # rows of one draw that take as long to contract as a plan takes to make


@dataclass(frozen=True, eq=False)
class Together:
    """People who are one contraction.

    Parameters
    ----------
    members : ndarray of int, shape (member,)
        Their places among all.
    tables : Tables
        To ask in place of the posterior: items have a further state, for no answer.
    evidence : mapping of node to ndarray of int, each (row,)
        The members' answers, a member's fillings one after the other.
    starts : ndarray of int, shape (member,), optional
        Each member's first row; None where every row is a member.
    """

    members: Codes
    tables: Tables
    evidence: Mapping[str, Codes]
    starts: Codes | None

    def joint(
        self,
        keep: Sequence[Variable],
        do: Mapping[str, int] | None = None,
        coupling: str = "monotone",
        free: Sequence[str] = (),
    ) -> Array:
        """Return P(keep, answers) of each member, ``(member, *keep, draw)``; see `World`."""
        found = World(self.tables, self.evidence, do or {}, coupling, tuple(free)).joint(keep)
        if not self.evidence:
            return np.broadcast_to(found, (len(self.members), *found.shape))
        return found if self.starts is None else np.add.reduceat(found, self.starts, axis=0)


def together(
    tables: Tables, codes: NDArray[np.integer[Any]], keep: Sequence[str], rows: int
) -> Iterator[Together]:
    """Part people so that each part is one contraction.

    Parameters
    ----------
    tables : Tables
        A posterior.
    codes : ndarray of int, shape (person, node)
        States in the order of the graph's nodes, -1 where not seen.
    keep : sequence of str
        Nodes that the contraction keeps.
    rows : int
        About so many in one.

    Yields
    ------
    Together
        Each person is a member of one.
    """
    _, which = np.unique(codes >= 0, axis=0, return_inverse=True)
    order = np.argsort(which.ravel(), kind="stable")
    for start in range(0, len(order), rows):
        some = order[start : start + rows]
        asked, told = _itemised(tables, codes[some].astype(np.intp), keep)
        for template, members in _templates(tables.graph, told, tables.draws):
            filled, owner = _filled(tables.graph, told[members], template)
            starts = np.flatnonzero(np.diff(owner, prepend=-1))
            # Cut where the next member's rows would be too many.
            cuts = np.flatnonzero(np.diff(starts // rows)) + 1
            for part in np.split(np.arange(len(members)), cuts):
                first, last = starts[part[0]], np.searchsorted(owner, part[-1], "right")
                yield Together(
                    some[members[part]],
                    asked,
                    {
                        tables.graph.names[node]: filled[first:last, node]
                        for node in np.flatnonzero(template)
                    },
                    None if last - first == len(part) else starts[part] - first,
                )


def joint_of_people(
    tables: Tables,
    codes: NDArray[np.integer[Any]],
    keep: Sequence[Variable],
    *,
    free: Sequence[str] = (),
    rows: int,
) -> Array:
    """Return P(keep, answers) for many people, ``(person, *keep, draw)``.

    Parameters
    ----------
    tables : Tables
    codes : ndarray of int, shape (person, node)
        -1 where not seen; kept variables are not.
    keep : sequence of variables
    free : sequence of str
        As for `World`.
    rows : int
        As for `together`.

    Returns
    -------
    ndarray, shape (person, *keep, draw)

    Examples
    --------
    >>> from backrisk.graph import CausalGraph
    >>> from backrisk.posterior import Posterior
    >>> g = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    >>> p = Posterior.from_cpts(g, {"x": [[0.5, 0.5]], "y": [[[0.7, 0.3], [0.2, 0.8]]]})
    >>> codes = np.array([[0, -1], [-1, -1]])
    >>> joint_of_people(p, codes, [("y", 0)], rows=9)[..., 0].round(3).tolist()
    [[0.35, 0.15], [0.45, 0.55]]
    """
    sizes = [len(tables.graph.node(node).states) for node, _ in keep]
    found = np.empty((len(codes), *sizes, tables.draws))
    for part in together(tables, codes, [node for node, _ in keep], rows):
        if np.array_equal(part.members, np.arange(len(codes))):
            return part.joint(keep, free=free)  # and no copy of it
        found[part.members] = part.joint(keep, free=free)
    return found


def _itemised(tables: Tables, codes: Codes, keep: Sequence[str]) -> tuple[Tables, Codes]:
    """Let items that only some answered be answered by all."""
    graph = tables.graph
    codes, replaced = codes.copy(), {}
    for name in graph.items:
        answers = codes[:, graph.names.index(name)]
        gaps = answers < 0
        if gaps.any() and not gaps.all() and name not in keep and not graph.children(name):
            table = tables.table(name)
            answers[gaps] = table.shape[-2]
            replaced[name] = np.concatenate([table, np.ones_like(table[..., :1, :])], axis=-2)
    return (Rewired(tables, replaced, graph) if replaced else tables), codes


def _templates(
    graph: CausalGraph, codes: Codes, draws: int
) -> Iterator[tuple[NDArray[np.bool_], Codes]]:
    """Yield sets of answered nodes, and the people who fill their gaps to that set.

    The first is all that anyone answered. Taken from the fullest on, people join the set that
    they can fill with the fewest rows more, or make their own where these cost more than a plan.
    """
    signatures, which, people = np.unique(
        codes >= 0, axis=0, return_inverse=True, return_counts=True
    )
    sizes = np.log([len(node.states) for node in graph.nodes])
    sets = signatures.any(axis=0, keepdims=True)
    joined = np.empty(len(signatures), dtype=np.intp)
    for place in np.argsort(-signatures.sum(axis=1), kind="stable"):
        seen = signatures[place]
        holds = ~(seen & ~sets).any(axis=1)
        more = np.where(holds, np.expm1((sets & ~seen) @ sizes), np.inf)
        joined[place] = more.argmin()
        if more.min() * people[place] * draws > _PLAN:
            joined[place] = len(sets)
            sets = np.vstack([sets, seen])
    chosen = joined[which.ravel()]
    for number, template in enumerate(sets):
        members = np.flatnonzero(chosen == number)
        if len(members):
            yield template, members


def _filled(graph: CausalGraph, codes: Codes, template: NDArray[np.bool_]) -> tuple[Codes, Codes]:
    """Return a row for each way to fill a person's gaps, and whose it is."""
    owner = np.arange(len(codes))
    for node in np.flatnonzero(template):
        gaps = codes[:, node] < 0
        if gaps.any():
            ways = np.where(gaps, len(graph.nodes[node].states), 1)
            starts = np.cumsum(ways) - ways
            filling = np.arange(ways.sum()) - np.repeat(starts, ways)
            gaps = np.repeat(gaps, ways)
            codes, owner = np.repeat(codes, ways, axis=0), np.repeat(owner, ways)
            codes[gaps, node] = filling[gaps]
    return codes, owner
