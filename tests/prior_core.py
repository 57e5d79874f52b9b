"""A model of the small graph without a fit, and people to ask it about."""

from dataclasses import replace

import numpy as np

from backrisk import Posterior, load_graph, simulate
from backrisk.graph import Layout
from backrisk.posterior import SiteEffects
from backrisk.queries import named
from backrisk.survey import Survey


def prior_core(draws):
    """Prior draws standing in for the posterior's, with others of the prior beside them."""
    graph = load_graph("runner_core")
    rng = np.random.default_rng(7)
    layout = Layout(graph)
    own, prior = layout.draw_prior(draws, rng), layout.draw_prior(draws, rng)
    return Posterior(graph, *own, prior_fractions=prior[0], prior_beta=prior[1])


def survey_of(graph, n=60):
    """Synthetic people, some answers missing, with and without the outcome."""
    frame = simulate(graph, n, seed=5).drop(columns="lumbar_load")
    rng = np.random.default_rng(2)
    return Survey.from_frame(frame.mask(rng.random(frame.shape) < 0.15), graph)


def two_sites(core):
    """Return the model as if fitted on two sites, whose intercepts differ."""
    rng = np.random.default_rng(3)
    scale = np.abs(rng.normal(0, 0.5, (core.draws, len(core.layout.pooled))))
    shift = scale[:, None] * np.array([1.0, -1.0])[:, None]
    return replace(core, sites=SiteEffects(("Oslo", "Bergen"), shift, scale))


def people_of(survey):
    """Return each person's answers."""
    graph = survey.graph
    return [
        named(graph, {graph.names[i]: int(c) for i, c in enumerate(row) if c >= 0})
        for row in survey.codes
    ]
