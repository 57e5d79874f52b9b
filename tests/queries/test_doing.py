"""Interventions and counterfactuals by definition, and what they assume."""

from dataclasses import replace

import numpy as np
import pytest
from strategies import Brute, random_graph, random_person, random_posterior, seeds

from backrisk import CausalGraph, Posterior, QueryError, counterfactual, intervene, risk, risks
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
    for draw in range(2):
        brute = Brute(posterior, draw, "independent" if coupling == "independent" else "monotone")

        def there(state):
            return state[graph.outcome] > 0

        seen = coded(graph, person)
        expected = brute.counterfactual(there, seen, setting), brute.probability(there, seen)
        np.testing.assert_allclose((was.draws[draw], was.before[draw]), expected, **EXACT)
        own = coded(graph, kept)
        expected = brute.counterfactual(there, own, setting), brute.probability(there, own)
        np.testing.assert_allclose((would.draws[draw], would.before[draw]), expected, **EXACT)
    assert was.do == would.do == do
    assert (was.coupling, would.coupling) == (coupling, None)
    assert would.evidence == kept


@pytest.mark.parametrize("seed", seeds(60, 200))
def test_an_intervention_needs_no_coupling_and_keeps_what_is_reported_of_a_set_node(seed):
    """Above a set node its report counts; below it the set value rules, under any coupling."""
    rng = np.random.default_rng(200 + seed)
    graph = random_graph(rng, int(rng.integers(3, 6)))
    posterior = random_posterior(rng, graph, draws=2)
    causes = sorted(graph.ancestors(graph.outcome))
    nodes = rng.permutation(causes)[: int(rng.integers(1, 3))].tolist()
    below = set().union(*(graph.descendants(node) for node in nodes))
    person = {n: s for n, s in random_person(rng, graph, 0.6).items() if n not in below}
    do = {n: graph.node(n).states[int(rng.integers(len(graph.node(n).states)))] for n in nodes}
    answer = intervene(posterior, person, do)
    seen, setting = coded(graph, person), coded(graph, do)
    assert answer.evidence == person
    for coupling in COUPLINGS:
        was = counterfactual(posterior, person, do, coupling=coupling)
        np.testing.assert_allclose(answer.draws, was.draws, **EXACT)
    for draw in range(2):

        def there(state):
            return state[graph.outcome] > 0

        for coupling in ("monotone", "independent"):
            brute = Brute(posterior, draw, coupling)
            expected = brute.counterfactual(there, seen, setting)
            np.testing.assert_allclose(answer.draws[draw], expected, **EXACT)
        empty = intervene(posterior, {}, do).draws[draw]
        np.testing.assert_allclose(empty, brute.probability(there, {}, setting), **EXACT)


@pytest.mark.parametrize("seed", seeds(40, 200))
def test_setting_what_is_reported_to_what_it_is_changes_nothing_to_the_bit(seed):
    rng = np.random.default_rng(300 + seed)
    graph = random_graph(rng, int(rng.integers(3, 7)))
    posterior = random_posterior(rng, graph, draws=3)
    person = random_person(rng, graph, 0.7)
    able = [n for n in person if n in graph.ancestors(graph.outcome)]
    if not able:
        pytest.skip("no cause is reported here")
    do = {n: person[n] for n in able if rng.random() < 0.6} or {able[0]: person[able[0]]}
    expected = risk(posterior, person).draws
    for answer in (
        intervene(posterior, person, do),
        counterfactual(posterior, person, do),
        counterfactual(posterior, person, do, coupling="independent_causes"),
    ):
        assert np.array_equal(answer.draws, expected)
        assert np.array_equal(answer.before, expected)
        assert answer.do == do
    assert np.array_equal(risks(posterior, [person], do), risks(posterior, [person]))


def test_oracle_of_a_person_who_reports_what_is_set():
    """With z -> x, z -> y, x -> y, what x tells of z stays, whatever x is set to."""
    graph = CausalGraph.from_edges([("z", "x"), ("z", "y"), ("x", "y")], dict.fromkeys("zxy", TWO))
    assert graph.parents("y") == ("z", "x")
    y = np.array([[0.1, 0.5], [0.6, 0.9]])
    cpts = {"z": [0.5, 0.5], "x": [[0.8, 0.2], [0.2, 0.8]], "y": np.stack([1 - y, y], axis=-1)}
    posterior = Posterior.from_cpts(graph, cpts)
    own = {state: intervene(posterior, {"x": "yes"}, {"x": state}) for state in TWO}
    np.testing.assert_allclose(own["yes"].before, 0.82, **EXACT)
    assert own["yes"].change.tolist() == [0.0]
    np.testing.assert_allclose(own["no"].draws, 0.50, **EXACT)
    nobody = [intervene(posterior, {}, {"x": state}).draws[0] for state in TWO]
    np.testing.assert_allclose(nobody, [0.35, 0.70], **EXACT)


def test_noise_drawn_anew_changes_even_what_stays():
    """Under the independent coupling what is below a set node is another draw of it."""
    was = counterfactual(one_edge(), {"x": "yes", "y": "yes"}, {"x": "yes"}, coupling="independent")
    np.testing.assert_allclose(was.draws, 0.8, **EXACT)
    assert was.before.tolist() == [1.0]


def two_set(edges):
    """Set a and b, of which a acts on b and b is reported."""
    graph = CausalGraph.from_edges(edges, dict.fromkeys("abmy", TWO), outcome="y")
    return random_posterior(np.random.default_rng(4), graph), {"b": "yes"}, {"a": "no", "b": "no"}


def test_what_lies_between_two_set_nodes_and_acts_past_them_is_refused():
    posterior, person, do = two_set([("a", "m"), ("m", "b"), ("b", "y"), ("m", "y")])
    with pytest.raises(QueryError, match="reports 'b', which setting 'a' would change"):
        intervene(posterior, person, do)
    with pytest.raises(QueryError, match=r"Person 2: .* 'b', which setting 'a' would change"):
        risks(posterior, [{}, person], do)
    couplings = [counterfactual(posterior, person, do, coupling=c).draws for c in COUPLINGS]
    assert abs(couplings[0] - couplings[-1]).max() > 1e-3  # so it matters


@pytest.mark.parametrize(
    "edges",
    [
        [("a", "b"), ("b", "y"), ("a", "y"), ("m", "y")],
        [("a", "m"), ("m", "b"), ("b", "y"), ("a", "y")],
    ],
)
def test_a_set_node_below_another_may_be_reported_where_nothing_acts_past_it(edges):
    posterior, person, do = two_set(edges)
    answer = intervene(posterior, person, do)
    setting = {"a": 0, "b": 0}
    for draw in range(posterior.draws):
        for coupling in ("monotone", "independent"):
            brute = Brute(posterior, draw, coupling)
            expected = brute.counterfactual(lambda s: s["y"] > 0, {"b": 1}, setting)
            np.testing.assert_allclose(answer.draws[draw], expected, **EXACT)


def test_what_is_downstream_of_what_stays_as_it_is_is_no_obstacle():
    posterior = one_edge()
    answer = intervene(posterior, {"x": "yes", "y": "yes"}, {"x": "yes"})
    assert answer.before.tolist() == answer.draws.tolist() == [1.0]
    with pytest.raises(QueryError, match="reports 'y'"):
        intervene(posterior, {"x": "yes", "y": "yes"}, {"x": "no"})


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
