"""Processors add in different orders; the model decides the same with all kernels of numpy. Those of OpenVINO are not varied here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from threadpoolctl import threadpool_info

from rolewise.engine.kernels import WITH_AVX2, features
from rolewise.settings import PROJECT_ROOT
from tests.serving import Server

# The oldest that OpenBLAS has, then with AVX2 and with AVX-512, as far as this processor can run them.
KERNELS = {"Prescott": "SSE3", "Haswell": "AVX2", "SkylakeX": "AVX512_SKX"}
HERE = [name for name, feature in KERNELS.items() if features.get(feature)]
needs_openblas = pytest.mark.skipif(
    len(HERE) < 2 or not any(library["internal_api"] == "openblas" for library in threadpool_info()),
    reason=f"of the kernels of OpenBLAS this machine runs {HERE or 'none'}",
)
# Every sixth of the tests' messages.
STEP = 6
DECIDE = """
import asyncio, json, sys
from threadpoolctl import threadpool_info
from rolewise.commands import cli
cli.quiet()
cli.logs("ERROR")
from rolewise.commands.ask import Asker

async def main():
    agent = (await Asker.load()).agent
    for line in sys.stdin:
        parsed = await agent.parse_message(json.loads(line))
        print("decided", json.dumps({key: parsed[key] for key in ("intent", "questions")}))
    print("on", [library["architecture"] for library in threadpool_info() if library["internal_api"] == "openblas"][0])

asyncio.run(main())
"""


def messages() -> list[str]:
    lines = [line for path in sorted((PROJECT_ROOT / "tests" / "data").glob("*.jsonl")) for line in path.read_text().splitlines()]
    return [json.loads(line)["text"] for line in lines[::STEP]]


def decided(kernel: str) -> list[dict[str, Any]]:
    """What the model makes of the messages, on a kernel."""
    run = subprocess.run(
        [sys.executable, "-c", DECIDE],
        cwd=PROJECT_ROOT,
        env={**os.environ, "OPENBLAS_CORETYPE": kernel},
        input="".join(json.dumps(text) + "\n" for text in messages()),
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert run.returncode == 0 and f"on {kernel}" in run.stdout, run.stderr[-2000:]
    return [json.loads(line.removeprefix("decided ")) for line in run.stdout.splitlines() if line.startswith("decided ")]


def rounded(value: Any) -> Any:
    """A value with its numbers to three places: confidences differ in the seventh."""
    if isinstance(value, dict):
        return {key: rounded(one) for key, one in value.items()}
    if isinstance(value, list):
        return [rounded(one) for one in value]
    return pytest.approx(value, abs=1e-3) if isinstance(value, float) else value


@needs_openblas
def test_the_same_is_decided_on_every_kernel() -> None:
    first, *others = (decided(kernel) for kernel in HERE)
    assert len(first) == len(messages()) > 200
    for other in others:
        different = [(text, one, two) for text, one, two in zip(messages(), first, other, strict=True) if two != rounded(one)]
        assert not different, different[:3]


@needs_openblas
@pytest.mark.skipif(not features.get("AVX2"), reason="this processor has no AVX2 to leave unused")
@pytest.mark.parametrize("kernel", ["Prescott", "Haswell"])
def test_a_server_says_that_it_runs_on_a_slow_kernel(kernel: str, tmp_path: Any) -> None:
    server = Server(tmp_path, OPENBLAS_CORETYPE=kernel)
    server.spawn()
    try:
        told = server.wait_for("Loading the model")
    finally:
        server.kill()
    assert ("OPENBLAS_CORETYPE=Haswell" in told and f"'{kernel}'" in told) == (kernel not in WITH_AVX2), told
