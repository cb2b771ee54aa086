"""What the web channel does to a stored conversation, on Rasa's own stores, and the secret that signs its tokens."""

from __future__ import annotations

import sqlite3
import stat
import threading
from pathlib import Path

import pytest
from rasa.core.agent import Agent
from rasa.core.tracker_store import InMemoryTrackerStore, SQLTrackerStore, TrackerStore
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, BotUttered, SessionStarted, SlotSet, UserUttered
from rasa.shared.core.slots import AnySlot

from rolewise.channels import conversations
from rolewise.channels.tokens import SECRET_BYTES, kept_secret


def domain() -> Domain:
    return Domain([], [], [AnySlot(conversations.RATING_SLOT, mappings=[{}], influence_conversation=False)], {}, [], {}, {})


@pytest.fixture(params=["memory", "sql"])
def agent(request: pytest.FixtureRequest, tmp_path: Path) -> Agent:
    store: TrackerStore = InMemoryTrackerStore(domain())
    if request.param == "sql":
        store = SQLTrackerStore(domain(), db=str(tmp_path / "events.db"))
    return Agent(domain=domain(), tracker_store=store)


async def say(agent: Agent, conversation: str, number: int) -> None:
    tracker = await agent.tracker_store.get_or_create_tracker(conversation)
    if not tracker.events or number == 1:
        tracker.update(ActionExecuted("action_session_start"))
        tracker.update(SessionStarted())
    card = {"answer_id": f"a{number}"}
    tracker.update(UserUttered(f"question {number}", metadata={"message_id": f"message-{number}"}))
    tracker.update(BotUttered(f"answer {number}", data={"custom": {"card": card}}))
    tracker.update(ActionExecuted("action_listen"))
    await agent.tracker_store.save(tracker)


async def read(agent: Agent, conversation: str) -> list[conversations.Message]:
    return conversations.history(conversations.since_start_over(await conversations.events_of(agent, conversation)))


async def test_history_goes_back_to_the_last_start_over(agent: Agent) -> None:
    await say(agent, "me", 1)
    await say(agent, "me", 2)
    assert [message["text"] for message in await read(agent, "me")] == ["question 1", "answer 1", "question 2", "answer 2"]
    await conversations.start_over(agent, "me")
    assert await read(agent, "me") == []
    await say(agent, "me", 3)
    assert [message["id"] for message in await read(agent, "me")] == ["message-3", "message-3:0"]


async def test_starting_over_takes_the_slots_along(agent: Agent) -> None:
    await say(agent, "me", 1)
    await conversations.keep_rating(agent, "me", "a1", "up", "")
    await conversations.start_over(agent, "me")
    tracker = await agent.tracker_store.retrieve("me")
    assert tracker and tracker.get_slot(conversations.RATING_SLOT) is None
    assert tracker.latest_action_name == "action_listen"


async def test_a_rating_is_an_event_of_the_conversation(agent: Agent) -> None:
    await say(agent, "me", 1)
    await conversations.keep_rating(agent, "me", "a1", "down", "too long")
    await conversations.keep_rating(agent, "me", "a1", "up", "")
    events = await conversations.events_of(agent, "me")
    expected = [{"answer_id": "a1", "value": "down", "reason": "too long"}, {"answer_id": "a1", "value": "up", "reason": None}]
    assert [event.value for event in events if isinstance(event, SlotSet) and event.key == "rating"] == expected
    assert (await read(agent, "me"))[1]["rating"] == "up"


async def test_what_was_not_said_cannot_be_rated(agent: Agent) -> None:
    await say(agent, "me", 1)
    for conversation, answer_id in (("me", "a2"), ("you", "a1")):
        with pytest.raises(conversations.UnknownAnswer):
            await conversations.keep_rating(agent, conversation, answer_id, "up", "")


async def test_deleting_takes_one_conversation_and_all_of_it(agent: Agent, tmp_path: Path) -> None:
    await say(agent, "me", 1)
    await conversations.start_over(agent, "me")
    await say(agent, "me", 2)
    await say(agent, "you", 1)
    await conversations.delete(agent, "me")
    assert await conversations.events_of(agent, "me") == []
    assert len(await read(agent, "you")) == 2
    if (tmp_path / "events.db").exists():
        with sqlite3.connect(tmp_path / "events.db") as database:
            assert database.execute("select distinct sender_id from events").fetchall() == [("you",)]


async def test_a_store_that_cannot_delete_says_so() -> None:
    agent = Agent(domain=domain(), tracker_store=TrackerStore(domain()))
    with pytest.raises(NotImplementedError, match="TrackerStore"):
        await conversations.delete(agent, "me")


def test_the_secret_is_made_once_and_is_its_owners(tmp_path: Path) -> None:
    path = tmp_path / "cache" / "secret"
    seen: list[str] = []
    threads = [threading.Thread(target=lambda: seen.append(kept_secret(path))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 8 and len(set(seen)) == 1 and len(seen[0]) >= SECRET_BYTES
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["secret"]


def test_half_a_secret_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("short")
    with pytest.raises(ValueError, match="delete it"):
        kept_secret(tmp_path / "secret")
