"""Value and gradient against a plain PyTensor elimination graph.

The graph has 24 nodes of 2 and 3 states with at most three parents; "six latent" hides a whole
layer of constructs. Log-likelihood and gradient were equal to 1e-8 and 1e-6. PyTensor runs on its
numba backend; the C backend, tried in one row, takes minutes to compile with an empty cache (97 s
once) and longer to run. Where nothing is latent both sides count, and there is nothing to gain.
"""

from __future__ import annotations

from typing import Any

from tests.benchmarks import _peers, _work
from tests.benchmarks.common import median_seconds, result, seconds


def run() -> list[dict[str, Any]]:
    """Compare at 500, 2,000 and 20,000 people."""
    records = []
    log_cells = _work.cells(_work.graph())
    for kind in _work.KINDS:
        for people in (500, 2000, 20_000):
            survey = _work.survey(people, kind)
            ours = _peers.ours(survey)
            backends = ["NUMBA"]
            if (kind, people) == (_work.KINDS[1], 500):
                backends.append("CVM")
            for backend in backends:
                compiling, theirs = seconds(lambda b=backend, s=survey: _peers.pytensor(s, b))
                _peers.check_equal(survey.graph, log_cells, ours(log_cells), theirs(log_cells))
                ours_s, theirs_s = median_seconds(
                    lambda f=ours: f(log_cells), lambda f=theirs: f(log_cells)
                )
                records.append(
                    result(
                        f"{kind}, {people:,} people",
                        ours_s=ours_s,
                        theirs_s=theirs_s,
                        peer=f"PyTensor ({'numba' if backend == 'NUMBA' else 'C'})",
                        bar=100 if (kind, people) == (_work.KINDS[2], 2000) else None,
                        packages=("numba", "pytensor"),
                        peer_compiles_s=compiling,
                    )
                )
    return records
