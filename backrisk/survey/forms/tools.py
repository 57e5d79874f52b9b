"""Tables as Qualtrics, LimeSurvey, Google Forms or anybody writes them, as far as they explain."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from typing import Any, Literal

from backrisk.errors import SurveyError
from backrisk.survey.forms.fields import Field, Form, plain, unit_said
from backrisk.survey.forms.judging import judged, missing_codes
from backrisk.survey.forms.matching import key, no_answer
from backrisk.survey.forms.redcap import mergeable, rows_of
from backrisk.survey.forms.text import Cells, Table, read_table
from backrisk.survey.selection import EVENT, REPEATS
from backrisk.words import choices, say, suggest

TOOLS = ("qualtrics", "limesurvey", "google")
IMPORT = "ImportId"  # in the third row of what Qualtrics exports
_QUALTRICS = frozenset(
    key(name)
    for name in (
        "StartDate", "EndDate", "Status", "IPAddress", "Progress", "Duration",
        "Finished", "RecordedDate", "ResponseId", "RecipientLastName", "RecipientFirstName",
        "RecipientEmail", "ExternalReference", "LocationLatitude", "LocationLongitude",
        "DistributionChannel", "UserLanguage",
    )
)  # fmt: skip
_TIMING = ("_FirstClick", "_LastClick", "_ClickCount", "_PageSubmit")
_LIMESURVEY = frozenset(
    ("id", "responseid", "submitdate", "datesubmitted", "lastpage", "startlanguage", "seed",
     "startdate", "datestarted", "datestamp", "datelastaction", "token", "accesscode", "ipaddr",
     "ipaddress", "refurl", "referrerurl", "interviewtime", "totaltime")
)  # fmt: skip
_LIME_CODE = re.compile(r"(?P<code>[A-Za-z]\w*)(?:\[(?P<sub>[^\]]*)\])?(?:\.\s+(?P<text>.+))?")
_LIME_LABELS = {"Y": "Yes", "N": "No", "M": "Male", "F": "Female", "-oth-": "Other"}
_GRID = re.compile(r"(?P<text>.+?)\s*\[(?P<sub>[^\]]+)\]")


def form_of(
    path: object, tool: Literal["qualtrics", "limesurvey", "google"] | None, **reading: Any
) -> tuple[Table, Form]:
    """Return a table, and what it says of itself.

    Raises
    ------
    SurveyError
        It cannot be read, or is not of the tool that is named.
    """
    if tool is not None and tool not in TOOLS:
        near = suggest(tool, TOOLS)
        raise SurveyError(say("survey.forms.no_tool", tool=tool, known=choices(TOOLS), near=near))
    table = read_table(path, **reading)
    qualtrics = len(table.rows) > 1 and any(IMPORT in cell for cell in table.rows[1])
    if qualtrics and tool in (None, "qualtrics"):
        return _qualtrics(read_table(path, skip=2, **reading), table.rows[0])
    if tool == "qualtrics":
        raise SurveyError(say("survey.forms.not_qualtrics", file=table.name))
    if tool == "limesurvey":
        return table, _form(table, [_lime(name, cells) for name, cells in _columns(table)])
    told = [_told(_any(name, cells), cells, table) for name, cells in _columns(table)]
    table = replace(table, columns=tuple(cells for _, cells in told))
    form = _form(table, [each for each, _ in told])
    refusals = {
        each.name: tuple(code for label, code in codes.items() if no_answer(label))
        for each in form.fields
        if each.kind == "number" and (codes := table.codes.get(each.name))
    }
    missing = {
        name: tuple(dict.fromkeys((*refusals.get(name, ()), *form.missing.get(name, ()))))
        for name in {**refusals, **form.missing}
    }
    form = replace(form, missing={name: each for name, each in missing.items() if each})
    if EVENT not in table.header or table.header[0] == EVENT:
        return table, form
    # An export of REDCap without its dictionary: it begins with what names a person.
    inputs = tuple(Field(name, "text") for name in REPEATS if name in table.header)
    fields = tuple(each for each in form.fields if each.name not in REPEATS)
    person = table.header[0]
    fields = tuple(replace(e, kind="closed") if e.name == person else e for e in fields)
    rows, row_choices, empty = rows_of(table, table.header, fields)
    events = mergeable(table, table.header, fields, person, rows)
    about = {"rows": rows, "row_choices": row_choices, "empty": empty, "events": events}
    return table, replace(form, fields=fields, inputs=inputs, **about)  # type: ignore[arg-type]


def _columns(table: Table) -> list[tuple[str, Cells]]:
    return list(zip(table.header, table.columns, strict=True))


def _form(table: Table, fields: list[Field]) -> Form:
    pairs = zip(fields, table.columns, strict=True)
    columns = {each.name: (each, cells) for each, cells in pairs}
    return Form(tuple(fields), missing=missing_codes(columns))


def _told(each: Field, cells: Cells, table: Table) -> tuple[Field, Cells]:
    """Return a column with the question and the labels that the file itself has for it."""
    found = replace(each, question=plain(table.titles.get(each.name, each.question)))
    codes = table.codes.get(each.name, {})
    if codes and all(text in codes for text in cells.counts):
        choices = {code: label for label, code in codes.items()}
        return replace(found, kind="choice", choices=choices), cells
    if codes:  # of a scale whose ends alone have labels, the codes are numbers like the others
        coded = Cells(Counter(), cells.filled)
        for text, count in cells.counts.items():
            coded.counts[codes.get(text, text)] += count
        cells, found = coded, replace(judged(each.name, coded), question=found.question)
    if found.kind == "number":
        found = replace(found, unit=unit_said(found.question, each.name))
    return found, cells


def _qualtrics(table: Table, questions: tuple[str, ...]) -> tuple[Table, Form]:
    fields = []
    for (name, cells), question in zip(_columns(table), questions, strict=True):
        each = replace(judged(name, cells), question=plain(question))
        if key(name.partition("(")[0]) in _QUALTRICS or name.endswith(_TIMING):
            each = replace(each, kind="closed")
        fields.append(each)
    form = _form(table, fields)
    for column, wanted in (("Finished", ("1", "true")), ("Status", ()), ("UserLanguage", ())):
        if (found := table.column(column)) is not None and found.filled:
            told = say("survey.forms.comma").join(
                say("survey.forms.event", event=cell, rows=count)
                for cell, count in found.counts.most_common()
            )
            rows = {column: wanted or tuple(found.counts)}
            return table, replace(form, rows=rows, row_choices={column: told})
    raise SurveyError(say("survey.forms.no_finished", file=table.name))


def _lime(name: str, cells: Cells) -> Field:
    found = judged(name, cells)
    match = _LIME_CODE.fullmatch(name)
    code = match["code"] if match else name
    if key(name) in _LIMESURVEY or code.lower().endswith("time") or code.startswith("groupTime"):
        return replace(found, kind="closed")
    text = plain((match and match["text"]) or ("" if match else name))
    sub = (match and match["sub"]) or ""
    if sub in ("other", "comment") or sub.endswith("comment"):
        return replace(found, kind="text", question=text)
    if found.kind == "choice":
        labels = {code: _LIME_LABELS.get(code, label) for code, label in found.choices.items()}
        box = _GRID.fullmatch(text) if set(labels) == {"Y"} else None
        if box:
            found = replace(found, box=box["sub"], group=code, asks=box["text"])
        found = replace(found, choices=labels)
    return replace(found, question=text)


def _any(name: str, cells: Cells) -> Field:
    """Return a column whose header may be a question, as Google Forms writes them."""
    found = judged(name, cells)
    words = len(name.split()) > 1
    grid = _GRID.fullmatch(name)
    question = say("survey.forms.grid", question=grid["text"], row=grid["sub"]) if grid else name
    return replace(found, question=question) if words else found
