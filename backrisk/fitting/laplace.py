"""A fit in a tenth of the time: the normal distribution at the mode, for studies of many fits."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from backrisk._arguments import checked
from backrisk._types import Array
from backrisk.errors import FitError
from backrisk.fitting.observed import pooled_sites, prepare
from backrisk.fitting.sampling import CompiledModel, design_of, model_of
from backrisk.graph import CausalGraph
from backrisk.posterior import Diagnostics, Posterior
from backrisk.survey import Survey
from backrisk.words import say

_STEP = 1e-4  # of the finite differences of the gradient, on scales of about 1
_STEPS = 2000  # to the mode, at most; a few dozen do
_CLOSE = 1e-3  # how far below the mode the last step may end, in log density


@checked()
def approximate(
    graph: CausalGraph, survey: Survey, *, seed: int, draws: int = 1000, compiled: CompiledModel
) -> Posterior:
    """Approximate the posterior by the normal distribution at its mode.

    Fractions are taken as normal on the logit scale, effects on their own (Tierney and Kadane
    1986, doi:10.1080/01621459.1986.10478240). The curvature is that of the exact log density, by
    differences of its gradient. Of a posterior with several modes it describes one. It is for
    studies that ask what fits do on average, beside some that are sampled; a model that people are
    asked about is sampled by `backrisk.fit`.

    Parameters
    ----------
    graph : CausalGraph
        The graph that the survey was read for.
    survey : Survey
        Without sites.
    seed : int
    draws : int
        Independent ones.
    compiled : CompiledModel
        What `compile_model` gave for a survey of the same graph and kind of design.

    Returns
    -------
    Posterior
        With a warning where no mode was found, or the density does not fall in every direction.

    Raises
    ------
    FitError
        As `backrisk.fit`; if the survey has sites, or the model was compiled for another one.
    """
    prepared = replace(prepare(graph, survey), known=compiled.known)
    if pooled_sites(survey):
        raise FitError(say("fitting.laplace.sites"))
    model = model_of(prepared, compiled)
    density = _density(model)
    start = np.asarray(model.initial_point_func(seed), dtype=np.float64)
    options = {"maxiter": _STEPS, "maxcor": 30, "ftol": 1e-12, "gtol": 1e-6}
    mode = minimize(density, start, jac=True, method="L-BFGS-B", options=options).x
    ways = np.eye(len(mode)) * _STEP
    slopes = np.array([density(mode + way)[1] - density(mode - way)[1] for way in ways])
    values, vectors = np.linalg.eigh((slopes + slopes.T) / (4.0 * _STEP))
    along = vectors.T @ density(mode)[1]
    peaked = bool((values > 0).all())
    # What another step of Newton's would gain.
    found = peaked and float((along**2 / values).sum()) / 2.0 < _CLOSE
    # Where the density does not fall, the prior's width of a standard normal stands in.
    root = vectors / np.sqrt(np.where(values > 0, values, 1.0))
    rng = np.random.default_rng(seed)
    drawn = mode + rng.normal(size=(draws, len(mode))) @ root.T
    layout, prior = prepared.layout, prepared.prior
    size = len(layout.fraction_labels)
    z = drawn[:, size:]
    away = prior.sd * z if prior.root is None else z @ prior.root.T
    return Posterior(
        graph=survey.graph,
        fractions=expit(drawn[:, :size]),
        beta=prior.mean + away if layout.effect_labels else np.zeros((draws, 0)),
        diagnostics=Diagnostics("laplace", {}, () if found else (say("fitting.laplace.no_mode"),)),
        codebook=survey.codebook,
        meta={"people": survey.n, "design": design_of(survey), "seed": seed},
    )


def _density(model: Any) -> Callable[[Array], tuple[float, Array]]:
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
