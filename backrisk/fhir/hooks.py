"""A CDS Hooks 2.0 service: one card about the patient whose chart is opened.

The client fetches the answers beforehand; nothing is fetched from here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from backrisk._arguments import checked, shown
from backrisk.errors import BackriskError
from backrisk.fhir.answering import Answers
from backrisk.fhir.asking import demand_moment, questionnaire_url
from backrisk.fhir.assessing import closing, maker
from backrisk.fhir.problems import FhirError, Issue
from backrisk.posterior import Posterior
from backrisk.queries import consult, what_to_ask
from backrisk.words import disclaimer, estimate, interval_name, say

HOOK = "patient-view"
SERVICE = "backrisk"
PREFETCH = "answers"
_SUMMARY = 140  # characters; CDS Hooks asks for fewer
_LISTED = 5  # issues that a card tells of


class NotFetched(BackriskError):
    """The client did not fetch beforehand what the service asks for: HTTP 412."""


@checked()
def cds_services(posterior: Posterior, *, url: str | None = None) -> dict[str, Any]:
    """Return the discovery document of the service.

    Parameters
    ----------
    posterior : Posterior
    url : str, optional
        The canonical address of the Questionnaire, where it is not `questionnaire_url`.

    Returns
    -------
    dict

    Examples
    --------
    >>> from backrisk import CausalGraph, Posterior
    >>> g = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    >>> p = Posterior.from_cpts(g, {"x": [[0.5, 0.5]], "y": [[[0.7, 0.3], [0.2, 0.8]]]})
    >>> cds_services(p)["services"][0]["hook"]
    'patient-view'
    """
    form = url or questionnaire_url(posterior)
    wanted = f"QuestionnaireResponse?questionnaire={form}&subject=Patient/{{{{context.patientId}}}}"
    return {
        "services": [
            {
                "hook": HOOK,
                "id": SERVICE,
                "title": _label(posterior),
                "description": say("fhir.hooks.description", disclaimer=disclaimer()),
                "prefetch": {PREFETCH: f"{wanted}&_sort=-authored&_count=1"},
                "usageRequirements": say("fhir.hooks.requirements"),
            }
        ]
    }


def response_in(request: object) -> Mapping[str, Any] | None:
    """Return the answers that a client sends with a hook, None where the patient has none.

    Parameters
    ----------
    request : object
        The body of the request, as read from JSON.

    Returns
    -------
    mapping or None
        The QuestionnaireResponse; of several, that which was given last.

    Raises
    ------
    FhirError
        If it is no request of this hook.
    NotFetched
        If the answers were not fetched.

    Examples
    --------
    >>> request = {"hook": "patient-view", "hookInstance": "1", "context": {"patientId": "7"}}
    >>> response_in({**request, "prefetch": {"answers": None}}) is None
    True
    """
    if not isinstance(request, Mapping):
        raise FhirError([Issue(say("fhir.hooks.no_request", found=shown(request)), "structure")])
    for name in ("hook", "hookInstance", "context"):
        if name not in request:
            raise FhirError([Issue(say("fhir.hooks.lacks", name=name), "required")])
    if request["hook"] != HOOK:
        told = say("fhir.hooks.other_hook", found=shown(request["hook"]), expected=HOOK)
        raise FhirError([Issue(told, "not-supported")])
    prefetch = request.get("prefetch")
    if not isinstance(prefetch, Mapping) or PREFETCH not in prefetch:
        raise NotFetched(say("fhir.hooks.not_fetched", name=PREFETCH))
    found = list(_responses(prefetch[PREFETCH]))
    return max(found, key=lambda each: str(each.get("authored") or ""), default=None)


def card_of(
    posterior: Posterior, answers: Answers, *, address: str, target: str | None = None
) -> dict[str, Any]:
    """Return the card about a patient. Rung: seeing.

    Its number is that of `risk_assessment`: of 100 people who answer like this, how many report
    the target. Where the patient reports it, the card says so, and gives no number.

    Parameters
    ----------
    posterior : Posterior
        At the site of the answers.
    answers : Answers
    address : str
        The page that the card leads to.
    target : str, optional

    Returns
    -------
    dict

    Raises
    ------
    QueryError
    """
    demand_moment(posterior)
    asked = what_to_ask(posterior, answers.person, target)
    label = str(asked.target.label)
    summary: str
    detail: list[str]
    if asked.looking_back:  # what it took takes longer than a card may: the page works it out
        summary = say("fhir.hooks.present", target=label)
        detail = [say("fhir.assessment.present", target=label), say("fhir.hooks.ask_what_it_took")]
    else:
        found = consult(posterior, answers.person, target=target)
        assert found.likely is not None
        summary = found.headline
        numbers = {"target": label, "risk": estimate(found.draws)}
        numbers["average"] = estimate(found.likely.average)
        numbers["population"] = found.likely.population
        key = "fhir.assessment.rationale" if asked.others else "fhir.assessment.population"
        detail = [say(key, **numbers, interval=interval_name())]
        detail.append(say("fhir.assessment.estimand", target=label))
    detail += closing(posterior, (asked.target.node, *asked.evidence), answers)
    return _card(posterior, summary, detail, address)


def refusal_card(posterior: Posterior, error: BackriskError, *, address: str) -> dict[str, Any]:
    """Return the card of answers that could not be read: it says why, and estimates nothing.

    Parameters
    ----------
    posterior : Posterior
    error : BackriskError
    address : str

    Returns
    -------
    dict
    """
    issues = error.issues if isinstance(error, FhirError) else (Issue(str(error)),)
    told = [issue.text for issue in issues[:_LISTED]]
    return _card(posterior, say("fhir.hooks.unread"), told, address)


def _card(posterior: Posterior, summary: str, detail: list[str], address: str) -> dict[str, Any]:
    short = summary if len(summary) < _SUMMARY else f"{summary[: _SUMMARY - 2]}…"
    return {
        "summary": short,
        "detail": "\n\n".join(map(str, detail)),
        "indicator": "info",
        "source": {"label": _label(posterior), "url": address},
        "links": [{"label": say("fhir.hooks.page"), "url": address, "type": "absolute"}],
    }


def _label(posterior: Posterior) -> str:
    graph = posterior.graph
    return say("fhir.hooks.source", made=maker(), graph=graph.title or graph.name)


def _responses(fetched: object) -> Iterator[Mapping[str, Any]]:
    """Yield the responses in what a client fetched: a resource, or a Bundle of them."""
    if not isinstance(fetched, Mapping):
        return
    kind = fetched.get("resourceType")
    if kind == "QuestionnaireResponse":
        yield fetched
    entries = fetched.get("entry")
    if kind == "Bundle" and isinstance(entries, list):
        for entry in entries:
            if isinstance(entry, Mapping):
                yield from _responses(entry.get("resource"))
