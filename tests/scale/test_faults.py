"""Three processes behind nginx lose five of their number in the middle of turns; and what holds across processes besides."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator

import pytest

from tests.scale.cluster import Cluster
from tests.scale.faults import Faults, reckon
from tests.scale.people import Crowd


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory, announce: Callable[[str], None]) -> Iterator[Cluster]:
    announce("Starting PostgreSQL, Redis, nginx and three `rolewise serve` (about half a minute) ...")
    running = Cluster(tmp_path_factory.mktemp("cluster"), 3)
    try:
        yield running.start()
    finally:
        running.stop()


async def test_killed_in_the_middle_of_turns_nothing_is_lost_and_nobody_else_notices(cluster: Cluster) -> None:
    crowd, faults = Crowd(cluster.address, people=8, think=(0.1, 0.4)), Faults(cluster)
    talking = asyncio.create_task(crowd.talk())
    await asyncio.sleep(1.5)
    for number, ready in ((0, 2), (1, 3), (2, 2), (0, 2), (1, 1)):
        await faults.kill(number)
        await asyncio.sleep(1.5)
        await asyncio.to_thread(cluster.wait_ready, 120, ready)
    await asyncio.sleep(4)
    crowd.hush()
    await talking
    found = reckon(cluster, crowd, faults)
    killed = found["faults"]["killed"]
    print(json.dumps(found, indent=1))
    assert found["acknowledged"] > 100 and killed["times"] == 5 and killed["messages on their way"] >= 5
    assert found["acknowledged, not stored"] == found["stored twice"] == found["never answered"] == 0
    assert killed["theirs"]["longest silence"] <= 5.0
    assert killed["others"]["errors seen"] == found["apart from faults"]["errors seen"] == 0
