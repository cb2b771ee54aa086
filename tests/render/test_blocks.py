"""Cards as Block Kit: golden files, every answer of the knowledge, and every limit kept for cards that nobody would write."""

from __future__ import annotations

import json
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from slack_sdk.models.blocks import Block

from rolewise.answers.compose import Answers
from rolewise.cards import Card, CardSource, CardTable, Suggestion
from rolewise.channels.slack.home import view
from rolewise.knowledge import Knowledge, load
from rolewise.questions import Question
from rolewise.render.blocks import plain, render, summary
from rolewise.settings import settings
from tests.channels.slack.limits import message_faults, view_faults
from tests.render import golden

ROLES = ("mle", "swe", "ds")
SETS = [(role,) for role in ROLES] + [*combinations(ROLES, 2), ROLES]


@pytest.fixture(scope="module")
def knowledge() -> Knowledge:
    return load(settings().knowledge)


def faults(card: Card, **options: Any) -> list[str]:
    """What Slack would refuse of a card; slack_sdk looks at it as well."""
    blocks = render(card, golden.TAG, **options)
    for block in Block.parse_all(blocks):
        block.to_dict()
    assert all(block is not None for block in Block.parse_all(blocks))
    return [*message_faults({"text": summary(card), "blocks": blocks}), *message_faults({"text": plain(card)})]


def an_answer(**fields: Any) -> Card:
    return Card(**{"kind": "answer", "answer_id": "a1", "title": "A title?", "lead": "A lead.", **fields})


def texts(card: Card, kind: str = "section") -> list[str]:
    return [block["text"]["text"] for block in render(card) if block["type"] == kind]


@pytest.mark.parametrize("kind", golden.KINDS)
def test_each_kind_of_card_is_rendered_as_agreed(kind: str) -> None:
    assert golden.card(kind).kind == kind
    assert golden.rendered(kind) == golden.expected(kind)
    assert plain(golden.card(kind)) + "\n" == (golden.FOLDER / f"{kind}.txt").read_text(encoding="utf-8")
    assert not faults(golden.card(kind))


def test_every_answer_of_the_knowledge_is_one_that_slack_takes(knowledge: Knowledge) -> None:
    answers, seen = Answers(knowledge), 0
    for topic in [*knowledge.topics, "compare"]:
        for roles in SETS:
            question = Question(topic, roles, "overall" if topic == "compare" else None)
            if topic != "compare" or len(roles) > 1:
                card = answers.card([question], "a1", suggestions=[Question("salary", roles), Question("choose")])
                assert not faults(card, share=True, pressed=[card.suggestions[0].payload], edition=3, shared_by="U1"), question
                assert sum(block["type"] == "table" for block in render(card)) == bool(card.table)
                seen += 1
    assert seen > 150


def test_the_home_is_one_that_slack_takes(knowledge: Knowledge) -> None:
    assert not view_faults(view(knowledge))


ODD = st.text(alphabet="ab c&<>*_~`:|!@#\n\t–é漢😀\u200b", max_size=60)
LONG = st.one_of(ODD, st.builds(lambda text, times: (text + " ") * times, ODD, st.integers(1, 200)))
ROWS = st.integers(0, 130)


@st.composite
def cards(draw: st.DrawFn) -> Card:
    """Cards with too much of everything, and with nothing."""
    cells = draw(st.lists(LONG, min_size=1, max_size=6))
    columns = draw(st.lists(ODD, min_size=1, max_size=23))
    rows = [[cells[(row + column) % len(cells)] for column in range(len(columns))] for row in range(draw(ROWS))]
    url = st.one_of(st.none(), ODD, st.just("https://e.example/?a=1&b=<2>|3"), st.just("https://e.example/" + "x" * 4000))
    return Card(
        kind=draw(st.sampled_from(["answer", "comparison", "clarify", "fallback", "menu", "smalltalk", "error"])),
        answer_id=draw(ODD),
        title=draw(LONG),
        lead=draw(LONG),
        points=draw(st.lists(LONG, max_size=30)),
        table=draw(st.one_of(st.none(), st.just(CardTable(caption=draw(LONG), columns=columns, rows=rows)))),
        caveat=draw(st.one_of(st.none(), LONG)),
        sources=draw(
            st.lists(
                st.builds(CardSource, id=ODD, title=LONG, publisher=LONG, year=st.one_of(st.none(), st.integers()), url=url), max_size=40
            )
        ),
        suggestions=draw(st.lists(st.builds(Suggestion, title=LONG, payload=LONG), max_size=30)),
    )


