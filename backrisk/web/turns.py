"""Whose question is next: a few are computed at once, the rest wait, and clients take turns."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from backrisk.web.stopping import Gone, Stop


class Full(Exception):
    """More questions wait than may, or one has waited longer than it may."""


@dataclass(frozen=True, eq=False)
class _Place:
    """A question's place in the queue."""

    client: str
    called: asyncio.Future[None]


class Lane:
    """A queue with several places at its head.

    The clients that wait are asked in turn, so that one with many questions waits for its own and
    not everybody for them. With more than two places, one client never holds them all.

    Parameters
    ----------
    width : int
        How many questions are computed at once.
    waiting, each : int
        How many may wait, in all and of one client.
    patience : float
        Seconds that one waits.
    """

    def __init__(self, width: int, waiting: int, each: int, patience: float) -> None:
        self._width, self._waiting, self._each, self._patience = width, waiting, each, patience
        self._share = width - 1 if width > 2 else width
        self._running: Counter[str] = Counter()
        self._queues: OrderedDict[str, deque[_Place]] = OrderedDict()  # who is next comes first
        self._lock = threading.Lock()  # an application may be served from several threads

    @asynccontextmanager
    async def turn(self, client: str, stop: Stop) -> AsyncIterator[None]:
        """Wait for a turn and hold it.

        Parameters
        ----------
        client : str
        stop : Stop
            A question that is given up leaves the queue.

        Raises
        ------
        Full
        Gone
        """
        place = self._join(client)

        def give_up() -> None:
            if not place.called.done():
                place.called.set_exception(Gone())

        try:
            with stop.heard_by(give_up):
                async with asyncio.timeout(self._patience):
                    await place.called
            yield
        except TimeoutError:
            raise Full from None
        finally:
            self._leave(place)

    def _join(self, client: str) -> _Place:
        place = _Place(client, asyncio.get_running_loop().create_future())
        with self._lock:
            queue = self._queues.get(client, ())
            waiting = sum(map(len, self._queues.values()))
            if not queue and self._free(client):
                self._running[client] += 1
                place.called.set_result(None)
            elif waiting >= self._waiting or len(queue) >= self._each:
                raise Full
            else:
                self._queues.setdefault(client, deque()).append(place)
        return place

    def _leave(self, place: _Place) -> None:
        """Give a turn, or a place in the queue, back."""
        with self._lock:
            queue = self._queues.get(place.client, deque())
            if place in queue:
                queue.remove(place)
                if not queue:
                    del self._queues[place.client]
                return
            self._running[place.client] -= 1
            self._running += Counter()  # forget who has none
            while client := next((c for c in self._queues if self._free(c)), None):
                self._call(client)

    def _free(self, client: str) -> bool:
        return self._running.total() < self._width and self._running[client] < self._share

    def _call(self, client: str) -> None:
        """Let a client's first question begin; its next one comes after everybody else's."""
        queue = self._queues.pop(client)
        called = queue.popleft().called
        if queue:
            self._queues[client] = queue
        self._running[client] += 1

        def call() -> None:
            if not called.done():
                called.set_result(None)

        called.get_loop().call_soon_threadsafe(call)
