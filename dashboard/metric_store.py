"""The newest revision of every metric record of a day, in bounded memory.

A fold without a clock of its own: whatever the order in which revisions come, the state is the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from dashboard.message import DAY_MS, Message
from dashboard.metric_record import Held, SeriesName, read_key, read_value
from models.smoke import SMOKE_MODEL

BYTES_MAX: Final = 96 << 20
"""Of all held records together; what Python needs around them is in `ENTRY_BYTES`."""
ENTRY_BYTES: Final = 400
"""A record's numbers, objects and places in dictionaries; measured."""
UNPACKED_PART: Final = 4
"""So large a part of the memory holds records that are not packed."""
ROOM_PART: Final = 20
"""When memory is short, so large a part of it is made free."""

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
        self._unpacked: dict[tuple[SeriesName, int], Held] = {}
        self._unpacked_bytes = 0

    def add(self, message: Message) -> tuple[SeriesName, bytes] | None:
        """Take in a record; whose it is and its JSON, or None where it is not news. Raises ValueError."""
        name, start_ms = read_key(message.key)
        if name.model == SMOKE_MODEL:
            return None  # nobody's model
        if message.value is None:
            self._drop(name, start_ms)
            return None
        held = read_value(message)
        value = held.stored
        newest_ms = max(held.end_ms, self.newest_end_ms.get(name.model, held.end_ms))
        if _rank(name, held) < self._refused_below or held.end_ms <= newest_ms - DAY_MS:
            return None
        windows = self.series.setdefault(name, {})
        before = windows.get(start_ms)
        if before is not None and (held.revision, held.written_ms) <= (before.revision, before.written_ms):
            return None
        self.newest_end_ms[name.model] = newest_ms
        self._forget_unpacked(name, start_ms)
        self._count(name, before, held)
        windows[start_ms] = held
        self._pack_oldest(name, start_ms, held)
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

    def _pack_oldest(self, name: SeriesName, start_ms: int, held: Held) -> None:
        """Keep the newest revisions as they came: packing takes most of the time, and most are soon replaced."""
        self._unpacked[name, start_ms] = held
        self._unpacked_bytes += len(held.stored)
        while self._unpacked_bytes > self._bytes_max // UNPACKED_PART:
            (of, start), oldest = next(iter(self._unpacked.items()))
            self._forget_unpacked(of, start)
            self._count(of, oldest, None)
            oldest.pack()
            self._count(of, None, oldest)

    def _forget_unpacked(self, name: SeriesName, start_ms: int) -> None:
        held = self._unpacked.pop((name, start_ms), None)
        self._unpacked_bytes -= 0 if held is None else len(held.stored)

    def _make_room(self) -> None:
        """Forget the lowest ranks until the rest fits, and refuse them from now on."""
        left_bytes = self.bytes + self._bytes_max // ROOM_PART  # so much more, as it takes a look at every record
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
        self._forget_unpacked(name, start_ms)
        self._count(name, before, None)
        if not windows:
            self.series.pop(name, None)

    def _count(self, name: SeriesName, before: Held | None, after: Held | None) -> None:
        for held, sign in ((before, -1), (after, 1)):
            if held is not None:
                size_bytes = len(held.stored) + ENTRY_BYTES
                self.bytes += sign * size_bytes
                self._bytes_by_rank[_rank(name, held)] += sign * size_bytes
                if not self._bytes_by_rank[_rank(name, held)]:
                    del self._bytes_by_rank[_rank(name, held)]


def _rank(name: SeriesName, held: Held) -> _Rank:
    return not name.segment, held.end_ms
