"""The prior of the effects, conditioned on associations that were published.

An effect's prior is normal; a published log ratio is a normal observation of what the graph
implies for given effects. The implied association bends, so that the posterior is not normal: it
is approached by the normal at its mode (Gauss-Newton; Laplace), and how near that is to the truth
is measured by importance sampling. The result is the prior of every fit, a multivariate normal: a
fit costs what it did.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np
from scipy import special

from backrisk._types import Array
from backrisk.graph import CausalGraph, Layout, OrdinalLogit, ParameterPrior
from backrisk.likelihood.implied import LARGEST, Implied
from backrisk.likelihood.readings import Reading, readings
from backrisk.words import say

_STEPS = 50  # of Gauss-Newton, at most; a handful do
_CLOSE = 1e-8  # how little the objective falls in the last step
_NOTHING = 1e-3  # of its variance, which a step loses where no figure speaks of it
_CHECK_DRAWS = 400  # of the result, weighted to the exact posterior


@dataclass(frozen=True, eq=False)
class Conditioned:
    """The prior of a graph's parameters, conditioned on published figures.

    Parameters
    ----------
    prior : ParameterPrior
        Whose effects are multivariate normal; as the graph states it where no figure is used.
    figures : tuple of Reading
        All that the graph has, with the reason where one is not used.
    weights : callable, optional
        Returns how much each of some draws of the prior weighs when they are weighted to the exact
        posterior, ``(draw,)``, up to a factor. None where the prior is exact.
    """

    prior: ParameterPrior
    figures: tuple[Reading, ...] = ()
    weights: Callable[[], Array] | None = None

    @cached_property
    def effective(self) -> float:
        """How near the normal is to the exact posterior of effects and thresholds.

        The effective share, from 0 to 1, of its draws when they are weighted to it: 1 where it is
        exact. Computed when it is first asked for, which takes longer than conditioning.
        """
        if self.weights is None:
            return 1.0
        weights = self.weights()
        return float(weights.sum() ** 2 / (weights**2).sum() / len(weights))

    @property
    def used(self) -> tuple[Reading, ...]:
        """The figures that the prior is conditioned on."""
        return tuple(each for each in self.figures if each.used)


def conditioned(layout: Layout, *, seed: int = 0) -> Conditioned:
    """Condition a graph's prior on the figures that were published.

    Parameters
    ----------
    layout : Layout
    seed : int
        Of the draws by which the result is checked.

    Returns
    -------
    Conditioned

    Notes
    -----
    A published log ratio with its standard error is a normal observation of the one that the graph
    implies (`Implied`). What is conditioned are the effects and the steps between a cause's states.
    Shares, of states where causes are average and of roots, keep their prior, and what they add to
    the uncertainty of the implied ratios is integrated out. Fractions are taken as normal on the
    logit scale; those of steps become the beta distributions of the same moments there.

    Examples
    --------
    >>> from backrisk.graph import load_graph
    >>> conditioned(Layout(load_graph("runner_core"))).effective > 0.5
    True
    """
    return _conditioned(layout.graph, seed, LARGEST)


@lru_cache(maxsize=8)  # many fits and checks are of one graph
def _conditioned(graph: CausalGraph, seed: int, limit: int) -> Conditioned:
    layout = Layout(graph)
    figures = within_reach(layout, readings(graph), limit)
    used = [each for each in figures if each.used]
    if not used:
        return Conditioned(layout.prior, figures)
    implied = Implied(layout, tuple(each.contrast for each in used if each.contrast))
    estimates = np.array([each.figure.log_estimate for each in used])
    errors = np.array([each.figure.standard_error for each in used])
    stated = _Normal.of(layout.prior)
    found = _posterior(implied, stated, estimates, errors)
    prior = found.as_prior(layout.prior, stated, _steps(layout))

    def weights() -> Array:
        fractions, effects = prior.draw(_CHECK_DRAWS, np.random.default_rng(seed))
        off = (estimates - implied.values(fractions, effects)) / errors
        log = layout.prior.log_density(fractions, effects) - prior.log_density(fractions, effects)
        log -= 0.5 * (off**2).sum(axis=1)
        found: Array = np.exp(log - log.max())
        return found

    return Conditioned(prior, figures, weights)


def within_reach(
    layout: Layout, figures: Sequence[Reading], limit: int = LARGEST
) -> tuple[Reading, ...]:
    """Return the figures, those with a reason and no contrast whose tables would be too large."""
    found = []
    for each in figures:
        size = Implied(layout, (each.contrast,)).cells[0] if each.contrast else 0
        if each.used and not layout.effect_labels:
            found.append(replace(each, why=say("likelihood.figure.no_effects")))
        elif size > limit:
            why = say("likelihood.figure.too_large", cells=f"{size:,}", limit=f"{limit:,}")
            found.append(Reading(each.figure, None, why))
        else:
            found.append(each)
    return tuple(found)


@dataclass(frozen=True, eq=False)
class _Normal:
    """All parameters as one normal vector: logits of the fractions, then the effects.

    Parameters
    ----------
    mean : ndarray, shape (fraction + effect,)
    covariance : ndarray, shape (fraction + effect, fraction + effect)
    fractions : int
        How many fractions there are.
    """

    mean: Array
    covariance: Array
    fractions: int

    @classmethod
    def of(cls, prior: ParameterPrior) -> _Normal:
        first, second = prior.fractions
        size = len(first)
        covariance = np.zeros((size + len(prior.mean),) * 2)
        logits = special.polygamma(1, first) + special.polygamma(1, second)
        covariance[:size, :size] = np.diag(logits)
        covariance[size:, size:] = prior.covariance
        mean = special.digamma(first) - special.digamma(second)
        return cls(np.concatenate([mean, prior.mean]), covariance, size)

    def split(self, values: Array) -> tuple[Array, Array]:
        """Return fractions and effects."""
        return special.expit(values[: self.fractions]), values[self.fractions :]

    def as_prior(self, prior: ParameterPrior, before: _Normal, steps: list[int]) -> ParameterPrior:
        """Return a prior with these effects and the steps that have become narrower."""
        first, second = (part.copy() for part in prior.fractions)
        variance, stated = np.diag(self.covariance), np.diag(before.covariance)
        for at in steps:
            if variance[at] < (1.0 - _NOTHING) * stated[at]:
                first[at], second[at] = _beta(self.mean[at], variance[at])
        kept = replace(prior, fractions=(first, second))
        size = self.fractions
        return kept.with_effects(self.mean[size:], self.covariance[size:, size:])


def _steps(layout: Layout) -> list[int]:
    """Return which fractions are steps between a cause's states."""
    found: list[int] = []
    for name, each in layout.mechanisms.items():
        part = layout.fraction_slices[name]
        if isinstance(each, OrdinalLogit):
            found += range(part.start + each.shape[-1] - 1, part.stop)
    return found


