"""What stands in front of the application: limits, token, hosts, headers, log."""

import base64
import logging
import re

import pytest
from fastapi.testclient import TestClient
from web_client import NO_LIMIT, in_chunks, is_problem, post

from backrisk.web import create_app
from backrisk.web.api import V1
from backrisk.web.limits import Limits
from backrisk.web.pages import STATIC

TOKEN = "correct horse battery"


def test_a_large_body_is_refused_before_it_has_arrived(app):
    stated = [(b"content-length", str(50 * 2**20).encode())]
    status, taken = in_chunks(app, chunks=[b"x" * 2**16] * 800, headers=stated)
    assert (status, taken) == (413, 0)
    status, taken = in_chunks(app, chunks=[b"x" * 2**16] * 800)  # of unstated length
    assert status == 413
    assert taken <= NO_LIMIT.body + 2**16


def test_a_body_that_does_not_arrive_is_not_waited_for(posterior):
    app = create_app(posterior, limits=Limits(seconds=0.1))
    assert in_chunks(app, chunks=[b"{"])[0] == 408


def test_too_many_requests_are_refused_and_forgiven(posterior, monkeypatch):
    now = [0.0]
    monkeypatch.setattr("backrisk.web.middleware.time.monotonic", lambda: now[0])
    app = create_app(posterior, limits=Limits(rate=2, burst=5))
    client = TestClient(app, base_url="http://localhost")
    statuses = [client.get("/healthz").status_code for _ in range(6)]
    assert statuses == [200] * 5 + [429]
    response = client.get("/healthz")
    assert is_problem(response, 429)
    assert response.headers["retry-after"] == "1"
    now[0] += 1.0
    assert [client.get("/healthz").status_code for _ in range(3)] == [200, 200, 429]


def basic(token):
    return {"authorization": "Basic " + base64.b64encode(f"anyone:{token}".encode()).decode()}


def test_everything_but_the_servers_health_asks_for_the_token(posterior):
    app = create_app(posterior, token=TOKEN)
    client = TestClient(app, base_url="http://localhost")
    assert client.get("/healthz").status_code == 200
    wrong = ({}, {"authorization": "Bearer wrong"}, {"authorization": f"Digest {TOKEN}"})
    wrong += (basic("wrong"), {"authorization": "Basic ?"}, {"authorization": "Basic /w=="})
    paths = ("/", "/api", "/favicon.ico", "/nowhere", f"{STATIC}/main.js", V1 + "/model")
    for path in (*paths, V1 + "/openapi.json"):
        for headers in wrong:
            response = client.get(path, headers=headers)
            is_problem(response, 401)
            scheme = "Bearer" if path.startswith(V1) else "Basic"  # a browser asks its user
            assert response.headers["www-authenticate"].startswith(scheme)
    for headers in ({"authorization": f"Bearer {TOKEN}"}, basic(TOKEN)):
        for path in ("/", f"{STATIC}/main.js", V1 + "/model"):
            assert client.get(path, headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:8000", 200),
        ("127.0.0.1:8000", 200),
        ("[::1]:8000", 200),
        ("192.168.0.7", 200),
        ("clinic.example:8000", 200),
        ("rebound.example", 421),
        ("", 421),
        ("localhost.rebound.example", 421),
    ],
)
@pytest.mark.parametrize("hosts", ["clinic.example", ["clinic.example"]])
def test_a_name_that_was_pointed_here_is_not_served(posterior, host, status, hosts):
    app = create_app(posterior, hosts=hosts)
    client = TestClient(app, base_url="http://localhost")
    assert client.get("/healthz", headers={"host": host}).status_code == status


def test_headers_stand_on_every_answer(client):
    answers = [
        client.get("/"),
        client.get("/api"),
        client.get(f"{STATIC}/main.js"),
        client.get("/nowhere"),
        client.get("/", headers={"host": "rebound.example"}),
        post(client, "/risk", person={}),
        post(client, "/risk", person={"x": "y"}),
    ]
    for response in answers:
        policy = response.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["referrer-policy"] == "no-referrer"
        assert "set-cookie" not in response.headers
    kept = [response.headers["cache-control"] for response in answers]
    assert "immutable" in kept.pop(2)  # an asset: its address changes with its content
    assert set(kept) == {"no-store"}
    assert client.get(f"{STATIC}/none.js").headers["cache-control"] == "no-store"


def test_the_log_holds_a_line_a_request_and_no_answer(client, caplog):
    with caplog.at_level(logging.DEBUG):
        post(client, "/risk", person={"plank_seconds": 1234})
        client.get("/healthz?plank_seconds=1234")
        post(client, "/risk", person={"plank_seconds": "1234 or so"})
    ours = [record.message for record in caplog.records if record.name == "backrisk.web"]
    assert [re.sub(r"\d+ ms", "N ms", line) for line in ours] == [
        "POST /api/v1/risk 200 N ms",
        "GET /healthz 200 N ms",
        "POST /api/v1/risk 422 N ms",
    ]
    assert "1234" not in " ".join(ours)


def test_the_log_names_no_address_and_no_method_that_it_does_not_know(client, caplog):
    with caplog.at_level(logging.INFO, "backrisk.web"):
        client.get("/api/v1/plank_seconds=1234%0AGET%20/%20200%1b[31m")
        client.get(f"{STATIC}/1234.js")
        client.request("X1234", "/healthz")
    assert [re.sub(r"\d+ ms", "N ms", record.message) for record in caplog.records] == [
        "GET ? 404 N ms",
        "GET /static/... 404 N ms",
        "? /healthz 405 N ms",
    ]
