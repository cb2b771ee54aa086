"""How fast it serves: stock Rasa and Rolewise in alternation, over REST, with the same questions and a durable store each.

``.venv/bin/python bench/serving.py`` adds rounds to ``results/serving.json`` until there are enough, so that a run can be broken off and
gone on with; ``bench/report_serving.py`` makes the tables and the picture of it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

import aiohttp  # noqa: E402

from bench import nlu_rasa  # noqa: E402
from bench.nlu import _commit, say  # noqa: E402
from bench.serving_profile import record, shares  # noqa: E402
from bench.serving_sides import ROLEWISE, STOCK, Side, running  # noqa: E402

RESULTS = ROOT / "results" / "serving.json"
# Where bench/nlu.py leaves the model it trained; and this benchmark its own, where there is none.
TRAINED, OWN_MODEL = ROOT / "results" / "nlu-models" / "stock.tar.gz", ROOT / "results" / "serving-stock.tar.gz"
EPOCHS = OWN_MODEL.with_name("serving-stock.json")

# Of a hundred questions: about one role, comparisons, out of scope.
MIX = {"faq": 80, "comparison": 10, "out of scope": 10}
TEXTS = 300
# Messages of a phase, by how many senders write at once; turns of a conversation; messages before the clock counts.
PHASES = {1: 120, 8: 160, 32: 192}
TURNS, WARM_UP = 5, 30
# The one long conversation: its turns, and which of them are compared.
LONG, EARLY, LATE = 104, slice(2, 7), slice(97, 102)


def questions() -> list[str]:
    """Different texts in the shares of ``MIX``, in an order that is always the same."""

    def read(name: str) -> list[dict[str, Any]]:
        lines = (ROOT / "tests" / "data" / name).read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines if line.strip()]

    asked = read("questions.jsonl")
    found = {
        "faq": [row["text"] for row in asked if row["topic"] != "compare" and len(row["roles"]) < 2],
        "comparison": [row["text"] for row in asked if row["topic"] == "compare" or len(row["roles"]) > 1],
        "out of scope": [row["text"] for row in read("out_of_scope.jsonl") if not row.get("partial")],
    }
    chance = random.Random(20)
    texts = []
    for kind, share in MIX.items():
        different = list(dict.fromkeys(found[kind]))
        texts += chance.sample(different, TEXTS * share // 100)
    chance.shuffle(texts)
    return texts


class Driver:
    """Writes messages to a side; no sender has two on the way at once."""

    def __init__(self, side: Side, texts: list[str]) -> None:
        """Ask these texts, one after the other and round again."""
        self.side = side
        self.texts = texts
        self.asked = 0

    async def send(self, session: aiohttp.ClientSession, sender: str) -> float:
        """One message; returns the seconds until its answer was read.

        Raises:
            RuntimeError: it was not answered.
        """
        text = self.texts[self.asked % len(self.texts)]
        self.asked += 1
        began = time.perf_counter()
        async with session.post(self.side.webhook, json={"sender": sender, "message": text}) as response:
            items = await response.json()
            took = time.perf_counter() - began
            if response.status != 200 or not items:
                raise RuntimeError(f"{self.side.name}: {text!r} got {response.status}: {items}")
        return took

    async def phase(self, tag: str, messages: int, senders: int, turns: int = TURNS) -> dict[str, Any]:
        """So many messages by so many senders at once, in conversations of so many turns."""
        times: list[float] = []
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(300)) as session:

            async def person(number: int) -> None:
                for turn in range(messages // senders):
                    times.append(await self.send(session, f"{tag}-{number}-{turn // turns}"))

            cpu, began = self.side.cpu(), time.perf_counter()
            await asyncio.gather(*(person(number) for number in range(senders)))
            seconds, cpu = time.perf_counter() - began, self.side.cpu() - cpu
        return {"ms": [1000 * took for took in times], "per second": len(times) / seconds, "cpu ms": 1000 * cpu / len(times)}


def percentile(values: list[float], share: float) -> float:
    """The value that this share of them is not above."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


async def measured(side: Side, texts: list[str]) -> dict[str, Any]:
    """One side in one round."""
    driver = Driver(side, texts)
    await driver.phase("warm", WARM_UP, 1)
    found: dict[str, Any] = {}
    for senders, messages in PHASES.items():
        phase = await driver.phase(f"c{senders}", messages, senders)
        found[f"per second, {senders}"] = phase["per second"]
        for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
            found[f"{name} ms, {senders}"] = percentile(phase["ms"], share)
        found[f"cpu ms, {senders}"] = phase["cpu ms"]
    long = (await driver.phase("long", LONG, 1, turns=LONG))["ms"]
    found["turn 5 ms"], found["turn 100 ms"] = statistics.median(long[EARLY]), statistics.median(long[LATE])
    found["peak MB"] = side.peak / 1e6
    return found


