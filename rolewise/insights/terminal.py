"""The inbox in the terminal: shows a group of messages, asks what to do with it, does it at once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

from rolewise.authoring.edits import EditError
from rolewise.authoring.training_data import OUT_OF_SCOPE, TrainingData
from rolewise.insights import mask
from rolewise.insights.events import QUESTION_PREFIX
from rolewise.insights.inbox import ASSIGNED, MISSING, OUTSIDE, SKIPPED, Decision, Inbox
from rolewise.insights.meaning import Cluster
from rolewise.knowledge import Subject

SHOWN = 6
# Subjects that are named where several may be meant.
NAMED = 12
KEYS = "[b]a[/]ssign to a topic, to a su[b]b[/]ject, [b]o[/]ut of scope, [b]m[/]issing knowledge, [b]s[/]kip, [b]u[/]ndo, [b]q[/]uit"


class Leave(Exception):
    """The person has had enough, or the input has ended."""


def numbers_in(answer: str, most: int) -> list[int] | None:
    """The numbers that an answer lists, in whatever way: ``1,3``, ``1 3``, ``1-3``, ``1 and 3``, ``all``.

    Returns:
        Each number once, in the order given; empty where the answer has words of its own, so is an example itself; None where it has
        neither words nor numbers from 1 to ``most`` alone: nobody means that as an example.
    """
    if answer.lower() == "all":
        return list(range(1, most + 1))
    plain = re.sub(r"\band\b|&", ",", answer.lower())
    if any(character.isalpha() for character in plain):
        return []
    found: list[int] = []
    for part in re.sub(r"\s*[-–]\s*", "-", plain).replace(";", ",").replace(",", " ").split():
        numbers = re.fullmatch(r"([0-9]{1,4})(?:-([0-9]{1,4}))?", part)
        if numbers is None:
            return None
        found += range(int(numbers[1]), int(numbers[2] or numbers[1]) + 1)
    return list(dict.fromkeys(found)) if found and all(1 <= number <= most for number in found) else None


@dataclass
class Terminal:
    """One sitting."""

    inbox: Inbox
    groups: Sequence[Cluster]
    titles: dict[str, str]
    console: Console
    subjects: Sequence[Subject] = field(default_factory=list)

    def run(self) -> int:
        """Walk through the groups until the end or until somebody leaves; returns the exit status."""
        at = 0
        done: list[int] = []
        try:
            while at < len(self.groups):
                self._show(at)
                answer = self._ask("What to do").lower()[:1]
                if answer == "q":
                    break
                if answer == "u":
                    at = self._undo(done, at)
                    continue
                decision = self._decide(answer, self.groups[at])
                if decision is not None:
                    done.append(at)
                    at += 1
        except (Leave, KeyboardInterrupt):
            self.console.print()
        self._sum(len(self.groups) - at)
        return 0

    # -- asking -----------------------------------------------------------------------------------------------------------

    def _ask(self, question: str, usual: str = "") -> str:
        hint = f" [dim](Enter: {escape(usual)})[/]" if usual else ""
        try:
            return self.console.input(f"{question}{hint}: ").strip() or usual
        except EOFError:
            raise Leave from None

    def _decide(self, answer: str, group: Cluster) -> Decision | None:
        """Do what was chosen; None where it came to nothing and the group is shown again."""
        try:
            if answer == "a":
                intent = self._intent(group)
                return self._added(self.inbox.assign(group, intent, self._examples(group))) if intent else None
            if answer == "b":
                subject = self._subject()
                if subject is None:
                    return None
                topic = self._topic(subject, group)
                return self._added(self.inbox.assign_subject(group, str(subject.id), topic, self._examples(group))) if topic else None
            if answer == "o":
                return self._added(self.inbox.assign(group, OUT_OF_SCOPE, self._examples(group)))
            if answer == "m":
                topic = self._ask("A topic that it belongs to, or none", "none")
                known = self._matching(topic)
                decision = self.inbox.miss(
                    group, known[0][len(QUESTION_PREFIX) :] if len(known) == 1 and known[0].startswith(QUESTION_PREFIX) else None
                )
                self.console.print(f"[green]Noted in {escape(Path(decision.edits[0][0]).name)}[/], under 'wanted'.")
                return decision
            if answer == "s":
                return self.inbox.skip(group)
        except EditError as error:
            self.console.print(f"[red]{escape(str(error))}[/]")
            return None
        self.console.print(KEYS)
        return None

    def _intent(self, group: Cluster) -> str | None:
        """The intent that the messages belong to; None where none was chosen."""
        near = [topic for topic, _ in group.nearest]
        answer = self._ask("Number of a topic above, or its name", near[0])
        if answer.isdigit() and 1 <= int(answer) <= len(near):
            return f"{QUESTION_PREFIX}{near[int(answer) - 1]}"
        found = self._matching(answer)
        if len(found) != 1:
            what = "Which of these: " if found else "There is none of that name. There are: "
            names = found or TrainingData(self.inbox.nlu).intents
            self.console.print(what + ", ".join(name.removeprefix(QUESTION_PREFIX) for name in names))
            return None
        return found[0]

    def _matching(self, answer: str) -> list[str]:
        """The intents that a typed name means: the one of that name, or those that begin so."""
        intents = TrainingData(self.inbox.nlu).intents
        exact = [name for name in intents if answer in (name, name.removeprefix(QUESTION_PREFIX))]
        return exact or [name for name in intents if answer and name.removeprefix(QUESTION_PREFIX).startswith(answer)]

    def _subject(self) -> Subject | None:
        """The subject that the messages are about; None where none was chosen."""
        answer = self._ask("Subject: its id, or words of its name").casefold()
        named = [one for one in self.subjects if answer in {str(name).casefold() for name in (one.id, one.name)}]
        wanted = answer.split()
        found = named or [one for one in self.subjects if wanted and all(word in _names(one) for word in wanted)]
        if len(found) == 1:
            return found[0]
        if not found:
            self.console.print("There is no such subject; [b]rolewise new-subject[/] adds one.")
            return None
        more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
        self.console.print("Which of these: " + escape(", ".join(str(one.id) for one in found[:NAMED])) + more)
        return None

    def _topic(self, subject: Subject, group: Cluster) -> str | None:
        """The topic of the subject that serves the messages; None where another one was named."""
        own = [str(topic) for topic in subject.topics]
        usual = next((topic for topic, _ in group.nearest if topic in own), own[0])
        answer = self._ask(f"Which of its topics: {', '.join(own)}", usual) if len(own) > 1 else usual
        if answer in own:
            return answer
        self.console.print(f"'{escape(answer)}' is none of its topics.")
        return None

    def _examples(self, group: Cluster) -> list[str]:
        """The messages that are chosen to become examples. What has no letter in it is numbers, or asked back: it is no message."""
        shown = group.different(SHOWN)
        while True:
            answer = self._ask("Which messages become examples (1,3 or all), or type a better one", "1")
            numbers = numbers_in(answer, len(shown))
            if numbers is not None:
                return [shown[number - 1].text for number in numbers] or [answer]
            self.console.print(f"Which ones? The messages have the numbers 1 to {len(shown)}.")

    def _added(self, decision: Decision) -> Decision | None:
        """Say what was added; None where nothing was."""
        for line in decision.refused:
            self.console.print(f"[red]Not added:[/] {escape(line)}")
        for _, block in decision.edits:
            added = block.strip().partition("\n")[0].removeprefix("- ").removeprefix("text: ")
            self.console.print(f"[green]Added to {decision.where}:[/] {escape(added)}")
        if not decision.edits:
            self.console.print("Nothing was added: choose others, or skip.")
            return None
        return decision

    def _undo(self, done: list[int], at: int) -> int:
        """Take the last decision back; returns the group to show next."""
        try:
            decision = self.inbox.undo()
        except EditError as error:
            self.console.print(f"[red]{escape(str(error))}[/]")
            return at
        if decision is None:
            self.console.print("There is nothing to undo.")
            return at
        self.inbox.began = min(self.inbox.began, len(self.inbox.decisions))
        told = f"{decision.what}{f' ({decision.where})' if decision.where else ''}"
        self.console.print(f"[yellow]Taken back:[/] {told}{'' if done else ', of an earlier sitting; it is shown again next time'}.")
        return done.pop() if done else at

    # -- showing ----------------------------------------------------------------------------------------------------------

    def _show(self, at: int) -> None:
        group = self.groups[at]
        rows = Table.grid(padding=(0, 1))
        rows.add_column(justify="right", style="bold")
        rows.add_column(overflow="fold")
        rows.add_column(justify="right", style="dim")
        shown = group.different(SHOWN)
        for number, phrase in enumerate(shown, 1):
            rows.add_row(str(number), escape(mask.masked(phrase.text)), f"{phrase.count}×")
        if len(group.phrases) > len(shown):
            rows.add_row("", f"[dim]and {len(group.phrases) - len(shown)} like them[/]", "")
        near = "\n".join(
            f"  [b]{number}[/] {escape(self.titles.get(topic, topic))} [dim]{topic}[/]  {nearness:.2f}"
            for number, (topic, nearness) in enumerate(group.nearest, 1)
        )
        down = f", {group.down} with a thumbs down" if group.down else ""
        self.console.print(Panel(rows, title=f"{at + 1} of {len(self.groups)}: asked {group.count} times{down}", title_align="left"))
        for reason in mask.all_masked(group.reasons)[:3]:
            self.console.print(f"  [dim]reason given:[/] {escape(reason)}")
        self.console.print(f"Nearest topics:\n{near}")
        self.console.print(KEYS)

    def _sum(self, left: int) -> None:
        found = self.inbox.summary()
        table = Table(title="This sitting", title_justify="left", show_header=False)
        for what in (ASSIGNED, OUTSIDE, MISSING, SKIPPED):
            table.add_row(what, str(found[what]))
        for name, number in sorted(found.items()):
            if name not in (ASSIGNED, OUTSIDE, MISSING, SKIPPED):
                table.add_row(f"examples added to {name}", str(number))
        table.add_row("groups left", str(left))
        self.console.print(table)
        if found[ASSIGNED] or found[OUTSIDE]:
            self.console.print(
                "Next: [b]make train[/], then [b]rolewise diff[/] between the old model and the new one, and [b]make test[/]."
            )
        if found[MISSING]:
            self.console.print("Next: write answers for what stands under 'wanted' in the knowledge; [b]make check[/] lists it.")
        if left:
            self.console.print("What is left comes again with the next [b]rolewise inbox[/].")


def _names(subject: Subject) -> str:
    """All that a subject is called."""
    return " ".join(map(str, (subject.id, subject.name, *subject.aliases))).casefold()
