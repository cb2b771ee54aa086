"""The training messages of ``data/nlu.yml`` and ``data/messages.yml``: reading them, adding one, and what must not be among them.

The tests of the data and the inbox go by the same rules.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import yaml
from rapidfuzz import fuzz, process

from rolewise.authoring.edits import Document, EditError

SMALL_TALK = (
    "greet", "goodbye", "thanks", "affirm", "deny", "bot_challenge", "capabilities", "abuse", "chitchat", "source",
    "repeat", "shorter", "more", "start_over", "follow_up", "start_quiz", "feedback_positive", "feedback_negative", "stop",
)  # fmt: skip
OUT_OF_SCOPE = "out_of_scope"

# A training message of four or more words is a test message from this ratio on; a shorter one only when equal.
LEAKED, LONG = 92, 4

# Rasa's annotation of entities: [text](entity) or [text]{"entity": ...}.
ANNOTATION = re.compile(r"\[([^\]]+)\](?:\([^)]*\)|\{[^}]*\})")


class _NoPunctuation(dict[int, int | None]):
    """What becomes of each character, for ``str.translate``; found out when it comes the first time."""

    def __missing__(self, code: int) -> int | None:
        self[code] = None if unicodedata.category(chr(code)).startswith("P") else code
        return self[code]


_no_punctuation = _NoPunctuation()


def normalised(text: str) -> str:
    """Casefolded, without punctuation; a text of nothing but punctuation stays as it is."""
    folded = text.casefold()
    return " ".join(folded.translate(_no_punctuation).split()) or folded.strip()


def in_jsonl(path: Path) -> Iterator[str]:
    """The messages of a JSONL file: ``text``, its spelling-corrected form ``clean``, or the ``turns`` of a conversation."""
    for line in path.read_text(encoding="utf-8-sig").splitlines():
        if line.strip():
            record = json.loads(line)
            yield from (record[field] for field in ("text", "clean") if isinstance(record.get(field), str))
            yield from (turn for turn in record.get("turns", []) if isinstance(turn, str))


def in_test_stories(path: Path) -> Iterator[str]:
    """What the user says in Rasa's test stories, without entity annotations and without tapped payloads."""
    for story in yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)["stories"]:
        for step in story["steps"]:
            if "user" in step and not step["user"].lstrip().startswith("/"):
                yield ANNOTATION.sub(r"\1", step["user"]).strip()


def in_dialogues(path: Path) -> Iterator[str]:
    """What the user types in the golden dialogues."""
    for dialogue in yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader):
        yield from (turn["say"] for turn in dialogue["turns"] if isinstance(turn.get("say"), str))


def leaks(examples: Iterable[tuple[str, str]], tested: Iterable[str], set_phrases: bool = False) -> list[str]:
    """Training messages that are, or nearly are, test messages.

    Single words ("hi", "yes") are never counted: a person has no other way to say them. Nor, with ``set_phrases``, are
    small talk's phrases of two or three words ("tell me more"): in scripted dialogues they steer and do not measure.

    Args:
        examples: (intent, message) of each training message.
        tested: the test messages.
        set_phrases: leave small talk's set phrases out.
    """
    examples = list(examples)
    wanted = {normalised(text) for text in tested}
    long = sorted(text for text in wanted if len(text.split()) >= LONG)
    texts = [normalised(text) for _, text in examples]
    nearest = (
        process.cdist(texts, long, scorer=fuzz.ratio, score_cutoff=LEAKED, dtype=np.uint8, workers=-1).max(axis=1)
        if long
        else np.zeros(len(texts))
    )
    found = []
    for (intent, text), bare, ratio in zip(examples, texts, nearest, strict=True):
        words = len(bare.split())
        excepted = words == 1 or (set_phrases and words < LONG and intent in SMALL_TALK)
        if ratio >= LEAKED or (bare in wanted and not excepted):
            found.append(f"{intent}: {text}")
    return found


