"""The JSON Schemas that the package ships: made from the code, and true of it."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from typer.testing import CliRunner

from backrisk import _yaml
from backrisk.cli import app
from backrisk.graph import graph_schema
from backrisk.survey import codebook_schema
from tests import json_schemas
from tests.graph.test_plain import BAD, FULL, GOOD
from tests.strategies import every_mechanism, nominal_causes, random_graph

GRAPH, CODEBOOK = Draft202012Validator(graph_schema()), Draft202012Validator(codebook_schema())
FOREIGN = Path(__file__).parent / "foreign"


def test_the_shipped_files_are_what_the_code_says():
    told = "python -m tests.json_schemas writes them again"
    assert json_schemas.GRAPH.read_text() == json_schemas.text(json_schemas.graph()), told
    assert json_schemas.CODEBOOK.read_text() == json_schemas.text(json_schemas.codebook()), told


@pytest.mark.parametrize("validator", [GRAPH, CODEBOOK])
def test_they_are_schemas_and_describe_every_key(validator):
    schema = validator.schema
    Draft202012Validator.check_schema(schema)
    for part in (schema, *schema["$defs"].values()):
        assert part["description"]
        for key, entry in part["properties"].items():
            assert entry["description"], key


PACKAGED = [
    *((GRAPH, path) for path in json_schemas.GRAPH.parent.glob("*.yaml")),
    *((CODEBOOK, path) for path in json_schemas.CODEBOOK.parent.glob("*.yaml")),
    (GRAPH, FOREIGN / "bees.yaml"),
    (CODEBOOK, FOREIGN / "bees_codebook.yaml"),
]


@pytest.mark.parametrize(
    ("validator", "path"), PACKAGED, ids=lambda part: getattr(part, "stem", "")
)
def test_what_comes_with_the_package_is_valid(validator, path):
    validator.validate(_yaml.read(path))


@pytest.mark.parametrize("graph", [FULL, every_mechanism(), nominal_causes()])
def test_whatever_a_graph_may_say_is_valid(graph):
    GRAPH.validate(json.loads(json.dumps(graph.to_dict())))


@given(st.integers(0, 10**6))
def test_random_graphs_are_valid(seed):
    graph = random_graph(np.random.default_rng(seed), 4)
    GRAPH.validate(_yaml.parse(graph.to_yaml()))


@pytest.mark.parametrize(("data", "message"), BAD)
def test_what_a_graph_does_not_take_is_not_valid(data, message):
    assert not GRAPH.is_valid(data), message
    assert GRAPH.is_valid(GOOD)


@pytest.mark.parametrize(
    "data",
    [
        {"columns": {"a": {"node": "x"}}},
        {"graph": "g"},
        {"graph": "g", "columns": {}},
        {"graph": "g", "columns": {"a": {"nod": "x"}}},
        {"graph": "g", "columns": {"a": {"node": "x", "cuts": [1, "x"]}}},
        {"graph": "g", "columns": {"a": {"node": "x", "type": "words"}}},
        {"graph": "g", "columns": {"a": {"node": "x"}}, "missing": 9},
    ],
)
def test_what_a_codebook_does_not_take_is_not_valid(data):
    assert not CODEBOOK.is_valid(data)
    assert CODEBOOK.is_valid({"graph": "g", "columns": {"a": {"node": "x", "labels": {"1": 0}}}})


def test_the_command_line_prints_them(tmp_path):
    run = CliRunner()
    assert json.loads(run.invoke(app, ["schema", "graph"]).output) == graph_schema()
    path = tmp_path / "codebook.json"
    assert run.invoke(app, ["schema", "codebook", "--out", str(path)]).exit_code == 0
    assert json.loads(path.read_text()) == codebook_schema()
