"""The surveys that the fit benchmarks share. All of them are synthetic."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from backrisk import load_graph, simulate
from backrisk.graph import CausalGraph
from backrisk.survey import Codebook, Survey, load_codebook

NODES, LATENT = 24, 6
KINDS = ("complete", "six latent", "six latent, 10 % missing")


@cache
def graph() -> CausalGraph:
    """A graph of 24 nodes of 2 or 3 states with at most three parents.

    Layers of 6 (roots, behaviours), 6 (capacities), 6 (constructs, the latent ones) and 6
    (outcomes), shaped like the runner graph but sparser: its own families of up to seven parents
    would make the peers' tables, and so our ratios, many times larger.
    """
    rng = np.random.default_rng(0)
    states = {f"x{i}": tuple("abc"[: 2 + i % 2]) for i in range(NODES)}
    names = list(states)
    edges = []
    for i in range(6, NODES):
        layer = i // 6
        above = names[6 * (layer - 1) : 6 * layer]
        for cause in sorted(rng.choice(above, size=int(rng.integers(2, 4)), replace=False)):
            edges.append((str(cause), names[i]))
    return CausalGraph.from_dict(
        {
            "name": "bench",
            "title": "Benchmark",
            "outcome": names[-1],
            "nodes": {name: {"states": list(labels)} for name, labels in states.items()},
            "edges": [
                {
                    "cause": cause,
                    "effect": effect,
                    "claim": "synthetic",
                    "origin": "stated",
                    "grade": "none",
                    "prior": {"mean": 0.8, "sd": 0.5},
                }
                for cause, effect in edges
            ],
        }
    )


def survey(people: int, kind: str, seed: int = 1) -> Survey:
    """Simulate answers and hide what `kind` hides."""
    rng = np.random.default_rng(seed)
    frame = simulate(graph(), people, seed=seed, gaps=False)
    whole = Survey.from_frame(frame, graph(), Codebook.plain(graph()))
    codes = whole.codes.copy()
    if kind != KINDS[0]:
        codes[:, 12 : 12 + LATENT] = -1
    if kind == KINDS[2]:
        codes[rng.random(codes.shape) < 0.1] = -1
    return Survey(whole.graph, codes, whole.codebook)


def runner(people: int) -> Survey:
    """Simulate the packaged survey's questions for any number of runners."""
    base = load_graph("runner")
    codebook = load_codebook("runner", base)
    frame = simulate(base, people, seed=1, codebook=codebook)
    return Survey.from_frame(frame, base, codebook)


def cells(of: CausalGraph, seed: int = 0) -> NDArray[np.float64]:
    """Random log CPT cells, rows summing to one."""
    rng = np.random.default_rng(seed)
    parts = []
    for name in of.names:
        shape = of.shape(name)
        parts.append(rng.dirichlet(np.full(shape[-1], 2.0), size=shape[:-1]).ravel())
    return np.log(np.concatenate(parts))
