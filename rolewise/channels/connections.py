"""Connections of Sanic's server, guarded: requests are read strictly and within a time, and there are only so many connections.

Sanic 21.12 takes lengths as Python's ``int`` reads them (a negative one never ends), counts time from the last byte, and takes every
connection. What is said of a request stands in ``rolewise.channels.framing``, what is said of its content in the channels.
"""

from __future__ import annotations

import asyncio
import logging
import os
import resource
import time
from asyncio.transports import Transport
from collections import Counter, OrderedDict
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import sanic.app
from sanic.exceptions import InvalidUsage, PayloadTooLarge, RequestTimeout, SanicException, ServiceUnavailable
from sanic.headers import format_http1_response
from sanic.helpers import has_message_body
from sanic.http import HTTP_CONTINUE, Http, Stage
from sanic.server import HttpProtocol
from sanic.server.protocols.websocket_protocol import WebSocketProtocol

from rolewise.channels import framing, limits, report
from rolewise.channels.framing import FramingError
from rolewise.settings import settings

logger = logging.getLogger(__name__)

# Seconds that a new connection may say nothing, a head may take, and then a body.
FIRST_SECONDS, HEAD_SECONDS, BODY_SECONDS = 10.0, 10.0, 20.0
# How often a connection's time is looked at, in seconds.
TICK = 1.0
# After a refusal the rest of what was sent is read for so long, in seconds and bytes: closed at once, the answer would be lost.
LINGER_SECONDS, LINGER_BYTES = 2.0, 2_000_000
# Files that are left for databases, logs and models where the system lets a process open few.
SPARE_FILES = 64
# The same thing is said once in so many seconds: a flood must not fill the log.
QUIET_SECONDS = 10.0

FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nContent-Length: 41\r\nRetry-After: 5\r\n"
    b'Connection: close\r\n\r\n{"error":"too many connections are open"}'
)


def install() -> None:
    """Have every Sanic app of this process that is run from now on use guarded connections, whoever runs it."""
    vars(sanic.app).update(HttpProtocol=GuardedHttpProtocol, WebSocketProtocol=GuardedWebSocketProtocol)


class Door:
    """The connections that are open.

    Where it is full, the one that has waited longest without a whole head of a request makes room; where all are being answered, the
    new one is refused.
    """

    def __init__(self, total: int, an_address: int) -> None:
        """Let in so many, and so many of an address; an address that is not known counts for itself."""
        self.total = total
        self.an_address = an_address
        self._open: dict[Guarded, str | None] = {}
        self._addresses: Counter[str | None] = Counter()
        self._waiting: OrderedDict[Guarded, None] = OrderedDict()

    def enter(self, connection: Guarded, address: str | None) -> bool:
        """Let a connection in, if there is room or somebody makes room; ``address`` is None where it is not limited."""
        if address is not None and self._addresses[address] >= self.an_address:
            say("of one address", "Too many connections of one address are open: %s.", self.an_address)
            if not self._make_room(address):
                return False
        if len(self._open) >= self.total:
            say("in all", "Too many connections are open: %s.", self.total)
            if not self._make_room(None):
                return False
        self._open[connection] = address
        self._addresses[address] += 1
        self.waits(connection)
        return True

    def leave(self, connection: Guarded) -> None:
        """A connection is closed."""
        if connection in self._open:
            address = self._open.pop(connection)
            self._addresses[address] -= 1
            if not self._addresses[address]:
                del self._addresses[address]
        self._waiting.pop(connection, None)

    def waits(self, connection: Guarded) -> None:
        """A connection waits for the head of a request from now on."""
        if connection in self._open:
            self._waiting[connection] = None
            self._waiting.move_to_end(connection)

    def works(self, connection: Guarded) -> None:
        """A connection has the whole head of a request."""
        self._waiting.pop(connection, None)

    def _make_room(self, address: str | None) -> bool:
        report.refused("connection")
        for connection in self._waiting:
            if address is None or self._open[connection] == address:
                self.leave(connection)
                connection.abort()
                return True
        return False


@lru_cache(maxsize=1)
def door() -> Door:
    """The door of this process; to be asked for when everything else is open."""
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = Path("/proc/self/fd")
    taken = len(os.listdir(files)) if files.is_dir() else SPARE_FILES
    room = settings().connections if most == resource.RLIM_INFINITY else min(settings().connections, most - taken - SPARE_FILES)
    return Door(max(room, 1), settings().address_connections)


