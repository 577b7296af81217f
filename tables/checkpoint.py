"""What a checkpoint of one state partition is, wherever it is kept.

The changelog is the truth; a checkpoint only saves replaying all of it. It is written as one
consistent cut: rows, accumulators and the log position they belong to, all or nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from tables.strings import Strings

RowsWritten = tuple[Strings, Strings]
"""Keys and the row of each."""


@dataclass(slots=True)
class Cut:
    """One consistent cut of what has changed since the last.

    rows: in order; of two rows with one key the later counts. index: keys of new rows by (labels
    topic code, bucket ms); purge: buckets whose rows go, all but the spared ones.
    """

    meta: bytes
    rows: list[RowsWritten] = field(default_factory=list)
    slots: dict[int, bytes] = field(default_factory=dict)
    dropped_slots: list[int] = field(default_factory=list)
    index: dict[tuple[int, int], list[bytes]] = field(default_factory=dict)
    purge: list[tuple[int, int]] = field(default_factory=list)
    spared: set[bytes] = field(default_factory=set)


class Checkpoint(Protocol):
    """A store of cuts. `write` may run in another thread than the reads."""

    def meta(self) -> bytes | None:
        """The meta of the last cut; None when there is none."""

    def get_many(self, keys: list[bytes]) -> list[bytes | None]:
        """The rows of the keys, in order."""

    def slot(self, key: int) -> bytes | None:
        """One accumulator."""

    def slot_keys(self) -> list[int]:
        """The keys of all accumulators."""

    def write(self, cut: Cut) -> None:
        """Store a cut, all or nothing; raises OSError when the disk refuses."""

    def close(self) -> None:
        """Let go of files and memory."""

    def destroy(self) -> None:
        """Close and forget everything: the partition is rebuilt from the changelog."""
