"""Running a room's own tests against mutants, in processes forked with everything heavy loaded.

A worker has its own copy of the tree: a mutant is never in the working tree. Nothing compiled
outlives a mutant: bytecode is not written, Numba's and PyTensor's caches are the mutant's own, and
empty if its module compiles anything.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import math
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.mutants.making import Mutant

ROOT = Path(__file__).parents[2]
LENIENT = 10  # a test that takes so many times what it takes without a mutant has hung
MEMORY = 8 << 30

# What backrisk and its tests import: loaded once, before forking. Never backrisk itself.
HEAVY = """
numpy scipy.stats scipy.special scipy.optimize pandas pandera.pandas networkx numba pydantic yaml
xarray h5netcdf lazy_loader rich.console typer arviz pytensor.tensor pytensor.link.numba.cache pymc
nutpie hypothesis.strategies coverage
""".split()


@dataclass
class Room:
    """A room, its modules and its own tests; paths relative to the root."""

    name: str
    files: list[str] = field(init=False)
    tests: list[str] = field(init=False)

    def __post_init__(self) -> None:
        folder, single = ROOT / "backrisk" / self.name, ROOT / "backrisk" / f"{self.name}.py"
        paths = sorted(folder.rglob("*.py")) if folder.is_dir() else [single]
        paths = [path for path in paths if path.name != "__init__.py"]
        self.files = [path.relative_to(ROOT).as_posix() for path in paths]
        tests = (f"tests/{self.name}", f"tests/test_{self.name}.py")
        self.tests = [path for path in tests if (ROOT / path).exists()]
        if not all(path.exists() for path in paths) or not paths:
            raise SystemExit(f"there is no room 'backrisk/{self.name}'")


@dataclass
class Clean:
    """The room's tests without a mutant: the seconds and the lines of each test."""

    seconds: dict[str, float]
    lines: dict[str, dict[int, list[str]]]
    slack: float
    wall: float
    processor: float

    def order(self, mutant: Mutant) -> list[str]:
        """All tests, those that reach the mutant's line first, the fastest of them first."""
        reach = set(self.lines.get(mutant.file, {}).get(mutant.line, ()))
        return sorted(self.seconds, key=lambda test: (test not in reach, self.seconds[test]))


class _Plugin:
    """Inside the forked process: sets the order, the limits, and notes what failed."""

    def __init__(self, clean: Clean | None, order: Sequence[str], switch: Any = None) -> None:
        self.clean, self.switch = clean, switch
        self.places = {test: place for place, test in enumerate(order)}
        self.failed = ""
        self.ran = 0
        self.seconds: dict[str, float] = {}
        self.shared: dict[str, float] = {}
        self.collected = 0.0

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        if self.clean is not None:
            items.sort(key=lambda item: self.places.get(item.nodeid, len(self.places)))
        self.collected = time.process_time()

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any) -> Iterator[None]:
        start = time.process_time()
        try:
            return (yield)
        finally:
            if fixturedef.scope != "function":
                self.shared[fixturedef.argname] = time.process_time() - start

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        start = time.process_time()
        self.ran += 1
        if self.switch is not None:
            self.switch(item.nodeid)
        if self.clean is not None:
            known = self.clean.seconds.get(item.nodeid, 0.0)
            _limit_processor(start + LENIENT * (known + self.clean.slack))
        shared = sum(self.shared.values())
        try:
            return (yield)
        finally:
            spent = time.process_time() - start - (sum(self.shared.values()) - shared)
            names = getattr(item, "fixturenames", ())
            cost = max((self.shared.get(name, 0.0) for name in names), default=0.0)
            self.seconds[item.nodeid] = max(spent, 0.0) + cost

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed = self.failed or report.nodeid

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.failed = self.failed or f"importing {report.nodeid}"


def _limit_processor(seconds: float) -> None:
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(seconds) + 1, hard))


def load() -> None:
    """Import what is heavy, once for all forks."""
    for name in HEAVY:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    foreign = [name for name in sys.modules if name.partition(".")[0] == "backrisk"]
    if foreign:
        raise AssertionError(f"loaded before forking: {', '.join(foreign)}")


