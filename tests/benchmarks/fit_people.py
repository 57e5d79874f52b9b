"""Cost against the number of people: only distinct patterns count.

One evaluation of value and gradient, and building what it runs on. "Repeated" draws people from
the patterns of 2,000.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from backrisk.likelihood import build_circuit, size_of, value_and_counts
from backrisk.survey import Survey, tabulate
from tests.benchmarks import _work
from tests.benchmarks.common import median_seconds, result, seconds


def run() -> list[dict[str, Any]]:
    """Time a ladder of sizes in turn; the first record is the bar."""
    base = _work.survey(2000, _work.KINDS[2])
    who = np.random.default_rng(0).integers(2000, size=200_000)
    cases = {
        "complete, 2,000 people": _work.survey(2000, _work.KINDS[0]),
        "complete, 200,000 people": _work.survey(200_000, _work.KINDS[0]),
        **{
            f"{_work.KINDS[2]}, {people:,} people": _work.survey(people, _work.KINDS[2])
            for people in (500, 2000, 8000, 20_000)
        },
        f"{_work.KINDS[2]}, 200,000 people repeated": Survey(
            base.graph, base.codes[who], base.codebook
        ),
        "packaged questions, 2,000 people": _work.runner(2000),
        "packaged questions, 20,000 people": _work.runner(20_000),
    }
    calls, rows = [], []
    for survey in cases.values():
        tabulating, patterns = seconds(lambda s=survey: tabulate(s))
        building, circuit = seconds(
            lambda p=patterns, s=survey: build_circuit(s.graph, p.codes, p.weights)
        )
        packed, log_cells = circuit.packed(), _work.cells(survey.graph)
        calls.append(lambda x=log_cells, p=packed: value_and_counts(x, *p))
        rows.append((len(patterns.weights), tabulating, building, size_of(circuit)))
    records = []
    times = median_seconds(*calls)
    for place, (name, taken, row) in enumerate(zip(cases, times, rows, strict=True)):
        patterns, tabulating, building, size = row
        more = {
            "patterns": patterns,
            "multiply_adds": size["multiply_adds"],
            "tabulate_s": tabulating,
            "build_s": building,
        }
        if place == 1:
            records.append(
                result(
                    f"{name}, by 2,000",
                    ours_s=times[0],
                    theirs_s=taken,
                    peer="100 times the people",
                    bar=1.5,
                    limit="at most",
                    packages=("numba",),
                    **more,
                )
            )
        else:
            records.append(result(name, ours_s=taken, packages=("numba",), **more))
    return records
