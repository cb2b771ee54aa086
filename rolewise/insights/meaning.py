"""The sentence encoder of a model, for messages: which belong together, and which topic they come nearest to."""

from __future__ import annotations

import tarfile
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from rapidfuzz import fuzz

from rolewise.engine.imports import newest
from rolewise.insights.events import QUESTION_PREFIX, SourceError
from rolewise.insights.figures import LOST, THUMBS_DOWN, Phrase
from rolewise.knowledge import Knowledge
from rolewise.knowledge.loader import SNAPSHOT, restore
from rolewise.nlu.encoder import FILES, EncoderError, SentenceEncoder

# Of an archive nothing else is unpacked, and nothing outside of the directory made for it: each file with the component that keeps it,
# since files of other components have the same names.
PARTS = {
    **dict.fromkeys(FILES, ".SentenceEncoderFeaturizer"),
    **dict.fromkeys(("model.json", "ngrams.json", "arrays.npz"), ".RolewiseClassifier"),
    SNAPSHOT: ".KnowledgeSnapshot",
}
# So many messages are compared with each other; the rarer ones go to the group that they are nearest to.
LEADERS = 2500
# The mean distance of the messages of two groups, 1 - cosine, up to which they are one.
APART = 0.52
# A message joins a group that is there from this cosine on.
JOINS = 0.5
EXAMPLES = 6
# From this likeness on, 0 to 100, an example shows nothing that the one before does not; so many are looked at for others.
ALIKE, LOOKED_AT = 82, 200
# Topics that are named as near.
NEAREST = 4


def newest_model(directory: Path) -> Path:
    """The newest archive of a directory, or the archive itself. Raises SourceError where there is none."""
    found = newest(directory)
    if not found.is_file():
        raise SourceError(f"there is no model at {directory}: run 'make train'")
    return found


