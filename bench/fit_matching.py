"""Fits the weights of the subject matcher and of the decision to labelled messages: `python bench/fit_matching.py`.

Reads bench/data/tuning.jsonl (two writers, of whom no message is trained on) and writes rolewise/nlu/matching.json. Prints how well each
writer is read with weights that were fitted to the other, and, with --report FILE, how well the messages of a file are.
"""

from __future__ import annotations

import argparse
import json
import sys
import tarfile
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from rasa.shared.nlu.constants import TEXT  # noqa: E402
from rasa.shared.nlu.training_data.message import Message  # noqa: E402
from sklearn.linear_model import LogisticRegression  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402

from rolewise.engine.training import trained_model  # noqa: E402
from rolewise.knowledge.loader import SNAPSHOT, restore  # noqa: E402
from rolewise.nlu.classifier import QUESTIONS, RolewiseClassifier  # noqa: E402
from rolewise.nlu.encoder import SentenceEncoder  # noqa: E402
from rolewise.nlu.featurizer import PIECES, VECTORS, SentenceEncoderFeaturizer  # noqa: E402
from rolewise.nlu.intent_model import IntentModel  # noqa: E402
from rolewise.nlu.language import RolewiseLanguage  # noqa: E402
from rolewise.nlu.matching import Matcher, Said, Weights, expanded  # noqa: E402
from rolewise.nlu.subject_index import broad_questions, restored, topic_questions, words  # noqa: E402
from rolewise.nlu.subjects import VECTORS_FILE, WEIGHTS, SubjectMatcher  # noqa: E402
from rolewise.questions import Part  # noqa: E402
from rolewise.settings import settings  # noqa: E402

TUNING = ROOT / "bench" / "data" / "tuning.jsonl"
# What independent readers found of leads: whether they answer the very question.
JUDGED = ROOT / "bench" / "data" / "judged.jsonl"
# How many of the messages that are not for the assistant must be declined when the thresholds are chosen.
DECLINED, NOT_ANSWERED = 0.72, 0.84
# Of so many leads the answer says that no source answers just that: the honest word in vain costs more than it is worth to most.
NOT_EXACT = 0.35
# A subject counts as asked about from where so many of those above are right.
PRECISION = 0.75
NOTHING = Weights((0.0,) * 136, 1.0, (0.0,) * 91, 1.0, 1.0)


@dataclass
class Example:
    """A labelled message and what the model makes of it."""

    label: dict[str, Any]
    part: Part
    candidates: np.ndarray
    features: np.ndarray
    text: str
    vector: np.ndarray
    topics: dict[str, float]
    form: str | None


class Model:
    """The components of a trained model, one behind the other."""

    def __init__(self, archive: Path) -> None:
        """Unpack and load them."""
        with tempfile.TemporaryDirectory() as scratch:
            with tarfile.open(archive) as bundle:
                bundle.extractall(scratch)
            homes = {path.name.partition("_")[2].split(".")[-1]: path for path in Path(scratch).glob("components/*") if path.is_dir()}
            found = {name.rstrip("0123456789"): path for name, path in homes.items()}
            storage: Any = None
            self.language = RolewiseLanguage(RolewiseLanguage.get_default_config(), storage, storage)
            self.language._read(found["RolewiseLanguage"])
            self.featurizer = SentenceEncoderFeaturizer(SentenceEncoderFeaturizer.get_default_config(), storage, storage, "encoder")
            self.featurizer._encoder = SentenceEncoder(found["SentenceEncoderFeaturizer"])
            self.classifier = RolewiseClassifier(RolewiseClassifier.get_default_config(), storage, storage)
            self.classifier._model = IntentModel.load(found["RolewiseClassifier"])
            knowledge = restore(found["KnowledgeSnapshot"] / SNAPSHOT)
            vectors = np.load(found["SubjectMatcher"] / VECTORS_FILE)
            self.forms = IntentModel.load(found["SubjectMatcher"])
        self.matcher = Matcher(knowledge, restored(knowledge, vectors), NOTHING)
        self.ids = {str(subject.id): number for number, subject in enumerate(knowledge.subjects)}

    def read(self, label: dict[str, Any]) -> Example | None:
        """What the model makes of a message; None where it finds no words in it."""
        message = Message({TEXT: label["text"]})
        for component in (self.language, self.featurizer, self.classifier):
            component.process([message])
        if not message.get(QUESTIONS):
            return None
        part = Part.from_dict(message.get(QUESTIONS)[0])
        places = [number for number, piece in enumerate(message.get(PIECES)) if piece.text == part.text]
        vector = message.get(VECTORS)[places[0] if places else 0]
        topics = {guess.topic: guess.confidence for guess in part.guesses if guess.topic}
        form = SubjectMatcher.form_of(self.forms, part.text, vector)
        candidates, features, _, _ = self.matcher.features(part.text, vector, topics, part.roles, form)
        return Example(label, part, candidates, features, part.text, vector, topics, form)