@examples(max_examples=60, deadline=None)
@given(cards())
def test_no_card_breaks_a_limit(card: Card) -> None:
    assert not faults(card, share=True, pressed=[item.payload for item in card.suggestions[:2]], shared_by="U1")
    # Slack sends the message back at each press: ROLEWISE_MAX_BODY holds it.
    assert len(json.dumps(render(card), ensure_ascii=False)) < 50_000


def test_a_card_of_nothing_still_is_a_message() -> None:
    empty = Card(kind="smalltalk", answer_id="", title="", lead=" ")
    assert not faults(empty) and summary(empty) == "–"


def test_six_suggestions_are_six_buttons() -> None:
    items = [Suggestion(title=f"Question {number}?", payload=f"/ask_{number}") for number in range(6)]
    (buttons,) = [block["elements"] for block in render(an_answer(suggestions=items)) if block["type"] == "actions"]
    assert [(button["text"]["text"], button["value"]) for button in buttons] == [(item.title, item.payload) for item in items]
    many = [Suggestion(title=f"Question {number}?", payload=f"/ask_{number}") for number in range(40)]
    (buttons,) = [block["elements"] for block in render(an_answer(suggestions=many), share=True) if block["type"] == "actions"]
    assert len(buttons) == 25 and buttons[-1]["action_id"] == "share"


def test_control_characters_are_escaped_once_and_formatting_is_not_made_up() -> None:
    assert texts(an_answer(lead="R&D <here> & C++ > C")) == ["R&amp;D &lt;here&gt; &amp; C++ &gt; C"]
    assert summary(an_answer(lead="<!channel> & all")).endswith("&lt;!channel&gt; &amp; all")
    # What mrkdwn would take for bold, code, a quote or an emoji is shown as it is.
    for text in ("*not bold*", "use `rm -rf`", "> no quote", "a :smile: b"):
        (section,) = [block["text"] for block in render(an_answer(lead=text)) if block["type"] == "section"]
        assert section == {"type": "plain_text", "text": text, "emoji": False}
    assert texts(an_answer(caveat="Old figures.")) == ["A lead.", "*Note:* Old figures."]
    assert texts(an_answer(points=["one", "two & three"])) == ["A lead.", "• one\n• two &amp; three"]


def test_only_web_addresses_become_links() -> None:
    def source(url: str | None) -> str:
        shown = CardSource(id="S1", title="A & B", publisher="P", year=2024, url=url)
        (context,) = [block for block in render(an_answer(sources=[shown])) if block["type"] == "context"]
        return str(context["elements"][0]["text"])

    assert source("https://e.example/?a=1&b=2") == "*Sources*\n[S1] <https://e.example/?a=1&amp;b=2|A &amp; B>, P, 2024"
    for address in (None, "javascript:alert(1)", "https://e.example/a|b", "https://e.example/<b>", "ftp://e.example"):
        assert source(address) == "*Sources*\n[S1] A &amp; B, P, 2024"


def test_an_empty_cell_is_no_empty_cell_and_a_table_too_large_is_text() -> None:
    small = CardTable(caption="C", columns=["", "One", "Two"], rows=[["Row", "", "x"]])
    (table,) = [block for block in render(an_answer(table=small)) if block["type"] == "table"]
    cells = [[cell["elements"][0]["elements"][0]["text"] for cell in row] for row in table["rows"]]
    assert cells == [[" ", "One", "Two"], ["Row", "–", "x"]]
    large = CardTable(caption="C", columns=["", *map(str, range(21))], rows=[["Row", *["cell"] * 21]])
    assert "table" not in [block["type"] for block in render(an_answer(table=large))]
    assert "Row\n• 0: cell\n• 1: cell" in texts(an_answer(table=large))[-1]


def test_pressed_suggestions_are_marked() -> None:
    card = an_answer(suggestions=[Suggestion(title="One?", payload="/ask_1"), Suggestion(title="Two?", payload="/ask_2")])
    first, second = render(card, golden.TAG), render(card, golden.TAG, pressed=["/ask_2"], edition=1)
    buttons = second[-2]["elements"]
    assert [(button["text"]["text"], button.get("style")) for button in buttons] == [("One?", None), ("✓ Two?", "primary")]
    assert first[-2]["block_id"] != second[-2]["block_id"]
