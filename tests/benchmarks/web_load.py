"""The clinician's page under load.

`backrisk serve` in a process of its own, on loopback, over a model of the full graph with 1,000
draws (the prior's: a fit would change the numbers and not the time). People are rows of the
packaged synthetic survey with some of their answers. "One page" asks as the page does whenever an
answer changes: it reads the form, asks for the risk, then at once for help, causes, what to ask
next, cascade and what if. "Several connections" put mixed questions at once, each
when its last is answered, so latency includes waiting for the others.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from backrisk import Posterior, load_codebook, load_graph
from backrisk.graph import Layout
from tests.benchmarks.common import ROOT, result

DRAWS, REFRESHES, CONNECTIONS, REQUESTS = 1000, 60, 4, 400
LIMIT = 0.3  # seconds at the 95th percentile
SECTIONS = {
    "risk": {},
    "recommend": {},
    "attribute": {"method": "shapley"},
    "ask-next": {"gain": False},
    "cascade": {},
    "what-if": {"do": {"warm_up": "dynamic"}},
}
_WAIT = 0.05  # between refreshes: the page waits longer for the next keystroke


def _model(path: Path) -> Path:
    graph = load_graph("runner")
    codebook = load_codebook("runner", graph)
    graph = codebook.extend(graph)
    rng, layout = np.random.default_rng(1), Layout(graph)
    drawn, before = layout.draw_prior(DRAWS, rng), layout.draw_prior(DRAWS, rng)
    model = Posterior(
        graph,
        *drawn,
        codebook=codebook,
        prior_fractions=before[0],
        prior_beta=before[1],
    )
    return model.save(path)


def _people(count: int) -> list[dict[str, Any]]:
    """Return people as the form is filled: from 3 to 15 answers, none about the pain."""
    columns = [name for name in load_codebook("runner").columns if name != "back_pain"]
    survey = pd.read_csv(ROOT / "data" / "survey.csv")
    rng = random.Random(1)
    people = []
    for row in survey.sample(count, random_state=1).to_dict("records"):
        given = [name for name in columns if row[name] == row[name]]
        chosen = rng.sample(given, min(len(given), rng.randint(3, 15)))
        people.append({name: row[name] for name in chosen})
    return people


@contextmanager
def _served(model: Path) -> Iterator[int]:
    code = "from backrisk.cli import main; main()"
    command = [sys.executable, "-c", code, "serve", str(model), "--port", "0"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    ) as server:
        assert server.stdout is not None
        try:
            yield int(server.stdout.readline().split()[0].rpartition(":")[2])
        finally:
            server.terminate()


class _Client:
    """One connection that is kept open."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)

    def ask(self, path: str, question: dict[str, Any]) -> tuple[float, int]:
        """Return the seconds until the whole answer was there, and its status."""
        start = time.perf_counter()
        body = json.dumps(question)
        headers = {"Content-Type": "application/json"}
        try:
            self._connection.request("POST", f"/api/v1/{path}", body, headers)
            response = self._connection.getresponse()
        except (BrokenPipeError, http.client.RemoteDisconnected):  # idle for long: as browsers do
            self._connection.close()
            self._connection.request("POST", f"/api/v1/{path}", body, headers)
            response = self._connection.getresponse()
        response.read()
        return time.perf_counter() - start, response.status

    def close(self) -> None:
        self._connection.close()


def _percentiles(seconds: Sequence[float]) -> dict[str, float]:
    found = np.quantile(seconds, [0.5, 0.95, 0.99])
    return {f"p{q}_ms": round(1000 * float(s), 1) for q, s in zip((50, 95, 99), found, strict=True)}


def _refreshes(
    port: int,
) -> tuple[list[float], list[float], dict[str, list[float]], int]:
    """Refresh the page again and again.

    Returns its times, those until the risk, those of each section, and the errors.
    """
    clients = {path: _Client(port) for path in SECTIONS}
    whole: list[float] = []
    first: list[float] = []
    parts: dict[str, list[float]] = {path: [] for path in SECTIONS}
    errors = 0
    with ThreadPoolExecutor(len(SECTIONS)) as pool:
        for person in _people(REFRESHES):
            start = time.perf_counter()
            _, status = clients["risk"].ask("read", {"person": person})
            errors += status != 200
            seconds, status = clients["risk"].ask("risk", {"person": person})
            parts["risk"].append(seconds)
            first.append(time.perf_counter() - start)
            errors += status != 200
            futures = {
                path: pool.submit(clients[path].ask, path, {"person": person, **more})
                for path, more in SECTIONS.items()
                if path != "risk"
            }
            for path, future in futures.items():
                seconds, status = future.result()
                parts[path].append(seconds)
                errors += status != 200
            whole.append(time.perf_counter() - start)
            time.sleep(_WAIT)
    for client in clients.values():
        client.close()
    return whole, first, parts, errors


def _mixed(port: int) -> tuple[list[float], int, float]:
    """Put mixed questions over several connections; times, errors, and seconds in all."""
    each = REQUESTS // CONNECTIONS

    def work(seed: int) -> list[tuple[float, int]]:
        client, rng = _Client(port), random.Random(seed)
        people = _people(each)
        found = []
        for person in people:
            path = rng.choice(list(SECTIONS))
            found.append(client.ask(path, {"person": person, **SECTIONS[path]}))
        client.close()
        return found

    start = time.perf_counter()
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        found = [one for part in pool.map(work, range(CONNECTIONS)) for one in part]
    spent = time.perf_counter() - start
    return [s for s, _ in found], sum(status != 200 for _, status in found), spent


def run() -> list[dict[str, Any]]:
    """Measure refreshes of one page, and mixed questions over several connections."""
    with tempfile.TemporaryDirectory() as folder, _served(_model(Path(folder) / "m.nc")) as port:
        client = _Client(port)
        for path in SECTIONS:  # tables are made on first use
            client.ask(path, {"person": {}, **SECTIONS[path]})
        client.close()
        whole, first, parts, errors = _refreshes(port)
        mixed, more_errors, spent = _mixed(port)
    packages = ("fastapi", "uvicorn")
    slowest = ", ".join(
        f"{path} {_percentiles(seconds)['p95_ms']:.0f} ms" for path, seconds in parts.items()
    )
    return [
        result(
            "one page: until all is there",
            ours_s=float(np.quantile(whole, 0.95)),
            bar=LIMIT,
            limit="at most",
            of="ours_s",
            packages=packages,
            profile=f"95th percentiles of the sections: {slowest}.",
            requests=REFRESHES * (1 + len(SECTIONS)),
            errors=errors,
            **_percentiles(whole),
        ),
        result(
            "one page: until the risk is there",
            ours_s=float(np.quantile(first, 0.95)),
            bar=LIMIT,
            limit="at most",
            of="ours_s",
            packages=packages,
            requests=REFRESHES,
            errors=errors,
            **_percentiles(first),
        ),
        result(
            f"{CONNECTIONS} connections: mixed questions",
            ours_s=float(np.quantile(mixed, 0.95)),
            packages=packages,
            requests=len(mixed),
            errors=more_errors,
            per_second=round(len(mixed) / spent, 1),
            **_percentiles(mixed),
        ),
        result(
            "errors under load",
            ours_s=spent,
            bar=0,
            limit="at most",
            of="errors",
            packages=packages,
            requests=REFRESHES * (1 + len(SECTIONS)) + len(mixed),
            errors=errors + more_errors,
        ),
    ]
