"""Three processes behind nginx lose five of their number in the middle of turns; and what holds across processes besides."""

from __future__ import annotations

import asyncio
import concurrent.futures
import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
import requests

from rolewise.stores import leases
from rolewise.stores.turns import ABANDONED
from tests.scale.cluster import SERVED_BY, Cluster
from tests.scale.faults import Faults, reckon
from tests.scale.people import Crowd
from tests.serving import Person, eventually, kind, questions, said_at_once

SALARY = "what does a data scientist earn"
# Short, so that a test need not wait for it long.
DEADLINE = 6.0


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory, announce: Callable[[str], None]) -> Iterator[Cluster]:
    announce("Starting PostgreSQL, Redis, nginx and three `rolewise serve` (about half a minute) ...")
    running = Cluster(tmp_path_factory.mktemp("cluster"), 3, ROLEWISE_DEADLINE=str(DEADLINE))
    try:
        yield running.start()
    finally:
        running.stop()


@pytest.fixture
def sender() -> str:
    return f"person-{uuid.uuid4().hex}"


def say(address: str, sender: str, text: str, **more: Any) -> list[dict[str, Any]]:
    """The items that come back over REST."""
    headers = more.pop("headers", {})
    body = {"sender": sender, "message": text, **more}
    response = requests.post(f"{address}/webhooks/rest/webhook", json=body, headers=headers, timeout=60)
    assert response.status_code == 200, response.text
    items: list[dict[str, Any]] = response.json()
    return items


def texts(cluster: Cluster, sender: str) -> list[str]:
    """What somebody has said, as it is stored."""
    statement = "SELECT data::json->>'text' FROM events WHERE sender_id = %s AND type_name = 'user' ORDER BY id"
    return [str(text) for (text,) in cluster.postgres.rows(statement, sender)]


@pytest.mark.parametrize(
    ("path", "status"),
    [("/chat", 200), ("/chat/widget.js", 200), ("/chat/live", 404), ("/metrics", 404), ("/model", 404), ("/conversations/x/tracker", 404)],
)
def test_only_what_is_public_is_passed_on(cluster: Cluster, path: str, status: int) -> None:
    assert requests.get(cluster.address + path, timeout=30).status_code == status


def test_a_large_body_does_not_reach_a_process(cluster: Cluster) -> None:
    response = requests.post(f"{cluster.address}/webhooks/rest/webhook", data=b"x" * 100_000, timeout=30)
    assert (response.status_code == 413 and SERVED_BY not in response.headers) or not response.headers[SERVED_BY]


def test_one_message_at_two_processes_at_once_is_answered_once(cluster: Cluster, sender: str) -> None:
    first, second, third = (server.address for server in cluster.servers)
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        sent = [pool.submit(say, address, sender, SALARY, message_id="message-1") for address in (first, second, third)]
        answers = [future.result() for future in sent]
    assert answers[0] == answers[1] == answers[2] and len(answers[0]) == 1
    assert texts(cluster, sender) == [SALARY]
    # And each knows what was said at another.
    (item,) = say(second, sender, "and software engineers?")
    assert questions(item) == [("salary", ["swe"])]


def test_what_a_proxy_repeats_is_answered_once(cluster: Cluster, sender: str) -> None:
    again = {"X-Request-ID": uuid.uuid4().hex}
    answers = [say(server.address, sender, SALARY, headers=again) for server in cluster.servers]
    assert answers[0] == answers[1] == answers[2] and texts(cluster, sender) == [SALARY]


def test_quick_messages_keep_their_order_at_different_processes(cluster: Cluster, sender: str) -> None:
    said = [SALARY, "and software engineers?", "and ml engineers?", "what about a degree"]
    client = redis.Redis.from_url(cluster.redis.url)
    tickets, _ = leases.keys(sender)
    # As if a turn were running, so that each message is seen to wait: a busy machine may bring two of them in the other order.
    client.zadd(tickets, {"running": 1})

    def until_it_waits(number: int) -> None:
        eventually(lambda: client.zcard(tickets) == number + 1)
        if number == len(said):
            client.zrem(tickets, "running")

    with client:
        said_at_once([(cluster.servers[number % 3].address, text) for number, text in enumerate(said)], sender, sent=until_it_waits)
    assert texts(cluster, sender) == said


