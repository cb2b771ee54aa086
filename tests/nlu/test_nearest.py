"""The nearest example of a large class is found without reading all of it, and it is the nearest."""

from __future__ import annotations

import numpy as np
import pytest

from rolewise.nlu.nearest import FEW, Nearest
from rolewise.nlu.packing import packed, unpacked

WIDTH = 384
# Each of two sums of WIDTH single-precision products is off by WIDTH units of rounding (half of eps) at most, the vectors being of length
# 1; in which order a processor adds is its own affair.
ROUNDING = 2 * WIDTH * float(np.finfo(np.float32).eps) / 2 * 1.01


def like_sentences(chance: np.random.Generator, number: int) -> np.ndarray:
    """Vectors that differ in some directions more than in others, as those of sentences do; about of length 1, as after rounding."""
    vectors = chance.normal(size=(number, WIDTH)) * np.geomspace(1.0, 0.02, WIDTH)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True) * chance.uniform(0.999, 1.001, size=(number, 1))
    return vectors.astype(np.float32)


@pytest.mark.parametrize("sizes", [(3, FEW + 5, 2000, 1), (2, 2), (5000,)])
def test_of_some_classes_is_what_it_is_of_all(sizes: tuple[int, ...]) -> None:
    chance = np.random.default_rng(20)
    classes = chance.permutation(np.repeat(np.arange(len(sizes), dtype=np.int32), sizes))
    vectors = like_sentences(chance, len(classes))
    nearest = Nearest(packed(vectors), classes, len(sizes))
    vectors = unpacked(packed(vectors))
    # Strangers, and some that are examples themselves.
    asked = np.vstack([like_sentences(chance, 60), vectors[:40]])
    every = nearest.all(asked)
    # The long way round, example by example.
    long_way = [[max(0.0, min(1.0, (vectors[classes == one] @ row).max())) for one in range(len(sizes))] for row in asked]
    assert every == pytest.approx(np.array(long_way), abs=ROUNDING)
    for row, wanted in zip(asked, every, strict=True):
        some = list(range(len(sizes)))[::-1]
        assert nearest.of(row, some) == pytest.approx(wanted[some], abs=ROUNDING)


def test_no_example_at_all() -> None:
    assert Nearest(np.zeros((0, 0), dtype=np.int8), np.zeros(0, dtype=np.int32), 0).packed.shape == (0, 0)
