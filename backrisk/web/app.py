"""The application: the programming interface, the page, and how each mistake is told."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.responses import Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from backrisk.errors import BackriskError
from backrisk.posterior import Posterior
from backrisk.web.api import V1, make_api
from backrisk.web.middleware import PROBLEM, Guard, Limits, problem
from backrisk.web.pages import STATIC, make_pages
from backrisk.web.served import PAGE_DRAWS, VERSION, Served
from backrisk.web.words import english
from backrisk.words import DISCLAIMER

_DESCRIPTION = (
    f"{DISCLAIMER} The answers of `backrisk` over HTTP: each is what the Python function of the "
    "same name returns. Errors are application/problem+json (RFC 9457). Nothing is stored."
)


def create_app(
    posterior: Posterior,
    *,
    draws: int = PAGE_DRAWS,
    token: str | None = None,
    hosts: Iterable[str] = (),
    limits: Limits | None = None,
) -> FastAPI:
    """Make the application that serves one model.

    Parameters
    ----------
    posterior : Posterior
    draws : int
        The posterior is thinned to at most this many; every answer uses the same ones.
    token : str, optional
        Asked of every request to the programming interface.
    hosts : iterable of str
        Names, beside ``localhost`` and literal addresses, under which the server answers.
    limits : Limits, optional

    Returns
    -------
    fastapi.FastAPI
    """
    served = Served.of(posterior, draws)
    app = FastAPI(
        title="backrisk",
        version=f"1 (backrisk {VERSION})",
        description=_DESCRIPTION,
        openapi_url=f"{V1}/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        middleware=[Middleware(Guard, token=token, hosts=tuple(hosts), limits=limits)],
        exception_handlers={
            HTTPException: _http_problem,
            RequestValidationError: _invalid,
            BackriskError: _misasked,
        },
    )
    app.include_router(make_api(served))
    app.include_router(make_pages(served, english(), app, token is not None))
    app.mount(STATIC, StaticFiles(packages=[("backrisk.web", "static")]), name="static")
    app.openapi = lambda: _documented(app)  # type: ignore[method-assign]
    return app


async def _http_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    detail = str(error.detail)
    if detail == HTTPStatus(error.status_code).phrase:
        detail = {
            404: "There is nothing at this address.",
            405: "This address does not take that method.",
        }.get(error.status_code, detail)
    body = problem(error.status_code, detail)
    return Response(body, error.status_code, error.headers, media_type=PROBLEM)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    faults = []
    for each in error.errors():
        if each["type"] == "json_invalid":
            detail = f"The body is not JSON ({each['ctx']['error']} at character {each['loc'][1]})."
            return Response(problem(400, detail), 400, media_type=PROBLEM)
        pointer = "".join(f"/{part}" for part in each["loc"][1:])
        faults.append({"pointer": f"#{pointer}", "detail": each["msg"]})
    where = faults[0]["pointer"]
    detail = f"The request does not hold what it should, at {where}: {faults[0]['detail']}."
    return Response(problem(422, detail, faults), 422, media_type=PROBLEM)


async def _misasked(request: Request, error: Exception) -> Response:
    return Response(problem(422, str(error)), 422, media_type=PROBLEM)


def _documented(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document, errors with their own media type."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        for path in document["paths"].values():
            for operation in path.values():
                for status, response in operation["responses"].items():
                    if int(status) >= 400:
                        response["description"] = HTTPStatus(int(status)).phrase
                        response["content"] = {
                            PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}
                        }
        for unused in ("HTTPValidationError", "ValidationError"):
            document["components"]["schemas"].pop(unused, None)
        app.openapi_schema = document
    return app.openapi_schema
