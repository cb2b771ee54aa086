"""Fits what a message means behind the ones before it to labelled conversations: `python bench/fit_readings.py`.

Reads bench/data/conversations.yml, the golden dialogues and, for first messages, which mean the same behind an answer,
bench/data/tuning.jsonl. Writes rolewise/conversation/readings.json. Prints how many turns, and how many whole conversations, of each writer
are understood with weights fitted to the others. With --keep FILE the trained model reads the messages only the first time.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import pickle
import random
import sys
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import yaml
from scipy import sparse
from scipy.optimize import minimize

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from actions.conversation import message_of  # noqa: E402
from bench.conversations import FIRST_READ, GOLDEN, READ, Turn, fits, golden_open, right, several  # noqa: E402
from rolewise.commands import cli  # noqa: E402
from rolewise.conversation.dialogue import Dialogue, remembered  # noqa: E402
from rolewise.conversation.questionnaire import QUIZ_INTENT, Move, Quiz  # noqa: E402
from rolewise.conversation.readings import (  # noqa: E402
    AGAIN,
    ANSWER,
    ASKS,
    DECLINE,
    SIDES,
    SMALL_TALK,
    WEIGHTS,
    Candidates,
    Reading,
    Scorer,
)
from rolewise.engine.training import trained_model  # noqa: E402
from rolewise.knowledge import Knowledge, load  # noqa: E402
from rolewise.questions import Context, Message  # noqa: E402
from rolewise.settings import settings  # noqa: E402

RULES = ROOT / "data" / "rules.yml"
# How strongly the weights are held back: those of an origin alone, and those of an origin together with a sign.
ALONE, TOGETHER = 3.0, 10.0
STEPS = 80
# So many first messages that are not for the assistant, and that are, are put each behind so many turns; together these count so much.
OUTSIDE, INSIDE, PLACES, FIRST_COUNTS = 360, 480, 4, 0.3
# What is promised counts twice.
GOLDEN_COUNTS = 2.0
LEAST_WEIGHT = 0.01
SEED = 20
# What the names of actions begin with that are an act of the dialogue.
ACTION = "action_"
# Leaves everything to the rules: nothing is likelier than what they read.
RULES_ALONE = Scorer({side: {} for side in SIDES})

Parsed = dict[str, dict[str, Any]]


@dataclass
class Example:
    """A turn: who wrote it, what it may mean, which of that is right, and how much it counts."""

    writer: str
    candidates: Candidates
    right: np.ndarray
    counts: float = 1.0


def parsed(texts: Iterable[str]) -> Parsed:
    """What the newest trained model says of messages."""
    from rolewise.commands.ask import Asker

    async def read() -> Parsed:
        asker = await Asker.load()
        return {text: await asker.agent.parse_message(text) for text in texts}

    return asyncio.run(read())


def means(wanted: Turn, reading: Reading, before: Context) -> bool:
    """Whether a reading is what a label wants."""
    kinds = set(wanted["kind"])
    if reading.act in (SMALL_TALK, DECLINE, ASKS):
        return {SMALL_TALK: "smalltalk", DECLINE: "fallback", ASKS: "clarify"}[reading.act] in kinds
    if not kinds & {"answer", "comparison"}:
        return False
    if "questions" not in wanted:
        return True
    asked = [{"topic": topic, "roles": reading.roles} for topic in reading.topics]
    if reading.act == AGAIN:
        asked = [{"topic": question.topic, "roles": question.roles} for question in before.questions]
    return len(asked) == len(wanted["questions"]) and all(map(fits, wanted["questions"], asked))


def first_meaning(message: dict[str, Any]) -> Turn:
    """What a first message means, as labels of turns say it."""
    if not message["in_scope"]:
        return {"kind": ["fallback"]}
    # Where one names no role, nobody knows whether that of the conversation is meant.
    roles = {"roles": message["roles"]} if message["roles"] else {}
    return {"kind": ["answer", "comparison"], "questions": [{"topic": message["topics"], **roles}]}


def golden() -> list[dict[str, Any]]:
    """The golden dialogues as conversations, each up to where one is surely asked back or taps: the rest depends on what was offered."""
    still_open, found = golden_open(), []
    for one in yaml.safe_load(GOLDEN.read_text(encoding="utf-8")):
        turns = itertools.takewhile(lambda turn: "say" in turn and several(turn["kind"]) != ["clarify"], one["turns"])
        if one["name"] not in still_open:
            found.append({"name": f"golden {one['name']}", "turns": list(map(labelled, turns))})
    return found


def labelled(turn: Turn) -> Turn:
    """A turn of a golden dialogue as labels of turns say it."""
    found = {"say": turn["say"], "kind": several(turn["kind"])}
    if "questions" in turn:
        found["questions"] = [{**question, "topic": several(question["topic"])} for question in turn["questions"]]
    return found


def acts() -> dict[str, str]:
    """The act of each intent, as Rasa's rules have it; of the questionnaire, whose rule starts a form, its own intent."""
    found = {QUIZ_INTENT: QUIZ_INTENT}
    for rule in yaml.safe_load(RULES.read_text(encoding="utf-8"))["rules"]:
        for step, then in itertools.pairwise(rule["steps"]):
            if "intent" in step and str(then.get("action", "")).startswith(ACTION):
                found[step["intent"]] = then["action"].removeprefix(ACTION)
    return found


