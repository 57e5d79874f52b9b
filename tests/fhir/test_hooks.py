"""The CDS Hooks service, as a client of the record calls it: discover, fetch, call, tell."""

import json
import uuid

import pytest
from fastapi.testclient import TestClient
from web_client import NO_LIMIT

pytest.importorskip("fhir.resources")

import backrisk as br
from backrisk.fhir import (
    SERVICE,
    NotFetched,
    card_of,
    questionnaire_response,
    read_response,
    response_in,
)
from backrisk.web import create_app

PERSON = {"km": 50, "nap": "yes, often", "note": "a race"}
PATIENT = "7"


class Record:
    """A client of CDS Hooks 2.0: it fetches what a service lists, and calls it with that."""

    def __init__(self, http, responses=()):
        self.http, self.responses = http, list(responses)

    def service(self):
        """Discover the service."""
        (found,) = self.http.get("/cds-services").json()["services"]
        return found

    def fetch(self, template):
        """Search the record, as the server of the record would."""
        kind, _, query = template.replace("{{context.patientId}}", PATIENT).partition("?")
        asked = dict(part.split("=", 1) for part in query.split("&"))
        assert kind == "QuestionnaireResponse"
        assert asked["subject"] == f"Patient/{PATIENT}"
        found = [
            r for r in self.responses if r["questionnaire"].split("|")[0] == asked["questionnaire"]
        ]
        found.sort(key=lambda r: r.get("authored", ""), reverse=asked["_sort"] == "-authored")
        entries = [{"resource": r} for r in found[: int(asked["_count"])]]
        return {"resourceType": "Bundle", "type": "searchset", "entry": entries}

    def open_chart(self, **more):
        """Call the service as it asks to be called."""
        service = self.service()
        request = {
            "hook": service["hook"],
            "hookInstance": str(uuid.uuid4()),
            "context": {"userId": "Practitioner/1", "patientId": PATIENT},
            "prefetch": {key: self.fetch(each) for key, each in service["prefetch"].items()},
            **more,
        }
        return self.http.post(f"/cds-services/{service['id']}", json=request)


def is_card(card):
    """What CDS Hooks 2.0 asks of a card."""
    assert 0 < len(card["summary"]) < 140
    assert card["indicator"] in ("info", "warning", "critical")
    assert card["source"]["label"]
    assert card["source"]["url"] == "http://localhost/"
    for link in card["links"]:
        assert link["label"]
        assert link["type"] == "absolute"
        assert link["url"].startswith("http://localhost/")
    return card


@pytest.fixture
def sent(small):
    earlier = questionnaire_response(small, {"km": 5}, authored="2026-01-01")
    latest = questionnaire_response(small, PERSON, authored="2026-11-01")
    other = {**latest, "questionnaire": "https://example.org/q", "authored": "2026-11-20"}
    return [earlier, latest, other]


def test_the_service_is_discovered(client):
    service = Record(client).service()
    assert set(service) >= {"hook", "id", "description", "prefetch"}
    assert service["hook"] == "patient-view"


def test_a_chart_is_opened_and_one_card_comes(client, small, sent):
    answered = Record(client, sent).open_chart()
    assert answered.headers["content-type"] == "application/json"
    (card,) = answered.json()["cards"]
    found = br.risk(small, PERSON)
    assert is_card(card)["summary"] == br.consult(small, PERSON).headline
    assert br.words.estimate(found.draws) in card["detail"]
    assert "not about getting it later" in card["detail"]
    assert "Decision support, not a diagnosis." in card["detail"]


def test_who_has_it_gets_a_card_without_a_number(client, small):
    response = questionnaire_response(small, {**PERSON, "sore": "a lot"})
    (card,) = Record(client, [response]).open_chart().json()["cards"]
    assert is_card(card)["summary"] == (
        "The patient reports sore (much); no probability of it is given."
    )
    assert "%" not in card["summary"]


def test_answers_that_cannot_be_read_are_told_and_not_guessed(client, small):
    response = questionnaire_response(small, PERSON)
    response["item"].append({"linkId": "sore", "answer": [{"valueString": "a lot"}]})
    (card,) = Record(client, [response]).open_chart().json()["cards"]
    assert "nothing is estimated" in is_card(card)["summary"]
    assert "valueString" in card["detail"]


