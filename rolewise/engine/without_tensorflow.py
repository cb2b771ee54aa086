"""Lets Rasa work where TensorFlow is not installed; its neural components then say that they need it. Where it is, nothing changes.

Rasa imports its neural components, and with them TensorFlow, whenever it trains or tests, also for a configuration that names none of
them. Here those modules of Rasa, and no others, get a stand-in in the place of TensorFlow. A library that looks whether TensorFlow is
there still finds the truth.
"""

from __future__ import annotations

import builtins
import importlib.util
import sys
from abc import ABCMeta
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType
from typing import Any, NoReturn

# The modules of Rasa 3.6.21 that import TensorFlow or Keras as soon as they are imported themselves.
NEURAL_MODULES = frozenset(
    {
        "rasa.core.policies.ted_policy",
        "rasa.core.policies.unexpected_intent_policy",
        "rasa.nlu.classifiers.diet_classifier",
        "rasa.nlu.featurizers.dense_featurizer.convert_featurizer",
        "rasa.nlu.featurizers.dense_featurizer.lm_featurizer",
        "rasa.nlu.selectors.response_selector",
        "rasa.utils.tensorflow.callback",
        "rasa.utils.tensorflow.crf",
        "rasa.utils.tensorflow.data_generator",
        "rasa.utils.tensorflow.layers",
        "rasa.utils.tensorflow.layers_utils",
        "rasa.utils.tensorflow.metrics",
        "rasa.utils.tensorflow.models",
        "rasa.utils.tensorflow.rasa_layers",
        "rasa.utils.tensorflow.transformer",
        "rasa.utils.tensorflow.types",
    }
)
TENSORFLOW = "tensorflow"


class TensorFlowMissingError(ImportError):
    """Something that only TensorFlow can do was asked of an installation without it."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} needs TensorFlow, which is not installed here; see 'Rasa without TensorFlow' in docs/dependencies.md", name=TENSORFLOW
        )


class _Absent(ABCMeta):
    """The type of a name of TensorFlow's: it may be annotated with and derived from, its own names likewise, but not called."""

    def __getattr__(cls, name: str) -> _Absent:
        # Python and its typing module ask classes for names of their own, and take any answer for a yes.
        if name.startswith("_"):
            raise AttributeError(name)
        return absent(f"{cls.__module__}.{cls.__qualname__}.{name}")

    def __call__(cls, *arguments: Any, **named: Any) -> NoReturn:
        raise TensorFlowMissingError(f"{cls.__module__}.{cls.__qualname__}")


def absent(name: str) -> _Absent:
    """A stand-in for what TensorFlow has by a dotted name."""
    module, _, last = name.rpartition(".")
    return _Absent(last, (), {"__module__": module})


def installed() -> bool:
    """Whether TensorFlow can be imported; not so either where ``sys.modules`` holds None for it."""
    return importlib.util.find_spec(TENSORFLOW) is not None


def _import(
    name: str,
    variables: dict[str, Any] | None = None,
    local: dict[str, Any] | None = None,
    wanted: Sequence[str] | None = (),
    level: int = 0,
) -> Any:
    """What ``import`` does in a neural module."""
    top = name.partition(".")[0]
    if level == 0 and top in (TENSORFLOW, "keras"):
        return absent(f"stand-in.{name if wanted else top}")
    return builtins.__import__(name, variables, local, wanted or (), level)


class _Loader(SourceFileLoader):
    """Runs a neural module with :func:`_import` as its ``import``."""

    def exec_module(self, module: ModuleType) -> None:
        """Run it, then let its components name TensorFlow among the packages that Rasa looks for before it trains."""
        vars(module)["__builtins__"] = {**vars(builtins), "__import__": _import}
        super().exec_module(module)
        for component in vars(module).values():
            ours = isinstance(component, type) and not isinstance(component, _Absent) and component.__module__ == module.__name__
            if ours and hasattr(component, "required_packages"):
                packages = sorted({*component.required_packages(), TENSORFLOW})
                component.required_packages = staticmethod(lambda packages=packages: packages)


class _NeuralModuleFinder(MetaPathFinder):
    """Finds the neural modules while TensorFlow is not there."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """As every finder; None leaves a module to the usual ones."""
        if name not in NEURAL_MODULES or installed():
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _Loader(spec.loader.name, spec.loader.path)
        return spec


def install() -> None:
    """Let Rasa be imported without TensorFlow from now on; it does nothing where TensorFlow is installed.

    Of several copies of this module, as scripts/bootstrap makes one, the last to be installed counts.
    """
    sys.meta_path[:] = [finder for finder in sys.meta_path if type(finder).__name__ != _NeuralModuleFinder.__name__]
    sys.meta_path.insert(0, _NeuralModuleFinder())
