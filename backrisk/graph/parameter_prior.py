"""The prior of the two parameter vectors: its numbers, where chains start, and draws from it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from backrisk._types import Array
from backrisk.graph.mechanisms import Effect, Mechanism, Simplex
from backrisk.graph.priors import LEAST


@dataclass(frozen=True, eq=False)
class ParameterPrior:
    """The prior of all fractions and effects of a graph, in the order of its `Layout`.

    Parameters
    ----------
    fractions : pair of ndarray, each (fraction,)
        The two parameters of each fraction's Beta prior.
    start : ndarray, shape (fraction,)
        Where a chain starts each fraction.
    mean, sd : ndarray, shape (effect,)
        Of the prior of each effect, a log odds ratio.
    sign : ndarray, shape (effect,)
        -1 or 1 where the sign is settled and the prior is log-normal, 0 where it is normal.
    """

    fractions: tuple[Array, Array]
    start: Array
    mean: Array
    sd: Array
    sign: Array

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
            np.array([_sign(effect) for effect in effects]),
        )

    @property
    def scale(self) -> tuple[Array, Array, Array]:
        """How a standard normal ``z`` becomes an effect, three vectors: location, spread, sign.

        ``location + spread * z`` where the sign is 0; else ``sign * exp(location + spread * z)``,
        the log-normal of the prior's mean and standard deviation.
        """
        # A log-normal of mean m and standard deviation s has the spread sqrt(log(1 + (s/m)^2))
        # and the location log(m) - spread^2 / 2, on the log scale.
        settled = self.sign != 0
        ratio = np.divide(self.sd, self.mean, out=np.zeros_like(self.mean), where=settled)
        spread = np.sqrt(np.log1p(ratio**2))
        size = np.log(np.where(settled, np.abs(self.mean), 1.0)) - 0.5 * spread**2
        location = np.where(settled, size, self.mean)
        return location, np.where(settled, spread, self.sd), self.sign

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
        location, spread, sign = self.scale
        effects = location + spread * rng.normal(size=(draws, len(location)))
        effects = np.where(sign != 0, sign * np.exp(np.where(sign != 0, effects, 0.0)), effects)
        return np.clip(fractions, tiny, 1 - tiny), effects


def _sign(effect: Effect) -> float:
    return float(np.sign(effect.mean)) if effect.settled else 0.0


def _start(simplexes: Iterable[Simplex]) -> Array:
    found: list[float] = []
    for simplex in simplexes:
        share = np.array(simplex.alpha if simplex.start is None else simplex.start)
        rest = np.cumsum(share[::-1])[::-1]
        found += (share[:-1] / rest[:-1]).tolist()
    # A chain that starts at 0 or 1 starts at minus infinity.
    return np.asarray(np.clip(np.array(found), LEAST / 2, 1 - LEAST / 2))
