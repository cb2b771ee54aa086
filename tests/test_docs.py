"""The documents: everything a person can set, call or write is in them, and what they name exists."""

from __future__ import annotations

import argparse
import ast
import importlib
import re
import shlex
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path

import pytest
import tomli
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from pydantic import BaseModel
from pydantic.main import ModelMetaclass

from rolewise.cards import Card
from rolewise.channels.report import metrics
from rolewise.commands import manual
from rolewise.commands.cli import parser
from rolewise.insights.figures import Figures
from rolewise.insights.report import Names, data
from rolewise.knowledge import Knowledge, KnowledgeError, loads
from rolewise.nlu import cues
from rolewise.questions import Context, Part
from rolewise.settings import Settings, variable
from tests.knowledge_text import joined

ROOT = Path(__file__).parent.parent
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]

CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`")
FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
# A file or directory of the repository: a first part that exists there, then a slash.
PATHS = re.compile(r"^(?:rolewise|actions|data|docs|knowledge|scripts|tests|\.ci)/[\w./-]*$")

# In two halves, so that this file does not hold what it looks for.
REGISTRIES = [
    first + "." + second
    for first, second in (
        ("pypi", "org"), ("pythonhosted", "org"), ("registry.npmjs", "org"), ("registry.yarnpkg", "com"), ("conda.anaconda", "org"),
        ("static.crates", "io"), ("index.crates", "io"), ("rubygems", "org"), ("repo.maven.apache", "org"), ("proxy.golang", "org"),
    )
]  # fmt: skip


def words(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def everything() -> str:
    return "\n".join(map(words, DOCUMENTS))


def spans(text: str) -> set[str]:
    """What stands in backticks, outside of code blocks."""
    return set(SPAN.findall(FENCE.sub("", text)))


def section(name: str, heading: str) -> str:
    """The part of a document under a heading, up to the next one."""
    text = words(ROOT / "docs" / name)
    found = re.search(rf"^#+ {re.escape(heading)}$(.*?)(?=^#|\Z)", text, re.DOTALL | re.MULTILINE)
    assert found, f"docs/{name} has no heading '{heading}'"
    return found.group(1)


def missing(names: set[str] | list[str], text: str) -> list[str]:
    return sorted(set(names) - spans(text))


def first_column(text: str) -> set[str]:
    """What the rows of the tables are about."""
    return {name for line in text.splitlines() if line.startswith("| `") for name in SPAN.findall(line.split("|")[1])}


def test_every_make_target_is_documented() -> None:
    targets = re.findall(r"^([a-z-]+):.*## ", words(ROOT / "Makefile"), re.MULTILINE)
    assert "run" in targets and "test" in targets
    assert not missing([f"make {target}" for target in targets], everything())


def test_every_make_target_named_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", words(ROOT / "Makefile"), re.MULTILINE))
    named = {match for code in CODE.findall(everything()) for match in re.findall(r"\bmake ([a-z][a-z-]*)", code)}
    assert named and not named - targets


def test_the_fast_tests_are_there_and_start_no_server() -> None:
    found = re.search(r"^TEST_FAST := ((?:.*\\\n)*.*)$", words(ROOT / "Makefile"), re.MULTILINE)
    assert found
    paths = [ROOT / path for path in re.findall(r"(?<!--ignore )\btests/\S+", found.group(1))]
    assert paths and not [path for path in paths if not path.exists()]
    files = [file for path in paths for file in (path.rglob("test_*.py") if path.is_dir() else [path])]
    starts = re.compile(r"\b(?:web_server\b|postgres\b|redis_server\b|Server\(|Postgres\(|Redis\(|playwright\b|chromium\b)")
    assert len(files) > 15 and not [file.name for file in files if starts.search(words(file))]


def commands() -> Iterator[tuple[str, argparse.ArgumentParser]]:
    root = parser()
    yield "rolewise", root
    for action in root._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from ((f"rolewise {name}", command) for name, command in action.choices.items())


def test_every_command_and_option_is_documented() -> None:
    rows = {row.split("|")[1].strip(): row for row in words(ROOT / "README.md").splitlines() if row.startswith("| `rolewise ")}
    for name, command in commands():
        options = [action.option_strings[-1] for action in command._actions if action.option_strings]
        if name == "rolewise":
            assert not [option for option in options if f"`rolewise {option}`" not in rows]
            continue
        places = "".join(f" {action.dest.upper()}" for action in command._actions if not action.option_strings and action.dest != "task")
        assert f"`{name}{places}`" in rows, f"README.md has no row for {name}{places}"
        undocumented = [option for option in options if option != "--help" and f"`{option}`" not in rows[f"`{name}{places}`"]]
        assert not undocumented, f"README.md does not explain {undocumented} of {name}"


