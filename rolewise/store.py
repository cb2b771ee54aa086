"""The stores of a server: Rasa's tracker store on the conversations' database, a lock store without polling, and their checks."""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import os
import sqlite3
from collections import OrderedDict, defaultdict
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from rasa.core.brokers.broker import EventBroker
from rasa.core.lock import TicketLock
from rasa.core.lock_store import LOCK_LIFETIME, InMemoryLockStore, LockStore
from rasa.core.tracker_store import InMemoryTrackerStore, SerializedTrackerAsText, TrackerStore
from rasa.core.utils import AvailableEndpoints
from rasa.shared.core import events as rasa_events
from rasa.shared.core.constants import ACTION_LISTEN_NAME
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, Event, SessionStarted, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker
from sqlalchemy.pool import QueuePool

from rolewise import database
from rolewise.database import StoreError
from rolewise.settings import PROJECT_ROOT, settings

logger = logging.getLogger(__name__)

# Turns of a conversation that a tracker is made of. The policies look at the last four states, two a turn, the actions at the last
# message and the slots.
TURNS = 3
# Conversations whose latest events are kept in memory.
CACHED = 200
# A write waits this long on the event loop for another writer, then lets others run and tries again, both in seconds.
BUSY, PAUSE = 0.05, 0.02
# So many writes, then the log goes into the database, in a thread: only that waits for the disk.
WRITES_A_CHECKPOINT = 500
# With a lock store that has to be asked again and again (Redis), in seconds; Rasa waits 1 s.
LOCK_POLLING = 0.05

# Events that decide how a conversation stands and so outlive the turns that are left out.
STATE = (
    "session_started",
    "slot",
    "reset_slots",
    "restart",
    "active_loop",
    "form",
    "loop_interrupted",
    "form_validation",
    "pause",
    "resume",
)
INSERT = "INSERT INTO events (sender_id, type_name, timestamp, intent_name, action_name, data) VALUES (?, ?, ?, ?, ?, ?)"


class StoredTracker(DialogueStateTracker):
    """A tracker that knows how many of its events are in the store, and the id that the conversation's last event had there."""

    stored = 0
    last = 0


@dataclass(frozen=True)
class Tail:
    """The latest events of a conversation, and the id that the last of them has in the store."""

    last: int
    events: tuple[Event, ...]


