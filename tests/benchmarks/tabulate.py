"""Counting answer patterns: by DuckDB through Ibis, against a row for each person.

Twenty thousand synthetic runners, written again and again, so that the distinct patterns stay the
same while the rows grow to ten million. Both check every cell and must find the same patterns. Each
has a process of its own, whose peak memory is told; the two take turns and seconds are medians.
Beyond the rows that a survey keeps one by one, the other's time is taken in proportion.
"""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from backrisk.graph import load_graph
from backrisk.posterior import simulate
from backrisk.survey import load_codebook, read_survey, tabulate
from tests.benchmarks.common import in_child, result

PEOPLE = 20_000
ROWS = (200_000, 1_000_000, 10_000_000)
KEPT_ROWS = 200_000
REPEATS = 3


def write(folder: Path, rows: int) -> Path:
    """Write so many rows of the same synthetic runners as Parquet."""
    import duckdb

    path = folder / f"{rows}.parquet"
    people = simulate(load_graph("runner"), PEOPLE, 1, codebook=load_codebook("runner"))
    settings = {"temp_directory": str(folder), "preserve_insertion_order": "false"}
    with duckdb.connect(config=settings) as connection:
        connection.register("people", people)
        connection.execute(
            f"COPY (SELECT people.* FROM range({rows // PEOPLE}), people) "
            f"TO '{path}' (FORMAT parquet)"
        )
    return path


def read(path: str, engine: str | None) -> dict[str, Any]:
    """Read and tabulate a file; the seconds, and what was found."""
    graph = load_graph("runner")
    start, processor = time.perf_counter(), time.process_time()
    survey = read_survey(path, graph, engine=engine)
    patterns = tabulate(survey)
    places = (patterns.codes.astype(float) + 2) @ range(1, patterns.codes.shape[1] + 1)
    return {
        "seconds": time.perf_counter() - start,
        "processor_s": time.process_time() - processor,
        "found": [survey.n, len(patterns.weights), float(patterns.weights @ places**2)],
    }


def run() -> list[dict[str, Any]]:
    """Return one record for each number of rows."""
    records: list[dict[str, Any]] = []
    with TemporaryDirectory() as folder:
        for rows in ROWS:
            path = str(write(Path(folder), rows))
            children: dict[str, list[dict[str, Any]]] = {"duckdb": [], "rows": []}
            for _ in range(REPEATS):
                children["duckdb"].append(in_child("tabulate:read", path, "duckdb"))
                if rows <= KEPT_ROWS:
                    children["rows"].append(in_child("tabulate:read", path, None))
            found = [child["answer"]["found"] for each in children.values() for child in each]
            if any(each != found[0] for each in found):
                raise AssertionError("the two readings found different patterns")

            def median(engine: str, key: str, of: Any = children) -> float:
                return statistics.median(
                    child["answer"].get(key, child.get(key)) for child in of[engine]
                )

            if rows <= KEPT_ROWS:
                theirs, theirs_processor = (
                    median("rows", "seconds"),
                    median("rows", "processor_s"),
                )
                theirs_peak = median("rows", "peak_mib")
            share = rows / min(rows, KEPT_ROWS)
            records.append(
                result(
                    f"{rows:,} rows" + (", rows in proportion" if share > 1 else ""),
                    ours_s=median("duckdb", "seconds"),
                    theirs_s=theirs * share,
                    peer="rows" if share == 1 else "",
                    packages=("duckdb", "ibis-framework", "pandas"),
                    rows_per_s=round(rows / median("duckdb", "seconds")),
                    processor_ratio=theirs_processor * share / median("duckdb", "processor_s"),
                    patterns=found[0][1],
                    peak_mib=median("duckdb", "peak_mib"),
                    pandas_peak_mib=theirs_peak if share == 1 else "",
                )
            )
    return records
