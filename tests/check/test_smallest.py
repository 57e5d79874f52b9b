"""The smallest surveys and models: one sentence, or an answer, and no statement about nothing."""

import numpy as np
import pytest

from backrisk import CausalGraph, Codebook, Posterior, QueryError, Survey, example_posterior, risk
from backrisk.check import (
    attribute_over,
    claim_odds,
    compare_graphs,
    doubts,
    kept_with,
    outcome_calibration,
    power_scaling,
)
from backrisk.check.prior import prior_model

TWO = ["no", "yes"]
ALONE = CausalGraph.from_edges([], {"y": TWO}, outcome="y")
GIVEN = Posterior.from_cpts(ALONE, {"y": np.full((200, 2), 0.5)})


def survey_of(codes, graph=ALONE):
    return Survey(graph, np.asarray(codes, np.int8), Codebook.plain(graph))


def test_draws_that_all_say_the_same_are_compared():
    survey = survey_of([[0], [1], [1]])
    found = compare_graphs({"one": GIVEN, "two": GIVEN}, survey)
    assert found.table["difference"].tolist() == [0.0, 0.0]
    assert found.table["unsure"].tolist() == [0, 0]


@pytest.mark.parametrize(
    ("codes", "match"),
    [(np.empty((0, 1)), "nobody"), ([[1]], "one person"), ([[-1], [-1]], "answered anything")],
)
def test_nobody_to_predict_from_or_nothing_to_predict_is_no_comparison(codes, match):
    with pytest.raises(QueryError, match=match):
        compare_graphs({"one": GIVEN, "two": GIVEN}, survey_of(codes))


def test_two_graphs_of_one_name_are_told_apart():
    other = CausalGraph.from_edges([], {"z": TWO}, outcome="z")
    survey = survey_of([[0], [1]], other)
    for check in (doubts, lambda *each: kept_with(each[0], (), each[1])):
        with pytest.raises(QueryError, match="another graph of that name"):
            check(GIVEN, survey)


def test_a_slope_that_is_not_defined_is_no_number():
    found = outcome_calibration(GIVEN, survey_of([[0], [1]] * 20), seed=1)
    assert "no calibration slope is defined" in found.text.partition(" The mean")[0]
    assert "nan" not in found.text.partition(" The mean")[0]


def test_nothing_is_told_of_nothing():
    assert attribute_over({"one": GIVEN, "two": GIVEN}, {}).text.endswith("nothing in any of them.")
    prior = prior_model(ALONE, draws=200)
    assert "no claim of these grades" in claim_odds(prior).text
    few = example_posterior().subset(1)
    answer = risk(few, {})
    with pytest.raises(QueryError, match="has 1 draws; scaling"):
        power_scaling(few, answer)
