"""Try every kind of fault, or those named, and report what was lost."""

from __future__ import annotations

import argparse
import importlib
import multiprocessing
import os
import pkgutil
import platform
import signal
import sys
import time
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from tests.faults import kinds
from tests.faults.outcome import ROOT, Budget
from tests.faults.reporting import Tried, page

REPORT = ROOT / "reports" / "faults.md"
TIMED = ("connections", "starving")  # kinds that compare times
LONG = ("ends", "memory")  # begun first


def found() -> list[str]:
    """Return the names of the kinds of fault."""
    return sorted(each.name for each in pkgutil.iter_modules(kinds.__path__))


def attempt(name: str, seed: int, *, quick: bool) -> Tried:
    """Try one kind; its random numbers are its own, whichever other kinds are tried."""
    module = importlib.import_module(f"tests.faults.kinds.{name}")
    rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
    start = time.perf_counter()
    with TemporaryDirectory(prefix=f"faults-{name}-") as folder:
        outcome = module.run(rng, Budget(Path(folder).resolve(), quick))
    return Tried(module.__doc__ or "", outcome, time.perf_counter() - start)


def attempts(
    names: Sequence[str], seed: int, *, quick: bool, jobs: int
) -> Iterator[tuple[str, Tried]]:
    """Try kinds, those that compare times first and alone, the others some at once."""
    timed = [name for name in names if name in TIMED]
    for name in timed:
        yield name, attempt(name, seed, quick=quick)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context) as pool:
        others = {
            pool.submit(attempt, name, seed, quick=quick): name
            for name in sorted(names, key=lambda each: each not in LONG)
            if name not in timed
        }
        for done in as_completed(others):
            yield others[done], done.result()


def main() -> int:
    """Try, report, and return 1 where a fault was not survived."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--kind", action="append", help=f"one of {', '.join(found())}; repeatable")
    parser.add_argument("--quick", action="store_true", help="a few of each; no report")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1, help="kinds tried at once; timed ones alone")
    given = parser.parse_args()
    # Stopped from outside, it still ends its processes and removes its folders.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    stamp = {"seed": str(given.seed), "python": platform.python_version()}
    stamp |= {"system": f"{platform.system()} {platform.release()}"}
    stamp |= {"processors": str(os.cpu_count())}
    names = given.kind or found()
    tried: dict[str, Tried] = {}
    for name, each in attempts(names, given.seed, quick=given.quick, jobs=given.jobs):
        tried[name] = each
        outcome = each.outcome
        total, bad = sum(outcome.tried.values()), len(outcome.failures)
        told = f"skipped: {outcome.skipped}" if outcome.skipped else f"{total:,} tried, {bad:,} not"
        print(f"{name}: {told} survived, {tried[name].seconds:.0f} s", flush=True)
        for failure in outcome.failures:
            print(f"  {failure.kind}: {failure.where}", flush=True)
        if not given.quick and not given.kind:
            found_so_far = dict(sorted(tried.items()))
            REPORT.write_text(page(found_so_far, stamp), encoding="utf-8")
    return int(any(each.outcome.failures for each in tried.values()))


if __name__ == "__main__":
    sys.exit(main())
