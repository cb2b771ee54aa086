"""The whole of it, for `make test-scale`: forty faults under load. The figures go into results/scale.json."""

from __future__ import annotations

import asyncio
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rolewise.knowledge.files import holding
from rolewise.settings import PROJECT_ROOT, settings
from tests.scale.cluster import Cluster
from tests.scale.faults import AFTER, Faults, reckon
from tests.scale.people import Crowd

RESULTS = PROJECT_ROOT / "results" / "scale.json"
# Kills, restarts of Redis and of PostgreSQL, processes that hang, rolling restarts.
COUNTS = {"kill": 25, "redis": 5, "postgres": 5, "hang": 3, "roll": 2}
PEOPLE, CROWD, THINK = 16, 50, (0.2, 0.8)
# Of an answer; another model says it another way.
SENTENCE = "All three need programming"
# Longer than nginx waits for a process that hangs.
HUNG = 15.0


def another_model(directory: Path) -> dict[str, str]:
    """Settings of a process with a model of its own, trained with a changed answer."""
    knowledge = shutil.copytree(settings().knowledge, directory / "knowledge")
    roles = holding(knowledge, "roles")
    text = roles.read_text(encoding="utf-8")
    assert SENTENCE in text
    roles.write_text(text.replace(SENTENCE, f"Today {SENTENCE[0].lower()}{SENTENCE[1:]}", 1), encoding="utf-8")
    changed = {"ROLEWISE_KNOWLEDGE": str(knowledge), "ROLEWISE_MODELS": str(directory / "models")}
    command = [str(Path(sys.executable).parent / "rolewise"), "train"]
    subprocess.run(command, cwd=PROJECT_ROOT, env={**os.environ, **changed}, check=True, capture_output=True)
    return changed


async def under_load(cluster: Cluster, people: int, faults: Faults, work: Callable[[], Any]) -> Crowd:
    """Let people talk while something is done."""
    crowd = Crowd(cluster.address, people, THINK, seed=people)
    talking = asyncio.create_task(crowd.talk())
    await asyncio.sleep(3)
    await work()
    await asyncio.sleep(AFTER)
    crowd.hush()
    await talking
    return crowd


@pytest.mark.scale
async def test_forty_faults(tmp_path: Path, announce: Callable[[str], None]) -> None:
    announce("Starting three processes; then forty faults, about a quarter of an hour ...")
    changed = await asyncio.to_thread(another_model, tmp_path)
    cluster = Cluster(tmp_path / "cluster", 3)
    began = time.time()
    try:
        await asyncio.to_thread(cluster.start)
        faults = Faults(cluster)

        async def one_by_one() -> None:
            for number in range(COUNTS["kill"]):
                # Whoever is ready, as long as somebody else is, too: often one is still starting.
                await asyncio.to_thread(cluster.wait_ready, number=2)
                ready = await asyncio.to_thread(cluster.ready)
                await faults.kill(cluster.servers.index(ready[number % len(ready)]))
                announce(f"{number + 1} killed, {(time.time() - began) / 60:.1f} minutes")
                await asyncio.sleep(4)
            await asyncio.to_thread(cluster.wait_ready)
            for _ in range(COUNTS["redis"]):
                await faults.restart_redis()
                await asyncio.sleep(4)
            for number in range(COUNTS["postgres"]):
                await faults.restart_postgres(signal.SIGQUIT if number % 2 else signal.SIGINT)
                await asyncio.sleep(4)
                await asyncio.to_thread(cluster.wait_ready)
            for number in range(COUNTS["hang"]):
                await asyncio.sleep(AFTER)
                await faults.hang(number % 3, HUNG)
                await asyncio.to_thread(cluster.wait_ready)

        first = await under_load(cluster, PEOPLE, faults, one_by_one)

        async def roll() -> None:
            for number in range(COUNTS["roll"]):
                await faults.roll(**(changed if number % 2 else {}))

        second = await under_load(cluster, CROWD, faults, roll)
        first.exchanges += second.exchanges
        found = reckon(cluster, first, faults)
    finally:
        cluster.stop()
    found["run"] = {
        "date": time.strftime("%Y-%m-%d"),
        "minutes": round((time.time() - began) / 60, 1),
        "people": f"{PEOPLE}, and {CROWD} during the rolling restarts",
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, with the people on it",
    }
    results = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({**results, "faults": found}, indent=1))
    print(json.dumps(found, indent=1))
    assert found["acknowledged, not stored"] == found["stored twice"] == found["never answered"] == 0
    told = found["faults"]
    assert {kind: told[kind]["times"] for kind in told} == {
        "killed": COUNTS["kill"],
        "Redis restarted": COUNTS["redis"],
        "PostgreSQL restarted": COUNTS["postgres"],
        "hung": COUNTS["hang"],
        "rolling restart": COUNTS["roll"],
    }
    assert told["killed"]["theirs"]["longest silence"] <= 5.0
    assert told["killed"]["others"]["errors seen"] == told["hung"]["others"]["errors seen"] == 0
    assert told["rolling restart"]["theirs"]["errors seen"] == told["rolling restart"]["others"]["errors seen"] == 0
    assert found["apart from faults"]["errors seen"] == 0
