"""The manifests: what Slack takes, and exactly the scopes and events that the code needs."""

from __future__ import annotations

import ast
import re
from typing import Any

import pytest
import yaml

from rolewise.channels.slack.app import COMMAND, EVENTS
from rolewise.settings import PROJECT_ROOT

FOLDER = PROJECT_ROOT / "deploy" / "slack"
CODE = PROJECT_ROOT / "rolewise" / "channels" / "slack"

# From Slack's reference: what a bot needs for a method of the Web API and for an event.
SCOPES: dict[str, set[str]] = {
    "auth_test": set(),
    "views_publish": set(),
    "chat_postMessage": {"chat:write"},
    "chat_postEphemeral": {"chat:write"},
    "chat_update": {"chat:write"},
    "assistant_threads_setStatus": {"chat:write"},
    "conversations_open": {"im:write"},
    "conversations_history": {"im:history"},
    "conversations_replies": {"channels:history", "groups:history", "im:history"},
}
EVENT_SCOPES = {
    "app_home_opened": set(),
    "app_mention": {"app_mentions:read"},
    "message.im": {"im:history"},
    "message.channels": {"channels:history"},
    "message.groups": {"groups:history"},
}
# The parts of a manifest, and what they may hold.
PARTS: dict[str, Any] = {
    "_metadata": {"major_version"},
    "display_information": {"name", "description", "background_color", "long_description"},
    "features": {"app_home", "bot_user", "slash_commands"},
    "oauth_config": {"scopes"},
    "settings": {"event_subscriptions", "interactivity", "org_deploy_enabled", "socket_mode_enabled", "token_rotation_enabled"},
}


@pytest.fixture(params=["socket", "http"])
def manifest(request: pytest.FixtureRequest) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((FOLDER / f"{request.param}.yml").read_text(encoding="utf-8"))
    return loaded


def methods_called() -> set[str]:
    """The methods of the Web API that the code calls."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in sorted(CODE.glob("*.py"))]
    called = {
        node.func.attr for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }
    return {name for name in called if re.match(r"(?:auth|views|chat|assistant|conversations|users|reactions|files|apps)_[a-z]", name)}


def test_the_scopes_are_those_that_the_code_needs(manifest: dict[str, Any]) -> None:
    called, events = methods_called(), manifest["settings"]["event_subscriptions"]["bot_events"]
    assert called == set(SCOPES)
    needed = {"commands"}.union(*(SCOPES[method] for method in called), *(EVENT_SCOPES[event] for event in events))
    assert set(manifest["oauth_config"]["scopes"]["bot"]) == needed
    assert set(manifest["oauth_config"]["scopes"]) == {"bot"}


def test_the_events_are_those_that_the_code_listens_to(manifest: dict[str, Any]) -> None:
    events = manifest["settings"]["event_subscriptions"]["bot_events"]
    assert {event.partition(".")[0] for event in events} == set(EVENTS) and set(events) == set(EVENT_SCOPES)


def test_slack_would_take_it(manifest: dict[str, Any]) -> None:
    assert set(manifest) == set(PARTS)
    assert all(set(manifest[part]) <= allowed for part, allowed in PARTS.items())
    shown, features = manifest["display_information"], manifest["features"]
    assert len(shown["name"]) <= 35 and len(shown["description"]) <= 140 and 174 <= len(shown["long_description"]) <= 4000
    assert re.fullmatch(r"#[0-9a-f]{6}", shown["background_color"])
    assert len(features["bot_user"]["display_name"]) <= 80
    (command,) = features["slash_commands"]
    assert command["command"] == COMMAND and len(command["description"]) <= 2000 and len(command["usage_hint"]) <= 1000
    # Ours is the escaped kind: `hearing.spoken` takes the markup back.
    assert command["should_escape"] is True
    assert features["app_home"] == {"home_tab_enabled": True, "messages_tab_enabled": True, "messages_tab_read_only_enabled": False}
    assert manifest["settings"]["interactivity"]["is_enabled"] is True


def test_only_over_http_slack_is_told_an_address(manifest: dict[str, Any]) -> None:
    settings, command = manifest["settings"], manifest["features"]["slash_commands"][0]
    urls = [settings["event_subscriptions"].get("request_url"), settings["interactivity"].get("request_url"), command.get("url")]
    expected = None if settings["socket_mode_enabled"] else "https://your-server.example/slack/events"
    assert urls == [expected] * 3


def test_both_differ_in_nothing_else() -> None:
    texts = [(FOLDER / name).read_text(encoding="utf-8").splitlines()[1:] for name in ("socket.yml", "http.yml")]
    kept = [[line for line in text if "url:" not in line and "socket_mode_enabled" not in line] for text in texts]
    assert kept[0] == kept[1]
