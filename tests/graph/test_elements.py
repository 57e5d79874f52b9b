"""Nodes, edges and priors as plain values."""

import math
from statistics import NormalDist

import pytest

from backrisk import Edge, GraphError, Node, Prior
from backrisk.graph import GRADES
from backrisk.graph.elements import Stated


@pytest.mark.parametrize("probability", [0.5, 0.9, 0.95])
def test_a_prior_from_odds_ratios_has_them_as_its_quantiles(probability):
    prior = Prior.from_odds_ratio(0.8, 3.0, probability)
    belief = NormalDist(prior.mean, prior.sd)
    tail = (1 - probability) / 2
    assert math.exp(belief.inv_cdf(tail)) == pytest.approx(0.8)
    assert math.exp(belief.inv_cdf(1 - tail)) == pytest.approx(3.0)


def test_the_limits_hold_nine_in_ten_unless_said_otherwise():
    assert Prior.from_odds_ratio(1, 2) == Prior.from_odds_ratio(1, 2, 0.90)


@pytest.mark.parametrize(
    ("low", "high"), [(2, 1), (1, 1), (0, 2), (-1, 2), (1, math.inf), (math.nan, 2)]
)
def test_odds_ratios_out_of_order_are_refused(low, high):
    with pytest.raises(GraphError, match=f"between {low} and {high} .* 0 < low < high"):
        Prior.from_odds_ratio(low, high)


@pytest.mark.parametrize("probability", [0, 1, -0.1, 90])
def test_a_probability_out_of_range_is_refused(probability):
    with pytest.raises(GraphError, match=f"probability {probability} "):
        Prior.from_odds_ratio(1, 2, probability)


def test_a_state_is_known_by_its_place():
    node = Node("tilt", ("low", "mid", "high"))
    assert node.reference == "low"
    assert [node.code(label) for label in node.states] == [0, 1, 2]
    with pytest.raises(
        GraphError, match=r"'tilt' has no state 'hgh' .*'high'.*'low', 'mid', 'high'"
    ):
        node.code("hgh")


def test_what_is_left_out_is_modest():
    node = Node("x", ("no", "yes"))
    assert (node.concentration, node.modifiable, node.fixed) == (10.0, False, False)
    for words in (node.description, node.group, node.margin_source, node.label):
        assert words == ""
    assert node.interactions == node.labels == ()
    stated = (node.margin, node.mechanism, node.reliability, node.misclassification)
    assert stated == (None,) * 4
    edge = Edge("x", "y", "X leads to y.", "stated", "weak")
    assert (edge.prior, edge.citations) == (None, ())
    bare = Stated("g", (node,))
    assert bare.edges == bare.lagged == bare.groups == ()
    assert (bare.outcome, bare.title, bare.description, bare.vocabulary) == (None, "", "", "")
    assert set(vars(bare.roles).values()) == {()}


def test_grades_are_ordered_from_strong_to_contradicted():
    assert GRADES == ("strong", "moderate", "weak", "none", "contradicted")
