"""The conversations' database: one SQLite file with the events of Rasa's SQL tracker store. Plain SQLite, no Rasa.

The table ``events`` is the one that Rasa's own ``SQLTrackerStore`` makes, so that its files can be taken over (:func:`upgrade`) and
read back. Beside it are the book of turns and the conversations that were deleted (``rolewise.stores.turns``).
"""

from __future__ import annotations

import json
import logging
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rolewise.stores import private

logger = logging.getLogger(__name__)

# Counted up whenever the file's shape changes; SQLite keeps it as user_version. Files of Rasa's own store have 0.
VERSION = 1

SCHEMA = """
CREATE TABLE IF NOT EXISTS events (
    id INTEGER NOT NULL PRIMARY KEY,
    sender_id VARCHAR(255) NOT NULL,
    type_name VARCHAR(255) NOT NULL,
    timestamp FLOAT,
    intent_name VARCHAR(255),
    action_name VARCHAR(255),
    data TEXT
);
CREATE INDEX IF NOT EXISTS ix_events_sender_id ON events (sender_id);
"""
# The same in PostgreSQL.
BOOK = """
CREATE TABLE IF NOT EXISTS turns (
    sender_id VARCHAR(255) NOT NULL,
    message_id VARCHAR(255) NOT NULL,
    text TEXT,
    title TEXT,
    state VARCHAR(16) NOT NULL,
    owner VARCHAR(64) NOT NULL,
    started DOUBLE PRECISION NOT NULL,
    seen DOUBLE PRECISION NOT NULL,
    first_id BIGINT,
    last_id BIGINT,
    PRIMARY KEY (sender_id, message_id)
);
CREATE INDEX IF NOT EXISTS ix_turns_started ON turns (started);
CREATE TABLE IF NOT EXISTS deleted (
    sender_id VARCHAR(255) NOT NULL PRIMARY KEY,
    at DOUBLE PRECISION NOT NULL
);
"""
# What is deleted, replaced or moved is overwritten. Some builds of SQLite do that by themselves, others leave it where it was.
SECURE_DELETE = "PRAGMA secure_delete=ON"
# SQLite keeps it in the file as application_id: all that was ever written there was written so.
ERASING = 0x526F6C65
# SQLite's clock, in seconds since the epoch.
NOW = "((julianday('now') - 2440587.5) * 86400.0)"
COLUMNS = frozenset({"id", "sender_id", "type_name", "timestamp", "intent_name", "action_name", "data"})

# Pages of 4 kB that the write-ahead log may hold before SQLite itself writes them to the database.
CHECKPOINT_PAGES = 4000
# Tries to empty the log after a deletion.
CHECKPOINTS = 3
# How long a command waits for a server that is writing, in seconds.
PATIENCE = 30.0


class StoreError(RuntimeError):
    """The store cannot be used; the message says why and what to do."""


@dataclass(frozen=True)
class Contents:
    """What a store holds."""

    version: int
    conversations: int
    events: int


