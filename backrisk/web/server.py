"""Serving a saved model: where to listen, when a token is needed, how the server is set up."""

from __future__ import annotations

import logging
import socket
import sys
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from ipaddress import ip_address
from pathlib import Path

import uvicorn

from backrisk.errors import BackriskError
from backrisk.posterior import load_posterior
from backrisk.web.app import create_app
from backrisk.web.served import PAGE_DRAWS
from backrisk.words import Language, say

SHORTEST_TOKEN = 16
_SWITCH_SECONDS = 0.0005


def serve(
    model: Path,
    *,
    host: str,
    port: int,
    token: str | None,
    hosts: Iterable[str] = (),
    draws: int = PAGE_DRAWS,
    languages: Iterable[str | Path | Language] = (),
    announce: Callable[[str], None],
) -> None:
    """Serve a saved model until interrupted.

    Parameters
    ----------
    model : Path
    host, port : str, int
        Where to listen; port 0 takes a free one.
    token : str, optional
        Required where the host is not this machine alone.
    hosts : iterable of str
        Further names that a Host header may bear.
    draws : int
    languages : iterable of str, Path or Language
        As for `create_app`.
    announce : callable
        Told the page's address once it is bound.

    Raises
    ------
    BackriskError
        If the model cannot be read, the address cannot be bound, a token is missing, or there is
        no such language.
    """
    if token is not None and len(token) < SHORTEST_TOKEN:
        raise BackriskError(say("web.serve.token_short", least=SHORTEST_TOKEN))
    if token is None and not _only_this_machine(host):
        raise BackriskError(say("web.serve.token_needed", host=host))
    listener = _bind(host, port)
    with listener:
        app = create_app(
            load_posterior(model), draws=draws, token=token, hosts=hosts, languages=languages
        )
        logging.basicConfig(format="%(message)s", level=logging.WARNING)
        logging.getLogger("backrisk.web").setLevel(logging.INFO)
        bound = listener.getsockname()[1]
        announce(f"http://{f'[{host}]' if ':' in host else host}:{bound}")
        config = uvicorn.Config(
            app,
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=5,
        )
        # A question holds Python's lock for short stretches between long ones in NumPy: handing it
        # over sooner keeps the quick questions from waiting for the slow ones.
        sys.setswitchinterval(_SWITCH_SECONDS)
        uvicorn.Server(config).run(sockets=[listener])


def _only_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _bind(host: str, port: int) -> socket.socket:
    with ExitStack() as undo:
        try:
            family, kind, number, _, address = socket.getaddrinfo(
                host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )[0]
            listener = undo.enter_context(socket.socket(family, kind, number))
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(128)
        except OSError as error:
            raise BackriskError(
                say("web.serve.port_taken", port=port, host=host, why=error.strerror)
            ) from error
        undo.pop_all()
        return listener
