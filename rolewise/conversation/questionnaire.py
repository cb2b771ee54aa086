"""The questionnaire "which role suits me?": what a message answers in it, and what the answers speak for. Rasa is not known here."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from rapidfuzz import fuzz

from rolewise.conversation.signs import pick, rating
from rolewise.knowledge import UNSURE, Knowledge, QuizOption, QuizQuestion, Statement
from rolewise.questions import Message

QUIZ_INTENT = "start_quiz"
PAYLOAD = f"/{QUIZ_INTENT}"

# Rankings of roles that are at most so many points apart count as close.
CLOSE = 1
# A typed word of at least so many letters may have a typing error.
FUZZY_LENGTH, FUZZY_RATIO = 5, 86.0

NOT_SURE = re.compile(
    r"\b(?:(?:do ?n'?t|do not|dunno|no) (?:really )?(?:know|idea|clue|care|mind|matter)|dunno|not (?:so |really )?sure|unsure|no idea|skip"
    r"|pass|whatever|any of (?:them|these)|none of (?:them|these|those)|all of (?:them|these)|hard to say|no preference|depends)\b"
)
SKIPS = re.compile(r"^\W*(?:(?:please|can i|i'?ll|just|let'?s) )?(?:skip|pass)(?: (?:this|that|it|the question|this one|one))?\W*$")
STOPS = re.compile(r"\b(?:stop|quit|cancel|end|exit|enough|abort|over|no more|don'?t want|do not want|leave)\b")
GO_ON = re.compile(
    r"\b(?:go on|go ahead|carry on|keep going|continue|resume|proceed|next(?: question| one)?|back to|where were we|repeat|again|"
    r"the (?:quiz|questionnaire|questions?))\b"
)
ASKS = re.compile(
    r"\?|^\W*(?:(?:ok(?:ay)?|wait|but|and|so|hmm+|hey|hang on|hold on|first|also|actually|well|quick question)\W+)*"
    r"(?:what|how|who|whose|which|why|when|where|do|does|did|is|are|am|can|could|should|will|would|tell me|compare|explain)\b"
)
SHORT_WORDS = 7

# Intents that leave the questionnaire, that stand beside it, and that lead back to it.
LEAVE = frozenset({"stop", "start_over"})
ASIDE = frozenset(
    "abuse bot_challenge capabilities chitchat feedback_negative feedback_positive goodbye greet shorter source thanks".split()
)
GOING_ON = frozenset({"affirm", QUIZ_INTENT})


# What denies the words behind it, so many of them; alone or with one word more, "no" is an answer.
DENIAL = re.compile(r"no|not|never|none|nothing|without|hate|dislike|neither|nor|\w+n'?t", re.IGNORECASE)
REACH = 3
BARE_WORDS = 1


class Move(Enum):
    """What a message does in the questionnaire."""

    ANSWER = "answer"
    GO_ON = "go on"
    UNCLEAR = "unclear"
    INTERRUPT = "interrupt"


@dataclass(frozen=True)
class Reading:
    """A message, as the questionnaire reads it.

    Attributes:
        move: what it does.
        question: the id of the question it answers; empty for other moves.
        options: the ids of the options it chooses; ``unsure`` alone where the person does not know.
    """

    move: Move
    question: str = ""
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class Result:
    """What the answers speak for.

    Attributes:
        ranking: every role with its points, the most first.
        reasons: for each role, the reasons that were given for it.
    """

    ranking: list[tuple[str, int]]
    reasons: dict[str, list[Statement]]

    @property
    def leading(self) -> tuple[str, ...]:
        """The role with the most points, and those close to it; none where nothing speaks for any."""
        best = self.ranking[0][1]
        return tuple(role for role, points in self.ranking if points and best - points <= CLOSE)


class Quiz:
    """The questionnaire of one knowledge."""

    def __init__(self, knowledge: Knowledge) -> None:
        """Take the questionnaire of this knowledge. Raises ValueError where it has none."""
        if knowledge.questionnaire is None:
            raise ValueError("the knowledge has no questionnaire")
        self.knowledge = knowledge
        self.content = knowledge.questionnaire
        self.questions: dict[str, QuizQuestion] = {question.id: question for question in self.content.questions}

    def suggestions(self, question: QuizQuestion) -> list[tuple[str, str]]:
        """Titles and payloads of the answers to tap, "not sure" last."""
        options = [(option.title, payload(question.id, option.id)) for option in question.options]
        return [*options, (self.content.unsure, payload(question.id, UNSURE))]

    # -- reading ----------------------------------------------------------------------------------------------------------

    def read(self, message: Message, waiting: str) -> Reading:
        """What a message does while a question waits for its answer.

        Args:
            message: what the person said.
            waiting: the id of the question.
        """
        if message.chosen is not None:
            return self.read_choice(message.chosen)
        if message.tapped is not None:
            return Reading(Move.INTERRUPT)
        if rating(message.text) is not None:
            return Reading(Move.INTERRUPT)
        if pick(message.text) is not None:
            # The number of an option is a choice by now; this one is of none.
            return Reading(Move.UNCLEAR)
        text = _plain(message)
        short = len(text.split()) <= SHORT_WORDS
        chosen = self.matching(self.questions[waiting], NOT_SURE.sub(" ", text))
        if short and not chosen and not _asks_known(message) and (SKIPS.match(text) or NOT_SURE.search(text)):
            return Reading(Move.ANSWER, waiting, (UNSURE,))
        if short and GO_ON.search(text) and not chosen and not ASKS.search(text) and not STOPS.search(text):
            return Reading(Move.GO_ON)
        head = message.parts[0] if message.parts else None
        sure = head is not None and head.decision == "answer"
        if sure and message.intent in LEAVE:
            return Reading(Move.INTERRUPT)
        if ASKS.search(text) and not (chosen and not _asks_known(message)):
            back = message.intent == QUIZ_INTENT or (short and GO_ON.search(text))
            return Reading(Move.GO_ON if back else Move.INTERRUPT)
        if chosen:
            return Reading(Move.ANSWER, waiting, chosen)
        if NOT_SURE.search(text):
            return Reading(Move.ANSWER, waiting, (UNSURE,))
        if sure and message.intent in ASIDE:
            return Reading(Move.INTERRUPT)
        if message.intent in GOING_ON:
            return Reading(Move.GO_ON)
        return Reading(Move.INTERRUPT if sure else Move.UNCLEAR)

    def read_choice(self, chosen: str) -> Reading:
        """What a tapped answer (``question.option``), or a tapped "go on" (empty), does."""
        question, _, option = chosen.partition(".")
        known = question in self.questions and option in {UNSURE, *(item.id for item in self.questions[question].options)}
        return Reading(Move.ANSWER, question, (option,)) if known else Reading(Move.GO_ON)

    def matching(self, question: QuizQuestion, text: str) -> tuple[str, ...]:
        """The options whose words a text has most of; several where they are level."""
        words = re.findall(r"[\w']+", text)
        points = {option.id: _points(option, words, text) for option in question.options}
        best = max(points.values())
        return tuple(name for name, value in points.items() if value == best) if best else ()

    # -- the result -------------------------------------------------------------------------------------------------------

    def result(self, answers: Mapping[str, str]) -> Result:
        """What answers speak for.

        Args:
            answers: by question id the chosen options, joined by ``+``.
        """
        points = dict.fromkeys(self.knowledge.roles, 0)
        reasons: dict[str, list[Statement]] = {role: [] for role in points}
        for question in self.content.questions:
            chosen = answers.get(question.id, UNSURE).split("+")
            for option in question.options:
                if option.id in chosen:
                    for role, reason in option.speaks_for.items():
                        points[role] += reason.weight
                        reasons[role].append(reason)
        return Result(sorted(points.items(), key=lambda item: -item[1]), reasons)


def payload(question: str, option: str) -> str:
    """The payload of an answer's button."""
    return f"{PAYLOAD}{json.dumps({'answer': f'{question}.{option}'}, separators=(',', ':'))}"


