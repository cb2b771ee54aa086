"""Edits of YAML files that leave every other line as it is, and files that are replaced whole or not at all."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from rolewise.knowledge.files import constructed, uncollected
from rolewise.knowledge.positions import Loc, Positions

# What can stand in a YAML file without quotation marks whatever the words are.
PLAIN = re.compile(r"[A-Za-z][\w ,.;?!()'/+-]*[\w.?!)]")
WORDS_OF_YAML = frozenset("yes no on off true false null y n".split())


class EditError(ValueError):
    """A file cannot be edited so; the message says why. Nothing was written."""


@uncollected()
def _parsed(text: str) -> tuple[Positions, Any]:
    root = yaml.compose(text, Loader=yaml.CSafeLoader)
    return Positions(root), constructed(root)


class Document:
    """The text of a YAML file and where everything in it stands."""

    def __init__(self, path: Path) -> None:
        """Read a file. Raises EditError where it is absent or no YAML."""
        self.path = path
        try:
            self.text = path.read_text(encoding="utf-8")
            self.data: Any
            self.positions, self.data = _parsed(self.text)
        except (OSError, yaml.YAMLError) as error:
            raise EditError(f"{path} cannot be read: {error}") from error

    def append(self, loc: Loc, block: str) -> None:
        """Put lines behind what stands at a place of the file, and read it again. Raises EditError where that gives no YAML."""
        lines = self.text.splitlines(keepends=True)
        if lines and not lines[-1].endswith("\n"):
            lines[-1] += "\n"
        at = self.positions.end(loc)
        # A text block reaches to the next field, empty lines and comments included.
        while at > 0 and (not lines[at - 1].strip() or lines[at - 1].lstrip().startswith("#")):
            at -= 1
        self._replace("".join([*lines[:at], block, *lines[at:]]))

    def _replace(self, text: str) -> None:
        try:
            self.positions, self.data = _parsed(text)
        except yaml.YAMLError as error:
            raise EditError(f"{self.path}: the edit would break the file: {error}") from error
        self.text = text

    def indent(self, loc: Loc) -> str:
        """The spaces before the line where something stands."""
        line = self.text.splitlines()[self.positions.line(loc) - 1]
        return line[: len(line) - len(line.lstrip())]

    def write(self) -> None:
        """Put the text in the place of the file."""
        replace_file(self.path, self.text)


def replace_file(path: Path, text: str, mode: int | None = None) -> None:
    """Write a file so that whoever reads it, and whatever breaks off, finds the old one or the new one, never half of it.

    Args:
        path: the file.
        text: what is to be in it.
        mode: who may read it; default: who could before, or everybody.
    """
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        before = path.stat().st_mode & 0o777 if path.exists() else 0o644
        os.chmod(name, before if mode is None else mode)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def write_all(documents: Iterable[Document]) -> None:
    """Write several files; where one cannot be written, those before it are put back."""
    done: list[tuple[Path, str]] = []
    try:
        for document in documents:
            before = document.path.read_text(encoding="utf-8")
            document.write()
            done.append((document.path, before))
    except BaseException:
        for path, text in done:
            replace_file(path, text)
        raise


def scalar(text: str) -> str:
    """A text as YAML, in quotation marks where it needs them."""
    plain = PLAIN.fullmatch(text) and text.lower() not in WORDS_OF_YAML and ": " not in text and " #" not in text
    return text if plain else json.dumps(text, ensure_ascii=False)
