"""Every path and setting of Rolewise, read once from the environment. Nothing else reads ``os.environ``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Settings:
    """The settings; each field's environment variable stands beside it.

    Attributes:
        knowledge: ``ROLEWISE_KNOWLEDGE``. The knowledge file.
        models: ``ROLEWISE_MODELS``. The directory of trained models.
        cache: ``ROLEWISE_CACHE``. Where the converted sentence encoder is kept between trainings.
        encoder: ``ROLEWISE_ENCODER``. Directory of the encoder's weights; empty: the packaged ones.
        actions: ``ROLEWISE_ACTIONS``. ``inprocess`` runs the actions in the server, ``http`` at the address in endpoints.yml.
        max_chars: ``ROLEWISE_MAX_CHARS``. Longest message that is worked on, in characters.
        secret: ``ROLEWISE_SECRET``. Signs the tokens of the web channel; empty: one made at the first run and kept in the cache directory.
        token_days: ``ROLEWISE_TOKEN_DAYS``. How long a token opens its conversation, in days.
        origins: ``ROLEWISE_ORIGINS``. Origins of the sites whose pages may use the web channel, with commas between; ``*`` is all.
        contact: ``ROLEWISE_CONTACT``. Who answers what the assistant cannot: a web address or any words; empty: nobody is named.
        host: ``HOST``. The address the server binds.
        port: ``PORT``. The port the server listens on.
    """

    knowledge: Path = PROJECT_ROOT / "knowledge" / "careers.yml"
    models: Path = PROJECT_ROOT / "models"
    cache: Path = PROJECT_ROOT / ".cache"
    encoder: str = ""
    actions: str = "inprocess"
    max_chars: int = 2000
    secret: str = ""
    token_days: int = 30
    origins: str = ""
    contact: str = ""
    host: str = "127.0.0.1"
    port: int = 5005

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Settings:
        """Read the settings.

        Args:
            environ: the environment, for example ``os.environ``.

        Raises:
            ValueError: a variable holds something that cannot be read as its type.
        """
        values: dict[str, Path | str | int] = {}
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
        if settings.actions not in ("inprocess", "http"):
            raise ValueError(f"ROLEWISE_ACTIONS={settings.actions!r}: it is 'inprocess' or 'http'")
        if settings.max_chars < 1:
            raise ValueError(f"ROLEWISE_MAX_CHARS={settings.max_chars}: it is at least 1")
        if settings.secret and len(settings.secret) < 32:
            raise ValueError("ROLEWISE_SECRET: it has at least 32 characters")
        if settings.token_days < 1:
            raise ValueError(f"ROLEWISE_TOKEN_DAYS={settings.token_days}: it is at least 1")
        if not 0 <= settings.port <= 65535:
            raise ValueError(f"PORT={settings.port}: it is a number from 0 to 65535")
        return settings


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return name.upper() if name in ("host", "port") else f"ROLEWISE_{name.upper()}"


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process."""
    return Settings.from_environment(os.environ)
