"""Requests as bytes: read in one way or refused with 400, by the rules alone and by the running server; and fuzzed."""

from __future__ import annotations

import json
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator

import psutil
import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from rolewise.channels import framing
from rolewise.channels.framing import FramingError
from tests.raw import exchange
from tests.serving import Server

BODY = json.dumps({"sender": "raw", "message": "hello"}).encode()
WEBHOOK = b"POST /webhooks/rest/webhook HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
GET = b"GET /chat/live HTTP/1.1\r\nHost: x\r\n"
CHUNKED = WEBHOOK + b"Transfer-Encoding: chunked\r\n\r\n"
CLOSE = b"GET /chat/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
SIZE = len(BODY)


def chunks(*pieces: bytes) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


WHOLE = WEBHOOK + b"Content-Length: %d\r\n\r\n" % SIZE + BODY

# What may be asked, each with the statuses of its answers.
GOOD = {
    "get": (CLOSE, [200]),
    "two at once": (GET + b"\r\n" + CLOSE, [200, 200]),
    "an empty line in front": (b"\r\n" + CLOSE, [200]),
    "an empty line between": (GET + b"\r\n\r\n" + CLOSE, [200, 200]),
    "no space after the colon": (b"GET /chat/live HTTP/1.1\r\nHost:x\r\nConnection:close\r\n\r\n", [200]),
    "spaces behind a value": (b"GET /chat/live HTTP/1.1\r\nHost: x \t\r\nConnection: close\r\n\r\n", [200]),
    "HTTP/1.0 without a host": (b"GET /chat/live HTTP/1.0\r\n\r\n", [200]),
    "an absolute target": (b"GET http://x/chat/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", [200]),
    "a length": (WHOLE + CLOSE, [200, 200]),
    "a length of 0": (GET + b"Content-Length: 0\r\n\r\n" + CLOSE, [200, 200]),
    "leading zeros": (WEBHOOK + b"Content-Length: 00%d\r\n\r\n" % SIZE + BODY + CLOSE, [200, 200]),
    "chunked": (CHUNKED + chunks(BODY) + CLOSE, [200, 200]),
    "chunked byte by byte": (CHUNKED + chunks(*(BODY[at : at + 1] for at in range(SIZE))) + CLOSE, [200, 200]),
    "chunked in capitals": (WEBHOOK + b"Transfer-Encoding: Chunked\r\n\r\n" + chunks(BODY) + CLOSE, [200, 200]),
    "an extension of a chunk": (CHUNKED + b"%x;name=value\r\n%b\r\n0\r\n\r\n" % (SIZE, BODY) + CLOSE, [200, 200]),
    "a trailer": (CHUNKED + b"%x\r\n%b\r\n0\r\nX-Sum: 1\r\n\r\n" % (SIZE, BODY) + CLOSE, [200, 200]),
    "bytes above ASCII in a value": (GET + b"X-Name: J\xfcrgen\r\nConnection: close\r\n\r\n", [200]),
    "expecting to be told to go on": (
        WEBHOOK + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % SIZE + BODY + CLOSE,
        [100, 200, 200],
    ),
    "websocket where there is none": (GET + b"Upgrade: websocket\r\nConnection: close\r\n\r\n", [200]),
}
# What is refused. Behind each comes a request that would be answered if the server read another end than we mean.
BAD = {
    "a negative length": GET + b"Content-Length: -5\r\n\r\nab",
    "letters as a length": WEBHOOK + b"Content-Length: abc\r\n\r\n" + BODY,
    "a plus": WEBHOOK + b"Content-Length: +%d\r\n\r\n" % SIZE + BODY,
    "an underscore": WEBHOOK + b"Content-Length: 3_4\r\n\r\n" + BODY,
    "an empty length": WEBHOOK + b"Content-Length: \r\n\r\n" + BODY,
    "a length in hexadecimal": WEBHOOK + b"Content-Length: 0x22\r\n\r\n" + BODY,
    "a length in Arabic digits": WEBHOOK + "Content-Length: ٣٤\r\n\r\n".encode() + BODY,
    "a list of lengths": WEBHOOK + b"Content-Length: %d, %d\r\n\r\n" % (SIZE, SIZE) + BODY,
    "an endless length": WEBHOOK + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n" + BODY,
    "two lengths": WEBHOOK + b"Content-Length: %d\r\nContent-Length: 5\r\n\r\n" % SIZE + BODY,
    "a length beside chunked": WEBHOOK + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks(BODY),
    "another coding": WEBHOOK + b"Transfer-Encoding: xchunked\r\n\r\n" + chunks(BODY),
    "two codings": WEBHOOK + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + chunks(BODY),
    "chunked twice": WEBHOOK + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks(BODY),
    "a quoted coding": WEBHOOK + b'Transfer-Encoding: "chunked"\r\n\r\n' + chunks(BODY),
    "a vertical tab": WEBHOOK + b"Transfer-Encoding:\x0bchunked\r\n\r\n" + chunks(BODY),
    "chunked in HTTP/1.0": CHUNKED.replace(b"HTTP/1.1", b"HTTP/1.0") + chunks(BODY),
    "letters as a chunk's size": CHUNKED + b"ZZ\r\n" + BODY + b"\r\n0\r\n\r\n",
    "a negative chunk": CHUNKED + b"-5\r\n" + BODY + b"\r\n0\r\n\r\n",
    "a plus before a chunk": CHUNKED + b"+%x\r\n" % SIZE + BODY + b"\r\n0\r\n\r\n",
    "0x before a chunk": CHUNKED + b"0x%x\r\n" % SIZE + BODY + b"\r\n0\r\n\r\n",
    "an underscore in a chunk": CHUNKED + b"2_2\r\n" + BODY + b"\r\n0\r\n\r\n",
    "a space before a chunk": CHUNKED + b" %x\r\n" % SIZE + BODY + b"\r\n0\r\n\r\n",
    "an empty size": CHUNKED + b"\r\n" + BODY + b"\r\n0\r\n\r\n",
    "a bare line feed behind a chunk's size": CHUNKED + b"%x\n" % SIZE + BODY + b"\r\n0\r\n\r\n",
    "a bare line feed behind a chunk": CHUNKED + b"%x\r\n" % SIZE + BODY + b"\n0\r\n\r\n",
    "a chunk longer than it says": CHUNKED + b"%x\r\n" % (SIZE - 3) + BODY + b"\r\n0\r\n\r\n",
    "a line feed in an extension": CHUNKED + b"%x;a\nb\r\n" % SIZE + BODY + b"\r\n0\r\n\r\n",
    "an endless extension": CHUNKED + b"%x;" % SIZE + b"a" * 5000 + b"\r\n" + BODY + b"\r\n0\r\n\r\n",
    "a length as a trailer": CHUNKED + b"%x\r\n%b\r\n0\r\nContent-Length: 5\r\n\r\n" % (SIZE, BODY),
    "no field as a trailer": CHUNKED + b"%x\r\n%b\r\n0\r\nGET / HTTP/1.1\r\n\r\n" % (SIZE, BODY),
    "bad chunks that nobody asked for": b"POST /nowhere HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n\r\n",
    "bare line feeds": b"GET /chat/live HTTP/1.1\nHost: x\n\n",
    "one bare line feed": b"GET /chat/live HTTP/1.1\r\nHost: x\nX: y\r\n\r\n",
    "a bare carriage return": b"GET /chat/live HTTP/1.1\r\nHost: x\rX: y\r\n\r\n",
    "a space before the colon": WEBHOOK + b"Content-Length : %d\r\n\r\n" % SIZE + BODY,
    "a folded field": GET + b"X: y\r\n z\r\n\r\n",
    "a space before the first field": b"GET /chat/live HTTP/1.1\r\n Host: x\r\n\r\n",
    "a field without a colon": GET + b"nothing\r\n\r\n",
    "a field without a name": GET + b": x\r\n\r\n",
    "a zero byte": GET + b"X: a\x00b\r\n\r\n",
    "no host": b"GET /chat/live HTTP/1.1\r\n\r\n",
    "two hosts": GET + b"Host: y\r\n\r\n",
    "a host with a path": b"GET /chat/live HTTP/1.1\r\nHost: x/y\r\n\r\n",
    "a host with a user": b"GET /chat/live HTTP/1.1\r\nHost: u@x\r\n\r\n",
    "another host in the target": b"GET http://y/chat/live HTTP/1.1\r\nHost: x\r\n\r\n",
    "a tunnel": b"CONNECT evil:443 HTTP/1.1\r\nHost: evil:443\r\n\r\n",
    "a target that is no path": b"GET chat/live HTTP/1.1\r\nHost: x\r\n\r\n",
    "a scheme": b"GET file:///etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
    "an asterisk": b"GET * HTTP/1.1\r\nHost: x\r\n\r\n",
    "a target above ASCII": "GET /chat/lïve HTTP/1.1\r\nHost: x\r\n\r\n".encode(),
    "two spaces": b"GET  /chat/live HTTP/1.1\r\nHost: x\r\n\r\n",
    "a tab": b"GET\t/chat/live HTTP/1.1\r\nHost: x\r\n\r\n",
    "no version": b"GET /chat/live\r\nHost: x\r\n\r\n",
    "another version": b"GET /chat/live HTTP/2.0\r\nHost: x\r\n\r\n",
    "half a version": b"GET /chat/live HTTP/1.\r\nHost: x\r\n\r\n",
    "a method that is none": b"GE(T /chat/live HTTP/1.1\r\nHost: x\r\n\r\n",
    "the beginning of TLS": b"\x16\x03\x01" + bytes(50) + b"\r\n\r\n",
    "two expectations": WEBHOOK + b"Expect: 100-continue\r\nExpect: x\r\nContent-Length: 1\r\n\r\na",
    "two content types": WEBHOOK + b"Content-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % SIZE + BODY,
}
TOO_MUCH = {
    "100 fields of 8 kB": GET + b"".join(b"X-%d: %b\r\n" % (number, b"a" * 8000) for number in range(100)) + b"\r\n",
    "a thousand fields": GET + b"a: b\r\n" * 1000 + b"\r\n",
    "a long target": b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "a head without an end": b"GET /chat/live HTTP/1.1\r\nX: " + b"a" * 100_000,
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, announce: Callable[[str], None]) -> Iterator[Server]:
    announce("Starting `rolewise serve` for raw requests (about 20 s) ...")
    with Server(tmp_path_factory.mktemp("framing"), ROLEWISE_SENDER_LIMIT="off") as started:
        yield started


