"""How much one, two and three processes carry behind nginx on PostgreSQL and Redis, and what each part of it costs.

``.venv/bin/python bench/scale.py`` writes into ``results/scale.json`` beside the figures of the forty faults (``make test-scale``);
``bench/report_scale.py`` makes the tables of docs/deployment.md of it. Everything runs on one machine, the program that asks included,
so its CPU is stated.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import statistics
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

import aiohttp  # noqa: E402
import psutil  # noqa: E402

from bench.nlu import _commit, say  # noqa: E402
from bench.serving import percentile, questions  # noqa: E402
from tests.scale.cluster import Cluster  # noqa: E402

RESULTS = ROOT / "results" / "scale.json"
PROCESSES = (1, 2, 3)
# Senders at once for each process, and the turns of a conversation.
SENDERS, TURNS = 8, 5
WARM_UP, SECONDS, ROUNDS = 5.0, 20.0, 3


class Part:
    """The processes of one part of the cluster, and the CPU they have used."""

    def __init__(self, pids: list[int]) -> None:
        """Watch these and what they started."""
        self.processes = [psutil.Process(pid) for pid in pids]

    def all(self) -> list[psutil.Process]:
        """Everything that belongs to it now."""
        return [process for root in self.processes for process in [root, *root.children(recursive=True)]]

    def cpu(self) -> float:
        """CPU seconds so far."""
        return float(sum(sum(process.cpu_times()[:2]) for process in self.all()))

    def memory(self) -> float:
        """Megabytes that they hold now."""
        return float(sum(process.memory_info().rss for process in self.all())) / 1e6


async def load(address: str, senders: int, seconds: float, texts: list[str]) -> list[float]:
    """So many senders, each with one message on the way all the time; the seconds of every answer."""
    times: list[float] = []
    end = time.perf_counter() + seconds
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(60)) as session:

        async def person(number: int) -> None:
            sender, turn = "", 0
            while time.perf_counter() < end:
                if turn % TURNS == 0:
                    sender = f"bench-{uuid.uuid4().hex}"
                body = {"sender": sender, "message": texts[(number * 37 + turn) % len(texts)]}
                turn += 1
                began = time.perf_counter()
                async with session.post(f"{address}/webhooks/rest/webhook", json=body) as response:
                    items = await response.json()
                    if response.status != 200 or not items or items[-1]["custom"]["card"]["kind"] == "error":
                        raise RuntimeError(f"{body['message']!r} got {response.status}: {items}")
                times.append(time.perf_counter() - began)

        await asyncio.gather(*(person(number) for number in range(senders)))
    return times


def measured(processes: int, texts: list[str], seconds: float) -> dict[str, Any]:
    """One cluster: its throughput, latency and the CPU of each part."""
    with tempfile.TemporaryDirectory(prefix="bench-scale-") as scratch:
        cluster = Cluster(Path(scratch) / "cluster", processes, ROLEWISE_SENDER_LIMIT="off")
        try:
            cluster.start()
            senders = SENDERS * processes
            asyncio.run(load(cluster.address, senders, WARM_UP, texts))
            services = (cluster.postgres, cluster.redis, cluster.nginx)
            parts = {
                "Rolewise": Part([server.pid for server in cluster.servers]),
                **{type(one).__name__: Part([one.process.pid]) for one in services if one.process},
            }
            held = parts["Rolewise"].memory()
            before = {name: part.cpu() for name, part in parts.items()} | {"load generator": time.process_time()}
            began = time.perf_counter()
            times = asyncio.run(load(cluster.address, senders, seconds, texts))
            took = time.perf_counter() - began
            after = {name: part.cpu() for name, part in parts.items()} | {"load generator": time.process_time()}
            ms = [1000 * one for one in times]
            return {
                "processes": processes,
                "senders": senders,
                "per second": len(times) / took,
                "p50 ms": percentile(ms, 0.5),
                "p95 ms": percentile(ms, 0.95),
                "cores": {name: (after[name] - before[name]) / took for name in before},
                "cpu ms a message": {name: 1000 * (after[name] - before[name]) / len(times) for name in before},
                "MB a process": held / processes,
                "MB grown": parts["Rolewise"].memory() - held,
                "conversations": len(times) / TURNS,
                **stored(cluster),
            }
        finally:
            cluster.stop()


def stored(cluster: Cluster) -> dict[str, float]:
    """Rows and bytes of a turn in PostgreSQL, indexes included."""
    ((turns, events),) = cluster.postgres.rows("SELECT count(*) FILTER (WHERE type_name = 'user'), count(*) FROM events")
    ((book,),) = cluster.postgres.rows("SELECT count(*) FROM turns")
    ((bytes_events, bytes_turns),) = cluster.postgres.rows("SELECT pg_total_relation_size('events'), pg_total_relation_size('turns')")
    number = float(str(turns))
    return {
        "events a turn": float(str(events)) / number,
        "kB a turn": float(str(bytes_events)) / number / 1000,
        "kB a turn, book": float(str(bytes_turns)) / float(str(book)) / 1000,
    }


def main(given: list[str] | None = None) -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"rounds of one, two and three processes (default {ROUNDS})")
    parser.add_argument("--seconds", type=float, default=SECONDS, help=f"how long each is measured (default {SECONDS:g})")
    parser.add_argument("--out", type=Path, default=RESULTS, help="where the results go (default results/scale.json)")
    options = parser.parse_args(given)
    texts, rounds = questions(), []
    for number in range(options.rounds):
        # Each round begins with another one, so that what changes in time touches all alike.
        for processes in PROCESSES[number % 3 :] + PROCESSES[: number % 3]:
            say(f"round {number + 1} of {options.rounds}: {processes} processes")
            done = {"load before": os.getloadavg()[0], **measured(processes, texts, options.seconds)}
            say(f"  {done['per second']:.0f} a second")
            rounds.append(done)
    results = json.loads(options.out.read_text(encoding="utf-8")) if options.out.is_file() else {}
    results["capacity"] = {
        "run": {
            "date": time.strftime("%Y-%m-%d"),
            "commit": _commit(),
            "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
            "seconds": options.seconds,
        },
        "rounds": rounds,
    }
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(results, indent=1), encoding="utf-8")
    by = {count: statistics.median(one["per second"] for one in rounds if one["processes"] == count) for count in PROCESSES}
    say(f"two against one: {by[2] / by[1]:.2f}; results in {options.out}, tables by bench/report_scale.py")


if __name__ == "__main__":
    main()
