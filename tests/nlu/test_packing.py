"""Vectors in 8 bits, and products with them that do not unpack them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from rolewise.nlu.packing import PackedMatrix, packed, unpacked


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    drawn = np.random.default_rng(3).normal(size=(700, 384)).astype(np.float32)
    unit: np.ndarray = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    return unit


def test_packed_vectors_point_where_they_did(vectors):
    assert packed(vectors).dtype == np.int8
    assert (unpacked(packed(vectors)) * vectors).sum(axis=1).min() > 0.9999


def test_cosines_are_those_of_the_unpacked_vectors(vectors):
    matrix = PackedMatrix(packed(vectors))
    for vector in vectors[:20]:
        # Sums of 384 products in single precision, in another order.
        np.testing.assert_allclose(matrix.cosines(vector), unpacked(packed(vectors)) @ vector, atol=2e-6)


def test_every_call_gives_the_same_and_its_own(vectors):
    matrix = PackedMatrix(packed(vectors))
    one = matrix.cosines(vectors[0])
    kept = one.copy()
    assert (matrix.cosines(vectors[1]) != one).any() and (one == kept).all()
    alone = [matrix.cosines(vector) for vector in vectors[:40]]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(matrix.cosines, vectors[:40]))
    assert all((found == own).all() for found, own in zip(together, alone, strict=True))


def test_nothing_is_near_to_nothing():
    assert PackedMatrix(np.zeros((0, 384), dtype=np.int8)).cosines(np.zeros(384, dtype=np.float32)).shape == (0,)
    assert (PackedMatrix(np.zeros((2, 384), dtype=np.int8)).cosines(np.ones(384, dtype=np.float32)) == 0).all()
