"""The report of conversations that are known: every figure is what a person would count."""

from __future__ import annotations

import csv
import io
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rolewise.insights import mask, report
from rolewise.insights.events import SourceError, Turn, conversations, sqlite_url, store_url
from rolewise.insights.figures import LOST, Phrases, Times, count
from rolewise.insights.meaning import Meaning, cluster
from rolewise.insights.page import page
from rolewise.settings import PROJECT_ROOT
from tests.insights.conftest import CUDA, VISITS, Reported


def row(reported: Reported, table: str, name: str) -> dict[str, Any]:
    return next(record for record in reported.json[table] if name in record.values())


def test_the_totals_are_those_of_the_conversations(reported: Reported) -> None:
    totals = reported.json["totals"]
    assert totals["conversations"] == totals["sessions"] == len(VISITS)
    assert totals["messages"] == sum(len(visit.said) for visit in VISITS) == 15
    # "thanks" and "hello" ask nothing; what the channel of text alone answered is not known.
    assert (totals["asked"], totals["answered"], totals["asked back"], totals["declined"], totals["failed"]) == (12, 6, 1, 5, 0)
    assert totals["answered share"] == 0.5
    assert (totals["up"], totals["down"], totals["tapped"]) == (2, 1, 1)
    assert reported.json["period"] == {"from": "2026-11-02 09:00", "to": "2026-11-08 11:00", "days": 7}


def test_channels_days_and_hours_are_told_apart(reported: Reported) -> None:
    assert {record["channel"]: record["conversations"] for record in reported.json["channels"]} == {
        "web": 6,
        "rest": 2,
        "slack": 1,
        "cmdline": 1,
    }
    assert row(reported, "channels", "cmdline")["answered share"] is None
    assert [(record["day"], record["messages"]) for record in reported.json["days"]][:3] == [
        ("2026-11-02", 4),
        ("2026-11-03", 4),
        ("2026-11-04", 3),
    ]
    assert row(reported, "hours", "Mon")["messages"][9] == 4  # 2 November is a Monday


def test_topics_and_roles_are_told_apart(reported: Reported) -> None:
    salary, degree = row(reported, "topics", "salary"), row(reported, "topics", "degree")
    assert (salary["answered"], salary["asked back"], salary["up"]) == (2, 1, 1)
    assert (degree["answered"], degree["up"], degree["down"], degree["liked"]) == (2, 1, 1, 0.5)
    assert {record["role"]: record["answered"] for record in reported.json["roles"]} == {"mle": 3, "swe": 3, "ds": 3}
    assert row(reported, "topics by role", "degree") == {"topic": "degree", "title": "Education", "no role": 0, "mle": 1, "swe": 2, "ds": 0}


def test_it_says_where_conversations_end_and_how_long_they_are(reported: Reported) -> None:
    assert {record["outcome"]: record["sessions"] for record in reported.json["ends"]} == {
        "answered": 4,
        "declined": 4,
        "talk": 1,
        "unknown": 1,
    }
    lengths = {record["messages"]: record["conversations"] for record in reported.json["messages in a conversation"]}
    assert (lengths["1"], lengths["2"], lengths["3"], lengths["15 or more"]) == (7, 1, 2, 0)


def test_the_time_to_an_answer_counts_from_arrival(reported: Reported) -> None:
    times = reported.json["seconds to answer"]
    # Understanding alone takes some milliseconds: between the two events of a turn there is less.
    assert 0.004 < times["median"] <= times["p95"] < 30
    assert sum(step["messages"] for step in times["histogram"]) == 15


def test_what_was_not_answered_is_grouped_by_meaning(reported: Reported) -> None:
    missed = reported.json["not answered"]
    largest = missed["largest"][0]
    assert (largest["count"], largest["not answered"], largest["thumbs down"]) == (4, 4, 0)
    assert all("cuda" in example.lower() for example in largest["examples"])
    assert 0 < largest["nearness"] < 0.85
    (rated,) = [group for group in missed["largest"] if group["thumbs down"]]
    assert (rated["nearest topic"], rated["examples"]) == ("degree", ["Do I need a degree to be a software engineer?"]) and rated[
        "nearness"
    ] > 0.85


def test_personal_data_is_masked_everywhere(reported: Reported) -> None:
    for name in report.FORMATS:
        text = reported.text(name)
        assert not re.search(r"jo\.bloggs|7946|eve_k", text), name
    (rated,) = [group for group in reported.json["not answered"]["largest"] if group["thumbs down"]]
    assert rated["reasons"] == ["mail me at <e-mail> or <phone>"]
    assert any("<account>" in example for group in reported.json["not answered"]["largest"] for example in group["examples"])


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("write to a.b+c@mail.example.co.uk!", "write to <e-mail>!"),
        ("call (212) 555-0123 or 030 901820", "call <phone> or <phone>"),
        ("I am @jo_bloggs, see linkedin.com/in/jo-bloggs", "I am <account>, see <account>"),
        ("DE89370400440532013000", "<account>"),
        ("between 70,000 and 112,590 in 2024", "between 70,000 and 112,590 in 2024"),
        ("c++ and c# @ google", "c++ and c# @ google"),
        ("", ""),
    ],
)
def test_masking(text: str, wanted: str) -> None:
    assert mask.masked(text) == wanted


