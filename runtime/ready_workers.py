"""Asks every worker behind a name whether it is ready."""

from __future__ import annotations

import socket
import time
from collections.abc import Sequence
from http.client import HTTPConnection, HTTPException
from typing import Final

from models.errors import ConfigError, WorldError
from runtime import clock

_TIMEOUT_SECONDS: Final = 3.0
_PAUSE_SECONDS: Final = 1.0
_HTTP_OK: Final = 200


def await_ready(workers: str, deadline_seconds: float) -> Sequence[str]:
    """The addresses behind HOST:PORT, once each of them answers 200 on ``/readyz``.

    deadline_seconds: by the monotonic clock. Raises ConfigError if it is no HOST:PORT, and WorldError, with a line
    for each worker that is not ready by then.
    """
    host, _, port = workers.rpartition(":")
    if not host or not port.isdecimal():
        raise ConfigError([f"--workers: write HOST:PORT (got {workers})"])
    while True:
        found, problem = _addresses(host, int(port))
        waiting = [f"worker {one}: {said}" for one in found if (said := _why_not_ready(one, int(port))) is not None]
        if found and not waiting:
            return found
        if clock.monotonic_seconds() >= deadline_seconds:
            raise WorldError("\n".join(waiting) or f"--workers: {host}: {problem}")
        time.sleep(_PAUSE_SECONDS)


def _addresses(host: str, port: int) -> tuple[Sequence[str], str]:
    """All addresses of a name, and why there are none."""
    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        return [], error.strerror or str(error)
    return sorted({str(address[0]) for *_, address in answers}), "no address"


def _why_not_ready(address: str, port: int) -> str | None:
    connection = HTTPConnection(address, port, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        said = answer.read().decode(errors="replace").strip()
    except (OSError, HTTPException) as error:
        return f"does not answer: {error}"
    finally:
        connection.close()
    return None if answer.status == _HTTP_OK else f"not ready: {said}"
