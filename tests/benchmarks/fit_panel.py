"""Sampling 500 moving runners in six periods, beside the packaged survey in the same run.

The packaged graph `runner` over time with a lasting susceptibility, synthetic people, a fifth of
the answers missing, every visit made, each node asked itself; each panel is drawn by its own seed.
Each fit is the package's default, four chains of 1,000 draws after adaptation, in a process of its
own with both cores, one fit after the other. The time shown is from the table to the judged
posterior, and depends on who else uses the machine. Demanded are at most six times the processor
seconds of the packaged survey, and of all parameters R-hat at most 1.01, 400 effective draws in the
bulk and in the tails, and no divergence.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from backrisk import fit, load_graph, read_survey
from tests.benchmarks.common import ROOT, in_child, result
from tests.benchmarks.fit_runners import PEOPLE, WAVES, panel

PANELS, MOST_TIMES, R_HAT, ESS = 3, 6, 1.01, 400


def run() -> Iterator[dict[str, Any]]:
    """Fit the packaged survey, then the panels, each told as soon as it is there."""
    first = in_child("fit_panel:fit_survey")
    yield told("packaged survey, 2,000 people", first)
    for seed in range(1, PANELS + 1):
        found = in_child("fit_panel:fit_panel", seed)
        yield told(f"six periods, {PEOPLE} people, panel {seed}", found, first)


def told(name: str, found: dict[str, Any], first: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the record of a fit; of a panel also what it takes beside the survey's, `first`."""
    more: dict[str, Any] = {"cpu_s": found["cpu_s"]}
    if first is not None:
        times = found["cpu_s"] / first["cpu_s"]
        more["processor_by_survey"] = times
        more["clock_by_survey"] = found["seconds"] / first["seconds"]
        worst = found["answer"]
        missed = {
            "time": times > MOST_TIMES,
            "R-hat": worst["r_hat"] > R_HAT,
            "effective draws": min(worst["ess_bulk"], worst["ess_tail"]) < ESS,
            "divergences": worst["divergences"] > 0,
        }
        more["demands_missed"] = sum(missed.values())
        names = ", ".join(demand for demand, is_missed in missed.items() if is_missed)
        more |= {"bar": 0, "limit": "at most", "of": "demands_missed"}
        more["profile"] = f"Missed: {names}. What an evaluation costs stands under `fit_runners`."
    return result(
        name,
        ours_s=found["seconds"],
        packages=("nutpie", "numba", "pymc", "pytensor"),
        **more,
        **found["answer"],
        peak_mib=found["peak_mib"],
    )


def _judged(posterior: Any) -> dict[str, float]:
    worst = posterior.diagnostics.worst
    return {name: float(worst[name]) for name in ("r_hat", "ess_bulk", "ess_tail", "divergences")}


def fit_survey() -> dict[str, float]:
    """Fit the packaged survey."""
    graph = load_graph("runner")
    survey = read_survey(ROOT / "data" / "survey.csv", graph)
    return _judged(fit(graph, survey, seed=1, progress=False))


def fit_panel(seed: int) -> dict[str, float]:
    """Fit one synthetic panel."""
    read = panel("all asked", PEOPLE, seed)
    assert read.codes.shape[1] == WAVES
    return _judged(fit(read.graph, read, seed=1, progress=False))
