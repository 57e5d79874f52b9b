"""The mode of a compiled log density, and its curvature there.

A normal distribution is read off it (`laplace`), and so are the scales on which chains are run
(`whitened`).
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.optimize import minimize

from backrisk._types import Array

Density = Callable[[Array], tuple[float, Array]]

_STEP = 1e-4  # of the finite differences of the gradient, on scales of about 1
_STEPS = 2000  # to the mode, at most; a few dozen do
# Of the ratio of a curvature to what it is in one parameter at a time: what is flatter, or not
# curved downwards at all, is stretched by ten at most.
_FLAT = 0.01


def density_of(model: Any) -> Density:
    """Return what gives minus the log density of a compiled model and its slopes.

    Parameters
    ----------
    model : nutpie.CompiledPyMCModel
        Its parameters without bounds: the logits of all fractions, then the standard normal `z`.
    """
    pointer = ctypes.POINTER(ctypes.c_double)

    def density(point: Array) -> tuple[float, Array]:
        place = np.ascontiguousarray(point, dtype=np.float64)
        slopes, value = np.zeros(model.n_dim), np.zeros(1)
        parts = [part.ctypes.data_as(pointer) for part in (place, slopes, value)]
        # The model is held here: the survey that its code reads is freed with it.
        data = ctypes.c_void_p(model.user_data.ctypes.data)
        wrong = model.compiled_logp_func.ctypes(model.n_dim, *parts, data)
        return np.inf if wrong else -float(value[0]), -slopes

    return density


def mode_of(density: Density, start: Array) -> Array:
    """Return the point that is climbed to from a start."""
    options = {"maxiter": _STEPS, "maxcor": 30, "ftol": 1e-12, "gtol": 1e-6}
    found: Array = minimize(density, start, jac=True, method="L-BFGS-B", options=options).x
    return found


def curvature(density: Density, point: Array, cores: int = 1) -> Array:
    """Return the second derivatives of minus the log density, by differences of its slopes."""

    def difference(way: Array) -> Array:
        return density(point + way)[1] - density(point - way)[1]

    with ThreadPoolExecutor(cores) as pool:  # the compiled density lets other threads run
        slopes = np.array(list(pool.map(difference, np.eye(len(point)) * _STEP)))
    found: Array = (slopes + slopes.T) / (4.0 * _STEP)
    return found


def whitened(model: Any, cores: int = 1) -> Any:
    """Return the same model in parameters that are about independent and of spread one.

    The new parameters are a linear map of the old: by the curvature at the mode, the posterior is
    about a standard normal in them, so that a trajectory of NUTS need not follow a narrow valley.
    Whatever the map, the posterior is the same; how well it fits decides only how fast it is
    explored. Chains start where they would have started.

    Parameters
    ----------
    model : nutpie.CompiledPyMCModel
        As `backrisk.fitting.direct` makes it.
    cores : int
        Threads for the curvature, which does not depend on how many there are.

    Returns
    -------
    nutpie.CompiledPyMCModel
        The given one, where the density is not finite about its mode.

    Notes
    -----
    The normal distribution at the mode is that of Tierney and Kadane (1986,
    doi:10.1080/01621459.1986.10478240); a linear map of the parameters is a mass matrix (Neal
    2011, doi:10.1201/b10905-6).
    """
    from backrisk.fitting.direct import mapped

    density, begun = density_of(model), model.initial_point_func
    mode = mode_of(density, np.asarray(begun(0), dtype=np.float64))
    curved = curvature(density, mode, cores)
    if not (np.isfinite(mode).all() and np.isfinite(curved).all()):
        return model
    own = np.diagonal(curved)
    width = 1.0 / np.sqrt(np.where(own > _FLAT, own, 1.0))
    values, ways = np.linalg.eigh(width[:, None] * curved * width)
    stretch = np.sqrt(np.maximum(np.abs(values), _FLAT))
    root = width[:, None] * (ways / stretch) @ ways.T
    back = (ways * stretch) @ ways.T / width

    def start(seed: int | None = None) -> Array:
        found: Array = back @ (np.asarray(begun(seed), dtype=np.float64) - mode)
        return found

    data = mapped(model.user_data, mode, root)
    return replace(model, user_data=data, initial_point_func=start)
