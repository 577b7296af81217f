"""Where every record consumed ends: exactly one fate, counted by kind."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

KINDS = ("predictions", "labels")
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
)
JOINED, PENDING, DUPLICATE, CORRECTED, WITHDREW, OUT_OF_HORIZON, LATE, EXPIRED, DEAD, FAILED = range(len(FATES))
PREDICTIONS, LABELS = 0, 1


class Fates:
    """Counts by (kind, fate), int64[2, 10]; a move keeps the sum."""

    __slots__ = ("counts",)

    def __init__(self, counts: NDArray[np.int64] | None = None) -> None:
        self.counts = np.zeros((2, len(FATES)), np.int64) if counts is None else counts

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
