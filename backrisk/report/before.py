"""What stands before any number: red flags, whom the model is not about, lines to write on."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from backrisk.queries import RedFlag, RedFlags
from backrisk.report.blocks import Block, Section, Text
from backrisk.report.common import joined, paragraphs
from backrisk.words import say

_SPELLED = 5  # flags that are ticked, up to which a sheet has room for what to do about each


def blanks(key: str) -> tuple[str, ...]:
    """Return the labels of the lines that are filled in by hand."""
    return paragraphs(key)


def before_numbers(flags: RedFlags, *, always: bool = False) -> tuple[Section, ...]:
    """Return the section that stands before any number, if there is anything to say in it.

    Parameters
    ----------
    flags : RedFlags
    always : bool
        Say too that nobody asked, where the answers do not call for asking.
    """
    blocks: list[Block] = []
    if flags.ticked:
        some = len(flags.ticked) <= _SPELLED
        blocks.append(
            Text(
                (flags.headline, *(flags.advice() if some else _rows(flags.ticked))), tone="warning"
            )
        )
    if flags.unticked and (flags.called_for or flags.answered or always):
        blocks.append(Text(tuple(flags.from_answers()), tone="warning"))
    if flags.asked and not flags.ticked:
        blocks += _state(flags, always=always)
    if flags.unfit:
        blocks.append(Text(flags.unfit, tone="warning"))
    if not blocks:
        return ()
    if flags.asked:
        sources = say("report.common.semicolon").join(each.name for each in flags.sources)
        blocks.append(
            Text(
                (say("report.before.caveat"), say("report.before.sources", sources=sources)),
                tone="small",
            )
        )
    return (Section(say("report.before.title"), tuple(blocks)),)


def _state(flags: RedFlags, *, always: bool) -> list[Block]:
    """Return whether anybody asked, where nothing is ticked, and what to ask."""
    if flags.answered:
        return [Text((say(f"report.before.{'none_but' if flags.unticked else 'none'}"),))]
    if flags.called_for:
        key = "others" if flags.unticked else "called_for"
        asked = _rows(flag for flag in flags.asked if flag not in flags.unticked)
        return [Text((say(f"report.before.{key}"),)), Text(asked, bullets=True)]
    if always:
        key = "not_asked_others" if flags.unticked else "not_asked"
        return [Text((say(f"report.before.{key}"),))]
    return []


def _rows(flags: Iterable[RedFlag]) -> tuple[str, ...]:
    """Name flags by how soon someone should look, in a line each."""
    return tuple(
        say("report.before.row", soon=soon, flags=joined(flag.label for flag in each))
        for soon, each in groupby(flags, key=lambda flag: flag.soon)
    )