class Talk:
    """Holds conversations on what a trained model said of their messages, without Rasa."""

    def __init__(self, knowledge: Knowledge, said: Parsed) -> None:
        """Talk about this knowledge."""
        self.knowledge = knowledge
        self.said = said
        self.acts = acts()

    def heard(self, text: str) -> tuple[Message, str]:
        """A message, and the act that the rules have for it."""
        parse = self.said[text]
        return message_of(SimpleNamespace(latest_message=parse)), self.acts[str(parse["intent"]["name"] or "nlu_fallback")]

    def turn(self, context: Context, text: str, scorer: Scorer) -> tuple[dict[str, Any], Context, Candidates | None]:
        """The reply to a message as kind and questions, the context after it, and what it may mean."""
        message, act = self.heard(text)
        dialogue = Dialogue(self.knowledge, context)
        if dialogue.context.quiz and Quiz(self.knowledge).read(dialogue.numbered(message), dialogue.context.quiz).move != Move.INTERRUPT:
            return {"kind": "clarify", "questions": []}, dialogue.context, None
        if act != QUIZ_INTENT and dialogue.starts_quiz(message, act):
            act = QUIZ_INTENT
        card = dialogue.respond(message, act, scorer=scorer)
        reply = {"kind": card.kind, "questions": [{"topic": question.topic, "roles": question.roles} for question in card.questions]}
        return reply, dialogue.context, dialogue.considered

    def corrected(self, wanted: Turn, before: Context, candidates: Candidates | None) -> Context | None:
        """The context as after the right reading of a turn; None where the label does not say which it is."""
        message, _ = self.heard(str(wanted["say"]))
        if not message.parts:
            return None
        dialogue = Dialogue(self.knowledge, remembered(before))
        fitting = [
            reading for reading in (candidates.readings if candidates else []) if not reading.rules and means(wanted, reading, before)
        ]
        if "questions" in wanted and {"answer", "comparison"} & set(wanted["kind"]):
            if not all("topic" in question for question in wanted["questions"]):
                return None
            topics = tuple(question["topic"][0] for question in wanted["questions"])
            gold = Reading(ANSWER, topics, tuple(wanted["questions"][-1].get("roles", before.roles)))
            dialogue.read_as(next((reading for reading in fitting if reading.act == ANSWER), gold), message)
        elif fitting:
            dialogue.read_as(fitting[0], message)
        return Context.restore(dialogue.context.store())

    def held(
        self, conversations: Sequence[dict[str, Any]], scorer: Scorer, correct: bool
    ) -> tuple[list[Example], list[list[bool]], list[Context]]:
        """The turns of conversations as examples, which of them were understood, and the contexts on the way.

        Args:
            conversations: what was said and what it means.
            scorer: what chooses the readings.
            correct: whether a turn that is not understood leaves the context that the right reading would have left.
        """
        examples, marks, contexts = [], [], []
        for one in conversations:
            context, good = Context(), []
            for wanted in one["turns"]:
                before = Context.restore(context.store())
                reply, after, candidates = self.turn(context, str(wanted["say"]), scorer)
                good.append(right(wanted, reply))
                if candidates is not None:
                    fitting = np.array([means(wanted, reading, before) for reading in candidates.readings])
                    examples.append(Example(writer(one), candidates, fitting))
                context = Context.restore(after.store())
                if correct and not good[-1]:
                    context = self.corrected(wanted, before, candidates) or context
                contexts.append(context)
            marks.append(good)
        return examples, marks, contexts

    def behind(self, messages: Iterable[dict[str, Any]], contexts: Sequence[Context], chance: random.Random) -> list[Example]:
        """First messages, for the assistant or not, behind turns of conversations."""
        examples = []
        answered = [context for context in contexts if context.questions]
        for message, before in ((message, chance.choice(answered)) for message in messages for _ in range(PLACES)):
            _, _, candidates = self.turn(Context.restore(before.store()), message["text"], RULES_ALONE)
            if candidates is not None:
                wanted = first_meaning(message)
                fitting = np.array([means(wanted, reading, before) for reading in candidates.readings])
                examples.append(Example("", candidates, fitting, FIRST_COUNTS / PLACES))
        return examples


