"""The web channel of the real server, over HTTP: tokens, messages, history, ratings, starting over, deleting, origins, files."""

from __future__ import annotations

import gzip
import json
import threading
import time
import uuid
from typing import Any

import jsonschema
import jwt
import pytest
import requests

from rolewise.channels.files import TYPES
from rolewise.settings import PROJECT_ROOT
from rolewise.stores import database
from tests.serving import SECRET, Person, Server, cut_off

SCHEMA: dict[str, Any] = json.loads((PROJECT_ROOT / "rolewise" / "card.schema.json").read_text(encoding="utf-8"))
FRIEND = "https://careers.example"


@pytest.fixture
def person(web_server: Server) -> Person:
    return Person(web_server.address)


def questions(message: dict[str, Any]) -> list[tuple[str, list[str]]]:
    return [(question["topic"], question["roles"]) for question in message["card"]["questions"]]


def test_a_reply_is_numbered_lines_from_ack_to_end(person: Person) -> None:
    lines = person.lines("what does a data scientist earn", "message-one")
    assert [line["type"] for line in lines] == ["ack", "message", "end"]
    assert [line["seq"] for line in lines] == [0, 1, 2]
    assert lines[0]["id"] == "message-one"
    assert lines[1]["text"].strip()
    jsonschema.validate(lines[1]["card"], SCHEMA)
    assert questions(lines[1]) == [("salary", ["ds"])]


def test_the_id_of_a_conversation_is_never_given_out(web_server: Server, person: Person) -> None:
    conversation = jwt.decode(person.token, options={"verify_signature": False})["sub"]
    reply = person.call("POST", "message", json={"id": "message-1", "text": "hello"}).text
    assert conversation not in reply + person.call("GET", "history").text


def forged(**claims: Any) -> str:
    now = int(time.time())
    return jwt.encode({"sub": "web-1", "aud": "rolewise-web", "iat": now, "exp": now + 60, **claims}, SECRET, algorithm="HS256")


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("", id="none"),
        pytest.param("x.y.z", id="no token"),
        pytest.param(forged(exp=int(time.time()) - 120), id="expired"),
        pytest.param(forged(aud="another"), id="for something else"),
        pytest.param(
            jwt.encode({"sub": "web-1", "aud": "rolewise-web", "iat": 1, "exp": 4e9}, "x" * 32, algorithm="HS256"), id="other secret"
        ),
        pytest.param(jwt.encode({"sub": "web-1", "aud": "rolewise-web", "iat": 1, "exp": 4e9}, "", algorithm="none"), id="unsigned"),
    ],
)
@pytest.mark.parametrize(
    "route", [("POST", "message"), ("GET", "history"), ("POST", "rating"), ("POST", "start-over"), ("DELETE", "conversation")]
)
def test_a_token_that_is_not_ours_opens_nothing(web_server: Server, token: str, route: tuple[str, str]) -> None:
    response = Person(web_server.address, token or "-").call(*route, json={"id": "message-1", "text": "hello"})
    assert response.status_code == 401
    assert response.json()["error"]


def test_a_changed_token_opens_nothing(web_server: Server, person: Person) -> None:
    head, body, signature = person.token.split(".")
    other = Person(web_server.address).token.split(".")[1]
    assert body != other
    assert Person(web_server.address, f"{head}.{other}.{signature}").call("GET", "history").status_code == 401


def test_a_token_opens_its_own_conversation_only(web_server: Server, person: Person) -> None:
    person.say("what does a data scientist earn")
    stranger = Person(web_server.address)
    assert stranger.history() == []
    assert questions(stranger.say("and software engineers?")) != [("salary", ["swe"])]
    assert stranger.call("DELETE", "conversation").status_code == 200
    assert len(person.history()) == 2


