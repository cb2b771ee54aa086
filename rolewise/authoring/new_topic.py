"""A new topic: its entries in the knowledge file, the domain, the rules and the training messages, with what is to be written marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rolewise.answers.compose import Answers
from rolewise.authoring.edits import Document, EditError, scalar, write_all
from rolewise.authoring.training_data import TrainingData
from rolewise.knowledge import Knowledge, load
from rolewise.knowledge.files import holding
from rolewise.knowledge.loader import ID, TODO

INTENT = "ask_"
POINTS = 3


@dataclass(frozen=True)
class NewTopic:
    """What is known of the topic when it is made.

    Attributes:
        id: its id, ``dress_code``.
        title: the heading, ``Dress code``.
        label: the topic inside a sentence, ``the dress code``.
        question: with ``{a_role}``, ``{role}``, ``{roles}`` or ``{field}`` in it.
        compare_question: with ``{names}`` in it.
        aliases: words that name the topic.
        examples: training messages beside those made of the question.
    """

    id: str
    title: str
    label: str
    question: str
    compare_question: str
    aliases: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()


def named(identity: str, question: str, title: str | None, label: str | None, aliases: Sequence[str], examples: Sequence[str]) -> NewTopic:
    """The topic, with names made of its id where none are given. Raises EditError for an id or a question that cannot be one."""
    if not ID.match(identity):
        raise EditError(f"'{identity}' is no id: lower case letters, digits and '_', a letter first")
    if "{" not in question:
        raise EditError("the question needs a place for the role: {a_role}, {role}, {roles} or {field}")
    words = identity.replace("_", " ")
    label = label or f"the {words}"
    compare = f"How do they compare on {label.removeprefix('the ')}: {{names}}?"
    return NewTopic(identity, title or words.capitalize(), label, question, compare, tuple(aliases) or (words,), tuple(examples))


def add(topic: NewTopic, knowledge_path: Path, root: Path) -> list[Path]:
    """Write the topic into its files, or into none.

    Returns:
        The files that were changed.

    Raises:
        EditError: there is such a topic or intent already, or a file cannot be edited.
        KnowledgeError: the knowledge file has faults already.
    """
    knowledge = load(knowledge_path)
    content, answers = (Document(holding(knowledge_path, part)) for part in ("topics", "roles"))
    answers = content if answers.path == content.path else answers
    domain, rules = Document(root / "domain.yml"), Document(root / "data" / "rules.yml")
    training = TrainingData(root / "data" / "nlu.yml")
    intent = f"{INTENT}{topic.id}"
    if topic.id in knowledge.topics or intent in training.intents or any(intent in item for item in domain.data["intents"]):
        raise EditError(f"there is a topic or an intent of the name '{topic.id}' already")
    for role in knowledge.roles:
        answers.append(("roles", role, "answers"), _answer(topic.id, answers.indent(("roles", role, "answers"))))
    content.append(("topics",), _topic(topic))
    # Behind the last topic's, so that each file keeps its order.
    content_intents = [number for number, item in enumerate(domain.data["intents"]) if str(next(iter(item), "")).startswith(INTENT)]
    domain.append(("intents", content_intents[-1]), f"  - {intent}:\n      use_entities: []\n")
    asked = [
        number for number, rule in enumerate(rules.data["rules"]) if any(str(s.get("intent", "")).startswith(INTENT) for s in rule["steps"])
    ]
    rules.append(("rules", asked[-1]), _rule(topic))
    _examples(training, topic, knowledge)
    documents = list(dict.fromkeys([content, answers, domain, rules, training.document]))
    write_all(documents)
    return [document.path for document in documents]


def _topic(topic: NewTopic) -> str:
    return f"""
  {topic.id}:
    title: {scalar(topic.title)}
    label: {scalar(topic.label)}
    question: {scalar(topic.question)}
    compare_question: {scalar(topic.compare_question)}
    aliases: [{", ".join(map(scalar, topic.aliases))}]
"""


def _answer(identity: str, indent: str) -> str:
    deeper = indent + "  "
    lines = [
        "",
        f"{deeper}{identity}:",
        f"{deeper}  lead:",
        f"{deeper}    text: {TODO} the answer in short, at most 45 words.",
        f"{deeper}    sources: [{TODO}]",
        f"{deeper}  points:",
    ]
    for number in range(1, POINTS + 1):
        lines += [f"{deeper}    - text: {TODO} point {number}.", f"{deeper}      sources: [{TODO}]"]
    lines += [f"{deeper}  cell:", f"{deeper}    text: {TODO} at most 60 characters.", f"{deeper}    sources: [{TODO}]"]
    return "\n".join(lines) + "\n"


def _rule(topic: NewTopic) -> str:
    name = topic.id.replace("_", " ")
    return f"\n  - rule: {name}\n    steps:\n      - intent: {INTENT}{topic.id}\n      - action: action_answer\n"


def _examples(training: TrainingData, topic: NewTopic, knowledge: Knowledge) -> None:
    """The intent with the examples given, and the topic's own question for each role."""
    answers = Answers(knowledge)
    texts = [answers.filled(topic.question, role) for role in knowledge.roles]
    block = f"\n  - intent: {INTENT}{topic.id}\n    examples: |\n"
    blocks = [number for number, item in enumerate(training.document.data["nlu"]) if str(item.get("intent", "")).startswith(INTENT)]
    kept: dict[str, None] = dict.fromkeys([*texts, *(text.strip() for text in topic.examples if text.strip())])
    training.document.append(("nlu", blocks[-1]), block + "".join(f"      - {text}\n" for text in kept))
