"""Which tables a query needs, and over which variables: the twin network of a signature.

A variable is a pair ``(node, world)``. World 0 is the one that was seen; world 1 is the one that
would have been under an intervention. Nodes that the intervention cannot reach exist in world 0
alone and are shared. A node that is open in both worlds, and always appears in both together, is
one variable ``(node, BOTH)``: its states are pairs of states, of which a coupling allows few.

What is needed depends on a query's signature: which nodes are seen, set, left open and kept, and
not on their values. So a plan serves everyone who answered the same questions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from backrisk.graph import CausalGraph

Variable = tuple[str, int]
BOTH = 2


@dataclass(frozen=True)
class Signature:
    """What a plan depends on.

    Parameters
    ----------
    graph : CausalGraph
    seen, done, free, told : frozenset of str
        As `backrisk.inference.World` has them, without their values.
    keep : tuple of variables
    zeros : frozenset of str
        Nodes that may be in two worlds and whose CPT has a zero.
    noise : bool
        Whether the worlds share noise, so that few pairs of states are possible.
    people : int
        Their order of magnitude.
    """

    graph: CausalGraph
    seen: frozenset[str]
    done: frozenset[str]
    free: frozenset[str]
    told: frozenset[str]
    keep: tuple[Variable, ...]
    zeros: frozenset[str]
    noise: bool
    people: int

    @property
    def changed(self) -> frozenset[str]:
        """The nodes that differ between the worlds: the intervened ones and what they affect."""
        return reached(self.graph, self.done | self.free)

    def known(self, variable: Variable) -> bool:
        """Return whether a variable is seen or set."""
        name, world = variable
        return name in (self.done | self.told if world else self.seen)


@dataclass(frozen=True)
class Source:
    """A table that the posterior gives: a node in one world, or in both.

    Parameters
    ----------
    name : str
    worlds : tuple of int
        Empty for the table of ones of a free variable.
    known : tuple of variables
        Seen or set, where the table is sliced.
    scope : tuple of variables
        What is left open, the node itself last.
    """

    name: str
    worlds: tuple[int, ...]
    known: tuple[Variable, ...]
    scope: tuple[Variable, ...]

    @property
    def own(self) -> tuple[Variable, ...]:
        """The node's own open variables."""
        return tuple(v for v in self.scope if v[0] == self.name)

    @property
    def paired(self) -> bool:
        """Whether the node's two worlds are one variable of this table."""
        return (self.name, BOTH) in self.scope


@lru_cache(maxsize=4096)
def reached(graph: CausalGraph, nodes: frozenset[str]) -> frozenset[str]:
    """Return the intervened nodes and all that they affect."""
    return nodes.union(*(graph.descendants(name) for name in nodes))


def states(signature: Signature, variable: Variable) -> int:
    """Return how many states a variable has; of a pair, how many are likely to be possible."""
    size = len(signature.graph.node(variable[0]).states)
    if variable[1] != BOTH:
        return size
    # One uniform noise cuts [0, 1] at the levels of both rows: K - 1 cuts each make at most
    # 2 K - 1 pieces, and each piece is a pair of states.
    return 2 * size - 1 if signature.noise else size * size


def sources(signature: Signature, apart: Iterable[str] = ()) -> Iterator[Source]:
    """Yield the tables of the kept and seen variables and their causes; the rest sums to one.

    Parameters
    ----------
    signature : Signature
    apart : iterable of str
        Nodes whose two worlds stay two variables.
    """
    graph, changed, known = signature.graph, signature.changed, signature.known
    intervened = signature.done | signature.free

    def causes(name: str, world: int) -> list[Variable]:
        return [(parent, int(world and parent in changed)) for parent in graph.parents(name)]

    # Barren nodes, those without a kept or seen descendant, sum to one: go up from what counts.
    # The causes of a set node are cut off in world 1.
    needed: set[Variable] = set()
    waiting = [
        *signature.keep,
        *((name, 0) for name in signature.seen),
        *((name, 1) for name in signature.told),
    ]
    while waiting:
        name, world = waiting.pop()
        if (name, world) not in needed:
            needed.add((name, world))
            if not (world and name in intervened):
                waiting += causes(name, world)
    families = []
    for name in graph.topological:
        worlds = tuple(
            world
            for world in (0, 1)
            if (name, world) in needed and not (world and name in intervened)
        )
        if worlds:
            family = [v for world in worlds for v in (*causes(name, world), (name, world))]
            parents = dict.fromkeys(v for v in family if v[0] != name)
            families.append((name, worlds, [*parents, *((name, world) for world in worlds)]))
    paired = _paired(families, signature, set(apart))
    for variable in signature.keep:
        if variable[1] and variable[0] in signature.free:
            # No table need mention it, and its axis is kept all the same.
            yield Source(variable[0], (), (), (variable,))
    for name, worlds, family in families:
        left = ((v[0], BOTH) if v[0] in paired else v for v in family if not known(v))
        yield Source(name, worlds, tuple(v for v in family if known(v)), tuple(dict.fromkeys(left)))


def _paired(
    families: Sequence[tuple[str, tuple[int, ...], list[Variable]]],
    signature: Signature,
    apart: set[str],
) -> set[str]:
    """Return the nodes whose two worlds are one variable: open, and always together.

    A node that some table mentions in one world alone needs an axis for each world, unless nothing
    else is open there: then its table can be read at the places of the pair.
    """
    found = {
        name
        for name, worlds, _ in families
        if len(worlds) > 1
        and name not in apart
        and not any((name, w) in signature.keep or signature.known((name, w)) for w in worlds)
    }
    for _, _, family in families:
        left = {v for v in family if not signature.known(v)}
        if len(left) > 1:
            found -= {name for name, world in left if (name, 1 - world) not in left}
    return found
