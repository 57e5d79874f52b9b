"""Try every kind of fault, or those named, and report what was lost."""

from __future__ import annotations

import argparse
import os
import platform
import signal
import sys

from tests.faults.outcome import ROOT
from tests.faults.reporting import Tried, page
from tests.faults.trying import attempts, found

REPORT = ROOT / "reports" / "faults.md"


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
