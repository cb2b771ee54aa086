"""How large the widget is, and that its files need no build step."""

from __future__ import annotations

import gzip
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from rolewise.channels.files import TYPES
from rolewise.settings import PROJECT_ROOT

WIDGET = PROJECT_ROOT / "widget"
LIMIT = 12 * 1024
# What is not part of every page with the widget: each with a limit of its own.
APART = {"figures.js": 4 * 1024, "faq.js": 2 * 1024, "tools.js": 2 * 1024}


def packed(file: Path) -> int:
    return len(gzip.compress(file.read_bytes(), 9, mtime=0))


def scripts() -> int:
    """What a page loads with the widget, packed."""
    return sum(packed(file) for file in WIDGET.glob("**/*.js") if file.name not in APART)


def test_all_scripts_together_are_small() -> None:
    assert scripts() <= LIMIT


def test_all_scripts_and_styles_together_are_small() -> None:
    assert scripts() + packed(WIDGET / "widget.css") <= 16 * 1024


@pytest.mark.parametrize("name", APART)
def test_what_is_loaded_apart_is_small_and_no_other_script_waits_for_it(name: str) -> None:
    assert packed(WIDGET / name) <= APART[name]
    assert not [file.name for file in WIDGET.glob("*.js") if re.search(rf"from '\./{re.escape(name)}'", file.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("file", sorted(WIDGET.glob("*.js")), ids=lambda file: file.name)
def test_every_script_is_ascii(file: Path) -> None:
    assert file.read_bytes().isascii(), "a page without a charset would show other characters"


def test_every_file_is_served() -> None:
    assert {file.name for file in WIDGET.iterdir() if file.suffix not in (".json", ".ts")} == set(TYPES)


@pytest.mark.skipif(not shutil.which("tsc"), reason="no TypeScript compiler on this machine (Debian: node-typescript)")
def test_types_are_right() -> None:
    result = subprocess.run(["tsc", "-p", str(WIDGET / "jsconfig.json")], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout
