"""A cohort's answers are those of its people, each asked alone, averaged."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from prior_core import people_of

from backrisk import (
    Posterior,
    example_posterior,
    intervene,
    load_graph,
    read_survey,
    risk,
    risks,
    score,
    simulate,
)
from backrisk.cohort import (
    actions_among,
    agreement_with,
    answers,
    cohort_answers,
    read_cohort,
)
from backrisk.errors import QueryError, SurveyError
from backrisk.graph import CausalGraph, Roles
from backrisk.survey import Codebook, Survey, tabulate
from backrisk.survey import Column as Asked


def test_risks_of_people_and_groups_are_those_of_each_asked_alone(core, people, cohort):
    told = [{k: v for k, v in who.items() if k != "pain"} for who in people_of(people)]
    draws = risks(core, told)
    np.testing.assert_allclose(cohort.risk[0][cohort.rows], draws.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(
        cohort.risk[2][cohort.rows], np.quantile(draws, 0.95, axis=0), rtol=1e-12
    )
    np.testing.assert_allclose(cohort.average[0], draws.mean(axis=1), rtol=1e-12)
    for place, group in enumerate(cohort.groups):
        inside = [
            i for i, who in enumerate(told) if not group.node or who.get(group.node) == group.level
        ]
        np.testing.assert_allclose(cohort.average[place], draws[:, inside].mean(axis=1), rtol=1e-12)


def test_attributable_fractions_are_one_minus_the_ratio_of_averaged_risks(core, people, cohort):
    graph = core.graph
    for found in cohort.causes:
        changed = set().union(*(graph.descendants(cause) for cause in found.causes))
        contexts = [{k: v for k, v in who.items() if k not in changed} for who in people_of(people)]
        before = np.mean([risk(core, who).draws for who in contexts], axis=0)
        for cause in found.causes:
            do = {cause: graph.node(cause).reference}
            after = np.mean([intervene(core, who, do).draws for who in contexts], axis=0)
            np.testing.assert_allclose(found.fraction(cause)[0], 1 - after / before, atol=1e-12)
        everything = {cause: graph.node(cause).reference for cause in found.causes}
        after = np.mean([intervene(core, who, everything).draws for who in contexts], axis=0)
        np.testing.assert_allclose(found.fall("all")[0], before - after, atol=1e-12)


def confounded():
    """Z acts on x and on y, and x on y."""
    graph = CausalGraph.from_edges(
        [("z", "x"), ("z", "y"), ("x", "y")], {name: ["no", "yes"] for name in "zxy"}
    )
    y = np.array([[0.1, 0.5], [0.6, 0.9]])
    cpts = {"z": [0.5, 0.5], "x": [[0.8, 0.2], [0.2, 0.8]], "y": np.stack([1 - y, y], axis=-1)}
    return Posterior.from_cpts(graph, cpts)


def test_whoever_is_at_the_reference_stays_as_they_are():
    """What x tells of z stays: of the four, three have x, whose risk falls from .82 to .50."""
    posterior = confounded()
    people = Survey.from_frame(pd.DataFrame({"x": ["yes", "no", "yes", "yes"]}), posterior.graph)
    (found,) = cohort_answers(posterior, people).causes
    assert found.causes == ("z", "x")
    # Of those below z the level's context holds nothing, so everyone is as nobody described.
    np.testing.assert_allclose(found.before[0], 0.51, atol=1e-12)
    graph = replace(posterior.graph, roles=Roles(proximal=("x",), distal=("z",)))
    found = cohort_answers(replace(posterior, graph=graph), people).causes
    x = next(each for each in found if each.causes == ("x",))
    np.testing.assert_allclose(x.before[0], (3 * 0.82 + 0.20) / 4, atol=1e-12)
    np.testing.assert_allclose(x.after["x"][0], (3 * 0.50 + 0.20) / 4, atol=1e-12)
    np.testing.assert_allclose(x.after["all"], x.after["x"], atol=1e-12)
    fall = dict(zip(people.codes[:, 1], x.each[tabulate(people).index, 0], strict=True))
    assert fall[0] == 0.0
    assert fall[1] == pytest.approx(0.32, abs=1e-12)


@pytest.mark.parametrize("target", ["z", "y"])
@pytest.mark.parametrize("ask", [cohort_answers, agreement_with])
def test_contradictory_answers_are_refused_naming_the_person(ask, target):
    """Also where only the target's own answer contradicts the others."""
    graph = CausalGraph.from_edges(
        [("x", "y"), ("y", "z")], {name: ["no", "yes"] for name in "xyz"}
    )
    cpts = {"x": [0.5, 0.5], "y": [[1.0, 0.0], [0.0, 1.0]], "z": [[0.7, 0.3], [0.2, 0.8]]}
    posterior = Posterior.from_cpts(graph, cpts)
    frame = pd.DataFrame({"x": ["yes", "no", "no", "no"], "y": ["yes", "no", "yes", "yes"]})
    with pytest.raises(QueryError, match=r"^Person 3: The answers contradict each other"):
        ask(posterior, Survey.from_frame(frame, graph), target=target)
    ask(posterior, Survey.from_frame(frame.head(2), graph), target=target)