def _beta(mean: float, variance: float) -> tuple[float, float]:
    """Return the beta distribution whose logit has a mean and a variance (Newton's method)."""
    logs = np.log(np.array([1.0 + np.exp(mean), 1.0 + np.exp(-mean)]) / variance)
    for _ in range(_STEPS):
        a, b = np.exp(logs)
        off = [
            special.digamma(a) - special.digamma(b) - mean,
            special.polygamma(1, a) + special.polygamma(1, b) - variance,
        ]
        slopes = [
            [special.polygamma(1, a) * a, -special.polygamma(1, b) * b],
            [special.polygamma(2, a) * a, special.polygamma(2, b) * b],
        ]
        move = np.linalg.solve(slopes, off)
        logs = logs - move / max(1.0, np.abs(move).max())
        if np.abs(move).max() < _CLOSE:
            break
    a, b = np.exp(logs)
    return float(a), float(b)


def _posterior(implied: Implied, stated: _Normal, estimates: Array, errors: Array) -> _Normal:
    """Return the normal at the mode, with the curvature there."""
    precision = np.linalg.inv(stated.covariance)

    def at(point: Array) -> tuple[Array, Array, float]:
        fractions, effects = stated.split(point)
        values, by_fractions, by_effects = implied.gradient(fractions, effects)
        slopes = np.hstack([by_fractions * (fractions * (1.0 - fractions)), by_effects])
        off, away = (estimates - values) / errors, point - stated.mean
        return values, slopes, float(off @ off + away @ precision @ away) / 2

    def gain(slopes: Array) -> Array:
        across = slopes @ stated.covariance
        return np.asarray(np.linalg.solve(across @ slopes.T + np.diag(errors**2), across).T)

    point = stated.mean
    values, slopes, height = at(point)
    for _ in range(_STEPS):
        ahead = estimates - values + slopes @ (point - stated.mean)
        move = stated.mean + gain(slopes) @ ahead - point
        length = 1.0
        while True:  # halve a step that would climb
            tried = point + length * move
            values, slopes, found = at(tried)
            if found <= height or length < _CLOSE:
                break
            length /= 2
        fallen, point, height = height - found, tried, found
        if fallen < _CLOSE:
            break
    covariance = stated.covariance - gain(slopes) @ slopes @ stated.covariance
    return _Normal(point, (covariance + covariance.T) / 2, stated.fractions)
