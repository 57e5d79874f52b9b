"""Odds ratios are those of the CPT, and all that is told where a design hides the risks."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from backrisk import (
    CausalGraph,
    Codebook,
    Posterior,
    PosteriorError,
    QueryError,
    Survey,
    ask_next,
    attribute,
    counterfactual,
    diagnose,
    intervene,
    load_posterior,
    mediate,
    model_card,
    odds_ratios,
    recommend,
    report_cohort,
    risk,
    risks,
    score,
)
from backrisk.check import predicted_margins
from backrisk.graph import Layout
from backrisk.summary import interval
from tests.strategies import every_mechanism, random_graph, random_posterior, seeds

TWO = ["no", "yes"]
CHAIN = CausalGraph.from_edges(
    [("x", "m"), ("m", "y"), ("x", "y")], {"x": TWO, "m": TWO, "y": ["none", "some", "bad"]}
)


def chosen(kind, prevalence=None, cases="some"):
    """A posterior of a survey of people chosen by the outcome."""
    cpts = {
        "x": [[0.6, 0.4]],
        "m": [[[0.7, 0.3], [0.2, 0.8]]],
        "y": [[[[0.8, 0.1, 0.1], [0.6, 0.3, 0.1]], [[0.7, 0.2, 0.1], [0.3, 0.4, 0.3]]]],
    }
    design = {"kind": kind, "outcome": "y", "cases": cases}
    if prevalence is not None:
        design["prevalence"] = prevalence
    return replace(Posterior.from_cpts(CHAIN, cpts), meta={"design": design})


@pytest.mark.parametrize("seed", seeds(6, 60))
def test_an_odds_ratio_is_of_one_cause_with_the_others_at_their_reference(seed):
    rng = np.random.default_rng(seed)
    graph = random_graph(rng, 4, 0.8)
    posterior = random_posterior(rng, graph, draws=5)
    found = odds_ratios(posterior)
    cpt = posterior.cpt(graph.outcome)
    parents = graph.parents(graph.outcome)
    assert len(found) == sum(len(graph.node(name).states) - 1 for name in parents)
    for row in found.to_dict("records"):
        at = [0] * len(parents)
        base = cpt[(slice(None), *at)]
        at[parents.index(row["cause"])] = graph.node(row["cause"]).states.index(row["state"])
        other = cpt[(slice(None), *at)]
        ratio = ((1 - other[:, 0]) / other[:, 0]) / ((1 - base[:, 0]) / base[:, 0])
        low, high = interval(ratio)
        told = [row["median"], row["low"], row["high"]]
        assert told == pytest.approx([np.median(ratio), low, high])


def test_an_effect_from_reference_to_worst_is_the_odds_ratio_of_an_ordinal_logit():
    graph = replace(every_mechanism(), outcome="r")
    layout = Layout(graph)
    posterior = Posterior(graph, *layout.draw_prior(9, np.random.default_rng(1)))
    found = odds_ratios(posterior, "r").set_index("state")
    beta = posterior.beta[:, layout.effect_labels.index("r, o")]
    assert found.loc["s2", "median"] == pytest.approx(np.exp(np.median(beta)))


def test_cases_are_those_of_the_design():
    posterior = chosen("case_control", cases="bad")
    found = odds_ratios(posterior).set_index(["cause", "state"])["median"]
    assert found["m", "yes"] == pytest.approx((0.1 / 0.9) / (0.1 / 0.9))
    found = odds_ratios(chosen("case_control")).set_index(["cause", "state"])["median"]
    assert found["m", "yes"] == pytest.approx((0.3 / 0.7) / (0.2 / 0.8))
    assert found["x", "yes"] == pytest.approx((0.4 / 0.6) / (0.2 / 0.8))


def test_a_node_without_causes_has_none():
    with pytest.raises(PosteriorError, match="'x' has no causes"):
        odds_ratios(chosen("case_control"), "x")
    nowhere = CausalGraph.from_edges([("a", "b"), ("a", "c")], {"a": TWO, "b": TWO, "c": TWO})
    with pytest.raises(PosteriorError, match="no outcome"):
        odds_ratios(random_posterior(np.random.default_rng(1), nowhere))


SURVEY = pd.DataFrame({"x": ["no", "yes"], "m": ["no", "yes"], "y": ["none", "bad"]})
QUESTIONS = {
    "risk": lambda p: risk(p, {}),
    "risks": lambda p: risks(p, [{}]),
    "diagnose": lambda p: diagnose(p, {}),
    "intervene": lambda p: intervene(p, {}, {"x": "no"}),
    "counterfactual": lambda p: counterfactual(p, {"x": "yes"}, {"x": "no"}),
    "shapley": lambda p: attribute(p, {}),
    "necessity": lambda p: attribute(p, {"y": "bad"}, method="necessity"),
    "mediate": lambda p: mediate(p, {}, "x", ["m"]),
    "recommend": lambda p: recommend(p, {}, actions=["x=no"]),
    "ask_next": lambda p: ask_next(p, {}),
    "predicted_margins": lambda p: predicted_margins(p, Survey.from_frame(SURVEY, CHAIN)),
}


@pytest.mark.parametrize("kind", ["case_control", "matched"])
@pytest.mark.parametrize("ask", QUESTIONS.values(), ids=QUESTIONS)
def test_without_a_prevalence_no_question_of_risk_is_answered(ask, kind):
    with pytest.raises(QueryError, match=r"no risk can be told: only odds ratios .odds_ratios.\."):
        ask(chosen(kind))
    assert ask(chosen(kind, 0.2)) is not None


def test_no_file_of_risks_is_written_either(tmp_path):
    posterior = chosen("case_control")
    SURVEY.to_csv(tmp_path / "people.csv", index=False)
    for ask in (
        lambda: score(posterior, tmp_path / "people.csv", tmp_path / "out.csv"),
        lambda: report_cohort(posterior, tmp_path / "people.csv", tmp_path / "out.html"),
        lambda: model_card(posterior, tmp_path / "card.html"),
    ):
        with pytest.raises(QueryError, match="no risk can be told"):
            ask()


def test_every_answer_repeats_the_prevalence_that_it_rests_on(tmp_path):
    posterior = chosen("matched", 0.14)
    (said,) = risk(posterior, {}).warnings
    assert "14 %" in said
    assert load_posterior(posterior.save(tmp_path / "m.nc")).chosen == said
    assert not risk(replace(posterior, meta={}), {}).warnings


def test_people_who_are_scored_were_not_chosen_as_the_survey_was(tmp_path):
    columns = {name: {"node": name} for name in CHAIN.names}
    design = {"kind": "matched", "set": "pair", "prevalence": 0.2}
    data = {"name": "b", "graph": "graph", "columns": columns, "design": design}
    made = Codebook.from_dict(data, CHAIN)
    posterior = replace(chosen("matched", 0.2), codebook=made)
    pd.DataFrame({"x": ["no", "yes"], "m": ["yes", ""]}).to_csv(tmp_path / "p.csv", index=False)
    done = score(posterior, tmp_path / "p.csv", tmp_path / "out.csv")
    assert pd.read_csv(done.out)["risk"].tolist() == pytest.approx([0.3, 0.2 * 0.4 + 0.8 * 0.7])


def test_a_sample_by_outcome_is_compared_as_its_population_is_made():
    design = {"kind": "case_control", "prevalence": 0.2}
    columns = {name: {"node": name} for name in CHAIN.names}
    data = {"name": "b", "graph": "graph", "columns": columns, "design": design}
    rows = [("yes", "some")] * 6 + [("no", "bad")] * 2 + [("yes", "none")] + [("no", "none")] * 7
    frame = pd.DataFrame(rows, columns=["x", "y"])
    survey = Survey.from_frame(frame, CHAIN, Codebook.from_dict(data, CHAIN))
    found = predicted_margins(chosen("case_control", 0.2), survey).set_index(["node", "state"])
    assert found.loc[("y", "none"), "survey"] == pytest.approx(0.8)
    assert found.loc[("y", "bad"), "survey"] == pytest.approx(0.2 * 2 / 8)
    assert found.loc[("x", "yes"), "survey"] == pytest.approx(0.2 * 6 / 8 + 0.8 / 8)
