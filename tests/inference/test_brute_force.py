"""Engine against enumeration on random graphs, for every query."""

import numpy as np
import pytest
from strategies import Brute, random_graph, random_person, random_posterior, seeds

from backrisk import attribute, counterfactual, diagnose, intervene, risk
from backrisk.inference import COUPLINGS

TOLERANCE = 1e-10


def present(graph):
    return lambda state: state[graph.outcome] > 0


def coded(graph, person):
    return {name: graph.node(name).code(label) for name, label in person.items()}


@pytest.mark.parametrize("seed", seeds(90, 200))
def test_every_query_equals_enumeration(seed):
    rng = np.random.default_rng(seed)
    graph = random_graph(rng, int(rng.integers(3, 6)))
    posterior = random_posterior(rng, graph)
    target = graph.outcome
    person = random_person(rng, graph)
    seen = coded(graph, person)
    causes = sorted(graph.ancestors(target))
    chosen = [c for c in causes if rng.random() < 0.7][:3] or causes[:1]
    do_node = graph.node(causes[int(rng.integers(len(causes)))])
    do = {do_node.name: do_node.states[int(rng.integers(len(do_node.states)))]}
    upstream = {
        n: label
        for n, label in person.items()
        if n not in graph.descendants(do_node.name) and n != target
    }
    hurting = {**person, target: graph.node(target).states[-1]}
    coupling = COUPLINGS[seed % 3]
    # Random CPTs are no noisy-max, for which independent causes mean the monotone coupling.
    brute_coupling = "independent" if coupling == "independent" else "monotone"

    answers = {
        "risk": risk(posterior, person).draws,
        "intervene": intervene(posterior, upstream, do).draws,
        "counterfactual": counterfactual(posterior, person, do, coupling=coupling).draws,
        "necessity": attribute(
            posterior, hurting, chosen, coupling=coupling, method="necessity"
        ).draws,
    }
    diagnosed = diagnose(posterior, person)
    for draw in range(posterior.draws):
        brute = Brute(posterior, draw, brute_coupling)
        expected = {
            "risk": brute.probability(present(graph), seen),
            # What is reported of the set node stays evidence about what lies above it.
            "intervene": brute.counterfactual(
                present(graph), coded(graph, upstream), coded(graph, do)
            ),
            "counterfactual": brute.counterfactual(present(graph), seen, coded(graph, do)),
            "necessity": [
                1.0 - brute.counterfactual(present(graph), coded(graph, hurting), {cause: 0})
                for cause in chosen
            ],
        }
        for name, value in expected.items():
            np.testing.assert_allclose(
                answers[name][draw], value, rtol=0, atol=TOLERANCE, err_msg=name
            )
        for column, (node, state) in enumerate(diagnosed.rows):
            code = graph.node(node).code(state)
            share = brute.probability(lambda s, n=node, k=code: s[n] == k, seen)
            assert abs(diagnosed.draws[draw, column] - share) < TOLERANCE


@pytest.mark.parametrize("seed", range(20))
def test_shapley_shares_sum_to_the_excess_draw_by_draw(seed):
    rng = np.random.default_rng(1000 + seed)
    graph = random_graph(rng, 6)
    posterior = random_posterior(rng, graph, draws=50)
    answer = attribute(posterior, random_person(rng, graph), method="shapley")
    np.testing.assert_allclose(answer.draws.sum(axis=1), answer.total, rtol=0, atol=1e-10)


@pytest.mark.parametrize("seed", range(20))
def test_necessity_lies_within_its_bounds_without_evidence_downstream(seed):
    rng = np.random.default_rng(2000 + seed)
    graph = random_graph(rng, 5)
    posterior = random_posterior(rng, graph, draws=20)
    cause = graph.names[0]
    if cause not in graph.ancestors(graph.outcome):
        pytest.skip("the first node is no cause here")
    person = {cause: graph.node(cause).states[-1], graph.outcome: "s1"}
    for coupling in ("monotone", "independent_causes"):
        answer = attribute(posterior, person, [cause], coupling=coupling, method="necessity")
        low, high = answer.bounds
        assert (answer.draws >= low - 1e-12).all()
        assert (answer.draws <= high + 1e-12).all()
