"""Cost of a query.

One person's risk, warm, in random graphs of which nothing is seen but a fifth of the nodes, each
node having up to three of the six nodes before it as causes; and the target's distribution for
every setting of k causes at once (the contraction behind Shapley shares). The plot is
`query_cost.svg`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from backrisk import CausalGraph, Posterior
from backrisk.inference import World
from backrisk.queries import distribution
from tests.benchmarks._networks import runner
from tests.benchmarks.common import ROOT, median_seconds, result

_DRAWS = (250, 1000, 4000, 16000)
_NODES = (10, 20, 40, 80, 160)
_CAUSES = (2, 4, 6, 8, 10)


def chain(nodes: int, draws: int) -> tuple[Posterior, dict[str, int]]:
    """Return a random network of three-state nodes with local causes, and some evidence."""
    rng = np.random.default_rng(nodes)
    names = [f"n{i}" for i in range(nodes)]
    edges = [
        (names[int(cause)], names[i])
        for i in range(1, nodes)
        for cause in rng.choice(range(max(0, i - 6), i), size=min(i, 3), replace=False)
    ]
    states = {name: ["low", "middle", "high"] for name in names}
    graph = CausalGraph.from_edges(edges, states, outcome=names[-1])
    cpts = {
        name: rng.dirichlet(np.ones(3), size=(draws, *graph.shape(name)[:-1])) for name in names
    }
    seen = {str(name): 1 for name in rng.choice(names[:-1], nodes // 5, replace=False)}
    return Posterior.from_cpts(graph, cpts), seen


def run() -> list[dict[str, Any]]:
    """Time each axis with the others fixed, and draw the plot."""
    records = []

    def timed(what: str, size: int, world: World, free: tuple[str, ...] = ()) -> None:
        target = world.graph.outcome
        assert target is not None
        keep = [*((cause, 1) for cause in free), world.variable(target)]
        call = (lambda: world.conditional(keep)) if free else lambda: distribution(world, target)
        (seconds,) = median_seconds(call, repeats=5, budget=20.0)
        records.append(result(f"{what}: {size:,}", ours_s=seconds, of_what=what, size=size))

    for draws in _DRAWS:
        posterior, seen = chain(40, draws)
        timed("draws, 40 nodes", draws, World(posterior, seen, {}))
    for nodes in _NODES:
        posterior, seen = chain(nodes, 1000)
        timed("nodes, 1,000 draws", nodes, World(posterior, seen, {}))
    posterior = runner(1000)
    capacity = ["core_strength", "glute_strength", "hip_flexor_tightness", "trunk_imbalance"]
    capacity += ["back_stiffness", "warm_up", "strength_training", "bmi", "low_mood", "footwear"]
    for causes in _CAUSES:
        free = tuple(capacity[:causes])
        world = World(posterior, {"age": 1, "sex": 1}, {}, free=free)
        timed("causes kept, 1,000 draws", causes, world, free)
    _plot(records)
    return records


def _plot(records: list[dict[str, Any]]) -> None:
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    groups = list(dict.fromkeys(record["of_what"] for record in records))
    figure, axes = pyplot.subplots(
        1, len(groups), figsize=(9, 3), layout="constrained", sharey=True
    )
    for axis, group in zip(axes, groups, strict=True):
        own = [record for record in records if record["of_what"] == group]
        axis.plot([r["size"] for r in own], [1e3 * r["ours_s"] for r in own], "o-", color="#1f5a7a")
        axis.set(xscale="log", yscale="log", xlabel=group)
        axis.set_xticks([r["size"] for r in own], [f"{r['size']:,}" for r in own])
        axis.minorticks_off()
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(axis="y", alpha=0.3)
    axes[0].set_ylabel("milliseconds")
    axes[0].set_yticks([1, 10, 100, 1000], ["1", "10", "100", "1,000"])
    (ROOT / "reports").mkdir(exist_ok=True)
    figure.savefig(ROOT / "reports" / "query_cost.svg", metadata={"Date": None})
    pyplot.close(figure)
