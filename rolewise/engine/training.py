"""Training: only when something the model is made from has changed."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time
from pathlib import Path

from rolewise.engine import archives
from rolewise.engine.archives import ModelError
from rolewise.knowledge import load
from rolewise.knowledge.files import files as knowledge_files
from rolewise.settings import PROJECT_ROOT, settings

STAMP = "trained.json"
# What a model is made from. Rasa's own cache knows neither the knowledge file nor helper modules.
INGREDIENTS = (
    "config.yml",
    "domain.yml",
    "data/*.yml",
    "rolewise/nlu/*.py",
    "rolewise/nlu/*.safetensors",
    "rolewise/knowledge/*.py",
    "rolewise/questions.py",
    "requirements.lock",
)


def fingerprint() -> str:
    """A hash of everything a model is made from."""
    digest = hashlib.sha256()
    files = [file for pattern in INGREDIENTS for file in sorted(PROJECT_ROOT.glob(pattern))]
    for file in [*files, *knowledge_files(settings().knowledge)]:
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def trained_model() -> Path | None:
    """The model that matches today's files and can be used, or None when there is none."""
    try:
        stamp = json.loads((settings().models / STAMP).read_text(encoding="utf-8"))
        model = settings().models / str(stamp["model"])
        if stamp["fingerprint"] != fingerprint() or not model.is_file():
            return None
        archives.check(model)
        return model
    except ModelError as error:
        print(f"rolewise: {error}", file=sys.stderr, flush=True)
        return None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def train(force: bool = False) -> Path:
    """Train unless the newest model is up to date.

    Returns:
        The model's archive.

    Raises:
        KnowledgeError: the knowledge file has faults; nothing was trained.
        RuntimeError: training failed; Rasa has said why.
    """
    load(settings().knowledge)
    model = None if force else trained_model()
    if model is not None:
        return _up_to_date(model)
    from rasa.api import train as rasa_train

    before = fingerprint()
    result = rasa_train(
        domain=str(PROJECT_ROOT / "domain.yml"),
        config=str(PROJECT_ROOT / "config.yml"),
        training_files=[str(PROJECT_ROOT / "data")],
        output=str(settings().models),
        fixed_model_name=f"rolewise-{time.strftime('%Y%m%d-%H%M%S')}",
        force_training=force,
    )
    if result.code != 0 or not result.model:
        raise RuntimeError("training failed; the reason stands above")
    model = Path(result.model)
    archives.check(model)
    stamp = {"fingerprint": before, "model": model.name}
    (settings().models / STAMP).write_text(json.dumps(stamp), encoding="utf-8")
    return model


def trained_apart() -> Path:
    """As :func:`train`, but in a process of its own where there is something to train: what that loads must not stay in a server.

    Raises:
        KnowledgeError: the knowledge file has faults; nothing was trained.
        RuntimeError: training failed; the reason was printed.
    """
    model = trained_model()
    if model is not None:
        # Made of this very knowledge: its faults have been looked for.
        return _up_to_date(model)
    load(settings().knowledge)
    if subprocess.run([sys.executable, "-m", "rolewise.commands.cli", "train"], cwd=PROJECT_ROOT).returncode != 0:
        raise RuntimeError("training failed; the reason stands above")
    return train()


def _up_to_date(model: Path) -> Path:
    print(f"{model.relative_to(PROJECT_ROOT) if model.is_relative_to(PROJECT_ROOT) else model} is up to date.", flush=True)
    return model