def test_masking_asks_nothing_over_the_network() -> None:
    # A process that may open no socket at all.
    code = (
        "import socket\n"
        "def refused(*arguments, **more): raise AssertionError('the network was used')\n"
        "socket.socket.connect = socket.getaddrinfo = refused\n"
        "from rolewise.insights.mask import masked\n"
        "print(masked('jo.bloggs@example.co.uk +44 20 7946 0958'))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=PROJECT_ROOT, check=False)
    assert (done.stdout, done.returncode) == ("<e-mail> <phone>\n", 0), done.stderr
    assert "the network was used" not in done.stderr


def test_the_page_stands_alone_and_escapes(reported: Reported) -> None:
    html = reported.text("html")
    assert not re.search(r"<script|<link|@import|url\(|<img|<iframe|\son\w+=", html)
    assert not re.findall(r'(?:src|href)="', html)
    assert "&lt;script&gt;alert(1)" in html
    assert html.count("<svg") == 6 == html.count('role="img"')


def test_an_empty_store_gives_a_report(meaning: Meaning, tmp_path: Path) -> None:
    from rolewise.stores import database

    database.prepare(tmp_path / "empty.db")
    figures = count(conversations(sqlite_url(tmp_path / "empty.db")))
    found = report.data(figures, cluster([], meaning), report.Names.of(meaning.knowledge))
    assert found["totals"]["conversations"] == 0 and "There are no conversations" in page(found)
    assert len(report.as_csv(found).splitlines()) > 20


def test_the_csv_says_the_same(reported: Reported) -> None:
    records = list(csv.DictReader(io.StringIO(reported.text("csv"))))
    cells = {(record["table"], record["row"], record["measure"]): record["value"] for record in records}
    assert cells["totals", "", "answered share"] == "0.5"
    assert cells["channels", "web", "conversations"] == "6"
    assert cells["topics", "salary", "answered"] == "2"
    assert cells["not answered: largest", "1", "count"] == "4"


def test_no_cell_is_a_formula(reported: Reported) -> None:
    found = {**reported.json, "not answered": {"largest": [{"examples": ["=1+1"], "reasons": []}]}}
    assert ",'=1+1\n" in report.as_csv(found)


def test_only_the_last_days_are_looked_at(reported: Reported) -> None:
    late = count(conversations(sqlite_url(reported.store), since=VISITS[-2].began - 1))
    assert (late.conversations, late.total.asked) == (2, 2)


def test_the_command_writes_the_files(reported: Reported, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "rolewise.commands.cli", "report", "--store", str(reported.store), "--out", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=PROJECT_ROOT, check=False)
    assert done.returncode == 0, done.stderr
    assert [Path(line).name for line in done.stdout.splitlines()] == ["report.html", "report.json", "report.csv"]
    assert '"conversations": 10' in (tmp_path / "out" / "report.json").read_text()
    missing = subprocess.run([*command[:4], "--store", "nowhere.db"], capture_output=True, text=True, cwd=PROJECT_ROOT, check=False)
    assert (missing.returncode, missing.stderr) == (2, "rolewise: there is no store at nowhere.db\n")


def test_a_password_is_never_told() -> None:
    url = store_url("postgresql://rolewise:very-secret@127.0.0.1:1/none")
    with pytest.raises(SourceError) as caught:
        list(conversations(url))
    assert "very-secret" not in str(caught.value) and "rolewise:***@127.0.0.1" in str(caught.value)


def test_quantiles_are_right_to_a_few_per_cent() -> None:
    times = Times()
    for number in range(1, 1001):
        times.add(number / 1000)
    for share in (0.01, 0.5, 0.95, 1.0):
        assert times.quantile(share) == pytest.approx(share, rel=0.06)
    assert times.within((0.25, 0.5)) == pytest.approx([250, 250, 500], abs=25)


def test_rare_messages_are_let_go_where_there_are_too_many() -> None:
    phrases = Phrases(most=100)
    for number in range(1000):
        phrases.add("the same again" if number % 2 else f"message {number}", LOST, Turn(float(number), ""))
    assert len(phrases.found) <= 100 and phrases.listed()[0].count == 500
    assert sum(phrase.count for phrase in phrases.listed()) + phrases.let_go == 1000


def test_many_messages_are_grouped_in_bounded_memory(meaning: Meaning) -> None:
    phrases = Phrases()
    for number in range(3000):
        subject = CUDA[number % 4] if number % 2 else "is there a scholarship or a grant for students"
        phrases.add(f"{subject} {number}", LOST, Turn(float(number), ""))
    groups = cluster(phrases.listed(), meaning)
    assert sum(group.count for group in groups) == 3000
    assert len(groups) < 60 and groups[0].count > 1000
