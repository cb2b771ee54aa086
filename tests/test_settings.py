"""The settings: documented, checked with the name of the variable, and the one place that reads the environment."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from rolewise.settings import Settings, variable

ROOT = Path(__file__).parent.parent
NAMES = [field.name for field in fields(Settings)]


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_is_documented(name: str) -> None:
    assert re.search(rf"^\s+{name}: ``{variable(name)}``\. \S", Settings.__doc__ or "", re.MULTILINE)


def test_nothing_else_is_documented() -> None:
    assert re.findall(r"^\s+\w+: ``(\w+)``", Settings.__doc__ or "", re.MULTILINE) == [variable(name) for name in NAMES]


def test_defaults() -> None:
    settings = Settings.from_environment({})
    assert settings == Settings()
    assert settings.knowledge.is_dir()
    assert (settings.host, settings.port, settings.max_chars, settings.actions) == ("127.0.0.1", 5005, 2000, "inprocess")


def test_every_variable_is_read(tmp_path: Path) -> None:
    values = {
        "ROLEWISE_KNOWLEDGE": str(tmp_path / "k.yml"),
        "ROLEWISE_MODELS": str(tmp_path / "m"),
        "ROLEWISE_CACHE": str(tmp_path / "c"),
        "ROLEWISE_ENCODER": "/weights",
        "ROLEWISE_ACTIONS": "http",
        "ROLEWISE_MAX_CHARS": "300",
        "ROLEWISE_MAX_BODY": "4096",
        "ROLEWISE_DEADLINE": "2.5",
        "ROLEWISE_SENDER_LIMIT": "5/second",
        "ROLEWISE_ADDRESS_LIMIT": "off",
        "ROLEWISE_CONNECTIONS": "500",
        "ROLEWISE_ADDRESS_CONNECTIONS": "20",
        "ROLEWISE_PROXIES": "2",
        "ROLEWISE_STORE": str(tmp_path / "s.db"),
        "ROLEWISE_DATABASE": "postgresql://rolewise@db/rolewise",
        "ROLEWISE_REDIS": "redis://locks/0",
        "ROLEWISE_CORES": "1",
        "ROLEWISE_DRAIN": "5",
        "ROLEWISE_RETENTION_DAYS": "7",
        "ROLEWISE_METRICS": "off",
        "ROLEWISE_LOG_TEXT": "on",
        "ROLEWISE_SECRET": "s" * 32,
        "ROLEWISE_TOKEN_DAYS": "7",
        "ROLEWISE_ORIGINS": "https://careers.example",
        "ROLEWISE_CONTACT": "the front desk",
        "SLACK_BOT_TOKEN": "xoxb-1",
        "SLACK_APP_TOKEN": "xapp-1",
        "SLACK_SIGNING_SECRET": "signed",
        "SLACK_API_URL": "http://127.0.0.1:8888/api",
        "ROLEWISE_REVIEW_DAYS": "30",
        "ROLEWISE_EVAL_DIR": "/evaluation",
        "HOST": "0.0.0.0",
        "PORT": " 8080 ",
    }
    assert set(values) == {variable(name) for name in NAMES}
    settings = Settings.from_environment(values)
    assert settings == Settings(
        knowledge=tmp_path / "k.yml",
        models=tmp_path / "m",
        cache=tmp_path / "c",
        encoder="/weights",
        actions="http",
        max_chars=300,
        max_body=4096,
        deadline=2.5,
        sender_limit="5/second",
        address_limit="off",
        connections=500,
        address_connections=20,
        proxies=2,
        store=tmp_path / "s.db",
        database="postgresql://rolewise@db/rolewise",
        redis="redis://locks/0",
        cores=1,
        drain=5.0,
        retention_days=7.0,
        metrics="off",
        log_text="on",
        host="0.0.0.0",
        port=8080,
        secret="s" * 32,
        token_days=7,
        origins="https://careers.example",
        contact="the front desk",
        slack_bot_token="xoxb-1",
        slack_app_token="xapp-1",
        slack_signing_secret="signed",
        slack_api_url="http://127.0.0.1:8888/api",
        review_days=30,
        eval_dir="/evaluation",
    )


def test_relative_path_does_not_depend_on_a_later_change_of_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert Settings.from_environment({"ROLEWISE_MODELS": "trained"}).models == (tmp_path / "trained").resolve()


@pytest.mark.parametrize("name", [variable(name) for name in NAMES])
def test_blank_value_is_the_default(name: str) -> None:
    assert Settings.from_environment({name: "  "}) == Settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "http"),
        ("PORT", "50.5"),
        ("PORT", "-1"),
        ("PORT", "65536"),
        ("ROLEWISE_MAX_CHARS", "many"),
        ("ROLEWISE_MAX_CHARS", "0"),
        ("ROLEWISE_MAX_CHARS", "-5"),
        ("ROLEWISE_ACTIONS", "https"),
        ("ROLEWISE_MAX_BODY", "10"),
        ("ROLEWISE_DEADLINE", "0"),
        ("ROLEWISE_DEADLINE", "nan"),
        ("ROLEWISE_SENDER_LIMIT", "many"),
        ("ROLEWISE_ADDRESS_LIMIT", "0/minute"),
        ("ROLEWISE_CONNECTIONS", "0"),
        ("ROLEWISE_PROXIES", "-1"),
        ("ROLEWISE_CORES", "0"),
        ("ROLEWISE_DRAIN", "-1"),
        ("ROLEWISE_RETENTION_DAYS", "inf"),
        ("ROLEWISE_METRICS", "yes"),
        ("ROLEWISE_LOG_TEXT", "true"),
        ("SLACK_API_URL", "slack.example/api"),
        ("ROLEWISE_ORIGINS", "careers.example"),
        ("ROLEWISE_ORIGINS", "https://careers.example/page"),
        ("ROLEWISE_ORIGINS", "https://a.example careers.example"),
    ],
)
def test_bad_value_is_named(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=f"{name}=.*{re.escape(value)}"):
        Settings.from_environment({name: value})


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("ROLEWISE_SENDERLIMIT", "ROLEWISE_SENDER_LIMIT"),
        ("ROLEWISE_ORIGIN", "ROLEWISE_ORIGINS"),
        ("ROLEWISE_RETENTION", "ROLEWISE_RETENTION_DAYS"),
        ("ROLEWISE_MAXBODY", "ROLEWISE_MAX_BODY"),
        ("ROLEWISE_", "ROLEWISE_"),
    ],
)
def test_an_unknown_setting_is_refused_with_the_nearest_name(name: str, near: str) -> None:
    with pytest.raises(ValueError, match=f"there is no setting {name}; the nearest name is {near}"):
        Settings.from_environment({name: "5"})


def test_what_kubernetes_adds_is_no_setting() -> None:
    names = "PORT PORT_5005_TCP PORT_5005_TCP_ADDR SERVICE_HOST SERVICE_PORT SERVICE_PORT_HTTP POSTGRES_SERVICE_HOST".split()
    assert Settings.from_environment({f"ROLEWISE_{name}": "tcp://10.0.0.1:5005" for name in names}) == Settings()


@pytest.mark.parametrize("origins", ["*", "https://a.example", "https://a.example/, http://localhost:8080", "https://[::1]:9", " , "])
def test_origins(origins: str) -> None:
    Settings.from_environment({"ROLEWISE_ORIGINS": origins})


def test_the_server_does_not_start_with_an_unknown_setting() -> None:
    environment = {**os.environ, "ROLEWISE_SENDERLIMIT": "5"}
    command = [sys.executable, "-m", "rolewise.commands.cli", "serve"]
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2 and not ended.stdout
    assert ended.stderr == "rolewise: there is no setting ROLEWISE_SENDERLIMIT; the nearest name is ROLEWISE_SENDER_LIMIT\n"


def test_no_other_module_reads_the_environment() -> None:
    """``rolewise/commands/cli.py`` may set defaults for the libraries; a value is read in ``rolewise/settings.py`` alone."""
    readers = []
    for path in [*(ROOT / "rolewise").rglob("*.py"), *(ROOT / "actions").rglob("*.py")]:
        name = path.relative_to(ROOT).as_posix()
        if name == "rolewise/settings.py":
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        allowed = {
            id(node.func.value)
            for node in ast.walk(tree)
            if name == "rolewise/commands/cli.py" and isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
            if node.func.attr == "setdefault"
        }
        for node in ast.walk(tree):
            word = node.attr if isinstance(node, ast.Attribute) else node.name if isinstance(node, ast.alias) else ""
            if word in ("environ", "environb", "getenv") and id(node) not in allowed:
                readers.append(f"{name}:{getattr(node, 'lineno', 0)}")
    assert not readers
