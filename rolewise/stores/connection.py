"""A connection to PostgreSQL, and the tables that are made there. No Rasa, so that the commands start at once."""

from __future__ import annotations

import re
from contextlib import suppress
from functools import lru_cache
from typing import Any

import psycopg2

from rolewise.stores import database
from rolewise.stores.database import StoreError
from rolewise.stores.link import Cursor

# Seconds: for a connection, for a statement, and until an unanswered packet counts as a broken connection.
CONNECT, STATEMENT, PACKET = 2, 4.0, 4.0
# The number of the lock under which the tables are made: processes that start together would make them twice.
MAKING = 7_653_197

NOW = "extract(epoch from clock_timestamp())"
# As Rasa makes it, with an id that does not run out after 2,147,483,647 events, and the order of a conversation in the index.
EVENTS = """
CREATE TABLE IF NOT EXISTS events (
    id BIGSERIAL PRIMARY KEY,
    sender_id VARCHAR(255) NOT NULL,
    type_name VARCHAR(255) NOT NULL,
    timestamp DOUBLE PRECISION,
    intent_name VARCHAR(255),
    action_name VARCHAR(255),
    data TEXT
);
CREATE INDEX IF NOT EXISTS ix_events_sender_order ON events (sender_id, id);
"""
# One writer a conversation at a time, across all processes, until the end of the transaction.
ALONE = "SELECT pg_advisory_xact_lock(hashtextextended(:sender, 0))"


class Connection:
    """A connection of psycopg2 that takes statements with places ``:name``."""

    def __init__(self, url: str, statement: float = STATEMENT) -> None:
        """Connect.

        Args:
            url: a ``postgresql://`` address.
            statement: the longest that a statement may take, in seconds.

        Raises:
            psycopg2.Error: that failed.
        """
        self.raw = psycopg2.connect(
            url,
            connect_timeout=CONNECT,
            application_name="rolewise",
            options=f"-c statement_timeout={int(statement * 1000)} -c idle_in_transaction_session_timeout={int(statement * 1000)}",
            keepalives_idle=5,
            keepalives_interval=2,
            keepalives_count=3,
            tcp_user_timeout=int(PACKET * 1000),
        )

    def execute(self, statement: str, values: Any = None, /) -> Cursor:
        """Run a statement."""
        cursor: Cursor = self.raw.cursor()
        cursor.execute(translated(statement), values)  # type: ignore[attr-defined]
        return cursor

    def close(self) -> None:
        """Let go of it; a broken one, too."""
        with suppress(psycopg2.Error):
            self.raw.close()


def prepare(url: str) -> None:
    """Make the tables that are missing.

    Raises:
        StoreError: the database cannot be used.
    """
    try:
        connection = Connection(url)
        try:
            connection.execute(f"SELECT pg_advisory_xact_lock({MAKING})")
            for statement in (EVENTS + database.BOOK).split(";"):
                if statement.strip():
                    connection.execute(statement)
            connection.raw.commit()
        finally:
            connection.close()
    except psycopg2.Error as error:
        raise StoreError(f"the database of ROLEWISE_DATABASE cannot be used: {str(error).strip()}") from error


@lru_cache(maxsize=256)
def translated(statement: str) -> str:
    """A statement with places ``:name`` as psycopg2 wants it."""
    return re.sub(r"(?<!:):(\w+)", r"%(\1)s", statement.replace("%", "%%"))
