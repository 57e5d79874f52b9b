"""What answers say as a RiskAssessment: how likely the outcome is, or what it took."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import Any

from backrisk._arguments import checked
from backrisk.fhir.answering import Answers, read_response
from backrisk.fhir.asking import demand_moment
from backrisk.graph import CausalGraph
from backrisk.posterior import Posterior
from backrisk.queries import Target, consult, read_person, recommend, red_flags
from backrisk.words import disclaimer, estimate, interval_name, say, spoken

_CONTAINED = "answers"


@checked("response")
def risk_assessment(
    posterior: Posterior,
    response: Mapping[str, Any],
    *,
    target: str | None = None,
    url: str | None = None,
) -> dict[str, Any]:
    """Return what a QuestionnaireResponse says as a FHIR R4 RiskAssessment. Rung: seeing.

    Where the target was not reported to be there, ``prediction`` holds the posterior mean of
    ``P(target | the other answers)``, times 100 as FHIR has it: how many of 100 people who answer
    like this report the target, at the time of their answers. It is about having, not about
    getting, so that no ``when`` is given; its interval stands in ``rationale``. ``mitigation`` is
    what `backrisk.recommend` says (rung: doing).

    Where it was reported, nothing is predicted. Then ``note`` says what it took, as
    `backrisk.consult` does (rung: counterfactual): the probability of necessity of everything that
    was reported adverse, set together, its bounds, and that of each cause.

    Parameters
    ----------
    posterior : Posterior
    response : mapping
        See `read_response`.
    target : str, optional
        As for `backrisk.consult`.
    url : str, optional
        The canonical address of the Questionnaire, where it is not `questionnaire_url`.

    Returns
    -------
    dict
        Its ``basis`` is the response: by reference if it has an ``id``, else contained.

    Raises
    ------
    QueryError
        If the response or the target is not understood, the answers are impossible, or the design
        of the survey leaves every risk unknown.

    Notes
    -----
    The answer about the target is set aside where the target is absent: given it, the risk would
    be no estimate but zero. All that `backrisk.consult` assumes is assumed.

    Examples
    --------
    >>> from backrisk import CausalGraph, Posterior
    >>> from backrisk.fhir import questionnaire_response
    >>> states = {"x": ["no", "yes"], "y": ["no", "yes"]}
    >>> g = CausalGraph.from_edges([("x", "y")], states, outcome="y")
    >>> p = Posterior.from_cpts(g, {"x": [[0.5, 0.5]], "y": [[[0.7, 0.3], [0.2, 0.8]]]})
    >>> found = risk_assessment(p, questionnaire_response(p, {"x": "yes"}))
    >>> found["prediction"][0]["probabilityDecimal"]
    80.0
    """
    answers = read_response(posterior, response, url=url)
    return assessed(posterior.at_site(answers.site), answers, target=target)


def assessed(
    posterior: Posterior, answers: Answers, *, target: str | None = None
) -> dict[str, Any]:
    """Return what answers that were read say, as `risk_assessment` does.

    Parameters
    ----------
    posterior : Posterior
        At the site of the answers.
    answers : Answers
    target : str, optional

    Raises
    ------
    QueryError
    """
    demand_moment(posterior)
    found = consult(posterior, answers.person, target=target)
    label = str(found.target.label)
    made: dict[str, Any] = {
        "resourceType": "RiskAssessment",
        "language": spoken().code,
        **_basis(answers.response),
        "status": "final",
        "method": {"text": method_of(posterior)},
        "code": {"text": say("fhir.assessment.code", target=label)},
        "subject": subject_of(answers.response),
        "performer": {"type": "Device", "display": maker()},
    }
    for taken, given in (("encounter", "encounter"), ("occurrenceDateTime", "authored")):
        if given in answers.response:
            made[taken] = answers.response[given]
    said: list[str]
    if found.likely is None:
        said = [say("fhir.assessment.present", target=label), *found.sentences(), *found.notes]
    else:
        told = {"risk": estimate(found.draws), "average": estimate(found.likely.average)}
        numbers = {"target": label, "population": found.likely.population, **told}
        key = "fhir.assessment.rationale" if found.answered else "fhir.assessment.population"
        made["prediction"] = [
            {
                "outcome": {"text": label},
                "probabilityDecimal": 100 * float(found.draws.mean()),
                "rationale": say(key, **numbers, interval=interval_name()),
            }
        ]
        said = [say("fhir.assessment.estimand", target=label)]
        if found.target.node in read_person(posterior, answers.person):
            said.append(say("fhir.assessment.set_aside", target=label))
        if found.answered and _can_advise(posterior.graph, found.target):
            advice = recommend(posterior, answers.person, target=found.asked)
            made["mitigation"] = " ".join([*advice.sentences(), *advice.notes])
    said += closing(posterior, (found.target.node, *found.evidence), answers)
    made["note"] = [{"text": text} for text in dict.fromkeys(map(str, said))]
    return made


def closing(posterior: Posterior, about: Iterable[str], answers: Answers) -> list[str]:
    """Return what every result says at its end: whom the model is not made for, limits, warnings.

    What was not read is among it.

    Parameters
    ----------
    posterior : Posterior
    about : iterable of str
        The nodes that the result rests on.
    answers : Answers
    """
    said: list[str] = [*red_flags(posterior, answers.person).unfit]
    said.append(say("fhir.assessment.ranges", interval=interval_name()))
    if posterior.meta.get("synthetic"):
        said.append(say("fhir.synthetic"))
    warned = posterior.warnings_about(about)
    said += [say("queries.warning", warning=warning) for warning in warned]
    said += [issue.text for issue in answers.issues]
    return [*said, disclaimer()]


def method_of(posterior: Posterior) -> str:
    """Return what computed the result, and from what."""
    graph = posterior.graph
    told = {"made": maker(), "graph": graph.title or graph.name, "draws": posterior.draws}
    return say("fhir.assessment.method", **told)


def maker() -> str:
    """Return the name and the version of this package."""
    return f"backrisk {version('backrisk')}"


def subject_of(response: Mapping[str, Any]) -> dict[str, Any]:
    """Return whom a response is about: FHIR wants somebody, if only in words."""
    given = response.get("subject") or response.get("source")
    return dict(given) if given else {"display": str(say("fhir.assessment.subject"))}


def _basis(response: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a result rests on: by reference where the response has an address."""
    if "id" in response:
        return {"basis": [{"reference": f"QuestionnaireResponse/{response['id']}"}]}
    # What is contained has no narrative, no version and nothing contained of its own.
    left_out = ("text", "contained", "meta")
    inner = {key: value for key, value in response.items() if key not in left_out}
    return {
        "contained": [{**inner, "id": _CONTAINED}],
        "basis": [{"reference": f"#{_CONTAINED}"}],
    }


def _can_advise(graph: CausalGraph, target: Target) -> bool:
    """Whether there is anything before the target to advise on."""
    return any(graph.node(name).modifiable for name in graph.ancestors(target.node))
