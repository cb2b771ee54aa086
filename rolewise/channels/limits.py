"""Rate limits of every HTTP channel: so many messages a sender and requests an address; the rest gets 429 until there is room again.

The counting is a generic cell rate algorithm: one number a key. The in-memory windows of the ``limits`` package keep every key they
ever saw and sweep all of them in a thread, so that only its notation (``300/minute``) is used.
"""

from __future__ import annotations

import ipaddress
import math
import time
from collections import OrderedDict
from functools import lru_cache

import limits
from sanic.exceptions import SanicException
from sanic.request import Request

from rolewise.settings import settings

OFF = "off"
# Keys remembered. One that is not was either silent for long or is one of a flood of new ones, which the address limit is for.
KEYS = 20_000


class TooManyMessagesError(SanicException):
    """Refused for its number: status 429, and ``Retry-After`` says in how many seconds there is room again."""

    def __init__(self, seconds: float) -> None:
        """Refuse for so many seconds."""
        wait = max(1, math.ceil(seconds))
        super().__init__(f"too many messages; try again in {wait} s", status_code=429)
        self.headers = {"Retry-After": str(wait)}


class RateLimit:
    """A limit such as ``300/minute``: so many at once, and after that evenly spread."""

    def __init__(self, notation: str, keys: int = KEYS) -> None:
        """Read the notation of the ``limits`` package; ``off`` lets everything pass.

        Raises:
            ValueError: it cannot be read.
        """
        self.window = self.spacing = 0.0
        if notation != OFF:
            item = limits.parse(notation)
            self.window = float(item.get_expiry())
            self.spacing = self.window / item.amount
        self.keys = keys
        # When a key will have no message left that counts, in seconds of the monotonic clock.
        self._full: OrderedDict[str, float] = OrderedDict()

    def wait(self, key: str, now: float | None = None) -> float:
        """Count one message; returns 0.0, or how many seconds too early it is, in which case it does not count."""
        if not self.spacing:
            return 0.0
        now = time.monotonic() if now is None else now
        full = max(self._full.get(key, now), now) + self.spacing
        early = full - self.window - now
        if early > 1e-9:
            return early
        self._full[key] = full
        self._full.move_to_end(key)
        if len(self._full) > self.keys:
            self._full.popitem(last=False)
        return 0.0


@lru_cache(maxsize=1)
def of_senders() -> RateLimit:
    """The limit of a sender."""
    return RateLimit(settings().sender_limit)


@lru_cache(maxsize=1)
def of_addresses() -> RateLimit:
    """The limit of an address."""
    return RateLimit(settings().address_limit)


def count_sender(sender: str) -> None:
    """Count a message of a sender.

    Raises:
        TooManyMessagesError: it is one too many.
    """
    early = of_senders().wait(sender)
    if early:
        raise TooManyMessagesError(early)


def count_address(request: Request) -> None:
    """Count a request, of whatever kind: a page costs more than many a message.

    The address is that of the connection, or, with ``ROLEWISE_PROXIES``, the one that the outermost trusted proxy saw. A connection from
    this machine is not limited: it is a proxy that says no address, or whoever runs the server.

    Raises:
        TooManyMessagesError: it is one too many.
    """
    address = request.remote_addr or request.ip
    if request.remote_addr or not is_loopback(address):
        early = of_addresses().wait(network(address))
        if early:
            raise TooManyMessagesError(early)


def network(address: str) -> str:
    """What an address counts as: whoever has one IPv6 address usually has the whole /64 it is in."""
    try:
        # Sanic writes one of a proxy's header in brackets.
        parsed = ipaddress.ip_address(address.strip("[]").partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)


def is_loopback(address: str) -> bool:
    """Whether an address is this machine."""
    try:
        parsed = ipaddress.ip_address(address)
        return (getattr(parsed, "ipv4_mapped", None) or parsed).is_loopback
    except ValueError:
        return False
