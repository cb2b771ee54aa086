"""How well messages are understood, and how fast: stock Rasa, n-grams and Rolewise with its ablations, side by side in one run.

``.venv/bin/python bench/nlu.py`` writes ``results/nlu.json``; ``bench/report_nlu.py`` makes the tables and plots of it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402

from bench import nlu_data, nlu_rasa  # noqa: E402
from bench.nlu_data import Examples, Row  # noqa: E402
from bench.nlu_figures import ANSWER, ASK, DECLINE, Prediction, Scores  # noqa: E402

RESULTS = ROOT / "results" / "nlu.json"
OWN = "own"
STOCK, NGRAMS, ROLEWISE, SMALL = "stock Rasa", "n-grams + logistic regression", "Rolewise", "Rolewise, set for a small bot"
STAGES = ("stock", "ngrams", "rolewise", "speed", "ablations", "hint3")
FALLBACK = "nlu_fallback"

# The times of a message: so many rounds, each system once a round in a fresh process, over so many different messages.
ROUNDS, TIMED_MESSAGES = 5, 300

# Of a quick run: every n-th training message of so many intents, test messages a set, epochs, seeds.
FAST_EVERY, FAST_INTENTS, FAST_ROWS, FAST_EPOCHS, FAST_SEEDS = 25, 6, 20, 2, 2


def say(line: str) -> None:
    """Tell what is going on."""
    print(f"[{time.strftime('%H:%M:%S')}] {line}", flush=True)


# -- from what a system gives to what is judged -------------------------------------------------------------------------------


def of_rasa(parsed: dict[str, Any], topics: frozenset[str]) -> Prediction:
    """What Rasa's own classifiers say, behind FallbackClassifier."""
    ranking = [(name, confidence) for name, confidence in parsed["ranking"] if name != FALLBACK]
    declined = parsed["intent"] in (FALLBACK, None)
    return _single(ranking, topics, DECLINE if declined else ANSWER)


def of_rolewise(parsed: dict[str, Any], topics: frozenset[str]) -> Prediction:
    """What Rolewise's NLU says: every question that it found in the message, with its decision."""
    ranking = [(name, confidence) for name, confidence in parsed["ranking"]]
    single = _single(ranking, topics, DECLINE)
    for decision, guesses in ((ANSWER, 1), (ASK, 2)):
        asked = [part for part in parsed["questions"] if part["decision"] == decision]
        intents = tuple(intent for part in asked for intent in part["intents"][:guesses] if intent in topics)
        if intents:
            return replace(single, intents=intents, decision=decision)
    return single


def _single(ranking: list[tuple[str, float]], topics: frozenset[str], decision: str) -> Prediction:
    if not ranking:
        return Prediction((), 0.0, DECLINE, "", "")
    best, confidence = ranking[0]
    forced = next((name for name, _ in ranking if name in topics), "")
    intents = tuple(name for name, _ in ranking[: 2 if decision == ASK else 1] if name in topics)
    if best not in topics:
        decision = DECLINE
    return Prediction(intents, confidence, decision, best, forced)


def of_model(model: Any, texts: list[str], vectors: np.ndarray, topics: frozenset[str]) -> list[Prediction]:
    """What the intent model says, decided by its fitted thresholds."""
    found = []
    for ranking in model.rank(texts, vectors, length=len(model.classes)):
        confidence = ranking[0][1]
        decision = ANSWER if confidence >= model.thresholds.answer else ASK if confidence >= model.thresholds.ask else DECLINE
        found.append(_single(ranking, topics, decision))
    return found


# -- the stages ---------------------------------------------------------------------------------------------------------------


