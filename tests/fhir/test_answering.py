"""Answers in and out: what goes out comes back, and what is wrong is told, with its place."""

import copy
import pickle

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("fhir.resources")

import backrisk as br
from backrisk.errors import BackriskError, QueryError
from backrisk.fhir import (
    FhirError,
    operation_outcome,
    questionnaire_response,
    questionnaire_url,
    read_response,
)
from backrisk.queries import make_form
from tests.fhir.conftest import PERSON
from tests.over_time_model import over_time_model


@st.composite
def people(draw, model):
    """Someone who answers some questions of the form, none of them in two ways."""
    book, person = model.codebook, {}

    def answer(question):
        if question.kind == "text":
            return draw(st.sampled_from(["a race", "nothing"]))
        if question.kind != "number":
            return draw(st.sampled_from(question.options))
        low, high = book.columns[question.name].typical or (question.low, question.high)
        return draw(st.integers(int(low), int(high)) | st.floats(low, high))

    for group in make_form(model.graph, book):
        for topic in group.topics:
            signs = [q for q in topic.questions if q.sign]
            exact = [q for q in topic.questions if not q.sign]
            inputs = [q for q in exact if q.kind != "state" and book.columns[q.name].role]
            single = [[q] for q in exact if q not in inputs]
            ways = [*single, *([inputs] if inputs else []), []]
            chosen = [*draw(st.sampled_from(ways)), *(q for q in signs if draw(st.booleans()))]
            person.update({question.name: answer(question) for question in chosen})
    return person


def canonical(person):
    """Numbers as JSON has them."""
    return {
        name: int(v) if isinstance(v, float) and v.is_integer() else v for name, v in person.items()
    }


@given(data=st.data())
@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.too_slow])
def test_who_goes_out_comes_back(posterior, data):
    person = data.draw(people(posterior))
    answers = read_response(posterior, questionnaire_response(posterior, person))
    assert answers.person == canonical(person)
    assert answers.issues == ()


@given(data=st.data())
@settings(deadline=None, max_examples=15)
def test_texts_and_codes_come_back_too(small, data):
    person = data.draw(people(small))
    answers = read_response(small, questionnaire_response(small, person))
    assert answers.person == canonical(person)


@given(data=st.data())
@settings(deadline=None, max_examples=15)
def test_states_given_directly_come_back(posterior, data):
    graph = posterior.graph
    names = data.draw(st.lists(st.sampled_from(graph.names), unique=True, max_size=8))
    person = {n: data.draw(st.sampled_from(graph.node(n).states)) for n in names}
    try:
        evidence = br.risk(posterior, person).evidence
    except QueryError:  # a label of a column says another state
        with pytest.raises(QueryError):
            questionnaire_response(posterior, person)
        return
    answers = read_response(posterior, questionnaire_response(posterior, person))
    assert answers.person == person
    assert br.risk(posterior, answers.person).evidence == evidence


@pytest.mark.parametrize("site", [None, "Oslo", "Åre", "new"])
def test_the_site_comes_back(at_sites, site):
    answers = read_response(at_sites, questionnaire_response(at_sites, PERSON, site=site))
    assert (answers.person, answers.site) == (PERSON, site)


def test_the_average_over_sites_is_no_site(at_sites):
    response = questionnaire_response(at_sites, {}, site="average")
    assert read_response(at_sites, response).site is None
    with pytest.raises(BackriskError, match="Bergen"):
        questionnaire_response(at_sites, {}, site="Bergen")


def test_whatever_way_a_person_is_written_the_same_is_sent(small):
    written = {"KM ": "25", "nap": "1", "sore": "A BIT", "note": "NA"}
    same = {"km": 25.0, "nap": "yes, often", "sore": "a bit"}
    assert questionnaire_response(small, written) == questionnaire_response(small, same)
    assert read_response(small, questionnaire_response(small, written)).person == {
        "km": 25, "nap": "yes, often", "sore": "a bit",
    }  # fmt: skip


def test_nobody_answered_anything(small):
    response = questionnaire_response(small, {})
    assert "item" not in response
    assert read_response(small, response).person == {}


