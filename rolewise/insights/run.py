"""Makes a report: reads the store, groups what was not answered, writes the files."""

from __future__ import annotations

import time
from pathlib import Path

from rolewise.insights import report
from rolewise.insights.events import conversations, store_url
from rolewise.insights.figures import Figures, count
from rolewise.insights.meaning import Cluster, Meaning, cluster, newest_model
from rolewise.knowledge import KnowledgeError, Subject, load
from rolewise.settings import PROJECT_ROOT, settings

DAY = 86400.0


def gather(store: str | None, days: float | None, model: Path) -> tuple[Figures, list[Cluster], Meaning]:
    """The figures of a store, and what was not answered in groups.

    Args:
        store: a file or an address; None takes the one of endpoints.yml.
        days: only what happened in the last days; None takes everything.
        model: an archive, or a directory whose newest archive is taken.

    Raises:
        SourceError: the store or the model cannot be read.
    """
    meaning = Meaning(newest_model(model))
    figures = count(conversations(store_url(store), _since(days)))
    return figures, cluster(figures.phrases.listed(), meaning), meaning


def inbox(store: str | None, days: float | None, model: Path, again: bool) -> int:
    """Walk through what was not answered in the terminal; returns the exit status. Raises as :func:`gather`, and EditError."""
    from datetime import date

    from rich.console import Console

    from rolewise.authoring.training_data import tested_messages
    from rolewise.insights.inbox import Inbox
    from rolewise.insights.terminal import Terminal

    console = Console(highlight=False)
    evaluation = Path(settings().eval_dir) if settings().eval_dir else None
    kept = Inbox(
        settings().cache / "inbox.json",
        settings().knowledge,
        PROJECT_ROOT / "data" / "nlu.yml",
        tested_messages(PROJECT_ROOT, evaluation),
        date.today(),
    )
    with console.status("Reading the conversations"):
        meaning = Meaning(newest_model(model))
        figures = count(conversations(store_url(store), _since(days)))
        groups = cluster(kept.open(figures.phrases.listed(), again), meaning)
    if not groups:
        console.print("The inbox is empty.")
        return 0
    titles = {topic_id: str(topic.title) for topic_id, topic in meaning.knowledge.topics.items()}
    return Terminal(kept, groups, titles, console, _subjects(meaning)).run()


def _subjects(meaning: Meaning) -> list[Subject]:
    """The subjects of today's knowledge; while it has faults, those of the model."""
    try:
        return load(settings().knowledge).subjects
    except KnowledgeError:
        return meaning.knowledge.subjects


def _since(days: float | None) -> float | None:
    return None if days is None else time.time() - days * DAY


def make(store: str | None, days: float | None, model: Path, directory: Path) -> list[Path]:
    """Write the report of a store into a directory; returns its files. Raises as :func:`gather`."""
    figures, clusters, meaning = gather(store, days, model)
    return report.write(report.data(figures, clusters, report.Names.of(meaning.knowledge)), directory)
