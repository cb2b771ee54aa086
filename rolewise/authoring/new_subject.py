"""A new subject: appended to a file of subjects, with facts that are still to be written marked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Formatter
from typing import get_args

import yaml
from pydantic import ValidationError

from rolewise.authoring.edits import Document, EditError, scalar
from rolewise.knowledge import Knowledge, load
from rolewise.knowledge.files import SUBJECTS, files, holding
from rolewise.knowledge.loader import ID, PLACEHOLDERS, TODO
from rolewise.knowledge.model import Subject, SubjectKind

FACTS = 2


@dataclass(frozen=True)
class NewSubject:
    """What is known of the subject when it is made; the fields are those of :class:`rolewise.knowledge.model.Subject`."""

    id: str
    kind: str
    name: str
    question: str
    role_question: str | None
    topics: tuple[str, ...]
    aliases: tuple[str, ...]


def named(
    identity: str, kind: str, name: str, question: str, role_question: str | None, topics: Sequence[str], aliases: Sequence[str]
) -> NewSubject:
    """The subject; where no alias is given, its name is one. Raises EditError for what no subject can have."""
    if not ID.match(identity):
        raise EditError(f"'{identity}' is no id: lower case letters, digits and '_', a letter first")
    if kind not in get_args(SubjectKind):
        raise EditError(f"there is no kind '{kind}'. There are: {', '.join(get_args(SubjectKind))}")
    if _places(question):
        raise EditError("the question names no role: its form with a place for the role is the role question")
    if role_question is not None and not _places(role_question):
        raise EditError("the role question needs a place for the role: {a_role}, {role}, {roles} or {field}")
    unknown = (_places(role_question) if role_question else set()) - PLACEHOLDERS["question"]
    if unknown:
        raise EditError(f"there is no placeholder '{{{min(unknown)}}}'")
    return NewSubject(identity, kind, name.strip(), question.strip(), role_question, tuple(topics), tuple(aliases) or (name.strip(),))


def _places(text: str) -> set[str]:
    """The placeholders of a text. Raises EditError where a brace is not closed."""
    try:
        return {field for _, field, _, _ in Formatter().parse(text) if field is not None}
    except ValueError as error:
        raise EditError(f"'{text}': a brace is not closed") from error


def add(subject: NewSubject, knowledge_path: Path, theme: str | None = None) -> Path:
    """Write the subject at the end of a file of subjects, or nothing.

    Args:
        subject: the subject.
        knowledge_path: the knowledge, a file or a directory.
        theme: the name of a file under ``subjects``, with or without ``.yml``; None takes the one with the most subjects of its topics.

    Returns:
        The file that was changed.

    Raises:
        EditError: there is such a subject already, it cannot be one, or there is no such file.
        KnowledgeError: the knowledge has faults already.
    """
    knowledge = load(knowledge_path)
    if knowledge.subject(subject.id) is not None:
        raise EditError(f"there is a subject '{subject.id}' already")
    for topic in subject.topics:
        if topic not in knowledge.topics:
            raise EditError(f"there is no topic '{topic}'. There are: {', '.join(knowledge.topics)}")
    block = _subject(subject)
    try:
        Subject.parse_obj(yaml.safe_load(block)[0])
    except ValidationError as error:
        raise EditError("; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())) from error
    document = Document(_file(knowledge_path, theme, subject, knowledge))
    if document.data.get(SUBJECTS):
        indent = document.indent((SUBJECTS, 0))
        document.append((SUBJECTS,), "".join(f"{indent}{line}\n" for line in block.splitlines()))
    else:
        document.append((), f"\n{SUBJECTS}:\n{block}")
    document.write()
    return document.path


def _file(path: Path, theme: str | None, subject: NewSubject, knowledge: Knowledge) -> Path:
    """The file that the subject goes into."""
    themes = {file.stem: file for file in files(path) if file.parent.name == SUBJECTS} if path.is_dir() else {}
    if theme is not None:
        found = themes.get(theme.removesuffix(".yml"))
        if found is None:
            raise EditError(f"there is no file of subjects '{theme}'. There are: {', '.join(themes) or 'none'}")
        return found
    alike = {str(other.id) for other in knowledge.subjects if set(other.topics) & set(subject.topics)}
    held = Counter({name: len(alike & _ids(file)) for name, file in themes.items()})
    return themes[held.most_common(1)[0][0]] if held else holding(path, SUBJECTS)


def _ids(file: Path) -> set[str]:
    """The ids of the subjects of a file."""
    lines = file.read_text(encoding="utf-8").splitlines()
    return {line.partition("- id:")[2].strip() for line in lines if line.lstrip().startswith("- id:")}


def _subject(subject: NewSubject) -> str:
    lines = [
        f"- id: {subject.id}",
        f"  kind: {subject.kind}",
        f"  name: {scalar(subject.name)}",
        f"  question: {scalar(subject.question)}",
        *([f"  role_question: {scalar(subject.role_question)}"] if subject.role_question else []),
        f"  topics: [{', '.join(subject.topics)}]",
        f"  aliases: [{', '.join(_in_a_list(alias) for alias in subject.aliases)}]",
        "  facts:",
    ]
    for number in range(1, FACTS + 1):
        lines += [
            f"  - text: {TODO} fact {number}, at most 35 words.",
            "    forms: [what]",
            f'    asks: ["{TODO} a question that fact {number} answers, without the name of a role"]',
            f"    sources: [{TODO}]",
        ]
    return "\n".join(lines) + "\n"


def _in_a_list(text: str) -> str:
    """A text as YAML among others in brackets, where a comma would end it."""
    return f'"{text}"' if "," in text and '"' not in text else scalar(text)
