"""The log prior and the log likelihood of each draw, computed once sampling is done."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backrisk._types import Array
from backrisk.fitting.observed import SITE
from backrisk.fitting.sampled import CASE, Sampled
from backrisk.graph import Layout, ParameterPrior, at_site
from backrisk.likelihood import Circuit, Rows, total_log_likelihood
from backrisk.posterior import SiteEffects


def log_prior(
    prior: ParameterPrior, fractions: Array, beta: Array, sites: SiteEffects | None
) -> Array:
    """Return the log prior density of the parameters in each draw.

    Parameters
    ----------
    prior : ParameterPrior
        The one that the fit used: conditioned on published figures, or not.
    fractions : ndarray, shape (draw, fraction)
    beta : ndarray, shape (draw, effect)
    sites : SiteEffects, optional

    Returns
    -------
    ndarray, shape (draw,)
        On the scale of the parameters themselves: fractions in (0, 1), log odds ratios, and the
        shifts and scales of sites. No Jacobian of what a sampler transforms is in it.
    """
    found = prior.log_density(fractions, beta)
    return found if sites is None else found + sites.log_prior()


def log_likelihood_of(
    circuit: Circuit,
    layout: Layout,
    fractions: Array,
    beta: Array,
    sites: SiteEffects | None,
    sampled: Sampled | None = None,
) -> Array:
    """Return the log likelihood of a survey in each draw, ``(draw,)``.

    Parameters
    ----------
    circuit : Circuit
        What `survey_circuit` gave.
    layout : Layout
        Of the graph without sites.
    fractions, beta : ndarray
        As for `log_prior`.
    sites : SiteEffects, optional
        Of the sites that the circuit has.
    sampled : Sampled, optional
        How people were chosen by the outcome.
    """
    source = rows_of(layout, fractions, beta, sites, sampled)
    found = total_log_likelihood(circuit, source)
    if sampled is not None and sampled.sets is not None:
        outcome = layout.graph.names[sampled.outcome]
        rows = source.rows(outcome, sampled.sets.causes.astype(np.intp), slice(None))
        found = found + sampled.sets.log_likelihood(sampled.log_odds(rows))
    return found


def rows_of(
    layout: Layout,
    fractions: Array,
    beta: Array,
    sites: SiteEffects | None,
    sampled: Sampled | None = None,
) -> Rows:
    """Return what gives a circuit's rows of CPTs; parameters are as for `log_likelihood_of`."""
    return _Rows(layout, fractions, beta, sites, sampled)


@dataclass(frozen=True, eq=False)
class _Rows:
    """Rows of CPTs as a circuit asks for them: a pooled node's first parent is the site."""

    layout: Layout
    fractions: Array
    beta: Array
    sites: SiteEffects | None
    sampled: Sampled | None = None

    @property
    def draws(self) -> int:
        return len(self.fractions)

    def rows(self, name: str, rows: NDArray[np.intp], some: slice) -> Array:
        fractions, beta = self.fractions[some], self.beta[some].T
        if name == SITE:  # whose own distribution counts for nothing
            assert self.sites is not None
            return np.ones((len(rows), len(self.sites.names), len(fractions)))
        if name == CASE:
            assert self.sampled is not None
            told = self.sampled.told[rows[:, 0]]
            return np.repeat(told[..., None], len(fractions), axis=-1)
        if self.sites is None or self.layout.graph.owner(name) not in self.layout.pooled:
            return self.layout.rows(name, fractions.T, beta, rows)
        states = self.layout.mechanism(name).shape[-1]
        found = np.empty((len(rows), states, len(fractions)))
        for site in np.unique(rows[:, 0]):
            local = at_site(self.layout, fractions, self.sites.shift[some, site])
            here = rows[:, 0] == site
            found[here] = self.layout.rows(name, local.T, beta, rows[here, 1:])
        return found