def test_every_store_command_is_documented() -> None:
    rows = first_column(words(ROOT / "docs" / "operations.md"))
    store = dict(commands())["rolewise store"]
    tasks = next(action for action in store._actions if isinstance(action, argparse._SubParsersAction))
    for name, task in tasks.choices.items():
        places = "".join(f" {action.dest.upper()}" for action in task._actions if not action.option_strings)
        assert f"rolewise store {name}{places}" in rows
        options = [action.option_strings[-1] for action in task._actions if action.option_strings and action.dest != "help"]
        assert not missing(options, words(ROOT / "docs" / "operations.md"))


def test_the_commands_of_the_reference_are_those_of_the_parser() -> None:
    page = words(manual.PAGE)
    assert manual.filled(page) == page, "run: .venv/bin/python -m rolewise.commands.manual"
    assert page.count("| `rolewise ") >= 15


def test_every_field_of_the_card_is_explained() -> None:
    assert first_column(section("reference.md", "The card")) == set(Card.__fields__)


def test_every_route_is_in_the_reference() -> None:
    named = set(re.findall(r"`((?:GET|POST|DELETE) /[^`]*)`", section("reference.md", "Pages and routes")))
    paths = yaml.safe_load(words(ROOT / "docs" / "openapi.yml"))["paths"]
    assert named == {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}


def test_every_part_of_the_report_is_documented() -> None:
    figures = data(Figures(), [], Names({}, {}, {}))
    assert first_column(section("insights.md", "What it counts")) == set(figures) - {"made", "period"}


def test_every_document_is_in_the_index() -> None:
    linked = {target.partition("#")[0] for target in LINK.findall(words(ROOT / "docs" / "index.md"))}
    assert {file.name for file in (ROOT / "docs").glob("*.*")} - {"index.md"} <= linked


def shown_commands() -> list[tuple[str, str]]:
    """(document, command) of every line of a code block that calls the program."""
    found = []
    for document in DOCUMENTS:
        for block in FENCE.findall(words(document)):
            for line in block.splitlines():
                match = re.search(r"\.venv/bin/rolewise ([^<|>#]*)", line)
                if match:
                    found.append((document.name, match.group(1).strip()))
    return found


def test_every_command_shown_can_be_typed_so() -> None:
    assert len(shown_commands()) >= 8
    for document, command in shown_commands():
        try:
            options = parser().parse_args(shlex.split(command))
        except SystemExit:
            pytest.fail(f"{document}: rolewise {command}")
        assert options.command


def test_every_metric_is_documented() -> None:
    documented = first_column(section("operations.md", "Metrics"))
    own = {family.name for family in metrics().registry.collect() if family.name.startswith("rolewise_")}
    assert {name.removesuffix("_total") for name in documented if name.startswith("rolewise_")} == own


def test_every_setting_is_documented_with_its_default() -> None:
    rows = {
        row.split("|")[1].strip(" `"): row.split("|")[2].strip(" `")
        for row in words(ROOT / "README.md").splitlines()
        if row.count("|") == 4
    }
    for field in fields(Settings):
        default = field.default
        shown = str(default.relative_to(ROOT)) if isinstance(default, Path) else str(default) or "empty"
        assert rows.get(variable(field.name)) == shown, f"README.md does not give {variable(field.name)} its default {shown}"


def test_every_setting_named_exists() -> None:
    known = {variable(field.name) for field in fields(Settings)}
    assert not set(re.findall(r"\bROLEWISE_[A-Z_]+\b", everything())) - known


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_relative_link_resolves(document: Path) -> None:
    broken = []
    for target in LINK.findall(FENCE.sub("", words(document))):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (document.parent / name).resolve() if name else document
        if not file.exists() or (anchor and anchor not in anchors(words(file))):
            broken.append(target)
    assert not broken


def anchors(text: str) -> set[str]:
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in HEADING.findall(text)}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_file_named_exists(document: Path) -> None:
    named = {span for span in spans(words(document)) if PATHS.match(span)}
    assert not {name for name in named if not (ROOT / name).exists()}


def output_keys() -> set[str]:
    """The keys that the components add to the NLU output, read from their source."""
    found = set()
    for file in sorted((ROOT / "rolewise" / "nlu").glob("*.py")):
        for node in ast.walk(ast.parse(words(file))):
            if isinstance(node, ast.Call) and any(keyword.arg == "add_to_output" for keyword in node.keywords):
                key = node.args[0]
                if isinstance(key, ast.Constant):
                    found.add(str(key.value))
                else:
                    assert isinstance(key, ast.Name), f"{file.name}:{node.lineno}: a key that is no name"
                    found.add(str(getattr(importlib.import_module(f"rolewise.nlu.{file.stem}"), key.id)))
    return found


