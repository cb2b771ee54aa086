"""The part of a conversation that a turn works with: its last turns, and the events before them that decide how it stands."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from rasa.shared.core import events as rasa_events
from rasa.shared.core.constants import ACTION_LISTEN_NAME
from rasa.shared.core.events import ActionExecuted, Event, SessionStarted, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

from rolewise.stores.link import Link

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


class StoredTracker(DialogueStateTracker):
    """A tracker that knows how many of its events are in the store, and the id that the conversation's last event had there."""

    stored = 0
    last = 0


@dataclass(frozen=True)
class Tail:
    """The latest events of a conversation, and the id that the last of them has in the store."""

    last: int
    events: tuple[Event, ...]


def latest(events: list[Event], turns: int) -> list[Event]:
    """The last turns of the latest session, after those events before them that decide how the conversation stands."""
    events = session(events)
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


def session(events: list[Event]) -> list[Event]:
    """The latest session: all events when none was started."""
    start = next((index for index in range(len(events) - 1, -1, -1) if isinstance(events[index], SessionStarted)), 0)
    return events[start:]


def load(link: Link, sender: str, turns: int) -> tuple[Event, ...]:
    """What :func:`latest` needs, without reading the rest of a long conversation."""
    mine = "SELECT {} FROM events WHERE sender_id = :sender AND id >= :start "
    at: dict[str, Any] = {"sender": sender, "start": 0, "turns": turns - 1}
    (start,) = link.execute(mine.format("max(id)") + "AND type_name = 'session_started'", at).fetchone()
    at["start"] = start or 0
    found = link.execute(mine.format("id") + "AND type_name = 'user' ORDER BY id DESC LIMIT 1 OFFSET :turns", at).fetchone()
    cut = found[0] if found else at["start"]
    (before,) = link.execute(mine.format("max(id)") + "AND id < :cut", {**at, "cut": cut}).fetchone()
    at["cut"] = cut if before is None else before
    kinds = ", ".join(f"'{kind}'" for kind in STATE)
    rows = link.execute(mine.format("data") + f"AND (id >= :cut OR type_name IN ({kinds})) ORDER BY id", at).fetchall()
    return tuple(latest(read(rows), turns))


def read(rows: Iterable[Any]) -> list[Event]:
    """Events of rows whose only column is ``data``."""
    found: list[Event] = rasa_events.deserialise_events([json.loads(data) for (data,) in rows])
    return found


def row(sender: str, event: Event) -> tuple[Any, ...]:
    """An event as Rasa's own SQL tracker store keeps it: sender_id, type_name, timestamp, intent_name, action_name, data."""
    data = event.as_dict()
    intent = ((data.get("parse_data") or {}).get("intent") or {}).get("name")
    return sender, event.type_name, data.get("timestamp"), intent, data.get("name"), json.dumps(data)
