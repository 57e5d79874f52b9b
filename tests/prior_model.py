"""A model of the full graph without a fit: prior draws standing in for the posterior's."""

import numpy as np

from backrisk import Diagnostics, Posterior, load_codebook, load_graph
from backrisk.graph import SITE_SCALE, Layout
from backrisk.posterior import SiteEffects


def prior_model(draws, *, warnings=(), seed=1, sites=(), graph=None, codebook=None):
    if graph is None:
        graph = load_graph("runner")
        codebook = load_codebook("runner", graph)
        graph = codebook.extend(graph)
    rng = np.random.default_rng(seed)
    layout = Layout(graph)
    fractions, beta = layout.draw_prior(draws, rng)
    before = layout.draw_prior(200, rng)
    effects = None
    if sites:
        scale = np.abs(rng.normal(0.0, SITE_SCALE, (draws, len(layout.pooled))))
        shift = scale[:, None] * rng.normal(size=(draws, len(sites), len(layout.pooled)))
        effects = SiteEffects(tuple(sites), shift, scale)
    return Posterior(
        graph,
        fractions,
        beta,
        diagnostics=Diagnostics("prior draws", warnings=tuple(warnings)),
        codebook=codebook,
        prior_fractions=before[0],
        prior_beta=before[1],
        sites=effects,
        meta={"survey": codebook.title, "people": 1, "synthetic": True},
    )
