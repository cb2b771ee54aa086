"""What a server tells about its turns: Prometheus metrics, and one log line a turn, without the words of anybody."""

from __future__ import annotations

import hashlib
import json
import logging
import sys
import threading
import time
from functools import lru_cache
from types import TracebackType
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from rasa.core.channels.channel import UserMessage

from rolewise.conversation.signs import rating
from rolewise.settings import settings

logger = logging.getLogger(__name__)

BUCKETS = (0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
RATINGS = {"feedback_positive": "up", "feedback_negative": "down"}


class Metrics:
    """The metrics of this process."""

    def __init__(self) -> None:
        """Everything at zero."""
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self.messages = self._counter("messages", "Messages worked on", "channel", "kind")
        self.seconds = Histogram(
            "rolewise_turn_seconds", "Seconds from a message to its answer", ["channel"], buckets=BUCKETS, registry=self.registry
        )
        self.intents = self._counter("intents", "Messages by the intent that was understood", "intent")
        self.fallbacks = self._counter("fallbacks", "Messages that were declined")
        self.subjects = self._counter("subjects", "Questions answered by what they are about", "subject")
        self.forms = self._counter("forms", "Questions answered by how they were asked", "form")
        self.ratings = self._counter("ratings", "Ratings of answers", "rating")
        self.errors = self._counter("errors", "Turns that ended with an apology", "reason")
        self.refused = self._counter("refused", "Messages that did not reach the assistant", "reason")
        self.repeats = self._counter("repeats", "Messages sent again that got the answer they had")
        self.conflicts = self._counter("conflicts", "Turns worked on again, as another process had gone on with the conversation")
        self.unanswered = self._counter("unanswered", "Messages cut off whose sender was told that they got no answer")
        self.degraded = Gauge("rolewise_degraded", "1 while a part that is not vital is away", ["part"], registry=self.registry)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"rolewise_{name}", text, labels, registry=self.registry)


@lru_cache(maxsize=1)
def metrics() -> Metrics:
    """The metrics of this process."""
    return Metrics()


def exposition() -> bytes:
    """All metrics in Prometheus' text format."""
    text: bytes = generate_latest(metrics().registry)
    return text


def refused(reason: str) -> None:
    """Count a message that did not reach the assistant."""
    metrics().refused.labels(reason).inc()


def error(reason: str) -> None:
    """Count a turn that ended with an apology."""
    metrics().errors.labels(reason).inc()


def repeated() -> None:
    """Count a message that was sent again and got the answer it had."""
    metrics().repeats.inc()


def conflicted() -> None:
    """Count a turn that has to be worked on again."""
    metrics().conflicts.inc()


def told(number: int) -> None:
    """Count messages whose sender was told that they got no answer."""
    metrics().unanswered.inc(number)


def degraded(part: str, away: bool) -> None:
    """Note whether a part that is not vital is away."""
    metrics().degraded.labels(part).set(int(away))


def rated(value: str) -> None:
    """Count a rating, ``up`` or ``down``, that came by a button."""
    metrics().ratings.labels(value).inc()


def turn(message: UserMessage, items: list[dict[str, Any]], seconds: float, error_id: str | None) -> None:
    """Count and log a turn.

    Args:
        message: with what was understood.
        items: the answer; empty for a channel of Rasa's own, which has sent it already.
        seconds: from the message to the answer.
        error_id: of its failure, if it failed.
    """
    channel = message.input_channel or "other"
    parsed = message.parse_data or {}
    intent = parsed.get("intent") or {}
    cards = [item["custom"]["card"] for item in items if (item.get("custom") or {}).get("card")]
    kinds = [str(card["kind"]) for card in cards]
    kind = "error" if error_id else kinds[-1] if kinds else "other"
    told = metrics()
    told.messages.labels(channel, kind).inc()
    told.seconds.labels(channel).observe(seconds)
    name = intent.get("name")
    if name:
        told.intents.labels(name).inc()
    value = rating(message.text or "") or RATINGS.get(str(name))
    # A number is no rating, whatever it was taken for.
    if value and kind in ("smalltalk", "other"):
        told.ratings.labels(value).inc()
    _answered(cards)
    if kind == "fallback":
        told.fallbacks.inc()
    elif kind == "error" and not error_id:
        told.errors.labels("action").inc()
    if not logger.isEnabledFor(logging.INFO):
        return
    line: dict[str, Any] = {
        "conversation": pseudonym(message.sender_id),
        "channel": channel,
        "intent": name,
        "confidence": round(float(intent.get("confidence") or 0.0), 4),
        "kind": kind,
        "ms": round(1000 * seconds, 1),
    }
    if error_id:
        line["error_id"] = error_id
    if settings().log_text == "on":
        line |= {"text": message.text, "answer": [item["text"] for item in items]}
    logger.info("turn", extra=line)


def _answered(cards: list[dict[str, Any]]) -> None:
    """Count the questions that cards answer by subject and form; a label is an id of the knowledge, so there are few of them."""
    for card in cards:
        for question in card.get("questions") or () if card["kind"] in ("answer", "comparison") else ():
            for subject in question.get("subjects") or ("none",):
                metrics().subjects.labels(subject).inc()
            metrics().forms.labels(question.get("form") or "unknown").inc()


def pseudonym(sender: str) -> str:
    """What stands for a sender in the log: the same for all messages of one, and no way back to the id."""
    return hashlib.sha256(sender.encode("utf-8", "replace")).hexdigest()[:12]


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message, whatever ``extra`` adds, and the trace of an exception."""

    PLAIN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **{name: value for name, value in vars(record).items() if name not in self.PLAIN},
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        try:
            return json.dumps(line, default=str, skipkeys=True, allow_nan=False)
        except ValueError:  # a number that JSON has no word for, or something that holds itself
            return json.dumps({name: str(value) for name, value in line.items()})


def log_json() -> None:
    """Write the log of this process as JSON lines to standard error, one a turn among them; whatever happens, nothing else comes there.

    To be called before the server starts, and once it has: Rasa sets up Sanic's loggers in between, without a handler.
    """
    formatter = JsonFormatter()
    root = logging.getLogger()
    known = [found for found in list(logging.root.manager.loggerDict.values()) if isinstance(found, logging.Logger)]
    for found in known:
        # What has handlers of its own, or none to go to, would write in words of its own.
        found.handlers.clear()
        found.propagate = True
    for handler in [*root.handlers, *filter(None, [logging.lastResort])]:
        handler.setFormatter(formatter)
        # Rasa's filter against repeated lines would drop every second turn.
        handler.filters.clear()
    logger.setLevel(logging.INFO)
    # A line that cannot be written must not bring a trace of its own.
    logging.raiseExceptions = False
    logging.captureWarnings(True)
    sys.excepthook = _uncaught
    threading.excepthook = lambda hooked: _uncaught(hooked.exc_type, hooked.exc_value, hooked.exc_traceback)
    sys.unraisablehook = lambda hooked: _uncaught(hooked.exc_type, hooked.exc_value, hooked.exc_traceback)


def _uncaught(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    if not issubclass(kind, SystemExit):
        logger.error("nobody caught this", exc_info=(kind, error or kind(), trace))
