"""Samples of a person and of what would have been, against enumeration of both worlds."""

import numpy as np
import pytest
from strategies import Brute, random_graph, random_person, random_posterior, seeds

from backrisk import CausalGraph, Posterior, QueryError
from backrisk.inference import Rule, World, bucket_tree, people_like, replaying

SAMPLES = 20_000
FAMILY = 1e-5  # chance of one false alarm in all comparisons of a test


def agree(found, truth):
    """Hold samples, ``(sample, ..., draw)``, to what their mean estimates, family-wise.

    By the empirical Bernstein bound for numbers from 0 to 1 (Maurer and Pontil 2009,
    arXiv:0907.3740), which also holds for what few samples show.
    """
    found = np.concatenate(found)
    error = found.std(axis=0, ddof=1) / np.sqrt(len(found))
    odds = np.log(4 * max(error.size, 1) / FAMILY)
    wide = np.sqrt(2 * odds) * error + 7 * odds / (3 * (len(found) - 1))
    assert (np.abs(found.mean(axis=0) - truth) <= wide).all()


def asked(seed, nodes=5):
    rng = np.random.default_rng(seed)
    graph = random_graph(rng, int(rng.integers(3, nodes + 1)), density=0.5)
    posterior = random_posterior(rng, graph, draws=2)
    person = random_person(rng, graph, 0.35)
    evidence = {n: graph.node(n).code(s) for n, s in person.items()}
    return rng, graph, posterior, evidence


def people_of(posterior, evidence, seed=1):
    return list(people_like(posterior, evidence, samples=SAMPLES, seed=seed))


@pytest.mark.parametrize("seed", seeds(6, 60))
def test_states_are_drawn_from_their_joint_posterior(seed):
    _, graph, posterior, evidence = asked(seed)
    open_nodes = [name for name in graph.names if name not in evidence]
    ends = list(dict.fromkeys([*open_nodes[:1], *open_nodes[-1:]]))
    truth = World(posterior, evidence, {}).conditional([(name, 0) for name in ends])
    found = []
    for people in people_of(posterior, evidence):
        states = people.follow(graph.names).states
        cells = np.indices(truth.shape[:-1])[:, None, ..., None]
        hit = np.ones((1, *truth.shape), bool)
        for name, codes in zip(ends, cells, strict=True):
            own = np.broadcast_to(states[name], (people.samples, 2))
            hit = hit & (np.expand_dims(own, tuple(range(1, 1 + len(ends)))) == codes)
        found.append(hit.astype(float))
    agree(found, truth)


@pytest.mark.parametrize("seed", seeds(6, 60))
def test_a_replayed_world_is_the_counterfactual(seed):
    rng, graph, posterior, evidence = asked(seed)
    target = graph.outcome
    cause = str(rng.choice(sorted(graph.ancestors(target))))
    code = int(rng.integers(len(graph.node(cause).states)))
    states = range(len(graph.node(target).states))
    truth = np.array(
        [
            [
                Brute(posterior, draw).counterfactual(
                    lambda s, k=k: s[target] == k, evidence, {cause: code}
                )
                for draw in range(2)
            ]
            for k in states
        ]
    )
    chances, counted = [], []
    for people in people_of(posterior, evidence):
        there = people.follow([target], {cause: code})
        shape = (people.samples, 2)
        each = [np.broadcast_to(there.chance(target, [k]), shape) for k in states]
        chances.append(np.stack(each, axis=1))
        own = np.broadcast_to(there.states[target], shape)
        counted.append(np.stack([own == k for k in states], axis=1).astype(float))
    agree(chances, truth)
    agree(counted, truth)


@pytest.mark.parametrize("seed", range(20))
def test_a_world_in_which_all_stays_as_reported_is_the_same_to_the_bit(seed):
    _, graph, posterior, evidence = asked(seed)
    for people in people_of(posterior, evidence)[:2]:
        here = people.follow(graph.names)
        there = people.follow(graph.names, evidence)
        assert here.same == there.same == set(graph.names)
        for name in graph.names:
            np.testing.assert_array_equal(here.states[name], there.states[name])
            np.testing.assert_array_equal(here.chance(name, [1]), there.chance(name, [1]))
        # Nor does a rule that changes nothing, or noise that is replayed by the same causes.
        keep = {n: Rule((), lambda _, own: own.copy()) for n in graph.names}
        assert people.follow(graph.names, keep).same == set(graph.names)
        for name in people.told:
            again = people._state(name, people.levels(name, here.states))
            np.testing.assert_array_equal(*np.broadcast_arrays(again, here.states[name]))


def test_a_rule_looks_at_its_inputs_even_where_no_edge_leads_from_them():
    graph = CausalGraph.from_edges(
        [("b", "y")], {n: ["no", "yes"] for n in ("a", "b", "y")}, outcome="y"
    )
    half = [0.5, 0.5]
    posterior = Posterior.from_cpts(graph, {"a": half, "b": half, "y": [[0.9, 0.1], [0.3, 0.7]]})
    (people,) = people_like(posterior, {}, samples=200, seed=3)
    there = people.follow(["y"], {"b": Rule(("a",), lambda states, own: 1 - states["a"])})
    np.testing.assert_array_equal(there.states["b"], 1 - there.states["a"])
    np.testing.assert_allclose(
        there.chance("y", [1]), np.where(there.states["b"] == 1, 0.7, 0.1), atol=1e-12
    )


