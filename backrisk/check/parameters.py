"""The parameters of a model as one vector, with its prior, and how CPT cells move with them.

Fractions stand on the logit scale, where posteriors are nearest to normal; effects and the shifts
of sites as they are. The prior's log density, its slope and its curvature are those of that scale.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from backrisk._types import Array
from backrisk.graph import Layout, ParameterPrior, at_site
from backrisk.likelihood import conditioned
from backrisk.posterior import Posterior

_STEP = 1e-4  # to either side: of a slope, all but about eight digits are right
_LOOSE = 10.0  # the information of the prior that data of as much as one of it outweigh
_EDGE = 1e-9  # how near to 0 or 1 a fraction may come


class Prior(Protocol):
    """Values of parameters, with the prior there."""

    @property
    def values(self) -> Array:
        """The values."""

    def prior_slope(self) -> Array:
        """Return the slope of the log prior density."""

    def prior_curvature(self) -> Array:
        """Return the negative second derivative of it."""


@dataclass(frozen=True, eq=False)
class Loosened:
    """A prior, normal around where it was looked at, that gives way where data speak.

    Parameters
    ----------
    centre, slope : ndarray, shape (parameter,)
    curvature : ndarray, shape (parameter, parameter)
    """

    centre: Array
    slope: Array
    curvature: Array

    @classmethod
    def of(cls, parameters: Prior, information: Array) -> Loosened:
        """Weaken a prior in each direction by how much more the data tell there.

        In the directions in which prior and data are both diagonal, with r times as much
        information in the data, the prior counts ``1 / (1 + 10 r)^2``: in full where the data say
        nothing, hardly where they say a tenth as much or more.

        Parameters
        ----------
        parameters : Parameters or Tilted
            Anything with values and a prior.
        information : ndarray, shape (parameter, parameter)
            Of the data.
        """
        values, own = np.linalg.eigh(parameters.prior_curvature())
        root = own * np.sqrt(values)  # the curvature is root @ root.T
        inverse = (own / np.sqrt(values)).T
        ratio, axes = np.linalg.eigh(inverse @ information @ inverse.T)
        kept = (axes / (1.0 + _LOOSE * np.maximum(ratio, 0.0)) ** 2) @ axes.T
        loose = root @ kept
        slope = loose @ (inverse @ parameters.prior_slope())
        return cls(parameters.values, slope, loose @ root.T)

    def log_density(self, values: Array) -> float:
        """Return the log density, but for a constant."""
        moved = values - self.centre
        return float(moved @ (self.slope - 0.5 * self.curvature @ moved))

    def slope_at(self, values: Array) -> Array:
        """Return the slope of it, ``(parameter,)``."""
        found: Array = self.slope - self.curvature @ (values - self.centre)
        return found


@dataclass(frozen=True, eq=False)
class Parameters:
    """One value of all parameters of a model, with their prior.

    Parameters
    ----------
    posterior : Posterior
        Of one draw: the CPTs, without any shift of a site.
    values : ndarray, shape (parameter,)
        Logits of the fractions, effects, then the shifts of each site.
    sites : tuple of str
        Whose intercepts are pooled.
    scale : ndarray, shape (pooled node,)
        How far sites lie apart, taken as known.
    prior : ParameterPrior
    loosened : Loosened, optional
        What stands in place of the prior.
    """

    posterior: Posterior
    values: Array
    sites: tuple[str, ...]
    scale: Array | None
    prior: ParameterPrior
    loosened: Loosened | None = None

    @classmethod
    def at_mean(cls, posterior: Posterior) -> Parameters:
        """Return the posterior mean of a fit."""
        assert posterior.fractions is not None
        assert posterior.beta is not None
        layout = posterior.layout
        published = bool(posterior.meta.get("figures"))  # which the prior was conditioned on
        prior = conditioned(layout).prior if published else layout.prior
        sites, shift, scale = posterior.sites, np.empty(0), None
        if sites is not None:
            shift, scale = sites.shift.mean(axis=0).ravel(), sites.scale.mean(axis=0)
        inside = np.clip(posterior.fractions, _EDGE, 1.0 - _EDGE)
        values = np.concatenate([logit(inside).mean(axis=0), posterior.beta.mean(axis=0), shift])
        names = () if sites is None else sites.names
        return cls(_one_draw(posterior, values), values, names, scale, prior)

    def moved(self, values: Array) -> Parameters:
        """Return other values of the same parameters."""
        return replace(self, posterior=_one_draw(self.posterior, values), values=values)

    @property
    def layout(self) -> Layout:
        """Which parameter belongs to which node."""
        return self.posterior.layout

    @cached_property
    def _sizes(self) -> tuple[int, int]:
        return len(self.layout.fraction_labels), len(self.layout.effect_labels)

    def at(self, site: int | None) -> Posterior:
        """Return the model of one site, of one draw; of everybody where there are no sites."""
        if site is None:
            return self.posterior
        fractions, effects = self._local(self.values[None], site)
        return replace(self.posterior, fractions=fractions, beta=effects)

    def _local(self, values: Array, site: int | None) -> tuple[Array, Array]:
        """Return fractions and effects at some values, ``(value, ...)``, for one site."""
        first, second = self._sizes
        fractions = expit(values[:, :first])
        if site is not None:
            pooled = len(self.layout.pooled)
            start = first + second + site * pooled
            fractions = at_site(self.layout, fractions, values[:, start : start + pooled])
        return fractions, values[:, first : first + second]

    def of(self, name: str, site: int | None) -> NDArray[np.intp]:
        """Return which parameters a node's CPT depends on."""
        first, second = self._sizes
        own, effects = self.layout.fraction_slices[name], self.layout.effect_slices[name]
        found = [*range(own.start, own.stop), *range(first + effects.start, first + effects.stop)]
        if site is not None and name in self.layout.pooled:
            pooled = self.layout.pooled
            found.append(first + second + site * len(pooled) + pooled.index(name))
        return np.array(found, dtype=np.intp)

    def slopes(self, name: str, site: int | None, rows: NDArray[np.intp]) -> Array:
        """Return how the logs of a CPT move with the node's parameters, in some of its rows.

        Parameters
        ----------
        name : str
        site : int or None
        rows : ndarray of int, shape (row, parent)

        Returns
        -------
        ndarray, shape (row, state, parameter of the node)
        """
        own = self.of(name, site)
        if not len(own) or not len(rows):
            return np.zeros((len(rows), self.posterior.graph.shape(name)[-1], len(own)))
        steps = np.zeros((len(own), len(self.values)))
        steps[np.arange(len(own)), own] = _STEP
        stepped = np.concatenate([self.values + steps, self.values - steps])
        fractions, effects = (part.T for part in self._local(stepped, site))
        table = self.layout.rows(name, fractions, effects, rows)
        logs = np.log(np.maximum(table, np.finfo(float).tiny))
        found: Array = (logs[..., : len(own)] - logs[..., len(own) :]) / (2 * _STEP)
        return found

    def log_prior(self) -> float:
        """Return the log prior density, but for a constant."""
        if self.loosened is not None:
            return self.loosened.log_density(self.values)
        (a, b), away = self.prior.fractions, self._away
        logits = self.values[: len(a)]
        value = -(a * np.logaddexp(0.0, -logits) + b * np.logaddexp(0.0, logits)).sum()
        return float(value - 0.5 * away @ self._effect_precision @ away)

    def prior_slope(self) -> Array:
        """Return the slope of the log prior density, ``(parameter,)``."""
        if self.loosened is not None:
            return self.loosened.slope_at(self.values)
        a, b = self.prior.fractions
        fractions = a - (a + b) * expit(self.values[: len(a)])
        return np.concatenate([fractions, -self._effect_precision @ self._away])

    def prior_curvature(self) -> Array:
        """Return the negative second derivative of it, ``(parameter, parameter)``."""
        if self.loosened is not None:
            return self.loosened.curvature
        a, b = self.prior.fractions
        share = expit(self.values[: len(a)])
        found = np.zeros((len(self.values),) * 2)
        found[: len(a), : len(a)] = np.diag((a + b) * share * (1.0 - share))
        found[len(a) :, len(a) :] = self._effect_precision
        return found

    @cached_property
    def _effect_precision(self) -> Array:
        """Of the effects and of the shifts of sites."""
        effects = len(self.prior.mean)
        found = np.zeros((len(self.values) - len(self.prior.fractions[0]),) * 2)
        found[:effects, :effects] = np.linalg.inv(self.prior.covariance)
        if self.scale is not None:
            of_shifts = np.tile(1.0 / np.maximum(self.scale, _EDGE) ** 2, len(self.sites))
            found[effects:, effects:] = np.diag(of_shifts)
        return found

    @property
    def _away(self) -> Array:
        mean = self.prior.mean
        rest = self.values[len(self.prior.fractions[0]) :]
        found: Array = rest - np.concatenate([mean, np.zeros(len(rest) - len(mean))])
        return found


def _one_draw(posterior: Posterior, values: Array) -> Posterior:
    """Return a posterior of one draw, without sites, at values of the parameters."""
    first, second = len(posterior.layout.fraction_labels), len(posterior.layout.effect_labels)
    return Posterior(
        posterior.graph,
        expit(values[None, :first]),
        values[None, first : first + second],
        codebook=posterior.codebook,
    )
