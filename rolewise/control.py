"""Characters that must not reach anybody: control and zero-width characters, direction marks, halves of a character."""

from __future__ import annotations

import re

CONTROL = re.compile(r"[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u2069\u00ad\ufeff\ud800-\udfff]")


def strip_control(text: str) -> str:
    """Remove control characters, zero-width and direction marks; tabs and line ends stay."""
    return CONTROL.sub("", text)
