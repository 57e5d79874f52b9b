"""Damaged graphs, codebooks, surveys and persons: each is read, or refused in a sentence.

Each damaged file is made from its number alone, by `tests.fuzz`, from a sound one with every kind
of key: bytes, characters, branches of the tree. Two seconds of processor time and a gibibyte of
memory are all that reading one may take.
"""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np

from tests.faults.outcome import HANG, ROOT, TRACEBACK, Budget, Outcome, Tally, environment
from tests.fuzz import KINDS

EACH = 2000


def run(rng: np.random.Generator, budget: Budget) -> Outcome:
    """Read damaged files of every kind, each kind in a process of its own."""
    tally = Tally()
    for kind in KINDS:
        number = budget.tries(EACH, 20)
        first = int(rng.integers(10**6))
        command = [sys.executable, "-m", "tests.fuzz", kind, str(first), str(first + number)]
        done = subprocess.run(
            command, cwd=ROOT, env=environment(), capture_output=True, text=True, check=False
        )
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        wrong = {line["seed"]: line["wrong"] for line in lines if "wrong" in line}
        read = [line["reading"] for line in lines if "reading" in line]
        for seed in read:
            told = wrong.get(seed, "")
            failure = None if not told else HANG if "Hang" in told else TRACEBACK
            tally.count(f"a {kind}", failure, f"python -m tests.fuzz {kind} {seed} {seed + 1}")
        if done.returncode:  # the process ended with the file that it was reading
            last = read[-1] if read else first
            tally.count(
                f"a {kind}", TRACEBACK, f"the process ended at {last}: {done.stderr[-300:]}"
            )
    return tally.outcome()
