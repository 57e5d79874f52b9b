"""A column of a codebook as what a form can hold, and as what only an annotation can."""

from __future__ import annotations

from typing import Any

from backrisk.survey.forms.fields import Field
from backrisk.survey.schema import UNDECIDED


def merged(each: Field) -> dict[str, Any]:
    """Return a column's keys: what the form shows as it stands there now, the rest as annotated.

    Parameters
    ----------
    each : Field
        With the keys of its annotation under `own`.
    """
    spec = dict(each.own)
    if each.question:
        spec["question"] = each.question
    if each.kind == "number":
        spec["type"] = "number"
        if each.low is not None or each.high is not None:
            spec["range"] = list(each.ends)
    labels = spec.get("labels")
    if each.kind == "choice" and isinstance(labels, dict):
        choices = {code: label for code, label in each.choices.items() if code != label}
        spec["labels"] = {code: labels.get(code, UNDECIDED) for code in each.choices}
        if choices:
            spec["choices"] = choices
    return spec
