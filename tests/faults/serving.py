"""A server in a process of its own, clients at several addresses, and what its log must not say."""

from __future__ import annotations

import http.client
import json
import re
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from backrisk.graph import Layout, load_graph
from backrisk.posterior import Posterior
from backrisk.survey import load_codebook, packaged_codebooks
from tests.faults.outcome import TRACEBACK, environment

_PAGE = 4096  # bytes
_BROKEN = re.compile("[\x00-\x08\x0b-\x1f\x7f\x1b]")


@dataclass(frozen=True)
class Server:
    """A server that runs.

    Parameters
    ----------
    port : int
    process : subprocess.Popen
    log : Path
    """

    port: int
    process: subprocess.Popen[str]
    log: Path

    @property
    def resident(self) -> float:
        """Mebibytes of memory that the server holds, without those of its other processes."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * _PAGE / 2**20

    def trouble(self, *secrets: str) -> tuple[str | None, str]:
        """Return the failure that the log shows, and the line that shows it."""
        for line in self.log.read_text(errors="replace").splitlines():
            if "Traceback" in line or _BROKEN.search(line) or any(s in line for s in secrets):
                return TRACEBACK, repr(line[:200])
        if self.process.poll() is not None:
            return TRACEBACK, f"the server ended with {self.process.returncode}"
        return None, ""


@contextmanager
def serving(model: Path, *options: str, descriptors: int | None = None) -> Iterator[Server]:
    """Serve a model on loopback; with no more descriptors than are named."""

    def bound() -> None:
        if descriptors is not None:
            resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))

    log = model.with_suffix(".log")
    command = [sys.executable, "-c", "from backrisk.cli import main; main()", "serve", str(model)]
    with (
        log.open("w") as said,
        subprocess.Popen(
            [*command, "--port", "0", *options],
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
            env=environment(PYTHONUNBUFFERED="1"),
            preexec_fn=bound,
        ) as process,
    ):
        assert process.stdout is not None
        try:
            port = int(process.stdout.readline().split()[0].rpartition(":")[2])
            yield Server(port, process, log)
        finally:
            process.terminate()
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()


class Client:
    """One connection that is kept open, from an address of its own.

    Parameters
    ----------
    server : Server
    number : int
        The last part of its address on loopback.
    seconds : float
        That it waits for an answer.
    """

    def __init__(self, server: Server, number: int = 1, seconds: float = 600.0) -> None:
        self._connection = http.client.HTTPConnection(
            "127.0.0.1", server.port, timeout=seconds, source_address=(f"127.0.0.{number}", 0)
        )

    def get(self, path: str) -> tuple[int, float]:
        """Return the status of an answer, and the seconds until it was there."""
        return self.send("GET", path)[:2]

    def ask(self, path: str, **question: Any) -> tuple[int, float]:
        """Ask a question of the programming interface."""
        body = json.dumps(question).encode()
        return self.send("POST", f"/api/v1/{path}", body, {"Content-Type": "application/json"})[:2]

    def send(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> tuple[int, float, bytes]:
        """Send a request as it is; a connection that the server closed is opened again."""
        for last in (False, True):
            start = time.perf_counter()
            try:
                self._connection.request(method, path, body, headers or {})
                response = self._connection.getresponse()
                said = response.read()
                return response.status, time.perf_counter() - start, said
            except (ConnectionError, http.client.HTTPException):
                self._connection.close()
                if last:
                    raise
        raise AssertionError

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


def prior_model(name: str, draws: int, path: Path) -> Path:
    """Save a model of prior draws of a packaged graph, with the codebook of its name if any."""
    graph, codebook = load_graph(name), None
    if name in packaged_codebooks():
        codebook = load_codebook(name, graph)
        graph = codebook.extend(graph)
    fractions, beta = Layout(graph).draw_prior(draws, np.random.default_rng(1))
    return Posterior(graph, fractions, beta, codebook=codebook).save(path)
