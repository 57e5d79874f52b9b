"""Try every kind of fault, or those named, and report what was lost."""

from __future__ import annotations

import argparse
import importlib
import os
import pkgutil
import platform
import signal
import sys
import time
import zlib
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from tests.faults import kinds
from tests.faults.outcome import ROOT, Budget
from tests.faults.reporting import Tried, page

REPORT = ROOT / "reports" / "faults.md"


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


def main() -> int:
    """Try, report, and return 1 where a fault was not survived."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--kind", action="append", help=f"one of {', '.join(found())}; repeatable")
    parser.add_argument("--quick", action="store_true", help="a few of each; no report")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    # Stopped from outside, it still ends its processes and removes its folders.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    stamp = {"seed": str(given.seed), "python": platform.python_version()}
    stamp |= {"system": f"{platform.system()} {platform.release()}"}
    stamp |= {"processors": str(os.cpu_count())}
    tried: dict[str, Tried] = {}
    for name in given.kind or found():
        tried[name] = attempt(name, given.seed, quick=given.quick)
        outcome = tried[name].outcome
        total, bad = sum(outcome.tried.values()), len(outcome.failures)
        told = f"skipped: {outcome.skipped}" if outcome.skipped else f"{total:,} tried, {bad:,} not"
        print(f"{name}: {told} survived, {tried[name].seconds:.0f} s", flush=True)
        for failure in outcome.failures:
            print(f"  {failure.kind}: {failure.where}", flush=True)
        if not given.quick and not given.kind:
            REPORT.write_text(page(tried, stamp), encoding="utf-8")
    return int(any(each.outcome.failures for each in tried.values()))


if __name__ == "__main__":
    sys.exit(main())
