"""Trains and runs a Rasa model in a process of its own, so that every system has the same conditions.

``python -m bench.nlu_rasa JOB.json`` is that process; :func:`measure` starts it twice, once to train and once, fresh, to parse.
"""

from __future__ import annotations

import asyncio
import functools
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent

# Messages parsed before the clock counts: the first ones compile graphs and fill caches.
WARM_UP = 20


@functools.cache
def stock_python() -> Path:
    """The interpreter of an environment with all that Rasa declares, TensorFlow too; made ready at the first call."""
    subprocess.run([ROOT / "scripts" / "stock"], check=True)
    return ROOT / ".tools" / "stock" / "bin" / "python"


def stock_config(epochs: int | None = None) -> dict[str, Any]:
    """What ``rasa init`` and ``rasa train`` give a new project: Rasa's own default pipeline and policies, read from Rasa.

    Args:
        epochs: another number of epochs, for a quick run.
    """
    import importlib.util

    spec = importlib.util.find_spec("rasa")
    assert spec is not None and spec.submodule_search_locations
    path = Path(spec.submodule_search_locations[0]) / "engine" / "recipes" / "config_files" / "default_config.yml"
    config: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    config["assistant_id"] = "stock"
    for component in [*config["pipeline"], *config["policies"]]:
        if epochs is not None and "epochs" in component:
            component["epochs"] = epochs
    return config


def stock_epochs() -> int:
    """The epochs that Rasa's default configuration gives its intent classifier."""
    return next(int(component["epochs"]) for component in stock_config()["pipeline"] if component["name"] == "DIETClassifier")


def ngrams_config() -> dict[str, Any]:
    """The stock pipeline with Rasa's LogisticRegressionClassifier in the place of DIET and ResponseSelector."""
    config = stock_config()
    pipeline = [component for component in config["pipeline"] if component["name"] != "ResponseSelector"]
    at = [component["name"] for component in pipeline].index("DIETClassifier")
    pipeline[at] = {"name": "LogisticRegressionClassifier"}
    policies = [{"name": "MemoizationPolicy"}, {"name": "RulePolicy"}]
    return {**config, "assistant_id": "ngrams", "pipeline": pipeline, "policies": policies}


def rolewise_config() -> dict[str, Any]:
    """Rolewise as it is shipped."""
    config: dict[str, Any] = yaml.safe_load((ROOT / "config.yml").read_text(encoding="utf-8"))
    return config