def test_every_nlu_output_key_is_documented() -> None:
    keys = output_keys()
    assert "intent" in keys and "questions" in keys
    text = section("architecture.md", "What the NLU puts out")
    output, _, question = text.partition("An entry of `questions`:")
    assert keys == first_column(output)
    assert set(Part("", (), "decline").as_dict()) == first_column(question)
    named = {value for name, value in vars(cues).items() if name.isupper() and isinstance(value, str) and value.isidentifier()}
    assert named > set(cues.PATTERNS) and not missing(named, question)


def test_every_component_and_policy_of_the_config_is_documented() -> None:
    names = re.findall(r"^  - name: (\S+)$", words(ROOT / "config.yml"), re.MULTILINE)
    assert names and not missing(names, section("architecture.md", "The components of config.yml"))


def test_every_option_of_a_component_is_documented() -> None:
    text = section("architecture.md", "The components of config.yml")
    for name in re.findall(r"^  - name: (rolewise\.\S+)$", words(ROOT / "config.yml"), re.MULTILINE):
        module, _, component = name.rpartition(".")
        options = list(getattr(importlib.import_module(module), component).get_default_config())
        row = next(line for line in text.splitlines() if line.startswith(f"| `{name}`"))
        assert not missing(options, row.split("|")[3]), name


def test_every_field_of_card_and_context_is_documented() -> None:
    text = section("architecture.md", "The way of a message")
    assert not missing([*Card.__fields__, *Card.__fields__["kind"].type_.__args__], text)
    assert set(Context().store()) == first_column(section("architecture.md", "What a conversation remembers"))


def imported(file: Path) -> set[str]:
    """The rooms of Rolewise that a module imports, at its head or inside."""
    found = set()
    for node in ast.walk(ast.parse(words(file))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names} if node.module == "rolewise" else {node.module}
    return {name.split(".")[1] for name in found if name.startswith("rolewise.")} - {"__version__"}


def test_no_room_imports_what_the_table_does_not_allow() -> None:
    rows = [line.split("|")[1:4] for line in section("architecture.md", "Rooms").splitlines() if line.startswith("| `")]
    rooms = {room: allowed for rooms, _, allowed in rows for room in SPAN.findall(rooms)}
    homeless, unlisted = [], []
    for file in sorted([*(ROOT / "rolewise").rglob("*.py"), *(ROOT / "actions").glob("*.py")]):
        name = str(file.relative_to(ROOT))
        room = next((room for room in rooms if name == room or name.startswith(f"{room}/")), None)
        if room is None:
            homeless += [name] if file.name != "__init__.py" else []
        elif rooms[room].strip() != "everything above":
            own = room.removeprefix("rolewise/").removesuffix(".py")
            allowed = set(re.findall(r"[a-z]+", rooms[room])) if "nothing of" not in rooms[room] else set()
            unlisted += [f"{name} imports {other}" for other in sorted(imported(file) - allowed - {own})]
    assert rooms and not homeless and not unlisted


PARTS = {
    "Knowledge": "All files together",
    "Topic": "A topic, under `topics`",
    "Role": "A role, under `roles`",
    "Entry": "An entry, under `answers` or as `general`",
    "Statement": "An entry, under `answers` or as `general`",
    "Figure": "A figure, under `figures`",
    "Subject": "A subject, under `subjects`",
    "Claim": "A fact, under `facts`",
    "Fact": "A fact, under `facts`",
    "Gap": "A gap, under `gaps`",
    "Amount": "An amount, under `figures` of a fact",
    "Comparison": "A comparison, under `comparisons`",
    "Source": "A source, under `sources`",
    "OtherTitle": "Other names",
    "Questionnaire": "The questionnaire, under `questionnaire`",
    "QuizQuestion": "The questionnaire, under `questionnaire`",
    "QuizOption": "The questionnaire, under `questionnaire`",
    "Reason": "The questionnaire, under `questionnaire`",
    "MenuLine": "The menu, under `menu`",
    "Wanted": "What is missing, under `wanted`",
    "Country": "Other names",
    "Level": "Other names",
}


