"""The languages that a server offers, and which of them a request is answered in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from urllib.parse import parse_qs

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backrisk.errors import BackriskError
from backrisk.words import Language, language, say, speaking, spoken

_MOST_RANGES = 50  # of an Accept-Language header that are looked at


def offered(languages: Iterable[str | Path | Language]) -> tuple[Language, ...]:
    """Return the languages to offer; where none is named, the one that is spoken now.

    Raises
    ------
    BackriskError
        If one of them does not exist, or two bear the same code.
    """
    found = tuple(language(each) for each in languages) or (spoken(),)
    codes = [each.code.lower() for each in found]
    for each in found:
        if codes.count(each.code.lower()) > 1:
            raise BackriskError(say("web.same_code", code=each.code))
    return found


def choose(languages: Sequence[Language], named: str | None, accepted: str) -> Language:
    """Choose the language of a request.

    Parameters
    ----------
    languages : sequence of Language
        What is offered, the default first.
    named : str, optional
        The code that the address asks for; it counts where it is offered.
    accepted : str
        The header ``Accept-Language``: ranges in order of their weight, each matched as a whole,
        then with its last parts left off, then as the beginning of a code (RFC 4647).

    Returns
    -------
    Language

    Examples
    --------
    >>> choose([language("en")], None, "de-AT, en-GB;q=0.8").code
    'en'
    """
    known = {each.code.lower(): each for each in languages}
    if named is not None and named.lower() in known:
        return known[named.lower()]
    for wanted in _ranges(accepted):
        if wanted == "*":
            return languages[0]
        parts = wanted.split("-")
        for end in range(len(parts), 0, -1):
            if (code := "-".join(parts[:end])) in known:
                return known[code]
        for code, each in known.items():
            if code.startswith(f"{wanted}-"):
                return each
    return languages[0]


def _ranges(accepted: str) -> list[str]:
    """Return the ranges of the header that are wanted at all, the most wanted first."""
    weighted = []
    for entry in accepted.split(",")[:_MOST_RANGES]:
        wanted, *settings = (part.strip().lower() for part in entry.split(";"))
        weight = 1.0
        for setting in settings:
            if setting.startswith("q="):
                try:
                    weight = float(setting[2:])
                except ValueError:
                    weight = 0.0
        if wanted and weight > 0:
            weighted.append((weight, wanted))
    return [wanted for _, wanted in sorted(weighted, key=lambda each: -each[0])]


class Speaking:
    """Middleware that answers each request in its language.

    The language is a context variable: it holds for this request alone, in the threads too that
    its work is handed to.

    Parameters
    ----------
    app : ASGI application
    languages : sequence of Language
        What is offered, the default first.
    """

    def __init__(self, app: ASGIApp, *, languages: Sequence[Language]) -> None:
        self._app = app
        self._languages = languages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        (named,) = parse_qs(scope["query_string"].decode("latin-1")).get("lang", [None])[:1]
        chosen = choose(self._languages, named, headers.get(b"accept-language", ""))

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                told = [(b"content-language", chosen.code.encode("ascii", "replace"))]
                message = {**message, "headers": [*message["headers"], *told]}
            await send(message)

        with speaking(chosen):
            await self._app(scope, receive, answer)
