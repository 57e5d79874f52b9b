"""A belief about an odds ratio becomes the prior of an edge."""

import math

import numpy as np
import pytest
from scipy.stats import norm

from backrisk import GraphError, Prior


def test_an_odds_ratio_becomes_a_prior_with_those_limits():
    prior = Prior.from_odds_ratio(1.2, 3.5, probability=0.8)
    limits = norm.ppf([0.1, 0.9], prior.mean, prior.sd)
    np.testing.assert_allclose(np.exp(limits), [1.2, 3.5], rtol=1e-9)


@pytest.mark.parametrize(
    "limits", [(0, 1), (2, 1), (1, 1), (-1, 2), (1, math.inf), (math.nan, 2), (1, 2, 0), (1, 2, 1)]
)
def test_impossible_beliefs_are_refused(limits):
    with pytest.raises(GraphError):
        Prior.from_odds_ratio(*limits)
