"""One loopback Slack and one real server for the tests of the Slack channel; both doors of the server are open."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.channels.slack.loopback import APP_TOKEN, BOT_TOKEN, SECRET, Slack
from tests.channels.slack.people import Door, Person
from tests.serving import Server


@pytest.fixture(scope="session")
def slack() -> Iterator[Slack]:
    slack = Slack()
    yield slack
    slack.stop()


@pytest.fixture(scope="session")
def server(slack: Slack, tmp_path_factory: pytest.TempPathFactory, announce: Callable[[str], None]) -> Iterator[Server]:
    announce("Starting `rolewise serve` beside a loopback Slack (about 20 s) ...")
    server = Server(
        tmp_path_factory.mktemp("slack"),
        SLACK_BOT_TOKEN=BOT_TOKEN,
        SLACK_APP_TOKEN=APP_TOKEN,
        SLACK_SIGNING_SECRET=SECRET,
        SLACK_API_URL=f"{slack.address}/api/",
        ROLEWISE_SENDER_LIMIT="20/minute",
        # slack_sdk would ask a proxy for 127.0.0.1.
        **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), ""),
    )
    try:
        yield server.start()
    finally:
        server.kill(signal.SIGTERM)


@pytest.fixture
def running(server: Server) -> Server:
    """The server; started again where the test before was about its end."""
    return server if server.process and server.process.poll() is None else server.start()


@pytest.fixture(autouse=True)
def nothing_refused(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever a test is about: Slack would have taken everything that was sent."""
    slack: Any = request.getfixturevalue("slack") if "slack" in request.fixturenames else None
    before = len(slack.faults) if slack else 0
    yield
    if slack:
        assert not slack.faults[before:]


@pytest.fixture
def socket_door(slack: Slack, running: Server) -> Door:
    return Door(slack)


@pytest.fixture
def http_door(slack: Slack, running: Server) -> Door:
    return Door(slack, running.address)


@pytest.fixture(params=["socket", "http"])
def door(request: pytest.FixtureRequest, slack: Slack, running: Server) -> Door:
    """Both ways by which Slack reaches the assistant."""
    return Door(slack, running.address if request.param == "http" else "")


@pytest.fixture
def person(door: Door) -> Person:
    return Person(door)


@pytest.fixture
def other(door: Door) -> Person:
    return Person(door)


@pytest.fixture
def channel(slack: Slack) -> str:
    """A channel that no other test uses."""
    return f"C{slack.number()}00"
