"""Stopped from outside, or left without a standard output: no traceback, and nothing left behind.

A signal becomes an exception in the main thread, so that every block that is open ends as it ends
after any error. A standard output that is full is one sentence; one that nobody reads any more ends
the command quietly.
"""

from __future__ import annotations

import atexit
import errno
import io
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn, TextIO

from backrisk.errors import BackriskError
from backrisk.words import say

_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")
_CALLBACK = "_raw_object_cache"  # of llvmlite, through ctypes
_AGAIN = 0.05  # seconds until a signal that came there is sent anew
_CLOSED = 128 + 13  # the exit code of a program that writes where nobody reads: SIGPIPE


class Stopped(SystemExit):
    """A signal asked the process to end; no library takes it for an error to go on from.

    Parameters
    ----------
    number : int
        Of the signal.
    """

    def __init__(self, number: int) -> None:
        self.status = 128 + number
        super().__init__(self.status)


@contextmanager
def stoppable() -> Iterator[None]:
    """Raise `Stopped` where a signal asks to end, until the block ends.

    What a library makes of it, such as DuckDB of an interrupted query, becomes `Stopped` again.
    """
    asked: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        if _in_callback(frame):
            again = threading.Timer(_AGAIN, os.kill, (os.getpid(), number))
            again.daemon = True
            again.start()
            return
        asked.append(number)
        # What was interrupted half made cannot be taken apart well, and that is nobody's news.
        sys.unraisablehook = lambda _: None
        raise Stopped(number)

    known = [getattr(signal, name) for name in _SIGNALS if hasattr(signal, name)]
    before = {}
    for number in known:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup asks
            before[number] = signal.signal(number, stop)
    try:
        yield
    except Exception:
        if asked:
            raise Stopped(asked[-1]) from None
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def leave(status: int) -> NoReturn:
    """End the process after a signal: what was registered for its end is done, and nothing else.

    The interpreter is not taken down piece by piece: a native library that was interrupted half
    way may not survive that, and would turn the exit code into that of its own abort.

    Parameters
    ----------
    status : int
        The exit code.
    """
    atexit._run_exitfuncs()
    os._exit(status)


def _in_callback(frame: FrameType | None) -> bool:
    """Whether the code that was interrupted is called by a compiler, which loses exceptions."""
    while frame is not None:
        if frame.f_code.co_name.startswith(_CALLBACK):
            return True
        frame = frame.f_back
    return False


@contextmanager
def errors_held() -> Iterator[None]:
    """Hold the standard error so that nothing breaks where it cannot be written."""
    _fill_gaps()
    before = sys.stderr
    sys.stderr = _held(before, told=False)
    try:
        yield
    finally:
        sys.stderr.flush()
        sys.stderr = before


@contextmanager
def output_held() -> Iterator[None]:
    """Hold the standard output so that what it cannot take is one sentence, or a quiet end.

    Raises
    ------
    BackriskError
        If it is full.
    SystemExit
        If nobody reads it.
    """
    before = sys.stdout
    sys.stdout = _held(before, told=True)
    try:
        yield
    finally:
        try:
            sys.stdout.flush()
        finally:
            sys.stdout = before


def _fill_gaps() -> None:
    """Open the null device where a standard stream is closed, lest a file gets its number."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free: this one


def _held(stream: TextIO | None, *, told: bool) -> TextIO:
    """Return a stream like one given, which fails in our own way, or not at all."""
    if stream is None:
        return open(os.devnull, "w", encoding="utf-8")  # for as long as the process
    try:
        raw = _Standard(stream.fileno(), told=told)
    except (OSError, ValueError):  # no file: replaced by whoever calls
        return stream
    stream.flush()
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=stream.encoding,
        # A path may be any bytes, and a message about it must not fail.
        errors="backslashreplace" if stream.errors == "strict" else stream.errors,
        line_buffering=raw.isatty() or not told,
    )


class _Standard(io.RawIOBase):
    """An open standard stream; after it has failed, what is written is thrown away."""

    def __init__(self, number: int, *, told: bool) -> None:
        self.number, self.told, self.failed = number, told, False

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self.number

    def isatty(self) -> bool:
        return os.isatty(self.number)

    def write(self, data: object) -> int:
        piece = memoryview(data).cast("B")  # type: ignore[arg-type]  # a buffer
        if self.failed:
            return len(piece)
        try:
            return os.write(self.number, piece)
        except OSError as error:
            self.failed = True
            if not self.told:
                return len(piece)
            if error.errno == errno.EPIPE:
                raise SystemExit(_CLOSED) from error
            why = error.strerror or error
            raise BackriskError(say("cli.standard", why=why)) from error
