"""Without its tokens the channel is off: one line in the log, a server that starts, and nothing else."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from rasa.core.channels.channel import register
from sanic import Sanic

from rolewise.channels.slack.channel import Line, SlackChannel, configured
from rolewise.settings import Settings, settings
from tests.channels.slack.loopback import Slack
from tests.serving import Server

BOT, APP, SIGNING = {"slack_bot_token": "xoxb-1"}, {"slack_app_token": "xapp-1"}, {"slack_signing_secret": "s"}


@pytest.mark.parametrize(
    ("chosen", "on", "level", "words"),
    [
        ({}, False, logging.INFO, "SLACK_BOT_TOKEN is not set"),
        (BOT, False, logging.WARNING, "SLACK_APP_TOKEN (for Socket Mode) or SLACK_SIGNING_SECRET (for HTTP) is missing"),
        (APP, False, logging.WARNING, "what Socket Mode needs is set, SLACK_BOT_TOKEN is missing"),
        (SIGNING, False, logging.WARNING, "what HTTP needs is set, SLACK_BOT_TOKEN is missing"),
        (BOT | APP, True, logging.INFO, "Slack is on, by Socket Mode."),
        (BOT | SIGNING, True, logging.INFO, "Slack is on, by HTTP."),
        (BOT | APP | SIGNING, True, logging.INFO, "Slack is on, by Socket Mode and HTTP."),
    ],
)
def test_the_log_says_what_is_missing(chosen: dict[str, str], on: bool, level: int, words: str) -> None:
    found = configured(Settings(**chosen))  # type: ignore[arg-type]
    assert found[:2] == (on, level) and words in found[2]
    assert not any(token in found[2] for token in ("xoxb-1", "xapp-1"))


def doors(app: Sanic) -> list[str]:
    """The routes of the channel; every app has those of health beside them."""
    return sorted(route.path for route in app.router.routes if route.path.startswith("slack"))


def test_off_it_says_so_once_and_adds_no_door(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET"):
        monkeypatch.delenv(name, raising=False)
    settings.cache_clear()
    app = Sanic("slack_is_off", configure_logging=False)
    try:
        channel: Any = SlackChannel.from_credentials(None)
        with caplog.at_level(logging.INFO, "rolewise.channels.slack"):
            register([channel], app, route="/webhooks/")
    finally:
        settings.cache_clear()
    assert [record.getMessage() for record in caplog.records if "lack" in record.getMessage()] == [
        "Slack is off: SLACK_BOT_TOKEN is not set."
    ]
    assert doors(app) == ["slack"]


def test_it_is_made_from_nothing_but_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_SIGNING_SECRET": "s"}.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    app = Sanic("slack_is_on", configure_logging=False)
    try:
        register([SlackChannel()], app, route="/webhooks/")
    finally:
        settings.cache_clear()
    assert doors(app) == ["slack", "slack/events"]


async def test_tokens_that_slack_refuses_are_named(slack: Slack, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    for name, value in {"SLACK_API_URL": f"{slack.address}/api", "SLACK_BOT_TOKEN": "xoxb-wrong", "SLACK_APP_TOKEN": "xapp-wrong"}.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    app = Sanic("slack_refuses", configure_logging=False)
    try:
        line = Line(app, app.handle_request)
        line.begin()
        await asyncio.wait_for(asyncio.gather(*line._starting), 20)
        await line.end()
    finally:
        settings.cache_clear()
    said = {record.getMessage() for record in caplog.records if record.levelno == logging.ERROR}
    assert {"Slack does not accept SLACK_BOT_TOKEN: invalid_auth.", "Slack does not accept SLACK_APP_TOKEN: invalid_auth."} <= said
    assert "wrong" not in caplog.text


def test_a_server_without_tokens_starts_and_says_so(web_server: Server) -> None:
    assert web_server.told().count("Slack is off: SLACK_BOT_TOKEN is not set.") == 1
