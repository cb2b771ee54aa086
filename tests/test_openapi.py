"""docs/openapi.yml: valid, complete against the routes of the server, and true of what it answers."""

from __future__ import annotations

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
from rolewise.settings import PROJECT_ROOT
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


@pytest.mark.parametrize(
    "body", [{"sender": "a\nb"}, {"sender": "a\tb"}, {"sender": "a\u2028b"}, {"metadata": []}, {"metadata": "x"}, {"metadata": 0}]
)
def test_what_the_description_excludes_is_refused(web_server: Server, body: dict[str, Any]) -> None:
    response = requests.post(web_server.webhook, json={"message": "hello", **body}, timeout=60)
    assert response.status_code == 400, response.text


# -- Schemathesis --------------------------------------------------------------------------------------------------------------

# Cases of each operation at most, and all of them end after 40 s. A line of the web channel's answer is no JSON document.
EXAMPLES = 200
SCHEMATHESIS = [str(PROJECT_ROOT / "scripts" / "schemathesis")]


def test_schemathesis_finds_nothing(tmp_path: Path) -> None:
    known = subprocess.run([*SCHEMATHESIS, "--version"], capture_output=True, text=True, timeout=300)
    if known.returncode:
        pytest.skip(f"schemathesis cannot be installed here: {known.stderr[-200:]}")
    with Server(tmp_path, ROLEWISE_SENDER_LIMIT="off", ROLEWISE_ADDRESS_LIMIT="off") as server:
        token = Person(server.address).token
        run = subprocess.run(
            [
                *SCHEMATHESIS, "run", "docs/openapi.yml", "--url", server.address, "--max-examples", str(EXAMPLES), "--seed", "1",
                "--max-time", "40",
                "--header", f"Authorization: Bearer {token}", "--phases", "examples,coverage,fuzzing",
                "--exclude-path", "/chat/conversation",
            ],
            cwd=PROJECT_ROOT, capture_output=True, text=True, timeout=600,
        )  # fmt: skip
        assert run.returncode == 0, run.stdout[-5000:] + run.stderr[-500:]
        found = re.search(r"(\d+) generated", run.stdout)
        assert found and int(found[1]) >= 200, run.stdout[-1000:]
        assert server.metric("rolewise_errors_total") == 0
