"""What the report costs: makes a store of so many events out of a simulated month and measures time and memory of ``rolewise report``.

.venv/bin/python bench/simulate_month.py results/month.db
.venv/bin/python bench/insights.py results/month.db --events 1000000
"""

from __future__ import annotations

import argparse
import random
import resource
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from bench.simulate_month import INSERT  # noqa: E402
from rolewise.stores import database  # noqa: E402

# A word in front of each message, so that the copies of a month do not say the same.
WORDS = "please hello so hey ok well um now sorry question quick one again maybe btw listen tell actually and but".split()
MONTH = 30 * 86400.0


def multiply(month: Path, target: Path, events: int, seed: int = 1) -> int:
    """Fill a store with copies of a month, one month before the other, until it has so many events; returns how many it has."""
    chance = random.Random(seed)
    database.prepare(target)
    written = copy = 0
    with closing(sqlite3.connect(month)) as source, closing(sqlite3.connect(target)) as connection:
        while written < events:
            rows = source.execute("SELECT sender_id, type_name, timestamp, intent_name, action_name, data FROM events ORDER BY id")
            while written < events and (some := rows.fetchmany(2000)):
                fresh = [
                    (f"{copy}-{sender}", kind, when - copy * MONTH, intent, action, _said(data, chance) if kind == "user" else data)
                    for sender, kind, when, intent, action, data in some
                ]
                connection.executemany(INSERT, fresh)
                written += len(fresh)
            connection.commit()
            copy += 1
    return written


def _said(data: str, chance: random.Random) -> str:
    return data.replace('"text": "', f'"text": "{chance.choice(WORDS)} {chance.choice(WORDS)} ', 1)


def main() -> None:
    """Make the store where it is not there, run the report, print what it took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("month", type=Path, help="a store that bench/simulate_month.py made")
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--store", type=Path, help="the large store; default: beside the month")
    parser.add_argument("--model", type=Path)
    options = parser.parse_args()
    store = options.store or options.month.with_name(f"events-{options.events}.db")
    if not store.is_file():
        print(f"{multiply(options.month, store, options.events):,} events written into {store}")
    size = store.stat().st_size / 1e6
    model = ["--model", str(options.model)] if options.model else []
    began = time.perf_counter()
    report = [sys.executable, "-m", "rolewise.commands.cli", "report", "--store", str(store), "--out", str(store.with_suffix("")), *model]
    subprocess.run(report, check=True, cwd=ROOT)
    seconds = time.perf_counter() - began
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    found = database.contents(store)
    print(
        f"{found.events:,} events of {found.conversations:,} conversations, {size:,.0f} MB: report in {seconds:.0f} s "
        f"({used.ru_utime + used.ru_stime:.0f} s of CPU), peak memory {used.ru_maxrss / 1024:,.0f} MB"
    )


if __name__ == "__main__":
    main()
