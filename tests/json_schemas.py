"""The JSON Schemas of graph and codebook, made from the code and its docstrings.

``python -m tests.json_schemas`` writes them into the package; a test fails until it has been done.
"""

from __future__ import annotations

import inspect
import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from backrisk.graph import GRADES, CausalGraph, Edge, Figure, Lagged, Node, Prevalence, Prior, Roles
from backrisk.graph.elements import DESIGNS, MEASURES, MECHANISMS, ORIGINS
from backrisk.graph.validate import MOST_STATES
from backrisk.survey import schema as survey
from backrisk.survey.codebook import Codebook

PACKAGE = Path(__file__).parents[1] / "backrisk"
GRAPH = PACKAGE / "graph" / "data" / "graph.schema.json"
CODEBOOK = PACKAGE / "survey" / "codebooks" / "codebook.schema.json"
DRAFT = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, Any]


def described(made: type) -> tuple[str, dict[str, str]]:
    """Return what a docstring in numpydoc says of a class, and of each of its parameters."""
    text = inspect.cleandoc(made.__doc__ or "")
    about, _, rest = text.partition("\nParameters\n----------\n")
    listed = re.split(r"\n\n?[A-Z][a-z]+\n-{3,}\n", rest)[0]
    found: dict[str, str] = {}
    for names, body in re.findall(r"^(\S[^\n]*)\n((?:    [^\n]*\n?|\n)*)", listed + "\n", re.M):
        said = plain(" ".join(body.split()))
        for name in names.partition(" : ")[0].split(", "):
            found[name] = said
    return plain(" ".join(about.partition("\n\n")[0].split())), found


def plain(text: str) -> str:
    """Return text of a docstring without its markup."""
    return text.replace("``", "`")


# A graph: its classes are dataclasses, and its plain form is near to them.

TEXT: Schema = {"type": ["string", "number", "boolean"]}  # what YAML may make of a word
NUMBER: Schema = {"type": "number"}


def listed(entry: Schema, **more: Any) -> Schema:
    return {"type": "array", "items": entry, **more}


KINDS: dict[str, Schema] = {
    "str": TEXT,
    "bool": {"type": "boolean"},
    "float": NUMBER,
    "int": {"type": "integer"},
    "tuple[str, ...]": listed(TEXT),
    "tuple[float, ...]": listed(NUMBER),
    "tuple[tuple[float, ...], ...]": listed(listed(NUMBER)),
    "tuple[tuple[str, str], ...]": listed(listed(TEXT, minItems=2, maxItems=2)),
}
FINER: dict[tuple[type, str], Schema] = {
    (Node, "states"): {"minItems": 2, "maxItems": MOST_STATES},
    (Node, "margin"): listed({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}),
    (Node, "misclassification"): listed(listed({"type": "number", "minimum": 0, "maximum": 1})),
    (Node, "concentration"): {"exclusiveMinimum": 0},
    (Node, "reliability"): {"minimum": 0, "maximum": 1},
    (Node, "mechanism"): {"type": "string", "enum": list(MECHANISMS)},
    (Edge, "grade"): {"type": "string", "enum": list(GRADES)},
    (Edge, "origin"): {"type": "string", "enum": list(ORIGINS)},
    (Edge, "claim"): {"minLength": 1},
    (Prior, "mean"): {"minimum": -4, "maximum": 4},
    (Prior, "sd"): {"exclusiveMinimum": 0, "maximum": 3},
    (Figure, "grade"): {"type": "string", "enum": list(GRADES)},
    (Figure, "measure"): {"type": "string", "enum": list(MEASURES)},
    (Figure, "design"): {"type": "string", "enum": list(DESIGNS)},
    (Prevalence, "share"): {"minimum": 0, "maximum": 1},
}


def element(made: type, needed: list[str], leave: tuple[str, ...] = (), **own: Schema) -> Schema:
    """Return the schema of a mapping with the fields of a dataclass."""
    about, said = described(made)
    properties: dict[str, Schema] = {}
    for key in fields(made):
        if key.name in leave:
            continue
        kind = str(key.type).removesuffix(" | None")
        entry = own.get(key.name) or {**KINDS[kind], **FINER.get((made, key.name), {})}
        properties[key.name] = {"description": said[key.name], **entry}
    return {
        "description": about,
        "type": "object",
        "properties": properties,
        "required": needed,
        "additionalProperties": False,
    }


