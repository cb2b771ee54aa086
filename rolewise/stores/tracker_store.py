"""The stores of a server: the tracker store on the conversations' file, a lock store without polling, and their checks."""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
import time
import uuid
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, cast

from rasa.core.brokers.broker import EventBroker
from rasa.core.lock import TicketLock
from rasa.core.lock_store import LOCK_LIFETIME, InMemoryLockStore, LockStore
from rasa.core.tracker_store import InMemoryTrackerStore, TrackerStore
from rasa.core.utils import AvailableEndpoints
from rasa.shared.core.domain import Domain
from sqlalchemy.pool import QueuePool

from rolewise.settings import PROJECT_ROOT, settings
from rolewise.stores import database
from rolewise.stores import turns as book
from rolewise.stores.base import TURNS, ConversationStore
from rolewise.stores.database import StoreError
from rolewise.stores.fair import FairLockStore
from rolewise.stores.leases import LeaseLockStore
from rolewise.stores.link import Link, last_id
from rolewise.stores.postgres import PostgresTrackerStore
from rolewise.stores.turns import Turn

logger = logging.getLogger(__name__)

# A write waits this long on the event loop for another writer, then lets others run and tries again, both in seconds.
BUSY, PAUSE = 0.05, 0.02
# So many writes, then the log goes into the database, in a thread: only that waits for the disk.
WRITES_A_CHECKPOINT = 1000
# With a lock store that has to be asked again and again (Rasa's on Redis), in seconds; Rasa waits 1 s.
LOCK_POLLING = 0.05

# What SQLite says of a file with pages that are none of its own.
DAMAGED = ("malformed", "not a database")

INSERT = "INSERT INTO events (sender_id, type_name, timestamp, intent_name, action_name, data) VALUES (?, ?, ?, ?, ?, ?)"

Result = TypeVar("Result")


class SQLiteTrackerStore(ConversationStore):
    """Keeps conversations in an SQLite file; a turn is in it before its answer goes out.

    A tracker is made of the last turns of the session and of the events before them that decide how it stands, so that a turn costs
    the same however long the conversation is. All events stay in the file.

    Reads and writes take a fraction of a millisecond and happen on the event loop: a thread would wait longer for the interpreter.
    """

    now = database.NOW

    def __init__(
        self,
        domain: Domain | None = None,
        event_broker: EventBroker | None = None,
        host: str | None = None,
        db: str | None = None,
        turns: int = TURNS,
        patience: float | None = None,
    ) -> None:
        """Open the store.

        Args:
            domain: of the model.
            event_broker: where events are published, as with every store of Rasa.
            host: not used; Rasa hands it over.
            db: the file; default: the setting ``ROLEWISE_STORE``. A relative one is relative to the project.
            turns: turns of a conversation that a tracker is made of.
            patience: how long a write waits for another writer, in seconds; default: as long as a turn may take.

        Raises:
            StoreError: the file cannot be used.
        """
        super().__init__(domain, event_broker, turns)
        self.path = PROJECT_ROOT / db if db else settings().store
        self.patience = settings().deadline if patience is None else patience
        database.prepare(self.path)
        self._file = _identity(self.path)
        self._pool = QueuePool(partial(database.connect, self.path, BUSY), pool_size=2, max_overflow=4)
        self._writes = 0
        self._damaged = False

    async def reading(self, work: Callable[[Link], Result]) -> Result:
        """Do a piece of work that changes nothing."""
        with self._connection() as connection:
            return work(connection)

    async def writing(self, work: Callable[[Link], Result], sender: str | None = None) -> Result:
        """Do a piece of work in one transaction; SQLite lets one in at a time.

        Raises:
            sqlite3.Error: it failed, and nothing of it is left.
            StoreError: the file is no longer the one that was opened.
        """
        end = asyncio.get_running_loop().time() + self.patience
        while True:
            try:
                with self._connection() as connection, database.transaction(connection):
                    result = work(connection)
                break
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or asyncio.get_running_loop().time() > end:
                    raise
                await asyncio.sleep(PAUSE)
        self._writes += 1
        if self._writes % WRITES_A_CHECKPOINT == 0:
            asyncio.get_running_loop().run_in_executor(None, self._checkpoint_quietly)
        return result

    def insert(self, link: Link, rows: list[tuple[Any, ...]]) -> int:
        """Insert rows of ``events``; returns the id of the last."""
        cast(sqlite3.Connection, link).executemany(INSERT, rows)
        return int(link.execute("SELECT last_insert_rowid()", {}).fetchone()[0])

    async def erase(self, conversation_id: str) -> None:
        """Remove a conversation for good, also from the freed space of the file."""
        self._recent.pop(conversation_id, None)
        # It may have to wait for another writer, and for the disk: not on the event loop.
        await asyncio.to_thread(database.delete, self.path, conversation_id, for_good=True)

    async def probe(self) -> None:
        """Do what a turn does, in a conversation that there is not, and take it back; one page is written, so that a full disk is found.

        Raises:
            sqlite3.Error: the store cannot be read or written.
            StoreError: the file is damaged, or no longer the one that was opened.
        """
        if self._damaged:
            # Where a turn met a damaged page, others may still work: the whole file decides, which a restore mends.
            await asyncio.to_thread(database.check, self.path)
            self._damaged = False
        with self._connection() as connection, database.transaction(connection):
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            connection.execute(f"PRAGMA user_version={int(version)}")
            connection.execute("SAVEPOINT probe")
            turn = Turn(f"ready-{uuid.uuid4().hex}", "ready")
            book.begin(connection, self.now, turn, "", "")
            book.claim(connection, self.now, turn)
            follows = last_id(connection, turn.sender)
            added = self.insert(connection, [(turn.sender, "ready", time.time(), None, None, "{}")])
            connection.execute("SELECT data FROM events WHERE id = (SELECT max(id) FROM events WHERE id < ?)", (added,)).fetchall()
            book.settle(connection, turn, follows, added)
            connection.execute("ROLLBACK TO probe")
            connection.execute("RELEASE probe")

    def close(self) -> None:
        """Write the log to the database and let go of the file."""
        try:
            self._checkpoint()
        except sqlite3.Error as error:
            logger.warning("The log of the store stays beside it: %s.", error)
        self._pool.dispose()

    # -- inside ---------------------------------------------------------------------------------------------------------------

    def _checkpoint(self) -> None:
        with closing(database.connect(self.path, BUSY)) as connection:
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def _checkpoint_quietly(self) -> None:
        try:
            self._checkpoint()
        except sqlite3.Error as error:
            logger.warning("The log of the store could not be written to it: %s.", error)

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        """A connection of the pool. SQLite would go on writing into a file that somebody removed: that is found here."""
        if _identity(self.path) != self._file:
            raise StoreError(f"the store {self.path} was removed or replaced while the server was running; start it again")
        held = self._pool.connect()
        try:
            yield held
        except sqlite3.Error as error:
            held.invalidate()
            self._damaged |= any(sign in str(error) for sign in DAMAGED)
            raise
        finally:
            held.close()


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino


