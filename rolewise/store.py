"""The tracker and lock stores under the name that ``endpoints.yml`` files have; they live in ``rolewise.stores``."""

from rolewise.stores.tracker_store import FairLockStore, LeaseLockStore, PostgresTrackerStore, SQLiteTrackerStore

__all__ = ["FairLockStore", "LeaseLockStore", "PostgresTrackerStore", "SQLiteTrackerStore"]
