"""How a node depends on its parents: parameters, priors, and the CPT in NumPy.

Every parameter lives in one of two vectors, whatever the graph:

fractions (``continuation`` in a saved model)
    Stick-breaking fractions in (0, 1). A distribution over K ordered states takes K - 1 of them,
    ``v_k = P(X = k | X >= k)``. A Dirichlet(alpha) is exactly independent fractions
    ``v_k ~ Beta(alpha_k, alpha_{k+1} + ... + alpha_K)``.
effects (``beta``)
    Log odds ratios, each from the reference to the worst state of the cause, or to one of its
    states where these have no order.

So a graph of any size compiles to a model of two random variables. A `Layout` says which part of
the vectors belongs to which node.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from backrisk._types import Array, Codes
from backrisk.graph.graph import CausalGraph
from backrisk.words import say

Rows = NDArray[np.intp]
Levels = Callable[[Sequence[Codes]], Array]  # see `Mechanism.levels`


@dataclass(frozen=True, eq=False)
class ProportionalOdds:
    """A node's CDF as its odds: those of an average person, by a factor for some causes each.

    Parameters
    ----------
    below, above : ndarray, shape (state - 1, draw)
        The probabilities of an average person's being at each level or below, and above it.
    causes : tuple of tuple of int
        Positions among the parents: which of them each factor speaks of.
    factors : tuple of ndarray, each (joint state, draw)
        What the causes multiply the odds of being above by; the last cause's state runs fastest.
    sizes : tuple of int
        The number of states of each parent.
    """

    below: Array
    above: Array
    causes: tuple[tuple[int, ...], ...]
    factors: tuple[Array, ...]
    sizes: tuple[int, ...]

    def beside(self, other: ProportionalOdds) -> ProportionalOdds:
        """Return the odds of these draws and of another posterior's, of the same node."""
        factors = zip(self.factors, other.factors, strict=True)
        return replace(
            self,
            below=np.concatenate([self.below, other.below], axis=-1),
            above=np.concatenate([self.above, other.above], axis=-1),
            factors=tuple(np.concatenate(both, axis=-1) for both in factors),
        )

    def __call__(self, states: Sequence[Codes]) -> Array:
        """Return the CDF where the parents' states differ; see `Mechanism.levels`."""
        draws = self.below.shape[-1]
        draw = np.arange(draws)
        odds: Array | float = 1.0
        for causes, by_state in zip(self.causes, self.factors, strict=True):
            row = states[causes[0]].astype(np.intp, copy=False)
            for cause in causes[1:]:
                row = row * self.sizes[cause] + states[cause]
            if row.size == 1:
                odds = odds * by_state[row.item()]
            else:
                odds = odds * by_state.ravel().take(row * draws + draw)
        below = self.below[:, None]
        found: Array = below / (self.above[:, None] * odds + below)
        return found


LARGEST_FAMILY = 2**24  # cells that a CPT may have
LARGEST_TABLE = 2 * 2**30  # bytes that its draws may take
KEPT_TABLE = 2**28  # bytes of the draws of a CPT that is kept once it is computed
_FACTORISES = 1e-9
_FEW_ROWS = 64  # of a CPT that is computed row by row
_LOOKED_UP = 64  # joint states of causes whose factor of the odds is computed ahead
_NEAR = 2**14  # numbers that are worked on at once: they stay near the processor


@dataclass(frozen=True)
class Simplex:
    """A distribution among the parameters, with its Dirichlet prior.

    Parameters
    ----------
    label : str
        What a person reads, such as ``"pain | lumbar_load=high"``.
    states : tuple of str
        One label for each cell.
    alpha : tuple of float
        Dirichlet prior.
    start : tuple of float, optional
        Where a chain starts; at the prior mean where left out.
    """

    label: str
    states: tuple[str, ...]
    alpha: tuple[float, ...]
    start: tuple[float, ...] | None = None

    def fractions(self) -> list[tuple[float, float]]:
        """Return the Beta prior of each stick-breaking fraction."""
        rest = np.cumsum(self.alpha[::-1])[::-1]
        return [(self.alpha[k], float(rest[k + 1])) for k in range(len(self.alpha) - 1)]


