"""Writes what the sentence encoder is tuned with, as tune.py reads it: messages with their topics, questions with what answers them.

Questions come from the knowledge itself (``asks``), from questions.tsv (subject, start of a sentence, a question that it answers; made up
to the sentences by writers) and from the training messages of which readers said what answers them (bench/data/answers.jsonl). Lines whose
sentence is no longer in the knowledge are left out. All texts are cleaned, and the names of roles masked, as the encoder sees them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.labels import places  # noqa: E402
from rolewise.knowledge import load  # noqa: E402
from rolewise.nlu import names  # noqa: E402
from rolewise.nlu.encoder import SentenceEncoder, vocabulary_directory  # noqa: E402
from rolewise.nlu.language import misspelt_words, right_spellings  # noqa: E402
from rolewise.nlu.split import ENCODER_MASK, pieces  # noqa: E402
from rolewise.nlu.subject_index import ASK, TEXT, TITLE, entries  # noqa: E402
from rolewise.nlu.text import Cleaner  # noqa: E402
from rolewise.settings import settings  # noqa: E402

# Of the messages thought up to a topic every second one is enough; those of people in a situation, and their subjects, count more.
EVERY, MESSAGES_TWICE, SUBJECTS_THRICE, ANSWERS_TWICE = 2, 2, 3, 2
SHARES = (0.6, 0.25, 0.15)
# Of the sentences that answer a message, the first so many.
BEST = 3
QUESTIONS = ROOT / "encoder" / "questions.tsv"
ANSWERS = ROOT / "bench" / "data" / "answers.jsonl"

# Where a sentence stands, by its subject and its start; see bench/labels.py.
Claims = dict[tuple[str, str], tuple[int, int]]


class Masker:
    """Texts as the encoder sees them."""

    def __init__(self, messages: list[str]) -> None:
        """Learn the vocabulary of the training messages."""
        knowledge = load(settings().knowledge)
        english = SentenceEncoder.vocabulary(vocabulary_directory())
        self.cleaner = Cleaner.from_messages(messages, right_spellings(knowledge), english, misspelt_words(knowledge))
        self.nlp = names.build(knowledge)

    def __call__(self, texts: Iterable[str]) -> list[str]:
        """The texts, cleaned and masked."""
        docs = self.nlp.pipe(self.cleaner.clean(text).text for text in texts)
        return [pieces(doc, names.mentions(doc))[0].masked(ENCODER_MASK) for doc in docs]


def thought_up() -> list[tuple[str, str]]:
    """The messages of data/nlu.yml with their intents."""
    data = yaml.load((ROOT / "data" / "nlu.yml").read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    return [
        (line[2:].strip(), block["intent"]) for block in data["nlu"] for line in block["examples"].splitlines() if line.startswith("- ")
    ]


def written() -> list[tuple[str, str, dict[str, Any]]]:
    """The messages of data/messages.yml with their intents and what stands beside them."""
    data = yaml.load((ROOT / "data" / "messages.yml").read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    return [(item["text"], block["intent"], item["metadata"]) for block in data["nlu"] for item in block["examples"]]


def made_up(claims: Claims) -> list[tuple[str, tuple[int, int]]]:
    """The questions of questions.tsv with the sentences that answer them."""
    lines = [line.split("\t") for line in QUESTIONS.read_text(encoding="utf-8").splitlines()]
    return [(question, claims[subject, start]) for subject, start, question in lines if (subject, start) in claims]


def answered(claims: Claims, training: set[str]) -> list[tuple[str, tuple[int, int]]]:
    """The training messages with the sentences that readers found to answer them."""
    lines = [json.loads(line) for line in ANSWERS.read_text(encoding="utf-8").splitlines()]
    return [
        (line["text"], claims[subject, start])
        for line in lines
        if line["text"] in training
        for subject, start in line["best"][:BEST]
        if (subject, start) in claims
    ]


def main(target: Path) -> None:
    """Write the file."""
    lines, people = thought_up(), written()
    mask = Masker([text for text, _ in lines] + [text for text, _, _ in people])
    labels = sorted({intent for _, intent in lines})
    number = {intent: place for place, intent in enumerate(labels)}
    messages: list[tuple[str, dict[int, float]]] = []
    for text, (_, intent) in list(zip(mask(text for text, _ in lines), lines, strict=True))[::EVERY]:
        messages.append((text, {number[intent]: 1.0}))
    knowledge = load(settings().knowledge)
    subjects = {str(subject.id): place for place, subject in enumerate(knowledge.subjects)}
    found = entries(knowledge)
    masked = mask(entry.text for entry in found)
    said = [(text, entry.subject, entry.claim, entry.kind == TEXT) for text, entry in zip(masked, found, strict=True)]
    pairs = [(text, subject, claim) for (text, subject, claim, _), entry in zip(said, found, strict=True) if entry.kind in (ASK, TITLE)]
    for text, (_, intent, about) in zip(mask(text for text, _, _ in people), people, strict=True):
        fitting = [intent, *about.get("also", ())][: len(SHARES)]
        total = sum(SHARES[: len(fitting)])
        shares = {number[one]: share / total for one, share in zip(fitting, SHARES, strict=False)}
        messages += [(text, shares)] * MESSAGES_TWICE
        asked = [subjects[name] for name in about.get("subjects", ())[:2] if name in subjects]
        pairs += [(text, subject, -1) for subject in asked] * SUBJECTS_THRICE
    claims = places(knowledge)
    asked_of = made_up(claims)
    questions = [(text, *claim) for text, (_, claim) in zip(mask(text for text, _ in asked_of), asked_of, strict=True)]
    said += [(*question, False) for question in questions]
    answers = answered(claims, {text for text, _, _ in people})
    heard = [(text, *claim) for text, (_, claim) in zip(mask(text for text, _ in answers), answers, strict=True)]
    pairs += questions + heard * ANSWERS_TWICE
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps({"labels": labels, "messages": messages, "said": said, "pairs": pairs}), encoding="utf-8")
    print(f"{len(messages)} messages, {len(pairs)} questions about {len(subjects)} subjects")
    print(f"({len(questions)} questions made up, {len(answers)} answered by readers): {target}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
