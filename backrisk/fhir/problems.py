"""What is wrong with a resource, each with its place, as one error or as an OperationOutcome."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from backrisk.errors import QueryError


@dataclass(frozen=True)
class Issue:
    """One entry of an OperationOutcome.

    Parameters
    ----------
    text : str
        The sentence a person reads.
    code : str
        Of FHIR's IssueType: what kind of trouble it is.
    expression : str
        A FHIRPath of the element; empty where the whole resource is meant.
    severity : {"error", "warning"}
        A warning is told beside the answer; an error stands in place of it.
    """

    text: str
    code: str = "value"
    expression: str = ""
    severity: Literal["error", "warning"] = "error"


class FhirError(QueryError):
    """A resource that cannot be used; carries every issue found.

    Parameters
    ----------
    issues : iterable of Issue

    Examples
    --------
    >>> error = FhirError([Issue("No answer."), Issue("Another form.", severity="warning")])
    >>> str(error), len(error.issues)
    ('No answer.', 2)
    """

    def __init__(self, issues: Iterable[Issue]) -> None:
        self.issues = tuple(issues)
        super().__init__("\n".join(i.text for i in self.issues if i.severity == "error"))

    def __reduce__(self) -> tuple[Any, ...]:
        """Keep the issues when pickled."""
        return type(self), (self.issues,)


def operation_outcome(issues: Iterable[Issue]) -> dict[str, Any]:
    """Return issues as an OperationOutcome.

    Parameters
    ----------
    issues : iterable of Issue
        At least one.

    Returns
    -------
    dict

    Examples
    --------
    >>> operation_outcome([Issue("No.", "not-found")])["issue"]
    [{'severity': 'error', 'code': 'not-found', 'diagnostics': 'No.'}]
    """
    told = []
    for issue in issues:
        entry: dict[str, Any] = {
            "severity": issue.severity,
            "code": issue.code,
            "diagnostics": issue.text,
        }
        if issue.expression:
            entry["expression"] = [issue.expression]
        told.append(entry)
    return {"resourceType": "OperationOutcome", "issue": told}