def connect(path: Path, timeout: float = PATIENCE) -> sqlite3.Connection:
    """Open a database file for reading and writing, durable against a killed process.

    The write-ahead log makes a commit one append without waiting for the disk (``synchronous=NORMAL``): what is committed survives the
    death of the process, and only a power cut can take the last moments with it, never the file.

    Args:
        path: the file; it is made when there is none.
        timeout: how long to wait for another writer, in seconds.
    """
    connection = sqlite3.connect(path, timeout=timeout, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
        connection.execute(SECURE_DELETE)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """A write transaction: committed at the end, rolled back when anything fails."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
        connection.execute("COMMIT")
    except BaseException:
        # A full disk may have ended the transaction already.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def prepare(path: Path) -> None:
    """See that a file can serve as the store: made when it is absent, and of this version.

    Raises:
        StoreError: it cannot be read or written, is no store, or is of another version.
    """
    try:
        private.directory(path.parent)
        for one in (path, *filter(Path.exists, _companions(path))):
            private.file(one)
        with closing(connect(path)) as connection:
            version = _version(connection)
            if version == 0 and not _tables(connection):
                _make(connection)
                connection.execute(f"PRAGMA application_id={ERASING}")
                return
            _recognised(connection, path)
            if version < VERSION:
                raise StoreError(f"the store {path} has version {version}, not {VERSION}: run 'rolewise store upgrade'")
            # What an older program did not make yet; and a file that can only be read is found now, not at the first message.
            _make(connection)
    except (OSError, sqlite3.Error) as error:
        raise StoreError(f"the store {path} cannot be used: {error}") from error


def contents(path: Path) -> Contents:
    """Version and size of a store.

    Raises:
        StoreError: it is absent or no store.
    """
    with _existing(path) as connection:
        conversations, events = connection.execute("SELECT count(DISTINCT sender_id), count(*) FROM events").fetchone()
        return Contents(_version(connection), conversations, events)


def check(path: Path) -> None:
    """Look at every page of a store.

    Raises:
        StoreError: it is absent, damaged or no store.
    """
    with _existing(path) as connection:
        _sound(connection, path)


def backup(path: Path, target: Path) -> Contents:
    """Copy a store to a file while it may be in use; the copy is one moment of it, checked, and a single file.

    Raises:
        StoreError: the store cannot be read, or the target exists or cannot be written.
    """
    if target.exists():
        raise StoreError(f"{target} exists; nothing was written")
    # Under another name until it is whole: a backup that was broken off must not look like one.
    partial = target.with_name(f".{target.name}.partial")
    try:
        with _existing(path) as source:
            private.file(partial)
            try:
                _copy(source, partial)
            except sqlite3.Error as error:
                raise StoreError(f"the backup {target} cannot be made: {error}") from error
        found = contents(partial)
        partial.replace(target)
        return found
    except OSError as error:
        raise StoreError(f"the backup {target} cannot be written: {error}") from error
    finally:
        for leftover in (partial, *_companions(partial)):
            with suppress(OSError):
                leftover.unlink()


def restore(path: Path, source: Path) -> Contents:
    """Put a backup in the place of the store, in one transaction: a server may be running and goes on with what was restored.

    Args:
        path: the store; made when there is none.
        source: the backup. One of an older version is brought to this one.

    Raises:
        StoreError: the backup is absent, damaged, no store or of a newer version; the store is as it was.
    """
    with _existing(source) as backed_up:
        _sound(backed_up, source)
        if path.exists():
            with _existing(path):
                pass
        else:
            prepare(path)
        with closing(sqlite3.connect(path, timeout=PATIENCE)) as connection:
            backed_up.backup(connection)
    upgrade(path)
    return contents(path)


def upgrade(path: Path) -> tuple[int, int]:
    """Bring a store to this version; one made by Rasa's own SQL tracker store is taken over as it is.

    Returns:
        The version before and after.

    Raises:
        StoreError: it is absent, damaged, no store or of a newer version; it is as it was.
    """
    with _existing(path) as connection:
        before = _version(connection)
        _sound(connection, path)
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            _make(connection)
        except sqlite3.Error as error:
            raise StoreError(f"the store {path} cannot be upgraded: {error}") from error
        return before, VERSION


def remove_older(path: Path, days: float) -> int:
    """Remove conversations without an event in the last days.

    Returns:
        How many conversations were removed.
    """
    with _existing(path) as connection:
        limit = time.time() - days * 86400
        # Conversations whose only events have no time are as old as can be.
        stale = "SELECT sender_id FROM events GROUP BY sender_id HAVING max(coalesce(timestamp, 0)) < ?"
        (number,) = connection.execute(f"SELECT count(*) FROM ({stale})", (limit,)).fetchone()
        if number:
            with _erasing(connection):
                connection.execute(f"DELETE FROM turns WHERE sender_id IN ({stale})", (limit,))
                connection.execute(f"DELETE FROM events WHERE sender_id IN ({stale})", (limit,))
        return int(number)


def export(path: Path, sender: str) -> list[dict[str, Any]]:
    """All events of one conversation, in order, as Rasa writes them; empty when there is no such conversation."""
    with _existing(path) as connection:
        rows = connection.execute("SELECT data FROM events WHERE sender_id = ? ORDER BY id", (sender,)).fetchall()
    return [event_of(data, number) for number, (data,) in enumerate(rows, 1)]


def event_of(data: str | None, number: int) -> dict[str, Any]:
    """An event as it is stored. What JSON has no word for (NaN, infinity), Python's own writer stores all the same: it becomes null.

    Raises:
        StoreError: it is no JSON object; ``number`` says which one it is.
    """
    try:
        event = json.loads(data or "", parse_constant=lambda _: None)
    except ValueError as error:
        raise StoreError(f"event {number} of this conversation cannot be read: {error}") from error
    if not isinstance(event, dict):
        raise StoreError(f"event {number} of this conversation cannot be read: it is no object")
    return event


def delete(path: Path, sender: str, for_good: bool = False) -> int:
    """Remove one conversation.

    Args:
        path: the store.
        sender: the conversation's id.
        for_good: nothing may begin it again.

    Returns:
        How many events it had; 0 when there is no such conversation.
    """
    with _existing(path) as connection, _erasing(connection):
        if for_good:
            connection.execute(f"INSERT INTO deleted (sender_id, at) VALUES (?, {NOW}) ON CONFLICT (sender_id) DO NOTHING", (sender,))
        connection.execute("DELETE FROM turns WHERE sender_id = ?", (sender,))
        return connection.execute("DELETE FROM events WHERE sender_id = ?", (sender,)).rowcount


@contextmanager
def _existing(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection to a file that is there and is a store."""
    if not path.is_file():
        raise StoreError(f"there is no store at {path}")
    try:
        with closing(sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)) as connection:
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.execute(SECURE_DELETE)
            _recognised(connection, path)
            yield connection
    except sqlite3.Error as error:
        raise StoreError(f"the store {path} cannot be used: {error}") from error


