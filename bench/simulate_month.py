"""Writes a store with a simulated month of traffic: the real assistant answers the tests' own questions, with typing errors and
off-topic ones, on days, at hours and over channels as a careers site has them. Only the clock is made up.

    .venv/bin/python bench/simulate_month.py results/month.db --messages 20000
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

INSERT = "INSERT INTO events (sender_id, type_name, timestamp, intent_name, action_name, data) VALUES (?, ?, ?, ?, ?, ?)"
LAST_DAY = datetime(2026, 11, 27, tzinfo=timezone.utc)
DAYS = 30

CHANNELS = {"web": 0.62, "slack": 0.2, "rest": 0.13, "cmdline": 0.05}
# By weekday from Monday, and by hour of the day (UTC).
WEEK = (1.2, 1.25, 1.15, 1.1, 0.9, 0.5, 0.65)
HOURS = (1, 1, 0.6, 0.4, 0.3, 0.4, 0.8, 1.6, 3, 4.5, 5.5, 6, 5, 4.8, 5.2, 5.8, 6.2, 5.4, 4.6, 5, 5.8, 5.2, 3.4, 2)
# A careers fair: twice the traffic, and the month ends a third above its beginning.
FAIR, GROWTH = 17, 0.33
OFF_TOPIC, SMALL_TALK, TYPOS = 0.14, 0.06, 0.3
GOES_ON = 0.62
FOLLOW_UPS = (
    "and the salary?", "what about data scientists?", "and for a software engineer?", "which one pays better?",
    "do i need a degree for that", "tell me more", "where is that from?", "compare all three", "is it hard?", "and in germany?",
    "what should i learn first", "which tools", "can i do it remotely", "what about nurses", "shorter please",
    "and the downsides?", "how do i start", "will ai take it over",
)  # fmt: skip
REASONS = (
    "too long",
    "I wanted the figure for my country",
    "not what I asked",
    "no internships listed",
    "write to me at jo.bloggs@example.org",
)
# What many ask in this month and nobody has written an answer to.
WANTED = (
    "can i get an internship abroad", "internships in another country?", "how do i find an internship outside the uk",
    "summer internship abroad", "is there a part time version of this job", "can i work part time as a developer",
    "part time hours possible?", "four day week in tech?", "which laptop do i need for studying",
    "what laptop should i buy for machine learning", "is a macbook ok for data science", "do you have events i can visit",
    "when is the next careers fair", "are there open days", "how old is too old to apply for funding", "who pays for the course",
    "is there a scholarship", "any grants for a bootcamp", "can i talk to a real person", "phone number of the office please",
)  # fmt: skip


def misspelt(text: str, random: random.Random) -> str:
    """The text with one to three slips of the fingers."""
    letters = list(text)
    for _ in range(random.randint(1, 3)):
        at = random.randrange(max(1, len(letters) - 1))
        slip = random.random()
        if slip < 0.35 and at + 1 < len(letters):
            letters[at], letters[at + 1] = letters[at + 1], letters[at]
        elif slip < 0.65:
            del letters[at]
        elif slip < 0.85:
            letters.insert(at, letters[at])
        else:
            letters[at] = random.choice("abcdefghijklmnopqrstuvwxyz ")
    return "".join(letters)


def read(name: str) -> list[str]:
    """The messages of a test file."""
    lines = (ROOT / "tests" / "data" / name).read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["text"] for line in lines]


class Visitors:
    """What people type, one at a time; the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.questions, self.outside, self.small = (read(f"{name}.jsonl") for name in ("questions", "out_of_scope", "small_talk"))
        for texts in (self.questions, self.outside):
            self.random.shuffle(texts)

    def popular(self, texts: list[str] | tuple[str, ...]) -> str:
        """One of the texts, the first ones far more often."""
        return texts[
            min(int(self.random.paretovariate(0.7)) - 1, len(texts) - 1)
            if self.random.random() < 0.5
            else self.random.randrange(len(texts))
        ]

    def first(self) -> str:
        """What somebody begins with."""
        chance = self.random.random()
        if chance < SMALL_TALK:
            return self.random.choice(self.small)
        if chance < SMALL_TALK + OFF_TOPIC:
            return self.typed(self.random.choice(WANTED) if self.random.random() < 0.4 else self.popular(self.outside))
        return self.typed(self.popular(self.questions))

    def next(self, card: dict[str, Any]) -> str:
        """What somebody goes on with after a card."""
        suggestions = card.get("suggestions") or []
        chance = self.random.random()
        if suggestions and chance < 0.38:
            return str(self.random.choice(suggestions)["payload"])
        if chance < 0.75:
            return self.typed(self.random.choice(FOLLOW_UPS))
        return self.first()

    def typed(self, text: str) -> str:
        """The text as it comes out of the fingers."""
        return misspelt(text, self.random) if self.random.random() < TYPOS else text

    def rating(self, kind: str) -> dict[str, Any] | None:
        """A thumb for an answer, or none."""
        if kind not in ("answer", "comparison") or self.random.random() > 0.12:
            return None
        up = self.random.random() < 0.78
        return {"value": "up" if up else "down", "reason": None if up or self.random.random() < 0.6 else self.random.choice(REASONS)}


