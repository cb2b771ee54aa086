"""A store with known conversations, held once by the real assistant, and the report of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from rolewise.insights import report, run
from rolewise.insights.meaning import Meaning
from rolewise.settings import settings
from tests.conftest import Assistant
from tests.insights.stores import Said, Visit, hold


def at(day: int, hour: int) -> float:
    return datetime(2026, 11, day, hour, tzinfo=timezone.utc).timestamp()


CUDA = [
    "how do I fix CUDA out of memory",
    "fix cuda out of memory error please",
    "cuda out of memory, how to fix",
    "how do i fix cuda out of memory",
]
VISITS = [
    Visit("anna", "web", at(2, 9), [Said("what does a data scientist do all day"), Said("and the salary?", "up"), Said("thanks")]),
    Visit(
        "ben",
        "web",
        at(2, 9),
        [Said("Do I need a degree to be a software engineer?", "down", "mail me at jo.bloggs@example.org or +44 20 7946 0958")],
    ),
    Visit("cleo", "rest", at(3, 14), [Said("hello"), Said("and london?"), Said('/ask_salary{"role":["mle"]}')]),
    Visit("dan", "rest", at(3, 14), [Said("mle vs swe on degree", "up")]),
    Visit(
        "eve",
        "slack",
        at(4, 20),
        [Said("<script>alert(1)</script> is nursing a good career, my handle is @eve_k"), Said("compare all three roles")],
    ),
    Visit("finn", "cmdline", at(4, 20), [Said("what does a data scientist do all day")]),
    *(Visit(f"cuda{number}", "web", at(5 + number, 11), [Said(text)]) for number, text in enumerate(CUDA)),
]


@dataclass
class Reported:
    """The report of the known conversations: where its files are, and what is in them."""

    store: Path
    rows: list[tuple[Any, ...]]
    directory: Path
    json: dict[str, Any]

    def text(self, name: str) -> str:
        return (self.directory / f"report.{name}").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def meaning() -> Meaning:
    """The encoder of the newest model."""
    from rolewise.insights.meaning import newest_model

    return Meaning(newest_model(settings().models))


@pytest.fixture(scope="session")
def reported(asker: Assistant, tmp_path_factory: pytest.TempPathFactory) -> Reported:
    """The report of the known conversations."""
    directory = tmp_path_factory.mktemp("report")
    store = directory / "conversations.db"
    rows = hold(asker, VISITS, store)
    figures, clusters, meaning = run.gather(str(store), None, settings().models)
    report.write(report.data(figures, clusters, report.Names.of(meaning.knowledge)), directory)
    return Reported(store, rows, directory, json.loads((directory / "report.json").read_text(encoding="utf-8")))
