"""Files that are written whole or not at all, and private folders that leave nothing behind.

What is not finished lies in a folder that only this user can enter, under a name of its own, and
that is locked for as long as its process lives. So nobody can put a link in its way, and whoever
comes next to the same place can tell, and remove, what a process left that was killed.
"""

from __future__ import annotations

import errno
import io
import os
import re
import shutil
import stat
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from glob import glob, has_magic
from pathlib import Path
from secrets import token_hex
from tempfile import gettempdir
from typing import BinaryIO, cast

from backrisk._earlier import sweep_earlier
from backrisk.errors import BackriskError
from backrisk.words import say, spoken

if sys.platform != "win32":
    import fcntl

BESIDE, _TEMPORARY = ".backrisk-", "backrisk-"  # what private folders are called, and a token
_TOKEN = 8  # bytes
_STANDARD = {"/dev/stdout": 1, "/dev/stderr": 2}
_DESCRIPTOR = re.compile(r"/(?:dev|proc/self)/fd/([0-9]+)")
_BUFFER = 1 << 20
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)
# What a folder answers that cannot be synced at all.
_UNKNOWN = (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS, errno.EBADF)


def demand_file(path: Path, error: type[BackriskError]) -> None:
    """Refuse a path that is no file: a folder, a pipe, a name that is too long, nothing.

    Raises
    ------
    BackriskError
        Of the kind that is given.
    """
    try:
        there = path.is_file()
    except (OSError, ValueError) as failed:
        why = getattr(failed, "strerror", None) or str(failed)
        raise error(say("files.not_readable", path=path, why=why)) from failed
    if not there:
        raise error(no_file(path))


def no_file(path: str | Path) -> str:
    """Say why a path is no file that can be read, knowing that it is none."""
    there = "files.is_folder" if Path(path).is_dir() else "files.not_plain"
    return say(there if Path(path).exists() else "files.no_file", path=path)


@dataclass(frozen=True)
class _Place:
    """Where a file goes: the path with its links followed, and what stands there.

    A pipe, a terminal or the standard output is written to as it is, and nothing is renamed.
    """

    path: Path
    before: os.stat_result | None
    stream: bool


def demand_place(
    path: str | Path, error: type[BackriskError] = BackriskError, inputs: Iterable[object] = ()
) -> None:
    """Refuse a place where no file can be written, or that is read from, before any work is done.

    Parameters
    ----------
    path : str or Path
    error : type of BackriskError
        What to raise.
    inputs : iterable
        Files that are read: paths, ``file::table``, folders with all that is in them, patterns.
        Links are followed, hard ones too. What is no path (a frame, None) is passed over.

    Raises
    ------
    BackriskError
        Of the kind `error`, in one sentence.
    """
    place = _place(Path(path), error, inputs)
    if not place.stream:
        with told_of(path, error), private(place.path.parent, BESIDE):
            pass  # whatever keeps a file from being made keeps a folder


def demand_space(folder: str | Path, size: int, error: type[BackriskError] = BackriskError) -> None:
    """Refuse a folder, which need not exist yet, whose disk has too little room.

    Parameters
    ----------
    folder : str or Path
        What is in it already counts as done.
    size : int
        Bytes that are needed.
    error : type of BackriskError
        What to raise.

    Raises
    ------
    BackriskError
        Of the kind `error`, in one sentence.
    """
    with told_of(folder, error):
        place = Path(os.path.abspath(folder))
        if place.is_dir():
            size -= sum(each.stat().st_size for each in place.iterdir())
        there = next(each for each in (place, *place.parents) if each.is_dir())
        free = shutil.disk_usage(there).free
    if free < size:
        told = {"folder": there, "size": _megabytes(size), "free": _megabytes(free)}
        raise error(say("files.no_space", **told))


