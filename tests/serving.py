"""What the tests of the running server share: a server of its own, asked, frozen, killed and started again as it happens to servers."""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

import jwt
import requests

from rolewise.settings import PROJECT_ROOT
from rolewise.stores import database

SECRET = "a secret of the tests, which signs tokens for them only"
# A model may have to be trained first.
PATIENCE = 900


# Below those that the system gives to connections: a port is taken some time after it was found free.
PORTS = range(20_000, 32_000)


def free_port() -> int:
    """A port that nobody listens on; by chance, as several workers look for one."""
    while True:
        port = random.SystemRandom().choice(PORTS)
        with contextlib.suppress(OSError), socket.socket() as listener:
            listener.bind(("127.0.0.1", port))
            return port


class Server:
    """`rolewise serve` on a free port, with a store and settings of its own."""

    def __init__(self, directory: Path, **settings: str) -> None:
        self.store = Path(settings.get("ROLEWISE_STORE", directory / "conversations.db"))
        self.log = directory / "server.log"
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.webhook = f"{self.address}/webhooks/rest/webhook"
        environment = {name: value for name, value in os.environ.items() if name != "HOST"}
        self.environment = {**environment, "ROLEWISE_STORE": str(self.store), "PORT": str(self.port), "ROLEWISE_SECRET": SECRET, **settings}
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Server:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.kill(signal.SIGTERM)

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def spawn(self) -> subprocess.Popen[bytes]:
        """Start it without waiting."""
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [str(Path(sys.executable).parent / "rolewise"), "serve"],
                cwd=PROJECT_ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self.process

    def start(self) -> Server:
        """Start it and wait until it is ready."""
        process = self.spawn()
        end = time.monotonic() + PATIENCE
        while True:
            assert process.poll() is None and time.monotonic() < end, self.told()[-3000:]
            try:
                if requests.get(f"{self.address}/chat/ready", timeout=10).status_code == 200:
                    return self
            except requests.ConnectionError:
                time.sleep(0.25)

    def wait_for(self, words: str) -> str:
        """Wait until it has written these words; gives all that it has written."""
        end = time.monotonic() + PATIENCE
        while words not in (told := self.told()):
            assert self.process and self.process.poll() is None and time.monotonic() < end, told[-3000:]
            time.sleep(0.05)
        return told

    def kill(self, sent: signal.Signals = signal.SIGKILL, wait: float = 60) -> int | None:
        """Send a signal and wait for the end; returns the exit status."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            # The process group is its own: what the server started ends with it.
            os.killpg(self.process.pid, sent)
            try:
                self.process.wait(wait)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
                raise
        return self.process.returncode

    def freeze(self) -> None:
        """Whoever asks now waits."""
        os.killpg(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.killpg(self.pid, signal.SIGCONT)

    def told(self) -> str:
        """What it has written so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def lines(self) -> list[dict[str, Any]]:
        """The log, without what is no JSON."""
        return [json.loads(line) for line in self.told().splitlines() if line.startswith("{")]

    def post(self, message: Any, sender: str | None = None, **more: Any) -> requests.Response:
        body = {"message": message, **({"sender": sender} if sender else {})}
        return requests.post(self.webhook, json=body, timeout=120, **more)

    def say(self, message: str, sender: str) -> dict[str, Any]:
        """A message; the one item that comes back."""
        response = self.post(message, sender)
        assert response.status_code == 200, response.text
        items = response.json()
        assert len(items) == 1, items
        item: dict[str, Any] = items[0]
        return item

    def metric(self, name: str) -> float:
        """A metric, summed over its labels."""
        text = requests.get(f"{self.address}/metrics", timeout=30).text
        return sum(float(value) for value in re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", text, re.MULTILINE))


def eventually(holds: Callable[[], bool], patience: float = 60) -> None:
    """Wait until something holds, however busy the machine is; in seconds."""
    end = time.monotonic() + patience
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def said_at_once(
    messages: Sequence[tuple[str, str]], sender: str, *, sent: Callable[[int], None] = lambda number: time.sleep(0.005)
) -> list[dict[str, Any]]:
    """Messages sent in this order without waiting for an answer, each to its address; the one item that came back for each.

    Connected before and written by one thread: threads of their own would arrive in whatever order a busy machine runs them. What is called
    with the number of messages sent so far may wait before the next is.
    """
    items = []
    with ExitStack() as stack:
        connections = [stack.enter_context(closing(HTTPConnection(urlsplit(address).netloc, timeout=120))) for address, _ in messages]
        for connection in connections:
            connection.connect()
        for number, (connection, (_, text)) in enumerate(zip(connections, messages, strict=True), 1):
            body = json.dumps({"message": text, "sender": sender})
            connection.request("POST", "/webhooks/rest/webhook", body, {"Content-Type": "application/json"})
            sent(number)
        for connection in connections:
            response = connection.getresponse()
            assert response.status == 200, response.read()
            (item,) = json.loads(response.read())
            items.append(item)
    return items


def kind(item: dict[str, Any]) -> str:
    return str(item["custom"]["card"]["kind"])


def questions(item: dict[str, Any]) -> list[tuple[str, list[str]]]:
    return [(question["topic"], question["roles"]) for question in item["custom"]["card"]["questions"]]


class Site:
    """Somebody's web site on a port of its own; ``pages`` holds the headers and the HTML of each path."""

    def __init__(self) -> None:
        self.pages: dict[str, tuple[dict[str, str], str]] = {}
        pages = self.pages

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                headers, html = pages.get(self.path, ({}, ""))
                self.send_response(200 if self.path in pages else 404)
                for name, value in {"Content-Type": "text/html", **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(html.encode("utf-8"))

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def page(self, path: str, html: str, **headers: str) -> str:
        """Put a page there; gives its address."""
        self.pages[path] = ({name.replace("_", "-"): value for name, value in headers.items()}, html)
        return self.address + path

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class Person:
    """Somebody with a token who talks to the web channel over HTTP."""

    def __init__(self, address: str, token: str | None = None) -> None:
        self.address = f"{address}/chat"
        self.token = token or requests.post(f"{self.address}/session", timeout=120).json()["token"]
        self.count = 0

    def call(self, method: str, path: str, **more: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token}", **more.pop("headers", {})}
        return requests.request(method, f"{self.address}/{path}", headers=headers, timeout=120, **more)

    def lines(self, text: str, message_id: str | None = None, **more: Any) -> list[dict[str, Any]]:
        """The lines of the reply to a message."""
        self.count += 1
        response = self.call("POST", "message", json={"id": message_id or f"message-{self.count}", "text": text, **more})
        assert response.status_code == 200, response.text
        return [json.loads(line) for line in response.text.splitlines()]

    def say(self, text: str, **more: Any) -> dict[str, Any]:
        """The one message of the reply."""
        (message,) = [line for line in self.lines(text, **more) if line["type"] == "message"]
        return message

    def history(self) -> list[dict[str, Any]]:
        response = self.call("GET", "history")
        assert response.status_code == 200, response.text
        messages: list[dict[str, Any]] = response.json()["messages"]
        return messages


def cut_off(server: Server, token: str, message_id: str, text: str) -> None:
    """Leave in the store what the death of a process in the middle of a turn leaves there."""
    conversation = jwt.decode(token, options={"verify_signature": False})["sub"]
    with closing(database.connect(server.store)) as connection:
        connection.execute(
            "INSERT INTO turns (sender_id, message_id, text, title, state, owner, started, seen) "
            f"VALUES (?, ?, ?, '', 'pending', 'somebody', {database.NOW} - 60, {database.NOW} - 60)",
            (conversation, message_id, text),
        )
