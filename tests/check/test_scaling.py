"""What an answer owes to the prior: the columns of the answer, and means under other powers."""

from dataclasses import replace

import numpy as np
import pytest
from grid_posterior import Grid, two_nodes

from backrisk import (
    CausalGraph,
    Posterior,
    Prior,
    QueryError,
    attribute,
    example_posterior,
    intervene,
    risk,
)
from backrisk.check import power_scaling

COUNTS = np.array([[12, 6], [5, 9]])


@pytest.fixture(scope="module")
def posterior():
    return Grid(two_nodes(Prior(0.3, 0.5), ("x", "y")), COUNTS).draw(4000, 1)


def test_the_distances_are_those_of_the_answer_itself(posterior):
    answer = attribute(posterior, {"x": "yes"})
    found = power_scaling(posterior, answer).table
    np.testing.assert_array_equal(found["moved_by_prior"], answer.support.moved_by_prior)
    np.testing.assert_array_equal(found["moved_by_likelihood"], answer.support.moved_by_likelihood)
    assert found.index.tolist() == list(answer.causes)


def test_a_mean_under_another_power_of_the_prior(posterior):
    """Of a normal prior, the power divides its variance: a grid knows what follows."""
    answer = intervene(posterior, {"x": "no"}, {"x": "yes"})
    (row,) = power_scaling(posterior, answer).table.to_dict("records")
    for key, power in (("prior_less", 0.8), ("prior_more", 1.25)):
        density = power * posterior.log_prior + posterior.log_likelihood
        weights = np.exp((power - 1) * (posterior.log_prior - posterior.log_prior.max()))
        assert np.isfinite(density).all()
        mean = weights @ answer.change / weights.sum()
        error = answer.change.std() / np.sqrt(len(weights))
        assert row[key] == pytest.approx(mean, abs=error)
    assert row["likelihood_less"] < row["mean"] < row["likelihood_more"]


def test_a_prior_against_the_data_is_told_and_so_is_one_without_any():
    against = Grid(two_nodes(Prior(-1.0, 0.2), ("x", "y")), 4 * COUNTS).draw(4000, 1)
    found = power_scaling(against, intervene(against, {"x": "no"}, {"x": "yes"}))
    assert found.table["diagnosis"].tolist() == ["conflict"]
    assert "disagree" in found.text
    alone = Grid(two_nodes(Prior(0.5, 0.3), ("x", "y")), 0 * COUNTS).draw(4000, 1)
    found = power_scaling(alone, intervene(alone, {"x": "no"}, {"x": "yes"}))
    assert found.table["diagnosis"].tolist() == ["strong_prior"]
    assert "The prior decides" in found.text
    many = Grid(two_nodes(Prior(0.5, 2.0), ("x", "y")), 60 * COUNTS).draw(4000, 1)
    found = power_scaling(many, risk(many, {"x": "yes"}))
    assert found.table["diagnosis"].tolist() == [""]
    assert "moves with the prior" in found.text


def test_noise_is_no_conflict():
    """Draws that have nothing to do with the model: one in 100 is called moved by the prior."""
    posterior, rng = example_posterior(), np.random.default_rng(1)
    answer = risk(posterior, {})
    found = [
        power_scaling(posterior, replace(answer, draws=rng.beta(20, 80, posterior.draws)))
        for _ in range(40)
    ]
    named = [each.table["diagnosis"].item() for each in found]
    # Three of 40 or more have a chance below 1 %.
    assert sum(name in ("conflict", "strong_prior") for name in named) < 3
    assert "untold" in named
    assert "Monte Carlo error" in found[named.index("untold")].text


def test_what_cannot_be_scaled_is_refused(posterior):
    graph = CausalGraph.from_text("x -> y")
    given = Posterior.from_cpts(graph, {"x": [0.5, 0.5], "y": [[0.7, 0.3], [0.2, 0.8]]})
    with pytest.raises(QueryError, match="does not hold the log prior"):
        power_scaling(given, risk(given, {}))
    with pytest.raises(QueryError, match="has 50 draws"):
        power_scaling(posterior, risk(posterior.subset(50), {}))
    with pytest.raises(QueryError, match="1 draws"):
        power_scaling(posterior, risk(given, {}))
