"""Cost of an evaluation of a panel against its waves, alone and beside NumPyro's enumeration.

The teaching graph over time, synthetic people, a fifth of the answers missing, one node that
nobody measures. NumPyro enumerates the same unrolled model with the same tied parameters; both
warm, and the same number before the clock starts. Times are the least processor seconds of seven
rounds, in turn. NumPyro is asked up to four waves. `exponent` is the slope of the logarithm of our
time on that of the waves, from three waves on.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from backrisk.graph import Layout, load_graph
from backrisk.likelihood import build_circuit, size_of, stack_logs, value_and_counts
from backrisk.posterior import simulate_panel, truth
from backrisk.survey import Survey, read_panel
from tests.benchmarks import _peers
from tests.benchmarks.common import least_processor_seconds, processor_seconds, result

PEOPLE, HIDDEN = 500, "compensation"
WAVES, BESIDE = (1, 2, 3, 4, 6, 8, 12), (1, 2, 3, 4)


def surveyed(waves: int) -> Survey:
    """Return synthetic people seen so many times, as one survey of the unrolled graph."""
    graph = load_graph("runner_core")
    frame = simulate_panel(graph, PEOPLE, waves, seed=1, missing=0.2, visits_missing=0.0)
    frame[HIDDEN] = ""
    return read_panel(frame, graph, id="id", time="time", every=1).to_survey(trait=waves > 2)


def run() -> Iterator[dict[str, Any]]:
    """Time evaluations of value and gradient, for more and more waves."""
    times = []
    for waves in WAVES:
        survey = surveyed(waves)
        graph = survey.graph
        circuit = build_circuit(graph, survey.codes, np.ones(survey.n), Layout(graph).by_row)
        packed = circuit.packed()
        source = truth(graph)
        logs = stack_logs(circuit.cells, source)[0]

        def ours(logs: Any = logs, packed: Any = packed) -> Any:
            return value_and_counts(logs, *packed)

        more: dict[str, Any] = {"people": survey.n, "waves": waves, **size_of(circuit)}
        if waves in BESIDE:
            whole = build_circuit(graph, survey.codes, np.ones(survey.n))
            cells = stack_logs(whole.cells, source)[0]
            theirs = _peers.numpyro_evaluation(survey)
            more["peer_compiles_s"], first = processor_seconds(lambda f=theirs, c=cells: f(c))
            np.testing.assert_allclose(float(first[0]), float(ours()[0]), rtol=1e-8)
            mine, other = least_processor_seconds(ours, lambda f=theirs, c=cells: f(c))
            about = {"theirs_s": other, "peer": "NumPyro", "packages": ("numba", "jax", "numpyro")}
        else:
            (mine,), about = least_processor_seconds(ours), {"packages": ("numba",)}
        times.append(mine)
        more["evaluations_per_second"] = 1.0 / mine
        yield result(
            f"panel, {waves} {'waves' if waves > 1 else 'wave'}", ours_s=mine, **about, **more
        )
    slope = float(np.polyfit(np.log(WAVES[2:]), np.log(times[2:]), 1)[0])
    yield result("panel, growth with waves", ours_s=times[-1], people=PEOPLE, exponent=slope)
