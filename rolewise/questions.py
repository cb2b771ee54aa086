"""What a person asks: a topic, the roles, an aspect, a place and a level. Nothing here knows an answer or Rasa."""

from __future__ import annotations

import json
import re
from collections.abc import Container, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

COMPARE = "compare"
OVERALL = "overall"
INTENT_PREFIX = "ask_"


# So many of the claims that are nearest to a question are remembered.
KEPT_EVIDENCE = 8


@dataclass(frozen=True)
class Evidence:
    """A claim of the knowledge and how likely it answers a message.

    Attributes:
        subject: the id of its subject.
        claim: its place among the subject's facts and, behind them, gaps, from 0.
        score: the log-odds that it answers the message, its tags not counted.
        opening: what answers the message before the claim does: "Yes", "Hardly"; or None.
        exact: whether it answers the very question.
    """

    subject: str
    claim: int
    score: float
    opening: str | None = None
    exact: bool = True

    def as_list(self) -> list[Any]:
        """The evidence as plain data."""
        return [self.subject, self.claim, self.score, self.opening, self.exact]

    @classmethod
    def from_list(cls, data: list[Any]) -> Evidence:
        """The evidence that :meth:`as_list` gave."""
        return cls(str(data[0]), int(data[1]), float(data[2]), data[3], bool(data[4]))


@dataclass(frozen=True)
class Question:
    """One question.

    Attributes:
        topic: a topic id of the knowledge.
        roles: role ids in the order they were named; empty where none was.
        aspect: only with topic ``compare``: ``overall`` or a topic id; otherwise None.
        country: a country code of the knowledge, or None.
        level: a level id of the knowledge, or None.
        subjects: ids of the specific things asked about, the surest first; empty where the topic in general is asked about.
        form: how it is asked: ``how_much``, ``yes_no`` (see :data:`rolewise.knowledge.model.Form`), or None.
        evidence: the claims of the knowledge nearest to the message; what is the same question does not depend on it.
        whole: whether the answer about the whole topic answers what was asked.
        words: what was asked, in the person's words, to be named where no source answers it; or None.
    """

    topic: str
    roles: tuple[str, ...] = ()
    aspect: str | None = None
    country: str | None = None
    level: str | None = None
    subjects: tuple[str, ...] = ()
    form: str | None = None
    evidence: tuple[Evidence, ...] = field(default=(), compare=False, repr=False)
    whole: bool = field(default=True, compare=False, repr=False)
    words: str | None = field(default=None, compare=False, repr=False)

    def normal(self) -> Question:
        """The same question in its one spelling: a comparison on a topic is that topic with several roles."""
        if self.topic != COMPARE:
            return replace(self, aspect=None) if self.aspect else self
        if self.aspect and self.aspect != OVERALL and len(self.roles) != 1:
            return replace(self, topic=self.aspect, aspect=None)
        return replace(self, aspect=OVERALL)

    def carried(self, roles: Iterable[str], country: str | None, level: str | None) -> Question:
        """The same question for others: what was nearest to its message is not what is nearest now."""
        return replace(self, roles=tuple(roles), country=country, level=level, evidence=(), whole=True)

    def as_dict(self) -> dict[str, Any]:
        """The question as the card and the batch interface show it: topic, roles, aspect, subjects, form."""
        return {
            "topic": self.topic,
            "roles": list(self.roles),
            "aspect": self.aspect,
            "subjects": list(self.subjects),
            "form": self.form,
        }

    def payload(self) -> str:
        """The question as a button's payload, which Rasa reads as an intent with entities."""
        entities: dict[str, Any] = {}
        if self.roles:
            entities["role"] = list(self.roles)
        if self.aspect and self.aspect != OVERALL:
            entities["aspect"] = self.aspect
        if self.country:
            entities["country"] = self.country
        if self.level:
            entities["level"] = self.level
        if self.subjects:
            entities["subject"] = list(self.subjects)
            if self.form:
                entities["form"] = self.form
        return f"/{INTENT_PREFIX}{self.topic}" + (json.dumps(entities, separators=(",", ":")) if entities else "")

    def store(self) -> dict[str, Any]:
        """The question as plain data, for a slot: what it takes to say its answer again. The person's words are not kept."""
        evidence = [item.as_list() for item in self.evidence[:KEPT_EVIDENCE]]
        return {**self.as_dict(), "country": self.country, "level": self.level, "evidence": evidence, "whole": self.whole}

    @classmethod
    def restore(cls, data: dict[str, Any]) -> Question:
        """The question that :meth:`store` gave. Raises KeyError or TypeError for other data."""
        (topic,) = _texts([data["topic"]])
        aspect, country, level, form = (_text_or_none(data.get(key)) for key in ("aspect", "country", "level", "form"))
        subjects, evidence = _texts(data.get("subjects", ())), _evidence(data.get("evidence", ()))
        return cls(topic, _texts(data["roles"]), aspect, country, level, subjects, form, evidence, bool(data.get("whole", True)))


