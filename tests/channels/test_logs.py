"""The log of a server: one JSON object a line, whoever writes it."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from rolewise.settings import PROJECT_ROOT

BEGIN = """
import logging, sys, threading, warnings
from rolewise.commands import cli
cli.logs()
from rasa.utils.common import update_sanic_log_level
from sanic.log import error_logger
from rolewise.channels import report
report.log_json()
update_sanic_log_level()
report.log_json()
def fail(): raise ValueError("two\\nlines")
"""


@pytest.mark.parametrize(
    "statement",
    [
        "try: fail()\nexcept ValueError: error_logger.exception('uncaught')",
        "logger = logging.getLogger('own'); logger.addHandler(logging.StreamHandler()); logger.propagate = False; report.log_json()\n"
        "logger.error('two\\nlines')",
        "logging.getLogger('x').error('%d words', 'no number'); logging.error('after it')",
        "logging.error('x', extra={'share': float('nan'), 'set': {1, 2}})",
        "warnings.warn('careful')",
        "thread = threading.Thread(target=fail); thread.start(); thread.join()",
        "class Gone:\n  def __del__(self): fail()\nGone()",
        "fail()",
        "import structlog; structlog.get_logger('rasa').error('an.event', event_info='two\\nlines')",
    ],
    ids=["sanic", "handlers of its own", "bad arguments", "no number", "warning", "thread", "finaliser", "uncaught", "structlog"],
)
def test_every_line_is_one_object(statement: str) -> None:
    # A model that was loaded by a test before has set the level for this process and its children.
    environment = {name: value for name, value in os.environ.items() if name != "LOG_LEVEL"}
    command = [sys.executable, "-c", BEGIN + statement]
    run = subprocess.run(command, cwd=PROJECT_ROOT, env=environment, capture_output=True, text=True, timeout=120)

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    lines = [json.loads(line, parse_constant=refuse) for line in run.stderr.splitlines()]
    assert lines and all({"time", "level", "logger", "message"} <= set(line) for line in lines), run.stderr
    assert not run.stdout
