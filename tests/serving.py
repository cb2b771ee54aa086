"""What the tests of the running server share: a server of its own, started, asked and stopped as anybody would."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any

import requests

from rolewise.settings import PROJECT_ROOT

# A model may have to be trained first.
PATIENCE = 900


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
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
        self.environment = {**environment, "ROLEWISE_STORE": str(self.store), "PORT": str(self.port), **settings}
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Server:
        self.start()
        return self

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

    def start(self) -> None:
        """Start it and wait until it is ready."""
        process = self.spawn()
        end = time.monotonic() + PATIENCE
        while True:
            assert process.poll() is None and time.monotonic() < end, self.told()[-3000:]
            try:
                if requests.get(f"{self.address}/chat/ready", timeout=10).status_code == 200:
                    return
            except requests.ConnectionError:
                time.sleep(0.25)

    def kill(self, sent: signal.Signals, wait: float = 60) -> int | None:
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


def kind(item: dict[str, Any]) -> str:
    return str(item["custom"]["card"]["kind"])


def questions(item: dict[str, Any]) -> list[tuple[str, list[str]]]:
    return [(question["topic"], question["roles"]) for question in item["custom"]["card"]["questions"]]
