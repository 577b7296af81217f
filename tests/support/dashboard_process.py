"""`hindcast dashboard` as a process of its own, and a client of its stream."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import Any

import orjson

from tests.support.worker_process import WorkerProcess


class DashboardProcess(WorkerProcess):
    """The dashboard, with a configuration and a port of its own."""

    def arguments(self) -> list[str]:
        return ["dashboard", "--config", str(self.config)]

    def items(self, path: str) -> list[dict[str, Any]]:
        """All items of a list, page by page."""
        found: list[dict[str, Any]] = []
        cursor = ""
        while True:
            status, body = self.get(f"/api/v1{path}{cursor}")
            assert status == 200, body
            answer = orjson.loads(body)
            found += answer["items"]
            if answer["next"] is None:
                return found
            cursor = f"{'&' if '?' in path else '?'}cursor={answer['next']}"

    def status(self) -> dict[str, Any]:
        """What it says of its reading."""
        code, body = self.get("/api/v1/status")
        assert code == 200, f"{body}\n{self.log[-3000:]}"
        found: dict[str, Any] = orjson.loads(body)
        return found

    @contextmanager
    def stream(self) -> Iterator[Events]:
        """Follow the stream for a while."""
        events = Events(self.port)
        events.start()
        try:
            yield events
        finally:
            events.stop()


@dataclass(frozen=True)
class Event:
    """An event and when it came, Unix time."""

    kind: str
    data: dict[str, Any]
    at_seconds: float


class Events(threading.Thread):
    """What a stream has told so far."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.told: list[Event] = []
        self._connection = HTTPConnection("127.0.0.1", port, timeout=30)
        self._connection.request("GET", "/api/v1/stream")
        self._answer = self._connection.getresponse()

    def run(self) -> None:
        kind = ""
        with suppress(HTTPException):  # of `stop`
            for line in self._answer:
                name, _, text = line.decode().rstrip("\n").partition(": ")
                if name == "event":
                    kind = text
                elif name == "data":
                    self.told.append(Event(kind, orjson.loads(text), time.time_ns() / 1e9))

    def stop(self) -> None:
        """Leave."""
        self._connection.sock.shutdown(socket.SHUT_RDWR)
        self.join(10)

    def wait(self, wanted: Callable[[Event], bool], seconds: float) -> Event:
        """The first event that is wanted, within so many seconds."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for event in list(self.told):
                if wanted(event):
                    return event
            time.sleep(0.02)
        raise AssertionError(f"no such event within {seconds} s, but {[e.data for e in self.told[-5:]]}")
