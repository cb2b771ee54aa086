"""Locks of conversations across processes, in Redis: in the order the messages came, and gone soon after the process that held them.

A lock only keeps order: that nobody saves over anybody is the database's part (``rolewise.stores.turns``). So Redis may forget
everything, or be away, and no turn is lost or answered twice; see :class:`LeaseLockStore`.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
import uuid
from collections import defaultdict
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Any

import redis.asyncio
from rasa.core.lock import TicketLock
from rasa.core.lock_store import LOCK_LIFETIME, LockStore
from redis.exceptions import RedisError

from rolewise.settings import settings
from rolewise.stores.database import StoreError
from rolewise.stores.fair import FairLockStore

logger = logging.getLogger(__name__)

# A lease ends so long after its last renewal, and is renewed so often; in seconds. The first bounds how long a person waits whose
# process died, the second is a fifth of it, so that a busy process does not lose what it holds.
LEASE, RENEWAL = 2.0, 0.4
# Who waits for another process asks this often, in seconds; who waits for the own process is woken.
ASKING = 0.03
# Seconds that Redis may take, and that it is left alone after it failed.
TIMEOUT, REST = 1.0, 1.0

# Tickets of a conversation in the order they were drawn, and when each of them ends. Asking renews the own ticket; the place is
# returned, 0 is the holder's. A renewal of a ticket that has ended does not draw another: -1.
ASK = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for _, ended in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now)) do
  redis.call('ZREM', KEYS[1], ended)
  redis.call('ZREM', KEYS[2], ended)
end
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then
  if ARGV[3] == 'renew' then return -1 end
  local last = redis.call('ZREVRANGE', KEYS[1], 0, 0, 'WITHSCORES')
  redis.call('ZADD', KEYS[1], (last[2] or 0) + 1, ARGV[1])
end
redis.call('ZADD', KEYS[2], now + ARGV[2], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2] * 2)
redis.call('PEXPIRE', KEYS[2], ARGV[2] * 2)
return redis.call('ZRANK', KEYS[1], ARGV[1])
"""
LEAVE = """
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('ZREM', KEYS[2], ARGV[1])
"""


