"""What a server of these resources can do: its CapabilityStatement and its operations."""

from __future__ import annotations

from typing import Any

from backrisk._arguments import checked
from backrisk.fhir.asking import form_version, questionnaire_url
from backrisk.fhir.assessing import maker
from backrisk.fhir.terms import address
from backrisk.posterior import Posterior
from backrisk.words import disclaimer, say, spoken

ASSESS, GUIDE = "assess", "guide"
_GIVES = {ASSESS: "RiskAssessment", GUIDE: "GuidanceResponse"}
# CapabilityStatement.date may not be left out: that of the release whose rules these are.
_SINCE = "2026-11-26"


@checked()
def capability_statement(posterior: Posterior, *, base: str) -> dict[str, Any]:
    """Return the CapabilityStatement of a server.

    Parameters
    ----------
    posterior : Posterior
        What it serves.
    base : str
        Its address, ``"https://example.org/fhir"``.

    Returns
    -------
    dict
    """
    operations = [
        {
            "name": name,
            "definition": _operation_url(name),
            "documentation": say(f"fhir.operations.{name}"),
        }
        for name in _GIVES
    ]
    reading = [{"code": "read"}, {"code": "search-type"}]
    return {
        "resourceType": "CapabilityStatement",
        "language": spoken().code,
        "status": "active",
        "date": _SINCE,
        "kind": "instance",
        "software": {"name": "backrisk", "version": maker().partition(" ")[2]},
        "implementation": {"description": str(disclaimer()), "url": base},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json"],
        "rest": [
            {
                "mode": "server",
                "documentation": say("fhir.nothing_kept"),
                "resource": [
                    {
                        "type": "Questionnaire",
                        "interaction": reading,
                        "searchParam": [{"name": "url", "type": "uri"}],
                    },
                    {"type": "OperationDefinition", "interaction": [{"code": "read"}]},
                    {"type": "QuestionnaireResponse", "operation": operations},
                ],
            }
        ],
    }


@checked()
def operation_definition(posterior: Posterior, name: str) -> dict[str, Any]:
    """Return the definition of an operation on a QuestionnaireResponse.

    Parameters
    ----------
    posterior : Posterior
    name : {"assess", "guide"}

    Returns
    -------
    dict

    Raises
    ------
    KeyError
        There is no such operation.
    """
    gives = _GIVES[name]

    def parameter(called: str, use: str, least: int, kind: str) -> dict[str, Any]:
        told = say(f"fhir.parameters.{called}")
        return {
            **{"name": called, "use": use, "min": least, "max": "1"},
            **{"documentation": told, "type": kind},
        }

    return {
        "resourceType": "OperationDefinition",
        "id": name,
        "language": spoken().code,
        "url": _operation_url(name),
        "version": form_version(posterior),
        "name": f"Backrisk{name.capitalize()}",
        "status": "active",
        "kind": "operation",
        "description": say(f"fhir.operations.{name}"),
        "affectsState": False,
        "code": name,
        "comment": say("fhir.form_of", url=questionnaire_url(posterior)),
        "resource": ["QuestionnaireResponse"],
        "system": False,
        "type": True,
        "instance": False,
        "parameter": [
            parameter("response", "in", 1, "QuestionnaireResponse"),
            parameter("target", "in", 0, "string"),
            parameter("return", "out", 1, gives),
        ],
    }


def _operation_url(name: str) -> str:
    return address("OperationDefinition", name)
