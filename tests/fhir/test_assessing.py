"""What answers say: the numbers of the Python answers, one estimand, and no risk for who has it."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("fhir.resources")

from fhir.resources.R4B.guidanceresponse import GuidanceResponse
from fhir.resources.R4B.riskassessment import RiskAssessment

import backrisk as br
from backrisk.errors import QueryError
from backrisk.fhir import (
    guidance_response,
    questionnaire_response,
    risk_assessment,
)
from tests.fhir.conftest import PERSON, tiny
from tests.over_time_model import over_time_model
from tests.strategies import Brute

ANSWERS = {"km": 50, "nap": "yes, often", "note": "a race"}


def assess(model, person, **asked):
    made = risk_assessment(model, questionnaire_response(model, person), **asked)
    RiskAssessment.model_validate(made)
    return made


def notes(made):
    return " ".join(each["text"] for each in made["note"])


@pytest.mark.parametrize(("target", "codes"), [(None, (1, 2)), ("sore>=much", (2,))])
def test_the_prediction_is_the_probability_by_its_definition(small, target, codes):
    (prediction,) = assess(small, ANSWERS, target=target)["prediction"]
    brute = Brute(small, 0)
    evidence = {"load": 1, "raced": 1, "nap": 1}
    expected = brute.probability(lambda state: state["sore"] in codes, evidence)
    np.testing.assert_allclose(prediction["probabilityDecimal"], 100 * expected, rtol=1e-12)
    assert prediction["outcome"]["text"] == br.risk(small, {}, target=target).target.label


def test_it_is_the_number_of_the_python_answer(posterior):
    (prediction,) = assess(posterior, PERSON)["prediction"]
    found = br.risk(posterior, PERSON)
    assert prediction["probabilityDecimal"] == 100 * float(found.draws.mean())
    for number in br.words.estimate(found.draws), br.words.estimate(found.average):
        assert number in prediction["rationale"]


@pytest.mark.parametrize("pain", [{}, {"pain": "limiting"}])
def test_whom_the_model_is_not_about_is_told_once(posterior, pain):
    said = notes(assess(posterior, {"age_years": 15, **pain}))
    for each in br.red_flags(posterior, {"age_years": 15}).unfit:
        assert said.count(each) == 1
    assert "15 years" in said


def test_it_says_having_and_not_getting_and_that_nobody_answered(posterior):
    made = assess(posterior, PERSON)
    assert "not about getting it later" in notes(made)
    assert "no real person answered" in notes(made)
    assert notes(made).endswith("Decision support, not a diagnosis.")
    assert "when" not in "".join(made["prediction"][0])
    assert "no real person" not in notes(assess(tiny(), ANSWERS))
    assert "no real person" in notes(assess(tiny(synthetic=True), ANSWERS))


def test_with_nothing_answered_it_is_the_population(posterior):
    made = assess(posterior, {})
    average = br.risk(posterior, {}).average
    assert made["prediction"][0]["probabilityDecimal"] == 100 * float(average.mean())
    assert "Nothing was answered" in made["prediction"][0]["rationale"]
    assert "mitigation" not in made


def test_the_answer_that_it_is_absent_is_set_aside(small):
    made = assess(small, {**ANSWERS, "sore": "not at all"})
    assert made["prediction"] == assess(small, ANSWERS)["prediction"]
    assert "is set aside" in notes(made)
    # Also of a worse state than the one reported.
    worse = assess(small, {**ANSWERS, "sore": "a bit"}, target="sore>=much")
    assert worse["prediction"] == assess(small, ANSWERS, target="sore>=much")["prediction"]


def test_who_has_it_gets_no_probability_but_what_it_took(small):
    person = {**ANSWERS, "sore": "a lot"}
    made = assess(small, person)
    assert "prediction" not in made
    assert "mitigation" not in made
    assert "no probability of it is given" in notes(made)
    took = br.consult(small, person)
    assert {"load", "raced"} <= set(took.adverse)
    for sentence in [took.headline, *took.sentences()]:
        assert sentence in notes(made)


def test_who_has_it_for_no_reason_that_was_reported_is_told_so(small):
    made = assess(small, {"km": 5, "sore": "a lot"})
    assert "Nothing stands out" in notes(made)


def test_traits_are_never_what_it_took(posterior):
    made = assess(posterior, {"sex": "female", "pain": "limiting"})
    assert br.consult(posterior, {"sex": "female", "pain": "limiting"}).adverse == ()
    assert "Nothing stands out" in notes(made)


def test_mitigation_is_the_advice(posterior, small):
    advice = br.recommend(posterior, PERSON)
    expected = " ".join([*advice.sentences(), *advice.notes])
    assert assess(posterior, PERSON)["mitigation"] == expected
    assert "mitigation" not in assess(small, ANSWERS)  # nothing there is marked as modifiable


def test_the_site_of_the_answers_is_asked_about(at_sites):
    response = questionnaire_response(at_sites, PERSON, site="Oslo")
    there = br.risk(at_sites.at_site("Oslo"), PERSON)
    found = risk_assessment(at_sites, response)["prediction"][0]["probabilityDecimal"]
    assert found == 100 * float(there.draws.mean())


def test_the_basis_is_the_response_itself_or_its_address(small):
    response = questionnaire_response(small, ANSWERS, subject="Patient/7", authored="2026-11-26")
    made = risk_assessment(small, {**response, "meta": {"versionId": "1"}})
    assert made["basis"] == [{"reference": "#answers"}]
    assert made["contained"] == [{**response, "id": "answers"}]
    assert made["subject"] == {"reference": "Patient/7"}
    assert made["occurrenceDateTime"] == "2026-11-26"
    made = risk_assessment(small, {**response, "id": "9"})
    assert made["basis"] == [{"reference": "QuestionnaireResponse/9"}]
    assert "contained" not in made


def test_what_was_not_read_is_told_with_the_result(small):
    response = questionnaire_response(small, ANSWERS)
    response["item"].append({"linkId": "shoe", "answer": [{"valueString": "old"}]})
    assert "The item 'shoe' is not one of this questionnaire" in notes(
        risk_assessment(small, response)
    )
    made = guidance_response(small, response)
    GuidanceResponse.model_validate(made)
    (message,) = made["contained"]
    assert message["issue"][0]["severity"] == "warning"
    assert made["evaluationMessage"] == [{"reference": f"#{message['id']}"}]


def test_the_fits_warnings_are_repeated(small):
    warned = replace(small, diagnostics=br.Diagnostics("fit", warnings=("R-hat is 1.2.",)))
    (told,) = warned.warnings_about(("sore",))
    assert f"Warning: {told}" in notes(assess(warned, ANSWERS))


@pytest.mark.parametrize(
    ("person", "status"),
    [
        ({}, "data-required"),
        ({"sore": "not at all"}, "data-required"),  # which tells of nothing else
        ({"km": 50}, "data-requested"),
        ({"km": 50, "note": "a race", "tired": "yes", "nap": "yes, often"}, "success"),
    ],
)
def test_guidance_says_whether_more_answers_would_tell_more(small, person, status):
    made = guidance_response(small, questionnaire_response(small, person))
    GuidanceResponse.model_validate(made)
    assert made["status"] == status
    assert ("dataRequirement" in made) == (status != "success")


def test_guidance_is_what_ask_next_says(posterior):
    made = guidance_response(posterior, questionnaire_response(posterior, PERSON))
    for sentence in br.ask_next(posterior, PERSON, gain=False).sentences():
        assert sentence in notes(made)


def test_a_target_that_is_none_is_refused(small):
    with pytest.raises(QueryError, match="did you mean 'sore'"):
        assess(small, {}, target="soar")


def test_a_graph_without_an_outcome_asks_for_a_target(small):
    free = br.Posterior.from_cpts(
        br.CausalGraph.from_edges([("a", "b"), ("a", "c")], {n: ["no", "yes"] for n in "abc"}),
        {"a": [[0.5, 0.5]], "b": [[[0.7, 0.3], [0.2, 0.8]]], "c": [[[0.5, 0.5]] * 2]},
    )
    with pytest.raises(QueryError, match="outcome"):
        assess(free, {})
    assert assess(free, {"a": "yes"}, target="b")["prediction"][0]["probabilityDecimal"] == 80.0


def test_a_model_over_time_is_refused():
    response = {"resourceType": "QuestionnaireResponse", "status": "completed"}
    with pytest.raises(QueryError, match="over time"):
        risk_assessment(over_time_model(2), response)


def test_people_who_were_chosen_by_the_outcome_have_no_risk(small):
    design = {"kind": "case_control", "outcome": "sore", "prevalence": None}
    chosen = replace(small, meta={"design": design})
    response = questionnaire_response(small, ANSWERS)
    for ask in (risk_assessment, guidance_response):
        with pytest.raises(QueryError) as caught:
            ask(chosen, response)
        assert str(caught.value) == chosen.chosen
