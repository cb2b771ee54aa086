"""What stands in front of every channel: which texts may reach the assistant, and as what."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeGuard, get_args

from rolewise import wording
from rolewise.control import strip_control
from rolewise.conversation.dialogue import MAX_REASON
from rolewise.conversation.questionnaire import Move, Quiz, choice_from_payload
from rolewise.knowledge import Knowledge
from rolewise.knowledge.model import Form
from rolewise.questions import question_from_payload

MAX_SENDER = 200
# A rating by a button, with a reason perhaps.
REASON = rf'"reason": ?"[^"\\\x00-\x1f]{{0,{MAX_REASON}}}"'
RATING = re.compile(rf'/feedback_(?:positive|negative)\{{"answer_id": ?"a\d{{1,9}}"(?:, ?{REASON})?\}}')

# Also no line ends and tabs, which a message may have: an id is written into one line of logs and of commands.
SENDER = re.compile(rf"[^\x00-\x1f\x7f-\x9f\u2028\u2029]{{1,{MAX_SENDER}}}")

MESSAGE_ID = re.compile(r"[\w-]{8,64}", re.ASCII)

# str.strip and Rasa take every Unicode space from the front, so a slash behind one must go, too.
LEADING_SLASHES = re.compile(r"^[\s/]+")


@dataclass(frozen=True)
class Admitted:
    """A text that may go on, or the refusal to send instead.

    Attributes:
        text: what is handed to the assistant; empty where it is refused.
        refusal: a polite sentence, or None.
    """

    text: str
    refusal: str | None = None


def admit(text: str, knowledge: Knowledge, max_chars: int) -> Admitted:
    """Look at a text from outside.

    Control characters go. A text over the limit, or without anything in it, is refused. A text that begins with a slash is a
    command to Rasa: it passes only when it is a payload that a button of ours could carry, and is read as plain words else.

    Args:
        text: as received.
        knowledge: says which topics and roles a payload may name.
        max_chars: the longest text, in characters.
    """
    text = strip_control(text).strip()
    if not text:
        return Admitted("", wording.EMPTY)
    if len(text) > max_chars:
        return Admitted("", wording.TOO_LONG.format(length=len(text), limit=max_chars))
    if text.startswith("/") and not is_own_payload(text, knowledge):
        return Admitted(LEADING_SLASHES.sub("", text) or "?")
    return Admitted(text)


def is_sender(value: object) -> bool:
    """Whether a value can be the id of a conversation: 1 to 200 characters, none of them a control character."""
    return isinstance(value, str) and SENDER.fullmatch(value) is not None and strip_control(value) == value


def is_message_id(value: object) -> TypeGuard[str]:
    """Whether a value can be the sender's own id of a message: 8 to 64 letters, digits, ``-`` and ``_``."""
    return isinstance(value, str) and MESSAGE_ID.fullmatch(value) is not None


def is_own_payload(text: str, knowledge: Knowledge) -> bool:
    """Whether a text is a payload that a card of this assistant could offer."""
    if RATING.fullmatch(text):
        return True
    chosen = choice_from_payload(text)
    if chosen is not None:
        return knowledge.questionnaire is not None and (not chosen or Quiz(knowledge).read_choice(chosen).move == Move.ANSWER)
    question = question_from_payload(text)
    if question is None or question.topic not in knowledge.topics or len(set(question.roles)) != len(question.roles):
        return False
    known_roles = all(role in knowledge.roles for role in question.roles)
    known_aspect = question.aspect is None or question.aspect in (*knowledge.topics, "overall")
    known_country = question.country is None or question.country in {country.code for country in knowledge.countries}
    known_level = question.level is None or question.level in {level.id for level in knowledge.levels}
    known_subjects = all(knowledge.subject(subject) is not None for subject in question.subjects)
    known_form = question.form is None or question.form in get_args(Form)
    return known_roles and known_aspect and known_country and known_level and known_subjects and known_form
