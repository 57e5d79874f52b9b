"""R-hat of several chains and of one, against its formula."""

import arviz as az
import numpy as np
import pytest
import xarray as xr
from scipy.stats import norm, rankdata

from backrisk.posterior.mixing import judged_draws, r_hat


def draws(values):
    """Return draws, (chain, draw, parameter), as they are kept."""
    return xr.Dataset({"x": (("chain", "draw", "parameter"), values)})


def formula(halves):
    """Return R-hat of two sequences of numbers, made normal by their ranks among both."""
    flat = (rankdata(halves) - 3 / 8) / (halves.size + 1 / 4)
    scores = norm.ppf(flat).reshape(halves.shape)
    many = scores.shape[1]
    within = scores.var(axis=1, ddof=1).mean()
    between = many * scores.mean(axis=1).var(ddof=1)
    return np.sqrt(((many - 1) / many * within + between / many) / within)


@pytest.mark.parametrize("many", [8, 9, 101, 200])
def test_of_one_chain_the_halves_are_compared(many):
    """By what they are and by how far they are from the middle of both; an odd draw is left out."""
    rng = np.random.default_rng(many)
    values = rng.normal(size=(many, 3))
    values[:, 1] += np.linspace(0, 3, many)  # it drifts
    values[:, 2] *= np.linspace(1, 9, many)  # it widens
    found = r_hat(draws(values[None]))["x"].to_numpy()
    for place, chain in enumerate(values.T):
        halves = np.stack([chain[: many // 2], chain[-(many // 2) :]])
        away = np.abs(halves - np.median(halves))
        expected = max(formula(halves), formula(away))
        assert found[place] == pytest.approx(expected, rel=1e-12)
    if many >= 100:
        assert found[0] < 1.05 < min(found[1:])


def test_of_several_chains_it_is_arvizs():
    values = draws(np.random.default_rng(1).normal(size=(3, 40, 2)))
    np.testing.assert_array_equal(r_hat(values)["x"], az.rhat(values)["x"])


def test_too_few_draws_are_not_judged():
    assert (judged_draws(1), judged_draws(2), judged_draws(4)) == (8, 4, 4)
    found = r_hat(draws(np.ones((1, 7, 2))))["x"]
    assert found.dims == ("parameter",)
    assert np.isnan(found).all()
    assert not np.isnan(r_hat(draws(np.random.default_rng(1).normal(size=(1, 8, 2))))["x"]).any()
