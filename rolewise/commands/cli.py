"""The command ``rolewise``."""

from __future__ import annotations

import argparse
import json
import logging
import math
import os
import sys
import time
from pathlib import Path

from rolewise import __version__
from rolewise.commands.ports import free
from rolewise.engine import archives, without_tensorflow
from rolewise.engine.imports import light, newest
from rolewise.settings import PROJECT_ROOT, settings


def quiet() -> None:
    """Keep the libraries' chatter out of the output, and let nothing report anywhere."""
    os.environ.setdefault("RASA_TELEMETRY_ENABLED", "false")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("SQLALCHEMY_SILENCE_UBER_WARNING", "1")
    os.environ.setdefault("LOG_LEVEL_LIBRARIES", "ERROR")
    # Connections that may wait to be accepted; with Rasa's 100 a crowd that comes at once is turned away.
    os.environ.setdefault("SANIC_BACKLOG", "2048")
    # Filters are reset by the libraries as they are imported; what goes through logging stays silent.
    logging.captureWarnings(True)
    logging.getLogger("py.warnings").setLevel(logging.ERROR)


def logs(level: str = "WARNING") -> None:
    """Configure logging as Rasa's own command does; without it every debug event is printed."""
    import rasa.utils.common
    from rasa.utils.log_utils import configure_structlog

    os.environ.setdefault("LOG_LEVEL", level)
    rasa.utils.common.configure_logging_and_warnings(None, None, warn_only_once=False, filter_repeated_logs=True)
    configure_structlog(None)
    # Standard output belongs to the answers.
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.StreamHandler) and handler.stream is sys.stdout:
            handler.setStream(sys.stderr)


def version() -> str:
    """The versions of the program, of the model and of the knowledge."""
    from rolewise.engine.training import trained_model
    from rolewise.knowledge import load
    from rolewise.knowledge.loader import content_hash

    knowledge = load(settings().knowledge)
    model = trained_model()
    return (
        f"rolewise {__version__}\n"
        f"model {model.name if model else 'none that is up to date'}\n"
        f"knowledge {content_hash(knowledge)}, reviewed on {knowledge.reviewed_on.isoformat()}"
    )


def parser() -> argparse.ArgumentParser:
    """The command line."""
    root = argparse.ArgumentParser(prog="rolewise", description="A careers FAQ assistant on Rasa and spaCy.")
    root.add_argument("--version", action="store_true", help="print the versions of program, model and knowledge")
    commands = root.add_subparsers(dest="command")
    ask = commands.add_parser("ask", help="answer questions from standard input, one a line")
    ask.add_argument("--jsonl", action="store_true", help="read and write one JSON conversation a line")
    ask.add_argument("--model", type=Path, help="a model archive; default: the newest")
    commands.add_parser("serve", help="serve the channels, actions in the same process")
    commands.add_parser("shell", help="talk to it in the terminal")
    train = commands.add_parser("train", help="train unless the newest model is up to date")
    train.add_argument("--force", action="store_true", help="train in any case")
    commands.add_parser("check", help="check the knowledge, and that domain, rules and examples agree with it")
    topic = commands.add_parser("new-topic", help="add a topic: its entries, intent, rule and examples, with what is to be written marked")
    topic.add_argument("id", help="lower case letters, digits and '_': dress_code")
    topic.add_argument("--question", required=True, help='with a place for the role: "What does {a_role} wear at work?"')
    topic.add_argument("--title", help="the heading; default: made of the id")
    topic.add_argument("--label", help="the topic inside a sentence; default: made of the id")
    topic.add_argument("--alias", action="append", default=[], help="a word that names the topic; may be given several times")
    topic.add_argument("--examples", type=Path, help="a file with training messages, one a line")
    subject_parser(commands.add_parser("new-subject", help="add a subject to a file of subjects, its facts marked as still to be written"))
    report = commands.add_parser("report", help="write what the stored conversations tell: a page, JSON and CSV")
    report.add_argument("--out", type=Path, default=PROJECT_ROOT / "results" / "report", help="the directory; default: results/report")
    reads_store(report)
    inbox = commands.add_parser("inbox", help="walk through what was not answered: assign it, or note what is missing")
    inbox.add_argument("--again", action="store_true", help="show what was skipped, too")
    reads_store(inbox)
    diff = commands.add_parser("diff", help="show which answers two models give differently")
    diff.add_argument("old", type=Path, help="a model archive")
    diff.add_argument("new", type=Path, help="another one, or the directory with the newest")
    diff.add_argument("--store", help="ask messages of this store, too: a file or an address, or 'endpoints' for the one of endpoints.yml")
    diff.add_argument("--days", type=days, default=30.0, help="only those of the last days; default: 30")
    diff.add_argument("--all", action="store_true", help="show every change, not the first 20 of each kind")
    diff.add_argument("--json", action="store_true", help="write JSON lines, one a change")
    store_parser(commands.add_parser("store", help="look after the stored conversations"))
    return root


