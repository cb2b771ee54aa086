"""Between the assistant and Slack: busy, strict, unreachable or impolite Slacks, floods, forgeries, lost connections and restarts."""

from __future__ import annotations

import json
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
import requests

from rolewise.stores import database
from tests.channels.slack.loopback import ELSEWHERE, Slack, signed
from tests.channels.slack.people import JSON, Door, Person
from tests.serving import Server

SALARY = "what does a data scientist earn"
EARN = "How much does a data scientist earn?"


@pytest.fixture(autouse=True)
def nothing_goes_wrong_any_more(slack: Slack) -> Iterator[None]:
    yield
    slack.too_many.clear()
    slack.refusals.clear()
    slack.broken.clear()
    slack.open.set()


@pytest.fixture
def person(socket_door: Door) -> Person:
    return Person(socket_door)


@pytest.fixture
def other(socket_door: Door) -> Person:
    return Person(socket_door)


@pytest.fixture
def by_http(http_door: Door) -> Person:
    return Person(http_door)


# -- a Slack that does not take it at once ------------------------------------------------------------------------------------------


def test_too_many_requests_are_waited_out_and_nothing_is_lost(person: Person, slack: Slack) -> None:
    since = len(slack.posts)
    slack.too_many["chat.postMessage"] = [1, 0]
    person.tell(person.message(SALARY))
    person.tell(person.message("and the degree?"))
    slack.wait(lambda: len(person.answers(since)) == 2)
    assert [post.title for post in person.answers(since)] == [EARN, "Do I need a degree to be a data scientist?"]


@pytest.mark.parametrize("statuses", [[503], [502], [0]], ids=["unavailable", "bad gateway", "line cut"])
def test_a_slack_that_is_not_there_is_tried_again(person: Person, slack: Slack, statuses: list[int]) -> None:
    slack.broken["chat.postMessage"] = statuses
    assert person.say(SALARY).title == EARN
    slack.broken["response_url"] = [503]
    assert person.command("and the degree?", person.direct).title == "Do I need a degree to be a data scientist?"


