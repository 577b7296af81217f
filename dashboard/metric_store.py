"""The newest revision of every metric record of a day, in bounded memory.

A fold without a clock of its own: whatever the order in which revisions come, the state is the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from dashboard.message import DAY_MS, Message
from dashboard.metric_record import Held, SeriesName, read_key, read_value

BYTES_MAX: Final = 96 << 20
"""Of all held records together; what Python needs around them is in `ENTRY_BYTES`."""
ENTRY_BYTES: Final = 400
"""A record's numbers, objects and places in dictionaries; measured."""

_Rank = tuple[bool, int]
"""(of the whole model, end): what goes first when memory is short: segments before models, old before new."""
_NONE_REFUSED: Final[_Rank] = (False, -(1 << 62))


class MetricStore:
    """Series by name, each with its windows by start (a rolling span: one, by `ROLLING`)."""

    def __init__(self, bytes_max: int = BYTES_MAX) -> None:
        self.series: dict[SeriesName, dict[int, Held]] = {}
        self.newest_end_ms: dict[str, int] = {}
        """Model -> end of its newest window; a day behind it is where memory ends."""
        self.bytes = 0
        self._bytes_max = bytes_max
        self._bytes_by_rank: Counter[_Rank] = Counter()
        self._refused_below = _NONE_REFUSED

    def add(self, message: Message) -> tuple[SeriesName, bytes] | None:
        """Take in a record; whose it is and its JSON, or None where it is not news. Raises ValueError."""
        name, start_ms = read_key(message.key)
        if message.value is None:
            self._drop(name, start_ms)
            return None
        held, value = read_value(message)
        newest_ms = max(held.end_ms, self.newest_end_ms.get(name.model, held.end_ms))
        if _rank(name, held) < self._refused_below or held.end_ms <= newest_ms - DAY_MS:
            return None
        windows = self.series.setdefault(name, {})
        before = windows.get(start_ms)
        if before is not None and (held.revision, held.written_ms) <= (before.revision, before.written_ms):
            return None
        self.newest_end_ms[name.model] = newest_ms
        self._count(name, before, held)
        windows[start_ms] = held
        if self.bytes > self._bytes_max:
            self._make_room()
        return name, value

    def expire(self, now_ms: int) -> None:
        """Let go of what was written more than a day ago, or ended a day before its model's newest window."""
        for name, windows in list(self.series.items()):
            ended_ms = self.newest_end_ms[name.model] - DAY_MS
            for start_ms, held in list(windows.items()):
                if held.written_ms < now_ms - DAY_MS or held.end_ms <= ended_ms:
                    self._drop(name, start_ms)
        left = {name.model for name in self.series}
        self.newest_end_ms = {model: end_ms for model, end_ms in self.newest_end_ms.items() if model in left}
        if self.bytes < self._bytes_max // 2:
            self._refused_below = _NONE_REFUSED

    def windows(self, name: SeriesName) -> Iterator[Held]:
        """The records of a series by start, oldest first."""
        windows = self.series[name]
        return (windows[start_ms] for start_ms in sorted(windows))

    def __len__(self) -> int:
        return sum(map(len, self.series.values()))

    def _make_room(self) -> None:
        """Forget the lowest ranks until the rest fits, and refuse them from now on."""
        left_bytes = self.bytes
        for rank in sorted(self._bytes_by_rank):
            self._refused_below = rank  # the highest rank stays, whatever its size
            if left_bytes <= self._bytes_max:
                break
            left_bytes -= self._bytes_by_rank[rank]
        for name, windows in list(self.series.items()):
            for start_ms, held in list(windows.items()):
                if _rank(name, held) < self._refused_below:
                    self._drop(name, start_ms)

    def _drop(self, name: SeriesName, start_ms: int) -> None:
        windows = self.series.get(name, {})
        before = windows.pop(start_ms, None)
        self._count(name, before, None)
        if not windows:
            self.series.pop(name, None)

    def _count(self, name: SeriesName, before: Held | None, after: Held | None) -> None:
        for held, sign in ((before, -1), (after, 1)):
            if held is not None:
                size_bytes = len(held.packed) + ENTRY_BYTES
                self.bytes += sign * size_bytes
                self._bytes_by_rank[_rank(name, held)] += sign * size_bytes
                if not self._bytes_by_rank[_rank(name, held)]:
                    del self._bytes_by_rank[_rank(name, held)]


def _rank(name: SeriesName, held: Held) -> _Rank:
    return not name.segment, held.end_ms
