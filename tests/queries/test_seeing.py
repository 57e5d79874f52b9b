"""Risks and diagnoses by definition, for one person and for many."""

import numpy as np
import pytest
from strategies import Brute, random_graph, random_person, random_posterior

from backrisk import CausalGraph, Posterior, QueryError, diagnose, intervene, risk, risks
from backrisk.queries import after_each, possible, probabilities, read_target, seeing

EXACT = {"rtol": 0, "atol": 1e-12}
TWO = ["no", "yes"]


def one_edge():
    graph = CausalGraph.from_edges([("x", "y")], {"x": TWO, "y": TWO})
    return Posterior.from_cpts(graph, {"x": [0.5, 0.5], "y": [[0.7, 0.3], [0.2, 0.8]]})


def coded(graph, person):
    return {name: graph.node(name).code(label) for name, label in person.items()}


@pytest.mark.parametrize("seed", range(10))
def test_risks_and_diagnoses_are_conditional_probabilities(seed):
    rng = np.random.default_rng(seed)
    graph = random_graph(rng, 4)
    posterior = random_posterior(rng, graph, draws=2)
    person = random_person(rng, graph)
    seen = coded(graph, person)
    answer, found = risk(posterior, person), diagnose(posterior, person)
    unseen = [node for node in graph.nodes if node.name not in seen]
    assert found.rows == tuple((node.name, state) for node in unseen for state in node.states)
    assert found.evidence == answer.evidence == person
    for draw in range(2):
        brute = Brute(posterior, draw)

        def is_there(state):
            return state[graph.outcome] > 0

        np.testing.assert_allclose(answer.draws[draw], brute.probability(is_there, seen), **EXACT)
        np.testing.assert_allclose(answer.average[draw], brute.probability(is_there, {}), **EXACT)
        for column, (name, state) in enumerate(found.rows):
            code = graph.node(name).code(state)

            def is_so(full, name=name, code=code):
                return full[name] == code

            expected = brute.probability(is_so, seen), brute.probability(is_so, {})
            got = found.draws[draw, column], found.before[draw, column]
            np.testing.assert_allclose(got, expected, **EXACT)
    table = found.table
    np.testing.assert_allclose(table["without_answers"], found.before.mean(axis=0), **EXACT)
    assert table["node"].tolist() == [name for name, _ in found.rows]
    assert table["state"].tolist() == [state for _, state in found.rows]


def test_the_rows_of_a_risk():
    answer = risk(one_edge(), {"x": "yes"})
    assert answer.table["mean"].round(6).to_dict() == {"this person": 0.8, "average": 0.55}
    labels = [answer.row_label(row) for row in answer.table.index]
    assert labels == ["this person", "the population that the model describes"]
    assert "80 % (80 % to 80 %)" in answer.text
    assert "55 % (55 % to 55 %)" in answer.text
    assert answer.notes == ()


@pytest.mark.parametrize(("person", "share"), [({"y": "yes"}, 1.0), ({"y": "no"}, 0.0)])
def test_a_target_among_the_answers_is_certain_and_says_so(person, share):
    answer = risk(one_edge(), person)
    assert answer.draws.tolist() == [share]
    (note,) = answer.notes
    assert f"already {'report' if share else 'tell about'} y" in note
    assert risk(one_edge(), person, target="x").notes == ()


def test_an_average_is_ones_own_copy():
    posterior = one_edge()
    risk(posterior, {}).average[:] = 2.0
    assert risk(posterior, {}).average.tolist() == [0.55]


def test_a_diagnosis_says_the_likeliest_state_of_each_node_the_surest_first():
    states = {"a": ["fine", "bad", "worse"], "b": TWO, "c": TWO, "y": TWO}
    graph = CausalGraph.from_edges([(n, "y") for n in "abc"], states)
    flat = np.broadcast_to([0.5, 0.5], (3, 2, 2, 2))
    cpts = {"a": [0.2, 0.3, 0.5], "b": [0.4, 0.6], "c": [0.9, 0.1], "y": flat}
    away, at_reference = diagnose(Posterior.from_cpts(graph, cpts), {"y": "no"}).sentences()
    assert away.endswith(
        "away from the reference: b 60 % (60 % to 60 %) and a (worse) 50 % (50 % to 50 %)."
    )
    assert at_reference.endswith("at the reference: no c 90 % (90 % to 90 %).")
    answer = diagnose(Posterior.from_cpts(graph, cpts), {"y": "no"})
    assert answer.row_label("a=worse") == "a: worse"


def test_nothing_is_left_to_diagnose():
    answer = diagnose(one_edge(), {"x": "no", "y": "no"})
    assert answer.draws.shape == answer.before.shape == (1, 0)
    assert answer.sentences() == ["Every node is among the answers."]


def test_many_people_are_asked_as_one_is(monkeypatch):
    rng = np.random.default_rng(3)
    graph = random_graph(rng, 5)
    posterior = random_posterior(rng, graph, draws=3)
    people = [random_person(rng, graph) for _ in range(30)]
    expected = np.column_stack([risk(posterior, person).draws for person in people])
    for size in (1, 7, 2048):
        monkeypatch.setattr(seeing, "_PEOPLE", size)
        np.testing.assert_allclose(risks(posterior, people), expected, **EXACT)
    some = [{"n1": p["n1"]} for p in people if "n1" in p and "n0" not in p]
    assert some
    do = {"n2": "s1"}
    kept = [p for p in some if "n1" not in graph.descendants("n2")]
    # Among them people who are as it is set to, and people who are not.
    own = [*kept, *({**person, "n2": state} for person in kept for state in ("s0", "s1"))]
    expected = np.column_stack([intervene(posterior, p, do).draws for p in own])
    assert len({*expected[0].round(9)}) > 3
    np.testing.assert_allclose(risks(posterior, own, do), expected, **EXACT)


