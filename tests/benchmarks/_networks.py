"""The runner graph with draws from its prior, and the same network as the peers hold it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backrisk import CausalGraph, Posterior, load_graph
from backrisk.graph import Layout

Array = NDArray[np.float64]

# Eight answers at either end of the cascade: what an examination finds, what a form asks.
EXAMINED = {
    "core_strength": "weak",
    "glute_strength": "weak",
    "fatigue": "high",
    "pelvic_tilt": "anterior",
    "compensation": "yes",
    "impact_load": "high",
    "previous_back_pain": "recurrent",
    "warm_up": "none",
}
ASKED = {
    "sex": "female",
    "bmi": "25_plus",
    "strength_training": "none",
    "recovery": "insufficient",
    "warm_up": "none",
    "footwear": "suitable",
    "surface": "mostly_hard",
    "previous_back_pain": "recurrent",
}


@cache
def runner(draws: int = 4000) -> Posterior:
    """Return draws from the prior of the packaged runner graph."""
    graph = load_graph("runner")
    posterior = Posterior(graph, *Layout(graph).draw_prior(draws, np.random.default_rng(1)))
    for name in graph.names:
        posterior.table(name)
    return posterior


def coded(graph: CausalGraph, answers: Mapping[str, str]) -> dict[str, int]:
    """Return states by code."""
    return {name: graph.node(name).code(label) for name, label in answers.items()}


def by_pyagrum(
    posterior: Posterior, seen: Mapping[str, int], target: str
) -> tuple[Callable[[int], None], Callable[[], Array]]:
    """Return how to load a draw, and how to ask for the target's distribution."""
    import pyagrum

    graph = posterior.graph
    net = pyagrum.BayesNet()
    for node in graph.nodes:
        net.add(pyagrum.LabelizedVariable(node.name, node.name, list(node.states)))
    for edge in graph.edges:
        net.addArc(edge.cause, edge.effect)
    order = {}
    for name in graph.names:
        axes = [*graph.parents(name), name]
        order[name] = [axes.index(other) for other in reversed(net.cpt(name).names)]
    engine: list[Any] = []

    def load(draw: int) -> None:
        for name in graph.names:
            table = posterior.table(name)[..., draw].transpose(order[name])
            net.cpt(name).fillWith(table.ravel().tolist())
        engine[:] = [pyagrum.LazyPropagation(net)]

    def ask() -> Array:
        engine[0].setTargets({target})
        engine[0].setEvidence(dict(seen))
        engine[0].makeInference()
        found: Array = engine[0].posterior(target).toarray()
        return found

    return load, ask


def by_pgmpy(
    posterior: Posterior, seen: Mapping[str, int], target: str
) -> tuple[Callable[[int], None], Callable[[], Array]]:
    """Return how to load a draw, and how to ask for the target's distribution."""
    from pgmpy.factors.discrete import TabularCPD
    from pgmpy.inference import VariableElimination
    from pgmpy.models import DiscreteBayesianNetwork

    graph = posterior.graph
    engine: list[Any] = []

    def load(draw: int) -> None:
        net = DiscreteBayesianNetwork([(e.cause, e.effect) for e in graph.edges])
        for name in graph.names:
            *sizes, states = graph.shape(name)
            values = posterior.table(name)[..., draw].reshape(-1, states).T
            parents = graph.parents(name)
            net.add_cpds(TabularCPD(name, states, values, list(parents) or None, sizes or None))
        engine[:] = [VariableElimination(net)]

    def ask() -> Array:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = engine[0].query([target], evidence=dict(seen), show_progress=False)
        values: Array = found.values
        return values

    return load, ask
