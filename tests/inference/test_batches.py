"""People with gaps of their own: one contraction, and the numbers of each one alone."""

from dataclasses import replace

import numpy as np
import pytest
from strategies import random_graph, random_posterior

from backrisk.graph import ANSWERED, NOT_ANSWERED, CausalGraph, Layout, Prior, load_graph
from backrisk.inference import COUPLINGS, World, batches, joint_of_people, together
from backrisk.posterior import Posterior
from backrisk.queries import probabilities, probability, read_target
from backrisk.survey import load_codebook

ROUNDING = 1e-12


def scattered(rng, graph, people, share):
    """Answers drawn at random, each missing with the same probability."""
    sizes = [len(node.states) for node in graph.nodes]
    codes = np.array([[rng.integers(size) for size in sizes] for _ in range(people)])
    return np.where(rng.random(codes.shape) < share, -1, codes)


def evidence(graph, row):
    return {name: int(code) for name, code in zip(graph.names, row, strict=True) if code >= 0}


@pytest.mark.parametrize("plan", [0, 2**12, np.inf])  # all apart, as it is, all together
@pytest.mark.parametrize("seed", range(10))
def test_each_person_is_as_alone(seed, plan, monkeypatch):
    monkeypatch.setattr(batches, "_PLAN", plan)
    rng = np.random.default_rng(seed)
    graph = random_graph(rng, 5)
    posterior = random_posterior(rng, graph)
    codes = scattered(rng, graph, 30, 0.4)
    aim, coupling = read_target(graph, None), COUPLINGS[seed % 3]
    for do in ({}, {graph.names[0]: 1}):
        many = probabilities(posterior, codes, aim, do, coupling)
        for row, found in zip(codes, many, strict=True):
            alone = probability(World(posterior, evidence(graph, row), do, coupling), aim)
            np.testing.assert_allclose(found, alone, atol=ROUNDING)
    codes[:, -1] = -1
    for row, found in zip(
        codes, joint_of_people(posterior, codes, [(aim.node, 0)], rows=7), strict=True
    ):
        alone = World(posterior, evidence(graph, row), {}).joint([(aim.node, 0)])
        np.testing.assert_allclose(found, alone, atol=ROUNDING)


@pytest.fixture(scope="module")
def runner():
    """Twenty prior draws of the whole graph, with its questionnaire's items."""
    graph = load_codebook("runner").extend(load_graph("runner"))
    return Posterior(graph, *Layout(graph).draw_prior(20, np.random.default_rng(1)))


def test_scattered_items_are_one_contraction(runner):
    rng = np.random.default_rng(2)
    graph = runner.graph
    codes = scattered(rng, graph, 40, 0.0)
    items = [graph.names.index(name) for name in graph.items]
    codes[:, items] = np.where(rng.random((40, len(items))) < 0.4, -1, codes[:, items])
    codes[:, graph.names.index("pain")] = -1
    parts = list(together(runner, codes, ["pain"], 100))
    assert len(parts) == 1
    assert parts[0].starts is None  # nobody is there more than once
    aim = read_target(graph, None)
    many = probabilities(runner, codes, aim, {"strength_training": 0})
    for row, found in zip(codes, many, strict=True):
        world = World(runner, evidence(graph, row), {"strength_training": 0})
        np.testing.assert_allclose(found, probability(world, aim), atol=ROUNDING)


def test_few_gaps_are_filled_and_many_are_left_open(runner):
    graph = runner.graph
    codes = scattered(np.random.default_rng(3), graph, 12, 0.0)
    codes[:, graph.names.index("pain")] = -1
    for person in range(6):
        codes[person, person] = -1
    few = [graph.names.index(n) for n in ("age", "sex", "bmi")]
    codes[6, [graph.names.index(n) for n in graph.names if n not in graph.items]] = -1
    codes[6, few] = 0
    parts = sorted(together(runner, codes, ["pain"], 100), key=lambda part: len(part.members))
    assert [part.members.tolist() for part in parts] == [[6], [*range(6), *range(7, 12)]]
    ways = [len(graph.nodes[place].states) for place in range(6)]
    assert len(parts[1].evidence["age"]) == sum(ways) + 5
    assert set(parts[0].evidence) == {"age", "sex", "bmi", *graph.items}


def test_an_item_whose_answering_was_seen_is_no_leaf():
    told = [ANSWERED, NOT_ANSWERED]
    graph = CausalGraph.from_edges(
        [("x", "y"), ("x", "said"), ("said", "told")],
        {"x": ["no", "yes"], "y": ["no", "yes"], "said": ["no", "yes"], "told": told},
    )
    kinds = {"said": "item", "told": "response"}
    graph = replace(
        graph,
        nodes=tuple(replace(n, mechanism=kinds.get(n.name)) for n in graph.nodes),
        edges=tuple(replace(edge, prior=Prior(0.0, 1.0)) for edge in graph.edges),
    )
    assert graph.items == ("said", "told")
    rng = np.random.default_rng(4)
    posterior = random_posterior(rng, graph)
    codes, aim = scattered(rng, graph, 30, 0.4), read_target(graph, "y")
    for row, found in zip(codes, probabilities(posterior, codes, aim), strict=True):
        alone = probability(World(posterior, evidence(graph, row), {}), aim)
        np.testing.assert_allclose(found, alone, atol=ROUNDING)
