"""Actions in the server's process behave as those of an action server, and Rasa's code that this rests on is unchanged."""

from __future__ import annotations

import copy
import hashlib
import importlib.util
import inspect
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import jsonschema
import pytest
import rasa.core.actions.action as rasa_action
from rasa.utils.endpoints import ClientResponseError, EndpointConfig

from rolewise.engine.inprocess import InProcessActions, compile_response_validator, response_validator

# Of Rasa 3.6.21. When one of these changes, read what is new there before changing the hash here.
METHOD_SHA256 = "f8cdb4be6812396167ced74161b2ccd65c5ea676ad86d7d359d8c322d9d8dc42"
SPEC_SHA256 = "fb650e99afd82f1c650004526571ec7bc95a81aa36aaf6a899a6e9e212b166be"

PACKAGE = "rolewise_test_actions"
SOURCE = """
from rasa_sdk import Action
from rasa_sdk.interfaces import ActionExecutionRejection


class Rejects(Action):
    def name(self):
        return "action_rejects"

    def run(self, dispatcher, tracker, domain):
        raise ActionExecutionRejection(self.name(), "not now")


class Blocks(Action):
    def name(self):
        return "action_says"

    def run(self, dispatcher, tracker, domain):
        tracker.slots["context"] = "changed"
        dispatcher.utter_message(text="said")
        return []
"""

GOOD: list[Any] = [
    {"events": [], "responses": []},
    {"events": [{"event": "slot", "name": "context", "value": {"a": [1]}}], "responses": [{"text": "hello", "buttons": []}]},
    {"events": [{"event": "slot", "name": "x", "value": None, "timestamp": None}]},
    {"responses": [{"custom": {"card": {}}}]},
    {},
]
BAD: list[Any] = [
    {"events": [{"event": "no such event"}]},
    {"events": [{"name": "context"}]},
    {"events": [{"event": "slot", "value": 1}]},
    {"events": [{"event": "slot", "name": "x", "value": 1, "timestamp": "now"}]},
    {"events": [{"event": "action", "name": "x", "confidence": "sure"}]},
    {"events": [{"event": "entities", "entities": [{"value": "x"}]}]},
    {"events": [{"event": "user", "parse_data": {"intent": {"name": 1}}}]},
    {"events": [{"event": "slot", "name": "x", "value": 1}, {"event": "slot", "name": "x"}]},
    {"events": [{"event": ["slot"]}]},
    {"events": ["slot"]},
    {"events": {}},
    {"events": "none"},
    {"responses": "hello"},
    {"responses": ["hello"]},
    {"responses": {}},
    [],
    None,
    "text",
]


@pytest.fixture(scope="module")
def pristine() -> ModuleType:
    """Rasa's module as it is on disk: this process may have replaced the method already."""
    spec = importlib.util.spec_from_file_location("pristine_rasa_action", rasa_action.__file__)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def accepts(method: Any, instance: Any, result: Any) -> bool:
    try:
        return bool(method(instance, copy.deepcopy(result)))
    except jsonschema.ValidationError:
        return False


@pytest.mark.parametrize("result", [*GOOD, *BAD], ids=lambda result: json.dumps(result)[:60])
def test_the_compiled_validator_decides_as_rasas_own(pristine: ModuleType, result: Any) -> None:
    compile_response_validator()
    compiled = rasa_action.RemoteAction._validate_action_result
    assert compiled is not pristine.RemoteAction._validate_action_result
    theirs = accepts(pristine.RemoteAction._validate_action_result, pristine.RemoteAction("action_answer", None), result)
    assert accepts(compiled, rasa_action.RemoteAction("action_answer", None), result) == theirs


def test_the_validator_both_accepts_and_refuses(pristine: ModuleType) -> None:
    remote = pristine.RemoteAction("action_answer", None)
    decisions = {accepts(pristine.RemoteAction._validate_action_result, remote, result) for result in [*GOOD, *BAD]}
    assert decisions == {True, False}


SAMPLES = {"string": "x", "array": [], "object": {}, "number": 1, "boolean": True}


