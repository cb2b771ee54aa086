"""What RFC 9112 asks of a request's head and of chunked bodies, on plain bytes: no sockets, no Sanic.

One reading only: whatever another program on the way could read differently is refused.
"""

from __future__ import annotations

import re

from httptools import HttpParserInvalidURLError, parse_url

# Bytes of a whole head, and lines in it.
MAX_HEAD, MAX_FIELDS = 16_000, 100
# Digits of a length: more than any body may have, and nothing that takes long to read.
MAX_DIGITS = 12
# Bytes of the line before a chunk, and of all lines behind the last one.
MAX_CHUNK_LINE, MAX_TRAILER = 256, 4096

END = b"\r\n\r\n"
TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
REQUEST_LINE = re.compile(rb"(" + TOKEN + rb") ([\x21-\x7e]+) (HTTP/1\.[01])")
# Visible characters, obs-text, and spaces or tabs between them.
FIELD_LINE = re.compile(rb"(" + TOKEN + rb"):[ \t]*((?:[\x21-\x7e\x80-\xff](?:[\t \x21-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?)[ \t]*")
HOST = re.compile(rb"(?:[A-Za-z0-9._~!$&'()*+,;=%-]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?")
CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[\t\x20-\x7e\x80-\xff]*)?")
ABSOLUTE = re.compile(rb"https?://([^/?#]*)([/?].*)?", re.IGNORECASE)
# A line feed without its carriage return, or the other way round.
BARE = re.compile(rb"(?<!\r)\n|\r(?!\n)")
SINGLE = (b"host", b"content-length", b"transfer-encoding", b"content-type", b"origin", b"authorization", b"expect", b"upgrade")


class FramingError(ValueError):
    """A request that is not one, or could be read in two ways; the message says why."""

    status = 400


class TooLargeError(FramingError):
    """A head with more in it than anybody needs."""

    status = 431


def check_begun(data: bytes | bytearray) -> None:
    """See that a head of which more is to come may still become one.

    Raises:
        FramingError: it cannot.
        TooLargeError: it is too long already.
    """
    # The last byte may be the first half of a line's end.
    if BARE.search(data[:-1] if data[-1:] == b"\r" else data):
        raise FramingError("lines end with a carriage return and a line feed")
    if len(data) > MAX_HEAD:
        raise TooLargeError("the head of the request is too long")


def checked_head(head: bytes) -> bytes:
    """The head of a request, written in the one way that everybody reads alike.

    Args:
        head: from the request line to the last field, without the empty line behind it.

    Raises:
        FramingError: it breaks a rule.
        TooLargeError: it is too long, or has too many fields.
    """
    check_begun(head + b"\r\n")
    first, *lines = head.split(b"\r\n")
    request_line = REQUEST_LINE.fullmatch(first)
    if request_line is None:
        raise FramingError("the request line is not 'METHOD target HTTP/1.1'")
    if len(lines) > MAX_FIELDS:
        raise TooLargeError("the request has too many header fields")
    fields = [_field(line) for line in lines]
    values: dict[bytes, list[bytes]] = {}
    for name, value in fields:
        values.setdefault(name, []).append(value)
    for name in SINGLE:
        if len(values.get(name, ())) > 1:
            raise FramingError(f"there is more than one {name.decode()}")
    method, target, version = request_line.groups()
    _check_host(values, version)
    target = _checked_target(method, target, values)
    _check_length(values, version)
    return b"\r\n".join([b" ".join((method, target, version)), *(_written(name, value) for name, value in fields)])


def chunk_size(line: bytes) -> int:
    """The size that the line before a chunk names, in bytes.

    Raises:
        FramingError: it names none.
    """
    found = CHUNK_LINE.fullmatch(line)
    if found is None or len(line) > MAX_CHUNK_LINE:
        raise FramingError("a chunk has no proper size")
    return int(found[1], 16)


def check_trailer(line: bytes) -> None:
    """See that a line behind the last chunk is a field; its value is of no use to anybody here.

    Raises:
        FramingError: it is none.
    """
    name, _ = _field(line)
    if name in SINGLE:
        raise FramingError(f"{name.decode()} cannot come behind the body")


def _field(line: bytes) -> tuple[bytes, bytes]:
    found = FIELD_LINE.fullmatch(line)
    if found is None:
        raise FramingError("a header field is not 'name: value'")
    return found[1].lower(), found[2]


def _check_host(values: dict[bytes, list[bytes]], version: bytes) -> None:
    hosts = values.get(b"host")
    if hosts is None:
        if version == b"HTTP/1.1":
            raise FramingError("there is no host")
    elif not HOST.fullmatch(hosts[0]):
        raise FramingError("the host is none")


def _checked_target(method: bytes, target: bytes, values: dict[bytes, list[bytes]]) -> bytes:
    """The target as a path with its query; an absolute one has to name the same host as the header does."""
    if target == b"*":
        if method == b"OPTIONS":
            return target
        raise FramingError("the target is no path")
    if absolute := ABSOLUTE.fullmatch(target):
        if [absolute[1].lower()] != [host.lower() for host in values.get(b"host", [absolute[1]])]:
            raise FramingError("the target and the header name different hosts")
        target = absolute[2] or b"/"
        target = target if target.startswith(b"/") else b"/" + target
    if not target.startswith(b"/") or b"#" in target:
        raise FramingError("the target is no path")
    try:
        parse_url(target)
    except HttpParserInvalidURLError:
        raise FramingError("the target is no path") from None
    return target


def _check_length(values: dict[bytes, list[bytes]], version: bytes) -> None:
    length, coding = values.get(b"content-length"), values.get(b"transfer-encoding")
    if coding is not None:
        if length is not None:
            raise FramingError("a length beside a transfer encoding")
        if version != b"HTTP/1.1" or coding[0].lower() != b"chunked":
            raise FramingError("the only transfer encoding is 'chunked', in HTTP/1.1")
    if length is not None and not re.fullmatch(rb"[0-9]{1,%d}" % MAX_DIGITS, length[0]):
        raise FramingError("the content length is no number")


def _written(name: bytes, value: bytes) -> bytes:
    return name + b": " + (value.lower() if name == b"transfer-encoding" else value)
