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

# Types that skops meets in the saved model and that are known to be plain data.
TRUSTED_TYPES = ["scipy.sparse._csr.csr_matrix"]

FloatArray = np.ndarray


@dataclass(frozen=True)
class IntentModelConfig:
    """How the model is built.

    Attributes:
        encoder: use the sentence vectors.
        ngrams: use character and word n-grams.
        nearness: multiply the probability with the nearness to the training examples for the confidence.
        ngram_weight: weight of the n-grams against the sentence vectors of length 1.
        regularization: C of the logistic regression.
        iterations: at most so many steps of the optimiser.
        folds: folds of the cross-validation that fits the thresholds; 0 keeps the defaults.
        seed: of everything random.
    """

    encoder: bool = True
    ngrams: bool = True
    nearness: bool = True
    ngram_weight: float = 1.0
    regularization: float = 10.0
    iterations: int = 80
    folds: int = 5
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
        self._vectorizers: list[Any] = []
        self._coefficients: FloatArray = np.zeros((0, 0), dtype=np.float32)
        self._intercept: FloatArray = np.zeros(0, dtype=np.float32)
        self._memory: FloatArray = np.zeros((0, 0), dtype=np.float32)
        self._labels: FloatArray = np.zeros(0, dtype=np.int32)

    # -- training ---------------------------------------------------------------------------------------------------------

    def fit(
        self,
        texts: Sequence[str],
        vectors: FloatArray,
        labels: Sequence[str],
        reject: str | None = None,
        progress: Callable[[str], None] = lambda line: None,
    ) -> IntentModel:
        """Fit the classifier, and the thresholds by cross-validation on these examples alone.

        Args:
            texts: n training texts, for the n-grams.
            vectors: float array ``(n, d)`` of unit rows, for the encoder half and the nearness.
            labels: n labels.
            reject: the label of what must not be answered; None where the data has none, then some intents are left out in turn.
            progress: told what is going on.

        Returns:
            The model itself.
        """
        labels = list(labels)
        if self.config.folds:
            self.thresholds = self._fit_thresholds(list(texts), vectors, labels, reject, progress)
        progress(f"fitting {len(texts)} examples of {len(set(labels))} intents")
        self._fit(list(texts), vectors, labels)
        return self

    def _fit(self, texts: list[str], vectors: FloatArray, labels: list[str]) -> None:
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression

        if self.config.ngrams:
            # min_df follows the size of the data: a bot with ten examples an intent has few repeated n-grams.
            rare = 1 if len(texts) < 2000 else 3
            self._vectorizers = [
                TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), min_df=rare, sublinear_tf=True, dtype=np.float32),
                TfidfVectorizer(ngram_range=(1, 2), min_df=rare, sublinear_tf=True, token_pattern=r"(?u)\b\w+\b", dtype=np.float32),
            ]
            for vectorizer in self._vectorizers:
                vectorizer.fit(texts)
        classifier = LogisticRegression(
            C=self.config.regularization,
            class_weight="balanced",
            max_iter=self.config.iterations,
            tol=1e-3,
            random_state=self.config.seed,
        )
        with warnings.catch_warnings():
            # The steps are bounded on purpose: more of them change no decision and double the training time.
            warnings.simplefilter("ignore", ConvergenceWarning)
            classifier.fit(self._features(texts, vectors), labels)
        self.classes = [str(name) for name in classifier.classes_]
        coefficients, intercept = classifier.coef_, classifier.intercept_
        if len(self.classes) == 2:
            # scikit-learn keeps one row for two classes; two rows of half its size give the same probabilities.
            coefficients, intercept = np.vstack([-coefficients, coefficients]) / 2, np.hstack([-intercept, intercept]) / 2
        self._coefficients = np.ascontiguousarray(coefficients.T, dtype=np.float32)
        self._intercept = intercept.astype(np.float32)
        self._memory = np.ascontiguousarray(vectors, dtype=np.float32)
        position = {name: index for index, name in enumerate(self.classes)}
        self._labels = np.array([position[label] for label in labels], dtype=np.int32)

    def _features(self, texts: Sequence[str], vectors: FloatArray) -> Any:
        blocks: list[Any] = [sparse.csr_matrix(vectors.astype(np.float32))] if self.config.encoder else []
        if self.config.ngrams:
            blocks += [self.config.ngram_weight * vectorizer.transform(texts) for vectorizer in self._vectorizers]
        return sparse.hstack(blocks).tocsr()

    def _fit_thresholds(
        self, texts: list[str], vectors: FloatArray, labels: list[str], reject: str | None, progress: Callable[[str], None]
    ) -> Thresholds:
        truth = np.array(labels)
        confidence = np.zeros(len(texts))
        best = np.empty(len(texts), dtype=object)
        second = np.empty(len(texts), dtype=object)
        inside = np.ones(len(texts), dtype=bool)
        folds = _contiguous_folds(labels, self.config.folds)
        names = sorted(set(labels))
        hidden_names = np.array_split(np.random.default_rng(self.config.seed).permutation(names), self.config.folds)
        rows: list[int] = []
        for number in range(self.config.folds):
            progress(f"cross-validation for the thresholds, fold {number + 1} of {self.config.folds}")
            held = folds == number
            if reject is None:
                # No example of what to decline: hide some intents, and let their examples stand for it.
                hidden = np.isin(truth, hidden_names[number])
                train, test = ~held & ~hidden, held | hidden
            else:
                train, test = ~held, held
            if len(set(truth[train])) < 2:
                continue
            model = IntentModel(self.config)
            where = np.flatnonzero(train)
            model._fit([texts[i] for i in where], vectors[where], [labels[i] for i in where])
            at = np.flatnonzero(test)
            ranking = model.rank([texts[i] for i in at], vectors[at])
            for index, ranked in zip(at, ranking, strict=False):
                if reject is None and not held[index] and index in rows:
                    continue
                best[index], confidence[index] = ranked[0]
                second[index] = ranked[1][0]
                inside[index] = (reject is None and not (not held[index] or truth[index] in hidden_names[number])) or (
                    reject is not None and truth[index] != reject
                )
                rows.append(int(index))
        chosen = np.array(sorted(set(rows)), dtype=int)
        if reject is None:
            thresholds = _threshold_by_mcc(truth[chosen], best[chosen], confidence[chosen], inside[chosen])
        else:
            thresholds = _thresholds_by_worth(truth[chosen], best[chosen], second[chosen], confidence[chosen], inside[chosen], reject)
        answered = confidence[chosen] >= thresholds.answer
        known = inside[chosen]
        right = best[chosen] == truth[chosen]
        is_reject = best[chosen] == reject
        self.report = {
            "thresholds": asdict(thresholds),
            "accuracy": float(right[known].mean()) if known.any() else None,
            "answered_right": float((answered & right & known).sum() / max(1, known.sum())),
            "answered_wrong": float((answered & ~right & ~is_reject & known).sum() / max(1, known.sum())),
            "declined_outside": float(1 - (answered & ~is_reject & ~known).sum() / max(1, (~known).sum())),
        }
        return thresholds

    # -- prediction -------------------------------------------------------------------------------------------------------

    def probabilities(self, texts: Sequence[str], vectors: FloatArray) -> FloatArray:
        """Probabilities of shape ``(n, classes)``; rows add up to 1."""
        scores = np.asarray(self._features(texts, vectors) @ self._coefficients) + self._intercept
        scores -= scores.max(axis=1, keepdims=True)
        exponentials = np.exp(scores)
        return exponentials / exponentials.sum(axis=1, keepdims=True)

    def nearness(self, vectors: FloatArray) -> FloatArray:
        """For each row and class, the cosine to the nearest training example of that class, at least 0; ``(n, classes)``."""
        similarity = vectors.astype(np.float32) @ self._memory.T
        nearest = np.zeros((len(vectors), len(self.classes)), dtype=np.float32)
        for index in range(len(self.classes)):
            members = self._labels == index
            if members.any():
                nearest[:, index] = similarity[:, members].max(axis=1)
        return np.clip(nearest, 0.0, 1.0)

    def rank(self, texts: Sequence[str], vectors: FloatArray, length: int = 5) -> list[list[tuple[str, float]]]:
        """The best classes of each text with their confidence, the best first."""
        return self.rank_from(self.probabilities(texts, vectors), vectors, length)

    def rank_from(self, probabilities: FloatArray, vectors: FloatArray, length: int = 5) -> list[list[tuple[str, float]]]:
        """As :meth:`rank`, for probabilities that are there already."""
        order = np.argsort(-probabilities, axis=1, kind="stable")[:, :length]
        near = self.nearness(vectors) if self.config.nearness else np.ones_like(probabilities)
        ranked = []
        for row, columns in enumerate(order):
            ranked.append(
                [
                    (self.classes[column], float(np.sqrt(probabilities[row, column] * near[row, column])) if self.config.nearness
                     else float(probabilities[row, column]))
                    for column in columns
                ]
            )  # fmt: skip
        return ranked

    # -- persistence ------------------------------------------------------------------------------------------------------

    def save(self, directory: Path) -> None:
        """Write the model, without pickle: arrays by numpy, vectorizers by skops, the rest as JSON."""
        import skops.io

        np.savez(
            directory / "arrays.npz",
            coefficients=self._coefficients,
            intercept=self._intercept,
            memory=self._memory.astype(np.float16),
            labels=self._labels,
        )
        if self._vectorizers:
            skops.io.dump(self._vectorizers, directory / "vectorizers.skops")
        data = {
            "config": asdict(self.config),
            "classes": self.classes,
            "thresholds": asdict(self.thresholds),
            "report": self.report,
        }
        (directory / "model.json").write_text(json.dumps(data, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, directory: Path) -> IntentModel:
        """Read a model. Raises ValueError where its file holds a type that is not known."""
        import skops.io

        data = json.loads((directory / "model.json").read_text(encoding="utf-8"))
        model = cls(IntentModelConfig(**data["config"]))
        model.classes = data["classes"]
        model.thresholds = Thresholds(**data["thresholds"])
        model.report = data["report"]
        with np.load(directory / "arrays.npz", allow_pickle=False) as arrays:
            model._coefficients = arrays["coefficients"]
            model._intercept = arrays["intercept"]
            model._memory = arrays["memory"].astype(np.float32)
            model._labels = arrays["labels"]
        file = directory / "vectorizers.skops"
        if file.exists():
            unknown = [name for name in skops.io.get_untrusted_types(file=file) if name not in TRUSTED_TYPES]
            if unknown:
                raise ValueError(f"{file} holds types that are not trusted: {', '.join(unknown)}")
            model._vectorizers = skops.io.load(file, trusted=TRUSTED_TYPES)
        return model


def _contiguous_folds(labels: Sequence[str], folds: int) -> FloatArray:
    """Folds that keep neighbouring examples of an intent together: they often come from one writer, as paraphrases do."""
    numbers = np.zeros(len(labels), dtype=int)
    truth = np.array(labels)
    for name in sorted(set(labels)):
        members = np.flatnonzero(truth == name)
        numbers[members] = np.arange(len(members)) * folds // len(members)
    return numbers


def _threshold_by_mcc(truth: FloatArray, best: FloatArray, confidence: FloatArray, inside: FloatArray) -> Thresholds:
    """The threshold with the best Matthews correlation, what stands for the outside weighted as it comes."""
    from sklearn.metrics import matthews_corrcoef

    wanted = np.where(inside, truth, "\0")
    grid = np.arange(0.05, 1.0, 0.01)
    scores = [matthews_corrcoef(wanted.astype(str), np.where(confidence >= at, best, "\0").astype(str)) for at in grid]
    answer = float(grid[int(np.argmax(scores))])
    return Thresholds(answer, answer * 0.75)


# What an outcome is worth when the thresholds are fitted. A wrong answer given as known costs twice what a right one brings;
# the right one among two offered is worth a little less than answered; a question handed back in vain costs a little.
WORTH_RIGHT, WORTH_WRONG, WORTH_OUTSIDE = 1.0, -2.0, -2.0
WORTH_OFFERED, WORTH_ASKED_IN_VAIN, WORTH_ASKED_OUTSIDE = 0.7, -0.2, -0.2


def _thresholds_by_worth(
    truth: FloatArray, best: FloatArray, second: FloatArray, confidence: FloatArray, inside: FloatArray, reject: str
) -> Thresholds:
    """The pair of thresholds that is worth most when as many messages lie outside the subject as inside."""
    declined = best == reject
    right = (best == truth) & inside
    offered = ((best == truth) | (second == truth)) & inside
    weight = np.where(inside, 1.0 / max(1, inside.sum()), 0.35 / max(1, (~inside).sum()))
    if_answered = np.where(inside, np.where(right, WORTH_RIGHT, WORTH_WRONG), WORTH_OUTSIDE)
    if_asked = np.where(inside, np.where(offered, WORTH_OFFERED, WORTH_ASKED_IN_VAIN), WORTH_ASKED_OUTSIDE)
    top: tuple[float, float, float] = (-np.inf, 0.5, 0.3)
    for answer in np.arange(0.2, 0.95, 0.01):
        for ask in np.arange(0.1, answer + 0.001, 0.02):
            worth = np.where(confidence >= answer, if_answered, np.where(confidence >= ask, if_asked, 0.0))
            total = float((np.where(declined, 0.0, worth) * weight).sum())
            if total > top[0] + 1e-12:
                top = (total, float(answer), float(ask))
    return Thresholds(round(top[1], 3), round(top[2], 3))