def moments(day: datetime, count: int, random: random.Random) -> Iterator[datetime]:
    """When the conversations of a day begin."""
    for hour in sorted(random.choices(range(24), HOURS, k=count)):
        yield day + timedelta(hours=hour, seconds=random.uniform(0, 3600))


def shares() -> list[tuple[datetime, float]]:
    """The days and their share of the month's messages."""
    found = []
    for number in range(DAYS):
        day = LAST_DAY - timedelta(days=DAYS - 1 - number)
        weight = WEEK[day.weekday()] * (1 + GROWTH * number / DAYS) * (2 if number == FAIR else 1)
        found.append((day, weight))
    total = sum(weight for _, weight in found)
    return [(day, weight / total) for day, weight in found]


class Month:
    """Writes conversations with the real assistant into a store."""

    def __init__(self, asker: Any, connection: sqlite3.Connection, seed: int) -> None:
        self.asker = asker
        self.connection = connection
        self.visitors = Visitors(seed)
        self.messages = 0

    async def conversation(self, sender: str, began: datetime) -> None:
        """One conversation from its first message to its last."""
        from rasa.core.channels.channel import UserMessage
        from rasa.shared.core.events import SlotSet

        from rolewise.channels.conversations import remove, stores
        from rolewise.channels.output import WholeMessages

        random, agent = self.visitors.random, self.asker.agent
        channel = random.choices(list(CHANNELS), list(CHANNELS.values()))[0]
        text, clock = self.visitors.first(), began.timestamp()
        rows: list[tuple[Any, ...]] = []
        done = 0
        while True:
            collector, real = WholeMessages(channel), time.time()
            await agent.handle_message(UserMessage(text, collector, sender, input_channel=channel, metadata={"received": real}))
            tracker = await agent.tracker_store.retrieve(sender)
            card = (collector.messages[-1].get("custom") or {}).get("card", {}) if collector.messages else {}
            rating = self.visitors.rating(card.get("kind", ""))
            if rating:
                tracker.update(SlotSet("rating", {"answer_id": card["answer_id"], **rating}))
                await agent.tracker_store.save(tracker)
            events = list(tracker.events)
            rows += [self.row(sender, event, clock - real) for event in events[done:]]
            done = len(events)
            self.messages += 1
            if random.random() > GOES_ON:
                break
            text = self.visitors.next(card)
            clock += 6 + random.expovariate(1 / 35)
        self.connection.executemany(INSERT, rows)
        for store in stores(agent.tracker_store):
            remove(store, sender)

    @staticmethod
    def row(sender: str, event: Any, shift: float) -> tuple[Any, ...]:
        """An event as the store keeps it, its clock moved."""
        data = event.as_dict()
        data["timestamp"] = (data.get("timestamp") or 0.0) + shift
        if data.get("metadata", {}).get("received"):
            data["metadata"]["received"] += shift
        intent = ((data.get("parse_data") or {}).get("intent") or {}).get("name")
        return sender, event.type_name, data["timestamp"], intent, data.get("name"), json.dumps(data)


async def simulate(path: Path, messages: int, seed: int, model: Path | None) -> None:
    """Write the month, one day after the other; days that are there already are left."""
    from rolewise.commands.ask import Asker
    from rolewise.stores import database

    database.prepare(path)
    asker = await Asker.load(model)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for number, (day, share) in enumerate(shares()):
            name = f"day{number:02d}-"
            if connection.execute("SELECT 1 FROM events WHERE sender_id >= ? AND sender_id < ? LIMIT 1", (name, name + "~")).fetchone():
                continue
            month = Month(asker, connection, seed * 1000 + number)
            connection.execute("BEGIN")
            wanted = round(messages * share)
            # A conversation has about 1 / (1 - GOES_ON) messages; those too many are not begun.
            for began in moments(day, wanted, month.visitors.random):
                if month.visitors.random.random() < 1.05 * (1 - GOES_ON):
                    await month.conversation(f"{name}{month.messages:05d}", began)
            connection.execute("COMMIT")
            print(f"{day:%Y-%m-%d}: {month.messages} messages", flush=True)


def main() -> None:
    """Read the command line and write the month."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", type=Path)
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--model", type=Path)
    options = parser.parse_args()
    from rolewise.commands import cli
    from rolewise.engine.imports import light, newest
    from rolewise.settings import settings

    cli.quiet()
    light(newest(options.model or settings().models))
    cli.logs("ERROR")
    asyncio.run(simulate(options.store, options.messages, options.seed, options.model))


if __name__ == "__main__":
    main()
