"""The CPTs of a model with one cause more, which nobody measured and which two nodes share.

Nothing that was observed says how strong such a cause is. So its strength is given, and the
intercepts of the two families are solved again, row by row, until the model with it tells of what
was observed what the model without it told.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from backrisk._types import Array, Codes
from backrisk.errors import PosteriorError, QueryError
from backrisk.graph import CausalGraph, Node, ProportionalOdds, bare_edge, too_large
from backrisk.inference import Tables, World, cut_from
from backrisk.posterior.cpts import Ints, Variables
from backrisk.words import names_of, say

_NEAR = 2**14  # numbers that are worked on at once: they stay near the processor
_GIVEN = 2**11  # joint states of the nodes from which the chance of the hidden cause is told

Names = tuple[str, ...]


@dataclass(frozen=True, eq=False)
class HiddenCause:
    """A binary cause of two nodes that nobody measured, and how strong it is in each draw.

    Parameters
    ----------
    name : str
        Of its node.
    first, second : str
        The nodes that it acts on; the second is no cause of the first.
    into_first, into_second : ndarray, shape (draw,) or (1,)
        Log odds ratios, for every state: of the node being beyond it, with the hidden cause
        against without it, whatever the node's other causes are. For a node whose states have no
        order, of its not being at its reference.
    prevalence : float
        How common it is.
    """

    name: str
    first: str
    second: str
    into_first: Array
    into_second: Array
    prevalence: float

    def subset(self, keep: Ints) -> HiddenCause:
        """Return the same for some draws."""
        first, second = (
            part if len(part) == 1 else part[keep] for part in (self.into_first, self.into_second)
        )
        return replace(self, into_first=first, into_second=second)


@lru_cache(maxsize=64)
def with_hidden_cause(graph: CausalGraph, first: str, second: str) -> tuple[CausalGraph, str]:
    """Return a graph with one node more, a cause of two others, and its name.

    It is the last axis of their CPTs. It plays the role of a trait, which stays a person's own; a
    node that had no causes before stays one that healthy people have at its reference.
    """
    name = f"u_{first}_{second}"
    while name in graph.names:
        name = f"{name}_"
    words = names_of(graph)
    label = say("posterior.confounding.node", first=words.node(first), second=words.node(second))
    roots = tuple(each for each in (first, second) if not graph.parents(each))
    roles = replace(
        graph.roles,
        traits=(*graph.roles.traits, name),
        latent=(*graph.roles.latent, name),
        healthy=tuple(dict.fromkeys((*graph.roles.healthy, *roots))),
    )
    lasting = graph.node(first).constant or graph.node(second).constant  # as its causes have to be
    node = Node(name, ("no", "yes"), label=label, mechanism="saturated", constant=lasting)
    edges = (*graph.edges, bare_edge(name, first), bare_edge(name, second))
    return replace(graph, nodes=(*graph.nodes, node), edges=edges, roles=roles), name


@dataclass(frozen=True, eq=False)
class HiddenCauseCPTs:
    """CPTs of a graph with a hidden cause, made from those of the graph without it.

    Parameters
    ----------
    source : Tables
        A posterior, without the hidden cause.
    graph : CausalGraph
        With it.
    hidden : HiddenCause

    Notes
    -----
    Write U for the hidden cause, X and Y for the two nodes, ``F_k`` for a row of a CPT summed up
    to state k, and w for the chance of U. The row with U absent has ``G_k`` and that with U
    present ``H_k``, whose odds are those of ``G_k`` divided by the odds ratio; ``G_k`` solves
    ``(1 - w) G_k + w H_k = F_k``, a quadratic equation with one root in [0, 1]. For X, w is
    P(U); for Y it is ``P(U | pa_Y)`` in the model with U. So ``P(X | pa_X)`` and
    ``P(Y | pa_Y)`` are what they were.
    """

    source: Tables
    graph: CausalGraph
    hidden: HiddenCause

    @property
    def draws(self) -> int:
        """The number of draws."""
        return self.source.draws

    @cached_property
    def _own(self) -> Array:
        chance = self.hidden.prevalence
        return np.broadcast_to(np.array([[1.0 - chance], [chance]]), (2, self.draws))

    @cached_property
    def _tables(self) -> dict[str, Array]:
        return {}

    def table(self, name: str, at: tuple[Any, ...] = ()) -> Array:
        """Return a node's CPT, ``(*parents, state, draw)``, of which only rows `at` are sure."""
        if name == self.hidden.name:
            return self._own
        if name not in (self.hidden.first, self.hidden.second):
            return self.source.table(name, at)
        if name not in self._tables:
            if complaint := too_large(self.graph, name, self.draws):
                raise QueryError(complaint)
            everything = (slice(None),) * len(self.graph.parents(name))
            self._tables[name] = self.cut(name, everything)(slice(None))[0]
        return self._tables[name]

    def cut(self, name: str, at: tuple[Any, ...]) -> Callable[[slice], Array]:
        """Return how to get a part of a CPT for some draws; see `Tables.cut`."""
        if name == self.hidden.name:
            return cut_from(self._own, at)
        if name not in (self.hidden.first, self.hidden.second):
            return self.source.cut(name, at)
        *rest, own = at
        base, chance = self.source.cut(name, tuple(rest)), self._chance(name, tuple(rest))

        def part(some: slice) -> Array:
            both = self._parted(name, base(some), chance(some), some)
            if isinstance(own, slice):
                return both
            if len(own) == 1:
                return both[..., own[0], :, :]
            rows = max(len(both), len(own))
            both = np.broadcast_to(both, (rows, *both.shape[1:]))
            found: Array = both[np.arange(rows), ..., own, :, :]
            return found

        return part

    def rows(self, name: str, rows: Ints, some: slice = slice(None)) -> Array:
        """Return rows of a node's CPT for some draws, ``(row, state, draw)``."""
        if not len(rows):
            return np.zeros((0, self.graph.shape(name)[-1], len(range(self.draws)[some])))
        return self.cut(name, tuple(rows.T))(some)

    def levels(self, name: str, states: Sequence[Codes]) -> Array:
        """Return a node's CDF where its parents' states differ from draw to draw."""
        if name == self.hidden.name:
            return self._own[:1, None]
        if name not in (self.hidden.first, self.hidden.second):
            return self.source.levels(name, states)
        *rest, own = states
        given, chances = self._chances(name)
        known = [rest[self.graph.parents(name).index(each)] for each in given]
        chance = chances[(*known, np.arange(self.draws))] if given else chances
        below = self.source.levels(name, rest)
        absent, present = self._sides(name, np.moveaxis(below, 0, -2), chance[..., None, :])
        found: Array = np.moveaxis(np.where(own[..., None, :] > 0, present, absent), -2, 0)
        return found

    def proportional_odds(self, name: str) -> ProportionalOdds | None:
        """Return a CDF as odds that causes multiply, which U's and its effects' are not."""
        if name in (self.hidden.name, self.hidden.first, self.hidden.second):
            return None
        return self.source.proportional_odds(name)

    def positive(self, name: str) -> bool:
        """Return whether no cell of a node's CPT is zero."""
        return name == self.hidden.name or self.source.positive(name)

    def causes(self, name: str) -> tuple[Array, list[Array]] | None:
        """Return a CPT as a leak and independent causes, which a family with U is not."""
        if name in (self.hidden.first, self.hidden.second):
            return None
        if name == self.hidden.name:
            return np.cumsum(self._own, axis=0), []
        return self.source.causes(name)

    def variables(self) -> Variables:
        """Refuse to be stored: a hidden cause is supposed, and no part of a fitted model.

        Raises
        ------
        PosteriorError
        """
        raise PosteriorError(say("posterior.confounding.not_saved"))

    def _parted(self, name: str, table: Array, chance: Array, some: slice) -> Array:
        """Return rows of a CPT without and with U, ``(*rows, 2, state, draw)``."""
        *rows, states, draws = table.shape
        flat = table.reshape(-1, states, draws)
        chances = np.broadcast_to(chance, (*rows, draws)).reshape(-1, 1, draws)
        both = np.empty((len(flat), 2, states, draws))
        few = max(_NEAR // (states * draws), 1)
        for start in range(0, len(flat), few):  # so few rows that they stay in the cache
            at = slice(start, start + few)
            below = np.cumsum(flat[at, :-1], axis=1)
            for side, found in enumerate(self._sides(name, below, chances[at], some)):
                _fill(both[at, side], found)
        return both.reshape(*rows, 2, states, draws)

    def _sides(
        self, name: str, below: Array, chance: Array, some: slice = slice(None)
    ) -> tuple[Array, Array]:
        """Return the CDF without and with U, of the shape of the CDF; levels before draws."""
        hidden = self.hidden
        strength = hidden.into_first if name == hidden.first else hidden.into_second
        ratio = np.exp(-(strength if len(strength) == 1 else strength[some]))
        if not self.graph.node(name).nominal:
            return parted(below, chance, ratio)
        # Without an order: at the reference or not, and where, if not, as before.
        first = below[..., :1, :]
        left = 1.0 - first
        place = np.divide(below - first, left, out=np.zeros_like(below), where=left > 0)
        absent, present = (side + (1.0 - side) * place for side in parted(first, chance, ratio))
        return absent, present

    def _chance(self, name: str, at: tuple[Any, ...]) -> Callable[[slice], Array]:
        """Return how to get P(U | the causes of a node) at some of its rows, for some draws.

        ``(row, *open parents, draw)``.
        """
        given, chances = self._chances(name)
        sizes = self.source.graph.shape(name)[:-1]
        parents = self.source.graph.parents(name)
        order = sorted(range(len(given)), key=lambda axis: parents.index(given[axis]))
        laid = chances.transpose(*order, -1).reshape(
            *(size if parent in given else 1 for parent, size in zip(parents, sizes, strict=True)),
            1,
            chances.shape[-1],
        )
        view = np.broadcast_to(laid, (*sizes, 1, self.draws))  # takes no memory
        part = cut_from(view, at)
        return lambda some: part(some)[..., 0, :]

    def _chances(self, name: str) -> tuple[Names, Array]:
        """Return P(U | some of the causes of a node), and which: ``(*causes, draw)``."""
        if name == self.hidden.first:
            return (), np.full(1, self.hidden.prevalence)
        return self.of_second

    @cached_property
    def of_second(self) -> tuple[Names, Array]:
        """P(U | causes of the second node that tell of it), and which: ``(*causes, draw)``."""
        hidden, without = self.hidden, self.source.graph
        first, second = hidden.first, hidden.second
        causes = without.parents(second)
        family = (*without.parents(first), first)
        if set(family) <= set(causes) and math.prod(without.shape(first)) <= _GIVEN:
            # P(U | x, pa_X) = P(U) P(x | pa_X, U) / P(x | pa_X), and nothing else tells of it.
            before, after = self.source.table(first), self.table(first)
            share = np.ones_like(before)
            np.divide(after[..., 1, :, :], before, out=share, where=before > 0)
            return family, hidden.prevalence * share
        given = self.telling
        keep = [(hidden.name, 0), *((name, 0) for name in given)]
        absent, present = World(self, {}, {}).joint(keep)
        whole = absent + present
        chance = np.full_like(whole, hidden.prevalence)
        np.divide(present, whole, out=chance, where=whole > 0)
        return given, chance

    @cached_property
    def telling(self) -> Names:
        """The causes of the second node from which the chance of U is told.

        All that say anything of it given the others, the nearest first, up to a number of joint
        states; the rest is averaged over.
        """
        hidden = self.hidden
        near = self._near
        sizes = {name: len(self.graph.node(name).states) for name in near}
        found: list[str] = []
        for name in near:
            if math.prod(sizes[each] for each in found) * sizes[name] <= _GIVEN:
                found.append(name)
        return tuple(name for name in self.source.graph.parents(hidden.second) if name in found)

    @cached_property
    def _near(self) -> Names:
        """The causes of the second node that say anything of U given the others, nearest first."""
        graph, hidden = self.graph, self.hidden
        causes = self.source.graph.parents(hidden.second)
        import networkx as nx

        digraph = nx.DiGraph((edge.cause, edge.effect) for edge in graph.edges)
        digraph.add_nodes_from(graph.names)
        digraph.remove_nodes_from({hidden.second, *graph.descendants(hidden.second)})
        far = nx.single_source_shortest_path_length(
            digraph.to_undirected(as_view=True), hidden.name
        )
        telling = [
            name
            for name in causes
            if not nx.is_d_separator(digraph, {hidden.name}, {name}, {*causes} - {name})
        ]
        return tuple(sorted(telling, key=lambda name: far[name]))

    @property
    def averaged(self) -> Names:
        """The causes of the second node that tell of U, and that its chance was averaged over."""
        return tuple(name for name in self._near if name not in self.of_second[0])

    @property
    def pointwise(self) -> bool:
        """Whether the law of all that can be observed is what it was, and not only on average.

        It is where the second node hears of the first, and of all that the first hears of.
        """
        without = self.source.graph
        first = self.hidden.first
        family = {first, *without.parents(first)}
        return family <= set(without.parents(self.hidden.second))


def parted(below: Array, chance: Array, ratio: Array) -> tuple[Array, Array]:
    """Return the CDF without and with a hidden cause, whose average is a given one.

    Parameters
    ----------
    below : ndarray
        The CDF that is given: ``P(X <= k)``.
    chance : ndarray
        That the hidden cause is there.
    ratio : ndarray
        The odds of ``X <= k`` with it over those without it.

    Returns
    -------
    absent, present : ndarray
        ``(1 - chance) * absent + chance * present`` is the one that is given.

    Examples
    --------
    >>> absent, present = parted(np.array([0.9]), np.array([0.5]), np.array([0.25]))
    >>> (0.5 * absent + 0.5 * present).round(12).tolist()
    [0.9]
    >>> odds = [side / (1 - side) for side in (absent, present)]
    >>> (odds[1] / odds[0]).round(12).tolist()
    [0.25]
    """
    # With c the odds without it: a c^2 + b c - below = 0. The root is written in the way in which
    # nothing cancels, and as numerator over denominator, so that odds without end are no division
    # by zero.
    a = ratio * (1.0 - below)
    b = (1.0 - chance) + chance * ratio - below * (1.0 + ratio)
    root = np.sqrt(b * b + 4.0 * a * below)
    top = np.where(b > 0, 2.0 * below, root - b)
    bottom = np.where(b > 0, root + b, 2.0 * a)
    return top / (top + bottom), top * ratio / (top * ratio + bottom)


def _fill(into: Array, below: Array) -> None:
    """Write the distributions of CDFs without their last level; levels stand before draws."""
    into[..., :1, :] = below[..., :1, :]
    np.subtract(below[..., 1:, :], below[..., :-1, :], out=into[..., 1:-1, :])
    np.subtract(1.0, below[..., -1:, :], out=into[..., -1:, :])
    np.maximum(into, 0.0, out=into)  # levels that are as good as equal leave rounding
