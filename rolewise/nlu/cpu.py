"""Graphs of OpenVINO, compiled for the CPU."""

from __future__ import annotations

from typing import Any


def compiled(core: Any, model: Any, threads: int, group: int) -> Any:
    """Compile a model for single calls that are answered soon, in single precision.

    Args:
        core: the ``openvino.Core``; models that share one share its plugin.
        model: the graph.
        threads: how many a call takes.
        group: what goes into large products is rounded to 8 bits in groups of so many; 0 rounds nothing.
    """
    options = {
        "INFERENCE_NUM_THREADS": threads,
        "INFERENCE_PRECISION_HINT": "f32",
        "PERFORMANCE_HINT": "LATENCY",
        "DYNAMIC_QUANTIZATION_GROUP_SIZE": group,
    }
    return core.compile_model(model, "CPU", options)
