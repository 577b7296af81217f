"""A transport that keeps what it is given, and programs of their own for what ends or forks."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import orjson

from hindcast_client.records import Record
from hindcast_client.transports.base import Outcomes

REPO = Path(__file__).parents[3]


class Kept:
    """Settles at once, with `lost` for all if there is a reason to; takes `room_records` at a time."""

    def __init__(self, *, reason: str = "", room_records: int = 10_000, error: Exception | None = None) -> None:
        self.records: list[Record] = []
        self.reason, self.room_records, self.error = reason, room_records, error
        self.opened = self.closed = 0

    def open(self, outcomes: Outcomes) -> None:
        self.outcomes = outcomes
        self.opened += 1

    def room(self) -> int:
        return self.room_records

    def send(self, records: Sequence[Record]) -> None:
        if self.error is not None:
            raise self.error
        for record in records:
            if self.reason:
                self.outcomes.lost(record, self.reason, "as it was told to")
            else:
                self.records.append(record)
                self.outcomes.sent(1)

    def settle(self, seconds: float) -> int:
        return 0

    def close(self) -> None:
        self.closed += 1

    def values(self) -> list[dict[str, Any]]:
        return [orjson.loads(record.value) for record in self.records]


def until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.01)


def run(program: str, *arguments: str, seconds: float = 20.0) -> subprocess.CompletedProcess[str]:
    """A program of its own, with this checkout's client."""
    env = {**os.environ, "PYTHONPATH": f"{REPO / 'client'}{os.pathsep}{REPO}"}
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=seconds, check=False)
