"""What stands in front of the application: hosts, token, limits, headers, one log line.

One ASGI middleware, so that a refusal costs nothing and no answer can leave without its headers.
It reads the whole body, up to the limit, before the application sees the request.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import ipaddress
import json
import logging
import time
from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping
from http import HTTPStatus
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backrisk.web.limits import Limits, client_of
from backrisk.web.worker import place
from backrisk.words import say

log = logging.getLogger("backrisk.web")

PROBLEM = "application/problem+json"
HEALTH = "/healthz"
_INTERFACES = ("/api/v1/", "/fhir/", "/cds-services")  # what programs ask, not browsers
_REALM = 'realm="backrisk"'
_METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
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
        What everything but the server's health asks for: as ``Authorization: Bearer``, or as the
        password of ``Basic``, which browsers ask their user for. The name does not matter.
    hosts : iterable of str
        Names, beside ``localhost`` and any literal address, that a Host header may bear. A page
        elsewhere that has its own name point here (DNS rebinding) bears another.
    limits : Limits
    known : collection of str
        The addresses that the log may name: any other may hold an answer.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        token: str | None = None,
        hosts: Iterable[str] = (),
        limits: Limits | None = None,
        known: Collection[str] = (),
    ) -> None:
        self._app = app
        self._token = token
        self._hosts = {"localhost", *(host.lower() for host in hosts)}
        self._limits = limits or Limits()
        self._known_paths = known
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
            log.error("%s: %s at %s", self._named(scope), type(error).__name__, place(error))
            if not status:
                await _refuse(answer, Refusal(500, say("web.refused.broken")))
        finally:
            spent = 1000 * (time.perf_counter() - began)
            log.info("%s %d %.0f ms", self._named(scope), status, spent)

    def _admit(self, scope: Scope) -> None:
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        if not self._known(headers.get(b"host", "")):
            raise Refusal(421, say("web.refused.host"))
        self._count(client_of(scope))
        if self._token is not None and scope["path"] != HEALTH:
            given = _token(headers.get(b"authorization", ""))
            if not hmac.compare_digest(given.encode(), self._token.encode()):
                # A browser asks its user for the page, and never in the middle of it.
                scheme = "Bearer" if scope["path"].startswith(_INTERFACES) else "Basic"
                challenge = {"www-authenticate": f"{scheme} {_REALM}"}
                raise Refusal(401, say("web.refused.token"), challenge)

    def _named(self, scope: Scope) -> str:
        """Return what the log calls a request, of which only what is known is repeated."""
        method = scope["method"] if scope["method"] in _METHODS else "?"
        path: str = scope["path"]
        if path in self._known_paths:
            return f"{method} {path}"
        return f"{method} /static/..." if path.startswith("/static/") else f"{method} ?"

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


def _token(authorization: str) -> str:
    """Return the token that a header gives, or an empty string."""
    kind, _, given = authorization.partition(" ")
    if kind.lower() == "bearer":
        return given.strip()
    if kind.lower() == "basic":
        try:
            return base64.b64decode(given.strip(), validate=True).decode().partition(":")[2]
        except (binascii.Error, ValueError):
            return ""
    return ""


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
