"""Fit panels of a known truth, and write `reports/recovery.md`: how often intervals cover it.

A run that was stopped goes on where it was (`out/recovery`). ``--page`` writes the page from what
is there.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from scipy.stats import binom

from backrisk import __version__
from tests.benchmarks.common import commit
from tests.recovery.studies import LEVEL, PERIODS, RUNS, STUDIES, Run, look
from tests.validation.reporting import Share, table

ROOT = Path(__file__).parents[2]
KEPT = ROOT / "out" / "recovery" / "runs.jsonl"
REPORT = ROOT / "reports" / "recovery.md"


def page(runs: Sequence[Run], stamp: str) -> str:
    """Return the page as Markdown."""
    least = int(binom.ppf(0.0005, RUNS, LEVEL))
    lines = [
        "# Recovery over time",
        "",
        f"Made by `make recovery` ({stamp}). Everybody is synthetic.",
        "",
        f"Panels of {PERIODS} periods are drawn from a truth that the model holds, one after the "
        "other, and each is fitted with a latent susceptibility of which nothing was seen (four "
        "chains of 500 draws). Counted is how often the interval of 90 % holds the truth, with "
        "Jeffreys' interval of 95 % of that share; beside it the mean of the posterior means less "
        "the truth, with its standard error, and the median width of an interval. "
        f"Where intervals cover 90 %, fewer than {least} of {RUNS} has a probability below 0.0005.",
        "",
    ]
    rows = []
    for name, study in STUDIES.items():
        own = [run for run in runs if run.study == name]
        if not own:
            continue
        off = [run.mean - run.truth for run in own]
        error = statistics.stdev(off) / len(off) ** 0.5 if len(off) > 1 else float("nan")
        rows.append(
            [
                f"{study.said} ({study.people} people)",
                f"{own[0].truth:.3f}",
                str(len(own)),
                str(sum(run.covers for run in own)),
                str(Share(sum(run.covers for run in own), len(own))),
                f"{statistics.mean(off):+.3f} ({error:.3f})",
                f"{statistics.median(run.high - run.low for run in own):.2f}",
                str(sum(not run.sound for run in own)),
                f"{statistics.median(run.cpu_s for run in own):.0f}",
            ]
        )
    head = ["what is asked", "truth", "panels", "covered", "share", "off by (error)"]
    head += ["width", "fits with a warning", "processor s of a fit"]
    return "\n".join([*lines, *table(head, rows)])


def main() -> None:
    """Run what is not there yet, tell how it goes, and write the page."""
    parser = argparse.ArgumentParser(prog="python -m tests.recovery", description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS, help="panels of each study")
    parser.add_argument("--page", action="store_true", help="only write the page")
    given = parser.parse_args()
    runs = [Run.of(line) for line in KEPT.read_text().splitlines()] if KEPT.exists() else []
    done = {(run.study, run.seed) for run in runs}
    # Panels of one number together: what is done first is a fair part.
    wanted = [(name, seed) for seed in range(given.runs) for name in STUDIES]
    KEPT.parent.mkdir(parents=True, exist_ok=True)
    for name, seed in () if given.page else wanted:
        if (name, seed) in done:
            continue
        run = look(name, seed)
        runs.append(run)
        with KEPT.open("a") as file:
            file.write(json.dumps(asdict(run)) + "\n")
        told = "covered" if run.covers else "missed"
        print(f"{name}, {seed}: {told}, {run.cpu_s:.0f} s", flush=True)
    stamp = f"{time.strftime('%Y-%m-%d')}, backrisk {__version__} at {commit()}, "
    stamp += f"Python {platform.python_version()}"
    REPORT.write_text(page(runs, stamp), encoding="utf-8")


if __name__ == "__main__":
    main()
