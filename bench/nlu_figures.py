"""The figures of the NLU benchmark: outcomes, accuracies, Matthews' correlation, intervals, confusions. Nothing here knows a model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.nlu_data import NO_INTENT, Row

# The thresholds at which the best Matthews' correlation is looked for, as HINT3's authors do.
GRID = [round(0.05 * step, 2) for step in range(1, 20)]
RESAMPLES = 1000

ANSWER, ASK, DECLINE = "answer", "ask", "decline"
RIGHT, OFFERED, WRONG, ASKED_BACK, DECLINED = "right", "offered", "wrong", "asked back", "declined"


@dataclass(frozen=True)
class Prediction:
    """What a system makes of one message.

    Attributes:
        intents: the topics it would answer, or offer when it asks back; usually one, empty where it found no topic.
        confidence: of the best guess, 0 to 1, before any decision.
        decision: ``answer``, ``ask`` or ``decline``, by the system's own threshold.
        best: the best guess of all intents.
        forced: the best guess among the topics: what it would answer if it had to.
    """

    intents: tuple[str, ...]
    confidence: float
    decision: str
    best: str
    forced: str


def outcome(row: Row, prediction: Prediction) -> str:
    """What a person would see, as far as the topic goes."""
    fits = any(intent in row.accepted for intent in prediction.intents)
    if prediction.decision == ANSWER:
        return RIGHT if fits else WRONG
    if prediction.decision == ASK:
        return OFFERED if fits else ASKED_BACK
    return DECLINED


def matthews(truth: np.ndarray, guess: np.ndarray, classes: int) -> float:
    """Matthews' correlation of integer codes, the multi-class form of scikit-learn; 0.0 where it is not defined."""
    count = float(len(truth))
    true_counts = np.bincount(truth, minlength=classes).astype(float)
    guess_counts = np.bincount(guess, minlength=classes).astype(float)
    correct = float((truth == guess).sum())
    spread = (count**2 - guess_counts @ guess_counts) * (count**2 - true_counts @ true_counts)
    return float((correct * count - true_counts @ guess_counts) / np.sqrt(spread)) if spread > 0 else 0.0


