"""The log-likelihood of each person, for leave-one-out cross-validation."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit

from backrisk import CausalGraph, Codebook, FitError, Posterior, log_likelihood
from backrisk.graph import Edge, Layout, Node, Prior
from backrisk.posterior import SiteEffects
from backrisk.survey import Survey

TWO = ("no", "yes")


@pytest.fixture
def posterior():
    graph = CausalGraph.from_edges([("x", "y")], {"x": TWO, "y": TWO})
    return Posterior(graph, *Layout(graph).draw_prior(10, np.random.default_rng(0)), chains=2)


def test_the_log_likelihood_of_a_person_is_the_log_of_what_they_answered(posterior):
    graph = posterior.graph
    frame = pd.DataFrame({"x": ["no", "yes", "", "no"], "y": ["yes", "", "yes", "yes"]})
    survey = Survey.from_frame(frame, graph)
    found = log_likelihood(posterior, survey)["log_likelihood"]["answers"]
    assert found.shape == (2, 5, 4)
    x, y = posterior.cpt("x"), posterior.cpt("y")
    both = x[:, 0] * y[:, 0, 1]
    expected = [both, x[:, 1], both + x[:, 1] * y[:, 1, 1], both]
    np.testing.assert_allclose(
        found.to_numpy().reshape(-1, 4), np.log(np.stack(expected, axis=1)), rtol=1e-9
    )


def test_patterns_and_other_graphs_have_no_person_s_log_likelihood(posterior):
    frame = pd.DataFrame({"x": ["no"], "y": ["yes"]})
    survey = Survey.from_frame(frame, posterior.graph)
    counted = replace(survey, people=np.array([3]))
    with pytest.raises(FitError, match="engine='pandas'"):
        log_likelihood(posterior, counted)
    other = replace(survey, graph=replace(posterior.graph, name="other"))
    with pytest.raises(FitError, match=r"'other'.*'graph'"):
        log_likelihood(posterior, other)


def test_people_are_scored_by_the_model_of_their_own_site():
    nodes = (Node("x", TWO), Node("y", TWO, mechanism="ordinal_logit"))
    edge = Edge("x", "y", "Claim.", "stated", "weak", Prior(0.5, 1.0))
    graph = CausalGraph("sited", nodes, (edge,), outcome="y")
    rng = np.random.default_rng(1)
    sites = SiteEffects(("a", "b"), rng.normal(size=(10, 2, 1)), rng.random((10, 1)))
    posterior = Posterior(graph, *Layout(graph).draw_prior(10, rng), chains=2, sites=sites)
    columns = {name: {"node": name} for name in "xy"}
    book = Codebook.from_dict(
        {"name": "b", "graph": "sited", "columns": columns, "site": "s"}, graph
    )
    frame = pd.DataFrame({"x": ["no"] * 4, "y": ["yes"] * 4, "s": ["b", "a", "b", "a"]})
    found = log_likelihood(posterior, Survey.from_frame(frame, graph, book))
    rows = found["log_likelihood"]["answers"].to_numpy().reshape(10, 4)
    x, y = posterior.cpt("x")[:, 0], logit(posterior.cpt("y")[:, 0, 1])
    a, b = (np.log(x * expit(y + sites.shift[:, k, 0])) for k in (0, 1))
    np.testing.assert_allclose(rows, np.stack([b, a, b, a], axis=1), rtol=1e-9)
