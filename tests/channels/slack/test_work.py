"""Work in the background: bounded, so that Slack keeps what is too much, and brought to an end."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.web.async_client import AsyncWebClient

from rolewise.channels.slack.app import Identity, build
from rolewise.channels.slack.work import Work
from tests.channels.slack.loopback import SECRET, signed


def request() -> AsyncBoltRequest:
    event = {"type": "reaction_added", "user": "U1", "item": {}}
    body = json.dumps({"type": "event_callback", "team_id": "T1", "event_id": "Ev1", "event": event})
    return AsyncBoltRequest(body=body, headers={"content-type": "application/json", **signed(body)})


async def test_what_is_too_much_is_not_acknowledged(caplog: pytest.LogCaptureFixture) -> None:
    work, gate = Work(most=1), asyncio.Event()
    nobody: Any = None  # An event that nobody needs reaches no desk.
    app = build(Identity("xoxb-1"), SECRET, AsyncWebClient(), nobody, work)
    assert (await app.async_dispatch(request())).status == 200
    work.begin(gate.wait())
    assert (await app.async_dispatch(request())).status == 503
    gate.set()
    await asyncio.sleep(0.01)
    assert (await app.async_dispatch(request())).status == 200
    await work.finish(1)
    assert (await app.async_dispatch(request())).status == 503


async def test_the_end_waits_for_what_runs_and_breaks_off_what_does_not_end(caplog: pytest.LogCaptureFixture) -> None:
    work, done = Work(), []

    async def short() -> None:
        await asyncio.sleep(0.05)
        done.append("short")

    async def endless() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            done.append("endless")

    async def broken() -> None:
        raise ValueError("broken")

    for task in (short(), endless(), broken()):
        work.begin(task)
    await work.finish(0.3)
    assert done == ["short", "endless"]
    assert [record.getMessage() for record in caplog.records] == ["Something that Slack sent could not be worked on."]
