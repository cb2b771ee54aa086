"""The knowledge in use in this process, by its hash: a loaded model brings its own, the actions look it up."""

from __future__ import annotations

import logging
import tarfile
import tempfile
from pathlib import Path

from rolewise.knowledge.loader import SNAPSHOT, content_hash, load, restore
from rolewise.knowledge.model import Knowledge
from rolewise.settings import settings

logger = logging.getLogger(__name__)

# The key of the NLU output that names the knowledge a model was trained with.
KNOWLEDGE_KEY = "knowledge"

_loaded: dict[str, Knowledge] = {}
_latest: list[Knowledge] = []


def register(identity: str, knowledge: Knowledge) -> None:
    """Make a knowledge known to the actions of this process."""
    _loaded[identity] = knowledge
    _latest[:] = [knowledge]


def knowledge_for(identity: str | None) -> Knowledge:
    """The knowledge of this hash: a loaded model's, today's file's, or that of a model in the models directory.

    An action server of its own has loaded no model: it looks for the hash in the newest models. With no hash, or one that is
    found nowhere, what this process loaded last or today's file answers.

    Raises:
        KnowledgeError: today's file is needed and cannot be used.
    """
    if identity in _loaded:
        return _loaded[identity]
    if identity is None and _latest:
        return _latest[0]
    today = load(settings().knowledge)
    register(content_hash(today), today)
    if identity is None or identity in _loaded:
        return today
    for archive in sorted(settings().models.glob("*.tar.gz"), key=lambda file: file.stat().st_mtime, reverse=True)[:5]:
        found = _from_archive(archive)
        if found is not None:
            register(content_hash(found), found)
            if identity in _loaded:
                return _loaded[identity]
    logger.warning("No model holds the knowledge %s; answering with %s.", identity, settings().knowledge)
    register(identity, today)
    return today


def _from_archive(archive: Path) -> Knowledge | None:
    try:
        with tarfile.open(archive) as bundle:
            member = next((item for item in bundle if item.isfile() and item.name.endswith(f"/{SNAPSHOT}")), None)
            handle = bundle.extractfile(member) if member else None
            if handle is None:
                return None
            with tempfile.TemporaryDirectory() as directory:
                file = Path(directory) / SNAPSHOT
                file.write_bytes(handle.read())
                return restore(file)
    except (OSError, tarfile.TarError, ValueError) as error:
        logger.warning("%s cannot be read: %s", archive, error)
        return None
