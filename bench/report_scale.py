"""Reprints every figure of ``results/scale.json``, and makes the tables of ``docs/deployment.md`` of it, the capacity plan included."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from bench.pages import NOT_RUN, reprint, table  # noqa: E402

RESULTS = ROOT / "results" / "scale.json"
PAGE = ROOT / "docs" / "deployment.md"

# What the plan counts with. A process is planned at this share of what it can carry, so that one that dies does not take the others along.
PLANNED = 0.6
# Commits a second that one PostgreSQL on a good disk is planned with, and operations a second of one Redis. Not measured here.
COMMITS, OPERATIONS = 5_000, 50_000
# A turn writes it down, and crosses it out with its answer; draws a ticket and gives it back.
COMMITS_A_TURN, OPERATIONS_A_TURN = 2, 2
LOADS = (10, 100, 1_000, 10_000)
DAY = 86_400


def faults(results: dict[str, Any]) -> str:
    """What people met, by the kind of fault."""
    found = results.get("faults")
    if not found:
        return NOT_RUN
    rows = []
    for kind, told in found["faults"].items():
        theirs, others = told["theirs"], told["others"]
        rows.append(
            [
                kind,
                str(told["times"]),
                f"{theirs['messages']:,}",
                f"{theirs['longest silence']:.1f}",
                str(theirs["errors seen"]),
                f"{others['messages']:,}",
                f"{others['longest silence']:.1f}",
                str(others["errors seen"]),
            ]
        )
    head = ["fault", "times", "messages touched", "longest silence, s", "errors seen"]
    told = table([*head, "other messages at that time", "longest silence, s", "errors seen"], rows)
    run = found["run"]
    return (
        f"Run of {run['date']}, {run['minutes']:.0f} minutes; people: {run['people']}; {run['machine']}.\n\n{told}\n\n"
        f"Messages sent {found['messages']:,}, acknowledged {found['acknowledged']:,}, acknowledged but not stored "
        f"{found['acknowledged, not stored']}, stored or answered twice {found['stored twice']}, never answered {found['never answered']}. "
        f"Away from the faults: {found['apart from faults']['messages']:,} messages, {found['apart from faults']['errors seen']} errors, "
        f"longest silence {found['apart from faults']['longest silence']:.1f} s."
    )


def middle(results: dict[str, Any], processes: int, *keys: str) -> float:
    """The median over the rounds of a figure."""
    found = []
    for one in results["capacity"]["rounds"]:
        if one["processes"] == processes:
            value: Any = one
            for key in keys:
                value = value[key]
            found.append(float(value))
    return median(found)


def spread(results: dict[str, Any], processes: int, key: str) -> str:
    """The median with the least and the most."""
    found = [one[key] for one in results["capacity"]["rounds"] if one["processes"] == processes]
    return f"{median(found):.0f} ({min(found):.0f} to {max(found):.0f})"


def throughput(results: dict[str, Any]) -> str:
    """Messages a second, and who used the cores for them."""
    if "capacity" not in results:
        return NOT_RUN
    counts = sorted({one["processes"] for one in results["capacity"]["rounds"]})
    names = list(results["capacity"]["rounds"][0]["cores"])
    cpu = "cpu ms a message"
    one = middle(results, counts[0], "per second")
    rows = [
        ["messages a second", *(spread(results, count, "per second") for count in counts)],
        ["times that of one process", *(f"{middle(results, count, 'per second') / one:.2f}" for count in counts)],
        ["p50, ms", *(spread(results, count, "p50 ms") for count in counts)],
        ["p95, ms", *(spread(results, count, "p95 ms") for count in counts)],
        *([f"cores used: {name}", *(f"{middle(results, count, 'cores', name):.2f}" for count in counts)] for name in names),
        *([f"CPU a message, ms: {name}", *(f"{middle(results, count, cpu, name):.1f}" for count in counts)] for name in names),
        ["memory a process, MB", *(f"{middle(results, count, 'MB a process'):.0f}" for count in counts)],
    ]
    run = results["capacity"]["run"]
    loads = [done["load before"] for done in results["capacity"]["rounds"]]
    told = (
        f"Run of {run['date']}, commit {run['commit']}, {run['machine']}; {run['seconds']:g} s each, "
        f"{sum(1 for done in results['capacity']['rounds'] if done['processes'] == counts[0])} rounds, load before them "
        f"{min(loads):.1f} to {max(loads):.1f}."
    )
    return f"{told}\n\n{table(['', *(f'{count} processes' if count > 1 else '1 process' for count in counts)], rows)}"


def sizes(results: dict[str, Any]) -> str:
    """What a turn and a million turns leave in the database, and what a conversation costs in memory."""
    if "capacity" not in results:
        return NOT_RUN
    events, size, book = (middle(results, 1, key) for key in ("events a turn", "kB a turn", "kB a turn, book"))
    grown, conversations = middle(results, 1, "MB grown"), middle(results, 1, "conversations")
    rows = [
        ["rows of `events` a turn", f"{events:.1f}"],
        ["rows of `events` a million turns", f"{events:.1f} million"],
        ["disk a million turns, indexes included, GB", f"{size:.1f}"],
        ["disk of the book of turns a million turns, GB (kept for a day)", f"{book:.2f}"],
        [f"growth of a process over {conversations:.0f} conversations, MB (200 are kept in memory)", f"{grown:.0f}"],
    ]
    return table(["", "measured"], rows)


def plan(results: dict[str, Any]) -> str:
    """From what was measured to 10,000 messages a second."""
    if "capacity" not in results:
        return NOT_RUN
    size, cpu = middle(results, 1, "kB a turn"), middle(results, 1, "cpu ms a message", "Rolewise")
    memory, nginx = middle(results, 1, "MB a process"), middle(results, 1, "cpu ms a message", "Nginx")
    postgres, redis = middle(results, 1, "cpu ms a message", "Postgres"), middle(results, 1, "cpu ms a message", "Redis")
    events = middle(results, 1, "events a turn")
    carried = 1000 / cpu
    rows = []
    for load in LOADS:
        processes = max(2, math.ceil(load / (carried * PLANNED)) + 1)
        databases = max(1, math.ceil(load * COMMITS_A_TURN / COMMITS), math.ceil(load * postgres / 1000 / 8))
        stores = max(1, math.ceil(load * OPERATIONS_A_TURN / OPERATIONS))
        rows.append(
            [
                f"{load:,}",
                f"{processes:,}",
                f"{processes * memory / 1000:,.0f}",
                f"{load * (postgres + redis + nginx) / 1000:,.1f}",
                f"{load * COMMITS_A_TURN:,}",
                f"{load * DAY * events / 1e6:,.0f}",
                f"{load * DAY * size / 1e6:,.0f}",
                str(databases),
                str(stores),
            ]
        )
    head = ["messages a second", "processes, one core each", "their memory, GB", "cores of PostgreSQL, Redis and nginx together"]
    told = (
        f"One process carries {carried:.0f} messages a second on a core of its own: 1,000 ms / {cpu:.1f} ms of CPU a message. "
        f"It is planned with {100 * PLANNED:.0f}% of that, and one process is spare: "
        f"processes = load / ({PLANNED:g} x {carried:.0f}) + 1, at least 2."
    )
    more = ["commits a second", "rows a day, million", "disk a day, GB", "databases", "Redis"]
    return f"{told}\n\n{table([*head, *more], rows)}"


TABLES: dict[str, Callable[[dict[str, Any]], str]] = {"faults": faults, "throughput": throughput, "sizes": sizes, "plan": plan}


def main(given: list[str] | None = None) -> None:
    """Print the tables, and renew the page."""
    reprint("scale", TABLES, RESULTS, PAGE, "`make test-scale` and bench/scale.py", given=given)


if __name__ == "__main__":
    main()
