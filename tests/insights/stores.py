"""Stores with conversations that the real assistant held, for the tests of what is made of them."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rasa.core.channels.channel import UserMessage
from rasa.shared.core.events import SlotSet

from bench.simulate_month import INSERT, Month
from rolewise.channels.conversations import remove, stores
from rolewise.channels.output import WholeMessages
from rolewise.stores import database
from tests.conftest import Assistant


@dataclass
class Said:
    """A message of a conversation, and how its answer is rated."""

    text: str
    rating: str | None = None
    reason: str | None = None


@dataclass
class Visit:
    """A conversation: who, over which channel, when it began (seconds since the epoch), and what was said."""

    sender: str
    channel: str
    began: float
    said: list[Said]


async def rows_of(agent: Any, visit: Visit) -> list[tuple[Any, ...]]:
    """The rows of the table of events that a conversation gives."""
    rows: list[tuple[Any, ...]] = []
    done = 0
    for number, said in enumerate(visit.said):
        collector, real = WholeMessages(visit.channel), time.time()
        message = UserMessage(said.text, collector, visit.sender, input_channel=visit.channel, metadata={"received": real})
        await agent.handle_message(message)
        tracker = await agent.tracker_store.retrieve(visit.sender)
        if said.rating:
            answer_id = collector.messages[-1]["custom"]["card"]["answer_id"]
            tracker.update(SlotSet("rating", {"answer_id": answer_id, "value": said.rating, "reason": said.reason}))
            await agent.tracker_store.save(tracker)
        events = list(tracker.events)
        rows += [Month.row(visit.sender, event, visit.began + 60 * number - real) for event in events[done:]]
        done = len(events)
    for store in stores(agent.tracker_store):
        remove(store, visit.sender)
    return rows


def hold(asker: Assistant, visits: Iterable[Visit], path: Path) -> list[tuple[Any, ...]]:
    """Hold the conversations, with the events of all mixed as they come in; write them into a store, and give the rows."""
    per_visit = [asker.run(rows_of(asker.asker.agent, visit)) for visit in visits]
    longest = max(map(len, per_visit))
    rows = [rows[number] for number in range(longest) for rows in per_visit if number < len(rows)]
    database.prepare(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.executemany(INSERT, rows)
        connection.commit()
    return rows
