"""The server under stress: killed, stopped, without a store, with a full disk, late, flooded. Always the real one."""

from __future__ import annotations

import concurrent.futures
import json
import os
import re
import resource
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import requests

from rolewise.settings import PROJECT_ROOT, settings
from rolewise.stores import database
from rolewise.stores.tracker_store import SQLiteTrackerStore
from tests.serving import Person, Server, kind, questions, said_at_once

SALARY = "what does a data scientist earn"
ERROR_ID = re.compile(r"\(error ([0-9a-f]{8})\)")
# Short, so that a test need not wait; long enough for a turn on a busy machine.
DEADLINE = 4.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, announce: Callable[[str], None]) -> Iterator[Server]:
    announce("Starting `rolewise serve` (about 20 s) ...")
    settings = {"ROLEWISE_DEADLINE": str(DEADLINE), "ROLEWISE_PROXIES": "1", "ROLEWISE_ADDRESS_LIMIT": "5/minute"}
    with Server(tmp_path_factory.mktemp("serve"), **settings) as started:
        yield started


@pytest.fixture
def sender() -> str:
    return f"person-{uuid.uuid4().hex}"


def stored(server: Server, sender: str) -> list[str]:
    return [event["text"] for event in database.export(server.store, sender) if event["event"] == "user"]


def apologised(server: Server, item: dict[str, Any]) -> None:
    """The answer is an apology without a trace, and the log has its id."""
    assert kind(item) == "error"
    found = ERROR_ID.search(item["text"])
    assert found and "Traceback" not in item["text"]
    assert any(line.get("error_id") == found.group(1) for line in server.lines())


# -- ready, alive, measured ---------------------------------------------------------------------------------------------------


def test_it_is_ready_and_alive_and_says_so_only_then(server: Server) -> None:
    assert requests.get(f"{server.address}/chat/ready", timeout=30).json() == {"status": "ok"}
    assert requests.get(f"{server.address}/chat/live", timeout=30).json() == {"status": "ok"}
    assert f"Serving on {server.address}" in server.told()


def test_the_metrics_count_what_happens(server: Server, sender: str) -> None:
    names = ["rolewise_messages_total", "rolewise_turn_seconds_count", "rolewise_intents_total", "rolewise_fallbacks_total"]
    before = [server.metric(name) for name in names]
    ratings = server.metric("rolewise_ratings_total")
    server.say(SALARY, sender)
    server.say("how do i fix cuda out of memory", sender)
    assert [server.metric(name) for name in names] == [before[0] + 2, before[1] + 2, before[2] + 2, before[3] + 1]
    server.say(SALARY, sender)
    server.say("that was helpful, thumbs up", sender)
    assert server.metric("rolewise_ratings_total") == ratings + 1


def test_the_log_has_a_line_a_turn_and_no_words_of_anybody(server: Server, sender: str) -> None:
    secret = f"xylophone{uuid.uuid4().hex}"
    server.say(f"{SALARY} {secret}", sender)
    turns = [line for line in server.lines() if line["message"] == "turn"]
    assert turns[-1]["channel"] == "rest" and turns[-1]["ms"] > 0 and turns[-1]["intent"]
    assert secret not in server.told() and sender not in server.told()


def test_the_port_taken_is_said_at_once(server: Server) -> None:
    directory = server.log.parent / "second"
    directory.mkdir()
    second = Server(directory)
    second.environment["PORT"] = str(server.port)
    assert second.spawn().wait(300) == 2
    assert f"cannot serve on 127.0.0.1:{server.port}" in second.told() and "Serving on" not in second.told()


# -- order and limits ---------------------------------------------------------------------------------------------------------


def test_quick_messages_of_one_sender_are_answered_in_order_and_soon(server: Server, sender: str) -> None:
    texts = ["and software engineers?", "and ml engineers?", "what about a degree", "and skills"]
    spent = []
    # What a machine that is busy at the moment takes says nothing; three times it is not.
    for one in (f"{sender}-{number}" for number in range(3)):
        server.say(SALARY, one)
        began = time.perf_counter()
        items = said_at_once([(server.address, text) for text in texts], one)
        spent.append(time.perf_counter() - began)
        assert stored(server, one) == [SALARY, *texts]
        assert [questions(item)[0][1] for item in items[:2]] == [["swe"], ["mle"]]
    # Stock Rasa looks again after a second: the fourth takes more than three, on any machine.
    assert min(spent) < 2.5


