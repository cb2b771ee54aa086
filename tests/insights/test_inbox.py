"""The inbox, driven through a terminal as a person would: what it shows, what it writes, what it refuses, and that nothing is lost."""

from __future__ import annotations

import difflib
import io
import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from rich.console import Console

from rolewise.authoring.edits import EditError
from rolewise.authoring.training_data import OUT_OF_SCOPE
from rolewise.insights.figures import LOST, Phrase
from rolewise.insights.inbox import ASSIGNED, MISSING, OUTSIDE, SKIPPED, Inbox
from rolewise.insights.meaning import Cluster
from rolewise.insights.terminal import Terminal, numbers_in
from rolewise.knowledge.model import Subject
from rolewise.settings import PROJECT_ROOT, settings
from tests.authoring.copies import Copy
from tests.insights.conftest import Reported
from tests.knowledge_text import joined

READY = "What to do: "
ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Sitting:
    """`rolewise inbox` in a pseudo terminal."""

    def __init__(self, copy: Copy, store: Path, *options: str) -> None:
        self.copy = copy
        self.seen = ""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ROLEWISE_")}
        environment |= {"ROLEWISE_CACHE": str(copy.root / "cache"), "TERM": "xterm", "COLUMNS": "240", "LINES": "60"}
        self.terminal, side = pty.openpty()
        command = [
            sys.executable,
            "-m",
            "rolewise.commands.cli",
            "inbox",
            "--store",
            str(store),
            "--model",
            str(settings().models),
            *options,
        ]
        self.process = subprocess.Popen(
            command, cwd=copy.root, env=environment, stdin=side, stdout=side, stderr=side, start_new_session=True
        )
        os.close(side)

    def until(self, words: str, patience: float = 60) -> str:
        """What is shown until these words."""
        end = time.monotonic() + patience
        while words not in self.seen:
            ready, _, _ = select.select([self.terminal], [], [], 0.5)
            try:
                self.seen += ANSI.sub("", os.read(self.terminal, 65536).decode("utf-8", "replace")).replace("\r", "") if ready else ""
            except OSError:
                assert words in self.seen, self.seen
            assert time.monotonic() < end, self.seen
        shown, _, self.seen = self.seen.partition(words)
        return shown + words

    def type(self, *lines: str) -> None:
        os.write(self.terminal, "".join(f"{line}\n" for line in lines).encode())

    def end(self) -> str:
        """Wait for the end; what was shown last."""
        while True:
            try:
                self.seen += ANSI.sub("", os.read(self.terminal, 65536).decode("utf-8", "replace")).replace("\r", "")
            except OSError:
                break
        assert self.process.wait(60) == 0, self.seen
        return self.seen

    def kill(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@pytest.fixture
def sit(reported: Reported, tmp_path: Path) -> Iterator[Callable[..., Sitting]]:
    """Opens the inbox of a copy of the project, with the known conversations; several times, where wanted."""
    copy = Copy(tmp_path / "copy")
    sittings: list[Sitting] = []

    def make(*options: str) -> Sitting:
        sittings.append(Sitting(copy, reported.store, *options))
        return sittings[-1]

    yield make
    for sitting in sittings:
        if sitting.process.poll() is None:
            sitting.kill()
        os.close(sitting.terminal)


def added(copy: Copy, name: str) -> list[str]:
    """The lines that a file of the copy has more than the project's; that it has lost none is seen here."""
    paths = [root / name for root in (PROJECT_ROOT, copy.root)]
    old, new = (path.read_text(encoding="utf-8").splitlines() if path.is_file() else [] for path in paths)
    changed = [line for line in difflib.unified_diff(old, new, n=0, lineterm="") if not line.startswith(("---", "+++", "@@"))]
    assert all(line.startswith("+") for line in changed), changed
    return [line[1:] for line in changed]


def test_a_sitting(sit: Callable[..., Sitting]) -> None:
    sitting = sit()
    shown = sitting.until(READY)
    assert "asked 4 times" in shown and "1 how do i fix cuda out of memory" in shown.lower() and "Nearest topics:" in shown
    # Refused: it is an example already, of another intent.
    sitting.type("o", "what's an MLE")
    assert "Not added: what's an MLE: it stands under ask_define_role" in sitting.until("Nothing was added")
    # Out of scope, in words of one's own.
    sitting.until(READY)
    sitting.type("o", "my graphics card says cuda ran out of memory halfway")
    sitting.until("Added to out_of_scope")
    sitting.until(READY)
    # Numbers that nobody has are no example.
    sitting.type("o", "1 9")
    sitting.until("Which ones? The messages have the numbers 1 to")
    sitting.type("what's an MLE")
    sitting.until("Nothing was added")
    sitting.until(READY)
    # Assigned by a mistake, and taken back.
    sitting.type("a", "salary", "how many years until six figures, asking for a friend who is me")
    first = json.loads((Path("tests/data/questions.jsonl")).read_text(encoding="utf-8").splitlines()[0])["text"]
    sitting.until(READY)
    sitting.type("u")
    sitting.until("Taken back: assigned (ask_salary)")
    # Refused: a message of the tests, and one that says who somebody is.
    sitting.type("a", "define", first)
    assert "nearly is, a message of the tests" in sitting.until("Nothing was added")
    sitting.type("a", "2", "call 030 901820 for a job as a nurse")
    assert "Not added: call <phone> for a job as a nurse: it holds personal data" in sitting.until("Nothing was added")
    sitting.type("m", "none", "s", "q")
    told = sitting.end()
    assert re.search(r"out of scope +│ 1", told) and re.search(r"missing knowledge +│ 1", told) and re.search(r"skipped +│ 1", told)
    assert re.search(r"examples added to out_of_scope +│ 1", told) and "make train" in told
    assert added(sitting.copy, "data/nlu.yml") == ["      - my graphics card says cuda ran out of memory halfway"]
    note = added(sitting.copy, "knowledge/wanted.yml")
    assert note[:3] == ["", "# Questions that people ask and that have no answer yet: docs/knowledge.md.", "wanted:"]
    assert note[-1] == "    sources: [TODO]" and "@" not in "".join(note)
    checked = sitting.copy.run("check")
    assert checked.returncode == 0 and "wanted.0: has no answer yet" in checked.stdout


def test_what_was_decided_is_not_asked_again_and_can_be_undone_later(sit: Callable[..., Sitting]) -> None:
    sitting = sit()
    first = sitting.until(READY)
    total = int(re.search(r"1 of (\d+)", first).group(1))  # type: ignore[union-attr]
    sitting.type("o", "gpu memory is full, what now")
    sitting.until("Added to out_of_scope")
    sitting.until(READY)
    # The power goes in the middle of a question.
    sitting.type("a")
    sitting.until("Number of a topic")
    sitting.kill()
    again = sit()
    shown = again.until(READY)
    assert f"1 of {total - 1}" in shown and "cuda" not in shown.lower()
    again.type("u")
    assert "Taken back: out of scope (out_of_scope), of an earlier sitting" in again.until(READY)
    again.type("u")
    assert "There is nothing to undo." in again.until(READY)
    # The end of the input is the end of the sitting.
    os.write(again.terminal, b"\x04")
    assert "groups left" in again.end()
    assert added(again.copy, "data/nlu.yml") == []


def group(*texts: str) -> Cluster:
    return Cluster([Phrase(text, why=Counter({LOST: 2})) for text in texts], [("salary", 0.6)])


@pytest.fixture
def inbox(tmp_path: Path) -> Callable[[], Inbox]:
    """Opens the inbox on copies of the two files, without a terminal."""
    knowledge, nlu = tmp_path / "careers.yml", tmp_path / "nlu.yml"
    knowledge.write_text(joined(), encoding="utf-8")
    for name in ("nlu.yml", "messages.yml"):
        shutil.copy(PROJECT_ROOT / "data" / name, tmp_path / name)
    return lambda: Inbox(tmp_path / "inbox.json", knowledge, nlu, [], date(2026, 12, 1))


def test_a_decision_whose_file_was_never_written_did_not_happen(inbox: Callable[[], Inbox]) -> None:
    first = inbox()
    before = first.nlu.read_text(encoding="utf-8")
    first.assign(group("gpu memory is full, what now"), "out_of_scope", ["gpu memory is full, what now"])
    assert not inbox().open(group("gpu memory is full, what now").phrases)
    first.nlu.write_text(before, encoding="utf-8")
    again = inbox()
    assert again.open(group("gpu memory is full, what now").phrases) and again.decisions == []


def test_every_decision_is_taken_back_to_the_last_byte(inbox: Callable[[], Inbox]) -> None:
    opened = inbox()
    before = opened.nlu.read_bytes(), opened.knowledge.read_bytes()
    opened.assign(group("a"), "ask_salary", ["how many pounds will they wire me", "pounds or euros on the slip?"])
    opened.miss(group("is there tea"), "pros")
    opened.miss(group("is there coffee"))
    opened.skip(group("b"))
    assert opened.summary() == {ASSIGNED: 1, MISSING: 2, SKIPPED: 1, "ask_salary": 2}
    noted = yaml.load(opened.knowledge.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)["wanted"]
    assert [(item["question"], item["asked"], item.get("topic")) for item in noted] == [
        ("is there tea", 2, "pros"),
        ("is there coffee", 2, None),
    ]
    while opened.undo():
        pass
    assert (opened.nlu.read_bytes(), opened.knowledge.read_bytes()) == before


PYTHON = {
    "id": "python",
    "kind": "language",
    "name": "Python",
    "question": "Python?",
    "topics": ["languages", "skills"],
    "aliases": ["py 3"],
}
SNAKES = {**PYTHON, "id": "snakes", "name": "snakes and pythons", "topics": ["pros"], "aliases": ["reptiles"]}


@pytest.fixture
def typed(inbox: Callable[[], Inbox], monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Inbox, str]]:
    """Goes through one group of three messages, typing these lines; what was decided, and what was shown."""
    shown = group("is a snake hard to learn", "which py version do they want", "do i need snakes for the job")

    def sit(*lines: str) -> tuple[Inbox, str]:
        opened, out = inbox(), io.StringIO()
        monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
        subjects = [Subject.parse_obj(subject) for subject in (PYTHON, SNAKES)]
        Terminal(opened, [shown], {}, Console(file=out, width=240, highlight=False), subjects).run()
        return opened, out.getvalue()

    return sit


