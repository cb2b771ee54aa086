"""Reads a tracker store one conversation at a time, SQLite or PostgreSQL by the same code; what is read is turns, not events."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy.engine import URL, Engine, make_url

from rolewise.settings import PROJECT_ROOT, settings

# Rows that are fetched at a time, and so held.
ROWS = 500
RATING = "rating"
# How a turn went: see docs/insights.md.
ANSWERED, ASKED_BACK, DECLINED, FAILED, TALK, UNKNOWN = "answered", "asked back", "declined", "failed", "talk", "unknown"
OUTCOMES = (ANSWERED, ASKED_BACK, DECLINED, FAILED)
QUESTION_PREFIX = "ask_"
# Where the time of a message's arrival stands in its metadata.
RECEIVED = "received"

# The events that turns are made of. A store has other ones between them, twice as many and large ones among them.
SELECT = """
SELECT sender_id, type_name, timestamp, data FROM events
WHERE (type_name IN ('user', 'bot', 'session_started') OR (type_name = 'slot' AND action_name = 'rating')) {since}
ORDER BY sender_id, id
"""


class SourceError(ValueError):
    """The store cannot be read; the message says why."""


@dataclass
class Turn:
    """A message and what came back.

    Attributes:
        time: when the message came, in seconds since the epoch.
        text: what was typed, or the payload of what was tapped.
        title: what stood on the button, where it was one.
        channel: the input channel.
        intent: the classifier's best guess, or None.
        nearest: the topic that it comes nearest to, or None.
        confidence: how sure the classifier was.
        kind: of the card; empty without one.
        outcome: one of the constants above.
        topics: (topic, roles) of what was answered, or offered.
        subjects: the subjects of what was answered, or offered, each once.
        forms: how each of these questions was asked; empty where that is not known.
        seconds: from the message to its answer, or None.
        answer_id: of the card.
        rating: ``up``, ``down`` or None.
        reason: why, where that was said.
        session: the number of the session within the conversation, from 0.
    """

    time: float
    text: str
    title: str = ""
    channel: str = "other"
    intent: str | None = None
    nearest: str | None = None
    confidence: float = 0.0
    kind: str = ""
    outcome: str = FAILED
    topics: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    subjects: list[str] = field(default_factory=list)
    forms: list[str] = field(default_factory=list)
    seconds: float | None = None
    answer_id: str = ""
    rating: str | None = None
    reason: str | None = None
    session: int = 0

    @property
    def tapped(self) -> bool:
        """Whether it was a button."""
        return self.text.startswith("/")


def store_url(given: str | None = None) -> URL:
    """The address of the store to read.

    Args:
        given: a file, or an address as SQLAlchemy writes it; None takes the tracker store of ``endpoints.yml``.

    Raises:
        SourceError: endpoints.yml names a store that keeps no table of events.
    """
    if given:
        return make_url(given) if "://" in given else sqlite_url(Path(given))
    # Where several processes serve, the setting ROLEWISE_DATABASE goes before endpoints.yml.
    database = str(getattr(settings(), "database", "") or "")
    if database:
        return make_url(database.replace("postgres://", "postgresql://", 1))
    from rasa.shared.utils.io import read_config_file

    store = read_config_file(str(PROJECT_ROOT / "endpoints.yml")).get("tracker_store") or {}
    kind = str(store.get("type") or "")
    if kind.startswith("rolewise.") and store.get("dialect") in (None, "sqlite"):
        return sqlite_url(PROJECT_ROOT / store["db"] if store.get("db") else settings().store)
    if kind.lower() == "sql" or kind.startswith("rolewise."):
        if store.get("dialect", "sqlite") == "sqlite":
            return sqlite_url(PROJECT_ROOT / str(store.get("db", "rasa.db")))
        host = str(store.get("url") or "localhost")
        if "://" in host:
            return make_url(host)
        port = int(store["port"]) if store.get("port") else None
        return URL.create(
            store["dialect"], store.get("username"), store.get("password"), host, port, store.get("db"), store.get("query") or {}
        )
    raise SourceError(f"the tracker store of endpoints.yml is of the type '{kind}', which keeps no table of events: name one with --store")


def sqlite_url(path: Path) -> URL:
    """The address of an SQLite file, to be read only."""
    if not path.is_file():
        raise SourceError(f"there is no store at {path}")
    return URL.create("sqlite", database=f"file:{path.resolve()}", query={"mode": "ro", "uri": "true"})


def conversations(url: URL, since: float | None = None) -> Iterator[tuple[str, list[Turn]]]:
    """The conversations of a store with their turns, one in memory at a time.

    Args:
        url: of the store.
        since: leave out what happened before, in seconds since the epoch.

    Yields:
        The conversation's id and its turns, the oldest first; conversations without a turn are left out.

    Raises:
        SourceError: the store cannot be read.
    """
    try:
        engine: Engine = sqlalchemy.create_engine(url)
        with closing(engine.connect().execution_options(stream_results=True, max_row_buffer=ROWS)) as connection:
            query = sqlalchemy.text(SELECT.format(since="AND timestamp >= :since" if since is not None else ""))
            result = connection.execute(query, {"since": since} if since is not None else {})
            rows = itertools.chain.from_iterable(result.partitions(ROWS))
            for sender, events in itertools.groupby(rows, key=lambda row: row[0]):
                turns = turns_of((kind, time, json.loads(data)) for _, kind, time, data in events if data)
                if turns:
                    yield str(sender), turns
        engine.dispose()
    except sqlalchemy.exc.SQLAlchemyError as error:
        # Not the whole error: it would show the password in the address.
        raise SourceError(
            f"the store {url.render_as_string(hide_password=True)} cannot be read: {getattr(error, 'orig', error)}"
        ) from error


def turns_of(events: Iterator[tuple[str, float | None, dict[str, Any]]]) -> list[Turn]:
    """The turns of one conversation from its events in order."""
    turns: list[Turn] = []
    session, begun = 0, False
    for kind, time, data in events:
        if kind == "session_started":
            session += begun
        elif kind == "user":
            begun = True
            turn = _asked(data, time or 0.0)
            turn.session = session
            turns.append(turn)
        elif kind == "bot" and turns:
            _answer(turns[-1], data, time)
        elif kind == "slot" and isinstance(data.get("value"), dict):
            _rate(turns, data["value"])
    return turns


def _asked(data: dict[str, Any], time: float) -> Turn:
    parse, metadata = data.get("parse_data") or {}, data.get("metadata") or {}
    ranking = parse.get("intent_ranking") or []
    best = next(iter(ranking), None) or parse.get("intent") or {}
    nearest = next((guess["name"] for guess in ranking if str(guess.get("name")).startswith(QUESTION_PREFIX)), None)
    return Turn(
        time=float(metadata.get(RECEIVED) or time),
        text=str(data.get("text") or ""),
        title=str(metadata.get("title") or ""),
        channel=str(data.get("input_channel") or "other"),
        intent=best.get("name"),
        nearest=nearest[len(QUESTION_PREFIX) :] if nearest else None,
        confidence=float(best.get("confidence") or 0.0),
    )


def _answer(turn: Turn, data: dict[str, Any], time: float | None) -> None:
    card = ((data.get("data") or {}).get("custom") or {}).get("card") or {}
    if turn.seconds is None and time is not None:
        turn.seconds = max(0.0, time - turn.time)
    turn.kind = str(card.get("kind") or "other")
    turn.answer_id = str(card.get("answer_id") or "")
    questions = card.get("questions") or []
    turn.topics = [(str(item.get("topic")), tuple(item.get("roles") or ())) for item in questions]
    turn.subjects = list(dict.fromkeys(str(subject) for item in questions for subject in item.get("subjects") or ()))
    turn.forms = [str(item.get("form") or "") for item in questions]
    turn.outcome = _outcome(turn)


def _outcome(turn: Turn) -> str:
    """How a turn went, by the kind of its card."""
    if turn.kind in ("answer", "comparison"):
        return ANSWERED
    if turn.kind == "clarify":
        # The questionnaire asks, too; that is not asking back.
        return TALK if turn.answer_id.startswith("quiz") else ASKED_BACK
    if turn.kind == "menu":
        # Shown on request, or because nothing was understood twice running.
        return TALK if turn.intent in ("capabilities", "shorter") else DECLINED
    if turn.kind == "fallback":
        return DECLINED
    # A channel of text alone has no card that would say.
    return {"error": FAILED, "other": UNKNOWN}.get(turn.kind, TALK)


def _rate(turns: list[Turn], rating: dict[str, Any]) -> None:
    """Put a rating to the latest answer of its id: ids begin anew with each session."""
    for turn in reversed(turns):
        if turn.answer_id and turn.answer_id == rating.get("answer_id"):
            turn.rating, turn.reason = rating.get("value"), rating.get("reason") or turn.reason
            return
