"""How answers word what is known of a cause: its evidence, and what the data did to a number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from backrisk.graph import GRADES, CausalGraph
from backrisk.queries.answer import Target
from backrisk.queries.paths import Studied
from backrisk.queries.support import Support
from backrisk.words import Names, listed, names_of, percent, say


def evidence_words(names: Names, path: str, studied: Studied) -> str:
    """Word the evidence along the path and on the effect as a whole, the worse first.

    Parameters
    ----------
    names : Names
    path : str
        The grade of the path.
    studied : Studied
    """
    return say(f"queries.evidence.{_kind(path, studied)}", **_graded(names, path, studied))


def evidence_cell(names: Names, row: Mapping[Any, Any]) -> str:
    """Word the same for a cell of a table, from a row of an answer's; empty without a grade."""
    path, studied = row["grade"], Studied(row["total_grade"], row["total_outcome"])
    if not path:
        return ""
    return say(f"queries.evidence.cell.{_kind(path, studied)}", **_graded(names, path, studied))


def _kind(path: str, studied: Studied) -> str:
    if not studied.grade:
        return "path"
    if studied.outcome:
        return "other"
    if studied.grade == path:
        return "both"
    worse = GRADES.index(studied.grade) > GRADES.index(path)
    return "total_first" if worse else "path_first"


def _graded(names: Names, path: str, studied: Studied) -> dict[str, str]:
    total = names.grade(studied.grade) if studied.grade else ""
    return {"path": names.grade(path), "total": total, "outcome": names.outcome(studied.outcome)}


def narrowed_cell(row: Mapping[Any, Any]) -> str:
    """Word how far the data narrowed the number of a row; empty where that is not known."""
    if row["narrowed"] is None:
        return ""
    return percent(row["contraction"]) if row["narrowed"] else say("queries.support.not")


def support_words(names: Names, support: Support, row: int) -> list[str]:
    """Word what the data did to one number, and what nobody measured on its paths."""
    said: list[str] = []
    narrowed, share = support.narrowed[row], float(support.contraction[row])
    by = "synthetic" if support.synthetic else "real"
    if narrowed:
        said.append(say(f"queries.support.narrowed.{by}", share=percent(share)))
    elif narrowed is not None:
        said.append(say(f"queries.support.not_narrowed.{by}"))
    moved, far = support.moved[row], support.moved_by_prior[row]
    if moved:
        said.append(say("queries.support.moved"))
    elif moved is None and not np.isnan(far):
        said.append(say("queries.support.moved_by_chance"))
    if nodes := support.unmeasured[row]:
        said.append(say("queries.support.not_measured", nodes=listed(map(names.node, nodes))))
    return said


def beyond(graph: CausalGraph, evidence: Mapping[str, int], target: Target) -> tuple[str, ...]:
    """Say that more is reported than a question asks about, where it is."""
    node = graph.node(target.node)
    seen = evidence.get(node.name, 0)
    if node.nominal or seen <= min(target.codes):
        return ()
    state = names_of(graph).phrase(node.name, node.states[seen])
    return (say("queries.beyond", state=state, target=target.label),)


def unmeasured_note(graph: CausalGraph, *support: Support) -> tuple[str, ...]:
    """Say which nodes on the paths of some answers' numbers nobody measured, if any."""
    found = {name for each in support for group in each.unmeasured for name in group or ()}
    if not found:
        return ()
    nodes = listed(names_of(graph).node(name) for name in graph.topological if name in found)
    return (say("queries.support.unmeasured", nodes=nodes),)