def alive(server: Server) -> None:
    assert requests.get(f"{server.address}/chat/live", timeout=5).status_code == 200


@pytest.mark.parametrize("name", GOOD)
def test_what_is_allowed_is_answered(server: Server, name: str) -> None:
    data, statuses = GOOD[name]
    reply = exchange(server.port, data)
    assert reply.statuses == statuses and reply.closed, reply


@pytest.mark.parametrize("name", BAD)
def test_what_is_not_is_refused_and_the_connection_closed(server: Server, name: str) -> None:
    errors = server.metric("rolewise_errors_total")
    reply = exchange(server.port, BAD[name] + b"\r\n" + CLOSE)
    assert reply.statuses == ([404] if name == "bad chunks that nobody asked for" else [400]), reply
    assert reply.closed and reply.seconds < 5, reply
    assert b'{"error":"' in reply.data
    alive(server)
    assert server.metric("rolewise_errors_total") == errors


@pytest.mark.parametrize("name", TOO_MUCH)
def test_a_head_of_too_much_is_refused(server: Server, name: str) -> None:
    reply = exchange(server.port, TOO_MUCH[name])
    assert reply.statuses == [431] and reply.closed and reply.seconds < 8, reply
    alive(server)


def test_a_process_that_was_asked_all_that_is_idle_and_stops_when_told(tmp_path_factory: pytest.TempPathFactory) -> None:
    with Server(tmp_path_factory.mktemp("stops")) as server:
        for data in BAD.values():
            exchange(server.port, data, until=b"HTTP/1.1")
        process = psutil.Process(server.pid)
        process.cpu_percent()
        time.sleep(1)
        assert process.cpu_percent() < 50
        server.process.terminate()  # type: ignore[union-attr]
        assert server.process.wait(30) == 0  # type: ignore[union-attr]