async def soaked(side: Side, texts: list[str], messages: int) -> dict[str, Any]:
    """Very many messages by eight senders at once; the memory after each thousand. A failure ends it."""
    driver = Driver(side, texts)
    held = []
    began = time.perf_counter()
    for thousand in range(messages // 1000):
        await driver.phase(f"soak{thousand}", 1000, 8, turns=10)
        held.append(side.memory() / 1e6)
    return {"messages": messages, "per second": messages / (time.perf_counter() - began), "MB after each 1,000": held, "errors": 0}


async def profiled(side: Side, texts: list[str], scratch: Path) -> dict[str, float] | None:
    """The share of each part of a turn, one message at a time: then all of it is done in the interpreter's thread.

    None where this machine lets nobody look into a process.
    """
    driver, stacks = Driver(side, texts), scratch / "stacks.txt"
    await driver.phase("warm", WARM_UP, 1)
    spy = record(side.main, stacks)
    number = 0
    while spy.poll() is None:
        await driver.phase(f"profile{number}", PHASES[1], 1)
        number += 1
    if spy.returncode != 0:
        say(f"no profile: {spy.stderr.read().decode(errors='replace').strip() if spy.stderr else ''}")
        return None
    return shares(stacks.read_text(encoding="utf-8").splitlines())


class Bench:
    """One run: its options, and the results so far."""

    def __init__(self, options: argparse.Namespace) -> None:
        """Go on with the results that are there, unless a fresh run is wanted."""
        self.options = options
        self.texts = questions()
        self.results: dict[str, Any] = {"rounds": []}
        if options.out.is_file() and not options.fresh:
            self.results = json.loads(options.out.read_text(encoding="utf-8"))
        self.stock_model = self._stock_model()

    def run(self) -> None:
        """Run what is missing, keeping the results after each part."""
        if len(self.results["rounds"]) < self.options.rounds:
            self.results["run"] = {
                "date": time.strftime("%Y-%m-%d"),
                "commit": _commit(),
                "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
                "texts": len(set(self.texts)),
            }
        while len(self.results["rounds"]) < self.options.rounds:
            number = len(self.results["rounds"])
            done: dict[str, Any] = {"load before": os.getloadavg()[0]}
            for name in (STOCK, ROLEWISE) if number % 2 == 0 else (ROLEWISE, STOCK):
                say(f"round {number + 1} of {self.options.rounds}: {name}")
                with self.side(name) as (side, seconds):
                    done[name] = {"start s": seconds, **asyncio.run(measured(side, self.texts))}
            self.results["rounds"].append(done)
            self.keep()
        if self.options.soak and "soak" not in self.results:
            say(f"soak: {self.options.soak} messages to {ROLEWISE}")
            with self.side(ROLEWISE) as (side, _):
                self.results["soak"] = asyncio.run(soaked(side, self.texts, self.options.soak))
            self.keep()

        if self.options.soak and not self.results.get("profile"):
            say(f"profile of {ROLEWISE}")
            with self.side(ROLEWISE) as (side, _), tempfile.TemporaryDirectory() as scratch:
                self.results["profile"] = asyncio.run(profiled(side, self.texts, Path(scratch)))
            self.keep()

    @contextmanager
    def side(self, name: str) -> Iterator[tuple[Side, float]]:
        """A side with an empty store, and the seconds it took to its first answer."""
        with (
            tempfile.TemporaryDirectory(prefix="bench-serving-") as scratch,
            running(name, Path(scratch), self.stock_model, self.texts[0]) as started,
        ):
            yield started

    def keep(self) -> None:
        """Write what is there."""
        self.options.out.parent.mkdir(parents=True, exist_ok=True)
        self.options.out.write_text(json.dumps(self.results, indent=1), encoding="utf-8")

    def _stock_model(self) -> Path:
        """The stock model: given, or trained before, or trained now and kept."""
        given: Path | None = self.options.stock_model
        if given is not None:
            if not given.is_file():
                raise SystemExit(f"{given} is absent")
            self.results["stock"] = {"epochs": self.options.epochs or "unknown", "model MB": given.stat().st_size / 1e6}
            return given
        if TRAINED.is_file():
            self.results["stock"] = {"epochs": "those of its configuration", "model MB": TRAINED.stat().st_size / 1e6}
            return TRAINED
        if not OWN_MODEL.is_file():
            epochs = self.options.epochs
            say(f"training stock Rasa once, {epochs or 'the usual'} epochs; the time of a message does not depend on their number")
            training = [ROOT / "data" / "nlu.yml", ROOT / "data" / "rules.yml"]
            found = nlu_rasa.measure(nlu_rasa.stock_config(epochs), training, self.texts[:1], ROOT / "domain.yml", OWN_MODEL)
            self.results["stock"] = {"epochs": epochs or "those of its configuration", "training s": found["training_seconds"]}
            EPOCHS.write_text(json.dumps(self.results["stock"]), encoding="utf-8")
        else:
            self.results["stock"] = json.loads(EPOCHS.read_text(encoding="utf-8"))
        self.results["stock"]["model MB"] = OWN_MODEL.stat().st_size / 1e6
        return OWN_MODEL


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=5, help="alternations in all, those of earlier runs counted (default 5)")
    parser.add_argument(
        "--soak", type=int, default=10_000, metavar="N", help="messages of the soak (default 10000; 0 leaves it and the profile out)"
    )
    parser.add_argument("--stock-model", type=Path, metavar="FILE", help="a model of stock Rasa; default: bench/nlu.py's, or a new one")
    parser.add_argument(
        "--epochs", type=int, metavar="N", help="train stock Rasa with so many epochs; with --stock-model, those it was trained with"
    )
    parser.add_argument("--out", type=Path, default=RESULTS, help="where the results go (default results/serving.json)")
    parser.add_argument("--fresh", action="store_true", help="forget the rounds and the soak of earlier runs")
    return parser.parse_args(given)


def main(given: list[str] | None = None) -> None:
    """Run the benchmark."""
    options = arguments(given)
    Bench(options).run()
    say(f"results in {options.out}; bench/report_serving.py makes the tables of them")


if __name__ == "__main__":
    main()
