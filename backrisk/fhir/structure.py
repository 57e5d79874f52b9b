"""The structure of a resource that comes in: FHIR's own rules, by the package ``fhir.resources``.

What its values mean is no matter here. R4B, which the package has, defines the resources that are
read exactly as R4 does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from backrisk._arguments import shown
from backrisk.fhir.problems import FhirError, Issue
from backrisk.words import say

_MOST = 20  # issues that one refusal lists
# By Pydantic's names of what is wrong; every other is a value.
_CODES = {"extra_forbidden": "structure", "missing": "required"}


def demand_structure(resource: object) -> Mapping[str, Any]:
    """Refuse what is not a QuestionnaireResponse, by FHIR's rules of structure.

    Parameters
    ----------
    resource : object
        As read from JSON.

    Returns
    -------
    mapping
        The resource as it came.

    Raises
    ------
    FhirError
        Every place at which it breaks a rule; or the package that knows them is not installed.
    """
    kind = "QuestionnaireResponse"
    if not isinstance(resource, Mapping):
        found = shown(resource)
        raise FhirError([Issue(say("fhir.no_resource", kind=kind, found=found), "structure")])
    named = resource.get("resourceType")
    if named != kind:
        found = shown(named)
        raise FhirError([Issue(say("fhir.other_resource", kind=kind, found=found), "structure")])
    try:  # only now: the package takes a second to import
        from fhir.resources.R4B.questionnaireresponse import QuestionnaireResponse
    except ModuleNotFoundError:
        raise FhirError([Issue(say("fhir.needs_package"), "not-supported")]) from None
    try:
        QuestionnaireResponse.model_validate(dict(resource))
    except ValidationError as error:
        raise FhirError(_issues(error, kind)) from None
    return resource


def _issues(error: ValidationError, kind: str) -> list[Issue]:
    issues = []
    for each in error.errors(include_url=False)[:_MOST]:
        place = _place(kind, each["loc"])
        told = say("fhir.structure", place=place, why=each["msg"].rstrip("."))
        issues.append(Issue(told, _CODES.get(each["type"], "value"), place))
    return issues


def _place(kind: str, location: tuple[int | str, ...]) -> str:
    """Return a place as FHIRPath has it.

    Examples
    --------
    >>> _place("QuestionnaireResponse", ("item", 0, "linkId"))
    'QuestionnaireResponse.item[0].linkId'
    """
    return kind + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
