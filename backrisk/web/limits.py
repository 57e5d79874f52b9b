"""What one client, and all together, may ask of a server."""

from __future__ import annotations

import os
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

from starlette.types import Scope

from backrisk.errors import BackriskError
from backrisk.words import say

MOST_SECONDS = 24 * 3600.0  # that one question may compute: timers take no number however large
_CORES = os.cpu_count() or 1
_NETWORK = 64  # bits of an IPv6 address that are one client's: the rest it chooses as it likes


@dataclass(frozen=True)
class Limits:
    """What one client may ask for, and how much is done at once.

    Parameters
    ----------
    body : int
        Bytes of a request's body.
    seconds : float
        In which the head of a request, and then its body, must have arrived.
    rate, burst : float
        Requests a second from one address, and how many may come at once.
    addresses : int
        How many addresses are remembered.
    connections : int
        How many may be open; fewer where the system grants the process fewer descriptors.
    quick, slow : int
        How many questions are computed at once: quick ones in threads, slow ones in processes of
        their own that give way to everything else.
    waiting, waiting_each : int
        How many of either kind may wait for their turn, in all and of one client.
    patience : float
        Seconds that a question waits for its turn.
    question : float
        Seconds that one question may compute, up to a day.
    polite : int
        By how much the processes of slow questions give way, as ``nice`` counts it.

    Raises
    ------
    BackriskError
        If `question` is no such number.
    """

    body: int = 64 * 1024
    seconds: float = 10.0
    rate: float = 50.0
    burst: float = 200.0
    addresses: int = 1000
    connections: int = 1000
    quick: int = _CORES + 1
    slow: int = min(max(_CORES - 1, 1), 2)
    waiting: int = 256
    waiting_each: int = 64
    patience: float = 60.0
    question: float = 120.0
    polite: int = 10

    def __post_init__(self) -> None:
        """Refuse a time that nothing waits for."""
        if not 0 <= self.question <= MOST_SECONDS:  # nor is what is no number
            told = {"found": f"{self.question:g}", "most": f"{MOST_SECONDS:g}"}
            raise BackriskError(say("web.serve.seconds", **told))

    @property
    def longest(self) -> float:
        """Seconds in which a question is read, waits for two turns, and is computed or refused."""
        return self.seconds + 2 * self.patience + self.question


def client_of(scope: Scope) -> str:
    """Return who asks: an address; of IPv6, the network that is one client's.

    Examples
    --------
    >>> client_of({"client": ("192.0.2.7", 5000)}), client_of({"client": ("2001:db8::1:7", 5000)})
    ('192.0.2.7', '2001:db8::')
    """
    host = scope["client"][0] if scope.get("client") else ""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if isinstance(address, IPv6Address) and address.ipv4_mapped is None:
        return str(IPv6Address(int(address) >> (128 - _NETWORK) << (128 - _NETWORK)))
    return str(address)
