"""The batch interface, through the command that people run."""

from __future__ import annotations

import codecs
import io
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rolewise.cards import Card
from rolewise.commands.ask import conversations, lines
from rolewise.engine.imports import newest
from rolewise.settings import PROJECT_ROOT, settings

COMMAND = Path(sys.executable).parent / "rolewise"
FIELDS = {"text", "intent", "confidence", "kind", "questions", "answer", "card"}
KINDS = {"answer", "comparison", "clarify", "fallback", "menu", "smalltalk", "error"}
# So long may a loaded model take for one line on a busy machine; the load itself happens before the first.
PATIENCE = 180

LONG = ("I have been thinking about my career for years. " * 220)[:10_000]
EMOJI = "what does a data scientist earn 💰💰 👩🏽‍💻 🇬🇧"
GERMAN = "Was verdient eine Datenwissenschaftlerin in Deutschland?"
PAYLOAD = '/ask_salary{"role":["mle"]}'

CONVERSATIONS: dict[str, list[str]] = {
    "context": ["what does an ml engineer earn", "and data scientists?"],
    "odd": ["", "   ", LONG, EMOJI, GERMAN, "what does a data scientist earn"],
    "payload": [PAYLOAD, "  " + PAYLOAD, "/ask_salary"],
    "commands": ["/restart", "/session_start", "/back", '/ask_salary{"role":["mle"]', '/ask_salary{"role":["nurse"]}', "/", "/greet"],
    "signs": ["\u0000\u0007what does a swe do", "a\u202eb", "\ufeffhello", "?" * 300],
    "wordless": ["what does a data scientist earn", "👍", "...", "🙂 🙂", "and software engineers?"],
    "surrogate": ["what does a data scientist earn", "\ud800", "and software engineers?"],
}


class Ask:
    """A running `rolewise ask`, written to and read from a line at a time."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [str(COMMAND), "ask", *arguments],
            cwd=PROJECT_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        )
        self.lines: queue.Queue[bytes | None] = queue.Queue()
        self.errors = b""
        self.threads = [threading.Thread(target=read, daemon=True) for read in (self._read, self._read_errors)]
        for thread in self.threads:
            thread.start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.put(line)
        self.lines.put(None)

    def _read_errors(self) -> None:
        assert self.process.stderr
        self.errors = self.process.stderr.read()

    def write(self, line: bytes) -> None:
        assert self.process.stdin
        try:
            self.process.stdin.write(line + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # it ended too early: the next read says so, with its last words

    def read(self) -> bytes:
        line = self.lines.get(timeout=PATIENCE)
        if line is None:
            self.threads[1].join(PATIENCE)
            pytest.fail(f"rolewise ask ended with status {self.process.wait()}:\n{self.errors.decode()[-1500:]}", pytrace=False)
        return line

    def answer(self, line: Any) -> dict[str, Any]:
        """Write a line and read its answer, with standard input still open."""
        self.write(line if isinstance(line, bytes) else json.dumps(line).encode())
        out = self.read()
        try:
            result: dict[str, Any] = json.loads(out)
        except ValueError:
            pytest.fail(f"standard output has a line that is no JSON: {out.decode()!r}", pytrace=False)
        return result

    def drain(self) -> list[bytes]:
        """All lines written by a command that has ended."""
        return [line for line in iter(self.lines.get, None) if line]

    def end(self) -> int:
        """Close standard input, and return the exit status."""
        assert self.process.stdin
        self.process.stdin.close()
        return self.process.wait(PATIENCE)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


class Answers:
    """The turns of each conversation, by its id."""

    def __init__(self, lines: list[bytes]) -> None:
        self.lines = lines
        self.turns: dict[str, list[dict[str, Any]]] = {}
        for line in lines:
            try:
                result = json.loads(line)
                self.turns[result["id"]] = result["turns"]
            except (ValueError, KeyError, TypeError):
                continue

    def __getitem__(self, name: str) -> list[dict[str, Any]]:
        assert name in self.turns, f"there is no answer to {name!r}"
        return self.turns[name]


def asked(turn: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Each question that was understood, but for the form it was asked in."""
    return [tuple(question[field] for field in ("topic", "roles", "aspect", "subjects")) for question in turn["questions"]]


@pytest.fixture
def ask() -> Iterator[Callable[..., Ask]]:
    """Starts the command; it is ended with the test."""
    started: list[Ask] = []

    def start(*arguments: str) -> Ask:
        started.append(Ask(*arguments))
        return started[-1]

    yield start
    for process in started:
        process.kill()


