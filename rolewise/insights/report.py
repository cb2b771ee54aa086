"""The report of what the stored conversations tell: as data, and as one HTML page, JSON and CSV made of it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from rolewise.answers.compose import capital
from rolewise.authoring.edits import replace_file
from rolewise.insights import mask
from rolewise.insights.figures import LONGEST, Figures
from rolewise.insights.meaning import EXAMPLES, Cluster
from rolewise.knowledge import Knowledge
from rolewise.stores import private

FORMATS = ("html", "json", "csv")
# Groups of unanswered messages that the page and the files show.
CLUSTERS = 40
# Up to so many seconds, for the chart of times.
EDGES = (0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1.0, 2.0, 5.0)
# Subjects that the page and the files show.
SUBJECTS = 40
FORMULA = ("=", "+", "-", "@", "\t", "\r")
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
QUANTILES = {"median": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}


@dataclass(frozen=True)
class Names:
    """How topics, roles and subjects are called in a report."""

    topics: dict[str, str]
    roles: dict[str, str]
    short: dict[str, str]
    subjects: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, knowledge: Knowledge) -> Names:
        """As the knowledge calls them."""
        return cls(
            {topic_id: str(topic.title) for topic_id, topic in knowledge.topics.items()},
            {role_id: capital(str(role.name)) for role_id, role in knowledge.roles.items()},
            {role_id: str(role.short) for role_id, role in knowledge.roles.items()},
            {str(subject.id): capital(str(subject.name)) for subject in knowledge.subjects},
        )


def data(figures: Figures, clusters: Sequence[Cluster], names: Names, now: datetime | None = None) -> dict[str, Any]:
    """The report as plain data; no message in it holds personal data that was found.

    Args:
        figures: what was counted.
        clusters: what was not answered.
        names: of topics, roles and subjects.
        now: when the report is made.
    """
    asked = figures.topics.items()
    topics = sorted(((topic, tally) for topic, tally in asked if topic in names.topics), key=lambda item: -item[1].asked)
    roles = [(role, figures.roles[role]) for role in names.roles if role in figures.roles]
    return {
        "made": (now or datetime.now(timezone.utc)).strftime("%Y-%m-%d %H:%M"),
        "period": {"from": _moment(figures.first), "to": _moment(figures.last), "days": len(figures.days)},
        "totals": {
            "conversations": figures.conversations,
            "sessions": figures.sessions,
            "tapped": figures.tapped,
            **figures.total.row(),
            "answered without subject": figures.without_subject,
            "messages a conversation": round(figures.total.outcomes.total() / max(1, figures.conversations), 2),
        },
        "channels": [
            {"channel": name, "conversations": figures.channel_conversations[name], **tally.row()}
            for name, tally in sorted(figures.channels.items(), key=lambda item: -item[1].outcomes.total())
        ],
        "days": [{"day": day, "conversations": figures.day_conversations[day], **figures.days[day].row()} for day in sorted(figures.days)],
        "hours": [{"weekday": name, "messages": [figures.hours[day, hour] for hour in range(24)]} for day, name in enumerate(WEEKDAYS)],
        "topics": [{"topic": topic, "title": names.topics[topic], **tally.row()} for topic, tally in topics],
        "roles": [{"role": role, "title": names.roles[role], "short": names.short[role], **tally.row()} for role, tally in roles],
        "topics by role": [
            {
                "topic": topic,
                "title": names.topics[topic],
                "no role": figures.cells[topic, ""],
                **{role: figures.cells[topic, role] for role in names.roles},
            }
            for topic, _ in topics
        ],
        **_subjects(figures, names),
        "seconds to answer": {
            **{name: _round(figures.times.quantile(share)) for name, share in QUANTILES.items()},
            "histogram": [
                {"up to": edge, "messages": count} for edge, count in zip([*EDGES, None], figures.times.within(EDGES), strict=True)
            ],
        },
        "messages in a conversation": [
            {"messages": f"{length}{' or more' if length == LONGEST else ''}", "conversations": figures.lengths[length]}
            for length in range(1, LONGEST + 1)
        ],
        "ends": [{"outcome": outcome, "sessions": number} for outcome, number in figures.ends.most_common()],
        "ends by topic": [
            {"topic": topic, "title": names.topics[topic], "sessions": number}
            for topic, number in figures.end_topics.most_common()
            if topic in names.topics
        ],
        "kinds": dict(figures.kinds.most_common()),
        "not answered": {
            "messages": sum(group.count for group in clusters),
            "groups": len(clusters),
            "let go": figures.phrases.let_go,
            "largest": [_group(group, names) for group in clusters[:CLUSTERS]],
        },
    }


def _subjects(figures: Figures, names: Names) -> dict[str, Any]:
    """What was answered by subject and by form."""
    return {
        "subjects": [
            {"subject": subject, "title": names.subjects.get(subject, subject), "answered": number}
            for subject, number in figures.subjects.most_common(SUBJECTS)
        ],
        "forms": [{"form": form or "not known", "answered": number} for form, number in figures.forms.most_common()],
    }


def _group(group: Cluster, names: Names) -> dict[str, Any]:
    return {
        "count": group.count,
        "not answered": group.lost,
        "thumbs down": group.down,
        "nearest topic": group.topic,
        "nearest title": names.topics.get(group.topic, group.topic),
        "nearness": round(group.nearness, 3),
        "examples": mask.all_masked(phrase.text for phrase in group.different(EXAMPLES)),
        "different": len(group.phrases),
        "reasons": mask.all_masked(group.reasons)[:EXAMPLES],
    }


def write(report: dict[str, Any], directory: Path, formats: Sequence[str] = FORMATS) -> list[Path]:
    """Write the report into a directory as ``report.html``, ``report.json`` and ``report.csv``, each whole or not at all."""
    from rolewise.insights.page import page

    makers = {"html": page, "json": as_json, "csv": as_csv}
    private.directory(directory)
    paths = []
    for name in formats:
        path = directory / f"report.{name}"
        replace_file(path, makers[name](report), private.FILE)
        paths.append(path)
    return paths


def as_json(report: dict[str, Any]) -> str:
    """The report as JSON."""
    return json.dumps(report, indent=1, ensure_ascii=False) + "\n"


def as_csv(report: dict[str, Any]) -> str:
    """The report as CSV of four columns: ``table,row,measure,value``, so that any spreadsheet can pivot it."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["table", "row", "measure", "value"])
    for table, row, measure, value in _cells(report):
        # A spreadsheet takes what begins so for a formula.
        writer.writerow(
            [f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell for cell in (table, row, measure, value)]
        )
    return out.getvalue()


def _cells(report: dict[str, Any]) -> list[tuple[str, str, str, Any]]:
    found: list[tuple[str, str, str, Any]] = []
    for table, content in report.items():
        if isinstance(content, list):
            for record in content:
                found += _record(table, record)
        elif isinstance(content, dict):
            for measure, value in content.items():
                if isinstance(value, list):
                    for number, record in enumerate(value, 1):
                        found += _record(f"{table}: {measure}", {"number": number, **record})
                else:
                    found.append((table, "", measure, value))
        else:
            found.append((table, "", "", content))
    return found


def _record(table: str, record: dict[str, Any]) -> list[tuple[str, str, str, Any]]:
    (_, row), *rest = record.items()
    cells: list[tuple[str, str, str, Any]] = []
    for measure, value in rest:
        if isinstance(value, list):
            cells += [(table, str(row), f"{measure} {number}", one) for number, one in enumerate(value)]
        else:
            cells.append((table, str(row), measure, value))
    return cells


def _moment(time: float | None) -> str | None:
    return None if time is None else datetime.fromtimestamp(time, tz=timezone.utc).strftime("%Y-%m-%d %H:%M")


def _round(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.3g}")
