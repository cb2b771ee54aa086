"""The commands of `rolewise store` on a real PostgreSQL."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import psycopg2
import pytest

from rolewise.settings import PROJECT_ROOT
from rolewise.stores.connection import prepare
from tests.services import Postgres

DAY = 86400.0


@pytest.fixture
def url(postgres: Postgres) -> str:
    """An empty database of its own."""
    connection = psycopg2.connect(postgres.url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("DROP DATABASE IF EXISTS tasks")
        cursor.execute("CREATE DATABASE tasks")
    connection.close()
    address = postgres.url.rpartition("/")[0] + "/tasks"
    prepare(address)
    return address


def fill(url: str, conversations: dict[str, float]) -> None:
    """One message a conversation, so many days ago."""
    connection = psycopg2.connect(url)
    with connection, connection.cursor() as cursor:
        for sender, days in conversations.items():
            data = json.dumps({"event": "user", "text": f"secret of {sender}"})
            when = time.time() - days * DAY
            cursor.execute("INSERT INTO events (sender_id, type_name, timestamp, data) VALUES (%s, 'user', %s, %s)", (sender, when, data))
            turn = "INSERT INTO turns (sender_id, message_id, state, owner, started, seen) VALUES (%s, 'm', 'pending', 'o', 0, 0)"
            cursor.execute(turn, (sender,))
    connection.close()


def command(url: str, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "ROLEWISE_DATABASE": url}
    run = [sys.executable, "-m", "rolewise.commands.cli", "store", *words]
    return subprocess.run(run, cwd=PROJECT_ROOT, env=environment, capture_output=True, text=True)


def left(url: str) -> list[tuple[str, str]]:
    connection = psycopg2.connect(url)
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT 'event', sender_id FROM events UNION ALL SELECT 'turn', sender_id FROM turns ORDER BY 1, 2")
        return list(cursor.fetchall())


def test_retention_export_and_deletion(url: str) -> None:
    fill(url, {"old": 100, "new": 1, "ann": 0})
    assert "3 conversations, 3 events" in command(url, "info").stdout
    assert "1 conversations removed that had no message for 90 days" in command(url, "clean").stdout
    assert [json.loads(line)["text"] for line in command(url, "export", "ann").stdout.splitlines()] == ["secret of ann"]
    assert command(url, "delete", "ann").returncode == 0
    assert left(url) == [("event", "new"), ("turn", "new")]
    assert command(url, "export", "ann").returncode == 1 and command(url, "delete", "ann").returncode == 1


def test_what_only_sqlite_has_is_said(url: str) -> None:
    run = command(url, "backup", "/tmp/none")
    assert run.returncode == 2 and "pg_dump" in run.stderr


def test_an_address_that_leads_nowhere_is_named_without_its_password() -> None:
    run = command("postgresql://rolewise:hidden@127.0.0.1:1/none", "info")
    assert run.returncode == 2 and run.stderr.startswith("rolewise: the database of ROLEWISE_DATABASE") and "hidden" not in run.stderr
