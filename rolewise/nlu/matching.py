"""Which subjects a message is about, how sure that is, how it is asked, and which claims are nearest to it.

A linear ranker over what the index says; its weights come from ``bench/fit_matching.py``, which fits them to labelled messages.
It knows no Rasa.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

import numpy as np

from rolewise.fitting import Fitting
from rolewise.knowledge import Knowledge
from rolewise.knowledge.model import Form
from rolewise.nlu.claim_ranker import ClaimRanker, Nearness, Said, expanded, likely, log_odds
from rolewise.nlu.subject_index import ASK, TITLE, ByGroup, FloatArray, SubjectIndex, words
from rolewise.questions import Evidence, Part, SubjectGuess

# So many subjects are looked at closely.
CANDIDATES = 30
# So many subjects and claims are kept for the dialogue.
KEPT_SUBJECTS, KEPT_CLAIMS = 4, 16
# Odds beyond this, as logarithms, say no more.
LARGEST = 7.0
# A question of the knowledge that is answered by yes or no counts as the one that was asked where so much of its words is in the message,
# and so much of all words is in both: nearness by meaning does not tell "too late" from "in time".
SAID, SHARED = 0.8, 0.4
# From this cosine on a message asks just what a subject is asked about.
SAME = 0.95
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


NAMED = FEATURES.index("named")

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
    "claim",  # how likely the best claim answers it (log-odds)
    "whole",  # how likely the answer about a whole topic does (log-odds)
    "topic_named",  # 1 where the best topic is named
    "topics_named",  # 1 where a topic is
)


def same_question(message: str, question: str) -> bool:
    """Whether a message asks a question nearly word for word."""
    said, asked = (set(re.findall(r"[a-z0-9+#']+", text.lower())) for text in (message, question))
    both = len(said & asked)
    return both >= SAID * len(asked) and both >= SHARED * len(said | asked)


@dataclass(frozen=True)
class Weights:
    """What the rankers and the scope model have learned.

    Attributes:
        subject: a weight each of the expanded :data:`FEATURES`, and the intercept last.
        sure: from this confidence on a subject counts as asked about.
        scope: a weight each of the expanded :data:`SCOPE_FEATURES`, and the intercept last.
        answer: from this probability of being for the assistant on a question is answered.
        ask: from this one on it is asked back; below, declined.
        claim: a weight each of the expanded :data:`rolewise.nlu.claim_ranker.CLAIM_FEATURES`, and the intercept last.
        whole: the same for :data:`rolewise.nlu.claim_ranker.WHOLE_FEATURES`.
        answers: from this probability on a claim, or a topic's answer, counts as an answer; below, the reply says that no source has one.
    """

    subject: tuple[float, ...] = ()
    sure: float = 1.0
    scope: tuple[float, ...] = ()
    answer: float = 1.0
    ask: float = 1.0
    claim: tuple[float, ...] = ()
    whole: tuple[float, ...] = ()
    answers: float = 0.0

    @classmethod
    def load(cls, path: Path) -> Weights:
        """Read the weights. Raises OSError, ValueError or TypeError."""
        data = json.loads(path.read_text(encoding="utf-8"))
        found: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in data.items()}
        return cls(**found)


@dataclass(frozen=True)
class Match:
    """What the matcher makes of one piece of a message.

    Attributes:
        subjects: the subjects it may be about, that of the likeliest claim first.
        evidence: the claims nearest to it, the likeliest first.
        whole: whether the answer about the whole of a topic answers it.
        covered: the share of its rare words that occur in what is said of the likeliest subject.
        named: whether a name of that subject is said.
        ask: the cosine to the nearest question about it.
        words_ask: the rare words shared with that question.
        claim: the log-odds that the likeliest claim answers it.
        topic: the log-odds that a topic's answer does.
    """

    subjects: tuple[SubjectGuess, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    whole: bool = True
    covered: float = 0.0
    named: bool = False
    ask: float = 0.0
    words_ask: float = 0.0
    claim: float = -LARGEST
    topic: float = -LARGEST


@dataclass
class Matcher:
    """Ranks the subjects and claims of one knowledge for a piece of a message."""

    knowledge: Knowledge
    index: SubjectIndex
    weights: Weights
    fitting: Fitting = field(default_factory=Fitting.load)

    def __post_init__(self) -> None:
        index = self.index
        self.ranker = ClaimRanker(self.knowledge, index, self.weights.claim, self.weights.whole, self.fitting)
        self._of_claims = ByGroup(self.ranker.subjects, index.count)
        self._asking = ByGroup(index.subjects, index.count, np.isin(index.kinds, (ASK, TITLE)))
        self._forms = {form: np.array([form in claim.forms for _, _, claim in self.ranker.claims], dtype=bool) for form in get_args(Form)}
        self._topics = [tuple(map(str, subject.topics)) for subject in self.knowledge.subjects]
        self._roles = [
            {role for claim in subject.claims for role in (claim.roles or self.knowledge.roles)} for subject in self.knowledge.subjects
        ]

    def features(
        self, text: str, vector: FloatArray, topics: Mapping[str, float], roles: Sequence[str], form: str | None
    ) -> tuple[FloatArray, FloatArray, Nearness]:
        """What speaks for each candidate.

        Args:
            text: the piece, cleaned.
            vector: its unit vector ``(d,)``.
            topics: probabilities of topics, 0 to 1.
            roles: the roles named in it.
            form: how it asks, or None.

        Returns:
            The candidates ``(k,)``, their features ``(k, len(FEATURES))``, and how near the piece is to what stands in the index.
        """
        near, of_claims = self.ranker.nearness(text, vector), self._of_claims
        named = self.index.named(text)
        asks, word_asks = np.maximum(of_claims(near.asks), near.titles), np.maximum(of_claims(near.word_asks), near.word_titles)
        names, texts, word_texts, covered = near.names, of_claims(near.texts), of_claims(near.word_texts), near.covered
        rough = np.maximum(asks, np.maximum(names, texts)) + word_asks + 0.3 * covered
        rough[list(named)] += 1.0
        candidates = np.argsort(-rough, kind="stable")[:CANDIDATES]
        top = np.maximum(asks, names)
        order = candidates[np.argsort(-top[candidates], kind="stable")]
        first, runner = float(top[order[0]]), float(top[order[1]]) if len(order) > 1 else 0.0
        columns = [
            asks[candidates],
            self._asking.second(near.entries, candidates),
            *(values[candidates] for values in (texts, names, word_asks, word_texts, covered)),
            np.array([float(number in named) for number in candidates]),
            np.array([named.get(number, 0.0) for number in candidates]) / 10,
            np.array([max(topics.get(topic, 0.0) for topic in self._topics[number]) for number in candidates]),
            np.where(top >= first, top - runner, top - first)[candidates],
            np.array([float(number in named and len(named) == 1) for number in candidates]),
            np.array([float(bool(roles) and set(roles) <= self._roles[number]) for number in candidates]),
            (of_claims(near.asks * self._forms[form]) if form in self._forms else asks)[candidates],
            near.broadest - asks[candidates],
        ]
        return candidates, np.column_stack(columns).astype(np.float32), near

    def said(self, part: Part, vector: FloatArray, form: str | None) -> tuple[Said, FloatArray, FloatArray]:
        """A piece beside the index; the candidate subjects ``(k,)`` with their :data:`FEATURES` ``(k, n)``, the surest first."""
        topics = {guess.topic: guess.confidence for guess in part.guesses if guess.topic}
        candidates, found, near = self.features(part.text, vector, topics, part.roles, form)
        weights = np.array(self.weights.subject)
        confidence = 1.0 / (1.0 + np.exp(-(expanded(found) @ weights[:-1] + weights[-1])))
        order = np.argsort(-confidence, kind="stable")
        subjects = {int(candidates[place]): float(confidence[place]) for place in order}
        rare = {word: self.index.idf[word] for word in set(words(part.text)) if word in self.index.idf}
        named = frozenset(int(number) for number, row in zip(candidates, found, strict=True) if row[NAMED])
        said = Said(part.text, form, topics, near, named, subjects, rare)
        return said, candidates[order], found[order]

    def match(self, part: Part, vector: FloatArray, form: str | None) -> Match:
        """The subjects and claims nearest to a piece of a message.

        Args:
            part: the piece.
            vector: its unit vector ``(d,)``.
            form: how it asks, or None.
        """
        if not self.index.count:
            return Match()
        said, _, found = self.said(part, vector, form)
        evidence = self._evidence(said, part)
        odds = evidence[0][0] if evidence else -LARGEST
        _, whole = self.ranker.whole(said, part.roles)
        best = found[0]
        covered, ask, words_ask = (float(best[FEATURES.index(name)]) for name in ("covered", "ask", "words_ask"))
        # Nothing specific is asked about where the answer about a whole topic is the likelier one.
        lead = evidence[0][1] if evidence and (whole <= likely(odds) or ask >= SAME) else None
        return Match(
            self._guesses(said, lead),
            tuple(item for _, item in evidence),
            whole >= self.weights.answers,
            covered,
            bool(best[NAMED]),
            ask,
            words_ask,
            float(np.clip(odds, -LARGEST, LARGEST)),
            log_odds(whole),
        )

    def _guesses(self, said: Said, lead: Evidence | None) -> tuple[SubjectGuess, ...]:
        """The likeliest subjects, that of the likeliest claim first; none is sure where no claim leads.

        That one is asked about where its claim answers or the subject itself is sure; a further one only where it is named, too: "Python
        or R".
        """
        known = {str(self.knowledge.subjects[number].id): (number, confidence) for number, confidence in said.subjects.items()}
        found = []
        for name in list(dict.fromkeys([*([lead.subject] if lead else []), *known]))[:KEPT_SUBJECTS]:
            number, confidence = known.get(name, (-1, 0.0))
            sure = confidence >= self.weights.sure
            asked = lead is not None and (lead.exact or sure if name == lead.subject else sure and number in said.named)
            found.append(SubjectGuess(name, round(confidence, 4), asked))
        return tuple(found)

    def _evidence(self, said: Said, part: Part) -> list[tuple[float, Evidence]]:
        """The likeliest claims with their log-odds, tags counted."""
        found: list[tuple[float, Evidence]] = []
        for ranked in self.ranker.ranked(said)[: 2 * KEPT_CLAIMS]:
            subject = self.knowledge.subjects[ranked.subject]
            claim = subject.claims[ranked.claim]
            odds = ranked.odds + self.fitting(claim, part.roles, part.countries, part.levels)
            opening = next((str(words_) for question, words_ in claim.yes_no.items() if same_question(part.text, question)), None)
            exact = likely(odds) >= self.weights.answers
            found.append((odds, Evidence(str(subject.id), ranked.claim, round(ranked.odds, 4), opening, exact)))
        return sorted(found, key=lambda item: -item[0])[:KEPT_CLAIMS]

    @staticmethod
    def scope_features(part: Part, match: Match) -> FloatArray:
        """What speaks for a question being for this assistant, ``(1, len(SCOPE_FEATURES))``."""
        confidences = {guess.intent: guess.confidence for guess in part.guesses}
        subjects = [guess.confidence for guess in match.subjects]
        topic = next((guess.topic for guess in part.guesses if guess.topic), None)
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
                    match.claim,
                    match.topic,
                    float(topic in part.topics),
                    float(bool(part.topics)),
                ]
            ]
        )

    def scope(self, part: Part, match: Match) -> float:
        """How sure it is that a question is for this assistant, 0 to 1."""
        weights = np.array(self.weights.scope)
        return float(1.0 / (1.0 + np.exp(-(expanded(self.scope_features(part, match)) @ weights[:-1] + weights[-1])))[0])
