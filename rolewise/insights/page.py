"""The report as one HTML page that needs nothing else: styles and charts stand in it, no script runs and nothing is fetched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from rolewise.insights.charts import HALF, Series, bars, columns, heat
from rolewise.insights.events import ANSWERED, ASKED_BACK, DECLINED, FAILED, OUTCOMES

HERE = Path(__file__).resolve().parent
STYLES = {ANSWERED: "answered", ASKED_BACK: "asked", DECLINED: "declined", FAILED: "failed"}
# More columns than this and days are put together by week, then by month.
MANY_DAYS, MANY_WEEKS = 92, 110
# Of this kind is what a topic comes near to that the assistant could have answered.
CLOSE, NEAR = 0.75, 0.55


def page(report: dict[str, Any]) -> str:
    """The page of a report."""
    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"percent": percent, "number": lambda value: f"{value:,}", "seconds": seconds, "closeness": closeness}
    text: str = environment.get_template("report.html").render(report=report, charts=charts(report), styles=STYLES)
    return text


def charts(report: dict[str, Any]) -> dict[str, Markup]:
    """The charts of the page, by name."""
    span, days = periods(report["days"])
    return {
        "trend": columns(f"Messages by {span} and outcome", [day["day"] for day in days], outcomes(days), every=max(1, len(days) // 8)),
        "hours": heat(
            "Messages by weekday and hour",
            [row["weekday"] for row in report["hours"]],
            [f"{hour:02d}" for hour in range(24)],
            [row["messages"] for row in report["hours"]],
            every=3,
        ),
        "topics": bars(
            "Questions by topic and outcome",
            [row["title"] for row in report["topics"]],
            outcomes(report["topics"]),
            [f"{row['asked']:,} · {percent(row['answered share'])}" for row in report["topics"]],
        ),
        "times": columns(
            "Messages by the time until their answer",
            [f"≤ {seconds(step['up to'])}" if step["up to"] else "more" for step in report["seconds to answer"]["histogram"]],
            [Series("messages", "plain", [step["messages"] for step in report["seconds to answer"]["histogram"]])],
            height=190,
            every=2,
            width=HALF,
        ),
        "lengths": columns(
            "Conversations by their number of messages",
            [row["messages"].replace(" or more", "+") for row in report["messages in a conversation"]],
            [Series("conversations", "plain", [row["conversations"] for row in report["messages in a conversation"]])],
            height=190,
            width=HALF,
        ),
        "cells": matrix(report),
    }


def outcomes(rows: list[dict[str, Any]]) -> list[Series]:
    """The outcomes of rows, as the kinds of a chart."""
    return [Series(outcome, STYLES[outcome], [row[outcome] for row in rows]) for outcome in OUTCOMES]


def matrix(report: dict[str, Any]) -> Markup:
    """How often each topic was answered for each role."""
    roles = [role["role"] for role in report["roles"]]
    names = [role["short"] for role in report["roles"]]
    rows = [row for row in report["topics by role"] if any(row[role] for role in roles) or row["no role"]]
    return heat(
        "Answers by topic and role",
        [row["title"] for row in rows],
        [*names, "No role"],
        [[*(row[role] for role in roles), row["no role"]] for row in rows],
        left=190.0,
    )


def periods(days: list[dict[str, Any]]) -> tuple[str, list[dict[str, Any]]]:
    """The days, or weeks or months where there are many of them."""
    if len(days) <= MANY_DAYS:
        return "day", [{**day, "day": day["day"][5:]} for day in days]
    from datetime import date

    weekly = len(days) <= 7 * MANY_WEEKS
    found: dict[str, dict[str, Any]] = {}
    for day in days:
        year, week, _ = date.fromisoformat(day["day"]).isocalendar()
        name = f"{year}-W{week:02d}" if weekly else day["day"][:7]
        row = found.setdefault(name, {"day": name, **dict.fromkeys(OUTCOMES, 0)})
        for outcome in OUTCOMES:
            row[outcome] += day[outcome]
    return ("week" if weekly else "month"), list(found.values())


def percent(share: float | None) -> str:
    """A share in per cent, or a dash where there is none."""
    return "–" if share is None else f"{100 * share:.0f} %" if share >= 0.1 or share == 0 else f"{100 * share:.1f} %"


def seconds(value: float | None) -> str:
    """A time as a person reads it."""
    if value is None:
        return "–"
    return f"{1000 * value:.0f} ms" if value < 1 else f"{value:.1f} s".replace(".0 s", " s")


def closeness(value: float) -> str:
    """How near a message comes to a topic, in words."""
    return "very close" if value >= CLOSE else "near" if value >= NEAR else "far"
