"""Risk from the shell.

The whole process ``backrisk risk model.nc --person p.json``: start, imports, reading and checking
a saved model of the runner graph with 4,000 draws and its codebook, the person's risk and the
population's. Beside it, in turn, a process that imports NumPy and pandas alone. Times are the
processor's, which a shared machine disturbs less; both have their bytecode, as installed packages
do.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from backrisk import Posterior, load_codebook, load_graph
from backrisk.graph import Layout
from tests.benchmarks.common import result

_PERSON = {"age_years": 44, "sex": "female", "height_cm": 168, "weight_kg": 72}
_PERSON |= {"strength_sessions": 0, "plank_seconds": 35, "sleep_hours": 6, "back_pain_episodes": 2}
_RUNS = 9


def model(path: Path, draws: int = 4000) -> Path:
    """Save draws from the prior as a fit would save them."""
    codebook = load_codebook("runner")
    graph = codebook.extend(load_graph("runner"))
    layout, rng = Layout(graph), np.random.default_rng(1)
    prior = layout.draw_prior(1000, rng)
    return Posterior(
        graph,
        *layout.draw_prior(draws, rng),
        chains=4,
        codebook=codebook,
        prior_fractions=prior[0],
        prior_beta=prior[1],
    ).save(path)


def run() -> list[dict[str, Any]]:
    """Time whole processes."""
    with tempfile.TemporaryDirectory() as folder:
        file = model(Path(folder) / "model.nc")
        person = Path(folder) / "p.json"
        person.write_text(json.dumps(_PERSON))
        risk = ["-c", "from backrisk.cli import main; main()"]
        risk += ["risk", str(file), "--person", str(person)]
        busy: list[list[float]] = [[], []]
        for _ in range(_RUNS + 1):
            for found, arguments in zip(busy, (risk, ["-c", "import numpy, pandas"]), strict=True):
                found.append(_busy([sys.executable, *arguments]))
    ours, imports = (median(found[1:]) for found in busy)
    return [
        result(
            "backrisk risk, 4,000 draws",
            ours_s=ours,
            theirs_s=imports,
            peer="importing NumPy and pandas",
            bar=3,
            limit="at most",
            of="by_imports",
            packages=("h5py", "typer", "pandas"),
            profile="Imports (NumPy, pandas, h5py, pydantic, typer, rich), then tables and sums.",
            by_imports=ours / imports,
            least_s=min(busy[0][1:]),
        )
    ]


def _busy(command: list[str]) -> float:
    """Return the processor's seconds that a process took."""
    plain = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=plain)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
