"""Risk of many people.

10,000 synthetic people, no two with the same answers to the same fourteen questions, 1,000 draws,
in one process and in two (forked after the posterior is held); beside it, one at a time. The
ratio is the time of one at a time by ours.
"""

from __future__ import annotations

import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backrisk.queries import probabilities, read_target
from tests.benchmarks._networks import ASKED, EXAMINED, runner
from tests.benchmarks.common import median_seconds, result

PEOPLE, DRAWS, _ALONE = 10_000, 1000, 40


def people(n: int = PEOPLE) -> NDArray[np.intp]:
    """Return different answers, drawn independently, ``(person, node)``; -1 is no answer."""
    graph = runner(DRAWS).graph
    rng = np.random.default_rng(2)
    codes = np.full((2 * n, len(graph.names)), -1, dtype=np.intp)
    for name in {**EXAMINED, **ASKED}:
        states = len(graph.node(name).states)
        codes[:, graph.names.index(name)] = rng.integers(0, states, len(codes))
    different = np.unique(codes, axis=0)
    return rng.permutation(different)[:n]


def means(codes: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return each person's mean risk: what a score keeps."""
    posterior = runner(DRAWS)
    found = probabilities(posterior, codes, read_target(posterior.graph, None))
    mean: NDArray[np.float64] = found.mean(axis=1)
    return mean


def run() -> list[dict[str, Any]]:
    """Time one process, two, and one person at a time."""
    codes = people()
    assert len(codes) == PEOPLE
    order = np.lexsort(codes.T)  # neighbours share answers, and so share work

    def alone() -> None:
        for person in codes[:_ALONE]:
            means(person[None])

    def together() -> None:
        means(codes[order])

    alone_s, together_s = median_seconds(alone, together, repeats=3)
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("fork")) as pool:
        halves = np.array_split(codes[order], 2)
        list(pool.map(means, halves))
        samples = []
        for _ in range(3):
            start = time.perf_counter()
            both = np.concatenate(list(pool.map(means, halves)))
            samples.append(time.perf_counter() - start)
    assert np.abs(both - means(codes[order])).max() < 1e-12
    return [
        result(
            "10,000 people, 14 answers",
            ours_s=seconds,
            theirs_s=alone_s * PEOPLE / _ALONE,
            peer="backrisk, one at a time",
            processes=processes,
            people_per_second=round(PEOPLE / seconds),
        )
        for processes, seconds in ((1, together_s), (2, float(np.median(samples))))
    ]
