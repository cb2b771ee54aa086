"""The book of turns on SQLite and on a real PostgreSQL: answered once, never over another process, known if cut off."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from rasa.core.tracker_store import SQLTrackerStore
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, BotUttered, SessionStarted, SlotSet, UserUttered

from rolewise.stores import turns as book
from rolewise.stores.base import ConversationStore
from rolewise.stores.database import StoreError
from rolewise.stores.link import Link
from rolewise.stores.postgres import PostgresTrackerStore
from rolewise.stores.tail import row
from rolewise.stores.tracker_store import SQLiteTrackerStore
from rolewise.stores.turns import ConflictError, DeletedError, Turn, current
from tests.services import Postgres

DOMAIN = Domain.from_yaml("slots:\n  context:\n    type: any\n    mappings: [{type: custom}]\n")


@pytest.fixture(params=["sqlite", "postgres"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def stores(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[tuple[ConversationStore, ConversationStore]]:
    """The stores of two processes on one database."""
    if engine == "sqlite":
        opened: list[ConversationStore] = [SQLiteTrackerStore(DOMAIN, db=str(tmp_path / "store.db")) for _ in range(2)]
    else:
        url = request.getfixturevalue("postgres").url
        opened = [PostgresTrackerStore(DOMAIN, host=url) for _ in range(2)]
    yield opened[0], opened[1]
    for store in opened:
        store.close()


@pytest.fixture
def sender() -> str:
    return f"person-{uuid.uuid4().hex}"


@contextmanager
def working_on(turn: Turn) -> Iterator[None]:
    reset = current.set(turn)
    try:
        yield
    finally:
        current.reset(reset)


async def answer(store: ConversationStore, turn: Turn, text: str) -> None:
    """The events of a turn, stored."""
    with working_on(turn):
        tracker = await store.retrieve(turn.sender) or store.init_tracker(turn.sender)
        if not tracker.events:
            tracker.update(ActionExecuted("action_session_start"))
            tracker.update(SessionStarted())
        tracker.update(UserUttered(text, message_id=turn.message_id))
        tracker.update(SlotSet("context", text))
        tracker.update(BotUttered(f"about {text}", data={"custom": {"card": {"lead": text}}}))
        await store.save(tracker)
    store.end(turn)


async def texts(store: ConversationStore, sender: str) -> list[str]:
    tracker = await store.retrieve_full_tracker(sender)
    return [event.text for event in tracker.events if isinstance(event, UserUttered)] if tracker else []


async def grow_old(store: ConversationStore, sender: str) -> None:
    """As if the pending turns had given no sign for a while."""
    past = book.ABANDONED + 1
    await store.writing(lambda link: link.execute("UPDATE turns SET seen = seen - :past WHERE sender_id = :s", {"past": past, "s": sender}))


async def test_a_message_sent_again_gets_the_answer_it_had_from_any_process(
    stores: tuple[ConversationStore, ConversationStore], sender: str
) -> None:
    one, two = stores
    first = Turn(sender, "message-1")
    await one.begin(first, "hello")
    assert await one.claim(first) is None
    await answer(one, first, "hello")
    for number in range(2, 8):
        later = Turn(sender, f"message-{number}")
        await two.begin(later, "more")
        assert await two.claim(later) is None
        await answer(two, later, "more")
    for store in stores:
        again = Turn(sender, "message-1")
        await store.begin(again, "hello")
        given = await store.claim(again)
        assert given is not None and [(event.text, event.data["custom"]) for event in given] == [
            ("about hello", {"card": {"lead": "hello"}})
        ]
        store.end(again)
    assert (await texts(one, sender)).count("hello") == 1


async def test_nobody_saves_over_what_another_process_did_meanwhile(
    stores: tuple[ConversationStore, ConversationStore], sender: str
) -> None:
    one, two = stores
    slow, quick = Turn(sender, "message-1"), Turn(sender, "message-2")
    await one.begin(slow, "slow")
    await two.begin(quick, "quick")
    # Both read the empty conversation: the locks were away.
    with working_on(slow):
        tracker = one.init_tracker(sender)
        tracker.update(UserUttered("slow", message_id="message-1"))
        await answer(two, quick, "quick")
        with pytest.raises(ConflictError):
            await one.save(tracker)
    assert await texts(one, sender) == ["quick"]
    # Worked on again it follows.
    assert await one.claim(slow) is None
    await answer(one, slow, "slow")
    assert await texts(two, sender) == ["quick", "slow"]
    found = await two.retrieve(sender)
    assert found is not None and found.get_slot("context") == "slow"


async def test_one_turn_worked_on_by_two_processes_is_stored_once(stores: tuple[ConversationStore, ConversationStore], sender: str) -> None:
    one, two = stores
    hung, again = Turn(sender, "message-1"), Turn(sender, "message-1")
    await one.begin(hung, "hello")
    await two.begin(again, "hello")
    with working_on(hung):
        tracker = one.init_tracker(sender)
        tracker.update(UserUttered("hello", message_id="message-1"))
        await answer(two, again, "hello")
        with pytest.raises(ConflictError):
            await one.save(tracker)
    assert await one.claim(hung) is not None
    assert await texts(one, sender) == ["hello"]


async def test_a_message_that_was_cut_off_is_known_and_told_once(stores: tuple[ConversationStore, ConversationStore], sender: str) -> None:
    one, two = stores
    await one.begin(Turn(sender, "message-1"), "what do they earn", "Salary?")
    # Its process may still be at it.
    assert await two.unanswered(sender) == []
    await grow_old(one, sender)
    (cut,) = await two.unanswered(sender)
    assert (cut.message_id, cut.text, cut.title) == ("message-1", "what do they earn", "Salary?") and abs(cut.time - time.time()) < 60
    back = Turn(sender, "message-2")
    await two.begin(back, "hello again")
    assert await two.claim(back) is None and back.cut_off == [cut]
    # Nothing is said that was not stored.
    assert len(await one.unanswered(sender)) == 1
    await answer(two, back, "hello again")
    assert await one.unanswered(sender) == []
    # Sent again, it is answered.
    again = Turn(sender, "message-1")
    await one.begin(again, "what do they earn")
    assert await one.claim(again) is None
    await answer(one, again, "what do they earn")
    assert await texts(one, sender) == ["hello again", "what do they earn"]


async def test_a_slow_turn_is_not_taken_for_cut_off(
    stores: tuple[ConversationStore, ConversationStore], sender: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = stores
    monkeypatch.setattr(book, "SIGN", 0.02)
    turn = Turn(sender, "message-1")
    await one.begin(turn, "hello")
    await grow_old(one, sender)
    watching = asyncio.get_running_loop().create_task(one.watch())
    end = time.monotonic() + 10
    while await two.unanswered(sender):
        assert time.monotonic() < end
        await asyncio.sleep(0.02)
    watching.cancel()


async def test_a_turn_that_failed_may_be_sent_again(stores: tuple[ConversationStore, ConversationStore], sender: str) -> None:
    one, two = stores
    failed, again = Turn(sender, "message-1"), Turn(sender, "message-1")
    await one.begin(failed, "hello")
    one.end(failed)
    await one.give_up(failed)
    await two.begin(again, "hello")
    # What the first one leaves behind does not take the second along.
    await one.give_up(failed)
    assert await two.claim(again) is None
    await answer(two, again, "hello")
    assert await texts(one, sender) == ["hello"]


async def test_what_is_on_its_way_does_not_begin_a_deleted_conversation_again(
    stores: tuple[ConversationStore, ConversationStore], sender: str
) -> None:
    one, two = stores
    turn, waiting = Turn(sender, "message-1"), Turn(sender, "message-2")
    await one.begin(turn, "hello")
    await one.begin(waiting, "hello")
    await two.erase(sender)
    with pytest.raises(DeletedError):
        await answer(one, turn, "hello")
    with pytest.raises(DeletedError):
        await one.claim(waiting)
    with pytest.raises(DeletedError):
        await one.begin(Turn(sender, "message-3"), "hello")
    assert await one.is_deleted(sender) and not await one.exists(sender)
    assert not await one.is_deleted(f"{sender}-other")


async def test_long_ago_is_forgotten(stores: tuple[ConversationStore, ConversationStore], sender: str) -> None:
    one, _ = stores
    for number, state in enumerate(("answered", "pending", "answered")):
        turn = Turn(sender, f"message-{number}")
        await one.begin(turn, "hello")
        if state == "answered":
            await answer(one, turn, "hello")
    past = {"past": book.REMEMBERED + 60, "s": sender}
    await one.writing(lambda link: link.execute("UPDATE turns SET started = started - :past WHERE message_id <> 'message-2'", past))
    await one._prune()
    left = await one.reading(lambda link: link.execute("SELECT message_id FROM turns WHERE sender_id = :s ORDER BY 1", past).fetchall())
    assert [message for (message,) in left] == ["message-1", "message-2"]
    assert len(await texts(one, sender)) == 2


async def test_what_it_cannot_write_down_it_says(stores: tuple[ConversationStore, ConversationStore], sender: str) -> None:
    one, _ = stores
    odd = Turn(sender, "message-1")
    await one.begin(odd, "half a pair \ud83d and a nul \0")
    await grow_old(one, sender)
    assert [cut.text for cut in await one.unanswered(sender)] == ["half a pair ? and a nul "]
    await one.probe()


async def test_a_commit_whose_word_was_lost_is_recognised(stores: tuple[ConversationStore, ConversationStore], sender: str) -> None:
    """The connection breaks after the commit, so it is done again: that must not store it twice, nor be called a conflict."""
    one, _ = stores
    turn = Turn(sender, "message-1")
    await one.begin(turn, "hello")
    rows = [row(sender, event) for event in (UserUttered("hello", message_id="message-1"), BotUttered("about hello"))]
    with working_on(turn):
        last = await one._append(sender, rows, 0)
        assert await one._append(sender, rows, 0) == last
        with pytest.raises(ConflictError):
            await one._append(sender, [row(sender, UserUttered("hello", message_id="message-1"))], 0)
    given = await one.claim(turn)
    assert given is not None and [event.text for event in given] == ["about hello"]
    assert await texts(one, sender) == ["hello"]


# -- PostgreSQL only --------------------------------------------------------------------------------------------------------------


async def test_rasas_own_store_reads_it_and_the_other_way_round(postgres: Postgres, sender: str) -> None:
    store = PostgresTrackerStore(DOMAIN, host=postgres.url)
    turn = Turn(sender, "message-1")
    await store.begin(turn, "hello")
    await answer(store, turn, "hello")
    rasa = SQLTrackerStore(DOMAIN, dialect="postgresql", host="127.0.0.1", port=postgres.port, db="rolewise", username="rolewise")
    tracker = await rasa.retrieve(sender)
    assert tracker is not None and tracker.latest_message is not None and tracker.latest_message.text == "hello"
    tracker.update(UserUttered("and then"))
    await rasa.save(tracker)
    assert await texts(store, sender) == ["hello", "and then"]
    rasa.engine.dispose()
    store.close()


async def test_a_long_conversation_is_read_in_part(postgres: Postgres, sender: str) -> None:
    store = PostgresTrackerStore(DOMAIN, host=postgres.url)
    for number in range(12):
        turn = Turn(sender, f"message-{number}")
        await store.begin(turn, f"m{number}")
        await answer(store, turn, f"m{number}")
    fresh = PostgresTrackerStore(DOMAIN, host=postgres.url)
    tracker = await fresh.retrieve(sender)
    assert tracker is not None and [event.text for event in tracker.events if isinstance(event, UserUttered)] == ["m9", "m10", "m11"]
    assert tracker.get_slot("context") == "m11"
    plan = postgres.rows("EXPLAIN SELECT id FROM events WHERE sender_id = %s ORDER BY id DESC LIMIT 1", sender)
    assert "ix_events_sender_order" in str(plan)
    for opened in (store, fresh):
        opened.close()


async def test_a_restart_in_the_middle_is_waited_for(postgres: Postgres, sender: str) -> None:
    store = PostgresTrackerStore(DOMAIN, host=postgres.url)
    turn = Turn(sender, "message-1")
    await store.begin(turn, "hello")
    restarting = asyncio.get_running_loop().run_in_executor(None, lambda: postgres.restart(away=0.3))
    await asyncio.sleep(0.1)
    await answer(store, turn, "hello")
    await restarting
    assert await texts(store, sender) == ["hello"]
    store.close()


async def test_a_slow_database_holds_up_nothing_else_and_fails_in_time(postgres: Postgres, sender: str) -> None:
    store = PostgresTrackerStore(DOMAIN, host=postgres.url, patience=0.5)
    await store.probe()
    began = time.monotonic()
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    ticking = asyncio.get_running_loop().create_task(tick())
    with pytest.raises(StoreError):
        await store.reading(lambda link: link.execute("SELECT pg_sleep(60)", {}))
    ticking.cancel()
    assert time.monotonic() - began < 8 and ticks > 100
    store.close()


async def test_what_nobody_waits_for_is_not_stored(postgres: Postgres, sender: str) -> None:
    store = PostgresTrackerStore(DOMAIN, host=postgres.url)
    turn = Turn(sender, "message-1")

    def slow(link: Link) -> None:
        book.begin(link, store.now, turn, "hello", "")
        link.execute("SELECT pg_sleep(0.5)", {})

    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(store.writing(slow, sender), 0.1)
    await asyncio.sleep(1.0)
    assert postgres.rows("SELECT count(*) FROM turns WHERE sender_id = %s", sender) == [(0,)]
    store.close()


def test_a_database_that_cannot_be_used_is_named() -> None:
    with pytest.raises(StoreError, match="ROLEWISE_DATABASE cannot be used"):
        PostgresTrackerStore(DOMAIN, host="postgresql://rolewise@127.0.0.1:1/none")