class SQLiteTrackerStore(TrackerStore, SerializedTrackerAsText):
    """Keeps conversations in an SQLite file; a turn is in it before its answer goes out.

    A tracker is made of the last turns of the session and of the events before them that decide how it stands, so that a turn costs
    the same however long the conversation is. All events stay in the file.

    Reads and writes take a fraction of a millisecond and happen on the event loop: a thread would wait longer for the interpreter.
    """

    def __init__(
        self,
        domain: Domain | None = None,
        event_broker: EventBroker | None = None,
        host: str | None = None,
        db: str | None = None,
        turns: int = TURNS,
        patience: float = 5.0,
    ) -> None:
        """Open the store.

        Args:
            domain: of the model.
            event_broker: where events are published, as with every store of Rasa.
            host: not used; Rasa hands it over.
            db: the file; default: the setting ``ROLEWISE_STORE``. A relative one is relative to the project.
            turns: turns of a conversation that a tracker is made of.
            patience: how long a write waits for another writer, in seconds.

        Raises:
            StoreError: the file cannot be used.
        """
        super().__init__(domain, event_broker)
        self.path = PROJECT_ROOT / db if db else settings().store
        self.turns = turns
        self.patience = patience
        database.prepare(self.path)
        self._file = _identity(self.path)
        self._pool = QueuePool(partial(database.connect, self.path, BUSY), pool_size=2, max_overflow=4)
        self._recent: OrderedDict[str, Tail] = OrderedDict()
        self._writes = 0

    # -- what Rasa calls ------------------------------------------------------------------------------------------------------

    async def keys(self) -> Iterable[str]:
        """The ids of all conversations."""
        with self._connection() as connection:
            return [sender for (sender,) in connection.execute("SELECT DISTINCT sender_id FROM events")]

    async def exists(self, conversation_id: str) -> bool:
        """Whether there is such a conversation."""
        with self._connection() as connection:
            return _last_id(connection, conversation_id) > 0

    def init_tracker(self, sender_id: str) -> DialogueStateTracker:
        """A tracker without events."""
        return StoredTracker(sender_id, self.domain.slots, max_event_history=self.max_event_history)

    async def retrieve(self, sender_id: str) -> DialogueStateTracker | None:
        """The last turns of the conversation's latest session, or None when there is no such conversation."""
        with self._connection() as connection:
            last = _last_id(connection, sender_id)
            if not last:
                self._recent.pop(sender_id, None)
                return None
            tail = self._recent.get(sender_id)
            # Another process may have gone on with the conversation, or removed it.
            if tail is None or tail.last != last:
                tail = Tail(last, _load(connection, sender_id, self.turns))
        self._remember(sender_id, tail)
        tracker = self._tracker(sender_id, tail.events)
        tracker.last = last
        return tracker

    async def retrieve_full_tracker(self, conversation_id: str) -> DialogueStateTracker | None:
        """The whole conversation, all sessions of it."""
        with self._connection() as connection:
            rows = connection.execute("SELECT data FROM events WHERE sender_id = ? ORDER BY id", (conversation_id,)).fetchall()
        return self._tracker(conversation_id, _events(rows)) if rows else None

    async def save(self, tracker: DialogueStateTracker) -> None:
        """Store the events that are new.

        Raises:
            sqlite3.Error: they could not be stored; none of them is.
            StoreError: the file is no longer the one that was opened.
        """
        if self.event_broker is not None:
            await self.stream_events(tracker)
        sender = tracker.sender_id
        if not isinstance(tracker, StoredTracker):
            # Made elsewhere: as in Rasa's own store it holds the latest session from its start.
            full = await self.retrieve_full_tracker(sender)
            known = len(_session(list(full.events))) if full else 0
        else:
            known = tracker.stored
        new = list(itertools.islice(tracker.events, known, None))
        if not new:
            return
        follows = tracker.last if isinstance(tracker, StoredTracker) else None
        last = await self._insert([_row(sender, event) for event in new], follows)
        if isinstance(tracker, StoredTracker):
            tracker.stored, tracker.last = len(tracker.events), last
            self._remember(sender, Tail(last, tuple(latest(list(tracker.events), self.turns))))
        else:
            self._recent.pop(sender, None)

    # -- what the server calls ------------------------------------------------------------------------------------------------

    async def spoken(self, conversation_id: str, limit: int) -> list[Event]:
        """The latest messages of both sides, ratings and restarts among them, the oldest first; at most ``limit`` events."""
        with self._connection() as connection:
            rows = connection.execute(
                "SELECT data FROM events WHERE sender_id = ? AND (type_name IN ('user', 'bot', 'restart') "
                "OR (type_name = 'slot' AND action_name = 'rating')) ORDER BY id DESC LIMIT ?",
                (conversation_id, limit),
            ).fetchall()
        return _events(rows[::-1])

    def probe(self) -> None:
        """Write something that changes nothing.

        Raises:
            sqlite3.Error: the store cannot be written.
            StoreError: the file is no longer the one that was opened.
        """
        with self._connection() as connection, database.transaction(connection):
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            connection.execute(f"PRAGMA user_version={int(version)}")

    def close(self) -> None:
        """Write the log to the database and let go of the file."""
        try:
            self._checkpoint()
        except sqlite3.Error as error:
            logger.warning("The log of the store stays beside it: %s.", error)
        self._pool.dispose()

    # -- inside ---------------------------------------------------------------------------------------------------------------

    def _tracker(self, sender: str, events: Iterable[Event]) -> StoredTracker:
        tracker = StoredTracker(sender, self.domain.slots)
        for event in events:
            tracker.update(event)
        tracker.stored = len(tracker.events)
        return tracker

    def _remember(self, sender: str, tail: Tail) -> None:
        self._recent[sender] = tail
        self._recent.move_to_end(sender)
        if len(self._recent) > CACHED:
            self._recent.popitem(last=False)

    async def _insert(self, rows: list[tuple[Any, ...]], follows: int | None) -> int:
        """Write rows of one conversation in one transaction; returns the id of the last.

        ``follows`` is the id of the event that they follow, 0 for none. Where the conversation was deleted, restored or gone on with
        meanwhile, they would be half a conversation, or one that was to be forgotten.
        """
        end = asyncio.get_running_loop().time() + self.patience
        while True:
            try:
                with self._connection() as connection, database.transaction(connection):
                    if follows is not None and _last_id(connection, rows[0][0]) != follows:
                        raise StoreError("the conversation was changed or deleted while its turn was running")
                    connection.executemany(INSERT, rows)
                    last = int(connection.execute("SELECT last_insert_rowid()").fetchone()[0])
                break
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or asyncio.get_running_loop().time() > end:
                    raise
                await asyncio.sleep(PAUSE)
        self._writes += 1
        if self._writes % WRITES_A_CHECKPOINT == 0:
            asyncio.get_running_loop().run_in_executor(None, self._checkpoint_quietly)
        return last

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
        except sqlite3.Error:
            held.invalidate()
            raise
        finally:
            held.close()


