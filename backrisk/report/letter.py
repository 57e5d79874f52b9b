"""One page about one person: a letter to a colleague, or the person's own sheet alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from importlib.metadata import version

from backrisk.report import charts
from backrisk.report.answers import PersonAnswers
from backrisk.report.before import before_numbers, blanks
from backrisk.report.blocks import Block, Figure, Headline, Report, Section, Table, Text
from backrisk.report.common import cut, drawn_from, frame, learned_from, site_mark
from backrisk.report.person import (
    first_causes,
    first_sheet,
    help_blocks,
    help_title,
    limits,
    needed_blocks,
    opening,
    seen,
    warned,
)
from backrisk.words import again, capital, say

_CAUSES, _HELPING = 5, 3  # rows of a letter


def letter_document(answers: PersonAnswers, day: str) -> Report:
    """Return a letter to a colleague, in the language that is spoken, before any format.

    Parameters
    ----------
    answers : PersonAnswers
    day : str
        The date stated.

    Returns
    -------
    Report
    """
    posterior = answers.posterior
    goal = again(answers.consultation.target.label)
    kind = "surveyed" if posterior.surveyed else "given"
    about = say(f"report.letter.opening.{kind}", version=version("backrisk"))
    method = say(
        "report.letter.method",
        edges=len(posterior.graph.edges),
        learned=learned_from(posterior),
        draws=drawn_from(posterior.draws, answers.all_draws),
    )
    said: list[Block] = [
        block for block in opening(answers, goal) if isinstance(block, Headline | Text)
    ]
    back = answers.consultation.looking_back
    causes = needed_blocks(answers, goal) if back else first_causes(answers)
    trust = Text((method,), tone="small"), limits(answers), Text((say("report.letter.closing"),))
    return Report(
        kind="person",
        title=capital(say("report.letter.title", target=goal)),
        lead=(say("report.letter.dear"), about),
        sections=(
            *before_numbers(answers.flags, always=True),
            Section(say("report.letter.findings"), (seen(answers),)),
            Section(say("report.letter.says"), tuple(said)),
            Section(say("report.letter.causes"), _short(causes, _CAUSES)),
            Section(help_title(answers), _short(help_blocks(answers, goal), _HELPING)),
            Section(say("report.letter.trust"), trust),
        ),
        compact=True,
        blanks=blanks("report.blanks.letter"),
        **frame(posterior, day, site_mark(posterior), warned(answers, notes=False)),
    )


def _short(blocks: Iterable[Block], most: int) -> tuple[Block, ...]:
    """Return blocks whose tables show a few rows, and say how many they leave out."""
    return tuple(cut(each, most) if isinstance(each, Table) else each for each in blocks)


def plain_document(answers: PersonAnswers, day: str) -> Report:
    """Return the person's own sheet alone, with a picture of 100 people in place of bars.

    Parameters
    ----------
    answers : PersonAnswers
    day : str
        The date stated.

    Returns
    -------
    Report
    """
    posterior = answers.posterior
    goal = again(answers.consultation.target.label)
    return Report(
        kind="person",
        title=capital(say("report.person.title", target=goal)),
        lead=(),
        sections=tuple(
            replace(each, blocks=_short(_pictured(answers, each.blocks), _CAUSES))
            for each in first_sheet(answers)
        ),
        compact=True,
        blanks=blanks("report.blanks.person"),
        **frame(posterior, day, site_mark(posterior), warned(answers, notes=False)),
    )


def _pictured(answers: PersonAnswers, blocks: Iterable[Block]) -> Iterator[Block]:
    """Yield blocks, with 100 people in place of a figure of bars."""
    found = answers.consultation.estimate
    for block in blocks:
        if not isinstance(block, Figure) or found is None:
            yield block
            continue
        count = round(100 * found.mean)
        words = say("report.plain.icons", count=count, rest=100 - count)
        yield from (Figure(charts.icons(count), words), Text((words,), tone="small"))
