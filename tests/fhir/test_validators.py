"""Every resource, before validators of others.

Medplum's runs the StructureDefinitions of R4: structure, types, cardinalities, invariants. The JSON
Schema of R4, as HL7 publishes it, knows the required codes too.
"""

import json
import subprocess
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from jsonschema import Draft6Validator
from web_client import NO_LIMIT

pytest.importorskip("fhir.resources")

from backrisk.fhir import (
    guidance_response,
    questionnaire,
    questionnaire_response,
    risk_assessment,
)
from backrisk.web import create_app
from tests.fhir.conftest import PERSON
from tests.fhir.npm_packages import node_package

VERSION = "5.2.13"


def validate(resources):
    """Return the issues of each."""
    script = Path(__file__).with_name("validate_r4.cjs")
    packages = [node_package(f"@medplum/{name}", VERSION) for name in ("core", "definitions")]
    done = subprocess.run(
        ["node", script, *packages],
        input="\n".join(map(json.dumps, resources)),
        capture_output=True,
        text=True,
        check=True,
    )
    schema = json.loads((packages[1] / "dist/fhir/r4/fhir.schema.json").read_text("utf-8"))
    told = [json.loads(line) for line in done.stdout.splitlines()]
    for issues, resource in zip(told, resources, strict=True):
        kind = {"$ref": f"#/definitions/{resource['resourceType']}"}
        rules = Draft6Validator({"definitions": schema["definitions"], **kind})
        issues += [
            {"severity": "error", "details": {"text": error.message}, "path": error.json_path}
            for error in rules.iter_errors(resource)
        ]
    return told


@pytest.mark.slow
def test_another_validator_finds_nothing(posterior, at_sites, small, client):
    made = []
    for model, person, site in (
        (posterior, PERSON, None),
        (posterior, {}, None),
        (posterior, PERSON | {"pain": "limiting"}, None),
        (at_sites, PERSON, "Åre"),
        (small, {"km": 50, "note": "a race", "sore": "a lot"}, None),
    ):
        response = questionnaire_response(
            model, person, site=site, subject="Patient/7", authored="2026-11-26T10:00:00Z"
        )
        made += [questionnaire(model), response, risk_assessment(model, response)]
        unread = {**response, "item": [{"linkId": "?", "answer": [{"valueInteger": 1}]}]}
        made += [guidance_response(model, response), guidance_response(model, unread)]
        made.append(risk_assessment(model, {**response, "id": "1"}))
    made += [
        client.get(f"/fhir/{path}").json()
        for path in (
            "metadata",
            "Questionnaire",
            "OperationDefinition/assess",
            "OperationDefinition/guide",
            "nowhere",
        )
    ]
    assert {each["resourceType"] for each in made} == {
        "Bundle",
        "CapabilityStatement",
        "GuidanceResponse",
        "OperationDefinition",
        "OperationOutcome",
        "Questionnaire",
        "QuestionnaireResponse",
        "RiskAssessment",
    }
    told = validate(made)
    wrong = {made[k]["resourceType"]: issues for k, issues in enumerate(told) if issues}
    assert wrong == {}
    assert len(told) == len(made)


@pytest.mark.slow
def test_the_validator_would_notice(posterior):
    form = questionnaire(posterior)
    response = questionnaire_response(posterior, PERSON)
    risk = risk_assessment(posterior, response)
    no_subject = {key: value for key, value in risk.items() if key != "subject"}
    (prediction,) = risk["prediction"]
    too_likely = {**risk, "prediction": [{**prediction, "probabilityDecimal": 101}]}
    odd_item = {**form, "item": [{"linkId": "a", "type": "quantum"}]}
    wrong = [
        no_subject,
        too_likely,
        odd_item,
        {**form, "status": "ready"},
        {**response, "who": "?"},
    ]
    for resource, issues in zip(wrong, validate(wrong), strict=True):
        noticed = any(issue["severity"] == "error" for issue in issues)
        assert noticed, (resource["resourceType"], resource.get("status"), len(str(resource)))


@pytest.mark.slow
def test_a_served_model_of_the_packaged_survey_is_as_sound():
    import backrisk as br

    model = br.example_posterior()
    client = TestClient(create_app(model, limits=NO_LIMIT), base_url="http://localhost")
    response = questionnaire_response(model, br.example_person("weak_core"))
    made = [response, client.get("/fhir/Questionnaire/form").json()]
    for name in ("assess", "guide"):
        made.append(client.post(f"/fhir/QuestionnaireResponse/${name}", json=response).json())
    assert validate(made) == [[]] * len(made)
