"""Peak memory of each way to evaluate.

A process each: imports, the data, compilation and three evaluations; six latent, 10 % missing,
2,000 people. Time is that of the whole process after its imports.
"""

from __future__ import annotations

from typing import Any

from tests.benchmarks import _peers, _work
from tests.benchmarks.common import in_child, result


def run() -> list[dict[str, Any]]:
    """Measure backrisk, then the others against it."""
    ours = in_child("fit_memory:evaluate", "backrisk")
    records = []
    for peer in ("PyTensor", "NumPyro"):
        theirs = in_child("fit_memory:evaluate", peer)
        records.append(
            result(
                f"first three evaluations against {peer}",
                ours_s=ours["seconds"],
                theirs_s=theirs["seconds"],
                peer=peer,
                packages=("numba", "pytensor", "jax", "numpyro"),
                peak_mib=ours["peak_mib"],
                peer_peak_mib=theirs["peak_mib"],
            )
        )
    return records


def evaluate(who: str) -> None:
    """Prepare one evaluation and call it."""
    survey = _work.survey(2000, _work.KINDS[2])
    log_cells = _work.cells(survey.graph)
    make = {
        "backrisk": _peers.ours,
        "PyTensor": lambda given: _peers.pytensor(given, "NUMBA"),
        "NumPyro": _peers.numpyro_evaluation,
    }
    call = make[who](survey)
    for _ in range(3):
        call(log_cells)