def written(opened: Inbox) -> list[tuple[str, dict[str, Any]]]:
    """(intent, example) of what the file of messages has more than the project's."""
    new, old = (
        [
            (block["intent"], item)
            for block in yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)["nlu"]
            for item in block["examples"]
        ]
        for path in (opened.messages, PROJECT_ROOT / "data" / "messages.yml")
    )
    return [item for item in new if item not in old]


def test_messages_are_assigned_to_a_subject_with_one_of_its_topics(typed: Callable[..., tuple[Inbox, str]]) -> None:
    opened, told = typed("b", "py", "b", "python", "skills", "1 2")
    assert "Which of these: python, snakes" in told and 'Added to subject python: "which py version do they want"' in told
    about = {"writer": "inbox", "subjects": ["python"]}
    texts = ["is a snake hard to learn", "which py version do they want"]
    assert written(opened) == [("ask_skills", {"text": text, "metadata": about}) for text in texts]
    assert (
        opened.summary() == {ASSIGNED: 1, "subject python": 2} and opened.nlu.read_bytes() == (PROJECT_ROOT / "data/nlu.yml").read_bytes()
    )
    # What stands there is refused, in either file.
    again, told = typed("b", "reptiles", "1", "a", "salary", "which py version do they want", "q")
    assert told.count("it stands under ask_skills") == 2 and again.decisions == opened.decisions
    again.undo()
    assert again.messages.read_bytes() == (PROJECT_ROOT / "data" / "messages.yml").read_bytes()