def make_folder(folder: Path, error: type[BackriskError] = BackriskError) -> None:
    """Make a folder and those above it, where it is not there.

    Parameters
    ----------
    folder : Path
    error : type
        What is raised.

    Raises
    ------
    BackriskError
        Of that type, if it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as failure:
        raise error(say("files.no_new_folder", path=folder, why=_why(failure))) from failure


def is_stream(path: str | Path) -> bool:
    """Whether a path is a pipe, a terminal or an open file: nothing can stand beside it."""
    return _place(Path(path), BackriskError, ()).stream


def is_standard(path: str | Path | None) -> bool:
    """Whether a path names the standard output, so that nothing else should be said there."""
    return path is not None and _descriptor(Path(path)) == 1


@contextmanager
def output(
    path: str | Path, error: type[BackriskError] = BackriskError, inputs: Iterable[object] = ()
) -> Iterator[BinaryIO]:
    """Yield a new empty file, open to be written; it takes its place at the path if all goes well.

    Whatever else happens, what stood at the path stays and nothing lies beside it. It is on the
    disk before it takes its place.

    Parameters
    ----------
    path : str or Path
        In a folder that exists. A link is followed: what it points to is replaced. A pipe, a
        terminal, or ``/dev/stdout`` gets the whole at the end.
    error : type of BackriskError
        What to raise.
    inputs : iterable
        As for `demand_place`.

    Yields
    ------
    binary file
        In the end it has the permissions, and as
        far as possible the owner, of the file that it replaces, else those of any new file.

    Raises
    ------
    BackriskError
        Of the kind `error`, in one sentence, if the file cannot be created, written or renamed.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     with output(f"{folder}/a.txt") as file:
    ...         _ = file.write(b"whole")
    ...     [each.name for each in Path(folder).iterdir()]
    ['a.txt']
    """
    place = _place(Path(path), error, inputs)
    parent, prefix = place.path.parent, BESIDE
    with told_of(path, error):
        if place.stream:
            parent, prefix = Path(gettempdir()), _TEMPORARY
        with private(parent, prefix) as folder:
            part = folder / "part"
            descriptor = os.open(part, _flags("O_RDWR", "O_CREAT", "O_EXCL", "O_NOFOLLOW"), 0o666)
            raw = _Raw(descriptor, part)
            with _closed(raw) as file:
                yield file
                file.flush()
                if place.stream:
                    _pour(part, place.path)
                    return
                if place.before is not None:
                    _take_over(descriptor, place.before)
                os.fsync(descriptor)
            os.replace(part, place.path)
            sync(place.path.parent)


def write(
    path: str | Path,
    content: str | bytes | memoryview,
    error: type[BackriskError] = BackriskError,
    inputs: Iterable[object] = (),
) -> Path:
    """Write a whole file, text as UTF-8; see `output`."""
    with output(path, error, inputs) as file:
        file.write(content.encode() if isinstance(content, str) else content)
    return Path(path)


@contextmanager
def scratch(error: type[BackriskError] = BackriskError) -> Iterator[Path]:
    """Yield a private folder for as long as the block lasts, in the system's folder for such.

    Rows of people may lie there: only this user can enter it, and it goes whatever happens. What a
    process left that was killed goes when the next one starts.

    Raises
    ------
    BackriskError
        Of the kind `error`, if it cannot be made, or there is no room in it.
    """
    parent, made = Path(os.environ.get("TMPDIR", os.curdir)), False
    try:
        parent = Path(gettempdir())
        str(parent).encode()  # as the engines are told of it
        with private(parent, _TEMPORARY) as folder:
            made = True
            yield folder
    except OSError as failure:
        if made and failure.errno not in _FULL:
            raise
        raise error(say("files.no_scratch", path=parent, why=_why(failure))) from failure
    except UnicodeEncodeError as failure:
        if made:
            raise
        raise error(say("files.no_scratch", path=parent, why=say("files.not_text"))) from failure


def sweep() -> None:
    """Remove what processes that are gone left in the system's folder for temporary files."""
    with suppress(OSError):
        _sweep(Path(gettempdir()), _TEMPORARY)
        sweep_earlier(Path(gettempdir()))


