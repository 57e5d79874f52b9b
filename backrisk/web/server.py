"""Serving a saved model: where to listen, when a token is needed, how the server is set up."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from ipaddress import ip_address, ip_network
from pathlib import Path

import uvicorn

from backrisk.errors import BackriskError
from backrisk.posterior import load_posterior
from backrisk.web.app import create_app
from backrisk.web.connections import Connections
from backrisk.web.desk import Desk
from backrisk.web.limits import Limits
from backrisk.words import Language, say

SHORTEST_TOKEN = 16
_BACKLOG = 64  # connections accepted at once, before the oldest make room


def serve(
    model: Path,
    *,
    host: str,
    port: int,
    token: str | None,
    hosts: Iterable[str] = (),
    draws: int | None = None,
    languages: Iterable[str | Path | Language] = (),
    proxies: Iterable[str] = (),
    seconds: float = Limits.question,
    cds_hooks: bool = False,
    cds_origins: Iterable[str] = (),
    earlier: Iterable[Path] = (),
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
    draws : int, optional
    languages : iterable of str, Path or Language
        As for `create_app`.
    proxies : iterable of str
        Addresses or networks of proxies. What one of these says in ``X-Forwarded-For`` is taken as
        the client's address; nobody else is believed.
    seconds : float
        That one question may compute.
    cds_hooks : bool
    cds_origins : iterable of str
        As for `create_app`.
    earlier : iterable of Path
        Saved models, as for `create_app`.
    announce : callable
        Told the page's address once it is bound.

    Raises
    ------
    BackriskError
        If the model cannot be read, the address cannot be bound, a token is missing or no header
        can hold it, there is no such language, a proxy is not an address, or a question may
        compute for longer than a day.
    """
    if token is not None and len(token) < SHORTEST_TOKEN:
        raise BackriskError(say("web.serve.token_short", least=SHORTEST_TOKEN))
    if token is not None and not _fits_a_header(token):
        raise BackriskError(say("web.serve.token_plain"))
    if token is None and not _only_this_machine(host):
        raise BackriskError(say("web.serve.token_needed", host=host))
    trusted = [_proxy(each) for each in proxies]
    limits = Limits(question=seconds)
    connections = Connections(limits.connections, limits.seconds)
    listener = _bind(host, port)
    with listener:
        app = create_app(
            load_posterior(model),
            draws=draws,
            token=token,
            hosts=hosts,
            languages=languages,
            limits=limits,
            cds_hooks=cds_hooks,
            cds_origins=cds_origins,
            earlier=[load_posterior(each) for each in earlier],
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
            proxy_headers=bool(trusted),
            forwarded_allow_ips=trusted,
            timeout_graceful_shutdown=5,
            http=connections.protocol,  # type: ignore[arg-type]  # what makes one, not its class
            ws="none",
            loop="asyncio",
            backlog=_BACKLOG,
        )
        _Server(config, connections, app.state.desk).run(sockets=[listener])


class _Server(uvicorn.Server):
    """Uvicorn's server, where trouble in the loop is handled and nobody waits for its end."""

    def __init__(
        self, config: uvicorn.Config, connections: Connections, desk: Desk | None = None
    ) -> None:
        super().__init__(config)
        self._connections, self._desk = connections, desk

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen."""
        asyncio.get_running_loop().set_exception_handler(self._connections.trouble)
        if self._desk is not None:
            self._desk.open()
        await super().startup(sockets)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Refuse the questions that wait, and stop the others at their next step."""
        if self._desk is not None:
            self._desk.give_up()
        await super().shutdown(sockets)
        if self._desk is not None:
            self._desk.close()


def _proxy(given: str) -> str:
    """Refuse what is no address and no network."""
    try:
        return str(ip_network(given, strict=False)) if "/" in given else str(ip_address(given))
    except ValueError:
        raise BackriskError(say("web.serve.proxy", given=given)) from None


def _fits_a_header(token: str) -> bool:
    return token.isascii() and token.isprintable() and token == token.strip()


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
        except (OSError, UnicodeError) as error:  # the latter of labels that no name can have
            why = error.strerror if isinstance(error, OSError) else say("web.serve.no_name")
            told = say("web.serve.port_taken", port=port, host=host, why=why)
            raise BackriskError(told) from error
        undo.pop_all()
        return listener
