"""What a kind of fault may spend, and what came of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]

# How a fault can fail to be survived.
TRACEBACK = "traceback"
HANG = "hang"
ACCEPTED = "wrong acceptance"
LOST = "output lost"
LEFT = "rows left behind"
FAILURES = (TRACEBACK, HANG, ACCEPTED, LOST, LEFT)


@dataclass(frozen=True)
class Budget:
    """What a kind may spend.

    Parameters
    ----------
    folder : Path
        Empty, the kind's own, removed afterwards.
    quick : bool
        A few tries only, in seconds.
    seconds : float
        After which a single try counts as a hang.
    """

    folder: Path
    quick: bool = False
    seconds: float = 120.0

    def tries(self, whole: int, few: int) -> int:
        """Return how often to try: `few` times where it has to be quick."""
        return few if self.quick else whole


@dataclass(frozen=True)
class Failure:
    """A fault that was not survived.

    Parameters
    ----------
    kind : str
        One of `FAILURES`.
    where : str
        What was tried, exactly enough to try it again.
    """

    kind: str
    where: str

    def __post_init__(self) -> None:
        if self.kind not in FAILURES:
            raise ValueError(self.kind)


@dataclass(frozen=True)
class Outcome:
    """What came of a kind of fault.

    Parameters
    ----------
    tried : mapping of str to int
        How many faults, by what they were tried on.
    failures : tuple of Failure
        The others were survived.
    figures : tuple of str
        Sentences with what was measured.
    limits : tuple of str
        What nobody can survive, each with its reason.
    skipped : str
        Why nothing was tried, if so.
    """

    tried: Mapping[str, int]
    failures: tuple[Failure, ...] = ()
    figures: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    skipped: str = ""


@dataclass
class Tally:
    """Counts tries one after the other; `outcome` returns what they came to."""

    tried: Counter[str] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)
    figures: list[str] = field(default_factory=list)
    limits: list[str] = field(default_factory=list)

    def count(self, what: str, kind: str | None = None, where: str = "") -> None:
        """Count a try on something, which was survived unless a kind of failure is named."""
        self.tried[what] += 1
        if kind is not None:
            self.failures.append(Failure(kind, f"{what}: {where}"))

    def outcome(self) -> Outcome:
        """Return what the tries came to."""
        return Outcome(
            dict(self.tried), tuple(self.failures), tuple(self.figures), tuple(self.limits)
        )


@dataclass(frozen=True)
class Ran:
    """How a process ended: its exit code, None where it had to be killed, and what it said."""

    code: int | None
    out: str
    err: str

    @property
    def failure(self) -> str | None:
        """The failure that shows in how it ended, whatever was asked."""
        if self.code is None:
            return HANG
        said = self.out + self.err
        crashed = self.code < 0 and -self.code in (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS)
        return TRACEBACK if crashed or "Traceback (most recent call last)" in said else None


def environment(**more: str) -> dict[str, str]:
    """Return the environment of a process that is tried: this tree, one thread."""
    own = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "MPLBACKEND": "agg"}
    return {**os.environ, **own, **more}


def backrisk(arguments: Sequence[str | Path], seconds: float, **more: str) -> Ran:
    """Run the command line in a process of its own, and kill it when the time is over."""
    command = [sys.executable, "-c", "from backrisk.cli import main; main()", *map(str, arguments)]
    try:
        done = subprocess.run(
            command,
            env=environment(**more),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        return Ran(None, _text(late.stdout), _text(late.stderr))
    return Ran(done.returncode, _text(done.stdout), _text(done.stderr))


def _text(said: bytes | None) -> str:
    return (said or b"").decode(errors="replace")
