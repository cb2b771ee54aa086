"""Tunes the sentence encoder to the questions of this product. Needs PyTorch and transformers; `make encoder` sets both up.

Two tasks at once: which topics a message is about (cross entropy against soft labels), and that a message or a question lies near to
what the knowledge says of its subject (contrastive, the others of a batch as negatives). Reads what texts.py wrote.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch.nn import functional
from transformers import AutoModel, AutoTokenizer

SEED = 20
PASSES = 1.5
# Messages, and pairs of a question and something said of its subject, in a step.
BATCH, PAIRS = 32, 24
# The word vectors and so many layers stay as they are: they know English already, and a third of the time is saved.
FROZEN_LAYERS = 2
MAX_TOKENS = 64
RATE, HEAD_RATE, WARM_UP, LEAST = 5e-5, 1e-3, 0.1, 0.02
SMOOTHING = 0.1
TEMPERATURE = 0.05
CONTRAST_WEIGHT = 0.5

Message = tuple[str, dict[int, float]]
Pair = tuple[str, int, int]


class Tuner:
    """The encoder, a linear head for the topics, and their optimiser."""

    def __init__(self, weights: Path, labels: int, steps: int) -> None:
        """Load the official weights from a directory."""
        self.tokenizer: Any = AutoTokenizer.from_pretrained(weights)
        self.encoder: Any = AutoModel.from_pretrained(weights).train()
        for part in (self.encoder.embeddings, *self.encoder.encoder.layer[:FROZEN_LAYERS]):
            part.requires_grad_(False)
        self.head = torch.nn.Linear(384, labels)
        groups = [
            {"params": [one for one in self.encoder.parameters() if one.requires_grad], "lr": RATE},
            {"params": self.head.parameters(), "lr": HEAD_RATE},
        ]
        self.optimizer = torch.optim.AdamW(groups, weight_decay=0.01)
        self.schedule = torch.optim.lr_scheduler.LambdaLR(
            self.optimizer, lambda step: min(1.0, (step + 1) / (WARM_UP * steps)) * max(LEAST, (steps - step) / steps)
        )

    def vectors(self, texts: list[str]) -> torch.Tensor:
        """Unit vectors ``(n, 384)``: the mean of the word pieces."""
        pieces = self.tokenizer(texts, padding=True, truncation=True, max_length=MAX_TOKENS, return_tensors="pt")
        with torch.autocast("cpu", dtype=torch.bfloat16):
            hidden = self.encoder(**pieces).last_hidden_state.float()
        mask = pieces["attention_mask"].unsqueeze(-1).float()
        return functional.normalize((hidden * mask).sum(1) / mask.sum(1), dim=-1)

    def step(self, messages: list[Message], pairs: list[tuple[str, str]]) -> tuple[float, float]:
        """One step; returns both losses."""
        wanted = torch.zeros(len(messages), self.head.out_features)
        for row, (_, labels) in enumerate(messages):
            for label, weight in labels.items():
                wanted[row, int(label)] = weight
        wanted = wanted * (1 - SMOOTHING) + SMOOTHING / self.head.out_features
        found = torch.log_softmax(self.head(self.vectors([text for text, _ in messages])), -1)
        topics = -(wanted * found).sum(-1).mean()
        ones, others = self.vectors([one for one, _ in pairs]), self.vectors([other for _, other in pairs])
        near, own = ones @ others.T / TEMPERATURE, torch.arange(len(pairs))
        contrast = (functional.cross_entropy(near, own) + functional.cross_entropy(near.T, own)) / 2
        (topics + CONTRAST_WEIGHT * contrast).backward()
        torch.nn.utils.clip_grad_norm_(self.encoder.parameters(), 1.0)
        self.optimizer.step()
        self.schedule.step()
        self.optimizer.zero_grad()
        return float(topics), float(contrast)


def batches(messages: list[Message]) -> Iterator[list[Message]]:
    """Batches of messages of about one length, which need little padding, in an order of chance, without end."""
    while True:
        random.shuffle(messages)
        for start in range(0, len(messages), BATCH * 40):
            chunk = sorted(messages[start : start + BATCH * 40], key=lambda item: len(item[0]))
            found = [chunk[at : at + BATCH] for at in range(0, len(chunk), BATCH)]
            random.shuffle(found)
            yield from found


def contrasts(pairs: list[Pair], said: dict[int, list[tuple[str, int]]]) -> Iterator[list[tuple[str, str]]]:
    """Batches of a question and something said of its subject, each subject once in a batch; of its very claim half of the time."""
    queue: list[Pair] = []
    while True:
        batch: dict[int, tuple[str, str]] = {}
        while len(batch) < PAIRS:
            if not queue:
                queue = random.sample(pairs, len(pairs))
            text, subject, claim = queue.pop()
            if subject in batch:
                continue
            own = [item for item in said[subject] if item[0] != text]
            same = [item for item in own if claim >= 0 and item[1] == claim]
            batch[subject] = (text, random.choice(same if same and random.random() < 0.5 else own)[0])
        yield list(batch.values())


def main(weights: Path, texts: Path, target: Path) -> None:
    """Tune, telling how it goes, and write the weights."""
    random.seed(SEED)
    np.random.seed(SEED)
    torch.manual_seed(SEED)
    data = json.loads(texts.read_text(encoding="utf-8"))
    messages: list[Message] = [(text, labels) for text, labels in data["messages"]]
    said: dict[int, list[tuple[str, int]]] = {}
    for text, subject, claim in data["said"]:
        said.setdefault(subject, []).append((text, claim))
    steps = int(PASSES * len(messages) / BATCH)
    tuner = Tuner(weights, len(data["labels"]), steps)
    ahead, pairs, began = batches(messages), contrasts([tuple(pair) for pair in data["pairs"]], said), time.monotonic()
    losses: list[tuple[float, float]] = []
    for step in range(1, steps + 1):
        losses.append(tuner.step(next(ahead), next(pairs)))
        if step % 20 == 0 or step == steps:
            topics, contrast = np.mean(losses[-20:], axis=0)
            minutes = (time.monotonic() - began) / 60
            print(f"step {step} of {steps}: topics {topics:.3f}, subjects {contrast:.3f}; {minutes:.1f} minutes", flush=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    # What stayed as it was is taken from the official weights.
    learned = {name for name, value in tuner.encoder.named_parameters() if value.requires_grad and name.startswith("encoder.")}
    state = tuner.encoder.state_dict()
    save_file({name: state[name].to(torch.float16).contiguous() for name in sorted(learned)}, str(target))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
