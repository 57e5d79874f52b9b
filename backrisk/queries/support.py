"""How much of an answer comes from the data, and how much from the prior."""

from __future__ import annotations

import numpy as np

from backrisk._types import Array
from backrisk.posterior import Posterior


def data_support(draws: Array, posterior: Posterior) -> Array:
    """Return the distance of each share's distribution from its prior's; NaN without a prior.

    Parameters
    ----------
    draws : ndarray, shape (draw, share)
        Those of the posterior, then those of `Posterior.beside_prior`.
    posterior : Posterior

    Returns
    -------
    ndarray, shape (share,)
    """
    own, prior = draws[: posterior.draws], draws[posterior.draws :]
    if not len(prior):
        return np.full(draws.shape[1], np.nan)
    return np.array([_distance(a, b) for a, b in zip(prior.T, own.T, strict=True)])


def _distance(first: Array, second: Array) -> float:
    """Return the Kolmogorov-Smirnov distance of two samples.

    That of `scipy.stats.ks_2samp`, whose import takes longer than most questions.
    """
    points = np.concatenate([first, second])
    below = [np.searchsorted(np.sort(s), points, side="right") / len(s) for s in (first, second)]
    return float(np.abs(below[0] - below[1]).max())
