"""The tree with all of ArviZ's groups, and ArviZ's own functions on it."""

from __future__ import annotations

import arviz as az
import numpy as np
import pytest

from backrisk import load_posterior
from backrisk.check import to_datatree
from backrisk.errors import QueryError

ONE = {"distribution": slice(0, 2), "effect": slice(0, 2)}
PREDICTED = 20


@pytest.fixture(scope="module")
def tree(core_model, core_survey):
    """The whole tree of a model that was sampled, saved and loaded."""
    return to_datatree(load_posterior(core_model), core_survey, predicted=PREDICTED)


@pytest.fixture(scope="module")
def few(tree):
    """The same of two parameters of each kind, which is quick to draw."""
    chosen = tree.copy()
    for group in ("posterior", "prior"):
        chosen[group] = tree[group].isel(ONE)
    return chosen


def test_it_has_a_group_for_each_thing_that_is_known(tree, core_survey):
    assert set(tree.children) == {
        *("posterior", "prior", "sample_stats", "log_prior", "log_likelihood"),
        *("observed_data", "posterior_predictive", "prior_predictive"),
    }
    seen = tree["observed_data"]
    assert seen.sizes == {"person": core_survey.n}
    for at, name in enumerate(core_survey.graph.names):
        codes = core_survey.codes[:, at]
        if (codes < 0).all():
            assert name not in seen
            continue
        found = seen[name].to_numpy()
        assert (np.isnan(found) == (codes < 0)).all()
        assert (found[codes >= 0] == codes[codes >= 0]).all()
        drawn = tree["posterior_predictive"][name]
        assert drawn.shape == (1, PREDICTED, core_survey.n)
        assert (np.isnan(drawn.to_numpy()) == (codes < 0)).all()
    assert set(tree["posterior_predictive"].data_vars) == set(seen.data_vars)


def test_what_is_told_of_people_sums_to_what_is_told_of_the_survey(tree, core_posterior):
    of_people = tree["log_likelihood"]["answers"].sum("person").to_numpy().ravel()
    assert of_people == pytest.approx(core_posterior.log_likelihood)


def test_people_are_predicted_as_the_model_has_them(core_posterior, core_survey):
    """The share of each state over many predicted surveys, within Monte Carlo error."""
    surveys = 400
    tree = to_datatree(core_posterior, core_survey, predicted=surveys, seed=2)
    mean = core_posterior.marginal("fatigue")
    drawn = tree["posterior_predictive"]["fatigue"].to_numpy()[0]
    for code in range(len(mean)):
        share = np.nanmean(np.where(np.isnan(drawn), np.nan, drawn == code), axis=1)
        error = share.std(ddof=1) / np.sqrt(surveys)
        assert abs(share.mean() - mean[code].mean()) < 4 * error


def test_a_file_holds_no_person(tree, core_model):
    assert {"observed_data", "posterior_predictive"} & set(
        az.from_netcdf(core_model).children
    ) == set()


@pytest.mark.parametrize(
    "name",
    [
        *("plot_trace", "plot_autocorr", "plot_forest", "plot_energy", "plot_rank", "plot_pair"),
        *("plot_prior_posterior", "plot_psense_dist", "plot_ppc_dist"),
    ],
)
def test_arviz_draws_it(few, name):
    pytest.importorskip("matplotlib").use("agg")
    with_few = {"plot_ppc_dist": {"var_names": ["fatigue"], "kind": "ecdf", "num_samples": 5}}
    drawn = getattr(az, name)(few, backend="matplotlib", **with_few.get(name, {}))
    assert drawn.viz["figure"] is not None


def test_arviz_judges_it(few, core_posterior):
    worst = core_posterior.diagnostics.worst
    assert float(az.rhat(few)["beta"].max()) <= worst["r_hat"] + 1e-9
    assert float(az.ess(few)["beta"].min()) >= worst["ess_bulk"] - 1e-9
    assert az.summary(few, kind="stats").shape[0] == 4


def test_arviz_leaves_people_out(few, core_survey):
    found = az.loo(few)
    pointwise = few["log_likelihood"]["answers"].stack(sample=("chain", "draw"))
    assert found.n_data_points == core_survey.n
    assert found.elpd < float(np.log(np.exp(pointwise).mean("sample")).sum())


def test_arviz_scales_prior_and_likelihood(few):
    found = az.psense_summary(few)
    assert (found[["prior", "likelihood"]] >= 0).all(axis=None)


def test_arviz_compares_two_of_them(few):
    table = az.compare({"one": few, "other": few})
    assert table["elpd"].nunique() == 1


def test_what_cannot_be_is_said(core_posterior, core_survey, monkeypatch):
    with pytest.raises(QueryError, match="at least one"):
        to_datatree(core_posterior, core_survey, predicted=0)
    monkeypatch.setattr("backrisk.check.whole_tree.MOST", 10)
    with pytest.raises(QueryError, match="more than 10 answers"):
        to_datatree(core_posterior, core_survey, predicted=1)
