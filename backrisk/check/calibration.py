"""Simulation-based calibration: whether fits of simulated surveys get their own prior back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from backrisk._types import Array
from backrisk.check.refitting import refits
from backrisk.check.simulated import Simulated
from backrisk.fitting import survey_circuit
from backrisk.graph import CausalGraph
from backrisk.likelihood import total_log_likelihood
from backrisk.posterior import Posterior
from backrisk.survey import Codebook, Survey, tabulate

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Calibration:
    """Ranks of true values among thinned posterior draws.

    Parameters
    ----------
    ranks : ndarray of int, shape (fit, quantity)
        Uniform on ``0..draws`` for each quantity, if the fits are right.
    names : tuple of str
        The quantities: every parameter, and the log-likelihood of the data given them.
    draws : int
        Thinned draws that each rank is among.
    """

    ranks: Ints
    names: tuple[str, ...]
    draws: int

    def ecdf(self) -> Array:
        """Return each quantity's ECDF of ``rank / draws`` minus the uniform one.

        Returns
        -------
        ndarray, shape (draws + 1, quantity)
        """
        points = np.arange(self.draws + 1)
        below = (self.ranks[None] <= points[:, None, None]).mean(axis=1)
        return below - ((points + 1) / (self.draws + 1))[:, None]


def bands(fits: int, draws: int, probability: float, *, seed: int = 0) -> Array:
    """Return simultaneous limits of the ECDF difference of uniform ranks.

    The pointwise level is adjusted by simulation, so that a uniform ECDF stays inside everywhere
    with the stated probability (Säilynoja, Bürkner and Vehtari 2022,
    doi:10.1007/s11222-022-10090-6).

    Parameters
    ----------
    fits : int
    draws : int
    probability : float
        Of the whole curve staying inside.
    seed : int

    Returns
    -------
    ndarray, shape (2, draws + 1)
        Lower and upper limit.

    Examples
    --------
    >>> low, high = bands(100, 20, 0.95)
    >>> bool((low <= 0).all() and (high >= 0).all())
    True
    """
    rng = np.random.default_rng(seed)
    points = np.arange(draws + 1)
    uniform = (points + 1) / (draws + 1)
    ranks = rng.integers(0, draws + 1, size=(4000, fits))
    counts = (ranks[:, None, :] <= points[None, :, None]).sum(axis=-1)
    # For each simulated curve, the least pointwise tail probability along it.
    below = binom.cdf(counts, fits, uniform)
    above = binom.sf(counts - 1, fits, uniform)
    tightest = 2 * np.minimum(below, above)[:, :-1].min(axis=1)
    level = np.quantile(tightest, 1.0 - probability)
    low = binom.ppf(level / 2, fits, uniform) / fits - uniform
    high = binom.isf(level / 2, fits, uniform) / fits - uniform
    low[-1] = high[-1] = 0.0  # the last point is 1 whatever happens
    return np.stack([low, high])


def calibrate(
    graph: CausalGraph,
    *,
    codebook: Codebook | None = None,
    people: int,
    fits: int,
    seed: int,
    unmeasured: str | tuple[str, ...] = (),
    draws: int = 250,
    tune: int = 400,
    thinned: int = 100,
    evidence: bool = True,
) -> Calibration:
    """Fit surveys simulated from the prior, and rank the truth among the draws.

    Talts et al. 2018 (arXiv:1804.06788), with the log-likelihood as one more quantity (Modrák et
    al. 2023, doi:10.1214/23-BA1404).

    Parameters
    ----------
    graph : CausalGraph
    codebook : Codebook, optional
        With items, for instance.
    people : int
        In each survey.
    fits : int
    seed : int
    unmeasured : str or tuple of str
        Columns that no survey has; another node stands for all that measure it.
    draws, tune : int
        Of each of four chains.
    thinned : int
        Draws, evenly spaced, that ranks are among.
    evidence : bool
        Simulate from the prior that is conditioned on the graph's published figures, and fit with
        it.

    Returns
    -------
    Calibration
    """
    book = (codebook or Codebook.plain(graph)).of_anybody()
    left_out = (unmeasured,) if isinstance(unmeasured, str) else unmeasured
    simulated = Simulated(graph, book, left_out, evidence=evidence)
    layout = simulated.layout
    ranks = []
    for each in refits(simulated, people=people, fits=fits, seed=seed, draws=draws, tune=tune):
        found, truth = each.found.subset(thinned), each.truth.posterior
        (true,), drawn = _parameters(truth), _parameters(found)
        (of_truth,), likelihood = (_log_likelihood(each.survey, one) for one in (truth, found))
        ranks.append([*(drawn < true).sum(axis=0), int((likelihood < of_truth).sum())])
    names = (*layout.fraction_labels, *layout.effect_labels, "log-likelihood")
    return Calibration(np.array(ranks), names, thinned)


def _parameters(posterior: Posterior) -> Array:
    """Return fractions and effects of each draw, ``(draw, parameter)``."""
    assert posterior.fractions is not None
    assert posterior.beta is not None
    return np.concatenate([posterior.fractions, posterior.beta], axis=1)


def _log_likelihood(survey: Survey, posterior: Posterior) -> Array:
    """Return the log-likelihood of a survey for each draw, ``(draw,)``."""
    return total_log_likelihood(survey_circuit(survey, tabulate(survey)), posterior)