def copy_tree(to: Path) -> None:
    """Copy what git tracks or would track, as it is in the working tree."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, to / name)


def _enter(tree: Path, caches: Path, log: Path) -> None:
    """Make the forked process one that lives in its own tree, with its own caches."""
    os.setsid()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.chdir(tree)
    here = {str(ROOT), ""}
    sys.path[:] = [str(tree), *(entry for entry in sys.path if entry not in here)]
    os.environ.update(PYTHONPATH=str(tree), PYTENSOR_FLAGS=f"base_compiledir={caches}")
    for name in [name for name in sys.modules if name.partition(".")[0] == "tests"]:
        del sys.modules[name]
    importlib.invalidate_caches()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if "pytensor.link.numba.cache" in sys.modules:
        sys.modules["pytensor.link.numba.cache"].NUMBA_CACHE_PATH = caches / "numba"  # type: ignore[attr-defined]
    (caches / "numba").mkdir(parents=True, exist_ok=True)
    from hypothesis import Phase, settings

    phases = (Phase.explicit, Phase.generate)  # a failure need not be made small
    settings.register_profile("mutants", deadline=None, derandomize=True, phases=phases)
    settings.load_profile("mutants")
    import backrisk

    if Path(backrisk.__file__).parents[1] != tree.resolve():
        raise AssertionError(f"backrisk was imported from {backrisk.__file__}")


def _pytest(paths: Sequence[str], plugin: _Plugin) -> int:
    options = "-x -q -p no:xdist -p no:cacheprovider --tb=line --assert=plain".split()
    return int(pytest.main([*options, *paths], plugins=[plugin]))


@dataclass
class Running:
    """A forked process at work."""

    pid: int
    started: float
    deadline: float
    answer: Path


def fork(work: Callable[[], dict[str, Any]], answer: Path, wall: float) -> Running:
    """Do the work in a forked process, which writes what it returns to a file."""
    answer.unlink(missing_ok=True)
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        code = 70
        try:
            answer.write_text(json.dumps(work()))
            code = 0
        except BaseException:
            import traceback

            traceback.print_exc()
        finally:
            os._exit(code)
    now = time.monotonic()
    return Running(pid, now, now + wall, answer)


def _end(pid: int) -> None:
    """End a process and what it started."""
    for send in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            send(pid, signal.SIGKILL)


def _end_children(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def ended(process: Running) -> dict[str, Any] | None:
    """Return what became of a process, or None while it runs."""
    late = time.monotonic() > process.deadline
    if late:
        _end(process.pid)
    pid, status, usage = os.wait4(process.pid, 0 if late else os.WNOHANG)
    if pid == 0:
        return None
    _end_children(process.pid)
    killed = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    found: dict[str, Any] = {
        "wall": round(time.monotonic() - process.started, 2),
        "processor": round(usage.ru_utime + usage.ru_stime, 2),
        "timed_out": late or killed == signal.SIGXCPU,
        "died": killed or os.waitstatus_to_exitcode(status),
    }
    if process.answer.exists() and not found["died"]:
        found |= json.loads(process.answer.read_text())
    return found


def clean_run(room: Room, tree: Path, scratch: Path) -> Clean:
    """Run the room's tests without a mutant, noting which test reaches which line."""
    caches, log = scratch / "clean-caches", scratch / "clean.log"

    def work() -> dict[str, Any]:
        import coverage

        watched = [str(tree / file) for file in room.files]
        watch = coverage.Coverage(data_file=None, include=watched, config_file=False)
        watch.start()
        _enter(tree, caches, log)
        plugin = _Plugin(None, (), watch.switch_context)
        start = time.process_time()
        code = _pytest([*room.tests, *room.files], plugin)
        watch.stop()
        data = watch.get_data()
        lines = {
            file: {
                str(line): [context for context in contexts if context]
                for line, contexts in data.contexts_by_lineno(str(tree / file)).items()
            }
            for file in room.files
        }
        return {
            "code": code,
            "failed": plugin.failed,
            "seconds": plugin.seconds,
            "lines": lines,
            "collecting": plugin.collected - start,
        }

    process = fork(work, scratch / "clean.json", math.inf)
    while (found := ended(process)) is None:
        time.sleep(0.05)
    if found["died"] or found["code"] not in (0, pytest.ExitCode.NO_TESTS_COLLECTED):
        raise SystemExit(
            f"the tests of '{room.name}' fail without a mutant: {found.get('failed', '')}\n"
            + (log.read_text()[-3000:] if log.exists() else "")
        )
    lines = {
        file: {int(line): tests for line, tests in by_line.items()}
        for file, by_line in found["lines"].items()
    }
    # A test may be the first to need what another test made in the clean run, so all have slack.
    slack = found["collecting"] + max(found["seconds"].values(), default=0.0)
    return Clean(found["seconds"], lines, slack, found["wall"], found["processor"])


