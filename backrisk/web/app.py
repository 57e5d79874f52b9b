"""The application: the programming interface, the page, and serving them."""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from importlib.metadata import version
from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import numpy as np
import uvicorn
from anyio import from_thread
from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from jinja2 import Environment, PackageLoader, StrictUndefined
from numpy.typing import NDArray
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from backrisk.advice import ask_next, recommend
from backrisk.attribution import attribute
from backrisk.errors import BackriskError
from backrisk.posterior import Posterior, load_posterior
from backrisk.query import (
    Contrast,
    counterfactual,
    diagnose,
    intervene,
    read_person,
    read_target,
    risk,
)
from backrisk.report import person_answers, render_person
from backrisk.summary import DISCLAIMER
from backrisk.web import schema
from backrisk.web.cascade import BOX, adverse_chances, draw, flow
from backrisk.web.form import Group, make_form, read_form
from backrisk.web.guard import PROBLEM, Guard, Limits, problem
from backrisk.web.words import Words, english

V1 = "/api/v1"
VERSION = version("backrisk")
PAGE_DRAWS = 1000
SHORTEST_TOKEN = 16
_QUICK_METHODS = ("shapley", "diagnostic")
_PATIENCE = 60.0  # seconds that a question waits for its turn
_DOCUMENTED = (400, 401, 405, 408, 413, 421, 422, 429, 500, 503)
_DESCRIPTION = (
    f"{DISCLAIMER} The answers of `backrisk` over HTTP: each is what the Python function of the "
    "same name returns. Errors are application/problem+json (RFC 9457). Nothing is stored."
)


