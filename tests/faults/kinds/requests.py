"""Requests that are wrong, costly, or made to fill the log with what must not stand there.

NaN and endless numbers, names given twice, nesting without end, hundreds of unknown names, names
and numbers of thousands of characters, damaged bytes, control characters and answers in addresses,
methods and headers, tokens that are none. Each has to be refused with a sentence, or answered
where it can be, in seconds; the log repeats none of it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from http.client import HTTPException, InvalidURL

import numpy as np

from tests.faults.outcome import ACCEPTED, HANG, TRACEBACK, Budget, Outcome, Tally
from tests.faults.serving import Client, prior_model, serving

TRIES = 3000
LIMIT = 10.0  # seconds
TOKEN = "correct horse battery staple"
SECRET = "plank4711"
JSON = {"Content-Type": "application/json"}
PATHS = ("risk", "diagnose", "read", "cascade", "intervene", "attribute", "recommend", "what-if")
Made = tuple[str, str, bytes, dict[str, str], tuple[int, ...]]


def run(rng: np.random.Generator, budget: Budget) -> Outcome:
    """Send wrong requests, and a right one now and then."""
    tally = Tally()
    model = prior_model("runner_core", 20, budget.folder / "model.nc")
    kinds = list(MADE)
    with serving(model, "--token", TOKEN, "--seconds", "60") as server:
        for number in range(budget.tries(TRIES, 60)):
            kind = kinds[number % len(kinds)]
            method, path, body, headers, expected = MADE[kind](rng)
            client = Client(server, 2 + number % 200, LIMIT)
            failure, told = _tried(client, method, path, body, headers, expected)
            client.close()
            tally.count(kind, failure, told)
        status, _ = Client(server).get("/healthz")
        tally.count("health afterwards", None if status == 200 else HANG, f"status {status}")
        tally.count("log", *server.trouble(SECRET))
    return tally.outcome()


def _tried(
    client: Client,
    method: str,
    path: str,
    body: bytes,
    headers: dict[str, str],
    expected: tuple[int, ...],
) -> tuple[str | None, str]:
    sent = f"{method} {path!r} {body[:80]!r} {headers}"
    given = {"Authorization": f"Bearer {TOKEN}", **headers}
    try:
        status, seconds, said = client.send(method, path, body, given)
    except TimeoutError:
        return HANG, sent
    except (ConnectionError, InvalidURL, HTTPException, ValueError):
        return None, sent  # it was closed, or cannot be sent at all
    told = f"{sent}: {status} after {seconds:.1f} s"
    if seconds > LIMIT:
        return HANG, told
    if status >= 500 and status != 503:
        return TRACEBACK, told
    if status not in expected:
        return ACCEPTED, told
    whole = status == 200 or not said or b"detail" in said or b"Invalid HTTP" in said
    return (None if whole else TRACEBACK), told


def _ask(body: bytes, expected: tuple[int, ...], rng: np.random.Generator) -> Made:
    return "POST", f"/api/v1/{rng.choice(PATHS)}", body, JSON, expected


def _person(text: str, rng: np.random.Generator) -> Made:
    return _ask(f'{{"person": {text}}}'.encode(), (400, 422), rng)


def _number(rng: np.random.Generator) -> Made:
    number = rng.choice(["Infinity", "-Infinity", "1e999", "9" * 5000, "-1e400"])
    return _person(f'{{"fatigue": {number}}}', rng)


def _twice(rng: np.random.Generator) -> Made:
    return _person('{"fatigue": "low", "fatigue": "high"}', rng)


def _deep(rng: np.random.Generator) -> Made:
    depth = int(rng.integers(50, 5000))
    opened, closed = ("[", "]") if rng.random() < 0.5 else ('{"a":', "}")
    return _person(f"{opened * depth}1{closed * depth}", rng)


def _unknown(rng: np.random.Generator) -> Made:
    names = {f"fatige_{rng.integers(10**9)}": "high" for _ in range(int(rng.integers(20, 1000)))}
    method, path, body, headers, expected = _person(json.dumps(names), rng)
    # What is read of a form tells of each name that it is unknown.
    return method, path, body, headers, (*expected, 200) if path.endswith("/read") else expected


def _long(rng: np.random.Generator) -> Made:
    long = "x" * int(rng.integers(401, 50_000))
    return _person(json.dumps({long: "high"} if rng.random() < 0.5 else {"fatigue": long}), rng)


def _large(rng: np.random.Generator) -> Made:
    return _ask(b" " * int(rng.integers(70_000, 300_000)), (400, 413), rng)


def _damaged(rng: np.random.Generator) -> Made:
    sound = {"person": {"fatigue": "high", "pelvic_tilt": "anterior"}, "target": "pain"}
    body = bytearray(json.dumps(sound).encode())
    for _ in range(int(rng.integers(1, 4))):
        body[rng.integers(len(body))] = rng.integers(256)
    return _ask(bytes(body), (200, 400, 422), rng)


def _address(rng: np.random.Generator) -> Made:
    odd = rng.choice(["%0aGET%20/%20200", "%1b[31m", "%00", "%0d%0a", "..%2f..%2f", "%ff%fe", "//"])
    path = rng.choice(["/", "/api/v1/", "/static/", "/api/v1/risk?", "/?lang="])
    return "GET", f"{path}{SECRET}{odd}", b"", {}, (200, 400, 404, 405, 422)


def _method(rng: np.random.Generator) -> Made:
    method = rng.choice(["TRACE", SECRET.upper(), "PUT", "OPTIONS", "DELETE", "CONNECT"])
    return str(method), "/api/v1/risk", b"", {}, (400, 404, 405)


def _token(rng: np.random.Generator) -> Made:
    path = rng.choice(["/", "/api", "/api/v1/model", "/api/v1/openapi.json", "/nowhere"])
    wrong = rng.choice(["", "Bearer", f"Bearer {SECRET}", "Basic ?", "Basic cGxhbms6", "Digest x"])
    return "GET", str(path), b"", {"Authorization": str(wrong)}, (401,)


def _header(rng: np.random.Generator) -> Made:
    name = rng.choice(["Accept-Language", "X-Forwarded-For", "Host", "Content-Type", "X-Other"])
    value = SECRET * int(rng.integers(1, 3000))
    return "GET", "/healthz", b"", {str(name): value}, (200, 400, 421, 431)


MADE: dict[str, Callable[[np.random.Generator], Made]] = {
    "numbers without end": _number,
    "a name twice": _twice,
    "nesting": _deep,
    "unknown names": _unknown,
    "long names and answers": _long,
    "large bodies": _large,
    "damaged bodies": _damaged,
    "addresses": _address,
    "methods": _method,
    "tokens": _token,
    "headers": _header,
}