@dataclass(frozen=True)
class Effect:
    """A log odds ratio among the parameters.

    Parameters
    ----------
    label : str
    causes : tuple of int
        Positions among the parents: one for a main effect, two for an interaction.
    mean, sd : float
        Of its prior, which is normal whatever the grade of the claim: data may contradict it.
    centre : float
        Average exposure under the prior marginals; subtracted, so that the cutpoints speak of the
        average parent configuration.
    states : tuple of (int or None)
        For each cause: the state that the effect is of, where the cause is nominal. It is exposed
        in that state and in no other. None where the states are ordered.
    """

    label: str
    causes: tuple[int, ...]
    mean: float
    sd: float
    centre: float
    states: tuple[int | None, ...]


@dataclass(frozen=True)
class Mechanism:
    """The CPT of one node as a function of its parameters.

    Parameters
    ----------
    node : str
    parents : tuple of str
    shape : tuple of int
        ``(*parents, state)``.
    simplexes : tuple of Simplex
    effects : tuple of Effect
    """

    node: str
    parents: tuple[str, ...]
    shape: tuple[int, ...]
    simplexes: tuple[Simplex, ...]
    effects: tuple[Effect, ...] = ()

    by_row: ClassVar[bool] = False  # few parameters give any row: never laid out whole

    @property
    def n_fractions(self) -> int:
        """How many stick-breaking fractions the node has."""
        return sum(len(simplex.alpha) - 1 for simplex in self.simplexes)

    @property
    def positive(self) -> bool:
        """Whether no probability is ever zero, as where all are sampled."""
        return True

    def configurations(self) -> Iterator[tuple[int, ...]]:
        """Yield the states of the parents, in the order of the CPT's rows."""
        return itertools.product(*(range(size) for size in self.shape[:-1]))

    def cpt(self, fractions: Array, beta: Array) -> Array:
        """Return the CPT.

        Parameters
        ----------
        fractions : ndarray, shape (draw, n_fractions)
        beta : ndarray, shape (draw, effects)

        Returns
        -------
        ndarray, shape ``(draw, *parents, state)``
        """
        every = np.array(list(self.configurations()), dtype=np.intp)
        table = self.rows(fractions.T, beta.T, every)
        return np.moveaxis(table.reshape(*self.shape, len(fractions)), -1, 0)

    def rows(self, fractions: Array, beta: Array, rows: Rows) -> Array:
        """Return some rows of the CPT, draws last: what a query needs of it.

        Parameters
        ----------
        fractions : ndarray, shape (n_fractions, draw)
        beta : ndarray, shape (effects, draw)
        rows : ndarray of int, shape (row, parent)
            The states of the parents in each row.

        Returns
        -------
        ndarray, shape (row, state, draw)
        """
        raise NotImplementedError

    def part(self, fractions: Array, beta: Array, codes: Sequence[int | None]) -> Array:
        """Return the rows that are left where the states of some parents are known.

        Parameters
        ----------
        fractions : ndarray, shape (n_fractions, draw)
        beta : ndarray, shape (effects, draw)
        codes : sequence of int or None
            Of each parent: its state, or None where it is open.

        Returns
        -------
        ndarray, shape ``(*open parents, state, draw)``
            The same numbers as those of `rows`, to the bit.
        """
        sizes = [size if code is None else 1 for size, code in zip(self.shape, codes, strict=False)]
        known = np.array([code or 0 for code in codes], dtype=np.intp)
        rows: Rows = np.indices(sizes, dtype=np.intp).reshape(len(sizes), -1).T + known
        left = (size for size, code in zip(self.shape, codes, strict=False) if code is None)
        found = self.rows(fractions, beta, rows)
        return found.reshape(*left, *found.shape[1:])

    def levels(self, fractions: Array, beta: Array) -> Levels:
        """Return how to get the CDF where the parents' states differ from draw to draw.

        Parameters
        ----------
        fractions : ndarray, shape (n_fractions, draw)
        beta : ndarray, shape (effects, draw)

        Returns
        -------
        callable
            Of the states of each parent, ndarrays of int, each ``(sample, draw)`` or ``(1, 1)``.
            It returns ``P(X <= k | pa)`` without the last state's, which is 1, an ndarray of shape
            ``(state - 1, sample, draw)``.
        """
        draw = np.arange(fractions.shape[-1])

        def levels(states: Sequence[Codes]) -> Array:
            if not states:
                (row,) = self.rows(fractions, beta, np.zeros((1, 0), np.intp))
                only: Array = np.cumsum(row, axis=0)[:-1, None]
                return only
            flat: Rows = np.ravel_multi_index(np.broadcast_arrays(*states), self.shape[:-1])
            wanted, place = np.unique(flat, return_inverse=True)
            rows = np.stack(np.unravel_index(wanted, self.shape[:-1]), axis=1)
            below = np.cumsum(self.rows(fractions, beta, rows), axis=1)[:, :-1]
            found: Array = np.moveaxis(below[place.reshape(flat.shape), :, draw], -1, 0)
            return found

        return levels

    def proportional_odds(self, fractions: Array, beta: Array) -> ProportionalOdds | None:
        """Return the CDF as odds that causes multiply, if it has that form.

        Parameters
        ----------
        fractions : ndarray, shape (n_fractions, draw)
        beta : ndarray, shape (effects, draw)
        """
        return None

    def _simplex(self, fractions: Array) -> list[Array]:
        """Return each simplex, ``(cells, draw)``."""
        found, start = [], 0
        for simplex in self.simplexes:
            stop = start + len(simplex.alpha) - 1
            found.append(break_sticks(fractions[start:stop], axis=0))
            start = stop
        return found


