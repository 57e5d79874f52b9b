"""The OpenAPI document and the page that shows it."""

from fastapi.testclient import TestClient

import backrisk as br
from backrisk.web import create_app
from backrisk.web.api import V1


def test_every_address_documents_its_problems(client):
    document = client.get(V1 + "/openapi.json").json()
    assert document["openapi"].startswith("3.")
    for operations in document["paths"].values():
        for operation in operations.values():
            assert operation["description"]
            for status in ("400", "401", "413", "422", "429", "500"):
                assert set(operation["responses"][status]["content"]) == {
                    "application/problem+json"
                }
    manual = client.get("/api").text
    assert all(path in manual for path in document["paths"])


def test_examples_are_of_the_model_that_is_served(client, posterior):
    shapes = client.get(V1 + "/openapi.json").json()["components"]["schemas"]
    (person,) = shapes["Asked"]["properties"]["person"]["examples"]
    assert br.risk(posterior, person).evidence
    (do,) = shapes["Changed"]["properties"]["do"]["examples"]
    assert br.intervene(posterior, {}, do).draws.shape == (posterior.draws,)


def test_what_a_field_means_is_said_of_what_is_asked_and_not_of_what_is_returned(client):
    shapes = client.get(V1 + "/openapi.json").json()["components"]["schemas"]
    assert "node>=state" in shapes["Asked"]["properties"]["target"]["description"]
    assert "description" not in shapes["RiskOut"]["properties"]["target"]
    gains = [shapes[n]["properties"]["gain"]["description"] for n in ("AskedNext", "QuestionRow")]
    assert gains[0] != gains[1]
    assert {name for name, shape in shapes.items() if not shape["description"]} == set()


def test_a_model_with_nothing_to_choose_from_is_documented_too():
    graph = br.CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    cpts = {"x": [[0.5, 0.5]], "y": [[[0.7, 0.3], [0.2, 0.8]]]}
    app = create_app(br.Posterior.from_cpts(graph, cpts))
    client = TestClient(app, base_url="http://localhost")
    shapes = client.get(V1 + "/openapi.json").json()["components"]["schemas"]
    assert shapes["Asked"]["properties"]["person"]["examples"] == [{"y": "no"}]
