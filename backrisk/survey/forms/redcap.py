"""A REDCap project: its data dictionary and, where it is at hand, an export of its data."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from backrisk._spelling import number_of
from backrisk.errors import SurveyError
from backrisk.survey.forms.fields import Field, Form, plain, unit_said
from backrisk.survey.forms.judging import judged, missing_codes
from backrisk.survey.forms.text import Cells, Table, read_grid
from backrisk.survey.logic import BOX, box_column
from backrisk.survey.selection import EVENT, REPEATS, asked, event_parts
from backrisk.words import say

OWN = "@CODEBOOK="  # behind it, in a field's annotation, the keys of the codebook it was made from
TYPES = (
    "text", "notes", "radio", "dropdown", "checkbox", "yesno", "truefalse", "calc", "slider",
    "file", "descriptive", "sql", "advcheckbox", "select", "textarea",
)  # fmt: skip
# The first line of a data dictionary, as REDCap writes it and wants it.
HEADER = tuple(
    next(csv.reader([(files("backrisk.survey.forms") / "redcap.csv").read_text("utf-8")]))
)
# How the columns of a dictionary begin, letters only: of the page, of the interface for programs.
_STARTS = {
    "name": ("variable", "fieldname"),
    "form": ("formname",),
    "type": ("fieldtype",),
    "label": ("fieldlabel",),
    "choices": ("choices", "selectchoices"),
    "hint": ("fieldnote",),
    "validation": ("textvalidationtype", "textvalidation"),
    "low": ("textvalidationmin", "min"),
    "high": ("textvalidationmax", "max"),
    "identifier": ("identifier",),
    "asked_if": ("branchinglogic",),
    "note": ("fieldannotation",),
}
_NEEDED = ("name", "type")
YES_NO = {"1": "Yes", "0": "No"}
TRUE_FALSE = {"1": "True", "0": "False"}
TICKED = {"1": "Checked", "0": "Unchecked"}
COMPLETE = {"0": "Incomplete", "1": "Unverified", "2": "Complete"}
_NUMBERS = re.compile(r"integer|number")
_CODE = re.compile(r"\s*([^,|]*?)\s*,(.*)", re.DOTALL)


@dataclass(frozen=True)
class Entry:
    """One line of a data dictionary, by what its columns are for."""

    name: str
    form: str = ""
    type: str = "text"
    label: str = ""
    choices: str = ""
    hint: str = ""
    validation: str = ""
    low: str = ""
    high: str = ""
    identifier: str = ""
    asked_if: str = ""
    note: str = ""


def read_dictionary(path: str | Path) -> tuple[Entry, ...]:
    """Read the fields of a data dictionary, in its order.

    Raises
    ------
    SurveyError
        It is not a data dictionary, or has no fields.
    """
    file = Path(path).name
    header, *rows = read_grid(path)
    places = _places(header, rows, file)
    entries = [
        Entry(**{part: _cell(part, row[at]) for part, at in places.items() if at < len(row)})
        for row in rows
    ]
    found = tuple(
        replace(each, name=each.name.lower(), type=each.type.lower().strip())
        for each in entries
        if re.fullmatch(r"[A-Za-z]\w*", each.name)
    )
    if not found:
        raise SurveyError(say("survey.forms.no_fields", file=file))
    twice = [name for name, count in Counter(each.name for each in found).items() if count > 1]
    if twice:
        raise SurveyError(say("survey.forms.field_twice", file=file, name=twice[0]))
    return found


def _cell(part: str, text: str) -> str:
    """Return a cell; R writes NA where it is blank."""
    return "" if text == "NA" and part not in ("name", "label") else text


def _places(header: Sequence[str], rows: Sequence[Sequence[str]], file: str) -> dict[str, int]:
    """Return which column of a dictionary is which, by its header or, in translation, by place."""
    letters = [re.sub("[^a-z]", "", name.lower()) for name in header]
    places = {
        part: at
        for part, starts in _STARTS.items()
        for at in [_place(letters, starts)]
        if at is not None
    }
    if all(part in places for part in _NEEDED):
        return places
    types = [row[3].lower() in TYPES for row in rows if len(row) > 11]
    if types and sum(types) >= 0.9 * len(types):
        order = (
            "name", "form", None, "type", "label", "choices", "hint", "validation", "low", "high",
            "identifier", "asked_if", None, None, None, None, None, "note",
        )  # fmt: skip
        return {part: at for at, part in enumerate(order) if part}
    raise SurveyError(say("survey.forms.no_dictionary", file=file, name=HEADER[0], type=HEADER[3]))


def _place(letters: Sequence[str], starts: Sequence[str]) -> int | None:
    """Return the first column whose name is one of some words, or begins with a long one."""
    for at, name in enumerate(letters):
        if name in starts or name.startswith(tuple(each for each in starts if len(each) > 6)):
            return at
    return None


def parse_choices(text: str) -> dict[str, str]:
    """Return the label of each code of a list of choices.

    Examples
    --------
    >>> parse_choices("1, Yes, often | 0, No")
    {'1': 'Yes, often', '0': 'No'}
    >>> parse_choices("1, left|right | 2, <b>both</b>")
    {'1': 'left|right', '2': 'both'}
    >>> parse_choices("red | green")
    {'red': 'red', 'green': 'green'}
    """
    found: list[tuple[str, str]] = []
    parts = re.split(r"\||\r?\n|\\n", text)
    if not any("," in part for part in parts):  # as older versions took them: 1 Yes | 0 No
        spaced = [re.fullmatch(r"\s*(-?\d+)\s+(\S.*?)\s*", part) for part in parts]
        if all(spaced):
            return {match[1]: plain(match[2]) for match in spaced if match}
    coded = any(_coded(part) for part in parts)
    for part in parts:
        if split := _coded(part):
            found.append(split)
        elif coded and found and part.strip():  # a mark within a label
            found[-1] = (found[-1][0], f"{found[-1][1]}|{part.strip()}")
        elif coded and part.strip():  # the first, whose code is none that REDCap takes today
            code, _, label = (piece.strip() for piece in part.partition(","))
            found.append((code, label))
        elif part.strip():
            found.append((part.strip(), part.strip()))
    choices: dict[str, str] = {}
    for code, label in found:
        label = plain(label) or code
        # What a code that is given twice says, is for a person to decide: its label says both.
        twice = code in choices and choices[code] != label
        choices[code] = f"{choices[code]} | {label}" if twice else label
    return choices


def _coded(part: str) -> tuple[str, str] | None:
    match = _CODE.fullmatch(part)
    if match is None or not re.fullmatch(r"[\w.+-]+", match[1]):
        return None
    return match[1], match[2].strip()


def fields_of(entries: Sequence[Entry]) -> tuple[Field, ...]:
    """Return the columns that the data of a dictionary's fields fill."""
    found: list[Field] = []
    for each in entries:
        if each.type == "descriptive" and OWN not in each.note:
            continue
        question, condition = plain(each.label), plain(each.asked_if)
        if each.type in ("checkbox", "advcheckbox"):
            for code, label in parse_choices(each.choices).items():
                found.append(
                    Field(
                        box_column(each.name, code),
                        "closed" if _closed(each) else "choice",
                        say("survey.forms.box", question=question, choice=label),
                        TICKED,
                        form=each.form,
                        asked_if=condition,
                        box=label,
                        group=each.name,
                        asks=question,
                    )
                )
            continue
        kind, choices = _kind(each)
        low, high = number_of(each.low), number_of(each.high)
        if each.type == "slider":
            low, high = (0.0 if low is None else low), (100.0 if high is None else high)
        found.append(
            Field(
                each.name,
                kind,
                question,
                choices,
                low if kind == "number" else None,
                high if kind == "number" else None,
                whole=each.validation == "integer" or each.type == "slider",
                form=each.form,
                asked_if=condition,
                unit=unit_said(plain(each.hint), question, each.name) if kind == "number" else "",
                own=own_keys(each.note),
            )
        )
    return tuple(found)


