"""The application: one problem for each mistake."""

import json
import logging

import pytest
from web_client import PERSON, is_problem, post

from backrisk.web.api import V1


def test_a_body_of_the_wrong_shape_is_pointed_at(client):
    body = is_problem(post(client, "/risk", person={"sex": ["female"]}), 422)
    assert body["errors"][0]["pointer"] == "#/person/sex"
    body = is_problem(post(client, "/risk", persn={}), 422)
    assert body["errors"][0]["pointer"] == "#/persn"
    many = {f"q{i}": 1 for i in range(201)}
    is_problem(post(client, "/risk", person=many), 422)
    json_type = {"content-type": "application/json"}
    body = is_problem(client.post(V1 + "/risk", content=b'{"person": ', headers=json_type), 400)
    assert "not valid JSON" in body["detail"]
    is_problem(client.post(V1 + "/risk", content=b"\xff\xfe", headers=json_type), 400)
    is_problem(client.post(V1 + "/risk", content=b"person=1"), 415)


@pytest.mark.parametrize(
    ("path", "question", "pointer", "words"),
    [
        ("/risk", {"persn": {}}, "#/persn", "no field of this name"),
        ("/intervene", {}, "#/do", "required"),
        ("/risk", {"person": 1}, "#/person", "an object"),
        ("/attribute", {"causes": "x"}, "#/causes", "a list"),
        ("/attribute", {"causes": []}, "#/causes", "at least 1 entry."),
        ("/risk", {"target": 1}, "#/target", "text"),
        ("/risk", {"target": "x" * 101}, "#/target", "at most 100 characters"),
        ("/ask-next", {"gain": "perhaps"}, "#/gain", "true or false"),
        ("/intervene", {"do": dict.fromkeys(map(str, range(21)), "no")}, "#/do", "20 entries"),
    ],
)
def test_each_mistake_of_shape_is_said_in_our_words(client, path, question, pointer, words):
    body = is_problem(post(client, path, **question), 422)
    assert body["errors"][0]["pointer"] == pointer
    assert words in body["errors"][0]["detail"]
    assert pointer in body["detail"]
    assert words in body["detail"]


def test_unknown_addresses_and_methods(client):
    is_problem(client.get("/nowhere"), 404)
    is_problem(client.get("/static/../app.py"), 404)
    is_problem(client.get("/static/nothing.js"), 404)
    response = client.get(V1 + "/risk")
    is_problem(response, 405)
    assert response.headers["allow"] == "POST"


def test_an_error_inside_is_a_problem_that_quotes_nothing(client, monkeypatch, caplog):
    def broken(*args, **kwargs):
        raise RuntimeError("the answer was plank_seconds=35")

    monkeypatch.setattr("backrisk.web.questions.risk", broken)
    with caplog.at_level(logging.INFO, "backrisk.web"):
        body = is_problem(post(client, "/risk", person=PERSON), 500)
    assert "plank" not in json.dumps(body)
    assert "RuntimeError at" in caplog.text
    assert "plank" not in caplog.text
