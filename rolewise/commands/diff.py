"""What a change does before it ships: two models answer the same messages, and the answers that differ are shown."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rolewise.insights import mask
from rolewise.insights.events import Turn
from rolewise.settings import PROJECT_ROOT

Asked = tuple[str, tuple[str, ...]]

BETTER, WORSE, OTHER, WORDS = "better", "worse", "other", "other words"
ORDER = (WORSE, BETTER, OTHER, WORDS)
# Messages of the store that are asked at most: the most frequent ones.
MOST = 2000


@dataclass(frozen=True)
class Message:
    """A message that both models are asked.

    Attributes:
        text: what was typed.
        wanted: the topics that would be right; empty where nothing should be answered; None where nobody knows.
        roles: the roles of a right answer; None where they do not count.
        count: how often it was asked.
        where: the file or the store that it comes from.
    """

    text: str
    wanted: frozenset[str] | None = None
    roles: frozenset[str] | None = None
    count: int = 1
    where: str = "store"


@dataclass(frozen=True)
class Answer:
    """What a model said: the kind of the card, the questions answered or offered, and the plain text."""

    kind: str
    asked: tuple[Asked, ...]
    text: str
    lead: str

    @classmethod
    def of(cls, turn: dict[str, Any]) -> Answer:
        """Of a turn as ``rolewise ask --jsonl`` writes it."""
        asked = tuple((item["topic"], tuple(item["roles"])) for item in turn["questions"])
        return cls(turn["kind"], asked, turn["answer"], turn["card"]["lead"])

    @property
    def answered(self) -> bool:
        """Whether a question was answered."""
        return self.kind in ("answer", "comparison")

    def short(self) -> str:
        """In a few words: ``answer salary (mle)``."""
        return " ".join([self.kind, ", ".join(f"{topic} ({' '.join(roles)})" if roles else topic for topic, roles in self.asked)]).strip()


@dataclass
class Change:
    """A message whose answer changed, and how."""

    message: Message
    old: Answer
    new: Answer
    what: str

    @property
    def topic(self) -> str:
        """What it is about."""
        wanted = sorted(self.message.wanted or ())
        first = wanted or [topic for topic, _ in (*self.new.asked, *self.old.asked)]
        return first[0] if first else "out of scope"


@dataclass
class Difference:
    """All changes between two models."""

    messages: int = 0
    right: list[int] = field(default_factory=lambda: [0, 0])
    judged: int = 0
    changes: list[Change] = field(default_factory=list)

    def counts(self) -> Counter[str]:
        """How many messages changed, by how."""
        return Counter(change.what for change in self.changes)


def score(message: Message, answer: Answer) -> float | None:
    """How good an answer is: 1 right, 0 wrong, between them asked back or declined; None where nobody knows."""
    if message.wanted is None:
        return None
    if not message.wanted:
        return 0.0 if answer.answered else 1.0
    if answer.answered:
        topics = {topic for topic, _ in answer.asked}
        roles = {role for _, named in answer.asked for role in named}
        return 1.0 if topics & message.wanted and (message.roles is None or message.roles <= roles) else 0.0
    offered = any(topic in message.wanted for topic, _ in answer.asked)
    return 0.6 if answer.kind == "clarify" and offered else 0.4


def compare(messages: Sequence[Message], old: Iterable[Answer], new: Iterable[Answer]) -> Difference:
    """What changed from one model's answers to the other's."""
    found = Difference()
    for message, before, after in zip(messages, old, new, strict=True):
        found.messages += 1
        scores = score(message, before), score(message, after)
        if scores[0] is not None and scores[1] is not None:
            found.judged += 1
            found.right[0] += scores[0] == 1.0
            found.right[1] += scores[1] == 1.0
        same = (before.kind, before.asked) == (after.kind, after.asked)
        if same and before.text == after.text:
            continue
        if same:
            what = WORDS
        elif scores[0] is None or scores[1] is None or scores[0] == scores[1]:
            what = OTHER
        else:
            what = BETTER if scores[1] > scores[0] else WORSE
        found.changes.append(Change(message, before, after, what))
    found.changes.sort(key=lambda change: (ORDER.index(change.what), change.topic, -change.message.count, change.message.text))
    return found


# -- what is asked ----------------------------------------------------------------------------------------------------------


def known_messages(root: Path = PROJECT_ROOT) -> Iterator[Message]:
    """The messages of the tests, with what would be right."""
    for file in sorted((root / "tests" / "data").glob("*.jsonl")):
        for line in file.read_text(encoding="utf-8-sig").splitlines():
            data = json.loads(line)
            if "topic" in data:
                wanted = frozenset([data["topic"], *data.get("also", [])])
                yield Message(data["text"], wanted, frozenset(data.get("roles", [])), where=file.name)
            elif "kind" in data and not data.get("partial"):
                yield Message(data["text"], frozenset(), None, where=file.name)
            else:
                yield Message(data["text"], where=file.name)


def stored_messages(conversations: Iterable[tuple[str, list[Turn]]], most: int = MOST) -> list[Message]:
    """The first messages of stored conversations, the most frequent ones: those that stand for themselves."""
    texts: Counter[str] = Counter()
    for _, turns in conversations:
        if not turns[0].tapped and turns[0].text.strip():
            texts[" ".join(turns[0].text.split())[:2000]] += 1
            if len(texts) > 20 * most:
                texts = Counter(dict(texts.most_common(10 * most)))
    return [Message(text, count=count) for text, count in texts.most_common(most)]


def ask(model: Path, messages: Sequence[Message]) -> list[Answer]:
    """What a model says to each message, in a process of its own: each model brings its knowledge.

    Raises:
        RuntimeError: it could not be asked; the message says why.
    """
    lines = "".join(json.dumps({"id": number, "text": message.text}) + "\n" for number, message in enumerate(messages))
    command = [sys.executable, "-m", "rolewise.commands.cli", "ask", "--jsonl", "--model", str(model)]
    done = subprocess.run(command, input=lines, capture_output=True, text=True, cwd=PROJECT_ROOT, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{model} could not be asked: {done.stderr.strip()[-500:]}")
    return [Answer.of(json.loads(line)["turns"][0]) for line in done.stdout.splitlines()]


# -- what is shown ----------------------------------------------------------------------------------------------------------


def told(found: Difference, shown: int = 20) -> Iterator[str]:
    """The difference as lines of text: the sum, by topic, and the changes of each kind.

    Args:
        found: the difference.
        shown: how many changes of each kind are shown.
    """
    counts = found.counts()
    kinds = ", ".join(f"{counts[what]} {what}" for what in ORDER)
    yield f"{found.messages} messages: {kinds}, {found.messages - len(found.changes)} the same."
    if found.judged:
        before, after = (f"{100 * right / found.judged:.1f} %" for right in found.right)
        yield f"Of {found.judged} messages with a known right answer the old model answers {before} right, the new one {after}."
    topics: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for change in found.changes:
        topics[change.topic][change.what] += 1
    if topics:
        yield ""
        yield f"{'topic':<18}" + "".join(f"{what:>13}" for what in ORDER)
        for topic in sorted(topics, key=lambda name: (-topics[name].total(), name)):
            yield f"{topic:<18}" + "".join(f"{topics[topic][what] or '':>13}" for what in ORDER)
    for what in ORDER:
        changes = [change for change in found.changes if change.what == what]
        if changes:
            yield ""
            yield f"{what.capitalize()} ({len(changes)}):"
            for change in changes[:shown]:
                times = f" ({change.message.count} times)" if change.message.count > 1 else ""
                yield f"  {mask.masked(change.message.text)[:160]}{times}"
                yield f"    - {change.old.short() if what != WORDS else change.old.lead[:160]}"
                yield f"    + {change.new.short() if what != WORDS else change.new.lead[:160]}"
            if len(changes) > shown:
                yield f"  and {len(changes) - shown} more (--all shows them)"


def as_json(found: Difference) -> Iterator[str]:
    """The changes as JSON lines; messages are masked."""
    for change in found.changes:
        record = {
            "what": change.what,
            "topic": change.topic,
            "text": mask.masked(change.message.text),
            "count": change.message.count,
            "from": change.message.where,
            "old": {"kind": change.old.kind, "questions": change.old.asked, "answer": change.old.text},
            "new": {"kind": change.new.kind, "questions": change.new.asked, "answer": change.new.text},
        }
        yield json.dumps(record, ensure_ascii=False)