def latest(events: list[Event], turns: int) -> list[Event]:
    """The last turns of the latest session, after those events before them that decide how the conversation stands."""
    events = _session(events)
    messages = [index for index, event in enumerate(events) if isinstance(event, UserUttered)]
    if len(messages) < turns:
        return events
    cut = messages[-turns]
    if cut and isinstance(events[cut - 1], ActionExecuted) and events[cut - 1].action_name == ACTION_LISTEN_NAME:
        cut -= 1
    state: dict[tuple[str, str], Event] = {}
    for event in events[:cut]:
        if event.type_name in STATE:
            key = (event.type_name, str(getattr(event, "key", "")))
            # The last one counts, in its place.
            state.pop(key, None)
            state[key] = event
    return [*state.values(), *events[cut:]]


def _session(events: list[Event]) -> list[Event]:
    """The latest session: all events when none was started."""
    start = next((index for index in range(len(events) - 1, -1, -1) if isinstance(events[index], SessionStarted)), 0)
    return events[start:]


def _load(connection: sqlite3.Connection, sender: str, turns: int) -> tuple[Event, ...]:
    """What :func:`latest` needs, without reading the rest of a long conversation."""
    mine = "SELECT {} FROM events WHERE sender_id = :sender AND id >= :start "
    at: dict[str, Any] = {"sender": sender, "start": 0, "turns": turns - 1}
    (start,) = connection.execute(mine.format("max(id)") + "AND type_name = 'session_started'", at).fetchone()
    at["start"] = start or 0
    found = connection.execute(mine.format("id") + "AND type_name = 'user' ORDER BY id DESC LIMIT 1 OFFSET :turns", at).fetchone()
    cut = found[0] if found else at["start"]
    (before,) = connection.execute(mine.format("max(id)") + "AND id < :cut", {**at, "cut": cut}).fetchone()
    at["cut"] = cut if before is None else before
    kinds = ", ".join(f"'{kind}'" for kind in STATE)
    rows = connection.execute(mine.format("data") + f"AND (id >= :cut OR type_name IN ({kinds})) ORDER BY id", at).fetchall()
    return tuple(latest(_events(rows), turns))


def _events(rows: list[tuple[str]]) -> list[Event]:
    found: list[Event] = rasa_events.deserialise_events([json.loads(data) for (data,) in rows])
    return found


def _row(sender: str, event: Event) -> tuple[Any, ...]:
    data = event.as_dict()
    intent = ((data.get("parse_data") or {}).get("intent") or {}).get("name")
    return sender, event.type_name, data.get("timestamp"), intent, data.get("name"), json.dumps(data)


def _last_id(connection: sqlite3.Connection, sender: str) -> int:
    found = connection.execute("SELECT id FROM events WHERE sender_id = ? ORDER BY id DESC LIMIT 1", (sender,)).fetchone()
    return int(found[0]) if found else 0


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino


class FairLockStore(InMemoryLockStore):
    """One message of a conversation at a time, in the order they came; who waits is woken, not asked every second.

    Rasa's own looks again after a second, so that three quick messages take 0, 1 and 2 s.
    """

    def __init__(self) -> None:
        """No conversation is locked."""
        super().__init__()
        self._locks: dict[str, asyncio.Lock] = {}
        self._users: defaultdict[str, int] = defaultdict(int)

    @asynccontextmanager
    async def lock(
        self, conversation_id: str, lock_lifetime: float = LOCK_LIFETIME, wait_time_in_seconds: float = 1
    ) -> AsyncGenerator[TicketLock, None]:
        """Wait for the turn of this message; ``asyncio.Lock`` keeps the order."""
        lock = self._locks.setdefault(conversation_id, asyncio.Lock())
        self._users[conversation_id] += 1
        try:
            async with lock:
                yield TicketLock(conversation_id)
        finally:
            self._users[conversation_id] -= 1
            if not self._users[conversation_id]:
                del self._users[conversation_id], self._locks[conversation_id]


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
    """The endpoints with their stores opened and checked.

    Rasa turns a tracker store that it cannot load into memory and goes on; here the start stops.

    Raises:
        StoreError: a store cannot be loaded; the message says why.
    """
    wanted = endpoints.tracker_store
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
    elif not isinstance(locks, FairLockStore):
        locks = PollingLockStore(locks)
    endpoints.lock_store = locks
    return endpoints
