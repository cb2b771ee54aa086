"""What Rasa's training cache must know beyond a component's own source: the knowledge's names and the helper modules."""

from __future__ import annotations

import hashlib
from pathlib import Path

from rolewise.knowledge import load
from rolewise.knowledge.loader import content_hash, names_hash
from rolewise.settings import settings

HERE = Path(__file__).resolve().parent


def sources_hash() -> str:
    """A hash of the modules that the components are built from; Rasa itself looks at the component's class only."""
    digest = hashlib.sha256()
    for directory in (HERE, HERE.parent / "knowledge"):
        for file in sorted(directory.glob("*.py")):
            digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]


def names_fingerprint() -> str:
    """Changes with a name in the knowledge or the code here; not with the sentence of an answer."""
    return f"{names_hash(load(settings().knowledge))}-{sources_hash()}"


def knowledge_fingerprint() -> str:
    """Changes with anything in the knowledge."""
    return f"{content_hash(load(settings().knowledge))}-{sources_hash()}"
