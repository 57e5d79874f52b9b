"""The prior of the two parameter vectors: its numbers, where chains start, and draws from it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from backrisk._types import Array
from backrisk.graph.mechanisms import Mechanism, Simplex
from backrisk.graph.priors import LEAST


@dataclass(frozen=True, eq=False)
class ParameterPrior:
    """The prior of all fractions and effects of a graph, in the order of its `Layout`.

    Fractions are beta, effects are normal. No sign is forced, whatever the grade of a claim: what
    keeps an unobserved node's states from changing places is where its chains start, near the
    prior mean, and what it is measured by.

    Parameters
    ----------
    fractions : pair of ndarray, each (fraction,)
        The two parameters of each fraction's Beta prior.
    start : ndarray, shape (fraction,)
        Where a chain starts each fraction.
    mean, sd : ndarray, shape (effect,)
        Of the normal prior of each effect, a log odds ratio.
    root : ndarray, shape (effect, effect), optional
        Lower triangular, where effects depend on each other: their covariance is this matrix times
        its transpose, and `sd` is the root of its diagonal.
    """

    fractions: tuple[Array, Array]
    start: Array
    mean: Array
    sd: Array
    root: Array | None = None

    @classmethod
    def of(cls, mechanisms: Iterable[Mechanism]) -> ParameterPrior:
        """Gather the prior from the mechanisms, in their order."""
        known = list(mechanisms)
        simplexes = [simplex for each in known for simplex in each.simplexes]
        effects = [effect for each in known for effect in each.effects]
        pairs = [pair for simplex in simplexes for pair in simplex.fractions()]
        return cls(
            (np.array([a for a, _ in pairs]), np.array([b for _, b in pairs])),
            _start(simplexes),
            np.array([effect.mean for effect in effects]),
            np.array([effect.sd for effect in effects]),
        )

    @property
    def covariance(self) -> Array:
        """The covariance of the effects, ``(effect, effect)``."""
        return np.diag(self.sd**2) if self.root is None else self.root @ self.root.T

    def with_effects(self, mean: Array, covariance: Array) -> ParameterPrior:
        """Return the same prior of the fractions with multivariate normal effects.

        Parameters
        ----------
        mean : ndarray, shape (effect,)
        covariance : ndarray, shape (effect, effect)

        Returns
        -------
        ParameterPrior
        """
        sd = np.sqrt(np.diag(covariance))
        return replace(self, mean=mean, sd=sd, root=np.linalg.cholesky(covariance))

    def draw(self, draws: int, rng: np.random.Generator) -> tuple[Array, Array]:
        """Draw from the prior.

        Parameters
        ----------
        draws : int
        rng : numpy.random.Generator

        Returns
        -------
        fractions : ndarray, shape (draw, fraction)
            Strictly between 0 and 1.
        effects : ndarray, shape (draw, effect)
        """
        a, b = self.fractions
        fractions = rng.beta(a, b, size=(draws, len(a)))
        tiny = np.finfo(float).eps
        z = rng.normal(size=(draws, len(self.mean)))
        effects = self.mean + (self.sd * z if self.root is None else z @ self.root.T)
        return np.clip(fractions, tiny, 1 - tiny), effects

    def log_density(self, fractions: Array, effects: Array) -> Array:
        """Return the log density of fractions and effects.

        Parameters
        ----------
        fractions : ndarray, shape (draw, fraction)
        effects : ndarray, shape (draw, effect)

        Returns
        -------
        ndarray, shape (draw,)

        Examples
        --------
        >>> from backrisk.graph import CausalGraph, Layout
        >>> g = CausalGraph.from_edges([("a", "b")], {"a": ["no", "yes"], "b": ["no", "yes"]})
        >>> Layout(g).prior.log_density(np.full((1, 3), 0.3), np.zeros((1, 0))).round(9).tolist()
        [0.0]
        """
        from scipy.special import betaln  # half as long to import as all that a query needs

        a, b = self.fractions
        tiny = np.finfo(float).tiny
        value = (a - 1) * np.log(np.maximum(fractions, tiny))
        value += (b - 1) * np.log(np.maximum(1.0 - fractions, tiny)) - betaln(a, b)
        root = np.diag(self.sd) if self.root is None else self.root
        away = np.linalg.solve(root, (effects - self.mean).T)
        scale = np.log(np.diag(root)).sum() + 0.5 * len(root) * math.log(2 * math.pi)
        found: Array = value.sum(axis=1) - 0.5 * (away**2).sum(axis=0) - scale
        return found


def _start(simplexes: Iterable[Simplex]) -> Array:
    found: list[float] = []
    for simplex in simplexes:
        share = np.array(simplex.alpha if simplex.start is None else simplex.start)
        rest = np.cumsum(share[::-1])[::-1]
        found += (share[:-1] / rest[:-1]).tolist()
    # A chain that starts at 0 or 1 starts at minus infinity.
    return np.asarray(np.clip(np.array(found), LEAST / 2, 1 - LEAST / 2))
