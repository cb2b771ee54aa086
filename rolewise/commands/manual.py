"""Writes the commands into ``docs/reference.md`` from the parser itself: ``python -m rolewise.commands.manual``."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from rolewise.commands.cli import parser
from rolewise.settings import PROJECT_ROOT

PAGE = PROJECT_ROOT / "docs" / "reference.md"
START, END = "<!-- commands -->\n", "<!-- end -->"


def commands(root: argparse.ArgumentParser, name: str = "rolewise") -> Iterator[tuple[str, str, argparse.ArgumentParser]]:
    """Every command and command of a command: its name, what it is for, its parser."""
    for action in root._actions:
        if isinstance(action, argparse._SubParsersAction):
            told = {choice.dest: choice.help or "" for choice in action._choices_actions}
            for word, command in action.choices.items():
                yield f"{name} {word}", told.get(word, ""), command
                yield from commands(command, f"{name} {word}")


def section() -> str:
    """The part of the page."""
    lines = ["| command | what it does |", "|---|---|"]
    for name, told, command in commands(parser()):
        places = [action for action in command._actions if not action.option_strings and not isinstance(action, argparse._SubParsersAction)]
        shown = " ".join([name, *(action.dest.upper() for action in places)])
        lines.append(f"| `{shown}` | {sentence(told)} |")
        for action in [*places, *(action for action in command._actions if action.option_strings and action.dest != "help")]:
            if action.help:
                lines.append(f"| `{option(action)}` | {sentence(action.help)} |")
    return "\n".join(lines) + "\n"


def option(action: argparse.Action) -> str:
    """An option as it is typed."""
    if not action.option_strings:
        return action.dest.upper()
    return action.option_strings[-1] + ("" if action.nargs == 0 else f" {action.dest.upper()}")


def sentence(text: str) -> str:
    """A help text as a sentence of a table."""
    return text[:1].upper() + text[1:].replace("|", "\\|") + "."


def filled(page: str) -> str:
    """The page with its part made anew."""
    head, _, rest = page.partition(START)
    return head + START + section() + END + rest.partition(END)[2]


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    print(f"{PAGE.relative_to(PROJECT_ROOT)} written.")
