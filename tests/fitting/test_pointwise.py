"""The log-likelihood of each person, for leave-one-out cross-validation."""

from dataclasses import replace

import arviz as az
import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit, logsumexp

from backrisk import CausalGraph, Codebook, FitError, Posterior, fit, log_likelihood, simulate
from backrisk.fitting import compile_model
from backrisk.graph import Edge, Layout, Node, Prior
from backrisk.posterior import SiteEffects
from backrisk.survey import Survey, tabulate

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
    with pytest.raises(FitError, match="keeps a row for each, without an engine"):
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


@pytest.mark.slow
def test_loo_agrees_with_refits_that_leave_each_person_out():
    """A construct that nobody observes, its item and an outcome of three states."""
    nodes = (
        Node("construct", TWO),
        Node("outcome", ("none", "some", "much"), mechanism="ordinal_logit"),
    )
    edge = Edge("construct", "outcome", "Claim.", "stated", "strong", Prior(1.0, 0.5))
    graph = CausalGraph("latent", nodes, (edge,), outcome="outcome")
    columns = {
        "outcome": {"node": "outcome"},
        "report": {"item": "construct", "reliability": 0.7, "people": 30},
    }
    data = {"name": "book", "graph": graph.name, "columns": columns}
    codebook = Codebook.from_dict(data, graph)
    survey = Survey.from_frame(simulate(graph, 60, seed=3, codebook=codebook), graph, codebook)
    compiled = compile_model(graph, survey)
    settings = {"draws": 500, "tune": 400, "compiled": compiled, "progress": False}
    tree = log_likelihood(fit(graph, survey, seed=1, **settings), survey)
    loo = az.loo(tree, var_name="answers", pointwise=True)

    # People of one pattern have one refit; the left-out person is scored by the others' fit.
    patterns = tabulate(survey)
    exact = np.empty(len(patterns.weights))
    for pattern in range(len(exact)):
        gone = int(np.flatnonzero(patterns.index == pattern)[0])
        keep = np.arange(survey.n) != gone
        others = Survey(survey.graph, survey.codes[keep], codebook)
        alone = Survey(survey.graph, survey.codes[~keep], codebook)
        refit = fit(graph, others, seed=2 + pattern, chains=2, **settings)
        rows = log_likelihood(refit, alone)["log_likelihood"]["answers"].to_numpy().ravel()
        exact[pattern] = logsumexp(rows) - np.log(len(rows))
    pointwise = exact[patterns.index]
    assert abs(float(loo.elpd) - pointwise.sum()) < float(loo.se)
    # Far closer than the standard error over people: each person's own value agrees.
    assert np.abs(np.asarray(loo.elpd_i) - pointwise).max() < 0.1
