"""How a node depends on its parents: parameters, priors, and the CPT in NumPy.

Every parameter lives in one of two vectors, whatever the graph:

``continuation``
    Stick-breaking fractions in (0, 1). A distribution over K ordered states takes K - 1 of them,
    ``v_k = P(X = k | X >= k)``. A Dirichlet(alpha) is exactly independent fractions
    ``v_k ~ Beta(alpha_k, alpha_{k+1} + ... + alpha_K)``.
``beta``
    Log odds ratios of effects, each from the reference to the worst state of the cause.

So a graph of any size compiles to a model of two random variables. A `Layout` says which part of
the vectors belongs to which node.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backrisk.errors import GraphError
from backrisk.graph import CausalGraph, Edge, Node

Array = NDArray[np.float64]
Rows = NDArray[np.intp]

LARGEST_FAMILY = 2**24  # cells that a CPT may have
LARGEST_TABLE = 2 * 2**30  # bytes that its draws may take
_FEWEST_DRAWS = 1000  # that a fitted posterior should hold
_INCREMENTS = 2.0  # Dirichlet weight of each step between a cause's states: gently equal
_VAGUE_EFFECT = (0.0, 1.0)  # an edge of which the graph states no prior
_NOISY_CONCENTRATION = 5.0  # prior observations behind each cause of a noisy-max
_LEAST = 0.02  # no prior share is below this
_FACTORISES = 1e-9
_START = 0.6  # how far answers of unknown error tell states apart where a chain starts
SITE_SCALE = 0.5  # prior scale of how far sites lie apart, on the log odds scale


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
        Of its prior: normal, or log-normal where the sign is settled.
    centre : float
        Average exposure under the prior margins; subtracted, so that the cutpoints speak of the
        average parent configuration.
    settled : bool
        Whether the sign is that of the mean: so where the claim is graded strong.
    """

    label: str
    causes: tuple[int, ...]
    mean: float
    sd: float
    centre: float
    settled: bool = False


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

    @property
    def n_fractions(self) -> int:
        """How many stick-breaking fractions the node has."""
        return sum(len(simplex.alpha) - 1 for simplex in self.simplexes)

    @property
    def positive(self) -> bool:
        """Whether no probability is ever zero: so where all are sampled."""
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
        ndarray, shape (draw, *parents, state)
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
    """Ordered states with proportional odds and monotone causes.

    ``P(X <= k | pa) = logistic(c_k - sum_e beta_e (m_e(pa) - centre_e))``. The first simplex is
    the distribution at the average configuration, from which the cutpoints follow; the others
    are the steps of the causes with more than two states (Buerkner and Charpentier 2020,
    doi:10.1111/bmsp.12195).
    """

    def rows(self, fractions: Array, beta: Array, rows: Rows) -> Array:
        """Return rows of the CPT; see `Mechanism.rows`."""
        average, *steps = self._simplex(fractions)
        # logistic(logit(p) - shift) is p / (p + (1 - p) exp(shift)): no logit, no lost digits.
        below = np.cumsum(average, axis=0)[:-1]
        above = np.cumsum(average[::-1], axis=0)[-2::-1]
        shifts = self._shifts(steps, beta)
        table = np.empty((len(rows), self.shape[-1], fractions.shape[-1]))
        for row, part in zip(rows.tolist(), table, strict=True):  # each row's draws fit the cache
            shift = np.zeros(fractions.shape[-1])
            for effect, by_state in zip(self.effects, shifts, strict=True):
                shift += by_state[tuple(row[p] for p in effect.causes)]
            odds = np.exp(shift, out=shift)
            bottom = above * odds
            bottom += below
            np.divide(below, bottom, out=part[:-1])
            np.subtract(1.0, part[-2], out=part[-1])
            part[1:-1] -= part[:-2]
        return table

    def _shifts(self, steps: Sequence[Array], beta: Array) -> list[Array]:
        """Return what each effect adds, by the states of its causes: ``(*states, draw)``."""
        remaining = iter(steps)
        exposure = []
        for size in self.shape[:-1]:
            step = next(remaining) if size > 2 else np.ones((1, beta.shape[-1]))
            exposure.append(np.concatenate([np.zeros_like(step[:1]), np.cumsum(step, axis=0)]))
        shifts = []
        for effect, size in zip(self.effects, beta, strict=True):
            product = exposure[effect.causes[0]]
            for cause in effect.causes[1:]:
                product = product[..., None, :] * exposure[cause]
            shifts.append(size * (product - effect.centre))
        return shifts


