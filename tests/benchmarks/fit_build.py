"""Building the circuit, and its memory.

From codes to the tape, for 20,000 people in a process of its own. The bar, "a few seconds", is on
seconds that the process had a core.
"""

from __future__ import annotations

import time
from typing import Any

from backrisk.likelihood import build_circuit
from backrisk.survey import tabulate
from tests.benchmarks import _work
from tests.benchmarks.common import in_child, resident_mib, result, seconds


def run() -> list[dict[str, Any]]:
    """Build for the benchmark graph and for the packaged questions."""
    records = []
    for name in (_work.KINDS[2], "packaged questions"):
        child = in_child("fit_build:build", name, 20_000)
        answer = child["answer"]
        records.append(
            result(
                f"{name}, 20,000 people",
                ours_s=answer["build_s"],
                bar=5,
                limit="at most",
                of="build_cpu_s",
                build_cpu_s=answer["build_cpu_s"],
                tape_mib=answer["tape_mib"],
                working_mib=answer["working_mib"],
                peak_mib=child["peak_mib"],
                before_mib=answer["before_mib"],
                profile="Planning the elimination of each distinct component takes most of it.",
            )
        )
    return records


def build(name: str, people: int) -> dict[str, float]:
    """Build once; return seconds and MiB."""
    survey = _work.survey(people, name) if name in _work.KINDS else _work.runner(people)
    patterns = tabulate(survey)
    before = resident_mib()[1]
    cpu = time.process_time()
    taken, circuit = seconds(lambda: build_circuit(survey.graph, patterns.codes, patterns.weights))
    cpu = time.process_time() - cpu
    tape, reals = circuit.packed()
    return {
        "build_s": taken,
        "build_cpu_s": cpu,
        "before_mib": before,
        "tape_mib": (tape.nbytes + reals.nbytes) / 2**20,
        "working_mib": 2 * 8 * circuit.buffer / 2**20,
    }
