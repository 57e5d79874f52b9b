"""Value and gradient against a row-wise PyMC model, where nothing is latent.

One `pm.Categorical` for each node over all people, bounds unchecked; the faster of the numba and
C backends.
"""

from __future__ import annotations

from typing import Any

from tests.benchmarks import _peers, _work
from tests.benchmarks.common import median_seconds, result


def run() -> list[dict[str, Any]]:
    """Compare at 2,000 and 20,000 people."""
    records = []
    log_cells = _work.cells(_work.graph())
    for people in (2000, 20_000):
        survey = _work.survey(people, _work.KINDS[0])
        ours = _peers.ours(survey)
        peers = {backend: _peers.rowwise(survey, backend) for backend in ("NUMBA", "CVM")}
        for evaluate in peers.values():
            _peers.check_equal(survey.graph, log_cells, ours(log_cells), evaluate(log_cells))
        times = median_seconds(
            lambda f=ours: f(log_cells), *(lambda f=f: f(log_cells) for f in peers.values())
        )
        best = min(zip(times[1:], peers, strict=True))
        records.append(
            result(
                f"complete, {people:,} people",
                ours_s=times[0],
                theirs_s=best[0],
                peer=f"PyMC ({'numba' if best[1] == 'NUMBA' else 'C'})",
                bar=50 if people == 20_000 else None,
                packages=("numba", "pymc", "pytensor"),
            )
        )
    return records
