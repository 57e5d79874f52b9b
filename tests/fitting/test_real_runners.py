"""A real running clinic's file, through a codebook of its own."""

import pytest
from places import SHARED

from backrisk import attribute, fit, load_graph, read_survey, risk
from backrisk.check import learned

FILE = SHARED / "data" / "ric_run_data_meta.csv"
pytestmark = pytest.mark.skipif(
    not FILE.is_file(), reason="the clinic's file lies beside the repository, not in it"
)


@pytest.fixture(scope="module")
def clinic():
    return read_survey(FILE, load_graph("runner"), "clinic")


@pytest.fixture(scope="module")
def posterior(clinic):
    """A short fit; `test_a_long_fit_converges` judges a long one."""
    return fit(load_graph("runner"), clinic, seed=1, draws=150, tune=200, progress=False)


def test_one_row_a_person_with_the_dirt_read_as_missing(clinic):
    assert clinic.n == 1402
    names = clinic.graph.names
    pain = clinic.codes[:, names.index("pain")]
    assert [(pain == k).sum() for k in (1, 2)] == [30, 54]
    assert 0.99 < (clinic.codes[:, names.index("age")] >= 0).mean() < 1.0
    for hidden in ("lumbar_load", "compensation", "fatigue"):
        assert (clinic.codes[:, names.index(hidden)] < 0).all()


@pytest.mark.slow
def test_a_short_fit_is_sound(posterior):
    worst = posterior.diagnostics.worst
    assert worst["divergences"] == 0
    assert worst["e_bfmi"] > 0.3
    assert worst["r_hat"] < 1.1


@pytest.mark.slow
def test_a_long_fit_converges_and_says_what_a_short_one_says(clinic):
    longer = fit(load_graph("runner"), clinic, seed=1, draws=1000, tune=500, progress=False)
    worst = longer.diagnostics.worst
    assert worst["r_hat"] < 1.01
    assert worst["divergences"] == 0
    assert min(worst["ess_bulk"], worst["ess_tail"]) > 400
    test_intermediate_nodes_are_reported_as_mostly_prior(longer)
    test_one_clinic_runner_gets_an_answer(longer)


@pytest.mark.slow
def test_intermediate_nodes_are_reported_as_mostly_prior(posterior):
    report = learned(posterior)
    hidden = ["lumbar_load", "compensation", "pelvic_tilt", "hip_extension", "impact_load"]
    assert (report.loc[hidden, "reading"] == "hardly narrowed").all()
    assert (report.loc[["age", "sex", "bmi"], "reading"] == "narrowed by data").all()


@pytest.mark.slow
def test_one_clinic_runner_gets_an_answer(posterior):
    person = {"age": 47, "Gender": "Female", "Height": 165, "Weight": 70, "Activities": "yoga"}
    answer = risk(posterior, person)
    assert 0.0 < answer.draws.mean() < 0.5
    named = ["fatigue", "compensation", "lumbar_load"]
    causes = attribute(posterior, {**person, "pain": "limiting"}, named, method="necessity")
    unmeasured = dict(zip(causes.causes, causes.support.unmeasured, strict=True))
    for cause in named:  # the clinic asked about none of them
        assert {cause, "lumbar_load"} <= set(unmeasured[cause])
    assert "monotone coupling" in causes.text
