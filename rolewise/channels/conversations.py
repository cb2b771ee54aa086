"""A stored conversation as the web channel needs it: what was said, one answer again, a rating, starting over, deleting."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from rasa.core.agent import Agent
from rasa.core.tracker_store import (
    FailSafeTrackerStore,
    InMemoryTrackerStore,
    MongoTrackerStore,
    RedisTrackerStore,
    SQLTrackerStore,
    TrackerStore,
)
from rasa.shared.core.constants import ACTION_LISTEN_NAME, ACTION_SESSION_START_NAME
from rasa.shared.core.events import ActionExecuted, BotUttered, Event, Restarted, SessionStarted, SlotSet, UserUttered

from rolewise.control import strip_control
from rolewise.stores.base import ConversationStore
from rolewise.stores.turns import CONFLICTS, ConflictError

RATING_SLOT = "rating"
# Keys of a message's metadata, which the tracker keeps.
MESSAGE_ID = "message_id"
TITLE = "title"
# The longest title that is kept, in characters.
MAX_TITLE = 200
# Events that a history is made of at most.
MAX_EVENTS = 600

Message = dict[str, Any]


class UnknownAnswer(Exception):
    """A rating of an answer that was not given in the conversation."""


async def events_of(agent: Agent, conversation: str) -> list[Event]:
    """The stored events of a conversation, the oldest first; of a long one what both sides said last."""
    if isinstance(agent.tracker_store, ConversationStore):
        return await agent.tracker_store.spoken(conversation, MAX_EVENTS)
    tracker = await agent.tracker_store.retrieve_full_tracker(conversation)
    return list(tracker.events) if tracker else []


def metadata_of(message_id: str, title: str) -> dict[str, Any]:
    """What is kept with a message: the sender's own id of it, and what the person saw on the button, empty where it was none."""
    return {MESSAGE_ID: message_id, TITLE: strip_control(title).strip()[:MAX_TITLE]}


async def is_deleted(agent: Agent, conversation: str) -> bool:
    """Whether a person has deleted this conversation; only our own stores remember that."""
    store = agent.tracker_store
    return isinstance(store, ConversationStore) and await store.is_deleted(conversation)


async def unanswered(agent: Agent, conversation: str, events: list[Event]) -> list[Message]:
    """Messages that were cut off by the death of a process, as a history has them, with ``unanswered`` and what to send again.

    Args:
        agent: has the store.
        conversation: whose.
        events: those of its history; what was sent before somebody started over is left out.
    """
    store = agent.tracker_store
    if not isinstance(store, ConversationStore):
        return []
    since = max((event.timestamp for event in events if isinstance(event, Restarted)), default=0.0)
    return [
        {"id": cut.message_id, "from": "user", "text": cut.title or cut.text, "payload": cut.text, "time": cut.time, "unanswered": True}
        for cut in await store.unanswered(conversation)
        if cut.time > since
    ]


def since_start_over(events: list[Event]) -> list[Event]:
    """The events after the last time somebody started over."""
    starts = [number for number, event in enumerate(events) if isinstance(event, Restarted)]
    return events[starts[-1] + 1 :] if starts else events


def history(events: Iterable[Event]) -> list[Message]:
    """What both sides said, in order.

    Returns:
        ``{id, from: "user", text, time}`` and ``{id, from: "bot", text, card, time, rating?}``, with ``time`` in seconds since the epoch.
    """
    messages: list[Message] = []
    turn, number = "", 0
    for event in events:
        if isinstance(event, UserUttered):
            metadata = event.metadata or {}
            turn, number = metadata.get(MESSAGE_ID) or event.message_id or str(event.timestamp), 0
            messages.append({"id": turn, "from": "user", "text": metadata.get(TITLE) or event.text or "", "time": event.timestamp})
        elif isinstance(event, BotUttered):
            messages.append(bot_message(turn, number, event.text or "", event.data.get("custom"), event.timestamp))
            number += 1
        elif isinstance(event, SlotSet) and event.key == RATING_SLOT and isinstance(event.value, dict):
            rate(messages, event.value)
    return messages


