"""What the reports share: their frame, how sure the model is, and the sources of its links."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from importlib.metadata import version
from typing import Any

from backrisk.errors import QueryError
from backrisk.graph import GRADES, CausalGraph, Edge
from backrisk.posterior import Posterior
from backrisk.queries import strongest_path
from backrisk.report.blocks import Heading, Kind, Table
from backrisk.summary import Estimate
from backrisk.words import Names, again, decimal, interval_name, say, spoken
from backrisk.words.phrases import whole


def heading(name: str, kind: Kind = "text", *, wide: int = 0, strip: bool = False) -> Heading:
    """Return the heading of a column, titled in the language that is spoken."""
    return Heading(name, say(f"report.columns.{name}"), kind, wide, strip)


def paragraphs(key: str, **values: Any) -> tuple[str, ...]:
    """Return the sentences of a list that stands under a key."""
    return tuple(say(f"{key}.{place}", **values) for place in range(len(spoken().raw(key))))


def joined(words: Iterable[str]) -> str:
    """Return words with commas between them."""
    return say("phrases.comma").join(words)


def estimates(table: Any) -> list[Estimate]:
    """Return the estimates of an answer's table, in its order."""
    columns = (table[name].tolist() for name in ("mean", "low", "high"))
    return [Estimate(*row) for row in zip(*columns, strict=True)]


def cut(table: Table, most: int) -> Table:
    """Return a table of which a page shows the first rows, and says how many it leaves out."""
    left = len(table.rows) - most
    rest = say("report.common.rest", count=left, n=whole(left)) if left > 0 else ""
    return replace(table, most=most, rest=rest)


def stated(day: str | date | None) -> str:
    """Return the date that a report states, by default today's.

    Raises
    ------
    QueryError
        If it is not a date such as 2026-01-31.
    """
    if day is None:
        return date.today().isoformat()
    try:
        return date.fromisoformat(str(day)).isoformat()
    except ValueError as error:
        raise QueryError(say("report.files.no_date", date=day)) from error


def frame(
    posterior: Posterior, day: str, place: str = "", warnings: Iterable[str] | None = None
) -> dict[str, Any]:
    """Return what every report has around its sections; a place is said beside its title.

    Warnings are those that go with every answer, unless others are given.
    """
    marks = [say("report.common.support")]
    if not posterior.surveyed:
        marks.insert(0, say("report.common.unsurveyed"))
    if posterior.meta.get("synthetic"):
        marks.insert(0, say("report.common.synthetic"))
    warned = map(again, posterior.warnings_about() if warnings is None else warnings)
    return {
        "date": day,
        "language": spoken(),
        "foot": say("report.common.foot", version=version("backrisk"), interval=interval_name()),
        "marks": (*marks, place) if place else tuple(marks),
        "warnings": tuple(say("report.common.warning", warning=warning) for warning in warned),
    }


def learned_from(posterior: Posterior) -> str:
    """Say which survey the model learned from."""
    survey, people = posterior.meta.get("survey"), posterior.meta.get("people")
    if survey is None:
        return say("report.common.learned_given")
    if people is None:
        return say("report.common.learned_some", survey=survey)
    return say("report.common.learned", survey=survey, people=whole(people))


def site_mark(posterior: Posterior) -> str:
    """Say which site the answers are about, where the survey had several."""
    site = posterior.meta.get("site")
    if site == "new":
        return say("report.common.site_new")
    if site is not None:
        return say("report.common.site", site=site)
    if posterior.sites is not None:
        return say("report.common.site_average", n=len(posterior.sites.names))
    return ""


def drawn_from(used: int, held: int) -> str:
    """Say how many draws the numbers rest on."""
    if used == held:
        return say("report.common.draws", draws=whole(used))
    return say("report.common.thinned", draws=whole(used), all=whole(held))


def sampling(posterior: Posterior) -> str:
    """Say how the sampling was judged."""
    worst: Mapping[str, float] = posterior.diagnostics.worst
    if not worst:
        return say("report.common.unsampled", method=posterior.diagnostics.made_by)
    said = say(
        "report.common.sampled",
        method=posterior.diagnostics.made_by,
        r_hat=decimal(worst["r_hat"], 3),
        ess=whole(min(worst["ess_bulk"], worst["ess_tail"])),
        divergences=whole(worst["divergences"]),
        e_bfmi=decimal(worst["e_bfmi"], 2),
    )
    return f"{said} {say('report.common.fit_good')}" if posterior.diagnostics.good else said


def unobserved(posterior: Posterior) -> list[str]:
    """Return the nodes that nobody of the survey was observed in."""
    answered = posterior.meta.get("answered", {})
    return [
        name
        for name in posterior.graph.names
        if answered.get(name) == 0 and name not in posterior.graph.items
    ]


def sureness(posterior: Posterior, names: Names) -> list[str]:
    """Say how sure the model is of itself."""
    said = [sampling(posterior)]
    if hidden := unobserved(posterior):
        said.append(say("report.common.latent", nodes=joined(map(names.node, hidden))))
    return said


def links(graph: CausalGraph, causes: Iterable[str], target: str) -> list[Edge]:
    """Return the edges of each cause's strongest path to the target, the best known first."""
    found = {edge for cause in causes for edge in strongest_path(graph, cause, target)}
    return sorted(found, key=lambda edge: (GRADES.index(edge.grade), edge.cause, edge.effect))


def citations(edge: Edge) -> str:
    """Return an edge's citations."""
    return say("report.common.semicolon").join(edge.citations)


def cited(names: Names, edge: Edge) -> str:
    """Return an edge with its claim, its grade and its citations."""
    return say(
        "report.common.edge_cited" if edge.citations else "report.common.edge",
        cause=names.node(edge.cause),
        effect=names.node(edge.effect),
        grade=names.grade(edge.grade),
        claim=edge.claim,
        citations=citations(edge),
    )
