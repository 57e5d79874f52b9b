"""Connections that ask for nothing do not keep others from being answered."""

import contextlib
import errno
import socket
import threading
from contextlib import contextmanager

import pytest
import uvicorn
from fastapi import FastAPI

from backrisk.web.connections import Connections
from backrisk.web.server import _BACKLOG, _Server

ASKED = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
HALVES = [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: loc", b"POST / HTTP/1.1\r\nHost: x\r\n"]
HALVES += [b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{"]


@contextmanager
def listening(most, seconds):
    app = FastAPI()

    @app.get("/")
    async def answer():
        return "here"

    @app.post("/")
    async def read(body: dict):
        return body

    connections = Connections(most, seconds)
    config = uvicorn.Config(
        app, http=connections.protocol, loop="asyncio", ws="none", backlog=_BACKLOG, log_config=None
    )
    server = _Server(config, connections)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(128)
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield listener.getsockname()
        finally:
            server.should_exit = server.force_exit = True
            thread.join()


def said(address):
    with socket.create_connection(address, timeout=600) as asking:
        asking.sendall(ASKED)
        parts = iter(lambda: asking.recv(4096), b"")
        return b"".join(parts)


@pytest.mark.parametrize("half", HALVES)
def test_the_oldest_that_has_not_asked_makes_room(half):
    with listening(most=8, seconds=600) as address:
        waiting = [socket.create_connection(address, timeout=600) for _ in range(40)]
        for each in waiting:
            with contextlib.suppress(OSError):
                each.sendall(half)
        assert said(address).startswith(b"HTTP/1.1 200")
        for each in waiting[:30]:
            with contextlib.suppress(ConnectionResetError):
                assert each.recv(1) == b""  # closed, with nothing said
        for each in waiting:
            each.close()


@pytest.mark.parametrize("half", HALVES[:-1])
def test_what_does_not_arrive_is_not_waited_for(half):
    with (
        listening(most=100, seconds=0.05) as address,
        socket.create_connection(address, timeout=600) as waiting,
    ):
        waiting.sendall(half)
        with contextlib.suppress(ConnectionResetError):
            assert waiting.recv(1) == b""
        assert said(address).startswith(b"HTTP/1.1 200")


def test_trouble_in_the_loop_is_told_once_and_quotes_nothing(caplog):
    connections = Connections(10, 1.0)
    for _ in range(1000):
        connections.trouble(None, {"exception": OSError(errno.EMFILE, "plank_seconds=35")})
    connections.trouble(None, {"exception": ValueError("plank_seconds=35"), "message": "x"})
    connections.trouble(None, {"message": "plank_seconds=35"})
    assert [record.message for record in caplog.records] == ["accept: EMFILE", "ValueError at ?"]
