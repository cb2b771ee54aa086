"""What ``rolewise store`` does to conversations in PostgreSQL; the names are those of ``rolewise.stores.database``, for SQLite. No Rasa."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2

from rolewise.stores import turns as book
from rolewise.stores.connection import ALONE, NOW, Connection, prepare
from rolewise.stores.database import VERSION, Contents, StoreError, event_of

# A command may go through everything, in seconds.
PATIENCE = 3600.0
# Conversations that are removed in one transaction, so that no turn waits for many.
AT_ONCE = 500


def contents(url: str) -> Contents:
    """How much is stored.

    Raises:
        StoreError: the database cannot be used; as from everything here.
    """
    with _connected(url) as connection:
        conversations, events = connection.execute("SELECT count(DISTINCT sender_id), count(*) FROM events").fetchone()
        return Contents(VERSION, conversations, events)


def remove_older(url: str, days: float) -> int:
    """Remove conversations without an event in the last days; returns how many."""
    limit, removed = time.time() - days * 86400, 0
    stale = "SELECT sender_id FROM events GROUP BY sender_id HAVING max(coalesce(timestamp, 0)) < :limit LIMIT :number"
    with _connected(url) as connection:
        while True:
            senders = [sender for (sender,) in connection.execute(stale, {"limit": limit, "number": AT_ONCE}).fetchall()]
            if not senders:
                return removed
            for sender in senders:
                book.erase(connection, NOW, sender, for_good=False)
            connection.raw.commit()
            removed += len(senders)


def export(url: str, sender: str) -> list[dict[str, Any]]:
    """All events of one conversation, in order, as Rasa writes them; empty when there is no such conversation."""
    with _connected(url) as connection:
        rows = connection.execute("SELECT data FROM events WHERE sender_id = :sender ORDER BY id", {"sender": sender}).fetchall()
    return [event_of(data, number) for number, (data,) in enumerate(rows, 1)]


def delete(url: str, sender: str) -> int:
    """Remove one conversation; returns how many events it had."""
    with _connected(url) as connection:
        connection.execute(ALONE, {"sender": sender})
        number = book.erase(connection, NOW, sender, for_good=False)
        connection.raw.commit()
        return number


@contextmanager
def _connected(url: str) -> Iterator[Connection]:
    prepare(url)
    try:
        connection = Connection(url, PATIENCE)
        try:
            yield connection
        finally:
            connection.close()
    except psycopg2.Error as error:
        raise StoreError(f"the database of ROLEWISE_DATABASE cannot be used: {str(error).strip()}") from error