def test_rated_here_and_deleted_there(cluster: Cluster) -> None:
    here, there = Person(cluster.servers[0].address), Person(cluster.servers[1].address, "none")
    there.token = here.token
    card = here.say(SALARY)["card"]
    assert there.call("POST", "rating", json={"answer_id": card["answer_id"], "value": "up"}).status_code == 200
    assert [message.get("rating") for message in here.history()] == [None, "up"]
    assert there.call("DELETE", "conversation").status_code == 200
    assert here.call("POST", "message", json={"id": "message-9", "text": SALARY}).status_code == 401
    assert here.history() == []


def test_without_redis_people_are_answered_and_it_is_said(cluster: Cluster, sender: str) -> None:
    cluster.redis.stop()
    try:
        for server in cluster.servers:
            assert kind(say(server.address, sender, SALARY)[0]) == "answer"
        time.sleep(1.1)
        ready = requests.get(f"{cluster.servers[0].address}/chat/ready", timeout=30)
        assert (ready.status_code, ready.json()) == (200, {"status": "ok", "degraded": ["locks"]})
        assert cluster.servers[0].metric("rolewise_degraded") == 1
    finally:
        cluster.redis.start()
    time.sleep(1.1)
    assert requests.get(f"{cluster.servers[0].address}/chat/ready", timeout=30).json() == {"status": "ok"}
    assert any("Redis cannot be used" in line["message"] for line in cluster.servers[0].lines())


def test_without_postgres_people_are_told_and_it_comes_back_by_itself(cluster: Cluster, sender: str) -> None:
    address = cluster.servers[0].address
    say(address, sender, SALARY)
    cluster.postgres.stop()
    try:
        began = time.monotonic()
        (item,) = say(address, sender, "and software engineers?", message_id="message-2")
        assert kind(item) == "error" and time.monotonic() - began < DEADLINE + 2
        assert requests.get(f"{address}/chat/ready", timeout=30).status_code == 503
        assert requests.get(f"{address}/chat/live", timeout=30).status_code == 200
    finally:
        cluster.postgres.start()
    (item,) = say(address, sender, "and software engineers?", message_id="message-2")
    assert questions(item) == [("salary", ["swe"])]
    assert texts(cluster, sender) == [SALARY, "and software engineers?"]
    cluster.wait_ready(30)


async def test_killed_in_the_middle_of_turns_nothing_is_lost_and_nobody_else_notices(cluster: Cluster) -> None:
    crowd, faults = Crowd(cluster.address, people=8, think=(0.2, 0.6)), Faults(cluster)
    talking = asyncio.create_task(crowd.talk())
    await asyncio.sleep(1.5)
    for _ in range(5):
        # Whoever is ready, as long as somebody else is, too.
        await asyncio.to_thread(cluster.wait_ready, number=2)
        await faults.kill(cluster.servers.index((await asyncio.to_thread(cluster.ready))[0]))
        await asyncio.sleep(2)
    await asyncio.sleep(4)
    crowd.hush()
    await talking
    found = reckon(cluster, crowd, faults)
    killed = found["faults"]["killed"]
    print(json.dumps(found, indent=1))
    assert found["acknowledged"] > 100 and killed["times"] == 5 and killed["messages on their way"] >= 5
    assert found["acknowledged, not stored"] == found["stored twice"] == found["never answered"] == 0
    assert killed["theirs"]["longest silence"] <= 5.0
    assert killed["others"]["errors seen"] == found["apart from faults"]["errors seen"] == 0


def test_who_was_cut_off_is_told(cluster: Cluster) -> None:
    """Nobody sends these messages again: their process dies, and the people come back later."""
    cluster.wait_ready(number=2)
    server, stop = cluster.ready()[0], threading.Event()

    def talk(number: int) -> None:
        while not stop.is_set():
            try:
                say(server.address, f"cut-{number}-{uuid.uuid4().hex}", SALARY, message_id=uuid.uuid4().hex)
            except requests.RequestException:
                return

    people = [threading.Thread(target=talk, args=(number,)) for number in range(4)]
    for person in people:
        person.start()
    time.sleep(0.5)
    cut = cluster.kill_at_work(server)
    stop.set()
    for person in people:
        person.join()
    time.sleep(ABANDONED + 0.5)
    assert cut and not any(texts(cluster, sender) for sender, _ in cut)
    for sender, message in cut:
        regret, answer = say(cluster.address, sender, "and what about a degree")
        assert kind(regret) == "error" and SALARY in regret["text"] and regret["unanswered"] == message
        assert regret["buttons"] == [{"title": SALARY, "payload": SALARY}] and kind(answer) != "error"
        # Told once; and answered after all, if it is sent again.
        assert len(say(cluster.address, sender, "thanks")) == 1
        assert kind(say(cluster.address, sender, SALARY, message_id=message)[0]) == "answer"