class Bench:
    """One run: its data, and its results so far."""

    def __init__(self, options: argparse.Namespace) -> None:
        """Read the training and the test messages."""
        self.options = options
        self.examples = nlu_data.training_messages()
        self.sets: dict[str, list[Row]] = {OWN: nlu_data.own_test()}
        if options.questions is None:
            say("no --questions DIR: labelled questions from elsewhere are skipped")
        elif not options.questions.is_dir():
            say(f"{options.questions} is absent: labelled questions from elsewhere are skipped")
        else:
            self.sets.update(nlu_data.question_sets(options.questions))
        if options.fast:
            few = {*sorted(set(self.examples.labels))[:FAST_INTENTS], "out_of_scope"}
            self.examples = self.examples.at([i for i in range(0, len(self.examples.texts), FAST_EVERY) if self.examples.labels[i] in few])
            self.sets = {name: rows[:: max(1, len(rows) // FAST_ROWS)] for name, rows in self.sets.items()}
        self.topics = frozenset(f"ask_{topic}" for topic in _topics())
        self.results: dict[str, Any] = {}
        if options.only and options.out.is_file():
            self.results = json.loads(options.out.read_text(encoding="utf-8"))

    def run(self) -> dict[str, Any]:
        """Run the stages asked for, keeping the results after each."""
        run = {
            "date": time.strftime("%Y-%m-%d"),
            "commit": _commit(),
            "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
            "fast": self.options.fast,
            "training messages": len(self.examples.texts),
            "intents": len(set(self.examples.labels)),
        }
        self.results["run"] = run
        for stage in self.options.only or STAGES:
            getattr(self, stage)()
            # Results of other stages may be of an earlier run: each says of which.
            self.results.setdefault("runs", {})[stage] = run
            self.keep()
        return self.results

    def keep(self) -> None:
        """Write what is there."""
        self.options.out.parent.mkdir(parents=True, exist_ok=True)
        self.options.out.write_text(json.dumps(self.results, indent=1), encoding="utf-8")

    def judged(self, predictions: list[Prediction]) -> dict[str, Any]:
        """The scores of each test set, from the predictions of all of them in order."""
        found, start = {}, 0
        for name, rows in self.sets.items():
            scores = Scores(rows, predictions[start : start + len(rows)], self.topics)
            start += len(rows)
            found[name] = {**scores.as_dict(), "confusions": scores.confusions()}
        return found

    def stock(self) -> None:
        """Stock Rasa."""
        self.system(STOCK, nlu_rasa.stock_config(self._stock_epochs))
        self.results["systems"][STOCK]["epochs"] = self._stock_epochs or nlu_rasa.stock_epochs()

    def ngrams(self) -> None:
        """The same features with Rasa's logistic regression."""
        self.system(NGRAMS, nlu_rasa.ngrams_config())

    def rolewise(self) -> None:
        """Rolewise as it is shipped."""
        self.system(ROLEWISE, nlu_rasa.rolewise_config())

    def system(self, name: str, config: dict[str, Any]) -> None:
        """One system as a Rasa model, trained and run in processes of its own."""
        texts = [row.text for rows in self.sets.values() for row in rows]
        say(f"{name}: training on {len(self.examples.texts)} messages, then parsing {len(texts)}")
        with tempfile.TemporaryDirectory() as scratch:
            training = Path(scratch) / "nlu.yml"
            self.examples.write(training)
            rules = ROOT / "data" / "rules.yml"
            measured = nlu_rasa.measure(config, [training, rules], texts, ROOT / "domain.yml", self._kept(name))
        read = of_rolewise if name == ROLEWISE else of_rasa
        predictions = [read(parsed, self.topics) for parsed in measured.pop("parsed")]
        self.results.setdefault("systems", {})[name] = {"cost": measured, "sets": self.judged(predictions)}

    def _kept(self, name: str) -> Path:
        return self.options.out.parent / "nlu-models" / f"{name.split()[0].lower()}.tar.gz"

    def speed(self) -> None:
        """The time of a message: the models trained before, each in a fresh process, one after the other in several rounds."""
        texts = [row.text for rows in self.sets.values() for row in rows]
        texts = texts[:: max(1, len(texts) // TIMED_MESSAGES)]
        systems = [name for name in (STOCK, NGRAMS, ROLEWISE) if self._kept(name).is_file() and name in self.results.get("systems", {})]
        rounds: dict[str, list[dict[str, float]]] = {name: [] for name in systems}
        for number in range(1, (2 if self.options.fast else ROUNDS) + 1):
            for name in systems:
                rounds[name].append(nlu_rasa.timed(self._kept(name), texts, spared=name == ROLEWISE))
                say(f"speed, round {number}: {name} {rounds[name][-1]['message_ms']:.1f} ms a message")
        for name, found in rounds.items():
            cost = self.results["systems"][name]["cost"]
            cost.update({key: statistics.median(one[key] for one in found) for key in found[0]})
            cost["rounds"] = [one["message_ms"] for one in found]

    def ablations(self) -> None:
        """Rolewise's classifier without one of its parts."""
        from bench import nlu_model

        pipeline = nlu_model.TextPipeline(self.examples.texts, careers=True)
        tested = [row.text for rows in self.sets.values() for row in rows]
        prepared: dict[bool, Any] = {}
        self.results["ablations"] = {}
        for name, switches in nlu_model.ablations().items():
            say(f"ablation: {name}")
            mask = switches.mask_roles
            if mask not in prepared:
                prepared[mask] = (pipeline(self.examples.texts, mask), pipeline(tested, mask))
            (texts, vectors), (test_texts, test_vectors) = prepared[mask]
            model, report = nlu_model.fit(switches, self.examples, texts, vectors, lambda line: None)
            predictions = of_model(model, test_texts, test_vectors, self.topics)
            self.results["ablations"][name] = {**report, "sets": self.judged(predictions)}
            self.keep()

    def hint3(self) -> None:
        """The three bots of HINT3, Rolewise's classifier over several seeds, the other two systems through Rasa."""
        directory = self.options.hint3
        if directory is None or not directory.is_dir():
            say(f"{directory} is absent: HINT3 is skipped" if directory else "no --hint3 DIR: HINT3 is skipped")
            return
        self.results["hint3"] = {}
        for bot in nlu_data.HINT3_BOTS:
            train, rows = nlu_data.hint3(directory, bot)
            if self.options.fast:
                rows = rows[:: max(1, len(rows) // FAST_ROWS)]
            found: dict[str, Any] = {"training messages": len(train.texts), "intents": len(set(train.labels)), "systems": {}}
            self.results["hint3"][bot] = found
            for name, config in (
                (STOCK, nlu_rasa.stock_config(FAST_EPOCHS if self.options.fast else None)),
                (NGRAMS, nlu_rasa.ngrams_config()),
            ):
                # Logistic regression gives the same model for every order; DIET starts from random numbers each time.
                runs = self.options.stock_seeds if name == STOCK else min(1, self.options.stock_seeds)
                if not runs:
                    continue
                say(f"HINT3 {bot}: {name}, {runs} run(s)")
                found["systems"][name] = [self._hint3_rasa(config, train, rows, seed) for seed in range(runs)]
                self.keep()
            say(f"HINT3 {bot}: {ROLEWISE}, {self._seeds} seeds")
            found["systems"].update(self._hint3_rolewise(train, rows))
            self.keep()

    @property
    def _stock_epochs(self) -> int | None:
        return FAST_EPOCHS if self.options.fast else self.options.stock_epochs

    @property
    def _seeds(self) -> int:
        return FAST_SEEDS if self.options.fast else int(self.options.seeds)

    @staticmethod
    def _hint3_rasa(config: dict[str, Any], train: Examples, rows: list[Row], seed: int) -> dict[str, Any]:
        labels = frozenset(train.labels)
        order = np.random.default_rng(seed).permutation(len(train.texts))
        with tempfile.TemporaryDirectory() as scratch:
            training = Path(scratch) / "nlu.yml"
            train.at([int(index) for index in order]).write(training)
            measured = nlu_rasa.measure(config, [training], [row.text for row in rows])
        return _hint3_figures(rows, [of_rasa(parsed, labels) for parsed in measured.pop("parsed")], labels, measured["training_seconds"])

    def _hint3_rolewise(self, train: Examples, rows: list[Row]) -> dict[str, list[dict[str, Any]]]:
        """Rolewise's classifier as it is shipped, and with the settings for a small bot."""
        from bench import nlu_model

        labels = frozenset(train.labels)
        tested = [row.text for row in rows]
        pipeline = nlu_model.TextPipeline(train.texts, careers=False)
        (texts, vectors), (test_texts, test_vectors) = pipeline(train.texts), pipeline(tested)
        mixed, test_mixed = pipeline.both_views(train.texts, vectors), pipeline.both_views(tested, test_vectors)
        found: dict[str, list[dict[str, Any]]] = {}
        for name, config, learned, asked in (
            (ROLEWISE, nlu_model.shipped(), vectors, test_vectors),
            (SMALL, nlu_model.small_bot(), mixed, test_mixed),
        ):
            runs = found.setdefault(name, [])
            for seed in range(self._seeds):
                # The optimiser has no chance in it: the seed shuffles the messages and draws the intents hidden for the threshold.
                order = np.random.default_rng(seed).permutation(len(texts))
                switches = nlu_model.Switches(replace(config, seed=seed), mask_roles=False)
                shuffled = train.at([int(index) for index in order])
                model, report = nlu_model.fit(switches, shuffled, [texts[index] for index in order], learned[order], lambda line: None)
                predictions = of_model(model, test_texts, asked, labels)
                # HINT3 knows no asking back: below the threshold is declined.
                predictions = [replace(p, decision=DECLINE) if p.decision == ASK else p for p in predictions]
                runs.append({**_hint3_figures(rows, predictions, labels, report["seconds"]), "threshold": report["thresholds"][0]})
        return found


def _hint3_figures(rows: list[Row], predictions: list[Prediction], labels: frozenset[str], seconds: float) -> dict[str, Any]:
    scores = Scores(rows, predictions, labels).as_dict()
    return {"seconds": seconds, **{key: scores[key] for key in ("inside", "outside", "figures", "best threshold", "curve")}}


def _topics() -> list[str]:
    from rolewise.knowledge import load
    from rolewise.settings import settings

    return list(load(settings().knowledge).topics)


def _commit() -> str:
    run = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True)
    return run.stdout.strip() or "unknown"


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--hint3", type=Path, metavar="DIR", help="directory of HINT3's files (<bot>_train.csv, <bot>_test.csv)")
    parser.add_argument(
        "--questions", type=Path, metavar="DIR", help="directory of labelled questions (real_questions_*.jsonl, unsupported_*.jsonl)"
    )
    parser.add_argument("--only", nargs="+", choices=STAGES, help="run these stages and keep the others' results of the last run")
    parser.add_argument("--seeds", type=int, default=5, help="runs of Rolewise a HINT3 bot (default 5)")
    parser.add_argument(
        "--stock-seeds", type=int, default=5, help="runs of stock Rasa a HINT3 bot (default 5; 0 leaves Rasa's own classifiers out there)"
    )
    parser.add_argument(
        "--stock-epochs", type=int, metavar="N", help="epochs of stock Rasa's networks on the careers data (default its own, 100: hours)"
    )
    parser.add_argument("--out", type=Path, default=RESULTS, help="where the results go (default results/nlu.json)")
    parser.add_argument("--fast", action="store_true", help="a quick run that shows that everything works; its figures mean nothing")
    return parser.parse_args(given)


def main(given: list[str] | None = None) -> None:
    """Run the benchmark."""
    options = arguments(given)
    Bench(options).run()
    say(f"results in {options.out}; bench/report_nlu.py makes the tables of them")


if __name__ == "__main__":
    main()
