"""The criteria that sampling must meet for its draws to be trusted."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import xarray as xr

from backrisk._types import Array
from backrisk.posterior import (
    EFFECTS,
    ESS_PER_CHAIN,
    FRACTIONS,
    R_HAT,
    SITE_SCALES,
    SITE_SHIFTS,
    Diagnostics,
    judged_draws,
    r_hat,
)
from backrisk.words import say

E_BFMI = 0.3  # at least (Betancourt 2016, arXiv:1604.00695)
PARAMETERS = (FRACTIONS, EFFECTS, SITE_SCALES, SITE_SHIFTS)


def flat(tree: xr.DataTree, name: str) -> Array:
    """Return the draws of a variable with its chains joined, ``(draw, ...)``."""
    values: Array = tree["posterior"][name].transpose("chain", "draw", ...).to_numpy()
    return values.reshape(-1, *values.shape[2:])


def judge(tree: xr.DataTree, method: str, cautions: tuple[str, ...] = ()) -> Diagnostics:
    """Judge a sampled tree.

    Rank-normalised split R-hat and effective sample sizes of bulk and tails (Vehtari et al. 2021,
    doi:10.1214/20-BA1221), divergent transitions, and each chain's energy Bayesian fraction of
    missing information (Betancourt 2016, arXiv:1604.00695). Of one chain, R-hat compares the
    halves, and a caution says what that cannot tell.

    Parameters
    ----------
    tree : xarray.DataTree
        With groups ``posterior`` and ``sample_stats``. Every parameter is judged.
    method : str
    cautions : tuple of str
        What was found before sampling.

    Returns
    -------
    Diagnostics
    """
    import arviz as az

    chosen = tree["posterior"].to_dataset()[
        [name for name in PARAMETERS if name in tree["posterior"]]
    ]
    chains, draws = chosen.sizes["chain"], chosen.sizes["draw"]
    worst: dict[str, float] = {}
    if chains == 1:
        cautions = (*cautions, say("fitting.one_chain"))
    if draws < judged_draws(chains):
        worst = dict.fromkeys(("r_hat", "ess_bulk", "ess_tail", "divergences", "e_bfmi"), np.nan)
        few = say("fitting.too_few_draws", count=draws)
        return Diagnostics(method, worst, (few,), cautions)
    places: dict[str, str] = {}
    for key, values, largest in (
        ("r_hat", r_hat(chosen), True),
        ("ess_bulk", az.ess(chosen, method="bulk"), False),
        ("ess_tail", az.ess(chosen, method="tail"), False),
    ):
        worst[key], places[key] = _extreme(values, largest)
    stats = tree["sample_stats"].to_dataset()
    worst["divergences"] = float(stats["diverging"].sum())
    energy = stats["energy"].transpose("chain", "draw").to_numpy()
    fraction = np.mean(np.diff(energy, axis=1) ** 2, axis=1) / np.var(energy, axis=1)
    worst["e_bfmi"] = float(fraction.min())
    said: list[str] = []
    # Each criterion is negated, so that a value that is not a number fails.
    if not worst["r_hat"] <= R_HAT:
        where = {"value": worst["r_hat"], "parameter": places["r_hat"]}
        said.append(say("fitting.r_hat", **where, most=R_HAT))
    fewest = min(("ess_bulk", "ess_tail"), key=lambda key: worst[key])
    if not worst[fewest] >= ESS_PER_CHAIN * chains:
        where = {"value": worst[fewest], "parameter": places[fewest]}
        said.append(say("fitting.ess", **where, least=ESS_PER_CHAIN * chains))
    if worst["divergences"]:
        said.append(say("fitting.divergences", count=int(worst["divergences"])))
    if not worst["e_bfmi"] >= E_BFMI:
        said.append(say("fitting.e_bfmi", value=worst["e_bfmi"], least=E_BFMI))
    return Diagnostics(method, worst, tuple(said), cautions)


def _extreme(values: Any, largest: bool) -> tuple[float, str]:
    """Return the worst value over all parameters, and the parameter that has it.

    A value that is not a number is worse than any.
    """
    found: list[tuple[float, str]] = []
    for name, array in values.data_vars.items():
        numbers = array.to_numpy()
        if numbers.size:
            at = int(np.argmax(numbers) if largest else np.argmin(numbers))  # NaN, if any is
            place = np.unravel_index(at, numbers.shape)
            label = ", ".join(
                str(array[dim].to_numpy()[i]) for dim, i in zip(array.dims, place, strict=True)
            )
            found.append((float(numbers.ravel()[at]), f"{name} [{label}]"))
    beyond = -math.inf if not largest else math.inf
    chosen = sorted(found, key=lambda pair: beyond if math.isnan(pair[0]) else pair[0])
    return chosen[-1 if largest else 0]