def test_who_and_when_are_stated(small):
    response = questionnaire_response(
        small, {}, subject="Patient/7", authored="2026-11-26T10:00:00+01:00"
    )
    assert response["subject"] == {"reference": "Patient/7"}
    assert response["authored"] == "2026-11-26T10:00:00+01:00"
    for wrong in ({"subject": "Pat ient"}, {"subject": ""}, {"authored": "26.11.2026"}):
        with pytest.raises(FhirError):
            questionnaire_response(small, {}, **wrong)


def of(*items, **more):
    return {
        "resourceType": "QuestionnaireResponse",
        "status": "completed",
        "item": [{"linkId": link, "answer": list(answers)} for link, *answers in items],
        **more,
    }


QUANTITY = {"value": 50, "unit": "km", "system": "http://unitsofmeasure.org", "code": "km"}


@pytest.mark.parametrize(
    ("answer", "km"),
    [
        ({"valueDecimal": 50.5}, 50.5),
        ({"valueInteger": 50}, 50),
        ({"valueQuantity": QUANTITY}, 50),
        ({"valueQuantity": {"value": 50, "unit": "km"}}, 50),
        ({"valueQuantity": {"value": 50}}, 50),
    ],
)
def test_a_number_may_come_in_several_types(small, answer, km):
    assert read_response(small, of(("km", answer))).person == {"km": km}


@pytest.mark.parametrize(
    "answer",
    [
        {"valueQuantity": {"unit": "km"}},
        {"extension": [{"url": "https://example.org/absent", "valueCode": "unknown"}]},
    ],
)
def test_an_answer_without_a_value_is_none(small, answer):
    assert read_response(small, of(("km", answer))).person == {}


def test_a_choice_may_come_by_its_code_or_by_its_words(small):
    assert read_response(small, of(("nap", {"valueCoding": {"code": "yes, often"}}))).person == {
        "nap": "yes, often"
    }
    words = {"valueCoding": {"display": "never, or hardly"}}
    told = read_response(small, of(("nap", {"valueCoding": {"code": "1"}}))).person
    assert told == {"nap": "never, or  hardly"}  # which is no code, so that its place stands for it
    with pytest.raises(FhirError, match="expected one of"):
        read_response(small, of(("nap", words)))


def test_where_an_item_stands_does_not_matter(small):
    inner = {"linkId": "km", "answer": [{"valueDecimal": 50}]}
    below = {"linkId": "sore", "answer": [{"valueCoding": {"code": "a lot"}, "item": [inner]}]}
    nested = of(item=[{"linkId": "another group", "item": [below]}])
    answers = read_response(small, nested)
    assert answers.person == {"km": 50, "sore": "a lot"}


