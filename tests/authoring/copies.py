"""A copy of the project's own files that tests may change, train and ask; the code that runs is the copy's."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from rolewise.authoring.edits import Document
from rolewise.knowledge.files import files, holding
from rolewise.settings import PROJECT_ROOT, settings

PARTS = (
    "rolewise",
    "actions",
    "knowledge",
    "data",
    "tests/data",
    "config.yml",
    "domain.yml",
    "endpoints.yml",
    "credentials.yml",
    "requirements.lock",
)

# On a busy machine threads of the linear algebra mostly wait for each other, and that costs as much as work.
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


class Copy:
    """The project in a directory of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.knowledge = root / "knowledge"
        for part in PARTS:
            source = PROJECT_ROOT / part
            if source.is_dir():
                shutil.copytree(source, root / part, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, root / part)

    def run(self, *arguments: str, stdin: str = "", **settings_: str) -> subprocess.CompletedProcess[str]:
        """``rolewise ...`` of the copy, its own settings but for the cache with the converted encoder."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ROLEWISE_")}
        return subprocess.run(
            [sys.executable, "-m", "rolewise.commands.cli", *arguments],
            cwd=self.root,
            env={**environment, **ONE_THREAD, "ROLEWISE_CACHE": str(settings().cache), **settings_},
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )

    def ask(self, *conversations: list[str]) -> list[list[dict[str, Any]]]:
        """The turns of each conversation, as ``rolewise ask --jsonl`` answers them."""
        lines = "".join(json.dumps({"id": str(number), "turns": turns}) + "\n" for number, turns in enumerate(conversations))
        done = self.run("ask", "--jsonl", stdin=lines)
        assert done.returncode == 0, done.stderr[-3000:]
        return [json.loads(line)["turns"] for line in done.stdout.splitlines()]

    def edit(self, old: str, new: str, name: str | None = None) -> None:
        """Change a piece of a file, of the knowledge if none is named, that stands there once."""
        found = [self.root / name] if name else files(self.knowledge)
        counts = {path: path.read_text(encoding="utf-8").count(old) for path in found}
        assert sum(counts.values()) == 1, f"{name or 'the knowledge'} holds {old!r} {sum(counts.values())} times"
        path = max(counts, key=lambda item: counts[item])
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace(old, new), encoding="utf-8")

    def add_role(self, role_id: str, role: dict[str, Any]) -> None:
        """Put a role behind the others in the knowledge file."""
        document = Document(holding(self.knowledge, "roles"))
        block = yaml.safe_dump({role_id: role}, allow_unicode=True, sort_keys=False, width=110)
        document.append(("roles",), "\n" + "".join(f"  {line}\n" for line in block.splitlines()))
        document.write()

    def keep_few_examples(self, count: int, more: dict[str, int]) -> None:
        """Leave so many training messages an intent in each file, from all over its list."""
        for name in ("nlu.yml", "messages.yml"):
            path = self.root / "data" / name
            data = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
            for block in data["nlu"]:
                # One text with a line a message, or a list of messages with what stands beside them.
                examples = block["examples"]
                lines = examples.splitlines() if isinstance(examples, str) else examples
                wanted = min(len(lines), more.get(block["intent"], count))
                kept = [lines[number * len(lines) // wanted] for number in range(wanted)]
                block["examples"] = "\n".join(kept) + "\n" if isinstance(examples, str) else kept
            path.write_text(yaml.dump(data, Dumper=yaml.CSafeDumper, allow_unicode=True, sort_keys=False, width=1000), encoding="utf-8")
