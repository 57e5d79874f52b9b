"""From nothing to the first step of a sampler: the packaged survey.

A fresh process each: "cold" with empty PyTensor and numba caches, "warm" with what the cold one
left, the fastest of three. All is there that `fit` does until then: imports, reading the survey,
conditioning the prior on published figures, the circuit, compiling, and a chain of one draw. Ours
is the density that numba compiles once for every graph; the peer is the same density from the PyMC
model through PyTensor, which `nutpie.compile_pymc_model` compiles for this graph. Times are seconds
that the process had a core, since others share the machine.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from typing import Any

from tests.benchmarks.common import ROOT, in_child, result, seconds


def run() -> list[dict[str, Any]]:
    """Start each way, cold and then warm, in turn."""
    runs: dict[tuple[str, str], list[dict[str, Any]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for state in ("cold", "warm", "warm", "warm"):
            for way in ("direct", "pytensor"):
                caches = {
                    "PYTENSOR_FLAGS": f"base_compiledir={folder}/pytensor",
                    "NUMBA_CACHE_DIR": f"{folder}/numba-{way}",
                }
                child = in_child("fit_compile:start", way, **caches)
                runs.setdefault((state, way), []).append(child)
    records = []
    for state in ("cold", "warm"):
        ours, theirs = (
            min(runs[state, way], key=lambda run: run["cpu_s"]) for way in ("direct", "pytensor")
        )
        stages = ours["answer"]
        numba = stages.pop("of which numba")
        longest = max(stages, key=stages.get)
        records.append(
            result(
                f"{state} start",
                ours_s=ours["cpu_s"],
                theirs_s=theirs["cpu_s"],
                peer="through PyTensor",
                bar=3,
                packages=("numba", "pymc", "pytensor", "nutpie"),
                profile=f"{longest} takes {stages[longest]:.1f} s, numba compiling {numba:.1f} s "
                "of the whole.",
                **{f"{name}_s": taken for name, taken in stages.items()},
                numba_compiling_s=numba,
                peak_mib=ours["peak_mib"],
                peer_peak_mib=theirs["peak_mib"],
            )
        )
    return records


def start(way: str) -> dict[str, float]:
    """Do what a fit does up to its first steps; return the seconds of each stage."""
    stages: dict[str, float] = {}

    def load() -> Any:
        import nutpie
        from numba.core import event

        import backrisk
        from backrisk.fitting import direct, observed
        from backrisk.likelihood import conditioned

        return backrisk, conditioned, observed, direct, nutpie, event

    def compiled(prepared: Any) -> Any:
        if way == "direct":
            return direct.direct_model(prepared)
        from backrisk.fitting import build_model

        survey, circuit, prior = prepared.survey, prepared.circuit, prepared.prior
        model = build_model(survey.graph, survey, circuit=circuit, prior=prior)
        return nutpie.compile_pymc_model(model, var_names=["continuation", "beta"])

    compiling: list[float] = []
    stages["imports"], loaded = seconds(load)
    backrisk, conditioned, observed, direct, nutpie, event = loaded
    graph = backrisk.load_graph("runner")
    with event.install_timer("numba:compile", compiling.append):
        stages["read"], survey = seconds(
            lambda: backrisk.read_survey(ROOT / "data" / "survey.csv", graph)
        )
        stages["circuit"], prepared = seconds(lambda: observed.prepare(graph, survey))
        stages["prior"], known = seconds(lambda: conditioned(prepared.layout))
        prepared = replace(prepared, known=known)
        stages["compile"], model = seconds(lambda: compiled(prepared))
        stages["first_steps"], _ = seconds(
            lambda: nutpie.sample(model, draws=1, tune=1, chains=1, seed=1, progress_bar=False)
        )
    return {**stages, "of which numba": sum(compiling)}
