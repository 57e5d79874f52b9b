"""What the data taught, and what the model predicts of a survey, by hand."""

from dataclasses import replace

import numpy as np
import pytest

from backrisk import Codebook, Posterior, QueryError
from backrisk.check import learned, predicted_margins
from backrisk.graph import CausalGraph, Edge, Layout, Node
from backrisk.survey import Survey

TWO = ("no", "yes")


@pytest.fixture
def graph():
    return CausalGraph.from_edges([("x", "y")], {"x": TWO, "y": TWO})


def narrowed(graph, factor, **rest):
    """A posterior whose fractions lie this much closer to their mean than the prior's."""
    layout = Layout(graph)
    before, beta = layout.draw_prior(400, np.random.default_rng(0))
    before = 0.4 + 0.2 * before
    after = before.mean(axis=0) + (before - before.mean(axis=0)) * factor
    return Posterior(graph, after, beta, prior_fractions=before, prior_beta=beta, **rest)


@pytest.mark.parametrize(
    ("factor", "reading"),
    [(0.3, "narrowed by data"), (0.79, "narrowed by data"), (0.81, "hardly narrowed")],
)
def test_the_distance_is_how_much_narrower_the_cells_are(graph, factor, reading):
    table = learned(narrowed(graph, factor, meta={"answered": {"x": 0.7}}))
    assert list(table.index) == ["x", "y"]
    np.testing.assert_allclose(table["distance"], 1 - factor, rtol=1e-9)
    assert set(table["reading"]) == {reading}
    assert table["answered"].tolist() == [0.7, 0.0]


def test_what_is_wider_than_its_prior_taught_nothing(graph):
    assert learned(narrowed(graph, 1.5))["distance"].tolist() == [0.0, 0.0]


@pytest.mark.parametrize("reliability", [0.5, 0.8])
def test_an_error_that_is_fixed_is_not_learned(reliability):
    graph = CausalGraph(
        "fixed",
        (
            Node("core", TWO),
            Node("plank", TWO, mechanism="item", reliability=reliability, fixed=True),
        ),
        (Edge("core", "plank", "A weak core holds a short plank.", "measurement", "moderate"),),
    )
    layout, rng = Layout(graph), np.random.default_rng(0)
    before, after = layout.draw_prior(200, rng), layout.draw_prior(200, rng)
    table = learned(Posterior(graph, *after, prior_fractions=before[0], prior_beta=before[1]))
    assert table.loc["plank", "reading"] == "known beforehand"
    assert table.loc["plank", "distance"] == 0.0
    assert table.loc["core", "reading"] == "hardly narrowed"


def test_without_a_prior_nothing_can_be_compared(graph):
    given = Posterior.from_cpts(graph, {"x": [0.5, 0.5], "y": [[0.5, 0.5]] * 2})
    with pytest.raises(QueryError, match="no draws of the prior"):
        learned(given)


def test_shares_of_those_who_answered_stand_beside_the_model_s(graph):
    risks = np.linspace(0.2, 0.4, 101)
    x = np.stack([1 - risks, risks], axis=1)
    posterior = Posterior.from_cpts(graph, {"x": x, "y": [[0.9, 0.1], [0.5, 0.5]]})
    codes = np.array([[0, -1], [1, -1], [1, -1], [-1, -1]], np.int8)
    survey = Survey(graph, codes, Codebook.plain(graph), weights=np.array([3.0, 1.0, 1.0, 5.0]))
    table = predicted_margins(posterior, survey)
    assert list(table) == ["node", "state", "survey", "model", "low", "high"]
    assert table["node"].tolist() == ["x", "x"]  # nobody answered y
    assert table["state"].tolist() == ["no", "yes"]
    assert table["survey"].tolist() == [0.6, 0.4]
    np.testing.assert_allclose(table["model"], [0.7, 0.3])
    np.testing.assert_allclose(table["low"], [0.61, 0.21])
    np.testing.assert_allclose(table["high"], [0.79, 0.39])


def test_a_state_that_nobody_reports_has_no_share(graph):
    posterior = Posterior.from_cpts(graph, {"x": [0.5, 0.5], "y": [[0.9, 0.1], [0.5, 0.5]]})
    survey = Survey(graph, np.zeros((2, 2), np.int8), Codebook.plain(graph))
    table = predicted_margins(posterior, survey)
    assert table["survey"].tolist() == [1, 0, 1, 0]
    np.testing.assert_allclose(table["model"], [0.5, 0.5, 0.7, 0.3])


def test_a_survey_of_another_graph_is_refused(graph):
    posterior = Posterior.from_cpts(graph, {"x": [0.5, 0.5], "y": [[0.5, 0.5]] * 2})
    other = Survey(replace(graph, name="other"), np.zeros((1, 2), np.int8), Codebook.plain(graph))
    with pytest.raises(QueryError, match=r"'other'.*'graph'"):
        predicted_margins(posterior, other)
