"""Cards as text of 80 columns: nothing lost, nothing too wide, columns aligned."""

from __future__ import annotations

import re
from itertools import combinations

import pytest

from rolewise.answers.compose import Answers
from rolewise.cards import Card, CardSource, CardTable, Suggestion
from rolewise.knowledge import load
from rolewise.questions import Question
from rolewise.render.text import render, table
from rolewise.settings import settings

WIDTH = 80
ROLES = ("mle", "swe", "ds")
TOPICS = (
    "define_role responsibilities daily_tasks skills languages tools degree experience start_learning salary demand career_path pros "
    "cons good_career industries difficulty collaboration choose switch_role interview remote_work ai_impact"
).split()
SETS = [*combinations(ROLES, 2), ROLES]


@pytest.fixture(scope="module")
def answers() -> Answers:
    return Answers(load(settings().knowledge))


def words(text: str) -> str:
    return " ".join(text.split())


def too_wide(text: str) -> list[str]:
    """Lines over 80 characters, but for those of one address."""
    return [line for line in text.splitlines() if len(line) > WIDTH and not re.fullmatch(r"\s*https?://\S+", line)]


def columns(lines: list[str]) -> list[int]:
    """Where the columns of a table start, by its line of dashes."""
    rule = next(line for line in lines if re.fullmatch(r"-+(?:  +-+)+", line))
    return [match.start() for match in re.finditer(r"-+", rule)]


def cells_of(text: str, data: CardTable) -> list[list[str]]:
    """The columns of a rendered table, put together again: all that stands in each, from top to bottom."""
    lines = text.splitlines()
    rule = next(index for index, line in enumerate(lines) if re.fullmatch(r"-+(?:  +-+)+", line))
    starts = columns(lines)
    assert len(starts) == len(data.columns)
    found: list[str] = ["" for _ in starts]
    for line in lines[rule + 1 :]:
        for column, start in enumerate(starts):
            end = starts[column + 1] if column + 1 < len(starts) else None
            if column:
                assert line[start - 2 : start].strip() == "", f"no gap before column {column}: {line!r}"
            found[column] += " " + line[start:end].strip()
    return [[words(column)] for column in found]


def squeezed(text: str) -> str:
    """Without spaces: a word may be broken at a hyphen."""
    return "".join(text.split())


def complete(card: Card, text: str, numbered: bool) -> None:
    flat = words(text)
    for part in [card.title, card.lead, *card.points, card.caveat or ""]:
        assert words(part) in flat
    for source in card.sources:
        assert f"[{source.id}] {words(source.title)}" in flat
        assert words(source.publisher) in flat
        assert source.url is None or source.url in text
    for number, item in enumerate(card.suggestions, 1):
        assert (f"{number}. {item.title}" if numbered else f"* {item.title}") in flat
    assert not too_wide(text)
    assert not [line for line in text.splitlines() if line != line.rstrip()]


@pytest.mark.parametrize("numbered", [True, False], ids=["numbered", "plain"])
@pytest.mark.parametrize("topic", TOPICS)
@pytest.mark.parametrize("role", ROLES)
def test_answers(answers: Answers, role: str, topic: str, numbered: bool) -> None:
    following = [Question("pros", (role,)), Question(topic, ROLES), Question("choose")]
    for shown in ("normal", "full"):
        card = answers.card([Question(topic, (role,))], "a1", shown=shown, suggestions=following)
        complete(card, render(card, numbered), numbered)


@pytest.mark.parametrize("topic", [*TOPICS, "compare"])
@pytest.mark.parametrize("roles", SETS, ids="-".join)
def test_comparisons(answers: Answers, roles: tuple[str, ...], topic: str) -> None:
    card = answers.card([Question(topic, roles)], "a1", suggestions=[Question("choose")])
    for numbered in (True, False):
        complete(card, render(card, numbered), numbered)
    assert card.table is not None
    text = table(card.table)
    assert text in render(card)
    assert text.startswith(card.table.caption[:40])
    for index, (column,) in enumerate(cells_of(text, card.table)):
        assert squeezed(column) == squeezed("".join(row[index] for row in card.table.rows))
        assert squeezed(card.table.columns[index])[:12] in squeezed(text)


def test_lines_of_a_table_start_at_the_same_offsets() -> None:
    data = CardTable(
        caption="Cooks and bakers",
        columns=["", "Cook", "Baker"],
        rows=[["Pay", "little", "less"], ["Hours", "the whole evening, and often well into the night", "from three in the morning on"]],
    )
    lines = table(data).splitlines()
    assert lines[0] == "Cooks and bakers"
    starts = columns(lines)
    assert lines[1].index("Cook") == starts[1]
    assert lines[1].index("Baker") == starts[2]
    assert lines[3].index("little") == starts[1]
    assert lines[3].index("less") == starts[2]
    assert cells_of(table(data), data)[1] == ["little the whole evening, and often well into the night"]


def test_wide_cells_wrap_inside_their_column() -> None:
    data = CardTable(caption="", columns=["", "One", "Two", "Three"], rows=[["Row", "word " * 40, "short", "x" * 150]])
    text = table(data)
    assert not too_wide(text)
    found = cells_of(text, data)
    assert found[1] == [words("word " * 40)]
    assert found[2] == ["short"]
    assert squeezed(found[3][0]) == "x" * 150


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_table_of_any_number_of_columns(count: int) -> None:
    names = [f"Column {number}" for number in range(count)]
    text = table(
        CardTable(caption="c", columns=["", *names], rows=[["A row with a very long name", *["some longer text in a cell"] * count]])
    )
    assert not too_wide(text)


def test_numbers_of_suggestions() -> None:
    card = Card(
        kind="smalltalk", answer_id="s", title="", lead="Hello.",
        suggestions=[Suggestion(title=f"Question {number}?", payload=f"/ask_{number}") for number in range(1, 5)],
    )  # fmt: skip
    text = render(card, numbered=True)
    assert [line.strip() for line in text.splitlines()[-4:]] == [f"{number}. Question {number}?" for number in range(1, 5)]
    assert [line.strip() for line in render(card).splitlines()[-4:]] == [f"* Question {number}?" for number in range(1, 5)]
    assert "/ask_" not in text


def test_long_words_and_addresses_stay_whole() -> None:
    url = "https://example.org/" + "a-long-path/" * 10
    source = CardSource(id="X1", title="T" * 90, publisher="P", year=None, url=url)
    card = Card(kind="answer", answer_id="a", title="Title", lead="Lead.", points=["A point."], sources=[source])
    text = render(card)
    assert url in text.splitlines()[-1]
    assert "undated" in text


def test_a_word_longer_than_a_line_is_broken() -> None:
    card = Card(kind="fallback", answer_id="a", title="", lead=f"I do not cover {'x' * 200}.")
    text = render(card)
    assert not too_wide(text)
    assert "x" * 200 in squeezed(text)


def test_line_ends_of_a_lead_stay() -> None:
    card = Card(kind="menu", answer_id="a", title="Menu", lead="One.\nTwo.")
    assert render(card) == "Menu\n\nOne.\nTwo."


def test_empty_parts_leave_no_empty_blocks() -> None:
    assert render(Card(kind="smalltalk", answer_id="s", title="", lead="Hello.")) == "Hello."
