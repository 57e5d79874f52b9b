"""Queries against the memory.

No query can be faster than reading once the table cells that it needs, at the rate at which this
machine copies memory. `bytes` counts those cells and the answer; the ratio is this bound by our
time, so 1 would be perfect. Peer: the bound.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from backrisk.inference import Variable, World
from backrisk.inference.twin_network import BOTH
from backrisk.queries import distribution
from tests.benchmarks._networks import ASKED, EXAMINED, coded, runner
from tests.benchmarks.common import median_seconds, result

_COPIED = 64 * 2**20


def copy_bandwidth() -> float:
    """Return the bytes per second that this machine reads and writes when it copies."""
    source, target = np.ones(_COPIED // 8), np.empty(_COPIED // 8)
    (seconds,) = median_seconds(lambda: np.copyto(target, source), repeats=15)
    return 2 * _COPIED / seconds


def least_bytes(queries: Iterable[tuple[World, Sequence[Variable]]]) -> int:
    """Return the bytes that queries must touch at least: every needed cell once, and the answers.

    A cell that several queries need is counted for each: a bound for queries done one by one.
    """
    total = 0
    for world, keep in queries:
        sizes = {node.name: len(node.states) for node in world.graph.nodes}
        cells = []
        for source in world._plan(tuple(keep)).main.sources:
            for at in source.worlds:
                # A node in two worlds has a row of its CPT in each.
                family = {(p, world.variable(p)[1] * at) for p in world.graph.parents(source.name)}
                family.add((source.name, at))
                left = [sizes[v[0]] for v in source.scope if v in family or v[1] == BOTH]
                cells.append(int(np.prod(left, dtype=int)))
        answer = int(np.prod([sizes[name] for name, _ in keep], dtype=int))
        total += 8 * world.posterior.draws * (sum(cells) + answer)
    return total


def run() -> list[dict[str, Any]]:
    """Compare one person's risk with the bound."""
    posterior = runner()
    bandwidth = copy_bandwidth()
    records = []
    for label, answers in (("examined", EXAMINED), ("asked", ASKED), ("nothing", {})):
        world = World(posterior, coded(posterior.graph, answers), {})
        touched = least_bytes([(world, [("pain", 0)])])
        (ours_s,) = median_seconds(lambda world=world: distribution(world, "pain"))
        records.append(
            result(
                f"risk, {label} answered" if not answers else f"risk, 8 answers {label}",
                ours_s=ours_s,
                theirs_s=touched / bandwidth,
                peer="the bound",
                mib=touched / 2**20,
                gib_per_second=bandwidth / 2**30,
            )
        )
    return records