def test_every_kind_of_event_is_decided_on_without_rasas_own_check(pristine: ModuleType) -> None:
    schema = pristine.RemoteAction.action_response_format_spec()
    fits = response_validator(schema)
    for result in [*GOOD, *BAD]:
        assert fits(result) == accepts(pristine.RemoteAction._validate_action_result, pristine.RemoteAction("a", None), result), result
    kinds = schema["properties"]["events"]["items"]["oneOf"]
    assert len(kinds) > 20
    for kind in kinds:
        event = {"event": kind["properties"]["event"]["const"]}
        event |= {name: SAMPLES.get(kind["properties"][name].get("type"), "x") for name in kind.get("required", []) if name != "event"}
        for one in (event, {**event, "timestamp": "now"}, {**event, "metadata": {}}):
            theirs = accepts(pristine.RemoteAction._validate_action_result, pristine.RemoteAction("a", None), {"events": [one]})
            assert fits({"events": [one]}) == theirs == (one.get("timestamp") != "now"), one


def test_two_kinds_of_events_of_one_name_are_refused(pristine: ModuleType) -> None:
    schema = copy.deepcopy(pristine.RemoteAction.action_response_format_spec())
    kinds = schema["properties"]["events"]["items"]["oneOf"]
    kinds.append(kinds[0])
    with pytest.raises(ValueError, match="same name"):
        response_validator(schema)


def test_rasas_validation_is_the_one_that_was_replaced(pristine: ModuleType) -> None:
    source = inspect.getsource(pristine.RemoteAction._validate_action_result)
    spec = json.dumps(pristine.RemoteAction.action_response_format_spec(), sort_keys=True)
    assert hashlib.sha256(source.encode()).hexdigest() == METHOD_SHA256, source
    assert hashlib.sha256(spec.encode()).hexdigest() == SPEC_SHA256, spec


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A directory with a package of actions that reject and answer."""
    directory = tmp_path_factory.mktemp("actions")
    (directory / PACKAGE).mkdir()
    (directory / PACKAGE / "__init__.py").write_text(SOURCE, encoding="utf-8")
    sys.path.insert(0, str(directory))
    yield directory
    sys.path.remove(str(directory))


@pytest.fixture(scope="module")
def action_server(package: Path, free_port: int) -> Iterator[EndpointConfig]:
    """rasa-sdk's own server with that package."""
    server = subprocess.Popen(
        [sys.executable, "-m", "rasa_sdk", "--actions", PACKAGE, "--port", str(free_port)],
        cwd=package,
        env={**os.environ, "PYTHONPATH": str(package)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{free_port}/health", timeout=5)
                break
            except (urllib.error.URLError, OSError):
                assert server.poll() is None
                time.sleep(0.1)
        yield EndpointConfig(url=f"http://127.0.0.1:{free_port}/webhook")
    finally:
        server.terminate()
        server.wait()


def body(action: str) -> dict[str, Any]:
    tracker = {"sender_id": "s", "slots": {"context": None}, "latest_message": {}, "events": [], "latest_input_channel": "rest"}
    return {"next_action": action, "sender_id": "s", "tracker": tracker, "domain": {}}


@pytest.mark.parametrize("action", ["action_rejects", "action_nobody_wrote"])
async def test_rejected_and_unknown_actions_raise_what_http_raises(package: Path, action_server: EndpointConfig, action: str) -> None:
    raised = []
    for endpoint in (action_server, InProcessActions(PACKAGE)):
        with pytest.raises(ClientResponseError) as error:
            await endpoint.request(json=body(action), method="post", timeout=60)
        raised.append((error.value.status, json.loads(error.value.text)))
    over_http, in_process = raised
    assert in_process == over_http


async def test_answers_are_those_of_http_and_the_call_is_left_alone(package: Path, action_server: EndpointConfig) -> None:
    call = body("action_says")
    over_http = await action_server.request(json=body("action_says"), method="post", timeout=60)
    assert await InProcessActions(PACKAGE).request(json=call, method="post", timeout=60) == over_http
    assert call == body("action_says")
    assert over_http["responses"][0]["text"] == "said"
