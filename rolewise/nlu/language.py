"""Rasa component: cleans a message, runs the project's spaCy pipeline on it, and gives its names as entities."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rapidfuzz import fuzz, process
from rasa.engine.graph import ExecutionContext
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.constants import SPACY_DOCS
from rasa.nlu.utils.spacy_utils import SpacyNLP
from rasa.shared.nlu.constants import ENTITIES, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from spacy.language import Language
from spacy.pipeline import EntityRuler

from rolewise.knowledge import Knowledge, load
from rolewise.nlu import names
from rolewise.nlu.fingerprint import names_fingerprint, sources_hash
from rolewise.nlu.text import Cleaned, Cleaner
from rolewise.settings import settings

CLEANED = "rolewise_cleaned"
MENTIONS = "rolewise_mentions"
ENGLISH = "rolewise_english"
EXTRACTOR = "RolewiseLanguage"

# Below this share of known words a message of four or more words is not taken for English.
MIN_KNOWN_SHARE = 0.45

# How alike a misspelling and the name it stands for are at least, 0 to 100.
NEAREST_RATIO = 70.0


def right_spellings(knowledge: Knowledge) -> list[str]:
    """Every name of the knowledge that is spelled right, for the vocabulary of the cleaning."""
    spelled: list[str] = [*knowledge.companies, *knowledge.companies_cased]
    for role in knowledge.roles.values():
        spelled += [role.name, role.plural, role.short, role.field, *role.aliases, *role.weak_aliases]
    for title in knowledge.other_titles:
        for name in (title.name, *title.aliases):
            spelled += list(names.forms(name))
    for topic in knowledge.topics.values():
        spelled += [topic.label, *topic.aliases]
    for country in knowledge.countries:
        spelled += [country.name, *country.aliases, *country.places]
    for level in knowledge.levels:
        spelled += [level.name, *level.aliases]
    return spelled


def misspelt_words(knowledge: Knowledge) -> dict[str, str]:
    """The misspelt single words of the knowledge, each with the nearest word among the right names of its topic or role."""
    found: dict[str, str] = {}
    named = [(role.aliases, role.misspellings) for role in knowledge.roles.values()]
    named += [(topic.aliases, topic.misspellings) for topic in knowledge.topics.values()]
    for aliases, misspellings in named:
        right = sorted({word for alias in aliases for word in alias.split() if len(word) > 2})
        for word in misspellings:
            nearest = process.extractOne(word, right, scorer=fuzz.ratio, score_cutoff=NEAREST_RATIO) if " " not in word else None
            if nearest is not None:
                found[word] = nearest[0]
    return found


@DefaultV1Recipe.register(
    [DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR], is_trainable=True
)
class RolewiseLanguage(SpacyNLP):
    """The project's spaCy pipeline inside Rasa.

    At training it builds the pipeline from the knowledge file (or on an installed spaCy model named by ``model``), keeps it in
    the model as a directory, and loads it from there with Rasa's own ``SpacyNLP.load_model``, so that a model carries its names.
    The doc of the cleaned text goes to ``text_spacy_doc``, where Rasa's SpacyTokenizer finds it. Entities are set at run time
    only, with their place in the text as it was typed.
    """

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """``model``: an installed spaCy model to build on, or None for blank English."""
        return {"model": None}

    @staticmethod
    def required_packages() -> list[str]:
        """Packages whose versions enter the cache key."""
        return ["spacy", "rapidfuzz"]

    @classmethod
    def fingerprint_addon(cls, config: dict[str, Any]) -> str | None:
        """Train again when a name of the knowledge changes."""
        return f"{names_fingerprint()}-{sources_hash('text', 'names')}"

    def __init__(self, config: dict[str, Any], model_storage: ModelStorage, resource: Resource) -> None:
        """Keep where to store; the pipeline comes with training or loading."""
        self._config = config
        self._model_storage = model_storage
        self._resource = resource
        self._nlp: Language | None = None
        self._cleaner: Cleaner | None = None
        self._cased: Any = None

    @classmethod
    def create(
        cls, config: dict[str, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext
    ) -> RolewiseLanguage:
        """Create an untrained component."""
        return cls(config, model_storage, resource)

    def train(self, training_data: TrainingData) -> Resource:
        """Build the pipeline and the vocabulary, and keep both in the model."""
        from rolewise.nlu.encoder import SentenceEncoder, converted

        knowledge = load(settings().knowledge)
        texts = [str(example.get(TEXT)) for example in training_data.intent_examples if example.get(TEXT)]
        english = SentenceEncoder.vocabulary(converted())
        cleaner = Cleaner.from_messages(texts, right_spellings(knowledge), english, misspelt_words(knowledge))
        nlp = names.build(knowledge, self._config.get("model"))
        with self._model_storage.write_to(self._resource) as directory:
            nlp.to_disk(directory / "spacy")
            data = {
                "known": sorted(cleaner.known),
                "domain": cleaner.domain,
                "common": sorted(cleaner.common),
                "misspelt": cleaner.misspelt,
                "cased": [str(name) for name in knowledge.companies_cased],
            }
            (directory / "vocabulary.json").write_text(json.dumps(data), encoding="utf-8")
        return self._resource

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> RolewiseLanguage:
        """Load the pipeline that training kept. Raises ValueError when the model does not hold it."""
        component = cls(config, model_storage, resource)
        with model_storage.read_from(resource) as directory:
            component._read(directory)
        return component

    def _read(self, directory: Path) -> None:
        self._nlp = SpacyNLP.load_model(str(directory / "spacy")).model
        for _, pipe in self._nlp.pipeline:
            if isinstance(pipe, EntityRuler) and len(pipe):
                # It counts its patterns again for every text, to warn where there are none.
                vars(pipe)["_require_patterns"] = lambda: None
                # Its matcher has the patterns: as documents, 24 MB, they are there to be written, and this pipeline is not.
                pipe.phrase_patterns.clear()
        data = json.loads((directory / "vocabulary.json").read_text(encoding="utf-8"))
        self._cleaner = Cleaner(data["known"], data["domain"], data["common"], data["misspelt"])
        self._cased = names.cased_pattern(data["cased"])

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Give each training message its cleaned text, doc and mentions."""
        for example in training_data.training_examples:
            self._analyse(example)
        return training_data

    def process(self, messages: list[Message]) -> list[Message]:
        """Give each message its cleaned text, doc, mentions and entities."""
        for message in messages:
            cleaned = self._analyse(message)
            if cleaned is not None:
                self._add_entities(message, cleaned)
        return messages

    def _analyse(self, message: Message) -> Cleaned | None:
        text = message.get(TEXT)
        if text is None or self._nlp is None or self._cleaner is None:
            return None
        cleaned = self._cleaner.clean(text)
        doc = self._nlp(cleaned.text)
        message.set(SPACY_DOCS[TEXT], doc)
        message.set(CLEANED, cleaned.text)
        message.set(MENTIONS, names.mentions(doc))
        words = sum(character.isalpha() for character in text)
        latin = sum(character.isalpha() and ord(character) < 0x250 for character in text)
        known = self._cleaner.known_share(cleaned.text) if len(cleaned.text.split()) >= 4 else 1.0
        message.set(ENGLISH, (not words or latin / words > 0.6) and known >= MIN_KNOWN_SHARE)
        return cleaned

    def _add_entities(self, message: Message, cleaned: Cleaned) -> None:
        text = message.get(TEXT)
        entities = [entity for entity in message.get(ENTITIES, []) if entity.get("extractor") != EXTRACTOR]
        for mention in message.get(MENTIONS):
            start, end = cleaned.span(mention.start, mention.end)
            entities.append(_entity(mention.label, mention.id, text, start, end))
        if self._cased and not text.isupper():
            entities += [_entity(names.COMPANY, match.group(), text, *match.span()) for match in self._cased.finditer(text)]
        message.set(ENTITIES, entities, add_to_output=True)


def _entity(label: str, value: str, text: str, start: int, end: int) -> dict[str, Any]:
    return {
        "entity": label,
        "value": value,
        "start": start,
        "end": end,
        "text": text[start:end],
        "confidence_entity": 1.0,
        "extractor": EXTRACTOR,
    }
