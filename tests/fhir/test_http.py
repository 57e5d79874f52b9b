"""FHIR over HTTP: the resources of Python, refusals as OperationOutcome, and nothing in the log."""

import json
import logging

import pytest
from fastapi.testclient import TestClient
from web_client import NO_LIMIT

pytest.importorskip("fhir.resources")

from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.capabilitystatement import CapabilityStatement
from fhir.resources.R4B.operationdefinition import OperationDefinition
from fhir.resources.R4B.operationoutcome import OperationOutcome

from backrisk.fhir import (
    guidance_response,
    questionnaire,
    questionnaire_response,
    questionnaire_url,
    risk_assessment,
)
from backrisk.web import create_app
from backrisk.web.limits import Limits
from tests.over_time_model import over_time_model

PERSON = {"km": 50, "nap": "yes, often", "note": "a race"}
KIND = "application/fhir+json"
TOKEN = "correct horse battery"


def post(client, name, body, **more):
    content = body if isinstance(body, str) else json.dumps(body)
    headers = {"content-type": KIND, **more}
    return client.post(f"/fhir/QuestionnaireResponse/${name}", content=content, headers=headers)


def outcome(response, status):
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == KIND
    OperationOutcome.model_validate(response.json())
    return response.json()["issue"]


def test_the_form_is_found_and_read(client, small):
    form = questionnaire(small)
    for query in ("", f"?url={questionnaire_url(small)}", f"?url={form['url']}|{form['version']}"):
        found = client.get(f"/fhir/Questionnaire{query}")
        assert found.headers["content-type"] == KIND
        Bundle.model_validate(found.json())
        assert [entry["resource"] for entry in found.json()["entry"]] == [form]
    other = client.get("/fhir/Questionnaire?url=https://example.org/q").json()
    assert (other["total"], "entry" in other) == (0, False)
    assert client.get(f"/fhir/Questionnaire/{form['id']}").json() == form
    assert outcome(client.get("/fhir/Questionnaire/other"), 404)[0]["code"] == "not-found"


def test_the_server_says_what_it_can_do(client):
    told = client.get("/fhir/metadata").json()
    CapabilityStatement.model_validate(told)
    assert told["implementation"]["url"] == "http://localhost/fhir"
    (resource,) = [r for r in told["rest"][0]["resource"] if "operation" in r]
    for each in resource["operation"]:
        defined = client.get(f"/fhir/OperationDefinition/{each['name']}").json()
        OperationDefinition.model_validate(defined)
        assert defined["url"] == each["definition"]
        asked = post(client, each["name"], {"resourceType": "QuestionnaireResponse"})
        assert asked.status_code == 422  # there is such an operation
    outcome(client.get("/fhir/OperationDefinition/other"), 404)


def test_every_number_is_pythons(client, small):
    response = questionnaire_response(small, PERSON)
    assert post(client, "assess", response).json() == risk_assessment(small, response)
    assert post(client, "guide", response).json() == guidance_response(small, response)
    parameters = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "response", "resource": response},
            {"name": "target", "valueString": "sore>=much"},
        ],
    }
    asked = post(client, "assess", parameters)
    assert asked.headers["content-type"] == KIND
    assert asked.json() == risk_assessment(small, response, target="sore>=much")


def parameters(*given):
    return {"resourceType": "Parameters", "parameter": list(given)}


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ("{", 400, "not valid JSON"),
        ('{"a": 1, "a": 2}', 400, "repeated"),
        ("null", 422, "found None"),
        ({"resourceType": "Patient"}, 422, "'Patient'"),
        (parameters(), 422, "lack 'response'"),
        ({"resourceType": "Parameters", "parameter": 3}, 422, "lack 'response'"),
        (parameters(7), 422, "no parameter 'None'"),
        (parameters({"name": "person"}), 422, "no parameter 'person'"),
        (parameters({"name": "response", "valueString": "x"}), 422, "should be a resource"),
        (
            parameters({"name": "target", "valueString": "sore"}, {"name": "target"}),
            422,
            "is there twice",
        ),
    ],
)
def test_what_cannot_be_read_is_an_outcome(client, body, status, words):
    issues = outcome(post(client, "assess", body), status)
    assert words in issues[0]["diagnostics"]


def test_a_question_that_cannot_be_asked_is_an_outcome(client, small):
    response = questionnaire_response(small, PERSON)
    target = {"name": "target", "valueString": "soar"}
    asked = parameters({"name": "response", "resource": response}, target)
    assert "did you mean 'sore'" in outcome(post(client, "assess", asked), 422)[0]["diagnostics"]


def test_what_stands_in_front_refuses_in_the_same_shape(small):
    app = create_app(small, token=TOKEN, limits=Limits(body=100))
    client = TestClient(app, base_url="http://localhost")
    refused = client.get("/fhir/metadata")
    assert outcome(refused, 401)[0]["code"] == "login"
    assert refused.headers["www-authenticate"].startswith("Bearer")
    assert refused.headers["cache-control"] == "no-store"
    known = {"authorization": f"Bearer {TOKEN}"}
    assert client.get("/fhir/metadata", headers=known).status_code == 200
    assert outcome(post(client, "assess", "x" * 101, **known), 413)[0]["code"] == "too-long"
    assert outcome(client.get("/fhir/nowhere", headers=known), 404)
    assert outcome(client.get("/fhir", headers=known), 404)
    assert outcome(client.put("/fhir/metadata", headers=known), 405)
    assert client.get("/nowhere", headers=known).headers["content-type"].endswith("problem+json")
    assert client.get("/fhirside", headers=known).headers["content-type"].endswith("problem+json")
    other = {**known, "host": "elsewhere.example"}
    assert outcome(client.get("/fhir/metadata", headers=other), 421)[0]["code"] == "security"


def test_no_answer_reaches_the_log(client, small, caplog):
    secret = "a race that nobody may hear of"
    response = questionnaire_response(small, {"km": 50, "note": secret})
    response["item"].append({"linkId": "told in secret", "answer": [{"valueString": secret}]})
    with caplog.at_level(logging.DEBUG):
        assert secret in post(client, "assess", response).text  # the resource holds the answers
        response["item"][0]["item"] = [{"linkId": "km", "answer": [{"valueString": secret}]}]
        outcome(post(client, "assess", response), 422)
        client.get("/fhir/Questionnaire/told-in-secret?url=told-in-secret")
    lines = [r.getMessage() for r in caplog.records if r.name.startswith("backrisk")]
    assert any("POST /fhir/QuestionnaireResponse/$assess" in line for line in lines)
    assert not any("secret" in line or "race" in line for line in lines)


def test_a_model_over_time_has_no_such_address():
    app = create_app(over_time_model(2), limits=NO_LIMIT, cds_hooks=True)
    client = TestClient(app, base_url="http://localhost")
    outcome(client.get("/fhir/metadata"), 404)
    assert client.get("/cds-services").status_code == 404
