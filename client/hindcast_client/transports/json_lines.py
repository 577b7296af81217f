"""Records as lines of files, one file a topic, as `hindcast evaluate` reads them."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from hindcast_client.errors import UsageError
from hindcast_client.records import Record
from hindcast_client.transports.base import Outcomes

ROOM: Final = 10_000


class JsonLinesTransport:
    """Appends to ``DIRECTORY/TOPIC.jsonl``, a batch with one write, so processes may share the files.

    Files are opened for each batch: they may be moved away (rotated) at any time. Raises UsageError if there can be
    no such directory.
    """

    def __init__(self, directory: str | Path) -> None:
        self._directory = Path(directory)
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"JSON lines: {error}") from None
        if not os.access(self._directory, os.W_OK):
            raise UsageError(f"JSON lines: {self._directory} is not writable")

    def open(self, outcomes: Outcomes) -> None:
        """See Transport."""
        self._outcomes = outcomes

    def room(self) -> int:
        """See Transport."""
        return ROOM

    def send(self, records: Sequence[Record]) -> None:
        """See Transport."""
        by_topic: dict[str, list[Record]] = defaultdict(list)
        for record in records:
            by_topic[record.topic].append(record)
        for topic, those in by_topic.items():
            self._append(topic, those)

    def _append(self, topic: str, records: list[Record]) -> None:
        try:
            with (self._directory / f"{topic}.jsonl").open("ab", buffering=0) as file:
                file.write(b"".join([record.value + b"\n" for record in records]))
        except OSError as error:  # a full disk may have taken some of them; a copy more is better than one less
            for record in records:
                self._outcomes.lost(record, "write_failed", str(error))
        else:
            self._outcomes.sent(len(records))

    def settle(self, seconds: float) -> int:  # noqa: ARG002  # Transport's; here everything settles at once
        """See Transport."""
        return 0

    def close(self) -> None:
        """See Transport."""
