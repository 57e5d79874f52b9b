"""Every sentence of the page is traced to a number of an answer, to a source, or needs neither."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from over_time_model import over_time_model
from web_client import NO_LIMIT

from backrisk._yaml import read
from backrisk.web import create_app
from backrisk.web.api import V1
from backrisk.words import language

CLAIMS = read(Path(__file__).with_name("claims.yaml"))
PLACE = re.compile(r"\{(\w+)\}")
NO_CLAIM = ("names", "form", "words")


def leaves(tree, at=""):
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from leaves(value, f"{at}{key}.")
        else:
            yield f"{at}{key}", str(value)


SENTENCES = dict(leaves(language("en").file("page")))


def row_of(key):
    """The key of the row that counts for a sentence: its own, or that of the nearest section."""
    if key in CLAIMS:
        return key
    parts = key.split(".")
    sections = (".".join([*parts[:n], "*"]) for n in range(len(parts) - 1, 0, -1))
    return next((each for each in sections if each in CLAIMS), None)


def test_every_sentence_has_a_row_and_every_row_a_sentence():
    rows = {key: row_of(key) for key in SENTENCES}
    assert [key for key, row in rows.items() if row is None] == []
    assert sorted(set(CLAIMS) - set(rows.values())) == []


@pytest.mark.parametrize("key", SENTENCES)
def test_every_place_of_a_sentence_is_traced(key):
    row = CLAIMS[row_of(key)]
    assert set(row) <= {"shows", "cites", "static"}
    assert row.get("static") or row.get("cites") or row.get("shows")
    if not key.startswith("numbers."):  # how a number is written, whichever it is
        assert set(row.get("shows", {})) == set(PLACE.findall(SENTENCES[key]))


def test_a_source_can_be_looked_up():
    for row in CLAIMS.values():
        assert re.search(r"10\.\d{4,}/\S+|https://\S+", row.get("cites", "10.1000/none"))


def schema_of(document, ref):
    return document["components"]["schemas"][ref.rpartition("/")[2]]


def has(document, schema, path):
    """Whether what a schema describes holds a field, in lists and where it may be null too."""
    if "$ref" in schema:
        return has(document, schema_of(document, schema["$ref"]), path)
    if "anyOf" in schema:
        return any(has(document, each, path) for each in schema["anyOf"])
    if "items" in schema:
        return has(document, schema["items"], path)
    if not path:
        return schema.get("type") != "null"
    inner = schema.get("properties", {}).get(path[0])
    return inner is not None and has(document, inner, path[1:])


def test_what_a_sentence_shows_is_a_field_of_an_answer(client):
    one_moment = client.get(f"{V1}/openapi.json").json()
    over_time = create_app(over_time_model(4), limits=NO_LIMIT)
    visits = TestClient(over_time, base_url="http://localhost").get(f"{V1}/openapi.json").json()
    unknown = []
    for key, row in CLAIMS.items():
        document = visits if key.startswith("over_time.") else one_moment
        for source in row.get("shows", {}).values():
            question, *path = source.split(".")
            if question in NO_CLAIM:
                continue
            [operation] = document["paths"].get(f"{V1}/{question}", {"none": None}).values()
            answer = operation and operation["responses"]["200"]["content"]["application/json"]
            if not (answer and path and has(document, answer["schema"], path)):
                unknown.append((key, source))
    assert unknown == []
