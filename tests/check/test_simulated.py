"""Surveys of every design are drawn as the design says, from the truth that is said."""

import numpy as np
import pandas as pd
import pytest

from backrisk import BackriskError, Codebook, Posterior
from backrisk.check.simulated import Simulated, Truth
from backrisk.errors import GraphError, QueryError, SurveyError
from backrisk.graph import load_graph
from backrisk.posterior import truth as centre

GRAPH = load_graph("runner_core")
SIZE = 1500


def book(design=None, items=(), drop=(), **asked):
    columns = {name: {"node": name} for name in GRAPH.names if name not in drop}
    columns |= {f"{n}_report": {"item": n, "reliability": 0.7, "people": 50} for n in items}
    for name, when in asked.items():
        columns[name]["asked_if"] = {"when": when}
    data = {"name": "book", "graph": GRAPH.name, "columns": columns}
    return Codebook.from_dict(data | ({"design": design} if design else {}), GRAPH)


def drawn(simulated, people=SIZE, seed=1):
    rng = np.random.default_rng(seed)
    truth = simulated.truth(rng)
    return truth, simulated.frame(truth, people, rng)


def close(share, expected, n, errors=4.5):
    return abs(share - expected) < errors * np.sqrt(max(expected * (1 - expected), 0.01) / n)


def test_people_as_they_come_have_the_margins_of_the_truth():
    truth, frame = drawn(Simulated(GRAPH, missing=0.0))
    assert not (frame == "").any(axis=None)
    for node in GRAPH.nodes:
        expected = truth.posterior.marginal(node.name)[:, 0]
        for state, share in zip(node.states, expected, strict=True):
            assert close((frame[node.name] == state).mean(), share, SIZE)


def test_answers_are_left_out_at_the_rate_that_is_said_and_else_as_simulate_does():
    _, frame = drawn(Simulated(GRAPH, missing=0.3))
    for name in frame:
        assert close((frame[name] == "").mean(), 0.3, SIZE)
    simulated = Simulated(GRAPH)
    told, whole = simulated._people(simulated.truth(np.random.default_rng(1)), 500, rng(2))
    blank = told == ""
    assert 0 < blank.mean(axis=None) < 0.2
    assert not (whole == "").any(axis=None)
    assert (told.mask(blank, whole) == whole).all(axis=None)


def rng(seed):
    return np.random.default_rng(seed)


def test_a_truth_is_a_draw_of_the_prior_of_the_fit():
    simulated, again = Simulated(GRAPH), Simulated(GRAPH, evidence=False)
    draws = [simulated.truth(rng(seed)).posterior.beta[0] for seed in range(400)]
    prior = simulated.prior
    away = (np.mean(draws, axis=0) - prior.mean) / (np.std(draws, axis=0) / 20)
    assert np.abs(away).max() < 4.5
    assert not np.allclose(prior.mean, again.prior.mean)


def test_an_unmeasured_node_is_in_no_column():
    data = book(items=["compensation"], drop=["compensation"]).to_dict()
    data["columns"] |= {"seen": {"node": "compensation"}}
    made = Codebook.from_dict(data, GRAPH)

    def lacking(*names):
        return set(made.columns) - set(drawn(Simulated(GRAPH, made, names), 20)[1])

    assert lacking("compensation", "fatigue") == {"seen", "compensation_report", "fatigue"}
    assert lacking("compensation_report") == {"compensation_report"}


def test_who_was_not_asked_has_no_answer():
    made = book(lumbar_load="[compensation] = 'yes'")
    _, frame = drawn(Simulated(GRAPH, made, missing=0.0))
    assert ((frame["lumbar_load"] == "") == (frame["compensation"] == "no")).all()


