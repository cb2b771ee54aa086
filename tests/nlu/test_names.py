"""The names found in a text, with the shipped knowledge: every name of a role, other titles, and nothing where there is none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from spacy.language import Language

from rolewise.knowledge import load
from rolewise.nlu import names
from rolewise.nlu.text import TOKEN, Cleaner
from rolewise.settings import settings

KNOWLEDGE = load(settings().knowledge)
ROLES = KNOWLEDGE.roles

Find = Callable[..., list[tuple[str, str]]]
FindRoles = Callable[[str], list[str]]

SPELLED = [
    (role_id, name) for role_id, role in ROLES.items() for name in [role.name, role.plural, role.short, role.field, *role.aliases]
]  # fmt: skip
MISSPELLED = [(role_id, name) for role_id, role in ROLES.items() for name in role.misspellings]
WEAK = [(role_id, name) for role_id, role in ROLES.items() for name in role.weak_aliases]


@pytest.fixture(scope="module")
def nlp() -> Language:
    return names.build(KNOWLEDGE)


@pytest.fixture(scope="module")
def found(nlp: Language) -> Find:
    """(label, id) of the names in a text, in order."""

    def find(text: str, *labels: str) -> list[tuple[str, str]]:
        wanted = labels or names.LABELS
        return [(mention.label, mention.id) for mention in names.mentions(nlp(text)) if mention.label in wanted]

    return find


@pytest.fixture(scope="module")
def roles(found: Find) -> FindRoles:
    return lambda text: [identity for _, identity in found(text, names.ROLE)]


@pytest.mark.parametrize(("role", "name"), SPELLED + MISSPELLED, ids=lambda value: value.replace(" ", "-"))
def test_every_name_of_a_role(found: Find, role: str, name: str) -> None:
    for text in (f"tell me about {name} please", f"{name}?", f"is {name} hard", name):
        assert found(text.lower(), names.ROLE, names.OTHER_TITLE, names.COMPANY) == [("role", role)], text


@pytest.mark.parametrize(("role", "name"), WEAK)
def test_weak_name_alone_is_its_role(roles: FindRoles, role: str, name: str) -> None:
    assert roles(f"what about {name}?") == [role]
    assert roles(f"is {name} a good career") == [role]


@pytest.mark.parametrize(
    ("text", "role"),
    [
        ("what do machine learning engineers do", "mle"),
        ("what do machine-learning engineers do", "mle"),
        ("machine learning-engineer pay", "mle"),
        ("a machine learning engineer's day", "mle"),
        ("machine learning engineers' pay", "mle"),
        ("mles' pay", "mle"),
        ("mle's degree", "mle"),
        ("ml-engineer", "mle"),
        ("ml/ai engineers", "mle"),
        ("software-engineer", "swe"),
        ("the software engineer's tools", "swe"),
        ("developers", "swe"),
        ("a developer's salary", "swe"),
        ("programmers' hours", "swe"),
        ("swes", "swe"),
        ("sdes at work", "swe"),
        ("data-scientist", "ds"),
        ("data/science", "ds"),
        ("a data scientist's tools", "ds"),
        ("data scientists.", "ds"),
        ("(data scientist)", "ds"),
        ("data-science career", "ds"),
    ],
)
def test_plural_hyphen_possessive(roles: FindRoles, text: str, role: str) -> None:
    assert roles(text) == [role]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mle vs ds on degree", ["mle", "ds"]),
        ("mle/swe/ds salary", ["mle", "swe", "ds"]),
        ("mle, swe and ds", ["mle", "swe", "ds"]),
        ("difference between data science and ml engineering", ["ds", "mle"]),
        ("data scientist or software engineer", ["ds", "swe"]),
        ("is a data scientist a programmer", ["ds", "swe"]),
    ],
)
def test_several_roles(roles: FindRoles, text: str, expected: Any) -> None:
    assert roles(text) == expected


TITLES = """
data analyst, data engineer, ai engineer, mlops engineer, front-end developer, frontend developer, front end developers, nurse, nurses,
nursing, doctor, lawyer, accountant, product manager, project manager, business analyst, web developer, web developers, devops engineer,
devops, qa engineer, full-stack developer, full stack developer, mobile developer, game developer, civil engineer, mechanical engineer,
teacher, statistician, actuary, research scientist, nlp engineer, computer vision engineer, prompt engineer, cloud engineer,
site reliability engineer, security engineer, database administrator, ux designer, technical writer, scrum master, plumber, chef,
police officer, pharmacist, backend developers, embedded software engineer, dev ops engineer
"""


@pytest.mark.parametrize("title", [title.strip() for title in TITLES.replace("\n", " ").split(",")])
def test_other_titles(found: Find, title: str) -> None:
    for text in (f"what does a {title} earn", f"{title}?", f"how do i become a {title}"):
        hits = found(text, names.ROLE, names.OTHER_TITLE, names.COMPANY)
        assert [label for label, _ in hits] == ["other_title"], text
        assert KNOWLEDGE.title_of_other(hits[0][1]) is not None


def test_every_other_title_is_found_as_itself(found: Find) -> None:
    lost = []
    for title in KNOWLEDGE.other_titles:
        for name in (title.name, *title.aliases):
            hits = found(f"tell me about {name.lower()} please", names.ROLE, names.OTHER_TITLE, names.COMPANY)
            if hits != [("other_title", title.name)]:
                lost.append((name, hits))
    assert not lost


def test_cleaning_leaves_every_name_as_it_is(found: Find) -> None:
    """Shorthand must not turn the name of one job into that of another ("dev ops engineer" is no developer)."""
    spelled = [(("role", role), name) for role, name in SPELLED]
    spelled += [(("other_title", title.name), name) for title in KNOWLEDGE.other_titles for name in (title.name, *title.aliases)]
    cleaner = Cleaner({token.lower() for _, name in spelled for token in TOKEN.findall(name)}, {}, ())
    lost = []
    for expected, name in spelled:
        clean = cleaner.clean(f"about {name} please").text
        if found(clean, names.ROLE, names.OTHER_TITLE, names.COMPANY) != [expected]:
            lost.append((name, clean))
    assert not lost


def test_cleaning_leaves_topics_countries_and_levels_as_they_are(found: Find) -> None:
    spelled = [(("topic", topic_id), name) for topic_id, topic in KNOWLEDGE.topics.items() for name in topic.aliases]
    spelled += [(("country", country.code), name) for country in KNOWLEDGE.countries for name in (country.name, *country.aliases)]
    spelled += [(("level", level.id), name) for level in KNOWLEDGE.levels for name in level.aliases]
    cleaner = Cleaner({token.lower() for _, name in spelled for token in TOKEN.findall(name)}, {}, ())
    lost = []
    for expected, name in spelled:
        clean = cleaner.clean(f"about {name} please").text
        before = found(f"about {name.lower()} please")
        if expected in before and expected not in found(clean):
            lost.append((name, clean, expected))
    assert not lost


ORDINARY = """
Do I need a CS degree?
Are tech jobs safe?
I have a degree in computer science.
What coding languages should I learn?
How good do I have to be at machine learning algorithms?
Which programming language is the best first one?
I like solving puzzles and working with numbers.
My friend says that maths matters most.
Is it hard to find a job in tech?
What is the job market like at the moment?
How long does it take to get promoted?
I am 45, is it too late for me?
Can I work from home?
What does a typical day look like?
How much holiday do people get?
Do I have to know statistics?
I see what you mean.
It pays the bills.
I want to lead a team one day.
Which of the three pays best?
Can I switch later?
I would rather not do overtime.
Do people in this job travel a lot?
Where do these numbers come from?
I cannot code at all.
Would an apprenticeship be enough?
I got rejected twice after the coding interview.
Do employers look at grades?
What should I put in my portfolio?
Is Python enough or do I need Java too?
Is a bootcamp worth the money?
I study physics in my second year.
We learned about databases at school.
Thank you very much.
Hello there.
That makes sense.
No, the other one.
Can you repeat that?
Give me a shorter answer.
What can you do?
The weather is lovely today.
I need to target bigger salaries.
The block of flats where I live is wise with energy.
Apple pie is my favourite.
What is a meta question?
I had to square the numbers and arm myself with patience.
Chase your dreams, they say.
I like to ski and to play chess.
Does AI take over the work?
To the best of my knowledge it is rare.
The top of the ladder is far away.
She is the head of the family.
Let us model the cost of living.
I want a career with data in it.
Is engineering the right thing for me?
Scientists found a new planet.
What does science say about happiness?
I love learning new things.
My computer is slow.
Which tools are free?
We built a small robot in a club.
Can you test my knowledge?
I design posters in my spare time.
The manager of my shop is kind.
I write a lot of reports.
What is the minimum wage?
Is there an age limit?
What are the hours?
How competitive is it?
Give me a quick sales pitch.
Who should I talk to for advice?
I am a woman, is the field welcoming?
I enjoy cooking, teaching and drawing.
I prefer to work alone at night.
Where can I learn to program?
"""


@pytest.mark.parametrize("text", ORDINARY.strip().splitlines())
def test_ordinary_sentences_name_nobody(found: Find, text: str) -> None:
    assert found(text.lower(), names.ROLE, names.OTHER_TITLE, names.COMPANY) == []


def test_there_are_enough_ordinary_sentences() -> None:
    assert len(ORDINARY.strip().splitlines()) >= 60


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("which coding languages does a data scientist use", ["ds"]),
        ("how much coding does a data scientist do", ["ds"]),
        ("do software engineers need machine learning", ["swe"]),
        ("does a data scientist use machine learning", ["ds"]),
        ("how much programming is there in data science", ["ds"]),
        ("how much coding is there", []),
        ("do i need programming skills", []),
        ("machine learning algorithms for data scientists", ["ds"]),
        ("programming language", []),
        ("coding vs data science", ["swe", "ds"]),
        ("data science vs machine learning", ["ds", "mle"]),
        ("machine learning or software engineering", ["mle", "swe"]),
        ("software engineering and machine learning: which pays more", ["swe", "mle"]),
        ("is machine learning hard", ["mle"]),
        ("i love coding", []),
        ("i hate coding, is data science for me", ["ds"]),
        # What is told in another sentence is the story around.
        ("a plumber by day. which languages for ml", ["mle"]),
        ("i am a data scientist. is coding harder", ["ds", "swe"]),
    ],
)
def test_weak_names(roles: FindRoles, text: str, expected: Any) -> None:
    assert roles(text) == expected


@pytest.mark.parametrize("company", ["google", "amazon", "deepmind", "booking.com", "at&t", "goldman sachs"])
def test_companies(found: Find, company: str) -> None:
    assert found(f"what does {company} pay", names.COMPANY) == [("company", company)]


def test_companies_that_are_words_count_only_with_a_capital_inside_a_sentence() -> None:
    pattern = names.cased_pattern(KNOWLEDGE.companies_cased)
    assert pattern is not None
    assert [match.group() for match in pattern.finditer("How do I get hired at Apple or Meta?")] == ["Apple", "Meta"]
    for text in ("i like an apple", "Target a good salary", "What now? Square the numbers.", "the Applebys", ""):
        assert not pattern.search(text)
    assert names.cased_pattern([]) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("salary in london", ("country", "UK")),
        ("pay in bangalore", ("country", "India")),
        ("what do they earn in the us", ("country", "US")),
        ("junior pay", ("level", "entry")),
        ("senior pay", ("level", "senior")),
        ("freshers", ("level", "entry")),
        ("salary in the u.s.", ("country", "US")),
    ],
)
def test_places_and_levels(found: Find, text: str, expected: Any) -> None:
    assert expected in found(text, names.COUNTRY, names.LEVEL)


@pytest.mark.parametrize("text", ["tell us more", "can you help us", "it pays well", "no idea", "use less power"])
def test_short_words_are_no_country(found: Find, text: str) -> None:
    assert found(text, names.COUNTRY) == []


def test_mentions_stand_where_they_say(nlp: Language) -> None:
    text = "is a data scientist better paid than a nurse in london"
    for mention in names.mentions(nlp(text)):
        assert text[mention.start : mention.end] == mention.text
    assert [text[m.start : m.end] for m in names.mentions(nlp(text)) if m.label != names.TOPIC] == ["data scientist", "nurse", "london"]


def test_pipeline_survives_a_directory(nlp: Language, tmp_path: Path) -> None:
    import spacy

    nlp.to_disk(tmp_path / "spacy")
    doc = spacy.load(tmp_path / "spacy")("mle vs data engineer")
    assert [mention.id for mention in names.mentions(doc)][::2] == ["mle", "data engineer"]
