"""What stands in front of the application: hosts, token, limits, headers, one log line.

One ASGI middleware, so that a refusal costs nothing and no answer can leave without its headers.
It reads the whole body, up to the limit, before the application sees the request.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import json
import logging
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backrisk.words import say

log = logging.getLogger("backrisk.web")

PROBLEM = "application/problem+json"
PROTECTED = "/api/v1/"
_SCHEME = "Bearer"
_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


@dataclass(frozen=True)
class Limits:
    """What one client may ask for.

    Parameters
    ----------
    body : int
        Bytes of a request's body.
    seconds : float
        In which the body must have arrived.
    rate, burst : float
        Requests a second from one address, and how many may come at once.
    addresses : int
        How many addresses are remembered.
    """

    body: int = 64 * 1024
    seconds: float = 10.0
    rate: float = 50.0
    burst: float = 200.0
    addresses: int = 1000


class Refusal(Exception):
    """A request that goes no further."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.headers = dict(headers or {})


class Guard:
    """The middleware.

    Parameters
    ----------
    app : ASGI application
    token : str, optional
        What the programming interface asks for as ``Authorization: Bearer``.
    hosts : iterable of str
        Names, beside ``localhost`` and any literal address, that a Host header may bear. A page
        elsewhere that has its own name point here (DNS rebinding) bears another.
    limits : Limits
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        token: str | None = None,
        hosts: Iterable[str] = (),
        limits: Limits | None = None,
    ) -> None:
        self._app = app
        self._token = token
        self._hosts = {"localhost", *(host.lower() for host in hosts)}
        self._limits = limits or Limits()
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": _with_headers(scope["path"], message)}
            await send(message)

        try:
            self._admit(scope)
            body = await self._body(scope, receive)
            await self._app(scope, _replay(body, receive), answer)
        except Refusal as refusal:
            await _refuse(answer, refusal)
        except Exception as error:
            # Where it broke, but not with which words: a message may quote an answer.
            place = _place(error)
            log.error(
                "%s %s: %s at %s", scope["method"], scope["path"], type(error).__name__, place
            )
            if not status:
                await _refuse(answer, Refusal(500, say("web.refused.broken")))
        finally:
            spent = 1000 * (time.perf_counter() - began)
            log.info("%s %s %d %.0f ms", scope["method"], scope["path"], status, spent)

    def _admit(self, scope: Scope) -> None:
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        if not self._known(headers.get(b"host", "")):
            raise Refusal(421, say("web.refused.host"))
        self._count(scope["client"][0] if scope.get("client") else "")
        if self._token is not None and scope["path"].startswith(PROTECTED):
            kind, _, given = headers.get(b"authorization", "").partition(" ")
            same = hmac.compare_digest(given.strip().encode(), self._token.encode())
            if kind.lower() != _SCHEME.lower() or not same:
                challenge = {"www-authenticate": f'{_SCHEME} realm="backrisk"'}
                raise Refusal(401, say("web.refused.token"), challenge)

    def _known(self, host: str) -> bool:
        end = "]" if host.startswith("[") else ":"
        name = host.removeprefix("[").partition(end)[0]
        if name.lower() in self._hosts:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True

    def _count(self, address: str) -> None:
        """Take one from the address's bucket, which refills at the rate."""
        now = time.monotonic()
        left, before = self._buckets.pop(address, (self._limits.burst, now))
        left = min(self._limits.burst, left + (now - before) * self._limits.rate)
        self._buckets[address] = (max(0.0, left - 1), now)
        if len(self._buckets) > self._limits.addresses:
            self._buckets.popitem(last=False)
        if left < 1:
            wait = {"retry-after": "1"}
            raise Refusal(429, say("web.refused.rate"), wait)

    async def _body(self, scope: Scope, receive: Receive) -> bytes:
        limit = self._limits.body
        close = {"connection": "close"}
        too_large = Refusal(413, say("web.refused.too_large", limit=limit), close)
        stated = dict(scope["headers"]).get(b"content-length", b"0")
        if not stated.isdigit() or int(stated[:20]) > limit:
            raise too_large
        body = bytearray()
        try:
            async with asyncio.timeout(self._limits.seconds):
                while True:
                    message = await receive()
                    body += message.get("body", b"")
                    if len(body) > limit:
                        raise too_large
                    if not message.get("more_body", False):
                        return bytes(body)
        except TimeoutError:
            late = say("web.refused.late", seconds=f"{self._limits.seconds:g}")
            raise Refusal(408, late, close) from None


def _replay(body: bytes, receive: Receive) -> Receive:
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return waiting.pop() if waiting else await receive()

    return again


def _with_headers(path: str, message: Message) -> list[tuple[bytes, bytes]]:
    fixed = {name.encode(): value.encode() for name, value in _HEADERS.items()}
    # An asset's address changes with its content.
    asset = path.startswith("/static/") and message["status"] == 200
    fixed[b"cache-control"] = b"public, max-age=31536000, immutable" if asset else b"no-store"
    kept = [(name, value) for name, value in message["headers"] if name.lower() not in fixed]
    return [*kept, *fixed.items()]


def _place(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "?" if trace is None else f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"


def problem(status: int, detail: str, errors: list[dict[str, str]] | None = None) -> bytes:
    """Return an error as RFC 9457 has it."""
    content: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if errors is not None:
        content["errors"] = errors
    return json.dumps(content).encode()


async def _refuse(send: Send, refusal: Refusal) -> None:
    body = problem(refusal.status, str(refusal))
    headers = {
        "content-type": PROBLEM,
        "content-length": str(len(body)),
        **refusal.headers,
    }
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": refusal.status, "headers": raw})
    await send({"type": "http.response.body", "body": body})
