"""Sites, weights, items and answers missing because of their value: known truth comes back.

Truths are set, not drawn; a recovered quantity lies within four posterior standard deviations of
its truth, which an honest posterior misses once in 16,000 times.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from backrisk import Codebook, FitError, Posterior, SurveyError, fit, load_posterior, risk, simulate
from backrisk.errors import PosteriorError
from backrisk.fitting import build_model
from backrisk.graph import CausalGraph, Edge, Node, Prior
from backrisk.survey import Survey, tabulate

NO_YES = ("no", "yes")
QUICK = {"draws": 400, "tune": 400, "chains": 2, "progress": False}
REACH = 4.0


def near(draws, truth):
    return abs(np.mean(draws) - truth) < REACH * np.std(draws)


MILD = Prior(1.0, 1.0)


def chain(prior=MILD, mechanism="ordinal_logit"):
    nodes = (Node("x", NO_YES), Node("y", NO_YES, mechanism=mechanism))
    edge = Edge("x", "y", "Claim.", "stated", "weak", prior)
    return CausalGraph("chain", nodes, (edge,), outcome="y")


def book(graph, **extra):
    columns = {name: {"node": name} for name in graph.names}
    data = {"name": "book", "graph": graph.name, "columns": columns} | extra
    return Codebook.from_dict(data, graph)


def draw(rng, x, risks):
    return np.where(rng.random(len(x)) < np.asarray(risks)[x], "yes", "no")


def labels(codes):
    return np.array(NO_YES)[codes]


@pytest.fixture(scope="module")
def sites():
    """Eight clinics whose baseline differs, a ninth with four people."""
    rng = np.random.default_rng(0)
    shifts = np.linspace(-1.2, 1.2, 8)
    people = [400] * 8 + [4]
    site = np.repeat([f"site{i}" for i in range(9)], people)
    shift = np.repeat([*shifts, 1.2], people)
    x = rng.integers(0, 2, len(site))
    p = 1 / (1 + np.exp(-(-1.0 + 1.0 * (x - 0.5) + shift)))
    frame = pd.DataFrame(
        {"x": labels(x), "y": np.where(rng.random(len(x)) < p, "yes", "no"), "clinic": site}
    )
    graph = chain()
    survey = Survey.from_frame(frame, graph, book(graph, site="clinic"))
    return shifts, survey, fit(graph, survey, seed=1, **QUICK)


def test_sites_come_back_each_with_its_own_risk(sites):
    shifts, _, posterior = sites
    for i, shift in enumerate(shifts):
        draws = risk(posterior.at_site(f"site{i}"), {"x": "yes"}).draws
        assert near(draws, 1 / (1 + np.exp(-(-0.5 + shift)))), i


def test_a_small_site_is_pulled_to_the_average_and_a_new_one_is_uncertain(sites):
    _, _, posterior = sites
    spread = {
        site: risk(posterior.at_site(site), {"x": "yes"}).draws.std()
        for site in ("site0", "site8", "new", "average")
    }
    assert spread["new"] > 2 * spread["site0"]
    assert spread["site8"] > 2 * spread["site0"]
    # The population of sites: its scale, and the average over it.
    assert near(posterior.sites.scale[:, 0], np.linspace(-1.2, 1.2, 8).std(ddof=1))
    assert near(risk(posterior, {"x": "yes"}).draws, 1 / (1 + np.exp(0.5)))


def test_sites_are_saved_and_unknown_ones_refused(sites, tmp_path):
    _, _, posterior = sites
    again = load_posterior(posterior.save(tmp_path / "m.nc"))
    first, second = (risk(p.at_site("site3"), {}).draws for p in (posterior, again))
    assert np.array_equal(first, second)
    with pytest.raises(PosteriorError, match="did you mean 'site3'"):
        posterior.at_site("sit3")
    with pytest.raises(PosteriorError, match="has no sites"):
        posterior.at_site("site3").at_site("site3")


def test_a_model_with_sites_names_them(sites):
    _, survey, _ = sites
    model = build_model(survey.graph, survey)
    assert model.named_vars_to_dims["site_shift"] == ("site", "pooled")
    assert model.coords["pooled"] == ("y",)


def weighted(weights):
    rng = np.random.default_rng(1)
    x = rng.integers(0, 2, 300)
    frame = pd.DataFrame(
        {"x": labels(x), "y": draw(rng, x, [0.2, 0.6]), "weight": np.resize(weights, 300)}
    )
    graph = chain(mechanism="saturated")
    return fit(graph, frame, seed=1, draws=4000, weight="weight")


def test_equal_weights_change_nothing_whatever_their_size():
    plain, heavy = weighted([1.0]), weighted([250.0])
    assert np.array_equal(plain.cpt("y"), heavy.cpt("y"))
    assert heavy.meta["effective_people"] == pytest.approx(300)


def test_unequal_weights_widen_to_the_effective_sample_size():
    plain, uneven = weighted([1.0]), weighted([1.0, 1.0, 8.0])
    share = (10 / 3) ** 2 / (66 / 3)
    assert uneven.meta["effective_people"] == pytest.approx(300 * share)
    ratio = uneven.cpt("x")[:, 1].std() / plain.cpt("x")[:, 1].std()
    # x is half and half, so that its spread is that of a share among so many people; 2 % is
    # three times the Monte Carlo error of a ratio of spreads of 16,000 draws.
    assert ratio == pytest.approx(np.sqrt(302 / (300 * share + 2)), rel=0.02)


def test_weights_correct_a_sample_that_is_not_the_population():
    """Adverse people were three times as likely to be asked; their weight is a third."""
    rng = np.random.default_rng(2)
    x = (rng.random(3000) < 0.5).astype(int)  # a quarter in the population
    frame = pd.DataFrame(
        {"x": labels(x), "y": draw(rng, x, [0.1, 0.5]), "weight": np.where(x, 1 / 3, 1.0)}
    )
    graph = chain(mechanism="saturated")
    posterior = fit(graph, frame, seed=1, weight="weight")
    assert near(posterior.cpt("x")[:, 1], 0.25)
    assert near(risk(posterior, {}).draws, 0.2)


def construct(items, **about):
    """A latent construct that drives an observed outcome, with items that report it."""
    graph = CausalGraph(
        "latent",
        (Node("c", NO_YES), Node("y", NO_YES, mechanism="ordinal_logit")),
        (Edge("c", "y", "Claim.", "stated", "weak", Prior(1.5, 1.0)),),
        outcome="y",
    )
    columns = {"y": {"node": "y"}} | {name: {"item": "c", **about} for name in items}
    return graph, Codebook.from_dict({"name": "book", "graph": "latent", "columns": columns}, graph)


WRONG = {"no": {"no": 0.9, "yes": 0.1}, "yes": {"no": 0.25, "yes": 0.75}}


def answers(rng, people, items):
    c = (rng.random(people) < 0.4).astype(int)
    frame = {"y": draw(rng, c, [0.1, 0.6])}
    return pd.DataFrame(frame | {name: draw(rng, c, [0.1, 0.75]) for name in items})


@pytest.mark.parametrize("error", ["fixed", "learned"])
def test_items_with_stated_error_give_prevalence_and_risk(error):
    graph, codebook = construct(["a"], misclassification=WRONG, error=error)
    survey = Survey.from_frame(answers(np.random.default_rng(3), 3000, ["a"]), graph, codebook)
    posterior = fit(graph, survey, seed=1, **QUICK)
    assert near(posterior.cpt("c")[:, 1], 0.4)
    assert near(risk(posterior, {"c": "yes"}).draws, 0.6)
    varies = np.ptp(posterior.cpt("a"), axis=0).max() > 0
    assert varies == (error == "learned")


@pytest.mark.slow
def test_three_items_learn_their_error_from_nothing():
    items = ["a", "b", "d"]
    graph, codebook = construct(items, error="unknown")
    survey = Survey.from_frame(answers(np.random.default_rng(4), 4000, items), graph, codebook)
    posterior = fit(graph, survey, seed=1, **QUICK)
    for item in items:
        assert near(posterior.cpt(item)[:, 0, 1], 0.1)
        assert near(posterior.cpt(item)[:, 1, 1], 0.75)


def test_one_item_of_unknown_error_is_refused_with_the_reason():
    graph, codebook = construct(["a"], error="unknown")
    survey = Survey.from_frame(answers(np.random.default_rng(5), 50, ["a"]), graph, codebook)
    with pytest.raises(FitError, match="how common its states are from how often"):
        fit(graph, survey, seed=1)


def test_items_of_unknown_error_need_something_that_names_the_states():
    items = ["a", "b", "d"]
    graph, codebook = construct(items, error="unknown")
    vague = replace(graph, edges=tuple(replace(e, prior=Prior(0.0, 1.0)) for e in graph.edges))
    survey = Survey.from_frame(answers(np.random.default_rng(5), 50, items), vague, codebook)
    with pytest.raises(FitError, match="Nothing says which state of 'c' is which"):
        fit(vague, survey, seed=1)


@pytest.mark.slow
def test_what_nothing_anchors_is_told_and_is_no_failure():
    nodes = (Node("c", NO_YES), Node("y", NO_YES, mechanism="ordinal_logit"))
    edge = Edge("c", "y", "Claim.", "stated", "weak", Prior(0.1, 1.0))
    graph = CausalGraph("latent", nodes, (edge,), outcome="y")
    survey = Survey.from_frame(pd.DataFrame({"y": ["no", "yes", "no"] * 20}), graph)
    found = fit(graph, survey, seed=1, draws=1000, tune=500, chains=2, progress=False)
    assert "Nothing anchors 'c'" in found.diagnostics.cautions[0]
    assert found.diagnostics.good


@pytest.mark.parametrize(
    ("about", "words"),
    [
        ({}, "An item needs one of"),
        ({"reliability": 0.5, "misclassification": WRONG}, "An item needs one of"),
        (
            {"misclassification": {"no": {"no": 1.0}, "yes": {"maybe": 1.0}}},
            "'maybe' is not a state",
        ),
    ],
)
def test_an_item_says_its_error_once(about, words):
    with pytest.raises(SurveyError, match=words):
        construct(["a"], **about)


def mnar(nonresponse):
    graph = chain(mechanism="saturated")
    columns = {"x": {"node": "x"} | nonresponse, "y": {"node": "y"}}
    codebook = Codebook.from_dict({"name": "b", "graph": "chain", "columns": columns}, graph)
    rng = np.random.default_rng(6)
    x = (rng.random(4000) < 0.4).astype(int)
    y = draw(rng, x, [0.1, 0.6])
    silent = rng.random(4000) < np.array([0.1, 0.7])[x]
    frame = pd.DataFrame({"x": np.where(silent, "", labels(x)), "y": y})
    return fit(graph, Survey.from_frame(frame, graph, codebook), seed=1, **QUICK)


@pytest.mark.slow
def test_ignoring_why_answers_are_missing_biases_the_risk_and_a_response_node_does_not():
    """Seven in ten of those with the cause do not say so; one in ten of the others."""
    modelled = mnar({"nonresponse": {"mean": 1.5, "sd": 1.5, "share": 0.3}})
    ignored = mnar({})
    assert near(modelled.cpt("x")[:, 1], 0.4)
    assert near(risk(modelled, {"x": "no"}).draws, 0.1)
    assert not near(ignored.cpt("x")[:, 1], 0.4)
    assert not near(risk(ignored, {"x": "no"}).draws, 0.1)


def test_a_response_node_is_drawn_and_asked_about_like_no_other():
    graph = chain()
    columns = {"x": {"node": "x", "nonresponse": {"mean": 2.0, "sd": 0.5}}, "y": {"node": "y"}}
    codebook = Codebook.from_dict({"name": "b", "graph": "chain", "columns": columns}, graph)
    frame = simulate(graph, 3000, seed=1, codebook=codebook, gaps=False)
    survey = Survey.from_frame(frame, graph, codebook)
    response = survey.codes[:, survey.graph.names.index("x_response")]
    assert ((survey.codes[:, 0] < 0) == (response == 1)).all()
    assert 0.05 < response.mean() < 0.5
    assert survey.graph.items == ("x_response",)
    # A file without the column refused nothing.
    without = Survey.from_frame(frame.drop(columns="x"), graph, codebook)
    assert (without.codes[:, without.graph.names.index("x_response")] < 0).all()


def test_a_claim_of_any_grade_may_turn():
    from backrisk.graph import Layout

    for grade in ("strong", "moderate"):
        edge = Edge("x", "y", "Claim.", "stated", grade, Prior(0.3, 0.4))
        graph = replace(chain(), edges=(edge,))
        beta = Layout(graph).draw_prior(20_000, np.random.default_rng(0))[1][:, 0]
        assert (beta < 0).any()
        # Errors of a mean and of a standard deviation of 20,000.
        assert beta.mean() == pytest.approx(0.3, abs=4 * 0.4 / np.sqrt(20_000))
        assert beta.std() == pytest.approx(0.4, rel=4 / np.sqrt(2 * 20_000))


def test_patterns_of_different_sites_stay_apart(sites):
    _, survey, _ = sites
    patterns = tabulate(survey)
    assert patterns.people.sum() == survey.n
    assert set(patterns.site) == set(range(9))


def test_from_cpts_knows_no_sites():
    posterior = Posterior.from_cpts(chain(), {"x": [[0.5, 0.5]], "y": [[[0.7, 0.3], [0.2, 0.8]]]})
    with pytest.raises(PosteriorError, match="has no sites"):
        posterior.at_site("here")
