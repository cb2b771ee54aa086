"""What is done with messages that were not answered: each decision is an edit of a file, kept in a journal, and can be taken back.

The journal is written before the file that it tells of. Whatever breaks off, either both are there or neither counts.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from rolewise.authoring.edits import Document, EditError, replace_file, scalar
from rolewise.authoring.training_data import OUT_OF_SCOPE, Messages, TrainingData, WrittenMessages, normalised
from rolewise.insights import mask
from rolewise.insights.events import QUESTION_PREFIX
from rolewise.insights.figures import Phrase
from rolewise.insights.meaning import Cluster
from rolewise.knowledge.files import holding
from rolewise.knowledge.loader import WANTED
from rolewise.stores import private

ASSIGNED, OUTSIDE, MISSING, SKIPPED = "assigned", "out of scope", "missing knowledge", "skipped"
# Who is named as the writer of a message that came from people.
WRITER = "inbox"
HAS_PERSONAL_DATA = "it holds personal data"


@dataclass
class Decision:
    """One decision.

    Attributes:
        what: one of the constants above.
        intent: where examples were added; empty for other decisions.
        subject: what the examples are about, where that was said.
        edits: the file and the lines that were put into it.
        keys: which messages it settled, as hashes: the journal keeps nobody's words.
    """

    what: str
    keys: list[str]
    intent: str = ""
    edits: list[tuple[str, str]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    subject: str = ""

    @property
    def where(self) -> str:
        """Where its examples were added: a subject or an intent."""
        return f"subject {self.subject}" if self.subject else self.intent

    def happened(self) -> bool:
        """Whether all its edits are in their files."""
        return all(Path(path).is_file() and block in Path(path).read_text(encoding="utf-8") for path, block in self.edits)


class Inbox:
    """The decisions on the messages of one project."""

    def __init__(self, journal: Path, knowledge: Path, nlu: Path, tested: Iterable[str], today: date, messages: Path | None = None) -> None:
        """Take up the journal where there is one.

        Args:
            journal: the file that keeps the decisions.
            knowledge: the knowledge, a file or a directory.
            nlu: the file of training messages.
            tested: messages that nothing may be trained on.
            today: the day that notes carry.
            messages: the file of messages with their subjects; None takes ``messages.yml`` beside the other one.

        Raises:
            EditError: the journal is damaged.
        """
        self.journal, self.knowledge, self.nlu = journal, knowledge, nlu
        self.messages = messages or nlu.with_name("messages.yml")
        self.tested = list(tested)
        self.today = today
        self.decisions = _read(journal)
        self.began = len(self.decisions)
        # The last one may have been broken off before its file was written: then it did not happen.
        if self.decisions and not self.decisions[-1].happened():
            self.decisions.pop()
            self._keep()

    def open(self, phrases: Iterable[Phrase], again: bool = False) -> list[Phrase]:
        """The messages that nothing was decided on; with ``again`` those that were skipped, too."""
        settled = {key for decision in self.decisions for key in decision.keys if not (again and decision.what == SKIPPED)}
        return [phrase for phrase in phrases if key_of(phrase.text) not in settled]

    # -- decisions --------------------------------------------------------------------------------------------------------

    def assign(self, group: Cluster, intent: str, texts: Iterable[str]) -> Decision:
        """Add messages to an intent's examples, those that may be added.

        Returns:
            The decision; ``refused`` says what was not added and why. Where nothing was added, there is no decision and the group stays.
        """
        training, written = TrainingData(self.nlu), self._written()
        decision = Decision(OUTSIDE if intent == OUT_OF_SCOPE else ASSIGNED, _keys(group), intent)
        for text in self._admitted(decision, texts, written, lambda text: training.refusal(text, intent, self.tested)):
            before = training.document.text
            training.add(text, intent)
            decision.edits.append((str(self.nlu), _added(before, training.document.text)))
        if decision.edits:
            self._do(decision, training.document)
        return decision

    def assign_subject(self, group: Cluster, subject: str, topic: str, texts: Iterable[str]) -> Decision:
        """Add messages to those that are about a subject; what is returned and when is as with :meth:`assign`.

        Args:
            group: the group that is settled so.
            subject: the id of the subject.
            topic: the topic that serves such a message best.
            texts: the messages.
        """
        training, written, intent = TrainingData(self.nlu), WrittenMessages(self.messages), f"{QUESTION_PREFIX}{topic}"
        decision = Decision(ASSIGNED, _keys(group), intent, subject=subject)
        for text in self._admitted(decision, texts, training, lambda text: written.doubt(text, intent, self.tested)):
            before = written.document.text
            written.add_about(text, intent, WRITER, [subject])
            decision.edits.append((str(self.messages), _added(before, written.document.text)))
        if decision.edits:
            self._do(decision, written.document)
        return decision

    def _written(self) -> Messages | None:
        """The messages with their subjects, where there is a file of them."""
        return WrittenMessages(self.messages) if self.messages.is_file() else None

    @staticmethod
    def _admitted(decision: Decision, texts: Iterable[str], other: Messages | None, refusal: Callable[[str], str | None]) -> Iterator[str]:
        """Those of some messages that may become examples; why the rest may not is noted in the decision.

        Args:
            decision: where that is noted.
            texts: the messages.
            other: the file of training messages that they are not added to, where there is one.
            refusal: why the file that they are added to does not take one, or None.
        """
        for text in texts:
            text = " ".join(text.split())
            elsewhere = other.known_as(text) if other else None
            reason = HAS_PERSONAL_DATA if mask.holds_personal_data(text) else f"it stands under {elsewhere}" if elsewhere else refusal(text)
            if reason:
                decision.refused.append(f"{mask.masked(text)}: {reason}")
            else:
                yield text

    def miss(self, group: Cluster, topic: str | None = None) -> Decision:
        """Note that the knowledge has no answer to this."""
        path = holding(self.knowledge, WANTED)
        if not path.exists():
            replace_file(path, "")
        document = Document(path)
        entry = [
            f"  - question: {scalar(mask.masked(' '.join(group.phrases[0].text.split())))}",
            f"    asked: {group.count}",
            f"    noted_on: {self.today.isoformat()}",
            *([f"    topic: {topic}"] if topic else []),
            "    sources: [TODO]",
        ]
        block = "\n".join(entry) + "\n"
        before = document.text
        if (document.data or {}).get(WANTED):
            document.append((WANTED,), block)
        else:
            document.append((), f"\n# Questions that people ask and that have no answer yet: docs/knowledge.md.\n{WANTED}:\n{block}")
        decision = Decision(MISSING, _keys(group), edits=[(str(path), _added(before, document.text))])
        self._do(decision, document)
        return decision

    def skip(self, group: Cluster) -> Decision:
        """Leave it; it is not shown again unless asked for."""
        decision = Decision(SKIPPED, _keys(group))
        self._do(decision)
        return decision

    def undo(self) -> Decision | None:
        """Take the last decision back, its lines out of the files; None where there is none.

        Raises:
            EditError: the lines are no longer in the file as they were put there; nothing was changed.
        """
        if not self.decisions:
            return None
        decision = self.decisions[-1]
        texts: dict[str, str] = {}
        for path, block in reversed(decision.edits):
            text = texts.get(path) or Path(path).read_text(encoding="utf-8")
            head, found, rest = text.rpartition(block)
            if not found:
                raise EditError(f"{path} was changed since: the lines that were added are not there as they were")
            texts[path] = head + rest
        # The file first: a journal without the decision, and the lines still in the file, would be an edit that nobody knows of.
        for path, text in texts.items():
            replace_file(Path(path), text)
        self.decisions.pop()
        self._keep()
        return decision

    def _do(self, decision: Decision, document: Document | None = None) -> None:
        self.decisions.append(decision)
        self._keep()
        if document is not None:
            document.write()

    def _keep(self) -> None:
        private.directory(self.journal.parent)
        kept = [{key: value for key, value in asdict(decision).items() if key != "refused"} for decision in self.decisions]
        replace_file(self.journal, json.dumps({"version": 1, "decisions": kept}, ensure_ascii=False, indent=1), private.FILE)

    # -- the sum ----------------------------------------------------------------------------------------------------------

    def summary(self) -> Counter[str]:
        """How many decisions of each kind were made since the inbox was opened, and how many examples an intent got."""
        found: Counter[str] = Counter()
        for decision in self.decisions[self.began :]:
            found[decision.what] += 1
            if decision.where:
                found[decision.where] += len(decision.edits)
        return found


def key_of(text: str) -> str:
    """What stands for a message in the journal."""
    return hashlib.sha256(normalised(text).encode("utf-8", "replace")).hexdigest()[:24]


def _keys(group: Cluster) -> list[str]:
    return [key_of(phrase.text) for phrase in group.phrases]


def _added(before: str, after: str) -> str:
    """The lines that a text has more than the one before it, which differs by one insertion."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    at = next((number for number, (one, other) in enumerate(zip(old, new, strict=False)) if one != other), len(old))
    return "".join(new[at : at + len(new) - len(old)])


def _read(path: Path) -> list[Decision]:
    if not path.is_file():
        return []
    try:
        data: Any = json.loads(path.read_text(encoding="utf-8"))
        if data["version"] != 1:
            raise ValueError("it is of another version")
        return [
            Decision(
                item["what"],
                list(item["keys"]),
                item["intent"],
                [(file, block) for file, block in item["edits"]],
                # Journals from before there were subjects have none.
                subject=item.get("subject", ""),
            )
            for item in data["decisions"]
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EditError(f"the journal {path} cannot be read: {error}") from error
