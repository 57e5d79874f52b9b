"""A plan is what surveys of the prior would show: widths, false alarms, finds."""

import json

import numpy as np
import pytest

from backrisk import Codebook, Posterior, load_graph
from backrisk.check import plan_study
from backrisk.check.planned import PlannedSurvey
from backrisk.check.planning import _without
from backrisk.check.quantities import effect
from backrisk.check.simulated import Simulated
from backrisk.check.study_plan import Asked, Sampled, StudyPlan, share_told
from backrisk.errors import GraphError, QueryError
from backrisk.graph import CausalGraph, Node
from backrisk.queries import read_target
from backrisk.summary import interval

GRAPH = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]}, outcome="y")
CORE = load_graph("runner_core")
FITS = 16
EXACT = {"missing": 0.0, "draws": 300, "tune": 1, "effects": "x", "graph": GRAPH}


@pytest.fixture(scope="module")
def plan():
    return plan_study(people=[400, 25, 100], seed=3, fits=FITS, **EXACT)


def test_an_interval_is_half_as_wide_with_four_times_the_people(plan):
    table = plan.table
    assert table["people"].tolist() == [25, 100, 400]
    assert plan.surveys == FITS
    small, middle, large = plan.width[0, :, 0].mean(axis=1)
    assert table["width"].tolist() == [small, middle, large]
    # The error of a difference of two shares goes with the root of the number of people; a flat
    # prior is worth a person an answer.
    for less, more in ((small, middle), (middle, large)):
        assert more / less == pytest.approx(0.5, abs=0.12)
    for row, widths in zip(table.to_dict("records"), plan.width[0, :, 0], strict=True):
        assert row["width_error"] == pytest.approx(widths.std(ddof=1) / np.sqrt(FITS))
        assert row["width_low"] <= row["width"] <= row["width_high"]
        assert np.isnan(row["narrower"])


def test_the_width_before_any_survey_is_that_of_the_prior(plan):
    """The difference of two uniform shares has a triangular distribution on -1 to 1."""
    expected = 2 * (1 - np.sqrt(2 * 0.05))
    assert plan.prior_width[0] == pytest.approx(expected, rel=0.1)  # of a thousand draws


def test_a_cause_without_effect_is_told_at_the_rate_of_one_tail(plan):
    """With a flat prior an effect of zero lies below 95 % of the draws about once in twenty."""
    alarms = plan.null_called[0]
    assert set(np.unique(alarms)) <= {0.0, 1.0}
    share = alarms.mean()
    assert share < 0.05 + 4.5 * np.sqrt(0.05 * 0.95 / FITS)  # sizes go together
    found = plan.table["found"].to_numpy()
    assert found[0] <= found[-1]
    assert found[-1] > share
    real = plan.truth[0] > 0
    assert plan.table["true"].tolist() == [plan.truth[0][real].mean()] * 3
    assert plan.table["true_surveys"].tolist() == [real.sum()] * 3


def test_what_is_said_and_what_is_printed_are_the_table(plan):
    assert plan.text.startswith(f"Synthetic: {FITS} surveys for each row")
    assert "25 people, as planned: " in plan.text
    assert "prior is wrong" in plan.text
    found = json.loads(json.dumps(plan.to_dict()))
    assert found["synthetic"] is True
    assert [row["people"] for row in found["rows"]] == [25, 100, 400]
    assert found["rows"][0]["narrower"] is None
    assert found["rows"][1]["width"] == plan.table["width"][1]


def test_a_plan_follows_from_its_seed(plan):
    again = plan_study(people=[25, 100, 400], seed=3, fits=2, **EXACT)
    np.testing.assert_array_equal(again.width, plan.width[..., :2])
    np.testing.assert_array_equal(again.null_called, plan.null_called[..., :2])
    other = plan_study(people=[25], seed=4, fits=2, null=False, **EXACT)
    assert not np.isin(other.width, plan.width).any()
    assert np.isnan(other.table["null"]).all()


@pytest.mark.parametrize("cause", ["core_strength", "fatigue", "lumbar_load"])
def test_a_cause_without_effect_has_none(cause):
    simulated = Simulated(CORE)
    truth = simulated.truth(np.random.default_rng(1))
    assert abs(effect(truth.posterior, cause, None)[0]) > 1e-6
    null = _without(simulated, truth, cause)
    assert effect(null.posterior, cause, None)[0] == pytest.approx(0, abs=1e-15)
    # Nothing else is changed.
    for name in set(CORE.names) - set(CORE.children(cause)):
        np.testing.assert_array_equal(null.posterior.cpt(name), truth.posterior.cpt(name))


def test_a_saturated_node_does_not_answer_to_a_cause_without_effect():
    states = {"a": ["0", "1"], "b": ["0", "1", "2"], "y": ["0", "1", "2"]}
    graph = CausalGraph.from_edges([("a", "y"), ("b", "y")], states, outcome="y")
    simulated = Simulated(graph)
    truth = simulated.truth(np.random.default_rng(1))
    before = truth.posterior.cpt("y").copy()
    null = _without(simulated, truth, "b").posterior.cpt("y")
    np.testing.assert_array_equal(null, np.repeat(before[:, :, :1], 3, axis=2))
    np.testing.assert_array_equal(truth.posterior.cpt("y"), before)


