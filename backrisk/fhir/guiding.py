"""What to ask next, as a GuidanceResponse."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backrisk._arguments import checked
from backrisk.fhir.answering import Answers, read_response
from backrisk.fhir.asking import demand_moment, questionnaire_url
from backrisk.fhir.assessing import closing, subject_of
from backrisk.fhir.problems import operation_outcome
from backrisk.posterior import Posterior
from backrisk.queries import ask_next, what_to_ask
from backrisk.words import say, spoken

_MESSAGES = "messages"


@checked("response")
def guidance_response(
    posterior: Posterior,
    response: Mapping[str, Any],
    *,
    target: str | None = None,
    url: str | None = None,
) -> dict[str, Any]:
    """Return what should be asked next as a FHIR R4 GuidanceResponse. Rung: seeing.

    Its ``status`` is ``data-required`` where nothing was answered, so that there is nothing
    personal to say; ``data-requested`` where more answers would tell more; ``success`` where no
    question is left. ``note`` says which questions tell most about the target, as
    `backrisk.ask_next` does.

    Parameters
    ----------
    posterior : Posterior
    response : mapping
        See `read_response`.
    target, url : str, optional
        As for `risk_assessment`.

    Returns
    -------
    dict
        Its module is the Questionnaire; what was not read stands in a contained OperationOutcome.

    Raises
    ------
    QueryError
        If the response or the target is not understood, or the answers are impossible.

    Notes
    -----
    The answer about the target itself is set aside: with it, no other would tell anything.

    Examples
    --------
    >>> from backrisk import CausalGraph, Posterior
    >>> from backrisk.fhir import questionnaire_response
    >>> states = {"x": ["no", "yes"], "y": ["no", "yes"]}
    >>> g = CausalGraph.from_edges([("x", "y")], states, outcome="y")
    >>> p = Posterior.from_cpts(g, {"x": [[0.5, 0.5]], "y": [[[0.7, 0.3], [0.2, 0.8]]]})
    >>> guidance_response(p, questionnaire_response(p, {}))["status"]
    'data-required'
    """
    answers = read_response(posterior, response, url=url)
    return guided(posterior.at_site(answers.site), answers, target=target, url=url)


def guided(
    posterior: Posterior, answers: Answers, *, target: str | None = None, url: str | None = None
) -> dict[str, Any]:
    """Return what to ask after answers that were read, as `guidance_response` does.

    Parameters
    ----------
    posterior : Posterior
        At the site of the answers.
    answers : Answers
    target, url : str, optional

    Raises
    ------
    QueryError
    """
    demand_moment(posterior)
    asked = what_to_ask(posterior, answers.person, target)
    found = ask_next(posterior, answers.person, target=asked.asked, gain=False)
    left = len(found.table) > 0
    status = "success"
    if left:
        status = "data-requested" if asked.others else "data-required"
    said = [*found.sentences(), *found.notes]
    if not asked.others:
        said.insert(0, say("fhir.guidance.nothing_yet"))
    said += closing(posterior, (asked.target.node, *asked.evidence), answers)
    made: dict[str, Any] = {
        "resourceType": "GuidanceResponse",
        "language": spoken().code,
        "moduleCanonical": url or questionnaire_url(posterior),
        "status": status,
        "subject": subject_of(answers.response),
        "note": [{"text": str(text)} for text in said],
    }
    if "encounter" in answers.response:
        made["encounter"] = answers.response["encounter"]
    if left:
        made["dataRequirement"] = [{"type": "QuestionnaireResponse"}]
    if answers.issues:
        made["contained"] = [{**operation_outcome(answers.issues), "id": _MESSAGES}]
        made["evaluationMessage"] = [{"reference": f"#{_MESSAGES}"}]
    return made
