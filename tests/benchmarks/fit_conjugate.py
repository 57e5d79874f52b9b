"""The exact conjugate path against NUTS on the same complete data.

Dirichlet rows throughout, 2,000 people, 4 x 1,000 draws. NUTS samples our own model of the same
density, where a gradient costs microseconds; its compilation stands apart.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from backrisk.survey import Survey
from tests.benchmarks import _work
from tests.benchmarks.common import result, seconds


def run() -> list[dict[str, Any]]:
    """Draw both ways, compare the means, time."""
    import arviz as az
    import nutpie

    from backrisk import CausalGraph, fit
    from backrisk.fitting import build_model

    source = _work.survey(2000, _work.KINDS[0])
    data = source.graph.to_dict()
    for node in data["nodes"].values():
        node["mechanism"] = "saturated"
    graph = CausalGraph.from_dict(data)
    survey = Survey(graph, source.codes, source.codebook)
    fit(graph, survey, seed=0, draws=10, progress=False)
    exact_s, posterior = seconds(
        lambda: fit(graph, survey, seed=1, draws=1000, chains=4, progress=False)
    )
    assert posterior.diagnostics.method == "exact"
    model = build_model(graph, survey)
    compiling, compiled = seconds(lambda: nutpie.compile_pymc_model(model))
    sampling, tree = seconds(
        lambda: nutpie.sample(compiled, draws=1000, tune=1000, chains=4, seed=1, progress_bar=False)
    )
    draws = tree["posterior"]["continuation"].transpose("chain", "draw", ...)
    ess = az.ess(draws.to_dataset(name="c"), method="bulk")["c"].to_numpy()
    sampled = draws.to_numpy().reshape(-1, draws.shape[-1])
    error = sampled.std(axis=0) * np.sqrt(1 / ess + 1 / len(posterior.fractions))
    distance = np.abs(sampled.mean(axis=0) - posterior.fractions.mean(axis=0)) / error
    assert distance.max() < 5.5, distance.max()  # of hundreds of means, in Monte Carlo errors
    return [
        result(
            "4,000 draws",
            ours_s=exact_s,
            theirs_s=sampling,
            peer="NUTS",
            packages=("nutpie", "pymc"),
            parameters=sampled.shape[1],
            least_ess=f"4000 : {ess.min():.0f}",
            nuts_compile_s=compiling,
        )
    ]
