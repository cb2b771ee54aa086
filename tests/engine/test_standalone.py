"""Rasa's own commands as typed in a trained checkout: `rasa shell`, `rasa run`, and what plain `rasa test` finds."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from rolewise.settings import PROJECT_ROOT
from tests.serving import free_port

BIN = Path(sys.executable).parent
PATIENCE = 75.0
END = "\x04"


class Terminal:
    """A command in a terminal of its own: typed into, read, and ended."""

    def __init__(self, directory: Path, *command: str, **environment: str) -> None:
        self.master, slave = pty.openpty()
        settings = {"ROLEWISE_STORE": str(directory / "conversations.db"), "TERM": "dumb", "RASA_TELEMETRY_ENABLED": "false", **environment}
        self.process = subprocess.Popen(
            command, cwd=PROJECT_ROOT, env={**os.environ, **settings}, stdin=slave, stdout=slave, stderr=slave, start_new_session=True
        )
        os.close(slave)
        self.text = ""

    def wait_for(self, pattern: str, after: int = 0) -> str:
        end = time.monotonic() + PATIENCE
        while not re.search(pattern, self.text[after:]):
            assert time.monotonic() < end, self.text[-3000:]
            assert self.process.poll() is None or self._more(0.0), self.text[-3000:]
            self._more(0.5)
        return self.text[after:]

    def _more(self, seconds: float) -> bool:
        if not select.select([self.master], [], [], seconds)[0]:
            return False
        with contextlib.suppress(OSError):
            data = os.read(self.master, 65536).decode(errors="replace")
            self.text += data
            # The line editor asks where the cursor is.
            for _ in range(data.count("\x1b[6n")):
                self.type("\x1b[1;1R")
            return bool(data)
        return False

    def type(self, text: str) -> None:
        os.write(self.master, text.encode())

    def ended(self) -> int:
        end = time.monotonic() + 60
        while self.process.poll() is None:
            assert time.monotonic() < end, self.text[-3000:]
            self._more(0.5)
        while self._more(0.1):
            pass
        return self.process.returncode

    def close(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        os.close(self.master)


@contextlib.contextmanager
def terminal(directory: Path, *command: str, **environment: str) -> Iterator[Terminal]:
    opened = Terminal(directory, *command, **environment)
    try:
        yield opened
    finally:
        opened.close()


@pytest.mark.parametrize("command", ["rasa", "rolewise"])
def test_a_shell_answers_by_itself_and_ends_with_its_input(tmp_path: Path, command: str) -> None:
    port = str(free_port())
    words = ["shell", "--port", port] if command == "rasa" else ["shell"]
    with terminal(tmp_path, str(BIN / command), *words, PORT=port) as shell:
        shell.wait_for("Your input")
        asked = len(shell.text)
        shell.type("what does a data scientist earn\r")
        answer = shell.wait_for(r"(?s)BLS.*Your input|\$[\d,]+.*Your input", asked)
        assert "Couldn't connect" not in answer
        asked = len(shell.text)
        shell.type(END)
        status = shell.ended()
        assert status == 0 and "Traceback" not in shell.text, shell.text[-3000:]
        if command == "rasa":
            assert shell.text.count("The actions run in this process: no action server answers at http://localhost:5055") == 1


@pytest.fixture(scope="module")
def rasa_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of `rasa run` with the project's own files."""
    directory, port = tmp_path_factory.mktemp("rasa-run"), free_port()
    environment = {**os.environ, "ROLEWISE_STORE": str(directory / "conversations.db"), "RASA_TELEMETRY_ENABLED": "false"}
    with (directory / "log").open("wb") as log:
        command = [str(BIN / "rasa"), "run", "--port", str(port), "-i", "127.0.0.1"]
        process = subprocess.Popen(command, cwd=PROJECT_ROOT, env=environment, stdout=log, stderr=log, start_new_session=True)
        try:
            end = time.monotonic() + PATIENCE
            while True:
                assert process.poll() is None and time.monotonic() < end, (directory / "log").read_text()[-3000:]
                with contextlib.suppress(requests.ConnectionError):
                    if requests.get(f"http://127.0.0.1:{port}/chat/ready", timeout=10).status_code == 200:
                        break
                time.sleep(0.5)
            yield f"http://127.0.0.1:{port}"
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(60)


def test_rasa_run_has_the_routes_the_guard_and_the_answers(rasa_run: str) -> None:
    assert requests.get(f"{rasa_run}/chat/live", timeout=30).json() == {"status": "ok"}
    assert requests.get(f"{rasa_run}/chat/ready", timeout=30).json() == {"status": "ok"}
    (item,) = requests.post(f"{rasa_run}/webhooks/rest/webhook", json={"sender": "s", "message": "what does an mle do"}, timeout=60).json()
    assert item["custom"]["card"]["kind"] == "answer"
    assert "rolewise_messages_total" in requests.get(f"{rasa_run}/metrics", timeout=30).text
    assert requests.get(f"{rasa_run}/chat/live", headers={"Content-Length": "-5"}, timeout=30).status_code == 400
    evil = {"Origin": "https://evil.example"}
    assert requests.post(f"{rasa_run}/webhooks/rest/webhook", json={"message": "hello"}, headers=evil, timeout=30).status_code == 403


def test_plain_rasa_test_finds_our_stories_alone() -> None:
    from rasa.shared.core.training_data.story_reader.yaml_story_reader import YAMLStoryReader
    from rasa.shared.data import get_data_files, is_nlu_file

    assert get_data_files(["."], YAMLStoryReader.is_test_stories_file) == ["./tests/test_stories.yml"]
    assert is_nlu_file(str(PROJECT_ROOT / "data" / "nlu.yml"))