def graph() -> Schema:
    """Return the schema of a graph's YAML."""
    about, said = described(CausalGraph)
    prior = {
        "anyOf": [
            {"$ref": "#/$defs/Prior"},
            {"type": "object", "additionalProperties": {"$ref": "#/$defs/Prior"},
             "minProperties": 1},
        ]
    }  # fmt: skip
    needed = ["cause", "effect", "claim", "grade"]
    node = element(Node, ["states"], leave=("name",))
    for key, entry in node["properties"].items():
        if key != "states":  # what has no value is as if left out
            node["properties"][key] = nullable(entry)
    named = {"type": "object", "additionalProperties": TEXT}
    entries: dict[str, Schema] = {
        "name": TEXT,
        "title": TEXT,
        "description": TEXT,
        "vocabulary": TEXT,
        "outcome": {"type": ["string", "number", "boolean", "null"]},
        "nodes": {
            "type": "object",
            "minProperties": 1,
            "propertyNames": {"pattern": r"^\s*[^0-9\s.,;:+/()-][^\s.,;:+/()-]*\s*$"},
            "additionalProperties": {"$ref": "#/$defs/Node"},
        },
        "edges": nullable(listed({"$ref": "#/$defs/Edge"})),
        "lagged": nullable(listed({"$ref": "#/$defs/Lagged"})),
        "roles": nullable({"$ref": "#/$defs/Roles"}),
        "groups": nullable(named),
        "left_out": nullable(named),
        "tied": nullable(named),
        "figures": {"anyOf": [{"type": "string"}, listed({"$ref": "#/$defs/Figure"}),
                              {"type": "null"}]},
        "prevalences": nullable(listed({"$ref": "#/$defs/Prevalence"})),
    }  # fmt: skip
    return {
        "$schema": DRAFT,
        "title": "A causal graph for backrisk",
        "description": about,
        "type": "object",
        "properties": {key: {"description": said[key], **e} for key, e in entries.items()},
        "required": ["nodes"],
        "additionalProperties": False,
        "$defs": {
            "Node": node,
            "Edge": element(Edge, needed, ("state_priors",), prior=nullable(prior)),
            "Prior": {**element(Prior, ["mean", "sd"]), "additionalProperties": True},
            "Lagged": element(
                Lagged, ["cause", "effect", "claim"], ("state_priors",), prior=nullable(prior)
            ),
            "Roles": element(Roles, []),
            "Figure": element(Figure, ["cause", "effect"]),
            "Prevalence": element(Prevalence, ["node", "states", "share"]),
        },
    }


def nullable(entry: Schema) -> Schema:
    """Return a schema that takes null as well."""
    if isinstance(kind := entry.get("type"), str) and "enum" not in entry:
        return {**entry, "type": [kind, "null"]}
    if isinstance(kind, list):
        return {**entry, "type": [*kind, "null"]}
    about = {key: value for key, value in entry.items() if key == "description"}
    rest = {key: value for key, value in entry.items() if key != "description"}
    return {**about, "anyOf": [rest, {"type": "null"}]}


# A codebook: its classes are pydantic's, and their keys are explained in two docstrings.


class FromYAML(GenerateJsonSchema):
    """Words may be numbers, which are read as they are spelled."""

    def str_schema(self, schema: Any) -> Schema:
        """Take numbers beside words."""
        return {**super().str_schema(schema), "type": ["string", "number"]}


def codebook() -> Schema:
    """Return the schema of a codebook's YAML."""
    made = survey.Contents.model_json_schema(by_alias=True, schema_generator=FromYAML)
    shared = {**described(Codebook)[1], **described(survey.Column)[1]}
    definitions = made.pop("$defs")
    for name, entry in definitions.items():
        explain(entry, getattr(survey, name), shared)
    explain(made, survey.Contents, described(Codebook)[1])
    made["required"] = [key for key in made["required"] if key != "name"]  # the file's, if left out
    about = described(Codebook)[0]
    return {"$schema": DRAFT, **made, "title": "A codebook for backrisk", "description": about,
            "$defs": definitions}  # fmt: skip


def explain(entry: Schema, made: type, shared: dict[str, str]) -> None:
    """Put what docstrings say into a schema that pydantic made."""
    about, own = described(made)
    entry["description"] = about
    entry.pop("title", None)
    for key, value in entry["properties"].items():
        value.pop("title", None)
        if value.get("default", "") is None:
            del value["default"]
        entry["properties"][key] = {"description": {**shared, **own}[key], **value}


def text(schema: Schema) -> str:
    """Return a schema as its file holds it."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    for path, made in ((GRAPH, graph()), (CODEBOOK, codebook())):
        path.write_text(text(made), encoding="utf-8")
        print(f"Wrote {path}")
