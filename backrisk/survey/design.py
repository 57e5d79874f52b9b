"""How people came to be in a survey: what its codebook states, and what its answers look like."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from backrisk.errors import SurveyError
from backrisk.graph import CausalGraph, has_intercepts
from backrisk.survey.schema import Contents, Design
from backrisk.words import Said, percent, say

_CHANCE = 1e-3  # of a pattern that is told as a sign of a design, had nobody designed it
_FEWEST = 40  # people, of whom exactly a half or a third being cases tells anything
_SHARES = (2, 3, 4, 5)  # controls and cases together for each case, as studies choose them
_IDENTIFIERS = {
    "id", "pid", "uid", "uuid", "record", "subject", "participant", "patient", "person",
    "respondent", "runner", "athlete", "name", "email", "code",
}  # fmt: skip


def resolved(
    book: Contents, graph: CausalGraph, source: str, problems: list[Said]
) -> Design | None:
    """Return the design with outcome and cases written out, and add what is wrong with it.

    Parameters
    ----------
    book : Contents
    graph : CausalGraph
    source : str
        The codebook or its file, as sentences call it.
    problems : list of str
    """
    design = book.design
    if design is None:
        return None
    told = [
        (design.kind == "stratified" and book.weight is None, "no_weight"),
        (design.by_outcome and book.weight is not None, "weight_by_outcome"),
        (design.kind == "repeated" and book.weight is not None, "weight_of_visits"),
        (design.kind == "repeated" and book.one_row_per is not None, "one_row_of_visits"),
        (design.set is not None and book.site not in (None, design.set), "set_and_site"),
    ]
    problems += [say(f"survey.design.{key}", source=source) for wrong, key in told if wrong]
    if not design.by_outcome:
        return design
    outcome = design.outcome or graph.outcome
    if outcome is None:
        problems.append(say("survey.design.no_outcome", source=source))
        return design
    if outcome not in graph.names:
        near = graph.near(outcome)
        about = {"source": source, "node": outcome, "graph": graph.name, "near": near}
        problems.append(say("survey.design.no_node", **about))
        return design
    if all(spec.node != outcome for spec in book.measures.values()):
        problems.append(say("survey.design.not_observed", source=source, node=outcome))
    node = graph.node(outcome)
    cases = node.states[1] if design.cases is None else design.cases
    if cases not in node.states[1:]:
        known = ", ".join(node.states[1:])
        about = {"source": source, "node": outcome, "state": cases, "known": known}
        problems.append(say("survey.design.no_case", **about))
    if node.nominal and len(node.states) > 2:
        problems.append(say("survey.design.nominal", source=source, node=outcome))
    return design.model_copy(update={"outcome": outcome, "cases": cases})


def header_problems(names: Sequence[str], book: Contents, source: str) -> list[Said]:
    """Return which columns that the design needs a file lacks."""
    design = book.design
    if design is None:
        return []
    needed = (design.set, design.person, book.weight if design.kind == "stratified" else None)
    return [
        say("survey.design.no_column", source=source, column=column)
        for column in needed
        if column is not None and column not in names
    ]


def cases_of(
    design: Design, graph: CausalGraph, codes: NDArray[np.int8]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which rows are cases, and which are controls.

    Parameters
    ----------
    design : Design
        By outcome, as `resolved` gave it.
    graph : CausalGraph
    codes : ndarray of int, shape (rows, nodes)
    """
    node = graph.node(str(design.outcome))
    own = codes[:, graph.names.index(node.name)]
    first = node.code(str(design.cases))
    return own >= first, (own >= 0) & (own < first)


def demand_design(
    book: Contents,
    graph: CausalGraph,
    codes: NDArray[np.int8],
    people: NDArray[np.int64],
    source: str,
) -> None:
    """Refuse a table that cannot have been made by the design that its codebook states.

    Raises
    ------
    SurveyError
    """
    design = book.design
    if design is None or not design.by_outcome:
        return
    cases, controls = cases_of(design, graph, codes)
    about = {"source": source, "node": design.outcome}
    if unknown := int(people[~(cases | controls)].sum()):
        raise SurveyError(say("survey.design.outcome_unknown", **about, count=unknown))
    for these, key in ((cases, "no_cases"), (controls, "no_controls")):
        if not people[these].sum():
            raise SurveyError(say(f"survey.design.{key}", **about, cases=design.cases))


