"""Plant faults, fit, check, and write `reports/validation.md` and its HTML.

A run that was stopped goes on where it was (`out/validation`: what is kept there is not made
again). ``--page`` writes the page from what is there. What fails is told on the page, the rest goes
on, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import platform
import sys
import time
from datetime import date
from pathlib import Path

from backrisk import __version__
from tests.validation import reporting
from tests.validation.fits import ask_all, failures, fits, studies
from tests.validation.planting import FAULTS
from tests.validation.running import kept, run, tasks

ROOT = Path(__file__).parents[2]
KEPT = ROOT / "out" / "validation"
REPORTS = ROOT / "reports"


def main() -> int:
    """Run what is asked for, tell how it goes, and write the page."""
    parser = argparse.ArgumentParser(prog="python -m tests.validation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=20, help="truths of each kind")
    parser.add_argument("--people", type=int, nargs="+", default=[500, 2000, 10000])
    parser.add_argument("--fault", action="append", choices=list(FAULTS), help="repeatable")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--kept", type=Path, default=KEPT, help="folder of what is done")
    parser.add_argument("--keep-models", action="store_true", help="so that checks can be redone")
    parser.add_argument("--page", action="store_true", help="only write the page")
    parser.add_argument("--no-page", action="store_true", help="do not write it")
    given = parser.parse_args()
    path = given.kept / "planted.jsonl"
    wanted = tasks(given.seeds, given.people, given.fault or ())
    if not given.page:
        left = sum(task not in kept(path) for task in wanted)
        models = given.kept / "models" if given.keep_models else None
        start = time.monotonic()
        for count, record in enumerate(run(wanted, path, jobs=given.jobs, models=models), start=1):
            ahead = (time.monotonic() - start) / count * (left - count) / 60
            task, told = record.task, "noticed" if record.noticed else "quiet"
            print(
                f"{count}/{left} {task.fault}, N = {task.people:,}, seed {task.seed}: {told}; "
                f"about {ahead:.0f} min left",
                flush=True,
            )
    if given.no_page:
        return 0
    from tests.validation.asking import direction, strength

    if not given.page:
        ask_all(given.kept, given.jobs, (strength, given.kept, given.kept / "models"))
    unseen = ["## What no survey can tell", "", *direction()]
    unseen += strength(given.kept, given.kept / "models", only_kept=True)
    real = [*fits(given.kept), *studies(given.kept)]
    records = {task: each for task, each in kept(path).items() if task in set(wanted)}
    stamp = f"{date.today()}, backrisk {__version__}, Python {platform.python_version()}"
    text = reporting.page(records, [*unseen, *real], stamp)
    picture = reporting.figure(records) if records else ""
    REPORTS.mkdir(exist_ok=True)
    if picture:
        (REPORTS / "validation.svg").write_text(picture, encoding="utf-8")
    (REPORTS / "validation.md").write_text(text, encoding="utf-8")
    (REPORTS / "validation.html").write_text(reporting.as_html(text, picture), encoding="utf-8")
    if failed := failures(given.kept):
        print(f"failed: {', '.join(failed)}", file=sys.stderr, flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
