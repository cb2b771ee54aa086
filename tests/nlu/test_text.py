"""What cleaning makes of typing errors, shorthand and missing spaces, and that every character is traced to what was typed."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rolewise.nlu.text import Cleaner

WORDS = """
what does do is a an the machine learning engineer engineers software data scientist science developer degree salary skills need tools
python interview remote work for how much earn which job and or without experience become language languages you your pay
"""
DOMAIN = dict.fromkeys(WORDS.split(), 80)
COMMON = "friend garden because people through together house river with from have this that there university mother".split()
KNOWN = [*COMMON, "nurse", "lerner", "kubernetes", "ray", "i", "c", "r", "learn"]


@pytest.fixture(scope="module")
def cleaner() -> Cleaner:
    return Cleaner(KNOWN, DOMAIN, COMMON)


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("wht degre do i ned", "what degree do i need"),
        ("machne lerning enginer", "machine learning engineer"),
        ("softwre devloper salry", "software developer salary"),
        ("data sceintist", "data scientist"),
        ("pyhton", "python"),
        ("intervew", "interview"),
        ("What does a Data Scientist do?", "what does a data scientist do?"),
        ("salaryyyyy", "salary"),
        ("sooooftware", "software"),
        ("univercity", "university"),
    ],
)
def test_typing_errors(cleaner: Cleaner, raw: str, clean: str) -> None:
    assert cleaner.clean(raw).text == clean


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("softwareengineer", "software engineer"),
        ("datascientist salary", "data scientist salary"),
        ("machinelearningengineer", "machine learning engineer"),
        ("whatdoes a developer do", "what does a developer do"),
    ],
)
def test_missing_spaces(cleaner: Cleaner, raw: str, clean: str) -> None:
    assert cleaner.clean(raw).text == clean


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("u need a degree w/o experience", "you need a degree without experience"),
        ("W/O a degree", "without a degree"),
        ("w/ python", "with python"),
        ("w/python", "with python"),
        ("job b/c pay", "job because pay"),
        ("s/w engineer", "software engineer"),
        ("idk", "i do not know"),
        ("wfh", "work from home"),
        ("pls", "please"),
        ("whats ur pay", "what is your pay"),
        ("jr coder", "junior coder"),
        ("5 yrs", "5 years"),
    ],
)
def test_shorthand(cleaner: Cleaner, raw: str, clean: str) -> None:
    assert cleaner.clean(raw).text == clean


@pytest.mark.parametrize(
    "text",
    [
        "nurse",
        "kubernetes",
        "lerner",
        "mother",
        "c++ and c#",
        "r and c",
        "java",
        "24/7",
        "and/or",
        "x-ray",
        "mid-level",
        "don't",
        "what's",
        "u.s.",
        "u.k.",
        "n/a",
        "https",
    ],
)
def test_left_as_it_is(cleaner: Cleaner, text: str) -> None:
    assert cleaner.clean(text).text == text


def test_far_words_are_not_forced_into_the_domain(cleaner: Cleaner) -> None:
    for text in ("zebra", "volcano", "qwrtzx", "xkcd", "tool", "pain"):
        assert cleaner.clean(text).text in (text, {"tool": "tools"}.get(text, text))


def test_common_word_one_letter_from_a_domain_word_stays() -> None:
    cleaner = Cleaner(["shills", "drills"], {"skills": 900}, ["shills", "drills"])
    assert cleaner.clean("shills drills skils").text == "shills drills skills"


def test_possessive_is_corrected_at_its_stem(cleaner: Cleaner) -> None:
    assert cleaner.clean("enginer's degree").text == "engineer's degree"
    assert cleaner.clean("engineer’s degree").text == "engineer's degree"


def test_addresses_and_emoji_go(cleaner: Cleaner) -> None:
    assert cleaner.clean("salary https://example.org/salary?x=1 💰 job").text.split() == ["salary", "job"]


def test_line_ends_stay_as_sentence_ends(cleaner: Cleaner) -> None:
    assert cleaner.clean("degree\nsalary").text == "degree\nsalary"


def test_loose_dashes_stand_free(cleaner: Cleaner) -> None:
    assert cleaner.clean("data- science").text == "data - science"
    assert cleaner.clean("data-science").text == "data-science"
    words = cleaner.clean("engineer—developer").text.split()
    assert (words[0], words[-1]) == ("engineer", "developer")


def test_empty(cleaner: Cleaner) -> None:
    cleaned = cleaner.clean("")
    assert cleaned.text == ""
    assert cleaned.span(0, 0) == (0, 0)


@pytest.mark.parametrize(
    ("raw", "word", "typed"),
    [
        ("  wht degre do i ned", "degree", "degre"),
        ("a softwareengineer job", "software engineer", "softwareengineer"),
        ("a softwareengineer job", "engineer", "softwareengineer"),
        ("pay w/o degre", "without", "w/o"),
        ("pay w/o degre", "degree", "degre"),
        ("💻💻 machne  lerning", "machine learning", "machne  lerning"),
        ("idk the salry", "salary", "salry"),
        ("see https://example.org for salry", "salary", "salry"),
        ("The\u200b Data  Sceintist's pay", "data scientist", "Data  Sceintist's"),
        ("Ｄａｔａ science", "data science", "Ｄａｔａ science"),
    ],
)
def test_span_is_what_was_typed(cleaner: Cleaner, raw: str, word: str, typed: str) -> None:
    cleaned = cleaner.clean(raw)
    start = cleaned.text.index(word)
    first, last = cleaned.span(start, start + len(word))
    assert raw[first:last] == typed


@settings(max_examples=200, deadline=None)
@given(
    st.text(max_size=80)
    | st.text("aeinorst '’-/.,?\n\u200bwuU", max_size=80)
    | st.lists(st.sampled_from(sorted(DOMAIN)), max_size=8).map("".join)
)
def test_never_raises_and_spans_are_inside(raw: str) -> None:
    cleaner = Cleaner(KNOWN, DOMAIN, COMMON)
    cleaned = cleaner.clean(raw)
    assert len(cleaned.origin) == len(cleaned.text)
    assert cleaned.text == cleaned.text.strip()
    positions = [0]
    for start, end in cleaned.origin:
        assert 0 <= start <= end <= len(raw)
        assert start >= positions[-1]
        positions.append(start)
    if cleaned.text:
        first, last = cleaned.span(0, len(cleaned.text))
        assert 0 <= first <= last <= len(raw)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(sorted({*DOMAIN, *COMMON})), min_size=1, max_size=12))
def test_right_words_stay_and_cleaning_twice_changes_nothing(picked: list[str]) -> None:
    cleaner = Cleaner(KNOWN, DOMAIN, COMMON)
    text = " ".join(picked)
    assert cleaner.clean(text).text == text


def test_vocabulary_from_messages() -> None:
    cleaner = Cleaner.from_messages(
        ["what does a fishmonger earn", "a fishmonger job", "which job"],
        ["Fish-Monger", "sushi chef"],
        ["what", "does", "earn", "which", "job"],
    )
    assert cleaner.clean("fishmonger").text == "fishmonger"
    assert cleaner.clean("wich job").text == "which job"
    assert cleaner.clean("sushi cheff").text == "sushi chef"


def test_share_of_known_words(cleaner: Cleaner) -> None:
    assert cleaner.known_share("what does a developer earn") == 1.0
    assert cleaner.known_share("") == 1.0
    assert cleaner.known_share("42 ?") == 1.0
    assert cleaner.known_share("was verdient ein softwareentwickler") < 0.45
