"""Where every record consumed ends: exactly one fate, counted by kind."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

KINDS = ("predictions", "labels", "heartbeats")
FATES = (
    "joined",
    "pending",
    "duplicate",
    "corrected",
    "withdrawn",
    "out_of_horizon",
    "late",
    "expired",
    "dead_lettered",
    "failed",
    "heartbeat",
)
JOINED, PENDING, DUPLICATE, CORRECTED, WITHDREW, OUT_OF_HORIZON, LATE, EXPIRED, DEAD, FAILED, HEARTBEAT = range(11)
PREDICTIONS, LABELS, HEARTBEATS = range(len(KINDS))
_FORMER = (2, 10)
"""Kinds and fates that were counted before there were heartbeats."""


class Fates:
    """Counts by (kind, fate), int64[3, 11]; a move keeps the sum."""

    __slots__ = ("counts",)

    def __init__(self, counts: NDArray[np.int64] | None = None) -> None:
        self.counts = np.zeros((len(KINDS), len(FATES)), np.int64) if counts is None else counts

    @staticmethod
    def of(packed: Sequence[int]) -> Fates:
        """As `packed` gave them, also before there were heartbeats. Raises ValueError for another number of counts."""
        found = Fates()
        kinds, fates = _FORMER if len(packed) == _FORMER[0] * _FORMER[1] else found.counts.shape
        found.counts[:kinds, :fates] = np.array(packed, np.int64).reshape(kinds, fates)
        return found

    def packed(self) -> list[int]:
        """All counts in one list."""
        found: list[int] = self.counts.reshape(-1).tolist()
        return found

    def add(self, kind: int, fate: int, records: int = 1) -> None:
        """Count records that have just arrived."""
        self.counts[kind, fate] += records

    def move(self, kind: int, before: int, after: int, records: int = 1) -> None:
        """Records counted before have another fate now."""
        self.counts[kind, before] -= records
        self.counts[kind, after] += records

    def as_dict(self) -> dict[str, dict[str, int]]:
        """``{kind: {fate: records}}``."""
        return {kind: dict(zip(FATES, row, strict=True)) for kind, row in zip(KINDS, self.counts.tolist(), strict=True)}
