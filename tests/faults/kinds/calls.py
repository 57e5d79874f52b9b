"""Every call by which a file is written fails in turn, with each error that a disk can give.

A layer over the one module that writes files lets the k-th call fail, alone or with all that come
after it, for every k; or lets every write take a few bytes only. A file stands at the place before.
Afterwards it holds what it held, or all that was to be written; a failure is one of the package's
own errors; and nothing else lies beside it.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from backrisk import _files, simulate
from backrisk.errors import BackriskError
from backrisk.graph import CausalGraph
from backrisk.posterior import Posterior
from tests.faults.outcome import LEFT, LOST, TRACEBACK, Budget, Outcome, Tally

ERRORS = (errno.ENOSPC, errno.EIO, errno.EROFS, errno.EDQUOT, errno.EACCES, errno.EMFILE)
CALLS = {
    *("mkdir", "open", "write", "fsync", "replace", "close", "dup", "lseek"),
    *("stat", "fstat", "lstat", "access", "scandir", "fchmod", "fchown"),
}
OLD = b"old"
DAY = "2026-01-31"


@dataclass
class Faulty:
    """The module `os` with faults: what `backrisk._files` gets in its place.

    Parameters
    ----------
    at : int
        The call that fails, counted from 0; a negative one never comes.
    error : int
    on : bool
        Whether all later calls fail too.
    short : numpy.random.Generator, optional
        Lets a write take fewer bytes than it was given.
    """

    at: int = -1
    error: int = 0
    on: bool = False
    short: np.random.Generator | None = None
    calls: int = 0

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name)
        if name not in CALLS:
            return real

        def call(*arguments: Any, **options: Any) -> Any:
            place = self.calls
            self.calls += 1
            if place == self.at or (self.on and 0 <= self.at < place):
                if name == "access":
                    return False
                if name == "close":  # it is closed all the same
                    real(*arguments)
                raise OSError(self.error, os.strerror(self.error))
            if name == "write" and self.short is not None:
                number, data = arguments
                size = min(len(data), int(self.short.integers(1, 64)))
                return real(number, data[:size])
            return real(*arguments, **options)

        return call


@contextmanager
def faulty(layer: Faulty) -> Iterator[Faulty]:
    """Let the writer of files call the layer in place of the system."""
    _files.os = layer  # type: ignore[assignment]
    try:
        yield layer
    finally:
        _files.os = os


def run(rng: np.random.Generator, budget: Budget) -> Outcome:
    """Fail each call of each writer with each error."""
    tally = Tally()
    for name, out, write, old in _writers(budget.folder):
        place = out.parent
        _emptied(place)
        with faulty(Faulty()) as counted:
            write()
        whole = _contents(place)
        again = _contents(place) if write() is None else whole
        assert again == whole, name  # else nothing could be told by comparing
        errors = ERRORS[:2] if budget.quick else ERRORS
        steps = range(0, counted.calls, 5 if budget.quick else 1)
        tries = [Faulty(at, error, on) for at in steps for error in errors for on in (False, True)]
        tries += [Faulty(short=rng) for _ in range(budget.tries(10, 1))]
        for layer in tries:
            _emptied(place)
            out.write_bytes(old)
            kind = _tried(write, layer, place, whole, out, old)
            way = "from then on" if layer.on else "once"
            told = f"call {layer.at}, {errno.errorcode.get(layer.error, 'short writes')}, {way}"
            tally.count(name, kind, told)
    return tally.outcome()


def _tried(
    write: Callable[[], None],
    layer: Faulty,
    place: Path,
    whole: dict[str, bytes],
    out: Path,
    old: bytes,
) -> str | None:
    try:
        with faulty(layer):
            write()
        failed = False
    except BackriskError:
        failed = True
    except Exception:
        return TRACEBACK
    _files._sweep(place, ".backrisk-")  # as the next start does
    found = _contents(place)
    if found.get(out.name) != whole[out.name] and not (failed and found.get(out.name) == old):
        return LOST
    if any(found[name] != whole.get(name) for name in found if name != out.name):
        return LEFT
    if failed and layer.short is not None:
        return LOST
    return LEFT if len(list(place.iterdir())) > len(found) else None


def _emptied(place: Path) -> None:
    for path in place.iterdir():
        path.unlink()


def _contents(place: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in place.iterdir() if path.is_file()}


def _writers(folder: Path) -> Iterator[tuple[str, Path, Callable[[], None], bytes]]:
    """Yield every writer of the package: its name, its file in a folder of its own, a call.

    Last what stood there before; of a chain, an earlier one of the same fit, for no other is ever
    overwritten.
    """
    from backrisk.cli.terminal import write_text
    from backrisk.cohort import score
    from backrisk.fitting.chains import Kept
    from backrisk.report import model_card, report_person

    graph = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    cpts = {"x": [[0.5, 0.5]] * 8, "y": [[[0.7, 0.3], [0.2, 0.8]]] * 8}
    posterior = Posterior.from_cpts(graph, cpts)
    text = simulate(graph, 200, 1).to_csv(index=False)
    rows = folder / "rows.csv"
    rows.write_text(text.replace("yes", "maybe", 1))

    tree = posterior.to_datatree()
    person = {"x": "yes"}

    def scored(out: Path) -> None:
        score(posterior, rows, out, target="y")

    def reported(out: Path) -> None:
        report_person(posterior, person, out, target="y", date=DAY)

    writers: list[tuple[str, str, Callable[[Path], Any]]] = [
        ("text", "text.csv", lambda out: write_text(out, text)),
        ("model", "model.nc", posterior.save),
        ("chain", "chain-0.nc", lambda out: Kept(out.parent, "a").save(0, tree.copy())),
        ("score", "s.csv", scored),
        ("score", "s.parquet", scored),
        ("report", "r.html", reported),
        ("report", "r.pdf", reported),
        ("card", "c.md", lambda out: model_card(posterior, out, target="y", date=DAY)),
    ]
    (folder / "earlier").mkdir()
    kept = Kept(folder / "earlier", "a")
    kept.save(0, posterior.subset(2).to_datatree())
    earlier = kept.path(0).read_bytes()
    for name, file, write in writers:
        (own := folder / file.replace(".", "-")).mkdir()
        before = earlier if name == "chain" else OLD
        yield f"{name} to {file}", own / file, _bound(write, own / file), before


def _bound(write: Callable[[Path], Any], out: Path) -> Callable[[], None]:
    def call() -> None:
        write(out)

    return call
