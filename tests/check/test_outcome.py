"""Calibration of the outcome: verdicts on risks of a known fault, and every way to leave out."""

from dataclasses import replace

import numpy as np
import pytest

from backrisk import Codebook, Posterior, QueryError, fit, simulate
from backrisk.check import left_out, measures, outcome, outcome_calibration
from backrisk.check.reliability import recalibration
from backrisk.graph import CausalGraph, Layout
from backrisk.posterior import SiteEffects
from backrisk.survey import Design, Survey

STATES = {"x": [f"s{k}" for k in range(6)], "y": ["no", "yes"]}
RISKS = np.array([0.05, 0.1, 0.2, 0.4, 0.6, 0.8])
PEOPLE = 3000


@pytest.fixture(autouse=True)
def _few_samples(monkeypatch):
    monkeypatch.setattr(measures, "TIMES", 200)
    monkeypatch.setattr(measures, "_CURVES", 200)


@pytest.fixture(scope="module")
def graph():
    return CausalGraph.from_edges([("x", "y")], STATES, outcome="y")


def model(graph, risks):
    """A model that was given: six equally common states of x, each with its risk."""
    cpts = {"x": np.full(6, 1 / 6), "y": np.stack([1 - risks, risks], axis=1)}
    return Posterior.from_cpts(graph, cpts)


def survey_of(graph, risks=RISKS, people=PEOPLE, seed=1, **rest):
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 6, people)
    codes = np.stack([x, rng.random(people) < risks[x]], axis=1).astype(np.int8)
    return Survey(graph, codes, Codebook.plain(graph), **rest)


def moved(risks, intercept, slope):
    odds = intercept + slope * np.log(risks / (1 - risks))
    return 1 / (1 + np.exp(-odds))


def straightened(risks):
    """Return risks whose recalibration, on the whole truth, is none."""
    twice, event = np.tile(risks, 2), np.arange(12) < 6
    weights = np.concatenate([RISKS, 1 - RISKS])[None]
    _, (intercept,), (slope,) = recalibration(twice, event, weights)
    return moved(risks, intercept, slope)


# Wrong by turns, and yet of slope 1 and intercept 0.
WAVE = straightened(np.array([0.05, 0.18, 0.13, 0.55, 0.45, 0.8]))


@pytest.mark.parametrize(
    ("told", "reading"),
    [
        (moved(RISKS, 0.0, 1.6), "too_extreme"),
        (moved(RISKS, -0.1, 0.6), "too_timid"),
        (moved(RISKS, 0.5, 1.0), "too_high"),
        (moved(RISKS, -0.5, 1.0), "too_low"),
        (WAVE, "uneven"),
    ],
)
def test_each_fault_of_the_risks_is_named(graph, told, reading):
    found = outcome_calibration(model(graph, told), survey_of(graph), seed=1)
    assert (found.verdict, found.reading) == ("contradicted", reading)
    assert found.p < 0.01
    assert found.table.loc["calibration", "verdict"] == "contradicted"
    assert "contradicted" in found.text


@pytest.mark.slow
def test_right_risks_are_called_wrong_at_the_stated_rate(graph):
    """At most the level, and four standard errors, of 200 surveys."""
    right = model(graph, RISKS)
    found = [
        outcome_calibration(right, survey_of(graph, people=300, seed=seed), level=0.2, seed=seed)
        for seed in range(200)
    ]
    wrong = np.mean([each.verdict == "contradicted" for each in found])
    assert wrong < 0.2 + 4 * np.sqrt(0.2 * 0.8 / len(found))


