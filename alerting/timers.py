"""Times to look at something again: one a key, the earliest asked for."""

from __future__ import annotations

import heapq
from collections.abc import Iterator


class Timers:
    """A heap in which a key that was asked for earlier or later again leaves its old entry to be skipped."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, str]] = []
        self._at: dict[str, int] = {}

    def at_latest(self, key: str, at_ms: int) -> None:
        """Look at it then, or earlier if that was asked for."""
        if at_ms < self._at.get(key, at_ms + 1):
            self._at[key] = at_ms
            heapq.heappush(self._heap, (at_ms, key))

    def cancel(self, key: str) -> None:
        """Not at all."""
        self._at.pop(key, None)

    def due(self, now_ms: int) -> Iterator[str]:
        """The keys whose time has come, each once."""
        while self._heap and self._heap[0][0] <= now_ms:
            at_ms, key = heapq.heappop(self._heap)
            if self._at.get(key) == at_ms:
                del self._at[key]
                yield key
