"""Effective draws of the packaged survey and of a running clinic's file, three seeds each.

Four chains of 1,000 draws one after the other, as `fit` samples them by default: the compiled
density on the axes of its mode, 300 tuning steps, acceptance 0.7. The peer is the same density
through PyTensor, 1,000 tuning steps, acceptance 0.8. Times are seconds of a core, the way to the
mode and tuning included and compiling not, for each effective draw of the worst of all fractions
and effects (bulk); `tail ratio` is the same of the tails. A row counts only where R-hat is below
1.01 and nothing diverged, which is asserted.
The clinic's file lies beside the repository, not in it: where it is absent its rows are left out.
"""

from __future__ import annotations

import itertools
import time
from dataclasses import replace
from typing import Any

from tests.benchmarks.common import ROOT, in_child, result
from tests.places import SHARED

CLINIC = SHARED / "data" / "ric_run_data_meta.csv"
CHAINS, DRAWS = 4, 1000
SETTINGS = {"direct": (300, 0.7), "pytensor": (1000, 0.8)}


def run() -> list[dict[str, Any]]:
    """Sample both ways in turn."""
    records = []
    files = ["survey", *(["clinic"] if CLINIC.is_file() else [])]
    for file, seed in itertools.product(files, (1, 2, 3)):
        ours, theirs = (
            in_child("fit_sampling:sample", way, file, seed)["answer"] for way in SETTINGS
        )
        records.append(
            result(
                f"seed {seed}" if file == "survey" else f"{file}, seed {seed}",
                ours_s=ours["cpu_s"] / ours["ess_bulk"],
                theirs_s=theirs["cpu_s"] / theirs["ess_bulk"],
                peer="before",
                bar=2,
                packages=("numba", "nutpie", "pymc", "pytensor"),
                tail_ratio=theirs["cpu_s"] / theirs["ess_tail"] * ours["ess_tail"] / ours["cpu_s"],
                **{
                    key: f"{ours[key]:,.4g} : {theirs[key]:,.4g}"
                    for key in ("cpu_s", "gradients", "ess_bulk", "ess_tail", "r_hat")
                },
            )
        )
    return records


def sample(way: str, file: str, seed: int) -> dict[str, float]:
    """Sample a file one way; return its cost and its worst diagnostics."""
    import arviz as az
    import numpy as np
    import nutpie
    import xarray as xr

    from backrisk import load_graph, read_survey
    from backrisk.fitting import build_model
    from backrisk.fitting.direct import direct_model
    from backrisk.fitting.mode import whitened
    from backrisk.fitting.observed import prepare
    from backrisk.likelihood import conditioned

    graph = load_graph("runner")
    if file == "clinic":
        survey = read_survey(CLINIC, graph, "clinic")
    else:
        survey = read_survey(ROOT / "data" / "survey.csv", graph)
    prepared = prepare(graph, survey)
    prepared = replace(prepared, known=conditioned(prepared.layout))
    model: Any = direct_model(prepared)
    if way == "pytensor":
        survey, circuit, prior = prepared.survey, prepared.circuit, prepared.prior
        built = build_model(survey.graph, survey, circuit=circuit, prior=prior)
        model = nutpie.compile_pymc_model(built, var_names=["continuation", "beta"])
    tune, accept = SETTINGS[way]
    seeds = np.random.SeedSequence(seed).generate_state(CHAINS, np.uint64) >> np.uint64(1)
    start, trees = time.process_time(), []
    if way == "direct":
        model = whitened(model)
    for each in seeds.tolist():
        sizes: dict[str, Any] = {"draws": DRAWS, "tune": tune, "chains": 1, "cores": 1}
        shown: dict[str, Any] = {"progress_bar": False, "save_warmup": True}
        trees.append(nutpie.sample(model, seed=each, target_accept=accept, **sizes, **shown))
    cpu = time.process_time() - start

    def joined(group: str) -> Any:
        parts = [tree[group].to_dataset().assign_coords(chain=[i]) for i, tree in enumerate(trees)]
        return xr.concat(parts, "chain")

    draws, steps = joined("posterior")[["continuation", "beta"]], joined("sample_stats")
    gradients = steps["n_steps"].sum() + joined("warmup_sample_stats")["n_steps"].sum()
    r_hat = az.rhat(draws).to_array().max()
    assert r_hat < 1.01, float(r_hat)
    assert not steps["diverging"].any()
    return {
        "cpu_s": cpu,
        "gradients": float(gradients),
        "ess_bulk": float(min(az.ess(draws, method="bulk").min().to_array())),
        "ess_tail": float(min(az.ess(draws, method="tail").min().to_array())),
        "r_hat": float(r_hat),
    }
