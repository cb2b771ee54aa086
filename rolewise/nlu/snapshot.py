"""Rasa component: keeps the knowledge in the model, so that a model answers with what it was trained with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from rolewise.knowledge import load
from rolewise.knowledge.loader import SNAPSHOT, hash_of, restore, serialised
from rolewise.knowledge.registry import KNOWLEDGE_KEY, register
from rolewise.nlu.fingerprint import knowledge_fingerprint
from rolewise.settings import settings


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=True)
class KnowledgeSnapshot(GraphComponent):
    """Puts the checked knowledge into the model, and tells each message which knowledge it belongs to.

    It stands last in the pipeline and nothing is trained after it: an edited answer packs a new model without a new classifier.
    """

    @classmethod
    def fingerprint_addon(cls, config: dict[str, Any]) -> str | None:
        """Pack again when anything in the knowledge changes."""
        return knowledge_fingerprint()

    def __init__(self, model_storage: ModelStorage, resource: Resource) -> None:
        """Keep where to store."""
        self._model_storage = model_storage
        self._resource = resource
        self._hash: str | None = None

    @classmethod
    def create(
        cls, config: dict[str, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext
    ) -> KnowledgeSnapshot:
        """Create the component."""
        return cls(model_storage, resource)

    def train(self, training_data: TrainingData) -> Resource:
        """Check the knowledge and keep it. Raises KnowledgeError with every fault in it."""
        knowledge = load(settings().knowledge)
        with self._model_storage.write_to(self._resource) as directory:
            (directory / SNAPSHOT).write_bytes(serialised(knowledge))
        return self._resource

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> KnowledgeSnapshot:
        """Load the knowledge of the model, for the actions of this process."""
        component = cls(model_storage, resource)
        with model_storage.read_from(resource) as directory:
            knowledge = restore(Path(directory) / SNAPSHOT)
            # That of the knowledge, without writing it out once more.
            component._hash = hash_of((Path(directory) / SNAPSHOT).read_bytes())
        register(component._hash, knowledge)
        return component

    def process(self, messages: list[Message]) -> list[Message]:
        """Name the knowledge in the output of each message."""
        for message in messages:
            message.set(KNOWLEDGE_KEY, self._hash, add_to_output=True)
        return messages
