"""The library holds nothing that nobody uses. Methods are left out: many of them are called by Rasa, Sanic or slack_sdk."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator

from rolewise.settings import PROJECT_ROOT

# What may name a thing of the library. Tests do not count: what only they use is dead as well.
PLACES = (
    "rolewise/**/*.py",
    "rolewise/**/*.html",
    "actions/*.py",
    "bench/**/*.py",
    "scripts/*",
    "tests/transcripts.py",
    "*.yml",
    "pyproject.toml",
)


def defined(module: ast.Module) -> Iterator[str]:
    """The functions, classes and constants of a module."""
    for node in module.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name))


def test_whatever_a_module_defines_is_named_somewhere_else() -> None:
    named: Counter[str] = Counter()
    for place in PLACES:
        for file in PROJECT_ROOT.glob(place):
            named.update(re.findall(r"\w+", file.read_text(encoding="utf-8")))
    modules = sorted((PROJECT_ROOT / "rolewise").rglob("*.py"))
    everything = [(file, name) for file in modules for name in defined(ast.parse(file.read_text(encoding="utf-8")))]
    assert len(everything) > 500
    unused = [f"{file.relative_to(PROJECT_ROOT)}: {name}" for file, name in everything if named[name] < 2 and not name.startswith("__")]
    assert not unused