@pytest.fixture(scope="module")
def answers(announce: Callable[[str], None]) -> Iterator[Answers]:
    """The turns of each conversation above, asked in one run, a line at a time."""
    announce("Starting `rolewise ask --jsonl` (about 15 s) ...")
    process = Ask("--jsonl")
    try:
        # What fails is told by the tests of that conversation; the others are judged all the same.
        for name, turns in CONVERSATIONS.items():
            process.write(json.dumps({"id": name, "turns": turns}).encode())
        process.end()
        process.threads[0].join(PATIENCE)
        yield Answers(process.drain())
    finally:
        process.kill()


def test_standard_output_holds_one_json_line_a_conversation_in_order(answers: Answers) -> None:
    ids = []
    for line in answers.lines:
        try:
            ids.append(json.loads(line)["id"])
        except ValueError:
            pytest.fail(f"a line is no JSON: {line.decode()!r}", pytrace=False)
    assert ids == list(CONVERSATIONS)


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_every_turn_has_every_field_and_a_valid_card(answers: Answers, name: str) -> None:
    assert len(answers[name]) == len(CONVERSATIONS[name])
    for said, turn in zip(CONVERSATIONS[name], answers[name], strict=True):
        assert set(turn) == FIELDS
        assert turn["text"] == said or "\ud800" in said
        assert turn["kind"] in KINDS
        assert turn["answer"].strip()
        assert isinstance(turn["confidence"], float) and 0 <= turn["confidence"] <= 1
        card = Card.parse_obj(turn["card"])
        assert card.kind == turn["kind"]
        assert [question.dict() for question in card.questions] == turn["questions"]
        assert all(set(question) == {"topic", "roles", "aspect", "subjects", "form"} for question in turn["questions"])
        assert len(card.suggestions) <= 4


def test_a_conversation_has_a_memory(answers: Answers) -> None:
    first, second = answers["context"]
    assert first["kind"] == second["kind"] == "answer"
    assert asked(first) == [("salary", ["mle"], None, [])]
    assert asked(second) == [("salary", ["ds"], None, [])]
    assert first["intent"] == "ask_salary"


def test_odd_messages_get_words_and_do_not_end_the_conversation(answers: Answers) -> None:
    empty, blank, long, emoji, german, last = answers["odd"]
    for turn in (empty, blank):
        assert (turn["kind"], turn["intent"], turn["confidence"]) == ("fallback", None, 0.0)
    assert long["kind"] == "fallback" and "10000" in long["answer"].replace(",", "") and long["confidence"] == 0.0
    assert asked(emoji) == [("salary", ["ds"], None, [])]
    assert german["kind"] in ("fallback", "clarify", "menu")
    assert last["kind"] == "answer"


def test_a_button_payload_is_answered(answers: Answers) -> None:
    plain, indented, open_role = answers["payload"]
    assert plain["kind"] == indented["kind"] == "answer"
    assert asked(plain) == asked(indented) == [("salary", ["mle"], None, [])]
    assert (plain["intent"], plain["confidence"]) == ("ask_salary", 1.0)
    # Without a role it is answered in general.
    assert open_role["kind"] == "answer" and asked(open_role) == [("salary", [], None, [])]


def test_other_commands_are_read_as_words(answers: Answers) -> None:
    assert all(turn["kind"] != "error" for turn in answers["commands"])
    assert not {turn["intent"] for turn in answers["commands"]} & {"restart", "session_start", "back"}


def test_a_message_without_words_gets_one_reply_and_the_conversation_goes_on(answers: Answers) -> None:
    *_, last = answers["wordless"]
    assert all(turn["kind"] != "error" for turn in answers["wordless"])
    assert asked(last) == [("salary", ["swe"], None, [])]


def test_a_failing_turn_does_not_end_the_conversation(answers: Answers) -> None:
    first, failed, last = answers["surrogate"]
    assert failed["kind"] in ("error", "fallback", "clarify")
    assert first["kind"] == last["kind"] == "answer"
    assert asked(last) == [("salary", ["swe"], None, [])]


def test_lines_are_answered_in_order_and_at_once_by_the_model_named(ask: Callable[..., Ask], tmp_path: Path) -> None:
    model = tmp_path / "renamed.tar.gz"
    model.symlink_to(newest(settings().models))
    process = ask("--jsonl", "--model", str(model))
    for number in range(20):
        # The answer is read before the next line is written: unless each is flushed, this waits in vain.
        line = {"id": f"n{number}", "text": "what does a data scientist earn"} if number % 2 else {"id": number, "turns": ["hello"]}
        result = process.answer(line)
        assert set(result) == {"id", "turns"}
        assert result["id"] == line["id"]
        assert result["turns"][0]["text"] == (line["text"] if number % 2 else "hello")
    assert process.end() == 0


