"""Makes a report: reads the store, groups what was not answered, writes the files."""

from __future__ import annotations

import time
from pathlib import Path

from rolewise.insights import report
from rolewise.insights.events import conversations, store_url
from rolewise.insights.figures import Figures, count
from rolewise.insights.meaning import Cluster, Meaning, cluster, newest_model

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
    since = None if days is None else time.time() - days * DAY
    figures = count(conversations(store_url(store), since))
    return figures, cluster(figures.phrases.listed(), meaning), meaning


def make(store: str | None, days: float | None, model: Path, directory: Path) -> list[Path]:
    """Write the report of a store into a directory; returns its files. Raises as :func:`gather`."""
    figures, clusters, meaning = gather(store, days, model)
    return report.write(report.data(figures, clusters, report.Names.of(meaning.knowledge)), directory)