def linear(features: np.ndarray, wanted: np.ndarray, weights: np.ndarray, strength: float) -> tuple[float, ...]:
    """The weights of a logistic regression on expanded features, as they apply to the features themselves, the intercept last."""
    scaler = StandardScaler().fit(expanded(features))
    found = LogisticRegression(C=strength, max_iter=5000).fit(scaler.transform(expanded(features)), wanted, sample_weight=weights)
    scale = np.where(scaler.scale_ > 0, scaler.scale_, 1.0)
    coefficients = found.coef_[0] / scale
    return (*map(float, coefficients), float(found.intercept_[0] - coefficients @ scaler.mean_))


def fit(model: Model, examples: list[Example]) -> Weights:
    """The weights that fit labelled messages."""
    rows, wanted, weights = [], [], []
    for example in examples:
        # Of some messages it is known only whether they are for the assistant.
        if example.label["subjects"] is None:
            continue
        gold = [model.ids[name] for name in example.label["subjects"] if name in model.ids]
        for candidate, features in zip(example.candidates, example.features, strict=True):
            rows.append(features)
            wanted.append(int(candidate in gold))
            weights.append(0.5 if candidate in gold[1:] else 1.0)
    subject = linear(np.array(rows), np.array(wanted), np.array(weights), 0.05)
    matcher = Matcher(model.matcher.knowledge, model.matcher.index, Weights(subject, 1.0, NOTHING.scope, 1.0, 1.0))
    matches = [matcher.match(item.text, item.vector, item.topics, item.part.roles, item.form) for item in examples]
    sure = _sure(
        [(match.subjects[0].confidence, match.subjects[0].id in item.label["subjects"]) for item, match in _asked(examples, matches)]
    )
    judged = [(item, match) for item, match in zip(examples, matches, strict=True) if item.part.topic or item.part.decision == "decline"]
    features = np.vstack([matcher.scope_features(item.part, match) for item, match in judged])
    inside = np.array([bool(item.label["in_scope"]) for item, _ in judged])
    scope = linear(features, inside.astype(int), np.ones(len(inside)), 0.05)
    matcher = Matcher(matcher.knowledge, matcher.index, Weights(subject, sure, scope, 1.0, 1.0))
    chances = np.array([matcher.scope(item.part, match) for item, match in judged])
    answer, ask = (float(np.quantile(chances[~inside], share)) for share in (NOT_ANSWERED, DECLINED))
    exact, answers = _exact(matcher, {item.label["id"]: item for item in examples})
    return Weights(subject, sure, scope, round(answer, 4), round(min(ask, answer), 4), exact, answers)


def _exact(matcher: Matcher, examples: dict[str, Example]) -> tuple[tuple[float, ...], float]:
    """The weights of what tells whether a lead answers the very question, fitted to the readers' judgement, and the threshold."""
    rows, wanted = [], []
    for judged in labelled(JUDGED):
        item = examples.get(judged["id"])
        features = judged_features(matcher, item, judged) if item is not None else None
        if features is not None:
            rows.append(features)
            wanted.append(int(judged["answers"]))
    scaler = StandardScaler().fit(rows)
    found = LogisticRegression(C=0.3, max_iter=5000).fit(scaler.transform(rows), wanted)
    coefficients = found.coef_[0] / np.where(scaler.scale_ > 0, scaler.scale_, 1.0)
    weights = (*map(float, coefficients), float(found.intercept_[0] - coefficients @ scaler.mean_))
    chances = found.predict_proba(scaler.transform(rows))[:, 1]
    return weights, round(float(np.quantile(chances, NOT_EXACT)), 4)


