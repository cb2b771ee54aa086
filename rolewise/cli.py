"""The command ``rolewise``."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from pathlib import Path

from rolewise import __version__
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


def light() -> None:
    """Keep jax out, which TensorFlow loads for a converter that is never used here: 67 MB and an eighth of the time to import Rasa."""
    if "jax" not in sys.modules:
        # What Python finds there as None counts as not installed, and TensorFlow goes on without it.
        sys.modules["jax"] = None  # type: ignore[assignment]


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
    from rolewise.knowledge import load
    from rolewise.knowledge.loader import content_hash
    from rolewise.train import trained_model

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
    commands.add_parser("check", help="check the knowledge file")
    store_parser(commands.add_parser("store", help="look after the stored conversations"))
    return root


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
    clean.add_argument("--days", type=float, help="days without a message; default: ROLEWISE_RETENTION_DAYS")


def store(options: argparse.Namespace) -> int:
    """Run ``rolewise store``; returns its exit status: 1 when there is no such conversation."""
    from rolewise import database

    if settings().database:
        return shared_store(options)
    path = settings().store
    if options.task == "export":
        events = database.export(path, options.sender)
        for event in events:
            print(json.dumps(event))
        return 0 if events else 1
    if options.task == "delete":
        number = database.delete(path, options.sender)
        print(f"{number} events removed.")
        return 0 if number else 1
    if options.task == "clean":
        days = settings().retention_days if options.days is None else options.days
        if days < 0:
            raise ValueError("--days is at least 0")
        print(f"{database.remove_older(path, days)} conversations removed that had no message for {days:g} days.")
        return 0
    if options.task == "upgrade":
        before, after = database.upgrade(path)
        print(f"{path}: version {before} is now {after}.")
        return 0
    if options.task == "backup":
        found, where = database.backup(path, options.file), options.file
    elif options.task == "restore":
        found, where = database.restore(path, options.file), path
    else:
        found, where = database.contents(path), path
    print(f"{where}: version {found.version}, {found.conversations} conversations, {found.events} events.")
    return 0


def shared_store(options: argparse.Namespace) -> int:
    """Run ``rolewise store`` on PostgreSQL; returns its exit status: 1 when there is no such conversation."""
    from rolewise.stores import tasks

    url = settings().database
    if options.task == "export":
        events = tasks.export(url, options.sender)
        for event in events:
            print(json.dumps(event))
        return 0 if events else 1
    if options.task == "delete":
        number = tasks.delete(url, options.sender)
        print(f"{number} events removed.")
        return 0 if number else 1
    if options.task == "clean":
        days = settings().retention_days if options.days is None else options.days
        if days < 0:
            raise ValueError("--days is at least 0")
        print(f"{tasks.remove_older(url, days)} conversations removed that had no message for {days:g} days.")
        return 0
    if options.task == "info":
        found = tasks.contents(url)
        print(f"PostgreSQL: version {found.version}, {found.conversations} conversations, {found.events} events.")
        return 0
    raise ValueError(f"'rolewise store {options.task}' is for SQLite; PostgreSQL has pg_dump and pg_restore, and needs no upgrade")


def main(arguments: list[str] | None = None) -> int:
    """Run a command; returns its exit status."""
    options = parser().parse_args(arguments)
    quiet()
    if str(PROJECT_ROOT) not in sys.path:
        sys.path.insert(0, str(PROJECT_ROOT))
    from rolewise.knowledge import KnowledgeError, load

    try:
        if options.version:
            print(version())
            return 0
        if options.command == "check":
            load(settings().knowledge)
            print(f"{settings().knowledge}: no faults.")
            return 0
        if options.command == "store":
            return store(options)
        if options.command in ("ask", "serve", "shell"):
            light()
        if options.command == "ask":
            logs("ERROR")
            from rolewise import ask

            return ask.main(sys.stdin.buffer, sys.stdout, options.jsonl, options.model)
        if options.command in ("train", "serve", "shell"):
            logs("INFO" if options.command == "train" else "WARNING")
            from rolewise import server
            from rolewise.train import train

            if options.command == "train":
                train(force=options.force)
            elif options.command == "serve":
                server.serve()
            else:
                server.shell()
            return 0
    except KnowledgeError as error:
        print(error, file=sys.stderr)
        return 2
    except (FileNotFoundError, RuntimeError, ValueError) as error:
        print(f"rolewise: {error}", file=sys.stderr)
        return 2
    parser().print_help()
    return 2


if __name__ == "__main__":
    sys.exit(main())
