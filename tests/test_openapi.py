"""docs/openapi.yml: valid, complete against the routes of the server, and true of what it answers."""

from __future__ import annotations

import copy
import re
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import requests
import yaml
from openapi_spec_validator import validate_spec
from rasa.core.channels.channel import InputChannel, register
from sanic import Sanic

from rolewise.cards import Card
from rolewise.channels.files import PAGE, TYPES
from rolewise.channels.guard import is_message_id, is_own_payload, is_sender
from rolewise.conversation.dialogue import MAX_REASON
from rolewise.knowledge import load
from rolewise.settings import PROJECT_ROOT, settings
from tests.serving import Person, Server

SPEC: dict[Any, Any] = yaml.safe_load((PROJECT_ROOT / "docs" / "openapi.yml").read_text(encoding="utf-8"))
FILE = "/chat/{file}"


def channels() -> list[InputChannel]:
    """The channels of credentials.yml."""
    from rasa.shared.utils.common import class_from_module_path

    names = yaml.safe_load((PROJECT_ROOT / "credentials.yml").read_text(encoding="utf-8"))
    return [class_from_module_path(name).from_credentials({}) for name in names]


def served() -> set[tuple[str, str]]:
    """(method, path) of every route that the server has."""
    app = Sanic("openapi", register=False)
    register(channels(), app, route="/webhooks/")
    found = {("GET", "/")}  # Rasa's own
    for route in app.router.routes:
        path = "/" + route.path + ("/" if route.path in ("chat", "webhooks/rest", "slack") else "")
        found |= {(method, path) for method in route.methods if method not in ("OPTIONS", "HEAD")}
    return found


def properties(path: str) -> dict[str, Any]:
    """What the body of a POST may hold."""
    found: dict[str, Any] = SPEC["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]["properties"]
    return found


def test_it_is_valid() -> None:
    validate_spec(SPEC)


def test_every_route_is_described_and_every_description_is_a_route() -> None:
    described = {(method.upper(), path) for path, methods in SPEC["paths"].items() for method in methods}
    files = {("GET", f"/chat/{name}") for name in TYPES if name != PAGE}
    assert described - {("GET", FILE)} | files == served()
    assert set(SPEC["paths"][FILE]["get"]["parameters"][0]["schema"]["enum"]) == set(TYPES) - {PAGE}


def test_the_card_is_the_card() -> None:
    card = SPEC["components"]["schemas"]["Card"]
    assert set(card["properties"]) == set(Card.__fields__) == {*card["required"], "figures"}
    assert set(card["properties"]["kind"]["enum"]) == set(Card.__fields__["kind"].type_.__args__)


def test_the_routes_in_the_widgets_document_are_described() -> None:
    described = re.findall(r"^\| `(?:GET|POST|DELETE) (/[\w./-]+)`", (Path(PROJECT_ROOT) / "docs" / "widget.md").read_text(), re.MULTILINE)
    assert described and all(path in SPEC["paths"] or f"{path}/" in SPEC["paths"] or path == "/chat/widget.js" for path in described)


def checked(name: str, value: Any) -> None:
    schema = {"$ref": f"#/components/schemas/{name}", "components": SPEC["components"]}
    jsonschema.Draft202012Validator(schema).validate(value)


@pytest.mark.parametrize("text", ["what does a data scientist earn", "compare all three roles", "hello", "how do i fix cuda out of memory"])
def test_the_webhook_answers_as_described(web_server: Server, text: str) -> None:
    (item,) = requests.post(web_server.webhook, json={"message": text}, timeout=120).json()
    checked("Item", item)
    assert item["custom"]["card"]


def test_the_widgets_routes_answer_as_described(web_server: Server) -> None:
    person = Person(web_server.address)
    checked("Config", requests.get(f"{web_server.address}/chat/config", timeout=60).json())
    for line in person.lines("what does an mle do"):
        checked("Line", line)
    checked("History", person.call("GET", "history").json())
    checked("Status", person.call("DELETE", "conversation").json())
    checked("Error", requests.get(f"{web_server.address}/chat/history", timeout=60).json())
    checked("Error", requests.post(web_server.webhook, json={}, timeout=60).json())


# -- every answer is described -------------------------------------------------------------------------------------------------

OPERATIONS = [
    (method, path.replace("{file}", "widget.js"), operation)
    for path, methods in SPEC["paths"].items()
    for method, operation in methods.items()
]
HOSTILE: list[dict[str, Any]] = [
    {},
    {"headers": {"Origin": "https://evil.example"}},
    {"headers": {"Authorization": "Bearer nonsense"}, "json": {}},
    {"headers": {"Content-Type": "text/plain"}, "data": "hello"},
    {"headers": {"Content-Type": "application/json"}, "data": "{"},
    {"json": []},
    {"json": {"sender": "a\nb", "message": "hello"}},
    {"json": {"sender": "a", "message": "hello", "metadata": []}},
    {"json": {"sender": "a", "message": "x" * 70_000}},
    {"headers": {"Expect": "nothing"}, "json": {}},
]


@pytest.mark.parametrize("request_", HOSTILE, ids=lambda one: str(one)[:60])
@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS, ids=lambda one: one if isinstance(one, str) else "")
def test_what_is_sent_back_is_described(web_server: Server, method: str, path: str, operation: Any, request_: dict[str, Any]) -> None:
    response = requests.request(method, web_server.address + path, timeout=60, **request_)
    assert response.status_code < 500
    found = operation["responses"].get(str(response.status_code)) or operation["responses"]["default"]
    name = found.get("$ref", "").rpartition("/")[2]
    if response.status_code >= 400:
        assert name in ("Refused", "TooMany")
        checked("Error", response.json())
    if response.status_code in (403, 413, 415, 429) and path != "/":
        assert str(response.status_code) in operation["responses"] or response.status_code == 413, (method, path, response.status_code)


