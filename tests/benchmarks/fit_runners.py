"""Cost of an evaluation of 500 moving runners in six periods, by what nobody measures.

The packaged graph `runner` over time with a lasting susceptibility, synthetic people, a fifth of
the answers missing, every visit made. "All asked" asks each node itself; then four nodes are asked
of nobody; last come the packaged questions, where three more nodes are known by their items alone.
`carried` are the joint states that pass from one period to the next of somebody whose every answer
is there; each missing answer multiplies them. Times are processor seconds of value and gradient on
one thread, the least of five, beside those of one survey with the packaged questions. Beyond the
caches a multiplication takes several times as long.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from backrisk.graph import Layout, load_graph
from backrisk.likelihood import build_circuit, size_of, value_and_counts
from backrisk.posterior import simulate_panel
from backrisk.survey import Panel, load_codebook, read_panel, tabulate
from tests.benchmarks import _work
from tests.benchmarks.common import least_processor_seconds, processor_seconds, result

PEOPLE, WAVES, SURVEYED = 500, 6, 2000
NOBODY = ("compensation", "hip_extension", "impact_load", "lumbar_load")
DESIGNS = {"all asked": 2, "four asked of nobody": 4, "packaged questions": 36}  # states carried


def panel(design: str, people: int, seed: int = 1) -> Panel:
    """Return synthetic people over time."""
    graph, codebook = load_graph("runner"), None
    if design == "packaged questions":
        codebook = load_codebook("runner", graph)
    gaps: dict[str, Any] = {"missing": 0.2, "visits_missing": 0.0}
    frame = simulate_panel(graph, people, WAVES, seed=seed, codebook=codebook, **gaps)
    if design == "four asked of nobody":
        frame[list(NOBODY)] = ""
    return read_panel(frame, graph, codebook, id="id", time="time", every=1)


def evaluated(graph: Any, codes: Any, weights: Any) -> tuple[float, dict[str, Any]]:
    """Return the least processor seconds of an evaluation, and the size of the circuit."""
    built, circuit = processor_seconds(
        lambda: build_circuit(graph, codes, weights, Layout(graph).by_row)
    )
    packed, logs = circuit.packed(), np.zeros(circuit.cells.size)
    for node in graph.nodes:
        logs[circuit.cells.part(node.name)] = -np.log(len(node.states))
    (each,) = least_processor_seconds(lambda: value_and_counts(logs, *packed), repeats=5)
    return each, {"build_cpu_s": built, **size_of(circuit)}


def run() -> list[dict[str, Any]]:
    """Time the packaged survey's questions, then each design of the panel."""
    survey = _work.runner(SURVEYED)
    graph, patterns = survey.graph, tabulate(survey)
    once, size = evaluated(graph, patterns.codes, patterns.weights)
    about: dict[str, Any] = {"packages": ("numba",)}
    records = [
        result("one survey, packaged questions", ours_s=once, people=SURVEYED, **about, **size)
    ]
    for design, carried in DESIGNS.items():
        survey = panel(design, PEOPLE).to_survey(trait=True)
        each, size = evaluated(survey.graph, survey.codes, np.ones(survey.n))
        more: dict[str, Any] = {
            "people": survey.n,
            "carried": carried,
            "by_one_survey": each / once,
        }
        records.append(result(f"six periods, {design}", ours_s=each, **about, **more, **size))
    return records