def test_cases_and_controls_take_turns_and_the_prevalence_is_counted_of_the_truth():
    design = {"kind": "case_control", "prevalence": 0.5, "people": 400}
    simulated = Simulated(GRAPH, book(design))
    truth, frame = drawn(simulated, 200)
    ill = frame["pain"] != "none"
    assert ill.tolist() == [True, False] * 100  # so that the first rows are a smaller study
    assert simulated.survey(frame.head(50), truth).codebook.design.prevalence == truth.prevalence
    off = []
    for seed in range(100):
        truth = simulated.truth(rng(seed))
        share = truth.posterior.marginal("pain")[1:, 0].sum()
        counted = truth.prevalence * 400
        assert counted == pytest.approx(round(counted))
        off.append((truth.prevalence - share) / np.sqrt(share * (1 - share) / 400))
    assert abs(np.mean(off)) < 4.5 / np.sqrt(100)
    assert np.std(off) == pytest.approx(1.0, abs=4.5 / np.sqrt(200))


def test_cases_are_those_of_the_population():
    """Given the outcome, people of a case-control study are as people with it are."""
    design = {"kind": "case_control", "cases": "limiting", "prevalence": 0.05}
    simulated = Simulated(GRAPH, book(design), missing=0.0)
    truth = simulated.about(*parameters(centre(simulated.extended)), rng(1))
    frame = simulated.frame(truth, 800, rng(1))
    cases = frame[frame["pain"] == "limiting"]
    assert len(cases) == 400
    loads = risk_given(truth, "lumbar_load", {"pain": 2})
    for state, share in zip(GRAPH.node("lumbar_load").states, loads, strict=True):
        assert close((cases["lumbar_load"] == state).mean(), share, 400)


def parameters(posterior):
    return posterior.fractions, posterior.beta


def risk_given(truth, node, evidence):
    from backrisk.inference import World
    from backrisk.queries import distribution

    return distribution(World(truth.posterior, evidence, {}), node)[:, 0]


def test_a_matched_control_shares_what_is_matched_on_with_its_case():
    design = {"kind": "matched", "set": "pair", "prevalence": 0.14}
    simulated = Simulated(GRAPH, book(design), matched_on=("fatigue", "core_strength"))
    truth, frame = drawn(simulated, 200)
    for _, pair in frame.groupby("pair"):
        assert (pair["pain"] != "none").tolist() == [True, False]
        assert pair["lumbar_load"].ne("").all()  # the outcome's cause, of everyone
    # Of those whose fatigue was answered, pairs are alike; what was not answered was matched too.
    first, second = (frame.iloc[at::2].reset_index(drop=True) for at in (0, 1))
    for name in simulated.matched_on:
        both = (first[name] != "") & (second[name] != "")
        assert both.sum() > 50
        assert (first[name] == second[name])[both].all()
    assert not (first["hip_flexor_tightness"] == second["hip_flexor_tightness"]).all()
    assert simulated.survey(frame, truth).codebook.design.set == "pair"


def test_rates_tilt_a_survey_and_its_weights_undo_it():
    rates = {"core_strength": {"strong": 0.2}, "pain": {"limiting": 3.0}}
    simulated = Simulated(GRAPH, missing=0.0, rates=rates)
    truth = simulated.about(*parameters(centre(GRAPH)), rng(1))
    frame = simulated.frame(truth, SIZE, rng(1))
    assert len(frame) == SIZE
    weights = frame["weight"].to_numpy()
    expected = truth.posterior.marginal("core_strength")[:, 0]
    strong = (frame["core_strength"] == "strong").to_numpy()
    assert strong.mean() < expected[0] - 0.1
    effective = weights.sum() ** 2 / (weights**2).sum()
    assert close(np.average(strong, weights=weights), expected[0], effective)
    assert set(np.round(weights, 9)) == {0.333333333, 1.0, 5.0, 1.666666667}
    survey = simulated.survey(frame, truth)
    np.testing.assert_allclose(survey.weights, weights)


