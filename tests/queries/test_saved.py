"""A person's answers in the form that the page saves: read wherever a person is, or refused."""

import json
from datetime import date
from importlib.metadata import version

import pytest

import backrisk as br
from backrisk.cli.terminal import read_json
from backrisk.errors import QueryError
from backrisk.fhir import questionnaire_response
from backrisk.queries import Saved, opened, read_form, saved
from backrisk.report import person_answers

MODEL = br.example_posterior()
PERSON = br.example_person("weak_core")
ABOUT = {"date": "2026-11-27", "model": MODEL.checksum, "version": "0.2.0"}
SAVED = {"backrisk": ABOUT, "person": PERSON}


def test_what_is_saved_is_read_back():
    data = json.loads(json.dumps(saved(MODEL, PERSON, date(2026, 11, 27))))
    assert opened(data) == Saved(PERSON, date(2026, 11, 27), MODEL.checksum, version("backrisk"))
    assert opened(PERSON) == Saved(PERSON)


@pytest.mark.parametrize("asked", [br.risk, br.diagnose, br.recommend])
def test_a_question_gives_one_answer_to_both_forms(asked):
    assert (asked(MODEL, SAVED).draws == asked(MODEL, PERSON).draws).all()


def test_form_report_and_fhir_read_both_forms():
    assert read_form(MODEL, SAVED) == read_form(MODEL, PERSON)
    assert questionnaire_response(MODEL, SAVED) == questionnaire_response(MODEL, PERSON)
    both = [person_answers(MODEL, each, draws=5) for each in (SAVED, PERSON)]
    assert both[0].person == both[1].person


def test_a_person_file_holds_either_form(tmp_path):
    path = tmp_path / "person.json"
    for data in (SAVED, PERSON):
        path.write_text(json.dumps(data))
        assert read_json(path) == PERSON


WRONG = {
    "answers beside it": (SAVED | {"fatigue": "high"}, "'fatigue' stands beside"),
    "no person": ({"backrisk": ABOUT}, "'person' is missing"),
    "a person that is a list": (SAVED | {"person": []}, "'person' is []"),
    "nothing about it": ({"person": PERSON}, "'backrisk' is missing"),
    "another key": (
        SAVED | {"backrisk": ABOUT | {"by": "me", "version": "0.0.1"}},
        "no 'by'; expected one of 'date'",
    ),
    "a mark that is text": ({"backrisk": "x", "person": PERSON}, "'backrisk' is 'x'"),
    "an empty mark alone": ({"backrisk": {}}, "'person' is missing"),
    "a mark in capitals": ({"Backrisk": ABOUT, "Person": PERSON}, "'Backrisk' looks like the mark"),
    "answers in capitals": ({"backrisk": ABOUT, "Person": PERSON}, "'Person' looks like the mark"),
    "a mark of another form": ({"Backrisk-person-1": PERSON}, "'Backrisk-person-1' looks like"),
    "a later version's": (
        {"backrisk": ABOUT | {"version": "99.0.0", "units": "metric"}, "person": PERSON},
        "version 99.0.0, which is later than this one",
    ),
    "no date": (SAVED | {"backrisk": ABOUT | {"date": "soon"}}, "not 'soon'"),
    "a day that is none": (SAVED | {"backrisk": ABOUT | {"date": "2026-02-30"}}, "2026-02-30"),
    "a date in another form": (SAVED | {"backrisk": ABOUT | {"date": "20261127"}}, "20261127"),
    "a number for a date": (SAVED | {"backrisk": ABOUT | {"date": 2026}}, "not 2026"),
    "no checksum": (SAVED | {"backrisk": ABOUT | {"model": "mine"}}, "not 'mine'"),
    "flags that are one name": (SAVED | {"backrisk": ABOUT | {"flags": "fever"}}, "not 'fever'"),
    "flags that are no names": (SAVED | {"backrisk": ABOUT | {"flags": [1]}}, "not [1]"),
    "no version": (SAVED | {"backrisk": ABOUT | {"version": 2}}, "not 2"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_form_that_is_neither_is_refused_in_a_sentence(name, tmp_path):
    data, told = WRONG[name]
    path = tmp_path / "person.json"
    path.write_text(json.dumps(data))
    for read, given in ((opened, data), (read_json, path)):
        with pytest.raises(QueryError) as refused:
            read(given)
        assert told in str(refused.value)
        assert "\n" not in str(refused.value)
    assert str(path) in str(refused.value)


@pytest.mark.parametrize("mark", ["backrisk", "Backrisk", "backrisk-person-1", "BACKRISK_V2"])
def test_a_mark_among_plain_answers_is_told_as_one(mark):
    """Answers to nodes could be called so, which only the graph can tell."""
    for ask in (br.risk, br.diagnose, br.red_flags):
        with pytest.raises(QueryError, match=f"{mark}' looks like the mark of a saved person"):
            ask(MODEL, {mark: "x", "fatigue": "high"})
    assert "looks like the mark" in read_form(MODEL, {mark: "x"}).problems[mark]


def test_a_later_version_whose_form_is_the_same_is_read():
    later = {"backrisk": ABOUT | {"version": "99.0.0"}, "person": PERSON}
    assert opened(later).person == PERSON


def test_a_node_may_be_called_person():
    graph = br.CausalGraph.from_edges(
        [("backrisk", "person")], {"backrisk": ["no", "yes"], "person": ["no", "yes"]}
    )
    cpts = {"backrisk": [0.5, 0.5], "person": [[0.7, 0.3], [0.2, 0.8]]}
    model = br.Posterior.from_cpts(graph, cpts)
    assert br.risk(model, {"backrisk": "yes"}).draws.tolist() == [0.8]
