"""The command ``rolewise``."""

from __future__ import annotations

import argparse
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
    return root


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