def days(text: str) -> float:
    """A number of days on the command line."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 <= number < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of days: it is a number from 0 on")
    return number


def reads_store(command: argparse.ArgumentParser) -> None:
    """The options of a command that reads conversations and looks at them with a model."""
    command.add_argument("--store", help="an SQLite file or an address of a database; default: the tracker store of endpoints.yml")
    command.add_argument("--days", type=days, help="only the last days; default: all that is stored")
    command.add_argument("--model", type=Path, help="a model archive; default: the newest")


def subject_parser(subject: argparse.ArgumentParser) -> None:
    """The command line of ``rolewise new-subject``."""
    subject.add_argument("id", help="lower case letters, digits and '_': code_review")
    subject.add_argument("--name", required=True, help='as it stands in a sentence: "code review"')
    subject.add_argument("--question", required=True, help='without a role: "What is code review?"')
    subject.add_argument("--role-question", help='with a place for the role: "Does {a_role} review code?"')
    subject.add_argument("--kind", required=True, help="what sort of thing it is: skill, tool, place, level, ...")
    subject.add_argument("--topics", required=True, nargs="+", help="one to three topics that it belongs to, the best first")
    subject.add_argument("--alias", action="append", default=[], help="what people call it; may be given several times; default: the name")
    subject.add_argument("--file", help="the file under knowledge/subjects; default: the one with the most subjects of its topics")


def store_parser(store: argparse.ArgumentParser) -> None:
    """The command line of ``rolewise store``."""
    tasks = store.add_subparsers(dest="task", required=True)
    tasks.add_parser("info", help="say how much is stored")
    tasks.add_parser("backup", help="copy the store to a file, also while it is in use").add_argument("file", type=Path)
    tasks.add_parser("restore", help="put a backup in the place of the store").add_argument("file", type=Path)
    tasks.add_parser("upgrade", help="bring the store to this program's version, or take over one that Rasa made")
    tasks.add_parser("export", help="print the events of one conversation, one JSON object a line").add_argument("sender")
    tasks.add_parser("delete", help="remove one conversation for good").add_argument("sender")
    clean = tasks.add_parser("clean", help="remove conversations that are over for long")
    clean.add_argument("--days", type=days, help="days without a message; default: ROLEWISE_RETENTION_DAYS")


def store(options: argparse.Namespace) -> int:
    """Run ``rolewise store``; returns its exit status: 1 when there is no such conversation."""
    from rolewise.stores import database, tasks

    shared, path = settings().database, settings().store
    # The same tasks on PostgreSQL and on SQLite, by the same names.
    kept, place = (tasks, shared) if shared else (database, path)
    if options.task == "export":
        events = kept.export(place, options.sender)
        for event in events:
            print(json.dumps(event, allow_nan=False))
        return 0 if events else 1
    if options.task == "delete":
        number = kept.delete(place, options.sender)
        print(f"{number} events removed.")
        return 0 if number else 1
    if options.task == "clean":
        limit = settings().retention_days if options.days is None else options.days
        print(f"{kept.remove_older(place, limit)} conversations removed that had no message for {limit:g} days.")
        return 0
    if shared and options.task != "info":
        raise ValueError(f"'rolewise store {options.task}' is for SQLite; PostgreSQL has pg_dump and pg_restore, and needs no upgrade")
    if options.task == "upgrade":
        before, after = database.upgrade(path)
        print(f"{path}: version {before} is now {after}.")
        return 0
    if options.task == "backup":
        found, where = database.backup(path, options.file), str(options.file)
    elif options.task == "restore":
        found, where = database.restore(path, options.file), str(path)
    else:
        found, where = kept.contents(place), "PostgreSQL" if shared else str(path)
    print(f"{where}: version {found.version}, {found.conversations} conversations, {found.events} events.")
    return 0


def serve(options: argparse.Namespace) -> int:
    """``rolewise serve`` and ``rolewise shell``: train if need be, then load no more than it takes to serve."""
    from rolewise.engine.training import trained_apart

    began = time.monotonic()
    free(settings().host, settings().port)
    model = trained_apart()
    light(model)
    logs("WARNING")
    from rolewise.commands import serve as server

    if options.command == "serve":
        server.serve(model, began)
    else:
        server.shell(model)
    return 0


def shown(text: str) -> str:
    """A text with the files of the project as they are called inside of it."""
    return text.replace(f"{PROJECT_ROOT}{os.sep}", "")


def counted(number: int, what: str) -> str:
    """How many of something, in words: "no faults", "1 fault", "2 faults"."""
    return f"{number or 'no'} {what}{'' if number == 1 else 's'}"


def check() -> int:
    """Run ``rolewise check``; returns its exit status: 2 when there are errors."""
    from datetime import date

    from rolewise.authoring import check as content

    path = settings().knowledge
    report = content.check(path, PROJECT_ROOT, date.today(), settings().review_days)
    for error in report.errors:
        print(shown(error), file=sys.stderr)
    for warning in report.warnings:
        print(f"{shown(warning)} (warning)")
    warned = f", {counted(len(report.warnings), 'warning')}" if report.warnings else ""
    print(f"{shown(str(path))}: {counted(len(report.errors), 'fault')}{warned}.")
    return 2 if report.errors else 0


def report(options: argparse.Namespace) -> int:
    """Run ``rolewise report``; returns its exit status."""
    from rolewise.insights import run

    model = newest(options.model or settings().models)
    archives.check(model)
    for path in run.make(options.store, options.days, model, options.out):
        print(path.relative_to(PROJECT_ROOT) if path.is_relative_to(PROJECT_ROOT) else path)
    return 0


def inbox(options: argparse.Namespace) -> int:
    """Run ``rolewise inbox``; returns its exit status."""
    from rolewise.insights import run

    model = newest(options.model or settings().models)
    archives.check(model)
    return run.inbox(options.store, options.days, model, options.again)


def diff(options: argparse.Namespace) -> int:
    """Run ``rolewise diff``; returns its exit status: 1 when an answer became worse."""
    import time

    from rolewise.commands import diff as differences
    from rolewise.insights.events import conversations, store_url

    for model in (options.old, options.new):
        archives.check(newest(model))
    messages = list(differences.known_messages())
    if options.store:
        url = store_url(None if options.store == "endpoints" else options.store)
        messages += differences.stored_messages(conversations(url, time.time() - 86400 * options.days))
    found = differences.compare(messages, *(differences.ask(model, messages) for model in (options.old, options.new)))
    for line in differences.as_json(found) if options.json else differences.told(found, shown=10**9 if options.all else 20):
        print(line)
    return 1 if found.counts()[differences.WORSE] else 0


def new_topic(options: argparse.Namespace) -> int:
    """Run ``rolewise new-topic``; returns its exit status."""
    from rolewise.authoring import new_topic as topics

    examples = options.examples.read_text(encoding="utf-8-sig").splitlines() if options.examples else []
    topic = topics.named(options.id, options.question, options.title, options.label, options.alias, examples)
    for path in topics.add(topic, settings().knowledge, PROJECT_ROOT):
        print(f"{shown(str(path))} changed.")
    print("Next: 'rolewise check' lists what is to be written; add examples to data/nlu.yml; then 'make train'.")
    return 0


def new_subject(options: argparse.Namespace) -> int:
    """Run ``rolewise new-subject``; returns its exit status."""
    from rolewise.authoring import new_subject as subjects

    subject = subjects.named(options.id, options.kind, options.name, options.question, options.role_question, options.topics, options.alias)
    path = subjects.add(subject, settings().knowledge, options.file)
    print(f"{shown(str(path))} changed.")
    print("Next: 'rolewise check' lists what is to be written; then 'make train'.")
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Run a command; returns its exit status."""
    options = parser().parse_args(arguments)
    quiet()
    without_tensorflow.install()
    if str(PROJECT_ROOT) not in sys.path:
        sys.path.insert(0, str(PROJECT_ROOT))
    from rolewise.knowledge import KnowledgeError

    try:
        if options.version:
            print(version())
            return 0
        if options.command == "check":
            return check()
        tasks = {"new-topic": new_topic, "new-subject": new_subject, "store": store, "report": report, "inbox": inbox, "diff": diff}
        if options.command in tasks:
            return tasks[options.command](options)
        if options.command == "ask":
            model = newest(options.model or settings().models)
            archives.check(model)
            light(model)
            logs("ERROR")
            from rolewise.commands import ask

            return ask.main(sys.stdin.buffer, sys.stdout, options.jsonl, model)
        if options.command == "train":
            logs("INFO")
            from rolewise.engine.training import train

            train(force=options.force)
            return 0
        if options.command in ("serve", "shell"):
            return serve(options)
    except KnowledgeError as error:
        print(shown(str(error)), file=sys.stderr)
        return 2
    except (FileNotFoundError, RuntimeError, ValueError) as error:
        print(f"rolewise: {error}", file=sys.stderr)
        return 2
    parser().print_help()
    return 2


if __name__ == "__main__":
    sys.exit(main())
