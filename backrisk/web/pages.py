"""What a person opens in a browser, rendered once when the server starts."""

from __future__ import annotations

import hashlib
from importlib.resources import files
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from backrisk.plotting import BOX, draw
from backrisk.queries import read_target
from backrisk.web.api import V1, can_print
from backrisk.web.served import Served
from backrisk.web.words import Words
from backrisk.words import again


def _digest() -> str:
    """Return what the assets' address changes with, so that browsers may keep them for good."""
    found = hashlib.sha256()
    for asset in sorted((files("backrisk.web") / "static").iterdir(), key=lambda each: each.name):
        found.update(asset.name.encode() + asset.read_bytes())
    return found.hexdigest()[:16]


STATIC = f"/static/{_digest()}"


def make_pages(served: Served, words: Words, app: FastAPI, locked: bool) -> APIRouter:
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
    shared = {"words": words, "model": served.about, "locked": locked, "v1": V1, "static": STATIC}
    page = environment.get_template("page.html").render(
        **shared,
        form=served.form,
        drawing=draw(graph),
        size=BOX,
        graph=graph,
        sites=served.sites,
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
        return RedirectResponse(f"{STATIC}/icon.svg")

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
        "target": "" if graph.outcome is None else again(read_target(graph, None).label),
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