class LeaseLockStore(LockStore):
    """One message of a conversation at a time, in the order they came, whichever processes they came to.

    A ticket is drawn and looked at in one step on the server, and ends by itself when its process no longer renews it. While Redis is
    away, a process keeps the order among its own messages, and says that it does no more.
    """

    def __init__(self, url: str | None = None, endpoint_config: Any = None) -> None:
        """Use a Redis server; nothing is connected yet.

        Args:
            url: ``redis://`` or ``rediss://`` address; default: ``url`` of endpoints.yml, then the setting ``ROLEWISE_REDIS``.
            endpoint_config: what Rasa read in endpoints.yml.

        Raises:
            StoreError: the address cannot be read.
        """
        super().__init__()
        address = url or getattr(endpoint_config, "url", None) or settings().redis
        try:
            self._redis = redis.asyncio.Redis.from_url(
                address, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT, health_check_interval=0
            )
        except ValueError as error:
            raise StoreError(f"the address of the lock store cannot be read: {error}") from error
        self._ask = self._redis.register_script(ASK)
        self._leave = self._redis.register_script(LEAVE)
        self._own, self._drawing = FairLockStore(), FairLockStore()
        self._held: dict[str, str] = {}
        self._waking: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self._tasks: set[asyncio.Task[None]] = set()
        self._renewing: asyncio.Task[None] | None = None
        self._rests_until = 0.0
        self.degraded = False

    @asynccontextmanager
    async def lock(
        self, conversation_id: str, lock_lifetime: float = LOCK_LIFETIME, wait_time_in_seconds: float = 1
    ) -> AsyncGenerator[TicketLock, None]:
        """Wait for the turn of this message."""
        ticket = uuid.uuid4().hex
        try:
            shared = await self._acquired(conversation_id, ticket)
            if shared:
                yield TicketLock(conversation_id)
            else:
                async with self._own.lock(conversation_id) as lock:
                    yield lock
        finally:
            self._held.pop(ticket, None)
            # The answer need not wait for it, and it happens also where the turn was broken off.
            task = asyncio.get_running_loop().create_task(self._left(conversation_id, ticket))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def probe(self) -> None:
        """See whether Redis answers, and note it."""
        try:
            await self._redis.ping()
        except (RedisError, OSError) as error:
            self._failed(error)
        else:
            self._works()

    async def close(self) -> None:
        """Give back what is held and disconnect."""
        if self._renewing:
            self._renewing.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=TIMEOUT)
        await self._redis.close()

    # -- inside ---------------------------------------------------------------------------------------------------------------

    async def _acquired(self, conversation: str, ticket: str) -> bool:
        """Wait for the lock; False where Redis cannot be asked."""
        woken = asyncio.Event()
        self._waking[conversation].add(woken)
        try:
            # One after another: the client opens a connection for what is asked meanwhile, and a message that has to wait for a new one
            # would be overtaken by the next on a connection that is there.
            async with self._drawing.lock(conversation):
                if time.monotonic() < self._rests_until:
                    return False
                place = await self._asked(conversation, ticket, "draw")
            while True:
                self._works()
                if place == 0:
                    self._held[ticket] = conversation
                    if self._renewing is None or self._renewing.done():
                        self._renewing = asyncio.get_running_loop().create_task(self._renew())
                    return True
                woken.clear()
                with suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(woken.wait(), ASKING * random.uniform(0.7, 1.3))
                place = await self._asked(conversation, ticket, "draw")
        except (RedisError, OSError) as error:
            self._failed(error)
            return False
        finally:
            self._waking[conversation].discard(woken)
            if not self._waking[conversation]:
                del self._waking[conversation]

    async def _asked(self, conversation: str, ticket: str, how: str) -> int:
        """The place of a ticket: ``draw`` takes it where there is none yet, ``renew`` says -1 then.

        In a task of its own: before Python 3.11.3 the client of Redis may take a cancellation for the end of a time-out that it set itself,
        and who gave up would wait for ever. What was asked is left to end, so that no ticket is drawn after it was given back.
        """
        asking = asyncio.ensure_future(self._ask(keys=keys(conversation), args=[ticket, int(LEASE * 1000), how]))
        try:
            return int(await asyncio.shield(asking))
        except asyncio.CancelledError:
            await asyncio.wait([asking])
            if not asking.cancelled():
                asking.exception()
            raise

    async def _left(self, conversation: str, ticket: str) -> None:
        """Give a ticket back, then wake whoever waits for it here."""
        if time.monotonic() >= self._rests_until:
            try:
                await self._leave(keys=keys(conversation), args=[ticket])
            except (RedisError, OSError) as error:
                self._failed(error)
        for woken in self._waking.get(conversation, ()):
            woken.set()

    async def _renew(self) -> None:
        """Renew what is held, as long as anything is."""
        while self._held:
            await asyncio.sleep(RENEWAL)
            for ticket, conversation in list(self._held.items()):
                try:
                    place = await self._asked(conversation, ticket, "renew")
                except (RedisError, OSError) as error:
                    self._failed(error)
                    break
                if place != 0 and ticket in self._held:
                    logger.warning("A lease ended while its turn was running; the store will not let it save over another one.")
                    del self._held[ticket]

    def _failed(self, error: Exception) -> None:
        self._rests_until = time.monotonic() + REST
        if not self.degraded:
            logger.error("Redis cannot be used, so only this process's own messages keep their order: %s.", error)
        self.degraded = True

    def _works(self) -> None:
        if self.degraded:
            logger.warning("Redis can be used again.")
        self.degraded = False


def keys(conversation: str) -> list[str]:
    """The two keys of a conversation, in one slot of a cluster."""
    return [f"rolewise:{{{conversation}}}:tickets", f"rolewise:{{{conversation}}}:ends"]
