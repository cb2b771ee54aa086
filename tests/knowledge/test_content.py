"""Rules over the shipped knowledge file: nothing missing, nothing unsourced, nothing too long to tap."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import combinations, product
from pathlib import Path

import pytest

from rolewise.answers.compose import Answers
from rolewise.knowledge import Entry, Fact, Figure, Knowledge, Statement, load
from rolewise.questions import Question

ROOT = Path(__file__).parent.parent.parent

ROLES = ("mle", "swe", "ds")
TOPICS = (
    "define_role responsibilities daily_tasks skills languages tools degree experience start_learning salary demand career_path pros "
    "cons good_career industries difficulty collaboration choose switch_role interview remote_work ai_impact"
).split()
SETS = [*combinations(ROLES, 2), ROLES]
MAX_TITLE = 60


@pytest.fixture(scope="module")
def knowledge() -> Knowledge:
    return load(ROOT / "knowledge")


def entries(knowledge: Knowledge) -> Iterator[tuple[str, Entry]]:
    """(where, entry) of every answer and every general answer."""
    for role_id, role in knowledge.roles.items():
        for topic, entry in role.answers.items():
            yield f"{role_id}.{topic}", entry
    for topic_id, about in knowledge.topics.items():
        if about.general:
            yield f"general.{topic_id}", about.general


def statements(knowledge: Knowledge) -> Iterator[tuple[str, Statement | Figure]]:
    """(where, statement) of everything that carries sources: leads, points, cells, figures, comparisons."""
    for where, entry in entries(knowledge):
        yield f"{where}.lead", entry.lead
        yield from ((f"{where}.points.{index}", point) for index, point in enumerate(entry.points))
        yield from ((f"{where}.figures.{index}", figure) for index, figure in enumerate(entry.figures))
        if entry.cell:
            yield f"{where}.cell", entry.cell
    for comparison in knowledge.comparisons:
        name = "-".join(comparison.roles)
        yield name, comparison.lead
        yield from ((f"{name}.{topic}", statement) for topic, statement in comparison.topics.items())


def facts(knowledge: Knowledge) -> Iterator[tuple[str, Fact]]:
    """(where, fact) of every subject."""
    for subject in knowledge.subjects:
        yield from ((f"{subject.id}.facts.{number}", fact) for number, fact in enumerate(subject.facts))


def test_roles_and_topics_are_those_agreed(knowledge: Knowledge) -> None:
    assert set(knowledge.roles) >= set(ROLES)
    assert set(knowledge.topics) >= {*TOPICS, "compare"}


@pytest.mark.parametrize("topic", TOPICS)
@pytest.mark.parametrize("role", ROLES)
def test_every_role_answers_every_topic(knowledge: Knowledge, role: str, topic: str) -> None:
    entry = knowledge.roles[role].answers[topic]
    assert 3 <= len(entry.lead.text.split()) <= 45
    assert entry.lead.text.rstrip().endswith((".", "!", "?"))
    assert 3 <= len(entry.points) <= 7
    assert len({point.text for point in entry.points}) == len(entry.points)
    assert entry.cell is not None
    assert 2 <= len(entry.cell.text) <= 60


def test_every_statement_has_sources_that_exist(knowledge: Knowledge) -> None:
    lost = [where for where, statement in statements(knowledge) if not statement.sources or set(statement.sources) - set(knowledge.sources)]
    assert not lost


def test_no_source_stands_twice_in_a_statement(knowledge: Knowledge) -> None:
    assert not [where for where, statement in statements(knowledge) if len(set(statement.sources)) < len(statement.sources)]


def test_every_source_is_used(knowledge: Knowledge) -> None:
    used = {source for _, statement in (*statements(knowledge), *facts(knowledge)) for source in statement.sources}
    assert not set(knowledge.sources) - used


def test_the_two_articles_are_cited(knowledge: Knowledge) -> None:
    for source in ("S1", "S2"):
        assert sum(source in statement.sources for _, statement in statements(knowledge)) >= 10


def test_every_figure_says_where_and_when(knowledge: Knowledge) -> None:
    levels = {"all", "entry", "mid", "experienced", "senior"} | {f"p{number}" for number in range(1, 100)}
    countries = {country.code for country in knowledge.countries} | {"worldwide", "world", "global", "Europe", "EU", "not stated"}
    faults = []
    figures = [(where, figure) for where, entry in entries(knowledge) for figure in entry.figures]
    assert figures
    for where, figure in figures:
        place = figure.country.split(" (")[0]
        if not (figure.period.strip() and figure.unit.strip() and figure.level in levels):
            faults.append(f"{where}: {figure.label}")
        if where.endswith("salary") and place not in countries:
            faults.append(f"{where}: {figure.label}: {figure.country}")
        if isinstance(figure.value, tuple) and not figure.value[0] < figure.value[1]:
            faults.append(f"{where}: {figure.label}: {figure.value}")
    assert not faults


def test_a_role_without_an_official_salary_says_so(knowledge: Knowledge) -> None:
    for role_id, role in knowledge.roles.items():
        entry = role.answers["salary"]
        official = [figure for figure in entry.figures if figure.kind == "official"]
        assert official or entry.no_figure, role_id


@pytest.mark.parametrize("roles", SETS, ids="-".join)
def test_comparisons_cover_every_topic(knowledge: Knowledge, roles: tuple[str, ...]) -> None:
    comparison = knowledge.comparison(list(roles))
    assert comparison is not None
    assert set(comparison.topics) >= set(TOPICS)


def test_titles_fit_a_button(knowledge: Knowledge) -> None:
    answers = Answers(knowledge)
    titles = {
        answers.title(Question(topic, roles, "overall" if topic == "compare" else None))
        for topic in knowledge.topics
        for roles in [(), *((role,) for role in ROLES), *SETS]
    }
    assert not [title for title in titles if len(title) > MAX_TITLE or "{" in title]


def test_titles_of_different_questions_differ(knowledge: Knowledge) -> None:
    answers = Answers(knowledge)
    titles = [
        answers.title(Question(topic, roles, "overall" if topic == "compare" else None))
        for topic in knowledge.topics
        for roles in [*((role,) for role in ROLES), *SETS]
        if not (topic == "compare" and len(roles) == 1)
    ]
    assert len(set(titles)) == len(titles)


def test_reviewed_on_is_a_date(knowledge: Knowledge) -> None:
    assert isinstance(knowledge.reviewed_on, date)
    assert knowledge.reviewed_on.year >= 2024
    assert all(entry.reviewed_on is None or isinstance(entry.reviewed_on, date) for _, entry in entries(knowledge))


def test_texts_hold_no_markup_or_placeholder(knowledge: Knowledge) -> None:
    texts = [(where, statement.text) for where, statement in statements(knowledge) if isinstance(statement, Statement)]
    texts += [(where, entry.caveat) for where, entry in entries(knowledge) if entry.caveat]
    marks = ("{", "}", "**", "](", "TODO", "\n", "—")
    assert not [where for where, text in texts if any(mark in text for mark in marks)]


def test_what_is_looked_up_is_that_of_the_knowledge_at_hand(knowledge: Knowledge) -> None:
    first, *others = knowledge.subjects
    assert knowledge.subject(first.id) is first and knowledge.subject("no_such_subject") is None
    without = knowledge.copy(update={"subjects": others})
    assert without.subject(first.id) is None and without.subject(others[0].id) is others[0]
    assert list(without.subjects_by_id()) == [subject.id for subject in others]


def test_subjects_of_a_topic_come_with_what_is_known_for_the_roles(knowledge: Knowledge) -> None:
    for topic, roles in product(("salary", "skills"), ((), ("ds",), ("swe",), ("swe", "ds"))):
        counts = {
            subject.id: sum(not fact.roles or set(roles) <= set(fact.roles) for fact in subject.facts) for subject in knowledge.subjects
        }
        fitting = [subject for subject in knowledge.subjects if topic in subject.topics]
        wanted = sorted(fitting, key=lambda subject: (subject.topics[0] != topic, -counts[subject.id]))
        assert [(subject.id, facts) for subject, facts in knowledge.subjects_of(topic, roles)] == [(s.id, counts[s.id]) for s in wanted]
