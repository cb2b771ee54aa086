"""Rasa component: sentence vectors of a message and of the questions in it, by all-MiniLM-L6-v2 on OpenVINO."""

from __future__ import annotations

import hashlib
import shutil
from typing import Any

import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.constants import SPACY_DOCS
from rasa.shared.nlu.constants import FEATURE_TYPE_SENTENCE, TEXT
from rasa.shared.nlu.training_data.features import Features
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from rolewise.nlu.encoder import SentenceEncoder, converted, identity
from rolewise.nlu.fingerprint import sources_hash
from rolewise.nlu.language import MENTIONS, RolewiseLanguage
from rolewise.nlu.split import ENCODER_MASK, Piece, pieces

PIECES = "rolewise_pieces"
VECTORS = "rolewise_vectors"


class Hashed(np.ndarray):
    """Vectors that say for themselves whether they changed: Rasa asks, and writes other arrays out as text for that."""

    def fingerprint(self) -> str:
        """A hash of the numbers."""
        return hashlib.sha256(self.tobytes()).hexdigest()


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=True)
class SentenceEncoderFeaturizer(GraphComponent):
    """Cuts a message into pieces and encodes them, role names masked, in one batch.

    The whole message's vector is set as an ordinary dense sentence feature of 384 floats, so that any Rasa classifier can use
    it. Training converts the encoder once (kept in the cache directory) and puts a copy into the model.
    """

    @classmethod
    def required_components(cls) -> list[type]:
        """The doc and the names come from there."""
        return [RolewiseLanguage]

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """``mask_roles``: replace role names before encoding."""
        return {"mask_roles": True}

    @staticmethod
    def required_packages() -> list[str]:
        """Packages whose versions enter the cache key."""
        return ["openvino", "tokenizers"]

    @classmethod
    def fingerprint_addon(cls, config: dict[str, Any]) -> str | None:
        """Train again when the weights or the helper modules change."""
        return f"{identity()}-{sources_hash('encoder', 'cpu', 'split', 'names')}"

    def __init__(self, config: dict[str, Any], model_storage: ModelStorage, resource: Resource, name: str) -> None:
        """Keep where to store; the encoder comes with training or loading."""
        self._config = config
        self._model_storage = model_storage
        self._resource = resource
        self._name = name
        self._encoder: SentenceEncoder | None = None

    @classmethod
    def create(
        cls, config: dict[str, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext
    ) -> SentenceEncoderFeaturizer:
        """Create an untrained component."""
        return cls(config, model_storage, resource, execution_context.node_name)

    def train(self, training_data: TrainingData) -> Resource:
        """Put the converted encoder into the model. Raises EncoderError where the weights are absent or wrong."""
        with self._model_storage.write_to(self._resource) as directory:
            for file in sorted(converted().iterdir()):
                shutil.copyfile(file, directory / file.name)
        return self._resource

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> SentenceEncoderFeaturizer:
        """Load the encoder from the model. Raises EncoderError where it is not complete."""
        component = cls(config, model_storage, resource, execution_context.node_name)
        with model_storage.read_from(resource) as directory:
            component._encoder = SentenceEncoder(directory)
        return component

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Encode the training messages, each as a whole, in one batch."""
        examples = [example for example in training_data.training_examples if example.get(SPACY_DOCS[TEXT]) is not None]
        wholes = [pieces(example.get(SPACY_DOCS[TEXT]), example.get(MENTIONS))[0] for example in examples]
        vectors = self._encode(wholes)
        for example, whole, vector in zip(examples, wholes, vectors, strict=False):
            self._set(example, [whole], vector[None, :].view(Hashed))
        return training_data

    def process(self, messages: list[Message]) -> list[Message]:
        """Encode each message and those of its pieces that may be questions; a message without text is left alone."""
        for message in messages:
            if message.get(VECTORS) is None and (found := _may_ask(message)):
                self._set(message, found, self._encode(found))
        return messages

    async def ahead(self, messages: list[Message]) -> None:
        """What :meth:`process` does, without keeping the event loop; it then finds it done."""
        for message in messages:
            if found := _may_ask(message):
                self._set(message, found, await self._loaded().encode_async(self._texts(found)))

    def _loaded(self) -> SentenceEncoder:
        if self._encoder is None:
            raise RuntimeError("the sentence encoder is not loaded")
        return self._encoder

    def _texts(self, found: list[Piece]) -> list[str]:
        mask = self._config["mask_roles"]
        return [piece.masked(ENCODER_MASK) if mask else piece.text for piece in found]

    def _encode(self, found: list[Piece]) -> np.ndarray:
        return self._loaded().encode(self._texts(found))

    def _set(self, message: Message, found: list[Piece], vectors: np.ndarray) -> None:
        message.set(PIECES, found)
        message.set(VECTORS, vectors)
        message.add_features(Features(vectors[:1], FEATURE_TYPE_SENTENCE, TEXT, self._name))


def _may_ask(message: Message) -> list[Piece]:
    """The whole message and those of its pieces that may be questions; nothing where there is no text."""
    doc = message.get(SPACY_DOCS[TEXT])
    if doc is None or not doc.text.strip():
        return []
    whole, *parts = pieces(doc, message.get(MENTIONS))
    return [whole, *(piece for piece in parts if piece.may_ask())]