class NoisyMax(Mechanism):
    """Leaky independent causes; with two states, the leaky noisy-OR.

    ``P(X <= k | pa) = L_k prod_p Q_p[x_p, k]``, where a cause at its reference adds nothing. The
    first simplex is the leak, then one for each other state of each cause.
    """

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


def prior_margin(node: Node) -> Array:
    """Return the prior guess of a node's margin: the stated one, else equal shares."""
    if node.margin is not None:
        return np.asarray(node.margin)
    return np.full(len(node.states), 1.0 / len(node.states))


def mechanism(graph: CausalGraph, name: str) -> Mechanism:
    """Build the mechanism of a node from what the graph says of it.

    Parameters
    ----------
    graph : CausalGraph
    name : str

    Returns
    -------
    Mechanism

    Raises
    ------
    GraphError
        If the node has so many parents that draws of its CPT cannot be held.

    Examples
    --------
    >>> g = CausalGraph.from_edges([("a", "b")], {"a": ["no", "yes"], "b": ["no", "yes"]})
    >>> mechanism(g, "b").cpt(np.array([[0.9, 0.2]]), np.zeros((1, 0))).round(3).tolist()
    [[[0.9, 0.1], [0.2, 0.8]]]
    """
    if complaint := too_large(graph, name, _FEWEST_DRAWS):
        raise GraphError(complaint)
    build = {
        "saturated": _saturated,
        "ordinal_logit": _ordinal_logit,
        "noisy_max": _noisy_max,
        "item": _item,
        "response": _ordinal_logit,
    }
    return build[graph.mechanism(name)](graph, graph.node(name))