def writer(conversation: dict[str, Any]) -> str:
    """The writer of a conversation: its name begins with it."""
    return str(conversation["name"].split()[0])


class Design:
    """The readings of examples as rows of a matrix; a column is an origin with a sign."""

    def __init__(self, examples: Sequence[Example]) -> None:
        """Take the examples that say something: some of their readings are right and some are not."""
        self.examples = [example for example in examples if example.right.any() and not example.right.all()]
        self.columns: dict[tuple[str, str, str], int] = {}
        starts, self.first = [0], [0]
        indices: list[int] = []
        values: list[float] = []
        for example in self.examples:
            for origins in example.candidates.origins:
                row: dict[int, float] = {}
                for side, found in zip(SIDES, origins, strict=True):
                    for (origin, strength), (sign, seen) in itertools.product(found.items(), example.candidates.signs.items()):
                        row[self.columns.setdefault((side, origin, sign), len(self.columns))] = strength * seen
                indices += row.keys()
                values += row.values()
                starts.append(len(indices))
            self.first.append(len(starts) - 1)
        self.rows = sparse.csr_matrix((values, indices, starts), shape=(len(starts) - 1, len(self.columns)))

    def fitted(self, without: Collection[str] = ()) -> Scorer:
        """The weights under which the right readings are likeliest; ``without`` leaves writers out."""
        chosen = [number for number, example in enumerate(self.examples) if example.writer not in without]
        rows = self.rows[np.concatenate([np.arange(self.first[number], self.first[number + 1]) for number in chosen])]
        sizes = np.array([self.first[number + 1] - self.first[number] for number in chosen])
        starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        owner = np.repeat(np.arange(len(chosen)), sizes)
        good = np.concatenate([self.examples[number].right for number in chosen]).astype(float)
        counts = np.array([self.examples[number].counts for number in chosen])
        held = np.array([ALONE if sign == "always" else TOGETHER for _, _, sign in self.columns])
        turned = rows.T.tocsr()

        def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
            scores = rows @ weights
            odds = np.exp(scores - np.maximum.reduceat(scores, starts)[owner])
            every, fitting = np.add.reduceat(odds, starts), np.add.reduceat(odds * good, starts) + np.finfo(float).tiny
            value = (counts * (np.log(every) - np.log(fitting))).sum() + (held * weights**2).sum() / 2
            slope = counts[owner] * (odds / every[owner] - odds * good / fitting[owner])
            return float(value), turned @ slope + held * weights

        weights = minimize(loss, np.zeros(len(self.columns)), jac=True, method="L-BFGS-B", options={"maxiter": STEPS}).x
        found: dict[str, dict[str, dict[str, float]]] = {side: {} for side in SIDES}
        for (side, origin, sign), column in sorted(self.columns.items()):
            if abs(weights[column]) >= LEAST_WEIGHT:
                found[side].setdefault(origin, {})[sign] = round(float(weights[column]), 3)
        return Scorer(found)