class Messages:
    """The training messages of one file; how a message stands in it, its subclasses know."""

    def __init__(self, path: Path) -> None:
        """Read a file. Raises EditError where it is no file of training messages."""
        self.document = Document(path)
        self._index: dict[str, str] = {}
        self._at: dict[str, int] = {}
        try:
            for number, block in enumerate(self.document.data["nlu"]):
                if "intent" in block:
                    self._at[str(block["intent"])] = number
            self._index = {normalised(text): intent for intent, text in self.examples()}
        except (KeyError, TypeError, AttributeError) as error:
            raise EditError(f"{path} is no file of training messages") from error

    def examples(self) -> list[tuple[str, str]]:
        """(intent, message) of every training message, in the order of the file."""
        raise NotImplementedError

    @property
    def intents(self) -> list[str]:
        """The intents, in the order of the file."""
        return list(self._at)

    def known_as(self, text: str) -> str | None:
        """The intent under which a message stands, or None."""
        return self._index.get(normalised(text))

    def doubt(self, text: str, intent: str, tested: Iterable[str]) -> str | None:
        """Why a message may not be learned from, or None.

        Args:
            text: the message.
            intent: where it would stand.
            tested: the messages of the tests and the evaluation sets.
        """
        if not text.strip() or "\n" in text or text.startswith(("/", "- ")) or ANNOTATION.search(text):
            return "it is empty, has several lines, or reads as a command or an annotation"
        known = self.known_as(text)
        if known is not None:
            return "it stands there already" if known == intent else f"it stands under {known}"
        if leaks([(intent, text)], tested):
            return "it is, or nearly is, a message of the tests or of an evaluation set: trained on, that would measure nothing"
        return None


class TrainingData(Messages):
    """The training messages of a file as Rasa has them: a text block an intent, a message a line."""

    def examples(self) -> list[tuple[str, str]]:
        """(intent, message) of every training message, in the order of the file."""
        blocks = [block for block in self.document.data["nlu"] if "intent" in block]
        return [(str(block["intent"]), line[2:]) for block in blocks for line in block["examples"].splitlines()]

    def lines(self) -> Iterator[tuple[int, str, str]]:
        """(line, intent, message) of every training message."""
        for block_number, block in enumerate(self.document.data["nlu"]):
            if "intent" in block:
                first = self.document.positions.line(("nlu", block_number, "examples")) + 1
                for offset, line in enumerate(block["examples"].splitlines()):
                    yield first + offset, str(block["intent"]), line[2:]

    def refusal(self, text: str, intent: str, tested: Iterable[str]) -> str | None:
        """As :meth:`doubt`, and that the file has no such intent."""
        return self.doubt(text, intent, tested) if intent in self._at else f"there is no intent '{intent}'"

    def add(self, text: str, intent: str) -> None:
        """Put a message at the end of its intent; nothing is written. Raises EditError where the intent is not there."""
        if intent not in self._at:
            raise EditError(f"there is no intent '{intent}'")
        where = ("nlu", self._at[intent], "examples")
        body = self.document.text.splitlines()[self.document.positions.line(where)]
        self.document.append(where, body[: len(body) - len(body.lstrip())] + f"- {text}\n")
        self._index[normalised(text)] = intent


class WrittenMessages(Messages):
    """The training messages of a file in which more is said of each: who wrote it, its subjects, its form."""

    def examples(self) -> list[tuple[str, str]]:
        """(intent, message) of every training message, in the order of the file."""
        blocks = [block for block in self.document.data["nlu"] if "intent" in block]
        return [(str(block["intent"]), str(item["text"])) for block in blocks for item in block["examples"]]

    def add_about(self, text: str, intent: str, writer: str, subjects: Sequence[str]) -> None:
        """Put a message at the end of its intent, with its writer and its subjects; nothing is written."""
        message = f"      - text: {json.dumps(text, ensure_ascii=False)}\n"
        message += f"        metadata: {{writer: {writer}, subjects: {json.dumps(list(subjects))}}}\n"
        if intent in self._at:
            self.document.append(("nlu", self._at[intent], "examples"), message)
        else:
            self.document.append(("nlu",), f"  - intent: {intent}\n    examples:\n{message}")
            self._at[intent] = len(self.document.data["nlu"]) - 1
        self._index[normalised(text)] = intent


def tested_messages(root: Path, evaluation: Path | None = None) -> list[str]:
    """The messages that nothing may be trained on: those of the tests, of the scripted dialogues, and of an evaluation set.

    Args:
        root: the project.
        evaluation: a directory with JSONL files, or None.
    """
    found: list[str] = []
    for file in sorted((root / "tests" / "data").glob("*.jsonl")):
        found += in_jsonl(file)
    for name, read in (("test_stories.yml", in_test_stories), ("conversation/dialogues.yml", in_dialogues)):
        if (root / "tests" / name).is_file():
            found += read(root / "tests" / name)
    for file in sorted(evaluation.rglob("*.jsonl")) if evaluation else ():
        found += in_jsonl(file)
    return found
