"""What every benchmark shares: interleaved timing, peak memory, the form of a result."""

from __future__ import annotations

import gc
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

ROOT = Path(__file__).parents[2]


def median_seconds(
    *calls: Callable[[], Any], repeats: int = 7, least: float = 0.02, budget: float = 60.0
) -> tuple[float, ...]:
    """Time calls in turn, so that a busy machine slows all of them alike.

    Parameters
    ----------
    *calls : callables
        Already compiled; each is called once more here to warm it.
    repeats : int
        Rounds. Each round times every call once, in order.
    least : float
        A call shorter than this is repeated within the round until it takes as long.
    budget : float
        Stop after this many seconds in all, but never before three rounds.

    Returns
    -------
    tuple of float
        The median seconds of one call, for each.
    """
    loops = []
    for call in calls:
        call()
        start = time.perf_counter()
        call()
        once = time.perf_counter() - start
        loops.append(max(1, round(least / max(once, 1e-7))))
    samples: list[list[float]] = [[] for _ in calls]
    began = time.perf_counter()
    gc.collect()
    gc.disable()
    try:
        for done in range(repeats):
            if done >= 3 and time.perf_counter() - began > budget:
                break
            for call, loop, found in zip(calls, loops, samples, strict=True):
                start = time.perf_counter()
                for _ in range(loop):
                    call()
                found.append((time.perf_counter() - start) / loop)
    finally:
        gc.enable()
    return tuple(statistics.median(found) for found in samples)


def seconds(call: Callable[[], Any]) -> tuple[float, Any]:
    """Run once; return the seconds and the answer."""
    start = time.perf_counter()
    answer = call()
    return time.perf_counter() - start, answer


def processor_seconds(call: Callable[[], Any]) -> tuple[float, Any]:
    """Run once; return the seconds that this process had a core, and the answer."""
    start = time.process_time()
    answer = call()
    return time.process_time() - start, answer


def least_processor_seconds(
    *calls: Callable[[], Any], repeats: int = 7, least: float = 0.02
) -> tuple[float, ...]:
    """Time calls in turn by the processor's clock, which other processes stop.

    Parameters
    ----------
    *calls : callables
        Already compiled; each is called once more here to warm it.
    repeats : int
        Rounds. Each round times every call once, in order.
    least : float
        A call shorter than this is repeated within the round until it takes as long.

    Returns
    -------
    tuple of float
        The least seconds, of all threads together, of one call, for each.
    """
    loops = []
    for call in calls:
        call()
        once, _ = processor_seconds(call)
        loops.append(max(1, round(least / max(once, 1e-7))))
    found = [float("inf")] * len(calls)
    for _ in range(repeats):
        for place, (call, loop) in enumerate(zip(calls, loops, strict=True)):
            taken, _ = processor_seconds(lambda c=call, n=loop: [c() for _ in range(n)])  # type: ignore[misc]
            found[place] = min(found[place], taken / loop)
    return tuple(found)


def in_child(function: str, *arguments: Any, **environment: str) -> dict[str, Any]:
    """Call a function of a benchmark module in a fresh process.

    Parameters
    ----------
    function : str
        ``"module:function"`` within `tests.benchmarks`.
    *arguments
        Passed as JSON.
    **environment : str
        Added to the child's environment.

    Returns
    -------
    dict
        ``answer`` (what the function returned, through JSON), ``seconds``, ``cpu_s`` (seconds
        that it had a core: what a busy machine does not change much), ``peak_mib`` (the
        largest resident memory of the process) and ``imported_mib`` (resident memory when the
        function was called, its module imported).
    """
    module, name = function.split(":")
    code = (
        "import json, sys, importlib, time\n"
        "from tests.benchmarks.common import resident_mib\n"
        f"call = getattr(importlib.import_module('tests.benchmarks.{module}'), '{name}')\n"
        "before, start, cpu = resident_mib()[0], time.perf_counter(), time.process_time()\n"
        "answer = call(*json.loads(sys.argv[1]))\n"
        "took, cpu = time.perf_counter() - start, time.process_time() - cpu\n"
        "print('\\n' + json.dumps({'answer': answer, 'seconds': took, 'cpu_s': cpu,"
        " 'imported_mib': before, 'peak_mib': resident_mib()[1]}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, json.dumps(arguments)],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def resident_mib() -> tuple[float, float]:
    """Return this process's resident memory and its peak so far, in MiB."""
    status = Path("/proc/self/status")
    if status.exists():  # `ru_maxrss` would count the parent's pages from before the exec
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return tuple(int(lines[key].split()[0]) / 1024 for key in ("VmRSS", "VmHWM"))  # type: ignore[return-value]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    mib = peak / 1024**2 if sys.platform == "darwin" else peak / 1024
    return mib, mib


def result(
    name: str,
    *,
    ours_s: float,
    theirs_s: float | None = None,
    peer: str = "",
    bar: float | None = None,
    limit: Literal["at least", "at most"] = "at least",
    of: str = "ratio",
    packages: tuple[str, ...] = (),
    profile: str = "",
    **more: Any,
) -> dict[str, Any]:
    """Return one benchmark's record.

    Parameters
    ----------
    name : str
    ours_s, theirs_s : float
        Seconds for the same work; ``ratio`` is theirs by ours.
    peer : str
        Who "theirs" is.
    bar : float, optional
        What `of` should reach.
    limit : {"at least", "at most"}
    of : str
        The key of the record that the bar is about.
    packages : tuple of str
        Whose versions matter, beside those of backrisk, NumPy and Python.
    profile : str
        Where the time goes; shown where the bar is missed.
    **more
        Further figures, shown in the table: ``peak_mib=...``, ``people=...``.

    Returns
    -------
    dict
    """
    record: dict[str, Any] = {
        "name": name,
        "ratio": None if theirs_s is None else theirs_s / ours_s,
        "ours_s": ours_s,
        "theirs_s": theirs_s,
        "peer": peer,
        "bar": bar,
        "limit": limit,
        "of": of,
        **more,
    }
    reached = record[of]
    record["met"] = bar is None or (reached >= bar if limit == "at least" else reached <= bar)
    record["profile"] = profile
    record["versions"] = {
        "python": platform.python_version(),
        **{each: version(each) for each in ("backrisk", "numpy", *packages)},
    }
    return record


def machine() -> str:
    """Say what this machine is: processor, cores, memory, system."""
    model, memory = platform.processor() or platform.machine(), 0.0
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
        memory = int(Path("/proc/meminfo").read_text().split()[1]) / 1024**2
    except OSError:
        pass
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{model}, {cores} cores, {memory:.0f} GiB, {platform.system()} {platform.machine()}"


def commit() -> str:
    """Return the commit that this is, "-dirty" where files differ; "" outside a clone."""
    asked = ["git", "describe", "--always", "--dirty", "--exclude", "*"]
    try:
        done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()