def test_scores_are_those_of_the_definitions(graph):
    survey = survey_of(graph)
    found = outcome_calibration(model(graph, RISKS), survey, seed=1)
    x, y = survey.codes.T
    risk, mine = RISKS[x], found.scores["model"]
    assert mine["observed"] == pytest.approx(y.mean())
    assert mine["expected"] == pytest.approx(risk.mean())
    assert mine["brier"] == pytest.approx(((y - risk) ** 2).mean())
    assert mine["log_score"] == pytest.approx(np.log(np.where(y, risk, 1 - risk)).mean())
    parts = mine["miscalibration"] - mine["discrimination"] + mine["uncertainty"]
    assert mine["brier"] == pytest.approx(parts)
    assert (found.scores["low"].dropna() <= mine[found.scores["low"].notna()]).all()
    np.testing.assert_allclose(found.curve["predicted"], RISKS)
    np.testing.assert_allclose(found.curve["share"], np.bincount(x) / PEOPLE)
    shares = np.array([y[x == k].mean() for k in range(6)])
    np.testing.assert_allclose(found.curve["observed"], np.maximum.accumulate(shares))
    assert found.way == "external"
    assert found.verdict == "agrees"
    # The regression knows nothing of the risks, has six groups to learn them from, and does.
    assert found.against_regression == "alike"
    at = found.decision.set_index("threshold").loc[0.3]
    acted = risk >= 0.3
    benefit = (y[acted].sum() - (1 - y[acted]).sum() * 3 / 7) / PEOPLE
    assert at["model"] == pytest.approx(benefit)
    assert at["treat_all"] == pytest.approx(y.mean() - (1 - y.mean()) * 3 / 7)
    assert at["treat_none"] == 0


def test_a_model_that_is_wrong_does_worse_than_a_regression(graph):
    found = outcome_calibration(model(graph, RISKS[::-1]), survey_of(graph), seed=1)
    assert found.against_regression == "worse"
    assert not found.tells_apart
    assert "chance" in found.text


@pytest.fixture(scope="module")
def chain():
    """A true model whose risks are two, at thresholds; a regression on m orders people alike."""
    two = ["no", "yes"]
    graph = CausalGraph.from_edges(
        [("x", "m"), ("m", "y")], {"x": two, "m": two, "y": two}, outcome="y"
    )
    cpts = {"x": [0.5, 0.5], "m": [[0.7, 0.3], [0.3, 0.7]], "y": [[0.8, 0.2], [0.4, 0.6]]}
    return graph, Posterior.from_cpts(graph, cpts)


def test_leaving_out_breaks_no_ties_against_the_regression_alone(chain):
    """A regression on x and m may order x too, by chance: that is all that may tell them apart."""
    graph, right = chain
    for seed in range(3):
        frame = simulate(graph, 2000, seed=seed, posterior=right, gaps=False)
        frame["x"] = ""  # so that both have m alone, and one order
        survey = Survey.from_frame(frame, graph)
        found = outcome_calibration(right, survey, seed=1).scores.loc["auc"]
        assert found["regression"] == pytest.approx(found["model"])
        assert found["difference_low"] == found["difference_high"] == 0.0


def test_a_regression_on_nothing_is_chance(chain):
    alone = CausalGraph.from_edges([], {"y": ["no", "yes"]}, outcome="y")
    given = Posterior.from_cpts(alone, {"y": [[0.7, 0.3]]})
    survey = Survey.from_frame(simulate(alone, 100, seed=1, posterior=given, gaps=False), alone)
    found = outcome_calibration(given, survey, seed=1).scores.loc["auc"]
    assert found["model"] == found["regression"] == 0.5


def test_a_true_model_is_seldom_better_than_a_regression_that_holds_it(chain):
    """Nominally one in 20; of 20 surveys, 5 or more have a chance below 0.3 %."""
    graph, right = chain
    said = []
    for seed in range(20):
        frame = simulate(graph, 1000, seed=seed, posterior=right, gaps=False)
        found = outcome_calibration(right, Survey.from_frame(frame, graph), seed=1)
        said.append(found.against_regression)
    assert said.count("better") < 5
    assert said.count("worse") < 5


