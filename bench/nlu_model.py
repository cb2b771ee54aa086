"""Rolewise's intent model without Rasa around it: for its ablations, and for other bots' messages."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from bench.nlu_data import Examples
from bench.nlu_rasa import rolewise_config
from rolewise.knowledge import load
from rolewise.nlu import names
from rolewise.nlu.classifier import OUT_OF_SCOPE
from rolewise.nlu.encoder import SentenceEncoder, converted
from rolewise.nlu.intent_model import IntentModel, IntentModelConfig
from rolewise.nlu.language import right_spellings
from rolewise.nlu.split import ENCODER_MASK, MASK, pieces
from rolewise.nlu.text import Cleaner
from rolewise.settings import settings


@dataclass(frozen=True)
class Switches:
    """An ablation: what of Rolewise is left out."""

    config: IntentModelConfig
    mask_roles: bool = True


def shipped() -> IntentModelConfig:
    """The classifier's settings in ``config.yml``."""
    known = {field.name for field in fields(IntentModelConfig)}
    component = next(c for c in rolewise_config()["pipeline"] if c["name"].endswith("RolewiseClassifier"))
    return IntentModelConfig(**{key: value for key, value in component.items() if key in known})


def ablations() -> dict[str, Switches]:
    """Rolewise's classifier, and with one part left out at a time."""
    whole = shipped()
    return {
        "classifier": Switches(whole),
        "no encoder": Switches(replace(whole, encoder=False, nearness=False)),
        "no n-grams": Switches(replace(whole, ngrams=False)),
        "no nearness": Switches(replace(whole, nearness=False)),
        "no role masking": Switches(whole, mask_roles=False),
    }


# Settings for a bot with some ten messages an intent, chosen by cross-validation within HINT3's training files.
SMALL_BOT: dict[str, Any] = {"one_vs_rest": True, "ngram_weight": 0.5}


def small_bot() -> IntentModelConfig:
    """The shipped settings with those for a small bot; those that the intent model does not know are left out."""
    known = {field.name for field in fields(IntentModelConfig)}
    return replace(shipped(), **{key: value for key, value in SMALL_BOT.items() if key in known})


class TextPipeline:
    """Cleans, masks and encodes as the components do for a message that holds one question."""

    def __init__(self, training: list[str], careers: bool) -> None:
        """Gather the vocabulary of the training messages.

        Args:
            training: their texts.
            careers: whether the names of the knowledge file mean something here.
        """
        directory = converted()
        self._encoder = SentenceEncoder(directory)
        knowledge = load(settings().knowledge) if careers else None
        self._cleaner = Cleaner.from_messages(
            training, right_spellings(knowledge) if knowledge else [], SentenceEncoder.vocabulary(directory)
        )
        self._nlp = names.build(knowledge, None) if knowledge else None

    def __call__(self, texts: list[str], mask_roles: bool = True) -> tuple[list[str], np.ndarray]:
        """The texts for the n-grams, and the sentence vectors, ``(n, 384)``."""
        cleaned = [self._cleaner.clean(text).text or text.lower() for text in texts]
        if self._nlp is None:
            return cleaned, self._encoder.encode(cleaned)
        wholes = [pieces(doc, names.mentions(doc))[0] for doc in self._nlp.pipe(cleaned)]
        if not mask_roles:
            return cleaned, self._encoder.encode(cleaned)
        return [whole.masked(MASK) for whole in wholes], self._encoder.encode([whole.masked(ENCODER_MASK) for whole in wholes])

    def both_views(self, texts: list[str], vectors: np.ndarray) -> np.ndarray:
        """The mean, of length 1, of the vectors of the cleaned texts and of the texts as typed, in lower case.

        Without the names of the knowledge file the vocabulary is that of a few hundred messages, and cleaning may change a word
        that was right.
        """
        mixed = vectors + self._encoder.encode([text.lower() for text in texts])
        mean: np.ndarray = mixed / np.linalg.norm(mixed, axis=1, keepdims=True)
        return mean


def fit(
    switches: Switches, examples: Examples, texts: list[str], vectors: np.ndarray, progress: Callable[[str], None]
) -> tuple[IntentModel, dict[str, Any]]:
    """Train the model on examples whose texts and vectors are there already; also the seconds it took and its report."""
    began = time.perf_counter()
    model = IntentModel(switches.config)
    reject = OUT_OF_SCOPE if OUT_OF_SCOPE in examples.labels else None
    model.fit(texts, vectors, examples.labels, reject=reject, progress=progress)
    return model, {"seconds": time.perf_counter() - began, "thresholds": [model.thresholds.answer, model.thresholds.ask]}