def models(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    yield model
    for field in model.__fields__.values():
        if isinstance(field.type_, ModelMetaclass):
            yield from models(field.type_)


def test_every_field_of_the_knowledge_file_is_documented() -> None:
    for model in set(models(Knowledge)):
        assert model.__name__ in PARTS, f"docs/knowledge.md: which section is about {model.__name__}?"
        undocumented = missing(list(model.__fields__), section("knowledge.md", PARTS[model.__name__]))
        assert not undocumented, f"docs/knowledge.md does not explain {undocumented} of {model.__name__}"


def swap(text: str, old: str, new: str, after: str = "") -> str:
    start = text.index(after)
    assert old in text[start:], f"the knowledge file no longer holds {old!r}"
    return text[:start] + text[start:].replace(old, new, 1)


MLE = "roles:\n  mle:"
FIRST = "- id: fun_sectors"
FAULTS: list[Callable[[str], str]] = [
    lambda text: swap(text, "sources: [S1]", "sources: [S99]"),
    lambda text: swap(text, "There is no official salary figure for", "There is no official salary figure for" + " very" * 40, MLE),
    lambda text: swap(text, "cell:\n          text: ", "cell:\n          text: " + "long words " * 7, MLE),
    lambda text: swap(text, "      caveat:", "      caveats:"),
    lambda text: swap(text, "      salary:", "      salery:", MLE),
    lambda text: swap(text, "next: [responsibilities,", "next: [responsibility,"),
    lambda text: swap(text, "aliases: [data analytics]", "aliases: [mle]"),
    lambda text: swap(text, "aliases: [definition,", "aliases: [definition, duties,"),
    lambda text: swap(text, "kind: official", "kind: rumour"),
    lambda text: swap(text, "{a_role}", "{rol}", "topics:\n  define_role:"),
    lambda text: re.sub(r"(\n  mle:.*?)\n        cell:\n.*?(?=\n {6}\S)", r"\1", text, count=1, flags=re.DOTALL),
    lambda text: swap(text, "\n  mle:", "\n  1:", "\nroles:"),
    lambda text: swap(text, "period: May 2024", "period: last May"),
    lambda text: swap(text, "sources: [S1, S2]", "sources: [TODO]"),
    lambda text: swap(text, "{a_role}?", "{a_role?", "topics:\n  define_role:"),
    lambda text: re.sub(r"reviewed_on: [\d-]+", "reviewed_on: soon", text, count=1),
    lambda text: swap(text, "version: 1\n", "version: 1\nversion: 1\n"),
    lambda text: re.sub(r"reviewed_on: ([\d-]+)", r"reviewed_on: [\1", text, count=1),
    lambda text: swap(text, "  - text: ", "  - text: " + "long " * 40, FIRST),
    lambda text: swap(text, "topics: [industries,", "topics: [industry,", FIRST),
    lambda text: re.sub(r"(- id: fun_sectors\n.*?sources: )\[[^\]]*\]", r"\1[]", text, count=1, flags=re.DOTALL),
    lambda text: swap(text, "- id: domain_knowledge_by_role", "- id: fun_sectors"),
    lambda text: re.sub(r"(- id: fun_sectors\n.*?)  facts:\n.*?(?=- id: )", r"\1", text, count=1, flags=re.DOTALL),
    lambda text: swap(text, "period: two years to 2026", "period: two years", FIRST),
    lambda text: swap(text, "    sources: [", "    level: boss\n    sources: [", FIRST),
    lambda text: swap(text, "    forms: [", "    forms: [whether, ", FIRST),
]


def reason(error: str) -> str:
    """An error without place and numbers, which change with the file: ``there is no source 'S99'``."""
    return re.sub(r"\d+", "0", error.split(": ", 2 if "not valid YAML" not in error else 1)[-1])


@pytest.mark.parametrize("number", range(len(FAULTS)))
def test_the_error_messages_are_as_documented(number: int) -> None:
    documented = {reason(span) for span in SPAN.findall(section("knowledge.md", "Errors")) if re.match(r"knowledge/\S+\.yml:\d+: ", span)}
    with pytest.raises(KnowledgeError) as caught:
        loads(FAULTS[number](joined()))
    assert {reason(error) for error in caught.value.errors} <= documented


def tracked() -> list[Path]:
    try:
        listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git repository")
    return [ROOT / name for name in listing.split("\0") if name and (ROOT / name).is_file()]


def test_no_file_names_a_package_registry() -> None:
    files = {*tracked(), *DOCUMENTS}
    found = [
        f"{file.relative_to(ROOT)}: {host}" for file in sorted(files) for host in REGISTRIES if host.encode() in file.read_bytes().lower()
    ]
    assert not found


def test_every_dependency_has_one_row_with_its_limit() -> None:
    """A package that stood there twice had two limits."""
    tables = words(ROOT / "docs" / "dependencies.md").partition("## The pins and their reasons")[0]
    rows: dict[str, list[str]] = {}
    for line in re.findall(r"^\| (?!package |---)(.+)", tables, re.MULTILINE):
        packages, _, held, *_ = line.split(" | ")
        limits = SPAN.findall(held)
        names = packages.split(", ")
        for name, limit in zip(names, limits if len(limits) == len(names) else [held] * len(names), strict=True):
            rows.setdefault(name, []).append(limit)
    assert not {name: limits for name, limits in rows.items() if len(limits) > 1}
    project = tomli.loads(words(ROOT / "pyproject.toml"))["project"]
    wanted = [Requirement(line) for line in [*project["dependencies"], *project["optional-dependencies"]["dev"]]]
    assert len(wanted) > 40 and not {one.name for one in wanted} - set(rows)
    for one in wanted:
        shown = re.search(r"[<>=][<>=\d.,]*", rows[one.name][0])
        assert not one.specifier or (shown and SpecifierSet(shown.group()) == one.specifier), f"docs/dependencies.md does not give {one}"


def test_the_parser_of_aiohttp_is_the_compiled_one() -> None:
    """docs/dependencies.md: the faults of the other one do not reach us."""
    from aiohttp import http_parser

    assert http_parser.HttpResponseParser.__module__ == http_parser.HttpRequestParser.__module__ == "aiohttp._http_parser"


def rolewise_models() -> Iterator[type[BaseModel]]:
    """Every pydantic model of the library."""
    for file in sorted((ROOT / "rolewise").rglob("*.py")):
        if "BaseModel" in words(file):
            module = importlib.import_module(".".join(file.relative_to(ROOT).with_suffix("").parts))
            yield from (one for one in vars(module).values() if isinstance(one, ModelMetaclass))


def test_no_field_is_an_email_address() -> None:
    """docs/dependencies.md: pydantic's check of one does not end in time."""
    found = {one for model in rolewise_models() for one in models(model)}
    assert len(found) > 20
    assert not [
        f"{one.__name__}.{name}"
        for one in found
        for name, field in one.__fields__.items()
        if "Email" in getattr(field.type_, "__name__", "")
    ]


def test_a_schema_points_into_itself_only() -> None:
    """docs/dependencies.md: jsonschema would fetch another one."""
    schemas = [path for path in tracked() if path.name.endswith(".schema.json")]
    assert schemas
    for path in schemas:
        assert all(target.startswith("#/") for target in re.findall(r'"\$ref":\s*"([^"]*)"', words(path))), path


def test_the_lock_has_dasks_scheduler_without_its_servers() -> None:
    names = set(re.findall(r"^([a-z0-9-]+)==", words(ROOT / "requirements.lock"), re.MULTILINE))
    assert "dask" in names and not names & {"distributed", "bokeh"}


def test_every_report_that_was_tried_stands_beside_a_test_that_runs() -> None:
    lines = [
        line for line in (ROOT / "docs" / "reports.md").read_text(encoding="utf-8").splitlines() if re.match(r"\| [\w.-]+/[\w.-]+ \d", line)
    ]
    named = [re.findall(r"`(test_\w+)`", line.rsplit("|", 2)[1]) for line in lines]
    defined = set(re.findall(r"def (test_\w+)", "".join(file.read_text(encoding="utf-8") for file in (ROOT / "tests").rglob("test_*.py"))))
    assert len(lines) > 30 and all(named) and not {name for names in named for name in names} - defined


def locked(name: str) -> dict[str, str]:
    """The packages of a lock file and their versions."""
    return dict(re.findall(r"^([a-z0-9.-]+)==(\S+)", words(ROOT / name), re.MULTILINE))


def test_tensorflow_is_in_the_lock_of_the_benchmarks_alone() -> None:
    """docs/dependencies.md, Rasa without TensorFlow."""
    neural = re.compile(r"tensor|keras|jax|torch")
    ours, benches = locked("requirements.lock"), locked("requirements-bench.lock")
    assert not [name for name in ours if neural.match(name)]
    assert benches["tensorflow"] == "2.12.0" and benches["rasa"] == ours["rasa"]
    # Both sides of a benchmark run on the same versions but for Rasa's own limits.
    assert {name for name, version in benches.items() if ours.get(name, version) != version} <= {"numpy", "matplotlib", "multidict"}


def test_what_serves_has_the_versions_that_are_tested() -> None:
    ours, serving = locked("requirements.lock"), locked("requirements-serve.lock")
    assert serving.items() <= ours.items() and len(serving) > 100
    assert not {name for name in serving if name.startswith(("tensorflow", "jax", "pytest", "playwright", "mypy", "hypothesis"))}
