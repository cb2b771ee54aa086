"""What the tests share: the real model, loaded once, and a free port."""

from __future__ import annotations

import asyncio
import os
import signal
import uuid
from collections.abc import Callable, Coroutine, Iterable, Iterator
from typing import Any

import pytest

from rolewise.commands import cli
from rolewise.settings import settings
from tests import serving
from tests.services import Postgres, Redis
from tests.serving import Server, Site

Turn = dict[str, Any]


class Assistant:
    """The batch interface's Asker on an event loop of its own, for tests that are no coroutines."""

    def __init__(self, loop: asyncio.AbstractEventLoop, asker: Any) -> None:
        self.loop = loop
        self.asker = asker

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(coroutine)

    def turn(self, sender: str, text: str) -> Turn:
        turn: Turn = self.run(self.asker.turn(sender, text))
        return turn

    def parse(self, text: str) -> dict[str, Any]:
        """The NLU output of a message."""
        parsed: dict[str, Any] = self.run(self.asker.agent.parse_message(text))
        return parsed


def pytest_report_header() -> list[str]:
    if os.environ.get("ROLEWISE_EVAL_DIR"):
        return []
    return ["ROLEWISE_EVAL_DIR is not set: training messages are not compared with an evaluation set of yours"]


def pytest_configure(config: pytest.Config) -> None:
    cli.quiet()


@pytest.fixture(autouse=True)
def whole_log(caplog: pytest.LogCaptureFixture) -> None:
    """Rasa's filter against repeated lines, once a model was loaded, would take lines from the next test's log, too."""
    caplog.handler.filters.clear()


@pytest.fixture(scope="session")
def announce(pytestconfig: pytest.Config) -> Callable[[str], None]:
    """Prints a line past pytest's capture, so that nobody stares at a silent terminal."""
    capture = pytestconfig.pluginmanager.getplugin("capturemanager")

    def say(line: str) -> None:
        with capture.global_and_fixture_disabled():
            print(f"\n{line}", flush=True)

    return say


@pytest.fixture(scope="session")
def asker(announce: Callable[[str], None]) -> Iterator[Assistant]:
    """The assistant with the newest model, actions included."""
    announce(f"Loading the newest model of {settings().models} (about 15 s) ...")
    cli.logs("ERROR")
    # Rasa writes its level into the environment, which the servers of later tests would inherit.
    os.environ.pop("LOG_LEVEL", None)
    from rolewise.commands.ask import Asker

    loop = asyncio.new_event_loop()
    yield Assistant(loop, loop.run_until_complete(Asker.load()))
    loop.close()


@pytest.fixture(scope="session")
def converse(asker: Assistant) -> Callable[[Iterable[str]], list[Turn]]:
    """Holds one fresh conversation: messages in, one dict a turn out, as `rolewise ask --jsonl` writes them."""

    def hold(turns: Iterable[str]) -> list[Turn]:
        sender = uuid.uuid4().hex
        return [asker.turn(sender, text) for text in turns]

    return hold


@pytest.fixture(scope="session")
def free_port() -> int:
    """A port that nobody listened on a moment ago."""
    return serving.free_port()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server of the tests."""
    with Postgres() as running:
        assert isinstance(running, Postgres)
        yield running


@pytest.fixture(scope="session")
def redis_server() -> Iterator[Redis]:
    """A Redis server of the tests."""
    with Redis() as running:
        assert isinstance(running, Redis)
        yield running


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    """A web site of another origin, which may use the server."""
    site = Site()
    yield site
    site.stop()


@pytest.fixture(scope="session")
def web_server(site: Site, tmp_path_factory: pytest.TempPathFactory, announce: Callable[[str], None]) -> Iterator[Server]:
    """One server for all tests of the web channel and of the widget."""
    announce("Starting `rolewise serve` for the web channel (about 20 s; minutes when the model has to be trained first) ...")
    server = Server(
        tmp_path_factory.mktemp("web-server"),
        ROLEWISE_CONTACT="https://careers.example",
        ROLEWISE_ORIGINS=f"{site.address}, https://careers.example",
    )
    try:
        yield server.start()
        assert server.process and server.process.poll() is None, "the server ended during the tests:\n" + server.told()[-3000:]
    finally:
        server.kill(signal.SIGTERM)
