"""Reads the knowledge files and checks them; every error carries file, line and field, and all are listed at once."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from string import Formatter
from typing import Any

from pydantic import ValidationError

from rolewise.knowledge.files import SUBJECTS, files, joined, uncollected
from rolewise.knowledge.model import MAX_CELL_CHARS, MAX_FACT_WORDS, MAX_LEAD_WORDS, Knowledge
from rolewise.knowledge.positions import Loc

# The topic that is answered by putting roles side by side; no role has an entry of its own for it.
COMPARE = "compare"

# The answer "I am not sure" in the questionnaire; no option may take its name.
UNSURE = "unsure"

# The parts of the file that the language understanding is built from. A change elsewhere needs no new classifier.
NAME_FIELDS = ("name", "plural", "short", "field", "aliases", "weak_aliases", "misspellings")


class KnowledgeError(ValueError):
    """The knowledge file cannot be used; ``errors`` holds one ``file:line: field: reason`` each."""

    def __init__(self, errors: list[str]) -> None:
        """Join the errors into one message."""
        self.errors = errors
        super().__init__("\n".join(errors))


ID = re.compile(r"^[a-z][a-z0-9_]*$")
PLACEHOLDER = re.compile(r"\{(\w*)\}")
PLACEHOLDERS = {"question": {"role", "a_role", "roles", "field"}, "compare_question": {"names"}}
# When a figure holds for: a year, or the word that there is none.
DATED = re.compile(r"\b(?:19|20)\d\d\b|^undated\b")
# The file in a model that keeps its knowledge.
SNAPSHOT = "knowledge.json"
# What begins so is not written yet. Under "wanted" that is as it should be.
TODO = "TODO"
WANTED = "wanted"


def load(path: Path) -> Knowledge:
    """Read and check the knowledge.

    Args:
        path: the YAML file, or the directory of YAML files.

    Returns:
        The knowledge.

    Raises:
        KnowledgeError: a file is missing, not YAML, or breaks a rule; all errors are in it.
    """
    try:
        texts = [(str(file), file.read_text(encoding="utf-8")) for file in files(path)]
    except (OSError, UnicodeDecodeError) as error:
        raise KnowledgeError([f"{path}: cannot be read: {error}"]) from error
    if not texts:
        raise KnowledgeError([f"{path}: cannot be read: there is no *.yml file in it"])
    return _checked(tuple(texts))


def restore(path: Path) -> Knowledge:
    """The knowledge that a model keeps, which was checked when the model was made. Raises OSError or ValueError where it cannot be read."""
    return Knowledge.parse_raw(path.read_bytes())


def loads(text: str, name: str = "careers.yml") -> Knowledge:
    """Read and check the text of a knowledge file; ``name`` stands in the errors. Raises KnowledgeError."""
    return _checked(((name, text),))


# Training looks at the knowledge several times; a knowledge cannot be changed, so the same texts give the same one.
@lru_cache(maxsize=4)
@uncollected()
def _checked(named: tuple[tuple[str, str], ...]) -> Knowledge:
    texts = joined(named)
    raw = texts.data
    if not raw:
        raise KnowledgeError(texts.faults or [f"{named[0][0]}:1: (file): must be a mapping with version, topics, roles and sources"])
    found: list[tuple[Loc, str]] = []
    knowledge = None
    try:
        knowledge = Knowledge.parse_obj(raw)
    except ValidationError as error:
        for item in error.errors():
            loc = _key_location(tuple(part for part in item["loc"] if part != "__root__"), raw)
            found.append((loc, item["msg"]))
    found += _rules(raw)
    if found or texts.faults or knowledge is None:
        raise KnowledgeError(texts.located(found))
    return knowledge


def _key_location(loc: Loc, raw: Any) -> Loc:
    """The place of a bad id: pydantic names only the mapping that it stands in."""
    if not loc or loc[-1] != "__key__":
        return loc
    mapping: Any = raw
    for part in loc[:-1]:
        mapping = mapping[part]
    return (*loc[:-1], next((key for key in mapping if not ID.match(str(key))), loc[-2]))


def _is_known(identity: Any, things: dict[Any, Any]) -> bool:
    return isinstance(identity, str) and identity in things


def _mapping(value: Any) -> dict[Any, Any]:
    return value if isinstance(value, dict) else {}


def _sequence(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _rules(raw: dict[str, Any]) -> Iterator[tuple[Loc, str]]:
    """The rules that concern more than one field. They read raw data, so that they speak up beside errors of shape."""
    topics, roles = _mapping(raw.get("topics")), _mapping(raw.get("roles"))
    yield from _source_rules(raw, _mapping(raw.get("sources")), ())
    yield from _role_rules(topics, roles)
    yield from _topic_rules(topics)
    yield from _subject_rules(raw, topics, roles)
    yield from _menu_rules(raw, topics)
    yield from _wanted_rules(raw, topics, roles)
    yield from _unwritten(raw, ())
    yield from _comparison_rules(raw, topics, roles)
    for index, title in enumerate(_sequence(raw.get("other_titles"))):
        for field in ("nearest", "kind_of"):
            role_id = _mapping(title).get(field)
            if role_id is not None and not _is_known(role_id, roles):
                yield ("other_titles", index, field), f"there is no role '{role_id}'"
    yield from _questionnaire_rules(_mapping(raw.get("questionnaire")), roles)
    yield from _alias_rules(raw)


def _role_rules(topics: dict[Any, Any], roles: dict[Any, Any]) -> Iterator[tuple[Loc, str]]:
    """The rules of the answers about each role."""
    for role_id, role in roles.items():
        answers = _mapping(_mapping(role).get("answers"))
        for topic_id in topics:
            if topic_id != COMPARE and topic_id not in answers:
                yield ("roles", role_id, "answers"), f"topic '{topic_id}' is missing"
        for topic_id, entry in answers.items():
            loc: Loc = ("roles", role_id, "answers", topic_id)
            if topic_id not in topics:
                yield loc, f"there is no topic '{topic_id}'"
            if not _mapping(entry).get("cell"):
                yield loc, "'cell' is missing: what stands in a comparison table"
            yield from _entry_rules(entry, loc)


def _topic_rules(topics: dict[Any, Any]) -> Iterator[tuple[Loc, str]]:
    """The rules of the topics themselves."""
    for topic_id, topic in topics.items():
        topic = _mapping(topic)
        for index, following in enumerate(_sequence(topic.get("next"))):
            if not _is_known(following, topics):
                yield ("topics", topic_id, "next", index), f"there is no topic '{following}'"
        for field in ("question", "compare_question"):
            for unknown in sorted(set(PLACEHOLDER.findall(str(topic.get(field, "")))) - PLACEHOLDERS[field]):
                yield ("topics", topic_id, field), f"there is no placeholder '{{{unknown}}}'"
        if topic.get("general"):
            yield from _entry_rules(topic["general"], ("topics", topic_id, "general"))
        for field in PLACEHOLDERS:
            if not _closed(str(topic.get(field, ""))):
                yield ("topics", topic_id, field), "a brace is not closed"


def _comparison_rules(raw: dict[str, Any], topics: dict[Any, Any], roles: dict[Any, Any]) -> Iterator[tuple[Loc, str]]:
    """The rules of the sentences for several roles."""
    seen: dict[frozenset[str], int] = {}
    for index, comparison in enumerate(_sequence(raw.get("comparisons"))):
        loc: Loc = ("comparisons", index)
        named = _sequence(_mapping(comparison).get("roles"))
        for role_id in named:
            if not _is_known(role_id, roles):
                yield (*loc, "roles"), f"there is no role '{role_id}'"
        for topic_id in _mapping(_mapping(comparison).get("topics")):
            if topic_id not in topics:
                yield (*loc, "topics", topic_id), f"there is no topic '{topic_id}'"
        key = frozenset(map(str, named))
        if key in seen:
            yield loc, f"the same roles are compared in comparisons.{seen[key]}"
        seen.setdefault(key, index)
        yield from _lead_rule(_mapping(comparison).get("lead"), (*loc, "lead"))


def _closed(text: str) -> bool:
    try:
        list(Formatter().parse(text))
    except ValueError:
        return False
    return True


def _subject_rules(raw: dict[str, Any], topics: dict[Any, Any], roles: dict[Any, Any]) -> Iterator[tuple[Loc, str]]:
    """The rules of subjects and of their facts."""
    seen: dict[str, int] = {}
    levels = {str(_mapping(level).get("id")) for level in _sequence(raw.get("levels"))}
    for index, subject in enumerate(_sequence(raw.get(SUBJECTS))):
        loc: Loc = (SUBJECTS, index)
        subject = _mapping(subject)
        identity = str(subject.get("id"))
        if identity in seen:
            yield (*loc, "id"), f"there are two subjects '{identity}'"
        seen.setdefault(identity, index)
        for number, topic_id in enumerate(_sequence(subject.get("topics"))):
            if not _is_known(topic_id, topics):
                yield (*loc, "topics", number), f"there is no topic '{topic_id}'"
        for unknown in sorted(set(PLACEHOLDER.findall(str(subject.get("role_question", "")))) - PLACEHOLDERS["question"]):
            yield (*loc, "role_question"), f"there is no placeholder '{{{unknown}}}'"
        if not _sequence(subject.get("facts")) and not _sequence(subject.get("gaps")):
            yield loc, "has neither facts nor gaps: nothing can be said of it"
        for part in ("facts", "gaps"):
            for number, claim in enumerate(_sequence(subject.get(part))):
                yield from _claim_rules(_mapping(claim), (*loc, part, number), roles, levels)


def _claim_rules(claim: dict[Any, Any], loc: Loc, roles: dict[Any, Any], levels: set[str]) -> Iterator[tuple[Loc, str]]:
    words = len(str(claim.get("text", "")).split())
    if words > MAX_FACT_WORDS:
        yield (*loc, "text"), f"has {words} words; a fact has at most {MAX_FACT_WORDS}"
    for number, role_id in enumerate(_sequence(claim.get("roles"))):
        if not _is_known(role_id, roles):
            yield (*loc, "roles", number), f"there is no role '{role_id}'"
    if claim.get("level") is not None and claim["level"] not in levels:
        yield (*loc, "level"), f"there is no level '{claim['level']}'"
    if "sources" in claim and not _sequence(claim.get("sources")) and not claim.get("reading"):
        yield (*loc, "sources"), "names no source; only our own reading ('reading: true') may have none"
    for number, figure in enumerate(_sequence(claim.get("figures"))):
        period = _mapping(figure).get("period")
        if isinstance(period, str) and not DATED.search(period):
            yield (*loc, "figures", number, "period"), f"'{period}' names no year: a figure has one, or is 'undated'"


def _menu_rules(raw: dict[str, Any], topics: dict[Any, Any]) -> Iterator[tuple[Loc, str]]:
    seen: set[str] = set()
    for index, line in enumerate(_sequence(raw.get("menu"))):
        for topic_id in _mapping(_mapping(line).get("topics")):
            loc: Loc = ("menu", index, "topics", topic_id)
            if topic_id not in topics:
                yield loc, f"there is no topic '{topic_id}'"
            elif topic_id in seen:
                yield loc, "stands in the menu twice"
            seen.add(topic_id)


def _wanted_rules(raw: dict[str, Any], topics: dict[Any, Any], roles: dict[Any, Any]) -> Iterator[tuple[Loc, str]]:
    for index, wanted in enumerate(_sequence(raw.get(WANTED))):
        topic_id = _mapping(wanted).get("topic")
        if topic_id is not None and not _is_known(topic_id, topics):
            yield (WANTED, index, "topic"), f"there is no topic '{topic_id}'"
        for role_id in _sequence(_mapping(wanted).get("roles")):
            if not _is_known(role_id, roles):
                yield (WANTED, index, "roles"), f"there is no role '{role_id}'"


def _unwritten(value: Any, loc: Loc) -> Iterator[tuple[Loc, str]]:
    """Texts that somebody was going to write."""
    if isinstance(value, str) and value.startswith(TODO):
        yield loc, f"is still to be written: {value[:60]}"
    for key, child in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        if (*loc, key) != (WANTED,):
            yield from _unwritten(child, (*loc, key))


def _questionnaire_rules(raw: dict[Any, Any], roles: dict[Any, Any]) -> Iterator[tuple[Loc, str]]:
    questions: set[str] = set()
    for index, question in enumerate(_sequence(raw.get("questions"))):
        loc: Loc = ("questionnaire", "questions", index)
        if str(_mapping(question).get("id")) in questions:
            yield loc, f"there are two questions '{_mapping(question).get('id')}'"
        questions.add(str(_mapping(question).get("id")))
        options: set[str] = set()
        for number, option in enumerate(_sequence(_mapping(question).get("options"))):
            here = (*loc, "options", number)
            name = str(_mapping(option).get("id"))
            if name in options or name == UNSURE:
                yield here, f"there are two options '{name}'" if name in options else f"'{UNSURE}' is the name of having no answer"
            options.add(name)
            for role_id in _mapping(_mapping(option).get("speaks_for")):
                if role_id not in roles:
                    yield (*here, "speaks_for", role_id), f"there is no role '{role_id}'"


def _source_rules(value: Any, sources: dict[Any, Any], loc: Loc) -> Iterator[tuple[Loc, str]]:
    for key, child in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        if key == "sources" and loc and isinstance(child, list):
            for index, source in enumerate(child):
                # What is not written yet is named by a rule of its own.
                if not _is_known(source, sources) and not str(source).startswith(TODO):
                    yield (*loc, key, index), f"there is no source '{source}'"
        else:
            yield from _source_rules(child, sources, (*loc, key))


def _lead_rule(lead: Any, loc: Loc) -> Iterator[tuple[Loc, str]]:
    words = len(str(_mapping(lead).get("text", "")).split())
    if words > MAX_LEAD_WORDS:
        yield (*loc, "text"), f"has {words} words; a lead has at most {MAX_LEAD_WORDS}"


def _entry_rules(entry: Any, loc: Loc) -> Iterator[tuple[Loc, str]]:
    entry = _mapping(entry)
    yield from _lead_rule(entry.get("lead"), (*loc, "lead"))
    cell = str(_mapping(entry.get("cell")).get("text", ""))
    if len(cell) > MAX_CELL_CHARS:
        yield (*loc, "cell", "text"), f"has {len(cell)} characters; a cell has at most {MAX_CELL_CHARS}"
    for index, figure in enumerate(_sequence(entry.get("figures"))):
        period = _mapping(figure).get("period")
        if isinstance(period, str) and not DATED.search(period):
            yield (*loc, "figures", index, "period"), f"'{period}' names no year: a figure has one, or is 'undated'"


def _alias_rules(raw: dict[str, Any]) -> Iterator[tuple[Loc, str]]:
    """A name may stand for one thing only, or an answer would depend on the order in the file."""
    owners: dict[str, Loc] = {}
    named: list[tuple[Loc, list[tuple[Loc, Any]]]] = []
    for role_id, role in _mapping(raw.get("roles")).items():
        loc: Loc = ("roles", role_id)
        own = [((*loc, field), _mapping(role)[field]) for field in ("name", "plural", "short", "field") if field in _mapping(role)]
        named.append((loc, [*own, *_names(role, loc, ("aliases", "weak_aliases", "misspellings"))]))
    for index, title in enumerate(_sequence(raw.get("other_titles"))):
        loc = ("other_titles", index)
        named.append((loc, [((*loc, "name"), _mapping(title).get("name")), *_names(title, loc, ("aliases",))]))
    for owner, names in named:
        for loc, name in names:
            key = str(name).lower().replace("-", " ")
            if key in owners and owners[key] != owner:
                yield loc, f"'{name}' already names {'.'.join(map(str, owners[key]))}"
            owners.setdefault(key, owner)
    topics: dict[str, Any] = {}
    for topic_id, topic in _mapping(raw.get("topics")).items():
        for loc, name in _names(topic, ("topics", topic_id), ("aliases", "misspellings")):
            if topics.setdefault(str(name).lower(), topic_id) != topic_id:
                yield loc, f"'{name}' already names topic '{topics[str(name).lower()]}'"


def _names(value: Any, loc: Loc, fields: tuple[str, ...]) -> Iterator[tuple[Loc, Any]]:
    for field in fields:
        for index, name in enumerate(_sequence(_mapping(value).get(field))):
            yield (*loc, field, index), name


def serialised(knowledge: Knowledge) -> bytes:
    """The knowledge as a model keeps it."""
    return knowledge.json(exclude_defaults=True).encode()


def content_hash(knowledge: Knowledge) -> str:
    """A hash of everything in the knowledge: it changes with any answer."""
    return hash_of(serialised(knowledge))


def hash_of(data: bytes) -> str:
    """The hash of a knowledge that a model keeps."""
    return hashlib.sha256(data).hexdigest()[:16]


def names_hash(knowledge: Knowledge) -> str:
    """A hash of what the language understanding is built from: it does not change with the text of an answer."""
    data = json.loads(knowledge.json(sort_keys=True, exclude={"subjects"}))
    names = {
        "roles": {role_id: {field: role[field] for field in NAME_FIELDS} for role_id, role in data["roles"].items()},
        "topics": {topic_id: [topic["aliases"], topic["misspellings"]] for topic_id, topic in data["topics"].items()},
        **{key: data[key] for key in ("other_titles", "companies", "companies_cased", "countries", "levels")},
    }
    return hashlib.sha256(json.dumps(names, sort_keys=True).encode()).hexdigest()[:16]