def choice_from_payload(text: str) -> str | None:
    """The answer that a payload gives: ``question.option``, empty for the payload that starts or resumes, None for any other text."""
    match = re.fullmatch(rf'{PAYLOAD}(?:\{{"answer": ?"([a-z][a-z0-9_]*\.[a-z][a-z0-9_]*)"\}})?', text.strip())
    return (match.group(1) or "") if match else None


def _plain(message: Message) -> str:
    # The cleaned text of the language understanding has typing errors mended; it is cut where several questions were found.
    return (message.parts[0].text if len(message.parts) == 1 else message.text).lower().replace("’", "'")


def _asks_known(message: Message) -> bool:
    """Whether a message is surely a question that can be answered."""
    return any(part.decision == "answer" and part.topic is not None for part in message.parts)


def _points(option: QuizOption, words: list[str], text: str) -> int:
    """How many words of the option stand in a text; a phrase counts as many as it has. What is denied does not count."""
    phrases = [phrase for phrase in option.words if " " in phrase and _says(phrase, text)]
    meant = words if len(words) <= BARE_WORDS else [word for index, word in enumerate(words) if not _denied(words, index)]
    single = [phrase for phrase in option.words if " " not in phrase and _stands_in(phrase, meant, option.words)]
    return sum(len(phrase.split()) for phrase in phrases) + len(single)


def _says(phrase: str, text: str) -> bool:
    """Whether a phrase stands in a text and is not denied there."""
    found = re.search(rf"\b{re.escape(phrase)}\b", text)
    before = re.findall(r"[\w']+", text[: found.start()]) if found else []
    return found is not None and not _denied([*before, phrase], len(before))


def _denied(words: list[str], index: int) -> bool:
    """Whether a word is a denial itself or stands behind one: "I don't like maths", "no master"."""
    return any(DENIAL.fullmatch(word) for word in words[max(0, index - REACH) : index + 1])


def _stands_in(phrase: str, words: list[str], known: list[str]) -> bool:
    """Whether a word is among those typed, with a typing error perhaps; the first letter is seldom wrong."""
    if phrase in words:
        return True
    typed = [word for word in words if len(word) >= FUZZY_LENGTH and word[0] == phrase[0] and word not in known]
    return len(phrase) >= FUZZY_LENGTH and any(fuzz.ratio(word, phrase) >= FUZZY_RATIO for word in typed)