def test_a_noisy_max_has_no_null_and_says_so():
    nodes = (Node("x", ("no", "yes")), Node("y", ("no", "yes"), mechanism="noisy_max"))
    edges = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]}).edges
    graph = CausalGraph("noisy", nodes, edges, outcome="y")
    found = StudyPlan(
        graph,
        read_target(graph, None),
        (Asked("effect", "x"),),
        (10,),
        PlannedSurvey.of(graph, None, (), {}, {}, False).designs,
        np.array([[0.1, -0.1]]),
        np.array([[[[0.5, 0.7]]]]),
        np.array([[[[1.0, 0.0]]]]),
        np.full((1, 1, 1, 2), np.nan),
        np.array([1.0]),
        1,
        ("x",),
    )
    row = found.table.iloc[0]
    assert (row["found"], row["true_surveys"], row["width"]) == (1.0, 1, 0.6)
    assert np.isnan(row["null"])
    assert "no survey without an effect" in found.text.lower()
    assert "In one fit the chains did not agree" in found.text


def quick_plan(ratio, agree=1.0):
    """A plan of two quantities whose approximated intervals are so many times too wide."""
    asked = (Asked("effect", "x"), Asked("share", "x"))
    shape = (2, 1, 1, 4)
    width = np.array([0.4, 0.3, 0.2, 0.1]) * np.ones(shape)
    called = np.ones(shape)
    sampled = Sampled(width[..., :2] / ratio, np.full((2, 1, 1, 2), agree))
    designs = PlannedSurvey.of(GRAPH, None, (), {}, {}, False).designs
    about = (GRAPH, read_target(GRAPH, None), asked, (10,), designs, np.ones((2, 4)))
    return StudyPlan(*about, width, called, np.full(shape, np.nan), np.ones(2), 0, (), sampled)


def test_an_approximation_is_told_beside_the_sampling_of_some():
    close = quick_plan(1.03)
    ratio, error, agree = close.compared(0)
    assert (ratio, agree) == (pytest.approx(1.03), 1.0)
    assert error == pytest.approx(0, abs=1e-12)
    assert "1.03 times as wide" in close.text
    assert "too far off" not in close.text
    assert close.to_dict()["approximated"] is True
    off = quick_plan(1.4, agree=0.0)
    assert off.compared(1) == (pytest.approx(1.4), pytest.approx(0, abs=1e-12), 0.0)
    assert off.text.count("too far off") == 2


def test_a_quick_plan_of_an_exact_posterior_is_the_plan():
    study = {**EXACT, "people": [20], "seed": 1, "fits": 4}
    slow, quick = plan_study(**study), plan_study(**study, quick=True)
    np.testing.assert_array_equal(slow.width, quick.width)
    assert slow.sampled is None
    assert quick.sampled.width.shape == (1, 1, 1, 3)
    assert quick.compared(0) == (1.0, 0.0, 1.0)


def test_a_share_is_asked_of_the_person_that_is_named(core_prior):
    posterior = core_prior.subset(4)
    event = read_target(CORE, None)
    worst = Asked("share", "fatigue").draws(posterior, event, None, {})
    named = Asked("share", "fatigue").draws(posterior, event, None, {"fatigue": "high"})
    np.testing.assert_array_equal(worst, named)
    healthy = Asked("share", "fatigue").draws(posterior, event, None, {"fatigue": "low"})
    assert not healthy.any()


def test_an_error_of_a_share_is_never_nought():
    share, error = share_told(np.zeros(20))
    assert share == 0.0
    assert error == pytest.approx(np.sqrt(1 / 22 * 21 / 22 / 20))
    assert np.isnan(share_told(np.zeros(0))).all()


def reading(graph, items=(), drop=()):
    columns = {name: {"node": name} for name in graph.names if name not in drop}
    columns |= {f"{n}_report": {"item": n, "reliability": 0.6} for n in items}
    return Codebook.from_dict({"name": "b", "graph": graph.name, "columns": columns}, graph)


def designs(codebook=None, unmeasured=(), items=None, examined=None, again=False):
    return PlannedSurvey.of(CORE, codebook, unmeasured, items or {}, examined or {}, again)


