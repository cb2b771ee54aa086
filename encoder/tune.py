"""Tunes the sentence encoder to the questions of this product. Needs PyTorch and transformers; `make encoder` sets both up.

Two tasks at once: which topics a message is about (cross entropy against soft labels), and that a question lies near to the sentence that
answers it, or a message near to what the knowledge says of its subject (contrastive: the others of a batch are negatives, and another
sentence of the same subject). Reads what texts.py wrote.
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
from safetensors.torch import load_file, save_file
from torch.nn import functional
from transformers import AutoModel, AutoTokenizer

SEED = 20
# How much of the questions is seen: half of them, by chance.
PASSES = 0.5
# Messages, and questions with what answers them, in a step.
BATCH, PAIRS = 24, 24
# Texts of about one length go through the encoder together, so many at once.
BUCKET = 24
# The word vectors and so many layers stay as they are: they know English already, and a third of the time is saved.
FROZEN_LAYERS = 2
MAX_TOKENS = 64
RATE, HEAD_RATE, WARM_UP, LEAST = 5e-5, 1e-3, 0.06, 0.02
SMOOTHING = 0.1
TEMPERATURE = 0.05
TOPICS_WEIGHT, BACK_WEIGHT = 0.5, 0.3

Message = tuple[str, dict[int, float]]
# A question, its subject, and the sentence that answers it (-1: any of the subject).
Question = tuple[str, int, int]
# What is said of a subject: the text, the sentence it belongs to (-1: none), and whether it is the sentence itself.
Said = tuple[str, int, bool]
# A question, what it shall lie near to, and what is said of the same subject but answers it less, if there is such a thing.
Contrast = tuple[str, str, str | None]


class Tuner:
    """The encoder, a linear head for the topics, and their optimiser."""

    def __init__(self, weights: Path, before: Path | None, labels: int, steps: int) -> None:
        """Load the official weights from a directory, and the layers that were tuned before, where there are any."""
        self.tokenizer: Any = AutoTokenizer.from_pretrained(weights)
        self.encoder: Any = AutoModel.from_pretrained(weights).train()
        if before is not None:
            self.encoder.load_state_dict({name: value.float() for name, value in load_file(before).items()}, strict=False)
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
        order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
        found = torch.cat([self._some([texts[place] for place in order[at : at + BUCKET]]) for at in range(0, len(order), BUCKET)])
        return found[torch.argsort(torch.tensor(order))]

    def _some(self, texts: list[str]) -> torch.Tensor:
        pieces = self.tokenizer(texts, padding=True, truncation=True, max_length=MAX_TOKENS, return_tensors="pt")
        with torch.autocast("cpu", dtype=torch.bfloat16):
            hidden = self.encoder(**pieces).last_hidden_state.float()
        mask = pieces["attention_mask"].unsqueeze(-1).float()
        return functional.normalize((hidden * mask).sum(1) / mask.sum(1), dim=-1)

    def step(self, messages: list[Message], contrasts: list[Contrast]) -> tuple[float, float]:
        """One step; returns both losses."""
        wanted = torch.zeros(len(messages), self.head.out_features)
        for row, (_, labels) in enumerate(messages):
            for label, weight in labels.items():
                wanted[row, int(label)] = weight
        wanted = wanted * (1 - SMOOTHING) + SMOOTHING / self.head.out_features
        others = [other for _, _, other in contrasts if other is not None]
        vectors = self.vectors(
            [text for text, _ in messages] + [text for text, _, _ in contrasts] + [answer for _, answer, _ in contrasts] + others
        )
        heard, asked, said = vectors.split([len(messages), len(contrasts), len(contrasts) + len(others)])
        topics = -(wanted * torch.log_softmax(self.head(heard), -1)).sum(-1).mean()
        near, own = asked @ said.T / TEMPERATURE, torch.arange(len(contrasts))
        contrast = functional.cross_entropy(near, own)
        back = functional.cross_entropy(near[:, : len(contrasts)].T, own)
        (TOPICS_WEIGHT * topics + contrast + BACK_WEIGHT * back).backward()
        torch.nn.utils.clip_grad_norm_(self.encoder.parameters(), 1.0)
        self.optimizer.step()
        self.schedule.step()
        self.optimizer.zero_grad()
        return topics.item(), contrast.item()


def batches(messages: list[Message]) -> Iterator[list[Message]]:
    """Batches of messages of about one length, which need little padding, in an order of chance, without end."""
    while True:
        random.shuffle(messages)
        for start in range(0, len(messages), BATCH * 40):
            chunk = sorted(messages[start : start + BATCH * 40], key=lambda item: len(item[0]))
            found = [chunk[at : at + BATCH] for at in range(0, len(chunk), BATCH)]
            random.shuffle(found)
            yield from found


def contrasts(questions: list[Question], said: dict[int, list[Said]]) -> Iterator[list[Contrast]]:
    """Batches of questions with what answers them, each subject once in a batch, without end.

    What answers is the sentence itself or, half of the time, another question that it answers. What answers less is another sentence of
    the subject, or a question of it.
    """
    queue: list[Question] = []
    while True:
        batch: dict[int, Contrast] = {}
        while len(batch) < PAIRS:
            if not queue:
                queue = random.sample(questions, len(questions))
            text, subject, claim = queue.pop()
            if subject in batch:
                continue
            about = [item for item in said[subject] if item[0] != text]
            own = [item for item in about if item[1] == claim] if claim >= 0 else about
            less = [item for item in about if claim >= 0 and item[1] not in (claim, -1)]
            sentences = [item for item in own if item[2]]
            answer = random.choice(sentences if sentences and random.random() < 0.5 else own)
            batch[subject] = (text, answer[0], random.choice(less)[0] if less else None)
        yield list(batch.values())


def main(weights: Path, texts: Path, target: Path, before: Path | None = None) -> None:
    """Tune, telling how it goes, and write the weights."""
    random.seed(SEED)
    np.random.seed(SEED)
    torch.manual_seed(SEED)
    data = json.loads(texts.read_text(encoding="utf-8"))
    messages: list[Message] = [(text, labels) for text, labels in data["messages"]]
    said: dict[int, list[Said]] = {}
    for text, subject, claim, itself in data["said"]:
        said.setdefault(subject, []).append((text, claim, itself))
    steps = int(PASSES * len(data["pairs"]) / PAIRS)
    tuner = Tuner(weights, before, len(data["labels"]), steps)
    ahead, asked, began = batches(messages), contrasts([tuple(pair) for pair in data["pairs"]], said), time.monotonic()
    losses: list[tuple[float, float]] = []
    for step in range(1, steps + 1):
        losses.append(tuner.step(next(ahead), next(asked)))
        if step % 20 == 0 or step == steps:
            topics, contrast = np.mean(losses[-20:], axis=0)
            minutes = (time.monotonic() - began) / 60
            print(f"step {step} of {steps}: topics {topics:.3f}, answers {contrast:.3f}; {minutes:.1f} minutes", flush=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    # What stayed as it was is taken from the official weights.
    learned = {name for name, value in tuner.encoder.named_parameters() if value.requires_grad and name.startswith("encoder.")}
    state = tuner.encoder.state_dict()
    save_file({name: state[name].to(torch.float16).contiguous() for name in sorted(learned)}, str(target))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:5]))
