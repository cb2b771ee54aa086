"""The cards a person gets: every topic of every role, comparisons, places and levels, several questions at once."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest

from rolewise.answers.compose import Answers
from rolewise.cards import Card, CardTable
from rolewise.knowledge import load
from rolewise.questions import Evidence, Question
from rolewise.settings import settings

ROLES = ("mle", "swe", "ds")
TOPICS = (
    "define_role responsibilities daily_tasks skills languages tools degree experience start_learning salary demand career_path pros "
    "cons good_career industries difficulty collaboration choose switch_role interview remote_work ai_impact"
).split()
SETS = [*combinations(ROLES, 2), ROLES]


@pytest.fixture(scope="module")
def answers() -> Answers:
    return Answers(load(settings().knowledge))


def card_of(answers: Answers, *questions: Question, **options: Any) -> Card:
    return answers.card(questions, "a1", **options)


def table_of(card: Card) -> CardTable:
    assert card.table is not None
    return card.table


def place(answers: Answers, role: str, country: str | None = None, level: str | None = None) -> Card:
    return card_of(answers, Question("salary", (role,), None, country, level))


@pytest.mark.parametrize("topic", TOPICS)
@pytest.mark.parametrize("role", ROLES)
def test_every_topic_of_every_role(answers: Answers, role: str, topic: str) -> None:
    following = [Question("tools", (role,)), Question("choose"), Question("salary", ROLES)]
    card = card_of(answers, Question(topic, (role,)), suggestions=following)
    assert card.kind == "answer"
    assert [(question.topic, question.roles, question.aspect) for question in card.questions] == [(topic, [role], None)]
    assert card.title.endswith("?")
    assert card.lead
    assert 3 <= len(card.points) <= 7
    assert card.table is None
    assert card.sources
    assert all(source.title and source.publisher for source in card.sources)
    assert len({source.id for source in card.sources}) == len(card.sources)
    assert [item.payload for item in card.suggestions] == [question.payload() for question in following]
    assert all(item.title and "{" not in item.title for item in card.suggestions)


@pytest.mark.parametrize("topic", [*TOPICS, "compare"])
@pytest.mark.parametrize("roles", SETS, ids="-".join)
def test_every_comparison(answers: Answers, roles: tuple[str, ...], topic: str) -> None:
    card = card_of(answers, Question(topic, roles, "overall" if topic == "compare" else None))
    # The way from one role to another is told beside a table, but compares nothing.
    assert card.kind == ("answer" if topic == "switch_role" else "comparison")
    assert card.lead.endswith((".", "!"))
    assert len(table_of(card).columns) == 1 + len(roles)
    names = [answers.knowledge.roles[role].name for role in roles]
    assert [column.lower() for column in table_of(card).columns[1:]] == names
    assert all(len(row) == len(table_of(card).columns) for row in table_of(card).rows)
    assert all(cell.strip() for row in table_of(card).rows for cell in row)
    assert "not known" not in str(table_of(card).rows)
    if topic == "compare":
        assert len(table_of(card).rows) >= 5
        assert (card.questions[0].topic, card.questions[0].aspect) == ("compare", "overall")
    else:
        assert table_of(card).rows[0][0] == answers.knowledge.topics[topic].title
        assert (card.questions[0].topic, card.questions[0].aspect) == (topic, None)
    assert card.sources


def test_comparison_on_an_aspect_is_that_topic(answers: Answers) -> None:
    card = card_of(answers, Question("compare", ("mle", "swe"), "salary"))
    assert (card.questions[0].topic, card.questions[0].roles, card.questions[0].aspect) == ("salary", ["mle", "swe"], None)
    assert table_of(card).rows[0][0] == "Salary"


def test_columns_stand_in_the_order_of_the_question(answers: Answers) -> None:
    card = card_of(answers, Question("tools", ("ds", "mle")))
    assert table_of(card).columns == ["", "Data scientist", "Machine learning engineer"]


def test_comparison_of_one_role_puts_it_beside_the_others(answers: Answers) -> None:
    card = card_of(answers, Question("compare", ("ds",), "overall"))
    assert table_of(card).columns[1] == "Data scientist"
    assert len(table_of(card).columns) == 4


def test_general_answers(answers: Answers) -> None:
    for topic, entry in answers.knowledge.topics.items():
        if entry.general and topic != "compare":
            card = card_of(answers, Question(topic))
            assert card.kind == "answer"
            assert card.lead == entry.general.lead.text
            assert card.points
            assert card.sources


@pytest.mark.parametrize("role", ROLES)
def test_no_figure_for_a_place_is_said(answers: Answers, role: str) -> None:
    for code, name in [("JP", "Japan"), ("BR", "Brazil")]:
        card = place(answers, role, code)
        assert card.lead.startswith("There is no sourced figure for ")
        assert f"in {name}" in card.lead
        assert "nearest" in card.lead
        assert "US" in card.lead


def test_salary_in_india(answers: Answers) -> None:
    assert place(answers, "swe", "NG").lead.startswith("There is no sourced figure for software engineers in Nigeria.")
    known = place(answers, "mle", "India")
    assert known.lead.startswith("For machine learning engineers in India: ") and "₹700,000" in known.lead
    assert "900,000" in known.lead
    assert "2023" in known.lead
    figures = [figure for figure in answers.knowledge.roles["mle"].answers["salary"].figures if figure.country == "India"]
    assert {source for figure in figures for source in figure.sources} <= {source.id for source in known.sources}


def test_salary_in_the_uk(answers: Answers) -> None:
    lead = place(answers, "ds", "UK").lead
    assert "in the United Kingdom" in lead
    assert "£" in lead
    assert "$" not in lead
    assert "no sourced figure" not in lead
    # A figure of a wider group comes named as what it is.
    assert "£43,283" not in lead or "wider group" in lead


def test_entry_level(answers: Answers) -> None:
    for role in ROLES:
        lead = place(answers, role, level="entry").lead
        assert "at entry level" in lead
        assert "£" in lead
        lead = place(answers, role, "US", "entry").lead
        assert lead.startswith("There is no sourced figure for ")
        assert "at entry level in the United States" in lead
        assert "$" in lead


def test_uk_entry_level(answers: Answers) -> None:
    assert "£28,900" in place(answers, "mle", "UK", "entry").lead
    assert "£31,000" in place(answers, "swe", "UK", "entry").lead
    assert "£32,000" in place(answers, "ds", "UK", "entry").lead


@pytest.mark.parametrize("role", ROLES)
def test_senior_level_is_no_starter_figure(answers: Answers, role: str) -> None:
    lead = place(answers, role, "UK", "senior").lead.lower()
    assert "senior" in lead
    assert not {"starter", "starting", "entry level:"} & set(lead.split())


def test_words_for_places_are_english(answers: Answers) -> None:
    for country in answers.knowledge.countries:
        words = answers.place(Question("salary", ("ds",), None, country.code))
        article = country.name.startswith(("United", "Netherlands", "Philippines"))
        assert words == f"in {'the ' if article else ''}{country.name}"
    for level in answers.knowledge.levels:
        words = answers.place(Question("salary", ("ds",), None, None, level.id))
        assert words.startswith("at ") and words.endswith(" level")


def test_every_figure_shown_is_sourced(answers: Answers) -> None:
    for role in ROLES:
        for country in [None, *(country.code for country in answers.knowledge.countries)]:
            for level in [None, *(level.id for level in answers.knowledge.levels)]:
                question = Question("salary", (role,), None, country, level)
                card = card_of(answers, question)
                if not (country or level):
                    continue
                figures, _ = answers.figures(answers.entry(question), country, level)
                assert figures
                assert {source for figure in figures for source in figure.sources} <= {source.id for source in card.sources}
                for figure in figures:
                    assert answers.figure_line(figure) in card.lead


def test_place_in_a_comparison(answers: Answers) -> None:
    card = card_of(answers, Question("salary", ("ds", "swe"), None, "UK"))
    assert any("£" in point for point in card.points)
    card = card_of(answers, Question("salary", ("mle", "swe"), None, "NG"))
    assert any("no sourced figure for software engineers in Nigeria" in point for point in card.points)


def test_a_place_without_a_role_is_answered_for_all_roles(answers: Answers) -> None:
    card = card_of(answers, Question("salary", (), None, "UK"))
    assert card.table is not None and len(card.table.columns) == 1 + len(answers.knowledge.roles)
    assert sum("United Kingdom" in point for point in card.points) == len(answers.knowledge.roles)


def test_two_questions_in_one_card(answers: Answers) -> None:
    first, second = Question("define_role", ("mle",)), Question("degree", ("mle",))
    card = card_of(answers, first, second)
    assert card.kind == "answer"
    assert [question.topic for question in card.questions] == ["define_role", "degree"]
    text = " ".join([card.lead, *card.points])
    mle = answers.knowledge.roles["mle"].answers
    assert text.index(mle["define_role"].lead.text) < text.index(mle["degree"].lead.text)
    assert "What is a machine learning engineer?" in card.title
    assert {source.id for source in card.sources} >= {*mle["define_role"].lead.sources, *mle["degree"].lead.sources}


def test_question_and_comparison_in_one_card(answers: Answers) -> None:
    card = card_of(answers, Question("tools", ("ds",)), Question("salary", ("mle", "swe")))
    assert card.kind == "answer"
    assert card.table is not None
    assert answers.knowledge.roles["ds"].answers["tools"].lead.text in " ".join([card.lead, *card.points])


def test_two_comparisons_in_one_card_lose_no_cell(answers: Answers) -> None:
    card = card_of(answers, Question("tools", ("ds", "mle")), Question("salary", ("ds", "mle")))
    assert card.kind == "comparison"
    text = str(table_of(card).rows) + " ".join(card.points)
    for role in ("ds", "mle"):
        for topic in ("tools", "salary"):
            cell = answers.knowledge.roles[role].answers[topic].cell
            assert cell is not None
            assert cell.text in text


def test_note_comes_first(answers: Answers) -> None:
    assert card_of(answers, Question("tools", ("ds",)), note="As before:").lead.startswith("As before: ")


@pytest.mark.parametrize("topic", TOPICS)
@pytest.mark.parametrize("role", ROLES)
def test_short_and_full(answers: Answers, role: str, topic: str) -> None:
    question = Question(topic, (role,))
    short, normal, full = (card_of(answers, question, shown=shown) for shown in ("short", "normal", "full"))
    entry = answers.entry(question)
    assert short.points == []
    assert short.lead == normal.lead == full.lead == entry.lead.text
    assert {point.text for point in entry.points} <= set(full.points)
    assert set(normal.points) <= set(full.points)
    assert len(set(full.points)) == len(full.points)
    assert short.sources
    assert {source.id for source in short.sources} <= {source.id for source in full.sources}
    cited = {source for point in entry.points for source in point.sources}
    assert cited <= {source.id for source in full.sources}


def test_full_salary_names_the_figures(answers: Answers) -> None:
    for role in ROLES:
        text = " ".join(card_of(answers, Question("salary", (role,)), shown="full").points)
        assert "£" in text
        assert "$" in text


def test_suggestions_are_at_most_four_and_none_twice(answers: Answers) -> None:
    questions = [Question(topic, ("mle",)) for topic in ("tools", "tools", "salary", "skills", "pros", "cons")]
    suggested = answers.suggestions(questions)
    assert len(suggested) == 4
    assert len({item.title for item in suggested}) == 4


@pytest.mark.parametrize(
    ("question", "known"),
    [
        (Question("salary", ("mle",)), True),
        (Question("choose"), True),
        (Question("compare"), True),
        (Question("define_role"), True),
        (Question("hats", ("mle",)), False),
        (Question("salary", ("cook",)), False),
        (Question("compare", ("mle", "cook"), "salary"), False),
        (Question("compare", ("mle", "ds"), "hats"), False),
    ],
)
def test_what_it_knows(answers: Answers, question: Question, known: bool) -> None:
    assert answers.knows(question) is known


def test_an_answer_for_one_country_keeps_to_it(answers: Answers) -> None:
    for role in answers.knowledge.roles:
        card = card_of(answers, Question("salary", (role,), None, "UK"))
        assert "£" in card.lead and not [point for point in card.points if "$" in point and "UK" not in point]
    noted = answers.card([Question("salary", ("ds",), None, "UK")], "a1", "For data scientists, as before:")
    assert noted.lead.count("For data scientists") == 1


# -- the facts nearest to a message -----------------------------------------------------------------------------------------------

MEETINGS = Evidence("meetings", 0, 1.0)
FAR = Evidence("meetings", 1, -5.0, None, False)


def text_of(answers: Answers, item: Evidence) -> str:
    subject = answers.knowledge.subject(item.subject)
    assert subject is not None
    return str(subject.claims[item.claim].text)


@pytest.mark.parametrize("topic", ["salary", "daily_tasks"])
@pytest.mark.parametrize("whole", [True, False])
def test_what_answers_the_message_is_said_whatever_the_topic(answers: Answers, topic: str, whole: bool) -> None:
    card = card_of(answers, Question(topic, ("swe",), evidence=(MEETINGS, FAR), whole=whole))
    assert text_of(answers, MEETINGS) in card.points and text_of(answers, FAR) not in card.points
    assert len(card.points) <= 4
    assert (card.points[0] == text_of(answers, MEETINGS)) == (not whole)


def test_what_is_only_near_is_said_where_the_topic_may_not_answer(answers: Answers) -> None:
    near = Evidence("meetings", 0, -2.0, None, False)
    assert text_of(answers, near) in card_of(answers, Question("salary", ("swe",), evidence=(near,), whole=False)).points
    assert text_of(answers, near) not in card_of(answers, Question("salary", ("swe",), evidence=(near,), whole=True)).points


def test_a_comparison_says_what_answers_the_message(answers: Answers) -> None:
    women = Evidence("women_and_gender", 0, 1.0)
    on_pay = card_of(answers, Question("salary", ("swe", "ds"), evidence=(women,), whole=False))
    assert on_pay.kind == "comparison" and text_of(answers, women) in on_pay.points
    as_a_whole = card_of(answers, Question("compare", ("swe", "ds"), "overall", evidence=(women,), whole=False))
    plain = card_of(answers, Question("compare", ("swe", "ds"), "overall"))
    assert as_a_whole.lead == text_of(answers, women) and plain.lead in as_a_whole.points and as_a_whole.table == plain.table


def test_the_nearest_of_another_subject_stands_among_the_points(answers: Answers) -> None:
    other = Evidence("women_and_gender", 0, 0.5, None, False)
    card = card_of(answers, Question("collaboration", (), None, None, None, ("meetings",), None, (MEETINGS, other), True))
    assert card.lead == text_of(answers, MEETINGS) and text_of(answers, other) in card.points


def test_short_is_the_lead_alone(answers: Answers) -> None:
    assert not card_of(answers, Question("salary", ("swe",), evidence=(MEETINGS,), whole=False), shown="short").points


def test_what_is_near_of_another_country_is_not_said(answers: Answers) -> None:
    (spain,) = [subject for subject in answers.knowledge.subjects if subject.id == "pay_spain"]
    number = next(number for number, fact in enumerate(spain.facts) if fact.country == "ES" and (not fact.roles or "ds" in fact.roles))
    near = Evidence("pay_spain", number, 2.0)
    for country, said in ((None, True), ("ES", True), ("UK", False)):
        card = card_of(answers, Question("salary", ("ds",), None, country, evidence=(near,), whole=True))
        assert (text_of(answers, near) in card.points) == said


def test_a_far_fact_of_another_subject_is_not_said_as_a_roles_own(answers: Answers) -> None:
    subject = next(one for one in answers.knowledge.subjects if one.id != "meetings" and one.facts and one.facts[0].roles == ["ds"])
    far = Evidence(str(subject.id), 0, -5.5, None, False)
    card = card_of(answers, Question("collaboration", ("swe", "ds"), None, None, None, ("meetings",), None, (MEETINGS, far), True))
    assert text_of(answers, far) not in card.points


def test_nothing_is_said_twice(answers: Answers) -> None:
    near = (MEETINGS, Evidence("meetings", 1, 0.5))
    card = card_of(
        answers,
        Question("collaboration", ("swe",), None, None, None, ("meetings",), None, near, True),
        Question("daily_tasks", ("swe",), evidence=near, whole=False),
    )
    assert sum(text_of(answers, MEETINGS) in point for point in card.points) == 1 and len(set(card.points)) == len(card.points)


def test_what_leads_a_comparison_answers_and_keeps_its_opening(answers: Answers) -> None:
    near = Evidence("women_and_gender", 0, -2.0, None, False)
    plain = card_of(answers, Question("compare", ("swe", "ds"), "overall")).lead
    assert card_of(answers, Question("compare", ("swe", "ds"), "overall", evidence=(near,), whole=False)).lead == plain
    opened = Evidence("women_and_gender", 0, 1.0, "Hardly")
    assert card_of(answers, Question("compare", ("swe", "ds"), "overall", evidence=(opened,), whole=False)).lead.startswith("Hardly. ")