def test_a_message_under_an_intent_that_has_none_yet(inbox: Callable[[], Inbox]) -> None:
    opened = inbox()
    opened.messages.write_text(
        "nlu:\n  - intent: ask_pros\n    examples:\n      - text: fine\n        metadata: {writer: w1}\n", encoding="utf-8"
    )
    opened.assign_subject(group("a"), "python", "skills", ["is it 5: easy # or not"])
    (block,) = [
        block for block in yaml.load(opened.messages.read_text(), Loader=yaml.CSafeLoader)["nlu"] if block["intent"] == "ask_skills"
    ]
    assert block["examples"] == [{"text": "is it 5: easy # or not", "metadata": {"writer": "inbox", "subjects": ["python"]}}]


def test_a_subject_that_is_not_there_comes_to_nothing(typed: Callable[..., tuple[Inbox, str]]) -> None:
    opened, told = typed("b", "cobol", "b", "python", "salary", "q")
    assert "There is no such subject" in told and "'salary' is none of its topics" in told
    assert opened.decisions == [] and written(opened) == []


@pytest.mark.parametrize("numbers", ["1 2", "1, 2", "1,2,", "2 1 2", "1-2", "1 and 2"])
def test_numbers_are_numbers_whatever_stands_between_them(typed: Callable[..., tuple[Inbox, str]], numbers: str) -> None:
    opened, _ = typed("o", numbers)
    assert opened.summary() == {OUTSIDE: 1, OUT_OF_SCOPE: 2}
    assert [block for _, block in opened.decisions[0].edits if re.search(r"\d", block)] == []


