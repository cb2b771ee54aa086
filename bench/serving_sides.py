"""The two servers of the serving benchmark: how each is started, and what its processes cost together."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import requests
import yaml

from bench.nlu_rasa import stock_python

ROOT = Path(__file__).resolve().parent.parent
STOCK, ROLEWISE = "stock Rasa", "Rolewise"
QUIET = {
    "RASA_TELEMETRY_ENABLED": "false",
    "TF_CPP_MIN_LOG_LEVEL": "2",
    "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
    "LOG_LEVEL_LIBRARIES": "ERROR",
    # As it is where nobody asked for something else: both find their modules compiled, from their second start on at the latest.
    "PYTHONDONTWRITEBYTECODE": "",
}
PATIENCE = 600
# Seconds between two looks at the memory.
LOOK = 0.25


class Side:
    """A running side: its address, its processes, and the most memory they held together."""

    def __init__(self, name: str, port: int, processes: list[subprocess.Popen[bytes]]) -> None:
        """Watch these processes and what they start."""
        self.name = name
        self.webhook = f"http://127.0.0.1:{port}/webhooks/rest/webhook"
        self._roots = [psutil.Process(process.pid) for process in processes]
        self._started = processes
        self._peak = 0
        self._done = threading.Event()
        self._watch = threading.Thread(target=self._look, daemon=True)
        self._watch.start()

    @property
    def main(self) -> int:
        """The process that was started first, by its id."""
        return self._started[0].pid

    def _all(self) -> list[psutil.Process]:
        return [process for root in self._roots for process in [root, *root.children(recursive=True)]]

    def cpu(self) -> float:
        """CPU seconds of all processes so far."""
        return float(sum(sum(process.cpu_times()[:2]) for process in self._all()))

    def memory(self) -> int:
        """Bytes that all processes hold now; pages they share count once for each."""
        return int(sum(process.memory_info().rss for process in self._all()))

    @property
    def peak(self) -> int:
        """The most bytes they held together."""
        return self._peak

    def _look(self) -> None:
        while not self._done.wait(LOOK):
            try:
                self._peak = max(self._peak, self.memory())
            except psutil.Error:
                continue

    def alive(self) -> None:
        """See that no process has ended.

        Raises:
            RuntimeError: one has.
        """
        for process in self._started:
            if process.poll() is not None:
                raise RuntimeError(f"{self.name}: a process ended with status {process.returncode}")

    def close(self) -> None:
        """Stop looking."""
        self._done.set()
        self._watch.join()


def free_port() -> int:
    """A port that nobody listened on a moment ago."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port


def commands(name: str, scratch: Path, stock_model: Path, port: int) -> list[tuple[list[str], Path, dict[str, str]]]:
    """What is started for a side: command, directory and environment of each process."""
    if name == ROLEWISE:
        settings = {"PORT": str(port), "ROLEWISE_STORE": str(scratch / "conversations.db")}
        return [([str(Path(sys.executable).parent / "rolewise"), "serve"], ROOT, settings)]
    actions = free_port()
    (scratch / "endpoints.yml").write_text(
        yaml.safe_dump(
            {
                "action_endpoint": {"url": f"http://127.0.0.1:{actions}/webhook"},
                "tracker_store": {"type": "SQL", "dialect": "sqlite", "db": str(scratch / "rasa.db")},
            }
        )
    )
    (scratch / "credentials.yml").write_text("rest:\n")
    shutil.copyfile(stock_model, scratch / "stock.tar.gz")
    rasa = [str(stock_python()), "-m", "rasa", "run"]
    served = ["-i", "127.0.0.1", "-p", str(port), "-m", "stock.tar.gz", "--endpoints", "endpoints.yml", "--credentials", "credentials.yml"]
    return [([*rasa, "actions", "--port", str(actions)], ROOT, {}), ([*rasa, *served], scratch, {})]


@contextmanager
def running(name: str, scratch: Path, stock_model: Path, first_message: str) -> Iterator[tuple[Side, float]]:
    """Start a side and stop it in the end.

    Args:
        name: which.
        scratch: an empty directory for its files and its store.
        stock_model: the model of stock Rasa.
        first_message: asked until it is answered.

    Yields:
        The side, and the seconds from the start to the first answer.

    Raises:
        RuntimeError: a process ended, or no answer came.
    """
    port = free_port()
    if name == STOCK:
        stock_python()  # its making is not part of the start
    began = time.perf_counter()
    processes = []
    log = (scratch / "log.txt").open("wb")
    try:
        for command, directory, settings in commands(name, scratch, stock_model, port):
            processes.append(
                subprocess.Popen(
                    command,
                    cwd=directory,
                    env={**os.environ, **QUIET, **settings},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            )
        side = Side(name, port, processes)
        try:
            _answered(side, first_message)
            yield side, time.perf_counter() - began
        finally:
            side.close()
    finally:
        for process in processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
        for process in processes:
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        log.close()


def _answered(side: Side, message: str) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        side.alive()
        try:
            response = requests.post(side.webhook, json={"sender": "first", "message": message}, timeout=60)
            items: Any = response.json()
            if response.status_code == 200 and items and items[0].get("text"):
                return
        except (requests.RequestException, ValueError):
            pass
        time.sleep(0.1)
    raise RuntimeError(f"{side.name}: no answer within {PATIENCE} s")
