"""Conversations in PostgreSQL, for several processes: in the table of Rasa's own SQL tracker store, worked on in threads."""

from __future__ import annotations

import asyncio
import logging
import random
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import psycopg2
from psycopg2.extras import execute_values
from rasa.core.brokers.broker import EventBroker
from rasa.shared.core.domain import Domain

from rolewise.settings import settings
from rolewise.stores.base import TURNS, ConversationStore
from rolewise.stores.connection import ALONE, CONNECT, NOW, Connection, prepare
from rolewise.stores.database import StoreError
from rolewise.stores.link import Link

logger = logging.getLogger(__name__)

# Connections of a process. A turn needs one for a few milliseconds in all; PostgreSQL's own limit is 100 for all processes.
CONNECTIONS = 4
# How long work is tried again while the database is away or starts, in seconds; the pause between two tries grows from the first
# figure to the second.
PATIENCE, PAUSES = 8.0, (0.05, 0.4)
INSERT = "INSERT INTO events (sender_id, type_name, timestamp, intent_name, action_name, data) VALUES %s RETURNING id"
# What a turn reads and writes, with nothing in it.
PROBE = (
    "SELECT data FROM events WHERE sender_id = :sender ORDER BY id DESC LIMIT 1",
    "SELECT state FROM turns WHERE sender_id = :sender",
    "SELECT at FROM deleted WHERE sender_id = :sender",
    "INSERT INTO turns (sender_id, message_id, state, owner, started, seen) SELECT :sender, '', '', '', 0, 0 WHERE false",
    "INSERT INTO events (sender_id, type_name, data) SELECT :sender, '', '{}' WHERE false",
    "UPDATE turns SET state = '' WHERE sender_id = :sender AND false",
)

Result = TypeVar("Result")


class AbandonedError(StoreError):
    """Whoever wanted the work has given up waiting: nothing of it is stored."""


class PostgresTrackerStore(ConversationStore):
    """Keeps conversations in PostgreSQL; a turn is committed before its answer goes out, or fails and says so.

    Each piece of work is done in one of a few threads, so that a slow database holds up the turns that wait for it and
    nothing else. While the database is away it is tried again for a while; Rasa's own store would go on in memory without a word.
    """

    now = NOW

    def __init__(
        self,
        domain: Domain | None = None,
        event_broker: EventBroker | None = None,
        host: str | None = None,
        turns: int = TURNS,
        patience: float | None = None,
        connections: int = CONNECTIONS,
    ) -> None:
        """Open the store, and make its tables where there are none.

        Args:
            domain: of the model.
            event_broker: where events are published, as with every store of Rasa.
            host: ``url`` of endpoints.yml, a ``postgresql://`` address; default: the setting ``ROLEWISE_DATABASE``.
            turns: turns of a conversation that a tracker is made of.
            patience: how long work is tried again while the database is away, in seconds; default: :data:`PATIENCE`, but at most half of a
                turn's deadline, so that a turn that fails says why.
            connections: how many connections this process opens at most.

        Raises:
            StoreError: the database cannot be used.
        """
        super().__init__(domain, event_broker, turns)
        self.url = host or settings().database
        self.patience = min(PATIENCE, settings().deadline / 2) if patience is None else patience
        self._threads = ThreadPoolExecutor(connections, thread_name_prefix="postgres")
        self._mine = threading.local()
        self._open: set[Connection] = set()
        prepare(self.url)

    async def reading(self, work: Callable[[Link], Result]) -> Result:
        """Do a piece of work that changes nothing.

        Raises:
            StoreError: it failed.
        """
        return await self._tried(work)

    async def writing(self, work: Callable[[Link], Result], sender: str | None = None) -> Result:
        """Do a piece of work in one transaction, alone among those of this conversation; without one each statement stands for itself.

        Raises:
            StoreError: it failed, and nothing of it is left.
        """
        if sender is None:
            return await self._tried(work)

        def alone(link: Link) -> Result:
            link.execute(f"BEGIN; {ALONE}", {"sender": sender})
            return work(link)

        return await self._tried(alone, transaction=True)

    def insert(self, link: Link, rows: list[tuple[Any, ...]]) -> int:
        """Insert rows of ``events``; returns the id of the last."""
        assert isinstance(link, Connection)
        with link.raw.cursor() as cursor:
            return max(number for (number,) in execute_values(cursor, INSERT, rows, page_size=len(rows), fetch=True))

    async def probe(self) -> None:
        """Read what a turn reads, and write no rows where it writes some; a database that can only be read gives no transaction's number.

        Raises:
            StoreError: the store cannot be read or written.
        """

        def write(link: Link) -> None:
            link.execute("SELECT txid_current()", None)
            for statement in PROBE:
                link.execute(statement, {"sender": f"ready-{uuid.uuid4().hex}"})

        try:
            await asyncio.wait_for(self._tried(write, patience=0.0), CONNECT)
        except asyncio.TimeoutError as error:
            raise StoreError("PostgreSQL does not answer") from error

    def close(self) -> None:
        """Let running work end, then close every connection."""
        self._threads.shutdown(wait=True)
        for connection in list(self._open):
            connection.close()

    # -- inside ---------------------------------------------------------------------------------------------------------------

    async def _tried(self, work: Callable[[Link], Result], patience: float | None = None, transaction: bool = False) -> Result:
        """Do work in a thread, again and again while the database is away; without a transaction each statement is one."""
        loop = asyncio.get_running_loop()
        end = loop.time() + (self.patience if patience is None else patience)
        pause, longest = PAUSES
        abandoned = threading.Event()
        try:
            while True:
                try:
                    return await loop.run_in_executor(self._threads, self._done, work, abandoned, transaction)
                except (psycopg2.OperationalError, psycopg2.InterfaceError) as error:
                    if loop.time() > end:
                        raise StoreError(f"PostgreSQL cannot be used: {str(error).strip()}") from error
                except psycopg2.Error as error:
                    raise StoreError(f"PostgreSQL refused: {str(error).strip()}") from error
                await asyncio.sleep(pause * random.uniform(0.7, 1.3))
                pause = min(2 * pause, longest)
        finally:
            abandoned.set()

    def _done(self, work: Callable[[Link], Result], abandoned: threading.Event, transaction: bool) -> Result:
        """Do work once."""
        connection: Connection | None = getattr(self._mine, "connection", None)
        try:
            if connection is None:
                connection = self._mine.connection = Connection(self.url)
                # Transactions are begun in one way with their first statement: each way costs a wait for the interpreter.
                connection.raw.autocommit = True
                self._open.add(connection)
            result = work(connection)
            if transaction:
                if abandoned.is_set():
                    raise AbandonedError("nobody waits for it any more")
                connection.execute("COMMIT")
            return result
        except BaseException as error:
            if connection is not None:
                self._let_go(connection, broken=isinstance(error, (psycopg2.OperationalError, psycopg2.InterfaceError)))
            raise

    def _let_go(self, connection: Connection, broken: bool) -> None:
        """Roll back, and forget a connection that may be broken."""
        try:
            if not broken:
                connection.execute("ROLLBACK")
        except psycopg2.Error:
            broken = True
        if broken:
            self._mine.connection = None
            self._open.discard(connection)
            connection.close()
