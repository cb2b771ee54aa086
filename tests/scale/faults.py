"""What happens to a cluster while people talk, and the reckoning: nothing acknowledged is missing, nothing is answered twice."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from tests.scale.cluster import Cluster
from tests.scale.people import Crowd, Exchange

# Seconds after a fault in which what people meet is put down to it.
AFTER = 12.0


@dataclass
class Fault:
    """Something that went wrong, or was done."""

    kind: str
    began: float
    ended: float
    ports: set[int] = field(default_factory=set)
    cut_off: list[tuple[str, str]] = field(default_factory=list)


class Faults:
    """The faults, one after the other."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.done: list[Fault] = []

    async def kill(self, number: int) -> None:
        """A process is killed while it works on a message."""
        server, began = self.cluster.servers[number], time.time()
        cut = await asyncio.to_thread(self.cluster.kill_at_work, server)
        self.done.append(Fault("killed", began, time.time(), {server.port}, cut))

    async def hang(self, number: int, seconds: float) -> None:
        """A process stands still for a while, and then goes on as if nothing had been."""
        server, began = self.cluster.servers[number], time.time()
        os.killpg(server.pid, signal.SIGSTOP)
        await asyncio.sleep(seconds)
        os.killpg(server.pid, signal.SIGCONT)
        self.done.append(Fault("hung", began, time.time(), {server.port}))

    async def restart_redis(self) -> None:
        """Redis is killed and starts again, empty."""
        began = time.time()
        await asyncio.to_thread(self.cluster.redis.restart, signal.SIGKILL, 0.5)
        self.done.append(Fault("Redis restarted", began, time.time()))

    async def restart_postgres(self, sent: signal.Signals) -> None:
        """PostgreSQL stops, in an orderly way or as in a crash, and starts again."""
        began = time.time()
        await asyncio.to_thread(self.cluster.postgres.restart, sent, 0.5)
        self.done.append(Fault("PostgreSQL restarted", began, time.time()))

    async def roll(self, **settings: str) -> None:
        """One process after the other is replaced."""
        began = time.time()
        for server in self.cluster.servers:
            await asyncio.to_thread(self.cluster.replace, server, **settings)
        self.done.append(Fault("rolling restart", began, time.time()))


def stored(cluster: Cluster) -> tuple[Counter[str], dict[str, list[str]]]:
    """How often each message id is stored, and the answers after it, by the hash of their text."""
    rows = cluster.postgres.rows(
        "SELECT sender_id, type_name, data::json->>'message_id', md5(data::json->>'text') FROM events "
        "WHERE type_name IN ('user', 'bot') ORDER BY id"
    )
    messages: Counter[str] = Counter()
    answers: defaultdict[str, list[str]] = defaultdict(list)
    last: dict[str, str] = {}
    for sender, type_name, message_id, digest in rows:
        if type_name == "user":
            messages[str(message_id)] += 1
            last[str(sender)] = str(message_id)
        else:
            answers[last[str(sender)]].append(str(digest))
    return messages, answers


def reckon(cluster: Cluster, crowd: Crowd, faults: Faults) -> dict[str, Any]:
    """What is to be shown: see the keys."""
    messages, answers = stored(cluster)
    acknowledged = [exchange for exchange in crowd.exchanges if exchange.answered]
    missing = [e for e in acknowledged if hashlib.md5(e.answer.encode()).hexdigest() not in answers.get(e.message_id, [])]
    sent = {exchange.message_id for exchange in crowd.exchanges}
    found: dict[str, Any] = {
        "messages": len(crowd.exchanges),
        "acknowledged": len(acknowledged),
        "stored": sum(1 for message in messages if message in sent),
        "acknowledged, not stored": len(missing),
        "stored twice": sum(1 for message, count in messages.items() if count > 1 or len(answers[message]) != count),
        "never answered": len(crowd.exchanges) - len(acknowledged),
        "faults": {},
    }
    others = [exchange for exchange in crowd.exchanges if not [fault for fault in faults.done if met(exchange, fault)]]
    found["apart from faults"] = told(others)
    for kind in dict.fromkeys(fault.kind for fault in faults.done):
        these = [fault for fault in faults.done if fault.kind == kind]
        struck: list[Exchange] = []
        around: list[Exchange] = []
        for exchange in crowd.exchanges:
            near = [fault for fault in these if met(exchange, fault)]
            if near:
                (struck if any(own(exchange, fault) for fault in near) else around).append(exchange)
        found["faults"][kind] = {
            "times": len(these),
            "messages on their way": sum(len(fault.cut_off) for fault in these),
            "theirs": told(struck),
            "others": told(around),
        }
    return found


def met(exchange: Exchange, fault: Fault) -> bool:
    """Whether a message was on its way during a fault or soon after it."""
    return exchange.sent < fault.ended + AFTER and (exchange.answered or time.time()) > fault.began


def own(exchange: Exchange, fault: Fault) -> bool:
    """Whether it was with the process that the fault was about; with a fault of all processes it always was."""
    if not fault.ports:
        return True
    return (exchange.message_id in {message for _, message in fault.cut_off}) or (
        bool(exchange.served_by & fault.ports) and exchange.sent < fault.ended
    )


def told(exchanges: list[Exchange]) -> dict[str, Any]:
    """How these messages fared."""
    silences = sorted(exchange.silence for exchange in exchanges)
    errors = [error for exchange in exchanges for error in exchange.errors]
    return {
        "messages": len(exchanges),
        "errors seen": len(errors),
        "kinds of errors": dict(Counter(text for _, text in errors).most_common(5)),
        "longest silence": round(silences[-1], 2) if silences else 0.0,
        "median": round(silences[len(silences) // 2], 3) if silences else 0.0,
    }
