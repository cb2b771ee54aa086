"""Rasa component: the specific things that each question of a message is about, and the claims of the knowledge nearest to it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.shared.constants import DEFAULT_NLU_FALLBACK_INTENT_NAME
from rasa.shared.nlu.constants import INTENT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from rolewise.knowledge import Knowledge, load
from rolewise.knowledge.loader import content_hash
from rolewise.knowledge.registry import knowledge_for
from rolewise.nlu import names, subject_index
from rolewise.nlu.classifier import QUESTIONS, about
from rolewise.nlu.decide import ANSWER, ASK, DECLINE, OUT_OF_SCOPE
from rolewise.nlu.encoder import SentenceEncoder, converted, identity
from rolewise.nlu.featurizer import PIECES, VECTORS, SentenceEncoderFeaturizer
from rolewise.nlu.fingerprint import knowledge_fingerprint, sources_hash
from rolewise.nlu.intent_model import IntentModel, IntentModelConfig
from rolewise.nlu.language import ENGLISH
from rolewise.nlu.matching import SAME, Match, Matcher, Weights
from rolewise.nlu.packing import packed
from rolewise.nlu.split import ENCODER_MASK, pieces
from rolewise.questions import Part
from rolewise.settings import settings

VECTORS_FILE, IDENTITY_FILE = "subjects.npy", "knowledge.txt"
# From this confidence on in a topic the classifier alone decides that a question is answered.
SURE_TOPIC = 0.75
WEIGHTS = Path(__file__).resolve().parent / "matching.json"


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class SubjectMatcher(GraphComponent, IntentClassifier):
    """Compares each question of a message with what the knowledge says of its subjects.

    Training encodes every name, question and claim of the subjects. The output key ``questions`` gets ``subjects`` (with a confidence),
    ``form`` and ``evidence`` (claims with their nearness).
    """

    @classmethod
    def required_components(cls) -> list[type]:
        """The sentence vectors come from there; that the classifier stands before it, Rasa cannot check, as training needs it not."""
        return [SentenceEncoderFeaturizer]

    @staticmethod
    def required_packages() -> list[str]:
        """Packages whose versions enter the cache key."""
        return ["openvino", "tokenizers"]

    @classmethod
    def fingerprint_addon(cls, config: dict[str, Any]) -> str | None:
        """Encode again when the knowledge or a helper module changes."""
        helpers = ("encoder", "cpu", "split", "names", "subject_index", "packing", "intent_model", "nearest", "ngrams")
        return f"{identity()}-{knowledge_fingerprint()}-{sources_hash(*helpers)}"

    def __init__(self, model_storage: ModelStorage, resource: Resource) -> None:
        """Keep where to store; the index comes with training or loading."""
        self._model_storage = model_storage
        self._resource = resource
        self._vectors: np.ndarray | None = None
        self._identity: str | None = None
        self._forms: IntentModel | None = None
        self._made: Matcher | None = None

    @classmethod
    def create(
        cls, config: dict[str, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext
    ) -> SubjectMatcher:
        """Create an untrained component."""
        return cls(model_storage, resource)

    def train(self, training_data: TrainingData) -> Resource:
        """Encode what stands about each subject. Raises KnowledgeError or EncoderError."""
        knowledge = load(settings().knowledge)
        vectors = encoded(knowledge, SentenceEncoder(converted()))
        forms = fitted_forms(training_data)
        with self._model_storage.write_to(self._resource) as directory:
            if forms is not None:
                forms.save(directory)
            np.save(directory / VECTORS_FILE, vectors, allow_pickle=False)
            (directory / IDENTITY_FILE).write_text(content_hash(knowledge), encoding="utf-8")
        return self._resource

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> SubjectMatcher:
        """Load the vectors. Raises OSError or ValueError where the model does not hold them."""
        component = cls(model_storage, resource)
        with model_storage.read_from(resource) as directory:
            component._vectors = np.load(directory / VECTORS_FILE, allow_pickle=False)
            component._identity = (directory / IDENTITY_FILE).read_text(encoding="utf-8")
            component._forms = IntentModel.load(directory) if (directory / "model.json").is_file() else None
        return component

    def _matcher(self) -> Matcher:
        # Made at the first message: the knowledge is registered by a component that may be loaded after this one.
        if self._made is None:
            if self._vectors is None:
                raise RuntimeError("the index of subjects is not loaded")
            knowledge = knowledge_for(self._identity)
            self._made = Matcher(knowledge, subject_index.restored(knowledge, self._vectors), Weights.load(WEIGHTS))
            # The index has them in a form of its own.
            self._vectors = None
        return self._made

    @staticmethod
    def form_of(forms: IntentModel | None, text: str, vector: np.ndarray) -> str | None:
        """How a text asks; None where the model has not learned it."""
        return forms.classes[int(forms.probabilities([text], vector[None, :])[0].argmax())] if forms is not None else None

    def _decided(self, part: Part, match: Match) -> Part:
        """The part with its decision made anew, now that its subjects are known; sure small talk and follow-ups stay what they are."""
        topics = [guess for guess in part.guesses if guess.topic]
        if topics and match.ask >= SAME and (part.topic is not None or part.best.intent == OUT_OF_SCOPE):
            # The very question of a subject is answered, however unlikely it looked.
            return replace(part, decision=ANSWER, guesses=(*topics, *(guess for guess in part.guesses if not guess.topic)))
        unsure = part.best.intent == OUT_OF_SCOPE or (part.decision == DECLINE and bool(topics))
        if (part.topic is None and not unsure) or not self._matcher().index.count:
            return part
        weights, sure = self._matcher().weights, self._matcher().scope(part, match)
        surely = part.topic is not None and part.decision == ANSWER and part.best.confidence >= SURE_TOPIC
        decision = ANSWER if surely or sure >= weights.answer else ASK if sure >= weights.ask else DECLINE
        part = replace(part, decision=decision, scope=round(sure, 4))
        if decision == DECLINE or part.topic is not None:
            return part
        return replace(part, guesses=(*topics, *(guess for guess in part.guesses if not guess.topic)))

    def _set_intent(self, message: Message, parts: list[Part]) -> None:
        """The intent that the rules go by: the topic of what is answered, or ``nlu_fallback`` where nothing is."""
        head = parts[0]
        declined = all(part.decision == DECLINE for part in parts)
        if declined and head.best.intent != OUT_OF_SCOPE:
            message.set(INTENT, {"name": DEFAULT_NLU_FALLBACK_INTENT_NAME, "confidence": head.best.confidence}, add_to_output=True)
        elif not declined and head.topic is not None:
            message.set(INTENT, {"name": head.best.intent, "confidence": head.best.confidence}, add_to_output=True)

    def process(self, messages: list[Message]) -> list[Message]:
        """Add subjects, form and evidence to each question of each message."""
        for message in messages:
            found, vectors = message.get(PIECES), message.get(VECTORS)
            if not found or not message.get(QUESTIONS):
                continue
            places = {piece.text: number for number, piece in reversed(list(enumerate(found)))}
            questions: list[Part] = []
            for data in message.get(QUESTIONS):
                part = Part.from_dict(data)
                vector = vectors[places.get(part.text, 0)]
                form = self.form_of(self._forms, part.text, vector)
                match = self._matcher().match(part, vector, form)
                found = replace(part, subjects=match.subjects, form=form, evidence=match.evidence, whole=match.whole)
                questions.append(self._decided(found, match) if message.get(ENGLISH, True) else replace(found, scope=0.0))
            message.set(QUESTIONS, [part.as_dict() for part in questions], add_to_output=True)
            self._set_intent(message, questions)
        return messages


def fitted_forms(training_data: TrainingData) -> IntentModel | None:
    """A model of how a message asks, fitted to the training messages that say it; None where there are none."""
    examples = [example for example in training_data.intent_examples if about(example).get("form") and example.get(PIECES)]
    if not examples:
        return None
    model = IntentModel(IntentModelConfig(nearness=False, folds=0))
    vectors = np.vstack([example.get(VECTORS)[0] for example in examples])
    return model.fit([example.get(PIECES)[0].text for example in examples], vectors, [about(example)["form"] for example in examples])


def encoded(knowledge: Knowledge, encoder: SentenceEncoder) -> np.ndarray:
    """The vectors of everything that stands about the subjects, ``(n, 384)`` of int8, roles masked as in messages."""
    nlp = names.build(knowledge)
    texts = [*(entry.text for entry in subject_index.entries(knowledge)), *subject_index.broad_questions(knowledge)]
    masked = [pieces(doc, names.mentions(doc))[0].masked(ENCODER_MASK) for doc in nlp.pipe(text.lower() for text in texts)]
    return packed(encoder.encode(masked)) if masked else np.zeros((0, 384), dtype=np.int8)