def test_without_answers_there_is_no_card(client):
    assert Record(client).open_chart().json() == {"cards": []}
    assert Record(client).open_chart(prefetch={"answers": None}).json() == {"cards": []}


def test_what_was_not_fetched_is_asked_for(client, sent):
    for prefetch in ({}, None, {"other": {}}):
        assert Record(client, sent).open_chart(prefetch=prefetch).status_code == 412


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("[]", "found []"),
        ("{}", "lacks 'hook'"),
        ('{"hook": "order-sign", "hookInstance": "1", "context": {}}', "not 'order-sign'"),
        ("{", "not valid JSON"),
    ],
)
def test_what_is_no_call_is_refused(client, body, words):
    refused = client.post(f"/cds-services/{SERVICE}", content=body)
    assert refused.status_code == 400
    assert words in refused.json()["detail"]


def test_feedback_is_taken_and_not_kept(client):
    told = {"feedback": [{"card": str(uuid.uuid4()), "outcome": "overridden"}]}
    assert client.post(f"/cds-services/{SERVICE}/feedback", json=told).status_code == 200
    assert client.post(f"/cds-services/{SERVICE}/feedback", content="{").status_code == 400


def test_the_service_is_there_only_where_it_was_asked_for(small, sent):
    client = TestClient(create_app(small, limits=NO_LIMIT), base_url="http://localhost")
    assert client.get("/cds-services").status_code == 404
    assert client.post(f"/cds-services/{SERVICE}", json={}).status_code == 404


ASKS = {"access-control-request-method": "POST", "access-control-request-headers": "content-type"}


def test_only_pages_of_stated_origins_may_call_it(client):
    known, other = {"origin": "https://ehr.example"}, {"origin": "https://other.example"}
    path = f"/cds-services/{SERVICE}"
    allowed = client.options(path, headers={**known, **ASKS})
    assert allowed.status_code == 200
    assert allowed.headers["access-control-allow-origin"] == "https://ehr.example"
    assert client.options(path, headers={**other, **ASKS}).status_code == 400
    found = client.get("/cds-services", headers=known)
    assert found.headers["access-control-allow-origin"] == "https://ehr.example"
    for answer in (
        client.get("/cds-services", headers=other),
        client.get("/fhir/metadata", headers=known),
        client.get("/", headers=known),
    ):
        assert "access-control-allow-origin" not in answer.headers


def test_without_origins_nobody_is_allowed_and_with_a_token_all_must_have_it(small):
    app = create_app(small, limits=NO_LIMIT, cds_hooks=True, token="correct horse battery")
    client = TestClient(app, base_url="http://localhost")
    refused = client.get("/cds-services", headers={"origin": "https://ehr.example"})
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"].startswith("Bearer")
    assert "access-control-allow-origin" not in refused.headers
    bearer = {"authorization": "Bearer correct horse battery"}
    assert client.get("/cds-services", headers=bearer).status_code == 200


def test_of_several_responses_the_last_one_counts(sent):
    request = {"hook": "patient-view", "hookInstance": "1", "context": {}}
    bundle = {"resourceType": "Bundle", "entry": [{"resource": r} for r in sent[:2]]}
    assert response_in({**request, "prefetch": {"answers": bundle}}) == sent[1]
    bundle["entry"] += [{}, 7, {"resource": {"resourceType": "OperationOutcome"}}]
    assert response_in({**request, "prefetch": {"answers": bundle}}) == sent[1]
    assert response_in({**request, "prefetch": {"answers": sent[0]}}) == sent[0]
    with pytest.raises(NotFetched):
        response_in(request)


def test_a_long_name_does_not_make_the_summary_too_long(small):
    node = "a" * 100
    graph = br.CausalGraph.from_edges([("x", node)], {"x": ["no", "yes"], node: ["no", "yes"]})
    model = br.Posterior.from_cpts(graph, {"x": [[0.5, 0.5]], node: [[[0.7, 0.3], [0.2, 0.8]]]})
    answers = read_response(model, questionnaire_response(model, {"x": "yes"}))
    card = card_of(model, answers, address="http://localhost/")
    assert len(is_card(card)["summary"]) == 139
    assert json.loads(json.dumps(card)) == card
