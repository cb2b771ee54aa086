"""The n-grams of one text as a fitted TF-IDF vectorizer of scikit-learn weighs them, without its sparse matrices."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np


class NgramCounter:
    """Gives the non-zero columns and weights that ``TfidfVectorizer.transform`` has for one text.

    The vectorizer works in matrices of many texts; for one text most of its time goes into making and checking them.
    """

    def __init__(self, vectorizer: Any) -> None:
        """Read a fitted vectorizer.

        Raises:
            ValueError: it weighs in a way that this class does not know.
        """
        if not vectorizer.sublinear_tf or not vectorizer.use_idf or vectorizer.norm != "l2" or vectorizer.binary:
            raise ValueError("an NgramCounter needs sublinear_tf, use_idf and norm='l2'")
        self._analyze = vectorizer.build_analyzer()
        self._columns: dict[str, int] = vectorizer.vocabulary_
        self._idf = np.asarray(vectorizer.idf_, dtype=np.float32)
        self.width = len(self._columns)

    def __call__(self, text: str) -> tuple[np.ndarray, np.ndarray]:
        """The columns, ``(k,)`` of int, and their weights, ``(k,)`` of float32 and length 1; both empty where nothing is known."""
        counts = Counter(self._columns[gram] for gram in self._analyze(text) if gram in self._columns)
        columns = np.fromiter(counts.keys(), dtype=np.int64, count=len(counts))
        weights = (1.0 + np.log(np.fromiter(counts.values(), dtype=np.float32, count=len(counts)))) * self._idf[columns]
        return columns, weights / max(float(np.linalg.norm(weights)), 1e-12)
