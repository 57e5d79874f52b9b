"""The criteria that sampling must meet before its draws are trusted."""

from __future__ import annotations

from typing import Any

import arviz as az
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from backrisk.posterior import ESS_PER_CHAIN, R_HAT, Diagnostics

Array = NDArray[np.float64]
E_BFMI = 0.3
_JUDGED_DRAWS = 4  # fewer have no halves to compare
PARAMETERS = ("continuation", "beta", "site_scale", "site_shift")


def flat(tree: xr.DataTree, name: str) -> Array:
    """Return the draws of a variable with its chains joined, ``(draw, ...)``."""
    values: Array = tree["posterior"][name].transpose("chain", "draw", ...).to_numpy()
    return values.reshape(-1, *values.shape[2:])


def judge(tree: xr.DataTree, method: str, cautions: tuple[str, ...] = ()) -> Diagnostics:
    """Judge a sampled tree.

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
    chosen = tree["posterior"].to_dataset()[
        [name for name in PARAMETERS if name in tree["posterior"]]
    ]
    chains, draws = chosen.sizes["chain"], chosen.sizes["draw"]
    worst: dict[str, float] = {}
    if draws < _JUDGED_DRAWS:
        worst = dict.fromkeys(("r_hat", "ess_bulk", "ess_tail", "divergences", "e_bfmi"), np.nan)
        few = f"{draws} draws of a chain are too few to judge it; take more draws."
        return Diagnostics(method, worst, (few,), cautions)
    places: dict[str, str] = {}
    for key, values, largest in (
        ("r_hat", az.rhat(chosen), True),
        ("ess_bulk", az.ess(chosen, method="bulk"), False),
        ("ess_tail", az.ess(chosen, method="tail"), False),
    ):
        worst[key], places[key] = _extreme(values, largest)
    stats = tree["sample_stats"].to_dataset()
    worst["divergences"] = float(stats["diverging"].sum())
    energy = stats["energy"].transpose("chain", "draw").to_numpy()
    fraction = np.mean(np.diff(energy, axis=1) ** 2, axis=1) / np.var(energy, axis=1)
    worst["e_bfmi"] = float(fraction.min())
    said = []
    if not worst["r_hat"] <= R_HAT:
        said.append(
            f"R-hat is {worst['r_hat']:.3f} for {places['r_hat']} (at most {R_HAT}): the chains "
            "disagree; sample longer, or anchor what they disagree on by an item."
        )
    least = min(("ess_bulk", "ess_tail"), key=lambda key: worst[key])
    if not worst[least] >= ESS_PER_CHAIN * chains:
        said.append(
            f"The effective sample size is {worst[least]:.0f} for {places[least]} (at least "
            f"{ESS_PER_CHAIN * chains}): intervals are rough; take more draws."
        )
    if worst["divergences"]:
        said.append(
            f"{worst['divergences']:.0f} transitions diverged: the posterior may be biased; raise "
            "the target acceptance."
        )
    if not worst["e_bfmi"] >= E_BFMI:
        said.append(
            f"E-BFMI is {worst['e_bfmi']:.2f} (at least {E_BFMI}): the sampler explores the "
            "energy poorly."
        )
    return Diagnostics(method, worst, tuple(said), cautions)


def _extreme(values: Any, largest: bool) -> tuple[float, str]:
    """Return the worst value over all parameters, and the parameter that has it."""
    found: list[tuple[float, str]] = []
    for name, array in values.data_vars.items():
        numbers = array.to_numpy()
        if numbers.size:
            at = int(np.nanargmax(numbers) if largest else np.nanargmin(numbers))
            place = np.unravel_index(at, numbers.shape)
            label = ", ".join(
                str(array[dim].to_numpy()[i]) for dim, i in zip(array.dims, place, strict=True)
            )
            found.append((float(numbers.ravel()[at]), f"{name} [{label}]"))
    return (max if largest else min)(found)
