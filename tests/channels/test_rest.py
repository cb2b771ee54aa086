"""The REST channel of the real server: `rolewise serve` on a free port, talked to as any client would."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import requests

from rolewise.settings import PROJECT_ROOT, settings

COMMAND = Path(sys.executable).parent / "rolewise"
SCHEMA: dict[str, Any] = json.loads((PROJECT_ROOT / "rolewise" / "card.schema.json").read_text(encoding="utf-8"))
# A model may have to be trained first.
PATIENCE = 900

Message = dict[str, Any]
Say = Callable[..., Message]


@pytest.fixture(scope="module")
def server(free_port: int, tmp_path_factory: pytest.TempPathFactory, announce: Callable[[str], None]) -> Iterator[str]:
    """The address of the webhook."""
    announce("Starting `rolewise serve` (about 20 s; minutes when the model has to be trained first) ...")
    log = tmp_path_factory.mktemp("server") / "log.txt"
    address = f"http://127.0.0.1:{free_port}/webhooks/rest"
    environment = {name: value for name, value in os.environ.items() if name != "HOST"}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(COMMAND), "serve"],
            cwd=PROJECT_ROOT,
            env={**environment, "PORT": str(free_port), "ROLEWISE_STORE": str(log.with_name("conversations.db"))},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        end = time.monotonic() + PATIENCE
        while True:
            assert process.poll() is None and time.monotonic() < end, log.read_text(encoding="utf-8")[-3000:]
            try:
                if requests.get(f"{address}/", timeout=10).status_code == 200:
                    break
            except requests.ConnectionError:
                time.sleep(0.25)
        yield f"{address}/webhook"
        assert process.poll() is None, "the server ended during the tests:\n" + log.read_text(encoding="utf-8")[-3000:]
    finally:
        # The process group is its own: what the server started ends with it.
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture(scope="module")
def say(server: str) -> Say:
    """Sends a message; returns the one item that comes back."""

    def send(message: str, sender: str | None = None, **more: Any) -> Message:
        body = {"message": message, **({"sender": sender} if sender else {}), **more}
        response = requests.post(server, json=body, timeout=120)
        assert response.status_code == 200, response.text
        items = response.json()
        assert len(items) == 1, items
        item: Message = items[0]
        return item

    return send


@pytest.fixture
def sender() -> str:
    return f"person-{uuid.uuid4().hex}"


def questions(item: Message) -> list[tuple[str, list[str]]]:
    return [(question["topic"], question["roles"]) for question in item["custom"]["card"]["questions"]]


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("what does a data scientist earn", "answer"),
        ("mle vs swe", "comparison"),
        ("hello", "smalltalk"),
        ("how do i fix cuda out of memory", "fallback"),
        ("what can you do", "menu"),
        ("how much does a data scientist earn and is it hard", "answer"),
    ],
)
def test_every_reply_is_one_item_with_text_buttons_and_card(say: Say, sender: str, message: str, kind: str) -> None:
    item = say(message, sender)
    assert set(item) == {"recipient_id", "text", "buttons", "custom"}
    assert item["recipient_id"] == sender
    assert item["text"].strip()
    card = item["custom"]["card"]
    jsonschema.validate(card, SCHEMA)
    assert card["kind"] == kind
    assert item["buttons"] == card["suggestions"]
    assert len(item["buttons"]) <= 4
    assert all(len(line) <= 80 or "http" in line for line in item["text"].splitlines())


def test_the_conversation_is_remembered(say: Say, sender: str) -> None:
    say("what does an ml engineer earn", sender)
    assert questions(say("and data scientists?", sender)) == [("salary", ["ds"])]


def test_every_button_answers(say: Say, sender: str) -> None:
    buttons = say("what does a data scientist earn", sender)["buttons"]
    assert buttons
    for button in buttons:
        item = say(button["payload"], sender)
        assert item["custom"]["card"]["kind"] in ("answer", "comparison", "clarify"), button
        jsonschema.validate(item["custom"]["card"], SCHEMA)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"{", id="half"),
        pytest.param(b"\xff\xfe", id="not text"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b"null", id="null"),
        pytest.param(b'"hello"', id="a text"),
        pytest.param(b"[" * 20_000, id="nested too deep"),
        pytest.param(json.dumps({"sender": "s"}).encode(), id="no message"),
        pytest.param(json.dumps({"sender": "s", "message": None}).encode(), id="message null"),
        pytest.param(json.dumps({"sender": "s", "message": 5}).encode(), id="message a number"),
        pytest.param(json.dumps({"sender": "s", "message": ["hi"]}).encode(), id="message a list"),
        pytest.param(json.dumps({"sender": "s", "message": "  "}).encode(), id="message blank"),
        pytest.param(json.dumps({"sender": 5, "message": "hi"}).encode(), id="sender a number"),
        pytest.param(json.dumps({"sender": "", "message": "hi"}).encode(), id="sender empty"),
        pytest.param(json.dumps({"sender": "s" * 201, "message": "hi"}).encode(), id="sender long"),
    ],
)
def test_a_bad_body_is_refused_with_the_reason(server: str, body: bytes) -> None:
    response = requests.post(server, data=body, headers={"Content-Type": "application/json"}, timeout=120)
    assert response.status_code == 400
    assert response.json()["error"]
    assert "Traceback" not in response.text


def test_a_half_character_in_a_message_gets_words_back(server: str, say: Say, sender: str) -> None:
    body = b'{"sender": "' + sender.encode() + b'", "message": "salary \\ud800 of a data scientist"}'
    response = requests.post(server, data=body, headers={"Content-Type": "application/json"}, timeout=120)
    assert response.status_code in (200, 400)
    assert response.json()
    assert questions(say("what does a data scientist earn", sender)) == [("salary", ["ds"])]


def test_without_a_sender_every_message_is_a_conversation_of_its_own(say: Say) -> None:
    first, second = say("what does a data scientist earn"), say("and software engineers?")
    assert first["recipient_id"] != second["recipient_id"]
    assert "default" not in (first["recipient_id"], second["recipient_id"])
    assert ("salary", ["swe"]) not in questions(second)


@pytest.mark.parametrize("channel", ["cmdline", "socketio", "slack"])
def test_a_forged_input_channel_changes_nothing(say: Say, sender: str, channel: str) -> None:
    item = say("what does a data scientist earn", sender, input_channel=channel)
    assert item["buttons"]
    assert item["custom"]["card"]["kind"] == "answer"
    assert "type the number" not in item["text"]


def test_an_overlong_message_is_refused_politely(say: Say, sender: str) -> None:
    say("what does a data scientist earn", sender)
    item = say("x" * (settings().max_chars + 1), sender)
    assert str(settings().max_chars) in item["text"]
    assert item["custom"]["card"]["kind"] == "fallback"
    jsonschema.validate(item["custom"]["card"], SCHEMA)
    assert questions(say("and software engineers?", sender)) == [("salary", ["swe"])]


@pytest.mark.parametrize("command", ["/slot{}", "/back", "/greet", "/ask_salary{broken", '  /ask_salary{"role":["nurse"]}'])
def test_commands_to_rasa_are_words_and_forget_nothing(say: Say, sender: str, command: str) -> None:
    say("what does a data scientist earn", sender)
    assert say(command, sender)["custom"]["card"]["kind"] != "error"
    assert questions(say("and software engineers?", sender)) == [("salary", ["swe"])]


@pytest.mark.parametrize("message", ["👍", "...", "🙂 🙂", "\u200b"])
def test_a_message_without_words_gets_one_reply_and_the_conversation_goes_on(server: str, say: Say, sender: str, message: str) -> None:
    say("what does a data scientist earn", sender)
    response = requests.post(server, json={"message": message, "sender": sender}, timeout=120)
    assert response.status_code == 400 or len(response.json()) == 1
    assert questions(say("and software engineers?", sender)) == [("salary", ["swe"])]


def test_two_senders_never_mix(say: Say) -> None:
    topics = {"salary": "what does a data scientist earn", "degree": "do data scientists need a degree"}
    people = {f"{topic}-{uuid.uuid4().hex}": topic for topic in topics for _ in range(3)}
    wrong: list[str] = []

    def talk(person: str, topic: str) -> None:
        try:
            for message, role in [(topics[topic], "ds"), ("and software engineers?", "swe"), ("and ml engineers?", "mle")]:
                item = say(message, person)
                if item["recipient_id"] != person or questions(item) != [(topic, [role])]:
                    wrong.append(f"{person}: {message} -> {item}")
        except Exception as error:
            wrong.append(f"{person}: {error!r}")

    threads = [threading.Thread(target=talk, args=item) for item in people.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