def test_a_problem_names_the_person_from_one():
    with pytest.raises(QueryError, match=r"Person 2: .*'z'"):
        risks(one_edge(), [{}, {"z": "no"}])
    with pytest.raises(QueryError, match=r"Person 1: .*setting 'x' would change"):
        risks(one_edge(), [{"y": "no"}], {"x": "no"}, target="y")


def test_contradictory_answers_are_refused_or_nan():
    graph = CausalGraph.from_edges([("x", "y"), ("y", "z")], dict.fromkeys("xyz", TWO))
    sure = [[1.0, 0.0], [0.0, 1.0]]
    posterior = Posterior.from_cpts(graph, {"x": [0.5, 0.5], "y": sure, "z": [[0.5, 0.5]] * 2})
    codes = np.array([[0, 0, -1], [0, 1, -1]])
    target = read_target(graph, None)
    with pytest.raises(QueryError, match="Person 2: "):
        probabilities(posterior, codes, target)
    found = probabilities(posterior, codes, target, strict=False)
    assert np.isnan(found).tolist() == [[False], [True]]
    assert possible(posterior, codes).tolist() == [True, False]


def test_what_is_possible_is_so_in_every_draw(monkeypatch):
    """Whoever has a state that is impossible in one draw, whatever else they left out."""
    graph = CausalGraph.from_edges([("x", "y"), ("y", "z")], dict.fromkeys("xyz", TWO))
    y = np.array([[[0.5, 0.5], [0.5, 0.5]], [[1.0, 0.0], [0.5, 0.5]]])
    posterior = Posterior.from_cpts(graph, {"x": [0.5, 0.5], "y": y, "z": [[0.5, 0.5]] * 2})
    codes = np.array(list(np.ndindex(3, 3, 3))) - 1
    monkeypatch.setattr(seeing, "_PEOPLE", 5)
    found = possible(posterior, codes)
    assert found.tolist() == [not (x == 0 and y == 1) for x, y, _ in codes]
    assert possible(one_edge(), np.array([[0, 1], [1, 0]])).all()


def test_contradictory_answers_are_nan_beside_people_with_other_gaps():
    """Y says x for sure: whoever gives them differing answers, whatever else is left out."""
    graph = CausalGraph.from_edges(
        [("x", "y"), ("y", "z"), ("w", "z")], dict.fromkeys("xyzw", TWO), outcome="z"
    )
    assert graph.names == ("x", "y", "z", "w")
    rows = np.array([[[0.9, 0.1], [0.7, 0.3]], [[0.6, 0.4], [0.2, 0.8]]])
    cpts = {"x": [0.5, 0.5], "y": [[1.0, 0.0], [0.0, 1.0]], "w": [0.5, 0.5], "z": rows}
    codes = np.array([(x, y, -1, w) for x, y, w in np.ndindex(3, 3, 3)]) - [1, 1, 0, 1]
    assert graph.parents("z") == ("y", "w")
    found = probabilities(
        Posterior.from_cpts(graph, cpts), codes, read_target(graph, None), strict=False
    )
    for (x, y, _, w), share in zip(codes, found[:, 0], strict=True):
        known = y if x < 0 else x
        if x >= 0 and y >= 0 and x != y:
            assert np.isnan(share)
        else:
            ways = rows[[known] if known >= 0 else [0, 1]][:, [w] if w >= 0 else [0, 1], 1]
            assert share == pytest.approx(ways.mean())


def test_what_an_intervention_would_do_is_asked_of_many_by_world():
    """Evidence on the target is of the world without the change, and no answer in the other."""
    posterior = one_edge()
    target = read_target(posterior.graph, None)
    codes = np.array([[-1, 1], [1, 1], [-1, -1]])
    found = probabilities(posterior, codes, target, {"x": 0})
    # Monotone: y=1 leaves x=1 with 8/11, whose noise lies below 0.3 with 3/8; x=0 keeps y.
    np.testing.assert_allclose(found.ravel(), [8 / 11 * 3 / 8 + 3 / 11, 3 / 8, 0.3], **EXACT)
    assert probabilities(posterior, codes, target).ravel().tolist() == pytest.approx([1, 1, 0.55])


@pytest.mark.parametrize("seed", range(5))
def test_changes_too_wide_for_one_pass_are_found_one_by_one(seed, monkeypatch):
    rng = np.random.default_rng(90_000 + seed)
    graph = random_graph(rng, 6, density=0.5)
    posterior = random_posterior(rng, graph, draws=3)
    target = read_target(graph, None)
    above = [name for name in graph.topological if name in graph.ancestors(graph.outcome)]
    changes = [{}, *({name: code} for name in above for code in range(2))]
    together = after_each(posterior, {}, changes, target)

    def too_wide(*_):
        raise QueryError("too wide for the passes")

    monkeypatch.setattr(seeing, "set_in_turn", too_wide)
    alone = after_each(posterior, {}, changes, target)
    np.testing.assert_allclose(together, alone, **EXACT)


def test_too_many_people_are_told_how_many_fit(monkeypatch):
    posterior = random_posterior(np.random.default_rng(0), one_edge().graph, draws=2)
    monkeypatch.setattr(seeing, "BUDGET", 32)
    assert risks(posterior, [{}, {}]).shape == (2, 2)
    with pytest.raises(QueryError, match=r"3 people and 2 draws .* ask about 2 people"):
        risks(posterior, [{}, {}, {}])
