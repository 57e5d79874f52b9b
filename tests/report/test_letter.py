"""The letter, the person's own sheet, and what stands before any number in all documents."""

import re
from dataclasses import replace

import pytest
from read_back import DAY, HURTING, text_of

from backrisk import BackriskError, QueryError, red_flags, report_person
from backrisk.report import charts, person_answers, render_person

KINDS = ("report", "letter", "plain")
FLAGS = ["night_pain", "saddle_numbness"]


@pytest.fixture(scope="module")
def few(runner):
    return runner.subset(3)


@pytest.fixture(scope="module")
def flagged(few):
    return person_answers(few, HURTING | {"age_years": 16}, flags=FLAGS)


@pytest.fixture(scope="module")
def well(few):
    return person_answers(few, {"plank_seconds": 35})


def pages(answers, kind):
    return [" ".join(page.split()) for page in text_of(render_person(answers, kind=kind, date=DAY))]


@pytest.mark.parametrize(("kind", "count"), [("report", 2), ("letter", 1), ("plain", 1)])
def test_each_kind_has_its_pages_and_room_for_names(flagged, kind, count):
    found = pages(flagged, kind)
    assert len(found) == count
    for page in found:
        for label in ("Name", "Date"):
            assert label in page


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_ticked_stands_before_any_number_of_the_model(flagged, kind):
    first = pages(flagged, kind)[0]
    told = first.index("Go to an emergency department now: saddle numbness.")
    assert first.index("See a clinician this week") > told  # the night pain comes after
    assert "16 years is outside 18 to 74" in first
    number = first.index(flagged.consultation.headline)
    assert told < number
    assert first.index("rules nothing out") < number


@pytest.mark.parametrize("kind", [pytest.param("report", marks=pytest.mark.slow), "plain"])
def test_limiting_pain_asks_for_every_flag_and_its_absence_for_none(few, well, kind):
    asked = person_answers(few, {"pain": "limiting"})
    first = pages(asked, kind)[0]
    for flag in asked.flags.asked:
        assert flag.label in first
    assert "Before any number" not in pages(well, kind)[0]


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_that_is_a_flag_is_told_with_any_pain_and_not_without(few, kind):
    leap = {"longest_run_week_km": 28, "longest_run_month_km": 16}
    hurting = person_answers(few, {"pain": "not_limiting", **leap})
    first, *rest = pages(hurting, kind)
    assert len(rest) == (kind == "report")
    told = "The answers report a leap in training: with back pain, that is one of the red flags."
    assert first.index(told) < first.index(hurting.consultation.headline)
    assert first.count("leap in training") == 1  # the others are left to ask for
    assert "saddle numbness" in first
    denied = replace(hurting, flags=red_flags(few, hurting.person, []))
    assert "the answers report otherwise" in pages(denied, kind)[0]
    assert "The answers report" not in pages(person_answers(few, {"pain": "none", **leap}), kind)[0]


def test_a_letter_says_where_no_flag_is_ticked_and_what_the_numbers_are(well, flagged):
    page = pages(well, "letter")[0]
    assert "The red flags have not been asked about" in page
    denied = replace(well, flags=red_flags(well.posterior, well.person, []))
    assert "The red flags were asked about, and none applies." in pages(denied, "letter")[0]
    assert "Dear colleague" in page
    assert f"{len(well.posterior.graph.edges)} arrows" in page
    assert "Synthetic" in page
    assert "current low back pain" in page
    assert flagged.consultation.headline in pages(flagged, "letter")[0]
    assert "Necessity for current, limiting low back pain" in pages(flagged, "letter")[0]


def test_everything_answered_and_every_flag_still_fit_one_page(few):
    whole = {n.name: n.states[-1] for n in few.graph.nodes if n.name not in few.graph.items}
    flags = [flag.name for flag in person_answers(few, {}).flags.asked]
    answers = person_answers(few, whole, flags=flags)
    assert len(pages(answers, "letter")) == 1
    assert len(pages(answers, "plain")) == 1
    assert len(pages(answers, "report")) == 2


def test_the_picture_has_as_many_people_filled_in_as_the_sentence_says(well):
    page = render_person(well, ".html", kind="plain", date=DAY).decode()
    count = round(100 * well.consultation.draws.mean())
    filled = re.findall(rf'<path [^>]*fill="{charts.MARK}"', page)
    assert len(filled) == count
    assert len(re.findall(r'<path [^>]*fill="none"', page)) == 100 - count
    assert f"the {count} of whom the sentence above speaks are filled in" in page
    assert well.consultation.headline in page
    assert f"about {count} " in well.consultation.headline


def test_a_kind_that_is_none_is_refused_before_the_work(few, tmp_path):
    out = tmp_path / "letter.pdf"
    with pytest.raises(QueryError, match="did you mean 'letter'"):
        report_person(few, HURTING, out, kind="leter")
    with pytest.raises(QueryError, match="did you mean 'night_pain'"):
        report_person(few, HURTING, out, flags=["nightpain"])
    with pytest.raises(BackriskError, match="flags"):
        report_person(few, HURTING, out, flags=3)
    assert not out.exists()
