"""Every path and setting of Rolewise, read once from the environment. Nothing else reads ``os.environ``."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parent.parent
# Values that no message repeats: they hold passwords.
SECRETS = ("secret", "database", "redis")
# What Kubernetes puts into the environment of every pod where there is a service of the name rolewise.
SERVICE_LINK = re.compile(r"ROLEWISE_(\w+_)?(SERVICE_(HOST|PORT)(_\w+)?|PORT(_\w+)?)")


@dataclass(frozen=True)
class Settings:
    """The settings; each field's environment variable stands beside it.

    Attributes:
        knowledge: ``ROLEWISE_KNOWLEDGE``. The knowledge: a directory of YAML files, or one file.
        models: ``ROLEWISE_MODELS``. The directory of trained models.
        cache: ``ROLEWISE_CACHE``. Where the converted sentence encoder is kept between trainings.
        encoder: ``ROLEWISE_ENCODER``. Directory of the encoder's weights; empty: the packaged ones.
        actions: ``ROLEWISE_ACTIONS``. ``inprocess`` runs the actions in the server, ``http`` at the address in endpoints.yml.
        max_chars: ``ROLEWISE_MAX_CHARS``. Longest message that is worked on, in characters.
        max_body: ``ROLEWISE_MAX_BODY``. Largest body of an HTTP request, in bytes.
        deadline: ``ROLEWISE_DEADLINE``. Seconds after which a turn is given up with an apology.
        sender_limit: ``ROLEWISE_SENDER_LIMIT``. Messages a sender may send, as ``300/minute``, or ``off``.
        address_limit: ``ROLEWISE_ADDRESS_LIMIT``. Requests an address may send, as ``3000/minute``, or ``off``.
        connections: ``ROLEWISE_CONNECTIONS``. Connections that may be open at once; fewer where the process may open fewer files.
        address_connections: ``ROLEWISE_ADDRESS_CONNECTIONS``. Connections that an address may have open, if it is not behind a proxy.
        proxies: ``ROLEWISE_PROXIES``. Trusted proxies in front that write X-Forwarded-For; 0 takes the connection's address.
        store: ``ROLEWISE_STORE``. The file with the conversations.
        database: ``ROLEWISE_DATABASE``. A ``postgresql://`` address, for several processes; empty: the store of endpoints.yml.
        redis: ``ROLEWISE_REDIS``. A ``redis://`` address for the locks of several processes; empty: the lock store of endpoints.yml.
        cores: ``ROLEWISE_CORES``. Processor cores that a process may use: 2 answers more of a crowd, 1 suits as many processes as cores.
        drain: ``ROLEWISE_DRAIN``. Seconds that a server which was told to stop goes on answering, no longer ready.
        retention_days: ``ROLEWISE_RETENTION_DAYS``. Days without a message after which ``rolewise store clean`` removes one.
        metrics: ``ROLEWISE_METRICS``. ``on`` serves Prometheus metrics at /metrics, ``off`` does not.
        log_text: ``ROLEWISE_LOG_TEXT``. ``on`` writes messages and answers into the log, ``off`` does not.
        secret: ``ROLEWISE_SECRET``. Signs the tokens of the web channel; empty: one made at the first run and kept in the cache directory.
        token_days: ``ROLEWISE_TOKEN_DAYS``. How long a token opens its conversation, in days.
        origins: ``ROLEWISE_ORIGINS``. Origins of the sites whose pages may use the HTTP channels, with commas between; ``*`` is all.
        contact: ``ROLEWISE_CONTACT``. Who answers what the assistant cannot: a web address or any words; empty: nobody is named.
        slack_bot_token: ``SLACK_BOT_TOKEN``. The token of the Slack app's bot, ``xoxb-...``; empty: no Slack.
        slack_app_token: ``SLACK_APP_TOKEN``. The token of the Slack app itself, ``xapp-...``: messages come through Socket Mode.
        slack_signing_secret: ``SLACK_SIGNING_SECRET``. What Slack signs its requests with: messages come over HTTP.
        slack_api_url: ``SLACK_API_URL``. Where Slack's Web API is.
        review_days: ``ROLEWISE_REVIEW_DAYS``. Days after its review from which ``rolewise check`` warns of an entry.
        eval_dir: ``ROLEWISE_EVAL_DIR``. A directory with an evaluation set of JSONL files, which nothing may be trained on; or empty.
        host: ``HOST``. The address the server binds.
        port: ``PORT``. The port the server listens on.
    """

    knowledge: Path = PROJECT_ROOT / "knowledge"
    models: Path = PROJECT_ROOT / "models"
    cache: Path = PROJECT_ROOT / ".cache"
    encoder: str = ""
    actions: str = "inprocess"
    max_chars: int = 2000
    max_body: int = 65536
    deadline: float = 15.0
    sender_limit: str = "300/minute"
    address_limit: str = "3000/minute"
    connections: int = 2000
    address_connections: int = 100
    proxies: int = 0
    store: Path = PROJECT_ROOT / "conversations.db"
    database: str = ""
    redis: str = ""
    cores: int = 2
    drain: float = 0.0
    retention_days: float = 90.0
    metrics: str = "on"
    log_text: str = "off"
    secret: str = ""
    token_days: int = 30
    origins: str = ""
    contact: str = ""
    slack_bot_token: str = ""
    slack_app_token: str = ""
    slack_signing_secret: str = ""
    slack_api_url: str = "https://slack.com/api/"
    review_days: int = 365
    eval_dir: str = ""
    host: str = "127.0.0.1"
    port: int = 5005

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Settings:
        """Read the settings.

        Args:
            environ: the environment, for example ``os.environ``.

        Raises:
            ValueError: a variable holds something that cannot be read as its type, or there is no setting of its name.
        """
        refuse_unknown(environ)
        values: dict[str, Path | str | int | float] = {}
        for field in fields(cls):
            text = environ.get(variable(field.name), "").strip()
            if not text:
                continue
            default = getattr(cls, field.name)
            try:
                values[field.name] = type(default)(text) if not isinstance(default, Path) else Path(text).resolve()
            except ValueError as error:
                raise ValueError(f"{variable(field.name)}={text!r}: {error}") from error
        settings = cls(**values)  # type: ignore[arg-type]
        settings.check()
        return settings

    def check(self) -> None:
        """See that every value makes sense.

        Raises:
            ValueError: one does not; the message names its variable.
        """
        rules = {
            "actions": (self.actions in ("inprocess", "http"), "it is 'inprocess' or 'http'"),
            "max_chars": (self.max_chars >= 1, "it is at least 1"),
            "max_body": (self.max_body >= 1024, "it is at least 1024"),
            "deadline": (0 < self.deadline <= 600, "it is more than 0 and at most 600"),
            "sender_limit": (is_limit(self.sender_limit), "it is a limit such as 300/minute, or 'off'"),
            "address_limit": (is_limit(self.address_limit), "it is a limit such as 3000/minute, or 'off'"),
            "connections": (self.connections >= 1, "it is at least 1"),
            "address_connections": (self.address_connections >= 1, "it is at least 1"),
            "proxies": (self.proxies >= 0, "it is at least 0"),
            "database": (is_address(self.database, "postgresql", "postgres"), "it is a postgresql:// address"),
            "redis": (is_address(self.redis, "redis", "rediss", "unix"), "it is a redis:// address"),
            "cores": (self.cores >= 1, "it is at least 1"),
            "drain": (0 <= self.drain <= 600, "it is at least 0 and at most 600"),
            "retention_days": (0 < self.retention_days < float("inf"), "it is more than 0"),
            "metrics": (self.metrics in ("on", "off"), "it is 'on' or 'off'"),
            "log_text": (self.log_text in ("on", "off"), "it is 'on' or 'off'"),
            "secret": (not self.secret or len(self.secret) >= 32, "it has at least 32 characters"),
            "token_days": (self.token_days >= 1, "it is at least 1"),
            "origins": (
                all(is_origin(origin.strip()) for origin in self.origins.split(",")),
                "each is '*' or like https://careers.example",
            ),
            "slack_api_url": (self.slack_api_url.startswith(("http://", "https://")), "it is the address of a Web API"),
            "review_days": (self.review_days >= 1, "it is at least 1"),
            "port": (0 <= self.port <= 65535, "it is a number from 0 to 65535"),
        }
        for name, (good, reason) in rules.items():
            if not good:
                shown = "" if name in SECRETS else f"={getattr(self, name)!r}"
                raise ValueError(f"{variable(name)}{shown}: {reason}")


def refuse_unknown(environ: Mapping[str, str]) -> None:
    """See that every variable that looks like a setting is one: a misspelt one would have no effect, and nobody would know.

    Raises:
        ValueError: one is not; the message says which one it may be.
    """
    known = [variable(field.name) for field in fields(Settings)]
    for name in sorted(environ):
        if name.startswith("ROLEWISE_") and name not in known and not SERVICE_LINK.fullmatch(name):
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.0)[0]
            raise ValueError(f"there is no setting {name}; the nearest name is {near}")


def is_origin(text: str) -> bool:
    """Whether a text is empty, ``*``, or an origin: scheme and host, and a port where it is not the usual one."""
    return text in ("", "*") or re.fullmatch(r"https?://[^\s/?#@]+/?", text, re.IGNORECASE) is not None


def is_limit(text: str) -> bool:
    """Whether a text is a rate limit in the notation of the ``limits`` package, with a positive number, or ``off``."""
    if text == "off":
        return True
    import limits

    try:
        return bool(limits.parse(text).amount > 0)
    except ValueError:
        return False


def is_address(text: str, *schemes: str) -> bool:
    """Whether a text is empty or an address of one of these schemes."""
    return not text or text.partition("://")[0] in schemes


def variable(name: str) -> str:
    """The environment variable of a setting: those of Slack have the names that Slack's own tools read."""
    return name.upper() if name in ("host", "port") or name.startswith("slack_") else f"ROLEWISE_{name.upper()}"


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process."""
    return Settings.from_environment(os.environ)