def test_a_message_sent_again_is_answered_once(person: Person) -> None:
    first = person.say("what does a data scientist earn", message_id="message-one")
    person.say("and software engineers?", message_id="message-two")
    again = person.say("what does a data scientist earn", message_id="message-one")
    assert again["card"] == first["card"] and again["id"] == first["id"]
    assert [message["id"] for message in person.history()] == ["message-one", "message-one:0", "message-two", "message-two:0"]


def test_one_message_from_two_tabs_at_once_is_answered_once(person: Person) -> None:
    replies: list[Any] = []
    threads = [threading.Thread(target=lambda: replies.append(person.say("mle vs ds", message_id="message-one"))) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(replies) == 5 and all(reply["card"] == replies[0]["card"] for reply in replies)
    assert len(person.history()) == 2


def test_an_answer_is_made_when_the_browser_has_gone_away(web_server: Server, person: Person) -> None:
    with requests.post(
        f"{person.address}/message",
        json={"id": "message-one", "text": "what does a data scientist earn"},
        headers={"Authorization": f"Bearer {person.token}"},
        stream=True,
        timeout=120,
    ):
        pass
    end = time.monotonic() + 60
    while len(person.history()) < 2 and time.monotonic() < end:
        time.sleep(0.1)
    assert questions(person.history()[1]) == [("salary", ["ds"])]


def test_history_is_what_both_sides_saw(person: Person) -> None:
    asked = person.say("what does a data scientist earn")
    chip = asked["card"]["suggestions"][0]
    answered = person.say(chip["payload"], title=chip["title"])
    history = person.history()
    assert [(message["from"], message["text"]) for message in history] == [
        ("user", "what does a data scientist earn"),
        ("bot", asked["text"]),
        ("user", chip["title"]),
        ("bot", answered["text"]),
    ]
    assert [history[1]["card"], history[3]["card"]] == [asked["card"], answered["card"]]
    assert history[0]["time"] <= history[1]["time"] <= history[2]["time"]


def test_a_rating_is_kept_with_its_answer(person: Person) -> None:
    answer_id = person.say("what does a data scientist earn")["card"]["answer_id"]
    person.say("and software engineers?")
    assert person.call("POST", "rating", json={"answer_id": answer_id, "value": "down", "reason": "no figure"}).status_code == 200
    assert [message.get("rating") for message in person.history()] == [None, "down", None, None]
    assert person.call("POST", "rating", json={"answer_id": answer_id, "value": "up"}).status_code == 200
    assert person.history()[1]["rating"] == "up"
    assert questions(person.say("and ml engineers?")) == [("salary", ["mle"])]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"answer_id": "a99", "value": "up"}, 404),
        ({"answer_id": "a1", "value": "maybe"}, 400),
        ({"answer_id": "a1", "value": ["up"]}, 400),
        ({"answer_id": 1, "value": "up"}, 400),
        ({"answer_id": "a1", "value": "up", "reason": 5}, 400),
        ([], 400),
    ],
)
def test_a_rating_that_rates_nothing_is_refused(person: Person, body: Any, status: int) -> None:
    person.say("what does a data scientist earn")
    response = person.call("POST", "rating", json=body)
    assert response.status_code == status and response.json()["error"]


def test_starting_over_forgets_what_was_said(person: Person) -> None:
    person.say("what does a data scientist earn")
    assert person.call("POST", "start-over").status_code == 200
    assert person.history() == []
    assert questions(person.say("and software engineers?")) != [("salary", ["swe"])]
    assert len(person.history()) == 2


def test_deleting_leaves_nothing(person: Person) -> None:
    person.say("what does a data scientist earn", message_id="message-one")
    assert person.call("DELETE", "conversation").status_code == 200
    assert person.history() == []
    # What was still on its way does not begin it again.
    late = person.call("POST", "message", json={"id": "message-late", "text": "and software engineers?"})
    assert late.status_code == 401
    assert person.history() == []


