"""What any client of HTTP may expect, of the real server: HEAD, HTTP/1.0, copies and codings, byte order marks, pages under any path."""

from __future__ import annotations

import codecs
import gzip
import json
import re
from urllib.parse import urljoin

import pytest
import requests

from tests.raw import Reply, exchange
from tests.serving import Person, Server

PATHS = [
    "/chat",
    "/chat/",
    "/chat/ready",
    "/chat/live",
    "/chat/widget.js",
    "/chat/faq",
    "/chat/config",
    "/metrics",
    "/webhooks/rest/",
    "/slack/",
]


@pytest.fixture
def person(web_server: Server) -> Person:
    return Person(web_server.address)


def raw(server: Server, head: str, body: bytes = b"") -> Reply:
    """One request, byte by byte; without keep-alive the server closes."""
    return exchange(server.port, head.replace("\n", "\r\n").encode() + b"\r\n\r\n" + body)


@pytest.mark.parametrize("path", PATHS)
def test_head_says_what_get_says_without_the_body(web_server: Server, path: str) -> None:
    get = requests.get(web_server.address + path, timeout=60)
    reply = raw(web_server, f"HEAD {path} HTTP/1.1\nHost: localhost\nAccept-Encoding: gzip, deflate\nConnection: close")
    head, _, body = reply.data.partition(b"\r\n\r\n")
    fields = {name.lower(): value for name, _, value in (line.partition(": ") for line in head.decode().split("\r\n")[1:])}
    assert reply.statuses == [200] == [get.status_code] and body == b"" and reply.closed
    # The metrics count these requests, too.
    other = {"connection", "keep-alive", *(["content-length"] if path == "/metrics" else [])}
    told = {name.lower(): value for name, value in get.headers.items() if name.lower() not in other}
    assert "content-type" in told and {name: fields.get(name) for name in told} == told


def test_a_connection_goes_on_after_head(web_server: Server) -> None:
    first = "HEAD /chat HTTP/1.1\nHost: localhost\n\n"
    reply = raw(web_server, f"{first}GET /chat/live HTTP/1.1\nHost: localhost\nConnection: close")
    assert reply.statuses == [200, 200] and reply.data.endswith(b'{"status":"ok"}')


def test_head_of_what_takes_no_get_is_refused(web_server: Server) -> None:
    assert requests.head(f"{web_server.address}/chat/message", timeout=60).status_code == 405


@pytest.mark.parametrize("more", ["", "\nConnection: keep-alive"])
def test_to_http_1_0_a_reply_comes_without_chunks_and_ends_with_the_connection(web_server: Server, person: Person, more: str) -> None:
    body = json.dumps({"id": "message-old", "text": "what does a data scientist earn"}).encode()
    reply = raw(
        web_server,
        f"POST /chat/message HTTP/1.0\nHost: localhost\nAuthorization: Bearer {person.token}\nContent-Type: application/json\n"
        f"Content-Length: {len(body)}{more}",
        body,
    )
    head, _, content = reply.data.partition(b"\r\n\r\n")
    assert reply.closed and b"transfer-encoding" not in head.lower() and b"connection: close" in head.lower()
    lines = [json.loads(line) for line in content.splitlines()]
    assert [line["type"] for line in lines if line["type"] != "wait"] == ["ack", "message", "end"]
    assert person.history()[1]["text"] == next(line for line in lines if line["type"] == "message")["text"]


def test_http_1_0_gets_other_answers_as_ever(web_server: Server) -> None:
    for path in "/chat/live", "/chat/widget.js":
        reply = raw(web_server, f"GET {path} HTTP/1.0")
        head, _, content = reply.data.partition(b"\r\n\r\n")
        assert reply.closed and f"content-length: {len(content)}".encode() in head.lower()


