"""What changes between two models: better, worse, other, or in words only, by topic, each model with its own knowledge."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest

from rolewise.commands.diff import Answer, Message, as_json, ask, compare, known_messages, stored_messages, told
from rolewise.insights.events import conversations, sqlite_url
from rolewise.insights.meaning import newest_model
from rolewise.knowledge.loader import SNAPSHOT
from rolewise.settings import settings
from tests.conftest import Assistant
from tests.insights.conftest import Reported, reported  # noqa: F401


def said(kind: str, *topics: str, roles: tuple[str, ...] = ("mle",), text: str = "words") -> Answer:
    return Answer(kind, tuple((topic, roles) for topic in topics), text, text)


SALARY = Message("what do they pay", frozenset({"salary"}), frozenset({"mle"}))
OUTSIDE = Message("how do I fix my printer", frozenset())


@pytest.mark.parametrize(
    ("message", "old", "new", "what"),
    [
        (SALARY, said("answer", "demand"), said("answer", "salary"), "better"),
        (SALARY, said("answer", "salary"), said("fallback"), "worse"),
        (SALARY, said("answer", "salary"), said("answer", "salary", roles=("ds",)), "worse"),
        (SALARY, said("fallback"), said("clarify", "salary"), "better"),
        (SALARY, said("answer", "demand"), said("answer", "pros"), "other"),
        (SALARY, said("answer", "salary", text="old"), said("answer", "salary", text="new"), "other words"),
        (OUTSIDE, said("fallback"), said("answer", "tools"), "worse"),
        (OUTSIDE, said("answer", "tools"), said("fallback", "tools"), "better"),
        (Message("from the store"), said("answer", "tools"), said("fallback"), "other"),
    ],
)
def test_a_change_is_judged_by_what_is_known(message: Message, old: Answer, new: Answer, what: str) -> None:
    found = compare([message], [old], [new])
    assert [change.what for change in found.changes] == [what]


def test_what_stays_the_same_is_no_change() -> None:
    found = compare([SALARY], [said("answer", "salary")], [said("answer", "salary")])
    assert (found.messages, found.changes, found.right) == (1, [], [1, 1])


def test_it_is_told_by_topic_the_worse_first_and_masked() -> None:
    store = Message("mail jo@example.org about pay", count=7)
    messages = [OUTSIDE, SALARY, store]
    found = compare(messages, [said("fallback")] * 3, [said("answer", "tools"), said("answer", "salary"), said("answer", "salary")])
    lines = list(told(found))
    assert lines[0] == "3 messages: 1 worse, 1 better, 1 other, 0 other words, 0 the same."
    assert lines[1] == "Of 2 messages with a known right answer the old model answers 50.0 % right, the new one 50.0 %."
    assert "Worse (1):" in lines and lines.index("Worse (1):") < lines.index("Better (1):")
    assert "  mail <e-mail> about pay (7 times)" in lines and "    + answer salary (mle)" in lines
    assert next(line for line in lines if line.startswith("salary")).split() == ["salary", "1", "1"]
    records = [json.loads(line) for line in as_json(found)]
    assert [record["what"] for record in records] == ["worse", "better", "other"] and records[2]["text"] == "mail <e-mail> about pay"


def test_the_tests_messages_say_what_is_right() -> None:
    messages = {message.text: message for message in known_messages()}
    assert messages["ml engineer definition pls"].wanted == {"define_role"}
    assert messages["what does a data analyst do all day"].wanted == frozenset()
    assert messages["good evening"].wanted is None


def test_messages_of_the_store_are_those_that_stand_for_themselves(reported: Reported) -> None:  # noqa: F811
    found = {message.text: message.count for message in stored_messages(conversations(sqlite_url(reported.store)))}
    assert found["what does a data scientist do all day"] == 2
    assert "and the salary?" not in found and not [text for text in found if text.startswith("/")]


def test_each_model_answers_with_the_knowledge_it_was_trained_with(asker: Assistant, tmp_path: Path) -> None:
    old = newest_model(settings().models)
    new = tmp_path / "edited.tar.gz"
    # The same model, but for one sentence of its knowledge.
    with tarfile.open(old) as source, tarfile.open(new, "w:gz", compresslevel=1) as target:
        for member in source:
            content = source.extractfile(member).read() if member.isfile() else None  # type: ignore[union-attr]
            if content is not None and member.name.endswith(SNAPSHOT):
                content = content.replace(b"There is no official salary figure for", b"Nobody has an official salary figure for")
                member.size = len(content)
            target.addfile(member, io.BytesIO(content) if content is not None else None)
    messages = [Message("what does an mle earn", frozenset({"salary"}), frozenset({"mle"})), Message("mle vs ds on degree")]
    before = [Answer.of(asker.turn(f"diff{number}", message.text)) for number, message in enumerate(messages)]
    found = compare(messages, before, ask(new, messages))
    (change,) = found.changes
    assert (change.what, change.topic) == ("other words", "salary")
    assert change.old.lead.startswith("There is no official") and change.new.lead.startswith("Nobody has an official")
    with pytest.raises(RuntimeError, match="could not be asked"):
        ask(tmp_path / "none.tar.gz", messages)
