"""Locks across processes on a real Redis: in order, soon, gone with their process, and no harm while Redis is away."""

from __future__ import annotations

import asyncio
import logging
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Callable

import pytest
import redis.asyncio

from rolewise.settings import PROJECT_ROOT
from rolewise.stores import leases
from rolewise.stores.database import StoreError
from rolewise.stores.leases import LeaseLockStore
from tests.services import Redis

# Another process: takes the lock, says so, and keeps it.
HOLDER = """
import asyncio, sys
from rolewise.stores.leases import LeaseLockStore
async def hold():
    async with LeaseLockStore(sys.argv[1]).lock(sys.argv[2]):
        print("held", flush=True)
        await asyncio.sleep(60)
asyncio.run(hold())
"""


@pytest.fixture
async def stores(redis_server: Redis) -> AsyncIterator[tuple[LeaseLockStore, LeaseLockStore]]:
    opened = LeaseLockStore(redis_server.url), LeaseLockStore(redis_server.url)
    yield opened
    for store in opened:
        await store.close()


@pytest.fixture
def sender() -> str:
    return f"person-{uuid.uuid4().hex}"


def left_behind(server: Redis, sender: str) -> list[bytes]:
    return [key for key in leases.keys(sender) if redis.Redis.from_url(server.url).exists(key)]  # type: ignore[misc]


def drawn(server: Redis, sender: str) -> int:
    """How many tickets of a conversation are drawn and not given back."""
    with redis.Redis.from_url(server.url) as client:
        return int(client.zcard(leases.keys(sender)[0]))


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds, however busy the machine is."""
    end = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < end
        await asyncio.sleep(0.02)


async def test_in_the_order_they_came_whichever_process_they_came_to(
    stores: tuple[LeaseLockStore, LeaseLockStore], sender: str, redis_server: Redis
) -> None:
    order: list[int] = []
    inside = 0

    async def turn(number: int) -> None:
        nonlocal inside
        async with stores[(number // 2) % 2].lock(sender):
            inside += 1
            assert inside == 1
            await asyncio.sleep(0.01)
            order.append(number)
            inside -= 1

    turns = []
    async with stores[1].lock(sender):
        for number in range(10):
            turns.append(asyncio.create_task(turn(number)))
            await until(lambda: drawn(redis_server, sender) == len(turns) + 1)
        began = time.monotonic()
    await asyncio.gather(*turns)
    # Rasa's own looks once a second whether it is its turn: nine of them would wait nine seconds.
    assert order == list(range(10)) and time.monotonic() - began < 8
    await until(lambda: not left_behind(redis_server, sender) and not stores[0]._waking and not stores[0]._held)


async def test_a_message_that_waits_for_a_connection_is_not_overtaken(
    stores: tuple[LeaseLockStore, LeaseLockStore], sender: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[int] = []

    async def turn(number: int) -> None:
        async with stores[0].lock(sender):
            order.append(number)

    async def slow(connection: redis.asyncio.Connection) -> None:
        if not connection.is_connected:
            await asyncio.sleep(0.3)
        await connect(connection)

    async with stores[0].lock(f"{sender}-warm"):
        pass
    await until(lambda: not stores[0]._tasks)
    connect = redis.asyncio.Connection.connect
    monkeypatch.setattr(redis.asyncio.Connection, "connect", slow)
    # The second finds the only connection in use.
    turns = [asyncio.create_task(turn(number)) for number in range(2)]
    await until(lambda: order == [0])
    await asyncio.gather(*turns, turn(2))
    assert order == [0, 1, 2]


async def test_one_conversation_does_not_wait_for_another(stores: tuple[LeaseLockStore, LeaseLockStore], sender: str) -> None:
    async with stores[0].lock(sender), stores[0].lock(f"{sender}-other"), stores[1].lock(f"{sender}-third"):
        pass


async def test_who_gives_up_waiting_holds_nobody_up(
    stores: tuple[LeaseLockStore, LeaseLockStore], sender: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "LEASE", 20.0)
    async with stores[0].lock(sender):
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(stores[1].lock(sender).__aenter__(), 0.05)
    began = time.monotonic()
    async with stores[1].lock(sender):
        # Whoever waited for the one that gave up would wait until its place ends.
        assert time.monotonic() - began < leases.LEASE / 2


async def test_who_gives_up_at_any_moment_is_let_go(
    stores: tuple[LeaseLockStore, LeaseLockStore], sender: str, redis_server: Redis
) -> None:
    async with stores[0].lock(sender):
        for moments in range(120):
            waiting = asyncio.create_task(stores[1].lock(sender).__aenter__())
            for _ in range(moments):
                await asyncio.sleep(0)
            waiting.cancel()
            done, _ = await asyncio.wait([waiting], timeout=10)
            assert done and waiting.cancelled(), f"after {moments} moments"
    await until(lambda: not left_behind(redis_server, sender))


async def test_a_long_turn_keeps_its_lock(
    stores: tuple[LeaseLockStore, LeaseLockStore], sender: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "RENEWAL", 0.1)
    async with stores[0].lock(sender):
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(stores[1].lock(sender).__aenter__(), 2 * leases.LEASE)


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGSTOP])
async def test_the_lock_of_a_process_that_died_or_hangs_ends_by_itself(
    stores: tuple[LeaseLockStore, LeaseLockStore], sender: str, redis_server: Redis, sent: signal.Signals
) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, redis_server.url, sender], cwd=PROJECT_ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        assert holder.stdout and await asyncio.to_thread(holder.stdout.readline) == b"held\n"
        holder.send_signal(sent)
        began = time.monotonic()
        async with stores[0].lock(sender):
            assert time.monotonic() - began < 3 * leases.LEASE
    finally:
        holder.kill()
        holder.wait()


async def test_redis_away_costs_little_and_is_said_and_comes_back(
    stores: tuple[LeaseLockStore, LeaseLockStore], sender: str, redis_server: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    # Whoever loaded a model before may have made the log quieter.
    caplog.set_level(logging.WARNING, "rolewise.stores.leases")
    store = stores[0]
    async with store.lock(sender):
        redis_server.stop()
    try:
        order: list[int] = []

        async def turn(number: int) -> None:
            async with store.lock(sender):
                await asyncio.sleep(0.01)
                order.append(number)

        began = time.monotonic()
        await asyncio.gather(*(turn(number) for number in range(5)))
        # Its own messages keep their order without it.
        assert order == list(range(5)) and time.monotonic() - began < 4 * leases.TIMEOUT
        assert store.degraded and "Redis cannot be used" in caplog.text
    finally:
        redis_server.start()
    await asyncio.sleep(leases.REST + 0.1)
    await store.probe()
    assert not store.degraded and "Redis can be used again" in caplog.text
    async with store.lock(sender):
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(stores[1].lock(sender).__aenter__(), 0.1)


async def test_redis_that_hangs_holds_a_turn_up_once(
    stores: tuple[LeaseLockStore, LeaseLockStore], sender: str, redis_server: Redis
) -> None:
    async with stores[0].lock(sender):
        pass
    redis_server.send(signal.SIGSTOP)
    try:
        began = time.monotonic()
        for number in range(5):
            async with stores[0].lock(f"{sender}-{number}"):
                pass
        # Not each of the five.
        assert time.monotonic() - began < 4.5 * leases.TIMEOUT
    finally:
        redis_server.send(signal.SIGCONT)


def test_an_address_that_cannot_be_read_is_named() -> None:
    with pytest.raises(StoreError, match="the address of the lock store"):
        LeaseLockStore("nonsense")
