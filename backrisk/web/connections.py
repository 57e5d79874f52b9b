"""Connections that ask for nothing: how many may be open, and for how long.

Uvicorn bounds how long a connection that was answered stays open, but not how long a request may
take to arrive, nor how many connections there are. Where a process has no descriptor left for the
next one, nobody is answered. So the oldest connection that has not sent a whole request makes room
for a new one, of the address that holds the most.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import time
from collections import Counter
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from backrisk.web.worker import place

log = logging.getLogger("backrisk.web")

_KEPT_FREE = 200  # descriptors for files, for pipes, and for what is accepted meanwhile
_FEWEST = 16
_STUCK = 30.0  # seconds in which a client must take some of what is sent to it
_SPARED = 64  # connections closed at once where no descriptor is left
_QUIET = 60.0  # seconds between two lines about that
_NONE_LEFT = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class Connections:
    """All that are open.

    Parameters
    ----------
    most : int
        How many may be.
    seconds : float
        In which the head of a request must have arrived.
    """

    def __init__(self, most: int, seconds: float) -> None:
        self._most, self.seconds = min(most, _granted()), seconds
        self._open: dict[Connection, str] = {}  # the oldest first
        self._told = -_QUIET

    def protocol(self, **given: Any) -> Connection:
        """Make a connection; what Uvicorn calls."""
        return Connection(self, **given)

    def enter(self, connection: Connection) -> None:
        """Make room for a connection, or turn it away."""
        self._open[connection] = connection.client[0] if connection.client else ""
        if len(self._open) > self._most and not self._make_room(connection):
            connection.drop()

    def leave(self, connection: Connection) -> None:
        """Forget a connection."""
        self._open.pop(connection, None)

    def _make_room(self, newest: Connection | None = None) -> bool:
        """Close the oldest connection without a request, of the address that holds the most."""
        asking = Counter(self._open.values())
        idle = [each for each in self._open if each is not newest and each.idle]
        if not idle:
            return False
        oldest = max(idle, key=lambda each: asking[self._open[each]])
        self.leave(oldest)
        oldest.drop()
        return True

    def trouble(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Handle what went wrong in the event loop; nothing that a client sent is logged."""
        error = context.get("exception")
        if isinstance(error, OSError) and error.errno in _NONE_LEFT:
            for _ in range(_SPARED):
                if not self._make_room():
                    break
            if time.monotonic() - self._told >= _QUIET:
                self._told = time.monotonic()
                log.error("accept: %s", errno.errorcode[error.errno])
        elif error is not None:
            log.error("%s at %s", type(error).__name__, place(error))


def _granted() -> int:
    """Return for how many connections this process may have descriptors."""
    try:
        import resource
    except ImportError:  # Windows
        return 400
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return 2**31
    return max(int(soft) - _KEPT_FREE, _FEWEST)


class Connection(H11Protocol):
    """A connection that must ask for something.

    Parameters
    ----------
    among : Connections
    **given
        As Uvicorn gives it.
    """

    def __init__(self, among: Connections, **given: Any) -> None:
        super().__init__(**given)
        self._among = among
        self._timer: asyncio.TimerHandle | None = None
        self._left = 0

    @property
    def idle(self) -> bool:
        """Whether no whole request has arrived that is not answered."""
        return self.cycle is None or self.cycle.response_complete or self.cycle.more_body

    def drop(self) -> None:
        """Close the connection, whatever is still to be sent or to come."""
        self._disarm()
        self.transport.abort()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._among.enter(self)
        self._arm(self._among.seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._disarm()
        self._among.leave(self)
        super().connection_lost(exc)

    def handle_events(self) -> None:
        """Read what has arrived; a request is no longer waited for."""
        before = self.cycle
        super().handle_events()
        if self.cycle is not before:
            self._disarm()

    def on_response_complete(self) -> None:
        """Wait for the next request, and for the answer to be taken."""
        self._arm(self._among.seconds)
        super().on_response_complete()

    def pause_writing(self) -> None:
        """Wait for the client to take what is sent."""
        super().pause_writing()
        self._arm(_STUCK)

    def resume_writing(self) -> None:
        """Go on sending."""
        super().resume_writing()
        if not self.idle:
            self._disarm()

    def _arm(self, seconds: float) -> None:
        self._disarm()
        self._left = self.transport.get_write_buffer_size()
        self._timer = self.loop.call_later(seconds, self._late, seconds)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _late(self, seconds: float) -> None:
        left = self.transport.get_write_buffer_size()
        if 0 < left < self._left:  # a slow line
            self._arm(seconds)
        else:
            self.drop()
