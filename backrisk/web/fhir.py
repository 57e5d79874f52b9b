"""FHIR R4 over HTTP, and the CDS Hooks service: resources in and out, and nothing kept."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backrisk import _json, _yaml
from backrisk.errors import BackriskError
from backrisk.fhir import (
    ASSESS,
    GUIDE,
    SERVICE,
    FhirError,
    Issue,
    NotFetched,
    capability_statement,
    cds_services,
    operation_definition,
    operation_outcome,
    questionnaire,
    read_response,
    refusal_card,
    response_in,
)
from backrisk.web.desk import Desk
from backrisk.web.middleware import PROBLEM
from backrisk.web.questions import OfAnswers
from backrisk.web.served import Served
from backrisk.words import say, unreadable

FHIR, HOOKS = "/fhir", "/cds-services"
_KIND = "application/fhir+json"
# FHIR's IssueType of what stands in front of the application.
_ISSUES = {
    401: "login",
    404: "not-found",
    405: "not-supported",
    408: "timeout",
    413: "too-long",
    421: "security",
    429: "throttled",
    500: "exception",
    503: "transient",
}


def make_fhir(served: Served, desk: Desk) -> APIRouter:
    """Return the routes of FHIR; a model over time has none.

    Their description is the CapabilityStatement under ``/fhir/metadata``.
    """
    fhir = APIRouter(prefix=FHIR, include_in_schema=False)
    if served.over_time:
        return fhir

    @fhir.get("/metadata")
    async def metadata(request: Request) -> Response:
        return _resource(capability_statement(served.posterior, base=_base(request) + FHIR))

    @fhir.get("/Questionnaire")
    async def search(request: Request, url: str | None = None) -> Response:
        form = questionnaire(served.posterior)
        entries = []
        if url is None or url in (form["url"], f"{form['url']}|{form['version']}"):
            where = f"{_base(request)}{FHIR}/Questionnaire/{form['id']}"
            entries = [{"fullUrl": where, "resource": form, "search": {"mode": "match"}}]
        found = {"resourceType": "Bundle", "type": "searchset", "total": len(entries)}
        return _resource({**found, **({"entry": entries} if entries else {})})

    @fhir.get("/Questionnaire/{name}")
    async def form(name: str) -> Response:
        found = questionnaire(served.posterior)
        if name != found["id"]:
            raise HTTPException(404)
        return _resource(found)

    @fhir.get("/OperationDefinition/{name}")
    async def operation(name: str) -> Response:
        if name not in (ASSESS, GUIDE):
            raise HTTPException(404)
        return _resource(operation_definition(served.posterior, name))

    @fhir.post(f"/QuestionnaireResponse/${ASSESS}")
    async def assess(request: Request) -> Response:
        return await _answered(served, desk, request, "fhir-assess")

    @fhir.post(f"/QuestionnaireResponse/${GUIDE}")
    async def guide(request: Request) -> Response:
        return await _answered(served, desk, request, "fhir-guide")

    return fhir


def make_hooks(served: Served, desk: Desk) -> APIRouter:
    """Return the routes of the CDS Hooks service."""
    hooks = APIRouter(prefix=HOOKS, include_in_schema=False)

    @hooks.get("")
    async def discover() -> dict[str, Any]:
        return cds_services(served.posterior)

    @hooks.post(f"/{SERVICE}")
    async def call(request: Request) -> dict[str, Any]:
        page = f"{_base(request)}/"
        try:
            response = response_in(await _body(request))
        except NotFetched as error:
            raise HTTPException(412, str(error)) from None
        except FhirError as error:
            raise HTTPException(400, str(error)) from None
        if response is None:  # nobody wants a card that has nothing to say
            return {"cards": []}
        try:
            answers = await run_in_threadpool(read_response, served.posterior, response)
            card = await desk.answer(request, "cds-card", OfAnswers(answers, address=page))
        except BackriskError as error:
            card = refusal_card(served.posterior, error, address=page)
        return {"cards": [card]}

    @hooks.post(f"/{SERVICE}/feedback")
    async def feedback(request: Request) -> dict[str, Any]:
        await _body(request)  # refused where it is no JSON; what became of a card is not kept
        return {}

    return hooks


async def _answered(served: Served, desk: Desk, request: Request, name: str) -> Response:
    """Read what was sent and answer it; whatever is wrong with it is an OperationOutcome."""
    try:
        response, target = _parameters(await _body(request))
        answers = await run_in_threadpool(read_response, served.posterior, response)
        return _resource(await desk.answer(request, name, OfAnswers(answers, target)))
    except FhirError as error:
        return _resource(operation_outcome(error.issues), 422)
    except BackriskError as error:
        return _resource(operation_outcome([Issue(str(error), "business-rule")]), 422)


async def _body(request: Request) -> Any:
    """Return what the body holds, read as files are: no name twice, no endless number.

    Raises
    ------
    HTTPException
        If it is not such JSON.
    """
    try:
        return _json.parse(_yaml.decoded(await request.body()))
    except _yaml.Unreadable as error:
        raise HTTPException(400, unreadable(error, say("web.refused.the_body"))) from None


def _parameters(body: Any) -> tuple[Any, str | None]:
    """Return the response and the target: the body is the response, or Parameters that hold it.

    Raises
    ------
    FhirError
    """
    if not isinstance(body, Mapping) or body.get("resourceType") != "Parameters":
        return body, None
    found: dict[str, Any] = {}
    issues = []
    kinds = {"response": "resource", "target": "valueString"}
    given = body.get("parameter")
    for place, each in enumerate(given if isinstance(given, list) else []):
        name = each.get("name") if isinstance(each, Mapping) else None
        where = f"Parameters.parameter[{place}]"
        if not isinstance(name, str) or name not in kinds:
            told = say("fhir.http.other_parameter", name=str(name)[:60])
            issues.append(Issue(told, "not-supported", where))
        elif name in found:
            told = say("fhir.http.repeated_parameter", name=name)
            issues.append(Issue(told, "duplicate", where))
        elif not isinstance(each.get(kinds[name]), Mapping if name == "response" else str):
            told = say("fhir.http.wrong_parameter", name=name, expected=kinds[name])
            issues.append(Issue(told, "value", where))
        else:
            found[name] = each[kinds[name]]
    if not issues and "response" not in found:
        issues = [Issue(say("fhir.http.no_response"), "required", "Parameters.parameter")]
    if issues:
        raise FhirError(issues)
    return found["response"], found.get("target")


def _base(request: Request) -> str:
    """Return the server's address as the client knows it: its host was checked."""
    return str(request.base_url).rstrip("/")


