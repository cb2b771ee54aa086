"""docs/openapi.yml: valid, complete against the routes of the server, and true of what it answers."""

from __future__ import annotations

import re
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
from rolewise.channels.health import Health, routes
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
    app.blueprint(routes(Health()))
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