def own_keys(note: str) -> dict[str, Any]:
    """Return the keys of a codebook that an annotation carries."""
    _, mark, rest = note.partition(OWN)
    if not mark:
        return {}
    try:
        found, _ = json.JSONDecoder().raw_decode(rest)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _closed(each: Entry) -> bool:
    return each.identifier.lower() in ("y", "yes", "1", "true")


def _kind(each: Entry) -> tuple[Literal["choice", "number", "text", "closed"], dict[str, str]]:
    choices: dict[str, str] = {}
    if _closed(each) or each.type == "file":
        return "closed", choices
    if each.type == "yesno":
        return "choice", YES_NO
    if each.type == "truefalse":
        return "choice", TRUE_FALSE
    if each.type in ("radio", "dropdown", "select"):
        choices = parse_choices(each.choices)
        return ("choice" if choices else "text"), choices
    if each.type in ("calc", "slider"):
        return "number", choices
    if each.type == "text" and each.validation:
        return ("number" if _NUMBERS.search(each.validation) else "closed"), choices
    return "text", choices


def form_of(dictionary: str | Path, export: Table | None) -> Form:
    """Return what a dictionary, and an export of the project, say of the project's data.

    Parameters
    ----------
    dictionary : str or Path
    export : Table, optional
        With codes or with labels.

    Raises
    ------
    SurveyError
    """
    entries = read_dictionary(dictionary)
    fields, first = fields_of(entries), entries[0].name
    own = next((each.own for each in fields if each.own.get("name")), {})
    fields = tuple(each for each in fields if each.own is not own or not own)
    fields = tuple(
        replace(each, kind="closed") if each.name == first and not each.own else each
        for each in fields
    )
    forms = list(dict.fromkeys(each.form for each in entries if each.form))
    inputs = tuple(
        Field(f"{form}_complete", "choice", say("survey.forms.complete"), COMPLETE, form=form)
        for form in forms
    )
    if export is None:
        return Form(fields, inputs, own=own)
    cased = {name.lower(): name for name in export.header if BOX in name}
    fields = tuple(replace(each, name=cased.get(each.name, each.name)) for each in fields)
    header = dict(zip(names_of_header(export.header, fields, inputs), export.columns, strict=True))
    if not any(each.name in header for each in fields):
        raise SurveyError(
            say("survey.forms.not_its_export", file=export.name, dictionary=Path(dictionary).name)
        )
    fields = tuple(
        _seen(each, header[each.name]) if each.name in header else each
        for each in fields
        if each.name in header or each.own
    )
    inputs = tuple(each for each in inputs if each.name in header)
    inputs += tuple(Field(n, "text", title) for n, title in REPEATS.items() if n in header)
    rows, told, empty = rows_of(export, list(header), fields)
    person = first if first in header and any(name in header for name in REPEATS) else ""
    order = "redcap_repeat_instance" if "redcap_repeat_instance" in header else ""
    missing = missing_codes({each.name: (each, header[each.name]) for each in fields
                             if each.name in header})  # fmt: skip
    events = mergeable(export, list(header), fields, first, rows)
    return Form(fields, inputs, missing, rows, told, person, order, own, empty, events)


