"""Answers as a QuestionnaireResponse: read into a person, and written from one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from backrisk._arguments import checked, shown
from backrisk._spelling import spell
from backrisk.errors import QueryError
from backrisk.fhir.asking import (
    Item,
    Section,
    coding,
    demand_moment,
    form_version,
    items_in,
    option_system,
    outline,
    plain_number,
    questionnaire_url,
)
from backrisk.fhir.problems import FhirError, Issue
from backrisk.fhir.structure import demand_structure
from backrisk.fhir.terms import unit_coding
from backrisk.posterior import Posterior
from backrisk.queries import demand_risks, opened, read_person
from backrisk.survey import AVERAGE, find_state, spelled_names
from backrisk.words import choices, say

_LONGEST = 60  # characters of a foreign name that a sentence repeats
_REFERENCE = re.compile(r"\S+")
_WHEN = re.compile(  # FHIR's dateTime: a time has a zone
    r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01])"
    r"(T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?(Z|[+-](0\d|1[0-4]):[0-5]\d))?)?)?"
)
_NOT_IN_FORCE = ("entered-in-error", "stopped")


@dataclass(frozen=True)
class Answers:
    """What a QuestionnaireResponse says.

    Parameters
    ----------
    person : mapping
        By the names of the form's questions, as in a person file.
    site : str, optional
        A site of the survey, or ``"new"``; None for the average over sites.
    issues : tuple of Issue
        Warnings: what was not read, and why.
    response : mapping
        The resource.
    """

    person: Mapping[str, Any]
    site: str | None = None
    issues: tuple[Issue, ...] = ()
    response: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class _Given:
    """The answers that stand under one item."""

    link: str
    values: tuple[Mapping[str, Any], ...]
    place: str


@checked("response")
def read_response(
    posterior: Posterior, response: Mapping[str, Any], *, url: str | None = None
) -> Answers:
    """Read a FHIR R4 QuestionnaireResponse to the model's Questionnaire.

    Items are found by ``linkId``, wherever they stand. A number may be a decimal, an integer, or a
    quantity in the question's own unit; whatever is chosen, a Coding. What was not asked for here
    is left out and told as a warning; what was, and cannot be understood, is an error.

    Parameters
    ----------
    posterior : Posterior
    response : mapping
        The resource, as read from JSON.
    url : str, optional
        The canonical address of the Questionnaire, where it is not `questionnaire_url`.

    Returns
    -------
    Answers

    Raises
    ------
    FhirError
        Every mistake at once: the structure (needs the extra ``fhir``), another questionnaire, a
        value of a wrong type, unit or range, several answers where one is expected, answers that
        contradict each other, a model over time.
    QueryError
        If the design of the survey leaves every risk unknown.

    Examples
    --------
    >>> from backrisk import CausalGraph, Posterior
    >>> g = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    >>> p = Posterior.from_cpts(g, {"x": [[0.5, 0.5]], "y": [[[0.7, 0.3], [0.2, 0.8]]]})
    >>> read_response(p, questionnaire_response(p, {"x": "yes"})).person
    {'x': 'yes'}
    """
    demand_moment(posterior)
    demand_risks(posterior)
    demand_structure(response)
    issues = list(_about_the_form(posterior, response, url))
    sections = outline(posterior)
    known, headings = {item.link: item for item in items_in(sections)}, _headings(sections)
    seen: dict[str, str] = {}  # by name: the link that answered it
    person: dict[str, Any] = {}
    site: str | None = None
    for given in _given(response, "QuestionnaireResponse"):
        item = known.get(given.link)
        if item is None:
            if given.link not in headings or given.values:
                told = say("fhir.unknown_item", link=_clipped(given.link))
                issues.append(Issue(told, "not-found", given.place, "warning"))
            continue
        value, refused = _value(posterior, item, given)
        if refused is not None:
            issues.append(Issue(refused, "value", given.place))
        elif value is None:
            continue
        elif (before := seen.setdefault(item.name, item.link)) != item.link or (
            item.name in person if item.name else site is not None
        ):
            told = say("fhir.twice", link=item.link, first=before)
            issues.append(Issue(told, "duplicate", given.place))
        elif not item.name:
            site = value
        else:
            try:
                read_person(posterior, {item.name: value})
            except QueryError as error:
                issues.append(Issue(str(error), "value", given.place))
            else:
                person[item.name] = value
    if not any(issue.severity == "error" for issue in issues):
        try:
            read_person(posterior, person)
        except QueryError as error:
            issues.append(Issue(str(error), "business-rule"))
    if any(issue.severity == "error" for issue in issues):
        raise FhirError(issues)
    return Answers(person, None if site == AVERAGE else site, tuple(issues), response)


@checked("person")
def questionnaire_response(
    posterior: Posterior,
    person: Mapping[str, Any],
    *,
    site: str | None = None,
    subject: str | None = None,
    authored: str | None = None,
    url: str | None = None,
) -> dict[str, Any]:
    """Return a person's answers as a FHIR R4 QuestionnaireResponse.

    Parameters
    ----------
    posterior : Posterior
    person : mapping
        State labels by node, or raw answers of the codebook; incomplete allowed. What stands for
        no answer is left out.
    site : str, optional
        Of a model with sites; see `backrisk.Posterior.at_site`.
    subject : str, optional
        A reference to whom the answers are about, ``"Patient/7"``.
    authored : str, optional
        When they were given, as FHIR writes a date and time: ``"2026-11-26T10:00:00+01:00"``.
    url : str, optional
        The canonical address of the Questionnaire, where it is not `questionnaire_url`.

    Returns
    -------
    dict
        In the order and the groups of `questionnaire`; `read_response` gives the same answers.

    Raises
    ------
    QueryError
        If the person or the site is not understood, or the model is one over time.

    Examples
    --------
    >>> from backrisk import CausalGraph, Posterior
    >>> g = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    >>> p = Posterior.from_cpts(g, {"x": [[0.5, 0.5]], "y": [[[0.7, 0.3], [0.2, 0.8]]]})
    >>> said = questionnaire_response(p, {"x": "yes"})["item"][0]["item"][0]["item"]
    >>> said[0]["linkId"], said[0]["answer"][0]["valueCoding"]["code"]
    ('x', 'yes')
    """
    demand_moment(posterior)
    _demand_context(subject, authored)
    person = opened(person).person
    read_person(posterior, person)
    if site is not None:
        posterior.at_site(site)  # refuses what is none
    sections = outline(posterior)
    graph, book = posterior.graph, posterior.codebook
    columns = () if book is None else tuple(book.columns)
    meant = dict(spelled_names(person, [*columns, *graph.names]))
    told: dict[str, dict[str, Any]] = {}
    for item in items_in(sections):
        if item.kind == "site":
            chosen = next((o for o in item.options if o.answer == site), None)
            if chosen is not None:
                told[item.link] = {"valueCoding": coding(posterior, item, chosen)}
        elif item.name in meant and (value := _written(posterior, item, meant[item.name])):
            told[item.link] = value
            del meant[item.name]
    version = form_version(posterior)
    made: dict[str, Any] = {
        "resourceType": "QuestionnaireResponse",
        "questionnaire": f"{url or questionnaire_url(posterior)}|{version}",
        "status": "completed",
        **({} if subject is None else {"subject": {"reference": subject}}),
        **({} if authored is None else {"authored": authored}),
    }
    if items := [each for section in sections if (each := _answered(section, told))]:
        made["item"] = items
    return made


def _demand_context(subject: str | None, authored: str | None) -> None:
    """Refuse a subject or a date that no resource may hold."""
    if subject is not None and not _REFERENCE.fullmatch(subject):
        raise FhirError([Issue(say("fhir.bad_subject", found=_clipped(shown(subject))))])
    if authored is not None and not _WHEN.fullmatch(authored):
        raise FhirError([Issue(say("fhir.bad_date", found=_clipped(shown(authored))))])


def _about_the_form(
    posterior: Posterior, response: Mapping[str, Any], url: str | None
) -> Iterator[Issue]:
    """Yield what bears on the response as a whole."""
    if response.get("status") in _NOT_IN_FORCE:
        told = say("fhir.not_in_force", status=response["status"])
        yield Issue(told, "business-rule", "QuestionnaireResponse.status")
    named, _, version = str(response.get("questionnaire") or "").partition("|")
    ours, place = url or questionnaire_url(posterior), "QuestionnaireResponse.questionnaire"
    if named and named.partition("#")[0] != ours:
        told = say("fhir.other_form", found=_clipped(named), expected=ours)
        yield Issue(told, "business-rule", place)
    elif version and version != form_version(posterior):
        told = say("fhir.other_version", found=_clipped(version), here=form_version(posterior))
        yield Issue(told, "business-rule", place, "warning")


def _headings(sections: tuple[Section, ...]) -> set[str]:
    found: set[str] = set()
    for section in sections:
        found.add(section.link)
        found |= _headings(tuple(s for s in section.items if isinstance(s, Section)))
    return found


def _given(within: Mapping[str, Any], place: str) -> Iterator[_Given]:
    """Yield the items that were answered, and those under which nothing stands at all."""
    for number, item in enumerate(within.get("item") or ()):
        here = f"{place}.item[{number}]"
        values = tuple(item.get("answer") or ())
        if values:
            yield _Given(item["linkId"], values, here)
        yield from _given(item, here)
        for each, answer in enumerate(values):
            yield from _given(answer, f"{here}.answer[{each}]")


def _value(posterior: Posterior, item: Item, given: _Given) -> tuple[Any, str | None]:
    """Return the answer under an item, None where there is none; or why it is refused."""
    values = [
        (kind, answer[kind])
        for answer in given.values
        for kind in answer
        if kind.startswith("value")
    ]
    if len(values) > 1:
        return None, say("fhir.several", link=item.link, count=len(values))
    if not values:
        return None, None
    kind, value = values[0]
    if item.kind == "number":
        return _number(item, kind, value)
    if item.kind == "text" and kind == "valueString":
        return value, None
    if item.kind == "text" or kind != "valueCoding":
        expected = "valueString" if item.kind == "text" else "valueCoding"
        return None, say("fhir.wrong_type", link=item.link, found=kind, expected=expected)
    system, code = value.get("system"), value.get("code")
    if system is not None and system != option_system(posterior, item):
        return None, say("fhir.wrong_system", link=item.link, found=_clipped(system))
    chosen = [o.answer for o in item.options if code == o.code]
    if code is None:
        chosen = [o.answer for o in item.options if value.get("display") == o.display]
    if len(chosen) != 1:
        known = choices([option.code for option in item.options])
        found = _clipped(shown(code if code is not None else value.get("display")))
        return None, say("fhir.wrong_code", link=item.link, found=found, choices=known)
    return chosen[0], None


def _number(item: Item, kind: str, value: Any) -> tuple[Any, str | None]:
    if kind == "valueQuantity":
        if value.get("value") is None:
            return None, None
        if value.get("comparator"):
            return None, say("fhir.comparator", link=item.link, found=value["comparator"])
        coded, unit = unit_coding(item.unit), value.get("code") or value.get("unit")
        known = {item.unit, coded.get("code", item.unit)}
        if unit is not None and unit not in known:
            told = {"found": _clipped(unit), "expected": item.unit or say("fhir.no_unit")}
            return None, say("fhir.wrong_unit", link=item.link, **told)
        value = value["value"]
    elif kind not in ("valueDecimal", "valueInteger"):
        expected = "valueDecimal"
        return None, say("fhir.wrong_type", link=item.link, found=kind, expected=expected)
    number = float(value)
    low = item.low if item.low is not None else float("-inf")
    high = item.high if item.high is not None else float("inf")
    if not low <= number <= high:
        told = {"found": f"{number:g}", "low": f"{low:g}", "high": f"{high:g}", "unit": item.unit}
        return None, say("fhir.out_of_range", link=item.link, **told)
    return plain_number(number), None


def _written(posterior: Posterior, item: Item, raw: object) -> dict[str, Any] | None:
    """Return an answer as an item holds it, None where it is none to this item."""
    book, graph = posterior.codebook, posterior.graph
    if item.kind == "state":
        state = find_state(raw, graph.node(item.name).states)
        chosen = next((o for o in item.options if o.answer == state), None)
        return None if chosen is None else {"valueCoding": coding(posterior, item, chosen)}
    assert book is not None  # only a codebook asks otherwise
    column = book.columns[item.name]
    try:
        value = column.read(raw, book.missing)
    except ValueError:  # a state of the node that bears the column's name
        return None
    if value is None:
        return None
    if item.kind == "number":
        return {"valueDecimal": plain_number(float(value))}
    if item.kind == "text":
        return {"valueString": str(value)}
    label = column.label(spell(raw) or "")
    words = (column.choices or {}).get(label, label)  # a code is shown by its label
    chosen = next((o for o in item.options if o.answer == words), None)
    return None if chosen is None else {"valueCoding": coding(posterior, item, chosen)}


def _answered(part: Section | Item, told: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return a part of the response; None where nothing in it was answered."""
    if isinstance(part, Item):
        if part.link not in told:
            return None
        return {"linkId": part.link, "text": part.text, "answer": [told[part.link]]}
    items = [each for item in part.items if (each := _answered(item, told)) is not None]
    return {"linkId": part.link, "text": part.text, "item": items} if items else None


def _clipped(text: object) -> str:
    said = str(text)
    return said if len(said) <= _LONGEST else f"{said[:_LONGEST]}..."
