"""Two threads on one evaluation, or one chain on each core.

Half the people on each thread (their circuits share less than the whole one does), against two
chains side by side, each with the whole: time for each evaluation of the whole survey. Waking and
joining threads is left out, in favour of splitting.
"""

from __future__ import annotations

import threading
from typing import Any

from numba import njit

from backrisk.likelihood import build_circuit, size_of, value_and_counts
from backrisk.survey import tabulate
from tests.benchmarks import _work
from tests.benchmarks.common import median_seconds, result


@njit(nogil=True)
def _many(log_cells, tape, reals, times):  # type: ignore[no-untyped-def]
    for _ in range(times):
        value_and_counts(log_cells, tape, reals)


def run() -> list[dict[str, Any]]:
    """Compare at 2,000 and 20,000 people."""
    records = []
    for people, times in ((2000, 200), (20_000, 40)):
        survey = _work.survey(people, _work.KINDS[2])
        patterns, log_cells = tabulate(survey), _work.cells(survey.graph)
        middle = len(patterns.codes) // 2
        whole, first, second = (
            build_circuit(survey.graph, patterns.codes[part], patterns.weights[part])
            for part in (slice(None), slice(middle), slice(middle, None))
        )

        def together(*circuits: Any, n: int = times, x: Any = log_cells) -> None:
            threads = [
                threading.Thread(target=_many, args=(x, *circuit.packed(), n))
                for circuit in circuits
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

        chains, split = median_seconds(
            lambda w=whole, f=together: f(w, w), lambda a=first, b=second, f=together: f(a, b)
        )
        records.append(
            result(
                f"{_work.KINDS[2]}, {people:,} people",
                ours_s=chains / times / 2,
                theirs_s=split / times,
                peer="one evaluation split in two",
                packages=("numba",),
                multiply_adds=size_of(whole)["multiply_adds"],
                split_multiply_adds=sum(size_of(c)["multiply_adds"] for c in (first, second)),
            )
        )
    return records
