"""Which claims of the knowledge answer a message, and how likely each does; and whether the answer about a whole topic does.

Both are logistic regressions; ``bench/fit_matching.py`` fits them to messages for which readers said which claims answer them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rolewise.fitting import Fitting
from rolewise.knowledge import Claim, Knowledge
from rolewise.nlu.subject_index import ASK, NAME, TEXT, TITLE, Best, FloatArray, SubjectIndex, broad_questions, topic_questions, words

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
class Said:
    """A message beside the index.

    Attributes:
        text: the message, cleaned.
        form: how it asks, or None.
        topics: probabilities of topics, 0 to 1.
        vector: its unit vector ``(d,)``.
        cosines: to each entry of the index ``(n,)``.
        shared: the share of rare words with each entry ``(n,)``.
        named: the subjects that are named in it.
        subjects: confidence in each subject that was looked at, the surest first.
        rare: its rare words with their weights.
    """

    text: str
    form: str | None
    topics: Mapping[str, float]
    vector: FloatArray
    cosines: FloatArray
    shared: FloatArray
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
            (number, place, claim)
            for number, subject in enumerate(knowledge.subjects)
            for place, claim in enumerate((*subject.facts, *subject.gaps))
        ]
        self._subject = np.array([number for number, _, _ in self.claims], dtype=np.int32)
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
        number = {(subject, place): at for at, (subject, place, _) in enumerate(self.claims)}
        owner = np.array([number.get((entry.subject, entry.claim), -1) for entry in index.entries], dtype=np.int32)
        self._asks, self._texts = (_Best(owner, index.kinds == kind, len(self.claims)) for kind in (ASK, TEXT))
        self._titles, self._names = Best(index, index.kinds == TITLE), Best(index, index.kinds == NAME)

    def features(self, said: Said) -> tuple[FloatArray, FloatArray]:
        """The claims that are looked at closely ``(k,)``, as places in ``claims``, and their :data:`CLAIM_FEATURES` ``(k, n)``."""
        asks, texts = self._asks(said.cosines), self._texts(said.cosines)
        word_asks, word_texts = self._asks(said.shared), self._texts(said.shared)
        titles, names = self._titles(said.cosines), self._names(said.cosines)
        confidence = np.zeros(self.index.count, dtype=np.float32)
        rank = np.zeros(self.index.count, dtype=np.float32)
        for place, (subject, sure) in enumerate(said.subjects.items()):
            confidence[subject], rank[subject] = sure, 1 / (1 + place)
        by_ask, by_text = asks + 0.4 * word_asks, texts + 0.4 * word_texts
        on_the_whole = np.maximum(by_ask, 0.95 * by_text) + 0.2 * confidence[self._subject]
        by_subject = asks + texts + 0.5 * titles[self._subject]
        nearest = [_largest(by_ask, NEAREST), _largest(by_text, NEAREST), _largest(by_subject, NEAREST)]
        chosen = np.unique(np.concatenate([*nearest, _largest(on_the_whole, NEAREST_ON_THE_WHOLE)]))
        own = self._subject[chosen]
        shares = np.array([self._shares(said.rare, self._words[number]) for number in chosen])
        claims = [self.claims[number] for number in chosen]
        broad = float((self.index.broad @ said.vector).max(initial=0.0))
        columns = [
            asks[chosen],
            self._asks.second(said.cosines, chosen),
            *(values[chosen] for values in (texts, word_asks, word_texts)),
            *shares.T,
            np.array([said.form in claim.forms for _, _, claim in claims]),
            *(values[own] for values in (confidence, rank, titles, names)),
            np.array([subject in said.named for subject, _, _ in claims]),
            np.array([place >= len(self.knowledge.subjects[subject].facts) for subject, place, _ in claims]),
            np.full(len(chosen), said.length),
            asks[chosen] - asks.max(initial=0.0),
            texts[chosen] - texts.max(initial=0.0),
            np.array([place == 0 for _, place, _ in claims]),
            np.array([max(said.topics.get(topic, 0.0) for topic in self._topics[subject]) for subject, _, _ in claims]),
            broad - asks[chosen],
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
        near = max((float(self.index.broad[number] @ said.vector) for number in self._broad.get(topic, ())), default=0.0)
        share, unsaid = self._shares(said.rare, self._broad_words.get(topic, frozenset()))
        broad = float((self.index.broad @ said.vector).max(initial=0.0))
        ask = float(self._asks(said.cosines).max(initial=0.0))
        subject = max(said.subjects.values(), default=0.0)
        return [log_odds(said.topics[topic]), near, share, unsaid, said.length, broad, ask, subject, float(bool(roles))]

    def _shares(self, rare: Mapping[str, float], said: frozenset[str]) -> tuple[float, float]:
        total = sum(rare.values())
        missing = [weight for word, weight in rare.items() if word not in said]
        return (1 - sum(missing) / total if total else 1.0), max(missing, default=0.0) / self._rarest


class _Best:
    """The largest and the second largest value of the entries of each claim."""

    def __init__(self, owner: FloatArray, wanted: FloatArray, count: int) -> None:
        """Look at the wanted entries ``(n,)``, each of the claim that ``owner`` says; those of a claim stand together."""
        self._entries = np.flatnonzero(wanted & (owner >= 0))
        self._claims, self._starts = np.unique(owner[self._entries], return_index=True)
        self._ends = np.append(self._starts[1:], len(self._entries))
        self._place = {int(claim): place for place, claim in enumerate(self._claims)}
        self._count = count

    def __call__(self, values: FloatArray) -> FloatArray:
        """The largest of the values ``(n,)`` of each claim, ``(count,)``; 0 where it has no such entry."""
        found = np.zeros(self._count, dtype=np.float32)
        if len(self._entries):
            found[self._claims] = np.maximum.reduceat(values[self._entries], self._starts)
        return found

    def second(self, values: FloatArray, claims: FloatArray) -> FloatArray:
        """The second largest value of some claims; 0 where there is none."""
        found = np.zeros(len(claims), dtype=np.float32)
        for number, claim in enumerate(claims):
            place = self._place.get(int(claim))
            own = values[self._entries[self._starts[place] : self._ends[place]]] if place is not None else values[:0]
            found[number] = np.partition(own, -2)[-2] if len(own) > 1 else 0.0
        return found


def _largest(values: FloatArray, count: int) -> FloatArray:
    return np.argpartition(-values, count)[:count] if len(values) > count else np.arange(len(values))