def test_an_address_over_its_limit_gets_429_and_when_to_come_back(server: Server, sender: str) -> None:
    proxied = {"X-Forwarded-For": "203.0.113.9"}
    answers = [server.post("hello", f"{sender}{number}", headers=proxied) for number in range(7)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 2
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60 and "try again in" in answers[-1].json()["error"]
    # Another address, and this machine itself, are not affected.
    assert server.post("hello", sender, headers={"X-Forwarded-For": "203.0.113.10"}).status_code == 200
    assert server.post("hello", sender).status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/chat/faq"),
        ("HEAD", "/chat/faq"),
        ("GET", "/chat/ready"),
        ("OPTIONS", "/chat/session"),
        ("GET", "/nowhere"),
        ("PUT", "/chat/faq"),
    ],
)
def test_every_request_counts(server: Server, method: str, path: str) -> None:
    proxied = {"X-Forwarded-For": f"198.51.100.{sum(map(ord, method + path)) % 251}"}
    answers = [requests.request(method, server.address + path, headers=proxied, timeout=30) for _ in range(8)]
    assert [answer.status_code == 429 for answer in answers] == [False] * 5 + [True] * 3
    assert int(answers[-1].headers["Retry-After"]) >= 1


def test_a_network_of_ipv6_counts_as_one_address(server: Server) -> None:
    def statuses(prefix: str) -> list[int]:
        addresses = [f"{prefix}::{number:x}" for number in range(1, 9)]
        return [requests.get(f"{server.address}/chat/live", headers={"X-Forwarded-For": one}, timeout=30).status_code for one in addresses]

    assert statuses("2001:db8:1:2") == [200] * 5 + [429] * 3
    assert statuses("2001:db8:1:3") == [200] * 5 + [429] * 3


def test_a_sender_over_the_limit_gets_429(tmp_path: Path) -> None:
    with Server(tmp_path, ROLEWISE_SENDER_LIMIT="3/minute", ROLEWISE_METRICS="off", ROLEWISE_LOG_TEXT="on") as limited:
        answers = [limited.post("hello", "one") for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert int(answers[-1].headers["Retry-After"]) >= 1
        assert limited.post("hello", "two").status_code == 200
        assert requests.get(f"{limited.address}/metrics", timeout=30).status_code == 404
        assert [line["text"] for line in limited.lines() if line["message"] == "turn"] == ["hello"] * 4


def test_a_large_body_is_refused(server: Server) -> None:
    body = json.dumps({"sender": "s", "message": "x" * 200_000})
    try:
        response = requests.post(server.webhook, data=body, headers={"Content-Type": "application/json"}, timeout=60)
        assert response.status_code == 413 and response.json()["error"]
    except requests.ConnectionError:
        pass  # It may close before it has read all that it does not want.
    assert requests.get(f"{server.address}/chat/ready", timeout=30).status_code == 200


@pytest.mark.parametrize(("path", "status"), [("/webhooks/rest/none", 404), ("/conversations/x/tracker", 404), ("/model", 404)])
def test_what_is_not_there_is_refused_as_json(server: Server, path: str, status: int) -> None:
    response = requests.get(server.address + path, timeout=30)
    assert response.status_code == status and response.json()["error"]


# -- the store fails ----------------------------------------------------------------------------------------------------------


def test_a_locked_store_ends_with_an_apology_at_the_deadline_and_others_are_answered_meanwhile(server: Server, sender: str) -> None:
    server.say(SALARY, sender)
    with closing(sqlite3.connect(server.store, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            began = time.perf_counter()
            waiting = pool.submit(server.say, "and software engineers?", sender)
            time.sleep(0.5)
            assert requests.get(f"{server.address}/chat/live", timeout=30).status_code == 200
            assert time.perf_counter() - began < DEADLINE
            apologised(server, waiting.result())
            assert time.perf_counter() - began < DEADLINE + 5
        other.execute("ROLLBACK")
    # Nothing of the turn is left, and the conversation stands as before it.
    assert questions(server.say("and software engineers?", sender)) == [("salary", ["swe"])]
    assert stored(server, sender) == [SALARY, "and software engineers?"]


def test_a_full_disk_is_an_honest_answer_and_no_turn_is_acknowledged_unstored(server: Server, sender: str) -> None:
    server.say(SALARY, sender)
    full = os.stat(str(server.store) + "-wal").st_size
    before = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)
    try:
        # The log and the store may not grow any more.
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (min(full, server.store.stat().st_size), before[1]))
        kinds = {text: server.say(text, sender) for text in ("and software engineers?", "and ml engineers?")}
        assert requests.get(f"{server.address}/chat/ready", timeout=30).status_code in (200, 503)
    finally:
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, before)
    for text, item in kinds.items():
        if kind(item) == "error":
            apologised(server, item)
        assert (text in stored(server, sender)) == (kind(item) != "error")
    assert "error" in {kind(item) for item in kinds.values()}
    assert questions(server.say("and software engineers?", sender)) == [("salary", ["swe"])]