class Scores:
    """The figures of one system on one test set, and their 95 % intervals by resampling the test messages."""

    def __init__(self, rows: Sequence[Row], predictions: Sequence[Prediction], topics: frozenset[str], seed: int = 20) -> None:
        """Judge the predictions.

        Args:
            rows: the test messages.
            predictions: one for each.
            topics: the intents that are answered; another one (small talk, out of scope) counts as declined.
            seed: of the resampling.
        """
        self.rows, self.predictions = list(rows), list(predictions)
        self.inside = np.array([row.inside for row in rows], dtype=bool)
        self.outcomes = np.array([outcome(row, prediction) for row, prediction in zip(rows, predictions, strict=True)])
        self.forced = np.array([p.forced in row.accepted for row, p in zip(rows, predictions, strict=True)], dtype=bool)
        self.confidence = np.array([p.confidence for p in predictions])
        best = [p.best if p.best in topics else NO_INTENT for p in predictions]
        decided = [
            next((i for i in p.intents if i in row.accepted), p.intents[0]) if p.decision == ANSWER and p.intents else NO_INTENT
            for row, p in zip(rows, predictions, strict=True)
        ]
        # Where several labels are right, the truth is the one that was guessed.
        names = sorted({NO_INTENT, *best, *decided, *(label for row in rows for label in row.accepted)})
        code = {name: index for index, name in enumerate(names)}
        self._classes = len(names)
        self._best = np.array([code[name] for name in best])
        self._decided = np.array([code[name] for name in decided])
        self._truth_best = np.array([code[_truth(row, name)] for row, name in zip(rows, best, strict=True)])
        self._truth_decided = np.array([code[_truth(row, name)] for row, name in zip(rows, decided, strict=True)])
        self._none = code[NO_INTENT]
        self._seed = seed

    def _at(self, threshold: float) -> np.ndarray:
        return np.where(self.confidence >= threshold - 1e-9, self._best, self._none)

    def best_mcc(self) -> tuple[float, float]:
        """The best Matthews' correlation over the thresholds of the grid, and where it is."""
        found = [(matthews(self._truth_best, self._at(at), self._classes), at) for at in GRID]
        return max(found, key=lambda pair: (pair[0], -pair[1]))

    def curve(self) -> list[tuple[float, float, float]]:
        """(threshold, in-scope accuracy, out-of-scope recall) from answering everything to answering nothing."""
        points = []
        for at in np.linspace(0, 1, 101):
            guess = self._at(float(at))
            accuracy = ((guess == self._truth_best) & (guess != self._none))[self.inside].mean() if self.inside.any() else 0.0
            recall = (guess == self._none)[~self.inside].mean() if (~self.inside).any() else 0.0
            points.append((round(float(at), 2), round(float(accuracy), 4), round(float(recall), 4)))
        return points

    def _figures(self, chosen: np.ndarray, best_at: float) -> dict[str, float]:
        inside, outside = chosen[self.inside[chosen]], chosen[~self.inside[chosen]]
        found: dict[str, float] = {}
        if len(inside):
            kinds = self.outcomes[inside]
            for kind in (RIGHT, OFFERED, WRONG, ASKED_BACK, DECLINED):
                found[kind] = float((kinds == kind).mean())
            found["right or offered"] = found[RIGHT] + found[OFFERED]
            found["forced accuracy"] = float(self.forced[inside].mean())
        if len(outside):
            found["out-of-scope recall"] = float((self._decided[outside] == self._none).mean())
        if len(inside) and len(outside):
            found["mcc"] = matthews(self._truth_decided[chosen], self._decided[chosen], self._classes)
            found["best mcc"] = matthews(self._truth_best[chosen], self._at(best_at)[chosen], self._classes)
        return found

    def as_dict(self) -> dict[str, Any]:
        """Every figure as ``[value, low, high]``, the numbers of messages, and the curve."""
        best_at = self.best_mcc()[1]
        everything = np.arange(len(self.rows))
        value = self._figures(everything, best_at)
        random = np.random.default_rng(self._seed)
        # Messages inside and outside are drawn apart, so that their share stays what it is.
        parts = [part for part in (everything[self.inside], everything[~self.inside]) if len(part)]
        drawn = [self._figures(np.concatenate([random.choice(part, len(part)) for part in parts]), best_at) for _ in range(RESAMPLES)]
        figures = {}
        for name, at in value.items():
            low, high = np.percentile([sample[name] for sample in drawn], [2.5, 97.5])
            figures[name] = [round(at, 4), round(float(low), 4), round(float(high), 4)]
        return {
            "inside": int(self.inside.sum()),
            "outside": int((~self.inside).sum()),
            "figures": figures,
            "best threshold": best_at,
            "curve": self.curve() if len(parts) == 2 else [],
        }

    def confusions(self) -> list[dict[str, Any]]:
        """For each intent the number of messages, how many were guessed right when nothing is declined, and what for."""
        totals: Counter[str] = Counter()
        right: Counter[str] = Counter()
        taken: dict[str, Counter[str]] = {}
        for row, prediction, fits in zip(self.rows, self.predictions, self.forced, strict=True):
            if row.inside:
                main = row.accepted[0]
                totals[main] += 1
                right[main] += int(fits)
                if not fits:
                    taken.setdefault(main, Counter())[prediction.forced] += 1
        return [
            {"intent": name, "messages": totals[name], "right": right[name], "taken for": taken.get(name, Counter()).most_common(3)}
            for name in sorted(totals)
        ]


def _truth(row: Row, guess: str) -> str:
    if not row.inside:
        return NO_INTENT
    return guess if guess in row.accepted else row.accepted[0]
