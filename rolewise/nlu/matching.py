"""Which subjects a message is about, how sure that is, how it is asked, and which claims are nearest to it.

A linear ranker over what the index says; its weights come from ``bench/fit_matching.py``, which fits them to labelled messages.
It knows no Rasa.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np

from rolewise.knowledge import Knowledge
from rolewise.knowledge.model import Form
from rolewise.nlu.subject_index import ASK, NAME, TEXT, TITLE, Best, FloatArray, SubjectIndex, broad_questions, topic_questions, words
from rolewise.questions import Evidence, Part, SubjectGuess

# So many subjects are looked at closely.
CANDIDATES = 30
# So many subjects and claims are kept for the dialogue.
KEPT_SUBJECTS, KEPT_CLAIMS = 4, 16
# A question of the knowledge that is answered by yes or no counts as the one that was asked where so much of its words is in the message,
# and so much of all words is in both: nearness by meaning does not tell "too late" from "in time".
SAID, SHARED = 0.8, 0.4
# The intent of what is not for this assistant.
OUTSIDE = "out_of_scope"

FEATURES = (
    "ask",  # cosine to the nearest question about it
    "ask_second",  # to the second nearest
    "text",  # to the nearest claim
    "name",  # to the nearest name
    "words_ask",  # shared rare words with the nearest question
    "words_text",  # with the nearest claim
    "covered",  # share of the message's rare words that occur in what is said of the subject
    "named",  # 1 where a name of it is said
    "named_weight",  # how rare the words of that name are
    "topic",  # probability of its topics
    "ahead",  # how far its best cosine is ahead of, or behind, the best other one
    "named_alone",  # 1 where it is named and no other subject is
    "roles",  # 1 where the roles named are those that its claims speak of
    "form",  # cosine to the nearest question that a claim for the message's form answers
    "broad",  # how much nearer the message is to a question about a whole topic
)


# What tells whether a question is for this assistant at all.
SCOPE_FEATURES = (
    "confidence",  # of the classifier in its best intent (log-odds)
    "topic",  # of the best topic (log-odds)
    "outside",  # of out_of_scope (log-odds)
    "subject",  # of the best subject (log-odds)
    "runner_up",  # of the second (log-odds)
    "covered",  # share of the message's rare words that occur in what is said of the best subject
    "named",  # 1 where a name of the best subject is said
    "role",  # 1 where a role is named
    "title",  # 1 where another job title is named
    "length",  # logarithm of the number of words
    "ask",  # cosine to the nearest question about the best subject
    "words_ask",  # shared rare words with that question
)


# What tells whether a claim, or a topic's answer, answers the very question.
EXACT_FEATURES = (
    "ask",  # cosine to the nearest question that it answers
    "text",  # to its text
    "words_ask",  # shared rare words with the nearest question
    "words_text",  # with its text
    "said",  # share of the message's rare words that occur in what it says and answers
    "unsaid",  # the rarest word of the message that does not, as a share of the rarest there is
    "form",  # 1 where it is for the message's form
    "subject",  # confidence in its subject
    "length",  # logarithm of the number of words
    "whole",  # 1 where it is the answer about a whole topic
)


def expanded(features: FloatArray) -> FloatArray:
    """Features ``(k, n)`` with their products two by two behind them, ``(k, n + n (n + 1) / 2)``."""
    first, second = np.triu_indices(features.shape[1])
    return np.hstack([features, features[:, first] * features[:, second]])


def same_question(message: str, question: str) -> bool:
    """Whether a message asks a question nearly word for word."""
    said, asked = (set(re.findall(r"[a-z0-9+#']+", text.lower())) for text in (message, question))
    both = len(said & asked)
    return both >= SAID * len(asked) and both >= SHARED * len(said | asked)


def log_odds(probability: float) -> float:
    """The logarithm of the odds, within what a few hundred examples can tell."""
    bounded = min(max(probability, 1e-3), 1 - 1e-3)
    return float(np.log(bounded / (1 - bounded)))


@dataclass(frozen=True)
class Weights:
    """What the ranker and the scope model have learned.

    Attributes:
        subject: a weight each of the expanded :data:`FEATURES`, and the intercept last.
        sure: from this confidence on a subject counts as asked about.
        scope: a weight each of the expanded :data:`SCOPE_FEATURES`, and the intercept last.
        answer: from this probability of being for the assistant on a question is answered.
        ask: from this one on it is asked back; below, declined.
        exact: a weight each of :data:`EXACT_FEATURES`, and the intercept last.
        answers: from this probability on a claim answers the very question; below, the answer says that no source does.
    """

    subject: tuple[float, ...]
    sure: float
    scope: tuple[float, ...]
    answer: float
    ask: float
    exact: tuple[float, ...] = (0.0,) * (len(EXACT_FEATURES) + 1)
    answers: float = 0.0

    @classmethod
    def load(cls, path: Path) -> Weights:
        """Read the weights. Raises OSError or ValueError."""
        data = json.loads(path.read_text(encoding="utf-8"))
        return cls(
            tuple(data["subject"]),
            data["sure"],
            tuple(data["scope"]),
            data["answer"],
            data["ask"],
            tuple(data["exact"]),
            data["answers"],
        )


@dataclass(frozen=True)
class Match:
    """What the matcher makes of one piece of a message."""

    subjects: tuple[SubjectGuess, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    covered: float = 0.0
    named: bool = False
    whole: bool = True
    ask: float = 0.0
    words_ask: float = 0.0


@dataclass
class Matcher:
    """Ranks the subjects and claims of one knowledge for a piece of a message."""

    knowledge: Knowledge
    index: SubjectIndex
    weights: Weights

    def __post_init__(self) -> None:
        index = self.index
        self._asks, self._names, self._texts = (Best(index, np.isin(index.kinds, one)) for one in ((ASK, TITLE), (NAME,), (TEXT,)))
        asking = np.flatnonzero(np.isin(index.kinds, (ASK, TITLE)))
        starts = np.searchsorted(index.subjects[asking], np.arange(index.count + 1))
        self._asking = [asking[starts[number] : starts[number + 1]] for number in range(index.count)]
        claims = np.searchsorted(index.subjects, np.arange(index.count + 1))
        self._entries = [range(claims[number], claims[number + 1]) for number in range(index.count)]
        self._forms = self._questions_by_form()
        self._rarest = max(index.idf.values(), default=1.0)
        self._claim_words = [
            [
                frozenset(words(" ".join([claim.text, *claim.asks, *claim.yes_no, subject.name, *subject.aliases])))
                for claim in (*subject.facts, *subject.gaps)
            ]
            for subject in self.knowledge.subjects
        ]
        asked = broad_questions(self.knowledge)
        self._broad = {topic: [asked.index(text) for text in own] for topic, own in topic_questions(self.knowledge).items()}
        self._broad_words = {
            topic: frozenset(words(" ".join([*own, *self.knowledge.topics[topic].aliases])))
            for topic, own in topic_questions(self.knowledge).items()
        }
        self._topics = [tuple(map(str, subject.topics)) for subject in self.knowledge.subjects]
        self._roles = [
            {role for claim in (*subject.facts, *subject.gaps) for role in (claim.roles or self.knowledge.roles)}
            for subject in self.knowledge.subjects
        ]

    def _questions_by_form(self) -> dict[str, Best]:
        """For each form, the questions that a claim for it answers."""
        forms = [[claim.forms for claim in (*subject.facts, *subject.gaps)] for subject in self.knowledge.subjects]
        asking = self.index.kinds == ASK
        found: dict[str, Best] = {}
        for form in get_args(Form):
            entries = zip(self.index.entries, asking, strict=True)
            wanted = [bool(asks) and form in forms[entry.subject][entry.claim] for entry, asks in entries]
            found[form] = Best(self.index, np.array(wanted, dtype=bool))
        return found

    def features(
        self, text: str, vector: FloatArray, topics: Mapping[str, float], roles: Sequence[str], form: str | None
    ) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """What speaks for each candidate.

        Args:
            text: the piece, cleaned.
            vector: its unit vector ``(d,)``.
            topics: probabilities of topics, 0 to 1.
            roles: the roles named in it.
            form: how it asks, or None.

        Returns:
            The candidates ``(k,)``, their features ``(k, len(FEATURES))``, and for each entry of the index its cosine and its share of
            words.
        """
        index = self.index
        cosines = index.cosines(vector)
        shared, covered = index.overlaps(text)
        named = index.named(text)

        asks, names, texts = self._asks(cosines), self._names(cosines), self._texts(cosines)
        word_asks, word_texts = self._asks(shared), self._texts(shared)
        rough = np.maximum(asks, np.maximum(names, texts)) + word_asks + 0.3 * covered
        rough[list(named)] += 1.0
        candidates = np.argsort(-rough, kind="stable")[:CANDIDATES]
        second = np.zeros(index.count, dtype=np.float32)
        for candidate in candidates:
            own = np.sort(cosines[self._asking[candidate]])
            second[candidate] = own[-2] if len(own) > 1 else 0.0
        top = np.maximum(asks, names)
        order = candidates[np.argsort(-top[candidates], kind="stable")]
        first, runner = float(top[order[0]]), float(top[order[1]]) if len(order) > 1 else 0.0
        columns = [
            *(values[candidates] for values in (asks, second, texts, names, word_asks, word_texts, covered)),
            np.array([float(number in named) for number in candidates]),
            np.array([named.get(number, 0.0) for number in candidates]) / 10,
            np.array([max(topics.get(topic, 0.0) for topic in self._topics[number]) for number in candidates]),
            np.where(top >= first, top - runner, top - first)[candidates],
            np.array([float(number in named and len(named) == 1) for number in candidates]),
            np.array([float(bool(roles) and set(roles) <= self._roles[number]) for number in candidates]),
            (self._forms[form](cosines) if form in self._forms else asks)[candidates],
            float((self.index.broad @ vector).max(initial=0.0)) - asks[candidates],
        ]
        return candidates, np.column_stack(columns).astype(np.float32), cosines, shared

    def match(self, text: str, vector: FloatArray, topics: Mapping[str, float], roles: Sequence[str], form: str | None) -> Match:
        """The subjects and claims nearest to a piece of a message; the arguments are those of :meth:`features`."""
        if not self.index.count:
            return Match()
        candidates, found, cosines, shared = self.features(text, vector, topics, roles, form)
        weights = np.array(self.weights.subject)
        confidence = 1.0 / (1.0 + np.exp(-(expanded(found) @ weights[:-1] + weights[-1])))
        order = np.argsort(-confidence, kind="stable")[:KEPT_SUBJECTS]
        # The best one is asked about where that is sure; a further one only where it is named, too: "Python or R".
        named = found[:, FEATURES.index("named")]
        # Nothing specific is asked about where the message is as near to the question about the whole of a topic.
        specific = found[order[0], FEATURES.index("broad")] < 0
        guesses = tuple(
            SubjectGuess(
                str(self.knowledge.subjects[candidates[place]].id),
                round(float(confidence[place]), 4),
                bool(specific and confidence[place] >= self.weights.sure and (number == 0 or named[place])),
            )
            for number, place in enumerate(order)
        )
        sure = {int(candidates[place]): float(confidence[place]) for place in order}
        rare = {word: self.index.idf[word] for word in set(words(text)) if word in self.index.idf}
        evidence = self._evidence(Said(text, rare, form, cosines, shared), sure)
        best = found[order[0]]
        whole = self._whole(text, vector, rare, topics)
        covered, ask, words_ask = (float(best[FEATURES.index(name)]) for name in ("covered", "ask", "words_ask"))
        return Match(guesses, evidence, covered, bool(named[order[0]]), whole, ask, words_ask)

    def _whole(self, text: str, vector: FloatArray, rare: Mapping[str, float], topics: Mapping[str, float]) -> bool:
        """Whether the answer about the whole of the likeliest topic answers the very question."""
        if not topics:
            return False
        topic = max(topics, key=lambda name: topics[name])
        near = [float(self.index.broad[number] @ vector) for number in self._broad.get(topic, ())]
        return self.exactly(self.whole_features(text, rare, max(near, default=0.0), self._broad_words.get(topic, frozenset())))

    def whole_features(self, text: str, rare: Mapping[str, float], near: float, said: frozenset[str]) -> list[float]:
        """What speaks for a topic's answer being the one asked for, in the order of :data:`EXACT_FEATURES`."""
        share, unsaid = self._shares(rare, said)
        return [near, 0.0, 0.0, 0.0, share, unsaid, 0.0, 0.0, float(np.log1p(len(text.split()))), 1.0]

    def _shares(self, rare: Mapping[str, float], said: frozenset[str]) -> tuple[float, float]:
        total = sum(rare.values())
        missing = [weight for word, weight in rare.items() if word not in said]
        return (1 - sum(missing) / total if total else 1.0), max(missing, default=0.0) / self._rarest

    def exactly(self, features: Sequence[float]) -> bool:
        """Whether a claim or an answer with these features answers the very question."""
        weights = np.array(self.weights.exact)
        return bool(1.0 / (1.0 + np.exp(-(np.array(features) @ weights[:-1] + weights[-1]))) >= self.weights.answers)

    def scope_features(self, part: Part, match: Match) -> FloatArray:
        """What speaks for a question being for this assistant, ``(1, len(SCOPE_FEATURES))``."""
        confidences = {guess.intent: guess.confidence for guess in part.guesses}
        subjects = [guess.confidence for guess in match.subjects]
        return np.array(
            [
                [
                    log_odds(part.best.confidence),
                    log_odds(max((guess.confidence for guess in part.guesses if guess.topic), default=0.0)),
                    log_odds(confidences.get(OUTSIDE, 0.0)),
                    log_odds(subjects[0] if subjects else 0.0),
                    log_odds(subjects[1] if len(subjects) > 1 else 0.0),
                    match.covered,
                    float(match.named),
                    float(bool(part.roles)),
                    float(bool(part.others)),
                    float(np.log1p(len(part.text.split()))),
                    match.ask,
                    match.words_ask,
                ]
            ]
        )

    def scope(self, part: Part, match: Match) -> float:
        """How sure it is that a question is for this assistant, 0 to 1."""
        weights = np.array(self.weights.scope)
        return float(1.0 / (1.0 + np.exp(-(expanded(self.scope_features(part, match)) @ weights[:-1] + weights[-1])))[0])

    def claim_features(self, said: Said, subject: int, confidence: float) -> dict[int, list[float]]:
        """What speaks for each claim of a subject being the one asked for, by its place, in the order of :data:`EXACT_FEATURES`."""
        index = self.index
        claims = (*self.knowledge.subjects[subject].facts, *self.knowledge.subjects[subject].gaps)
        found: dict[int, list[float]] = {}
        for number in self._entries[subject]:
            entry = index.entries[number]
            if entry.claim < 0:
                continue
            row = found.setdefault(entry.claim, [0.0] * len(EXACT_FEATURES))
            first = 0 if entry.kind == ASK else 1
            row[first] = max(row[first], float(said.cosines[number]))
            row[first + 2] = max(row[first + 2], float(said.shared[number]))
        for place, row in found.items():
            share, unsaid = self._shares(said.rare, self._claim_words[subject][place])
            row[4:9] = [share, unsaid, float(said.form in claims[place].forms), confidence, float(np.log1p(len(said.text.split())))]
        return found

    def _evidence(self, said: Said, subjects: Mapping[int, float]) -> tuple[Evidence, ...]:
        """The claims of some subjects, by their confidence, that are nearest to the message."""
        found: list[tuple[float, int, int, bool]] = []
        for subject, confidence in subjects.items():
            for claim, row in self.claim_features(said, subject, confidence).items():
                score = max(row[0] + 0.3 * row[2], 0.9 * row[1] + 0.3 * row[3])
                found.append((-score, subject, claim, self.exactly(row)))
        return tuple(
            Evidence(str(self.knowledge.subjects[subject].id), claim, round(-score, 4), self._opening(said.text, subject, claim), exact)
            for score, subject, claim, exact in sorted(found)[:KEPT_CLAIMS]
        )

    def _opening(self, text: str, subject: int, claim: int) -> str | None:
        """What answers a message before a claim does, where the message asks one of its yes-or-no questions."""
        subject_ = self.knowledge.subjects[subject]
        asked = (*subject_.facts, *subject_.gaps)[claim].yes_no
        return next((str(opening) for question, opening in asked.items() if same_question(text, question)), None)


@dataclass(frozen=True)
class Said:
    """A message beside the index: its rare words with their weights, its form, and its nearness to each entry."""

    text: str
    rare: Mapping[str, float]
    form: str | None
    cosines: FloatArray
    shared: FloatArray