class Meaning:
    """The encoder, the training messages' vectors and the knowledge of one model, without Rasa."""

    def __init__(self, archive: Path) -> None:
        """Load them. Raises SourceError where the archive is no model of Rolewise."""
        from rolewise.nlu import names
        from rolewise.nlu.intent_model import IntentModel

        try:
            with tempfile.TemporaryDirectory() as scratch:
                directory = Path(scratch)
                with tarfile.open(archive) as bundle:
                    for member in bundle:
                        component, _, name = member.name.rpartition("/")
                        wanted = member.isfile() and name in PARTS and PARTS[name] in component
                        content = bundle.extractfile(member) if wanted else None
                        if content is not None:
                            (directory / name).write_bytes(content.read())
                self.encoder = SentenceEncoder(directory)
                self.intents = IntentModel.load(directory)
                self.knowledge: Knowledge = restore(directory / SNAPSHOT)
        except (OSError, tarfile.TarError, EncoderError, ValueError) as error:
            raise SourceError(f"{archive} is no model of Rolewise: {error}") from error
        self._nlp: Any = names.build(self.knowledge)

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Unit vectors of shape ``(n, 384)``, the names of roles masked as in training: what is asked counts, not of whom."""
        from rolewise.nlu import names
        from rolewise.nlu.split import ENCODER_MASK, pieces

        masked = []
        for doc in self._nlp.pipe([text.lower() for text in texts]):
            found = pieces(doc, names.mentions(doc)) if doc.text.strip() else []
            masked.append(found[0].masked(ENCODER_MASK) if found else "")
        return self.encoder.encode(masked)

    def nearest(self, vectors: np.ndarray, count: int = 1) -> list[list[tuple[str, float]]]:
        """For each row the topics with the nearest training messages, the nearest first, and the cosine to them, 0 to 1."""
        topics = [column for column, name in enumerate(self.intents.classes) if name.startswith(QUESTION_PREFIX)]
        names = [self.intents.classes[column][len(QUESTION_PREFIX) :] for column in topics]
        found = []
        for at in range(0, len(vectors), 256):
            near = self.intents.nearness(vectors[at : at + 256])[:, topics]
            order = np.argsort(-near, axis=1, kind="stable")[:, :count]
            found += [[(names[column], float(row[column])) for column in columns] for row, columns in zip(near, order, strict=True)]
        return found


@dataclass
class Cluster:
    """Messages that mean about the same.

    Attributes:
        phrases: the messages, the one in the middle first.
        nearest: the topics they come nearest to, the nearest first, with the cosine to the nearest training message, 0 to 1.
    """

    phrases: list[Phrase]
    nearest: list[tuple[str, float]]
    why: Counter[str] = field(init=False)

    def __post_init__(self) -> None:
        """Count."""
        self.why = Counter()
        for phrase in self.phrases:
            self.why += phrase.why

    @property
    def topic(self) -> str:
        """The nearest topic."""
        return self.nearest[0][0]

    @property
    def nearness(self) -> float:
        """How near it is."""
        return self.nearest[0][1]

    @property
    def count(self) -> int:
        """How many messages."""
        return self.why.total()

    @property
    def lost(self) -> int:
        """How many of them were not answered."""
        return self.why[LOST]

    @property
    def down(self) -> int:
        """How many of them got a thumbs down."""
        return self.why[THUMBS_DOWN]

    def different(self, count: int) -> list[Phrase]:
        """So many of the messages at most, without those that only another slip of the fingers tells from one before."""
        kept: list[Phrase] = []
        for phrase in self.phrases[:LOOKED_AT]:
            if not any(fuzz.ratio(phrase.text.lower(), other.text.lower()) > ALIKE for other in kept):
                kept.append(phrase)
            if len(kept) == count:
                break
        return kept

    @property
    def reasons(self) -> list[str]:
        """What people gave as reasons."""
        return list(dict.fromkeys(reason for phrase in self.phrases for reason in phrase.reasons))


def cluster(phrases: Sequence[Phrase], meaning: Meaning) -> list[Cluster]:
    """Group messages by meaning, the largest group first.

    The most frequent ones are grouped by average linkage; the rest joins the group whose centre it is nearest to, or stands alone.
    """
    phrases = sorted(phrases, key=lambda phrase: (-phrase.count, phrase.text))
    if not phrases:
        return []
    vectors = meaning.encode([phrase.text for phrase in phrases])
    labels = _labels(vectors)
    members: dict[int, list[int]] = {}
    for row, label in enumerate(labels):
        members.setdefault(int(label), []).append(row)
    groups = []
    for rows in members.values():
        weights = np.array([phrases[row].count for row in rows], dtype=np.float32)
        centre = (vectors[rows] * weights[:, None]).sum(axis=0)
        order = np.argsort(-(vectors[rows] @ centre), kind="stable")
        groups.append([rows[index] for index in order])
    nearest = meaning.nearest(vectors[[rows[0] for rows in groups]], NEAREST)
    found = [Cluster([phrases[row] for row in rows], near) for rows, near in zip(groups, nearest, strict=True)]
    return sorted(found, key=lambda group: (-group.count, group.phrases[0].text))


def _labels(vectors: np.ndarray) -> np.ndarray:
    """The number of each row's group."""
    from sklearn.cluster import AgglomerativeClustering

    leaders = vectors[:LEADERS]
    if len(leaders) == 1:
        return np.zeros(1, dtype=int)
    grouping = AgglomerativeClustering(n_clusters=None, affinity="cosine", linkage="average", distance_threshold=APART)
    labels = grouping.fit_predict(leaders)
    rest = vectors[LEADERS:]
    if not len(rest):
        found: np.ndarray = labels
        return found
    centres = np.stack([leaders[labels == label].mean(axis=0) for label in range(labels.max() + 1)])
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    joined = []
    alone = labels.max() + 1
    for at in range(0, len(rest), 1000):
        near = rest[at : at + 1000] @ centres.T
        for row, best in enumerate(near.argmax(axis=1)):
            joined.append(best if near[row, best] >= JOINS else alone)
            alone += near[row, best] < JOINS
    return np.concatenate([labels, np.array(joined)])
