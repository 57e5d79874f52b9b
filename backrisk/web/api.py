"""Version 1 of the programming interface: each address answers what a Python function returns."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from backrisk import _json, _yaml
from backrisk.web import schema
from backrisk.web.desk import Desk
from backrisk.web.served import Served
from backrisk.words import say, unreadable

V1 = "/api/v1"
_SHOWN = 60  # characters of what a sentence repeats
_DOCUMENTED = (400, 401, 405, 408, 413, 415, 421, 422, 429, 500, 503)
_JSON = re.compile(r"application/(json|[\w.-]+\+json)", re.IGNORECASE)


class _Strict(Request):
    """A request whose JSON is read as files are: no name twice, no number without an end."""

    async def body(self) -> bytes:
        """Return the body, which says that it is JSON.

        Raises
        ------
        HTTPException
            If there is none, or it is called something else: it would be read as bytes, and what is
            wrong with it told as if these were the question.
        """
        found = await super().body()
        if self.method != "POST":
            return found
        if not found.strip():
            raise HTTPException(400, say("web.refused.no_body"))
        kind = self.headers.get("content-type", "").partition(";")[0].strip()
        if not _JSON.fullmatch(kind):
            key = "other_kind" if kind else "no_kind"
            raise HTTPException(415, say(f"web.refused.{key}", kind=kind[:_SHOWN]))
        return found

    async def json(self) -> Any:
        """Return what the body holds.

        Raises
        ------
        HTTPException
            If it is not JSON that `backrisk._json` reads.
        """
        if not hasattr(self, "_json"):
            try:
                self._json = _json.parse(_yaml.decoded(await self.body()))
            except _yaml.Unreadable as error:
                told = unreadable(error, say("web.refused.the_body"))
                raise HTTPException(400, told) from None
        return self._json


class _StrictRoute(APIRoute):
    """A route that reads its body strictly."""

    def get_route_handler(self) -> Callable[[Request], Any]:
        """Return what handles a request."""
        handle = super().get_route_handler()

        async def strict(request: Request) -> Any:
            return await handle(_Strict(request.scope, request.receive))

        return strict


def make_api(served: Served, desk: Desk) -> APIRouter:
    """Return the routes of version 1."""
    api = APIRouter(
        prefix=V1,
        responses={status: {"model": schema.Problem} for status in _DOCUMENTED},
        route_class=_StrictRoute,
    )

    @api.get("/model", tags=["model"])
    async def model() -> schema.ModelOut:
        """Return what the model learned from, and the fit's warnings."""
        return served.about

    @api.get("/form", tags=["model"])
    async def form() -> schema.FormOut:
        """Return the questions that a person can be asked."""
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

    (_over_time if served.over_time else _of_a_moment)(api, desk)
    return api


def _over_time(api: APIRouter, desk: Desk) -> None:
    """Add the questions about people who are told of visit by visit."""

    @api.post("/read-history", tags=["person"], response_model=schema.ReadHistoryOut)
    async def read_history(request: Request, asked: schema.AboutHistory) -> Any:
        """Read a person's visits; what cannot be read is left out and reported."""
        return await desk.answer(request, "read-history", asked)

    @api.post(
        "/forecast",
        tags=["seeing"],
        response_model=schema.ForecastOut,
        response_model_exclude_unset=True,
    )
    async def ask_forecast(request: Request, asked: schema.Forecasted) -> Any:
        """Return the risk in each coming period."""
        return await desk.answer(request, "forecast", asked)

    @api.post("/review", tags=["seeing"], response_model=schema.ReviewOut)
    async def ask_review(request: Request, asked: schema.Reviewed) -> Any:
        """Return the risk at some visits, each given the history up to it."""
        return await desk.answer(request, "review", asked)

    @api.post(
        "/recommend",
        tags=["advice"],
        response_model=schema.AdviceOut,
        response_model_exclude_unset=True,
    )
    async def ask_advice(request: Request, asked: schema.Advised) -> Any:
        """Rank what could be kept to by how far it would lower the risk in a period."""
        return await desk.answer(request, "advice", asked)

    @api.post(
        "/intervene",
        tags=["doing"],
        response_model=schema.PlannedOut,
        response_model_exclude_unset=True,
    )
    async def ask_plan(request: Request, asked: schema.Planned) -> Any:
        """Return what keeping to a plan would do to the risk in a period."""
        return await desk.answer(request, "plan", asked)


