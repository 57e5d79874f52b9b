"""What changed since an earlier file of the same person, as a section of a report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from backrisk.queries import FollowUp
from backrisk.report.blocks import Block, Section, Table, Text
from backrisk.report.common import cut, heading
from backrisk.summary import Estimate
from backrisk.survey import Codebook
from backrisk.words import again, capital, say

_CHANGED = 12  # answers on the page


def followed_section(answer: FollowUp, book: Codebook | None) -> Section:
    """Return what changed since an earlier file: told, in numbers, and answer by answer.

    Parameters
    ----------
    answer : FollowUp
    book : Codebook, optional
        Words the answers as they were asked for.

    Returns
    -------
    Section
        On a page of its own.
    """
    blocks: list[Block] = [Text(tuple(map(again, answer.told()))), *_numbers(answer)]
    if answer.changed:
        rows = tuple(
            (
                _asked(answer, book, each.name),
                _said(answer, each.name, each.before),
                _said(answer, each.name, each.after),
            )
            for each in answer.changed
        )
        columns = (heading("question", wide=5), heading("then", wide=2), heading("now", wide=2))
        table = Table("answers_changed", say("report.follow_up.answers"), columns, rows)
        blocks.append(cut(table, _CHANGED))
    else:
        blocks.append(Text((say("queries.follow_up.no_answers"),)))
    blocks.append(Text((" ".join(map(again, answer.notes)),), tone="small"))
    return Section(say("report.follow_up.title"), tuple(blocks), page=True)


def _numbers(answer: FollowUp) -> Sequence[Table]:
    """Return both risks, and the change with its parts."""
    found = {row: Estimate.of(draws) for row, draws in answer.quantities.items()}
    files = enumerate(("before", "after"))
    risks = [(_file(answer, place), found.pop(row)) for place, row in files]
    changes = [(capital(say(f"queries.rows.{row}")), each) for row, each in found.items()]
    title = say("report.follow_up.risk", target=again(answer.target.label))
    return (
        Table(
            "risk_then_and_now",
            title,
            (heading("file", wide=3), heading("risk", "share", strip=True)),
            tuple(risks),
        ),
        Table(
            "risk_changed",
            "",
            (heading("part", wide=3), heading("change", "points", strip=True)),
            tuple(changes),
        ),
    )


def _file(answer: FollowUp, place: int) -> str:
    """Name one of both files, by its date where it has one."""
    day = answer.saved[place].date
    key = ("before", "after")[place]
    if day is None:
        return say(f"report.follow_up.{key}")
    return say(f"report.follow_up.{key}_on", date=day.isoformat())


def _asked(answer: FollowUp, book: Codebook | None, name: str) -> str:
    """Return the question that an answer is to, or the node that it is of."""
    column = None if book is None else book.columns.get(name)
    return column.question if column is not None and column.question else answer.names.heading(name)


def _said(answer: FollowUp, name: str, value: Any) -> str:
    return answer.value_words(name, value) or say("report.follow_up.not_answered")
