"""States drawn given those of some nodes, against their joint distribution."""

import itertools

import numpy as np
import pytest
from strategies import random_graph, random_person, random_posterior, seeds

from backrisk import CausalGraph, Posterior
from backrisk.inference import World, completed

PEOPLE = 20_000


@pytest.mark.parametrize("seed", seeds(8, 40))
def test_people_are_drawn_from_the_joint_distribution_given_what_is_known(seed):
    rng = np.random.default_rng(90_000 + seed)
    graph = random_graph(rng, int(rng.integers(3, 6)))
    posterior = random_posterior(rng, graph)
    person = random_person(rng, graph, 0.35)
    evidence = {name: graph.node(name).code(label) for name, label in person.items()}
    found = completed(posterior, evidence, PEOPLE, rng)
    assert set(found) == set(graph.names)
    for name, code in evidence.items():
        assert (found[name] == code).all()
    rest = [name for name in graph.names if name not in evidence]
    for pair in itertools.combinations(rest, 2):
        truth = World(posterior, evidence, {}).conditional([(name, 0) for name in pair])
        first, second = (np.broadcast_to(found[name], (PEOPLE, 2)) for name in pair)
        for i, j, draw in np.ndindex(truth.shape):
            share = ((first[:, draw] == i) & (second[:, draw] == j)).mean()
            chance = truth[i, j, draw]
            # 1 in 10**8 of each, by Bernstein's inequality for independent people.
            odds = np.log(2e8)
            wide = np.sqrt(2 * odds * chance * (1 - chance) / PEOPLE) + odds / PEOPLE
            assert abs(share - chance) <= wide


def test_each_person_is_drawn_by_itself_in_each_draw():
    """Of two equal draws, people agree as often as two coins of a chance of a half."""
    graph = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    half = [[0.5, 0.5], [0.5, 0.5]]
    posterior = Posterior.from_cpts(graph, {"x": half, "y": [half, half]})
    for evidence in ({}, {"y": 1}):
        found = completed(posterior, evidence, PEOPLE, np.random.default_rng(1))
        agree = (found["x"][:, 0] == found["x"][:, 1]).mean()
        assert abs(agree - 0.5) < 6 * 0.5 / np.sqrt(PEOPLE)
