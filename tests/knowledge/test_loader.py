"""What an author of the knowledge file is told: each fault with file, line and field, all of them at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from rolewise.knowledge import KnowledgeError, load, loads

ROOT = Path(__file__).parent.parent.parent

ANSWER = """\
        lead: {{text: "{lead}", sources: [S1]}}
        points:
          - {{text: "{name} point one.", sources: [S1]}}
          - {{text: "{name} point two.", sources: [S1]}}
          - {{text: "{name} point three.", sources: [S2]}}
        cell: {{text: "{name} cell", sources: [S1]}}
"""


def answer(name: str) -> str:
    return ANSWER.format(name=name, lead=f"{name} lead.")


# The smallest file with two roles, two topics and a comparison; each fault below changes one place of it.
SMALL = f"""\
version: 1
reviewed_on: 2026-01-31
topics:
  salary:
    title: Salary
    label: salary
    question: How much does {{a_role}} earn?
    compare_question: "Who earns more: {{names}}?"
    aliases: [pay, wage]
    next: [tools]
  tools:
    title: Tools
    label: tools
    question: Which tools do {{roles}} use?
    compare_question: "Which tools do they use: {{names}}?"
    aliases: [knife]
    next: [salary]
  compare:
    title: Comparison
    label: the difference
    question: How does {{a_role}} compare?
    compare_question: "What is the difference: {{names}}?"
roles:
  cook:
    name: line cook
    plural: line cooks
    short: LC
    field: line cooking
    aliases: [kitchen cook, grill cook]
    answers:
      salary:
{answer("cook salary")}\
      tools:
{answer("cook tools")}\
  baker:
    name: bread baker
    plural: bread bakers
    short: BB
    field: baking
    aliases: [bakery worker]
    answers:
      salary:
{answer("baker salary")}\
      tools:
{answer("baker tools")}\
comparisons:
  - roles: [cook, baker]
    lead: {{text: "Cooks cook and bakers bake.", sources: [S1]}}
    topics:
      salary: {{text: "Neither is paid more.", sources: [S2]}}
other_titles:
  - name: pastry chef
    aliases: [patissier]
    nearest: baker
sources:
  S1: {{title: First source, publisher: A house, year: 2024}}
  S2: {{title: Second source, publisher: Another house}}
