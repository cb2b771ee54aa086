"""A real server for tests: `rolewise serve` on a free port, which can be frozen, killed and started again on the same port."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import requests

from rolewise.settings import PROJECT_ROOT

COMMAND = Path(sys.executable).parent / "rolewise"
# A model may have to be trained first.
PATIENCE = 900
SECRET = "a secret of the tests, which signs tokens for them only"


class Server:
    """`rolewise serve`.

    Args:
        log: what it prints goes to this file.
        settings: more environment variables.
    """

    def __init__(self, log: Path, **settings: str) -> None:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            self.port: int = listener.getsockname()[1]
        self.log = log
        self.address = f"http://127.0.0.1:{self.port}"
        environment = {name: value for name, value in os.environ.items() if name != "HOST"}
        self.environment = {**environment, "PORT": str(self.port), "ROLEWISE_SECRET": SECRET, **settings}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Server:
        """Start, and wait until it answers."""
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [str(COMMAND), "serve"],
                cwd=PROJECT_ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        end = time.monotonic() + PATIENCE
        while True:
            assert self.process.poll() is None and time.monotonic() < end, self.output()
            try:
                if requests.get(f"{self.address}/chat", timeout=10).status_code == 200:
                    return self
            except requests.ConnectionError:
                time.sleep(0.25)

    def output(self) -> str:
        return self.log.read_text(encoding="utf-8")[-3000:]

    def signal(self, number: signal.Signals) -> None:
        assert self.process
        os.killpg(self.process.pid, number)

    def freeze(self) -> None:
        """Whoever asks now waits."""
        self.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.signal(signal.SIGCONT)

    def kill(self) -> None:
        """As a crash does: nothing is finished, nobody is told."""
        self.signal(signal.SIGKILL)
        assert self.process
        self.process.wait()

    def stop(self) -> None:
        if not self.process or self.process.poll() is not None:
            return
        self.signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()


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
