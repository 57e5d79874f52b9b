"""Files are whole or not there."""

import errno
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from backrisk import _files
from backrisk._files import demand_place, no_file, output, scratch, sweep, write
from backrisk.errors import BackriskError, PosteriorError
from backrisk.words import speaking

posix = pytest.mark.skipif(os.name == "nt", reason="as POSIX has it")


def test_a_file_takes_its_place_only_when_it_is_whole(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with output(path) as file:
        file.write(b"new")
        file.flush()
        beside = Path(file.name)
        assert beside.read_text() == "new"
        assert beside.parent.parent == tmp_path  # of the same disk, so that renaming is atomic
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("failure", [OSError("disk full"), KeyboardInterrupt(), ValueError("no")])
def test_what_fails_leaves_the_old_file_and_nothing_beside(tmp_path, failure):
    path = tmp_path / "a.txt"
    path.write_text("old")
    raised = PosteriorError if isinstance(failure, OSError) else type(failure)

    def fail():
        with output(path, PosteriorError) as file:
            file.write(b"half")
            raise failure

    with pytest.raises(raised) as told:
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
    if isinstance(failure, OSError):
        assert str(told.value) == f"{path} cannot be written: disk full."
        assert told.value.__cause__ is failure


def test_the_system_s_own_words_are_told_without_its_number(tmp_path):
    said = r"a\.txt cannot be written: No space left\.$"
    with pytest.raises(BackriskError, match=said), output(tmp_path / "a.txt"):
        raise OSError(28, "No space left", "elsewhere")


def test_an_error_of_our_own_passes_unchanged(tmp_path):
    ours = PosteriorError("as it is")
    with pytest.raises(PosteriorError) as told, output(tmp_path / "a.txt"):
        raise ours
    assert told.value is ours


def test_two_writers_do_not_meet(tmp_path):
    path = tmp_path / "a.txt"
    with output(path) as one, output(path) as two:
        assert one.name != two.name
        one.write(b"one")
        two.write(b"two")
    assert path.read_text() == "one"  # the outer one ends last


def test_a_folder_is_no_place_for_a_file(tmp_path):
    for path, said in (
        (tmp_path, "cannot be written: it is a folder"),
        (tmp_path / "none" / "a.txt", r"cannot be written: there is no folder '.*none'"),
    ):
        with pytest.raises(PosteriorError, match=said), output(path, PosteriorError):
            pytest.fail("nothing should be written")


@posix
def test_a_new_file_has_the_permissions_that_new_files_get(tmp_path):
    (tmp_path / "plain").touch()
    with output(tmp_path / "ours"):
        pass
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path):
    assert no_file(tmp_path) == f"{tmp_path} is a folder, expected a file."
    assert no_file(tmp_path / "x") == f"{tmp_path / 'x'}: there is no such file."


@posix
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o666, 0o700])
def test_a_file_keeps_the_permissions_of_the_one_it_replaces(tmp_path, mode):
    path = tmp_path / "a.txt"
    path.write_text("old")
    path.chmod(mode)
    with output(path) as file:
        inside = Path(file.name)
        assert inside.parent.stat().st_mode & 0o777 == 0o700  # nobody else comes near it
        file.write(b"new")
    assert path.stat().st_mode & 0o777 == mode
    assert path.read_text() == "new"


@posix
def test_a_link_stays_a_link_and_what_it_points_to_is_replaced(tmp_path):
    real, link = tmp_path / "folder" / "real.txt", tmp_path / "link.txt"
    real.parent.mkdir()
    link.symlink_to(real)
    write(link, "first")  # it may point nowhere yet
    write(link, "second")
    assert link.is_symlink()
    assert real.read_text() == "second"
    assert [each.name for each in real.parent.iterdir()] == ["real.txt"]