def test_few_people_tell_nothing(graph):
    survey = survey_of(graph, people=25)
    found = outcome_calibration(model(graph, RISKS), survey, seed=1)
    assert found.verdict == found.reading == "too_little"
    two = replace(survey, codes=np.array([[0, 0], [5, 1]], np.int8))
    found = outcome_calibration(model(graph, RISKS), two, seed=1)
    assert found.verdict == "too_little"
    assert np.isnan(found.scores.loc["slope", "low"])
    assert found.text


def test_weights_count_as_people(graph):
    survey = survey_of(graph, people=400)
    twice = replace(survey, codes=np.repeat(survey.codes, 2, axis=0))
    weighted = replace(survey, weights=np.full(400, 3.0))
    one, two, three = (
        outcome_calibration(model(graph, RISKS), each, seed=1) for each in (survey, twice, weighted)
    )
    for other in (two, three):
        keep = ["observed", "expected", "slope", "brier", "log_score", "auc", "net_benefit"]
        np.testing.assert_allclose(one.scores["model"][keep], other.scores["model"][keep])
    assert two.p_values.both < one.p_values.both  # the same fault, in more people
    assert three.p_values == pytest.approx(one.p_values)  # a weight that all share says nothing


def test_the_same_seed_gives_the_same_answer(graph):
    survey = survey_of(graph, people=300)
    first, again, other = (
        outcome_calibration(model(graph, RISKS), survey, seed=seed) for seed in (1, 1, 2)
    )
    assert first.scores.equals(again.scores)
    assert first.curve.equals(again.curve)
    assert not first.scores.equals(other.scores)


@pytest.fixture(scope="module")
def fitted(graph):
    """The exact posterior of 600 people, some of whom did not say y."""
    survey = survey_of(graph, people=600)
    return survey, fit(graph, survey, seed=1)


def test_folds_and_leaving_out_agree_on_many_people(graph, fitted):
    survey, posterior = fitted
    one = outcome_calibration(posterior, survey, seed=1)
    folds = outcome_calibration(posterior, survey, folds=6, seed=1)
    assert (one.way, one.fits, folds.way, folds.fits) == ("left_out", 0, "folds", 6)
    assert one.doubtful == folds.doubtful == folds.unsound == 0
    assert one.people == folds.people == 600
    for measure, apart in (("brier", 0.005), ("log_score", 0.01), ("auc", 0.02)):
        # A sixth of the people fewer to learn from: of the order of the parameters over people.
        for kind in ("model", "regression"):
            scores = one.scores[kind][measure], folds.scores[kind][measure]
            assert scores[0] == pytest.approx(scores[1], abs=apart)
    assert "6 fits" in folds.text
    assert np.isnan(folds.k_hat)


def test_whom_no_weights_predict_is_predicted_by_fits_without_them(graph, fitted, monkeypatch):
    survey, posterior = fitted
    few = posterior.subset(20)  # too few draws for a tail
    with pytest.raises(QueryError, match=r"at least 100 draws, and the posterior has 20"):
        outcome_calibration(few, survey, seed=1)
    again = outcome_calibration(few, survey, refit=True, seed=1)
    assert again.doubtful == 0
    assert again.fits == 10
    assert "10 fits without them" in again.text
    folds = outcome_calibration(posterior, survey, folds=10, seed=1)
    difference = again.scores["model"]["brier"] - folds.scores["model"]["brier"]
    assert abs(difference) < 0.003  # other folds of the same size


def test_whom_the_weights_do_not_predict_is_told(fitted, monkeypatch):
    """At the least k-hat that is trusted, nobody is."""
    survey, posterior = fitted
    monkeypatch.setattr(left_out, "_MOST_K", -10.0)
    doubted = outcome_calibration(posterior, survey, seed=1)
    assert doubted.doubtful == 600
    assert doubted.verdict == "too_little"
    assert "600 people cannot be trusted" in doubted.text


