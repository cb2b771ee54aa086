"""Which claims of the knowledge answer a message, and how likely each does; and whether the answer about a whole topic does.

Both are logistic regressions; ``bench/fit_matching.py`` fits them to messages for which readers said which claims answer them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rolewise.fitting import Fitting
from rolewise.knowledge import Claim, Knowledge
from rolewise.nlu.subject_index import ASK, NAME, TEXT, TITLE, ByGroup, FloatArray, SubjectIndex, broad_questions, topic_questions, words

# So many claims are looked at closely: the nearest by each of four measures.
NEAREST, NEAREST_ON_THE_WHOLE = 10, 20

CLAIM_FEATURES = (
    "ask",  # cosine to the nearest question that it answers
    "ask_second",  # to the second nearest
    "text",  # to its text
    "words_ask",  # shared rare words with the nearest question
    "words_text",  # with its text
    "said",  # share of the message's rare words that occur in what it says and answers
    "unsaid",  # the rarest word of the message that does not, as a share of the rarest there is
    "form",  # 1 where it is for the message's form
    "subject",  # confidence in its subject
    "rank",  # 1 where its subject is the likeliest, 1/2 for the second, and so on
    "title",  # cosine to the question about its subject
    "name",  # to the nearest name of its subject
    "named",  # 1 where a name of its subject is said
    "gap",  # 1 where it says that no source knows
    "length",  # logarithm of the number of words of the message
    "ahead",  # how far its nearest question is behind that of the nearest claim
    "ahead_text",  # how far its text is
    "first",  # 1 where it is the first one of its subject
    "topic",  # probability of its subject's topics
    "broad",  # how much nearer the message is to a question about a whole topic
)

WHOLE_FEATURES = (
    "confidence",  # log-odds of the topic
    "near",  # cosine to the nearest question about the whole topic
    "said",  # share of the message's rare words that occur in these questions
    "unsaid",  # the rarest word that does not
    "length",  # logarithm of the number of words
    "broad",  # cosine to the nearest question about any whole topic
    "ask",  # to the nearest question that a claim answers
    "subject",  # confidence in the likeliest subject
    "role",  # 1 where a role is named
)


def expanded(features: FloatArray) -> FloatArray:
    """Features ``(k, n)`` with their products two by two behind them, ``(k, n + n (n + 1) / 2)``."""
    first, second = np.triu_indices(features.shape[1])
    return np.hstack([features, features[:, first] * features[:, second]])


def log_odds(probability: float) -> float:
    """The logarithm of the odds, within what a few hundred examples can tell."""
    bounded = min(max(probability, 1e-3), 1 - 1e-3)
    return float(np.log(bounded / (1 - bounded)))


def likely(odds: float) -> float:
    """The probability of a logarithm of odds."""
    return float(1 / (1 + np.exp(-odds)))


@dataclass(frozen=True)
class Nearness:
    """How near a message is to what stands in the index; 0 where there is nothing of the kind.

    Attributes:
        entries: its cosine to each entry ``(n,)``.
        broad: its cosine to each question about a whole topic ``(b,)``.
        asks: for each claim ``(claims,)`` the cosine to the nearest question that it answers.
        texts: the cosine to its sentence.
        word_asks: the share of rare words with one of those questions.
        word_texts: the same of its sentence.
        titles: for each subject ``(subjects,)`` the cosine to the question that it is shown with.
        word_titles: the share of rare words with that one.
        names: the cosine to the nearest of its names.
        covered: the share of the message's rare words that occur in what is said of it.
    """

    entries: FloatArray
    broad: FloatArray
    asks: FloatArray
    texts: FloatArray
    word_asks: FloatArray
    word_texts: FloatArray
    titles: FloatArray
    word_titles: FloatArray
    names: FloatArray
    covered: FloatArray

    @cached_property
    def broadest(self) -> float:
        """The cosine to the nearest question about a whole topic, at least 0."""
        return float(self.broad.max(initial=0.0))

    @cached_property
    def nearest_ask(self) -> float:
        """The cosine to the nearest question that a claim answers, at least 0."""
        return float(self.asks.max(initial=0.0))


@dataclass(frozen=True)
class Said:
    """A message beside the index.

    Attributes:
        text: the message, cleaned.
        form: how it asks, or None.
        topics: probabilities of topics, 0 to 1.
        near: how near it is to what stands in the index.
        named: the subjects that are named in it.
        subjects: confidence in each subject that was looked at, the surest first.
        rare: its rare words with their weights.
    """

    text: str
    form: str | None
    topics: Mapping[str, float]
    near: Nearness
    named: frozenset[int]
    subjects: Mapping[int, float]
    rare: Mapping[str, float]

    @property
    def length(self) -> float:
        """The logarithm of the number of words."""
        return float(np.log1p(len(self.text.split())))


@dataclass(frozen=True)
class Ranked:
    """A claim by the place of its subject and its own there, with the log-odds that it answers, its tags not counted."""

    subject: int
    claim: int
    odds: float


class ClaimRanker:
    """Ranks the claims of one knowledge for a message."""

    def __init__(self, knowledge: Knowledge, index: SubjectIndex, claim: Sequence[float], whole: Sequence[float], fitting: Fitting) -> None:
        """Take the weights.

        Args:
            knowledge: where the claims stand.
            index: their vectors and words.
            claim: a weight each of the expanded :data:`CLAIM_FEATURES`, and the intercept last.
            whole: the same for :data:`WHOLE_FEATURES`.
            fitting: what the tags of a claim add.
        """
        self.knowledge, self.index, self.fitting = knowledge, index, fitting
        self._claim, self._whole = np.array(claim), np.array(whole)
        self.claims: list[tuple[int, int, Claim]] = [
            (number, place, claim) for number, subject in enumerate(knowledge.subjects) for place, claim in enumerate(subject.claims)
        ]
        self.subjects = np.array([number for number, _, _ in self.claims], dtype=np.int32)
        own = [frozenset(words(" ".join([subject.name, *subject.aliases]))) for subject in knowledge.subjects]
        self._words = [
            own[number] | frozenset(words(" ".join([claim.text, *claim.asks, *claim.yes_no]))) for number, _, claim in self.claims
        ]
        self._topics = [tuple(map(str, subject.topics)) for subject in knowledge.subjects]
        self._index_entries()
        self._rarest = max(index.idf.values(), default=1.0)
        asked = broad_questions(knowledge)
        questions = topic_questions(knowledge)
        self._broad = {topic: [asked.index(text) for text in found] for topic, found in questions.items()}
        self._broad_words = {
            topic: frozenset(words(" ".join([*found, *knowledge.topics[topic].aliases]))) for topic, found in questions.items()
        }

    def _index_entries(self) -> None:
        index = self.index
        owner = np.where(index.claims < 0, -1, np.searchsorted(self.subjects, index.subjects) + index.claims)
        self._asks, self._texts = (ByGroup(owner, len(self.claims), index.kinds == kind) for kind in (ASK, TEXT))
        self._titles, self._names = (ByGroup(index.subjects, index.count, index.kinds == kind) for kind in (TITLE, NAME))

    def nearness(self, text: str, vector: FloatArray) -> Nearness:
        """How near a message, cleaned, and its unit vector ``(d,)`` are to what stands in the index."""
        cosines = self.index.cosines(vector)
        shared, covered = self.index.overlaps(text)
        return Nearness(
            entries=cosines,
            broad=self.index.broad @ vector,
            asks=self._asks(cosines),
            texts=self._texts(cosines),
            word_asks=self._asks(shared),
            word_texts=self._texts(shared),
            titles=self._titles(cosines),
            word_titles=self._titles(shared),
            names=self._names(cosines),
            covered=covered,
        )

    def features(self, said: Said) -> tuple[FloatArray, FloatArray]:
        """The claims that are looked at closely ``(k,)``, as places in ``claims``, and their :data:`CLAIM_FEATURES` ``(k, n)``."""
        near = said.near
        asks, texts, word_asks, word_texts, titles, names = near.asks, near.texts, near.word_asks, near.word_texts, near.titles, near.names
        confidence = np.zeros(self.index.count, dtype=np.float32)
        rank = np.zeros(self.index.count, dtype=np.float32)
        for place, (subject, sure) in enumerate(said.subjects.items()):
            confidence[subject], rank[subject] = sure, 1 / (1 + place)
        by_ask, by_text = asks + 0.4 * word_asks, texts + 0.4 * word_texts
        on_the_whole = np.maximum(by_ask, 0.95 * by_text) + 0.2 * confidence[self.subjects]
        by_subject = asks + texts + 0.5 * titles[self.subjects]
        nearest = [_largest(by_ask, NEAREST), _largest(by_text, NEAREST), _largest(by_subject, NEAREST)]
        chosen = np.unique(np.concatenate([*nearest, _largest(on_the_whole, NEAREST_ON_THE_WHOLE)]))
        own = self.subjects[chosen]
        shares = np.array([self._shares(said.rare, self._words[number]) for number in chosen])
        claims = [self.claims[number] for number in chosen]
        columns = [
            asks[chosen],
            self._asks.second(near.entries, chosen),
            *(values[chosen] for values in (texts, word_asks, word_texts)),
            *shares.T,
            np.array([said.form in claim.forms for _, _, claim in claims]),
            *(values[own] for values in (confidence, rank, titles, names)),
            np.array([subject in said.named for subject, _, _ in claims]),
            np.array([place >= len(self.knowledge.subjects[subject].facts) for subject, place, _ in claims]),
            np.full(len(chosen), said.length),
            asks[chosen] - near.nearest_ask,
            texts[chosen] - texts.max(initial=0.0),
            np.array([place == 0 for _, place, _ in claims]),
            np.array([max(said.topics.get(topic, 0.0) for topic in self._topics[subject]) for subject, _, _ in claims]),
            near.broadest - asks[chosen],
        ]
        return chosen, np.column_stack(columns).astype(np.float64)

    def ranked(self, said: Said) -> list[Ranked]:
        """The claims that are looked at closely with their odds, tags not counted; the likeliest first."""
        if not self.claims:
            return []
        chosen, features = self.features(said)
        odds = expanded(features) @ self._claim[:-1] + self._claim[-1]
        order = np.argsort(-odds, kind="stable")
        found = ((self.claims[chosen[place]], float(odds[place])) for place in order)
        return [Ranked(subject, place, value) for (subject, place, _), value in found]

    def whole(self, said: Said, roles: Sequence[str]) -> tuple[str | None, float]:
        """The likeliest of the two best topics whose answer as a whole answers the message, and how likely it does, 0 to 1."""
        topics = self.whole_topics(said)
        if not topics:
            return None, 0.0
        odds = expanded(np.array([self.whole_features(said, topic, roles) for topic in topics])) @ self._whole[:-1] + self._whole[-1]
        best = int(odds.argmax())
        return topics[best], likely(float(odds[best]))

    def whole_topics(self, said: Said) -> list[str]:
        """The two likeliest topics."""
        known = [topic for topic in said.topics if topic in self.knowledge.topics]
        return sorted(known, key=lambda topic: -said.topics[topic])[:2]

    def whole_features(self, said: Said, topic: str, roles: Sequence[str]) -> list[float]:
        """What speaks for a topic's answer, in the order of :data:`WHOLE_FEATURES`."""
        own = self._broad.get(topic)
        near = float(said.near.broad[own].max()) if own else 0.0
        share, unsaid = self._shares(said.rare, self._broad_words.get(topic, frozenset()))
        subject = max(said.subjects.values(), default=0.0)
        broadest, ask = said.near.broadest, said.near.nearest_ask
        return [log_odds(said.topics[topic]), near, share, unsaid, said.length, broadest, ask, subject, float(bool(roles))]

    def _shares(self, rare: Mapping[str, float], said: frozenset[str]) -> tuple[float, float]:
        total = sum(rare.values())
        missing = [weight for word, weight in rare.items() if word not in said]
        return (1 - sum(missing) / total if total else 1.0), max(missing, default=0.0) / self._rarest


def _largest(values: FloatArray, count: int) -> FloatArray:
    return np.argpartition(-values, count)[:count] if len(values) > count else np.arange(len(values))
