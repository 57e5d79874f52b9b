"""The OpenAPI document: FastAPI's, with descriptions in the language in use."""

from __future__ import annotations

from copy import deepcopy
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from backrisk.graph import UnrolledGraph
from backrisk.web.api import V1
from backrisk.web.middleware import PROBLEM
from backrisk.web.served import Served
from backrisk.words import disclaimer, say, spoken


class Documents:
    """The document of an application in each language, made when it is first asked for.

    Parameters
    ----------
    app : FastAPI
    served : Served
        Whose questions the examples are made of.
    """

    def __init__(self, app: FastAPI, served: Served) -> None:
        self._app = app
        self._served = served
        self._made: dict[str, dict[str, Any]] = {}

    def __call__(self) -> dict[str, Any]:
        """Return the document in the language that is spoken."""
        code = spoken().code
        if code not in self._made:
            self._made[code] = self._make()
        return self._made[code]

    def _make(self) -> dict[str, Any]:
        app = self._app
        # Copied, for FastAPI hands out the very dictionaries that its routes were declared with.
        document: dict[str, Any] = deepcopy(
            get_openapi(
                title=app.title,
                version=app.version,
                description=say("web.about", disclaimer=disclaimer()),
                routes=app.routes,
            )
        )
        for path, operations in document["paths"].items():
            name = path.removeprefix(f"{V1}/").partition(".")[0]
            for operation in operations.values():
                operation["description"] = say(f"web.routes.{name}")
                operation.pop("summary", None)
                for status, response in operation["responses"].items():
                    response["description"] = HTTPStatus(int(status)).phrase
                    if int(status) >= 400:
                        response["content"] = {
                            PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}
                        }
        schemas = document["components"]["schemas"]
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        for name, shape in schemas.items():
            self._describe(name, shape)
        return document

    def _describe(self, name: str, shape: dict[str, Any]) -> None:
        """Describe a shape and its fields; what a field of several questions means stands once."""
        shape["description"] = say(f"web.shapes.{name}.about")
        examples = {
            "person": self._person,
            "history": self._history,
            "do": self._do,
            "plan": self._do,
        }
        asked = shape.get("additionalProperties") is False
        for field, kind in shape.get("properties", {}).items():
            for key in (f"web.shapes.{name}.{field}", f"web.fields.{field}" if asked else ""):
                if "description" not in kind and key and _said(key):
                    kind["description"] = say(key)
            if asked and field in examples and (example := examples[field]()):
                kind["examples"] = [example]

    def _history(self) -> list[dict[str, Any]]:
        """Return two visits, between which nobody asked."""
        return [self._person(), {}, self._person()]

    def _person(self) -> dict[str, Any]:
        """Return a person who answers the first choice of the form, and the first number."""
        questions = [q for group in self._served.form for t in group.topics for q in t.questions]
        chosen = next(({q.name: q.options[0]} for q in questions if q.options), {})
        number = next(({q.name: q.low} for q in questions if q.low is not None), {})
        return {**chosen, **number}

    def _do(self) -> dict[str, str]:
        """Return the first node that can be changed, set to its reference."""
        graph = self._served.posterior.graph
        moving = graph.moving if isinstance(graph, UnrolledGraph) else graph.names
        nodes = (n for n in self._served.graph.nodes if n.modifiable and n.name in moving)
        return next(({n.name: n.reference} for n in nodes), {})


def _said(key: str) -> bool:
    """Whether there is such a sentence."""
    try:
        spoken().raw(key)
    except KeyError:
        return False
    return True