@posix
def test_a_file_that_may_not_be_written_to_is_not_replaced(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    path.write_text("old")
    # Root may write to anything: the system is asked, and says no.
    monkeypatch.setattr(_files.os, "access", lambda *_, **__: False)
    with pytest.raises(BackriskError, match=r"a\.txt cannot be written: Permission denied\.$"):
        write(path, "new")
    assert path.read_text() == "old"


WAYS = ["itself", "dotted", "symbolic", "hard", "chosen", "folder", "pattern"]


@posix
@pytest.mark.parametrize("way", WAYS)
def test_a_file_that_is_read_from_is_not_written_to(tmp_path, monkeypatch, way):
    monkeypatch.chdir(tmp_path)
    kept = tmp_path / "in" / "rows.csv"
    kept.parent.mkdir()
    kept.write_text("rows")
    out, read = kept, str(kept)
    if way == "dotted":
        out = Path("in/../in/rows.csv")
    elif way in ("symbolic", "hard"):
        out = tmp_path / "other.csv"
        out.symlink_to(kept) if way == "symbolic" else out.hardlink_to(kept)
    elif way == "chosen":
        read = f"{kept}::table"
    elif way == "folder":
        read = str(tmp_path)
    elif way == "pattern":
        read = "in/*.csv"
    for write_to in (
        lambda: demand_place(out, inputs=[None, read]),
        lambda: write(out, "", inputs=[read]),
    ):
        with pytest.raises(BackriskError, match="is read from; write to another file"):
            write_to()
    assert kept.read_text() == "rows"
    write(tmp_path / "new.csv", "new", inputs=[read])
    assert len(list(kept.parent.iterdir())) == 1


@posix
def test_a_pipe_gets_the_whole_and_stays_a_pipe(tmp_path):
    pipe, got = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    with output(pipe) as file:
        file.write(b"whole" * 100_000)
    reader.join()
    assert got == [b"whole" * 100_000]
    assert pipe.is_fifo()


@posix
def test_a_device_is_written_to_and_never_replaced():
    before = os.stat("/dev/null")
    write("/dev/null", "gone")
    assert os.path.samestat(before, os.stat("/dev/null"))
    if os.path.exists("/dev/full"):
        with pytest.raises(BackriskError, match="/dev/full cannot be written: No space left"):
            write("/dev/full", "more than fits")


@posix
@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("n" * 300, "File name too long"),
        ("a\0b", "is no name of a file"),
        ("loop", "Too many levels of symbolic links"),
        ("file/a.txt", "there is no folder"),
    ],
)
def test_a_name_that_cannot_be_is_one_sentence(tmp_path, name, why):
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "file").touch()
    with pytest.raises(BackriskError, match=why) as told:
        write(tmp_path / name, "")
    assert str(told.value).count(". ") == 0
    assert len(list(tmp_path.iterdir())) == 2


@posix
def test_the_longest_name_that_can_be_is_output(tmp_path):
    write(tmp_path / ("n" * os.pathconf(tmp_path, "PC_NAME_MAX")), "whole")
    assert [len(each.name) for each in tmp_path.iterdir()] == [os.pathconf(tmp_path, "PC_NAME_MAX")]


def test_a_scratch_folder_is_private_and_goes_whatever_happens(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    for failure in (ValueError, KeyboardInterrupt, SystemExit):
        with pytest.raises(failure):
            _write_and_fail(failure, tmp_path)
        assert list(tmp_path.iterdir()) == []
    with scratch() as folder:
        (folder / "rows.csv").write_text("rows")
    assert list(tmp_path.iterdir()) == []


def _write_and_fail(failure, parent):
    with scratch() as folder:
        assert folder.parent == parent
        assert re.fullmatch("backrisk-[0-9a-f]{16}", folder.name)
        assert os.name == "nt" or folder.stat().st_mode & 0o777 == 0o700
        (folder / "rows.csv").write_text("rows")
        raise failure


def test_no_room_for_temporary_files_is_one_sentence_and_other_errors_pass(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    told = r"temporary files, .*: No space left\. Another"
    with pytest.raises(PosteriorError, match=told), scratch(PosteriorError):
        raise OSError(errno.ENOSPC, "No space left")
    with pytest.raises(FileNotFoundError), scratch(PosteriorError):
        raise FileNotFoundError("another file")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "none"))
    told = r"temporary files, .*none, cannot be written: No such"
    with pytest.raises(PosteriorError, match=told), scratch(PosteriorError):
        pytest.fail("nowhere")


