"""How predicted risks agree with known outcomes: the figures and tables of a report."""

from __future__ import annotations

from backrisk.cohort import Agreement
from backrisk.report import charts
from backrisk.report.blocks import Block, Cell, Figure, Table, Text
from backrisk.report.common import heading
from backrisk.words import say
from backrisk.words.phrases import whole


def agreement_blocks(found: Agreement) -> list[Block]:
    """Return what shows how predicted risks agree with outcomes."""
    drawing = charts.reliability(
        found.predicted,
        found.observed,
        say("report.columns.predicted"),
        say("report.columns.observed"),
    )
    columns = (
        heading("group", "count"),
        heading("people", "count", wide=1),
        heading("predicted", "share"),
        heading("observed", "share", strip=True),
    )
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (place + 1, size, predicted, observed)
        for place, (size, predicted, observed) in enumerate(
            zip(found.sizes, found.predicted, found.observed, strict=True)
        )
    )
    figure = Figure(drawing, say("report.cohort.reliability_words", n=len(rows)))
    table = Table(
        "reliability",
        say("report.cohort.reliability"),
        columns,
        rows,
        say("report.cohort.reliability_note"),
    )
    scores: list[tuple[Cell, ...]] = [
        (say("report.cohort.brier"), found.brier),
        (say("report.cohort.brier_reference"), found.brier_reference),
    ]
    blocks: list[Block] = [figure, table]
    if found.concordance is None:
        blocks.append(Text((say("report.cohort.one_outcome", n=whole(found.people)),)))
    else:
        scores.append(
            (say("report.cohort.brier_scaled"), 1.0 - found.brier / found.brier_reference)
        )
        scores.append((say("report.cohort.concordance"), found.concordance))
    scores.append((say("report.cohort.ratio"), found.ratio))
    of_score = (
        heading("score", wide=3),
        heading("value", "score"),
    )
    note = say("report.cohort.scores_note")
    return [*blocks, Table("scores", say("report.cohort.scores"), of_score, tuple(scores), note)]
