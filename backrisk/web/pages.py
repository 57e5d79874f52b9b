"""What a person opens in a browser, rendered once for each language when the server starts."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from math import ceil, floor
from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from backrisk.graph import CausalGraph, UnrolledGraph
from backrisk.plotting import BOX, draw
from backrisk.queries import read_target, red_flags
from backrisk.survey import in_systems
from backrisk.web import schema
from backrisk.web.api import V1, can_print
from backrisk.web.served import VERSION, Served
from backrisk.words import (
    Language,
    again,
    capital,
    disclaimer,
    interval_name,
    listed,
    names_of,
    say,
    speaking,
    spoken,
    whole,
)


def _digest() -> str:
    """Return what the assets' address changes with, so that browsers may keep them for good."""
    found = hashlib.sha256()
    for asset in sorted((files("backrisk.web") / "static").iterdir(), key=lambda each: each.name):
        found.update(asset.name.encode() + asset.read_bytes())
    return found.hexdigest()[:16]


STATIC = f"/static/{_digest()}"


@dataclass(frozen=True)
class LanguageLink:
    """An entry of the page's language switch."""

    code: str
    name: str
    chosen: bool


def make_pages(
    served: Served,
    languages: Sequence[Language],
    document: Callable[[], dict[str, Any]],
    seconds: float,
) -> APIRouter:
    """Return the routes that a person opens.

    Parameters
    ----------
    served : Served
    languages : sequence of Language
        Each request is answered in the one that is spoken then.
    document : callable
        Returns the OpenAPI document in the language that is spoken.
    seconds : float
        After which no answer is to be expected any more.
    """
    environment = _environment()
    rendered: dict[str, str] = {}
    for each in languages:
        with speaking(each):
            rendered[each.code] = _page(environment, served, languages, seconds)
    pages = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

    @pages.get("/")
    async def home() -> HTMLResponse:
        return HTMLResponse(rendered[spoken().code])

    @pages.get("/api")
    async def manual() -> HTMLResponse:
        template = environment.get_template("api.html")
        return HTMLResponse(template.render(**_shared(served, languages), api=document()))

    @pages.get("/favicon.ico")
    async def icon() -> RedirectResponse:
        return RedirectResponse(f"{STATIC}/icon.svg")

    @pages.get("/healthz")
    async def healthy() -> JSONResponse:
        return JSONResponse({"status": "ok"})

    return pages


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("backrisk.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {"sort_keys": False}  # states have an order
    environment.filters |= {"fill": _fill, "whole": whole, "number": _number, "coded": _coded}
    return environment


def _fill(sentence: str, **values: object) -> Markup:
    """Fill the places of a sentence; markup stays markup, all else is escaped."""
    return escape(sentence).format(**values)


def _coded(sentence: str) -> Markup:
    """Mark up what stands between backticks as code."""
    plain, *rest = str(escape(sentence)).split("`")
    return Markup(plain) + Markup("").join(
        Markup(f"<code>{part}</code>" if place % 2 == 0 else part)
        for place, part in enumerate(rest)
    )


def _number(value: float) -> str:
    """Word a number of a codebook, with the language's decimal mark."""
    return f"{value:g}".replace(".", str(spoken().raw("phrases.decimal_mark")))


def _page(
    environment: Environment, served: Served, languages: Sequence[Language], seconds: float
) -> str:
    graph, measures = served.graph, _measures(served)
    template = "visits.html" if served.over_time else "page.html"
    return environment.get_template(template).render(
        **_shared(served, languages),
        form=served.form,
        drawing=draw(graph),
        size=BOX,
        graph=graph,
        targets=_targets(graph),
        changeable=_changeable(served),
        constants=_constants(served),
        leveled=bool(graph.roles.proximal or graph.roles.distal),
        sites=served.sites,
        systems=_systems(measures),
        facts={**_facts(served), "units": measures, "seconds": seconds},
        flags=red_flags(served.posterior),
        can_print=can_print(),
        fit=_fit(served),
    )


def _shared(served: Served, languages: Sequence[Language]) -> dict[str, Any]:
    """Return what every page shows, in the language that is spoken."""
    graph, chosen = served.graph, spoken()
    several = len(languages) > 1
    return {
        "words": chosen.tree("page"),
        "names": names_of(graph),
        "language": chosen.code,
        "languages": [
            LanguageLink(each.code, str(each.raw("phrases.language")), each == chosen)
            for each in languages
            if several
        ],
        "query": f"?lang={chosen.code}" if several else "",
        "target": graph.outcome and _target(graph, graph.outcome),
        "model": served.about,
        "disclaimer": disclaimer(),
        "interval": interval_name(),
        "v1": V1,
        "static": STATIC,
    }


@dataclass(frozen=True)
class Fit:
    """Whom a model is about: in words, and between which numbers its survey's people are."""

    people: str | None
    ranges: str


def _fit(served: Served) -> Fit:
    """Return whom a model is about, and the numbers that its survey typically holds."""
    graph, book = served.graph, served.posterior.codebook
    names = names_of(graph)
    ranges = [
        say(
            "page.page.fit_range",
            node=names.node(str(column.measured)),
            low=_number(column.typical[0]),
            high=_number(column.typical[1]),
            unit=column.unit,
        )
        for column in ({} if book is None else book.columns).values()
        if column.measured in graph.roles.compared and column.typical is not None
    ]
    return Fit(names.text("meant_for"), listed(ranges) if ranges else "")


def _target(graph: CausalGraph, node: str) -> str:
    """Return a node's event in words."""
    return again(read_target(graph, node).label)


def _targets(graph: CausalGraph) -> dict[str, str]:
    """Return what can be asked about where the graph names no outcome: whatever has causes."""
    if graph.outcome is not None:
        return {}
    return {
        name: _target(graph, name)
        for name in graph.names
        if name not in graph.items and graph.parents(name)
    }


def _constants(served: Served) -> frozenset[str]:
    """Return what is the same at every visit."""
    graph = served.posterior.graph
    moving = graph.moving if isinstance(graph, UnrolledGraph) else ()
    return frozenset(served.graph.names).difference(moving)


def _changeable(served: Served) -> list[str]:
    """Return what a change can be tried on: all but the outcome where no node is modifiable."""
    graph = served.graph
    inner = [n for n in graph.nodes if n.name not in graph.items and n.name != graph.outcome]
    if served.over_time:
        inner = [n for n in inner if n.name not in _constants(served)]
    return [node.name for node in [n for n in inner if n.modifiable] or inner]


def _causes_to_change(served: Served) -> list[str]:
    """Return what is advised on, or else can be changed, and bears on the outcome."""
    graph = served.graph
    advised = graph.playing("advised")
    changeable = [name for name in _changeable(served) if not advised or name in advised]
    if graph.outcome is None:
        return changeable
    causes = graph.ancestors(graph.outcome)
    return [name for name in changeable if name in causes]


def _facts(served: Served) -> dict[str, Any]:
    """Return what the page's scripts need to know of the graph and the words."""
    graph, book = served.graph, served.posterior.codebook
    names, language = names_of(graph), spoken()
    topics = [topic for group in served.form for topic in group.topics]
    questions = {question.name: question for topic in topics for question in topic.questions}
    # Where the page jumps to for what is asked next: a node, or a question of the codebook.
    place = {topic.node.name: topic.questions[0].name for topic in topics if topic.questions}
    for name in {} if book is None else book.measures:
        assert book is not None
        first = name if name in questions else (*getattr(book.measures[name], "from_", ()), name)[0]
        if first in questions:
            place[book.node_of(name)] = first
    outcomes = (graph.outcome,) if graph.outcome is not None else tuple(_targets(graph))
    return {
        "v1": V1,
        "saved": {"model": served.posterior.checksum, "version": VERSION},
        "outcome": graph.outcome,
        "targets": {name: _target(graph, name) for name in outcomes},
        "place": place,
        "traits": list(graph.roles.traits),
        "changeable": _causes_to_change(served),
        "kinds": {name: question.kind for name, question in questions.items()},
        "says": _labels(served),
        "ask": {name: each.text or names.heading(name) for name, each in questions.items()},
        **({"most_visits": schema.MOST_VISITS} if served.over_time else {}),
        "flags": _flags(served),
        "nodes": {
            node.name: {
                "words": names.node(node.name),
                "heading": names.heading(node.name),
                "states": {state: names.state(node.name, state) for state in node.states},
                "reference": node.reference,
            }
            for node in graph.nodes
        },
        "percent": str(language.raw("phrases.percent")).replace(" ", "\u00a0"),
        "mark": language.raw("phrases.decimal_mark"),
        "unit_of_one": language.tree("phrases")["unit_of_one"],
        "words": _words_of(served),
    }


def _flags(served: Served) -> list[dict[str, str]]:
    """Return what to do about each red flag, so that the page needs no server to say it."""
    return [
        {
            "name": flag.name,
            "label": say("queries.red_flags.label", flag=capital(flag.label)),
            "means": flag.means,
            "do": flag.do,
            "soon": flag.soon,
            "reported": flag.told,
        }
        for flag in red_flags(served.posterior).asked
    ]


def _measures(served: Served) -> dict[str, dict[str, Any]]:
    """Return how each number that has a unit in both systems is shown in either.

    ``times`` brings a number in a system's unit into the codebook's. The ends of the accepted
    range are rounded inwards: whatever is shown as accepted is accepted.
    """
    questions = (q for group in served.form for topic in group.topics for q in topic.questions)
    measures: dict[str, dict[str, Any]] = {}
    for question in questions:
        found = in_systems(question.unit) if question.kind == "number" else {}
        for system, unit in found.items():
            measure = measures.setdefault(question.name, {"own": system})
            own, digits = found[measure["own"]], 2 if unit.quantity == "pace" else 1
            times = unit.size / own.size
            low, high = question.low, question.high
            if unit is not own:
                low = _inwards(low, times, digits, ceil)
                high = _inwards(high, times, digits, floor)
            measure[system] = {
                "unit": unit.name,
                "words": question.unit if unit is own else None,
                "times": times,
                "digits": digits,
                "low": low,
                "high": high,
            }
    return measures


def _inwards(
    end: float | None, times: float, digits: int, towards: Callable[[float], int]
) -> float | None:
    """Return an end of a range in another unit, rounded to what is shown of it."""
    if end is None:
        return None
    parts: int = 10**digits
    return towards(round(end / times * parts, 6)) / parts


def _systems(measures: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the systems of units to choose from, the codebook's own first."""
    own = {str(measure["own"]) for measure in measures.values()}
    both = ["metric", "imperial"]
    if len(own) > 1:
        return ["own", *both]
    return sorted(both, key=lambda system: system not in own) if own else []


def _words_of(served: Served) -> dict[str, Any]:
    """Return the sentences of the page that is served."""
    words = dict(spoken().tree("page"))
    if not served.over_time:
        words.pop("over_time")
    return words


def _labels(served: Served) -> dict[str, list[tuple[str, str]]]:
    """Return the state that each label of a codebook's column says."""
    book = served.posterior.codebook
    columns = {} if book is None else book.columns
    return {name: list(column.options.items()) for name, column in columns.items() if column.labels}
