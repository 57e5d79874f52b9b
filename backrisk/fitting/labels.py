"""Where chains start when a few people tell of a node that is hidden in most.

The states of a hidden node have mirror images: the same answers are nearly as likely with two of
its states exchanged throughout. A few people in whom the node is known decide which image is right,
but a chain that starts in another may never find out. So its family and those of its effects start
at what these people say, carried on to all by the expectation-maximisation of the circuit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, logit

from backrisk._types import Array
from backrisk.fitting.densities import rows_of
from backrisk.fitting.observed import Prepared, pooled_sites
from backrisk.graph import KnownItem, Mechanism, Saturated
from backrisk.likelihood import distinct_bytes, stack_logs, value_and_counts
from backrisk.posterior import SiteEffects, hidden_nodes
from backrisk.words import say

_ROUNDS, _ENOUGH = (
    40,
    1e-3,
)  # of expectation and maximisation; a gain of log likelihood that ends it
_STEPS = 25  # of an optimiser in each maximisation
_STEP = 1e-5  # of a difference quotient
_AWAY = 0.1  # how far apart chains start, in log odds and in prior standard deviations
_EDGE = 1e-3  # no share starts nearer to 0 or 1


@dataclass(frozen=True, eq=False)
class LabelledStart:
    """Where the parameters of some families start.

    Parameters
    ----------
    nodes : tuple of str
        Hidden in most people and known in some.
    fractions, effects : ndarray of bool, shape (fraction,) and (effect,)
        Which parameters are started.
    log_odds : ndarray, shape (fraction,)
        Of the fractions.
    z : ndarray, shape (effect,)
        Of the effects, as standard normals.
    """

    nodes: tuple[str, ...]
    fractions: NDArray[np.bool_]
    effects: NDArray[np.bool_]
    log_odds: Array
    z: Array

    def beside(self, usual: Callable[[int | None], Array]) -> Callable[[int | None], Array]:
        """Return a chain's start: here for these parameters, as usual for all others.

        Parameters
        ----------
        usual : callable
            From a seed to a vector of log odds of fractions, standard normals of effects, and
            whatever else the model has.
        """

        def start(seed: int | None = None) -> Array:
            found = np.array(usual(seed))
            rng = np.random.default_rng(seed)
            chosen = np.concatenate([self.fractions, self.effects])
            own = np.concatenate([self.log_odds, self.z])[chosen]
            at = np.flatnonzero(chosen)
            found[at] = own + rng.uniform(-_AWAY, _AWAY, size=len(own))
            return found

        return start


def hidden_in_most(prepared: Prepared) -> tuple[str, ...]:
    """Return the nodes that a few people tell, and most do not."""
    graph, shares = prepared.survey.graph, prepared.survey.answered
    answered = {name: float(shares[name]) for name in graph.names}
    hidden = hidden_nodes(graph, answered)
    return tuple(name for name in hidden if answered[name] > 0 and graph.children(name))


def labelled_start(prepared: Prepared) -> LabelledStart | None:
    """Return where chains start; None where no node is hidden in most and known in some.

    Parameters
    ----------
    prepared : Prepared
    """
    nodes = hidden_in_most(prepared)
    if not nodes:
        return None
    graph, layout, prior = prepared.survey.graph, prepared.layout, prepared.prior
    families = {name for node in nodes for name in (node, *graph.children(node))}
    fractions, beta = prior.start.copy(), prior.mean.copy()
    _maximise(prepared, families, prepared.circuit.counts, fractions, beta)
    # Where people were chosen by the outcome, some answers count against the model: there is
    # nothing to maximise family by family, and what the labelled say must do.
    packed, before = prepared.circuit.packed(), -np.inf
    for _ in range(0 if prepared.sampled is not None else _ROUNDS):
        value, counts = value_and_counts(_log_cells(prepared, fractions, beta), *packed)
        if value < before + _ENOUGH:
            break
        before = value
        _maximise(prepared, families, counts, fractions, beta)
    started = np.zeros(len(fractions), bool), np.zeros(len(beta), bool)
    for name in families:
        started[0][layout.fraction_slices[name]] = True
        started[1][layout.effect_slices[name]] = True
    root = np.diag(prior.sd) if prior.root is None else prior.root
    z = np.linalg.solve(root, beta - prior.mean)
    return LabelledStart(nodes, *started, logit(np.clip(fractions, _EDGE, 1 - _EDGE)), z)


def labels_said(prepared: Prepared) -> tuple[str, ...]:
    """Say which nodes chains start from the labels of."""
    answered, people = prepared.survey.answered, prepared.survey.n
    return tuple(
        say("fitting.labelled", name=name, count=round(answered[name] * people), people=people)
        for name in hidden_in_most(prepared)
    )


def _log_cells(prepared: Prepared, fractions: Array, beta: Array) -> Array:
    sites = pooled_sites(prepared.survey)
    effects = None
    if sites:
        pooled = len(prepared.layout.pooled)
        effects = SiteEffects(sites, np.zeros((1, len(sites), pooled)), np.ones((1, pooled)))
    source = rows_of(prepared.layout, fractions[None], beta[None], effects, prepared.sampled)
    found: Array = stack_logs(prepared.circuit.cells, source)[0]
    return found


def _maximise(
    prepared: Prepared, families: set[str], counts: Array, fractions: Array, beta: Array
) -> None:
    """Put in the parameters of some families at which counts and prior are likeliest."""
    layout, cells, prior = prepared.layout, prepared.circuit.cells, prepared.prior
    for name in families:
        each = layout.mechanism(name)
        own, mine = layout.fraction_slices[name], layout.effect_slices[name]
        seen = counts[cells.part(name)]
        if isinstance(each, KnownItem):
            continue
        if isinstance(each, Saturated):
            shaped = seen.reshape(-1, each.shape[-1])
            pairs = []
            for simplex, row in zip(each.simplexes, shaped, strict=True):
                alpha = np.asarray(simplex.alpha) + row
                rest = np.cumsum(alpha[::-1])[::-1]
                pairs += (alpha[:-1] / rest[:-1]).tolist()
            fractions[own] = pairs
            continue
        family = _Family(
            each,
            cells.joint(name)[:, -len(each.shape) :],  # without the site
            seen,
            (prior.fractions[0][own], prior.fractions[1][own]),
            (prior.mean[mine], prior.sd[mine]),
        )
        first = np.concatenate([logit(np.clip(fractions[own], _EDGE, 1 - _EDGE)), beta[mine]])
        options = {"maxiter": _STEPS}
        found = minimize(family.slope, first, jac=True, method="L-BFGS-B", options=options).x
        split = own.stop - own.start
        fractions[own], beta[mine] = expit(found[:split]), found[split:]


@dataclass(frozen=True, eq=False)
class _Family:
    """A family without a closed form, its counts and the prior of its parameters.

    Parameters
    ----------
    mechanism : Mechanism
    joint : ndarray of int8, shape (cell, member)
        The states of the parents and of the node in each cell.
    counts : ndarray, shape (cell,)
    fractions : pair of ndarray
        Of the Beta prior of each.
    effects : pair of ndarray
        Mean and standard deviation of the prior of each.
    """

    mechanism: Mechanism
    joint: NDArray[np.int8]
    counts: Array
    fractions: tuple[Array, Array]
    effects: tuple[Array, Array]

    def lost(self, points: Array) -> Array:
        """Return minus the log of counts and prior at some points, ``(parameter, point)``."""
        (a, b), (mean, sd) = self.fractions, self.effects
        rows, which = distinct_bytes(np.ascontiguousarray(self.joint[:, :-1]))
        v = np.clip(expit(points[: len(a)]), _EDGE**2, 1 - _EDGE**2)
        table = self.mechanism.rows(v, points[len(a) :], rows.astype(np.intp))
        cells = np.log(np.maximum(table[which, self.joint[:, -1]], np.finfo(float).tiny))
        away = (points[len(a) :] - mean[:, None]) / sd[:, None]
        prior = a @ np.log(v) + b @ np.log1p(-v) - 0.5 * (away**2).sum(axis=0)
        found: Array = -(self.counts @ cells + prior)
        return found

    def slope(self, point: Array) -> tuple[float, Array]:
        """Return the same at one point, and its derivative by difference quotients."""
        size = len(point)
        beside = point[:, None] + np.hstack([np.zeros((size, 1)), _STEP * np.eye(size)])
        values = self.lost(beside)
        return float(values[0]), (values[1:] - values[0]) / _STEP