class Saturated(Mechanism):
    """A Dirichlet for each configuration of the parents."""

    def rows(self, fractions: Array, beta: Array, rows: Rows) -> Array:
        """Return rows of the CPT; see `Mechanism.rows`."""
        each = fractions.reshape(-1, self.shape[-1] - 1, fractions.shape[-1])
        at = np.ravel_multi_index(tuple(rows.T), self.shape[:-1]) if self.parents else [0]
        return break_sticks(each[at], axis=-2)

    def proportional_odds(self, fractions: Array, beta: Array) -> ProportionalOdds | None:
        """Return the odds of a node without causes; see `Mechanism.proportional_odds`."""
        if self.parents:
            return None
        below, above = _ends(break_sticks(fractions, axis=0))
        return ProportionalOdds(below, above, (), (), ())


class Item(Saturated):
    """A survey answer as a noisy child of the construct that it measures."""


@dataclass(frozen=True)
class KnownItem(Mechanism):
    """A survey answer whose error is known: no parameters.

    Parameters
    ----------
    known : tuple of tuple of float
        The probability of each answer, one row for each state of the construct.
    """

    known: tuple[tuple[float, ...], ...] = ()

    @property
    def positive(self) -> bool:
        """Whether every answer may come from every state."""
        return min(map(min, self.known)) > 0

    def rows(self, fractions: Array, beta: Array, rows: Rows) -> Array:
        """Return rows of the CPT; see `Mechanism.rows`."""
        table = np.array(self.known)[rows[:, 0]]
        return np.broadcast_to(table[..., None], (*table.shape, fractions.shape[-1]))


