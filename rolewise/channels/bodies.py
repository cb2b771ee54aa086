"""JSON in the bodies of requests."""

from __future__ import annotations

import codecs
from typing import Any

from sanic.request import Request


def json_object(request: Request) -> dict[str, Any] | None:
    """The JSON object of a request; None where its body is something else.

    A byte order mark in front is no part of JSON, but some programs write one, and RFC 8259 lets a reader skip it.
    """
    request.body = request.body.removeprefix(codecs.BOM_UTF8)
    try:
        body = request.json
    except Exception:
        return None
    return body if isinstance(body, dict) else None