class PollingLockStore(LockStore):
    """A lock store between processes, such as Redis, that is asked more often than Rasa asks it.

    Rasa starts several workers with a lock store that it knows to be shared, after the tracker store was opened here; with this one
    it starts one.
    """

    def __init__(self, shared: LockStore) -> None:
        """Ask this one."""
        self._shared = shared

    @asynccontextmanager
    async def lock(
        self, conversation_id: str, lock_lifetime: float = LOCK_LIFETIME, wait_time_in_seconds: float = LOCK_POLLING
    ) -> AsyncGenerator[TicketLock, None]:
        """Wait for the turn of this message."""
        async with self._shared.lock(conversation_id, lock_lifetime, wait_time_in_seconds) as lock:
            yield lock


def with_stores(endpoints: AvailableEndpoints) -> AvailableEndpoints:
    """The endpoints with their stores opened and checked: those of the settings ``ROLEWISE_DATABASE`` and ``ROLEWISE_REDIS``, if set.

    Rasa turns a tracker store that it cannot load into memory and goes on; here the start stops.

    Raises:
        StoreError: a store cannot be loaded; the message says why.
    """
    wanted = endpoints.tracker_store
    if settings().database:
        wanted = PostgresTrackerStore()
    if settings().redis:
        endpoints.lock_store = LeaseLockStore()
    try:
        store = TrackerStore.create(wanted)
    except StoreError:
        raise
    except Exception as error:
        raise StoreError(f"the tracker store of endpoints.yml cannot be loaded: {error}") from error
    if isinstance(store, InMemoryTrackerStore) and (getattr(wanted, "type", None) or "in_memory") != "in_memory":
        raise StoreError(f"the tracker store of endpoints.yml cannot be loaded: there is no class {wanted.type}")
    endpoints.tracker_store = store
    try:
        locks = LockStore.create(endpoints.lock_store)
    except Exception as error:
        raise StoreError(f"the lock store of endpoints.yml cannot be loaded: {error}") from error
    if type(locks) is InMemoryLockStore:
        locks = FairLockStore()
    elif not isinstance(locks, (FairLockStore, LeaseLockStore)):
        locks = PollingLockStore(locks)
    endpoints.lock_store = locks
    return endpoints
