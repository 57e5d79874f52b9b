"""How far an answer is from what the prior alone gives."""

import numpy as np
import pytest
from scipy.stats import ks_2samp

from backrisk import CausalGraph, Posterior, attribute
from backrisk.queries.support import data_support


@pytest.mark.parametrize("ties", [False, True])
def test_the_distance_is_that_of_kolmogorov_and_smirnov(core_prior, ties):
    own = core_prior.draws
    rng = np.random.default_rng(2)
    draws = rng.normal(size=(own + 40, 3)) + np.array([0.0, 0.5, 3.0]) * (
        np.arange(own + 40) < own
    ).reshape(-1, 1)
    if ties:
        draws = draws.round(0)
    found = data_support(draws, core_prior)
    expected = [ks_2samp(column[:own], column[own:]).statistic for column in draws.T]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


def test_without_a_prior_there_is_no_distance():
    graph = CausalGraph.from_edges([("x", "y")], dict.fromkeys("xy", ("no", "yes")))
    posterior = Posterior.from_cpts(graph, {"x": [0.5, 0.5], "y": [[0.7, 0.3], [0.2, 0.8]]})
    assert np.isnan(attribute(posterior, {"y": "yes"}).data_support).tolist() == [True]