def test_killed_at_any_moment_no_answered_turn_is_lost(tmp_path: Path) -> None:
    server = Server(tmp_path)
    answered: dict[str, list[str]] = {}
    for round_number in range(2):
        server.start()
        stop = threading.Event()

        def talk(number: int, stop: threading.Event = stop, round_number: int = round_number) -> None:
            sender = f"r{round_number}-{number}"
            for turn in range(1000):
                if stop.is_set():
                    return
                text = f"what does a data scientist earn {turn}"
                try:
                    response = server.post(text, sender)
                except requests.RequestException:
                    return
                if response.status_code == 200 and kind(response.json()[0]) != "error":
                    answered.setdefault(sender, []).append(text)

        people = [threading.Thread(target=talk, args=(number,)) for number in range(4)]
        for person in people:
            person.start()
        time.sleep(1.5 + 0.37 * round_number)
        server.kill(signal.SIGKILL)
        stop.set()
        for person in people:
            person.join()
    assert sum(map(len, answered.values())) > 10
    for sender, texts in answered.items():
        assert stored(server, sender)[: len(texts)] == texts, sender
    # And they go on where they were.
    with server:
        sender = next(iter(answered))
        *before, item = server.post("and software engineers?", sender).json()
        assert questions(item) == [("salary", ["swe"])]
        # What was being worked on at the kill, if it was this person's, is spoken of first.
        assert len(before) <= 1 and all(f'"{SALARY} ' in " ".join(cut["text"].split()) and cut["unanswered"] for cut in before)


def test_stopping_ends_the_running_turns_first(tmp_path: Path) -> None:
    with Server(tmp_path) as server, concurrent.futures.ThreadPoolExecutor(16) as pool:
        turns = [pool.submit(server.say, SALARY, f"s{number}") for number in range(16)]
        end = time.monotonic() + 60
        while server.metric("rolewise_messages_total") < 2 and time.monotonic() < end:
            time.sleep(0.005)
        status = server.kill(signal.SIGTERM)
        results = [turn.exception() or kind(turn.result()) for turn in turns]
        assert status == 0
        # A request that had reached the server is answered; one that had not is refused by the system.
        assert all(result == "answer" or isinstance(result, requests.ConnectionError) for result in results), results
        assert results.count("answer") >= 2
        answered = sum(1 for number in range(16) if stored(server, f"s{number}"))
        assert answered == results.count("answer")
    assert not Path(str(server.store) + "-wal").exists() or Path(str(server.store) + "-wal").stat().st_size == 0


def test_stopping_lets_the_answers_that_have_begun_end(tmp_path: Path) -> None:
    with Server(tmp_path, ROLEWISE_DRAIN="0.5") as server, concurrent.futures.ThreadPoolExecutor(16) as pool:
        people = [Person(server.address) for _ in range(16)]

        def talk(person: Person) -> str:
            """How the last message of somebody ended who never stops."""
            while True:
                try:
                    if person.lines(SALARY)[-1]["type"] != "end":
                        return "no end"
                except requests.exceptions.ChunkedEncodingError as error:
                    return f"broken off: {error}"
                except requests.ConnectionError:
                    return "not begun"

        ends = [pool.submit(talk, person) for person in people]
        time.sleep(3)
        assert server.kill(signal.SIGTERM) == 0
        assert {end.result() for end in ends} == {"not begun"}


