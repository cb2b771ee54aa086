"""What Rasa's training cache must know beyond a component's own source: the knowledge's names and the helper modules."""

from __future__ import annotations

import hashlib
from pathlib import Path

from rolewise.knowledge import load
from rolewise.knowledge.loader import content_hash, names_hash
from rolewise.settings import settings

HERE = Path(__file__).resolve().parent


def sources_hash(*modules: str) -> str:
    """A hash of helper modules of this package; Rasa itself looks at the source of the component's class only."""
    digest = hashlib.sha256()
    for module in modules:
        digest.update(module.encode() + b"\0" + (HERE / f"{module}.py").read_bytes())
    return digest.hexdigest()[:16]


def names_fingerprint() -> str:
    """Changes with a name in the knowledge; not with the sentence of an answer."""
    return names_hash(load(settings().knowledge))


def knowledge_fingerprint() -> str:
    """Changes with anything in the knowledge."""
    return content_hash(load(settings().knowledge))
