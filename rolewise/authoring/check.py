"""What is wrong with the content, and what may be: the knowledge file, and whether domain, rules and examples agree with it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from rapidfuzz import fuzz, process

from rolewise.authoring.edits import Document, EditError
from rolewise.authoring.subject_check import doubts
from rolewise.authoring.training_data import OUT_OF_SCOPE, TrainingData, normalised
from rolewise.knowledge import Knowledge, KnowledgeError, load
from rolewise.knowledge.files import SUBJECTS, read, uncollected
from rolewise.knowledge.loader import WANTED
from rolewise.knowledge.positions import Loc

INTENT = "ask_"
# Fewer examples of a topic than this and the classifier hardly knows it.
FEW_EXAMPLES = 50
# A sum of money or a share in a sentence, and the word that says when it held.
AMOUNT = re.compile(r"[$£€₹]\s?\d|\d\s?%")
WHEN = re.compile(r"\b(?:19|20)\d\d\b|\bundated\b")


@dataclass
class Report:
    """What a check found, each as ``file:line: field: reason``; errors keep a model from being trained or from working."""

    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


@uncollected()
def check(path: Path, root: Path, today: date, review_days: int) -> Report:
    """Check the knowledge file and what belongs to it.

    Args:
        path: the knowledge, a file or a directory.
        root: the project with ``domain.yml`` and ``data``.
        today: what review dates are held against.
        review_days: how long an entry counts as reviewed, in days.
    """
    report = Report()
    knowledge: Knowledge | None = None
    try:
        knowledge = load(path)
    except KnowledgeError as error:
        report.errors += error.errors
    try:
        texts = read(path)
    except (OSError, UnicodeDecodeError):
        return report  # said already
    if texts.data is None:
        return report
    topics = [str(topic) for topic in _mapping(texts.data.get("topics"))]
    report.errors += _agreement(root, topics, knowledge)
    report.warnings += texts.located(_overdue(texts.data, today, review_days))
    if knowledge is not None:
        report.warnings += texts.located([*_content(knowledge), *doubts(knowledge, today, review_days)])
        report.warnings += _examples(root, topics, knowledge)
    return report


# -- errors: what does not belong together ----------------------------------------------------------------------------------


def _agreement(root: Path, topics: list[str], knowledge: Knowledge | None) -> list[str]:
    """Each topic has its intent, its rule and its examples, and the other way round."""
    found: list[str] = []
    try:
        domain, rules, training = (
            Document(root / "domain.yml"),
            Document(root / "data" / "rules.yml"),
            TrainingData(root / "data" / "nlu.yml"),
        )
    except EditError as error:
        return [str(error)]
    wanted = {f"{INTENT}{topic}" for topic in topics}
    places = {
        domain: {name: ("intents", number) for number, item in enumerate(domain.data["intents"]) for name in _intent_names(item)},
        rules: {
            str(step["intent"]): ("rules", number)
            for number, rule in enumerate(rules.data["rules"])
            for step in rule["steps"]
            if "intent" in step
        },
        training.document: {str(block["intent"]): ("nlu", number) for number, block in enumerate(training.document.data["nlu"])},
    }
    for document, intents in places.items():
        what = {domain: "an intent", rules: "a rule"}.get(document, "examples")
        for name in sorted(wanted - set(intents)):
            found.append(f"{document.path}:1: topic '{name.removeprefix(INTENT)}' has no {what.split()[-1]}: '{name}' is missing")
        for name in sorted(name for name in intents if name.startswith(INTENT) and name not in wanted):
            found.append(f"{document.path}:{document.positions.line(intents[name])}: '{name}' is {what} of no topic")
    slots = _mapping(domain.data.get("slots"))
    for question in knowledge.questionnaire.questions if knowledge and knowledge.questionnaire else ():
        if f"suits_{question.id}" not in slots:
            found.append(f"{domain.path}:{domain.positions.line(('slots',))}: question '{question.id}' has no slot 'suits_{question.id}'")
    return found


def _intent_names(item: Any) -> list[str]:
    return list(map(str, item)) if isinstance(item, dict) else [str(item)]


# -- warnings ---------------------------------------------------------------------------------------------------------------


def _overdue(raw: dict[Any, Any], today: date, days: int) -> Iterator[tuple[Loc, str]]:
    """What was reviewed too long ago, or is said to have been reviewed on a day to come."""
    limit = today - timedelta(days=days)

    def late(value: Any) -> str | None:
        if not isinstance(value, date):
            return None
        if value > today:
            return f"{value} is still to come"
        return f"reviewed on {value}, more than {days} days ago" if value < limit else None

    entries: list[tuple[Loc, dict[Any, Any]]] = [
        (("roles", role, "answers", topic), _mapping(entry))
        for role, content in _mapping(raw.get("roles")).items()
        for topic, entry in _mapping(_mapping(content).get("answers")).items()
    ]
    entries += [
        (("topics", topic, "general"), _mapping(_mapping(content).get("general"))) for topic, content in _mapping(raw.get("topics")).items()
    ]
    whole = late(raw.get("reviewed_on"))
    if whole:
        resting = sum(1 for _, entry in entries if entry and entry.get("reviewed_on") is None)
        yield ("reviewed_on",), f"{whole}; {resting} entries have no day of their own"
    entries += [
        ((SUBJECTS, number, "facts", place), _mapping(fact))
        for number, subject in enumerate(_sequence(raw.get(SUBJECTS)))
        for place, fact in enumerate(_sequence(_mapping(subject).get("facts")))
    ]
    for loc, entry in entries:
        own = late(entry.get("reviewed_on"))
        if own:
            yield (*loc, "reviewed_on"), own


def _content(knowledge: Knowledge) -> Iterator[tuple[Loc, str]]:
    """Sentences with an amount and no year, sources that carry nothing, topics out of the menu, and what is wanted."""
    data = knowledge.dict()
    for loc, text in _texts(data, ()):
        # A cell is too short for it.
        if loc[-2] != "cell" and AMOUNT.search(text) and not WHEN.search(text):
            yield loc, "names an amount and no year"
    used = set(_sources(data))
    for identity in knowledge.sources:
        if identity not in used:
            yield ("sources", identity), "no statement and no figure names this source"
    in_menu = {topic for line in knowledge.menu for topic in line.topics}
    for topic in knowledge.topics:
        if knowledge.menu and topic not in in_menu:
            yield ("topics", topic), "stands in no line of 'menu'"
    for number, wanted in enumerate(knowledge.wanted):
        yield (WANTED, number), f"has no answer yet, asked {wanted.asked} times: {wanted.question}"


def _examples(root: Path, topics: list[str], knowledge: Knowledge) -> list[str]:
    """Topics with few examples, and examples out of scope that name a role which is covered."""
    try:
        training = TrainingData(root / "data" / "nlu.yml")
    except EditError:
        return []  # said already
    found = []
    counts = Counter(intent for _, intent, _ in training.lines())
    for topic in topics:
        name = f"{INTENT}{topic}"
        if name in counts and counts[name] < FEW_EXAMPLES:
            line = next(line for line, intent, _ in training.lines() if intent == name)
            found.append(
                f"{training.document.path}:{line}: '{name}' has {counts[name]} examples; from {FEW_EXAMPLES} on it is known well enough"
            )
    return found + _covered_by_now(training, knowledge)


# So alike, 0 to 100, are two messages that ask the same of a role.
SAME = 93


def _covered_by_now(training: TrainingData, knowledge: Knowledge) -> list[str]:
    """Examples out of scope that, but for the name of the role, are examples of a topic: left over from before the role was covered."""
    names = {str(name).lower() for role in knowledge.roles.values() for name in (role.name, role.plural, role.short, role.field)}
    covered = re.compile(r"\b(?:" + "|".join(map(re.escape, sorted(names, key=len, reverse=True))) + r")\b")
    masked = [(line, intent, text, covered.sub("ROLE", text.lower())) for line, intent, text in training.lines()]
    naming = [(line, text, bare) for line, intent, text, bare in masked if intent == OUT_OF_SCOPE and "ROLE" in bare]
    asked = sorted({normalised(bare) for _, intent, _, bare in masked if intent.startswith(INTENT) and "ROLE" in bare})
    found = []
    for line, text, bare in naming:
        like = process.extractOne(normalised(bare), asked, scorer=fuzz.ratio, score_cutoff=SAME)
        if like is not None:
            found.append(f"{training.document.path}:{line}: stands under {OUT_OF_SCOPE} and asks about a role that is covered: {text}")
    return found


def _texts(value: Any, loc: Loc) -> Iterator[tuple[Loc, str]]:
    """Every sentence that carries sources, with its place."""
    if isinstance(value, dict):
        if isinstance(value.get("text"), str) and "sources" in value:
            yield (*loc, "text"), value["text"]
        for key, child in value.items():
            yield from _texts(child, (*loc, key))
    elif isinstance(value, (list, tuple)):
        for index, child in enumerate(value):
            yield from _texts(child, (*loc, index))


def _sources(value: Any) -> Iterator[str]:
    for key, child in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, (list, tuple)) else ():
        if key == "sources" and isinstance(child, list):
            yield from map(str, child)
        else:
            yield from _sources(child)


def _mapping(value: Any) -> dict[Any, Any]:
    return value if isinstance(value, dict) else {}


def _sequence(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
