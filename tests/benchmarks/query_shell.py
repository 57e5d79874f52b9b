"""Risk from the shell.

The whole process ``backrisk risk model.nc --person p.json``: start, imports, reading and checking
a saved model of the runner graph with 4,000 draws and its codebook, the person's risk and the
population's. `busy_s` is the processor's time, which a shared machine disturbs less.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
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
        command = [sys.executable, "-c", "from backrisk.cli import main; main()"]
        command += ["risk", str(file), "--person", str(person)]
        wall, busy = [], []
        for _ in range(_RUNS + 1):
            before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            wall.append(time.perf_counter() - start)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            busy.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return [
        result(
            "backrisk risk, 4,000 draws",
            ours_s=median(wall[1:]),
            bar=1.5,
            limit="at most",
            of="ours_s",
            packages=("h5py", "typer"),
            profile="Imports (NumPy, h5py, pydantic, typer, rich), then the tables and the sums.",
            busy_s=median(busy[1:]),
            least_s=min(wall[1:]),
        )
    ]
