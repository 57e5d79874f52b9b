"""Red flags: who is asked, what is said and how soon, and whom the model is not about."""

import json
import re
from datetime import date
from importlib.resources import files

import pandas as pd
import pytest

import backrisk as br
from backrisk import _yaml
from backrisk.queries import opened, saved

POSTERIOR = br.example_posterior()
SOON = ["emergency", "same_day", "this_week"]
# Each with the most that may pass before someone looks, as the guidelines named beside it have it.
AT_LATEST = {
    "saddle_numbness": "emergency",  # suspected cauda equina syndrome: GIRFT 2023
    "bladder_bowel": "emergency",
    "fever": "same_day",  # suspected infection of the spine: Finucane 2020, IDSA 2015
    # Pain that suggests metastases: within 24 hours by NICE CG75 (2008), which NG234 replaced; at
    # once with signs of cord compression, which other flags ask for (doi:10.1136/bmj.p1973).
    "cancer": "same_day",
    "trauma": "same_day",
    "steroids": "this_week",
    "focal_bone_pain": "this_week",
    "low_energy": "this_week",
}


def small():
    states = {"x": ["no", "yes"], "y": ["no", "yes"]}
    graph = br.CausalGraph.from_edges([("x", "y")], states)
    return br.Posterior.from_cpts(graph, {"x": [[0.5, 0.5]], "y": [[[0.7, 0.3], [0.2, 0.8]]]})


@pytest.mark.parametrize("name", AT_LATEST)
def test_no_flag_waits_longer_than_its_guideline_says(name):
    found = br.red_flags(POSTERIOR, {}, [name])
    assert SOON.index(found.urgency) <= SOON.index(AT_LATEST[name])
    assert found.headline.startswith(found.ticked[0].soon)


def test_every_flag_has_words_and_a_source_that_can_be_followed():
    found = br.red_flags(POSTERIOR)
    names = [flag.name for flag in found.asked]
    assert len(set(names)) == len(names) >= len(AT_LATEST)
    for flag in found.asked:
        assert flag.question.endswith("?")
        assert flag.means
        assert flag.do
        assert flag.sources
        for source in flag.sources:
            assert re.fullmatch(r"https://(doi\.org/10\.\d{4,}/\S+|www\.\S+|\S+)", source.link)
    used = {source.link for flag in found.asked for source in flag.sources}
    kept = _yaml.read(files("backrisk.queries") / "flags.yaml")["sources"]
    assert used == {each["link"] for each in kept.values()}


def test_the_most_urgent_comes_first_whatever_the_order_given():
    order = [flag.urgency for flag in br.red_flags(POSTERIOR).asked]
    assert order == sorted(order, key=SOON.index)
    found = br.red_flags(POSTERIOR, {}, ["weight_loss", "fever", "leg_weakness", "fever"])
    assert [flag.name for flag in found.ticked] == ["leg_weakness", "fever", "weight_loss"]
    assert found.urgency == "emergency"
    assert found.sentences()[0] == found.headline
    assert found.headline.startswith("Go to an emergency department now: leg weakness.")


@pytest.mark.parametrize(
    ("person", "called"),
    [
        ({"pain": "limiting"}, True),
        ({"back_pain": "yes, and I train less or not at all"}, True),
        ({"pain": "not_limiting"}, False),
        ({"pain": "none"}, False),
        ({}, False),
        ({"age_years": 30}, False),
    ],
)
def test_they_are_called_for_with_limiting_pain(person, called):
    assert br.red_flags(POSTERIOR, person).called_for is called


def test_a_tick_of_none_and_of_all_says_that_it_proves_nothing():
    every = [flag.name for flag in br.red_flags(POSTERIOR).asked]
    for ticked in ([], every):
        text = br.red_flags(POSTERIOR, {}, ticked).text
        assert "rules nothing out" in text
        assert "10.1136/bmj.f7095" in text  # whose finding it is
        assert "not part of the model" in text


def test_another_subject_has_none():
    found = br.red_flags(small(), {"y": "yes"})
    assert (found.asked, found.called_for, found.urgency) == ((), False, None)
    with pytest.raises(br.QueryError, match="has no red flags"):
        br.red_flags(small(), {}, ["fever"])


@pytest.mark.parametrize(
    "flags",
    [pd.DataFrame({"fever": [1]}), pd.DataFrame(), {"fever": False}, 3, [3], [None], b"fever"],
    ids=repr,
)
def test_what_is_no_list_of_names_is_refused(flags):
    with pytest.raises(br.BackriskError, match="flags"):
        br.red_flags(POSTERIOR, {}, flags)


def test_a_name_that_is_nearly_one_is_suggested():
    with pytest.raises(br.QueryError, match="did you mean 'night_pain'"):
        br.red_flags(POSTERIOR, {}, ["nightpain"])


@pytest.mark.parametrize(
    ("person", "said"),
    [
        ({"age_years": 17}, ["17 years is outside 18 to 74"]),
        ({"age_years": "75"}, ["75 years is outside 18 to 74"]),
        ({"age_years": 18}, []),
        ({"age_years": 74}, []),
        ({"age": "under_40"}, []),  # the state says no number
        ({"longest_run_week_km": 0, "longest_run_month_km": 0}, ["no run at all"]),
        ({"longest_run_week_km": 0, "longest_run_month_km": 5}, []),  # a week off
        ({"longest_run_week_km": 0}, []),
        ({"longest_run_month_km": 60}, []),  # far for the survey, but no other kind of person
        ({"age_years": "NA"}, []),
        ({"plank_seconds": "strong"}, []),  # a state, by the name of the column
    ],
)
def test_whom_the_model_is_not_about_is_told(person, said):
    unfit = br.red_flags(POSTERIOR, person).unfit
    assert len(unfit) == (len(said) + 1 if said else 0)
    if said:
        assert "adults who run" in unfit[0]
    for each, sentence in zip(said, unfit[1:], strict=True):
        assert each in sentence