def _resource(content: Mapping[str, Any], status: int = 200) -> Response:
    text = json.dumps(content, ensure_ascii=False, allow_nan=False)
    return Response(text, status, media_type=_KIND)


class Outcomes:
    """The middleware that words every refusal under `FHIR` as an OperationOutcome.

    Parameters
    ----------
    app : ASGI application
        Whose refusals are problems as RFC 9457 has them.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        path = scope.get("path", "")
        if scope["type"] != "http" or not (path == FHIR or path.startswith(f"{FHIR}/")):
            await self._app(scope, receive, send)
            return
        start: Message | None = None
        body = bytearray()

        async def reworded(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                kinds = [value for name, value in message["headers"] if name == b"content-type"]
                if kinds == [PROBLEM.encode()]:
                    start = message
                    return
            if start is None:
                await send(message)
                return
            body.extend(message.get("body", b""))
            if not message.get("more_body", False):
                told = _outcome(bytes(body), start["status"])
                await send({**start, "headers": _resized(start["headers"], told)})
                await send({"type": "http.response.body", "body": told})

        await self._app(scope, receive, reworded)


def _outcome(body: bytes, status: int) -> bytes:
    issue = Issue(json.loads(body)["detail"], _ISSUES.get(status, "invalid"))
    return json.dumps(operation_outcome([issue]), ensure_ascii=False).encode()


def _resized(headers: Iterable[tuple[bytes, bytes]], body: bytes) -> list[tuple[bytes, bytes]]:
    changed = {b"content-type": _KIND.encode(), b"content-length": str(len(body)).encode()}
    return [(name, changed.get(name, value)) for name, value in headers]


class HookOrigins:
    """The middleware by which pages of stated origins may call the CDS Hooks service.

    Parameters
    ----------
    app : ASGI application
    origins : iterable of str
    """

    def __init__(self, app: ASGIApp, *, origins: Iterable[str]) -> None:
        self._app = app
        self._shared = CORSMiddleware(
            app,
            allow_origins=list(origins),
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type"],
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        path = scope.get("path", "")
        hooked = scope["type"] == "http" and (path == HOOKS or path.startswith(f"{HOOKS}/"))
        await (self._shared if hooked else self._app)(scope, receive, send)