@pytest.mark.parametrize("path", ["start-over", "conversation"])
def test_an_empty_conversation_can_be_cleared(person: Person, path: str) -> None:
    assert person.call("DELETE" if path == "conversation" else "POST", path).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"{", id="half"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b"[" * 20_000, id="nested too deep"),
        pytest.param(b'{"text": "hello"}', id="no id"),
        pytest.param(b'{"id": "short", "text": "hello"}', id="id short"),
        pytest.param(b'{"id": "message one", "text": "hello"}', id="id with a space"),
        pytest.param(b'{"id": "message-one", "text": "  "}', id="text blank"),
        pytest.param(b'{"id": "message-one", "text": 5}', id="text a number"),
        pytest.param(b'{"id": "message-one", "text": "hello", "title": 5}', id="title a number"),
    ],
)
def test_a_bad_message_is_refused_with_the_reason(person: Person, body: bytes) -> None:
    response = person.call("POST", "message", data=body)
    assert response.status_code == 400 and response.json()["error"]


def test_an_overlong_message_gets_words_back(person: Person) -> None:
    message = person.say("x" * 3000)
    assert message["card"]["kind"] == "fallback" and "2000" in message["text"]


@pytest.mark.parametrize("command", ["/restart", '/slot{"rating": 1}', '  /ask_salary{"role":["nurse"]}'])
def test_commands_to_rasa_are_words(person: Person, command: str) -> None:
    person.say("what does a data scientist earn")
    assert person.say(command)["card"]["kind"] != "error"
    assert len(person.history()) == 4


@pytest.mark.parametrize(("origin", "welcome"), [(FRIEND, True), ("https://evil.example", False), ("null", False)])
def test_only_pages_of_the_allow_list_may_talk(web_server: Server, origin: str, welcome: bool) -> None:
    address = f"{web_server.address}/chat/session"
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}
    preflight = requests.options(address, headers={"Origin": origin, **asked}, timeout=120)
    posted = requests.post(address, headers={"Origin": origin}, timeout=120)
    assert posted.status_code == (200 if welcome else 403)
    for response in (preflight, posted):
        assert response.headers.get("Access-Control-Allow-Origin") == (origin if welcome else None)
        assert response.headers["Vary"] == "Origin"
    assert ("authorization" in preflight.headers.get("Access-Control-Allow-Headers", "")) == welcome


def test_the_servers_own_page_may_talk(web_server: Server) -> None:
    assert requests.post(f"{web_server.address}/chat/session", headers={"Origin": web_server.address}, timeout=120).status_code == 200


@pytest.mark.parametrize("name", sorted(TYPES))
def test_every_file_has_its_type_and_is_not_sent_twice(web_server: Server, name: str) -> None:
    address = f"{web_server.address}/chat" + ("" if name == "index.html" else f"/{name}")
    response = requests.get(address, timeout=120)
    assert response.status_code == 200
    assert response.headers["Content-Type"] == TYPES[name]
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.content == (PROJECT_ROOT / "widget" / name).read_bytes()
    plain = requests.get(address, headers={"Accept-Encoding": "identity"}, stream=True, timeout=120)
    packed = requests.get(address, headers={"Accept-Encoding": "gzip"}, stream=True, timeout=120)
    assert "Content-Encoding" not in plain.headers
    assert gzip.decompress(packed.raw.read(decode_content=False)) == response.content
    again = requests.get(address, headers={"If-None-Match": response.headers["ETag"]}, timeout=120)
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("path", ["../rolewise/settings.py", "%2e%2e/credentials.yml", "secret", "widget.js.map"])
def test_nothing_else_of_the_disk_is_given_out(web_server: Server, path: str) -> None:
    assert requests.get(f"{web_server.address}/chat/{path}", timeout=120).status_code == 404


def test_the_settings_that_the_widget_needs(web_server: Server) -> None:
    assert requests.get(f"{web_server.address}/chat/config", timeout=120).json() == {"contact": FRIEND, "max_chars": 2000}


