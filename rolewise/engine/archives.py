"""Whether a model archive can be used, found out before anything is loaded from it. No Rasa."""

from __future__ import annotations

import gzip
import json
import tarfile
import zlib
from pathlib import Path

# Bytes read at once.
PIECE = 1 << 20
# Where the components are by which a model is known as one of ours.
OURS = "rolewise."


class ModelError(RuntimeError):
    """A model archive cannot be used; the message says why, in one line."""


def check(model: Path) -> None:
    """Read an archive from its beginning to its end.

    Raises:
        ModelError: it is absent, cut off, damaged, no archive, or no model of this program.
    """
    if not model.is_file():
        raise ModelError(f"there is no model at {model}: run 'make train'")
    try:
        with gzip.open(model) as whole:
            # The checksum stands at the end.
            while whole.read(PIECE):
                pass
        with tarfile.open(model) as archive:
            written = archive.extractfile("metadata.json")
            nodes = json.load(written)["predict_schema"]["nodes"] if written else {}
            components = [str(node["uses"]) for node in nodes.values()]
    except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
        reason = (str(error) or type(error).__name__).partition("\n")[0]
        raise ModelError(f"the model {model} is cut off or damaged ({reason}): 'make train' makes a new one") from error
    except (KeyError, TypeError, ValueError, AttributeError):
        raise ModelError(f"{model} is an archive, but no model: 'make train' makes one") from None
    if not any(component.startswith(OURS) for component in components):
        raise ModelError(f"{model} is a model of another assistant: 'make train' makes one of this")
