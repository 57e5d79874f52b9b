"""Kinds of faults, tried one after the other or side by side."""

from __future__ import annotations

import importlib
import multiprocessing
import pkgutil
import time
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from tests.faults import kinds
from tests.faults.outcome import Budget
from tests.faults.reporting import Tried

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
