"""Which models are served without TensorFlow, and which archive is meant; that it works is shown in tests/nlu/test_components.py."""

from __future__ import annotations

import io
import json
import os
import tarfile
from pathlib import Path

import pytest

from rolewise.engine.imports import TrainingOnly, newest, runs_without_tensorflow, stand_in
from rolewise.settings import settings

PLAIN = ["rolewise.nlu.classifier.RolewiseClassifier", "rasa.core.policies.rule_policy.RulePolicy"]


def archive(path: Path, components: list[str]) -> Path:
    """A model archive with nothing but its metadata."""
    nodes = {str(number): {"uses": component} for number, component in enumerate(components)}
    metadata = json.dumps({"predict_schema": {"nodes": nodes}}).encode()
    with tarfile.open(path, "w:gz") as written:
        entry = tarfile.TarInfo("metadata.json")
        entry.size = len(metadata)
        written.addfile(entry, io.BytesIO(metadata))
    return path


def test_the_shipped_configuration_is_served_without_tensorflow() -> None:
    assert runs_without_tensorflow(newest(settings().models))


@pytest.mark.parametrize(
    ("components", "without"),
    [
        (PLAIN, True),
        ([*PLAIN, "rasa.nlu.classifiers.diet_classifier.DIETClassifier"], False),
        ([*PLAIN, "rasa.core.policies.ted_policy.TEDPolicy"], False),
        ([*PLAIN, "my_components.Sentiment"], False),
        ([], False),
    ],
)
def test_tensorflow_stays_where_a_component_may_need_it(components: list[str], without: bool, tmp_path: Path) -> None:
    assert runs_without_tensorflow(archive(tmp_path / "model.tar.gz", components)) is without


def test_an_archive_that_cannot_be_read_changes_nothing(tmp_path: Path) -> None:
    broken = tmp_path / "broken.tar.gz"
    broken.write_bytes(b"no archive")
    assert not runs_without_tensorflow(broken)
    assert not runs_without_tensorflow(tmp_path / "absent.tar.gz")


def test_the_newest_archive_of_a_directory_is_meant(tmp_path: Path) -> None:
    assert newest(tmp_path) == tmp_path
    first = archive(tmp_path / "b.tar.gz", PLAIN)
    second = archive(tmp_path / "a.tar.gz", PLAIN)
    os.utime(second)
    assert newest(tmp_path) == second
    assert newest(first) == first


def test_training_in_a_process_that_answers_is_refused() -> None:
    with pytest.raises(RuntimeError, match="rolewise train"):
        TrainingOnly(epochs=1)


def test_a_stand_in_has_every_name_but_those_of_python() -> None:
    module = stand_in("rasa.utils.plotting")
    assert module.plot_confusion_matrix is TrainingOnly
    assert not hasattr(module, "__path__")
