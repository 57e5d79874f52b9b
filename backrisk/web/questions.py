"""Every question of the programming interface, each the Python function of the same name.

They are computed where they are asked, in a thread or in a process of their own, so that both give
the same answer. What goes in and what comes out can be pickled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from backrisk.fhir import Answers, assessed, card_of, guided
from backrisk.posterior import Posterior
from backrisk.queries import (
    Contrast,
    FollowUp,
    ask_next,
    attribute,
    consult,
    counterfactual,
    diagnose,
    flow,
    follow_up,
    forecast,
    intervene,
    read_form,
    read_person,
    read_target,
    recommend,
    red_flags,
    review,
    risk,
    target_for,
    what_to_ask,
)
from backrisk.report import demand_room, person_answers, read_kind, render_person
from backrisk.web import schema
from backrisk.web.served import Place, Served

_QUICK_METHODS = ("diagnostic",)


@dataclass(frozen=True)
class Question:
    """What is asked, under which address.

    Parameters
    ----------
    name : str
        A key of `QUESTIONS`.
    asked : schema.About
    """

    name: str
    asked: Any


@dataclass(frozen=True)
class OfAnswers:
    """A question about answers that came as a FHIR resource.

    Parameters
    ----------
    answers : Answers
    target : str, optional
    address : str
        The page that a card leads to.
    """

    answers: Answers
    target: str | None = None
    address: str = ""

    @property
    def site(self) -> str | None:
        """The site that the answers name."""
        return self.answers.site


def answer(served: Served, question: Question) -> Any:
    """Return the answer as the programming interface sends it."""
    asked = question.asked
    if isinstance(asked, schema.Asked):
        # Whatever the question, its target is the one that a consultation opens on.
        target = target_for(_at(served, asked), asked.person, asked.target)
        asked = asked.model_copy(update={"target": target})
    return QUESTIONS[question.name](served, asked)


def is_slow(served: Served, question: Question) -> bool:
    """Whether a question may take long: one over many worlds, or many questions in one.

    Raises
    ------
    BackriskError
        If what is asked cannot be read.
    """
    name, asked = question.name, question.asked
    if name in ("counterfactual", "what-if"):
        # With the outcome seen in one of two worlds there is much to compute.
        target = read_target(served.posterior.graph, asked.target)
        return target.node in read_person(served.posterior, asked.person)
    if name == "consult":
        return what_to_ask(served.posterior, asked.person, asked.target).looking_back
    if name == "attribute":
        return asked.method not in _QUICK_METHODS
    return name in (
        *("recommend", "ask-next", "report", "forecast", "review", "plan", "advice"),
        *("fhir-assess", "fhir-guide"),
    )


def _at(
    served: Served,
    asked: schema.Asked | schema.Flagged | schema.Followed | schema.AskedOverTime | OfAnswers,
) -> Posterior:
    return served.at(asked.site).posterior


def _read(served: Served, asked: schema.About) -> Any:
    return _understood(served, asked.person)


def _read_history(served: Served, asked: schema.AboutHistory) -> Any:
    return schema.ReadHistoryOut(visits=[_understood(served, each) for each in asked.history])


def _understood(served: Served, person: Mapping[str, Any]) -> schema.ReadOut:
    reading = read_form(served.posterior, person)
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


def _flags(served: Served, asked: schema.Flagged) -> Any:
    return red_flags(_at(served, asked), asked.person, asked.flags).to_dict()


def _consult(served: Served, asked: schema.Asked) -> Any:
    return consult(_at(served, asked), asked.person, target=asked.target).to_dict()


def _risk(served: Served, asked: schema.Asked) -> Any:
    return risk(_at(served, asked), asked.person, target=asked.target).to_dict()


def _diagnose(served: Served, asked: schema.Asked) -> Any:
    return diagnose(_at(served, asked), asked.person, target=asked.target).to_dict()


def _intervene(served: Served, asked: schema.Changed) -> Any:
    return intervene(_at(served, asked), asked.person, asked.do, target=asked.target).to_dict()


def _counterfactual(served: Served, asked: schema.Imagined) -> Any:
    return counterfactual(
        _at(served, asked), asked.person, asked.do, target=asked.target, coupling=asked.coupling
    ).to_dict()


def _what_if(served: Served, asked: schema.Changed) -> Any:
    rung, contrast = _before_and_after(_at(served, asked), asked.person, asked.do, asked.target)
    return schema.WhatIfOut(rung=rung, answer=schema.ContrastOut(**contrast.to_dict()))


def _before_and_after(
    posterior: Posterior, person: Mapping[str, Any], do: Mapping[str, str], target: str | None
) -> tuple[str, Contrast]:
    """Ask by doing, or by looking back where an answer lies downstream of the change."""
    graph = posterior.graph
    evidence = read_person(posterior, person)
    reached = frozenset().union(*(graph.descendants(n) for n in do if n in graph.names))
    if reached & set(evidence):
        return "counterfactual", counterfactual(posterior, person, do, target=target)
    return "intervene", intervene(posterior, person, do, target=target)


def _attribute(served: Served, asked: schema.Attributed) -> Any:
    return attribute(
        _at(served, asked),
        asked.person,
        asked.causes,
        method=asked.method,  # type: ignore[arg-type]  # checked there, with a suggestion
        level=asked.level,  # type: ignore[arg-type]
        target=asked.target,
        baseline=asked.baseline,  # type: ignore[arg-type]
        coupling=asked.coupling,
    ).to_dict()


def _recommend(served: Served, asked: schema.Asked) -> Any:
    return recommend(_at(served, asked), asked.person, target=asked.target).to_dict()


def _ask_next(served: Served, asked: schema.AskedNext) -> Any:
    return ask_next(
        _at(served, asked), asked.person, target=asked.target, gain=asked.gain
    ).to_dict()


def _follow_up(served: Served, asked: schema.Followed) -> Any:
    return _compared(served, asked.before, asked.after.model_dump(), asked).to_dict()


def _compared(
    served: Served,
    before: schema.SavedIn,
    after: Mapping[str, Any],
    asked: schema.Followed | schema.Reported,
) -> FollowUp:
    """Compare a file with an earlier one, by the earlier model too where the server holds it."""
    model = before.backrisk.get("model")
    return follow_up(
        _at(served, asked),
        before.model_dump(),
        after,
        earlier=served.earlier_at(model if isinstance(model, str) else None, asked.site),
        target=asked.target,
    )


def _forecast(served: Served, asked: schema.Forecasted) -> Any:
    posterior = _at(served, asked)
    return forecast(
        posterior, asked.history, asked.periods, target=asked.target, plan=asked.plan
    ).to_dict()


def _review(served: Served, asked: schema.Reviewed) -> Any:
    return review(_at(served, asked), asked.history, asked.visits, target=asked.target).to_dict()


def _plan(served: Served, asked: schema.Planned) -> Any:
    return intervene(
        _at(served, asked),
        asked.history,
        asked.do,
        target=asked.target,
        from_=asked.from_,
        until=asked.until,
        period=asked.period,
    ).to_dict()


def _advice(served: Served, asked: schema.Advised) -> Any:
    return recommend(
        _at(served, asked), asked.history, target=asked.target, periods=asked.periods
    ).to_dict()


def _report(served: Served, asked: schema.Reported) -> Any:
    kind = read_kind(asked.kind)  # refused before the work
    if asked.before is not None:
        demand_room(kind)
    posterior = _at(served, asked)
    answers = person_answers(posterior, asked.person, target=asked.target, flags=asked.flags)
    if asked.before is not None:
        found = _compared(served, asked.before, asked.person, asked)
        answers = replace(answers, followed=found)
    return render_person(replace(answers, all_draws=served.drawn), ".pdf", kind=kind)


def _cascade(served: Served, asked: schema.Asked) -> Any:
    place: Place = served.at(asked.site)
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


def _assess(served: Served, asked: OfAnswers) -> Any:
    return assessed(_at(served, asked), asked.answers, target=asked.target)


def _guide(served: Served, asked: OfAnswers) -> Any:
    return guided(_at(served, asked), asked.answers, target=asked.target)


def _card(served: Served, asked: OfAnswers) -> Any:
    return card_of(_at(served, asked), asked.answers, address=asked.address, target=asked.target)


QUESTIONS: dict[str, Callable[[Served, Any], Any]] = {
    "read": _read,
    "read-history": _read_history,
    "flags": _flags,
    "consult": _consult,
    "risk": _risk,
    "diagnose": _diagnose,
    "cascade": _cascade,
    "intervene": _intervene,
    "counterfactual": _counterfactual,
    "what-if": _what_if,
    "attribute": _attribute,
    "recommend": _recommend,
    "ask-next": _ask_next,
    "follow-up": _follow_up,
    "report": _report,
    "forecast": _forecast,
    "review": _review,
    "plan": _plan,
    "advice": _advice,
    "fhir-assess": _assess,
    "fhir-guide": _guide,
    "cds-card": _card,
}
