"""People who talk to a cluster through nginx, over REST and in the web channel, and what each of them met."""

from __future__ import annotations

import asyncio
import json
import random
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from tests.scale.cluster import SERVED_BY

# Different enough that an answer shows which message it belongs to.
TEXTS = [
    f"{question} {who}"
    for who in ("a data scientist", "a machine learning engineer", "a software engineer")
    for question in (
        "what does the job pay for",
        "what degree do I need to be",
        "what are the responsibilities of",
        "which skills does one need as",
        "what tools are used by",
        "what are the pros of being",
    )
]
# As the widget does: send the same message again until it is answered, after a second first, then after twice as long each time.
PAUSE, PATIENCE = 1.0, 60.0


@dataclass
class Exchange:
    """A message and what came back."""

    sender: str
    message_id: str
    text: str
    channel: str
    sent: float
    answered: float = 0.0
    answer: str = ""
    kind: str = ""
    errors: list[tuple[float, str]] = field(default_factory=list)
    served_by: set[int] = field(default_factory=set)

    @property
    def silence(self) -> float:
        """Seconds until the answer was read."""
        return (self.answered or time.time()) - self.sent


class Crowd:
    """So many people, each with one message on the way at a time."""

    def __init__(self, address: str, people: int, think: tuple[float, float], seed: int = 1) -> None:
        self.address = address
        self.people = people
        self.think = think
        self.chance = random.Random(seed)
        self.exchanges: list[Exchange] = []
        self._stop = asyncio.Event()

    async def talk(self) -> None:
        """Everybody talks until :meth:`hush`."""
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(60)) as session:
            await asyncio.gather(*(self._person(session, number) for number in range(self.people)))

    def hush(self) -> None:
        """Everybody ends with the message that is on its way."""
        self._stop.set()

    async def _person(self, session: aiohttp.ClientSession, number: int) -> None:
        web = number % 2 == 1
        sender = token = ""
        while not self._stop.is_set():
            # A new conversation now and then.
            if not sender or self.chance.random() < 0.05:
                sender, token = await self._begin(session, web)
            exchange = Exchange(sender, uuid.uuid4().hex, self.chance.choice(TEXTS), "web" if web else "rest", time.time())
            self.exchanges.append(exchange)
            await self._ask(session, exchange, token)
            await asyncio.sleep(self.chance.uniform(*self.think))

    async def _begin(self, session: aiohttp.ClientSession, web: bool) -> tuple[str, str]:
        if not web:
            return f"person-{uuid.uuid4().hex}", ""
        while True:
            try:
                async with session.post(f"{self.address}/chat/session") as response:
                    token = (await response.json())["token"]
                    return token, token
            except (aiohttp.ClientError, KeyError, ValueError):
                await asyncio.sleep(PAUSE)

    async def _ask(self, session: aiohttp.ClientSession, exchange: Exchange, token: str) -> None:
        pause = PAUSE
        while not exchange.answered and exchange.silence < PATIENCE:
            try:
                await (self._web(session, exchange, token) if token else self._rest(session, exchange))
            except (aiohttp.ClientError, asyncio.TimeoutError, ValueError, KeyError) as error:
                exchange.errors.append((time.time(), f"{type(error).__name__}: {error}"))
                await asyncio.sleep(pause)
                pause *= 2

    async def _rest(self, session: aiohttp.ClientSession, exchange: Exchange) -> None:
        body = {"sender": exchange.sender, "message": exchange.text, "message_id": exchange.message_id}
        async with session.post(f"{self.address}/webhooks/rest/webhook", json=body) as response:
            served(exchange, response)
            if response.status != 200:
                raise ValueError(f"status {response.status}")
            items: list[dict[str, Any]] = await response.json()
        answered(exchange, items)

    async def _web(self, session: aiohttp.ClientSession, exchange: Exchange, token: str) -> None:
        body = {"id": exchange.message_id, "text": exchange.text}
        headers = {"Authorization": f"Bearer {token}"}
        async with session.post(f"{self.address}/chat/message", json=body, headers=headers) as response:
            served(exchange, response)
            if response.status != 200:
                raise ValueError(f"status {response.status}")
            lines = [json.loads(line) async for line in response.content]
        if not lines or lines[-1]["type"] != "end":
            raise ValueError("the answer broke off")
        if any(line["type"] == "error" for line in lines):
            raise ValueError("an error instead of an answer")
        answered(exchange, [{**line, "custom": {"card": line["card"]}} for line in lines if line["type"] == "message"])


def served(exchange: Exchange, response: aiohttp.ClientResponse) -> None:
    """Note which processes nginx asked."""
    for asked in response.headers.get(SERVED_BY, "").replace(" : ", ", ").split(", "):
        port = asked.rpartition(":")[2]
        if port.isdigit():
            exchange.served_by.add(int(port))


def answered(exchange: Exchange, items: list[dict[str, Any]]) -> None:
    """Note the answer; an apology is none."""
    kinds = [(item.get("custom") or {}).get("card", {}).get("kind") for item in items]
    if not items or kinds[-1] == "error":
        raise ValueError(f"an apology: {items[-1]['text'] if items else 'nothing'}")
    exchange.answered = time.time()
    exchange.answer, exchange.kind = items[-1]["text"], kinds[-1] or ""