def bot_message(turn: str, number: int, text: str, custom: Any, time: float) -> Message:
    """A message of the assistant as the web channel sends it; ``turn`` is the id of the message it answers."""
    card = custom.get("card") if isinstance(custom, dict) else None
    return {"id": f"{turn}:{number}", "from": "bot", "text": text, "card": card, "time": time}


def rate(messages: list[Message], rating: dict[str, Any]) -> None:
    """Put a rating to the latest answer of its id: ids begin anew with each session."""
    for message in reversed(messages):
        if (message.get("card") or {}).get("answer_id") == rating.get("answer_id"):
            message["rating"] = rating.get("value")
            return


def answer_to(messages: list[Message], message_id: str) -> list[Message]:
    """What the assistant said to the message of this id; empty where that was never answered."""
    return [message for message in messages if message["from"] == "bot" and message["id"].rpartition(":")[0] == message_id]


async def keep_rating(agent: Agent, conversation: str, answer_id: str, value: str, reason: str) -> None:
    """Store a rating as an event of the conversation.

    A rating is no message: nothing is understood or answered, and the dialogue goes on where it was. So it is the event that the
    dialogue itself stores for a typed one, the slot ``rating``, and not a turn.

    Raises:
        UnknownAnswer: the conversation holds no such answer.
    """

    async def rate() -> None:
        tracker = await agent.tracker_store.retrieve(conversation)
        said = history(await events_of(agent, conversation))
        if not tracker or not any((message.get("card") or {}).get("answer_id") == answer_id for message in said):
            raise UnknownAnswer(answer_id)
        tracker.update(SlotSet(RATING_SLOT, {"answer_id": answer_id, "value": value, "reason": reason or None}))
        await agent.tracker_store.save(tracker)

    await _locked(agent, conversation, rate)


async def start_over(agent: Agent, conversation: str) -> None:
    """End the session and begin a new one; what was said stays stored, and is no longer history."""

    async def begin_anew() -> None:
        tracker = await agent.tracker_store.retrieve(conversation)
        if not tracker:
            return
        for event in (Restarted(), ActionExecuted(ACTION_SESSION_START_NAME), SessionStarted(), ActionExecuted(ACTION_LISTEN_NAME)):
            tracker.update(event)
        await agent.tracker_store.save(tracker)

    await _locked(agent, conversation, begin_anew)


async def _locked(agent: Agent, conversation: str, change: Callable[[], Awaitable[None]]) -> None:
    """Change a conversation with nobody else at it; once more where a process without the lock was."""
    for again in range(CONFLICTS):
        try:
            async with agent.lock_store.lock(conversation):
                return await change()
        except ConflictError:
            if again == CONFLICTS - 1:
                raise


async def delete(agent: Agent, conversation: str) -> None:
    """Remove every event of a conversation from the tracker store.

    Raises:
        NotImplementedError: the tracker store is of a kind that this does not know.
    """
    async with agent.lock_store.lock(conversation):
        for store in stores(agent.tracker_store):
            if isinstance(store, ConversationStore):
                await store.erase(conversation)
            else:
                remove(store, conversation)


def stores(store: TrackerStore) -> list[TrackerStore]:
    """The stores that hold events: Rasa wraps one, with one in memory for when it fails."""
    if isinstance(store, FailSafeTrackerStore):
        return [store._tracker_store, *([store._fallback_tracker_store] if store._fallback_tracker_store else [])]
    return [store]


def remove(store: TrackerStore, conversation: str) -> None:
    """Remove a conversation from one store."""
    if isinstance(store, SQLTrackerStore):
        with store.session_scope() as session:
            session.query(store.SQLEvent).filter(store.SQLEvent.sender_id == conversation).delete()
            session.commit()
    elif isinstance(store, InMemoryTrackerStore):
        store.store.pop(conversation, None)
    elif isinstance(store, RedisTrackerStore):
        store.red.delete(f"{store.key_prefix}{conversation}")
    elif isinstance(store, MongoTrackerStore):
        store.conversations.delete_one({"sender_id": conversation})
    else:
        raise NotImplementedError(f"{type(store).__name__} cannot delete a conversation")
