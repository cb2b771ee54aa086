"""The intent model: n-grams and sentence vectors in a linear classifier, and a confidence that can reject.

It knows neither Rasa nor careers, so that benchmarks can train it on other data.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sparse

from rolewise.nlu.nearest import Nearest
from rolewise.nlu.ngrams import WORD, NgramCounter
from rolewise.nlu.packing import packed

FloatArray = np.ndarray

# Of so many best classes a ranking looks for the nearest example; of one more, the one that rejects.
NEAR = 2


@dataclass(frozen=True)
class IntentModelConfig:
    """How the model is built.

    Attributes:
        encoder: use the sentence vectors.
        ngrams: use character and word n-grams.
        nearness: let the nearness to the training examples speak in the confidence, beside the probabilities.
        ngram_weight: weight of the n-grams against the sentence vectors of length 1.
        regularization: C of the logistic regression.
        one_vs_rest: one logistic regression an intent instead of one over all: a message that fits none gets a low
            probability for each, instead of what the others leave.
        iterations: at most so many steps of the optimiser.
        folds: folds of the cross-validation that fits the thresholds; 0 keeps the defaults.
        seed: of everything random.
    """

    encoder: bool = True
    ngrams: bool = True
    nearness: bool = True
    ngram_weight: float = 1.0
    regularization: float = 10.0
    one_vs_rest: bool = False
    iterations: int = 60
    folds: int = 3
    seed: int = 20


@dataclass(frozen=True)
class Thresholds:
    """Confidences, 0 to 1: at or above ``answer`` answered, at or above ``ask`` asked back, below declined."""

    answer: float = 0.5
    ask: float = 0.35


class IntentModel:
    """A linear classifier over sentence vectors and n-grams that knows how sure it is."""

    def __init__(self, config: IntentModelConfig) -> None:
        """An untrained model."""
        self.config = config
        self.classes: list[str] = []
        self.thresholds = Thresholds()
        self.report: dict[str, Any] = {}
        self.reject: str | None = None
        self.calibration: list[float] = []
        self._vectorizers: list[Any] = []
        self._counters: list[NgramCounter] = []
        self._coefficients: FloatArray = np.zeros((0, 0), dtype=np.float32)
        self._intercept: FloatArray = np.zeros(0, dtype=np.float32)
        self._examples = Nearest(np.zeros((0, 0), dtype=np.int8), np.zeros(0, dtype=np.int32), 0)

    # -- training ---------------------------------------------------------------------------------------------------------

    def fit(
        self,
        texts: Sequence[str],
        vectors: FloatArray,
        labels: Sequence[str],
        reject: str | None = None,
        progress: Callable[[str], None] = lambda line: None,
        also: Sequence[Sequence[str]] | None = None,
        writers: Sequence[str | None] | None = None,
    ) -> IntentModel:
        """Fit the classifier, and the thresholds by cross-validation on these examples alone.

        Args:
            texts: n training texts, for the n-grams.
            vectors: float array ``(n, d)`` of unit rows, for the encoder half and the nearness.
            labels: n labels.
            reject: the label of what must not be answered; None where the data has none, then some intents are left out in turn.
            progress: told what is going on.
            also: for each text the further labels that would be right; learned with less weight.
            writers: for each text who wrote it, or None. Where writers are named, whole writers are held out in cross-validation, and
                the confidence is fitted to their messages alone: what one writer has in mind says little of the next.

        Returns:
            The model itself.
        """
        labels, also = list(labels), list(also or [()] * len(labels))
        self.reject = reject
        if self.config.folds:
            held = self._cross_validate(list(texts), vectors, labels, reject, progress, also, list(writers or [None] * len(labels)))
            self._fit_confidence(held, reject)
        progress(f"fitting {len(texts)} examples of {len(set(labels))} intents")
        self._fit(list(texts), vectors, labels, also)
        return self

    def _fit(self, texts: list[str], vectors: FloatArray, labels: list[str], also: Sequence[Sequence[str]]) -> None:
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression

        if self.config.ngrams:
            # min_df follows the size of the data: a bot with ten examples an intent has few repeated n-grams.
            rare = 1 if len(texts) < 2000 else 3
            self._vectorizers = [
                TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), min_df=rare, sublinear_tf=True, dtype=np.float32),
                TfidfVectorizer(ngram_range=(1, 2), min_df=rare, sublinear_tf=True, token_pattern=WORD, dtype=np.float32),
            ]
            for vectorizer in self._vectorizers:
                vectorizer.fit(texts)
            self._counters = [NgramCounter.of(vectorizer) for vectorizer in self._vectorizers]
        classifier = LogisticRegression(
            C=self.config.regularization,
            class_weight="balanced",
            max_iter=self.config.iterations,
            tol=1e-3,
            random_state=self.config.seed,
            multi_class="ovr" if self.config.one_vs_rest else "auto",
        )
        with warnings.catch_warnings():
            # The steps are bounded on purpose: more of them change no decision and double the training time.
            warnings.simplefilter("ignore", ConvergenceWarning)
            rows, wanted, weights = _soft(labels, also)
            classifier.fit(self._features(texts, vectors)[rows], wanted, sample_weight=weights)
        self.classes = [str(name) for name in classifier.classes_]
        coefficients, intercept = classifier.coef_, classifier.intercept_
        if len(self.classes) == 2:
            # scikit-learn keeps one row for two classes; two rows of half its size give the same probabilities by softmax.
            size = 1 if self.config.one_vs_rest else 2
            coefficients, intercept = np.vstack([-coefficients, coefficients]) / size, np.hstack([-intercept, intercept]) / size
        self._coefficients = np.ascontiguousarray(coefficients.T, dtype=np.float32)
        self._intercept = intercept.astype(np.float32)
        position = {name: index for index, name in enumerate(self.classes)}
        numbers = np.array([position[label] for label in labels], dtype=np.int32)
        self._examples = Nearest(packed(vectors), numbers, len(self.classes))

    def _features(self, texts: Sequence[str], vectors: FloatArray) -> Any:
        blocks: list[Any] = [sparse.csr_matrix(vectors.astype(np.float32))] if self.config.encoder else []
        if self.config.ngrams:
            blocks += [self.config.ngram_weight * vectorizer.transform(texts) for vectorizer in self._vectorizers]
        return sparse.hstack(blocks).tocsr()

    def _cross_validate(
        self,
        texts: list[str],
        vectors: FloatArray,
        labels: list[str],
        reject: str | None,
        progress: Callable[[str], None],
        also: Sequence[Sequence[str]],
        writers: Sequence[str | None],
    ) -> _Held:
        """Predictions for examples that the predicting model has not seen; the outside ones come from ``reject`` or hidden intents."""
        truth = np.array(labels)
        if reject is not None and len({writer for writer in writers if writer is not None}) >= self.config.folds:
            folds = _writers_folds(writers, self.config.folds)
        else:
            folds = _varied_folds(labels, vectors, self.config.folds) if reject is None else _folds(labels, self.config.folds, reject)
        order = np.random.default_rng(self.config.seed).permutation(sorted(set(labels)))
        hidden_names = np.array_split(order, self.config.folds)
        held: list[_Held] = []
        for number in range(self.config.folds):
            progress(f"cross-validation for the thresholds, fold {number + 1} of {self.config.folds}")
            # Without examples of what to decline, some intents are hidden in each fold, and their examples stand for it.
            hidden = np.isin(truth, hidden_names[number]) if reject is None else np.zeros(len(truth), dtype=bool)
            train = np.flatnonzero((folds != number) & ~hidden)
            if len(set(truth[train])) < 2:
                continue
            model = IntentModel(self.config)
            model.reject = reject
            model._fit([texts[i] for i in train], vectors[train], [labels[i] for i in train], [also[i] for i in train])
            at = np.flatnonzero((folds == number) | hidden)
            probabilities = model.probabilities([texts[i] for i in at], vectors[at])
            best, features = model._evidence(probabilities, vectors[at])
            second = np.argsort(-probabilities, axis=1, kind="stable")[:, 1]
            names = np.array(model.classes)
            outside = hidden[at] if reject is None else truth[at] == reject
            fits = [{labels[i], *also[i]} for i in at]
            right = [np.array([name in fit for name, fit in zip(names[guess], fits, strict=True)]) for guess in (best, second)]
            held.append(_Held(truth[at], names[best], features, ~outside, *right))
        return _Held(*(np.concatenate([getattr(part, name) for part in held]) for name in _Held.__dataclass_fields__))

    def _fit_confidence(self, held: _Held, reject: str | None) -> None:
        """Fit the confidence and the thresholds on held-out predictions."""
        from sklearn.linear_model import LogisticRegression

        right = held.right & held.inside
        judged = held.best != reject
        # What lies outside counts half as much as what lies inside, however many examples of it there are.
        weight = np.where(held.inside, 1.0 / max(1, held.inside.sum()), 0.5 / max(1, (~held.inside).sum()))
        # Hidden intents are a poor likeness of what lies outside: without examples of it, only the threshold is fitted to them.
        if reject is not None and self.config.nearness and len(set(right[judged])) == 2:
            calibrator = LogisticRegression(C=1.0, random_state=self.config.seed)
            calibrator.fit(held.features[judged], right[judged], sample_weight=(weight / weight.mean())[judged])
            self.calibration = [float(value) for value in (*calibrator.coef_[0], calibrator.intercept_[0])]
        confidence = self._confidence(held.features)
        if reject is None:
            self.thresholds = _threshold_by_mcc(held, confidence)
        else:
            self.thresholds = _thresholds_by_worth(held, confidence, reject)
        answered = (confidence >= self.thresholds.answer) & judged
        inside, outside = held.inside, ~held.inside
        self.report = {
            "thresholds": asdict(self.thresholds),
            "accuracy": float(right[inside].mean()),
            "answered_right": float((answered & right)[inside].mean()),
            "answered_wrong": float((answered & ~right)[inside].mean()),
            "declined_outside": float(1 - answered[outside].mean()) if outside.any() else None,
        }

    # -- prediction -------------------------------------------------------------------------------------------------------

    def probabilities(self, texts: Sequence[str], vectors: FloatArray) -> FloatArray:
        """Probabilities of shape ``(n, classes)``; rows add up to 1 unless ``one_vs_rest``."""
        scores = self._scores(texts, vectors)
        if self.config.one_vs_rest:
            result: FloatArray = 1.0 / (1.0 + np.exp(-scores))
            return result
        scores -= scores.max(axis=1, keepdims=True)
        exponentials = np.exp(scores)
        return exponentials / exponentials.sum(axis=1, keepdims=True)

    def _scores(self, texts: Sequence[str], vectors: FloatArray) -> FloatArray:
        """What the features times the coefficients give, ``(n, classes)``, without a sparse matrix of one message's few n-grams."""
        scores = np.tile(self._intercept, (len(texts), 1))
        start = 0
        if self.config.encoder:
            start = vectors.shape[1]
            scores += vectors.astype(np.float32) @ self._coefficients[:start]
        for counter in self._counters:
            for row, text in enumerate(texts):
                columns, weights = counter(text)
                scores[row] += (self.config.ngram_weight * weights) @ self._coefficients[start + columns]
            start += counter.width
        return scores

    def nearness(self, vectors: FloatArray) -> FloatArray:
        """For each row and class, the cosine to the nearest training example of that class, at least 0; ``(n, classes)``."""
        return self._examples.all(vectors)

    def _nearness_of(self, order: FloatArray, vectors: FloatArray) -> FloatArray:
        """As :meth:`nearness`, for the classes that a decision needs: the :data:`NEAR` best and the rejecting one.

        A class further behind counts as near as the least of these.
        """
        outside = [self.classes.index(self.reject)] if self.reject in self.classes else []
        near = np.zeros((len(vectors), len(self.classes)), dtype=np.float32)
        for row, vector in enumerate(vectors.astype(np.float32)):
            among = [*order[row, :NEAR], *outside]
            found = self._examples.of(vector, among)
            near[row] = min(found)
            near[row, among] = found
        return near

    def rank(self, texts: Sequence[str], vectors: FloatArray, length: int = 5) -> list[list[tuple[str, float]]]:
        """The best classes of each text with their confidence, the best first."""
        return self.rank_from(self.probabilities(texts, vectors), vectors, length)

    def rank_from(self, probabilities: FloatArray, vectors: FloatArray, length: int = 5) -> list[list[tuple[str, float]]]:
        """As :meth:`rank`, for probabilities that are there already.

        The first confidence is the calibrated one; those behind it keep their proportion to it.
        """
        order = np.argsort(-probabilities, axis=1, kind="stable")[:, :length]
        near = self._nearness_of(order, vectors) if self.config.nearness else np.ones_like(probabilities)
        strength = np.sqrt(probabilities * near)
        best, features = self._evidence(probabilities, vectors, near)
        confidence = self._confidence(features)
        ranked = []
        for row, columns in enumerate(order):
            head = float(strength[row, columns[0]])
            first = head if self.classes[best[row]] == self.reject else float(confidence[row])
            scale = first / head if head > 0 else 0.0
            ranked.append([(self.classes[column], min(1.0, float(strength[row, column]) * scale)) for column in columns])
        return ranked

    def _evidence(self, probabilities: FloatArray, vectors: FloatArray, near: FloatArray | None = None) -> tuple[FloatArray, FloatArray]:
        """The best class of each row, and what speaks for it and against it, ``(n, 7)``."""
        near = self.nearness(vectors) if near is None else near
        rows = np.arange(len(probabilities))
        order = np.argsort(-probabilities, axis=1, kind="stable")
        best, second = order[:, 0], order[:, 1]
        outside = self.classes.index(self.reject) if self.reject in self.classes else None
        outside_p = probabilities[:, outside] if outside is not None else np.zeros(len(rows))
        outside_s = near[:, outside] if outside is not None else np.zeros(len(rows))
        best_s, second_s = near[rows, best], near[rows, second]
        logits = _logit(np.array([probabilities[rows, best], probabilities[rows, second], outside_p]))
        return best, np.column_stack([*logits[:2], best_s, second_s, logits[2], outside_s, best_s - outside_s])

    def _confidence(self, features: FloatArray) -> FloatArray:
        if not self.calibration:
            probability = 1.0 / (1.0 + np.exp(-features[:, 0]))
            return np.sqrt(probability * features[:, 2]) if self.config.nearness else probability
        return 1.0 / (1.0 + np.exp(-(features @ np.array(self.calibration[:-1]) + self.calibration[-1])))

    # -- persistence ------------------------------------------------------------------------------------------------------

    def save(self, directory: Path) -> None:
        """Write the model as plain data, which nothing can hide in: numbers by numpy, the rest as JSON."""
        np.savez(
            directory / "arrays.npz",
            coefficients=self._coefficients,
            intercept=self._intercept,
            memory=self._examples.packed,
            labels=self._examples.classes,
            **{f"idf{number}": counter.idf for number, counter in enumerate(self._counters)},
        )
        ngrams = [{"analyzer": counter.analyzer, "terms": counter.terms()} for counter in self._counters]
        (directory / "ngrams.json").write_text(json.dumps(ngrams, ensure_ascii=False), encoding="utf-8")
        data = {
            "config": asdict(self.config),
            "classes": self.classes,
            "thresholds": asdict(self.thresholds),
            "report": self.report,
            "reject": self.reject,
            "calibration": self.calibration,
        }
        (directory / "model.json").write_text(json.dumps(data, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, directory: Path) -> IntentModel:
        """Read a model. Raises OSError or ValueError where its files are not there or not what :meth:`save` writes."""
        data = json.loads((directory / "model.json").read_text(encoding="utf-8"))
        model = cls(IntentModelConfig(**data["config"]))
        model.classes = data["classes"]
        model.thresholds = Thresholds(**data["thresholds"])
        model.report = data["report"]
        model.reject = data["reject"]
        model.calibration = data["calibration"]
        ngrams = json.loads((directory / "ngrams.json").read_text(encoding="utf-8"))
        with np.load(directory / "arrays.npz", allow_pickle=False) as arrays:
            model._coefficients = arrays["coefficients"]
            model._intercept = arrays["intercept"]
            model._examples = Nearest(arrays["memory"], arrays["labels"], len(model.classes))
            for number, saved in enumerate(ngrams):
                model._counters.append(NgramCounter(saved["analyzer"], saved["terms"], arrays[f"idf{number}"]))
        return model


@dataclass(frozen=True)
class _Held:
    """Held-out predictions, one row an example.

    Attributes:
        truth: the label.
        best: the best guess.
        features: the evidence.
        inside: whether it lies inside the subject.
        right: whether the best guess is the label, or another that would be right.
        second_right: whether the second is.
    """

    truth: FloatArray
    best: FloatArray
    features: FloatArray
    inside: FloatArray
    right: FloatArray
    second_right: FloatArray


def _logit(probability: FloatArray) -> FloatArray:
    bounded = np.clip(probability, 1e-4, 1 - 1e-4)
    return np.log(bounded / (1 - bounded))


# How much a further label that would be right counts against the best one, in the order of the labels.
ALSO = (0.4, 0.25)


def _soft(labels: Sequence[str], also: Sequence[Sequence[str]]) -> tuple[FloatArray, list[str], FloatArray]:
    """Each example once a label that fits it: its row ``(m,)``, the label, and its weight ``(m,)``; those of an example add up to 1."""
    rows: list[int] = []
    wanted: list[str] = []
    weights: list[float] = []
    for row, (label, others) in enumerate(zip(labels, also, strict=True)):
        shares = [1.0, *ALSO[: len(others)]]
        rows += [row] * len(shares)
        wanted += [label, *others[: len(ALSO)]]
        weights += [share / sum(shares) for share in shares]
    return np.array(rows), wanted, np.array(weights)


def _writers_folds(writers: Sequence[str | None], folds: int) -> FloatArray:
    """Folds of whole writers; what nobody is named for is in none (-1), and so always among what is learned."""
    names = sorted({writer for writer in writers if writer is not None})
    return np.array([-1 if writer is None else names.index(writer) % folds for writer in writers])


def _folds(labels: Sequence[str], folds: int, reject: str | None) -> FloatArray:
    """Folds that keep neighbouring examples of an intent together: they often come from one writer, as paraphrases do.

    The examples of ``reject`` come in kinds instead, one after the other; each fold gets some of every kind.
    """
    numbers = np.zeros(len(labels), dtype=int)
    truth = np.array(labels)
    for name in sorted(set(labels)):
        members = np.flatnonzero(truth == name)
        position = np.arange(len(members))
        numbers[members] = position // 8 % folds if name == reject else position * folds // len(members)
    return numbers


def _varied_folds(labels: Sequence[str], vectors: FloatArray, folds: int) -> FloatArray:
    """Folds that part each intent's examples by meaning, along their first principal direction, whatever their order.

    What is held out is then worded differently from the rest, as people's messages are; among held-out paraphrases every
    confidence is too high, and so is a threshold fitted to them.
    """
    numbers = np.zeros(len(labels), dtype=int)
    truth = np.array(labels)
    for name in sorted(set(labels)):
        members = np.flatnonzero(truth == name)
        if len(members) > 2:
            centred = vectors[members] - vectors[members].mean(axis=0)
            direction = np.linalg.svd(centred, full_matrices=False)[2][0]
            # Which way a direction points is chance: let its largest component be positive.
            direction = direction * np.sign(direction[np.argmax(np.abs(direction))])
            members = members[np.argsort(centred @ direction, kind="stable")]
        numbers[members] = np.arange(len(members)) * folds // max(folds, len(members))
    return numbers


# The threshold's curve is averaged over so many hundredths to either side.
SMOOTHED = 4


def _threshold_by_mcc(held: _Held, confidence: FloatArray) -> Thresholds:
    """The threshold with the best Matthews correlation, what lies inside and outside weighted half and half.

    A few hundred examples give a ragged curve: the middle of its best stretch carries over better than its highest point.
    """
    from sklearn.metrics import matthews_corrcoef

    inside, outside = held.inside, ~held.inside
    if not inside.any() or not outside.any():
        return Thresholds()
    wanted = np.where(inside, held.truth, "\0").astype(str)
    weight = np.where(inside, 0.5 / inside.sum(), 0.5 / outside.sum())
    grid = np.arange(0.05, 0.96, 0.01)
    guesses = [np.where(confidence >= at, held.best, "\0").astype(str) for at in grid]
    scores = [matthews_corrcoef(wanted, guess, sample_weight=weight) for guess in guesses]
    width = 2 * SMOOTHED + 1
    smooth = np.convolve(np.pad(scores, SMOOTHED, mode="edge"), np.ones(width) / width, mode="valid")
    answer = float(grid[int(np.argmax(smooth))])
    return Thresholds(round(answer, 3), round(answer * 0.75, 3))


# What an outcome is worth when the thresholds are fitted. A wrong answer says in its title what it answers, so it costs somewhat less
# than a right one brings; an answer to what lies outside the subject costs as much. The right one among two offered is worth little
# more than nothing, because it costs a turn; a question handed back in vain costs the turn and some patience, and so does a refusal.
WORTH_RIGHT, WORTH_WRONG, WORTH_OUTSIDE = 1.0, -0.7, -1.0
WORTH_OFFERED, WORTH_ASKED_IN_VAIN, WORTH_ASKED_OUTSIDE, WORTH_REFUSED = 0.1, -0.3, -0.2, -0.3
# How much a message outside the subject weighs against one inside.
OUTSIDE_WEIGHT = 0.7


def _thresholds_by_worth(held: _Held, confidence: FloatArray, reject: str) -> Thresholds:
    """The pair of thresholds that is worth most."""
    right = held.right & held.inside
    offered = right | (held.second_right & held.inside)
    weight = np.where(held.inside, 1.0 / max(1, held.inside.sum()), OUTSIDE_WEIGHT / max(1, (~held.inside).sum()))
    weight = np.where(held.best == reject, 0.0, weight)
    if_answered = weight * np.where(held.inside, np.where(right, WORTH_RIGHT, WORTH_WRONG), WORTH_OUTSIDE)
    if_asked = weight * np.where(held.inside, np.where(offered, WORTH_OFFERED, WORTH_ASKED_IN_VAIN), WORTH_ASKED_OUTSIDE)
    if_declined = weight * np.where(held.inside, WORTH_REFUSED, 0.0)
    top: tuple[float, float, float] = (-np.inf, 0.5, 0.3)
    for answer in np.arange(0.1, 0.95, 0.01):
        for ask in np.arange(0.04, answer + 0.001, 0.02):
            total = float(np.where(confidence >= answer, if_answered, np.where(confidence >= ask, if_asked, if_declined)).sum())
            if total > top[0] + 1e-12:
                top = (total, float(answer), float(ask))
    return Thresholds(round(top[1], 3), round(top[2], 3))