def limited_address(transport: Transport) -> str | None:
    """The address that a connection is counted for; None for one from this machine or from behind a proxy."""
    peer = transport.get_extra_info("peername")
    if settings().proxies or not isinstance(peer, tuple) or limits.is_loopback(peer[0]):
        return None
    return limits.network(peer[0])


@lru_cache(maxsize=1)
def _said() -> dict[str, float]:
    return {}


def say(kind: str, message: str, *values: object) -> None:
    """Log a warning, unless one of this kind was logged a moment ago."""
    now = time.monotonic()
    if now - _said().get(kind, -QUIET_SECONDS) >= QUIET_SECONDS:
        _said()[kind] = now
        logger.warning(message, *values)


class GuardedHttp(Http):
    """Sanic's requests of one connection, read as RFC 9112 says."""

    __slots__ = ("_broken", "_used", "due")
    # Ours is the smaller one.
    HEADER_MAX_SIZE = Http.HEADER_CEILING

    def __init__(self, protocol: Guarded) -> None:
        """Wait for the first request."""
        super().__init__(protocol)
        # When what is waited for must be here, of the monotonic clock; None while an answer is made.
        self.due: float | None = time.monotonic() + FIRST_SECONDS
        self._broken = False
        self._used = False

    def init_for_request(self) -> None:
        """Wait for the next request."""
        super().init_for_request()
        if self._used:
            self.due = time.monotonic() + self.protocol.keep_alive_timeout
        self._used = True
        door().waits(self.protocol)

    async def http1(self) -> None:
        """Answer the requests of the connection, one after the other."""
        if self.recv_buffer:
            # It came with the connection. What came on connections that wait already wakes them in this round, and as a rule is earlier.
            await asyncio.sleep(0)
        # In the rest of a body that nobody asked for: the answer is on its way already.
        with suppress(InvalidUsage):
            await super().http1()
        if self._broken:
            await self._linger()

    async def http1_request_header(self) -> None:
        """Wait for a whole head and take it, rewritten so that there is one reading of it."""
        self.due = time.monotonic() + HEAD_SECONDS
        try:
            end = await self._head_end()
            self.recv_buffer[:end] = framing.checked_head(bytes(self.recv_buffer[:end]))
        except FramingError as error:
            raise self._refusal(error) from None
        await super().http1_request_header()
        door().works(self.protocol)
        self.due = time.monotonic() + BODY_SECONDS if self.request_body else None

    async def read(self) -> bytes | None:
        """The next piece of a body; None at its end."""
        if self.expecting_continue:
            self.expecting_continue = False
            await self._send(HTTP_CONTINUE)
        if self.request_body == "chunked" and not self.request_bytes_left:
            try:
                size = await self._next_chunk()
            except FramingError as error:
                self.request_body = None
                raise self._refusal(error) from None
            self.request_bytes_left = size
            self.request_bytes = (self.request_bytes or 0) + size
        if self.request_bytes > self.request_max_size:
            self.keep_alive, self._broken = False, True
            raise PayloadTooLarge("Request body exceeds the size limit")
        if not self.request_bytes_left:
            self.request_body = self.due = None
            return None
        if not self.recv_buffer:
            await self._receive_more()
        data = bytes(self.recv_buffer[: self.request_bytes_left])
        del self.recv_buffer[: len(data)]
        self.request_bytes_left -= len(data)
        return data

    async def http1_response_header(self, data: bytes, end_stream: bool) -> None:
        """Begin the answer. To HTTP/1.0, which knows no chunks, one of unknown length goes out as it is, and ends with the connection."""
        answer = self.response
        whole = end_stream or getattr(answer, "body", None) or "content-length" in answer.headers
        if self.request.version != "1.0" or whole or self.head_only or not has_message_body(answer.status):
            await super().http1_response_header(data, end_stream)
            return
        self.keep_alive = self.expecting_continue = False
        answer.headers["connection"] = "close"
        self.response_func = self._unframed
        await self._send(format_http1_response(answer.status, answer.processed_headers) + data)
        self.stage = Stage.RESPONSE

    async def _unframed(self, data: bytes, end_stream: bool) -> None:
        """A part of an answer, as it is."""
        if data:
            await self._send(data)
        if end_stream:
            self.response_func = None  # type: ignore[assignment]
            self.stage = Stage.IDLE

    async def error_response(self, exception: Exception) -> None:
        """Answer with an error, unless an answer was begun. Sanic looks whether one was sent: to somebody who left before, none was."""
        if self.response_func != self.http1_response_header:
            self.keep_alive = False
            return
        await super().error_response(exception)

    def create_empty_request(self) -> None:
        """A request that stands for one that could not be read; it came from somewhere, too."""
        super().create_empty_request()
        self.request.conn_info = self.protocol.conn_info

    async def _head_end(self) -> int:
        """Where the head in the buffer ends."""
        buffer = self.recv_buffer
        blank = False
        while (end := buffer.find(framing.END)) < 0 or not blank:
            # One empty line in front is left over from the request before.
            if not blank and len(buffer) >= 2:
                blank = True
                if buffer.startswith(b"\r\n"):
                    del buffer[:2]
                continue
            framing.check_begun(buffer)
            await self._receive_more()
        return end

    async def _next_chunk(self) -> int:
        """The size of the next chunk; with 0 all of the body was read. The end of the line before it is still in the buffer."""
        if await self._line(2):
            raise FramingError("a chunk is longer than it says")
        size = framing.chunk_size(await self._line(framing.MAX_CHUNK_LINE))
        if not size:
            left = framing.MAX_TRAILER
            while line := await self._line(left):
                framing.check_trailer(line)
                left -= len(line)
        return size

    async def _line(self, most: int) -> bytes:
        buffer = self.recv_buffer
        while (end := buffer.find(b"\n")) < 0 and len(buffer) <= most:
            await self._receive_more()
        if end < 0 or end > most or buffer[end - 1 : end] != b"\r":
            raise FramingError("a line of a chunked body is too long or has no proper end")
        line = bytes(buffer[: end - 1])
        del buffer[: end + 1]
        return line

    def _refusal(self, error: FramingError) -> SanicException:
        self.keep_alive, self._broken = False, True
        return InvalidUsage(str(error)) if error.status == 400 else SanicException(str(error), status_code=error.status)

    async def _linger(self) -> None:
        """Read what still comes after a refusal, and throw it away."""
        transport = self.protocol.transport
        if transport is None or transport.is_closing():
            return
        if transport.can_write_eof():
            transport.write_eof()
        self.due = time.monotonic() + LINGER_SECONDS
        left = LINGER_BYTES
        while left > 0:
            left -= len(self.recv_buffer)
            self.recv_buffer.clear()
            # It ends with the connection or at the time that is due: both cancel this task.
            await self._receive_more()


