"""Rasa component: the intent of a message with a confidence that can reject, and the questions the message holds."""

from __future__ import annotations

import logging
from dataclasses import replace
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

from rolewise.cues import VARIANTS, cues
from rolewise.nlu.featurizer import PIECES, VECTORS, SentenceEncoderFeaturizer
from rolewise.nlu.fingerprint import sources_hash
from rolewise.nlu.intent_model import IntentModel, IntentModelConfig
from rolewise.nlu.language import ENGLISH
from rolewise.nlu.names import COUNTRY, LEVEL, OTHER_TITLE, ROLE, TOPIC
from rolewise.nlu.split import MASK, Piece
from rolewise.questions import Guess, Part, unique

logger = logging.getLogger(__name__)

# The key of the NLU output that holds the questions of a message.
QUESTIONS = "questions"
OUT_OF_SCOPE = "out_of_scope"

ANSWER, ASK, DECLINE = "answer", "ask", "decline"

# A message of more words than this rambles: its last question decides together with the whole.
LONG_MESSAGE_WORDS = 22


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
        return ["sklearn", "skops"]

    @classmethod
    def fingerprint_addon(cls, config: dict[str, Any]) -> str | None:
        """Train again when the helper modules change."""
        return sources_hash("intent_model", "split", "text", "names")

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
        """Load the model. Raises ValueError where it is not there or not trusted."""
        component = cls(config, model_storage, resource)
        with model_storage.read_from(resource) as directory:
            component._model = IntentModel.load(directory)
        return component

    def process(self, messages: list[Message]) -> list[Message]:
        """Set intent, ranking and questions of each message; an empty one has no intent, no ranking and no questions."""
        for message in messages:
            if not message.get(PIECES) or self._model is None:
                if message.get(TEXT) is not None and not message.get(INTENT):
                    _set(message, None, 0.0, [], [])
                continue
            parts = self._parts(message, self._model)
            head = parts[0]
            ranking = [{"name": guess.intent, "confidence": guess.confidence} for guess in head.guesses]
            intent: str | None = head.best.intent
            if all(part.decision == DECLINE for part in parts) and intent != OUT_OF_SCOPE:
                intent = DEFAULT_NLU_FALLBACK_INTENT_NAME
            _set(message, intent, head.best.confidence, ranking, [part.as_dict() for part in parts])
        return messages

    def _parts(self, message: Message, model: IntentModel) -> list[Part]:
        found: list[Piece] = message.get(PIECES)
        vectors: np.ndarray = message.get(VECTORS)
        english = bool(message.get(ENGLISH, True))
        probabilities = model.probabilities([self._ngram_text(piece) for piece in found], vectors)
        length = self._config["ranking_length"]
        ranked = model.rank_from(probabilities, vectors, length)
        parts = [_part(piece, ranking, self._decide(ranking[0], model, english)) for piece, ranking in zip(found, ranked, strict=False)]
        several = _several(parts[1:], found[1:])
        if several:
            return several
        asked = [index for index in range(1, len(found)) if found[index].question]
        if asked and len(found[0].text.split()) > LONG_MESSAGE_WORDS:
            # The situation comes first and the question last: both speak, the question as loud as all the rest.
            last = asked[-1]
            mixed = (probabilities[0] + probabilities[last]) / 2
            pair = np.stack([mixed, mixed])
            whole, question = model.rank_from(pair, vectors[[0, last]], length)
            ranking = max(whole, question, key=lambda item: item[0][1])
            parts[0] = replace(
                parts[0],
                guesses=_guesses(ranking),
                decision=self._decide(ranking[0], model, english),
                roles=parts[last].roles or parts[0].roles,
            )
        return parts[:1]

    @staticmethod
    def _decide(best: tuple[str, float], model: IntentModel, english: bool) -> str:
        name, confidence = best
        if name == OUT_OF_SCOPE or not english:
            return DECLINE
        if confidence >= model.thresholds.answer:
            return ANSWER
        return ASK if confidence >= model.thresholds.ask else DECLINE


def _guesses(ranking: list[tuple[str, float]]) -> tuple[Guess, ...]:
    return tuple(Guess(name, confidence) for name, confidence in ranking)


def _part(piece: Piece, ranking: list[tuple[str, float]], decision: str) -> Part:
    def named(label: str) -> tuple[str, ...]:
        return unique(mention.id for mention in piece.mentions if mention.label == label)

    origins, targets = piece.directions()
    found = cues(piece.text)
    wordings = {mention.text for mention in piece.mentions if mention.label == ROLE}
    if len(named(ROLE)) == 1 and len(wordings) > 1:
        found |= {VARIANTS}
    return Part(
        text=piece.text,
        guesses=_guesses(ranking),
        decision=decision,
        roles=named(ROLE),
        others=named(OTHER_TITLE),
        origins=origins,
        targets=targets,
        topics=named(TOPIC),
        countries=named(COUNTRY),
        levels=named(LEVEL),
        cues=found,
    )


def _several(parts: list[Part], found: list[Piece]) -> list[Part]:
    """The parts when they are questions of their own: at least two sure ones with different topics, and in the form of questions."""
    kept: list[Part] = []
    for part, piece in zip(parts, found, strict=False):
        if part.topic is None or part.decision != ANSWER:
            continue
        if not piece.question and piece.kind != "topics":
            continue
        if any(other.topic == part.topic and set(other.roles) == set(part.roles) for other in kept):
            continue
        kept.append(part)
    return kept if len({part.topic for part in kept}) >= 2 or (len(kept) >= 2 and all(part.roles for part in kept)) else []


def _set(message: Message, intent: str | None, confidence: float, ranking: list[dict[str, Any]], questions: list[Any]) -> None:
    message.set(INTENT, {"name": intent, "confidence": float(confidence)}, add_to_output=True)
    message.set(INTENT_RANKING_KEY, ranking, add_to_output=True)
    message.set(QUESTIONS, questions, add_to_output=True)
