"""Draws in the form that xarray and ArviZ read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from backrisk.posterior.cpts import Variables

if TYPE_CHECKING:
    from xarray import Dataset, DataTree

# What the parameters are called in DataTrees, in saved files and among the variables of the PyMC
# model. Code says `fractions` for the first; its name here is a contract with the files and the
# notebooks that exist, which an early version of this package settled.
FRACTIONS = "continuation"
EFFECTS = "beta"
SITE_SHIFTS = "site_shift"
SITE_SCALES = "site_scale"
MARGIN = "margin"  # of the outcome, in a group `population` of saved files alone
LOG_PRIOR, LOG_LIKELIHOOD = "parameters", "survey"  # in groups of their own, as ArviZ has them
DIVERGING, ENERGY = SAMPLE_STATS = ("diverging", "energy")  # what is kept of the sampler's steps


@dataclass(frozen=True, eq=False)
class Group:
    """One group of a DataTree.

    Parameters
    ----------
    variables : mapping of str to (ndarray, names of axes)
        Draws first, one chain after the other.
    chains : int
    coords : mapping of str to sequence of str
        The labels of the axes; those of an axis that no variable has are left out.
    """

    variables: Variables
    chains: int = 1
    coords: Mapping[str, Sequence[str]] = field(default_factory=dict)


def datatree(groups: Mapping[str, Group]) -> DataTree:
    """Return groups of draws as a DataTree, dimensions ``(chain, draw, ...)``."""
    import xarray as xr

    return xr.DataTree.from_dict({name: _dataset(group) for name, group in groups.items()})


def _dataset(group: Group) -> Dataset:
    import xarray as xr

    arrays = {}
    draws = len(next(iter(group.variables.values()))[0]) // group.chains
    for name, (values, axes) in group.variables.items():
        by_chain = values.reshape(group.chains, draws, *values.shape[1:])
        arrays[name] = (("chain", "draw", *axes), by_chain)
    used = {axis for axes, _ in arrays.values() for axis in axes}
    coords: dict[str, Any] = {
        axis: list(labels) for axis, labels in group.coords.items() if axis in used
    }
    # ArviZ's plots look for these by their numbers.
    coords |= {"chain": np.arange(group.chains), "draw": np.arange(draws)}
    return xr.Dataset(arrays, coords=coords)