def _of_a_moment(api: APIRouter, desk: Desk) -> None:
    """Add the questions about people who are told of once."""

    @api.post("/read", tags=["person"], response_model=schema.ReadOut)
    async def read(request: Request, asked: schema.About) -> Any:
        """Read a person; what cannot be read is left out and reported."""
        return await desk.answer(request, "read", asked)

    @api.post("/flags", tags=["person"], response_model=schema.RedFlagsOut)
    async def ask_flags(request: Request, asked: schema.Flagged) -> Any:
        """Return what is to be asked and said before any number."""
        return await desk.answer(request, "flags", asked)

    @api.post(
        "/consult",
        tags=["consultation"],
        response_model=schema.ConsultationOut,
        response_model_exclude_unset=True,
    )
    async def ask_consult(request: Request, asked: schema.Asked) -> Any:
        """Return how likely the target is or, where it is reported, what it took."""
        return await desk.answer(request, "consult", asked)

    @api.post("/risk", tags=["seeing"], response_model=schema.RiskOut)
    async def ask_risk(request: Request, asked: schema.Asked) -> Any:
        """Return how likely the target is, beside the average."""
        return await desk.answer(request, "risk", asked)

    @api.post("/diagnose", tags=["seeing"], response_model=schema.DiagnosisOut)
    async def ask_diagnose(request: Request, asked: schema.Asked) -> Any:
        """Return which state each unobserved node is likely to be in."""
        return await desk.answer(request, "diagnose", asked)

    @api.post("/cascade", tags=["seeing"], response_model=schema.CascadeOut)
    async def ask_cascade(request: Request, asked: schema.Asked) -> Any:
        """Return the likely states over the whole graph, and the routes that carry the risk."""
        return await desk.answer(request, "cascade", asked)

    @api.post("/intervene", tags=["doing"], response_model=schema.ContrastOut)
    async def ask_intervene(request: Request, asked: schema.Changed) -> Any:
        """Return what the risk would be if nodes were set."""
        return await desk.answer(request, "intervene", asked)

    @api.post("/counterfactual", tags=["counterfactual"], response_model=schema.ContrastOut)
    async def ask_counterfactual(request: Request, asked: schema.Imagined) -> Any:
        """Return what would have been for this very person."""
        return await desk.answer(request, "counterfactual", asked)

    @api.post("/what-if", tags=["doing"], response_model=schema.WhatIfOut)
    async def ask_what_if(request: Request, asked: schema.Changed) -> Any:
        """Compare before and after a change, on the rung that the answers allow."""
        return await desk.answer(request, "what-if", asked)

    @api.post(
        "/attribute",
        tags=["counterfactual"],
        response_model=schema.AttributionOut,
        response_model_exclude_unset=True,
    )
    async def ask_attribute(request: Request, asked: schema.Attributed) -> Any:
        """Return the causes that this person's outcome, or risk, goes back to."""
        return await desk.answer(request, "attribute", asked)

    @api.post("/recommend", tags=["advice"], response_model=schema.RecommendationOut)
    async def ask_recommend(request: Request, asked: schema.Asked) -> Any:
        """Rank what could be changed by how far it would lower the risk."""
        return await desk.answer(request, "recommend", asked)

    @api.post(
        "/ask-next",
        tags=["advice"],
        response_model=schema.QuestionsOut,
        response_model_exclude_unset=True,
    )
    async def ask_ask_next(request: Request, asked: schema.AskedNext) -> Any:
        """Return which unanswered question would tell the most."""
        return await desk.answer(request, "ask-next", asked)

    @api.post("/follow-up", tags=["seeing"], response_model=schema.FollowUpOut)
    async def ask_follow_up(request: Request, asked: schema.Followed) -> Any:
        """Return what changed between two files of one person."""
        return await desk.answer(request, "follow-up", asked)

    if can_print():

        @api.post(
            "/report.pdf",
            tags=["report"],
            response_class=Response,
            responses={200: {"content": {"application/pdf": {}}}},
        )
        async def ask_report(request: Request, asked: schema.Reported) -> Response:
            """Return all answers as a report of two pages, as one of them, or as a letter."""
            pages = await desk.answer(request, "report", asked)
            return Response(pages, media_type="application/pdf")


def can_print() -> bool:
    """Whether reports can be laid out as PDF: with the extra ``report``."""
    return find_spec("typst") is not None
