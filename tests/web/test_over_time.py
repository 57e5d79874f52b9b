"""The programming interface and the page of a model over time: the same numbers as Python."""

import numpy as np
import pytest
from fastapi.testclient import TestClient
from over_time_model import HISTORY, PLAN, over_time_model
from web_client import NO_LIMIT, exact, is_problem, post

import backrisk as br
from backrisk.web import create_app
from backrisk.web.api import V1

CALLS = {
    "forecast": (
        "/forecast",
        {"history": HISTORY, "periods": 3},
        lambda p: br.forecast(p, HISTORY, 3),
    ),
    "forecast with a plan": (
        "/forecast",
        {"history": HISTORY, "plan": PLAN, "target": "pain>=limiting"},
        lambda p: br.forecast(p, HISTORY, plan=PLAN, target="pain>=limiting"),
    ),
    "review": (
        "/review",
        {"history": HISTORY, "visits": [0, 2]},
        lambda p: br.review(p, HISTORY, [0, 2]),
    ),
    "advice": (
        "/recommend",
        {"history": HISTORY, "periods": 2},
        lambda p: br.recommend(p, HISTORY, periods=2),
    ),
    "plan": (
        "/intervene",
        {"history": HISTORY, "do": PLAN, "from_": 3, "until": 4, "period": 5},
        lambda p: br.intervene(p, HISTORY, PLAN, from_=3, until=4, period=5),
    ),
}


@pytest.fixture(scope="module")
def moving():
    return over_time_model(20)


@pytest.fixture(scope="module")
def visits(moving):
    app = create_app(moving, limits=NO_LIMIT)
    return TestClient(app, base_url="http://localhost", raise_server_exceptions=False)


@pytest.mark.parametrize("name", CALLS)
def test_an_answer_is_what_python_returns(visits, moving, name):
    path, question, expected = CALLS[name]
    response = post(visits, path, **question)
    assert response.status_code == 200, response.text
    assert response.json() == exact(expected(moving))


def test_visits_are_read_one_by_one_and_what_is_wrong_is_left_out(visits):
    history = [{"fatigue": "high"}, {}, {"fatigue": "sleepy", "pain": "none"}]
    first, second, third = post(visits, "/read-history", history=history).json()["visits"]
    assert first["evidence"] == {"fatigue": "high"}
    assert second["accepted"] == {}
    assert third["accepted"] == {"pain": "none"}
    assert [each["question"] for each in third["problems"]] == ["fatigue"]


@pytest.mark.parametrize(
    ("path", "question", "told"),
    [
        ("/forecast", {"history": []}, "at least 1 entry"),
        ("/forecast", {"history": [{}], "periods": 0}, "at least 1"),
        ("/forecast", {"history": [{}], "periods": 61}, "at most 60"),
        ("/forecast", {"history": [{}], "periods": "2"}, "whole number"),
        ("/forecast", {"history": {"pain": "none"}}, "Expected a list"),
        ("/forecast", {"history": [{}, {"pane": "none"}]}, "Period 1 of the history: "),
        ("/forecast", {"history": [{}], "plan": {"core_strength": "weak"}}, "same in every period"),
        ("/review", {"history": [{}], "visits": [1]}, "distinct numbers from 0 to 0"),
        ("/intervene", {"history": [{}]}, "required"),
        (
            "/intervene",
            {"history": [{"core_strength": "weak"}, {"core_strength": "strong"}], "do": PLAN},
            "the same in every period",
        ),
    ],
)
def test_a_question_that_cannot_be_answered_is_refused_in_a_sentence(visits, path, question, told):
    assert told in is_problem(post(visits, path, **question), 422)["detail"]


def test_all_addresses_are_documented_and_the_example_is_a_history(visits, moving):
    document = visits.get(V1 + "/openapi.json").json()
    asked = {path.removeprefix(V1) for path in document["paths"]}
    assert asked == {
        "/model",
        "/form",
        "/read-history",
        "/forecast",
        "/review",
        "/recommend",
        "/intervene",
    }
    shapes = document["components"]["schemas"]
    assert all(shape["description"] for shape in shapes.values())
    (history,) = shapes["Forecasted"]["properties"]["history"]["examples"]
    (plan,) = shapes["Forecasted"]["properties"]["plan"]["examples"]
    assert br.forecast(moving, history, 2, plan=plan).draws.shape == (20, 2)
    assert "oldest first" in shapes["Forecasted"]["properties"]["history"]["description"]
    manual = visits.get("/api").text
    assert all(path in manual for path in document["paths"])


def test_a_model_of_one_moment_has_none_of_it(client):
    document = client.get(V1 + "/openapi.json").json()
    assert not {f"{V1}/forecast", f"{V1}/review", f"{V1}/read-history"} & set(document["paths"])
    assert is_problem(post(client, "/forecast", history=[{}]), 404)
    page = client.get("/").text
    assert "visits.js" not in page
    assert "over_time" not in page


def test_the_page_asks_what_is_constant_once_and_the_rest_at_each_visit(visits, moving):
    page = visits.get("/").text
    graph = moving.graph
    for topic in visits.get(V1 + "/form").json()["topics"]:
        (question,) = topic["questions"]
        moves = topic["node"] in graph.moving
        assert f'id="q-{question["name"]}{"-0" if moves else ""}"' in page
    assert visits.get(V1 + "/model").json()["outcome"] == "pain"
    assert "__1" not in page


def test_a_site_is_asked_about_over_time_too(moving):
    from dataclasses import replace

    from backrisk.posterior import SiteEffects

    shift = np.zeros((moving.draws, 2, len(moving.layout.pooled)))
    shift[:, 0] = 0.5
    wide = replace(moving, sites=SiteEffects(("Oslo", "Bergen"), shift, np.abs(shift[:, 0])))
    app = create_app(wide, limits=NO_LIMIT)
    client = TestClient(app, base_url="http://localhost", raise_server_exceptions=False)
    found = post(client, "/forecast", history=HISTORY, site="Oslo").json()
    assert found == exact(br.forecast(wide.at_site("Oslo"), HISTORY))
    assert 'id="site"' in client.get("/").text