@pytest.mark.parametrize("path", ["/chat", "/chat/widget.js", "/chat/faq"])
def test_codings_are_chosen_by_their_weights(web_server: Server, path: str) -> None:
    def got(accepted: str) -> tuple[str | None, bytes]:
        response = requests.get(web_server.address + path, headers={"Accept-Encoding": accepted}, stream=True, timeout=60)
        return response.headers.get("Content-Encoding"), response.raw.read(decode_content=False)

    plain, packed = got("identity"), got("gzip")
    assert plain[0] is None and packed[0] == "gzip" and gzip.decompress(packed[1]) == plain[1]
    assert [got(accepted) for accepted in ("gzip;q=0", "gzip;q=0, *", "br", "gzip;q=0.2, identity;q=0.5")] == [plain] * 4
    assert [got(accepted) for accepted in ("*", "br, gzip;q=0.5", "x-gzip")] == [packed] * 3


@pytest.mark.parametrize("path", ["/chat", "/chat/widget.js", "/chat/faq"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_who_has_the_current_copy_is_told_so(web_server: Server, path: str, method: str) -> None:
    tag = requests.get(web_server.address + path, timeout=60).headers["ETag"]

    def status(none_match: str) -> int:
        response = requests.request(method, web_server.address + path, headers={"If-None-Match": none_match}, timeout=60)
        assert response.headers["ETag"] == tag and (response.status_code == 200 or not response.content)
        return response.status_code

    strong, packed = tag.removeprefix("W/"), tag[:-1] + '-gzip"'
    assert {status(seen) for seen in (tag, strong, packed, f'"other", {tag}', f"{strong},{packed}", "*")} == {304}
    assert {status(seen) for seen in ('"other"', strong.strip('"'), 'W/""')} == {200}


def test_a_list_on_several_lines_is_one(web_server: Server) -> None:
    tag = requests.get(f"{web_server.address}/chat", timeout=60).headers["ETag"]
    lines = f'If-None-Match: "other"\nIf-None-Match: {tag}\nConnection: close'
    assert raw(web_server, f"GET /chat HTTP/1.1\nHost: localhost\n{lines}").statuses == [304]


@pytest.mark.parametrize("path", ["/webhooks/rest/webhook", "/chat/message", "/chat/rating"])
def test_a_byte_order_mark_before_a_body_is_skipped_and_lines_may_end_anyhow(web_server: Server, person: Person, path: str) -> None:
    answer_id = person.say("what does a data scientist earn")["card"]["answer_id"]
    body = {"message": "hi", "sender": "marked", "id": "message-marked", "text": "hi", "answer_id": answer_id, "value": "up"}
    sent = codecs.BOM_UTF8 + json.dumps(body, indent=1).replace("\n", "\r\n").encode() + b"\r\n"
    headers = {"Authorization": f"Bearer {person.token}", "Content-Type": "application/json"}
    response = requests.post(web_server.address + path, data=sent, headers=headers, timeout=60)
    assert response.status_code == 200, response.text
    # A mark inside is no mark, and JSON between programs is UTF-8.
    for other in codecs.BOM_UTF8 + sent, json.dumps(body).encode("utf-16"):
        assert requests.post(web_server.address + path, data=other, headers=headers, timeout=60).status_code == 400


@pytest.mark.parametrize("path", ["/chat", "/chat/", "/chat/faq", "/chat/faq/"])
def test_every_address_on_a_page_of_ours_is_relative_and_leads_below_chat(web_server: Server, path: str) -> None:
    response = requests.get(web_server.address + path, timeout=60)
    named = re.findall(r'<(?:a|link|script|img)\b[^>]*?\b(?:href|src)="([^"]*)"', response.text)
    own = [address for address in named if not address.startswith(("http://", "https://", "#"))]
    assert len(own) >= 4 and not [address for address in own if address.startswith("/")]
    for address in {address.partition("#")[0] for address in own}:
        target = urljoin(response.url, address)
        assert target.startswith(f"{web_server.address}/chat") and requests.get(target, timeout=60).status_code == 200