def judged_features(matcher: Matcher, item: Example, judged: dict[str, Any]) -> list[float] | None:
    """What spoke for a lead that a reader judged; None where the knowledge no longer has it."""
    index = matcher.index
    rare = {word: index.idf[word] for word in set(words(item.text)) if word in index.idf}
    if judged["subject"] is None:
        questions, asked = topic_questions(matcher.knowledge).get(judged["topic"], []), broad_questions(matcher.knowledge)
        near = max((float(index.broad[asked.index(text)] @ item.vector) for text in questions), default=0.0)
        return matcher.whole_features(item.text, rare, near, matcher._broad_words.get(judged["topic"], frozenset()))
    number = next((n for n, subject in enumerate(matcher.knowledge.subjects) if subject.id == judged["subject"]), None)
    if number is None:
        return None
    subject = matcher.knowledge.subjects[number]
    texts = [str(claim.text) for claim in (*subject.facts, *subject.gaps)]
    if judged["claim"] not in texts:
        return None
    match = matcher.match(item.text, item.vector, item.topics, item.part.roles, item.form)
    confidence = next((guess.confidence for guess in match.subjects if guess.id == judged["subject"]), 0.0)
    said = Said(item.text, rare, item.form, index.cosines(item.vector), index.overlaps(item.text)[0])
    return matcher.claim_features(said, number, confidence)[texts.index(judged["claim"])]


def _asked(examples: Iterable[Example], matches: Iterable[Any]) -> list[tuple[Example, Any]]:
    found = zip(examples, matches, strict=True)
    return [(item, match) for item, match in found if item.label["in_scope"] and item.label["subjects"] is not None and match.subjects]


def _sure(found: list[tuple[float, bool]]) -> float:
    """The least confidence from which on :data:`PRECISION` of the answers are right."""
    found = sorted(found, reverse=True)
    right = np.cumsum([one for _, one in found]) / np.arange(1, len(found) + 1)
    good = np.flatnonzero(right >= PRECISION)
    return round(found[good[-1]][0], 4) if len(good) else 0.5


def report(model: Model, weights: Weights, examples: list[Example]) -> dict[str, float]:
    """How well labelled messages are read, in percent."""
    matcher = Matcher(model.matcher.knowledge, model.matcher.index, weights)
    first, three, sure, right, topic, answered, asked, kept, inside, outside = (0,) * 10
    for item in examples:
        match = matcher.match(item.text, item.vector, item.topics, item.part.roles, item.form)
        chance = matcher.scope(item.part, match)
        if not item.label["in_scope"]:
            outside += 1
            kept += chance < weights.answer
            continue
        inside += 1
        answered += chance >= weights.answer
        topic += item.part.topic in item.label["topics"]
        gold = item.label["subjects"]
        if gold:
            asked += 1
            ids = [guess.id for guess in match.subjects]
            first += ids[0] in gold
            three += bool(set(ids[:3]) & set(gold))
            sure += match.subjects[0].sure
            right += match.subjects[0].sure and ids[0] in gold
    figures = {
        "messages": len(examples),
        "subject right": 100 * first / max(1, asked),
        "among three": 100 * three / max(1, asked),
        "subject sure": 100 * sure / max(1, asked),
        "of these right": 100 * right / max(1, sure),
        "topic right": 100 * topic / max(1, inside),
        "answered": 100 * answered / max(1, inside),
        "outside declined or asked back": 100 * kept / max(1, outside),
    }
    return {name: round(value, 1) for name, value in figures.items()}


def labelled(path: Path) -> list[dict[str, Any]]:
    """The labelled messages of a file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def main() -> None:
    """Fit, tell how well it went, and write the weights."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, help="an archive instead of the newest one")
    parser.add_argument("--report", type=Path, nargs="*", default=[], help="files of labelled messages to report on")
    parser.add_argument("--keep", action="store_true", help="report with the weights that are there, and write none")
    options = parser.parse_args()
    archive = options.model or trained_model() or max(settings().models.glob("*.tar.gz"), key=lambda file: file.stat().st_mtime)
    model = Model(archive)
    examples = [example for label in labelled(TUNING) if (example := model.read(label))]
    writers = sorted({example.label["id"].split("-")[0] for example in examples})
    if options.keep:
        weights = Weights.load(WEIGHTS)
    else:
        for writer in writers:
            own = [example for example in examples if example.label["id"].startswith(writer)]
            others = [example for example in examples if not example.label["id"].startswith(writer)]
            print(f"{writer}, fitted to the other: {report(model, fit(model, others), own)}", flush=True)
        weights = fit(model, examples)
        data = {name: getattr(weights, name) for name in Weights.__dataclass_fields__}
        WEIGHTS.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    print(f"sure from {weights.sure}, answered from {weights.answer}, asked back from {weights.ask}")
    for path in options.report:
        print(f"{path.name}: {report(model, weights, [example for label in labelled(path) if (example := model.read(label))])}")


if __name__ == "__main__":
    main()
