"""Disks of many sizes, of few files, and read-only, for what is written and for what is temporary.

A file system in memory, far too small to just large enough, holds the folder of the output, or the
folder for temporary files. An older file stands at the output's place. Either the command ends well
and its file is whole, or it says so in one sentence, ends with exit code 2, and the older file is
as it was; nothing else is left on the disk.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from tests.faults.commands import OLD, Command, commands
from tests.faults.outcome import ACCEPTED, LEFT, LOST, Budget, Outcome, Tally, backrisk

SMALLEST, LARGEST = 4, 4096  # kilobytes


def run(rng: np.random.Generator, budget: Budget) -> Outcome:
    """Run each command on disks of drawn sizes."""
    disk = budget.folder / "disk"
    disk.mkdir()
    if why := _refused(disk):
        return Outcome({}, skipped=why)
    tally = Tally()
    (read := budget.folder / "read").mkdir()
    found = commands(read)
    for command in found[:2] if budget.quick else found:
        for _ in range(budget.tries(12, 2)):
            size = int(np.exp(rng.uniform(np.log(SMALLEST), np.log(LARGEST))))
            with _mounted(disk, f"size={size}k"):
                _output(tally, command, disk / "out", f"of {size} kB", budget)
            with _mounted(disk, f"size={size}k"):
                _temporary(tally, command, disk, f"of {size} kB", budget)
        for count in rng.integers(2, 12, size=budget.tries(3, 1)).tolist():
            with _mounted(disk, f"nr_inodes={count}"):
                _output(tally, command, disk, f"of {count} files", budget)
        with _mounted(disk, "size=1m"):
            command.prepare(disk / "out")
            _mount(disk, "remount,ro")
            _output(tally, command, disk / "out", "read-only", budget, prepared=True)
    return tally.outcome()


def _output(
    tally: Tally, command: Command, out: Path, what: str, budget: Budget, *, prepared: bool = False
) -> None:
    """Let a command write to the disk."""
    path = out / command.file
    if not prepared:
        try:
            out.mkdir(exist_ok=True)
            path.write_bytes(OLD)
        except OSError:  # not even that fits
            path.unlink(missing_ok=True)
            if not out.is_dir():
                return
    before = path.read_bytes() if path.exists() else None
    ran = backrisk(command.at(out), budget.seconds)
    kind = ran.failure
    if kind is None and ran.code in (0, 1):
        kind = None if command.whole(path) else ACCEPTED
    elif kind is None:
        now = path.read_bytes() if path.exists() else None
        kind = None if (ran.code, now) == (2, before) else LOST
    if kind is None and command.left(out):
        kind = LEFT
    told = f"disk for the output {what}: exit code {ran.code}, left {command.left(out)}, {ran.err}"
    tally.count(command.name, kind, told)


def _temporary(tally: Tally, command: Command, disk: Path, what: str, budget: Budget) -> None:
    """Let a command have its temporary files on the disk."""
    path = command.prepare(out := budget.folder / "elsewhere")
    ran = backrisk(command.at(out), budget.seconds, TMPDIR=str(disk))
    kind = ran.failure
    if kind is None and ran.code in (0, 1):
        kind = None if command.whole(path) else ACCEPTED
    elif kind is None:
        kind = None if (ran.code, path.read_bytes()) == (2, OLD) else LOST
    left = command.left(out) + [each.name for each in disk.iterdir() if "backrisk" in each.name]
    if kind is None and left:
        kind = LEFT
    told = f"disk for temporary files {what}: exit code {ran.code}, left {left}, {ran.err}"
    tally.count(command.name, kind, told)


def _refused(disk: Path) -> str:
    """Say why no disk can be mounted; an empty text where it can."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "a file system in memory can be mounted by root on Linux only"
    try:
        with _mounted(disk, "size=64k"):
            return ""
    except (subprocess.CalledProcessError, FileNotFoundError):
        return "mounting is not allowed here"


@contextmanager
def _mounted(disk: Path, options: str) -> Iterator[None]:
    _mount(disk, options)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True, capture_output=True)


def _mount(disk: Path, options: str) -> None:
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(disk)]
    subprocess.run(command, check=True, capture_output=True)
