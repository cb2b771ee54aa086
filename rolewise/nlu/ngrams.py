"""The n-grams of one text as a TF-IDF vectorizer of scikit-learn weighs them, without its sparse matrices."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

# A word is a run of letters and digits, also a single one.
WORD = r"(?u)\b\w+\b"
# What makes up the analyzer of a vectorizer.
ANALYZER = ("analyzer", "ngram_range", "token_pattern")


class NgramCounter:
    """Gives the non-zero columns and weights that ``TfidfVectorizer.transform`` has for one text.

    The vectorizer works in matrices of many texts; for one text most of its time goes into making and checking them.
    """

    def __init__(self, analyzer: dict[str, Any], terms: list[str], idf: np.ndarray) -> None:
        """Take what a vectorizer has learned.

        Args:
            analyzer: its parameters named in :data:`ANALYZER`.
            terms: its n-grams in the order of their columns.
            idf: float32 array ``(len(terms),)`` of their inverse document frequencies.
        """
        self.analyzer = analyzer
        self.idf = idf
        self._columns = {term: column for column, term in enumerate(terms)}
        self._analyze = _analyzer(analyzer)

    @classmethod
    def of(cls, vectorizer: Any) -> NgramCounter:
        """Read a fitted vectorizer.

        Raises:
            ValueError: it weighs in a way that this class does not know.
        """
        if not vectorizer.sublinear_tf or not vectorizer.use_idf or vectorizer.norm != "l2" or vectorizer.binary:
            raise ValueError("an NgramCounter needs sublinear_tf, use_idf and norm='l2'")
        columns: dict[str, int] = vectorizer.vocabulary_
        analyzer = {name: getattr(vectorizer, name) for name in ANALYZER}
        return cls(analyzer, sorted(columns, key=columns.__getitem__), np.asarray(vectorizer.idf_, dtype=np.float32))

    @property
    def width(self) -> int:
        """How many columns there are."""
        return len(self._columns)

    def terms(self) -> list[str]:
        """The n-grams in the order of their columns."""
        return list(self._columns)

    def __call__(self, text: str) -> tuple[np.ndarray, np.ndarray]:
        """The columns, ``(k,)`` of int, and their weights, ``(k,)`` of float32 and length 1; both empty where nothing is known."""
        counts = Counter(map(self._columns.get, self._analyze(text)))
        counts.pop(None, None)
        columns = np.fromiter(counts.keys(), dtype=np.int64, count=len(counts))
        weights = (1.0 + np.log(np.fromiter(counts.values(), dtype=np.float32, count=len(counts)))) * self.idf[columns]
        return columns, weights / max(float(np.linalg.norm(weights)), 1e-12)


# scikit-learn's own analyzers would do, but to import it takes a server 45 MB and a second, and nothing else in one needs it.
def _analyzer(parameters: dict[str, Any]) -> Callable[[str], list[str]]:
    least, most = parameters["ngram_range"]
    sizes = range(least, most + 1)
    if parameters["analyzer"] == "char_wb":
        return partial(_of_characters, sizes)
    if parameters["analyzer"] == "word":
        return partial(_of_words, sizes, re.compile(parameters["token_pattern"]))
    raise ValueError(f"an NgramCounter does not know the analyzer {parameters['analyzer']!r}")


def _of_characters(sizes: range, text: str) -> list[str]:
    """Runs of characters inside of words, which have a space at both ends; a word that is no longer than a run is one, once."""
    found: list[str] = []
    for word in text.lower().split():
        padded = f" {word} "
        for size in sizes:
            found += [padded[start : start + size] for start in range(max(1, len(padded) - size + 1))]
            if len(padded) <= size:
                break
    return found


def _of_words(sizes: range, word: re.Pattern[str], text: str) -> list[str]:
    """Runs of words, with a space between them."""
    said = word.findall(text.lower())
    return [" ".join(said[start : start + size]) for size in sizes for start in range(len(said) - size + 1)]
