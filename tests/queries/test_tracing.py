"""What flows along each edge, from hand-made tables."""

import numpy as np
import pytest

from backrisk import CausalGraph, Posterior
from backrisk.queries import adverse_chances, flow

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