class Guarded(HttpProtocol):
    """A connection that is only let in where there is room, and has a time for everything."""

    def _setup_connection(self) -> None:
        self._http = GuardedHttp(self)
        self._time = time.monotonic()
        self.check_timeouts()

    def connection_made(self, transport: Any) -> None:
        """Let the connection in, or say why not."""
        self._http = None  # type: ignore[assignment]
        if door().enter(self, limited_address(transport)):
            super().connection_made(transport)
        else:
            transport.write(FULL)
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Make room."""
        door().leave(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what was sent; of one that was not let in, nothing."""
        if self.transport is not None:
            super().data_received(data)

    def check_timeouts(self) -> None:
        """Look every second whether what is waited for is overdue."""
        http = cast("GuardedHttp | None", self._http)
        if self._task is None or http is None or getattr(self, "websocket", None):
            return
        due = http.due if http.due is not None else self._time + self.response_timeout
        if time.monotonic() < due:
            self.loop.call_later(TICK, self.check_timeouts)
            return
        if http.stage in (Stage.REQUEST, Stage.HANDLER):
            arriving = http.due is not None
            http.exception = RequestTimeout("the request took too long to arrive") if arriving else ServiceUnavailable("Response Timeout")
            say("slow", "Requests take too long to %s; their connections are closed.", "arrive" if arriving else "answer")
        elif http.stage is Stage.IDLE and http.request is None:
            say("silent", "Connections on which nothing is said are closed.")
        self._task.cancel()
        # The answer may wait for somebody who reads nothing.
        self.loop.call_later(LINGER_SECONDS, self.abort)


class GuardedHttpProtocol(Guarded):
    """What Sanic calls a connection."""


class GuardedWebSocketProtocol(Guarded, WebSocketProtocol):
    """The same where a channel of Rasa's has web sockets."""
