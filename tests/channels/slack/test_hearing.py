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
        ("what does <@U2|data-scientist> earn", "what does @somebody earn"),
        # What somebody else has named is not what is asked: channels, groups, addresses, the labels of links.
        ("<#C1|software-engineers> what does a data scientist earn", "what does a data scientist earn"),
        ("ask <@U2> in <#C1|general> or <#C2>", "ask @somebody in or"),
        ("<!subteam^S1|@software-engineers> what do data scientists do", "@somebody what do data scientists do"),
        ("<!here> and <!channel>", "@here and @channel"),
        ("since <!date^1392734382^{date}|February 2014>", "since February 2014"),
        ("write to <mailto:data.scientist@b.example|data.scientist@b.example>", "write to @somebody"),
        ("see <https://e.example/?a=1&amp;b=2|the data scientist page> please", "see https://e.example/?a=1&b=2 please"),
        ("see <https://e.example/>", "see https://e.example/"),
        ("see <https://a.example/long/data-scientist|https://a.example/lo…>", "see https://a.example/long/data-scientist"),
        # Slack makes links of what looks like one.
        ("is <http://Node.js|Node.js> needed", "is Node.js needed"),
        ("is <https://www.kaggle.com/|kaggle.com> useful", "is kaggle.com useful"),
        # Nor is what is quoted.
        ("&gt; software engineers earn more\nwhat does a data scientist earn", "what does a data scientist earn"),
        ("what does an MLE earn\n&gt; a\n&gt; b\nand where?", "what does an MLE earn\nand where?"),
        ("which is it?\n&gt;&gt;&gt; data scientist\nmachine learning engineer", "which is it?"),
        ("what is this job? ```role = 'data scientist'\nsalary = 9``` please", "what is this job?\nplease"),
        ("&gt; data scientist", ""),
        ("is 90k &gt; the salary of a data scientist", "is 90k > the salary of a data scientist"),
        # Formatting, around a word or a part of a name, one kind in another.
        ("what does a *data* scientist earn", "what does a data scientist earn"),
        ("_mle_ or *swe*?", "mle or swe?"),
        ("~data~ *_machine_ learning* engineer", "data machine learning engineer"),
        ("_*data*_ `scientist`, (*mle*) **swe**", "data scientist, (mle) swe"),
        ("SOME_PATTERN* my_data_set, 2 * 3 * 4, 5*6*7, * python\n* sql", "SOME_PATTERN* my_data_set, 2 * 3 * 4, 5*6*7, * python\n* sql"),
        # Emoji come by name: thumbs and figures say something, in any skin.
        (":+1:", "\U0001f44d"),
        (":thumbsdown::skin-tone-4:", "\U0001f44e"),
        (":-1: too vague", "\U0001f44e too vague"),
        (":two:", "2"),
        (":wave: what does a :data-scientist: earn :moneybag::moneybag:", "what does a earn"),
        (":tada:", "\U0001f642"),
        ("std::vector at 10:30:00, ratio 3:2:1", "std::vector at 10:30:00, ratio 3:2:1"),
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
