"""Pages of the documents with tables that are made by a program."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

# What stands in a block without results.
NOT_RUN = "Not run yet."

Tables = dict[str, Callable[[dict[str, Any]], str]]


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table, its first column left, the others right."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def fill(page: str, results: dict[str, Any], kind: str, tables: Tables) -> str:
    """The page with each block between ``<!-- KIND:NAME -->`` and ``<!-- end -->`` made anew by the table of that name."""
    for name, made in tables.items():
        start, end = f"<!-- {kind}:{name} -->\n", "\n<!-- end -->"
        head, opened, rest = page.partition(start)
        if opened and end in rest:
            page = head + start + made(results) + end + rest.partition(end)[2]
    return page


def reprint(
    kind: str,
    tables: Tables,
    results: Path,
    page: Path,
    made_by: str,
    draw: Callable[[dict[str, Any], Path], list[Path]] = lambda found, directory: [],
    given: list[str] | None = None,
) -> None:
    """Print the tables, and renew the page and its pictures: what each ``report_*.py`` does.

    Args:
        kind: of the page's blocks.
        tables: the maker of each table.
        results: the file of results, unless the command line names another.
        page: the page, in the same way.
        made_by: the program that writes the results.
        draw: draws pictures into the directory of a page, and names them.
        given: the command line; None: the program's own.

    Raises:
        SystemExit: there are no results.
    """
    parser = argparse.ArgumentParser(description=f"Prints the tables of {page.name} again, and renews it.")
    parser.add_argument("--results", type=Path, default=results)
    parser.add_argument("--page", type=Path, default=page)
    options = parser.parse_args(given)
    if not options.results.is_file():
        raise SystemExit(f"{options.results} is absent: run {made_by} first")
    found = json.loads(options.results.read_text(encoding="utf-8"))
    for name, made in tables.items():
        print(f"== {name}\n\n{made(found)}\n")
    if options.page.is_file():
        options.page.write_text(fill(options.page.read_text(encoding="utf-8"), found, kind, tables), encoding="utf-8")
    for path in draw(found, options.page.parent):
        print(f"drawn: {path}")
