"""What is left out when a model is loaded to answer with: libraries that Rasa imports and that such a model never uses."""

from __future__ import annotations

import sys
import tarfile
import zlib
from pathlib import Path
from types import ModuleType

from rolewise.engine import without_tensorflow
from rolewise.engine.archives import components

# Modules of Rasa 3.6.21 that only training and testing use, and what they bring with them.
UNUSED = (
    # To check a configuration, and with it every component there is; a model's metadata name it.
    "rasa.graph_components.validators.default_recipe_validator",
    # The data of networks: scikit-learn and the statistics of scipy.
    "rasa.utils.tensorflow.model_data",
    # Pictures of test results: matplotlib.
    "rasa.utils.plotting",
)
# Where components live that are known to run without TensorFlow.
PLAIN_COMPONENTS = (
    "rolewise.",
    "rasa.engine.",
    "rasa.graph_components.",
    "rasa.core.policies.ensemble.",
    "rasa.core.policies.rule_policy.",
    "rasa.core.policies.memoization.",
    "rasa.nlu.tokenizers.",
    "rasa.nlu.classifiers.regex_message_handler.",
)


class TrainingOnly:
    """Stands for what is only used in training and testing."""

    def __init__(self, *arguments: object, **named: object) -> None:
        """Refuse."""
        raise RuntimeError("this process was started to answer and can neither train nor test; run 'rolewise train' or 'rasa test'")


def stand_in(name: str) -> ModuleType:
    """A module in which everything is :class:`TrainingOnly`."""
    module = ModuleType(name)

    def found(attribute: str) -> type[TrainingOnly]:
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        return TrainingOnly

    vars(module)["__getattr__"] = found
    return module


def light(model: Path | None) -> None:
    """Leave out what answering with a model does not need; to be called before anything imports Rasa.

    Rasa imports TensorFlow, where it is installed, for what trains networks, also where a model has no network: half of the memory, and
    half of the time to start. TensorFlow imports jax for a converter that is never used.

    Args:
        model: the archive that will be loaded. TensorFlow stays where there is none, or where a component of it may need it.
    """
    without_tensorflow.install()
    # What Python finds there as None counts as not installed, and TensorFlow goes on without it.
    sys.modules.setdefault("jax", None)  # type: ignore[arg-type]
    if model is not None and runs_without_tensorflow(model):
        sys.modules.setdefault(without_tensorflow.TENSORFLOW, None)  # type: ignore[arg-type]
        for name in UNUSED:
            sys.modules.setdefault(name, stand_in(name))


def runs_without_tensorflow(model: Path) -> bool:
    """Whether all components of an archive are known to run without TensorFlow; False where it cannot be read."""
    try:
        found = components(model)
        return bool(found) and all(component.startswith(PLAIN_COMPONENTS) for component in found)
    except (OSError, EOFError, zlib.error, tarfile.TarError, KeyError, TypeError, ValueError, AttributeError):
        return False


def newest(path: Path) -> Path:
    """The archive that Rasa would take: the path itself, or the newest in a directory; the directory where it has none."""
    return max(path.glob("*.tar.gz"), key=lambda file: file.stat().st_ctime, default=path) if path.is_dir() else path
