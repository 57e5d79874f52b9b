"""The E-step of each person, against the posterior of each family by enumeration."""

import itertools

import numpy as np
import pytest

from backrisk.graph import CausalGraph
from backrisk.likelihood import Expecting, build_circuit, stack_logs
from tests.strategies import every_mechanism, random_graph, random_posterior, seeds


def joint(graph, posterior):
    """Every joint state with its probability."""
    states = list(itertools.product(*(range(len(node.states)) for node in graph.nodes)))
    names = {name: i for i, name in enumerate(graph.names)}
    chance = np.ones(len(states))
    codes = np.array(states)
    for name in graph.names:
        parents = tuple(codes[:, names[parent]] for parent in graph.parents(name))
        chance *= posterior.cpt(name)[0][(*parents, codes[:, names[name]])]
    return codes, chance


def answers(rng, graph, people):
    codes = np.array([[rng.integers(len(n.states)) for n in graph.nodes] for _ in range(people)])
    return np.where(rng.random(codes.shape) < 0.5, -1, codes).astype(np.int8)


def held_to_enumeration(graph, posterior, codes, by_row=()):
    circuit = build_circuit(graph, codes, np.ones(len(codes)), by_row)
    expecting = Expecting(circuit, stack_logs(circuit.cells, posterior)[0])
    some = np.arange(len(codes))[::-1]
    found = expecting.of(some)
    every, chance = joint(graph, posterior)
    for at, row in enumerate(codes[some]):
        agrees = ((row < 0) | (every == row)).all(axis=1)
        total = chance[agrees].sum()
        assert found.log_likelihood[at] == pytest.approx(np.log(total), rel=1e-9)
        for v, name in enumerate(graph.names):
            members = list(circuit.cells.families[v])
            states = circuit.cells.joint(name)
            counts = found.counts[[at], circuit.cells.part(name)].toarray().ravel()
            if not counts.any():  # nothing at or below the node is answered
                below = {name, *graph.descendants(name)}
                assert all(row[graph.names.index(n)] < 0 for n in below)
                continue
            for configuration in np.unique(states, axis=0):
                here = (states == configuration).all(axis=1)
                inside = (every[:, members] == configuration).all(axis=1) & agrees
                expected = chance[inside].sum() / total
                assert counts[here].sum() == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("seed", seeds(4, 40))
def test_each_person_s_expected_cells_are_the_posterior_of_each_family(seed):
    rng = np.random.default_rng(seed)
    graph = random_graph(rng, 5)
    held_to_enumeration(graph, random_posterior(rng, graph, 1), answers(rng, graph, 12))


def test_cells_in_blocks_are_told_apart_too():
    graph = every_mechanism()
    rng = np.random.default_rng(0)
    codes = answers(rng, graph, 3)
    by_row = [n for n in graph.names if graph.mechanism(n) in ("ordinal_logit", "noisy_max")]
    held_to_enumeration(graph, random_posterior(rng, graph, 1), codes, by_row)


def test_impossible_answers_expect_nothing():
    two = ["no", "yes"]
    graph = CausalGraph.from_edges([("a", "b"), ("b", "c")], {"a": two, "b": two, "c": two})
    circuit = build_circuit(graph, np.array([[0, -1, 1], [1, -1, 1]], np.int8), np.ones(2))
    with np.errstate(divide="ignore"):
        cells = np.log([0.5, 0.5, 1.0, 0.0, 0.3, 0.7, 1.0, 0.0, 0.4, 0.6])
    found = Expecting(circuit, cells).of(np.arange(2))
    assert found.log_likelihood[0] == -np.inf
    assert found.log_likelihood[1] == pytest.approx(np.log(0.5 * 0.7 * 0.6))
    assert found.of("b", np.array([[0.0], [1.0]] * 2))[:, 0].tolist() == [0.0, 1.0]


def test_many_people_expect_what_each_expects_alone():
    """Room for what is found grows twice and more; alone, nobody needs that of the start."""
    rng = np.random.default_rng(2)
    graph = random_graph(rng, 6, density=0.7)
    codes = answers(rng, graph, 150)
    circuit = build_circuit(graph, codes, np.ones(len(codes)))
    expecting = Expecting(circuit, stack_logs(circuit.cells, random_posterior(rng, graph, 1))[0])
    together = expecting.of(np.arange(len(codes)))
    assert together.counts.nnz > 4 * 1024
    for at in range(len(codes)):
        alone = expecting.of(np.array([at]))
        assert alone.counts.nnz < 1024
        np.testing.assert_allclose(
            alone.counts.toarray()[0], together.counts[[at]].toarray()[0], rtol=0, atol=1e-14
        )
