"""The knowledge as files: one YAML file, or a directory of them read as one. Where each field stands; nothing of what it means."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from rolewise.knowledge.positions import Loc, Positions

# The key whose lists are joined: subjects stand in one file a theme.
SUBJECTS = "subjects"


@contextmanager
def uncollected() -> Iterator[None]:
    """Without the collector of garbage: where very many objects are made that all stay, it looks through them again and again."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


class _Construct(yaml.CSafeLoader):
    """PyYAML's safe loader, fed with nodes that were composed already."""

    def __init__(self) -> None:
        super().__init__("")


def constructed(root: yaml.Node | None) -> Any:
    """What a text holds, of the nodes that it was composed to; None where there are none."""
    return None if root is None else _Construct().construct_document(root)


def files(path: Path) -> list[Path]:
    """The files of the knowledge: the file itself, or all ``*.yml`` of the directory and of those in it, in the order of their names."""
    return sorted(path.rglob("*.yml")) if path.is_dir() else [path]


def holding(path: Path, key: str) -> Path:
    """The file that holds a part of the knowledge, or where it would belong.

    Args:
        path: a knowledge file, or a directory of them.
        key: the name of the part at the head of a file: ``topics``, ``wanted``.
    """
    found = (file for file in files(path) if any(line.startswith(f"{key}:") for line in file.read_text(encoding="utf-8").splitlines()))
    return next(found, path / f"{key}.yml" if path.is_dir() else path)


class Texts:
    """The texts of the knowledge files, joined.

    Attributes:
        data: the parts by name; the lists of subjects of all files joined; None where a text is no YAML or has keys that are no text.
    """

    def __init__(self, texts: Iterable[tuple[str, str]]) -> None:
        """Read the texts.

        Args:
            texts: name (as it is to stand in errors) and text of each file.
        """
        self.data: dict[Any, Any] | None = {}
        self._listed: list[tuple[str, int, str, str]] = []
        self._positions: dict[str, Positions] = {}
        self._owners: dict[str, str] = {}
        self._subjects: list[tuple[int, str]] = []
        with uncollected():
            for name, text in texts:
                self._read(name, text)

    @property
    def faults(self) -> list[str]:
        """What cannot be read, as ``file:line: field: reason``, in the order of files and lines."""
        return self.located(())

    def _fail(self, name: str, line: int, reason: str) -> None:
        self._listed.append((name, line, "", reason))
        self.data = None

    def _read(self, name: str, text: str) -> None:
        try:
            root = yaml.compose(text, Loader=yaml.CSafeLoader)
            positions = Positions(root)
            # Keys that are no text could not be loaded into a mapping of fields; they are reported alone.
            raw = {} if root is None or positions.faulty_keys() else constructed(root)
        except RecursionError:
            return self._fail(name, 1, "(file): an anchor refers to itself")
        except yaml.YAMLError as error:
            mark, position = getattr(error, "problem_mark", None), getattr(error, "position", 0)
            line = mark.line + 1 if mark else text.count("\n", 0, position) + 1
            return self._fail(name, line, f"not valid YAML: {getattr(error, 'problem', None) or error}")
        self._positions[name] = positions
        self._listed += [(name, line, ".".join(map(str, loc)), reason) for loc, line, reason in positions.faults]
        if positions.faulty_keys():
            self.data = None
        elif not isinstance(raw, dict):
            self._fail(name, 1, "(file): must be a mapping with parts of the knowledge, such as topics, roles or sources")
        elif self.data is not None:
            self._join(name, raw)

    def _join(self, name: str, raw: dict[Any, Any]) -> None:
        assert self.data is not None
        for key, value in raw.items():
            if key == SUBJECTS and isinstance(value, list):
                joined = self.data.setdefault(SUBJECTS, [])
                if isinstance(joined, list):
                    self._subjects.append((len(joined), name))
                    joined.extend(value)
                    continue
            if key in self.data:
                owner = self._owners.get(key, "another file")
                self._listed.append((name, self._positions[name].line((key,)), str(key), f"stands in {owner}, too"))
                continue
            self.data[key], self._owners[key] = value, name

    def place(self, loc: Loc) -> tuple[str, int]:
        """The file and the line of a field, or of the nearest thing around it that exists."""
        name = next(iter(self._positions), "(file)")
        if loc and loc[0] == SUBJECTS and self._subjects:
            number = loc[1] if len(loc) > 1 and isinstance(loc[1], int) else 0
            first, name = next((item for item in reversed(self._subjects) if item[0] <= number), self._subjects[0])
            loc = (SUBJECTS, number - first, *loc[2:]) if len(loc) > 1 else loc
        elif loc:
            name = self._owners.get(str(loc[0]), name)
        return name, self._positions[name].line(loc) if name in self._positions else 1

    def located(self, found: Iterable[tuple[Loc, str]]) -> list[str]:
        """What was found at a place each, and what cannot be read, as ``file:line: field: reason`` in the order of files and lines."""
        listed = sorted({*self._listed, *((*self.place(loc), ".".join(map(str, loc)) or "(file)", reason) for loc, reason in found)})
        return [f"{name}:{line}: {field + ': ' if field else ''}{reason}" for name, line, field, reason in listed]


# What is checked is looked up next: where it stands.
@lru_cache(maxsize=1)
def joined(named: tuple[tuple[str, str], ...]) -> Texts:
    """Texts by the names that are to stand in errors, joined; not to be changed."""
    return Texts(named)


def read(path: Path) -> Texts:
    """Read the knowledge files; not to be changed.

    Raises:
        OSError: one cannot be read, or FileNotFoundError: there is none.
        UnicodeDecodeError: one is no text.
    """
    found = files(path)
    if not found:
        raise FileNotFoundError(f"no *.yml file in {path}")
    return joined(tuple((str(file), file.read_text(encoding="utf-8")) for file in found))