def test_a_person_in_the_form_that_the_page_saves_is_read():
    kept = {"backrisk": {"date": "2026-11-27"}, "person": {"pain": "limiting", "age_years": 16}}
    found = br.red_flags(POSTERIOR, kept)
    assert found.called_for
    assert any("16 years" in each for each in found.unfit)


def test_the_flags_change_no_number():
    plain = br.risk(POSTERIOR, {"age_years": 30}).draws
    br.red_flags(POSTERIOR, {"age_years": 30}, ["fever"])
    assert (br.risk(POSTERIOR, {"age_years": 30}).draws == plain).all()


def test_plain_values_hold_all():
    found = br.red_flags(POSTERIOR, {"age_years": 16}, ["fever"])
    plain = found.to_dict()
    assert [row["flag"] for row in plain["rows"] if row["ticked"]] == ["fever"]
    assert plain["urgency"] == "same_day"
    assert plain["unfit"] == list(found.unfit)
    assert list(found.table.index) == [row["flag"] for row in plain["rows"]]


def test_nobody_asked_is_told_from_none_applies():
    hurting = {"pain": "limiting"}
    unasked, denied = br.red_flags(POSTERIOR, hurting), br.red_flags(POSTERIOR, hurting, [])
    assert (unasked.answered, denied.answered) == (False, True)
    assert "have not been asked about" in unasked.text
    assert "were asked about, and none applies" in denied.text
    assert "not been asked" in br.red_flags(POSTERIOR).text
    assert [each.to_dict()["answered"] for each in (unasked, denied)] == [False, True]


@pytest.mark.parametrize(
    "answers",
    [
        {"load_progression": "spike"},
        {"training_change": "a big jump"},
        {"longest_run_week_km": 28, "longest_run_month_km": 16},  # 1.75 times, and a spike is 1.3
        {"load_progression": "moderate", "training_change": "a big jump"},  # either of the two
    ],
    ids=repr,
)
@pytest.mark.parametrize("pain", ["not_limiting", "limiting"])
def test_a_leap_in_training_that_the_answers_report_is_a_flag_whatever_was_ticked(answers, pain):
    person = {"pain": pain, **answers}
    unasked, denied = br.red_flags(POSTERIOR, person), br.red_flags(POSTERIOR, person, [])
    for found in (unasked, denied):
        assert [flag.name for flag in found.reported] == ["training_spike"]
        assert found.called_for
        assert found.sentences()[0] == (
            "The answers report a leap in training: with back pain, that is one of the red flags. "
            "See a clinician this week."
        )
        plain = found.to_dict()
        assert plain["from_answers"] == found.from_answers()
        assert [row["flag"] for row in plain["rows"] if row["reported"]] == ["training_spike"]
    assert "The other red flags have not been asked about" in unasked.text
    assert "none was said to apply; the answers report otherwise" in denied.text
    assert "none applies" not in denied.text
    ticked = br.red_flags(POSTERIOR, person, ["training_spike"])  # said once
    assert ticked.from_answers() == []
    assert "The answers report" not in ticked.text
    assert "The answers report" in br.red_flags(POSTERIOR, person, ["fever"]).text


@pytest.mark.parametrize(
    "person",
    [
        {"pain": "limiting", "load_progression": "moderate"},
        {"pain": "limiting", "longest_run_week_km": 16, "longest_run_month_km": 16},
        {"pain": "none", "load_progression": "spike"},  # it is asked of the weeks before a pain
    ],
    ids=repr,
)
def test_no_leap_before_a_pain_is_no_flag(person):
    found = br.red_flags(POSTERIOR, person)
    assert (found.reported, found.from_answers()) == ((), [])
    assert found.called_for is (person["pain"] == "limiting")


def test_every_answer_that_is_a_flag_is_a_state_of_the_graph():
    graph = POSTERIOR.graph
    answered = [pair for flag in br.red_flags(POSTERIOR).asked for pair in flag.answered_by]
    assert answered
    for node, state in answered:
        assert state in graph.node(node).states
        assert state != graph.node(node).reference


@pytest.mark.parametrize("pain", [None, "limiting"])
def test_whom_the_model_is_not_about_is_told_beside_the_numbers(pain):
    person = {"age_years": 15, **({} if pain is None else {"pain": pain})}
    unfit = br.red_flags(POSTERIOR, person).unfit
    assert unfit
    for ask in (br.consult, br.risk):
        assert ask(POSTERIOR, person).notes[: len(unfit)] == unfit
        assert unfit[0] not in ask(POSTERIOR, {**person, "age_years": 30}).notes


@pytest.mark.parametrize("flags", [None, (), ("fever", "night_pain")])
def test_what_was_ticked_goes_along_in_the_saved_form(flags):
    person = {"fatigue": "high"}
    data = json.loads(json.dumps(saved(POSTERIOR, person, date(2026, 11, 27), flags)))
    assert opened(data).flags == flags
    told, asked = br.red_flags(POSTERIOR, data), br.red_flags(POSTERIOR, person, flags)
    assert told.text == asked.text
    assert told.answered == (flags is not None)
    # What is said beside the file rules.
    assert br.red_flags(POSTERIOR, data, ["trauma"]).ticked[0].name == "trauma"