UNREADABLE = [
    b"not json",
    b'{"id": "half", "text": ',
    b"[1, 2]",
    b'"text"',
    b'{"id": "none"}',
    b'{"id": "number", "text": 5}',
    b'{"id": "no turns", "turns": []}',
    b'{"id": "mixed", "turns": ["hi", null]}',
    b'{"id": "one text", "turns": "hi"}',
]


@pytest.mark.parametrize("line", [pytest.param(b"\xff\xfe\x80", id="not UTF-8"), pytest.param(b"[" * 200_000, id="nested too deep")])
def test_what_no_parser_can_read_is_reported_too(ask: Callable[..., Ask], line: bytes) -> None:
    process = ask("--jsonl")
    assert set(process.answer(line)) == {"id", "error"}
    assert process.answer({"id": "next", "text": "hello"})["turns"][0]["kind"] == "smalltalk"
    assert process.end() == 1


def test_an_unreadable_line_is_reported_and_the_run_goes_on(ask: Callable[..., Ask]) -> None:
    process = ask("--jsonl")
    for line in UNREADABLE:
        result = process.answer(line)
        assert set(result) == {"id", "error"}
        assert isinstance(result["error"], str) and result["error"]
        assert result["id"] == (json.loads(line)["id"] if line.startswith(b'{"id": ') and line.endswith(b"}") else None)
    assert process.answer({"id": "next", "text": "hello"})["turns"][0]["kind"] == "smalltalk"
    assert process.end() == 1


def test_plain_lines_in_plain_answers_out(ask: Callable[..., Ask]) -> None:
    process = ask()
    process.write(b"what does a data scientist earn")
    out = ""
    while "$120,230" not in out:
        out += process.read().decode()
    assert process.end() == 0
    assert "> what does a data scientist earn" in out
    assert "\x1b" not in out


def test_absent_model_is_named_with_the_remedy(ask: Callable[..., Ask], tmp_path: Path) -> None:
    process = ask("--jsonl", "--model", str(tmp_path / "none.tar.gz"))
    assert process.end() == 2
    process.threads[1].join(PATIENCE)
    assert "none.tar.gz" in process.errors.decode() and "make train" in process.errors.decode()
    assert "Traceback" not in process.errors.decode()


def test_throughput_is_printed(converse: Callable[[list[str]], Any], announce: Callable[[str], None]) -> None:
    turns = ["what does a data scientist earn", "and software engineers?", "compare the two", "is it hard"] * 10
    start = time.perf_counter()
    assert len(converse(turns)) == len(turns)
    announce(f"The model in this process: {len(turns) / (time.perf_counter() - start):.0f} messages a second.")


MARKED = '{"id": "é1", "text": "hi"}\r\n\r\n{"id": "two", "turns": ["hi", "thanks"]}\r\n'


@pytest.mark.parametrize(
    "sent",
    [
        codecs.BOM_UTF8 + MARKED.encode(),
        # Two marked files, one behind the other.
        b"".join(codecs.BOM_UTF8 + line.encode() + b"\r\n" for line in MARKED.split("\r\n") if line),
        # As the shell of Windows pipes it.
        MARKED.encode("utf-16"),
        codecs.BOM_UTF16_BE + MARKED.encode("utf-16-be"),
    ],
    ids=["utf-8", "two files", "utf-16", "utf-16, the other end first"],
)
def test_byte_order_marks_are_skipped_and_lines_may_end_as_on_windows(sent: bytes) -> None:
    assert list(conversations(lines(io.BytesIO(sent)))) == [("é1", ["hi"]), ("two", ["hi", "thanks"])]


@pytest.mark.parametrize("options", [[], ["--jsonl"]], ids=["plain", "jsonl"])
def test_the_command_reads_what_begins_with_a_byte_order_mark(options: list[str]) -> None:
    sent = codecs.BOM_UTF8 + (MARKED.encode() if options else b"hi\r\n")
    done = subprocess.run([str(COMMAND), "ask", *options], cwd=PROJECT_ROOT, input=sent, capture_output=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stdout
    if options:
        assert [len(json.loads(line)["turns"]) for line in done.stdout.splitlines()] == [1, 2]
    else:
        assert done.stdout.decode().startswith("> hi\n\nHello!")
