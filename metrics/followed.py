"""Which numbers of a window are followed through the windows of a span: one row a window, and the trends of many.

A row is f8[2 + 2 K]: start of the window in ms, predictions, then for each of the K series of a layout its value and
of how many records it is (0: undefined).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from metrics.trends import Floats, against_history, trend
from metrics.window_layout import TOTAL_COLUMN, Cells, Head, Part, WindowLayout

Value = tuple[float, int]
"""A window's value, and of how many records it is."""

UNDEFINED: Final[Value] = (0.0, 0)
_HOUR_MS: Final = 3_600_000
_BEFORE: Final = 2


class Followed(Part, Protocol):
    """A part of a window that has series: numbers worth following from window to window."""

    @property
    def series(self) -> tuple[str, ...]:
        """Their names, units included."""

    def follow(self, head: Head, cells: Cells, total: int) -> Sequence[Value]:
        """One window's value of each series. head i8[head_columns], cells i4[cells]; total: its predictions."""


def row(layout: WindowLayout, start_ms: int, head: Head, cells: Cells) -> Floats:
    """One window's row, from its two vectors."""
    total = int(head[TOTAL_COLUMN])
    found: list[float] = [start_ms, total]
    for part, columns, counts in _followed(layout):
        for value in part.follow(head[columns], cells[counts], total):
            found += value
    return np.array(found, np.float64)


def trends(layout: WindowLayout, rows: NDArray[np.float64], end_ms: int, window_ms: int) -> dict[str, object]:
    """``trends`` of a span that ends then: rows f8[n, 2 + 2 K] of its windows in order of time, at least one.

    A window without any record, behind the first that has some, has a throughput of 0, and no other value.
    """
    hours = (rows[:, 0] - end_ms) / _HOUR_MS
    found: dict[str, object] = {
        "windows": len(rows),
        "throughput_per_second": _throughput(rows, end_ms, window_ms),
    }
    names = [name for part, _, _ in _followed(layout) for name in part.series]
    for at, name in enumerate(names):
        value, weight = rows[:, _BEFORE + 2 * at], rows[:, _BEFORE + 2 * at + 1]
        if weight.any():
            found[name] = trend(hours, value, weight)
    return found


def _throughput(rows: Floats, end_ms: int, window_ms: int) -> dict[str, object]:
    windows = ((rows[:, 0] - rows[0, 0]) // window_ms).astype(np.int64)
    per_second = np.zeros(int((end_ms - rows[0, 0]) // window_ms), np.float64)
    per_second[windows] = rows[:, 1] * 1000 / window_ms
    hours = np.arange(-len(per_second), 0) * window_ms / _HOUR_MS
    return trend(hours, per_second, np.ones(len(per_second))) | against_history(per_second)


def _followed(layout: WindowLayout) -> Iterator[tuple[Followed, slice, slice]]:
    """The parts that have series, with the columns and cells that are theirs."""
    for i, part in enumerate(layout.parts):
        if hasattr(part, "follow"):
            yield cast("Followed", part), slice(*layout.head_starts[i : i + 2]), slice(*layout.cell_starts[i : i + 2])
