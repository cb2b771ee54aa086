"""Which part of a turn a sample of the profiler belongs to."""

from __future__ import annotations

import pytest

from bench.serving_profile import IDLE, PARTS, shares

LOOP = "serve (rolewise/commands/serve.py:60);handle_message (rolewise/channels/front.py:50)"


def test_the_innermost_part_counts_and_waiting_does_not() -> None:
    parse = f"{LOOP};parse_message (rasa/core/processor.py:702)"
    found = shares(
        [
            f"{parse};encode (rolewise/nlu/encoder.py:238);infer (openvino/_ov_api.py:119) 6",
            f"{parse};run (rolewise/engine/runner.py:24) 1",
            f"{LOOP};_run_action (rasa/core/processor.py:967);run (rasa_sdk/executor.py:383) 2",
            "_bootstrap (threading.py:973);insert (rolewise/stores/tracker_store.py:12) 1",
            f"_bootstrap (threading.py:973);{IDLE.replace(')', ':81)')} 90",
        ]
    )
    assert list(found) == list(PARTS) and sum(found.values()) == pytest.approx(1)
    assert {part: share for part, share in found.items() if share} == {
        "understanding: sentence encoder": 0.6,
        "understanding: the rest": 0.1,
        "the action itself": 0.2,
        "store": 0.1,
    }


def test_nothing_at_work_is_said() -> None:
    with pytest.raises(ValueError, match="nothing at work"):
        shares([f"{IDLE.replace(')', ':81)')} 90"])
