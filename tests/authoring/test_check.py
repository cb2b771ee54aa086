"""``rolewise check``, ``new-topic`` and ``new-subject``: every fault with its line in one run, and edits that change nothing else."""

from __future__ import annotations

import difflib
import re
import shutil
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from rolewise.authoring import new_subject, new_topic
from rolewise.authoring.check import Report, check
from rolewise.authoring.edits import EditError
from rolewise.knowledge.files import files
from rolewise.settings import PROJECT_ROOT
from tests.authoring.copies import Copy
from tests.knowledge_text import joined

TODAY = date(2026, 12, 1)
KNOWLEDGE = "knowledge"
FILES = ("domain.yml", "data/rules.yml", "data/nlu.yml")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The content files in a directory of their own."""
    for name in FILES:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(PROJECT_ROOT / name, tmp_path / name)
    shutil.copytree(PROJECT_ROOT / "knowledge", tmp_path / "knowledge")
    return tmp_path


def checked(project: Path, today: date = TODAY) -> Report:
    return check(project / "knowledge", project, today, 365)


def change(project: Path, name: str, edit: Callable[[str], str]) -> None:
    """Edit a file; of the knowledge the file, or the files, in which the edit changes something."""
    found = files(project / name)
    texts = {path: path.read_text(encoding="utf-8") for path in found}
    edited = {path: edit(text) for path, text in texts.items() if edit(text) != text}
    assert edited
    for path, text in edited.items():
        path.write_text(text, encoding="utf-8")


def swapped(text: str, old: str, new: str) -> str:
    return text.replace(old, new, 1)


def place_of(project: Path, name: str, words: str) -> str:
    """The file and the line in which words stand first."""
    lines = ((path, n, line) for path in files(project / name) for n, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1))
    return next(f"{path}:{n}" for path, n, line in lines if words in line)


# What the shipped subjects leave in doubt, and at most how often. A name may stand for two subjects where people mean either by it:
# the rest of the message decides. Old figures are the newest that there are, and the facts say their year. Each kind is one line,
# and none may grow.
KNOWN = {"names stand for two subjects": 178, "facts rest on old figures": 58}
SUMMARY = re.compile(r"/subjects/\w+\.yml:\d+: subjects\.\d+[\w.]*: (\d+) (.*?); the first 3: ")


def surprising(warnings: list[str]) -> list[str]:
    """The warnings but for those that are known."""
    told = {warning: SUMMARY.search(warning) for warning in warnings}
    return [warning for warning, found in told.items() if found is None or int(found[1]) > KNOWN.get(found[2], 0)]


def test_the_shipped_content_has_no_faults_and_no_warnings(project: Path) -> None:
    report = checked(project)
    assert (report.errors, surprising(report.warnings)) == ([], [])
    assert len(report.warnings) == len(KNOWN)


def test_all_faults_are_found_in_one_run_each_with_its_line(project: Path) -> None:
    edits = [
        ("sources: [S1, S2]", "sources: [S1, S999]", "there is no source 'S999'"),
        ("period: May 2024", "period: last May", "'last May' names no year"),
        ("next: [responsibilities,", "next: [responsibility,", "there is no topic 'responsibility'"),
        ("aliases: [definition,", "aliases: [definition, duties,", "'duties' already names topic 'define_role'"),
        ("aliases: [data analytics]", "aliases: [mle]", "'mle' already names roles.mle"),
        ("text: A machine learning engineer builds software", "text: " + "long " * 40 + "engineer", "a lead has at most 45"),
    ]
    for old, new, _ in edits:
        change(project, KNOWLEDGE, partial(swapped, old=old, new=new))
    change(project, KNOWLEDGE, lambda text: re.sub(r"(\n  ds:.*?)\n        cell:\n.*?(?=\n {6}\S)", r"\1", text, count=1, flags=re.DOTALL))
    change(project, "domain.yml", lambda text: text.replace("  - ask_salary:", "  - ask_salery:"))
    change(project, "data/rules.yml", lambda text: text.replace("      - intent: ask_degree", "      - intent: ask_degrees"))
    found = checked(project).errors
    for _, new, reason in edits:
        wanted = f"{place_of(project, KNOWLEDGE, new[:40])}:"
        assert [error for error in found if reason in error and (error.startswith(wanted) or "already" in reason)], reason
    assert [error for error in found if "roles.ds.answers.define_role: 'cell' is missing" in error]
    assert f"{place_of(project, 'domain.yml', 'ask_salery')}: 'ask_salery' is an intent of no topic" in found
    assert f"{project / 'domain.yml'}:1: topic 'salary' has no intent: 'ask_salary' is missing" in found
    assert f"{project / 'data/rules.yml'}:1: topic 'degree' has no rule: 'ask_degree' is missing" in found


def test_what_only_may_be_wrong_is_a_warning(project: Path) -> None:
    change(project, KNOWLEDGE, lambda text: text.replace("reviewed_on: 2026-11-29", "reviewed_on: 2025-11-20", 1))
    change(project, KNOWLEDGE, lambda text: text.replace("\nsources:\n", "\nsources:\n  Z9: {title: Never named, publisher: Nobody}\n", 1))
    change(project, KNOWLEDGE, lambda text: text.replace(", compare: comparisons}", "}", 1))
    wanted = "wanted:\n  - {question: Is there tea?, asked: 7, noted_on: 2026-12-01, sources: [TODO]}\n"
    (project / KNOWLEDGE / "wanted.yml").write_text(wanted, encoding="utf-8")
    report = checked(project)
    assert not report.errors
    reasons = [re.sub(r"^.*?:\d+: ", "", warning) for warning in report.warnings]
    assert any(
        re.fullmatch(r"reviewed_on: reviewed on 2025-11-20, more than 365 days ago; \d+ entries have no day of their own", r)
        for r in reasons
    )
    assert "sources.Z9: no statement and no figure names this source" in reasons
    assert "topics.compare: stands in no line of 'menu'" in reasons
    assert "wanted.0: has no answer yet, asked 7 times: Is there tea?" in reasons


def test_an_amount_without_a_year_is_a_warning(project: Path) -> None:
    words = "In a worldwide 2025 survey, 84% of developers"
    change(project, KNOWLEDGE, lambda text: text.replace(words, "In a survey, 84% of developers", 1))
    (warning,) = surprising(checked(project).warnings)
    assert warning.endswith("names an amount and no year") and f"{place_of(project, KNOWLEDGE, 'In a survey, 84%')}:" in warning


def test_the_command_tells_errors_from_warnings(tmp_path: Path) -> None:
    copy = Copy(tmp_path)
    aged = copy.run("check", ROLEWISE_REVIEW_DAYS="1")
    assert (aged.returncode, aged.stderr) == (0, "") and "(warning)" in aged.stdout
    copy.edit("\nversion: 1\n", "\nversion: 2\n")
    broken = copy.run("check")
    assert broken.returncode == 2 and broken.stderr.startswith("knowledge/topics.yml:4: version:") and "1 fault." in broken.stdout


def test_a_new_topic_adds_lines_and_changes_none(project: Path) -> None:
    names = [*FILES, "knowledge/topics.yml", "knowledge/roles.yml"]
    before = {name: (project / name).read_text(encoding="utf-8") for name in names}
    topic = new_topic.named("dress_code", "What does {a_role} wear: a suit?", None, None, [], ["do I need a tie", "do I need a tie"])
    new_topic.add(topic, project / KNOWLEDGE, project)
    for name in names:
        after = (project / name).read_text(encoding="utf-8")
        changed = [line for line in difflib.ndiff(before[name].splitlines(), after.splitlines()) if line[:2] in ("- ", "+ ")]
        assert changed and all(line.startswith("+ ") for line in changed), name
    assert (
        "      - What does a data scientist wear: a suit?\n      - do I need a tie\n\n  - intent: greet\n"
        in (project / FILES[2]).read_text()
    )
    errors = checked(project).errors
    assert len(errors) == 30 and all("is still to be written" in error for error in errors)


@pytest.mark.parametrize(("identity", "question"), [("salary", "{role}?"), ("Dress", "{role}?"), ("dress", "what to wear?")])
def test_a_topic_that_cannot_be_is_refused_and_nothing_is_written(project: Path, identity: str, question: str) -> None:
    before = {path: path.read_bytes() for path in project.rglob("*.yml")}
    with pytest.raises(EditError):
        new_topic.add(new_topic.named(identity, question, None, None, [], []), project / KNOWLEDGE, project)
    assert before == {path: path.read_bytes() for path in project.rglob("*.yml")}


def new_tool(**more: Any) -> new_subject.NewSubject:
    about = {"identity": "abacus", "kind": "tool", "name": "abacus", "question": "What is an abacus for?", "role_question": None}
    return new_subject.named(**{**about, "topics": ["tools"], "aliases": [], **more})


def test_a_new_subject_adds_lines_to_one_file_and_changes_none(project: Path) -> None:
    before = {path: path.read_text(encoding="utf-8") for path in project.rglob("*.yml")}
    subject = new_tool(
        role_question="Does {a_role} use an abacus: daily?", topics=["tools", "skills"], aliases=["abacus", "beads, counted"]
    )
    path = new_subject.add(subject, project / KNOWLEDGE)
    after = {path: path.read_text(encoding="utf-8") for path in project.rglob("*.yml")}
    assert [name for name in before if before[name] != after[name]] == [path] and path.name == "skills_and_tools.yml"
    assert after[path].startswith(before[path])
    added = yaml.safe_load(after[path].removeprefix(before[path]))[0]
    assert added["aliases"] == ["abacus", "beads, counted"] and added["role_question"] == "Does {a_role} use an abacus: daily?"
    errors = checked(project).errors
    assert len(errors) == 6 and all("is still to be written: TODO" in error and error.startswith(f"{path}:") for error in errors)
    # Written, it is a subject like any other.
    path.write_text(after[path].replace("[TODO]", "[S1]").replace("TODO ", "Some "), encoding="utf-8")
    report = checked(project)
    assert (report.errors, surprising(report.warnings)) == ([], [])


def test_a_new_subject_goes_into_the_file_that_is_named(project: Path) -> None:
    assert new_subject.add(new_tool(), project / KNOWLEDGE, "education.yml").name == "education.yml"


def test_a_new_subject_in_a_knowledge_of_one_file(tmp_path: Path) -> None:
    path = tmp_path / "careers.yml"
    path.write_text(joined().partition("\nsubjects:\n")[0] + "\n", encoding="utf-8")
    assert new_subject.add(new_tool(), path) == path
    path.write_text(path.read_text(encoding="utf-8").replace("[TODO]", "[S1]").replace("TODO ", "Some "), encoding="utf-8")
    new_subject.add(new_tool(identity="slide_rule", name="slide rule"), path)
    subjects = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)["subjects"]
    assert [subject["id"] for subject in subjects] == ["abacus", "slide_rule"]


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"identity": "Abacus"}, "is no id"),
        ({"identity": "python"}, "there is a subject 'python' already"),
        ({"kind": "gadget"}, "there is no kind 'gadget'. There are: skill, language, tool"),
        ({"topics": ["toools"]}, "there is no topic 'toools'. There are: define_role"),
        ({"topics": ["tools", "skills", "languages", "degree"]}, "topics: ensure this value has at most 3 items"),
        ({"name": " "}, "name: "),
        ({"question": "Does {a_role} need one?"}, "the question names no role"),
        ({"role_question": "Does one need it?"}, "needs a place for the role"),
        ({"role_question": "Does {a_rol} need it?"}, "there is no placeholder '{a_rol}'"),
        ({"role_question": "Does {a_role need it?"}, "a brace is not closed"),
        ({"theme": "../topics"}, "there is no file of subjects '../topics'. There are: applying_and_interviews"),
    ],
)
def test_a_subject_that_cannot_be_is_refused_and_nothing_is_written(project: Path, wrong: dict[str, Any], reason: str) -> None:
    before = {path: path.read_bytes() for path in project.rglob("*.yml")}
    with pytest.raises(EditError, match=re.escape(reason)):
        theme = wrong.pop("theme", None)
        new_subject.add(new_tool(**wrong), project / KNOWLEDGE, theme)
    assert before == {path: path.read_bytes() for path in project.rglob("*.yml")}
