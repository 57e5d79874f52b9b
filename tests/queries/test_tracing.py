"""What flows along each edge, from hand-made tables."""

from dataclasses import replace

import numpy as np
import pytest

from backrisk import CausalGraph, Posterior
from backrisk.graph import Roles
from backrisk.queries import adverse_chances, flow, tracing

TWO = ["no", "yes"]


@pytest.fixture
def posterior():
    graph = CausalGraph.from_edges([("a", "b"), ("b", "c"), ("a", "c")], dict.fromkeys("abc", TWO))
    assert graph.parents("c") == ("b", "a")
    cpts = {
        "a": [[0.6, 0.4]],
        "b": [[[0.9, 0.1], [0.3, 0.7]]],
        "c": [[[[0.8, 0.2], [0.7, 0.3]], [[0.5, 0.5], [0.1, 0.9]]]],  # b, a
    }
    return Posterior.from_cpts(graph, cpts)


def test_chances_are_those_of_not_being_at_the_reference(posterior):
    chances = adverse_chances(posterior)
    assert {name: chance.round(6).tolist() for name, chance in chances.items()} == {
        "a": 0.4,
        "b": [0.1, 0.7],
        "c": [[0.2, 0.3], [0.5, 0.9]],
    }


def test_what_flows_along_an_edge_is_the_rise_of_the_effects_chance(posterior):
    found = flow(posterior, {"a": "yes"}, adverse_chances(posterior))
    assert found.evidence == {"a": 1}
    assert found.shares["a"].tolist() == [0.0, 1.0]
    assert found.shares["b"].round(6).tolist() == [0.3, 0.7]
    assert found.lifts["a", "b"] == pytest.approx(0.7 - 0.1)
    # With a seen, b is yes with 0.7 and raises c from 0.3 to 0.9.
    assert found.lifts["b", "c"] == pytest.approx(0.7 * (0.9 - 0.3))
    # a against its reference, b as likely as it is: 0.3 * (0.3 - 0.2) + 0.7 * (0.9 - 0.5).
    assert found.lifts["a", "c"] == pytest.approx(0.31)
    # By b: 0.6 * 0.6 = 0.36; straight: 0.31.
    assert found.routes == (("a", "b", "c"), ("a", "c"))


def test_routes_begin_where_the_state_is_known_and_only_where_it_is_adverse(posterior):
    chances = adverse_chances(posterior)
    known = flow(posterior, {"a": "no", "b": "yes"}, chances)
    assert known.routes == (("b", "c"),)
    assert flow(posterior, {"a": "yes"}, chances, routes=1).routes == (("a", "b", "c"),)
    assert flow(posterior, {"a": "yes"}, chances, target="b").routes == (("a", "b"),)


def test_a_known_target_is_still_led_to(posterior):
    found = flow(posterior, {"a": "yes", "c": "yes"}, adverse_chances(posterior))
    assert set(found.routes) == {("a", "b", "c"), ("a", "c")}


def test_routes_are_weighed_by_how_adverse_their_start_is():
    graph = CausalGraph.from_edges([("a", "y"), ("b", "y")], dict.fromkeys("aby", TWO))
    table = np.array([[0.1, 0.3], [0.4, 0.6]])  # a raises by 0.3, b by 0.2
    cpts = {"a": [0.9, 0.1], "b": [0.2, 0.8], "y": np.stack([1 - table, table], axis=-1)}
    posterior = Posterior.from_cpts(graph, cpts)
    found = flow(posterior, {}, adverse_chances(posterior))
    assert found.lifts["a", "y"] == pytest.approx(0.1 * 0.3)
    assert found.lifts["b", "y"] == pytest.approx(0.8 * 0.2)
    assert found.routes == (("b", "y"), ("a", "y"))


def test_nothing_flows_into_a_target_without_causes(posterior):
    assert flow(posterior, {}, adverse_chances(posterior), target="a").routes == ()


def test_a_draw_counts_as_any_other(posterior):
    """Chances and shares are means over the draws; an item bears no chance of harm."""
    graph = CausalGraph.from_edges([("a", "b")], dict.fromkeys("ab", TWO))
    two = Posterior.from_cpts(graph, {"a": [[0.6, 0.4], [0.2, 0.8]], "b": [[0.9, 0.1], [0.4, 0.6]]})
    chances = adverse_chances(two)
    assert chances["a"] == pytest.approx(0.6)
    found = flow(two, {}, chances)
    assert found.shares["a"].tolist() == pytest.approx([0.4, 0.6])
    assert found.lifts["a", "b"] == pytest.approx(0.6 * 0.5)


def test_no_more_routes_are_told_than_asked_and_five_by_default():
    names = [f"c{place}" for place in range(6)]
    graph = CausalGraph.from_edges([(n, "y") for n in names], dict.fromkeys([*names, "y"], TWO))
    weights = np.array([0.02, 0.12, 0.06, 0.1, 0.04, 0.08])
    table = 0.1 + sum(
        weight * np.array([0, 1]).reshape([2 if axis == at else 1 for axis in range(6)])
        for at, weight in enumerate(weights)
    )
    cpts = {name: [0.5, 0.5] for name in names} | {"y": np.stack([1 - table, table], axis=-1)}
    posterior = Posterior.from_cpts(graph, cpts)
    strongest = [(names[at], "y") for at in np.argsort(-weights)]
    assert flow(posterior, {}, adverse_chances(posterior)).routes == tuple(strongest[:5])
    found = flow(posterior, {}, adverse_chances(posterior), routes=2)
    assert found.routes == tuple(strongest[:2])