def test_an_edge_that_is_not_heard_gives_its_cause_at_the_reference():
    graph = CausalGraph.from_edges([("a", "y"), ("b", "y")], {n: ["no", "yes"] for n in "aby"})
    table = np.array([[[0.9, 0.1], [0.4, 0.6]], [[0.7, 0.3], [0.2, 0.8]]])
    posterior = Posterior.from_cpts(graph, {"a": [0.5, 0.5], "b": [0.5, 0.5], "y": table})
    (people,) = people_like(posterior, {"a": 1}, samples=100, seed=3)
    there = people.follow(["y"], deaf=[("a", "y")])
    expected = np.where(there.states["b"] == 1, 0.6, 0.1)
    np.testing.assert_allclose(there.chance("y", [1]), expected, atol=1e-12)
    assert there.states["a"].item() == 1


@pytest.mark.parametrize("seed", range(5))
def test_what_is_asked_of_later_nodes_changes_no_earlier_one(seed):
    _, graph, posterior, evidence = asked(seed)
    few, all_of_them = people_of(posterior, evidence)[0], people_of(posterior, evidence)[0]
    name = graph.topological[0]
    whole = all_of_them.follow(reversed(graph.names)).states[name]
    np.testing.assert_array_equal(few.follow([name]).states[name], whole)
    other = people_of(posterior, evidence, seed=2)[0].follow([name]).states[name]
    assert other.shape == whole.shape


def test_draws_are_cut_so_that_tables_fit(monkeypatch):
    rng, graph, _, _ = asked(3)
    posterior = random_posterior(rng, graph, draws=70)
    evidence = {graph.outcome: 0}
    whole = people_of(posterior, evidence)[0].follow(graph.names).states
    monkeypatch.setattr(bucket_tree, "_CACHE", 1)
    monkeypatch.setattr(bucket_tree, "_FEW", 7)
    for name, states in people_of(posterior, evidence)[0].follow(graph.names).states.items():
        np.testing.assert_array_equal(states, whole[name])


@pytest.mark.parametrize("seed", seeds(4, 40))
def test_weighted_samples_agree_with_the_counterfactual(seed, monkeypatch):
    monkeypatch.setattr(replaying, "DRAWN_CELLS", 0)
    rng, graph, posterior, evidence = asked(seed)
    target = graph.outcome
    cause = str(rng.choice(sorted(graph.ancestors(target))))
    code = int(rng.integers(len(graph.node(cause).states)))
    evidence = evidence or {target: 0}
    brute = [Brute(posterior, draw) for draw in range(2)]
    twin = [each.counterfactual(lambda s: s[target] > 0, evidence, {cause: code}) for each in brute]
    risk = [each.probability(lambda s: s[target] > 0, evidence) for each in brute]
    many = people_like(posterior, evidence, samples=9, seed=seed, weighted=SAMPLES)
    for people in many:
        if not people.wide:  # nothing is left open that is told
            assert people.told == set(evidence)
            return
        codes = range(1, len(graph.node(target).states))
        weights = np.exp(people.log_weights)
        share = weights / weights.sum(axis=0)
        for settings, truth in (({}, risk), ({cause: code}, twin)):
            found = people.follow([target], settings).chance(target, codes)
            mean = (share * found).sum(axis=0)
            error = np.sqrt((share**2 * (found - mean) ** 2).sum(axis=0))
            assert (np.abs(mean - truth) <= 6 * error + 20 * (share**2).sum(axis=0)).all()


def test_a_table_beyond_the_budget_is_refused_with_its_nodes(monkeypatch):
    _, graph, posterior, _ = asked(2)
    monkeypatch.setattr(replaying, "BUDGET", 8)
    with pytest.raises(QueryError, match="Report more of these") as error:
        people_of(posterior, {graph.outcome: 0})
    assert any(name in str(error.value) for name in graph.names)
    weighed = people_like(posterior, {graph.outcome: 0}, samples=9, seed=1, weighted=90)
    monkeypatch.setattr(replaying, "DRAWN_CELLS", 1)
    assert next(weighed).samples == 90
    assert people_of(posterior, {})  # nothing to be drawn given anything


@pytest.mark.parametrize("seed", range(4))
def test_samples_that_are_held_in_turn_are_those_that_are_held_at_once(seed):
    _, graph, posterior, evidence = asked(seed)
    (whole,) = people_like(posterior, evidence, samples=50, seed=1)
    states = whole.follow(graph.names).states
    parts = list(people_like(posterior, evidence, samples=50, seed=1, at_once=20))
    assert [part.samples for part in parts] == [20, 20, 10]
    for name in graph.names:
        shapes = [(part.samples, 2) for part in parts]
        found = [part.follow(graph.names).states[name] for part in parts]
        joined = np.concatenate([*map(np.broadcast_to, found, shapes)])
        np.testing.assert_array_equal(joined, np.broadcast_to(states[name], (50, 2)))


def test_so_many_are_held_at_once_that_all_their_states_fit(monkeypatch):
    _, graph, posterior, _ = asked(1)
    monkeypatch.setattr(replaying, "_AT_ONCE", 7 * posterior.draws * len(graph.names))
    assert [p.samples for p in people_like(posterior, {}, samples=20, seed=1)] == [7, 7, 6]
    monkeypatch.setattr(replaying, "_AT_ONCE", 1)
    assert [p.samples for p in people_like(posterior, {}, samples=3, seed=1)] == [1, 1, 1]


def test_what_is_remembered_of_people_does_not_show():
    _, graph, posterior, evidence = asked(2)
    (people,) = people_like(posterior, evidence or {graph.outcome: 0}, samples=9, seed=1)
    before = repr(people)
    people.follow(graph.names).chance(graph.outcome, [0])
    assert repr(people) == before
