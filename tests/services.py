"""PostgreSQL, Redis and nginx for the tests: real ones, on free ports of this machine, with their data in a temporary directory."""

from __future__ import annotations

import glob
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any

import psycopg2
import redis

from rolewise.settings import PROJECT_ROOT
from tests.serving import free_port

# PostgreSQL does not run as root.
UNPRIVILEGED = ("postgres", "nobody")


def found(program: str) -> str:
    """A program of the distribution's packages; Debian keeps PostgreSQL's and nginx outside of the PATH of ordinary people."""
    places = [*sorted(glob.glob("/usr/lib/postgresql/*/bin"), reverse=True), "/usr/sbin", "/usr/local/sbin"]
    path = shutil.which(program) or shutil.which(program, path=os.pathsep.join(places))
    assert path, f"{program} is missing: scripts/services says what to install"
    return path


def somebody() -> pwd.struct_passwd | None:
    """Whom a service runs as where the tests run as root."""
    if os.geteuid():
        return None
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    return next(known[name] for name in UNPRIVILEGED if name in known)


class Service:
    """A program that is started, frozen, killed and started again; its files are in a directory of its own, gone in the end.

    Not in pytest's: another run of pytest shuts that to everybody but root.
    """

    def __init__(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix=f"rolewise-{type(self).__name__.lower()}-"))
        self.directory.chmod(0o755)
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self.own(self.directory)

    def own(self, path: Path) -> None:
        """Let the service use a file or directory."""
        user = somebody()
        if user:
            os.chown(path, user.pw_uid, user.pw_gid)

    def command(self) -> list[str]:
        raise NotImplementedError

    def answers(self) -> bool:
        raise NotImplementedError

    def run(self, command: list[str]) -> subprocess.Popen[bytes]:
        user = somebody()
        whom: dict[str, Any] = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
        with (self.directory / "log.txt").open("ab") as log:
            return subprocess.Popen(
                command,
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **whom,
            )

    def __enter__(self) -> Service:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Stop it for good."""
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def start(self) -> Service:
        self.process = self.run(self.command())
        end = time.monotonic() + 30
        while not self.answers():
            assert self.process.poll() is None and time.monotonic() < end, (self.directory / "log.txt").read_text()[-2000:]
            time.sleep(0.02)
        return self

    def send(self, sent: signal.Signals) -> None:
        assert self.process
        os.killpg(self.process.pid, sent)

    def stop(self, sent: signal.Signals = signal.SIGTERM) -> None:
        if self.process and self.process.poll() is None:
            self.send(signal.SIGCONT)
            # PostgreSQL's first process ends the others; signalled together they would take it for a crash.
            self.process.send_signal(sent)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.send(signal.SIGKILL)
                self.process.wait()

    def restart(self, sent: signal.Signals = signal.SIGTERM, away: float = 0.0) -> None:
        """Stop, stay away for so many seconds, start again."""
        self.stop(sent)
        time.sleep(away)
        self.start()


class Postgres(Service):
    """PostgreSQL; ``signal.SIGINT`` stops it in an orderly way, ``signal.SIGQUIT`` as in a crash."""

    def __init__(self) -> None:
        super().__init__()
        made = self.run([found("initdb"), "-D", "data", "-U", "rolewise", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]).wait()
        assert made == 0, (self.directory / "log.txt").read_text()
        self.url = f"postgresql://rolewise@127.0.0.1:{self.port}/rolewise"

    def command(self) -> list[str]:
        options = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "port": str(self.port), "log_min_messages": "warning"}
        return [found("postgres"), "-D", "data", *(f"--{name}={value}" for name, value in options.items())]

    def answers(self) -> bool:
        try:
            connection = psycopg2.connect(f"postgresql://rolewise@127.0.0.1:{self.port}/postgres", connect_timeout=2)
        except psycopg2.OperationalError:
            return False
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = 'rolewise'")
            if not cursor.fetchone():
                cursor.execute("CREATE DATABASE rolewise")
        connection.close()
        return True

    def stop(self, sent: signal.Signals = signal.SIGINT) -> None:
        super().stop(sent)

    def restart(self, sent: signal.Signals = signal.SIGINT, away: float = 0.0) -> None:
        super().restart(sent, away)

    def rows(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        """The rows of a statement, on a connection of its own."""
        connection = psycopg2.connect(self.url)
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute(statement, values)
                return list(cursor.fetchall()) if cursor.description else []
        finally:
            connection.close()


class Redis(Service):
    """Redis, keeping nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.url = f"redis://127.0.0.1:{self.port}/0"

    def command(self) -> list[str]:
        return [found("redis-server"), "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]

    def answers(self) -> bool:
        try:
            return bool(redis.Redis.from_url(self.url, socket_timeout=2).ping())
        except redis.RedisError:
            return False


class Nginx(Service):
    """nginx with the configuration of ``deploy/nginx``, before processes on these ports."""

    def __init__(self, ports: list[int], **files: str) -> None:
        super().__init__()
        self.address = f"http://127.0.0.1:{self.port}"
        files = {
            "upstreams": "\n".join(f"server 127.0.0.1:{port} max_fails=1 fail_timeout=5s;" for port in ports),
            "upstreams-after-all": "\n".join(f"server 127.0.0.1:{port} max_fails=0;" for port in ports),
            "listen": f"listen 127.0.0.1:{self.port};",
            **files,
        }
        for source in (PROJECT_ROOT / "deploy" / "nginx").glob("*.conf"):
            (self.directory / source.name).write_text(files.get(source.stem) or source.read_text())
        for path in self.directory.glob("*.conf"):
            self.own(path)

    def command(self) -> list[str]:
        return [found("nginx"), "-p", str(self.directory), "-e", "stderr", "-c", str(self.directory / "nginx.conf"), "-g", "daemon off;"]

    def check(self) -> tuple[bool, str]:
        """What `nginx -t` says of the configuration."""
        done = self.run([*self.command()[:-2], "-t"])
        return done.wait(30) == 0, (self.directory / "log.txt").read_text()

    def answers(self) -> bool:
        with socket.socket() as connection:
            return connection.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self, sent: signal.Signals = signal.SIGQUIT) -> None:
        super().stop(sent)
