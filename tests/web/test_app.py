"""The application: one problem for each mistake."""

import json
import logging

from web_client import PERSON, is_problem, post

from backrisk.web.api import V1


def test_a_body_of_the_wrong_shape_is_pointed_at(client):
    body = is_problem(post(client, "/risk", person={"sex": ["female"]}), 422)
    assert body["errors"][0]["pointer"].startswith("#/person/sex")
    body = is_problem(post(client, "/risk", persn={}), 422)
    assert body["errors"][0]["pointer"] == "#/persn"
    many = {f"q{i}": 1 for i in range(201)}
    is_problem(post(client, "/risk", person=many), 422)
    json_type = {"content-type": "application/json"}
    body = is_problem(client.post(V1 + "/risk", content=b'{"person": ', headers=json_type), 400)
    assert "not JSON" in body["detail"]
    is_problem(client.post(V1 + "/risk", content=b"\xff\xfe", headers=json_type), 400)
    is_problem(client.post(V1 + "/risk", content=b"person=1"), 422)


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

    monkeypatch.setattr("backrisk.web.api.risk", broken)
    with caplog.at_level(logging.INFO, "backrisk.web"):
        body = is_problem(post(client, "/risk", person=PERSON), 500)
    assert "plank" not in json.dumps(body)
    assert "RuntimeError at" in caplog.text
    assert "plank" not in caplog.text
