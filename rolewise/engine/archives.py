"""Whether a model archive can be used, found out before anything is loaded from it. No Rasa."""

from __future__ import annotations

import gzip
import json
import tarfile
import zlib
from functools import lru_cache
from pathlib import Path

METADATA = "metadata.json"
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
        found = components(model)
    except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
        reason = (str(error) or type(error).__name__).partition("\n")[0]
        raise ModelError(f"the model {model} is cut off or damaged ({reason}): 'make train' makes a new one") from error
    except (KeyError, TypeError, ValueError, AttributeError):
        raise ModelError(f"{model} is an archive, but no model: 'make train' makes one") from None
    if not any(component.startswith(OURS) for component in found):
        raise ModelError(f"{model} is a model of another assistant: 'make train' makes one of this")


def components(model: Path) -> list[str]:
    """The components that an archive answers with, read to its end, where its checksum stands.

    Raises:
        OSError, EOFError, zlib.error, tarfile.TarError: it is absent, cut off, damaged, or no archive.
        KeyError, TypeError, ValueError, AttributeError: it holds no model.
    """
    status = model.stat()
    return _components(model, status.st_mtime_ns, status.st_size)


# A start asks twice: whether the model can be used, and what it needs.
@lru_cache(maxsize=1)
def _components(model: Path, changed: int, size: int) -> list[str]:
    written = b""
    with gzip.open(model) as whole:
        with tarfile.open(fileobj=whole, mode="r|") as archive:
            for member in archive:
                if member.name.removeprefix("./") == METADATA:
                    file = archive.extractfile(member)
                    written = file.read() if file else b""
        while whole.read(PIECE):
            pass
    return [str(node["uses"]) for node in json.loads(written)["predict_schema"]["nodes"].values()]
