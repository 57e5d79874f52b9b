"""Marginals of every node, seen and set, against pyAgrum and pgmpy: equal to rounding."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backrisk import CausalGraph, Posterior, load_graph
from backrisk.graph import Layout
from backrisk.inference import World
from tests.against.common import Row, equal
from tests.strategies import random_graph, random_posterior

Array = NDArray[np.float64]
_ROUNDING = 1e-12
_TWO = ["no", "yes"]


def asia() -> Posterior:
    """Return the network of Lauritzen and Spiegelhalter 1988."""
    edges = [("asia", "tub"), ("smoke", "lung"), ("smoke", "bronc"), ("tub", "either")]
    edges += [("lung", "either"), ("either", "xray"), ("either", "dysp"), ("bronc", "dysp")]
    names = ("asia", "smoke", "tub", "lung", "bronc", "either", "xray", "dysp")
    graph = CausalGraph.from_edges(edges, dict.fromkeys(names, _TWO), outcome="dysp", name="Asia")

    def yes(shares: Any) -> Array:
        shares = np.array(shares)
        return np.stack([1 - shares, shares], axis=-1)

    return Posterior.from_cpts(
        graph,
        {
            "asia": yes(0.01),
            "smoke": yes(0.5),
            "tub": yes([0.01, 0.05]),
            "lung": yes([0.01, 0.1]),
            "bronc": yes([0.3, 0.6]),
            "either": yes([[0.0, 1.0], [1.0, 1.0]]),
            "xray": yes([0.05, 0.98]),
            "dysp": yes([[0.1, 0.8], [0.7, 0.9]]),
        },
    )


def drawn(name: str) -> Posterior:
    """Return one draw from the prior of a packaged graph."""
    graph = load_graph(name)
    return Posterior(graph, *Layout(graph).draw_prior(1, np.random.default_rng(1)))


def models() -> dict[str, Posterior]:
    """Return the networks that are compared."""
    found = {"Asia": asia(), "runner_core": drawn("runner_core"), "runner": drawn("runner")}
    for seed in range(3):
        rng = np.random.default_rng(seed)
        graph = random_graph(rng, 8)
        found[f"random network {seed + 1} of 8 nodes"] = random_posterior(rng, graph, 1)
    return found


def by_pyagrum(
    posterior: Posterior, cut: tuple[str, ...] = ()
) -> Callable[[Mapping[str, int]], dict[str, Array]]:
    """Return how to ask pyAgrum for the marginals of all nodes given evidence."""
    import pyagrum

    graph = posterior.graph
    net = pyagrum.BayesNet()
    for node in graph.nodes:
        net.add(pyagrum.LabelizedVariable(node.name, node.name, list(node.states)))
    for edge in graph.edges:
        if edge.effect not in cut:
            net.addArc(edge.cause, edge.effect)
    for name in graph.names:
        if name in cut:  # set from outside: any distribution, since it will be evidence
            net.cpt(name).fillWith(1.0 / len(graph.node(name).states))
            continue
        axes = [*graph.parents(name), name]
        order = [axes.index(other) for other in reversed(net.cpt(name).names)]
        net.cpt(name).fillWith(posterior.cpt(name)[0].transpose(order).ravel().tolist())
    engine = pyagrum.LazyPropagation(net)

    def ask(seen: Mapping[str, int]) -> dict[str, Array]:
        engine.setEvidence(dict(seen))
        engine.makeInference()
        return {n: engine.posterior(n).toarray() for n in graph.names if n not in seen}

    return ask


def by_pgmpy(posterior: Posterior) -> Callable[[Mapping[str, int]], dict[str, Array]]:
    """Return how to ask pgmpy for the marginals of all nodes given evidence."""
    from pgmpy.factors.discrete import TabularCPD
    from pgmpy.inference import VariableElimination
    from pgmpy.models import DiscreteBayesianNetwork

    graph = posterior.graph
    net = DiscreteBayesianNetwork([(edge.cause, edge.effect) for edge in graph.edges])
    net.add_nodes_from(graph.names)
    for name in graph.names:
        *sizes, states = graph.shape(name)
        values = posterior.cpt(name)[0].reshape(-1, states).T
        parents = graph.parents(name)
        net.add_cpds(TabularCPD(name, states, values, list(parents) or None, sizes or None))
    engine = VariableElimination(net)

    def ask(seen: Mapping[str, int]) -> dict[str, Array]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return {
                name: np.asarray(
                    engine.query([name], evidence=dict(seen), show_progress=False).values
                )
                for name in graph.names
                if name not in seen
            }

    return ask


def evidence(posterior: Posterior, rng: np.random.Generator) -> dict[str, int]:
    """Return what one person of the model itself might have answered to some questions."""
    graph = posterior.graph
    state: dict[str, int] = {}
    for name in graph.topological:
        row = posterior.cpt(name)[0][tuple(state[parent] for parent in graph.parents(name))]
        state[name] = int(rng.choice(len(row), p=row / row.sum()))
    return {name: code for name, code in state.items() if rng.random() < 0.3}


def tables() -> Iterator[Row]:
    """Compare P(node | evidence) for every node, without evidence and with that of two people."""
    for label, posterior in models().items():
        rng = np.random.default_rng(7)
        asked = [{}, *(evidence(posterior, rng) for _ in range(2))]
        for peer, make in (("pyagrum", by_pyagrum), ("pgmpy", by_pgmpy)):
            ask = make(posterior)
            worst, count = 0.0, 0
            for seen in asked:
                for name, theirs in ask(seen).items():
                    ours = World(posterior, seen, {}).conditional([(name, 0)])[:, 0]
                    worst = max(worst, float(np.abs(ours - theirs).max()))
                    count += len(ours)
            yield equal(
                f"P(node | evidence), {label}",
                f"{count} probabilities",
                "the same",
                worst,
                _ROUNDING,
                f"{peer} {version(peer)}",
            )


def interventions() -> Iterator[Row]:
    """Compare P(outcome | do(node)) with pyAgrum on the network without the arcs into the node."""
    for label, posterior in models().items():
        graph = posterior.graph
        outcome = graph.outcome or graph.names[-1]
        worst, count = 0.0, 0
        for cause in sorted(graph.ancestors(outcome)):
            ask = by_pyagrum(posterior, (cause,))
            for code in range(len(graph.node(cause).states)):
                world = World(posterior, {}, {cause: code})
                ours = world.conditional([world.variable(outcome)])[:, 0]
                worst = max(worst, float(np.abs(ours - ask({cause: code})[outcome]).max()))
                count += len(ours)
        yield equal(
            f"P({outcome} | do(cause)), every cause, {label}",
            f"{count} probabilities",
            "the same",
            worst,
            _ROUNDING,
            f"pyagrum {version('pyagrum')}, arcs into the cause cut",
        )
