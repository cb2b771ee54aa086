"""Rolewise as deploy/ has it, on this machine: nginx before several processes on one PostgreSQL and one Redis, and who starts what died."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import requests

from tests.services import Nginx, Postgres, Redis
from tests.serving import Server

# nginx says which processes it asked for a message.
SERVED_BY = "X-Served-By"
DRAIN = 1.0
SETTINGS = {
    "ROLEWISE_PROXIES": "1",
    # nginx counts them, and here everybody has the same.
    "ROLEWISE_ADDRESS_LIMIT": "off",
    "ROLEWISE_DRAIN": str(DRAIN),
    # As in deploy/: several processes on a machine.
    "ROLEWISE_CORES": "1",
    "ROLEWISE_LOG_TEXT": "off",
}


class Cluster:
    """The services and the processes; a process that ended is started again, as a process manager does."""

    def __init__(self, directory: Path, processes: int, **settings: str) -> None:
        directory.mkdir(exist_ok=True)
        self.postgres = Postgres()
        self.redis = Redis()
        self.servers: list[Server] = []
        for number in range(processes):
            own = directory / f"process-{number}"
            own.mkdir()
            stores = {"ROLEWISE_DATABASE": self.postgres.url, "ROLEWISE_REDIS": self.redis.url}
            self.servers.append(Server(own, **SETTINGS, **stores, **settings))
        ports = [server.port for server in self.servers]
        self.nginx = Nginx(ports)
        listen = self.nginx.directory / "listen.conf"
        listen.write_text(f"{listen.read_text()}\nadd_header {SERVED_BY} $upstream_addr always;\n")
        self.address = self.nginx.address
        self.keep_up = True
        self._done = threading.Event()
        self._manager = threading.Thread(target=self._manage, daemon=True)
        self._lock = threading.Lock()

    def start(self, wait: bool = True) -> Cluster:
        """Start everything, the processes at once."""
        self.postgres.start()
        self.redis.start()
        for server in self.servers:
            server.spawn()
        self.nginx.start()
        self._manager.start()
        if wait:
            self.wait_ready(600)
        return self

    def stop(self) -> None:
        """Stop everything, PostgreSQL and Redis last."""
        self._done.set()
        if self._manager.is_alive():
            self._manager.join()
        for server in self.servers:
            if server.process and server.process.poll() is None:
                os.killpg(server.pid, signal.SIGCONT)
                os.killpg(server.pid, signal.SIGTERM)
        for server in self.servers:
            if server.process:
                try:
                    server.process.wait(30)
                except subprocess.TimeoutExpired:
                    server.kill()
        for service in (self.nginx, self.redis, self.postgres):
            service.close()

    def _manage(self) -> None:
        while not self._done.wait(0.2):
            with self._lock:
                for server in self.servers:
                    if self.keep_up and server.process and server.process.poll() is not None:
                        server.spawn()

    def ready(self) -> list[Server]:
        """The processes that can answer a message now."""
        found = []
        for server in self.servers:
            try:
                if requests.get(f"{server.address}/chat/ready", timeout=2).status_code == 200:
                    found.append(server)
            except requests.RequestException:
                continue
        return found

    def wait_ready(self, seconds: float = 180, number: int | None = None) -> None:
        """Wait until so many processes are ready; None: all."""
        end = time.monotonic() + seconds
        while len(self.ready()) < (len(self.servers) if number is None else number):
            assert time.monotonic() < end, "\n".join(server.told()[-1500:] for server in self.servers)
            time.sleep(0.2)

    def at_work(self) -> list[tuple[int, str, str]]:
        """The process, the sender and the id of every message that is on its way."""
        rows = self.postgres.rows("SELECT owner, sender_id, message_id FROM turns WHERE state = 'pending'")
        return [(int(str(owner).split(":")[1]), str(sender), str(message)) for owner, sender, message in rows]

    def kill_at_work(self, server: Server, patience: float = 12.0) -> list[tuple[str, str]]:
        """Kill a process while it has messages on their way; returns those.

        It is stopped before one looks, so that none of them can be answered between the look and the kill. One that just started
        gets none from nginx for five seconds.
        """
        end = time.monotonic() + patience
        while True:
            os.killpg(server.pid, signal.SIGSTOP)
            # PostgreSQL ends by itself what it was already asked to store.
            time.sleep(0.05)
            cut = [(sender, message) for process, sender, message in self.at_work() if process == server.pid]
            if cut or time.monotonic() > end:
                os.killpg(server.pid, signal.SIGKILL)
                return cut
            os.killpg(server.pid, signal.SIGCONT)
            time.sleep(0.01)

    def replace(self, server: Server, **settings: str) -> None:
        """Stop a process in an orderly way and start it anew, perhaps with other settings; returns as it is ready."""
        with self._lock:
            assert server.kill(signal.SIGTERM, wait=60) == 0, server.told()[-2000:]
            server.environment.update(settings)
            server.spawn()
        end = time.monotonic() + 180
        while server not in self.ready():
            assert time.monotonic() < end, server.told()[-2000:]
            time.sleep(0.2)
