"""A model over time without a fit, and a runner's three visits."""

import numpy as np

import backrisk as br
from backrisk.graph import Layout

PLAN = {"fatigue": "low"}
HISTORY = [
    {"core_strength": "weak", "fatigue": "low", "pain": "none"},
    {"fatigue": "high"},
    {"fatigue": "high", "compensation": "yes", "pain": "limiting"},
]


def over_time_model(draws):
    """Draws of the prior, standing in for a posterior of three periods."""
    graph = br.unroll(br.load_graph("runner_core"), 3)
    own = Layout(graph).draw_prior(draws, np.random.default_rng(7))
    return br.Posterior(graph, *own, meta={"synthetic": True, "panel": {"periods": 3}})
