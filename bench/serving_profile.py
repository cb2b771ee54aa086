"""Where a server's time goes, by the sampling profiler py-spy."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

# Samples a second, and for how many seconds.
RATE, SECONDS = 250, 20

# The parts of a turn, and the functions that are in a stack where one of them is at work; the first that fits counts.
PARTS: dict[str, tuple[str, ...]] = {
    "understanding: sentence encoder": ("(rolewise/nlu/encoder.py)",),
    "understanding: classifier": ("process (rolewise/nlu/classifier.py)",),
    "understanding: cleaning, spaCy, names": ("process (rolewise/nlu/language.py)",),
    "understanding: the rest": ("parse_message (rasa/core/processor.py)",),
    "predictions of Rasa's policies": ("_predict_next_with_tracker (rasa/core/processor.py)",),
    "the action itself": ("run (rasa_sdk/executor.py)",),
    "around the action: tracker, JSON, check of its reply": ("_run_action (rasa/core/processor.py)",),
    "store": (
        "(rolewise/stores/tracker_store.py)",
        "(rolewise/stores/database.py)",
        "(rolewise/stores/",
        "save_tracker (rasa/core/processor.py)",
    ),
    "channel, HTTP and the rest": ("",),
}
# A thread that waits for work.
IDLE = "_worker (concurrent/futures/thread.py)"


def record(process: int, file: Path) -> subprocess.Popen[bytes]:
    """Start py-spy on a process; it writes its folded stacks and ends by itself."""
    spy = Path(sys.executable).with_name("py-spy")
    options = ["--rate", str(RATE), "--duration", str(SECONDS), "--format", "raw", "--output", str(file), "--pid", str(process)]
    return subprocess.Popen([str(spy), "record", *options], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def shares(stacks: Iterable[str]) -> dict[str, float]:
    """The share of each part in the samples of a busy server, 0 to 1; of folded stacks, a line each with its number of samples.

    Raises:
        ValueError: there are no samples.
    """
    found: Counter[str] = Counter()
    for line in stacks:
        stack, _, number = line.rpartition(" ")
        # Without the numbers of lines.
        stack = re.sub(r":\d+\)", ")", stack)
        if not stack.endswith(IDLE):
            found[next(part for part, functions in PARTS.items() if any(name in stack for name in functions))] += int(number)
    if not found:
        raise ValueError("py-spy saw nothing at work")
    return {part: found[part] / found.total() for part in PARTS}