def design_cautions(
    book: Contents,
    graph: CausalGraph,
    codes: NDArray[np.int8],
    people: NDArray[np.int64],
    site: NDArray[np.intp] | None,
) -> Iterator[Said]:
    """Say what a table looks like that its codebook does not state.

    Parameters
    ----------
    book : Contents
    graph : CausalGraph
        Whose outcome is looked at.
    codes : ndarray of int8, shape (rows, nodes)
    people : ndarray of int, shape (rows,)
        How many people each row stands for.
    site : ndarray of int, shape (rows,), optional
    """
    design = book.design
    if design is not None and design.kind == "matched" and site is not None:
        cases, controls = (
            np.bincount(site, np.where(these, people, 0))
            for these in cases_of(design, graph, codes)
        )
        if alone := int(((cases == 0) | (controls == 0)).sum()):
            yield say("survey.design.sets_alone", count=alone, sets=len(cases))
    if (design is not None and design.by_outcome) or graph.outcome is None:
        return
    own = codes[:, graph.names.index(graph.outcome)]
    known = own >= 0
    total, ill = int(people[known].sum()), int(people[own > 0].sum())
    if not 0 < ill < total:
        return
    if site is not None and known.all():
        sizes = np.bincount(site, people).astype(int)
        counts = np.bincount(site, np.where(own > 0, people, 0)).astype(int)
        share = ill / total
        chance = sum(
            math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
            + k * math.log(share) + (n - k) * math.log1p(-share)
            for n, k in zip(sizes.tolist(), counts.tolist(), strict=True)
        )  # fmt: skip
        if len(set(counts.tolist())) == 1 and chance < math.log(_CHANCE):
            yield say(
                "survey.design.equal_sites",
                node=graph.outcome,
                column=book.site,
                count=int(counts[0]),
                sites=len(sizes),
            )
            return
    # Where people were chosen by it, the outcome is known of everyone.
    for parts in _SHARES if total >= _FEWEST and known.all() else ():
        if ill * parts == total:
            chance = math.sqrt(parts * parts / (2 * math.pi * total * (parts - 1)))
            about = {"node": graph.outcome, "share": percent(1 / parts), "people": total}
            about["chance"] = percent(chance)
            yield say("survey.design.round_share", **about)


def site_cautions(book: Contents, graph: CausalGraph, sites: Sequence[str]) -> Iterator[Said]:
    """Say where sites are named that the graph has nothing to tell apart by.

    Parameters
    ----------
    book : Contents
    graph : CausalGraph
    sites : sequence of str
        Matched sets are none.
    """
    apart = len(sites) > 1 and (book.design is None or book.design.set is None)
    if apart and not has_intercepts(graph):
        about = {"graph": graph.name, "sites": len(sites), "column": book.site}
        yield say("survey.design.no_intercepts", **about)


def like_identifiers(book: Contents, columns: Iterable[str]) -> tuple[str, ...]:
    """Return the columns that are not read and by whose names a person would be found again."""
    read = {*book.columns, book.site, book.weight}
    design, one = book.design, book.one_row_per
    told = {design and design.person, design and design.set, one and one.column}
    return tuple(
        name
        for name in columns
        if name not in read | told
        and _IDENTIFIERS & set(re.split(r"[\W_]+", name.lower()))
        and (design is None or design.person is None)
        and one is None
    )


def repeated_identifiers(column: str, people: int, rows: int) -> Said | None:
    """Say that several rows bear one identifier.

    Parameters
    ----------
    column : str
    people, rows : int
        How many distinct identifiers there are, and how many rows have one.
    """
    # A column of few values is a group, whatever its name.
    if people == rows or people * 20 < rows:
        return None
    return say("survey.design.repeated", column=column, people=people, count=rows)
