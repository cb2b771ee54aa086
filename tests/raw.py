"""Raw connections to a running server: bytes out, bytes in, and how long it took."""

from __future__ import annotations

import contextlib
import re
import socket
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Reply:
    """What came back over one connection until it was closed, or until nothing came any more."""

    data: bytes
    closed: bool
    seconds: float

    @property
    def statuses(self) -> list[int]:
        """Of all answers."""
        return [int(status) for status in re.findall(rb"HTTP/1\.[01] (\d{3}) ", self.data)]


def opened(port: int, timeout: float = 10.0, host: str = "127.0.0.1") -> socket.socket:
    return socket.create_connection((host, port), timeout=timeout)


def received(connection: socket.socket, began: float, wait: float, until: bytes | None = None) -> Reply:
    """Read until the server closes, ``until`` has come, or nothing comes for ``wait`` seconds."""
    data = b""
    connection.settimeout(wait)
    closed = True
    try:
        while piece := connection.recv(65536):
            data += piece
            if until is not None and until in data:
                closed = False
                break
    except TimeoutError:
        closed = False
    except ConnectionError:
        pass
    return Reply(data, closed, time.monotonic() - began)


def exchange(port: int, data: bytes, wait: float = 10.0, until: bytes | None = None) -> Reply:
    """Send bytes over a connection of their own; see :func:`received`."""
    began = time.monotonic()
    with opened(port) as connection:
        # The server may refuse before it has read everything.
        with contextlib.suppress(ConnectionError):
            connection.sendall(data)
        return received(connection, began, wait, until)