def test_every_line_of_the_log_is_json(server: Server) -> None:
    began = len(server.told())
    for data in (*BAD.values(), *TOO_MUCH.values()):
        exchange(server.port, data, until=b"HTTP/1.1")
    for line in server.told()[began:].splitlines():
        json.loads(line)


# -- the rules alone -----------------------------------------------------------------------------------------------------------


@settings(max_examples=2000, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=80), st.sampled_from(sorted(BAD.values())).flatmap(lambda data: st.builds(mutated, st.just(data), st.integers()))
    )
)
def test_a_head_that_passes_is_what_it_is_written_as(data: bytes) -> None:
    head = data.partition(b"\r\n\r\n")[0]
    try:
        written = framing.checked_head(head)
    except FramingError:
        return
    assert framing.checked_head(written) == written
    assert b"\n" not in written.replace(b"\r\n", b"")


# -- fuzz ----------------------------------------------------------------------------------------------------------------------

FUZZED = int(os.environ.get("FUZZ_REQUESTS", "5000"))
SPLICES = [
    b"\r\n", b"\n", b"\r", b"\x00", b" ", b"\t", b":", b",", b";", b"-", b"+", b"_", b"0", b"\xff", b"\xc0\xaf", b"chunked",
    b"Content-Length: 3\r\n",
    b"Transfer-Encoding: chunked\r\n", b"0\r\n\r\n", b"HTTP/1.1", b"Host: y\r\n", b"Expect: 100-continue\r\n", b"Upgrade: websocket\r\n",
    b"Authorization: Bearer \xff\xfe\r\n", b"Origin: \xff\r\n", b"X-Forwarded-For: \xff\r\n", b"Cookie: a=\xff\r\n", b"Range: bytes=0-\r\n",
    b"%00", b"%ff", b"%zz", b"/../", b"?a=%ff&a", b"#",
]  # fmt: skip
ROUTES = [
    b"/chat/",
    b"/chat/faq",
    b"/chat/session",
    b"/chat/message",
    b"/chat/history",
    b"/chat/config",
    b"/metrics",
    b"/slack/events",
    b"/",
]


