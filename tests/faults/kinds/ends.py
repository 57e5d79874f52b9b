"""Processes that are killed (SIGKILL) or asked to end (SIGTERM), at moments drawn at random.

An older file stands at the output's place. Afterwards it is as it was, or the new one is whole.
A process that was asked to end says nothing of its own insides and leaves nothing; what one that
was killed left, private as it is, goes at the next start that writes into the same folder.
"""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from tests.faults.commands import OLD, Command, commands
from tests.faults.outcome import (
    HANG,
    LEFT,
    LOST,
    TRACEBACK,
    Budget,
    Outcome,
    Ran,
    Tally,
    backrisk,
    environment,
)

TRIES = {"simulate": 40, "fit, exact": 30, "fit, sampled": 20}
OTHER = 30


def run(rng: np.random.Generator, budget: Budget) -> Outcome:
    """End each command at drawn moments of its run."""
    tally = Tally()
    (read := budget.folder / "read").mkdir()
    found = commands(read)
    slowest = 0.0
    for command in found[:1] if budget.quick else found:
        command.prepare(out := budget.folder / "out")
        start = time.perf_counter()
        ran = backrisk(command.at(out), budget.seconds)
        lasts = time.perf_counter() - start
        assert ran.code in (0, 1), ran.err
        for _ in range(budget.tries(TRIES.get(command.name, OTHER), 4)):
            number = signal.SIGKILL if rng.random() < 0.5 else signal.SIGTERM
            moment = float(rng.uniform(0, lasts))
            kind, told, took = _tried(command, number, moment, budget)
            if number == signal.SIGTERM:
                slowest = max(slowest, took)
            tally.count(command.name, kind, f"{number.name} after {moment:.2f} s: {told}")
    tally.figures.append(
        f"The slowest end after a SIGTERM took {slowest:.1f} s; a compilation is not interrupted."
    )
    tally.limits.append(
        "a SIGKILL leaves the private folders of the process, readable by its user alone, until "
        "the next start that writes into the same folder; nothing can run after it."
    )
    tally.limits.append(
        "a signal that comes while a native library is at work can end in that library's own abort "
        "(exit code -6 in place of 143), which nothing of ours holds; what stood at the output "
        "stays whole."
    )
    return tally.outcome()


def _tried(
    command: Command, number: signal.Signals, moment: float, budget: Budget
) -> tuple[str | None, str, float]:
    """Start a command, end it, and look at what there is."""
    path = command.prepare(out := budget.folder / "out")
    temporary = budget.folder / "temporary"
    temporary.mkdir(exist_ok=True)
    running = subprocess.Popen(
        [sys.executable, "-c", "from backrisk.cli import main; main()", *command.at(out)],
        env=environment(TMPDIR=str(temporary)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        said = running.communicate(timeout=moment)
    except subprocess.TimeoutExpired:
        running.send_signal(number)
    asked = time.perf_counter()
    try:
        said = running.communicate(timeout=budget.seconds)
    except subprocess.TimeoutExpired:
        running.kill()
        running.communicate()
        return HANG, "it did not end", budget.seconds
    took = time.perf_counter() - asked
    ran = Ran(running.returncode, *(text.decode(errors="replace") for text in said))
    told = f"exit code {ran.code}, {ran.err}"
    if ran.failure is not None:
        return TRACEBACK, told, took
    if path.read_bytes() != OLD and not command.whole(path):
        return LOST, told, took
    found = [*_private(temporary), *(out / name for name in command.left(out))]
    open_to_others = [each for each in found if stat.S_IMODE(os.lstat(each).st_mode) & 0o077]
    if open_to_others or (found and number == signal.SIGTERM):
        return LEFT, f"{told}, {[each.name for each in found]}", took
    if found:
        # The next start, with the same output's folder and the same folder for temporary files.
        backrisk(
            ["simulate", "--graph", "runner_core", "--n", "1", "--out", out / "next.csv"],
            budget.seconds,
            TMPDIR=str(temporary),
        )
        (out / "next.csv").unlink()
        if left := [*_private(temporary), *command.left(out)]:
            return LEFT, f"{told}, {left}", took
    return None, told, took


def _private(folder: Path) -> list[Path]:
    return [each for each in folder.iterdir() if "backrisk" in each.name]