def test_one_group_as_text_is_a_list_of_one(core, people):
    one, many = (cohort_answers(core.subset(2), people, groups=g) for g in ("fatigue", ["fatigue"]))
    assert [group.level for group in one.groups] == [group.level for group in many.groups]


def test_each_person_of_a_cohort_is_asked_about_at_their_own_site(wide):
    frame = simulate(wide.graph, 30, seed=9).assign(site=["Oslo", "Bergen", "Hamar"] * 10)
    columns = {name: Asked(node=name) for name in frame if name != "site"}
    book = Codebook(name="own", graph=wide.graph.name, columns=columns, site="site")
    survey = Survey.from_frame(frame, wide.graph, book.resolved(wide.graph))
    found = cohort_answers(wide, survey, draws=None)
    places = ["Oslo", "Bergen", "average"] * 10
    told = [{k: v for k, v in who.items() if k != "pain"} for who in people_of(survey)]
    own = [
        risk(wide.at_site(place), who).draws.mean() for place, who in zip(places, told, strict=True)
    ]
    np.testing.assert_allclose(found.risk[0][found.rows], own, rtol=1e-12)
    assert agreement_with(wide, survey)[0] == found.agreement is not None


def test_weights_count_people(core):
    frame = simulate(core.graph, 20, seed=9)
    once = Survey.from_frame(frame.assign(weight=[2.0] + [1.0] * 19), core.graph, weight="weight")
    twice = Survey.from_frame(pd.concat([frame, frame.head(1)], ignore_index=True), core.graph)
    one, two = (cohort_answers(core.subset(5), each) for each in (once, twice))
    np.testing.assert_allclose(one.average[0], two.average[0], rtol=1e-12)
    np.testing.assert_allclose(
        one.causes[0].fraction("all")[0], two.causes[0].fraction("all")[0], rtol=1e-12
    )


def test_people_counted_by_an_engine_give_the_same_cohort(core, tmp_path):
    simulate(core.graph, 40, seed=6).to_csv(tmp_path / "c.csv", index=False)
    few = core.subset(5)
    ours, theirs = (
        cohort_answers(few, read_survey(tmp_path / "c.csv", core.graph, engine=engine))
        for engine in (None, "duckdb")
    )
    np.testing.assert_allclose(ours.average, theirs.average, rtol=1e-12)
    assert ours.agreement.brier == pytest.approx(theirs.agreement.brier, rel=1e-12)


def test_the_people_of_the_fit_are_recognised(core, people):
    meta = {"people": people.n, "answered": people.answered.to_dict()}
    own = cohort_answers(replace(core, meta=meta).subset(3), people)
    other = cohort_answers(replace(core, meta=meta | {"people": people.n + 1}).subset(3), people)
    assert own.in_sample
    assert not other.in_sample


def test_people_with_other_answers_are_not_those_of_the_fit(core, people):
    answered = people.answered.to_dict()
    name = next(iter(answered))
    for told in (
        {},
        {"people": people.n},
        {"answered": answered},
        {"people": people.n, "answered": {**answered, name: answered[name] + 1e-6}},
        {"people": people.n, "answered": {**answered, "never_asked": 0.5}},
    ):
        fitted = replace(core, meta=told).subset(2)
        assert not cohort_answers(fitted, people).in_sample


def test_groups_are_the_states_that_somebody_reported(core, people):
    found = cohort_answers(core.subset(2), people, groups=["core_strength", "fatigue"])
    graph = core.graph
    told = [(group.node, group.level) for group in found.groups]
    states = [(n, s) for n in ("core_strength", "fatigue") for s in graph.node(n).states]
    assert told == [("", ""), *states]
    assert found.groups[0].members.all()
    # Without groups of one's own, those that the graph names, or its first roots.
    compared = graph.playing("compared") or [n for n in graph.names if not graph.parents(n)][:3]
    default = cohort_answers(core.subset(2), people)
    assert list(dict.fromkeys(group.node for group in default.groups[1:])) == list(compared)


