"""The application: the programming interface, the page, and how each mistake is reported."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import Route

from backrisk.errors import BackriskError
from backrisk.posterior import Posterior
from backrisk.web.api import V1, make_api
from backrisk.web.desk import Desk
from backrisk.web.document import Documents
from backrisk.web.fhir import HookOrigins, Outcomes, make_fhir, make_hooks
from backrisk.web.languages import Speaking, offered
from backrisk.web.limits import Limits
from backrisk.web.middleware import PROBLEM, Guard, problem
from backrisk.web.pages import STATIC, make_pages
from backrisk.web.served import VERSION, Served
from backrisk.words import Language, say, spoken

# How Pydantic names the kinds that an answer may be of, and that a value is of none of them.
_KINDS = ("constrained-str", "str", "bool", "int", "float", "list[constrained-str]")
_WRONG_KIND = ("string_type", "bool_type", "int_type", "float_type", "list_type")
_SHOWN = 60  # characters of a name in a path


def create_app(
    posterior: Posterior,
    *,
    draws: int | None = None,
    token: str | None = None,
    hosts: str | Iterable[str] = (),
    limits: Limits | None = None,
    languages: str | Path | Language | Iterable[str | Path | Language] = (),
    cds_hooks: bool = False,
    cds_origins: Iterable[str] = (),
    earlier: Iterable[Posterior] = (),
) -> FastAPI:
    """Make the application that serves one model.

    Parameters
    ----------
    posterior : Posterior
    draws : int, optional
        The posterior is thinned to at most this many, by default not; every answer uses the same.
    token : str, optional
        Asked of every request but the one for the server's health.
    hosts : str or iterable of str
        Names, beside ``localhost`` and literal addresses, under which the server answers.
    limits : Limits, optional
    languages : str, Path or Language, or iterable of these
        The languages that the page and the programming interface offer, by code or folder, the
        default first; by default the one that is spoken when the application is made. A request
        is answered in the one that ``?lang=`` names, or else in the one that its header
        ``Accept-Language`` prefers.
    cds_hooks : bool
        Whether to be a CDS Hooks service too; a model over time is none.
    cds_origins : iterable of str
        Origins of pages that may call that service from a browser, ``"https://ehr.example.org"``;
        by default none.
    earlier : iterable of Posterior
        Models that files saved earlier were asked of: what a comparison with such a file owes to
        the answers and what to the model is told of these alone.

    Returns
    -------
    fastapi.FastAPI

    Raises
    ------
    BackriskError
        If a language does not exist, or two have the same code.
    """
    if isinstance(languages, str | Path | Language):
        languages = [languages]
    spoken_here = offered(languages)
    limits, origins = limits or Limits(), tuple(cds_origins)
    served = Served.of(posterior, draws, earlier)
    # What processes are given has no table laid out yet: they lay out what they are asked for.
    desk = Desk(served, replace(served.posterior), spoken_here, limits)

    known = {f"{V1}/openapi.json"}  # and the addresses of the routes, when they are made
    app = FastAPI(
        title="backrisk",
        version=f"1 (backrisk {VERSION})",
        openapi_url=f"{V1}/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        middleware=[
            Middleware(Speaking, languages=spoken_here),  # outermost: refusals are worded too
            # A browser asks without a token whether it may ask.
            *([Middleware(HookOrigins, origins=origins)] if cds_hooks and origins else []),
            Middleware(Outcomes),
            Middleware(
                Guard,
                token=token,
                hosts=(hosts,) if isinstance(hosts, str) else tuple(hosts),
                limits=limits,
                known=known,
            ),
        ],
        exception_handlers={
            HTTPException: _http_problem,
            RequestValidationError: _invalid,
            BackriskError: _misasked,
        },
    )
    app.state.desk = desk
    document = Documents(app, served)
    routers = [
        make_api(served, desk),
        make_fhir(served, desk),
        make_pages(served, spoken_here, document, limits.longest),
    ]
    if cds_hooks and not served.over_time:
        routers.append(make_hooks(served, desk))
    for router in routers:
        app.include_router(router)
        known.update(route.path for route in router.routes if isinstance(route, Route))
    app.mount(STATIC, StaticFiles(packages=[("backrisk.web", "static")]), name="static")
    app.openapi = document  # type: ignore[method-assign]
    return app


async def _http_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    detail = str(error.detail)
    if detail == HTTPStatus(error.status_code).phrase:
        if error.status_code == HTTPStatus.NOT_FOUND:
            detail = say("web.refused.no_address")
        elif error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            detail = say("web.refused.no_method")
    body = problem(error.status_code, detail)
    return Response(body, error.status_code, error.headers, media_type=PROBLEM)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    faults = [
        {"pointer": f"#{''.join(f'/{part}' for part in path)}", "detail": told}
        for path, told in _faults(error.errors())
    ]
    detail = say("web.refused.wrong_shape", where=faults[0]["pointer"], why=faults[0]["detail"])
    return Response(problem(422, detail, faults), 422, media_type=PROBLEM)


def _faults(errors: Iterable[Mapping[str, Any]]) -> list[tuple[tuple[str, ...], str]]:
    """Word Pydantic's errors, of a value that may be of several kinds only one.

    Of such a value Pydantic tells once for each kind, and ends the path with the kind's name.
    """
    found: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for error in errors:
        path = [str(part)[:_SHOWN] for part in error["loc"][1:]]
        if path and path[-1] in (*_KINDS, "[key]"):
            path.pop()
        found.setdefault(tuple(path), []).append(error)
    told = []
    for where, each in found.items():
        others = [error for error in each if error["type"] not in _WRONG_KIND]
        several = len(each) > 1 and not others
        text = say("web.invalid.no_kind") if several else _fault((others or each)[0])
        told.append((where, text))
    return told


def _fault(error: Mapping[str, Any]) -> str:
    """Word one of Pydantic's errors; a kind that has no words here keeps Pydantic's."""
    kind, values = error["type"], error.get("ctx", {})
    if kind not in spoken().tree("web")["invalid"]:
        return say("web.invalid.other", why=error["msg"])
    return say(f"web.invalid.{kind}", **values)


async def _misasked(request: Request, error: Exception) -> Response:
    return Response(problem(422, str(error)), 422, media_type=PROBLEM)
