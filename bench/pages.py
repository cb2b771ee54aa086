"""Pages of the documents with tables that are made by a program."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Tables = dict[str, Callable[[dict[str, Any]], str]]


def fill(page: str, results: dict[str, Any], kind: str, tables: Tables) -> str:
    """The page with each block between ``<!-- KIND:NAME -->`` and ``<!-- end -->`` made anew by the table of that name."""
    for name, made in tables.items():
        start, end = f"<!-- {kind}:{name} -->\n", "\n<!-- end -->"
        head, opened, rest = page.partition(start)
        if opened and end in rest:
            page = head + start + made(results) + end + rest.partition(end)[2]
    return page
