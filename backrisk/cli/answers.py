"""An answer as a terminal shows it: its table, the rows that tell nothing folded away, its text."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console

from backrisk.cli.tables import Format, fits, give, header, show_table
from backrisk.queries import (
    Answer,
    Attribution,
    AttributionOverTime,
    Consultation,
    Contrast,
    Questions,
    estimate_cell,
    evidence_cell,
    in_points,
    narrowed_cell,
)
from backrisk.words import TOGETHER, capital, decimal, listed, percent, say, whole

_JSON_ONLY = (
    *(
        "name",
        "node",
        "state_code",
        "low",
        "high",
        "question",
        "at_least",
        "total_grade",
        "total_outcome",
    ),
    *("narrowed", "contraction_error", "moved_by_likelihood", "unmeasured"),
    *("kind", "period", "needed_low", "needed_high"),
)
_SHARES = ("risk_after", "part", "without_answers")
_POINTS = {"gain": 2, "per_cost": 2, "monte_carlo_error": 2}  # digits of differences in risk
_RENAMED = {"share": "part"}  # columns whose name says something else beside other answers


# A row that no sentence tells of is folded away where its mean is within the one of zero, and its
# interval within the other.
_LITTLE, _AT_MOST = 0.01, 0.02
_TELLS = 5e-5  # bits, or a gain, from which on a table shows something of them


# What a narrow terminal goes without, the first to go first.
_FIRST_TO_GO = (
    *("moved_by_prior", "monte_carlo_error", "state", "p_helps", "contraction", "risk_after"),
    *("leading", "p_effect", "grade"),
)


def show_answer(answer: Answer, format: Format, console: Console) -> None:
    """Print an answer as a table and its text, or its data.

    Parameters
    ----------
    answer : Answer
    format : Format
    console : rich.console.Console
    """
    if give(format, answer.to_dict()):
        return
    found, folded = _folded(answer, answer.columns())
    rows = list(map(str, found["name"]))
    columns = {"": list(map(answer.row_label, rows)), **_columns(answer, found)}
    if "state" in columns:  # of a node that a row is named by
        columns["state"] = [_reported(answer, row) for row in rows]
        if set(columns["state"]) == {"-"}:
            del columns["state"]
    hidden = []
    for key in _FIRST_TO_GO:
        if key in columns and not fits(columns, console):
            hidden.append(header(key))
            del columns[key]
    show_table(_title(answer), columns, console)
    if folded:
        console.print(folded, markup=False)
    if hidden:
        told = say("cli.tables.hidden", columns=say("phrases.comma").join(hidden))
        console.print(told, markup=False)
    console.print(answer.text, markup=False)


def _folded(answer: Answer, found: dict[str, list[Any]]) -> tuple[dict[str, list[Any]], str]:
    """Leave out the rows that tell nothing, and say how many and how little."""
    rows = [dict(zip(found, row, strict=True)) for row in zip(*found.values(), strict=True)]
    if isinstance(answer, Attribution) and answer.effects is not None:
        told = {cause for cause, said in zip(answer.causes, answer.told, strict=True) if said}
        out = [row["name"] not in told and _negligible(row) for row in rows]
    elif isinstance(answer, Consultation) and (causes := answer.causes) is not None:
        small = {c for c, said in zip(causes.causes, causes.told, strict=True) if not said}
        out = [row["name"] in small for row in rows]
    elif isinstance(answer, Questions):
        out = [max(row["bits"], row.get("gain", 0.0)) < _TELLS for row in rows]
    else:
        return found, ""
    left = [row for row, without in zip(rows, out, strict=True) if without]
    if not left or len(left) == len(rows):
        return found, ""
    kept = [row for row, without in zip(rows, out, strict=True) if not without]
    shown = {name: [row[name] for row in kept] for name in found}
    if isinstance(answer, Questions):
        return shown, say("cli.tables.folded_questions", count=len(left), n=len(left))
    most = {
        "mean": max(abs(row["mean"]) for row in left),
        "end": max(max(-row["low"], row["high"]) for row in left),
    }
    points = answer.in_points(left[0]["name"])
    words = {
        name: say("cli.tables.points", number=in_points(size)) if points else percent(size)
        for name, size in most.items()
    }
    return shown, say("cli.tables.folded_causes", count=len(left), n=len(left), **words)


def _playing(answer: Attribution) -> dict[str, bool]:
    return dict(zip(answer.causes, answer.playing.tolist(), strict=True))


def _negligible(row: Mapping[str, Any]) -> bool:
    return bool(abs(row["mean"]) < _LITTLE and max(-row["low"], row["high"]) < _AT_MOST)


def _columns(answer: Answer, found: Mapping[str, Sequence[Any]]) -> dict[str, list[str]]:
    """Lay columns out for a terminal: an estimate with its interval is one column."""
    shown: dict[str, list[str]] = {}
    rows = [dict(zip(found, row, strict=True)) for row in zip(*found.values(), strict=True)]
    for column, values in found.items():
        if column in _JSON_ONLY or column.startswith(("lower_", "upper_")):
            continue
        if column == "state" and "node" in found:  # the row's own name says it
            continue
        if column == "mean":
            shown[answer.measure] = [estimate_cell(answer, row) for row in rows]
        elif column == "p_effect" and isinstance(answer, Attribution):
            # What only passes on has no effect of its own, which is not to be sure of its absence.
            playing = _playing(answer)
            shown[column] = [
                _cell(row["p_effect"]) if playing[row["name"]] else "-" for row in rows
            ]
        elif column == "grade":
            shown[column] = [evidence_cell(answer.names, row) for row in rows]
        elif column == "contraction":
            if any(cells := [narrowed_cell(row) for row in rows]):
                shown[column] = [cell or "-" for cell in cells]
        elif (renamed := _RENAMED.get(column, column)) in _SHARES:
            shown[renamed] = [percent(value) for value in values]
        elif column == "number_needed":
            shown[column] = [_needed(row) for row in rows]
        elif column in _POINTS:
            shown[column] = [_cell(100 * value, _POINTS[column]) for value in values]
        elif set(cells := [_cell(value, 4 if column == "bits" else 2) for value in values]) != {
            "-"
        }:
            shown[column] = cells
    if "lower_bound" in found:
        shown["bounds"] = [
            say("cli.tables.bounds", low=_bare(low), high=_bare(high))
            for low, high in zip(found["lower_bound_low"], found["upper_bound_high"], strict=True)
        ]
    return shown


def _title(answer: Answer) -> str:
    return capital(
        say(
            f"cli.tables.{type(answer).__name__.lower()}",
            target=answer.target.label,
            do=_set(answer) if isinstance(answer, Contrast) else "",
        )
    )


def _set(answer: Contrast) -> str:
    return listed(answer.names.pair(node, state) for node, state in answer.do.items())


def _reported(answer: Answer, row: str) -> str:
    """Word the states that a person reported of the nodes that a row is named by."""
    if isinstance(answer, AttributionOverTime):
        return answer.reported(row) or "-"
    told = [
        answer.names.state(node, answer.evidence[node]) if node in answer.evidence else "-"
        for node in row.split(TOGETHER)
    ]
    return TOGETHER.join(told) if set(told) != {"-"} else "-"


def _needed(row: Mapping[str, Any]) -> str:
    """Word a number needed to treat with its interval, in whole people."""
    ends = (row["number_needed"], row["needed_low"], row["needed_high"])
    if any(number != number for number in ends):
        return "-"
    mean, low, high = (whole(math.ceil(abs(number))) for number in ends)
    return say("phrases.estimate", mean=mean, low=low, high=high)


def _bare(share: float) -> str:
    """Word a share without its unit, which stands beside it."""
    return percent(share, unit=False)


def _cell(value: Any, digits: int = 2) -> str:
    if isinstance(value, str):
        return value
    return "-" if value is None or value != value else decimal(value, digits)
