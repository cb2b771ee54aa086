"""From classified pieces to the questions of a message: answer, ask back or decline, and one question or several."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from rolewise.nlu.cues import JOINED, VARIANTS, cues
from rolewise.nlu.intent_model import IntentModel
from rolewise.nlu.names import BESIDE, COUNTRY, LEVEL, OTHER_TITLE, ROLE, TOPIC
from rolewise.nlu.split import SHORT_PIECE_WORDS, Piece
from rolewise.questions import INTENT_PREFIX, Guess, Part, unique

OUT_OF_SCOPE = "out_of_scope"
FOLLOW_UP, START_QUIZ = "follow_up", "start_quiz"
CHOOSE = "choose"
ANSWER, ASK, DECLINE = "answer", "ask", "decline"

# A message of more words than this rambles: the roles are those of its last question.
LONG_MESSAGE_WORDS = 22
# How sure a question must be that stands behind "what about <role>".
AFTER_ROLE = 0.35

# What stands before a role that is ruled out: "not MLE, SWE".
RULED_OUT = re.compile(r"\b(?:not|instead of|rather than|except)\s+(?:an?\s+|the\s+|as\s+an?\s+)?$")

Ranking = list[tuple[str, float]]


def parts_of(
    found: list[Piece],
    vectors: np.ndarray,
    model: IntentModel,
    english: bool,
    ngram_text: Callable[[Piece], str],
    length: int,
) -> list[Part]:
    """The questions of a message, at least one.

    Args:
        found: the whole message first, then the pieces of it that may be questions of their own.
        vectors: their sentence vectors, one row each.
        model: the trained intent model.
        english: False where the message is taken for another language: then nothing is answered.
        ngram_text: gives the text of a piece as the n-grams see it.
        length: how many guesses to keep.
    """
    probabilities = model.probabilities([ngram_text(piece) for piece in found], vectors)
    rankings = list(map(_listed, found, model.rank_from(probabilities, vectors, length)))
    parts = [_part(piece, ranking, _decide(ranking, model, english)) for piece, ranking in zip(found, rankings, strict=True)]
    several = _several(parts[1:], found[1:])
    if several:
        return several
    asked = [index for index in range(1, len(found)) if found[index].question]
    sure = [index for index in asked if parts[index].decision == ANSWER and parts[index].topic]
    behind = parts[asked[-1]] if asked else None
    if behind and behind.best.intent == START_QUIZ and behind.decision == ANSWER and {part.topic for part in parts} <= {None, CHOOSE}:
        # "am I more of this or of that? which role suits me": the last sentence is what is wanted.
        return [behind]
    if parts[0].best.intent == FOLLOW_UP and behind and behind.topic and not behind.roles and behind.best.confidence >= AFTER_ROLE:
        # "what about data scientists, what do they do": the role comes first, the question after it.
        return [replace(behind, roles=parts[0].roles, decision=ANSWER)]
    if parts[0].decision != ANSWER and not sure and asked and parts[asked[-1]].best.intent == FOLLOW_UP:
        return [replace(parts[asked[-1]], roles=parts[asked[-1]].roles or parts[0].roles)]
    head = parts[0]
    if len(found) > 1:
        ranking = _voted(probabilities, vectors, model, length)
        head = replace(head, guesses=_guesses(ranking), decision=_decide(ranking, model, english))
        if asked and len(head.text.split()) > LONG_MESSAGE_WORDS:
            head = replace(head, roles=parts[asked[-1]].roles or head.roles)
    if head.decision != ANSWER and len(sure) == 1:
        # One part is clear and the rest is not: better one answer than none.
        return [replace(parts[sure[0]], roles=parts[sure[0]].roles or parts[0].roles)]
    return [_topic_before_small_talk(head)]


def _listed(piece: Piece, ranking: Ranking) -> Ranking:
    """The ranking of a piece; one of several listed topics asks about that one, whatever the roles beside it suggest."""
    best, confidence = ranking[0]
    named = [f"{INTENT_PREFIX}{mention.id}" for mention in piece.mentions if mention.label == TOPIC]
    # What is not for this assistant stays so.
    if piece.kind != "topics" or not best.startswith(INTENT_PREFIX) or len(named) != 1 or named[0] not in dict(ranking):
        return ranking
    return [(named[0], confidence), *(item for item in ranking if item[0] != named[0])]


def _voted(probabilities: np.ndarray, vectors: np.ndarray, model: IntentModel, length: int) -> Ranking:
    """The ranking of a whole message and its pieces together: each piece speaks as loud as it is sure, the whole fully.

    The situation mostly comes first and the question last, but not always: which of them says what is asked, its own sureness tells.
    """
    loud = (probabilities[1:] ** 2).sum(axis=1)
    mixed = (probabilities[0] + loud @ probabilities[1:]) / (1 + loud.sum())
    return max(model.rank_from(np.repeat(mixed[None, :], len(vectors), axis=0), vectors, length), key=lambda item: item[0][1])


def _decide(ranking: Ranking, model: IntentModel, english: bool) -> str:
    name, confidence = ranking[0]
    if name == OUT_OF_SCOPE or not english:
        return DECLINE
    if confidence >= model.thresholds.answer:
        return ANSWER
    return ASK if confidence >= model.thresholds.ask else DECLINE


def _guesses(ranking: Ranking) -> tuple[Guess, ...]:
    """The guesses, none surer than the one before it."""
    found: list[Guess] = []
    for name, confidence in ranking:
        found.append(Guess(name, min(confidence, found[-1].confidence) if found else confidence))
    return tuple(found)


def _part(piece: Piece, ranking: Ranking, decision: str) -> Part:
    def named(label: str) -> tuple[str, ...]:
        return unique(mention.id for mention in piece.mentions if mention.label == label)

    mentioned = [mention for mention in piece.mentions if mention.label == ROLE]
    kept = [mention for mention in mentioned if not RULED_OUT.search(piece.text[: mention.start])]
    roles = unique(mention.id for mention in (kept or mentioned))
    origins, targets = piece.directions()
    found = cues(piece.text)
    if len(roles) == 1 and len({mention.text for mention in mentioned if mention.id in roles}) > 1:
        found |= {VARIANTS}
    if any(_joined(piece.text[first.end : second.start]) for first, second in itertools.pairwise(mentioned)):
        found |= {JOINED}
    return Part(
        text=piece.text,
        guesses=_guesses(ranking),
        decision=decision,
        roles=roles,
        others=named(OTHER_TITLE),
        origins=origins,
        targets=targets,
        topics=named(TOPIC),
        countries=named(COUNTRY),
        levels=named(LEVEL),
        places=unique(mention.text.lower() for mention in piece.mentions if mention.label == COUNTRY),
        cues=found,
    )


def _joined(between: str) -> bool:
    words = re.findall(r"[\w.]+|[^\w\s]", between)
    return len(words) <= 4 and all(word in BESIDE for word in words)


def _topic_before_small_talk(part: Part) -> Part:
    """Unsure small talk that names a role or a topic is read as the question it may be."""
    if part.topic is None and part.decision == ASK and (part.roles or part.topics) and part.best.intent != FOLLOW_UP:
        topics = [guess for guess in part.guesses if guess.topic]
        if topics:
            return replace(part, guesses=(*topics, *(guess for guess in part.guesses if not guess.topic)))
    return part


def _several(parts: list[Part], found: list[Piece]) -> list[Part]:
    """The parts when they are questions of their own: with different topics, at least one of them sure."""
    kept: list[Part] = []
    for part, piece in zip(parts, found, strict=True):
        names_topic = part.topic in part.topics
        if part.topic is None or part.decision == DECLINE or (part.decision == ASK and not names_topic):
            continue
        if not piece.question and piece.kind != "topics" and not (names_topic and len(piece.text.split()) <= SHORT_PIECE_WORDS):
            continue
        if any(other.topic == part.topic and set(other.roles) == set(part.roles) for other in kept):
            continue
        kept.append(part)
    if not any(part.decision == ANSWER for part in kept):
        return []
    kept = [replace(part, decision=ANSWER) for part in kept]
    return kept if len({part.topic for part in kept}) >= 2 or (len(kept) >= 2 and all(part.roles for part in kept)) else []
