"""Rate limits: how much passes at once and later, and that many keys take little room. The locks: in order, and without waiting."""

from __future__ import annotations

import asyncio
import time

import pytest

from rolewise.channels.limits import RateLimit, is_loopback
from rolewise.stores.fair import FairLockStore


def test_so_many_at_once_and_then_evenly_spread() -> None:
    limit = RateLimit("5/second")
    assert [limit.wait("a", now=100.0) for _ in range(5)] == [0.0] * 5
    assert limit.wait("a", now=100.0) == pytest.approx(0.2)
    # What is refused does not count, and one key does not touch another.
    assert limit.wait("a", now=100.0) == pytest.approx(0.2)
    assert limit.wait("b", now=100.0) == 0.0
    assert limit.wait("a", now=100.21) == 0.0
    assert limit.wait("a", now=100.21) > 0.0
    assert [limit.wait("a", now=102.0) for _ in range(6)][:5] == [0.0] * 5


def test_off_lets_everything_pass() -> None:
    limit = RateLimit("off")
    assert not any(limit.wait("a") for _ in range(1000))


def test_many_keys_do_not_pile_up() -> None:
    limit = RateLimit("1/hour", keys=100)
    for number in range(1000):
        assert limit.wait(str(number)) == 0.0
    assert len(limit._full) == 100
    assert limit.wait("999") > 0.0


@pytest.mark.parametrize(("address", "own"), [("127.0.0.1", True), ("::1", True), ("203.0.113.9", False), ("", False), ("nonsense", False)])
def test_what_is_this_machine(address: str, own: bool) -> None:
    assert is_loopback(address) is own


async def test_a_conversation_is_locked_in_order_without_polling() -> None:
    store = FairLockStore()
    order: list[int] = []

    async def turn(number: int) -> None:
        async with store.lock("s"):
            await asyncio.sleep(0.01)
            order.append(number)

    began = time.monotonic()
    await asyncio.gather(*(turn(number) for number in range(5)))
    # Rasa's own would take more than four seconds.
    assert order == list(range(5)) and time.monotonic() - began < 2
    assert not store._locks


async def test_who_gives_up_waiting_holds_nobody_up() -> None:
    store = FairLockStore()
    async with store.lock("s"):
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(store.lock("s").__aenter__(), 0.01)
    async with store.lock("s"):
        pass
    assert not store._locks
