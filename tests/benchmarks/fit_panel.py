"""Sampling 500 moving runners in six periods, beside the packaged survey in the same run.

The packaged graph `runner` over time with a lasting susceptibility, synthetic people, a fifth of
the answers missing, every visit made, each node asked itself; three panels, each of its own seed.
Each fit is the package's default, four chains of 1,000 draws after 1,000 steps of adaptation, in a
process of its own with both cores, one fit after the other. The time shown is from the table to the
judged posterior, and depends on who else uses the machine; the bar is on processor seconds, a
panel's by the packaged survey's. R-hat and the effective sizes are the worst of all parameters: the
bars are the package's own, R-hat at most 1.01 and 100 effective draws for each chain, and no
divergence.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from backrisk import fit, load_graph, read_survey
from tests.benchmarks.common import ROOT, in_child, result
from tests.benchmarks.fit_runners import PEOPLE, WAVES, panel

PANELS, MOST_TIMES = 3, 6
DEMANDS: tuple[tuple[str, float, Literal["at least", "at most"]], ...] = (
    ("r_hat", 1.01, "at most"),
    ("ess_bulk", 400, "at least"),
    ("ess_tail", 400, "at least"),
    ("divergences", 0, "at most"),
)


def run() -> Iterator[dict[str, Any]]:
    """Fit the packaged survey, then the panels, each told as soon as it is there."""
    packages = ("nutpie", "numba", "pymc", "pytensor")
    first = in_child("fit_panel:fit_survey")
    about: dict[str, Any] = {"packages": packages}
    yield result("packaged survey, 2,000 people", ours_s=first["seconds"], **about, **_told(first))
    fits = []
    for seed in range(1, PANELS + 1):
        found = in_child("fit_panel:fit_panel", seed)
        fits.append(found)
        yield result(
            f"six periods, {PEOPLE} people, panel {seed}",
            ours_s=found["seconds"],
            bar=MOST_TIMES,
            limit="at most",
            of="processor_by_survey",
            profile="What one evaluation of each costs stands under `fit_runners`.",
            processor_by_survey=found["cpu_s"] / first["cpu_s"],
            clock_by_survey=found["seconds"] / first["seconds"],
            **about,
            **_told(found),
        )
    for of, bar, limit in DEMANDS:
        worst = (min if limit == "at least" else max)(each["answer"][of] for each in fits)
        yield result(
            f"the worst of the panels: {of.replace('_', ' ')}",
            ours_s=sum(each["seconds"] for each in fits),
            bar=bar,
            limit=limit,
            of=of,
            profile="More draws for each chain would mend an effective size or an R-hat.",
            **about,
            **{of: worst},
        )


def _told(found: dict[str, Any]) -> dict[str, Any]:
    return {"cpu_s": found["cpu_s"], **found["answer"], "peak_mib": found["peak_mib"]}


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
