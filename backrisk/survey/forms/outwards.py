"""A codebook as a REDCap data dictionary, from which a clinic builds the survey."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from backrisk._arguments import checked
from backrisk.errors import SurveyError
from backrisk.survey.codebook import Codebook
from backrisk.survey.forms.redcap import HEADER, OWN
from backrisk.survey.schema import Column
from backrisk.survey.selection import REPEATS
from backrisk.words import say

_PERSON = "record_id"
_ABOUT = "codebook"  # the field that carries what belongs to no column
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_COLUMN = re.compile(r"\[\s*([^\[\]()]*[^\[\]()\s])")  # of a condition
_CODE = re.compile(r"[A-Za-z0-9._-]+")


@checked()
def redcap_dictionary(codebook: Codebook) -> str:
    """Return the data dictionary of a survey that asks what a codebook reads.

    Uploaded to an empty REDCap project it makes the questions, with their labels and ranges. What
    REDCap has no place for (nodes, cut points, reliabilities) stands in the field annotations, so
    that `draft_codebook` makes the codebook again from the project's own dictionary. Names of
    columns become lower case; answers get their label as their code, where REDCap allows it.

    Parameters
    ----------
    codebook : Codebook

    Returns
    -------
    str
        A CSV file with REDCap's header.

    Raises
    ------
    SurveyError
        Two columns would have the same name in REDCap.

    Examples
    --------
    >>> from backrisk.survey import load_codebook
    >>> lines = redcap_dictionary(load_codebook("runner")).splitlines()
    >>> next(line for line in lines if line.startswith("sex,")).partition("@")[0]
    'sex,survey,,radio,Which sex were you assigned at birth?,"male, male | female, female",...'
    """
    names = _names(codebook)
    person = _PERSON if codebook.one_row_per is None else names[codebook.one_row_per.column]
    rows = [{HEADER[0]: person, HEADER[3]: "text", HEADER[4]: say("survey.forms.record_id")}]
    about = {
        "name": codebook.name,
        **{k: v for k, v in codebook.to_dict().items() if k not in ("columns", "name")},
    }
    rows.append(
        {
            HEADER[0]: _ABOUT,
            HEADER[3]: "descriptive",
            HEADER[4]: codebook.title or codebook.name,
            HEADER[-1]: _annotation(renamed(about, names)),
        }
    )
    dumped = codebook.to_dict()["columns"]
    for name, spec in codebook.columns.items():
        if name in names and names[name] != person:
            rows.append(_row(names[name], spec, renamed(dumped[name], names)))
    for name in _others(codebook):
        if names[name] != person:
            rows.append({HEADER[0]: names[name], HEADER[3]: "text", HEADER[4]: name})
    out = io.StringIO()
    writer = csv.DictWriter(out, HEADER, restval="", lineterminator="\n")
    writer.writeheader()
    form = say("survey.forms.form")
    writer.writerows({HEADER[1]: form, **row} for row in rows)
    return out.getvalue()


def _others(codebook: Codebook) -> list[str]:
    """Return the columns that a codebook needs beside those it measures by."""
    named: list[str | None] = [codebook.site, codebook.weight]
    if codebook.one_row_per is not None:
        named += [codebook.one_row_per.column, codebook.one_row_per.by]
    return [
        name
        for name in dict.fromkeys(named)
        if name and name not in codebook.columns and name not in REPEATS
    ]


def _names(codebook: Codebook) -> dict[str, str]:
    """Return the name in REDCap of every column."""
    found: dict[str, str] = {}
    for name in [*codebook.columns, *_others(codebook)]:
        if name in REPEATS or name.endswith("_complete"):
            continue  # REDCap has its own
        short = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") or "field"
        short = name if _NAME.fullmatch(name) else short
        short = short if short[0].isalpha() else f"q_{short}"
        if short in found.values() or short == _ABOUT:
            first = next((n for n, s in found.items() if s == short), short)
            raise SurveyError(say("survey.forms.same_name", first=first, second=name, name=short))
        found[name] = short
    return found


def renamed(spec: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Return keys of a codebook with other names for its columns."""

    def within(key: str, value: Any) -> Any:
        if key in ("site", "weight", "column", "by") and isinstance(value, str):
            return names.get(value, value)
        if key in ("from", "any", "ignore") and isinstance(value, list | tuple):
            return [names.get(each, each) for each in value]
        if key == "when" and isinstance(value, str):
            return _COLUMN.sub(lambda m: f"[{names.get(m[1], m[1])}", value)
        if isinstance(value, Mapping) and key not in ("labels", "choices", "misclassification"):
            return {each: within(each, inner) for each, inner in value.items()}
        if isinstance(value, list | tuple):
            return [within("", each) for each in value]
        return value

    return {key: within(key, value) for key, value in spec.items()}


def _annotation(keys: Mapping[str, Any]) -> str:
    return OWN + json.dumps(keys, ensure_ascii=False)


def _codes(labels: Iterable[str]) -> dict[str, str]:
    """Return a code that REDCap allows for each label: the label itself, or one made of it."""
    found: dict[str, str] = {}
    for label in labels:
        code = label if _CODE.fullmatch(label) else re.sub(r"[^A-Za-z0-9]+", "_", label).strip("_")
        while not code or code in found.values():
            code += "_"
        found[label] = code
    return found


def _row(name: str, spec: Column, keys: dict[str, Any]) -> dict[str, str]:
    row = {HEADER[0]: name, HEADER[3]: "text", HEADER[4]: keys.pop("question", name)}
    if spec.unit:
        row[HEADER[6]] = spec.unit
    if "asked_if" in keys:
        row[HEADER[11]] = keys["asked_if"]["when"]
    if spec.type == "number":
        row[HEADER[7]] = "number"
        keys.pop("type")
        if spec.range:
            ends = (f"{end:.15g}" if math.isfinite(end) else "" for end in spec.range)
            row[HEADER[8]], row[HEADER[9]] = ends
            keys.pop("range")
    elif spec.labels:
        codes = (
            dict(zip(spec.labels, spec.labels, strict=True))
            if spec.choices
            else _codes(spec.labels)
        )
        shown = spec.choices or {code: label for label, code in codes.items()}
        row[HEADER[3]] = "radio"
        row[HEADER[5]] = " | ".join(f"{code}, {shown.get(code, code)}" for code in codes.values())
        keys["labels"] = {codes[label]: state for label, state in spec.labels.items()}
        keys.pop("choices", None)
    else:
        row[HEADER[3]] = "notes"
    row[HEADER[-1]] = _annotation(keys)
    return row
