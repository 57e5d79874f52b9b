"""What the reports share: their frame, how sure the model is, and the sources of its links."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from importlib.metadata import version
from itertools import pairwise
from typing import Any, Literal

import networkx as nx
import numpy as np

from backrisk.errors import QueryError
from backrisk.graph import GRADES, CausalGraph, Edge
from backrisk.posterior import Posterior
from backrisk.queries import LEVELS, Target, at_level
from backrisk.report.blocks import Estimate, Table
from backrisk.report.words import Words
from backrisk.summary import interval
from backrisk.words import INTERVAL_NAME, OldNames


def estimate(draws: Any) -> Estimate:
    """Return the mean and the interval of draws, first axis."""
    low, high = interval(np.asarray(draws))
    return Estimate(float(np.mean(draws)), float(low), float(high))


def estimates(table: Any) -> list[Estimate]:
    """Return the estimates of an answer's table, in its order."""
    columns = (table[name].tolist() for name in ("mean", "low", "high"))
    return [Estimate(*row) for row in zip(*columns, strict=True)]


def cut(words: Words, table: Table, most: int) -> Table:
    """Return a table of which a page shows the first rows, and says how many it leaves out."""
    left = len(table.rows) - most
    rest = words("common.rest", n=left) if left > 0 else ""
    return replace(table, most=most, rest=rest)


def stated(day: str | date | None) -> str:
    """Return the date that a report states, by default today's.

    Raises
    ------
    QueryError
        If it is no date such as 2026-01-31.
    """
    if day is None:
        return date.today().isoformat()
    try:
        return date.fromisoformat(str(day)).isoformat()
    except ValueError as error:
        raise QueryError(f"--date {day}: expected a date such as 2026-01-31.") from error


def frame(posterior: Posterior, words: Words, day: str, place: str = "") -> dict[str, Any]:
    """Return what every report has around its sections; a place is said beside its title."""
    marks = [words("common.support")]
    if posterior.meta.get("synthetic"):
        marks.insert(0, words("common.synthetic"))
    if place:
        marks.append(place)
    return {
        "date": day,
        "language": words("language"),
        "foot": words("common.foot", version=version("backrisk"), interval=interval_words()),
        "marks": tuple(marks),
        "warnings": tuple(
            words("common.warning", warning=warning) for warning in posterior.diagnostics.warnings
        ),
    }


def interval_words() -> str:
    """Return what kind of interval stands everywhere."""
    return f"the {INTERVAL_NAME}"


def aimed(words: OldNames, graph: CausalGraph, aim: Target) -> str:
    """Return the target in plain words."""
    states = graph.node(aim.node).states
    if aim.codes == tuple(range(1, len(states))) and states[0] in ("no", "none"):
        return words.node(aim.node)
    said = " or ".join(words.state(aim.node, states[code]) for code in aim.codes)
    return f"{words.node(aim.node)} ({said})"


def learned_from(posterior: Posterior, words: Words) -> str:
    """Say which survey the model learned from."""
    survey, people = posterior.meta.get("survey"), posterior.meta.get("people")
    if survey is None:
        return words("common.learned_given")
    if people is None:
        return words("common.learned_some", survey=survey)
    return words("common.learned", survey=survey, people=f"{people:,}")


def placed(posterior: Posterior, words: Words) -> str:
    """Say which site the answers are about, where the survey had several."""
    site = posterior.meta.get("site")
    if site == "new":
        return words("common.site_new")
    if site is not None:
        return words("common.site", site=site)
    if posterior.sites is not None:
        return words("common.site_average", n=len(posterior.sites.names))
    return ""


def drawn_from(words: Words, used: int, held: int) -> str:
    """Say how many draws the numbers rest on."""
    if used == held:
        return words("common.draws", draws=f"{used:,}")
    return words("common.thinned", draws=f"{used:,}", all=f"{held:,}")


def sampling(posterior: Posterior, words: Words) -> str:
    """Say how the sampling was judged."""
    worst: Mapping[str, float] = posterior.diagnostics.worst
    if not worst:
        return words("common.unsampled", method=posterior.diagnostics.method)
    said = words(
        "common.sampled",
        method=posterior.diagnostics.method,
        r_hat=f"{worst['r_hat']:.3f}",
        ess=f"{min(worst['ess_bulk'], worst['ess_tail']):,.0f}",
        divergences=f"{worst['divergences']:.0f}",
        e_bfmi=f"{worst['e_bfmi']:.2f}",
    )
    return f"{said} {words('common.fit_good')}" if posterior.diagnostics.good else said


def unobserved(posterior: Posterior) -> list[str]:
    """Return the nodes that nobody of the survey was observed in."""
    answered = posterior.meta.get("answered", {})
    return [
        name
        for name in posterior.graph.names
        if answered.get(name) == 0 and name not in posterior.graph.items
    ]


def sureness(posterior: Posterior, words: Words) -> list[str]:
    """Say how sure the model is of itself."""
    said = [sampling(posterior, words)]
    if hidden := unobserved(posterior):
        said.append(words("common.latent", nodes=", ".join(map(words.node, hidden))))
    return said


def links(graph: CausalGraph, causes: Iterable[str], target: str) -> list[Edge]:
    """Return the edges of each cause's strongest, and then shortest, path to the target.

    The strongest path is the one whose weakest edge is graded best: what the grade of an answer
    speaks of.
    """
    found: dict[Edge, None] = {}
    for cause in causes:
        for place in range(len(GRADES)):
            allowed: nx.DiGraph[str] = nx.DiGraph()
            allowed.add_nodes_from(graph.names)
            good = [edge for edge in graph.edges if edge.grade in GRADES[: place + 1]]
            allowed.add_edges_from((edge.cause, edge.effect) for edge in good)
            if nx.has_path(allowed, cause, target):
                path = nx.shortest_path(allowed, cause, target)
                steps = set(pairwise(path))
                found |= {edge: None for edge in good if (edge.cause, edge.effect) in steps}
                break
    return sorted(found, key=lambda edge: (GRADES.index(edge.grade), edge.cause, edge.effect))


def cited(words: Words, edge: Edge) -> str:
    """Return an edge with its claim, its grade and its citations."""
    known = {
        "cause": words.node(edge.cause),
        "effect": words.node(edge.effect),
        "grade": words.grade(edge.grade),
        "claim": edge.claim,
    }
    if not edge.citations:
        return words("common.edge", **known)
    return words("common.edge_cited", **known, citations="; ".join(edge.citations))


def cause_levels(graph: CausalGraph, aim: Target) -> dict[str, tuple[str, ...]]:
    """Return the causes by level, as `backrisk.attribute` has them; one level if none is stated."""
    above = graph.ancestors(aim.node)
    found = {
        level: tuple(name for name in at_level(graph, level) if name in above)
        for level in sorted(LEVELS)
        if getattr(graph.roles, level)
    }
    found = {level: causes for level, causes in found.items() if causes}
    return found or {"single": tuple(name for name in graph.names if name in above)}


def first_level(graph: CausalGraph, aim: Target) -> Literal["proximal", "distal"]:
    """Return the level that shares of the risk are told at: behaviours and history where known."""
    return "proximal" if next(iter(cause_levels(graph, aim))) == "proximal" else "distal"
