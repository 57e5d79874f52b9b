"""Version 1 of the programming interface: each address answers what a Python function returns."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from anyio import from_thread
from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from backrisk.posterior import Posterior
from backrisk.queries import (
    Contrast,
    ask_next,
    attribute,
    counterfactual,
    diagnose,
    flow,
    intervene,
    read_person,
    read_target,
    recommend,
    risk,
)
from backrisk.report import person_answers, render_person
from backrisk.web import schema
from backrisk.web.form import read_form
from backrisk.web.served import Place, Served
from backrisk.words import say

V1 = "/api/v1"
_QUICK_METHODS = ("shapley", "diagnostic")
_PATIENCE = 60.0  # seconds that a question waits for its turn
_DOCUMENTED = (400, 401, 405, 408, 413, 421, 422, 429, 500, 503)


def make_api(served: Served) -> APIRouter:
    """Return the routes of version 1."""
    api = APIRouter(
        prefix=V1, responses={status: {"model": schema.Problem} for status in _DOCUMENTED}
    )
    turns = Turns(threading.Semaphore(os.cpu_count() or 1), threading.Semaphore(1))

    def at(asked: schema.Asked) -> Posterior:
        return served.at(asked.site).posterior

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

    @api.post("/read", tags=["person"])
    def read(asked: schema.About) -> schema.ReadOut:
        """Read a person; what cannot be read is left out and reported."""
        reading = read_form(served.posterior, asked.person)
        return schema.ReadOut(
            accepted=dict(reading.accepted),
            evidence=dict(reading.evidence),
            says=[
                schema.Meaning(question=name, node=node, state=state)
                for name, (node, state) in reading.says.items()
            ],
            problems=[
                schema.Trouble(question=name, detail=detail)
                for name, detail in reading.problems.items()
            ],
        )

    @api.post("/risk", tags=["seeing"], response_model=schema.RiskOut)
    def ask_risk(request: Request, asked: schema.Asked) -> Any:
        """Return how likely the target is, beside the average."""
        with turns.take(request):
            return risk(at(asked), asked.person, target=asked.target).to_dict()

    @api.post("/diagnose", tags=["seeing"], response_model=schema.DiagnosisOut)
    def ask_diagnose(request: Request, asked: schema.Asked) -> Any:
        """Return which state each unobserved node is likely to be in."""
        with turns.take(request):
            return diagnose(at(asked), asked.person, target=asked.target).to_dict()

    @api.post("/cascade", tags=["seeing"])
    def ask_cascade(request: Request, asked: schema.Asked) -> schema.CascadeOut:
        """Return the likely states over the whole graph, and the routes that carry the risk."""
        with turns.take(request):
            return _cascade(served.at(asked.site), asked)

    @api.post("/intervene", tags=["doing"], response_model=schema.ContrastOut)
    def ask_intervene(request: Request, asked: schema.Changed) -> Any:
        """Return what the risk would be if nodes were set."""
        with turns.take(request):
            return intervene(at(asked), asked.person, asked.do, target=asked.target).to_dict()

    @api.post("/counterfactual", tags=["counterfactual"], response_model=schema.ContrastOut)
    def ask_counterfactual(request: Request, asked: schema.Imagined) -> Any:
        """Return what would have been for this very person."""
        with turns.take(request, slow=_looks_back(served.posterior, asked)):
            return counterfactual(
                at(asked), asked.person, asked.do, target=asked.target, coupling=asked.coupling
            ).to_dict()

    @api.post("/what-if", tags=["doing"])
    def ask_what_if(request: Request, asked: schema.Changed) -> schema.WhatIfOut:
        """Compare before and after a change, on the rung that the answers allow."""
        with turns.take(request, slow=_looks_back(served.posterior, asked)):
            rung, answer = _what_if(at(asked), asked.person, asked.do, asked.target)
        return schema.WhatIfOut(rung=rung, answer=schema.ContrastOut(**answer.to_dict()))

    @api.post(
        "/attribute",
        tags=["counterfactual"],
        response_model=schema.AttributionOut,
        response_model_exclude_unset=True,
    )
    def ask_attribute(request: Request, asked: schema.Attributed) -> Any:
        """Return the causes that this person's outcome, or risk, goes back to."""
        with turns.take(request, slow=asked.method not in _QUICK_METHODS):
            return attribute(
                at(asked),
                asked.person,
                asked.causes,
                method=asked.method,  # type: ignore[arg-type]  # checked there, with a suggestion
                level=asked.level,  # type: ignore[arg-type]
                target=asked.target,
                baseline=asked.baseline,  # type: ignore[arg-type]
                coupling=asked.coupling,
            ).to_dict()

    @api.post("/recommend", tags=["advice"], response_model=schema.RecommendationOut)
    def ask_recommend(request: Request, asked: schema.Asked) -> Any:
        """Rank what could be changed by how far it would lower the risk."""
        with turns.take(request):
            return recommend(at(asked), asked.person, target=asked.target).to_dict()

    @api.post(
        "/ask-next",
        tags=["advice"],
        response_model=schema.QuestionsOut,
        response_model_exclude_unset=True,
    )
    def ask_ask_next(request: Request, asked: schema.AskedNext) -> Any:
        """Return which unanswered question would tell the most."""
        with turns.take(request):
            return ask_next(at(asked), asked.person, target=asked.target, gain=asked.gain).to_dict()

    if can_print():

        @api.post(
            "/report.pdf",
            tags=["report"],
            response_class=Response,
            responses={200: {"content": {"application/pdf": {}}}},
        )
        def ask_report(request: Request, asked: schema.Asked) -> Response:
            """Return all answers as a report of two pages."""
            with turns.take(request, slow=True):
                answers = person_answers(at(asked), asked.person, target=asked.target)
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
            raise HTTPException(503, say("web.refused.busy"), {"retry-after": "5"})
        try:
            if from_thread.run(request.is_disconnected):
                raise HTTPException(503, say("web.refused.gone"))
            yield
        finally:
            free.release()


def _looks_back(posterior: Posterior, asked: schema.Asked) -> bool:
    """Whether a question with two worlds has the outcome seen in one of them: much to compute."""
    target = read_target(posterior.graph, asked.target)
    return target.node in read_person(posterior, asked.person)


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


def _cascade(place: Place, asked: schema.Asked) -> schema.CascadeOut:
    posterior = place.posterior
    found = flow(posterior, asked.person, place.chances, target=asked.target)
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
