"""Interventions and counterfactuals by definition, and what they assume."""

from dataclasses import replace

import numpy as np
import pytest
from strategies import Brute, random_graph, random_person, random_posterior

from backrisk import CausalGraph, Posterior, QueryError, counterfactual, intervene, risk
from backrisk.inference import COUPLINGS
from backrisk.queries import doing

EXACT = {"rtol": 0, "atol": 1e-12}
TWO = ["no", "yes"]


def coded(graph, person):
    return {name: graph.node(name).code(label) for name, label in person.items()}


@pytest.mark.parametrize("seed", range(12))
def test_changes_equal_enumeration(seed):
    rng = np.random.default_rng(100 + seed)
    graph = random_graph(rng, 4)
    posterior = random_posterior(rng, graph, draws=2)
    person = random_person(rng, graph)
    coupling = COUPLINGS[seed % 3]
    cause = sorted(graph.ancestors(graph.outcome))[0]
    do = {cause: graph.node(cause).states[-1]}
    setting = coded(graph, do)
    was = counterfactual(posterior, person, do, coupling=coupling)
    kept = {n: s for n, s in person.items() if n not in graph.descendants(cause)}
    would = intervene(posterior, kept, do)
    context = {n: c for n, c in coded(graph, kept).items() if n != cause}
    for draw in range(2):
        brute = Brute(posterior, draw, "independent" if coupling == "independent" else "monotone")

        def there(state):
            return state[graph.outcome] > 0

        seen = coded(graph, person)
        expected = brute.counterfactual(there, seen, setting), brute.probability(there, seen)
        np.testing.assert_allclose((was.draws[draw], was.before[draw]), expected, **EXACT)
        expected = (
            brute.probability(there, context, setting),
            brute.probability(there, coded(graph, kept)),
        )
        np.testing.assert_allclose((would.draws[draw], would.before[draw]), expected, **EXACT)
    assert was.do == would.do == do
    assert (was.coupling, would.coupling) == (coupling, None)
    assert would.evidence == kept


def one_edge():
    graph = CausalGraph.from_edges([("x", "y")], {"x": TWO, "y": TWO})
    return Posterior.from_cpts(graph, {"x": [0.5, 0.5], "y": [[0.7, 0.3], [0.2, 0.8]]})


def test_a_contrast_is_after_less_before():
    answer = intervene(one_edge(), {"x": "yes"}, {"x": "no"})
    means = answer.table["mean"].round(6).to_dict()
    assert means == {"before": 0.8, "after": 0.3, "change": -0.5}
    assert [answer.row_label(row) for row in means] == ["before", "after", "change"]
    (said,) = answer.sentences()
    assert said == (
        "With no x, the risk of y would be 30 % (30 % to 30 %) instead of 80 %, "
        "a fall of 50.0 points (50.0 to 50.0)."
    )
    assert answer.notes == ("This rests on the graph being right about causes.",)


def test_a_counterfactual_names_its_coupling():
    answer = counterfactual(one_edge(), {"x": "yes", "y": "yes"}, {"x": "no"})
    (said,) = answer.sentences()
    assert said.startswith("Had this person had no x, the probability of y would be 38 %")
    (note,) = answer.notes
    assert "the monotone coupling" in note


def test_independent_causes_say_where_they_have_no_meaning():
    graph = CausalGraph.from_edges([("x", "m"), ("m", "y")], dict.fromkeys("xmy", TWO))
    nodes = tuple(
        replace(node, mechanism="noisy_max") if node.name == "m" else node for node in graph.nodes
    )
    rng = np.random.default_rng(0)
    posterior = random_posterior(rng, replace(graph, nodes=nodes))
    notes = counterfactual(
        posterior, {"y": "yes"}, {"x": "no"}, coupling="independent_causes"
    ).notes
    assert "independent-causes coupling" in notes[0]
    replaced = [name for name in "my" if posterior.causes(name) is None]
    assert replaced
    assert f"do not: {' and '.join(replaced)}." in notes[1]
    assert (
        len(counterfactual(posterior, {"y": "yes"}, {"x": "no"}, coupling="independent").notes) == 1
    )


def test_what_was_seen_downstream_is_no_context_for_an_intervention():
    with pytest.raises(QueryError, match="reports 'y', which setting 'x' would change"):
        intervene(one_edge(), {"y": "yes"}, {"x": "no"}, target="y")
    assert counterfactual(one_edge(), {"y": "yes"}, {"x": "no"}).draws.shape == (1,)
    assert doing.Contrast is type(intervene(one_edge(), {}, {"x": "no"}))
    np.testing.assert_allclose(
        intervene(one_edge(), {}, {"x": "no"}).before, risk(one_edge(), {}).draws, **EXACT
    )
