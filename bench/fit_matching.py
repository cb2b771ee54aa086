"""Fits the weights of the subject and claim rankers and of the decision to labelled messages: `python bench/fit_matching.py`.

Reads bench/data/tuning.jsonl (two writers, of whom no message is trained on, with their subjects) and bench/data/answers.jsonl (for
messages of many writers, which claims and which topics' answers answer them, by independent readers). Writes rolewise/nlu/matching.json and
rolewise/fitting.json. Prints how well each of the two writers is read with weights that were fitted to the others, and, with --report FILE
and --answers FILE, how well the messages of a file are.
"""

from __future__ import annotations

import argparse
import json
import sys
import tarfile
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from rasa.shared.nlu.constants import TEXT  # noqa: E402
from rasa.shared.nlu.training_data.message import Message  # noqa: E402
from sklearn.linear_model import LogisticRegression  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402

from bench.labels import labelled, places  # noqa: E402
from rolewise.engine.training import trained_model  # noqa: E402
from rolewise.fitting import TAGS, Fitting, tags  # noqa: E402
from rolewise.fitting import WEIGHTS as FITTING  # noqa: E402
from rolewise.knowledge.loader import SNAPSHOT, restore  # noqa: E402
from rolewise.nlu.claim_ranker import CLAIM_FEATURES, WHOLE_FEATURES, Said, expanded, likely  # noqa: E402
from rolewise.nlu.classifier import QUESTIONS, RolewiseClassifier  # noqa: E402
from rolewise.nlu.encoder import SentenceEncoder  # noqa: E402
from rolewise.nlu.featurizer import PIECES, VECTORS, SentenceEncoderFeaturizer  # noqa: E402
from rolewise.nlu.intent_model import IntentModel  # noqa: E402
from rolewise.nlu.language import RolewiseLanguage  # noqa: E402
from rolewise.nlu.matching import FEATURES, SCOPE_FEATURES, Matcher, Weights  # noqa: E402
from rolewise.nlu.subject_index import restored  # noqa: E402
from rolewise.nlu.subjects import VECTORS_FILE, WEIGHTS, SubjectMatcher  # noqa: E402
from rolewise.questions import Part  # noqa: E402
from rolewise.settings import settings  # noqa: E402


def coefficients(features: int) -> int:
    """How many weights a regression on expanded features has, the intercept not counted."""
    return features + features * (features + 1) // 2


TUNING = ROOT / "bench" / "data" / "tuning.jsonl"
# Conversations whose first messages, some of them short or with a story around, are for the assistant or not, too.
CONVERSATIONS = ROOT / "bench" / "data" / "conversations.yml"
# What independent readers found of the claims nearest to a message: which of them answer it.
ANSWERS = ROOT / "bench" / "data" / "answers.jsonl"
# What a reply shows of the claims.
SHOWN_CLAIMS = 5
# How many of the messages that are not for the assistant must be declined when the thresholds are chosen.
DECLINED, NOT_ANSWERED = 0.72, 0.84
# Of so many replies the lead says that no source answers just that: the honest word in vain costs more than it is worth to most.
NOT_EXACT = 0.2
# How strong the weights are held back: the smaller the more.
CLAIM_STRENGTH, WHOLE_STRENGTH = 0.01, 0.05
# When the fit is good enough: further digits change no decision.
TOLERANCE = 1e-3
# A claim that is only useful beside the answer is half a wrong one.
USEFUL = 0.5
# A subject counts as asked about from where so many of those above are right.
PRECISION = 0.75
NOTHING = Weights(
    (0.0,) * (coefficients(len(FEATURES)) + 1),
    1.0,
    (0.0,) * (coefficients(len(SCOPE_FEATURES)) + 1),
    1.0,
    1.0,
    (0.0,) * (coefficients(len(CLAIM_FEATURES)) + 1),
    (0.0,) * (coefficients(len(WHOLE_FEATURES)) + 1),
)


