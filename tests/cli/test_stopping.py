"""Stopped from outside, or left without a standard output: no traceback, and no rows left."""

import os
import signal
import subprocess
import sys
import time

import pytest

from backrisk.cli.stopping import Stopped, stoppable

MAIN = "from backrisk.cli import main; main()"
pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals and descriptors as POSIX has them")


def start(arguments, code=MAIN, **options):
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, **options)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no such device")
def test_a_full_standard_output_is_one_sentence():
    for arguments in (["schema", "graph"], ["--help"]):
        with open("/dev/full", "w") as full:
            done = start(arguments, stdout=full)
            _, err = done.communicate()
        assert done.returncode == 2
        assert (
            err.decode()
            == "Error: The standard output cannot be written: No space left on device.\n"
        )


def test_an_output_that_nobody_reads_ends_the_command_quietly():
    read, write = os.pipe()
    os.close(read)
    done = start(["schema", "graph"], stdout=write)
    os.close(write)
    assert done.communicate()[1] == b""
    assert done.returncode == 128 + signal.SIGPIPE


@pytest.mark.parametrize("closed", ["2>&-", "<&- >&- 2>&-"])
def test_closed_standard_streams_are_no_matter(tmp_path, closed):
    out = tmp_path / "s.csv"
    shell = ["sh", "-c", f'exec "$@" {closed}', "sh", sys.executable, "-c", MAIN]
    arguments = ["simulate", "--graph", "runner_core", "--n", "3", "--out", str(out)]
    done = subprocess.run([*shell, *arguments], capture_output=True, check=False)
    assert b"Traceback" not in done.stderr
    assert done.returncode == 0
    assert len(out.read_text().splitlines()) == 4
    assert (b"3 synthetic people" in done.stdout) == (closed == "2>&-")


def test_an_error_that_cannot_be_told_keeps_its_exit_code():
    if os.path.exists("/dev/full"):
        with open("/dev/full", "w") as full:
            command = [sys.executable, "-c", MAIN, "risk", "none.nc", "--person", "p.json"]
            assert subprocess.run(command, stderr=full, check=False).returncode == 2


STOPPED = """
import os, sys, time
from pathlib import Path
from backrisk.survey import readers
def slow(*_):
    Path(os.environ["TMPDIR"], "begun").touch()
    time.sleep(60)
readers.stage = slow
from backrisk.cli import main
main()
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_leaves_no_rows_and_no_traceback(tmp_path, number):
    if signal.getsignal(number) is signal.SIG_IGN:
        pytest.skip(
            f"{number.name} is ignored where these tests were started, so by all they start"
        )
    survey = tmp_path / "s.csv"
    survey.write_text("fatigue\nhigh\n")
    folder = tmp_path / "temporary"
    folder.mkdir()
    environment = {**os.environ, "TMPDIR": str(folder)}
    arguments = ["validate", survey, "--graph", "runner_core"]
    running = start(arguments, STOPPED, env=environment, stdout=subprocess.PIPE)
    while not (folder / "begun").exists():
        assert running.poll() is None
        time.sleep(0.02)
    (rows,) = folder.glob("backrisk-*")
    assert rows.stat().st_mode & 0o777 == 0o700
    running.send_signal(number)
    assert running.communicate() == (b"", b"")
    assert running.returncode == 128 + number
    assert [path.name for path in folder.iterdir()] == ["begun"]


def interrupted_query():
    """End as DuckDB does when a signal comes."""
    with stoppable():
        try:
            signal.raise_signal(signal.SIGTERM)
        except SystemExit:
            raise RuntimeError("Query interrupted") from None


def interrupted_callback():
    """End as llvmlite does: an exception would be lost where the signal comes."""

    def _raw_object_cache_notify():
        signal.raise_signal(signal.SIGTERM)
        return "went on"

    with stoppable():
        assert _raw_object_cache_notify() == "went on"
        time.sleep(60)


@pytest.mark.parametrize("work", [interrupted_query, interrupted_callback])
def test_a_signal_that_a_library_swallows_is_still_a_stop(work, monkeypatch):
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)  # put back afterwards
    with pytest.raises(Stopped) as stopped:
        work()
    assert stopped.value.code == 128 + signal.SIGTERM


@pytest.mark.skipif(sys.platform == "darwin", reason="names of files are text there")
def test_a_file_whose_name_is_no_text_is_told_of(tmp_path):
    out = os.fsencode(tmp_path) + b"/p\xe9.csv"
    command = [sys.executable, "-c", MAIN, "simulate", "--graph", "runner_core", "--n", "3"]
    env = {**os.environ, "PYTHONIOENCODING": "utf-8:strict"}  # as where the locale is UTF-8
    done = subprocess.run([*command, "--out", out], capture_output=True, check=False, env=env)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"p\\udce9.csv" in b"".join(done.stdout.split())
    assert os.path.exists(out)


INTERRUPTED = """
import os, signal, sys
class At:
    def find_spec(self, name, *_):
        if name == sys.argv[1]:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, At())
signal.signal(signal.SIGINT, signal.default_int_handler)
"""


@pytest.mark.parametrize("module", ["typer", "backrisk.words.sentences", "backrisk.cli.stopping"])
def test_an_interruption_while_modules_are_imported_is_quiet(module):
    done = start([module], INTERRUPTED + MAIN)
    assert done.communicate()[1] == b""
    assert done.returncode == -signal.SIGINT