@pytest.mark.parametrize(
    ("response", "words", "place"),
    [
        (of(("km", {"valueString": "50"})), "valueString; expected a valueDecimal", "item[0]"),
        (of(("km", {"valueDecimal": 500})), "500; expected 0 to 200 km", "item[0]"),
        (of(("km", {"valueDecimal": 5}, {"valueDecimal": 6})), "has 2 answers", "item[0]"),
        (of(("km", {"valueQuantity": {**QUANTITY, "code": "m"}})), "is in m; expected km", ""),
        (of(("km", {"valueQuantity": {**QUANTITY, "comparator": "<"}})), "only a bound ('<')", ""),
        (
            of(("km", {"valueDecimal": 5}), ("km", {"valueDecimal": 5})),
            "answered already",
            "item[1]",
        ),
        (
            of(("sore", {"valueCoding": {"code": "a lot"}}),
               ("state:sore", {"valueCoding": {"code": "much"}})),
            "'state:sore' was answered already (by 'sore')",
            "item[1]",
        ),
        (of(("sore", {"valueString": "a lot"})), "valueString; expected a valueCoding", ""),
        (of(("sore", {"valueCoding": {"code": "lots"}})), "expected one of 'not at all'", ""),
        (
            of(("sore", {"valueCoding": {"code": "a lot", "system": "http://loinc.org"}})),
            "another system of codes, http://loinc.org",
            "",
        ),
        (of(("note", {"valueDecimal": 5})), "valueDecimal; expected a valueString", ""),
        (
            of(("km", {"valueDecimal": 5}), ("load", {"valueCoding": {"code": "high"}})),
            "'km' says",
            "",
        ),
        (of(questionnaire="https://example.org/q"), "another questionnaire", ".questionnaire"),
        (of(status="entered-in-error"), "entered-in-error", ".status"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_place(small, response, words, place):
    with pytest.raises(FhirError) as caught:
        read_response(small, response)
    assert words in str(caught.value)
    (issue,) = [each for each in caught.value.issues if words in each.text]
    assert issue.severity == "error"
    assert issue.expression.endswith(place)


@pytest.mark.parametrize(
    ("response", "words"),
    [
        ([], "Expected a resource of type QuestionnaireResponse, found []"),
        ({}, "resourceType is None"),
        ({"resourceType": "Patient"}, "resourceType is 'Patient'"),
        ({"resourceType": "QuestionnaireResponse"}, "status is not as FHIR R4 has it"),
        (of(colour="red"), "QuestionnaireResponse.colour is not as FHIR R4 has it"),
        (of(item={}), "QuestionnaireResponse.item"),
        (of(item=[{}]), "QuestionnaireResponse.item[0].linkId"),
        (of(("km", {"valueDecimal": 1, "valueString": "1"})), "QuestionnaireResponse.item[0]"),
    ],
)
def test_another_structure_is_refused_by_the_rules_of_fhir(small, response, words):
    with pytest.raises(FhirError) as caught:
        read_response(small, response)
    assert words in str(caught.value)


def test_every_mistake_is_told_at_once_and_as_an_outcome(small):
    wrong = of(
        ("km", {"valueDecimal": -1}), ("sore", {"valueString": "x"}), ("who", {"valueDecimal": 1})
    )
    with pytest.raises(FhirError) as caught:
        read_response(small, wrong)
    found = operation_outcome(pickle.loads(pickle.dumps(caught.value)).issues)["issue"]
    assert [each["severity"] for each in found] == ["error", "error", "warning"]
    rules = pytest.importorskip("fhir.resources.R4B.operationoutcome").OperationOutcome
    rules.model_validate(operation_outcome(caught.value.issues))


def test_what_is_not_of_this_form_is_told_and_the_rest_is_read(small):
    answers = read_response(
        small,
        of(
            ("km", {"valueDecimal": 50}),
            ("x" * 200, {"valueString": "secret"}),
            questionnaire=f"{questionnaire_url(small)}|older",
        ),
    )
    assert answers.person == {"km": 50}
    assert [issue.severity for issue in answers.issues] == ["warning", "warning"]
    assert "version older" in answers.issues[0].text
    assert "'xxx" in answers.issues[1].text
    assert "secret" not in answers.issues[1].text


def test_an_address_of_ones_own_is_expected_back(small):
    url = "https://example.org/q"
    response = questionnaire_response(small, {"km": 50}, url=url)
    assert read_response(small, response, url=url).person == {"km": 50}
    with pytest.raises(FhirError, match="another questionnaire"):
        read_response(small, response)


def test_the_resource_is_left_as_it_was(small):
    response = questionnaire_response(small, {"km": 50})
    before = copy.deepcopy(response)
    read_response(small, response)
    assert response == before


def test_a_model_over_time_is_refused(small):
    model = over_time_model(2)
    with pytest.raises(FhirError, match="over time"):
        read_response(model, of())
    with pytest.raises(FhirError, match="over time"):
        questionnaire_response(model, {})


def test_without_the_package_reading_is_refused_in_a_sentence(small, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "fhir.resources.R4B.questionnaireresponse", None)
    with pytest.raises(FhirError, match=r"install backrisk\[fhir\]"):
        read_response(small, of())


def test_the_packages_rules_find_nothing(posterior, at_sites):
    from fhir.resources.R4B.questionnaireresponse import QuestionnaireResponse

    for model, site in ((posterior, None), (at_sites, "Åre")):
        response = questionnaire_response(model, PERSON, site=site, authored="2026-11-26")
        QuestionnaireResponse.model_validate(response)