@contextmanager
def told_of(path: str | Path, error: type[BackriskError]) -> Iterator[None]:
    """Turn what the system refuses into one sentence that names the path."""
    try:
        yield
    except OSError as failure:
        raise error(say("files.not_written", path=path, why=_why(failure))) from failure
    except OverflowError as failure:  # the number of an open file that none can have
        raise error(say("files.not_written", path=path, why=os.strerror(errno.EBADF))) from failure


def _why(failure: OSError) -> str:
    return str(failure.strerror or failure)


def _place(path: Path, error: type[BackriskError], inputs: Iterable[object]) -> _Place:
    if "\0" in str(path):
        raise error(say("files.no_name", path=repr(str(path))))
    with told_of(path, error):
        if (number := _descriptor(path)) is not None:
            opened = os.fstat(number)
            if stat.S_ISREG(opened.st_mode):
                _refuse_input(path, opened, error, inputs)
            return _Place(path, None, stream=True)
        if path.is_dir():
            raise error(say("files.is_place", path=path))
        real = Path(os.path.realpath(path))  # a link stays a link
        if not real.parent.is_dir():
            raise error(say("files.no_folder", path=path, folder=path.parent))
        try:
            before = os.stat(real)
        except FileNotFoundError:
            return _Place(real, None, stream=False)
        if stat.S_ISFIFO(before.st_mode) or stat.S_ISCHR(before.st_mode):
            return _Place(real, None, stream=True)
        if not stat.S_ISREG(before.st_mode):
            raise OSError(errno.EINVAL, say("files.no_plain_file"))
        if not os.access(real, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        _refuse_input(path, before, error, inputs)
        return _Place(real, before, stream=False)


def _refuse_input(
    path: Path, found: os.stat_result, error: type[BackriskError], inputs: Iterable[object]
) -> None:
    """Refuse a file that is read from: one of the inputs, or of what is said in any command."""
    if any(os.path.samestat(found, each) for each in _stats((*inputs, *_sentences()))):
        raise error(say("files.is_input", path=path))


def _sentences() -> Iterator[object]:
    """Yield the files of the language that is spoken now."""
    with suppress(OSError):
        yield from (each for each in spoken().folder.iterdir() if each.name.endswith(".yaml"))


def _descriptor(path: Path) -> int | None:
    """Return the number of the open file that a path of the system's names."""
    found = _DESCRIPTOR.fullmatch(str(path))
    return int(found[1]) if found else _STANDARD.get(str(path))


def _stats(inputs: Iterable[object]) -> Iterator[os.stat_result]:
    """Yield what the system knows of every file among the inputs, links followed."""
    for each in inputs:
        if not isinstance(each, str | os.PathLike):
            continue
        name = os.fspath(each)
        found = [name]
        if not os.path.exists(name):
            found = [name.partition("::")[0]]
            if has_magic(name):
                found += glob(name, recursive=True)
        for path in found:
            if os.path.isdir(path):
                below = os.walk(path, followlinks=False)
                inside = [os.path.join(at, file) for at, _, files in below for file in files]
            else:
                inside = [path]
            for file in inside:
                with suppress(OSError, ValueError):  # the reader says what is wrong with it
                    yield os.stat(file)


class _Raw(io.RawIOBase):
    """An open file whose every call goes through `os`, where tests let it fail."""

    def __init__(self, descriptor: int, path: Path) -> None:
        self.descriptor, self.name = descriptor, str(path)
        self.given_up = False  # what is still in a buffer is thrown away

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self.descriptor

    def write(self, data: object) -> int:
        piece = memoryview(data).cast("B")  # type: ignore[arg-type]  # a buffer
        if self.given_up or not piece:
            return len(piece)
        done = os.write(self.descriptor, piece)
        if not done:  # a caller would try again for ever
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return done

    def seek(self, to: int, whence: int = os.SEEK_SET) -> int:
        return os.lseek(self.descriptor, to, whence)

    def close(self) -> None:
        if not self.closed:
            super().close()
            os.close(self.descriptor)


@contextmanager
def _closed(raw: _Raw) -> Iterator[BinaryIO]:
    """Yield a buffer before a file; close both, and do not write what is left after an error."""
    file = io.BufferedWriter(raw, _BUFFER)
    try:
        yield cast("BinaryIO", file)
    except BaseException:
        raw.given_up = True
        raise
    finally:
        file.close()


def _flags(*names: str) -> int:
    """Return flags of the system; those that it does not know are left out."""
    flags = 0
    for name in (*names, "O_BINARY"):
        flags |= getattr(os, name, 0)
    return flags


def _take_over(descriptor: int, before: os.stat_result) -> None:
    """Give a new file the owner, where that is allowed, and the permissions of the old one."""
    if sys.platform == "win32":
        return
    now = os.fstat(descriptor)
    if (now.st_uid, now.st_gid) != (before.st_uid, before.st_gid):
        with suppress(PermissionError):
            os.fchown(descriptor, before.st_uid, before.st_gid)
    os.fchmod(descriptor, stat.S_IMODE(before.st_mode))


def _pour(part: Path, place: Path) -> None:
    """Write a finished file into a pipe, a terminal, or an open file of this process."""
    number = _descriptor(place)
    if number in (1, 2):
        (sys.stdout if number == 1 else sys.stderr).flush()
    out = os.open(place, _flags("O_WRONLY")) if number is None else os.dup(number)
    try:
        with part.open("rb") as file:
            while piece := file.read(_BUFFER):
                while piece:
                    piece = piece[os.write(out, piece) :]
    finally:
        os.close(out)


def sync(folder: Path) -> None:
    """Put the names of a folder on the disk."""
    if sys.platform == "win32":
        return
    try:
        descriptor = os.open(folder, _flags("O_RDONLY", "O_DIRECTORY"))
    except PermissionError:  # a folder that may be written to and not read
        return
    try:
        os.fsync(descriptor)
    except OSError as failure:
        if failure.errno not in _UNKNOWN:
            raise
    finally:
        os.close(descriptor)


@contextmanager
def private(parent: Path, prefix: str) -> Iterator[Path]:
    """Yield a new folder that is this process's alone, and remove it with all that is in it."""
    _sweep(parent, prefix)
    folder, lock = _claimed(parent, prefix)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if lock is not None:
            os.close(lock)


def _claimed(parent: Path, prefix: str) -> tuple[Path, int | None]:
    """Make a folder under a name of its own, and lock it."""
    while True:
        folder = parent / f"{prefix}{token_hex(_TOKEN)}"
        os.mkdir(folder, 0o700)
        lock = None
        try:
            lock = _lock(folder)
            if lock is None or os.path.samestat(os.fstat(lock), os.stat(folder)):
                return folder, lock
        except FileNotFoundError:
            pass  # somebody who cleaned up met it before it was locked
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        if lock is not None:
            os.close(lock)


def _lock(folder: Path, *, wait: bool = True) -> int | None:
    """Return the descriptor that locks a folder; None where it cannot be had."""
    if sys.platform == "win32":
        return None
    descriptor = os.open(folder, _flags("O_RDONLY", "O_DIRECTORY", "O_NOFOLLOW"))
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:  # another has it, or the file system has no locks
        os.close(descriptor)
        return None
    return descriptor


def _sweep(parent: Path, prefix: str) -> None:
    """Remove private folders whose process is gone: those of this user that are not locked."""
    if sys.platform == "win32":
        return
    pattern = re.compile(rf"{re.escape(prefix)}[0-9a-f]{{{2 * _TOKEN}}}")
    left: list[Path] = []
    with suppress(OSError), os.scandir(parent) as entries:
        left += [Path(each.path) for each in entries if pattern.fullmatch(each.name)]
    for folder in left:
        with suppress(OSError):
            if os.lstat(folder).st_uid == os.geteuid() and (
                (lock := _lock(folder, wait=False)) is not None
            ):
                shutil.rmtree(folder, ignore_errors=True)
                os.close(lock)


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f}"