@dataclass(frozen=True)
class SubjectGuess:
    """A subject that a part of a message may be about, how sure the matcher is, 0 to 1, and whether that is sure enough to answer."""

    id: str
    confidence: float
    sure: bool = False


@dataclass(frozen=True)
class Guess:
    """A topic that a part of a message may be about, and how sure the classifier is, 0 to 1."""

    intent: str
    confidence: float

    @property
    def topic(self) -> str | None:
        """The topic id, or None for an intent that is no question."""
        return self.intent[len(INTENT_PREFIX) :] if self.intent.startswith(INTENT_PREFIX) else None


@dataclass(frozen=True)
class Part:
    """One question of a message, as the language understanding saw it.

    Attributes:
        text: the part of the cleaned message.
        guesses: the best intents first.
        decision: ``answer`` above the threshold, ``ask`` between the two, ``decline`` below both.
        roles: role ids named in it, in order.
        others: other job titles named in it.
        origins: those of them that somebody comes from ("I am a nurse").
        targets: those of them that somebody wants to become.
        topics: topics named in it by one of their aliases.
        countries: country codes named in it.
        levels: level ids named in it.
        places: the words that named the countries, lower case: "london".
        cues: the dialogue cues found in it (see :mod:`rolewise.nlu.cues`).
        subjects: the subjects it may be about, the surest first.
        form: how it is asked.
        evidence: the claims nearest to it, the nearest first.
        whole: whether the answer about the whole of its best topic answers it.
        scope: how sure it is that it is for this assistant, 0 to 1.
    """

    text: str
    guesses: tuple[Guess, ...]
    decision: str
    roles: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    cues: frozenset[str] = frozenset()
    subjects: tuple[SubjectGuess, ...] = ()
    form: str | None = None
    evidence: tuple[Evidence, ...] = ()
    whole: bool = True
    scope: float = 1.0

    @property
    def asked(self) -> tuple[str, ...]:
        """The ids of the subjects that it surely asks about."""
        return tuple(guess.id for guess in self.subjects if guess.sure)

    @property
    def best(self) -> Guess:
        """The best guess."""
        return self.guesses[0] if self.guesses else Guess("", 0.0)

    @property
    def topic(self) -> str | None:
        """The best guess's topic, or None."""
        return self.best.topic

    def as_dict(self) -> dict[str, Any]:
        """The part as plain data, for the NLU output."""
        return {
            "text": self.text,
            "topic": self.topic,
            "guesses": [{"name": guess.intent, "confidence": guess.confidence} for guess in self.guesses],
            "decision": self.decision,
            "roles": list(self.roles),
            "others": list(self.others),
            "origins": list(self.origins),
            "targets": list(self.targets),
            "topics": list(self.topics),
            "countries": list(self.countries),
            "levels": list(self.levels),
            "places": list(self.places),
            "cues": sorted(self.cues),
            "subjects": [{"id": guess.id, "confidence": guess.confidence, "sure": guess.sure} for guess in self.subjects],
            "form": self.form,
            "evidence": [item.as_list() for item in self.evidence],
            "whole": self.whole,
            "scope": self.scope,
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Part:
        """The part that :meth:`as_dict` gave."""
        return cls(
            data["text"],
            tuple(Guess(guess["name"], float(guess["confidence"])) for guess in data["guesses"]),
            data["decision"],
            tuple(data["roles"]),
            tuple(data["others"]),
            tuple(data["origins"]),
            tuple(data["targets"]),
            tuple(data["topics"]),
            tuple(data["countries"]),
            tuple(data["levels"]),
            tuple(data["places"]),
            frozenset(data["cues"]),
            tuple(SubjectGuess(guess["id"], float(guess["confidence"]), bool(guess["sure"])) for guess in data.get("subjects", ())),
            data.get("form"),
            _evidence(data.get("evidence", ())),
            bool(data.get("whole", True)),
            float(data.get("scope", 1.0)),
        )


@dataclass(frozen=True)
class Message:
    """A message as the dialogue sees it.

    Attributes:
        text: what the person typed or tapped.
        intent: the best intent, never ``nlu_fallback``.
        parts: one or more parts; none for a tapped button.
        tapped: the question of a tapped button, or None.
        companies: companies named.
        chosen: an answer tapped in the questionnaire, ``question.option``; empty for its start and its resumption; else None.
        rated: the id of the answer that is rated by a button; None where words rate the last one.
        reason: why it is rated so, where a button said it.
    """

    text: str
    intent: str
    parts: tuple[Part, ...] = ()
    tapped: Question | None = None
    companies: tuple[str, ...] = ()
    chosen: str | None = None
    rated: str | None = None
    reason: str | None = None


def unique(items: Iterable[str]) -> tuple[str, ...]:
    """The items without repetition, first mention first."""
    return tuple(dict.fromkeys(items))


@dataclass
class Context:
    """What a conversation remembers; stored as plain data in the slot ``context`` and gone with the session.

    Attributes:
        questions: the questions last answered.
        roles: the roles last talked about, in order of mention.
        mentioned: all roles of the conversation, the latest last.
        asked: ``topic:role,role`` keys of what was answered, for suggestions that are new, and to go back to.
        offered: the questions offered to tap last, with their titles, in order.
        country, level: carried over until another one, or a topic without figures, comes.
        unsure: how many messages in a row were not understood.
        answers: how many answers were given, for their ids.
        answer_id: the id of the last answer.
        pending: the topic of a question that waits for its role.
        shown: how the last answer was shown: ``normal``, ``short`` or ``full``.
        note: what the last answer assumed, or the last special act.
        quiz: the question of the questionnaire that waits for its answer, while it runs.
        result: the answers to the questionnaire, where its result was the last answer.
        rating: the last rating: ``answer_id``, ``value`` (``up`` or ``down``) and ``reason`` (a text or None).
    """

    questions: list[Question] = field(default_factory=list)
    roles: tuple[str, ...] = ()
    mentioned: tuple[str, ...] = ()
    asked: list[str] = field(default_factory=list)
    offered: list[tuple[str, str]] = field(default_factory=list)
    country: str | None = None
    level: str | None = None
    unsure: int = 0
    answers: int = 0
    answer_id: str | None = None
    pending: str | None = None
    shown: str = "normal"
    note: str | None = None
    quiz: str | None = None
    result: dict[str, str] = field(default_factory=dict)
    rating: dict[str, Any] | None = None

    @property
    def topic(self) -> str | None:
        """The topic last answered."""
        return self.questions[-1].topic if self.questions else None

    def store(self) -> dict[str, Any]:
        """The context as plain data, for the slot."""
        return {
            "questions": [question.store() for question in self.questions],
            "roles": list(self.roles),
            "mentioned": list(self.mentioned),
            "asked": self.asked[-60:],
            "offered": [list(item) for item in self.offered],
            "country": self.country,
            "level": self.level,
            "unsure": self.unsure,
            "answers": self.answers,
            "answer_id": self.answer_id,
            "pending": self.pending,
            "shown": self.shown,
            "note": self.note,
            "quiz": self.quiz,
            "result": self.result,
            "rating": self.rating,
        }

    @classmethod
    def restore(cls, data: Any) -> Context:
        """The context that :meth:`store` gave; an empty one for None or for data that does not fit."""
        try:
            context = cls(
                [Question.restore(question) for question in data["questions"]],
                _texts(data["roles"]),
                _texts(data["mentioned"]),
                list(_texts(data["asked"])),
                [_pair(item) for item in data["offered"]],
                _text_or_none(data["country"]),
                _text_or_none(data["level"]),
                int(data["unsure"]),
                int(data["answers"]),
                _text_or_none(data["answer_id"]),
                _text_or_none(data["pending"]),
                str(data["shown"]),
                _text_or_none(data["note"]),
                _text_or_none(data["quiz"]),
                dict(_pair(item) for item in data["result"].items()),
                None if data["rating"] is None else dict(data["rating"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError):
            return cls()
        return context

    def keep_known(self, topics: Container[str], roles: Container[str], subjects: Container[str]) -> Context:
        """Forget what names a topic, a role or a subject that the knowledge no longer has, after a new model came in."""
        known = [q for q in self.questions if q.topic in topics and all(role in roles for role in q.roles)]
        self.questions = [replace(q, subjects=tuple(subject for subject in q.subjects if subject in subjects)) for q in known]
        self.pending = self.pending if self.pending in topics else None
        self.roles = tuple(role for role in self.roles if role in roles)
        self.mentioned = tuple(role for role in self.mentioned if role in roles)
        tapped = [(item, question_from_payload(item[1])) for item in self.offered]
        self.offered = [
            item
            for item, q in tapped
            if q is None or (q.topic in topics and all(role in roles for role in q.roles) and all(one in subjects for one in q.subjects))
        ]
        return self


def _evidence(data: Any) -> tuple[Evidence, ...]:
    try:
        return tuple(map(Evidence.from_list, data))
    except (IndexError, ValueError) as error:
        raise TypeError("no evidence") from error


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)) or not all(isinstance(item, str) for item in value):
        raise TypeError("not a list of texts")
    return tuple(value)


def _text_or_none(value: Any) -> str | None:
    if value is not None and not isinstance(value, str):
        raise TypeError("not a text")
    return value


def _pair(value: Any) -> tuple[str, str]:
    title, payload = _texts(value)
    return title, payload


def question_from_payload(payload: str) -> Question | None:
    """The question of a button's payload, or None where it is no question that a button could ask."""
    match = re.fullmatch(rf"/{INTENT_PREFIX}([a-z][a-z0-9_]*)(\{{.*\}})?", payload.strip())
    if not match:
        return None
    try:
        data = json.loads(match.group(2) or "{}")
    except (ValueError, RecursionError):
        return None
    if not isinstance(data, dict) or set(data) - {"role", "aspect", "country", "level", "subject", "form"}:
        return None
    named = [data.get(key, []) for key in ("role", "subject")]
    roles, subjects = ([item] if isinstance(item, str) else item for item in named)
    if not all(isinstance(item, list) and all(isinstance(one, str) for one in item) for item in (roles, subjects)):
        return None
    aspect, country, level, form = rest = [data.get(key) for key in ("aspect", "country", "level", "form")]
    if not all(value is None or isinstance(value, str) for value in rest):
        return None
    return Question(match.group(1), tuple(roles), aspect, country, level, tuple(subjects), form)
