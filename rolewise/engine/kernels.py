"""Which kernel numpy's linear algebra runs on: an old OpenBLAS takes a processor that it does not know for one of twenty years ago."""

from __future__ import annotations

from numpy.core._multiarray_umath import __cpu_features__ as features
from threadpoolctl import threadpool_info

# The kernels of OpenBLAS that use AVX2 or more; a name of a processor each.
WITH_AVX2 = frozenset({"Haswell", "Zen", "SkylakeX", "Cooperlake", "Sapphirerapids"})
SLOW = (
    "numpy's linear algebra runs on its kernel for '{kernel}', which leaves AVX2 unused: answers take longer. "
    "Set OPENBLAS_CORETYPE=Haswell in the environment."
)


def slow_kernel() -> str | None:
    """The kernel in use where the processor has AVX2 and the kernel does not use it; None where all is well or cannot be told."""
    if not features.get("AVX2"):
        return None
    used = {str(library["architecture"]) for library in threadpool_info() if library["internal_api"] == "openblas"}
    return min(used - WITH_AVX2, default=None)