@pytest.mark.parametrize("numbers", ["1 7", "0", "1-7", "2-1", "1.2", "?"])
def test_what_is_neither_numbers_nor_a_message_is_asked_back(typed: Callable[..., tuple[Inbox, str]], numbers: str) -> None:
    opened, told = typed("o", numbers, "3")
    assert "The messages have the numbers 1 to 3" in told and opened.summary() == {OUTSIDE: 1, OUT_OF_SCOPE: 1}


def test_what_is_missing_is_noted_in_a_file_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "knowledge").mkdir()
    (tmp_path / "knowledge" / "topics.yml").write_text("version: 1\n", encoding="utf-8")
    opened = Inbox(tmp_path / "inbox.json", tmp_path / "knowledge", tmp_path / "nlu.yml", [], date(2026, 12, 1))
    opened.miss(group("is there tea"))
    opened.miss(group("is there coffee"))
    noted = yaml.load((tmp_path / "knowledge" / "wanted.yml").read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)["wanted"]
    assert [item["question"] for item in noted] == ["is there tea", "is there coffee"]
    assert (tmp_path / "knowledge" / "topics.yml").read_text(encoding="utf-8") == "version: 1\n"


def test_lines_that_somebody_changed_are_not_taken_back(inbox: Callable[[], Inbox]) -> None:
    opened = inbox()
    opened.miss(group("is there tea"))
    opened.knowledge.write_text(
        opened.knowledge.read_text(encoding="utf-8").replace("is there tea", "is there green tea"), encoding="utf-8"
    )
    with pytest.raises(EditError, match="was changed since"):
        opened.undo()
    assert len(opened.decisions) == 1


def test_what_was_skipped_comes_back_when_asked_for(inbox: Callable[[], Inbox]) -> None:
    opened = inbox()
    opened.skip(group("is there tea", "tea?"))
    assert opened.open(group("Is there TEA?", "coffee").phrases)[0].text == "coffee"
    assert len(opened.open(group("is there tea", "coffee").phrases, again=True)) == 2


def test_the_journal_keeps_nobodys_words(inbox: Callable[[], Inbox]) -> None:
    opened = inbox()
    opened.skip(group("my name is Jo Bloggs and I live in Elm Street"))
    assert "Bloggs" not in opened.journal.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("answer", "numbers"),
    [
        ("1", [1]),
        ("1,3", [1, 3]),
        ("1 2", [1, 2]),
        ("1, 2 ;3", [1, 2, 3]),
        ("1-3", [1, 2, 3]),
        ("2 and 4", [2, 4]),
        ("1 & 1", [1]),
        ("all", [1, 2, 3, 4]),
        ("ALL", [1, 2, 3, 4]),
        ("5", None),
        ("0", None),
        ("1 5", None),
        ("3-1", None),
        ("1.2", None),
        ("?", None),
        ("٣", None),
        ("what are the 2 best roles", []),
        ("first one", []),
    ],
)
def test_numbers_are_read_however_they_are_listed(answer: str, numbers: list[int] | None) -> None:
    assert numbers_in(answer, 4) == numbers