def _seen(each: Field, cells: Cells) -> Field:
    """Return a text that the form does not check as the number that everybody gave."""
    if each.kind != "text" or judged(each.name, cells).kind != "number":
        return each
    return replace(each, kind="number", whole=False)


def names_of_header(
    header: Sequence[str], fields: Sequence[Field], inputs: Sequence[Field]
) -> tuple[str, ...]:
    """Return the fields that an export's header names, whether by name or by question."""
    titles = [(each.name, each.question) for each in (*fields, *inputs)] + list(REPEATS.items())
    known = {name for name, _ in titles}
    by_question: dict[str, list[str]] = {}
    for name, question in titles:
        if name not in header:
            by_question.setdefault(asked(question), []).append(name)
    counts = Counter(asked(name) for name in header)
    found = []
    for name in header:
        waiting = by_question.get(asked(name), [])
        fits = name not in known and (waiting and len(waiting) >= counts[asked(name)])
        found.append(waiting.pop(0) if fits else name)
        counts[asked(name)] -= 1
    return tuple(found)


def mergeable(
    export: Table,
    header: Sequence[str],
    fields: Sequence[Field],
    person: str,
    rows: Mapping[str, Sequence[str]],
) -> tuple[str, ...]:
    """Return all events, where no two rows of a person answer one question differently."""
    if EVENT not in rows or person not in header:
        return ()
    at, who = header.index(EVENT), header.index(person)
    chosen = {header.index(name): cells for name, cells in rows.items() if name != EVENT}
    kept = [row for row in export.rows if all(row[place] in chosen[place] for place in chosen)]
    for each in fields:
        if each.name not in header or each.kind == "closed" or BOX in each.name:
            continue
        place, answers = header.index(each.name), dict[str, str]()
        for row in kept:
            if row[place] and answers.setdefault(row[who], row[place]) != row[place]:
                return ()
    return tuple(dict.fromkeys(row[at] for row in kept))


def rows_of(
    export: Table, header: Sequence[str], fields: Sequence[Field]
) -> tuple[dict[str, tuple[str, ...]], dict[str, str], frozenset[str]]:
    """Return the rows to read: the event with most answers, and none of repeated pages.

    With them what there is to choose from, and the fields that nobody answers in those rows.
    """
    rows: dict[str, tuple[str, ...]] = {}
    told: dict[str, str] = {}
    repeat, instrument = "redcap_repeat_instance", "redcap_repeat_instrument"
    places = {each.name: header.index(each.name) for each in fields if each.name in header}
    kept = list(export.rows)
    if instrument in header:
        at = header.index(instrument)
        pages = Counter(row[at] for row in kept)
        page = "" if "" in pages else max(pages, key=lambda name: pages[name], default="")
        kept, rows[instrument] = [row for row in kept if row[at] == page], (page,)
    elif repeat in header and EVENT not in header:
        rows[repeat] = ("1", "")
    if EVENT in header and kept:
        at = header.index(EVENT)
        people, answers = Counter[str](), Counter[str]()
        for row in kept:
            people[row[at]] += 1
            answers[event_parts(row[at])[0]] += sum(bool(row[place]) for place in places.values())
        best = max(answers, key=lambda event: answers[event], default="")
        events = tuple(event for event in people if event_parts(event)[0] == best)  # in each arm
        kept = [row for row in kept if row[at] in events]
        rows = {EVENT: events, **rows}
        told[EVENT] = say("survey.forms.comma").join(
            say("survey.forms.event", event=event, rows=count) for event, count in people.items()
        )
    empty = (name for name, place in places.items() if not any(row[place] for row in kept))
    return rows, told, frozenset(empty) if rows else frozenset()
