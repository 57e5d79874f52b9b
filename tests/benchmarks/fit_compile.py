"""From nothing to the first step of a sampler: the packaged survey.

A fresh process each: "cold" with empty PyTensor and numba caches, "warm" with what the cold one
left, the fastest of three: it needs a core for about 7.5 s, so the wall clock tells how many others
share the machine (single starts took 17 and 24 s while six to nine processes shared two cores). The
first step is a fit of one draw, one chain.
"""

from __future__ import annotations

import tempfile
from typing import Any

from tests.benchmarks.common import ROOT, in_child, result, seconds


def run() -> list[dict[str, Any]]:
    """Start twice."""
    records = []
    with tempfile.TemporaryDirectory() as folder:
        caches = {
            "PYTENSOR_FLAGS": f"base_compiledir={folder}/pytensor",
            "NUMBA_CACHE_DIR": f"{folder}/numba",
        }
        for state in ("cold", "warm"):
            runs = [
                in_child("fit_compile:start", **caches) for _ in range(1 if state == "cold" else 3)
            ]
            child = min(runs, key=lambda run: run["seconds"])
            stages = child["answer"]
            numba = stages.pop("of which numba")
            longest = max(stages, key=stages.get)
            records.append(
                result(
                    f"{state} start",
                    ours_s=child["seconds"],
                    bar=15 if state == "warm" else None,
                    limit="at most",
                    of="ours_s",
                    packages=("numba", "pymc", "pytensor", "nutpie"),
                    profile=f"It had a core for {child['cpu_s']:.1f} s. {longest} takes "
                    f"{stages[longest]:.1f} s, numba compiling {numba:.1f} s of the whole. What "
                    "is left when warm is PyTensor's rewriting and the sampler's own two "
                    "functions, which numba cannot cache.",
                    **{f"{name}_s": taken for name, taken in stages.items()},
                    numba_compiling_s=numba,
                    cpu_s=child["cpu_s"],
                    peak_mib=child["peak_mib"],
                )
            )
    return records


def start() -> dict[str, float]:
    """Do what a fit does up to its first steps; return the seconds of each stage."""
    stages: dict[str, float] = {}

    def load() -> Any:
        import nutpie
        from numba.core import event

        import backrisk
        from backrisk import fitting

        return backrisk, fitting, nutpie, event

    stages["imports"], (backrisk, fitting, nutpie, event) = seconds(load)
    compiling: list[float] = []
    graph = backrisk.load_graph("runner")
    with event.install_timer("numba:compile", compiling.append):
        stages["read"], survey = seconds(
            lambda: backrisk.read_survey(ROOT / "data" / "survey.csv", graph)
        )
        stages["model"], model = seconds(lambda: fitting.build_model(survey.graph, survey))
        stages["compile"], compiled = seconds(lambda: nutpie.compile_pymc_model(model))
        stages["first_steps"], _ = seconds(
            lambda: nutpie.sample(compiled, draws=1, tune=1, chains=1, seed=1, progress_bar=False)
        )
    return {**stages, "of which numba": sum(compiling)}
