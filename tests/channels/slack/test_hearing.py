"""What is made of Slack's texts, and the document's list of findings."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from rolewise.channels.slack.hearing import spoken
from rolewise.settings import PROJECT_ROOT

TESTS = PROJECT_ROOT / "tests"


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("<@UBOT> what does an MLE do?", "what does an MLE do?"),
        ("what does an MLE do, <@UBOT|rolewise>?", "what does an MLE do, ?"),
        ("see <https://e.example/?a=1&amp;b=2|this page> please", "see this page https://e.example/?a=1&b=2 please"),
        ("see <https://e.example/>", "see https://e.example/"),
        ("is <http://Node.js|Node.js> needed", "is Node.js needed"),
        ("write to <mailto:a@b.example|a@b.example>", "write to a@b.example"),
        ("ask <@U2> in <#C1|general> or <#C2>", "ask @somebody in #general or #C2"),
        ("<!here> and <!subteam^S1|@careers> and <!channel>", "@here and @careers and @channel"),
        ("since <!date^1392734382^{date}|February 2014>", "since February 2014"),
        ("R&amp;D, 2 &lt; 3 &gt; 1, &amp;lt;", "R&D, 2 < 3 > 1, &lt;"),
        ("  one  two \n  three ", "one two\nthree"),
        ("", ""),
    ],
)
def test_the_words_of_a_message_are_those_that_people_see(sent: str, read: str) -> None:
    assert spoken(sent, "UBOT") == read


def test_every_finding_stands_beside_a_test_that_runs() -> None:
    document = (PROJECT_ROOT / "docs" / "slack.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (S\d+) \|.*\| ([^|]+) \|$", document, re.MULTILINE)
    assert [number for number, _ in rows] == [f"S{number}" for number in range(1, 18)]
    defined = {
        node.name
        for path in [*Path(__file__).parent.glob("test_*.py"), TESTS / "render" / "test_blocks.py"]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
    }
    named = [re.findall(r"`(test_\w+)`", tests) for _, tests in rows]
    assert all(named) and not {name for names in named for name in names} - defined