@dataclass
class Example:
    """A labelled message and what the model makes of it."""

    label: dict[str, Any]
    part: Part
    candidates: np.ndarray
    features: np.ndarray
    vector: np.ndarray
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
        self.matcher = Matcher(knowledge, restored(knowledge, vectors), NOTHING, Fitting({}))
        self.ids = {str(subject.id): number for number, subject in enumerate(knowledge.subjects)}
        # The claims by the names that labels give them.
        self.claims = places(knowledge)

    def with_weights(self, weights: Weights, fitting: Fitting) -> Matcher:
        """The matcher with other weights."""
        return Matcher(self.matcher.knowledge, self.matcher.index, weights, fitting)

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
        candidates, features, _ = self.matcher.features(part.text, vector, topics, part.roles, form)
        return Example(label, part, candidates, features, vector, form)


def linear(features: np.ndarray, wanted: np.ndarray, weights: np.ndarray, strength: float) -> tuple[float, ...]:
    """The weights of a logistic regression on expanded features, as they apply to the features themselves, the intercept last."""
    return regression(expanded(features), wanted, weights, strength)


def regression(features: np.ndarray, wanted: np.ndarray, weights: np.ndarray, strength: float) -> tuple[float, ...]:
    """The weights of a logistic regression, as they apply to the features themselves, the intercept last."""
    scaler = StandardScaler().fit(features)
    found = LogisticRegression(C=strength, tol=TOLERANCE, max_iter=1000).fit(scaler.transform(features), wanted, sample_weight=weights)
    scale = np.where(scaler.scale_ > 0, scaler.scale_, 1.0)
    found_ = found.coef_[0] / scale
    return (*map(float, found_), float(found.intercept_[0] - found_ @ scaler.mean_))


@dataclass(frozen=True)
class Fitted:
    """All weights."""

    weights: Weights
    fitting: Fitting


def fit(model: Model, examples: list[Example], answered: list[Example]) -> Fitted:
    """The weights that fit labelled messages.

    Args:
        model: what reads them.
        examples: messages with their subjects, or only with whether they are for the assistant.
        answered: messages with the claims that answer them.
    """
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
    found = replace(NOTHING, subject=linear(np.array(rows), np.array(wanted), np.array(weights), 0.05))
    matcher = model.with_weights(found, Fitting({}))
    said = [matcher.said(example.part, example.vector, example.form)[0] for example in answered]
    claim, fitting = _claims(model, matcher, answered, said)
    found = replace(found, claim=claim, whole=_wholes(matcher, answered, said))
    matcher = model.with_weights(found, fitting)
    found = replace(found, answers=_answers(matcher, answered))
    first = [next(iter(matcher.said(item.part, item.vector, item.form)[0].subjects.items())) for item in examples]
    asked = [
        (item, one) for item, one in zip(examples, first, strict=True) if item.label["in_scope"] and item.label["subjects"] is not None
    ]
    names = [str(subject.id) for subject in matcher.knowledge.subjects]
    sure = _sure([(confidence, names[number] in item.label["subjects"]) for item, (number, confidence) in asked])
    return scoped(model, examples, Fitted(replace(found, sure=sure), fitting))


def scoped(model: Model, examples: list[Example], found: Fitted) -> Fitted:
    """The same weights, but for those of whether a question is for the assistant, and from where on it is: these are fitted to examples."""
    matcher = model.with_weights(found.weights, found.fitting)
    matches = [matcher.match(item.part, item.vector, item.form) for item in examples]
    judged = [(item, match) for item, match in zip(examples, matches, strict=True) if item.part.topic or item.part.decision == "decline"]
    features = np.vstack([matcher.scope_features(item.part, match) for item, match in judged])
    inside = np.array([bool(item.label["in_scope"]) for item, _ in judged])
    scope = linear(features, inside.astype(int), np.ones(len(inside)), 0.05)
    matcher = model.with_weights(replace(found.weights, scope=scope), found.fitting)
    chances = np.array([matcher.scope(item.part, match) for item, match in judged])
    answer, ask = (float(np.quantile(chances[~inside], share)) for share in (NOT_ANSWERED, DECLINED))
    return Fitted(replace(found.weights, scope=scope, answer=round(answer, 4), ask=round(min(ask, answer), 4)), found.fitting)


