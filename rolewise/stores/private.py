"""Files and directories that hold what people wrote: only their owner may read them, whatever the umask is."""

from __future__ import annotations

import os
from pathlib import Path

FILE, DIRECTORY = 0o600, 0o700


def directory(path: Path) -> Path:
    """Make a directory that is not there yet, for its owner alone. One that is there belongs to whoever made it."""
    if not path.is_dir():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(mode=DIRECTORY, exist_ok=True)
    return path


def file(path: Path) -> Path:
    """Make an empty file for its owner alone, or take one that is there from everybody else.

    Raises:
        OSError: it cannot be made.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT, FILE)
    try:
        status = os.fstat(handle)
        if status.st_mode & 0o077 and status.st_uid == os.geteuid():
            os.fchmod(handle, FILE)
    finally:
        os.close(handle)
    return path
