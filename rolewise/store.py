"""The tracker and lock stores under the name that ``endpoints.yml`` files have; they live in ``rolewise.stores``.

A tracker store is the first thing of ours that Rasa's own commands load: with it comes what lets them work by themselves.
"""

from __future__ import annotations

from typing import Any

from rolewise.engine.standalone import stand_in
from rolewise.stores import tracker_store
from rolewise.stores.tracker_store import FairLockStore, LeaseLockStore

__all__ = ["FairLockStore", "LeaseLockStore", "PostgresTrackerStore", "SQLiteTrackerStore"]


class SQLiteTrackerStore(tracker_store.SQLiteTrackerStore):
    """Conversations in an SQLite file."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        """Open the store."""
        stand_in()
        super().__init__(*arguments, **named)


class PostgresTrackerStore(tracker_store.PostgresTrackerStore):
    """Conversations in PostgreSQL."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        """Open the store."""
        stand_in()
        super().__init__(*arguments, **named)
