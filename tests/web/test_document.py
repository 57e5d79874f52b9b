"""The OpenAPI document and the page that shows it."""

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