def test_a_cause_that_protects_is_on_no_route():
    graph = CausalGraph.from_edges([("a", "y"), ("b", "y")], dict.fromkeys("aby", TWO))
    table = np.array([[0.3, 0.6], [0.1, 0.4]])  # a lowers by 0.2, b raises by 0.3
    cpts = {"a": [0.5, 0.5], "b": [0.5, 0.5], "y": np.stack([1 - table, table], axis=-1)}
    posterior = Posterior.from_cpts(graph, cpts)
    found = flow(posterior, {}, adverse_chances(posterior))
    assert found.lifts["a", "y"] == pytest.approx(-0.1)
    assert found.routes == (("b", "y"),)


def test_no_route_begins_at_a_trait_or_at_the_reference():
    edges = [("sex", "y"), ("sex", "m"), ("x", "m"), ("m", "y"), ("z", "y")]
    graph = CausalGraph.from_edges(edges, dict.fromkeys(("sex", "x", "m", "y", "z"), TWO))
    assert graph.parents("m") == ("sex", "x")
    assert graph.parents("y") == ("sex", "m", "z")
    add = np.array([[0.1, 0.3], [0.4, 0.6]])
    more = 0.1 + np.add.outer(np.add.outer([0.0, 0.2], [0.0, 0.3]), [0.0, 0.1])
    cpts = {name: [0.5, 0.5] for name in ("sex", "x", "z")}
    cpts |= {"m": np.stack([1 - add, add], axis=-1), "y": np.stack([1 - more, more], axis=-1)}
    chances = adverse_chances(Posterior.from_cpts(graph, cpts))
    traits = replace(graph, roles=Roles(traits=("sex",)))
    for person in ({}, {"sex": "yes"}):
        plain = flow(Posterior.from_cpts(graph, cpts), person, chances)
        assert {route[0] for route in plain.routes} == {"sex", "x", "z"}
        found = flow(Posterior.from_cpts(traits, cpts), person, chances)
        assert set(found.routes) == {("x", "m", "y"), ("z", "y")}
        assert found.lifts == plain.lifts
    healthy = flow(Posterior.from_cpts(traits, cpts), {"sex": "yes", "x": "no", "z": "no"}, chances)
    assert healthy.routes == ()


def test_a_family_too_large_to_lay_out_is_sampled(monkeypatch):
    """Where causes add up, what one of them adds is the same in every sample."""
    names = [f"c{place}" for place in range(5)]
    graph = CausalGraph.from_edges([(n, "y") for n in names], dict.fromkeys([*names, "y"], TWO))
    rng = np.random.default_rng(11)
    weights = rng.uniform(0.02, 0.15, size=(3, 5))
    states = np.indices((2,) * 5)
    table = 0.1 + np.einsum("dp,pabcef->dabcef", weights, states)
    cpts = {name: [1 - 0.15 * k, 0.15 * k] for k, name in enumerate(names, start=1)}
    posterior = Posterior.from_cpts(graph, cpts | {"y": np.stack([1 - table, table], axis=-1)})
    exact = flow(posterior, {"c1": "yes"}, adverse_chances(posterior))
    monkeypatch.setattr(tracing, "_CELLS", 2**6 * 3 - 1)
    chances = adverse_chances(posterior)
    assert set(chances) == set(names)
    sampled = flow(posterior, {"c1": "yes"}, chances)
    assert sampled.lifts == pytest.approx(exact.lifts, abs=1e-12)
    assert sampled.routes == exact.routes
    monkeypatch.setattr(tracing, "_CELLS", 2**6 * 3)
    assert "y" in adverse_chances(posterior)


def test_sampled_lifts_are_those_of_the_table(monkeypatch):
    states = {"a": ["s0", "s1", "s2"], "b": TWO, "c": ["s0", "s1", "s2"], "y": TWO}
    graph = CausalGraph.from_edges([("a", "y"), ("b", "y"), ("c", "y")], states)
    rng = np.random.default_rng(12)
    cpts = {n: rng.dirichlet(np.ones(len(s))) for n, s in states.items() if n != "y"}
    posterior = Posterior.from_cpts(graph, cpts | {"y": rng.dirichlet(np.ones(2), size=(3, 2, 3))})
    exact = flow(posterior, {}, adverse_chances(posterior))
    sampled = flow(posterior, {}, {})
    # A mean of samples that lie between -1 and 1, at most.
    assert sampled.lifts == pytest.approx(exact.lifts, abs=4.5 / np.sqrt(tracing._SAMPLES))
    monkeypatch.setattr(tracing, "_SAMPLES", 200_000)
    close = flow(posterior, {}, {})
    assert close.lifts == pytest.approx(exact.lifts, abs=4.5 / np.sqrt(200_000))
    assert close.shares.keys() == exact.shares.keys()


def test_the_mean_of_a_large_table_is_taken_over_fewer_draws(monkeypatch):
    graph = CausalGraph.from_edges([("a", "b")], dict.fromkeys("ab", TWO))
    draws = 250
    rows = np.random.default_rng(13).dirichlet(np.ones(2), size=(draws, 2))
    posterior = Posterior.from_cpts(graph, {"a": [0.5, 0.5], "b": rows})
    monkeypatch.setattr(tracing, "_CELLS", 4 * draws - 1)
    kept = posterior.spaced(100)
    found = adverse_chances(posterior)["b"]
    np.testing.assert_allclose(found, rows[kept, :, 1].mean(axis=0), rtol=0, atol=1e-12)