def test_a_message_that_was_cut_off_is_in_the_history_and_answered_when_it_is_sent_again(web_server: Server, person: Person) -> None:
    person.say("what does a data scientist earn")
    cut_off(web_server, person.token, "message-cut", "and software engineers?")
    last = person.history()[-1]
    assert (last["id"], last["text"], last["payload"], last["unanswered"]) == (
        "message-cut",
        "and software engineers?",
        "and software engineers?",
        True,
    )
    (message,) = [line for line in person.lines("and software engineers?", "message-cut") if line["type"] == "message"]
    assert questions(message) == [("salary", ["swe"])]
    assert [said["id"] for said in person.history()][-2:] == ["message-cut", "message-cut:0"]


def test_who_asks_on_is_told_of_a_message_that_was_cut_off(web_server: Server, person: Person) -> None:
    cut_off(web_server, person.token, "message-cut", "what does a data scientist earn")
    regret, answer = [line for line in person.lines("what is a software engineer") if line["type"] == "message"]
    assert regret["card"]["kind"] == "error" and "what does a data scientist earn" in regret["text"]
    jsonschema.validate(regret["card"], SCHEMA)
    assert answer["id"] == f"message-{person.count}:0" and questions(answer) == [("define_role", ["swe"])]
    assert len(person.lines("thanks")) == 3
    assert not any(said.get("unanswered") for said in person.history())


def test_starting_over_leaves_behind_what_was_cut_off(web_server: Server, person: Person) -> None:
    person.say("what does a data scientist earn")
    cut_off(web_server, person.token, "message-cut", "and software engineers?")
    assert person.call("POST", "start-over").status_code == 200
    assert person.history() == []


def test_the_answer_of_long_ago_comes_again(person: Person) -> None:
    first = person.lines("what does a data scientist earn", "message-first")
    for text in ("and software engineers?", "and ml engineers?", "thanks", "what about a degree", "and skills"):
        person.say(text)
    again = person.lines("what does a data scientist earn", "message-first")
    assert [line["text"] for line in again if line["type"] == "message"] == [line["text"] for line in first if line["type"] == "message"]
    assert sum(1 for said in person.history() if said["id"] == "message-first") == 1


# -- the REST webhook, from a page ---------------------------------------------------------------------------------------------


def post_rest(server: Server, sender: str, **headers: str) -> requests.Response:
    body = json.dumps({"sender": sender, "message": "hello"})
    return requests.post(server.webhook, data=body, headers={name.replace("_", "-"): value for name, value in headers.items()}, timeout=60)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content_Type": "application/json"}, 200),
        ({"Content_Type": "Application/JSON; charset=utf-8"}, 200),
        ({"Content_Type": "application/json", "Origin": "https://careers.example"}, 200),
        ({"Content_Type": "application/json", "Origin": "https://evil.example"}, 403),
        ({"Content_Type": "text/plain", "Origin": "https://evil.example"}, 403),
        ({"Content_Type": "application/json", "Origin": "null"}, 403),
        ({"Content_Type": "text/plain"}, 415),
        ({"Content_Type": "text/plain; application/json"}, 415),
        ({"Content_Type": "application/x-www-form-urlencoded"}, 415),
        ({}, 415),
    ],
    ids=str,
)
def test_a_message_of_rest_is_json_and_from_no_strange_page(web_server: Server, headers: dict[str, str], status: int) -> None:
    sender = uuid.uuid4().hex
    response = post_rest(web_server, sender, **headers)
    assert response.status_code == status, response.text
    assert bool(database.export(web_server.store, sender)) == (status == 200)
    shared = "careers" in headers.get("Origin", "")
    assert (response.headers.get("Access-Control-Allow-Origin") == headers.get("Origin")) == (shared or "Origin" not in headers)


def test_an_allowed_page_may_ask_first(web_server: Server) -> None:
    def ask(origin: str) -> requests.Response:
        return requests.options(web_server.webhook, headers={"Origin": origin, "Access-Control-Request-Method": "POST"}, timeout=60)

    assert "content-type" in ask("https://careers.example").headers["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Origin" not in ask("https://evil.example").headers
