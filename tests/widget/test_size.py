"""How large the widget is, and that its files need no build step."""

from __future__ import annotations

import gzip
import shutil
import subprocess
from pathlib import Path

import pytest

from rolewise.channels.files import TYPES
from rolewise.settings import PROJECT_ROOT

WIDGET = PROJECT_ROOT / "widget"
LIMIT = 12 * 1024


def packed(pattern: str) -> int:
    return sum(len(gzip.compress(file.read_bytes(), 9, mtime=0)) for file in WIDGET.glob(pattern))


def test_all_scripts_together_are_small() -> None:
    assert packed("**/*.js") <= LIMIT


def test_all_scripts_and_styles_together_are_small() -> None:
    assert packed("**/*.js") + packed("widget.css") <= 16 * 1024


@pytest.mark.parametrize("file", sorted(WIDGET.glob("*.js")), ids=lambda file: file.name)
def test_every_script_is_ascii(file: Path) -> None:
    assert file.read_bytes().isascii(), "a page without a charset would show other characters"


def test_every_file_is_served() -> None:
    assert {file.name for file in WIDGET.iterdir() if file.suffix not in (".json", ".ts")} == set(TYPES)


@pytest.mark.skipif(not shutil.which("tsc"), reason="no TypeScript compiler on this machine (Debian: node-typescript)")
def test_types_are_right() -> None:
    result = subprocess.run(["tsc", "-p", str(WIDGET / "jsconfig.json")], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout
