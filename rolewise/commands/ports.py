"""Whether a port can be listened on."""

from __future__ import annotations

import socket


def free(host: str, port: int) -> None:
    """See that the port can be listened on, before a model is loaded for nothing.

    Raises:
        RuntimeError: it cannot.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            raise RuntimeError(f"cannot serve on {host}:{port}: {error.strerror}; PORT changes the port") from error
