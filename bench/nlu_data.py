"""The messages the NLU benchmark trains and tests on. Nothing here knows a model."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent

# What HINT3 calls a message that no intent fits.
NO_INTENT = "NO_NODES_DETECTED"
HINT3_BOTS = ("sofmattress", "curekart", "powerplay11")


@dataclass(frozen=True)
class Row:
    """One test message.

    Attributes:
        id: names it where the text must not be kept.
        text: as it was typed.
        accepted: the labels that are right, the first one the main one; empty for a message to decline.
    """

    id: str
    text: str
    accepted: tuple[str, ...]

    @property
    def inside(self) -> bool:
        """Whether an answer is wanted."""
        return bool(self.accepted)


@dataclass(frozen=True)
class Examples:
    """Training messages and their labels, in the order of the file."""

    texts: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)

    def at(self, rows: list[int]) -> Examples:
        """The examples at these positions."""
        return Examples([self.texts[row] for row in rows], [self.labels[row] for row in rows])

    def write(self, path: Path) -> None:
        """Write them as a Rasa training file. Brackets become round: in such a file they would annotate an entity."""
        grouped: dict[str, list[str]] = {}
        for text, label in zip(self.texts, self.labels, strict=True):
            grouped.setdefault(label, []).append(" ".join(text.replace("[", "(").replace("]", ")").split()))
        blocks = [{"intent": label, "examples": "".join(f"- {text}\n" for text in texts)} for label, texts in grouped.items()]
        path.write_text(yaml.safe_dump({"version": "3.1", "nlu": blocks}, allow_unicode=True, width=10_000), encoding="utf-8")


def training_messages(path: Path = ROOT / "data" / "nlu.yml") -> Examples:
    """The project's training messages."""
    found = Examples()
    for block in yaml.load(path.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))["nlu"]:
        for line in block["examples"].splitlines():
            found.texts.append(line.removeprefix("- "))
            found.labels.append(block["intent"])
    return found


def _jsonl(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def accepted(question: dict[str, Any]) -> tuple[str, ...]:
    """The intents that are right for a labelled question: its topic, ``also``, and for a comparison what is compared."""
    topics = [question["topic"], *question.get("also", [])]
    if "compare" in topics:
        aspect = question.get("aspect") or "overall"
        if aspect != "overall":
            topics.append(aspect)
        elif len(question["roles"]) >= 2:
            topics.append("choose")
    return tuple(dict.fromkeys(f"ask_{topic}" for topic in topics))


def labelled(supported: Path | None, unsupported: Path | None) -> list[Row]:
    """Test messages from JSONL files: questions to answer, and messages to decline.

    Messages that are partly about a covered role (``partial``) are left out: both an answer and a refusal can be right.
    """
    rows = [Row(question["id"], question["text"], accepted(question)) for question in _jsonl(supported)] if supported else []
    if unsupported:
        rows += [Row(message["id"], message["text"], ()) for message in _jsonl(unsupported) if not message.get("partial")]
    return rows


def own_test(directory: Path = ROOT / "tests" / "data") -> list[Row]:
    """The project's own test messages, checked against leaks from the training messages by ``tests/test_data.py``."""
    return labelled(directory / "questions.jsonl", directory / "out_of_scope.jsonl")


def question_sets(directory: Path) -> dict[str, list[Row]]:
    """The sets of a directory: each ``real_questions_X.jsonl``, with ``unsupported_X.jsonl`` where there is one.

    Raises:
        FileNotFoundError: there is no such file.
    """
    found: dict[str, list[Row]] = {}
    lone = {file.stem.removeprefix("unsupported_"): file for file in sorted(directory.glob("unsupported_*.jsonl"))}
    for file in sorted(directory.glob("real_questions_*.jsonl")):
        name = file.stem.removeprefix("real_questions_")
        found[name] = labelled(file, lone.pop(name, None))
    found.update({name: labelled(None, file) for name, file in lone.items()})
    if not found:
        raise FileNotFoundError(f"{directory} holds no real_questions_*.jsonl and no unsupported_*.jsonl")
    return found


def hint3(directory: Path, bot: str) -> tuple[Examples, list[Row]]:
    """Training messages and test messages of one bot of HINT3."""
    with (directory / f"{bot}_train.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    train = Examples([line["sentence"] for line in lines], [line["label"] for line in lines])
    with (directory / f"{bot}_test.csv").open(encoding="utf-8", newline="") as file:
        tested = list(csv.DictReader(file))
    rows = [
        Row(f"{bot}-{number}", line["sentence"], () if line["label"] == NO_INTENT else (line["label"],))
        for number, line in enumerate(tested)
    ]
    return train, rows
