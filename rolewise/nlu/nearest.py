"""The training example nearest to a sentence vector, class by class."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from rolewise.nlu.packing import lengths, unpacked

FloatArray = np.ndarray

# The directions in which the examples differ most; the others hold a fifth of a vector's length.
DIRECTIONS = 128
# A class of fewer examples is read whole.
FEW = 200


class Nearest:
    """Training vectors by class, in 8 bits, and how near a vector comes to each class."""

    def __init__(self, vectors: np.ndarray, classes: np.ndarray, number: int) -> None:
        """Take the training examples.

        Args:
            vectors: int8 array ``(n, d)`` as :func:`rolewise.nlu.packing.packed` gives it.
            classes: int array ``(n,)``, the class of each, 0 to ``number - 1``.
            number: how many classes there are, each with at least one example.
        """
        # The examples of a class stand together, so that they are read without picking rows.
        together = np.argsort(classes, kind="stable")
        self.packed = np.ascontiguousarray(vectors[together])
        self.classes = classes[together]
        self._lengths = lengths(self.packed.astype(np.float32))[:, 0]
        self._first = np.searchsorted(self.classes, np.arange(number + 1))

    @cached_property
    def _parts(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """The main directions ``(d, k)``, the examples in them ``(n, k)``, and how long these are in all others ``(n,)``.

        Made when they are needed: many models never look for the nearest examples of one vector.
        """
        own = unpacked(self.packed)
        # In ascending order of how much of the vectors they hold.
        directions = np.linalg.eigh(own.T @ own)[1]
        main = np.ascontiguousarray(directions[:, ::-1][:, :DIRECTIONS])
        heads = own @ main
        return main, heads, _rest(own, heads)

    def all(self, vectors: FloatArray) -> FloatArray:
        """For each row and class, the cosine to the nearest example of that class, at least 0; ``(m, classes)``."""
        similarity = vectors.astype(np.float32) @ unpacked(self.packed).T
        return np.clip(np.maximum.reduceat(similarity, self._first[:-1], axis=1), 0.0, 1.0)

    def of(self, vector: FloatArray, classes: list[int]) -> list[float]:
        """The cosines to the nearest examples of some classes, exact, of one unit vector ``(d,)`` of float32.

        The examples of a large class are more than a processor keeps at hand. The product in the main directions is read for all, and
        with what the other directions can add to it at most (Cauchy and Schwarz), few are left to be read whole.
        """
        head = vector @ self._parts[0]
        rest = _rest(vector, head)
        return [min(1.0, max(0.0, self._of(vector, head, rest, slice(self._first[one], self._first[one + 1])))) for one in classes]

    def _of(self, vector: FloatArray, head: FloatArray, rest: FloatArray, among: slice) -> float:
        if among.stop - among.start < FEW:
            return float(self._cosines(among, vector).max())
        _, heads, rests = self._parts
        near = heads[among] @ head
        best = float(self._cosines(among.start + near.argmax(keepdims=True), vector)[0])
        near += rests[among] * rest
        # Single products are rounded: what is as near as the best but for that may be left out.
        return float(self._cosines(among.start + np.flatnonzero(near > best), vector).max(initial=best))

    def _cosines(self, examples: slice | np.ndarray, vector: FloatArray) -> FloatArray:
        found: FloatArray = self.packed[examples].astype(np.float32) @ vector
        return found / self._lengths[examples]


def _rest(vectors: FloatArray, heads: FloatArray) -> FloatArray:
    """How long vectors are in the directions that are left out of their heads."""
    return np.sqrt(np.maximum(0.0, (vectors * vectors).sum(axis=-1) - (heads * heads).sum(axis=-1)))