def test_a_group_in_which_nobody_is_is_left_out(core):
    frame = simulate(core.graph, 5, seed=1).assign(fatigue="low")
    survey = Survey.from_frame(frame, core.graph)
    found = cohort_answers(core.subset(2), survey, groups=["fatigue"])
    assert [group.level for group in found.groups] == ["", "low"]


def test_falls_of_profiles_average_to_the_falls_of_everyone(core, people, cohort):
    for found in cohort.causes:
        for place, cause in enumerate(found.causes):
            mean = np.average(found.each[:, place], weights=cohort.weights)
            assert mean == pytest.approx(found.fall(cause)[0].mean(), abs=1e-12)


def test_actions_are_the_causes_that_a_person_could_change(core):
    graph = core.graph
    marked = replace_modifiable(graph, {"fatigue"})
    assert actions_among(marked, ["core_strength", "fatigue"]) == ("fatigue",)
    bare = replace_modifiable(graph, set())
    assert actions_among(bare, ["core_strength", "fatigue"]) == ("core_strength", "fatigue")


def replace_modifiable(graph, names):
    """Return a graph in which these nodes, and no others, can be changed."""
    nodes = tuple(replace(node, modifiable=node.name in names) for node in graph.nodes)
    return replace(graph, nodes=nodes)


def test_few_draws_are_used_and_all_are_told(core, people):
    found = cohort_answers(core, people, draws=7)
    assert (found.posterior.draws, found.all_draws) == (7, 50)
    assert cohort_answers(core, people, draws=None).posterior.draws == 50


def test_a_survey_of_another_graph_is_refused(core):
    other = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]}, name="g")
    survey = Survey.from_frame(pd.DataFrame({"x": ["no"], "y": ["yes"]}), other)
    with pytest.raises(QueryError, match=r"graph 'g'.*'runner_core'"):
        cohort_answers(core, survey)


def test_a_file_is_named_and_a_survey_at_hand_is_not(core, people, tmp_path):
    simulate(core.graph, 4, seed=4).to_csv(tmp_path / "c.csv", index=False)
    assert cohort_answers(core.subset(2), tmp_path / "c.csv").survey.source == "c.csv"
    assert cohort_answers(core.subset(2), people).survey.source == ""


def test_profiles_pass_in_chunks(core, people, cohort, monkeypatch):
    monkeypatch.setattr(answers, "_CHUNK", 7)
    found = cohort_answers(core, people, draws=None)
    np.testing.assert_allclose(found.average, cohort.average, rtol=1e-12)
    np.testing.assert_allclose(found.risk, cohort.risk, rtol=1e-12)


def test_the_agreement_of_a_card_is_that_of_the_report(core, people, cohort):
    found, in_sample = agreement_with(core, people)
    assert found == cohort.agreement
    assert not in_sample


def test_a_cohort_of_states_is_read_where_the_model_has_a_codebook_of_answers():
    model = example_posterior().subset(5)
    states = {"age": ["40_54", "under_40"], "sex": ["male", "female"], "bmi": ["30_plus", None]}
    answers = {"age_years": ["44", "30"], "sex": ["male", "female"], "height_cm": ["170", ""],
               "weight_kg": ["100", ""]}  # fmt: skip
    said, told = (read_cohort(model, pd.DataFrame(each)) for each in (states, answers))
    for node in states:
        place = model.graph.names.index(node)
        assert said.codes[:, place].tolist() == told.codes[:, place].tolist()
    with pytest.raises(SurveyError, match="'25_plus'") as refused:
        read_cohort(model, pd.DataFrame({**states, "bmi": ["25_plus", None]}))
    assert len(refused.value.problems) == 1


def test_a_file_of_states_is_reported_as_it_is_scored(tmp_path):
    model = example_posterior().subset(5)
    people = simulate(model.graph, 8, seed=1, posterior=model.subset(1))
    named = [name for name in load_graph("runner").names if name in people]
    people[named].to_csv(tmp_path / "c.csv", index=False)
    assert score(model, tmp_path / "c.csv", tmp_path / "s.csv").problems == 0
    assert cohort_answers(model, tmp_path / "c.csv").survey.n == 8