def measure(
    config: dict[str, Any], training: list[Path], texts: list[str], domain: Path | None = None, keep: Path | None = None
) -> dict[str, Any]:
    """Train a model, load it in a fresh process, and parse texts with it.

    Args:
        config: what ``config.yml`` holds.
        training: the training files.
        texts: messages to parse, one after the other.
        domain: with a domain everything is trained, without one the NLU alone.
        keep: where a copy of the model goes, for :func:`timed`.

    Returns:
        ``training_seconds``, ``training_cpu_seconds``, ``message_ms``, ``message_cpu_ms`` (medians and, for the CPU, the mean),
        and ``parsed``, for each text the intent, its ranking and, where the model gives them, its questions.

    Raises:
        RuntimeError: a process failed; what it said last is in the message.
    """
    with tempfile.TemporaryDirectory(prefix="bench-nlu-") as name:
        scratch = Path(name)
        (scratch / "config.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
        job = {
            "config": str(scratch / "config.yml"),
            "domain": str(domain) if domain else None,
            "training": [str(path) for path in training],
            "models": str(scratch / "models"),
            "texts": texts,
        }
        ours = any(component["name"].startswith("rolewise.") for component in config["pipeline"])
        result = _process({**job, "step": "train"}, scratch, ours)
        model = result.pop("model")
        if keep is not None:
            keep.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(model, keep)
        result.update(_process({**job, "step": "parse", "model": model}, scratch, ours))
        return result


def timed(model: Path, texts: list[str], spared: bool = False) -> dict[str, float]:
    """Load a model in a fresh process, parse texts with it and return the times of a message, as :func:`measure` has them.

    Args:
        model: the archive.
        texts: the messages.
        spared: run the components as ``rolewise serve`` and ``rolewise ask`` do, and not as ``rasa run`` of stock Rasa does.
    """
    with tempfile.TemporaryDirectory(prefix="bench-nlu-") as name:
        found = _process({"step": "parse", "model": str(model), "texts": texts, "spared": spared}, Path(name), ours=spared)
    return {key: value for key, value in found.items() if key != "parsed"}


def _process(job: dict[str, Any], scratch: Path, ours: bool) -> dict[str, Any]:
    file, out = scratch / "job.json", scratch / "out.json"
    file.write_text(json.dumps({**job, "out": str(out)}), encoding="utf-8")
    environment = {
        **os.environ,
        "RASA_CACHE_DIRECTORY": str(scratch / "cache"),  # an empty cache: the whole training is timed
        "RASA_TELEMETRY_ENABLED": "false",
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
        "LOG_LEVEL_LIBRARIES": "ERROR",
    }
    run = subprocess.run(
        [sys.executable if ours else stock_python(), "-m", "bench.nlu_rasa", str(file)],
        cwd=ROOT,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    if run.returncode != 0 or not out.is_file():
        raise RuntimeError(f"{job['step']} failed:\n{run.stdout[-3000:]}")
    found: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    out.unlink()
    return found


def train(job: dict[str, Any]) -> dict[str, Any]:
    """Train, with the time it takes in this process; imports are not counted."""
    from rasa import model_training

    began, cpu = time.perf_counter(), time.process_time()
    if job["domain"]:
        result = model_training.train(job["domain"], job["config"], job["training"], output=job["models"], force_training=True)
        model = result.model
    else:
        model = model_training.train_nlu(job["config"], job["training"][0], job["models"])
    if not model:
        raise RuntimeError("training gave no model")
    return {
        "model": model,
        "training_seconds": time.perf_counter() - began,
        "training_cpu_seconds": time.process_time() - cpu,
    }


async def parse(job: dict[str, Any]) -> dict[str, Any]:
    """Parse every text by itself, as a server does, and take the time of each."""
    from rasa.core.agent import load_agent

    agent = await load_agent(model_path=job["model"])
    if job.get("spared"):
        from rolewise.engine.rasa_caching import settle, spare

        spare(agent)
    for text in job["texts"][:WARM_UP]:
        await agent.parse_message(text)
    if job.get("spared"):
        settle()
    parsed, wall, cpu = [], [], []
    for text in job["texts"]:
        began, used = time.perf_counter(), time.process_time()
        data = await agent.parse_message(text)
        wall.append(time.perf_counter() - began)
        cpu.append(time.process_time() - used)
        ranking = [[guess["name"], float(guess["confidence"])] for guess in data.get("intent_ranking", [])]
        questions = [
            {"decision": part["decision"], "intents": [guess["name"] for guess in part["guesses"][:2]]}
            for part in data.get("questions") or []
        ]
        parsed.append({"intent": data["intent"]["name"], "ranking": ranking, "questions": questions})
    return {
        "parsed": parsed,
        "message_ms": 1000 * statistics.median(wall),
        "message_p95_ms": 1000 * sorted(wall)[int(0.95 * len(wall))],
        "message_cpu_ms": 1000 * statistics.median(cpu),
        "message_cpu_mean_ms": 1000 * statistics.mean(cpu),
    }


def main() -> None:
    """The process: read the job, do its step, write what came out."""
    import logging

    from rasa.utils.log_utils import configure_structlog

    configure_structlog(logging.WARNING)  # as `rasa run` does; debug lines would be timed too
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    result = train(job) if job["step"] == "train" else asyncio.run(parse(job))
    Path(job["out"]).write_text(json.dumps(result), encoding="utf-8")


if __name__ == "__main__":
    main()