def test_refused_blocks_are_posted_again_as_text(person: Person, server: Server, slack: Slack, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse = slack._error

    def strict(method: str, fields: dict[str, Any]) -> str | None:
        return "invalid_blocks" if method == "chat.postMessage" and fields.get("blocks") else refuse(method, fields)

    monkeypatch.setattr(slack, "_error", strict)
    post = person.say("MLE vs SWE salary")
    assert not post.blocks
    assert "Salary\n• Machine learning engineer: No official figure" in post.text and "• Software engineer: US median $135,980" in post.text
    assert "1. " in post.text and "*Sources*" in post.text
    # A number is understood, so nothing is out of reach.
    assert person.say("1").text.startswith("Who is more in demand: MLE and SWE?")
    slack.refusals["response_url"] = "invalid_blocks"
    assert "*Sources*" in person.command(SALARY, ELSEWHERE).text


def test_what_is_finally_lost_is_in_the_log(person: Person, server: Server, slack: Slack) -> None:
    before = server.metric("rolewise_errors_total")
    person.tell(person.message(SALARY, ELSEWHERE, "1780000000.000009"))
    mention = person.message(SALARY, ELSEWHERE)["event"]
    person.tell(person.body({**mention, "type": "app_mention"}))
    slack.wait(lambda: server.metric("rolewise_errors_total") == before + 1)
    (line,) = [line for line in server.lines() if line["message"].startswith("Slack did not take an answer")]
    assert line["reason"] == "not_in_channel" and line["conversation"]
    assert person.user not in server.told()


def test_acknowledged_at_once_whatever_the_assistant_is_doing(person: Person, server: Server, slack: Slack, channel: str) -> None:
    thread = person.mention(SALARY, channel).thread
    since, shown = len(slack.posts), len(slack.statuses)
    with closing(sqlite3.connect(server.store, isolation_level=None)) as other:
        # Nothing can be stored, so no turn ends.
        other.execute("BEGIN IMMEDIATE")
        person.tell(person.message("and the degree?", channel, thread))
        status = slack.wait(lambda: slack.statuses[shown:])[0]
        other.execute("ROLLBACK")
    assert person.acknowledged[-1] < 1
    assert (status["thread_ts"], status["status"]) == (thread, "is looking it up…")
    assert person.answer(since, channel).title == "Do I need a degree to be a data scientist?"


def test_a_status_that_is_not_allowed_costs_no_answer_and_is_left(person: Person, server: Server, slack: Slack, channel: str) -> None:
    thread = person.mention(SALARY, channel).thread
    slack.refusals["assistant.threads.setStatus"] = "missing_scope"
    for follow_up in ("and the degree?", "and what skills?"):
        since, shown = len(slack.posts), slack.calls.count("assistant.threads.setStatus")
        with closing(sqlite3.connect(server.store, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            person.tell(person.message(follow_up, channel, thread))
            time.sleep(1)
            other.execute("ROLLBACK")
        assert "data scientist" in person.answer(since, channel).title
        if follow_up == "and the degree?":
            assert slack.calls.count("assistant.threads.setStatus") == shown + 1
    assert slack.calls.count("assistant.threads.setStatus") == shown


def test_quick_messages_are_answered_in_order(person: Person, slack: Slack) -> None:
    since = len(slack.posts)
    texts = ["what does an ml engineer earn", "and software engineers?", "and data scientists?", "what about a degree"]
    for text in texts:
        person.tell(person.message(text), wait=False)
    slack.wait(lambda: len(person.answers(since)) == len(texts))
    assert [post.title.split(" ")[-2] for post in person.answers(since)] == ["engineer", "engineer", "scientist", "data"]


def test_a_flood_is_told_once_that_it_is_too_much(person: Person, slack: Slack, server: Server) -> None:
    since, refused = len(slack.posts), server.metric("rolewise_refused_total")
    for _ in range(26):
        person.tell(person.message("hi"), wait=False)
    slack.wait(lambda: server.metric("rolewise_refused_total") >= refused + 4)
    said = slack.wait(lambda: [fields for fields in slack.whispers if fields["user"] == person.user])
    assert len(said) == 1 and said[0]["text"].startswith("Too many messages; try again in")
    slack.wait(lambda: len(person.answers(since)) >= 20)
    time.sleep(0.3)
    assert len(person.answers(since)) <= 22
    # Somebody else is answered.
    somebody = Person(person.door)
    assert somebody.say(SALARY).title == EARN and max(somebody.acknowledged) < 3


# -- requests that are not Slack's ---------------------------------------------------------------------------------------------------


def test_only_signed_and_fresh_requests_are_taken(by_http: Person, slack: Slack) -> None:
    body, since = json.dumps(by_http.message(SALARY)), len(slack.posts)
    forged = [
        signed(body, secret="another secret"),
        signed(body + " "),
        signed(body, at=time.time() - 301),
        {"X-Slack-Signature": signed(body)["X-Slack-Signature"]},
        {},
    ]
    for headers in forged:
        assert by_http.door.send(body, {"Content-Type": JSON, **headers}).status_code == 401
    assert requests.get(by_http.door.webhook, timeout=30).status_code == 405
    assert by_http.say(SALARY).title == EARN
    assert len(by_http.answers(since)) == 1


@pytest.mark.parametrize("content_type", [JSON, "application/json; charset=utf-8", "application/json;charset=UTF-8"])
def test_a_body_with_a_charset_is_read(by_http: Person, slack: Slack, content_type: str) -> None:
    since = len(slack.posts)
    by_http.door.post(json.dumps(by_http.message(f"{SALARY} – naïve?"), ensure_ascii=False), content_type)
    assert by_http.answer(since).title == EARN


GARBAGE = [b"", b"{", b"[]", b"nonsense", b"{}", b'{"type": "event_callback"}', b"payload=%7B", b"\xff"]


def test_a_body_that_makes_no_sense_breaks_nothing(by_http: Person, server: Server) -> None:
    before = server.told().count('"trace"')
    for body in GARBAGE:
        for headers in ({}, signed(body.decode("latin-1"))):
            response = requests.post(by_http.door.webhook, data=body, headers={"Content-Type": JSON, **headers}, timeout=30)
            assert 200 <= response.status_code < 500, body
    assert by_http.say(SALARY).title == EARN
    assert server.told().count('"trace"') == before


def test_slack_can_verify_the_address(by_http: Person) -> None:
    body = json.dumps({"type": "url_verification", "token": "x", "challenge": "3eZbrw1aB"})
    response = by_http.door.send(body, {"Content-Type": JSON, **signed(body)})
    assert response.status_code == 200 and "3eZbrw1aB" in response.text


# -- connections and processes that end ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("politely", [True, False])
def test_a_lost_connection_is_opened_again(person: Person, slack: Slack, politely: bool) -> None:
    person.say(SALARY)
    old = slack.sockets[-1]
    slack.hang_up(politely)
    slack.wait(lambda: slack.sockets and slack.sockets[-1] is not old)
    assert person.say("and the degree?").title == "Do I need a degree to be a data scientist?"


def test_what_was_cut_off_is_told_with_the_next_answer(person: Person, server: Server, slack: Slack) -> None:
    person.say(SALARY)
    lost, since = "and software engineers?", len(slack.posts)
    with closing(database.connect(server.store)) as store:
        # What the death of a process in the middle of a turn leaves.
        store.execute(
            "INSERT INTO turns (sender_id, message_id, text, title, state, owner, started, seen) "
            f"VALUES (?, 'Ev-cut-off', ?, '', 'pending', 'somebody', {database.NOW} - 60, {database.NOW} - 60)",
            (f"slack-T1-{person.direct}-{person.user}", lost),
        )
    person.tell(person.message("and the degree?"))
    slack.wait(lambda: len(person.answers(since)) == 2)
    told, answer = person.answers(since)
    assert lost in told.text and told.titles == [lost] and answer.title == "Do I need a degree to be a data scientist?"
    person.press(told, lost)
    assert person.answer(since + 2).title.endswith("a software engineer?")


def test_stopping_ends_the_running_turns_and_a_restart_goes_on(
    person: Person, other: Person, by_http: Person, server: Server, slack: Slack, channel: str
) -> None:
    """Killed with one message answered and posted, and one answered and not posted; then stopped with one on its way."""
    thread = person.mention(SALARY, channel).thread
    answered = other.tell(other.message(SALARY))
    other.answer(len(slack.posts) - 1)
    since = len(slack.posts)
    slack.open.clear()
    unposted = by_http.tell(by_http.message(SALARY))
    slack.wait(lambda: "bot" in [event["event"] for event in database.export(server.store, f"slack-T1-{by_http.direct}-{by_http.user}")])
    server.kill(signal.SIGKILL)
    slack.open.set()
    assert not by_http.answers(since)

    # Slack is not there for a moment; the server starts all the same, and connects when it can.
    slack.broken |= {"auth.test": [503], "apps.connections.open": [0]}
    server.start()
    slack.wait(lambda: slack.sockets)
    # Slack had no acknowledgement, perhaps: it sends all again.
    for who, body in ((other, answered), (by_http, unposted), (by_http, unposted)):
        who.tell(body, retry="http_timeout")
    assert by_http.answer(since).title == EARN
    # The thread is remembered, and what it was about; also for who did not begin it.
    assert person.say("and the degree?", channel, thread).title == "Do I need a degree to be a data scientist?"
    asked = other.say("what does a software engineer earn?", channel, thread, parent_user_id=person.user)
    assert asked.title == "How much does a software engineer earn?"
    assert [len(who.answers(since)) for who in (other, by_http)] == [0, 1]

    # A stop that is no crash: what was acknowledged is answered before the end.
    slack.open.clear()
    person.tell(person.message("and what skills?", channel, thread))
    assert server.process
    server.process.send_signal(signal.SIGTERM)
    time.sleep(1)
    assert server.process.poll() is None
    slack.open.set()
    assert server.process.wait(60) == 0
    assert slack.posts[-1].title == "What skills does a data scientist need?"
