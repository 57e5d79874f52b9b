"""Questions that were asked only after certain answers to one that measures nothing itself."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow.parquet as pq

from backrisk.survey.coder import MISSING, Coder
from backrisk.survey.skips import find_skips
from backrisk.words import Said, listed, say


def input_cautions(coder: Coder) -> list[Said]:
    """Return which columns are blank wherever an input has certain labels.

    The codes of a survey no longer tell what was answered to a mere input. Where one row stands
    for a person who has several, nothing is looked at.

    Parameters
    ----------
    coder : Coder
        Of a table whose cells are all accepted.
    """
    book = coder.codebook
    there = {name: spec for name, spec in book.columns.items() if name in coder.fields}
    gates = {
        name: tuple(dict.fromkeys(state for state in spec.labels.values() if state is not None))
        for name, spec in there.items()
        if spec.measured is None and spec.type == "label" and spec.labels
    }
    measures = [n for n, spec in there.items() if spec.measured is not None and not spec.asked_if]
    if not gates or not measures or book.one_row_per is not None:
        return []

    def coded(name: str) -> Callable[[str | None], int]:
        states = gates.get(name)

        def code(text: str | None) -> int:
            answer = coder.read(name, text)
            if answer is None:
                return MISSING
            return 0 if states is None else states.index(str(answer))

        return code

    names = [*gates, *measures]
    codes = np.concatenate(
        [
            np.column_stack([batch.meaning(name, coded(name), np.int16) for name in names])
            for batch, _ in coder.batches()
        ]
    )
    people = pq.read_table(coder.source.path, columns=["people"]) if coder.source.sums else None
    places = {name: place for place, name in enumerate(names)}
    sizes = {name: len(gates.get(name, ("",))) for name in names}
    found = []
    for skip in find_skips(
        codes,
        None if people is None else people["people"].to_numpy(),
        places,
        sizes,
        gates,
        gates,
    ):
        told = listed(say("phrases.quoted", text=gates[skip.gate][code]) for code in skip.blank)
        about = {"column": skip.measure, "gate": skip.gate, "states": told}
        found.append(say("survey.cautions.skipped", count=skip.people, **about))
    return found
