"""Slow, silent and many connections: each has its time, there are only so many, and people are served meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sanic import Request, Sanic
from sanic.http import Http
from sanic.response import HTTPResponse, text

from rolewise.channels.connections import BODY_SECONDS, FIRST_SECONDS, HEAD_SECONDS, Door, GuardedHttp, GuardedHttpProtocol
from rolewise.channels.limits import network
from tests.raw import Reply, opened, received
from tests.serving import Server

FILES = 256
HEAD = b"POST /webhooks/rest/webhook HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 4000\r\n\r\n"
# What a timer and a busy machine may add, in seconds.
LATE = 4.0


async def test_what_came_with_its_connection_goes_after_those_that_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []

    async def answered(self: Http) -> None:
        order.append("new")

    monkeypatch.setattr(Http, "http1", answered)
    # As far as the base class looks at it.
    protocol: Any = SimpleNamespace(send=None, receive_more=None, recv_buffer=bytearray(b"GET"), app=SimpleNamespace(dispatch=None))
    new = asyncio.create_task(GuardedHttp(protocol).http1())
    asyncio.get_running_loop().call_soon(order.append, "waiting")
    await new
    assert order == ["waiting", "new"]


async def test_an_answer_to_somebody_who_just_left_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    app = Sanic("left", configure_logging=False)

    @app.head("/")
    async def late(request: Request) -> HTTPResponse:
        # As the event loop closes a connection: whoever waits for it is told a round later.
        transport: Any = request.transport
        transport.close()
        return text("late")

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        started: Any = await app.create_server(sock=listener, protocol=GuardedHttpProtocol, return_asyncio_server=True)
        await started.startup()
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        writer.write(b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert await reader.read() == b""
        writer.close()
        started.close()
        await started.wait_closed()
    assert not [record for record in caplog.records if record.exc_info], caplog.text


class FewFiles(Server):
    """A server that may open few files, as `ulimit -n` has it."""

    def spawn(self) -> subprocess.Popen[bytes]:
        process = super().spawn()
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (FILES, FILES))
        return process


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, announce: Callable[[str], None]) -> Iterator[Server]:
    announce("Starting `rolewise serve` for slow connections (about 20 s) ...")
    with FewFiles(tmp_path_factory.mktemp("connections"), ROLEWISE_SENDER_LIMIT="off") as started:
        yield started


def trickle(connection: socket.socket, data: bytes, seconds: float) -> float:
    """Send byte after byte until the server has enough of it; returns when it had, in seconds."""
    began = time.monotonic()
    with contextlib.suppress(OSError):
        while time.monotonic() - began < seconds:
            connection.sendall(data[:1])
            data = data[1:] or data
            connection.settimeout(0.5)
            with contextlib.suppress(TimeoutError):
                piece = connection.recv(65536, socket.MSG_PEEK)
                assert piece is not None
                break
    return time.monotonic() - began


# What arrives byte by byte: how it begins, what follows, and the time for all of it.
TRICKLES = {
    "a head": (b"GET /chat/live HTTP/1.1\r\nHost: x\r\n", b"X: " + b"a" * 100, HEAD_SECONDS),
    "a body": (HEAD, b" " * 30, BODY_SECONDS),
    "chunks": (HEAD.replace(b"Content-Length: 4000", b"Transfer-Encoding: chunked"), b"1\r\n \r\n" * 30, BODY_SECONDS),
    "a body behind an upgrade": (
        b"GET /chat/live HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nContent-Length: 4000\r\n\r\n",
        b" " * 30,
        BODY_SECONDS,
    ),
}
# What stalls: all that comes, the time for the rest, and what is answered.
STALLS: dict[str, tuple[bytes, float, list[int]]] = {
    "nothing": (b"", FIRST_SECONDS, []),
    "half a head": (b"GET /ch", HEAD_SECONDS, [408]),
    "half a body": (HEAD + b"{", BODY_SECONDS, [408]),
}


def trickled(port: int, begin: bytes, rest: bytes, due: float) -> tuple[float, Reply]:
    """How long the server took it, and what it answered."""
    with opened(port) as connection:
        connection.sendall(begin)
        took = trickle(connection, rest, due + LATE)
        return took, received(connection, 0, 5)


def stalled(port: int, data: bytes, due: float) -> Reply:
    """What the server answered to this and nothing more."""
    began = time.monotonic()
    with opened(port) as connection:
        connection.sendall(data)
        return received(connection, began, due + LATE)


@pytest.fixture(scope="module")
def slow(server: Server) -> Iterator[dict[str, Future[Any]]]:
    """All slow connections at once, as they come in life; each is waited for by its own test."""
    with ThreadPoolExecutor(len(TRICKLES) + len(STALLS)) as pool:
        yield {
            **{name: pool.submit(trickled, server.port, *case) for name, case in TRICKLES.items()},
            **{name: pool.submit(stalled, server.port, data, due) for name, (data, due, _) in STALLS.items()},
        }


@pytest.mark.parametrize("name", TRICKLES)
def test_what_arrives_byte_by_byte_has_one_time_in_all(server: Server, slow: dict[str, Future[Any]], name: str) -> None:
    *_, due = TRICKLES[name]
    took, reply = slow[name].result()
    assert due - 1 < took < due + LATE
    assert reply.statuses == [408] and reply.closed, reply
    assert "too long to arrive" in server.told()


@pytest.mark.parametrize("name", STALLS)
def test_what_stalls_is_ended(slow: dict[str, Future[Any]], name: str) -> None:
    _, due, statuses = STALLS[name]
    reply = slow[name].result()
    assert reply.closed and reply.seconds < due + LATE and reply.statuses == statuses, reply


def test_a_crowd_that_says_nothing_keeps_nobody_out(server: Server) -> None:
    silent: list[socket.socket] = []
    try:
        for _ in range(300):
            with contextlib.suppress(OSError):
                silent.append(opened(server.port, timeout=2))
        assert len(silent) > 250
        for number in range(20):
            began = time.monotonic()
            assert server.say("what does a data scientist earn", f"crowd{number}")["text"]
            assert time.monotonic() - began < 5
        assert len(list(Path(f"/proc/{server.pid}/fd").iterdir())) < FILES
        assert "Too many connections are open" in server.told()
    finally:
        for connection in silent:
            connection.close()
    assert not [line for line in server.lines() if "trace" in line]


# -- who makes room ------------------------------------------------------------------------------------------------------------


class Line:
    """Stands for a connection."""

    closed = False

    def abort(self) -> None:
        self.closed = True


def test_the_one_that_waited_longest_makes_room() -> None:
    door = Door(2, 9)
    first, second, third, fourth = lines = [Line() for _ in range(4)]
    assert door.enter(first, None) and door.enter(second, None)  # type: ignore[arg-type]
    door.waits(first)  # type: ignore[arg-type]
    assert door.enter(third, None)  # type: ignore[arg-type]
    assert [line.closed for line in lines] == [False, True, False, False]
    door.works(first)  # type: ignore[arg-type]
    door.works(third)  # type: ignore[arg-type]
    assert not door.enter(fourth, None)  # type: ignore[arg-type]
    door.leave(first)  # type: ignore[arg-type]
    assert door.enter(fourth, None)  # type: ignore[arg-type]
    assert not any(line.closed for line in (first, third, fourth))


def test_an_address_makes_room_for_itself_only() -> None:
    door = Door(9, 2)
    other, *lines = [Line() for _ in range(4)]
    assert door.enter(other, "2001:db8::/64")  # type: ignore[arg-type]
    assert all(door.enter(line, "192.0.2.1") for line in lines)  # type: ignore[arg-type]
    assert [line.closed for line in (other, *lines)] == [False, True, False, False]


def test_a_network_of_ipv6_is_one_address() -> None:
    assert network("2001:db8:1:2::1") == network("2001:db8:1:2:ffff::9") == "2001:db8:1:2::/64"
    assert network("2001:db8:1:2::1") != network("2001:db8:1:3::1")
    assert network("::ffff:192.0.2.1") == network("192.0.2.1") == "192.0.2.1"
    assert network("somewhere") == "somewhere"
