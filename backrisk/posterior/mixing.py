"""Whether chains mixed: R-hat of several chains, and of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from backrisk._types import Array

if TYPE_CHECKING:
    from xarray import Dataset

_LEAST = 4  # draws of what is compared: fewer have no spread to speak of


def judged_draws(chains: int) -> int:
    """Return how many draws of each chain are enough to be judged at all."""
    return _LEAST if chains > 1 else 2 * _LEAST


def r_hat(draws: Dataset) -> Dataset:
    """Return the rank-normalised split R-hat of each parameter (Vehtari et al. 2021).

    doi:10.1214/20-BA1221. ArviZ has it for several chains. Of one, the halves are compared: R-hat
    is the larger of two, of the draws and of their distances from the median, each ranked over
    both halves and made normal.

    Parameters
    ----------
    draws : xarray.Dataset
        Dimensions ``(chain, draw, ...)``.

    Returns
    -------
    xarray.Dataset
        Not a number where there are fewer draws than `judged_draws`.
    """
    import arviz as az
    import xarray as xr

    if draws.sizes["chain"] > 1:
        several: Dataset = az.rhat(draws)
        return several
    half = draws.sizes["draw"] // 2
    if half < _LEAST:
        return draws.isel(chain=0, draw=0, drop=True) * np.nan
    ends = draws.isel(chain=0, draw=slice(0, half)), draws.isel(chain=0, draw=slice(-half, None))
    halves = xr.concat([end.assign_coords(draw=np.arange(half)) for end in ends], "chain")
    axes = [["chain", "draw"]]

    def normal(values: Dataset) -> Dataset:
        scores: Dataset = xr.apply_ufunc(
            _normal_scores, values, input_core_dims=axes, output_core_dims=axes
        )
        return scores

    of_draws = az.rhat(normal(halves), method="identity")
    away = abs(halves - halves.median(("chain", "draw")))
    of_spread = az.rhat(normal(away), method="identity")
    found: Dataset = xr.apply_ufunc(np.maximum, of_draws, of_spread)
    return found


def _normal_scores(values: Array) -> Array:
    """Rank over the last two axes together, and return the normal quantiles of the ranks."""
    from scipy.stats import norm, rankdata

    flat = values.reshape(*values.shape[:-2], -1)
    ranks = rankdata(flat, axis=-1)
    scores: Array = norm.ppf((ranks - 3 / 8) / (flat.shape[-1] + 1 / 4))
    return scores.reshape(values.shape)
