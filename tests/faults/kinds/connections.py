"""More connections are opened than the server has descriptors, and none of them ever asks.

1,150 connections, with 1,024 descriptors, send nothing, half a line, a line, half of their headers,
or headers and half a body; those that the server closes are opened again. Meanwhile the server's
health is asked for over connections that are new, and has to be told within a second, every time.
"""

from __future__ import annotations

import contextlib
import resource
import socket
import time

import numpy as np

from tests.faults.outcome import HANG, Budget, Outcome, Tally
from tests.faults.serving import Client, Server, prior_model, serving

COUNT, DESCRIPTORS = 1150, 1024
LIMIT = 1.0  # seconds
BEGINNINGS = (
    b"",
    b"GET /hea",
    b"GET /healthz HTTP/1.1\r\n",
    b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-",
    b"POST /api/v1/risk HTTP/1.1\r\nHost: localhost\r\nContent-Length: 40\r\n\r\n{",
)


def run(rng: np.random.Generator, budget: Budget) -> Outcome:
    """Hold connections open and ask for the server's health."""
    count, descriptors = (150, 300) if budget.quick else (COUNT, DESCRIPTORS)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = count + 200
    if hard != resource.RLIM_INFINITY and hard < needed:
        return Outcome({}, skipped=f"this process may open {hard} files, and needs {needed}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, needed), hard))
    tally = Tally()
    model = prior_model("runner_core", 20, budget.folder / "model.nc")
    held: list[socket.socket] = []
    try:
        with serving(model, descriptors=descriptors) as server:
            slowest = _held(server, rng, budget, tally, held, count)
            tally.count("log", *server.trouble("resource"))
            lines = len(server.log.read_text().splitlines())
    finally:
        for each in held:
            each.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    tally.figures.append(
        f"With {count:,} connections that do not ask and {descriptors:,} descriptors, the slowest "
        f"answer to /healthz took {1000 * slowest:.0f} ms; the log has {lines:,} lines."
    )
    return tally.outcome()


def _held(
    server: Server,
    rng: np.random.Generator,
    budget: Budget,
    tally: Tally,
    held: list[socket.socket],
    count: int,
) -> float:
    """Hold connections open for a while; return the slowest answer beside them."""
    until = time.monotonic() + budget.tries(60, 5)
    slowest = 0.0
    while len(held) < count or time.monotonic() < until:
        for _ in range(25):
            if len(held) >= count:  # the oldest, which the server may have closed
                held.pop(0).close()
            held.append(socket.create_connection(("127.0.0.1", server.port), timeout=LIMIT * 10))
            with contextlib.suppress(ConnectionError):  # it may be closed already
                held[-1].sendall(BEGINNINGS[rng.integers(len(BEGINNINGS))])
            tally.count("connections that do not ask")
        client = Client(server, seconds=LIMIT * 10)
        try:
            status, seconds = client.get("/healthz")
        except OSError as error:
            status, seconds = 0, LIMIT * 10
            tally.count("health", HANG, f"beside {len(held):,}: {type(error).__name__}")
        else:
            late = status != 200 or seconds > LIMIT
            where = f"beside {len(held):,}: status {status} after {seconds:.2f} s"
            tally.count("health", HANG if late else None, where)
        client.close()
        slowest = max(slowest, seconds)
        time.sleep(0.15)  # more requests a second from one address would be refused
    return slowest