KILLED = """
import os, signal, sys, tempfile
from backrisk import _files
tempfile.tempdir = sys.argv[1]
with _files.scratch() as folder, _files.output(sys.argv[1] + "/out.csv") as file:
    (folder / "rows.csv").write_text("rows")
    file.write(b"rows")
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


@posix
def test_what_a_killed_process_left_goes_at_the_next_start_and_nothing_else(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    for name in ("backrisk-mine", "backrisk-0123456789abcdeg", "other-0123456789abcdef"):
        (tmp_path / name).mkdir()
    (tmp_path / "backrisk-0123456789abcdef").write_text("a file")
    stays = sorted(tmp_path.iterdir())
    run = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False)
    assert run.returncode == -9
    assert len(list(tmp_path.rglob("*"))) > len(stays)
    with scratch() as alive:  # of a process that lives
        sweep()
        write(tmp_path / "out.csv", "whole")
        assert sorted(tmp_path.iterdir()) == sorted([*stays, alive, tmp_path / "out.csv"])


@posix
def test_what_earlier_versions_left_a_day_ago_goes_and_only_that(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def left(name, files=(), mode=0o700, days=2):
        folder = tmp_path / name
        folder.mkdir(mode=mode)
        for file in files:
            (folder / file).write_text("rows")
        for each in (*folder.iterdir(), folder):
            os.utime(each, times=(time.time() - days * 86400,) * 2)
        return folder

    left("backrisk-0ugd5t4l", ["rows.parquet", "answers.parquet"])
    left("backrisk-0ugd5t4m")
    stays = [
        left("backrisk-0ugd5t4n", ["rows.parquet"], days=0.5),
        left("backrisk-0ugd5t4o", ["rows.parquet", "thesis.txt"]),
        left("backrisk-0ugd5t4p", ["rows.parquet"], mode=0o755),
        left("backrisk-installs-1", ["rows.parquet"]),
        left("other-0ugd5t4l", ["rows.parquet"]),
    ]
    many = left("backrisk-0ugd5t4s", ["utf8.csv"])
    (many / "file0").mkdir()
    (many / "file0" / "utf8.csv").write_text("rows")
    stays.append(left("backrisk-0ugd5t4t", ["rows.parquet"]))
    (stays[-1] / "file0").write_text("somebody's")
    for each in (many / "file0" / "utf8.csv", many / "file0", many, stays[-1]):
        os.utime(each, times=(0, 0))
    new = left("backrisk-0ugd5t4q", ["rows.parquet"])
    os.utime(new / "rows.parquet")  # somebody still writes to it
    (tmp_path / "backrisk-0ugd5t4r").symlink_to(stays[-1])
    sweep()
    assert sorted(tmp_path.iterdir()) == sorted([*stays, new, tmp_path / "backrisk-0ugd5t4r"])


@posix
@pytest.mark.parametrize("mode", [os.O_RDWR, os.O_WRONLY | os.O_APPEND])
def test_an_input_is_not_written_to_through_an_open_file(tmp_path, mode):
    kept, other = tmp_path / "rows.csv", tmp_path / "other.csv"
    for path in (kept, other):
        path.write_text("rows")
    number = os.open(kept, mode)
    try:
        for refused in (demand_place, lambda *a: write(a[0], "new", *a[1:])):
            with pytest.raises(BackriskError, match="is read from; write to another file"):
                refused(f"/dev/fd/{number}", BackriskError, [str(kept)])
        write(f"/dev/fd/{number}", "", BackriskError, [str(other)])
    finally:
        os.close(number)
    assert kept.read_text() == "rows"


@posix
def test_an_open_file_that_cannot_be_is_told_before_any_work():
    for number in (987_654, 99999999999999999999):
        with pytest.raises(BackriskError, match="Bad file descriptor"):
            demand_place(f"/dev/fd/{number}")


@pytest.mark.parametrize("name", ["posterior.yaml", "phrases.yaml"])
def test_the_language_that_is_spoken_is_read_from(tmp_path, name):
    for each in ("posterior.yaml", "phrases.yaml"):
        (tmp_path / each).write_text("language: mine\n", encoding="utf-8")
    (tmp_path / "report.html").write_text("old", encoding="utf-8")
    with speaking(tmp_path):
        with pytest.raises(BackriskError, match="read from; write to another file"):
            write(tmp_path / name, "new")
        write(tmp_path / "report.html", "new")
    assert (tmp_path / name).read_text(encoding="utf-8") == "language: mine\n"
