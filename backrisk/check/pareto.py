"""Pareto smoothed importance weights, and up to which k-hat they can be used."""

from __future__ import annotations

import arviz  # noqa: F401  # gives arrays their accessor
import numpy as np
import xarray as xr
from scipy.special import softmax

from backrisk._types import Array


def pareto_smoothed(log_weights: Array) -> tuple[Array, float]:
    """Return importance weights that sum to one, their tail smoothed, and its Pareto k-hat.

    Vehtari, Simpson, Gelman, Yao and Gabry 2024 (arXiv:1507.02646).

    Parameters
    ----------
    log_weights : ndarray, shape (draw,)

    Returns
    -------
    weights : ndarray, shape (draw,)
    k_hat : float
        Minus infinity where all weights are equal: there is no tail.

    Examples
    --------
    >>> pareto_smoothed(np.zeros(1000))[1]
    -inf
    >>> rng = np.random.default_rng(1)
    >>> bool(pareto_smoothed(rng.exponential(5.0, size=1000))[1] > good_k(1000))
    True
    """
    if np.ptp(log_weights) == 0:
        return np.full(len(log_weights), 1.0 / len(log_weights)), -np.inf
    # ArviZ takes log likelihoods, whose inverse the weights of leaving one out are.
    found = xr.DataArray(-log_weights, dims="draw").azstats.psislw(dim="draw")
    smoothed, k_hat = (np.asarray(part) for part in found)
    return softmax(smoothed), float(np.nan_to_num(k_hat, nan=np.inf, posinf=np.inf))


def good_k(draws: int) -> float:
    """Return up to which k-hat weights of so many draws can be used.

    Examples
    --------
    >>> round(good_k(1000), 2), good_k(10000)
    (0.67, 0.7)
    """
    return float(min(1.0 - 1.0 / np.log10(max(draws, 11)), 0.7))
