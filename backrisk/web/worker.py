"""A process that computes slow questions, one after the other, and gives way to everything else.

`Worker` is the server's side of it, `main` what runs in the process. Both speak in pickles over
its standard input and output. A question looks up between its steps, and a process that does not
look up for long is ended and made anew.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO

from backrisk.errors import BackriskError
from backrisk.inference import get_ready, watched
from backrisk.posterior import Posterior
from backrisk.web.questions import Question, answer
from backrisk.web.served import Served
from backrisk.web.stopping import Gone, OutOfTime, Stop
from backrisk.words import Language, speaking

_GRACE = 15.0  # seconds to the next step, after which a process is ended
_MAIN = "backrisk.web.aside"  # not this module, whose classes would then be there twice


class Broken(Exception):
    """A question that could not be answered, for a reason that was not foreseen."""


@dataclass(frozen=True)
class _Setup:
    """What a process is told at its start."""

    posterior: Posterior
    languages: tuple[Language, ...]
    polite: int


@dataclass(frozen=True)
class _Ask:
    """A question, in a language, and the seconds that it may take."""

    number: int
    question: Question
    language: str
    seconds: float


@dataclass(frozen=True)
class _GiveUp:
    """Stop a question."""

    number: int


class Worker:
    """A process that answers one question at a time.

    Parameters
    ----------
    posterior : Posterior
        As it is served, and nothing computed yet.
    languages : tuple of Language
        That answers may be worded in.
    polite : int
        By how much the process gives way to others.
    """

    def __init__(
        self, posterior: Posterior, languages: tuple[Language, ...], polite: int = 0
    ) -> None:
        # Now, not when it is needed: answering fills caches, which may not grow under a pickle.
        self._setup = pickle.dumps(_Setup(posterior, languages, polite))
        self._process: subprocess.Popen[bytes] | None = None
        self._ended: Callable[[], object] = lambda: None
        self._number = 0
        self._lock = threading.Lock()
        self._starting = threading.Lock()

    def start(self) -> None:
        """Start the process, unless it runs; a question that comes while it starts waits."""
        with self._starting:
            if self._process is not None and self._process.poll() is None:
                return
            self.close()
            # Modules are found where this process finds them.
            path = os.pathsep.join(place or os.getcwd() for place in sys.path)
            self._process = subprocess.Popen(
                [sys.executable, "-m", _MAIN],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={**os.environ, "PYTHONPATH": path},
            )
            self._ended = weakref.finalize(self, _end, self._process)
            self._send(self._setup)

    def ask(self, question: Question, language: str, stop: Stop) -> Any:
        """Return the answer.

        Raises
        ------
        BackriskError
            As the question raises it.
        Gone, OutOfTime
        Broken
        """
        try:
            self.start()
            assert self._process is not None
            assert self._process.stdout is not None
            self._number = number = self._number + 1
            told = _Ask(number, question, language, stop.seconds)
            timers = [threading.Timer(stop.seconds + _GRACE, self._end, [number])]

            def give_up() -> None:
                timers.append(threading.Timer(_GRACE, self._end, [number]))
                timers[-1].daemon = True
                timers[-1].start()
                with contextlib.suppress(OSError, ValueError):
                    self._tell(_GiveUp(number))

            timers[0].daemon = True
            timers[0].start()
            self._tell(told)
            try:
                with stop.heard_by(give_up):
                    kind, found = pickle.load(self._process.stdout)
            finally:
                for timer in timers:
                    timer.cancel()
        except (OSError, EOFError, pickle.UnpicklingError) as error:
            self.close()
            stop.look(())  # was it ended because it did not look up?
            raise Broken(type(error).__name__) from None
        if kind is None:
            return found
        raise kind(found)

    def close(self) -> None:
        """End the process."""
        self._process = None
        self._ended()

    def _end(self, number: int) -> None:
        """End the process if it is at a question still."""
        process = self._process
        if process is not None and number == self._number:
            process.kill()

    def _tell(self, what: Any) -> None:
        self._send(pickle.dumps(what))

    def _send(self, pickled: bytes) -> None:
        process = self._process
        if process is None or process.stdin is None:
            raise BrokenPipeError
        with self._lock:
            process.stdin.write(pickled)
            process.stdin.flush()


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        with contextlib.suppress(OSError):
            pipe.close()  # type: ignore[union-attr]


def main() -> None:
    """Answer questions until the server has gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the server ends this process
    with os.fdopen(os.dup(1), "wb") as out:
        os.dup2(2, 1)  # nothing but answers goes there
        asked = sys.stdin.buffer
        setup: _Setup = pickle.load(asked)
        if hasattr(os, "nice"):
            os.nice(setup.polite)
        waiting: queue.SimpleQueue[tuple[_Ask, Stop]] = queue.SimpleQueue()
        threading.Thread(target=_answer_all, args=(setup, waiting, out), daemon=True).start()
        current: tuple[int, Stop] | None = None
        while True:
            try:
                told = pickle.load(asked)
            except EOFError:
                os._exit(0)  # whatever is being computed
            if isinstance(told, _Ask):
                current = told.number, Stop(told.seconds)
                waiting.put((told, current[1]))
            elif current is not None and current[0] == told.number:
                current[1].give_up()


def _answer_all(
    setup: _Setup, waiting: queue.SimpleQueue[tuple[_Ask, Stop]], out: BinaryIO
) -> None:
    """Answer one question after the other: in a thread, beside which the main one listens."""
    try:
        get_ready()
        served = Served.of(setup.posterior, setup.posterior.draws)
        languages = {each.code: each for each in setup.languages}
        while True:
            told, stop = waiting.get()
            with speaking(languages[told.language]):
                pickle.dump(_answered(served, told.question, stop), out)
            out.flush()
    finally:
        os._exit(1)  # the server makes another


def _answered(served: Served, question: Question, stop: Stop) -> tuple[type[Exception] | None, Any]:
    stop.begin()
    try:
        with watched(stop.look):
            return None, answer(served, question)
    except OutOfTime as error:
        return OutOfTime, error.nodes
    except Gone:
        return Gone, None
    except BackriskError as error:
        return BackriskError, str(error)
    except Exception as error:  # its words may quote an answer
        return Broken, f"{type(error).__name__} at {place(error)}"


def place(error: BaseException) -> str:
    """Return where an error was raised, without its words."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "?" if trace is None else f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
