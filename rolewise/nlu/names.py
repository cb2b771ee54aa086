"""The spaCy pipeline that finds the names of the knowledge file in a text: roles, other titles, companies, places, levels, topics."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import spacy
from spacy.language import Language
from spacy.tokens import Doc

from rolewise.knowledge import Knowledge

# The labels of the entities, as Rasa sees them.
ROLE, WEAK_ROLE, OTHER_TITLE, COMPANY, COUNTRY, LEVEL, TOPIC = (
    "role", "weak_role", "other_title", "company", "country", "level", "topic",
)  # fmt: skip
LABELS = (ROLE, WEAK_ROLE, OTHER_TITLE, COMPANY, COUNTRY, LEVEL, TOPIC)

# Plural forms of a name's last word that the plain "s" does not give.
IRREGULAR = re.compile(r"(?:s|x|z|ch|sh)$")


@dataclass(frozen=True)
class Mention:
    """A name found in a cleaned text: its label, the id it stands for, and its span in characters."""

    label: str
    id: str
    start: int
    end: int
    text: str


def forms(name: str, plural: bool = True) -> Iterator[str]:
    """The forms of a name that are looked for: lower case, with hyphen or space, singular and plural."""
    base = " ".join(name.lower().split())
    spaced = base.replace("-", " ")
    seen = dict.fromkeys((base, spaced))
    words = spaced.split(" ")
    if len(words) == 2:
        seen["-".join(words)] = None
        seen["/".join(words)] = None
    elif len(words) == 3:
        seen[f"{words[0]}-{words[1]} {words[2]}"] = None
        seen[f"{words[0]} {words[1]}-{words[2]}"] = None
    yield from seen
    if plural and words[-1].isalpha():
        last = words[-1]
        for form in list(seen):
            if last.endswith("y") and last[-2:-1] not in "aeiou":
                yield form[:-1] + "ies"
            elif not last.endswith("s"):
                yield form + ("es" if IRREGULAR.search(last) else "s")


def patterns(knowledge: Knowledge) -> list[dict[str, str]]:
    """The entity ruler's phrase patterns, every name of the knowledge once, roles before everything else."""
    found: dict[str, dict[str, str]] = {}

    def add(label: str, identity: str, names: Iterable[str], plural: bool = True) -> None:
        for name in names:
            for form in forms(name, plural):
                found.setdefault(form, {"label": label, "id": identity, "pattern": form})

    for role_id, role in knowledge.roles.items():
        add(ROLE, role_id, [role.name, role.plural, role.short, role.field, *role.aliases, *role.misspellings])
    for role_id, role in knowledge.roles.items():
        add(WEAK_ROLE, role_id, role.weak_aliases, plural=False)
    for title in knowledge.other_titles:
        add(OTHER_TITLE, title.name, [title.name, *title.aliases])
    add_company = [*knowledge.companies]
    for company in add_company:
        add(COMPANY, company, [company], plural=False)
    for country in knowledge.countries:
        add(COUNTRY, country.code, [country.name, *country.aliases, *country.places], plural=False)
    for level in knowledge.levels:
        add(LEVEL, level.id, [level.name, *level.aliases])
    for topic_id, topic in knowledge.topics.items():
        add(TOPIC, topic_id, [*topic.aliases, *topic.misspellings])
    return list(found.values())


def build(knowledge: Knowledge, base: str | None = None) -> Language:
    """Build the pipeline.

    Args:
        knowledge: where the names come from.
        base: an installed spaCy model to build on; None takes blank English, which needs no download.

    Returns:
        A pipeline with sentence ends and an entity ruler.

    Raises:
        OSError: ``base`` is not installed.
    """
    nlp = spacy.load(base, exclude=["ner"]) if base else spacy.blank("en")
    if "sentencizer" not in nlp.pipe_names and not nlp.has_pipe("parser") and not nlp.has_pipe("senter"):
        nlp.add_pipe("sentencizer", config={"punct_chars": [".", "!", "?", "\n", "…", ";", "。", "？", "！"]})
    ruler: Any = nlp.add_pipe("entity_ruler", config={"phrase_matcher_attr": "LOWER", "overwrite_ents": True})
    with nlp.select_pipes(enable="entity_ruler"):
        ruler.add_patterns(patterns(knowledge))
    return nlp