def test_sites_take_turns_and_each_has_intercepts_of_its_own():
    simulated = Simulated(GRAPH, missing=0.0, sites=3)
    truth, frame = drawn(simulated, 3 * SIZE)
    assert frame["site"].tolist()[:4] == ["site1", "site2", "site3", "site1"]
    assert len({site.marginal("pain")[0, 0] for site in truth.sites}) == 3
    for number, site in enumerate(truth.sites):
        here = frame[frame["site"] == f"site{number + 1}"]
        assert close((here["pain"] == "none").mean(), site.marginal("pain")[0, 0], SIZE)
        # A node without causes has no intercept that could differ.
        np.testing.assert_allclose(site.marginal("fatigue"), truth.posterior.marginal("fatigue"))
    assert simulated.survey(frame, truth).sites == ("site1", "site2", "site3")


def test_the_columns_of_roles_are_those_of_the_codebook():
    data = book().to_dict() | {"site": "clinic", "weight": "w"}
    simulated = Simulated(GRAPH, Codebook.from_dict(data, GRAPH), sites=2)
    truth, frame = drawn(simulated, 40)
    survey = simulated.survey(frame, truth)
    assert survey.sites == ("site1", "site2")
    assert set(survey.weights) == {1.0}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"unmeasured": ("fatige",)}, "did you mean 'fatigue'"),
        ({"missing": 1.0}, "share of missing answers is 1.0"),
        ({"sites": 1}, "number of sites is 1"),
        ({"rates": {"fatige": {}}}, "did you mean 'fatigue'"),
        ({"rates": {"fatigue": {"high": 0.0}}}, "rate of fatigue = high is 0.0"),
        ({"rates": {"fatigue": {"hi": 2.0}}}, "hi"),
        ({"matched_on": ("fatigue",)}, "does not state a matched design"),
        ({"codebook": {"kind": "case_control"}, "sites": 3}, "sites and sampling rates"),
        ({"codebook": {"kind": "repeated", "person": "id"}}, "repeated visits"),
    ],
)
def test_what_cannot_be_simulated_is_refused_in_a_sentence(wrong, said):
    if "codebook" in wrong:
        wrong = wrong | {"codebook": book(wrong["codebook"])}
    with pytest.raises((QueryError, GraphError), match=said):
        Simulated(GRAPH, **wrong)


def test_a_stratified_design_needs_its_rates():
    data = book().to_dict()
    data |= {"weight": "w", "design": {"kind": "stratified"}}
    made = Codebook.from_dict(data, GRAPH)
    with pytest.raises(QueryError, match="rates at which people are taken"):
        Simulated(GRAPH, made)
    simulated = Simulated(GRAPH, made, rates={"fatigue": {"high": 2.0}})
    truth, frame = drawn(simulated, 50)
    assert set(simulated.survey(frame, truth).weights) == {0.5, 1.0}


def test_people_who_do_not_exist_are_not_looked_for_forever():
    simulated = Simulated(GRAPH, book({"kind": "case_control", "prevalence": 0.1}))
    cpts = {name: centre(GRAPH).cpt(name) for name in GRAPH.names}
    cpts["pain"] = np.zeros_like(cpts["pain"])
    cpts["pain"][..., 0] = 1.0
    nobody = Truth(Posterior.from_cpts(GRAPH, cpts))
    with pytest.raises(BackriskError, match="None of 400 simulated people"):
        simulated.frame(nobody, 2, rng(1))


def test_a_column_that_bears_the_name_of_a_role_is_refused():
    from backrisk.graph import CausalGraph

    states = {"site": ["no", "yes"], "y": ["no", "yes"]}
    graph = CausalGraph.from_edges([("site", "y")], states)
    simulated = Simulated(graph, sites=2)
    with pytest.raises(SurveyError, match="site"):
        drawn_survey(simulated)


def drawn_survey(simulated):
    truth, frame = drawn(simulated, 30)
    assert isinstance(frame, pd.DataFrame)
    return simulated.survey(frame, truth)