def test_a_server_that_stops_gives_connections_back(tmp_path: Path) -> None:
    """A proxy holds connections open and would send messages over them until they are cut off."""
    with Server(tmp_path, ROLEWISE_DRAIN="2") as server, requests.Session() as proxy:

        def ask() -> str:
            body = {"sender": "s", "message": SALARY}
            answer = proxy.post(f"{server.address}/webhooks/rest/webhook", json=body, timeout=30)
            assert kind(answer.json()[0]) == "answer"
            return str(answer.headers["Connection"])

        assert [ask(), ask()] == ["keep-alive", "keep-alive"]
        began = time.monotonic()
        # Some that are open without a request, or being opened just then, are in nobody's way.
        silent = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(20)]
        os.kill(server.pid, signal.SIGTERM)
        while requests.get(f"{server.address}/chat/ready", timeout=30).status_code == 200:
            time.sleep(0.05)
        assert ask() == "close"
        assert server.process is not None and server.process.wait(30) == 0
        # Drain, and nothing to wait for after it.
        assert time.monotonic() - began < settings().deadline
        for connection in silent:
            connection.close()


def test_a_store_that_is_removed_is_noticed(tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        server.say(SALARY, "s")
        for file in tmp_path.glob("conversations.db*"):
            file.unlink()
        apologised(server, server.say("and software engineers?", "s"))
        time.sleep(1.1)
        assert requests.get(f"{server.address}/chat/ready", timeout=30).status_code == 503
        assert requests.get(f"{server.address}/chat/live", timeout=30).status_code == 200


@pytest.mark.parametrize(
    ("endpoints", "reason"),
    [
        ("tracker_store: {type: rolewise.store.NoSuchStore}", "there is no class rolewise.store.NoSuchStore"),
        ("tracker_store: {type: SQL, dialect: nonsense}", "nonsense"),
        ("tracker_store: {type: rolewise.store.SQLiteTrackerStore, db: /proc/none.db}", "/proc/none.db"),
        ("lock_store: {type: rolewise.store.NoSuchStore}", "rolewise.store.NoSuchStore"),
    ],
)
def test_a_store_that_cannot_be_loaded_stops_the_start(tmp_path: Path, endpoints: str, reason: str) -> None:
    (tmp_path / "endpoints.yml").write_text(endpoints)
    code = (
        "import sys\nfrom rasa.core.utils import AvailableEndpoints\nfrom rolewise.stores.tracker_store import StoreError, with_stores\n"
        "try:\n    with_stores(AvailableEndpoints.read_endpoints(sys.argv[1]))\n"
        "except StoreError as error:\n    sys.exit(f'stopped: {error}')"
    )
    run = subprocess.run([sys.executable, "-c", code, str(tmp_path / "endpoints.yml")], cwd=PROJECT_ROOT, capture_output=True, text=True)
    assert run.returncode == 1 and "stopped: " in run.stderr and reason in run.stderr


def test_a_start_without_its_store_says_why(tmp_path: Path) -> None:
    (tmp_path / "conversations.db").write_text("no database " * 500)
    server = Server(tmp_path)
    assert server.spawn().wait(300) == 2
    assert "rolewise: the store" in server.told() and "not a database" in server.told() and "Serving on" not in server.told()


@pytest.mark.parametrize("first", [2, 6, 11], ids="from page {}".format)
def test_a_damaged_store_is_not_ready_and_says_why(tmp_path: Path, first: int) -> None:
    with Server(tmp_path) as server:
        for number in range(12):
            server.say(SALARY, f"s{number}")
        with closing(database.connect(server.store)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        size = server.store.stat().st_size
        assert size > 20 * 4096
        with server.store.open("r+b") as file:
            file.seek((first - 1) * 4096)
            file.write(b"\xa5" * (size - file.tell()))
        # What was read before is still in memory: a conversation that is known may go on, until it meets a damaged page.
        for number in range(30):
            if kind(server.say(SALARY, f"new{number}")) == "error":
                break
        time.sleep(1.1)
        answer = requests.get(f"{server.address}/chat/ready", timeout=30)
        assert answer.status_code == 503, answer.text
        assert any("malformed" in line["message"] or "damaged" in line["message"] for line in server.lines())


async def test_what_the_probe_does_leaves_nothing(tmp_path: Path) -> None:
    store = SQLiteTrackerStore(db=str(tmp_path / "conversations.db"))
    await store.probe()
    await store.probe()
    with closing(database.connect(store.path)) as connection:
        assert [connection.execute(f"SELECT count(*) FROM {table}").fetchone() for table in ("events", "turns", "deleted")] == [(0,)] * 3
    store.close()
