"""Rolling spans: the merge of the windows up to the newest closed one, kept up by differences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from metrics.window_layout import TOTAL_COLUMN
from tables.cover import Truth
from tables.merge_state import SliceWindows
from tables.plan import COUNTED_LOOK_BACK_MS, Span
from tables.snapshot import Snapshot, add_names


@dataclass(slots=True)
class RollingSum:
    """The sum over a moving set of windows; only what changed is subtracted and added."""

    one: SliceWindows
    included: dict[int, tuple[Truth, Snapshot]] = field(default_factory=dict)
    head: NDArray[np.int64] = field(init=False)
    cells: NDArray[np.int64] = field(init=False)
    named: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        layout = self.one.layout
        self.head, self.cells = np.zeros(layout.head_columns, np.int64), np.zeros(layout.cells, np.int64)

    def move(self, first_ms: int, end_ms: int) -> None:
        """Make the sum that of the windows that start in [first_ms, end_ms)."""
        windows = self.one.windows
        for start in [s for s in self.included if not first_ms <= s < end_ms or s not in windows]:
            self._add(self.included.pop(start)[1], -1)
        for start, truth in windows.items():
            if not first_ms <= start < end_ms or not truth.current:
                continue
            old = self.included.get(start)
            if old is not None and old[0] is truth:
                continue
            if old is not None:
                self._add(old[1], -1)
            snapshot = self.one.snapshot(start)
            self._add(snapshot, 1)
            self.included[start] = (truth, snapshot)

    def heads(self, columns: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Starts i8[w] of the windows in the sum, in order, and first columns of their heads, i8[w, columns]."""
        starts = sorted(self.included)
        heads = [self.included[start][1].head[:columns] for start in starts]
        return np.array(starts, np.int64), np.array(heads, np.int64).reshape(len(starts), columns)

    def _add(self, snapshot: Snapshot, sign: int) -> None:
        self.head += sign * snapshot.head
        self.cells += sign * snapshot.cells
        self.named = add_names(self.named, snapshot.named, sign)


def first_window(one: SliceWindows, span: Span, end_ms: int) -> int | None:
    """Start of the first window in the span that ends at ``end_ms``; None if it is empty."""
    if span.length_ms is not None:
        return end_ms - span.length_ms
    missing, first = span.labelled or span.records or 0, None
    column = one.layout.outcomes.labelled_column if span.labelled else TOTAL_COLUMN
    earliest = end_ms - COUNTED_LOOK_BACK_MS  # older windows may or may not be forgotten yet
    for start in sorted((s for s in one.windows if earliest <= s < end_ms), reverse=True):
        if missing <= 0:
            break
        if one.windows[start].current:
            missing -= int(one.snapshot(start).head[column])
            first = start
    return first
