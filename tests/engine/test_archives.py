"""Damaged and foreign models: one line and exit status 2, and a new one is trained instead of the one that was up to date."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from rolewise.engine import archives, training
from rolewise.engine.archives import ModelError
from rolewise.engine.imports import newest
from rolewise.settings import PROJECT_ROOT, settings
from tests.engine.test_imports import PLAIN, archive


def test_other_layers_of_the_encoder_make_a_model_stale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "PROJECT_ROOT", tmp_path)
    layers = tmp_path / "rolewise" / "nlu" / "tuned.safetensors"
    layers.parent.mkdir(parents=True)
    layers.write_bytes(b"one")
    before = training.fingerprint()
    assert training.fingerprint() == before
    layers.write_bytes(b"two")
    assert training.fingerprint() != before


def cut_off(model: Path) -> None:
    model.write_bytes(model.read_bytes()[:3_000_000])


def flipped(model: Path) -> None:
    data = bytearray(model.read_bytes())
    data[len(data) // 2] ^= 0xFF
    model.write_bytes(data)


def text(model: Path) -> None:
    model.write_text("no model")


def empty(model: Path) -> None:
    model.write_bytes(b"")


def of_somebody_else(model: Path) -> None:
    archive(model, [component for component in PLAIN if not component.startswith("rolewise.")])


def without_nodes(model: Path) -> None:
    archive(model, [])


DAMAGES = [cut_off, flipped, text, empty, of_somebody_else, without_nodes]


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A directory with a model that is up to date."""
    model = newest(settings().models)
    archives.check(model)
    (tmp_path / model.name).write_bytes(model.read_bytes())
    stamp = json.loads((settings().models / "trained.json").read_text(encoding="utf-8"))
    (tmp_path / "trained.json").write_text(json.dumps({**stamp, "model": model.name}), encoding="utf-8")
    return tmp_path


def run(models: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "ROLEWISE_MODELS": str(models)}
    program = [sys.executable, *command]
    return subprocess.run(program, cwd=PROJECT_ROOT, env=environment, input="hello\n", capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_model_that_is_none_is_not_up_to_date_and_is_named(damage: Callable[[Path], None], models: Path) -> None:
    asked = ("-c", "from rolewise.engine.training import trained_model; print(trained_model())")
    assert run(models, *asked).stdout.strip() == str(newest(models))
    damage(newest(models))
    with pytest.raises(ModelError, match="make train"):
        archives.check(newest(models))
    after = run(models, *asked)
    assert after.stdout.strip() == "None" and len(after.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "command", [["ask"], ["ask", "--model", "{model}"], ["diff", "{model}", "{model}"], ["report", "--model", "{model}"]], ids=" ".join
)
def test_a_command_says_so_in_one_line(command: list[str], models: Path) -> None:
    cut_off(newest(models))
    ended = run(models, "-m", "rolewise.commands.cli", *(word.format(model=newest(models)) for word in command))
    assert ended.returncode == 2 and not ended.stdout
    assert len(ended.stderr.splitlines()) == 1 and "rolewise-" in ended.stderr, ended.stderr


def test_no_model_is_told_from_a_damaged_one(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="there is no model at"):
        archives.check(tmp_path)