def cased_pattern(companies: Iterable[str]) -> re.Pattern[str] | None:
    """A pattern for names that are ordinary words unless capitalised inside a sentence ("Apple", "Target"); for the raw text."""
    found = "|".join(re.escape(name) for name in sorted(companies, key=len, reverse=True))
    return re.compile(rf"(?<![.!?]\s)(?<!^)\b(?:{found})\b(?!\s[A-Z])") if found else None


def mentions(doc: Doc) -> list[Mention]:
    """The names found in a text, in order.

    A weak name of a role ("coding") counts only where no better one does: not as the first half of a compound
    ("coding languages"), and not in a sentence with a named role unless both are set side by side ("coding vs data science").
    """
    found = [Mention(ent.label_, ent.ent_id_, ent.start_char, ent.end_char, ent.text) for ent in doc.ents if ent.label_ in LABELS]
    named = [mention for mention in found if mention.label in (ROLE, OTHER_TITLE)]
    kept = []
    for mention in found:
        if mention.label == WEAK_ROLE:
            if not _weak_counts(doc, mention, [other for other in named if _same_sentence(doc, mention, other)]):
                continue
            mention = Mention(ROLE, mention.id, mention.start, mention.end, mention.text)
        if mention.label == COMPANY and _is_product(doc, mention):
            continue
        kept.append(mention)
    return kept


# A company's name before or after one of these is a product or a course: "Google certificate", "on LinkedIn", "use Google".
PRODUCT_AFTER = frozenset(
    "certificate certificates certification certifications course courses colab cloud analytics sheets docs search maps project office "
    "excel teams word windows".split()
)
PRODUCT_BEFORE = frozenset("use using used via".split())


def _is_product(doc: Doc, mention: Mention) -> bool:
    span = doc.char_span(mention.start, mention.end)
    if span is None:
        return False
    following = {token.lower_ for token in doc[span.end : span.end + 3]}
    return bool(following & PRODUCT_AFTER) or (span.start > 0 and doc[span.start - 1].lower_ in PRODUCT_BEFORE)


# Before one of these a weak name is a subject, not a job: "coding languages", "machine learning models", "software licence".
COMPOUND = frozenset(
    "language languages skill skills test tests challenge challenges model models algorithm algorithms library libraries framework "
    "frameworks tool tools knowledge background concepts basics package packages licence license architecture update updates required "
    "product products design pattern patterns".split()
)
# After one of these a single word like "coding" is an activity: "how much coding", "do I need programming".
ACTIVITY = frozenset(
    "much more less any no some enough actual know knowing need needs require requires required like hate enjoy love doing do using use "
    "uses which what write of".split()
)
# After one of these it is where somebody wants to go: "I am a teacher, how do I get into machine learning".
TOWARDS = frozenset("into towards toward".split())
BESIDE = frozenset("vs vs. versus or and than to / , & into from compared with over against a an the between - for".split())


def _same_sentence(doc: Doc, one: Mention, other: Mention) -> bool:
    return any(sent.start_char <= one.start < sent.end_char and sent.start_char <= other.start < sent.end_char for sent in doc.sents)


def _weak_counts(doc: Doc, mention: Mention, named: list[Mention]) -> bool:
    span = doc.char_span(mention.start, mention.end)
    if span is None or (span.end < len(doc) and doc[span.end].lower_ in COMPOUND):
        return False
    others = [other for other in named if other.id != mention.id]
    if span.start > 0 and doc[span.start - 1].lower_ in TOWARDS:
        return True
    if not others:
        return not (len(span) == 1 and span.start > 0 and doc[span.start - 1].lower_ in ACTIVITY and len(mention.text) > 2)
    for other in others:
        first, second = sorted((mention, other), key=lambda item: item.start)
        between = [token.lower_ for token in doc if first.end <= token.idx < second.start]
        if between and len(between) <= 3 and all(word in BESIDE for word in between):
            return True
    return False
