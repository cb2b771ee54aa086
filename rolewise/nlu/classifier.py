"""Rasa component: the intent of a message with a confidence that can reject, and the questions the message holds."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.shared.constants import DEFAULT_NLU_FALLBACK_INTENT_NAME
from rasa.shared.nlu.constants import INTENT, INTENT_RANKING_KEY, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from threadpoolctl import threadpool_limits

from rolewise.nlu.decide import DECLINE, OUT_OF_SCOPE, parts_of
from rolewise.nlu.featurizer import PIECES, VECTORS, SentenceEncoderFeaturizer
from rolewise.nlu.fingerprint import sources_hash
from rolewise.nlu.intent_model import IntentModel, IntentModelConfig
from rolewise.nlu.language import ENGLISH
from rolewise.nlu.split import MASK, Piece

logger = logging.getLogger(__name__)

# The key of the NLU output that holds the questions of a message.
QUESTIONS = "questions"


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class RolewiseClassifier(GraphComponent, IntentClassifier):
    """Classifies the pieces of a message and decides: answer, ask back, or decline.

    The thresholds are fitted by cross-validation on the training messages and stored with the model. Below the lower one the
    intent becomes ``nlu_fallback``; the ranking keeps the best guesses in any case. The output key ``questions`` holds one
    entry a question: text, topic, guesses, decision, roles and the other names in it.
    """

    @classmethod
    def required_components(cls) -> list[type]:
        """The sentence vectors come from there."""
        return [SentenceEncoderFeaturizer]

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """The switches of :class:`~rolewise.nlu.intent_model.IntentModelConfig`, ``mask_roles`` and ``ranking_length``."""
        defaults = IntentModelConfig()
        return {**defaults.__dict__, "mask_roles": True, "ranking_length": 10}

    @staticmethod
    def required_packages() -> list[str]:
        """Packages whose versions enter the cache key."""
        return ["sklearn"]

    @classmethod
    def fingerprint_addon(cls, config: dict[str, Any]) -> str | None:
        """Train again when the helper modules change."""
        return sources_hash("intent_model", "nearest", "ngrams", "packing", "split", "text", "names")

    def __init__(self, config: dict[str, Any], model_storage: ModelStorage, resource: Resource) -> None:
        """Keep where to store; the model comes with training or loading."""
        self._config = config
        self._model_storage = model_storage
        self._resource = resource
        self._model: IntentModel | None = None

    @classmethod
    def create(
        cls, config: dict[str, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext
    ) -> RolewiseClassifier:
        """Create an untrained component."""
        return cls(config, model_storage, resource)

    def _ngram_text(self, piece: Piece) -> str:
        return piece.masked(MASK) if self._config["mask_roles"] else piece.text

    def train(self, training_data: TrainingData) -> Resource:
        """Fit the model and its thresholds, say how well it did in cross-validation, and keep it."""
        examples = [example for example in training_data.intent_examples if example.get(PIECES)]
        if not examples:
            logger.warning("There are no messages to train the intent classifier on.")
            return self._resource
        names = IntentModelConfig.__dataclass_fields__
        self._model = IntentModel(IntentModelConfig(**{key: value for key, value in self._config.items() if key in names}))
        labels = [example.get(INTENT) for example in examples]
        self._model.fit(
            [self._ngram_text(example.get(PIECES)[0]) for example in examples],
            np.vstack([example.get(VECTORS)[0] for example in examples]),
            labels,
            reject=OUT_OF_SCOPE if OUT_OF_SCOPE in labels else None,
            progress=lambda line: print(f"Intent classifier: {line}", flush=True),
            also=[about(example).get("also", ()) for example in examples],
            writers=[about(example).get("writer") for example in examples],
        )
        report = self._model.report
        if report:
            print(
                "Intent classifier: thresholds {answer:.2f} to answer, {ask:.2f} to ask back; in cross-validation "
                "{right:.1%} answered right, {wrong:.1%} answered wrong, {declined:.1%} of what is out of scope not answered".format(
                    **report["thresholds"],
                    right=report["answered_right"],
                    wrong=report["answered_wrong"],
                    declined=report["declined_outside"],
                ),
                flush=True,
            )
        with self._model_storage.write_to(self._resource) as directory:
            self._model.save(directory)
        return self._resource

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> RolewiseClassifier:
        """Load the model. Raises OSError or ValueError where it is not there or cannot be read."""
        component = cls(config, model_storage, resource)
        # The products of one message are small: a second thread of the linear algebra would mostly wait, and cost as much as the first.
        threadpool_limits(limits=1, user_api="blas")
        with model_storage.read_from(resource) as directory:
            component._model = IntentModel.load(directory)
        return component

    def process(self, messages: list[Message]) -> list[Message]:
        """Set intent, ranking and questions of each message; an empty one has no intent, no ranking and no questions."""
        for message in messages:
            if not message.get(PIECES) or self._model is None:
                if message.get(TEXT) is not None and not message.get(INTENT):
                    # Without any word (emoji alone) there is nothing to guess; without any text there is no intent at all.
                    _set(message, DEFAULT_NLU_FALLBACK_INTENT_NAME if message.get(TEXT) else None, 0.0, [], [])
                continue
            english = bool(message.get(ENGLISH, True))
            parts = parts_of(
                message.get(PIECES), message.get(VECTORS), self._model, english, self._ngram_text, self._config["ranking_length"]
            )
            head = parts[0]
            ranking = [{"name": guess.intent, "confidence": guess.confidence} for guess in head.guesses]
            intent: str | None = head.best.intent
            if all(part.decision == DECLINE for part in parts) and intent != OUT_OF_SCOPE:
                intent = DEFAULT_NLU_FALLBACK_INTENT_NAME
            _set(message, intent, head.best.confidence, ranking, [part.as_dict() for part in parts])
        return messages


def about(example: Message) -> dict[str, Any]:
    """What stands beside a training message: who wrote it, which other intents would be right, its form and subjects."""
    found: dict[str, Any] = (example.get("metadata") or {}).get("example") or {}
    return found


def _set(message: Message, intent: str | None, confidence: float, ranking: list[dict[str, Any]], questions: list[Any]) -> None:
    message.set(INTENT, {"name": intent, "confidence": float(confidence)}, add_to_output=True)
    message.set(INTENT_RANKING_KEY, ranking, add_to_output=True)
    message.set(QUESTIONS, questions, add_to_output=True)