def start(mutant: Mutant, room: Room, clean: Clean, tree: Path, scratch: Path) -> Running:
    """Put a mutant into a worker's tree and start the room's tests on it."""
    path = tree / mutant.file
    for stale in path.parent.glob(f"__pycache__/{path.stem}.*.pyc"):
        stale.unlink()
    path.write_text(mutant.source)
    caches, log = scratch / "caches", scratch / "tests.log"
    shutil.rmtree(caches, ignore_errors=True)
    compiles = "numba" in mutant.source or "pytensor" in mutant.source
    if not compiles:
        shutil.copytree(scratch.parent / "clean-caches", caches)
    paths = [*room.tests, mutant.file]

    def work() -> dict[str, Any]:
        sys.dont_write_bytecode = True
        os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
        if compiles:
            import numba

            os.environ["NUMBA_CACHE_DIR"] = numba.config.CACHE_DIR = str(caches / "loops")
        _limit_processor(time.process_time() + LENIENT * clean.slack)
        _enter(tree, caches, log)
        plugin = _Plugin(clean, clean.order(mutant))
        code = _pytest(paths, plugin)
        return {"code": code, "failed": plugin.failed, "ran": plugin.ran}

    return fork(work, scratch / "answer.json", LENIENT * clean.wall)


def restore(mutant: Mutant, clean_tree: Path, tree: Path) -> None:
    """Take the mutant out of the tree again."""
    shutil.copy2(clean_tree / mutant.file, tree / mutant.file)


def outcome(found: dict[str, Any]) -> tuple[str, str]:
    """Return what became of a mutant, and what noticed it.

    Tests that pass, or of which there are none, let it survive; everything else notices it.
    """
    if found["timed_out"]:
        return "timed out", ""
    if found["died"]:
        return "noticed", "the import, or the process died"
    if found["code"] in (0, pytest.ExitCode.NO_TESTS_COLLECTED):
        return "survived", ""
    return "noticed", found["failed"]


def run(
    mutants: Sequence[Mutant],
    room: Room,
    scratch: Path,
    jobs: int,
    tell: Callable[[Mutant, dict[str, Any]], None],
) -> Clean:
    """Run the room's tests on each mutant, so many at a time.

    The first is no mutant: where the tests do not pass on it, in the order and with the caches and
    limits that mutants have, what they say of mutants means nothing.
    """
    clean_tree = scratch / "tree"
    copy_tree(clean_tree)
    clean = clean_run(room, clean_tree, scratch)
    free = []
    for job in range(jobs):
        worker = scratch / f"worker{job}"
        shutil.copytree(clean_tree, worker / "tree")
        free.append(worker)
    same = mutants[0].file
    control = Mutant(same, 0, "none", "", "", (clean_tree / same).read_text())
    waiting = [*mutants[::-1], control]
    busy: dict[Path, tuple[Mutant, Running]] = {}
    try:
        while waiting or busy:
            while waiting and free:
                worker = free.pop()
                mutant = waiting.pop()
                busy[worker] = mutant, start(mutant, room, clean, worker / "tree", worker)
            time.sleep(0.02)
            for worker, (mutant, process) in list(busy.items()):
                if (found := ended(process)) is not None:
                    del busy[worker]
                    restore(mutant, clean_tree, worker / "tree")
                    free.append(worker)
                    what, noticed_by = outcome(found)
                    if mutant is control:
                        if what != "survived":
                            said = (worker / "tests.log").read_text()[-3000:]
                            raise SystemExit(f"without a mutant: {what}, {noticed_by}\n{said}")
                        continue
                    seconds = {key: found[key] for key in ("wall", "processor")}
                    tell(mutant, {"outcome": what, "by": noticed_by, **seconds})
    finally:
        for _, process in busy.values():
            _end(process.pid)
    return clean
