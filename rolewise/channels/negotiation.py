"""What RFC 9110 says about two headers, on plain text: which codings are taken, and whether a copy is still the current one."""

from __future__ import annotations

import re

# A coding with its weight: "gzip;q=0.5".
CODING = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+)(?:[ \t]*;[ \t]*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?", re.IGNORECASE)
TAG = r'(?:W/)?"([\x21\x23-\x7e\x80-\xff]*)"'
TAGS = re.compile(rf"[ \t]*,*[ \t]*{TAG}(?:[ \t]*,[ \t]*(?:{TAG})?)*[ \t]*")
# A server in front that packs what it hands on marks the tag so, and does not take the mark off again.
PACKED = re.compile(r"(?:-{1,2}|;)(?:gzip|br|zstd|deflate)$")


def takes_gzip(accepted: str | None) -> bool:
    """Whether somebody wants gzip, by ``Accept-Encoding``, at least as much as what is not packed (RFC 9110, 12.5.3).

    Args:
        accepted: the header, several of them joined by commas; None where there is none, which names no coding.
    """
    weights: dict[str, float] = {}
    for element in (accepted or "").split(","):
        found = CODING.fullmatch(element.strip(" \t"))
        if found:
            weights.setdefault(found[1].lower(), 1.0 if found[2] is None else float(found[2]))
    packed = weights.get("gzip", weights.get("x-gzip", weights.get("*", 0.0)))
    # What is not packed is taken unless it is named, and then it comes after all that is.
    return packed > 0 and packed >= weights.get("identity", 0.0)


def is_current(none_match: str | None, tag: str) -> bool:
    """Whether somebody has the current representation, by ``If-None-Match`` (RFC 9110, 13.1.2): any tag of the list, compared weakly.

    Args:
        none_match: the header, several of them joined by commas; None where there is none. What is no list of tags says nothing.
        tag: the current one, with its quotes and ``W/`` where it is weak.
    """
    if none_match is None:
        return False
    if none_match.strip(" \t") == "*":
        return True
    if not TAGS.fullmatch(none_match):
        return False
    return _opaque(tag) in {PACKED.sub("", found) for found in re.findall(TAG, none_match)}


def _opaque(tag: str) -> str:
    return tag.removeprefix("W/").strip('"')
