"""Rasa in an installation without TensorFlow, as ours is: it trains and answers, and says which of its components cannot."""

from __future__ import annotations

import ast
import importlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import rasa

from rolewise.engine.without_tensorflow import NEURAL_MODULES
from rolewise.settings import PROJECT_ROOT

BIN = Path(sys.executable).parent
CONFIG = """
recipe: default.v1
assistant_id: small
language: en
pipeline:
- name: WhitespaceTokenizer
- name: CountVectorsFeaturizer
- name: {classifier}
policies:
- name: {policy}
"""
NLU = """
version: "3.1"
nlu:
- intent: greet
  examples: |
    - hello
    - good morning
    - hi there
- intent: bye
  examples: |
    - goodbye
    - see you
    - until tomorrow
rules:
- rule: greeting
  steps:
  - intent: greet
  - action: utter_hello
"""
DOMAIN = """
version: "3.1"
intents: [greet, bye]
responses:
  utter_hello:
  - text: Hello!
"""


def imported_at_once(tree: ast.Module) -> Iterator[str]:
    """The packages that a module imports when it is imported itself, other than for a type checker."""
    for statement in tree.body:
        if isinstance(statement, ast.Import):
            yield from (name.name.partition(".")[0] for name in statement.names)
        elif isinstance(statement, ast.ImportFrom) and statement.module and not statement.level:
            yield statement.module.partition(".")[0]


def test_every_module_of_rasa_that_imports_tensorflow_is_known() -> None:
    root = Path(rasa.__file__).parent
    found = {
        ".".join(path.relative_to(root.parent).with_suffix("").parts)
        for path in root.rglob("*.py")
        if {"tensorflow", "keras", "tensorflow_hub", "tensorflow_text"} & set(imported_at_once(ast.parse(path.read_text(encoding="utf-8"))))
    }
    assert found == NEURAL_MODULES


def test_they_are_imported_and_nobody_takes_tensorflow_for_installed() -> None:
    for name in NEURAL_MODULES:
        importlib.import_module(name)
    assert not [name for name in sys.modules if name.partition(".")[0] in ("tensorflow", "keras", "jax") and sys.modules[name]]
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("tensorflow")


def test_what_needs_tensorflow_says_so_when_it_is_used() -> None:
    from rasa.utils.tensorflow.data_generator import RasaBatchDataGenerator
    from rasa.utils.tensorflow.types import MaybeNestedBatchData
    from rasa.utils.train_utils import create_data_generators

    assert MaybeNestedBatchData
    for use in (lambda: RasaBatchDataGenerator(None, 1), lambda: create_data_generators(None, 1, 1)):
        with pytest.raises(ImportError, match=r"RasaBatchDataGenerator needs TensorFlow.*docs/dependencies\.md"):
            use()


def test_the_module_of_a_checkout_is_run_there_and_not_that_of_another(tmp_path: Path) -> None:
    package = tmp_path / "rolewise"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "here.py").write_text("import rolewise; print(rolewise.__file__)")
    run = subprocess.run([sys.executable, "-m", "rolewise.here"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert Path(run.stdout.strip()).is_relative_to(tmp_path)


def train(directory: Path, classifier: str, policy: str) -> subprocess.CompletedProcess[str]:
    """Plain `rasa train` of a small assistant."""
    (directory / "data").mkdir()
    (directory / "config.yml").write_text(CONFIG.format(classifier=classifier, policy=policy))
    (directory / "data" / "nlu.yml").write_text(NLU)
    (directory / "domain.yml").write_text(DOMAIN)
    environment = {**os.environ, "RASA_TELEMETRY_ENABLED": "false"}
    return subprocess.run(
        [BIN / "rasa", "train", "--fixed-model-name", "small"], cwd=directory, env=environment, capture_output=True, text=True, timeout=300
    )


async def test_rasa_trains_and_answers_with_what_needs_no_network(tmp_path: Path) -> None:
    from rasa.core.agent import load_agent

    run = train(tmp_path, "LogisticRegressionClassifier", "RulePolicy")
    assert run.returncode == 0, run.stderr[-3000:]
    agent = await load_agent(str(tmp_path / "models" / "small.tar.gz"))
    assert (await agent.parse_message("good morning"))["intent"]["name"] == "greet"
    assert [answer["text"] for answer in await agent.handle_text("good morning")] == ["Hello!"]


@pytest.mark.parametrize(("classifier", "policy", "refused"), [
    ("DIETClassifier", "RulePolicy", "DIETClassifier"),
    ("LogisticRegressionClassifier", "TEDPolicy", "TEDPolicy"),
])  # fmt: skip
def test_a_configuration_with_a_network_is_refused_by_its_name(tmp_path: Path, classifier: str, policy: str, refused: str) -> None:
    run = train(tmp_path, classifier, policy)
    told = run.stdout + run.stderr
    assert run.returncode != 0 and not (tmp_path / "models" / "small.tar.gz").exists()
    assert f"'{refused}' requires the following packages which are currently not installed: tensorflow" in " ".join(told.split()), told


@pytest.mark.parametrize(
    "component",
    [
        "rasa.core.policies.ted_policy.TEDPolicy",
        "rasa.core.policies.unexpected_intent_policy.UnexpecTEDIntentPolicy",
        "rasa.nlu.classifiers.diet_classifier.DIETClassifier",
        "rasa.nlu.featurizers.dense_featurizer.convert_featurizer.ConveRTFeaturizer",
        "rasa.nlu.featurizers.dense_featurizer.lm_featurizer.LanguageModelFeaturizer",
        "rasa.nlu.selectors.response_selector.ResponseSelector",
    ],
)
def test_rasa_looks_for_tensorflow_before_it_trains(component: str) -> None:
    module, _, name = component.rpartition(".")
    assert "tensorflow" in getattr(importlib.import_module(module), name).required_packages()


def test_where_tensorflow_is_there_rasa_gets_it(tmp_path: Path) -> None:
    """A package of that name that can be found is taken, whatever it holds."""
    package = tmp_path / "tensorflow"
    package.mkdir()
    (package / "__init__.py").write_text("class Tensor: there = True\nclass TensorShape: there = True\n")
    code = "import rasa.utils.tensorflow.layers_utils as module; print(module.Tensor.there, module.tf.__file__)"
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT_ROOT, env={**os.environ, "PYTHONPATH": str(tmp_path)}, capture_output=True, text=True
    )
    assert run.stdout.split() == ["True", str(package / "__init__.py")], run.stderr[-2000:]
