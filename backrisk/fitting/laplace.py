"""A fit in a tenth of the time: the normal distribution at the mode, for studies of many fits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.special import expit

from backrisk._arguments import checked
from backrisk.errors import FitError
from backrisk.fitting.mode import curvature, density_of, mode_of
from backrisk.fitting.observed import pooled_sites, prepare
from backrisk.fitting.sampling import CompiledModel, design_of, model_of
from backrisk.graph import CausalGraph
from backrisk.posterior import Diagnostics, Posterior
from backrisk.survey import Survey
from backrisk.words import say

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
    density = density_of(model)
    mode = mode_of(density, np.asarray(model.initial_point_func(seed), dtype=np.float64))
    values, vectors = np.linalg.eigh(curvature(density, mode))
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