"""


def line_of(text: str, marker: str) -> int:
    """The number of the one line that holds the marker."""
    found = [number for number, line in enumerate(text.splitlines(), 1) if marker in line]
    assert len(found) == 1, (marker, found)
    return found[0]


def changed(old: str, new: str) -> str:
    assert SMALL.count(old) == 1, old
    return SMALL.replace(old, new)


def faults(text: str) -> list[str]:
    with pytest.raises(KnowledgeError) as raised:
        loads(text, name="careers.yml")
    assert str(raised.value) == "\n".join(raised.value.errors)
    return raised.value.errors


def test_the_small_file_has_no_faults() -> None:
    knowledge = loads(SMALL)
    assert list(knowledge.roles) == ["cook", "baker"]
    comparison = knowledge.comparison(["baker", "cook"])
    assert comparison is not None
    assert comparison.lead.text == "Cooks cook and bakers bake."


def test_the_shipped_file_has_no_faults() -> None:
    assert set(load(ROOT / "knowledge").roles) == {"mle", "swe", "ds"}


LONG_LEAD = " ".join(["word"] * 46)

# (what is changed, to what, a marker of the line that the error names, the field, a word of the reason)
FAULTS = {
    "unknown source": ('"cook tools point two.", sources: [S1]', '"cook tools point two.", sources: [S9]', "S9",
                       "roles.cook.answers.tools.points.1.sources.0", "no source 'S9'"),
    "lead too long": ("cook salary lead.", LONG_LEAD, LONG_LEAD, "roles.cook.answers.salary.lead.text", "46 words"),
    "cell too long": ("baker tools cell", "c" * 61, "c" * 61, "roles.baker.answers.tools.cell.text", "61 characters"),
    "comparison of an unknown role": ("roles: [cook, baker]", "roles: [cook, butcher]", "butcher", "comparisons.0.roles",
                                      "no role 'butcher'"),
    "comparison on an unknown topic": ('      salary: {text: "Neither', '      perks: {text: "Neither', "perks:",
                                       "comparisons.0.topics.perks", "no topic 'perks'"),
    "lead of a comparison too long": ("Cooks cook and bakers bake.", LONG_LEAD, LONG_LEAD, "comparisons.0.lead.text", "46 words"),
    "alias of two roles": ("[bakery worker]", "[bakery worker, grill cook]", "bakery worker, grill", "roles.baker.aliases.1",
                           "already names roles.cook"),
    "alias of two roles but for case and hyphen": ("[bakery worker]", "[Grill-Cook]", "Grill-Cook", "roles.baker.aliases.0",
                                                   "already names roles.cook"),
    "alias that is the name of another role": ("[bakery worker]", "[line cook]", "aliases: [line cook]", "roles.baker.aliases.0",
                                               "already names roles.cook"),
    "alias that is the short name of another role": ("[bakery worker]", "[lc]", "[lc]", "roles.baker.aliases.0",
                                                     "already names roles.cook"),
    "alias of a role and another title": ("[patissier]", "[grill cook]", "aliases: [grill cook]", "other_titles.0.aliases.0",
                                          "already names roles.cook"),
    "alias of two topics": ("[knife]", "[wage]", "[wage]", "topics.tools.aliases.0", "already names topic 'salary'"),
    "unknown next topic": ("next: [tools]", "next: [tool]", "next: [tool]", "topics.salary.next.0", "no topic 'tool'"),
    "unknown nearest role": ("nearest: baker", "nearest: bakers", "nearest: bakers", "other_titles.0.nearest", "no role 'bakers'"),
    "extra key": ("    short: LC", "    short: LC\n    nickname: cookie", "nickname", "roles.cook.nickname", "extra fields"),
    "wrong type": ("    aliases: [kitchen cook, grill cook]", "    aliases: kitchen cook", "kitchen cook", "roles.cook.aliases",
                   "not a valid list"),
    "not a date": ("2026-01-31", "soon", "soon", "reviewed_on", "date"),
    "not a year": ("year: 2024", "year: 24", "year: 24", "sources.S1.year", "1950"),
    "unknown version": ("version: 1", "version: 3", "version: 3", "version", "1"),
    "field missing": ("    short: LC\n", "", "  cook:", "roles.cook.short", "required"),
    "topic id in capitals": ("  tools:\n    title", "  Tools:\n    title", "  Tools:", "topics", "match"),
    "placeholder unknown": ("How much does {a_role} earn?", "How much does {job} earn?", "{job}", "topics.salary.question", "job"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_fault_is_named_with_line_and_field(name: str) -> None:
    old, new, marker, field, reason = FAULTS[name]
    text = changed(old, new)
    expected = f"careers.yml:{line_of(text, marker)}: {field}"
    found = faults(text)
    assert any(error.startswith(expected) and reason in error for error in found), f"no {expected}: ...{reason} in {found}"


def test_duplicate_key() -> None:
    text = changed("    short: LC\n", "    short: LC\n    short: LCK\n")
    assert faults(text) == [f"careers.yml:{line_of(text, 'LCK')}: roles.cook.short: stands twice"]


def test_topic_missing_for_one_role() -> None:
    text = changed("      tools:\n" + answer("baker tools"), "")
    # `answers:` of the second role is the line before its salary answer.
    lines = text.splitlines()
    line = next(number for number, line in enumerate(lines, 1) if "baker salary lead" in line) - 2
    assert lines[line - 1].strip() == "answers:"
    assert faults(text) == [f"careers.yml:{line}: roles.baker.answers: topic 'tools' is missing"]


@pytest.mark.parametrize(
    ("old", "new", "line_marker"),
    [
        ('"baker tools point one."', '"baker tools point one.', "baker tools point two"),
        ("    field: baking", "    field: baking: bread", "baking: bread"),
        ("    field: baking", "\tfield: baking", "\tfield"),
        ("[bakery worker]", "[bakery worker", "bakery worker"),
    ],
    ids=["open quote", "colon inside", "tab", "open bracket"],
)
def test_broken_yaml(old: str, new: str, line_marker: str) -> None:
    text = changed(old, new)
    (error,) = faults(text)
    assert "not valid YAML" in error
    # The parser stumbles on the faulty line or on the next one.
    assert abs(int(error.split(":")[1]) - line_of(text, line_marker)) <= 1, error


def test_character_that_yaml_forbids() -> None:
    text = changed("field: baking", "field: bak\x07ing")
    (error,) = faults(text)
    assert error.startswith(f"careers.yml:{line_of(text, chr(7))}: not valid YAML"), error


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("next: [tools]", "next: [[tools]]"),
        ("nearest: baker", "nearest: [baker]"),
        ("roles: [cook, baker]", "roles: [[cook], baker]"),
        ('point two.", sources: [S1]}\n          - {text: "cook salary', 'point two.", sources: [[S1]]}\n          - {text: "cook salary'),
        ("[knife]", "[[knife]]"),
        ("[bakery worker]", "[{bakery: worker}]"),
        ("  S1: {title", "  [S1]: {title"),
        ("    field: baking", "    {field}: baking"),
        ("    field: baking", "    7: baking"),
        ("    field: baking", "    field: null"),
        ("comparisons:\n", "comparisons: &c\n  - *c\n"),
    ],
)
def test_wrong_shape_is_a_fault_and_not_a_crash(old: str, new: str) -> None:
    assert all(error.startswith("careers.yml:") for error in faults(changed(old, new)))


def test_wrong_shape_names_its_line() -> None:
    text = changed("    field: baking", "    7: baking\n    field: baking")
    assert any(error.startswith(f"careers.yml:{line_of(text, '7: baking')}: roles.baker.7") for error in faults(text))


@pytest.mark.parametrize("text", ["", "just words", "- a\n- list\n", "# a comment\n", "null"])
def test_file_without_a_mapping(text: str) -> None:
    (error,) = faults(text)
    assert error.startswith("careers.yml:1:")


def test_several_faults_are_listed_at_once() -> None:
    text = SMALL
    for old, new in [
        ("    short: LC\n", "    short: LC\n    short: LCK\n"),
        ("next: [tools]", "next: [tool]"),
        ("year: 2024", "year: 24"),
        ("cook salary lead.", LONG_LEAD),
        ("nearest: baker", "nearest: butcher"),
        ('"Neither is paid more.", sources: [S2]', '"Neither is paid more.", sources: [S8]'),
    ]:
        assert text.count(old) == 1
        text = text.replace(old, new)
    found = faults(text)
    assert len(found) == 6
    numbers = [int(error.split(":")[1]) for error in found]
    markers = ("next: [tool]", "LCK", LONG_LEAD, "S8", "butcher", "year: 24")
    assert numbers == [line_of(text, marker) for marker in markers], found


def test_absent_file(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeError, match=r"absent\.yml.*cannot be read") as raised:
        load(tmp_path / "absent.yml")
    assert len(raised.value.errors) == 1


def test_directory(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeError, match="cannot be read"):
        load(tmp_path)


def test_a_part_that_stands_in_two_files_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(SMALL, encoding="utf-8")
    (tmp_path / "b.yml").write_text("# More.\nsources:\n  S9: {title: A house, publisher: Nobody, year: 2024}\n", encoding="utf-8")
    with pytest.raises(KnowledgeError) as raised:
        load(tmp_path)
    assert raised.value.errors == [f"{tmp_path / 'b.yml'}:2: sources: stands in {tmp_path / 'a.yml'}, too"]


def test_not_utf_8(tmp_path: Path) -> None:
    file = tmp_path / "careers.yml"
    file.write_bytes(SMALL.replace("A house", "A café").encode("latin-1"))
    with pytest.raises(KnowledgeError, match=r"careers\.yml.*cannot be read.*utf-8"):
        load(file)


def test_error_of_a_file_names_its_path(tmp_path: Path) -> None:
    file = tmp_path / "mine.yml"
    file.write_text(changed("year: 2024", "year: 24"), encoding="utf-8")
    with pytest.raises(KnowledgeError) as raised:
        load(file)
    assert raised.value.errors[0].startswith(f"{file}:")
