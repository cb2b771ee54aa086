"""The index of the subjects: what stands in the knowledge about each, as vectors and words, and how near a message comes to it.

It knows neither Rasa nor the meaning of a form; what a subject is worth for a message is decided in ``matching``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from rolewise.knowledge import Knowledge
from rolewise.nlu.packing import PackedMatrix, unpacked

FloatArray = np.ndarray

# What an entry of the index is: a name or alias, a question about the subject as a whole, a question that a claim answers, a claim's text.
NAME, TITLE, ASK, TEXT = 0, 1, 2, 3

SHORT_NAME = 2
WORD = re.compile(r"[a-z0-9+#.]*[a-z0-9+#]")
# Endings that do not change what a word is about.
ENDING = re.compile(r"(?:'s|s'|ies|es|s|ing|ed)$")


# More words than a knowledge has; what people type besides does not stay.
@lru_cache(maxsize=1 << 15)
def _stem(word: str) -> str:
    stem = ENDING.sub("", word)
    return stem if len(stem) > 2 else word


def words(text: str) -> list[str]:
    """The words of a text, lower case, common endings cut."""
    return [_stem(word) for word in WORD.findall(text.lower().replace("'", ""))]


@dataclass(frozen=True)
class Entry:
    """One text of the index.

    Attributes:
        text: the text that is encoded.
        subject: the place of its subject in the knowledge.
        kind: :data:`NAME`, :data:`TITLE`, :data:`ASK` or :data:`TEXT`.
        claim: the place of its claim among the subject's facts and, behind them, gaps; -1 for the subject as a whole.
        opening: what answers it before the claim does: "Yes"; or "".
    """

    text: str
    subject: int
    kind: int
    claim: int = -1
    opening: str = ""


def entries(knowledge: Knowledge) -> list[Entry]:
    """Everything that a message is compared with."""
    found: list[Entry] = []
    for number, subject in enumerate(knowledge.subjects):
        # A name of two letters ("Go") is an everyday word, too: it counts only where it stands among the aliases.
        own = [subject.name] if len(subject.name) > SHORT_NAME else []
        found += [Entry(str(name), number, NAME) for name in dict.fromkeys([*own, *subject.aliases])]
        found.append(Entry(str(subject.question), number, TITLE))
        for place, claim in enumerate(subject.claims):
            found += [Entry(str(ask), number, ASK, place) for ask in claim.asks]
            found += [Entry(str(ask), number, ASK, place, str(opening)) for ask, opening in claim.yes_no.items()]
            found.append(Entry(str(claim.text), number, TEXT, place))
    return found


class SubjectIndex:
    """Vectors and words of all entries, and the products of one message with them."""

    def __init__(self, found: Sequence[Entry], vectors: FloatArray, count: int, misspellings: dict[str, int] | None = None) -> None:
        """Take the entries.

        Args:
            found: n entries, those of a subject together.
            vectors: their vectors and, behind them, those of the questions about whole topics, ``(n + m, d)`` of int8, as
                :func:`rolewise.nlu.packing.packed` gives them.
            count: how many subjects there are.
            misspellings: further names, with the place of their subject.
        """
        self.entries = list(found)
        self.count = count
        own, broad = np.split(vectors, [len(found)])
        self._vectors, self.broad = PackedMatrix(own), unpacked(broad)
        self.subjects = np.array([entry.subject for entry in found], dtype=np.int32)
        self.kinds = np.array([entry.kind for entry in found], dtype=np.int8)
        self.claims = np.array([entry.claim for entry in found], dtype=np.int32)
        self._index_words()
        self._names: dict[tuple[str, ...], set[int]] = {}
        for entry in found:
            if entry.kind == NAME:
                self._names.setdefault(tuple(words(entry.text)), set()).add(entry.subject)
        for name, subject in (misspellings or {}).items():
            self._names.setdefault(tuple(words(name)), set()).add(subject)
        self._longest = max((len(name) for name in self._names), default=0)

    def _index_words(self) -> None:
        postings: dict[str, list[int]] = {}
        holders: dict[str, set[int]] = {}
        for number, entry in enumerate(self.entries):
            for word in set(words(entry.text)):
                postings.setdefault(word, []).append(number)
                holders.setdefault(word, set()).add(entry.subject)
        self._postings = {word: np.array(numbers, dtype=np.int32) for word, numbers in postings.items()}
        self._holders = {word: np.array(sorted(numbers), dtype=np.int32) for word, numbers in holders.items()}
        self.idf = {word: float(np.log((1 + self.count) / len(numbers))) for word, numbers in holders.items()}
        self._weight = np.zeros(len(self.entries), dtype=np.float32)
        for word, numbers in self._postings.items():
            self._weight[numbers] += self.idf[word]

    def cosines(self, vector: FloatArray) -> FloatArray:
        """The cosine of a unit vector ``(d,)`` to each entry, ``(n,)``."""
        return self._vectors.cosines(vector)

    def overlaps(self, text: str) -> tuple[FloatArray, FloatArray]:
        """How much of the rare words a text shares: with each entry ``(n,)`` (Jaccard, weighted), and with each subject ``(count,)``."""
        shared = np.zeros(len(self.entries), dtype=np.float32)
        covered = np.zeros(self.count, dtype=np.float32)
        total = 0.0
        for word in set(words(text)):
            weight = self.idf.get(word)
            if weight is None:
                continue
            total += weight
            shared[self._postings[word]] += weight
            covered[self._holders[word]] += weight
        if not total:
            return shared, covered
        return shared / (self._weight + total - shared), covered / total

    def named(self, text: str) -> dict[int, float]:
        """The subjects that are named in a text, each with the weight of the rarest name of it."""
        found: dict[int, float] = {}
        said = words(text)
        for start in range(len(said)):
            for length in range(1, min(self._longest, len(said) - start) + 1):
                name = tuple(said[start : start + length])
                for subject in self._names.get(name, ()):
                    weight = sum(self.idf.get(word, 0.0) for word in name)
                    found[subject] = max(found.get(subject, 0.0), weight)
        return found


class ByGroup:
    """The largest values of groups, such as those of the entries of each claim."""

    def __init__(self, groups: np.ndarray, count: int, wanted: np.ndarray | None = None) -> None:
        """Group values.

        Args:
            groups: the group of each value ``(n,)``, -1 for none; those of a group stand together, in order.
            count: how many groups there are.
            wanted: which of the values count ``(n,)``; all where it is absent.
        """
        chosen = groups >= 0
        self._values = np.flatnonzero(chosen if wanted is None else chosen & wanted)
        self._groups, self._starts = np.unique(groups[self._values], return_index=True)
        self._ends = np.append(self._starts[1:], len(self._values))
        self._place = {int(group): place for place, group in enumerate(self._groups)}
        self._count = count

    def __call__(self, values: FloatArray) -> FloatArray:
        """The largest of the values ``(n,)`` of each group, ``(count,)``; 0 where it has none."""
        found = np.zeros(self._count, dtype=np.float32)
        if len(self._values):
            found[self._groups] = np.maximum.reduceat(values[self._values], self._starts)
        return found

    def second(self, values: FloatArray, groups: np.ndarray) -> FloatArray:
        """The second largest value of some groups; 0 where there is none."""
        found = np.zeros(len(groups), dtype=np.float32)
        for number, group in enumerate(groups):
            place = self._place.get(int(group))
            own = values[self._values[self._starts[place] : self._ends[place]]] if place is not None else values[:0]
            found[number] = np.partition(own, -2)[-2] if len(own) > 1 else 0.0
        return found


def topic_questions(knowledge: Knowledge) -> dict[str, list[str]]:
    """By topic, the questions about the whole of it."""
    found: dict[str, list[str]] = {}
    for topic_id, topic in knowledge.topics.items():
        texts = [topic.general_question, topic.title, topic.label, topic.compare_question.partition(":")[0]]
        own = [str(text) for text in texts if text]
        for role in knowledge.roles.values():
            own.append(topic.question.format(role=role.name, a_role=f"a {role.name}", roles=role.plural, field=role.field))
        found[topic_id] = own
    return found


def broad_questions(knowledge: Knowledge) -> list[str]:
    """Questions about whole topics, which a message about a specific thing is less near to than to that thing's own."""
    return list(dict.fromkeys(text for own in topic_questions(knowledge).values() for text in own))


def misspelt(knowledge: Knowledge) -> dict[str, int]:
    """The misspellings of subjects, with the place of their subject."""
    return {str(name): number for number, subject in enumerate(knowledge.subjects) for name in subject.misspellings}


def restored(knowledge: Knowledge, vectors: FloatArray) -> SubjectIndex:
    """The index of a knowledge with the vectors that a model keeps. Raises ValueError where they do not fit."""
    found = entries(knowledge)
    wanted = len(found) + len(broad_questions(knowledge))
    if len(vectors) != wanted:
        raise ValueError(f"there are {len(vectors)} vectors for {wanted} texts of the index: train the model again")
    return SubjectIndex(found, vectors, len(knowledge.subjects), misspelt(knowledge))
