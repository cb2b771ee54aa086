"""A connection to a store, SQLite's or PostgreSQL's, as the statements of both need it. No Rasa."""

from __future__ import annotations

from typing import Any, Protocol


class Cursor(Protocol):
    """What a statement gives, in SQLite and in PostgreSQL."""

    @property
    def rowcount(self) -> int:
        """How many rows a statement changed."""

    def fetchone(self) -> Any:
        """The next row, or None."""

    def fetchall(self) -> list[Any]:
        """All rows."""


class Link(Protocol):
    """A connection to a store: statements with named places, ``:name``."""

    def execute(self, statement: str, values: Any = ..., /) -> Cursor:
        """Run a statement."""


def last_id(link: Link, sender: str) -> int:
    """The id of a conversation's last event; 0 where there is none."""
    found = link.execute("SELECT id FROM events WHERE sender_id = :sender ORDER BY id DESC LIMIT 1", {"sender": sender}).fetchone()
    return int(found[0]) if found else 0
