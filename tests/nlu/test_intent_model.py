"""The intent model's shortcuts for one message give what the long way gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from rolewise.nlu.intent_model import NEAR, IntentModel, IntentModelConfig
from rolewise.nlu.ngrams import NgramCounter

TEXTS = [
    f"{how} {what}"
    for how in ("how much does it", "why would one", "when can i")
    for what in ("pay", "cost me", "start again again", "end")
]
LABELS = ["pay", "cost", "start", "end"] * 3


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    random = np.random.default_rng(20).normal(size=(len(TEXTS), 16))
    vectors: np.ndarray = (random / np.linalg.norm(random, axis=1, keepdims=True)).astype(np.float32)
    return vectors


@pytest.fixture(scope="module")
def model(vectors: np.ndarray) -> IntentModel:
    return IntentModel(IntentModelConfig(folds=0)).fit(TEXTS, vectors, LABELS, reject="end")


@pytest.mark.parametrize("analyzer", ["char_wb", "word"])
@pytest.mark.parametrize("text", ["how much does it pay pay", "Nothing known: xyzzy", "", "💰", "How MUCH,\n it  a I", "I a"])
def test_ngrams_of_one_text_are_those_of_scikit_learn(analyzer: str, text: str) -> None:
    vectorizer = TfidfVectorizer(analyzer=analyzer, ngram_range=(1, 3), sublinear_tf=True, dtype=np.float32).fit(TEXTS)
    columns, weights = NgramCounter.of(vectorizer)(text)
    dense = np.zeros(len(vectorizer.vocabulary_), dtype=np.float32)
    dense[columns] = weights
    assert np.allclose(dense, vectorizer.transform([text]).toarray()[0], atol=1e-6)


def test_a_vectorizer_that_weighs_otherwise_is_refused() -> None:
    with pytest.raises(ValueError, match="sublinear_tf"):
        NgramCounter.of(TfidfVectorizer().fit(TEXTS))


def test_scores_are_features_times_coefficients(model: IntentModel, vectors: np.ndarray) -> None:
    long_way = np.asarray(model._features(TEXTS, vectors) @ model._coefficients) + model._intercept
    assert np.allclose(model._scores(TEXTS, vectors), long_way, atol=1e-4)


def test_nearness_of_the_classes_that_matter_is_the_whole_one(model: IntentModel, vectors: np.ndarray) -> None:
    order = np.argsort(-model.probabilities(TEXTS, vectors), axis=1, kind="stable")
    whole, short = model.nearness(vectors[::-1]), model._nearness_of(order, vectors[::-1])
    outside = model.classes.index("end")
    for row, columns in enumerate(order):
        among = [*columns[:NEAR], outside]
        assert np.allclose(short[row, among], whole[row, among], atol=1e-6)
        assert np.allclose(np.delete(short[row], among), short[row, among].min())


def test_a_saved_model_is_plain_data_and_ranks_alike(model: IntentModel, vectors: np.ndarray, tmp_path: Path) -> None:
    model.save(tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["arrays.npz", "model.json", "ngrams.json"]
    loaded = IntentModel.load(tmp_path)
    assert [[name for name, _ in ranking] for ranking in loaded.rank(TEXTS, vectors)] == [
        [name for name, _ in ranking] for ranking in model.rank(TEXTS, vectors)
    ]
    assert np.allclose(loaded.probabilities(TEXTS, vectors), model.probabilities(TEXTS, vectors), atol=1e-6)
    with np.load(tmp_path / "arrays.npz", allow_pickle=False) as arrays:
        assert set(arrays) == {"coefficients", "intercept", "memory", "labels", "idf0", "idf1"}


def test_a_damaged_model_is_refused(model: IntentModel, tmp_path: Path) -> None:
    model.save(tmp_path)
    np.savez(tmp_path / "arrays.npz", coefficients=np.array([object()], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle"):
        IntentModel.load(tmp_path)