def _claims(model: Model, matcher: Matcher, answered: list[Example], messages: list[Said]) -> tuple[tuple[float, ...], Fitting]:
    """The weights of the claim ranker, and of the tags, fitted together."""
    rows, tagged, wanted, weights = [], [], [], []
    for example, said in zip(answered, messages, strict=True):
        best, useful = (named(model, example.label[key]) for key in ("best", "part"))
        chosen, features = matcher.ranker.features(said)
        # Every second of those that nobody named is enough of them, and halves the time.
        places = [matcher.ranker.claims[number][:2] for number in chosen]
        kept = [row for row, place in enumerate(places) if place in best | useful or row % 2 == 0]
        rows.append(features[kept])
        for number in chosen[kept]:
            subject, place, claim = matcher.ranker.claims[number]
            tagged.append(tags(claim, example.part.roles, example.part.levels))
            wanted.append(int((subject, place) in best))
            weights.append(USEFUL if (subject, place) in useful else 1.0)
    features = np.hstack([expanded(np.vstack(rows)), np.array(tagged)])
    found = regression(features, np.array(wanted), np.array(weights), CLAIM_STRENGTH)
    own = coefficients(len(CLAIM_FEATURES))
    return (*found[:own], found[-1]), Fitting({name: round(weight, 4) for name, weight in zip(TAGS, found[own:-1], strict=True)})


def _wholes(matcher: Matcher, answered: list[Example], messages: list[Said]) -> tuple[float, ...]:
    """The weights of what tells whether a topic's answer answers a message."""
    rows, wanted = [], []
    for example, said in zip(answered, messages, strict=True):
        for topic in matcher.ranker.whole_topics(said):
            rows.append(matcher.ranker.whole_features(said, topic, example.part.roles))
            wanted.append(int(topic in example.label["topics"]))
    return regression(expanded(np.array(rows)), np.array(wanted), np.ones(len(rows)), WHOLE_STRENGTH)


def _answers(matcher: Matcher, answered: list[Example]) -> float:
    """The least probability from which on the best claim, or topic, counts as an answer."""
    matches = [matcher.match(example.part, example.vector, example.form) for example in answered]
    return round(float(np.quantile([likely(max(match.claim, match.topic)) for match in matches], NOT_EXACT)), 4)


def named(model: Model, claims: Iterable[Sequence[str]]) -> set[tuple[int, int]]:
    """The places of the claims that a label names; those that the knowledge no longer has are left out."""
    found = (model.claims.get((subject, text)) for subject, text in claims)
    return {place for place in found if place is not None}


def _sure(found: list[tuple[float, bool]]) -> float:
    """The least confidence from which on :data:`PRECISION` of the answers are right."""
    found = sorted(found, reverse=True)
    right = np.cumsum([one for _, one in found]) / np.arange(1, len(found) + 1)
    good = np.flatnonzero(right >= PRECISION)
    return round(found[good[-1]][0], 4) if len(good) else 0.5


def report(matcher: Matcher, examples: list[Example]) -> dict[str, float]:
    """How well labelled messages are read, in percent."""
    weights = matcher.weights
    first, three, sure, right, topic, answered, asked, kept, inside, outside = (0,) * 10
    for item in examples:
        match = matcher.match(item.part, item.vector, item.form)
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


def answers_report(model: Model, matcher: Matcher, examples: list[Example]) -> dict[str, float]:
    """How often what leads the reply answers the message, as readers labelled it, in percent."""
    right, shown, answerable, honest, rightly, broad = (0,) * 6
    for item in examples:
        match = matcher.match(item.part, item.vector, item.form)
        best = named(model, item.label["best"])
        places = [(model.ids[one.subject], one.claim) for one in match.evidence]
        whole = match.topic > match.claim
        said = matcher.said(item.part, item.vector, item.form)[0]
        fits = whole and matcher.ranker.whole(said, item.part.roles)[0] in item.label["topics"]
        unsure = likely(max(match.claim, match.topic)) < matcher.weights.answers
        known = bool(item.label["best"] or item.label["topics"])
        broad += whole
        answerable += known
        right += bool(fits if whole else places and places[0] in best)
        shown += bool(fits or best & set(places[:SHOWN_CLAIMS]))
        honest += unsure
        rightly += unsure and not known
    count = max(1, len(examples))
    names = (
        "lead answers",
        "or a point does",
        "some claim or topic would",
        "lead says that none does",
        "of these rightly",
        "whole topic leads",
    )
    values = (right, shown, answerable, honest, rightly * count / max(1, honest), broad)
    return {"messages": len(examples), **{name: round(100 * value / count, 1) for name, value in zip(names, values, strict=True)}}