def test_the_description_allows_just_the_senders_that_are_taken() -> None:
    """Over the whole of Unicode; a test tool that reads the pattern must not need seconds for one example."""
    body = SPEC["paths"]["/webhooks/rest/webhook"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    described = re.compile(body["properties"]["sender"]["pattern"].replace("$", r"\Z"))
    every = (chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000)
    assert not [hex(ord(one)) for one in every if bool(described.search(one)) != is_sender(one)]
    assert [bool(described.search("a" * length)) for length in (0, 1, 200, 201)] == [False, True, True, False]


@pytest.mark.parametrize(("path", "key"), [("/webhooks/rest/webhook", "message_id"), ("/chat/message", "id")])
def test_the_description_allows_just_the_ids_of_messages_that_are_taken(path: str, key: str) -> None:
    described = re.compile(properties(path)[key]["pattern"])
    ids = ["a" * 7, "a" * 8, "a" * 64, "a" * 65, "_-09azAZ", *(f"aaaaaaa{chr(code)}" for code in range(0x250) if code != 0x0A)]
    assert not [one for one in ids if bool(described.search(one)) != is_message_id(one)]
    assert not is_message_id("aaaaaaaa\n") and not is_message_id(12345678) and not is_message_id(None)


def test_a_reason_has_one_length_in_code_description_and_widget() -> None:
    assert f" {MAX_REASON} characters" in properties("/chat/rating")["reason"]["description"]
    assert re.findall(r"maxlength: (\d+)", (PROJECT_ROOT / "widget" / "tools.js").read_text(encoding="utf-8")) == [str(MAX_REASON)]
    payload = '/feedback_negative{"answer_id":"a1","reason":"%s"}'
    knowledge = load(settings().knowledge)
    assert is_own_payload(payload % ("x" * MAX_REASON), knowledge) and not is_own_payload(payload % ("x" * (MAX_REASON + 1)), knowledge)


@pytest.mark.parametrize(
    "body", [{"sender": "a\nb"}, {"sender": "a\tb"}, {"sender": "a\u2028b"}, {"metadata": []}, {"metadata": "x"}, {"metadata": 0}]
)
def test_what_the_description_excludes_is_refused(web_server: Server, body: dict[str, Any]) -> None:
    response = requests.post(web_server.webhook, json={"message": "hello", **body}, timeout=60)
    assert response.status_code == 400, response.text


# -- Schemathesis --------------------------------------------------------------------------------------------------------------

# Of each operation at most; with those that ask for every corner of the description, more than a thousand in all.
EXAMPLES = 200
CASES = 1000
SCHEMATHESIS = [str(PROJECT_ROOT / "scripts" / "checks"), "schemathesis"]


# They end the conversation whose answer is rated, so they come last.
LAST = ["/chat/start-over", "/chat/conversation"]


def generated(server: Server, person: Person, spec: Path, *options: str) -> int:
    """Let Schemathesis try a description; gives the number of its requests, all of which went well."""
    run = subprocess.run(
        [
            *SCHEMATHESIS, "run", str(spec), "--url", server.address, "--max-examples", str(EXAMPLES), "--seed", "1",
            "--header", f"Authorization: Bearer {person.token}", "--phases", "examples,coverage,fuzzing", *options,
        ],
        cwd=spec.parent, capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    told = run.stdout[-5000:] + run.stderr[-500:]
    assert run.returncode == 0, told
    # No operation was left without the data that it needs.
    assert "Missing test data" not in run.stdout, told
    found = re.search(r"(\d+) generated, (\d+) passed", run.stdout)
    assert found and found[1] == found[2], told
    return int(found[1])


def test_schemathesis_finds_nothing(tmp_path: Path) -> None:
    with Server(tmp_path, ROLEWISE_SENDER_LIMIT="off", ROLEWISE_ADDRESS_LIMIT="off") as server:
        person = Person(server.address)
        # An answer that can be rated: nothing in the description says how it is called.
        spec = copy.deepcopy(SPEC)
        rating = spec["paths"]["/chat/rating"]["post"]["requestBody"]["content"]["application/json"]["schema"]["properties"]
        rating["answer_id"]["const"] = person.say("what does an mle do")["card"]["answer_id"]
        described = tmp_path / "openapi.yml"
        described.write_text(yaml.safe_dump(spec, sort_keys=False))
        first = generated(server, person, described, *(f"--exclude-path={path}" for path in LAST))
        cases = first + generated(server, person, described, *(f"--include-path={path}" for path in LAST))
        assert cases >= CASES
        assert server.metric("rolewise_errors_total") == 0
