"""Make a sample of mutants of each room, or of those named, and see which its tests notice."""

from __future__ import annotations

import argparse
import hashlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# Before anything heavy is loaded: one thread for each process, and no cache but our own.
os.environ |= dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
)
os.environ |= {"COVERAGE_CORE": "ctrace", "MPLBACKEND": "agg"}

from tests.mutants import reporting, running
from tests.mutants.making import Module, Mutant, equivalents, shares
from tests.mutants.running import ROOT, Room

ROOMS = "graph survey inference likelihood posterior fitting queries check summary".split()
SAMPLE = 60


def commit() -> str:
    """Return the day of the last commit, and whether the tree differs from it."""

    def git(*words: str) -> str:
        run = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True)
        return run.stdout.strip()

    changed = git("status", "--porcelain", "--", "backrisk", "tests")
    return git("log", "-1", "--format=%cs") + (" and changes" if changed else "")


def stamp(room: Room) -> str:
    """Return what changes when the package or the room's tests do."""
    paths = [path for path in (ROOT / "backrisk").rglob("*") if path.is_file()]
    for name in room.tests:
        paths += (ROOT / name).rglob("*.py") if (ROOT / name).is_dir() else [ROOT / name]
    paths += [path for path in (ROOT / "tests").glob("*.py") if not path.name.startswith("test_")]
    digest = hashlib.sha256()
    for path in sorted(path for path in paths if path.suffix != ".pyc"):
        digest.update(f"{path.relative_to(ROOT)}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def sample(room: Room, size: int, seed: int) -> tuple[list[Mutant], int]:
    """Return a room's sample, and how many mutants there are."""
    modules = {file: Module(file, (ROOT / file).read_text()) for file in room.files}
    wanted = shares({file: len(module) for file, module in modules.items()}, size)
    drawn = [
        mutant
        for file, count in wanted.items()
        for mutant, _ in zip(modules[file].drawn(seed), range(count), strict=False)
    ]
    return drawn, sum(module.mutants for module in modules.values())


def try_room(room: Room, given: argparse.Namespace, scratch: Path) -> None:
    """Try a room's sample, but what was tried before and is as it was."""
    drawn, there_are = sample(room, given.sample, given.seed)
    reasons, now, at = equivalents(), stamp(room), commit()
    before = {record["key"]: record for record in reporting.read(room.name)}
    records: dict[str, dict[str, Any]] = {}
    waiting = []
    for mutant in drawn:
        words = {name: getattr(mutant, name) for name in ("key", "file", "line", "operator")}
        words |= {"room": room.name, "before": mutant.before, "after": mutant.after}
        old = before.get(mutant.key, {})
        same = old.get("stamp") == now
        if why := reasons.get((mutant.file, mutant.before, mutant.after)):
            records[mutant.key] = {**words, "outcome": "equivalent", "why": why}
        elif old.get("outcome") in ("noticed", "timed out", "survived") and (
            same or (given.survivors and old["outcome"] != "survived")
        ):
            records[mutant.key] = old
        else:
            waiting.append((mutant, words))
    print(f"{room.name}: {len(drawn)} of {there_are:,} mutants, {len(waiting)} to try", flush=True)
    known = {mutant.key: words for mutant, words in waiting}

    def tell(mutant: Mutant, found: Mapping[str, Any]) -> None:
        record = {**known[mutant.key], **found, "stamp": now, "commit": at, "seed": given.seed}
        records[mutant.key] = record
        reporting.append(room.name, record)
        took = f"{found['processor']:6.1f} s  {mutant.file}:{mutant.line}"
        print(f"  {found['outcome']:9} {took}  {mutant.after[:70]}", flush=True)

    if waiting:
        start = time.perf_counter()
        mutants = [mutant for mutant, _ in waiting]
        clean = running.run(mutants, room, scratch, given.jobs, tell)
        minutes = (time.perf_counter() - start) / 60
        print(
            f"{room.name}: {clean.processor:.0f} s without a mutant; {minutes:.1f} min, "
            f"{len(waiting) / minutes:.1f} mutants a minute",
            flush=True,
        )
    tests = ", ".join(f"`{name}`" for name in room.tests) or "no tests of its own"
    about = {"mutants": there_are, "sample": given.sample, "seed": given.seed, "commit": at}
    about |= {"tests": f"{tests} and the doctests of the module"}
    reporting.write(room.name, about, [records[mutant.key] for mutant in drawn], ROOMS)


def main() -> None:
    """Try the rooms and write the report."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--room", action="append", help=f"one of {', '.join(ROOMS)}; repeatable")
    parser.add_argument("--sample", type=int, default=SAMPLE, help="mutants of each room")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument(
        "--survivors",
        action="store_true",
        help="after adding tests: try only what survived, trusting that the rest is still noticed",
    )
    given = parser.parse_args()
    rooms = [Room(name) for name in given.room or ROOMS]
    # Stopped from outside, it still ends its processes and removes its trees.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    with tempfile.TemporaryDirectory(prefix="mutants") as folder:
        os.environ["PYTENSOR_FLAGS"] = f"base_compiledir={folder}/pytensor"
        running.load()
        for room in rooms:
            scratch = Path(folder).resolve() / room.name
            scratch.mkdir()
            try_room(room, given, scratch)


if __name__ == "__main__":
    main()