def too_large(graph: CausalGraph, name: str, draws: int) -> str | None:
    """Say why the draws of a node's CPT cannot be held, if they cannot.

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
    return (
        f"The CPT of '{name}' with its {len(graph.parents(name))} parents has {cells:,} cells, "
        f"{8 * cells * draws / 2**30:,.1f} GiB in {draws:,} draws; the limit is "
        f"{LARGEST_FAMILY:,} cells and {LARGEST_TABLE / 2**30:,.0f} GiB. Put a node between it "
        "and some of its parents."
    )


def _row_labels(graph: CausalGraph, node: Node) -> list[str]:
    parents = [graph.node(parent) for parent in graph.parents(node.name)]
    if not parents:
        return [node.name]
    rows = itertools.product(*(parent.states for parent in parents))
    names = [parent.name for parent in parents]
    return [
        f"{node.name} | " + ", ".join(f"{n}={s}" for n, s in zip(names, row, strict=True))
        for row in rows
    ]


def _saturated(graph: CausalGraph, node: Node) -> Mechanism:
    edges = graph.edges_into(node.name)
    if any(edge.prior is not None for edge in edges):
        stated = _ordinal_logit(graph, node)
        means = np.array([[effect.mean for effect in stated.effects]])
        alpha = [a / (a + b) for s in stated.simplexes for a, b in s.fractions()]
        centred = stated.cpt(np.array([alpha]), means).reshape(-1, len(node.states))
        rows = node.concentration * np.maximum(centred, _LEAST)
    else:
        count = int(np.prod(graph.shape(node.name)[:-1]))
        row = np.ones(len(node.states))
        if node.margin is not None:
            row = node.concentration * prior_margin(node)
        rows = np.tile(row, (count, 1))
    return Saturated(
        node.name,
        graph.parents(node.name),
        graph.shape(node.name),
        tuple(
            Simplex(label, node.states, tuple(map(float, row)))
            for label, row in zip(_row_labels(graph, node), rows, strict=True)
        ),
    )


def _item(graph: CausalGraph, node: Node) -> Mechanism:
    construct = graph.node(graph.parents(node.name)[0])
    rows = np.full((len(construct.states), len(node.states)), 1.0 / len(node.states))
    people = float(len(node.states))  # nothing is known of its error: Dirichlet(1, ..., 1)
    if node.misclassification is not None:
        rows, people = np.array(node.misclassification), node.concentration
    elif node.reliability is not None:
        exact = _nearest_answer(construct.states, node.states)
        chance = prior_margin(construct) @ exact
        rows = node.reliability * exact + (1.0 - node.reliability) * chance
        people = node.concentration
    shape = graph.shape(node.name)
    stated = node.misclassification is not None or node.reliability is not None
    if node.fixed:
        known = tuple(tuple(map(float, row)) for row in rows)
        return KnownItem(node.name, (construct.name,), shape, (), (), known)
    # Of what nothing is known, chains start where answers tell states apart: a chain that started
    # in the mirror image, where every answer is wrong, could stay there.
    exact = _nearest_answer(construct.states, node.states)
    starts = _START * exact + (1.0 - _START) * rows if not stated else rows
    return Item(
        node.name,
        (construct.name,),
        shape,
        tuple(
            Simplex(label, node.states, tuple(map(float, row)), tuple(map(float, start)))
            for label, row, start in zip(
                _row_labels(graph, node), people * np.maximum(rows, _LEAST), starts, strict=True
            )
        ),
    )


def _nearest_answer(states: Sequence[str], answers: Sequence[str]) -> Array:
    """Return what an errorless answer would be, ``(state, answer)``.

    Where no answer says a state, people choose equally between its neighbours.
    """
    place = np.array([states.index(answer) for answer in answers])
    exact = np.zeros((len(states), len(answers)))
    for state in range(len(states)):
        around = {
            int(np.searchsorted(place, state)),
            int(np.searchsorted(place, state, side="right")) - 1,
        }
        chosen = [state_at for state_at in sorted(around) if 0 <= state_at < len(answers)]
        exact[state, chosen] = 1.0 / len(chosen)
    return exact


def _average_exposure(node: Node) -> float:
    """Return the mean of the equal-stepped exposure 0..1 under the prior margin."""
    return float(prior_margin(node) @ np.linspace(0.0, 1.0, len(node.states)))


def _ordinal_logit(graph: CausalGraph, node: Node) -> Mechanism:
    edges = graph.edges_into(node.name)
    parents = [graph.node(edge.cause) for edge in edges]
    effects = _ordinal_effects(node, edges, parents)
    average = _at_average(prior_margin(node), parents, effects)
    baseline = node.concentration * np.maximum(average, _LEAST)
    simplexes = [Simplex(f"{node.name} on average", node.states, tuple(map(float, baseline)))]
    simplexes += [
        Simplex(
            f"{node.name}, steps of {parent.name}", parent.states[1:], (_INCREMENTS,) * (size - 1)
        )
        for parent in parents
        if (size := len(parent.states)) > 2
    ]
    return OrdinalLogit(
        node.name,
        graph.parents(node.name),
        graph.shape(node.name),
        tuple(simplexes),
        tuple(effects),
    )


def _ordinal_effects(node: Node, edges: Sequence[Edge], parents: Sequence[Node]) -> list[Effect]:
    effects = []
    for position, (edge, parent) in enumerate(zip(edges, parents, strict=True)):
        mean, sd = (edge.prior.mean, edge.prior.sd) if edge.prior else _VAGUE_EFFECT
        label = f"{node.name}, {parent.name}"
        settled = edge.grade == "strong" and edge.prior is not None and mean != 0.0
        effects.append(Effect(label, (position,), mean, sd, _average_exposure(parent), settled))
    names = [parent.name for parent in parents]
    for first, second in node.interactions:
        pair = (names.index(first), names.index(second))
        centre = _average_exposure(parents[pair[0]]) * _average_exposure(parents[pair[1]])
        effects.append(Effect(f"{node.name}, {first} x {second}", pair, 0.0, 0.5, centre))
    return effects


def _at_average(margin: Array, parents: Sequence[Node], effects: Sequence[Effect]) -> Array:
    """Return the distribution at the average configuration from which a margin follows.

    The logistic curve bends: averaged over the parents, with every effect at its prior mean and
    the parents as likely as their own margins, the node is not distributed as it is at the
    average of the parents. The cutpoints are moved until it is.
    """
    weights, shift = np.ones(()), np.zeros(())
    for parent in parents:
        weights = weights[..., None] * prior_margin(parent)
    for effect in effects:
        exposure: Array = np.ones((1,) * len(parents))
        for cause in effect.causes:
            steps = np.linspace(0.0, 1.0, len(parents[cause].states))
            exposure = exposure * steps.reshape(
                [-1 if p == cause else 1 for p in range(len(parents))]
            )
        shift = shift + effect.mean * (exposure - effect.centre)
    flat = np.broadcast_to(shift, weights.shape).ravel()
    low, high = np.full(len(margin) - 1, -30.0), np.full(len(margin) - 1, 30.0)
    for _ in range(60):
        cut = (low + high) / 2
        below = weights.ravel() @ (1.0 / (1.0 + np.exp(flat[:, None] - cut)))
        under = below < np.cumsum(margin)[:-1]
        low, high = np.where(under, cut, low), np.where(under, high, cut)
    return np.diff(1.0 / (1.0 + np.exp(-(low + high) / 2)), prepend=0.0, append=1.0)


def _noisy_max(graph: CausalGraph, node: Node) -> Mechanism:
    margin = prior_margin(node)
    below = np.cumsum(margin)[:-1]
    leak = node.concentration * np.maximum(margin, _LEAST)
    simplexes = [Simplex(f"{node.name}, leak", node.states, tuple(map(float, leak)))]
    for edge in graph.edges_into(node.name):
        cause = graph.node(edge.cause)
        mean = edge.prior.mean if edge.prior else 0.5
        for state in range(1, len(cause.states)):
            shift = max(mean, 0.0) * state / (len(cause.states) - 1)
            ratio = 1.0 / (below + (1.0 - below) * np.exp(shift))
            pmf = np.maximum(np.diff(ratio, prepend=0.0, append=1.0), _LEAST)
            alpha = _NOISY_CONCENTRATION * pmf / pmf.sum()
            label = f"{node.name}, {cause.name}={cause.states[state]}"
            simplexes.append(Simplex(label, node.states, tuple(map(float, alpha))))
    return NoisyMax(node.name, graph.parents(node.name), graph.shape(node.name), tuple(simplexes))


@dataclass(frozen=True, eq=False)
class Layout:
    """Which part of the two parameter vectors belongs to which node.

    Parameters
    ----------
    graph : CausalGraph

    Examples
    --------
    >>> g = CausalGraph.from_edges([("a", "b")], {"a": ["no", "yes"], "b": ["no", "yes"]})
    >>> Layout(g).fraction_labels
    ('a: no', 'b | a=no: no', 'b | a=yes: no')
    """

    graph: CausalGraph

    @cached_property
    def mechanisms(self) -> dict[str, Mechanism]:
        """The mechanism of each node, in the graph's order."""
        return {name: mechanism(self.graph, name) for name in self.graph.names}

    @cached_property
    def pooled(self) -> tuple[str, ...]:
        """The nodes whose intercept may differ between sites: the ordinal ones."""
        return tuple(n for n, m in self.mechanisms.items() if isinstance(m, OrdinalLogit))

    @cached_property
    def fraction_slices(self) -> dict[str, slice]:
        """The part of ``continuation`` that each node owns."""
        return _slices({n: m.n_fractions for n, m in self.mechanisms.items()})

    @cached_property
    def effect_slices(self) -> dict[str, slice]:
        """The part of ``beta`` that each node owns."""
        return _slices({n: len(m.effects) for n, m in self.mechanisms.items()})

    @cached_property
    def fraction_labels(self) -> tuple[str, ...]:
        """What each fraction is: the distribution, and the state it stops at."""
        return tuple(
            f"{simplex.label}: {state}"
            for each in self.mechanisms.values()
            for simplex in each.simplexes
            for state in simplex.states[:-1]
        )

    @cached_property
    def effect_labels(self) -> tuple[str, ...]:
        """What each effect is: ``"effect, cause"``."""
        return tuple(e.label for each in self.mechanisms.values() for e in each.effects)

    @cached_property
    def fraction_prior(self) -> tuple[Array, Array]:
        """The two parameters of the Beta prior of each fraction."""
        pairs = [
            pair
            for each in self.mechanisms.values()
            for simplex in each.simplexes
            for pair in simplex.fractions()
        ]
        return np.array([a for a, _ in pairs]), np.array([b for _, b in pairs])

    @cached_property
    def fraction_start(self) -> Array:
        """Where a chain starts each fraction."""
        found = []
        for each in self.mechanisms.values():
            for simplex in each.simplexes:
                share = np.array(simplex.alpha if simplex.start is None else simplex.start)
                rest = np.cumsum(share[::-1])[::-1]
                found += (share[:-1] / rest[:-1]).tolist()
        start: Array = np.clip(np.array(found), _LEAST / 2, 1 - _LEAST / 2)
        return start

    @cached_property
    def _effects(self) -> list[Effect]:
        return [effect for each in self.mechanisms.values() for effect in each.effects]

    @cached_property
    def effect_prior(self) -> tuple[Array, Array]:
        """Mean and standard deviation of the prior of each effect."""
        return np.array([e.mean for e in self._effects]), np.array([e.sd for e in self._effects])

    @cached_property
    def effect_scale(self) -> tuple[Array, Array, Array]:
        """How a standard normal ``z`` becomes an effect, three vectors: location, spread, sign.

        ``location + spread * z`` where the sign is 0; else ``sign * exp(location + spread * z)``,
        the log-normal of the prior's mean and standard deviation.
        """
        mean, sd = self.effect_prior
        sign = np.array([np.sign(e.mean) * e.settled for e in self._effects])
        ratio = np.divide(sd, mean, out=np.zeros_like(mean), where=sign != 0)
        spread = np.sqrt(np.log1p(ratio**2))
        size = np.log(np.where(sign != 0, np.abs(mean), 1.0)) - 0.5 * spread**2
        return np.where(sign != 0, size, mean), np.where(sign != 0, spread, sd), sign

    def cpt(self, name: str, continuation: Array, beta: Array) -> Array:
        """Return the CPT of a node.

        Parameters
        ----------
        name : str
        continuation : ndarray, shape (draw, fractions)
        beta : ndarray, shape (draw, effects)

        Returns
        -------
        ndarray, shape (draw, *parents, state)
        """
        return self.mechanisms[name].cpt(
            continuation[:, self.fraction_slices[name]], beta[:, self.effect_slices[name]]
        )

    def at_shift(self, continuation: Array, shift: Array) -> Array:
        """Return the fractions of a site whose linear predictors are shifted.

        A shift moves the cutpoints, so that the site is a model like any other.

        Parameters
        ----------
        continuation : ndarray, shape (draw, fractions)
        shift : ndarray, shape (draw, pooled node)

        Returns
        -------
        ndarray, shape (draw, fractions)
        """
        moved = continuation.copy()
        for column, name in enumerate(self.pooled):
            start = self.fraction_slices[name].start
            part = slice(start, start + self.mechanisms[name].shape[-1] - 1)
            # P(X > k) is a product of survivals; its odds grow by exp(shift).
            above = np.cumprod(1.0 - continuation[:, part], axis=1)
            odds = np.exp(shift[:, column, None])
            above = above * odds / (1.0 - above + above * odds)
            before = np.concatenate([np.ones_like(above[:, :1]), above[:, :-1]], axis=1)
            moved[:, part] = 1.0 - above / before
        return moved

    def rows(self, name: str, continuation: Array, beta: Array, rows: Rows) -> Array:
        """Return some rows of the CPT of a node, draws last.

        Parameters
        ----------
        name : str
        continuation : ndarray, shape (fractions, draw)
        beta : ndarray, shape (effects, draw)
        rows : ndarray of int, shape (row, parent)

        Returns
        -------
        ndarray, shape (row, state, draw)
        """
        return self.mechanisms[name].rows(
            continuation[self.fraction_slices[name]], beta[self.effect_slices[name]], rows
        )

    def draw_prior(self, draws: int, rng: np.random.Generator) -> tuple[Array, Array]:
        """Draw ``continuation`` and ``beta`` from their priors, each ``(draw, ...)``."""
        a, b = self.fraction_prior
        continuation = rng.beta(a, b, size=(draws, len(a)))
        tiny = np.finfo(float).eps
        location, spread, sign = self.effect_scale
        beta = location + spread * rng.normal(size=(draws, len(location)))
        beta = np.where(sign != 0, sign * np.exp(np.where(sign != 0, beta, 0.0)), beta)
        return np.clip(continuation, tiny, 1 - tiny), beta


def _slices(sizes: Mapping[str, int]) -> dict[str, slice]:
    stops = np.cumsum(list(sizes.values()))
    return {
        name: slice(int(stop) - size, int(stop))
        for (name, size), stop in zip(sizes.items(), stops, strict=True)
    }


def independent_causes(cpt: Array) -> tuple[Array, list[Array]] | None:
    """Recover the leak and the causes of a noisy-max from its CPT, if it has that form.

    Parameters
    ----------
    cpt : ndarray, shape (*parents, state, draw)

    Returns
    -------
    leak : ndarray, shape (state, draw)
        CDF with every parent at its reference.
    causes : list of ndarray, shape (state of the parent, state, draw)
        CDF of each parent's own contribution.

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