def test_one_draw_leaves_nobody_out_but_predicts_others(fitted):
    survey, posterior = fitted
    one = posterior.subset(1)
    with pytest.raises(QueryError, match="the posterior has 1"):
        outcome_calibration(one, survey, seed=1)
    assert outcome_calibration(one, survey, external=True, seed=1).way == "external"


def test_a_model_of_one_risk_for_all_tells_nothing(graph):
    """Left out, people with the event are told less: the slope would be minus infinity."""
    apart = CausalGraph("apart", graph.nodes, (), outcome="y")
    survey = Survey(apart, survey_of(graph).codes, Codebook.plain(apart))
    found = outcome_calibration(fit(apart, survey, seed=1), survey, seed=1)
    assert found.optimism > 1
    assert found.verdict == "too_little"
    assert "nothing can be told" in found.text


def test_each_site_has_its_own_risks(core_graph):
    layout = Layout(core_graph)
    fractions, beta = layout.draw_prior(1, np.random.default_rng(1))
    shift = np.zeros((1, 2, len(layout.pooled)))
    shift[:, 1, layout.pooled.index("pain")] = 2.0
    sites = SiteEffects(("north", "south"), shift, np.ones((1, len(layout.pooled))))
    posterior = Posterior(core_graph, fractions, beta, sites=sites)
    frames = [
        simulate(core_graph, 600, seed=place + 1, posterior=posterior.at_site(site))
        for place, site in enumerate(sites.names)
    ]
    codes = np.concatenate([Survey.from_frame(each, core_graph).codes for each in frames])
    site = np.repeat([0, 1], 600)
    book = Codebook.plain(core_graph)
    survey = Survey(core_graph, codes, book, site=site, sites=sites.names)
    found = outcome_calibration(posterior, survey, seed=1)
    assert found.verdict == "agrees"
    swapped = replace(survey, site=1 - site)
    assert outcome_calibration(posterior, swapped, seed=1).verdict == "contradicted"
    for wrong, said in (
        (replace(survey, site=None, sites=()), "does not say where"),
        (replace(survey, sites=("north", "west")), "'west'"),
    ):
        with pytest.raises(QueryError, match=said):
            outcome_calibration(posterior, wrong, seed=1)


def test_a_target_may_be_some_states_of_any_node(core_graph, core_prior):
    codes = Survey.from_frame(simulate(core_graph, 200, seed=1), core_graph)
    found = outcome_calibration(core_prior, codes, "fatigue>=high", seed=1)
    assert found.target.node == "fatigue"
    column = codes.codes[:, core_graph.names.index("fatigue")]
    assert found.people == (column >= 0).sum()
    assert found.scores["model"]["observed"] == pytest.approx((column[column >= 0] == 2).mean())


def test_what_cannot_be_asked_is_refused_in_a_sentence(graph):
    posterior, survey = model(graph, RISKS), survey_of(graph, people=30)
    book = survey.codebook

    def designed(**design):
        return replace(survey, codebook=book.model_copy(update={"design": Design(**design)}))

    other = CausalGraph.from_edges([("x", "y")], STATES, outcome="y")
    strange = replace(survey, graph=replace(other, name="other"))
    for asked, wrong, said in (
        ({}, strange, "'other'"),
        ({}, replace(survey, codes=survey.codes[:0]), "nobody"),
        ({"folds": 1}, survey, "1 folds"),
        ({"folds": 31}, survey, "31 folds"),
        ({"level": 0.0}, survey, "between 0 and 1"),
        ({"target": "z"}, survey, "'z'"),
        ({}, designed(kind="case_control", outcome="y", cases="yes"), "chosen by the outcome"),
        ({}, designed(kind="repeated", person="id"), "visits of one person"),
    ):
        with pytest.raises(QueryError, match=said):
            outcome_calibration(posterior, wrong, **{"seed": 1, **asked})


def test_pymc_is_imported_only_where_something_is_fitted():
    assert "refits" not in vars(outcome)
