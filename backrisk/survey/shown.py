"""What a notebook shows of answers: sizes and shares, no person."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from backrisk._html import MOST_ROWS, block, folded, paragraph, table
from backrisk.graph import CausalGraph
from backrisk.words import Said, again, names_of, percent, say


def shown_answers(
    graph: CausalGraph, told: str, answered: pd.Series[float], cautions: Sequence[Said]
) -> str:
    """Return HTML: a sentence, the share of people who answered each node, the cautions.

    Parameters
    ----------
    graph : CausalGraph
    told : str
        How many there are, of what.
    answered : pandas.Series
        By node. The least answered stand first; those that nobody answers are counted.
    cautions : sequence of str
    """
    names, known = names_of(graph), answered[answered > 0].sort_values(kind="stable")
    first, left = known[:MOST_ROWS], len(known) - MOST_ROWS
    nobody = len(answered) - len(known)
    columns: dict[str, list[str]] = {
        say("survey.shown.node"): [names.node(str(name)) for name in first.index],
        say("survey.shown.answered"): [percent(share) for share in first],
    }
    return block(
        graph.title or graph.name,
        paragraph(told),
        table(columns, [(share, 0.0, share) for share in first]) if len(first) else "",
        paragraph(say("survey.shown.more", count=left, n=left) if left > 0 else ""),
        paragraph(say("survey.shown.nobody", count=nobody, n=nobody) if nobody else ""),
        folded(say("survey.shown.cautions"), map(again, cautions)),
    )
