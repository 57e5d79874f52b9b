"""How a query is split into independent parts, and which pair of worlds is summed out last."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from backrisk.inference.elimination import TRIES
from backrisk.inference.steps import PLANS, Part, ordered
from backrisk.inference.twin_network import Signature, Source, Variable, sources, states

_PROMISING = 1.5  # how much more work a plan may be that was not searched for


@dataclass(frozen=True)
class Plan:
    """A part that ends in the kept variables, and parts that are independent of them."""

    main: Part
    others: tuple[Part, ...]


@lru_cache(maxsize=PLANS)
def plan(signature: Signature) -> Plan:
    """Plan a query.

    Where nodes have two worlds, a second plan leaves the widest pair of worlds to the end, where it
    need not be laid out; the one with less work is taken.

    Parameters
    ----------
    signature : Signature

    Returns
    -------
    Plan
    """
    found = _planned(signature, "")
    if wide := _widest_pair(found, signature.zeros):
        # Whether it promises anything is seen at a glance; only then it is worth the search.
        other = _planned(signature, wide, search=0)
        if _work(other) < _PROMISING * _work(found):
            return min(_planned(signature, wide), found, key=_work)
    return found


def _work(found: Plan) -> int:
    return sum(part.work for part in (found.main, *found.others))


def _planned(signature: Signature, apart: str, search: int = TRIES) -> Plan:
    """Plan a query, one node's pair of worlds to be summed out at last."""
    parts = _components(tuple(sources(signature, {apart} if apart else set())))
    main = [source for part in parts if _touches(part, signature.keep) for source in part]
    others = [part for part in parts if not _touches(part, signature.keep)]
    return Plan(
        _part(signature, main, signature.keep, apart, search),
        tuple(_part(signature, part, (), apart, search) for part in others),
    )


def _part(
    signature: Signature,
    members: Sequence[Source],
    keep: tuple[Variable, ...],
    apart: str,
    search: int,
) -> Part:
    place = {name: i for i, name in enumerate(signature.graph.topological)}
    tables = tuple(sorted(members, key=lambda source: place[source.name]))
    last = [i for i, source in enumerate(tables) if source.name == apart and source.worlds]
    variables = dict.fromkeys(v for s in tables for v in (*s.scope, *s.known))
    sizes = tuple((v, states(signature, v)) for v in variables)
    return ordered(tables, keep, last[0] if last else None, sizes, signature.people, search)


def _components(members: Sequence[Source]) -> list[list[Source]]:
    """Split tables into groups that share no open variable: their sums are independent factors."""
    groups: list[tuple[set[Variable], list[Source]]] = []
    for source in members:
        scope, together = set(source.scope), [source]
        apart = []
        for others, group in groups:
            if scope & others:
                scope, together = scope | others, group + together
            else:
                apart.append((others, group))
        groups = [*apart, (scope, together)]
    return [together for _, together in groups]


def _touches(part: Sequence[Source], keep: Sequence[Variable]) -> bool:
    return any(variable in source.scope for source in part for variable in keep)


def _widest_pair(found: Plan, zeros: frozenset[str]) -> str:
    """Return the node with the largest table of those whose two worlds may be summed out at once.

    A sum over the levels of a CDF leaves rounding where a sum over states leaves exactly nothing.
    Tables with zeros are kept from it, so that what is impossible stays impossible.
    """
    cells: dict[str, int] = {}
    for part in (found.main, *found.others):
        sizes = dict(part.states)
        for source in part.sources:
            if source.paired and source.name not in zeros:
                cells[source.name] = math.prod(sizes[v] for v in source.scope)
    return max(cells, key=lambda name: cells[name], default="")
