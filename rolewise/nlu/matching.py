"""Which subjects a message is about, how sure that is, how it is asked, and which claims are nearest to it.

A linear ranker over what the index says; its weights come from ``bench/fit_matching.py``, which fits them to labelled messages.
It knows no Rasa.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from rolewise.knowledge import Knowledge
from rolewise.nlu.subject_index import ASK, NAME, TEXT, TITLE, FloatArray, SubjectIndex, best_by_subject
from rolewise.questions import Evidence, SubjectGuess

# So many subjects are looked at closely.
CANDIDATES = 30
# So many subjects and claims are kept for the dialogue.
KEPT_SUBJECTS, KEPT_CLAIMS = 4, 16
# From this cosine on, a question of the knowledge that is answered by yes or no counts as the one that was asked.
SAME_QUESTION = 0.62

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
)


@dataclass(frozen=True)
class Weights:
    """What the ranker and the scope model have learned.

    Attributes:
        subject: a weight each of :data:`FEATURES`, and the intercept last.
        answer: from this confidence on a subject counts as asked about.
    """

    subject: tuple[float, ...] = (6.0, 2.0, 2.0, 2.0, 3.0, 1.0, 2.0, 1.0, 0.1, 1.0, 3.0, 0.5, 0.2, -8.0)
    answer: float = 0.4

    @classmethod
    def load(cls, path: Path) -> Weights:
        """Read the weights. Raises OSError or ValueError."""
        data = json.loads(path.read_text(encoding="utf-8"))
        found = tuple(float(data["subject"][name]) for name in (*FEATURES, "intercept"))
        return cls(found, float(data["answer"]))


@dataclass(frozen=True)
class Match:
    """What the matcher makes of one piece of a message."""

    subjects: tuple[SubjectGuess, ...] = ()
    evidence: tuple[Evidence, ...] = ()


@dataclass
class Matcher:
    """Ranks the subjects and claims of one knowledge for a piece of a message."""

    knowledge: Knowledge
    index: SubjectIndex
    weights: Weights = field(default_factory=Weights)

    def __post_init__(self) -> None:
        kinds = self.index.kinds
        self._asks = (kinds == ASK) | (kinds == TITLE)
        self._texts, self._names = kinds == TEXT, kinds == NAME
        self._topics = [tuple(map(str, subject.topics)) for subject in self.knowledge.subjects]
        self._roles = [
            {role for claim in (*subject.facts, *subject.gaps) for role in (claim.roles or self.knowledge.roles)}
            for subject in self.knowledge.subjects
        ]

    def features(
        self, text: str, vector: FloatArray, topics: Mapping[str, float], roles: Sequence[str]
    ) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """What speaks for each candidate.

        Args:
            text: the piece, cleaned.
            vector: its unit vector ``(d,)``.
            topics: probabilities of topics, 0 to 1.
            roles: the roles named in it.

        Returns:
            The candidates ``(k,)``, their features ``(k, len(FEATURES))``, and for each entry of the index its cosine and its share of
            words.
        """
        index = self.index
        cosines = index.cosines(vector)
        shared, covered = index.overlaps(text)
        named = index.named(text)

        def best(values: FloatArray, mask: FloatArray) -> FloatArray:
            return best_by_subject(values, index.subjects, index.count, mask)

        asks = best(cosines, self._asks)
        names, texts = best(cosines, self._names), best(cosines, self._texts)
        word_asks, word_texts = best(shared, self._asks), best(shared, self._texts)
        rough = np.maximum(asks, np.maximum(names, texts)) + word_asks + 0.3 * covered
        rough[list(named)] += 1.0
        candidates = np.argsort(-rough, kind="stable")[:CANDIDATES]
        second = np.zeros(index.count, dtype=np.float32)
        best_entry = np.zeros(index.count, dtype=np.int64)
        for candidate in candidates:
            own = np.flatnonzero(self._asks & (index.subjects == candidate))
            order = own[np.argsort(-cosines[own], kind="stable")]
            best_entry[candidate] = order[0]
            second[candidate] = cosines[order[1]] if len(order) > 1 else 0.0
        top = np.maximum(asks, names)
        order = candidates[np.argsort(-top[candidates], kind="stable")]
        first, runner = float(top[order[0]]), float(top[order[1]]) if len(order) > 1 else 0.0
        columns = [
            asks,
            second,
            texts,
            names,
            word_asks,
            word_texts,
            covered,
            np.array([float(number in named) for number in range(index.count)]),
            np.array([named.get(number, 0.0) for number in range(index.count)]) / 10,
            np.array([max(topics.get(topic, 0.0) for topic in own) for own in self._topics]),
            np.where(top >= first, top - runner, top - first),
            np.array([float(number in named and len(named) == 1) for number in range(index.count)]),
            np.array([float(bool(roles) and set(roles) <= own) for own in self._roles]),
        ]
        return candidates, np.column_stack([column[candidates] for column in columns]).astype(np.float32), cosines, shared

    def match(self, text: str, vector: FloatArray, topics: Mapping[str, float], roles: Sequence[str]) -> Match:
        """The subjects and claims nearest to a piece of a message; the arguments are those of :meth:`features`."""
        if not self.index.count:
            return Match()
        candidates, found, cosines, shared = self.features(text, vector, topics, roles)
        weights = np.array(self.weights.subject)
        confidence = 1.0 / (1.0 + np.exp(-(found @ weights[:-1] + weights[-1])))
        order = np.argsort(-confidence, kind="stable")[:KEPT_SUBJECTS]
        # The best one is asked about where that is sure; a further one only where it is named, too: "Python or R".
        named = found[:, FEATURES.index("named")]
        guesses = tuple(
            SubjectGuess(
                str(self.knowledge.subjects[candidates[place]].id),
                round(float(confidence[place]), 4),
                bool(confidence[place] >= self.weights.answer and (number == 0 or named[place])),
            )
            for number, place in enumerate(order)
        )
        return Match(guesses, self._evidence([int(candidates[place]) for place in order], cosines, shared))

    def _evidence(self, subjects: Sequence[int], cosines: FloatArray, shared: FloatArray) -> tuple[Evidence, ...]:
        """The claims of some subjects that are nearest to the message."""
        index = self.index
        scores: dict[tuple[int, int], float] = {}
        openings: dict[tuple[int, int], tuple[float, str]] = {}
        for subject in subjects:
            for number in np.flatnonzero((index.subjects == subject) & (index.claims >= 0)):
                entry = index.entries[number]
                key = (subject, entry.claim)
                near = float(cosines[number])
                score = (near if entry.kind == ASK else 0.9 * near) + 0.3 * float(shared[number])
                scores[key] = max(scores.get(key, 0.0), score)
                if entry.opening and near >= SAME_QUESTION and near > openings.get(key, (0.0, ""))[0]:
                    openings[key] = (near, entry.opening)
        best = sorted(scores.items(), key=lambda item: (-item[1], item[0]))[:KEPT_CLAIMS]
        return tuple(
            Evidence(str(self.knowledge.subjects[key[0]].id), key[1], round(score, 4), openings[key][1] if key in openings else None)
            for key, score in best
        )
