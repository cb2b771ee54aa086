"""Signed tokens of the web channel: each opens one conversation, whose id the server made up. Nothing here knows a route."""

from __future__ import annotations

import os
import secrets
import time
from functools import lru_cache
from pathlib import Path

import jwt

from rolewise.settings import settings
from rolewise.stores import private

ALGORITHM = "HS256"
AUDIENCE = "rolewise-web"
DAY = 24 * 60 * 60
# Seconds that the clocks of two servers may differ.
LEEWAY = 60
# RFC 7518 asks for a key as long as the hash.
SECRET_BYTES = 32


class TokenError(Exception):
    """A token that opens nothing: absent, changed, expired, or signed with another secret."""


def mint(now: float | None = None) -> str:
    """A token for a new conversation, with an id of 128 random bits.

    Args:
        now: seconds since the epoch; None is the clock.
    """
    issued = int(time.time() if now is None else now)
    claims = {"sub": f"web-{secrets.token_hex(16)}", "aud": AUDIENCE, "iat": issued, "exp": issued + settings().token_days * DAY}
    return jwt.encode(claims, secret(), algorithm=ALGORITHM)


def conversation_of(token: str) -> str:
    """The id of the conversation that a token opens.

    Raises:
        TokenError: it opens none.
    """
    try:
        claims = jwt.decode(
            token, secret(), algorithms=[ALGORITHM], audience=AUDIENCE, leeway=LEEWAY, options={"require": ["sub", "exp", "iat"]}
        )
    except jwt.InvalidTokenError as error:
        raise TokenError(str(error)) from error
    return str(claims["sub"])


@lru_cache(maxsize=1)
def secret() -> str:
    """The secret of the settings, or the one made at the first run and kept in ``secret`` in the cache directory, readable by its owner."""
    return settings().secret or kept_secret(settings().cache / "secret")


def kept_secret(path: Path) -> str:
    """The secret in a file, which is made when it does not exist.

    Raises:
        ValueError: the file holds too little for a secret.
    """
    private.directory(path.parent)
    # Written aside and linked into place: of two servers that start at once, both read the same whole secret.
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    if not path.exists():
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(secrets.token_hex(SECRET_BYTES))
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    text = path.read_text(encoding="ascii").strip()
    if len(text) < SECRET_BYTES:
        raise ValueError(f"{path} holds no secret of {SECRET_BYTES} characters: delete it, and a new one is made")
    return text