def mutated(data: bytes, seed: int) -> bytes:
    """Bytes flipped, cut out, put in, doubled."""
    chance = random.Random(seed)
    work = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(work) + 1)
        match chance.randrange(6):
            case 0 if at < len(work):
                work[at] ^= 1 << chance.randrange(8)
            case 1:
                del work[at : at + chance.randint(1, 8)]
            case 2:
                work[at:at] = chance.choice(SPLICES)
            case 3:
                work[at:at] = work[at : at + chance.randint(1, 40)]
            case 4:
                work[at : at + 1] = bytes([chance.randrange(256)])
            case _:
                work = work[: max(at, 1)]
    return bytes(work)


def fuzzed(chance: random.Random) -> bytes:
    """A request, or several joined, of which something is wrong, mostly."""
    known = [data for data, _ in GOOD.values()] + list(BAD.values())
    pieces = []
    for _ in range(chance.choice([1, 1, 1, 2, 3])):
        piece = chance.choice(known)
        if chance.random() < 0.2:
            method = chance.choice([b"GET", b"POST", b"OPTIONS", b"HEAD", b"DELETE"])
            piece = method + b" " + chance.choice(ROUTES) + b" HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
        pieces.append(mutated(piece, chance.getrandbits(32)) if chance.random() < 0.85 else piece)
    return b"".join(pieces)


def test_thousands_of_broken_requests_break_nothing(server: Server) -> None:
    seed = int(os.environ.get("FUZZ_SEED", "1"))
    chance = random.Random(seed)
    seen: Counter[int] = Counter()
    errors, began = server.metric("rolewise_errors_total"), len(server.told())
    for number in range(FUZZED):
        data = fuzzed(chance)
        # A request that is not whole is answered when its time is over; here nobody waits for that.
        reply = exchange(server.port, data, wait=0.06)
        seen.update(reply.statuses)
        assert all(status < 500 for status in reply.statuses), (seed, number, data, reply)
        if number % 100 == 0:
            alive(server)
    alive(server)
    assert server.metric("rolewise_errors_total") == errors
    assert server.say("what does a data scientist earn", "after it")["text"]
    for line in server.told()[began:].splitlines():
        assert "trace" not in json.loads(line), line
    print(f"\n{FUZZED} broken requests, seed {seed}: {dict(sorted(seen.items()))}")
