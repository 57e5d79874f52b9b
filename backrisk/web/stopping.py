"""How a question is stopped: its asker has gone, or it has taken longer than it may."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Stopped(Exception):
    """A question that is not answered."""


class Gone(Stopped):
    """Nobody waits for the answer any more."""


class OutOfTime(Stopped):
    """The answer took longer than it may.

    Parameters
    ----------
    nodes : tuple of str
        Over which a table was being formed.
    """

    def __init__(self, nodes: tuple[str, ...]) -> None:
        super().__init__(nodes)
        self.nodes = nodes


class Stop:
    """Whether a question is to go on.

    Parameters
    ----------
    seconds : float
        That it may compute.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._given_up = threading.Event()
        self._until = float("inf")
        self._listeners: list[Callable[[], None]] = []
        self._lock = threading.Lock()

    def begin(self) -> None:
        """Count the time from now on."""
        self._until = time.monotonic() + self.seconds

    def give_up(self) -> None:
        """Stop the question at its next step."""
        with self._lock:
            self._given_up.set()
            listeners, self._listeners = self._listeners, []
        for tell in listeners:
            tell()

    @contextmanager
    def heard_by(self, tell: Callable[[], None]) -> Iterator[None]:
        """Call a function when the question is given up meanwhile, or has been already."""
        with self._lock:
            late = self._given_up.is_set()
            if not late:
                self._listeners.append(tell)
        if late:
            tell()
        try:
            yield
        finally:
            with self._lock:
                if tell in self._listeners:
                    self._listeners.remove(tell)

    def look(self, nodes: tuple[str, ...]) -> None:
        """End the question where it is not to go on; see `backrisk.inference.watched`.

        Raises
        ------
        Gone
        OutOfTime
        """
        if self._given_up.is_set():
            raise Gone
        if time.monotonic() > self._until:
            raise OutOfTime(nodes)
