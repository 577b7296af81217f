"""Rolling spans: the merge of the windows up to the newest closed one, kept up by differences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from metrics import followed
from metrics.window_layout import TOTAL_COLUMN
from tables.cover import Truth
from tables.merge_state import SliceWindows
from tables.plan import COUNTED_LOOK_BACK_MS, Span
from tables.snapshot import Snapshot, capped


class _Window(NamedTuple):
    """A window as it stands in the sum. row: what is followed of it, f8 as bytes; see `metrics.followed`."""

    truth: Truth
    snapshot: Snapshot
    row: bytes


@dataclass(slots=True)
class RollingSum:
    """The sum over a moving set of windows; only what changed is subtracted and added."""

    one: SliceWindows
    included: dict[int, _Window] = field(default_factory=dict)
    head: NDArray[np.int64] = field(init=False)
    cells: NDArray[np.int64] = field(init=False)
    names: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        layout = self.one.layout
        self.head, self.cells = np.zeros(layout.head_columns, np.int64), np.zeros(layout.cells, np.int64)

    def move(self, first_ms: int, end_ms: int) -> None:
        """Make the sum that of the windows that start in [first_ms, end_ms)."""
        windows = self.one.windows
        for start in [s for s in self.included if not first_ms <= s < end_ms or s not in windows]:
            self._add(self.included.pop(start).snapshot, -1)
        for start, truth in windows.items():
            if not first_ms <= start < end_ms or not truth.current:
                continue
            old = self.included.get(start)
            if old is not None and old.truth is truth:
                continue
            if old is not None:
                self._add(old.snapshot, -1)
            snapshot = self.one.snapshot(start)
            self._add(snapshot, 1)
            row = followed.row(self.one.layout, start, snapshot.head, snapshot.cells)
            self.included[start] = _Window(truth, snapshot, row.tobytes())

    def trends(self, end_ms: int) -> dict[str, object]:
        """Where the windows are going, which end then: a function of these windows alone, however they came in.

        Raises ValueError if there is none.
        """
        packed = b"".join(self.included[start].row for start in sorted(self.included))
        rows = np.frombuffer(packed, np.float64).reshape(len(self.included), -1)
        return followed.trends(self.one.layout, rows, end_ms, self.one.plan.window_ms)

    def heads(self, columns: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Starts i8[w] of the windows in the sum, in order, and first columns of their heads, i8[w, columns]."""
        starts = sorted(self.included)
        heads = [self.included[start][1].head[:columns] for start in starts]
        return np.array(starts, np.int64), np.array(heads, np.int64).reshape(len(starts), columns)

    def _add(self, snapshot: Snapshot, sign: int) -> None:
        self.head += sign * snapshot.head
        self.cells += sign * snapshot.cells
        for name, n in snapshot.named.items():
            self.names[name] += sign * n
            if not self.names[name]:
                del self.names[name]

    @property
    def named(self) -> Mapping[str, int]:
        """The counts by name; no limit stands in their sum, so that what is subtracted is what was added."""
        return capped(self.names)


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
