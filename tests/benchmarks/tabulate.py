"""Ten million answers to the packaged questionnaire: read, checked and counted by DuckDB.

Twenty thousand synthetic runners are drawn and written again and again, so that the distinct
patterns stay the same while the rows grow. The comparison is the reading with pandas; both must
find the same patterns. Each measurement has a process of its own, whose peak memory is told, and
the two take turns; seconds are medians. Processor seconds stand beside them, as other work on the
machine lengthens the wall clock's. Beyond what pandas is given, its time is taken in proportion.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from backrisk.codebook import load_codebook
from backrisk.graph import load_graph
from backrisk.simulation import simulate
from backrisk.survey import read_survey, tabulate

PEOPLE = 20_000
ROWS = (100_000, 1_000_000, 10_000_000)
PANDAS_ROWS = 1_000_000  # beyond, in proportion
REPEATS = 3


def write(folder: Path, rows: int) -> Path:
    """Write so many rows of the same synthetic runners as Parquet."""
    import duckdb

    path = folder / f"{rows}.parquet"
    people = simulate(load_graph("runner"), PEOPLE, 1, codebook=load_codebook("runner"))
    with duckdb.connect(config={"memory_limit": "1GB"}) as connection:
        connection.register("people", people)
        connection.execute(
            f"COPY (SELECT people.* FROM range({rows // PEOPLE}), people) "
            f"TO '{path}' (FORMAT parquet)"
        )
    return path


def measure(path: str, engine: str) -> dict[str, float]:
    """Read a file in a process of its own; seconds, peak memory in MB, and what was found."""
    command = [sys.executable, "-m", "tests.benchmarks.tabulate", path, engine]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _measured(path: str, engine: str) -> dict[str, float]:
    graph = load_graph("runner")
    start, before = time.perf_counter(), os.times()
    survey = read_survey(path, graph, engine=engine)  # type: ignore[arg-type]
    patterns = tabulate(survey)
    seconds, after = time.perf_counter() - start, os.times()
    return {
        "seconds": seconds,
        "cpu": after.user + after.system - before.user - before.system,
        "peak_mb": _peak_mb(),
        "people": survey.n,
        "patterns": len(patterns.weights),
        "check": float((patterns.weights * (patterns.codes.sum(axis=1) + 100)).sum()),
    }


def _peak_mb() -> float:
    """Return this process's own peak; what getrusage tells begins with the parent's."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def run() -> list[dict[str, Any]]:
    """Return one line for each number of rows."""
    versions = {name: version(name) for name in ("duckdb", "ibis-framework", "pandas")}
    lines: list[dict[str, Any]] = []
    with TemporaryDirectory() as folder:
        for rows in ROWS:
            path = str(write(Path(folder), rows))
            ours, theirs = [], []
            for _ in range(REPEATS):
                ours.append(measure(path, "duckdb"))
                if rows <= PANDAS_ROWS:
                    theirs.append(measure(path, "pandas"))
            found = {(each["people"], each["patterns"], each["check"]) for each in ours + theirs}
            if len(found) != 1:
                raise AssertionError("the two readings found different patterns")
            fast = {key: statistics.median(each[key] for each in ours) for key in ours[0]}
            if theirs:
                slow = {key: statistics.median(each[key] for each in theirs) for key in theirs[0]}
                scale = 1.0
            else:
                scale = rows / PANDAS_ROWS
            lines.append(
                {
                    "name": f"tabulate {rows:,} rows: pandas"
                    + (" (in proportion)" if scale > 1 else "")
                    + " over DuckDB",
                    "ratio": slow["seconds"] * scale / fast["seconds"],
                    "ours_s": fast["seconds"],
                    "theirs_s": slow["seconds"] * scale,
                    "ours_cpu_s": fast["cpu"],
                    "theirs_cpu_s": slow["cpu"] * scale,
                    "rows_per_s": rows / fast["seconds"],
                    "patterns": fast["patterns"],
                    "peak_mb": fast["peak_mb"],
                    "theirs_peak_mb": slow["peak_mb"] if theirs else None,
                    "versions": versions,
                }
            )
    return lines


if __name__ == "__main__":
    print(json.dumps(_measured(*sys.argv[1:])))
