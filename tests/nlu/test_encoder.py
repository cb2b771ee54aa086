"""The converted sentence encoder: near the official weights in full precision, and each text by itself in whatever company."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from scipy.special import erf

from rolewise.nlu.encoder import DIMENSION, LENGTHS, MAX_TOKENS, ROWS, TUNED, WEIGHTS, SentenceEncoder, converted, weights_directory
from rolewise.settings import settings

# What transformers makes of the official weights, in full precision and rounded to four places.
OFFICIAL: dict[str, list[float]] = json.loads(Path(__file__).with_name("official_vectors.json").read_text(encoding="utf-8"))["vectors"]
TEXTS = list(OFFICIAL)


@pytest.fixture(scope="module")
def directory() -> Path:
    return converted()


@pytest.fixture(scope="module")
def encoder(directory: Path) -> SentenceEncoder:
    return SentenceEncoder(directory)


class FullPrecision:
    """The network as its authors describe it, in NumPy and full precision: BERT, then the mean over the word pieces.

    It shares no code with the encoder. Against the vectors of another library it is held by the first test below.
    """

    HEADS, LAYERS = 12, 6

    def __init__(self, weights: dict[str, np.ndarray]) -> None:
        self.weights = {name: value.astype(np.float64) for name, value in weights.items()}

    def __call__(self, ids: list[int]) -> np.ndarray:
        table = self.weights
        hidden = table["embeddings.word_embeddings.weight"][ids] + table["embeddings.position_embeddings.weight"][: len(ids)]
        hidden = self.norm(hidden + table["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
        for number in range(self.LAYERS):
            hidden = self.layer(hidden, f"encoder.layer.{number}")
        mean = hidden.mean(axis=0)
        return mean / np.linalg.norm(mean)

    def layer(self, hidden: np.ndarray, name: str) -> np.ndarray:
        query, key, value = (
            self.linear(hidden, f"{name}.attention.self.{part}").reshape(len(hidden), self.HEADS, -1) for part in ("query", "key", "value")
        )
        scores = np.einsum("qhd,khd->hqk", query, key) / np.sqrt(query.shape[2])
        shares = np.exp(scores - scores.max(axis=2, keepdims=True))
        seen = np.einsum("hqk,khd->qhd", shares / shares.sum(axis=2, keepdims=True), value).reshape(hidden.shape)
        hidden = self.norm(self.linear(seen, f"{name}.attention.output.dense") + hidden, f"{name}.attention.output.LayerNorm")
        wide = self.linear(hidden, f"{name}.intermediate.dense")
        wide = wide * (1 + erf(wide / np.sqrt(2))) / 2
        return self.norm(self.linear(wide, f"{name}.output.dense") + hidden, f"{name}.output.LayerNorm")

    def linear(self, value: np.ndarray, name: str) -> np.ndarray:
        return value @ self.weights[f"{name}.weight"].T + self.weights[f"{name}.bias"]

    def norm(self, value: np.ndarray, name: str) -> np.ndarray:
        centred = value - value.mean(axis=1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + 1e-12)
        return scaled * self.weights[f"{name}.weight"] + self.weights[f"{name}.bias"]


def test_full_precision_is_what_another_library_makes_of_the_official_weights(encoder: SentenceEncoder) -> None:
    network = FullPrecision(load_file(weights_directory() / WEIGHTS))
    for text, vector in OFFICIAL.items():
        assert network(encoder.tokenizer.encode(text).ids) == pytest.approx(vector, abs=6e-5), text


def test_vectors_are_near_those_of_the_weights_in_full_precision(encoder: SentenceEncoder) -> None:
    # The official weights with the tuned layers in their place, as anybody would put them together.
    network = FullPrecision({**load_file(weights_directory() / WEIGHTS), **load_file(TUNED)})
    for text, vector in zip(TEXTS, encoder.encode(TEXTS), strict=True):
        assert vector @ network(encoder.tokenizer.encode(text).ids) > 0.997, text


def test_a_text_is_encoded_alike_alone_and_in_any_company(encoder: SentenceEncoder) -> None:
    alone = np.vstack([encoder.encode([text]) for text in TEXTS])
    many = encoder.encode(TEXTS * 5)
    assert many.shape == (5 * len(TEXTS), DIMENSION)
    assert np.allclose(np.linalg.norm(many, axis=1), 1.0, atol=1e-4)
    for row, vector in enumerate(many):
        near = alone @ vector
        assert near.argmax() == row % len(TEXTS)
        assert near.max() > 0.999


def test_the_same_call_gives_the_same_vectors_to_the_last_bit(encoder: SentenceEncoder, directory: Path) -> None:
    first = encoder.encode(TEXTS)
    encoder.encode(TEXTS[::-1])
    assert (encoder.encode(TEXTS) == first).all()
    assert (SentenceEncoder(directory).encode(TEXTS) == first).all()


def test_sizes_at_the_edges(encoder: SentenceEncoder) -> None:
    assert encoder.encode([]).shape == (0, DIMENSION)
    assert np.isfinite(encoder.encode([""])).all()
    assert encoder.encode(["a"] * (ROWS + 1)).shape == (ROWS + 1, DIMENSION)
    ramble = "i have been thinking about this for a long time now " * 40
    ending = encoder.encode([ramble + "what does a data scientist earn", "what does a data scientist earn", ramble])
    assert len(encoder.tokenizer.encode(ramble).ids) > MAX_TOKENS
    assert ending[0] @ ending[1] > ending[2] @ ending[1]


async def test_awaited_vectors_are_the_same_to_the_last_bit(encoder: SentenceEncoder) -> None:
    long = "i have been thinking about this for a long time now " * 9
    calls = [TEXTS, TEXTS[:1], [], [long], TEXTS * 5, [long, *TEXTS]]
    found = await asyncio.gather(*(encoder.encode_async(texts) for texts in calls))
    for texts, vectors in zip(calls, found, strict=True):
        assert (vectors == encoder.encode(texts)).all()


async def test_the_event_loop_is_free_while_vectors_are_awaited(encoder: SentenceEncoder) -> None:
    task, rounds = asyncio.create_task(encoder.encode_async(["many words of a text " * 20] * 8)), 0
    while not task.done():
        await asyncio.sleep(0)
        rounds += 1
    assert rounds > 20


async def test_what_is_given_up_leaves_nothing_behind(encoder: SentenceEncoder) -> None:
    """Its inputs are used again, so nobody may read them any more."""
    wanted = encoder.encode(TEXTS)
    await encoder.encode_async(TEXTS)
    kind = next(length for length, requests in encoder._idle.items() if requests and requests[0]._groups.shape[1] == 64)
    idle = list(encoder._idle[kind])
    for rounds in (0, 0, 1, 10, 100):
        task = asyncio.create_task(encoder.encode_async(TEXTS[::-1]))
        # Until it works on them; then at once, or after so many rounds of the event loop, unless it is over by then.
        while encoder._idle[kind] == idle:
            await asyncio.sleep(0)
        for _ in range(rounds):
            await asyncio.sleep(0)
        assert task.cancel() or rounds
        if not task.done():
            with pytest.raises(asyncio.CancelledError):
                await task
        assert encoder._idle[kind] == idle
        assert (await encoder.encode_async(TEXTS) == wanted).all()


async def test_a_call_that_never_says_that_it_is_over_ends_all_the_same(encoder: SentenceEncoder) -> None:
    wanted = await encoder.encode_async(TEXTS[:1])
    (request,) = encoder._idle[LENGTHS[0]]
    request._request.set_callback(lambda waiting: None, None)
    try:
        assert (await encoder.encode_async(TEXTS[:1]) == wanted).all()
    finally:
        encoder._idle[LENGTHS[0]].clear()


def test_with_one_core_the_vectors_are_the_same(encoder: SentenceEncoder, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["i have been thinking about this for a long time now " * 9, *TEXTS]
    monkeypatch.setenv("ROLEWISE_CORES", "1")
    settings.cache_clear()
    try:
        assert (SentenceEncoder(directory).encode(texts) == encoder.encode(texts)).all()
    finally:
        settings.cache_clear()