def main() -> None:
    """Fit, tell how well it went, and write the weights."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, help="an archive instead of the newest one")
    parser.add_argument("--report", type=Path, nargs="*", default=[], help="files of messages with their subjects to report on")
    parser.add_argument("--answers", type=Path, nargs="*", default=[], help="files of messages with the claims that answer them")
    parser.add_argument("--keep", action="store_true", help="report with the weights that are there, and write none")
    parser.add_argument("--scope", action="store_true", help="fit only whether a question is for the assistant, and keep the other weights")
    options = parser.parse_args()
    archive = options.model or trained_model() or max(settings().models.glob("*.tar.gz"), key=lambda file: file.stat().st_mtime)
    model = Model(archive)
    found = Fitted(Weights.load(WEIGHTS), Fitting.load()) if options.keep or options.scope else fitted(model)
    if options.scope:
        found = scoped(model, examples_of(model), found)
        write(found)
    matcher = model.with_weights(found.weights, found.fitting)
    print(f"sure from {found.weights.sure}, answered from {found.weights.answer}, asked back from {found.weights.ask}", end="")
    print(f", an answer from {found.weights.answers}")
    for path in options.report:
        print(f"{path.name}: {report(matcher, read(model, path))}")
    for path in options.answers:
        print(f"{path.name}: {answers_report(model, matcher, read(model, path))}")


def fitted(model: Model) -> Fitted:
    """Fit, tell how well it goes for writers who are left out, and write the weights."""
    examples, answered = examples_of(model), read(model, ANSWERS)
    for writer in sorted({writer_of(example) for example in examples if example.label["subjects"] is not None}):
        others = fit(model, *([one for one in some if writer_of(one) != writer] for some in (examples, answered)))
        matcher = model.with_weights(others.weights, others.fitting)
        print(f"{writer}, fitted to the others: {report(matcher, [one for one in examples if writer_of(one) == writer])}", flush=True)
        print(f"    {answers_report(model, matcher, [one for one in answered if writer_of(one) == writer])}", flush=True)
    found = fit(model, examples, answered)
    write(found)
    return found


def read(model: Model, path: Path) -> list[Example]:
    """The labelled messages of a file, as the model reads them."""
    return [example for label in labelled(path) if (example := model.read(label))]


def write(found: Fitted) -> None:
    """Write the weights to where the matcher finds them."""
    data = {name: getattr(found.weights, name) for name in Weights.__dataclass_fields__}
    WEIGHTS.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    FITTING.write_text(json.dumps(dict(zip(TAGS, map(float, found.fitting.weights), strict=True)), indent=1) + "\n", encoding="utf-8")


def examples_of(model: Model) -> list[Example]:
    """The messages of which it is known whether they are for the assistant, most of them with their subjects."""
    return [*read(model, TUNING), *first_turns(model)]


def first_turns(model: Model) -> list[Example]:
    """The first messages of the conversations, of which it is known only whether they are for the assistant."""
    found = []
    for one in yaml.safe_load(CONVERSATIONS.read_text(encoding="utf-8")):
        turn, kinds = one["turns"][0], set(one["turns"][0]["kind"])
        inside = bool(kinds & {"answer", "comparison"})
        if inside or kinds == {"fallback"}:
            label = {"id": one["name"].replace(" ", "-"), "text": str(turn["say"]), "subjects": None, "in_scope": inside}
            found.append(model.read(label))
    return [example for example in found if example is not None]


def writer_of(example: Example) -> str:
    """Who wrote a message."""
    return str(example.label["id"]).split("-")[0]


if __name__ == "__main__":
    main()