def test_designs_are_columns_of_one_table():
    book = reading(CORE, items=("compensation",), drop=("compensation", "lumbar_load"))
    found = designs(
        book, "fatigue", {"lumbar_load": 0.7}, {"lumbar_load": 0.25, "fatigue": 0.5}, True
    )
    assert [each.kind for each in found.designs] == ["", "item", "examined", "examined", "again"]
    new = ["lumbar_load_item", "lumbar_load_examined", "fatigue", "compensation_report_again"]
    assert [each.columns for each in found.designs[1:]] == [(name,) for name in new]
    assert set(found.absent) == {*new}
    columns = found.codebook.columns
    assert columns["lumbar_load_item"].reliability == 0.7
    assert columns["compensation_report_again"] == columns["compensation_report"]
    simulated = Simulated(CORE, found.codebook, missing=0.0)
    rng = np.random.default_rng(1)
    frame = simulated.frame(simulated.truth(rng), 400, rng)
    chosen = found.examined(400, rng)
    planned, item, load, tired, again = (
        found.answers(frame.head(300), design, chosen) for design in found.designs
    )
    assert set(planned) == set(book.columns) - {"fatigue"}
    assert set(item) - set(planned) == {"lumbar_load_item"}
    assert set(again) - set(planned) == {"compensation_report_again"}
    for part, name, share in ((load, "lumbar_load_examined", 0.25), (tired, "fatigue", 0.5)):
        seen = part[name] != ""
        assert abs(seen.mean() - share) < 4.5 * np.sqrt(share * (1 - share) / 300)
        assert (part[name] == frame[name].head(300))[seen].all()
    labels = [each.label(CORE) for each in found.designs]
    assert len(set(labels)) == 5
    assert "reliability 70 %" in labels[1]
    assert all(each.note(CORE) for each in found.designs[1:])


def test_without_items_the_added_one_is_answered_twice():
    found = designs(items={"fatigue": 0.7}, again=True)
    assert found.designs[-1].columns == ("fatigue_item", "fatigue_item_again")


def test_a_name_that_is_taken_is_not_taken_again():
    book = reading(CORE, items=("fatigue",))
    data = book.to_dict()
    data["columns"]["fatigue_item"] = data["columns"].pop("fatigue_report")
    found = designs(Codebook.from_dict(data, CORE), items={"fatigue": 0.7})
    assert found.designs[1].columns == ("fatigue_item_",)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"items": {"fatigue": 1.5}}, "reliability of an item about fatigue is 1.5"),
        ({"examined": {"fatigue": 0.2}}, "'fatigue' is measured directly"),
        ({"examined": {"fatigue": 0.0}, "unmeasured": "fatigue"}, "share examined for fatigue"),
        ({"again": True}, "has no items"),
        ({"items": {"fatige": 0.7}}, "fatige"),
        ({"unmeasured": "fatige"}, "fatige"),
    ],
)
def test_a_design_that_has_nothing_to_work_on_is_refused(wrong, said):
    with pytest.raises((QueryError, GraphError), match=said):
        designs(**wrong)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"people": []}, "people is 0"),
        ({"people": [0, 10]}, "people is 0"),
        ({"fits": 0}, "fits is 0"),
        ({"effects": "z"}, "not a cause of 'y'"),
        ({"effects": []}, "Nothing is asked"),
        ({"person": {"x": "perhaps"}}, "perhaps"),
    ],
)
def test_what_cannot_be_planned_is_refused(wrong, said):
    with pytest.raises((QueryError, GraphError), match=said):
        plan_study(**{**EXACT, "people": [10], "seed": 1, "fits": 1, **wrong})


def test_a_graph_of_many_causes_needs_those_that_the_study_is_about():
    with pytest.raises(QueryError, match="causes that can be modified; name those"):
        plan_study(load_graph("runner"), people=[10], seed=1)


@pytest.mark.slow
def test_an_approximated_plan_is_that_of_sampled_fits():
    study = {"people": [300], "seed": 6, "fits": 12, "effects": "fatigue", "shares": "fatigue"}
    study |= {"unmeasured": ["compensation", "lumbar_load"], "null": False}
    slow, quick = plan_study(CORE, **study), plan_study(CORE, **study, quick=True)
    ratios = quick.width / slow.width
    # The ends of an interval of 500 draws, of which as many count as fifty at least, have an error
    # of a tenth of its width; that of the mean over surveys is a third of it.
    assert ratios.mean() == pytest.approx(1.0, abs=0.1)
    assert (quick.called == slow.called).mean() > 0.9
    assert "too far off" not in quick.text


@pytest.mark.slow
def test_measuring_more_of_a_hidden_node_narrows_its_effect():
    study = {"people": [300], "seed": 5, "fits": 16, "null": False, "effects": "compensation"}
    study |= {"unmeasured": ["compensation"], "items": {"compensation": 0.7}}
    found = plan_study(CORE, **study, examined={"compensation": 0.5}, again=True)
    rows = found.table.set_index("design")
    planned, *others = rows["width"]
    assert max(others) < planned
    # Paired over truths and people: what is bought is told from nothing.
    assert (rows["narrower"][1:] > 2 * rows["narrower_error"][1:]).all()
    assert found.sampled is None
    low, high = interval(effect(prior_of(found.graph), "compensation", None))
    assert found.prior_width[0] == pytest.approx(high - low, rel=0.15)


def prior_of(graph):
    rng = np.random.default_rng(9)
    simulated = Simulated(graph)
    return Posterior(graph, *simulated.prior.draw(2000, rng))
