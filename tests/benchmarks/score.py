"""Scoring a cohort: rows by the million, distinct profiles once.

Synthetic runners. First two thousand who answered the same ten questions, written again and again;
then runners who answered the whole questionnaire, no two alike; then runners with gaps as people
leave them, some at random and some by age, so that hardly any two answered the same questions. The
model is 200 draws of the packaged graph's prior, which cost what a posterior's do. The peer is the
same three answers (`risk`, `attribute`, `recommend`) asked person by person, timed on some of them
and taken in proportion to the rows.
"""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from backrisk.cohort import score
from backrisk.graph import Layout, load_graph
from backrisk.posterior import Posterior, simulate
from backrisk.queries import attribute, recommend, risk
from backrisk.survey import load_codebook
from tests.benchmarks.common import in_child, result

PEOPLE = 2_000
DRAWS = 200
ROWS = (20_000, 100_000, 1_000_000, 10_000_000)
DIFFERENT = (2_000, 20_000)
GAPS = 2_000
SINGLE = 20  # people asked about one by one
QUESTIONS = [
    "age_years", "sex", "low_mood", "back_pain_episodes", "strength_sessions", "mobility_sessions",
    "plank_seconds", "sleep_hours", "warm_up", "end_run_fatigue",
]  # fmt: skip


def model() -> Posterior:
    """Return prior draws of the packaged graph, with its questionnaire."""
    book = load_codebook("runner")
    graph = book.extend(load_graph("runner"))
    fractions, beta = Layout(graph).draw_prior(DRAWS, np.random.default_rng(1))
    return Posterior(graph, fractions, beta, codebook=book)


def people() -> pd.DataFrame:
    """Return synthetic runners who answered all of the questions."""
    drawn = simulate(load_graph("runner"), 4 * PEOPLE, 1, codebook=load_codebook("runner"))
    return drawn[QUESTIONS].dropna().head(PEOPLE)


def write(folder: Path, rows: int) -> Path:
    """Write so many rows, the same people again and again."""
    import duckdb

    path = folder / f"{rows}.parquet"
    some = people()
    settings = {"temp_directory": str(folder), "preserve_insertion_order": "false"}
    with duckdb.connect(config=settings) as connection:
        connection.register("people", some)
        connection.execute(
            f"COPY (SELECT people.* FROM range({rows // len(some)}), people) "
            f"TO '{path}' (FORMAT parquet)"
        )
    return path


def write_each(folder: Path, rows: int, gaps: bool) -> Path:
    """Write so many synthetic runners, each once, with all of the questionnaire."""
    path = folder / f"{rows}_{'gaps' if gaps else 'different'}.parquet"
    graph, book = load_graph("runner"), load_codebook("runner")
    simulate(graph, rows, 3, codebook=book, gaps=gaps).astype(str).to_parquet(path)
    return path


def scored(path: str, out: str, shares: bool = False) -> list[float]:
    """Score a file; the seconds, the people and the distinct profiles."""
    posterior = model()
    start = time.perf_counter()
    done = score(posterior, path, out, shares=shares)
    return [time.perf_counter() - start, done.people, done.profiles]


def one_by_one(path: str) -> float:
    """Return the seconds that a person of a file takes when asked about alone."""
    posterior = model()
    some = next(pq.ParquetFile(path).iter_batches(SINGLE)).to_pylist()
    start = time.perf_counter()
    for person in some:
        risk(posterior, person)
        attribute(posterior, person, method="shapley")
        recommend(posterior, person)
    return (time.perf_counter() - start) / len(some)


def run() -> list[dict[str, Any]]:
    """Return one record for each cohort."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        cohorts = [(f"{rows:,} rows", write(folder, rows)) for rows in ROWS]
        cohorts += [
            (f"{rows:,} rows, all different", write_each(folder, rows, gaps=False))
            for rows in DIFFERENT
        ]
        cohorts.append((f"{GAPS:,} rows, scattered gaps", write_each(folder, GAPS, gaps=True)))
        return [_record(name, path, folder / "scored.parquet") for name, path in cohorts]


def _record(name: str, path: Path, out: Path) -> dict[str, Any]:
    each = in_child("score:one_by_one", str(path))["answer"]
    child = in_child("score:scored", str(path), str(out))
    seconds, people_scored, profiles = child["answer"]
    return result(
        name,
        ours_s=seconds,
        theirs_s=each * people_scored,
        peer="one by one, in proportion",
        packages=("duckdb", "ibis-framework"),
        rows_per_s=round(people_scored / seconds),
        profiles=profiles,
        peak_mib=child["peak_mib"],
    )
