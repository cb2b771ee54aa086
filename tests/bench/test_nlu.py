"""The NLU benchmark: its figures are the ones meant, and a quick run gives every table."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import matthews_corrcoef

from bench import nlu, nlu_data, report_nlu
from bench.nlu_data import Row
from bench.nlu_figures import ANSWER, ASK, DECLINE, Prediction, Scores, matthews, outcome
from bench.nlu_rasa import ngrams_config, stock_config

TOPICS = frozenset({"ask_salary", "ask_skills", "ask_compare"})
SALARY = Row("q1", "what does it pay", ("ask_salary",))
NURSE = Row("o1", "is nursing a good job", ())


def said(intent: str, confidence: float, decision: str, *offered: str) -> Prediction:
    return Prediction((intent, *offered), confidence, decision, intent, intent)


def test_stock_is_what_rasa_init_gives():
    stock = stock_config()
    names = [component["name"] for component in stock["pipeline"]]
    diet = next(component for component in stock["pipeline"] if component["name"] == "DIETClassifier")
    assert names[0] == "WhitespaceTokenizer" and names[-1] == "FallbackClassifier" and diet["epochs"] == 100
    assert [policy["name"] for policy in stock["policies"]] == ["MemoizationPolicy", "RulePolicy", "UnexpecTEDIntentPolicy", "TEDPolicy"]
    ngrams = [component["name"] for component in ngrams_config()["pipeline"]]
    assert ngrams == ["LogisticRegressionClassifier" if name == "DIETClassifier" else name for name in names if name != "ResponseSelector"]


def test_outcomes_are_what_a_person_sees():
    assert outcome(SALARY, said("ask_salary", 0.9, ANSWER)) == "right"
    assert outcome(SALARY, said("ask_skills", 0.9, ANSWER)) == "wrong"
    assert outcome(SALARY, said("ask_skills", 0.4, ASK, "ask_salary")) == "offered"
    assert outcome(SALARY, said("ask_skills", 0.4, ASK, "ask_compare")) == "asked back"
    assert outcome(SALARY, said("ask_salary", 0.1, DECLINE)) == "declined"


def test_a_comparison_may_be_answered_as_what_is_compared():
    question = {"topic": "compare", "also": ["salary"], "roles": ["mle", "ds"], "aspect": "demand"}
    assert nlu_data.accepted(question) == ("ask_compare", "ask_salary", "ask_demand")
    assert "ask_choose" in nlu_data.accepted({"topic": "compare", "roles": ["mle", "ds"], "aspect": "overall"})


def test_matthews_correlation_agrees_with_scikit_learn():
    random = np.random.default_rng(3)
    truth, guess = random.integers(0, 5, 200), random.integers(0, 5, 200)
    guess[:120] = truth[:120]
    assert matthews(truth, guess, 5) == pytest.approx(matthews_corrcoef(truth, guess))


def test_figures_of_a_small_set():
    rows = [SALARY, SALARY, SALARY, SALARY, NURSE, NURSE]
    predictions = [
        said("ask_salary", 0.9, ANSWER),
        said("ask_salary", 0.8, ANSWER),
        said("ask_skills", 0.7, ANSWER),
        said("ask_salary", 0.3, DECLINE),
        said("ask_salary", 0.2, DECLINE),
        said("chitchat", 0.9, DECLINE),
    ]
    found = Scores(rows, predictions, TOPICS).as_dict()
    value = {name: figure[0] for name, figure in found["figures"].items()}
    assert (value["right"], value["wrong"], value["declined"]) == (0.5, 0.25, 0.25)
    assert (value["forced accuracy"], value["out-of-scope recall"]) == (0.75, 1.0)
    assert found["best threshold"] == 0.25 and value["best mcc"] > value["mcc"] > 0
    assert all(low <= at <= high for at, low, high in found["figures"].values())
    assert found["curve"][0] == (0.0, 0.75, 0.5) and found["curve"][-1] == (1.0, 0.0, 1.0)


def test_an_absent_directory_is_skipped_and_said(tmp_path, capsys):
    bench = nlu.Bench(nlu.arguments(["--fast", "--questions", str(tmp_path / "none"), "--hint3", str(tmp_path / "none")]))
    bench.hint3()
    said_so = capsys.readouterr().out
    assert said_so.count("is absent") == 2 and "hint3" not in bench.results


def labelled_directory(path: Path) -> Path:
    question = {"id": "q1", "text": "what does a data scientist earn", "topic": "salary", "also": [], "roles": ["ds"]}
    (path / "real_questions_x.jsonl").write_text(json.dumps(question) + "\n")
    unsupported = [{"id": "u1", "text": "is nursing stressful"}, {"id": "u2", "text": "nurse vs data scientist", "partial": True}]
    (path / "unsupported_x.jsonl").write_text("".join(json.dumps(line) + "\n" for line in unsupported))
    return path


def test_a_directory_of_questions_is_read_as_sets(tmp_path):
    sets = nlu_data.question_sets(labelled_directory(tmp_path))
    assert [(row.id, row.accepted) for row in sets["x"]] == [("q1", ("ask_salary",)), ("u1", ())]


def test_a_quick_run_gives_every_table(tmp_path, monkeypatch):
    """The classifier without Rasa around it; training three Rasa models is left to ``make bench``."""
    bots = tmp_path / "hint3"
    bots.mkdir()
    for bot in nlu_data.HINT3_BOTS:
        orders = "".join(f"where is my order number {number},ORDER\ncan i pay in {number} parts,EMI\n" for number in range(8))
        (bots / f"{bot}_train.csv").write_text("sentence,label\n" + orders + "do you sell beds,BEDS\nwhat beds do you have,BEDS\n")
        (bots / f"{bot}_test.csv").write_text("sentence,label\nmy order is late,ORDER\nwho won the match,NO_NODES_DETECTED\n")
    monkeypatch.setattr(nlu.Bench, "_hint3_rasa", staticmethod(lambda config, train, rows, seed: stand_in(rows)))
    out, page = tmp_path / "nlu.json", tmp_path / "evaluation.md"
    (tmp_path / "q").mkdir()
    given = [
        "--fast",
        "--stock-seeds",
        "1",
        "--questions",
        str(labelled_directory(tmp_path / "q")),
        "--hint3",
        str(bots),
        "--out",
        str(out),
    ]
    nlu.main([*given, "--only", "ablations", "hint3"])
    page.write_text("".join(f"<!-- nlu:{name} -->\n\n<!-- end -->\n" for name in report_nlu.TABLES))
    report_nlu.main(["--results", str(out), "--page", str(page)])
    written = page.read_text()
    for wanted in ("no role masking", "Questions from elsewhere: `x`", "**sofmattress**", "taken for", "its figures mean nothing"):
        assert wanted in written, wanted
    assert (tmp_path / "images" / "nlu-rejection.png").stat().st_size > 5000
    assert (tmp_path / "images" / "nlu-rejection-hint3.png").is_file()
    report_nlu.main(["--results", str(out), "--page", str(page)])
    assert page.read_text() == written


def stand_in(rows: list[Row]) -> dict:
    labels = frozenset({"ORDER", "EMI", "BEDS"})
    return nlu._hint3_figures(rows, [said("ORDER", 0.5, ANSWER)] * len(rows), labels, 1.0)