def shares(marks: Sequence[Sequence[bool]]) -> str:
    """The shares of turns and of whole conversations that were understood, in percent."""
    turns = [good for one in marks for good in one]
    return f"{100 * np.mean(turns):.1f} % of the turns, {100 * np.mean([all(one) for one in marks]):.1f} % whole"


@dataclass
class Learned:
    """What the weights are fitted to: conversations, the first messages that are put behind their turns, and the golden dialogues."""

    talk: Talk
    conversations: list[dict[str, Any]]
    first: list[dict[str, Any]]
    kept: list[dict[str, Any]]

    @classmethod
    def load(cls, keep: Path | None = None, unread: Sequence[dict[str, Any]] = ()) -> Learned:
        """Read everything.

        Args:
            keep: a file that keeps what the trained model says of the messages.
            unread: further conversations, which are not learned from but may be held with ``talk``.
        """
        conversations, kept = yaml.safe_load(READ.read_text(encoding="utf-8")), golden()
        chance = random.Random(SEED)
        lines = [json.loads(line) for line in FIRST_READ.read_text(encoding="utf-8").splitlines()]
        first = chance.sample([line for line in lines if not line["in_scope"]], OUTSIDE)
        first += chance.sample([line for line in lines if line["in_scope"]], INSIDE)
        texts = [str(turn["say"]) for one in (*conversations, *kept, *unread) for turn in one["turns"]]
        # What another model said is not kept.
        model = str(trained_model())
        said: Parsed = {}
        if keep and keep.exists():
            kept_model, kept_said = pickle.loads(keep.read_bytes())
            said = kept_said if kept_model == model else said
        missing = [text for text in dict.fromkeys([*texts, *(line["text"] for line in first)]) if text not in said]
        if missing:
            said |= parsed(missing)
            if keep:
                keep.write_bytes(pickle.dumps((model, said)))
        return cls(Talk(load(settings().knowledge), said), conversations, first, kept)

    def examples(self) -> tuple[list[Example], str]:
        """The examples, and how the rules alone fare in the conversations."""
        corrected, _, contexts = self.talk.held(self.conversations, RULES_ALONE, True)
        alone, marks, _ = self.talk.held(self.conversations, RULES_ALONE, False)
        found = [*corrected, *alone, *self.talk.behind(self.first, contexts, random.Random(SEED))]
        kept = [example for correct in (True, False) for example in self.talk.held(self.kept, RULES_ALONE, correct)[0]]
        return [*found, *(replace(example, counts=GOLDEN_COUNTS) for example in kept)], shares(marks)

    def of_writers(self, *names: str) -> list[dict[str, Any]]:
        """The conversations of some writers."""
        return [one for one in self.conversations if writer(one) in names]

    @property
    def writers(self) -> list[str]:
        """Who wrote them."""
        return sorted({writer(one) for one in self.conversations})


def main() -> None:
    """Fit, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path, help="a file that keeps what the trained model says of the messages")
    options = parser.parse_args()
    cli.logs("ERROR")
    learned = Learned.load(options.keep)
    examples, alone = learned.examples()
    print(f"The rules alone: {alone}", flush=True)
    design = Design(examples)
    every: list[list[bool]] = []
    for name in learned.writers:
        _, marks, _ = learned.talk.held(learned.of_writers(name), design.fitted([name]), False)
        print(f"{name}, fitted to the others: {shares(marks)}", flush=True)
        every += marks
    print(f"each writer, fitted to the others: {shares(every)}", flush=True)
    scorer = design.fitted()
    _, marks, _ = learned.talk.held(learned.conversations, scorer, False)
    print(f"fitted to all: {shares(marks)}")
    WEIGHTS.write_text(json.dumps(scorer.weights, indent=0, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