class OrdinalLogit(Mechanism):
    """Ordered states with proportional odds, and causes that are monotone or nominal.

    ``P(X <= k | pa) = logistic(c_k - sum_e beta_e (m_e(pa) - centre_e))``. The first simplex is
    the distribution at the average configuration, from which the cutpoints follow; the others
    are the steps of the ordered causes with more than two states (Buerkner and Charpentier 2020,
    doi:10.1111/bmsp.12195). A nominal cause has an effect for each state but its reference, whose
    ``m_e`` is 1 in that state and 0 in every other.
    """

    by_row = True

    def rows(self, fractions: Array, beta: Array, rows: Rows) -> Array:
        """Return rows of the CPT; see `Mechanism.rows`."""
        average, *steps = self._simplex(fractions)
        shifts = self._shifts(steps, beta)
        draws = fractions.shape[-1]
        table = np.empty((len(rows), self.shape[-1], draws))
        # exp(shift) is a product over two halves of the causes, each computed once for the states
        # of its own: of many rows a few hundred exponentials, and one product a row. The halves
        # do not depend on which rows are asked for, so that a row is the same to the bit.
        halves = [self._odds(rows, half, shifts, draws) for half in self._halves]
        below, above = _ends(average)
        few = max(_NEAR // max(draws, 1), 1)
        for start in range(0, len(rows), few):  # so few rows that their draws stay in the cache
            (place, by_state), *others = halves
            odds = by_state[place[start : start + few]]
            for place, by_state in others:
                odds *= by_state[place[start : start + few]]
            _fill(table[start : start + few].swapaxes(0, 1), below, above, odds)
        return table

    def part(self, fractions: Array, beta: Array, codes: Sequence[int | None]) -> Array:
        """Return the rows that some known causes leave; see `Mechanism.part`."""
        average, *steps = self._simplex(fractions)
        shifts = self._shifts(steps, beta)
        draws = fractions.shape[-1]
        halves, opened = [np.ones((1, draws))], []
        for half in self._halves:
            left = [cause for cause in half if codes[cause] is None]
            total: Array = np.zeros((*(self.shape[cause] for cause in left), draws))
            for causes, by_state in shifts.items():
                if set(causes) <= set(half):
                    at = (slice(None) if codes[cause] is None else codes[cause] for cause in causes)
                    mine = [cause for cause in causes if codes[cause] is None]
                    order = [mine.index(cause) for cause in left if cause in mine]
                    sizes = (self.shape[cause] if cause in mine else 1 for cause in left)
                    total += by_state[tuple(at)].transpose(*order, -1).reshape(*sizes, draws)
            halves.append(np.exp(total, out=total).reshape(-1, draws))
            opened += left
        *_, first, second = halves
        # States come first, and a row of draws for every state of the second half: NumPy is several
        # times faster over long rows than over many short ones.
        table = np.empty((self.shape[-1], len(first), second.size))
        below, above = (np.tile(end, len(second)) for end in _ends(average))
        few = max(_NEAR // max(second.size, 1), 1)
        for start in range(0, len(first), few):
            odds = first[start : start + few, None] * second
            _fill(table[:, start : start + few], below, above, odds.reshape(len(odds), -1))
        table = table.reshape(-1, *(self.shape[cause] for cause in opened), draws)
        return table.transpose(*(1 + np.argsort(opened)), 0, -1)

    @cached_property
    def _halves(self) -> tuple[tuple[int, ...], ...]:
        """The causes in two halves of about as many joint states; in one where these are few."""
        rows = math.prod(self.shape[:-1])
        if rows <= _FEW_ROWS:
            return (tuple(range(len(self.parents))),)
        first: set[int] = set()
        for group in self._clusters(1):
            if math.prod(self.shape[cause] for cause in first) ** 2 < rows:
                first |= set(group)
        return tuple(sorted(first)), tuple(sorted(set(range(len(self.parents))) - first))

    def _odds(
        self,
        rows: Rows,
        half: tuple[int, ...],
        shifts: Mapping[tuple[int, ...], Array],
        draws: int,
    ) -> tuple[Rows, Array]:
        """Return the state of some causes in each row, and the odds ratio in each state."""
        sizes = tuple(self.shape[cause] for cause in half)
        key: Rows = np.zeros(len(rows), dtype=np.intp)
        if half:
            key = np.ravel_multi_index(tuple(rows[:, cause] for cause in half), sizes)
        first, place = np.unique(key, return_index=True, return_inverse=True)[1:]
        known = rows[first]
        total: Array = np.zeros((len(known), draws))
        for causes, by_state in shifts.items():
            if set(causes) <= set(half):
                total += by_state[tuple(known[:, cause] for cause in causes)]
        return place, np.exp(total, out=total)

    def levels(self, fractions: Array, beta: Array) -> Levels:
        """Return how to get the CDF where the parents' states differ; see `Mechanism.levels`.

        No CPT is formed: what a few causes together multiply the odds by is looked up.
        """
        return self.proportional_odds(fractions, beta)

    def proportional_odds(self, fractions: Array, beta: Array) -> ProportionalOdds:
        """Return the CDF as odds; see `Mechanism.proportional_odds`."""
        average, *steps = self._simplex(fractions)
        draws = fractions.shape[-1]
        shifts = self._shifts(steps, beta)
        clusters = self._clusters(_LOOKED_UP)
        factors = []
        for causes in clusters:
            sizes = tuple(self.shape[cause] for cause in causes)
            rows = np.zeros((math.prod(sizes), len(self.parents)), dtype=np.intp)
            rows[:, list(causes)] = np.indices(sizes).reshape(len(causes), -1).T
            factors.append(self._odds(rows, causes, shifts, draws)[1])
        below, above = _ends(average)
        return ProportionalOdds(below, above, tuple(clusters), tuple(factors), self.shape[:-1])

    def _clusters(self, most: int) -> list[tuple[int, ...]]:
        """Return the causes in groups of at most so many joint states, or of one interaction."""
        groups: list[set[int]] = [{cause} for cause in range(len(self.parents))]
        for effect in self.effects:  # causes with an interaction stay together
            met = [group for group in groups if group & set(effect.causes)]
            groups = [group for group in groups if group not in met] + [set().union(*met)]
        found: list[set[int]] = []
        for group in sorted(groups, key=min):
            if found and math.prod(self.shape[cause] for cause in found[-1] | group) <= most:
                found[-1] |= group
            else:
                found.append(group)
        return [tuple(sorted(group)) for group in found]

    def shifts(self, fractions: Array, beta: Array) -> dict[tuple[int, ...], Array]:
        """Return what causes add to the linear predictor, by their states.

        Parameters
        ----------
        fractions : ndarray, shape (n_fractions, draw)
        beta : ndarray, shape (effects, draw)

        Returns
        -------
        dict of tuple of int to ndarray, shape ``(*states, draw)``
            By the positions of a cause, or of two together, among the parents.
        """
        return self._shifts(self._simplex(fractions)[1:], beta)

    def _shifts(self, steps: Sequence[Array], beta: Array) -> dict[tuple[int, ...], Array]:
        """Return what a cause, or two together, add by their states: ``(*states, draw)``."""
        remaining = iter(steps)
        graded = {}
        for cause, size in enumerate(self.shape[:-1]):
            if cause not in self.nominal:
                step = next(remaining) if size > 2 else np.ones((1, beta.shape[-1]))
                graded[cause] = np.concatenate([np.zeros_like(step[:1]), np.cumsum(step, axis=0)])
        shifts: dict[tuple[int, ...], Array] = {}
        for effect, size in zip(self.effects, beta, strict=True):
            exposures = [
                graded[cause] if state is None else np.eye(self.shape[cause])[state][:, None]
                for cause, state in zip(effect.causes, effect.states, strict=True)
            ]
            product = exposures[0]
            for exposure in exposures[1:]:
                product = product[..., None, :] * exposure
            added = size * (product - effect.centre)
            shifts[effect.causes] = shifts.get(effect.causes, 0.0) + added
        return shifts

    @cached_property
    def nominal(self) -> frozenset[int]:
        """The positions of the causes whose states have no order."""
        return frozenset(
            cause
            for effect in self.effects
            for cause, state in zip(effect.causes, effect.states, strict=True)
            if state is not None
        )


class NoisyMax(Mechanism):
    """Leaky independent causes; with two states, the leaky noisy-OR.

    ``P(X <= k | pa) = L_k prod_p Q_p[x_p, k]``, where a cause at its reference adds nothing. The
    first simplex is the leak, then one for each other state of each cause.
    """

    by_row = True

    def rows(self, fractions: Array, beta: Array, rows: Rows) -> Array:
        """Return rows of the CPT; see `Mechanism.rows`."""
        leak, *causes = (np.cumsum(simplex, axis=0) for simplex in self._simplex(fractions))
        following = iter(causes)
        below = np.repeat(leak[None], len(rows), axis=0)
        for parent, size in enumerate(self.shape[:-1]):
            others = [next(following) for _ in range(size - 1)]
            below *= np.stack([np.ones_like(leak), *others])[rows[:, parent]]
        below[:, -1] = 1.0
        return np.diff(below, axis=1, prepend=0.0)


def _ends(average: Array) -> tuple[Array, Array]:
    """Return the CDF of a distribution without its last level, and what is above each level."""
    return np.cumsum(average, axis=0)[:-1], np.cumsum(average[::-1], axis=0)[-2::-1]


def _fill(table: Array, below: Array, above: Array, odds: Array) -> None:
    """Fill rows of proportional odds by their odds ratios, ``(row, draw)``.

    ``logistic(logit(p) - shift)`` is ``p / (p + (1 - p) exp(shift))``: no logit, no lost digits.

    Parameters
    ----------
    table : ndarray, shape (state, row, draw)
    below, above : ndarray, shape (state - 1, draw)
        Of the average configuration.
    odds : ndarray, shape (row, draw)
    """
    for level, p, rest in zip(table, below, above, strict=False):
        np.multiply(rest, odds, out=level)
        level += p
        np.divide(p, level, out=level)
    np.subtract(1.0, table[-2], out=table[-1])
    for state in reversed(range(1, len(below))):
        table[state] -= table[state - 1]


def break_sticks(fractions: Array, axis: int = -1) -> Array:
    """Return the distribution over K states given K - 1 stick-breaking fractions.

    Parameters
    ----------
    fractions : ndarray, shape (..., K - 1, ...)
    axis : int
        Of the fractions, and of the states.

    Returns
    -------
    ndarray, shape (..., K, ...)

    Examples
    --------
    >>> break_sticks(np.array([0.5, 0.5])).tolist()
    [0.5, 0.25, 0.25]
    """
    left = np.cumprod(1.0 - fractions, axis=axis)
    whole = np.ones_like(left.take([0], axis=axis))
    before = np.concatenate([whole, left.take(range(left.shape[axis] - 1), axis=axis)], axis=axis)
    return np.concatenate([fractions * before, left.take([-1], axis=axis)], axis=axis)


def too_large(graph: CausalGraph, name: str, draws: int) -> str | None:
    """Say why the draws of a node's CPT cannot be held, if they cannot.

    Parameters
    ----------
    graph : CausalGraph
    name : str
    draws : int

    Returns
    -------
    str or None

    Examples
    --------
    >>> states = {f"n{i}": ["no", "yes"] for i in range(26)}
    >>> g = CausalGraph.from_edges([(f"n{i}", "n25") for i in range(25)], states)
    >>> too_large(g, "n25", 1000)
    "The CPT of 'n25' with its 25 parents has 67,108,864 cells, 500.0 GiB in 1,000 draws; ..."
    """
    cells = math.prod(graph.shape(name))
    if cells <= LARGEST_FAMILY and 8 * cells * draws <= LARGEST_TABLE:
        return None
    return say(
        "graph.too_large",
        node=name,
        count=len(graph.parents(name)),
        cells=f"{cells:,}",
        size=f"{8 * cells * draws / 2**30:,.1f}",
        draws=f"{draws:,}",
        most_cells=f"{LARGEST_FAMILY:,}",
        most_size=f"{LARGEST_TABLE / 2**30:,.0f}",
    )


def holds(graph: CausalGraph, name: str, draws: int) -> bool:
    """Return whether the draws of a node's CPT are few enough to be kept whole, once computed.

    Rows of larger ones are computed whenever they are asked for.

    Parameters
    ----------
    graph : CausalGraph
    name : str
    draws : int
    """
    return 8 * math.prod(graph.shape(name)) * draws <= KEPT_TABLE


def independent_causes(cpt: Array) -> tuple[Array, list[Array]] | None:
    """Recover the leak and the causes of a noisy-max from its CPT, if it has that form.

    Parameters
    ----------
    cpt : ndarray, shape ``(*parents, state, draw)``

    Returns
    -------
    leak : ndarray, shape (state, draw)
        CDF with every parent at its reference.
    causes : list of ndarray, shape (state of the parent, state, draw)
        CDF of each parent's own contribution.

    Notes
    -----
    A noisy-max has ``P(X <= k | pa) = L_k prod_p Q_p[x_p, k]``. With all parents but one at the
    reference the product is ``L_k Q_p[x_p, k]``, which gives each factor; the form holds if the
    product of all factors gives the whole table, and if each of them is a CDF.

    Examples
    --------
    >>> noisy_or = np.array([[[0.9, 0.1], [0.36, 0.64]], [[0.18, 0.82], [0.072, 0.928]]])
    >>> leak, causes = independent_causes(noisy_or[..., None])
    >>> [float(1 - cause[1, 0, 0].round(3)) for cause in causes]
    [0.8, 0.6]
    """
    below = np.cumsum(cpt, axis=-2)
    parents = cpt.ndim - 2
    leak = below[(0,) * parents]
    product = leak
    causes = []
    for axis in range(parents):
        at: list[Any] = [0] * parents
        at[axis] = slice(None)
        cause = np.divide(
            below[tuple(at)], leak, out=np.ones_like(below[tuple(at)]), where=leak > 0
        )
        shape = [1] * parents
        shape[axis] = len(cause)
        product = product * cause.reshape(*shape, *cause.shape[1:])
        causes.append(cause)
    if np.abs(product - below).max() > _FACTORISES:
        return None
    if any(np.diff(c, axis=1).min(initial=0.0) < -_FACTORISES for c in causes):
        return None
    return leak, causes