@dataclass(frozen=True, eq=False)
class Served:
    """A posterior as it is served: the draws that every answer uses, and the form.

    Parameters
    ----------
    posterior : Posterior
        At most the stated number of draws.
    drawn : int
        How many draws the model holds.
    form : tuple of Group
    chances : mapping of node to ndarray
        What the cascade's lines are drawn from.
    """

    posterior: Posterior
    drawn: int
    form: tuple[Group, ...]
    chances: Mapping[str, NDArray[np.float64]]

    @classmethod
    def of(cls, posterior: Posterior, draws: int = PAGE_DRAWS) -> Served:
        """Thin a posterior, and compute once what every answer needs."""
        thinned = posterior.subset(draws)
        risk(thinned, {})
        if thinned.prior is not None:
            for name in thinned.graph.names:
                thinned.prior.cpt(name)
        form = make_form(thinned.graph, thinned.codebook)
        return cls(thinned, posterior.draws, form, adverse_chances(thinned))

    @property
    def about(self) -> schema.ModelOut:
        """What is said of the model on every page."""
        posterior, meta = self.posterior, self.posterior.meta
        book = posterior.codebook
        title = None if book is None else book.title or book.name
        return schema.ModelOut(
            api="1",
            backrisk=VERSION,
            graph=posterior.graph.title or posterior.graph.name,
            outcome=posterior.graph.outcome,
            survey=meta.get("survey", title),
            people=meta.get("people"),
            synthetic=bool(meta.get("synthetic", book is not None and book.synthetic)),
            draws=posterior.draws,
            draws_in_model=self.drawn,
            warnings=list(posterior.diagnostics.warnings),
            disclaimer=DISCLAIMER,
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
    app.include_router(_api(served))
    app.include_router(_pages(served, english(), app, token is not None))
    app.mount("/static", StaticFiles(packages=[("backrisk.web", "static")]), name="static")
    app.openapi = lambda: _documented(app)  # type: ignore[method-assign]
    return app


def _api(served: Served) -> APIRouter:
    """Return the routes of version 1."""
    api = APIRouter(
        prefix=V1, responses={status: {"model": schema.Problem} for status in _DOCUMENTED}
    )
    posterior = served.posterior
    turns = Turns(threading.Semaphore(os.cpu_count() or 1), threading.Semaphore(1))

    @api.get("/model", tags=["model"])
    async def model() -> schema.ModelOut:
        """Tell what the model learned from, and the fit's warnings."""
        return served.about

    @api.get("/form", tags=["model"])
    async def form() -> schema.FormOut:
        """List the questions that a person can be asked."""
        return schema.FormOut(
            topics=[
                schema.TopicOut(
                    node=topic.node.name,
                    group=topic.node.group,
                    states=list(topic.node.states),
                    modifiable=topic.node.modifiable,
                    description=topic.node.description,
                    questions=[
                        schema.QuestionOut(**schema.fields(question, schema.QuestionOut))
                        for question in topic.questions
                    ],
                )
                for group in served.form
                for topic in group.topics
            ]
        )

    @api.post("/read", tags=["person"])
    def read(asked: schema.About) -> schema.ReadOut:
        """Read a person: raw measures as states; what cannot be read is left out and said."""
        reading = read_form(posterior, asked.person)
        return schema.ReadOut(
            accepted=dict(reading.accepted),
            evidence=dict(reading.evidence),
            says=[
                schema.Said(question=name, node=node, state=state)
                for name, (node, state) in reading.says.items()
            ],
            problems=[
                schema.Trouble(question=name, detail=detail)
                for name, detail in reading.problems.items()
            ],
        )

    @api.post("/risk", tags=["seeing"], response_model=schema.RiskOut)
    def ask_risk(request: Request, asked: schema.Asked) -> Any:
        """Tell how likely the target is, beside the average."""
        with turns.take(request):
            return risk(posterior, asked.person, target=asked.target).to_dict()

    @api.post("/diagnose", tags=["seeing"], response_model=schema.DiagnosisOut)
    def ask_diagnose(request: Request, asked: schema.Asked) -> Any:
        """Tell which state each unobserved node is likely in."""
        with turns.take(request):
            return diagnose(posterior, asked.person, target=asked.target).to_dict()

    @api.post("/cascade", tags=["seeing"])
    def ask_cascade(request: Request, asked: schema.Asked) -> schema.CascadeOut:
        """Tell the likely states over the whole graph, and the routes that carry the risk."""
        with turns.take(request):
            return _cascade(served, asked)

    @api.post("/intervene", tags=["doing"], response_model=schema.ContrastOut)
    def ask_intervene(request: Request, asked: schema.Changed) -> Any:
        """Tell what the risk would be if nodes were set."""
        with turns.take(request):
            return intervene(posterior, asked.person, asked.do, target=asked.target).to_dict()

    @api.post("/counterfactual", tags=["counterfactual"], response_model=schema.ContrastOut)
    def ask_counterfactual(request: Request, asked: schema.Imagined) -> Any:
        """Tell what would have been for this very person."""
        with turns.take(request, slow=_looks_back(posterior, asked)):
            return counterfactual(
                posterior, asked.person, asked.do, target=asked.target, coupling=asked.coupling
            ).to_dict()

    @api.post("/what-if", tags=["doing"])
    def ask_what_if(request: Request, asked: schema.Changed) -> schema.WhatIfOut:
        """Compare before and after a change, on the rung that the answers allow."""
        with turns.take(request, slow=_looks_back(posterior, asked)):
            rung, answer = _what_if(posterior, asked.person, asked.do, asked.target)
        return schema.WhatIfOut(rung=rung, answer=schema.ContrastOut(**answer.to_dict()))

    @api.post(
        "/attribute",
        tags=["counterfactual"],
        response_model=schema.AttributionOut,
        response_model_exclude_unset=True,
    )
    def ask_attribute(request: Request, asked: schema.Attributed) -> Any:
        """Tell which causes this person's outcome, or risk, goes back to."""
        with turns.take(request, slow=asked.method not in _QUICK_METHODS):
            return attribute(
                posterior,
                asked.person,
                asked.causes,
                method=asked.method,  # type: ignore[arg-type]  # checked there, with a suggestion
                level=asked.level,  # type: ignore[arg-type]
                target=asked.target,
                coupling=asked.coupling,
            ).to_dict()

    @api.post("/recommend", tags=["advice"], response_model=schema.RecommendationOut)
    def ask_recommend(request: Request, asked: schema.Asked) -> Any:
        """Rank what could be changed by how far it would lower the risk."""
        with turns.take(request):
            return recommend(posterior, asked.person, target=asked.target).to_dict()

    @api.post("/ask-next", tags=["advice"], response_model=schema.QuestionsOut)
    def ask_ask_next(request: Request, asked: schema.Asked) -> Any:
        """Tell which unanswered question would tell most."""
        with turns.take(request):
            return ask_next(posterior, asked.person, target=asked.target).to_dict()

    if can_print():

        @api.post(
            "/report.pdf",
            tags=["report"],
            response_class=Response,
            responses={200: {"content": {"application/pdf": {}}}},
        )
        def ask_report(request: Request, asked: schema.Asked) -> Response:
            """Lay all answers out as a report of two pages, to be kept or handed on."""
            with turns.take(request, slow=True):
                answers = person_answers(posterior, asked.person, target=asked.target)
                pages = render_person(answers, ".pdf")
            return Response(pages, media_type="application/pdf")

    return api


def can_print() -> bool:
    """Whether reports can be laid out as PDF: with the extra ``report``."""
    return find_spec("typst") is not None


@dataclass(frozen=True)
class Turns:
    """How many questions compute at once: several quick ones, and beside them one slow one.

    Nobody can stop a question that runs, so a page that has moved on would otherwise leave slow
    ones in everybody's way. One that was given up while it waited is not begun.
    """

    quick: threading.Semaphore
    slow: threading.Semaphore

    @contextmanager
    def take(self, request: Request, *, slow: bool = False) -> Iterator[None]:
        """Wait for a turn.

        Raises
        ------
        HTTPException
            If none comes, or nobody waits for the answer any more.
        """
        free = self.slow if slow else self.quick
        if not free.acquire(timeout=_PATIENCE):
            busy = "The server is busy with other questions; ask again."
            raise HTTPException(503, busy, {"retry-after": "5"})
        try:
            if from_thread.run(request.is_disconnected):
                raise HTTPException(503, "Nobody waits for this answer any more.")
            yield
        finally:
            free.release()


def _looks_back(posterior: Posterior, asked: schema.Asked) -> bool:
    """Whether a question with two worlds has the outcome seen in one of them: much to compute."""
    aim = read_target(posterior.graph, asked.target)
    return aim.node in read_person(posterior, asked.person)


def _what_if(
    posterior: Posterior, person: Mapping[str, Any], do: Mapping[str, str], target: str | None
) -> tuple[str, Contrast]:
    """Ask by doing, or by looking back where an answer lies downstream of the change."""
    graph = posterior.graph
    evidence = read_person(posterior, person)
    reached = frozenset().union(*(graph.descendants(n) for n in do if n in graph.names))
    if reached & set(evidence):
        return "counterfactual", counterfactual(posterior, person, do, target=target)
    return "intervene", intervene(posterior, person, do, target=target)


def _cascade(served: Served, asked: schema.Asked) -> schema.CascadeOut:
    posterior = served.posterior
    found = flow(posterior, asked.person, served.chances, target=asked.target)
    return schema.CascadeOut(
        nodes=[
            schema.NodeState(
                node=name,
                state=posterior.graph.node(name).states[int(share.argmax())],
                probability=float(share.max()),
                adverse=float(1.0 - share[0]),
                seen=name in found.evidence,
            )
            for name, share in found.shares.items()
        ],
        edges=[
            schema.EdgeLift(cause=cause, effect=effect, lift=lift)
            for (cause, effect), lift in found.lifts.items()
        ],
        routes=[list(route) for route in found.routes],
    )


def _pages(served: Served, words: Words, app: FastAPI, locked: bool) -> APIRouter:
    """Return the routes that a person opens."""
    environment = Environment(
        loader=PackageLoader("backrisk.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {"sort_keys": False}  # states have an order
    graph = served.posterior.graph
    shared = {"words": words, "model": served.about, "locked": locked, "v1": V1}
    page = environment.get_template("page.html").render(
        **shared,
        form=served.form,
        drawing=draw(graph),
        size=BOX,
        graph=graph,
        facts=_facts(served, words),
        can_print=can_print(),
    )
    pages = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

    @pages.get("/")
    async def home() -> HTMLResponse:
        return HTMLResponse(page)

    @pages.get("/api")
    async def manual() -> HTMLResponse:
        template = environment.get_template("api.html")
        return HTMLResponse(template.render(**shared, api=app.openapi()))

    @pages.get("/favicon.ico")
    async def icon() -> RedirectResponse:
        return RedirectResponse("/static/icon.svg")

    @pages.get("/healthz")
    async def healthy() -> JSONResponse:
        return JSONResponse({"status": "ok"})

    return pages


def _facts(served: Served, words: Words) -> dict[str, Any]:
    """Return what the page's scripts need to know of the graph and the words."""
    graph, book = served.posterior.graph, served.posterior.codebook
    topics = [topic for group in served.form for topic in group.topics]
    questions = {question.name: question for topic in topics for question in topic.questions}
    # Where the page jumps to for what is asked next: a node, or a question of the codebook.
    place = {topic.node.name: topic.questions[0].name for topic in topics if topic.questions}
    for name in {} if book is None else book.measures:
        assert book is not None
        first = name if name in questions else (*getattr(book.measures[name], "from_", ()), name)[0]
        if first in questions:
            place[book.node_of(name)] = first
    return {
        "v1": V1,
        "outcome": graph.outcome,
        "reference": graph.outcome and graph.node(graph.outcome).reference,
        "outcome_place": place.get(graph.outcome or ""),
        "target": "" if graph.outcome is None else read_target(graph, None).label,
        "place": place,
        "kinds": {name: question.kind for name, question in questions.items()},
        "says": _labels(served),
        "ask": {name: question.text for name, question in questions.items()},
        "nodes": {
            topic.node.name: {
                "words": words.node(topic.node.name),
                "states": {s: words.state(topic.node.name, s) for s in topic.node.states},
                "modifiable": topic.node.modifiable,
            }
            for topic in topics
        },
        "words": dict(words.sections),
    }


def _labels(served: Served) -> dict[str, list[tuple[str, str]]]:
    """Return the state that each label of a codebook's column says."""
    book = served.posterior.codebook
    columns = {} if book is None else book.columns
    return {name: list(column.labels.items()) for name, column in columns.items() if column.labels}


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


def serve(
    model: Path,
    *,
    host: str,
    port: int,
    token: str | None,
    hosts: Iterable[str] = (),
    draws: int = PAGE_DRAWS,
    announce: Callable[[str], None],
) -> None:
    """Serve a saved model until interrupted.

    Parameters
    ----------
    model : Path
    host, port : str, int
        Where to listen; port 0 takes a free one.
    token : str, optional
        Required where the host is not this machine alone.
    hosts : iterable of str
        Further names that a Host header may bear.
    draws : int
    announce : callable
        Told the page's address once it is bound.

    Raises
    ------
    BackriskError
        If the model cannot be read, the address cannot be bound, or a token is missing.
    """
    if token is not None and len(token) < SHORTEST_TOKEN:
        raise BackriskError(f"The token should have at least {SHORTEST_TOKEN} characters.")
    if token is None and not _only_this_machine(host):
        raise BackriskError(
            f"Host {host} can be reached from other machines: give a token with --token or the "
            "variable BACKRISK_TOKEN."
        )
    listener = _bind(host, port)
    with listener:
        app = create_app(load_posterior(model), draws=draws, token=token, hosts=hosts)
        logging.basicConfig(format="%(message)s", level=logging.WARNING)
        logging.getLogger("backrisk.web").setLevel(logging.INFO)
        bound = listener.getsockname()[1]
        announce(f"http://{f'[{host}]' if ':' in host else host}:{bound}")
        config = uvicorn.Config(
            app,
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=5,
        )
        uvicorn.Server(config).run(sockets=[listener])


def _only_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _bind(host: str, port: int) -> socket.socket:
    with ExitStack() as undo:
        try:
            family, kind, number, _, address = socket.getaddrinfo(
                host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )[0]
            listener = undo.enter_context(socket.socket(family, kind, number))
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(128)
        except OSError as error:
            raise BackriskError(
                f"Port {port} on {host} cannot be used ({error.strerror}); choose another with "
                "--port."
            ) from error
        undo.pop_all()
        return listener
