"""The form as a Questionnaire, and what each of its items stands for."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from backrisk._arguments import checked
from backrisk.fhir.problems import FhirError, Issue
from backrisk.fhir.terms import (
    HIDDEN,
    LEAST,
    MOST,
    UNIT,
    address,
    codes_of,
    coding_of,
    unit_coding,
)
from backrisk.graph import UnrolledGraph
from backrisk.posterior import Posterior
from backrisk.queries import Question, make_form
from backrisk.survey import AVERAGE, NEW
from backrisk.words import disclaimer, names_of, say, spoken

_VERSION = 16  # hexadecimal digits


@dataclass(frozen=True)
class Option:
    """What may be chosen: its code, its words, and the answer as a person file has it."""

    code: str
    display: str
    answer: str


@dataclass(frozen=True)
class Item:
    """A question of the Questionnaire.

    Parameters
    ----------
    link : str
        Its ``linkId``: the name of the question.
    name : str
        The key of its answer in a person; empty for the site, which is no answer about a person.
    kind : {"number", "choice", "text", "state", "site"}
    text : str
    options : tuple of Option
    unit : str
    low, high : float, optional
    """

    link: str
    name: str
    kind: Literal["number", "choice", "text", "state", "site"]
    text: str
    options: tuple[Option, ...] = ()
    unit: str = ""
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Section:
    """Items under a heading; a hidden one is for programs."""

    link: str
    text: str
    items: tuple[Section | Item, ...]
    hidden: bool = False


def questionnaire_url(posterior: Posterior) -> str:
    """Return the canonical address of a model's form, where nobody gave it another.

    It depends on the names of codebook and graph alone: every model of the same form has the same.
    """
    return address("Questionnaire", _book_name(posterior), posterior.graph.name)


def demand_moment(posterior: Posterior) -> None:
    """Refuse a model over time, whose people are told of visit by visit.

    Raises
    ------
    FhirError
    """
    graph = posterior.graph
    if isinstance(graph, UnrolledGraph) and graph.periods > 1:
        raise FhirError([Issue(say("fhir.over_time"), "not-supported")])


@checked()
def questionnaire(posterior: Posterior, *, url: str | None = None) -> dict[str, Any]:
    """Return the form as a FHIR R4 Questionnaire.

    Items stand as on the page: groups of nodes, within them nodes, within these their questions.
    A ``linkId`` is the name of its question, which is the key of its answer in a person file. A
    number is a ``decimal`` with its unit and the numbers that are accepted, as extensions of SDC
    (structured data capture); an answer of the codebook's labels, and a node's state, is a
    ``choice``. Nothing is required. A last, hidden group holds the states of nodes that the form
    does not ask for as such, so that every person file can be written as a response.

    Parameters
    ----------
    posterior : Posterior
    url : str, optional
        The canonical address; see `questionnaire_url`.

    Returns
    -------
    dict
        Its ``version`` is a digest of what can be answered and of what that means: the codebook,
        the states of the nodes, the sites.

    Raises
    ------
    FhirError
        If the model is one over time.

    Examples
    --------
    >>> from backrisk import CausalGraph, Posterior
    >>> g = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    >>> p = Posterior.from_cpts(g, {"x": [[0.5, 0.5]], "y": [[[0.7, 0.3], [0.2, 0.8]]]})
    >>> form = questionnaire(p)
    >>> form["item"][0]["item"][0]["item"][0]["linkId"]
    'y'
    """
    demand_moment(posterior)
    book, graph = posterior.codebook, posterior.graph
    synthetic = bool(posterior.meta.get("synthetic", book is not None and book.synthetic))
    about = [] if book is None or not book.description else [book.description]
    made: dict[str, Any] = {
        "resourceType": "Questionnaire",
        "id": "form",
        "language": spoken().code,
        "url": url or questionnaire_url(posterior),
        "version": form_version(posterior),
        "name": _computable(_book_name(posterior)),
        "title": (book is not None and (book.title or book.name)) or graph.title or graph.name,
        "status": "active",
        "experimental": synthetic,
        "subjectType": ["Patient"],
        "description": "\n\n".join([*about, str(disclaimer())]),
        "item": [_written(section, posterior) for section in outline(posterior)],
    }
    return made


def form_version(posterior: Posterior) -> str:
    """Return a digest of what can be answered and of what that means."""
    book = posterior.codebook
    content = {
        "codebook": None if book is None else book.to_dict(),
        "states": {node.name: node.states for node in posterior.graph.nodes},
        "sites": _sites(posterior),
    }
    text = json.dumps(content, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:_VERSION]


def outline(posterior: Posterior) -> tuple[Section, ...]:
    """Return the sections of the form, in the language that is spoken."""
    graph, book = posterior.graph, posterior.codebook
    names, form = names_of(graph), make_form(graph, book)
    asked = {q.name: q for group in form for topic in group.topics for q in topic.questions}
    links = _Links(asked)
    found = [
        Section(
            links.new("group", group.name),
            names.group(group.name),
            tuple(
                Section(
                    links.new("topic", topic.node.name),
                    names.heading(topic.node.name),
                    tuple(_item(posterior, q, topic.node.name) for q in topic.questions),
                )
                for topic in group.topics
                if topic.questions
            ),
        )
        for group in form
        if any(topic.questions for topic in group.topics)
    ]
    if sites := _sites(posterior):
        found.append(_site_section(links, sites))
    direct = tuple(
        _state(posterior, links.new("state", name), name)
        for name in graph.names
        if name not in asked or asked[name].kind != "state"
    )
    if direct:
        found.append(Section(links.new("states", ""), say("fhir.form.states"), direct, hidden=True))
    return tuple(found)


def items_in(sections: Sequence[Section | Item]) -> Iterator[Item]:
    """Yield the questions of sections, in order."""
    for each in sections:
        if isinstance(each, Item):
            yield each
        else:
            yield from items_in(each.items)


class _Links:
    """Hands out the ``linkId`` of what is no question: none is that of a question."""

    def __init__(self, taken: Iterable[str]) -> None:
        self._taken = set(taken)

    def new(self, kind: str, name: str) -> str:
        """Return one that nobody has."""
        link = f"{kind}:{name}"
        while link in self._taken:
            link = f":{link}"
        self._taken.add(link)
        return link


def _item(posterior: Posterior, question: Question, node: str) -> Item:
    names = names_of(posterior.graph)
    text: str
    if question.kind == "state":
        text = say(
            "fhir.form.rough" if question.rough else "fhir.form.examined",
            node=names.heading(question.name),
        )
        return Item(
            question.name,
            question.name,
            "state",
            text,
            _options_of_states(posterior, question.name),
        )
    text = question.text or names.heading(node)
    if question.kind == "number":
        return Item(
            question.name,
            question.name,
            "number",
            text,
            unit=question.unit,
            low=question.low,
            high=question.high,
        )
    if question.kind == "text":
        return Item(question.name, question.name, "text", text)
    labels = question.options
    options = tuple(map(Option, codes_of(labels), labels, labels))
    return Item(question.name, question.name, "choice", text, options)


def _state(posterior: Posterior, link: str, name: str) -> Item:
    text = names_of(posterior.graph).heading(name)
    return Item(link, name, "state", text, _options_of_states(posterior, name))


def _options_of_states(posterior: Posterior, name: str) -> tuple[Option, ...]:
    names, states = names_of(posterior.graph), posterior.graph.node(name).states
    words = [names.state(name, state) for state in states]
    return tuple(map(Option, codes_of(states), words, states))


def _sites(posterior: Posterior) -> tuple[str, ...]:
    return () if posterior.sites is None else posterior.sites.names


def _site_section(links: _Links, sites: Sequence[str]) -> Section:
    answers = (*sites, NEW, AVERAGE)
    words = (*sites, say("fhir.form.new_site"), say("fhir.form.average_site"))
    options = tuple(map(Option, codes_of(answers), words, answers))
    item = Item(links.new("site", ""), "", "site", say("fhir.form.which_site"), options)
    return Section(links.new("group", "site"), say("fhir.form.site"), (item,))


def option_system(posterior: Posterior, item: Item) -> str:
    """Return the address of the system of codes that the answers to an item are of."""
    return address("CodeSystem", _book_name(posterior), posterior.graph.name, item.link)


def coding(posterior: Posterior, item: Item, option: Option) -> dict[str, str]:
    """Return what may be chosen as a Coding."""
    system = option_system(posterior, item)
    return {"system": system, "code": option.code, "display": option.display}


def _written(part: Section | Item, posterior: Posterior) -> dict[str, Any]:
    if isinstance(part, Section):
        hidden = {"extension": [{"url": HIDDEN, "valueBoolean": True}]} if part.hidden else {}
        return {
            **hidden,
            "linkId": part.link,
            "text": part.text,
            "type": "group",
            "item": [_written(each, posterior) for each in part.items],
        }
    extensions: list[dict[str, Any]] = []
    if part.unit:
        extensions.append({"url": UNIT, "valueCoding": unit_coding(part.unit)})
    for where, bound in ((LEAST, part.low), (MOST, part.high)):
        if bound is not None:
            extensions.append({"url": where, "valueDecimal": plain_number(bound)})
    kind = {"number": "decimal", "text": "string"}.get(part.kind, "choice")
    code = coding_of(_book_name(posterior), part.link)
    return {
        **({"extension": extensions} if extensions else {}),
        "linkId": part.link,
        **({} if code is None else {"code": [code]}),
        "text": part.text,
        "type": kind,
        **(
            {
                "answerOption": [
                    {"valueCoding": coding(posterior, part, option)} for option in part.options
                ]
            }
            if part.options
            else {}
        ),
    }


def plain_number(value: float) -> float | int:
    """Return a number as JSON has it: 35, not 35.0."""
    return int(value) if float(value).is_integer() else float(value)


def _book_name(posterior: Posterior) -> str:
    book = posterior.codebook
    return posterior.graph.name if book is None else book.name


def _computable(name: str) -> str:
    """Return a name as FHIR wants it for programs.

    Examples
    --------
    >>> _computable("runner core")
    'BackriskRunnerCore'
    """
    words = re.findall(r"[A-Za-z0-9]+", name)
    return "Backrisk" + "".join(word[:1].upper() + word[1:] for word in words)