def _recognised(connection: sqlite3.Connection, path: Path) -> None:
    columns = {row[1] for row in connection.execute("PRAGMA table_info(events)")}
    if not columns >= COLUMNS:
        raise StoreError(f"{path} is an SQLite file, but not a store of conversations")
    if _version(connection) > VERSION:
        raise StoreError(f"the store {path} has version {_version(connection)}; this program knows {VERSION} and older ones")


def _sound(connection: sqlite3.Connection, path: Path) -> None:
    found = connection.execute("PRAGMA quick_check").fetchone()[0]
    if found != "ok":
        raise StoreError(f"the store {path} is damaged: {found}")


def _make(connection: sqlite3.Connection) -> None:
    """Make the tables that are missing, and note the version."""
    with transaction(connection):
        for statement in (SCHEMA + BOOK).split(";"):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version={VERSION}")


@contextmanager
def _erasing(connection: sqlite3.Connection) -> Iterator[None]:
    """A transaction after which the deleted words are gone from the files, too, not only from the tables."""
    for statement in BOOK.split(";"):
        connection.execute(statement)
    with transaction(connection):
        yield
    if connection.execute("PRAGMA application_id").fetchone()[0] != ERASING:
        # An older program, or Rasa, may have left words in free space that nothing points to any more.
        connection.execute("VACUUM")
        connection.execute(f"PRAGMA application_id={ERASING}")
    for _ in range(CHECKPOINTS):
        # Busy while somebody reads from the log; each try waits for them.
        busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        if not busy:
            return
    logger.warning("What was deleted is still in the log of the store, which somebody is reading; it goes with the next deletion or stop.")


def _copy(source: sqlite3.Connection, target: Path) -> None:
    with closing(sqlite3.connect(target)) as copy:
        source.backup(copy)
        _sound(copy, target)
        # A copy is one file that can be carried anywhere, without a log beside it.
        copy.execute("PRAGMA journal_mode=DELETE").fetchall()


def _companions(path: Path) -> list[Path]:
    return [path.with_name(path.name + suffix) for suffix in ("-wal", "-shm", "-journal")]


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _tables(connection: sqlite3.Connection) -> list[str]:
    return [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
