"""The newest events, numbered: every reader of the stream follows them at its own pace, and keeps nothing."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final, NamedTuple

from dashboard.message import News

BYTES_MAX: Final = 16 << 20


class Event(NamedTuple):
    """News with its number."""

    number: int
    news: News


class Ring:
    """Events by number, as many of the newest as fit into `bytes_max`.

    name: of this process. An event's id is `name-number`, so that nobody goes on with the numbers of another process.
    """

    def __init__(self, name: str, bytes_max: int = BYTES_MAX) -> None:
        self.name = name
        self.last = 0
        self._events: deque[Event] = deque()
        self._bytes = 0
        self._bytes_max = bytes_max
        self._moved = asyncio.Event()

    def add(self, news: News) -> None:
        """Number it and wake those who wait."""
        self.last += 1
        self._events.append(Event(self.last, news))
        self._bytes += len(news.data)
        while self._bytes > self._bytes_max and len(self._events) > 1:
            self._bytes -= len(self._events.popleft().news.data)
        self.wake()

    def number_of(self, event_id: str) -> int | None:
        """The number of an event that this process has told; None for another's or nobody's."""
        name, _, number = event_id.rpartition("-")
        if name != self.name or not number.isascii() or not number.isdigit() or int(number) > self.last:
            return None
        return int(number)

    def id_of(self, number: int) -> str:
        """What a client sends back to go on behind this event."""
        return f"{self.name}-{number}"

    def after(self, number: int) -> list[Event] | None:
        """The events behind this number; None where some of them are gone."""
        first = self._events[0].number if self._events else self.last + 1
        if number < first - 1:
            return None
        behind = self.last - number
        return list(self._events)[len(self._events) - behind :] if behind else []

    def forget(self) -> None:
        """Make every reader load its lists anew."""
        self.last += 1
        self._events.clear()
        self._bytes = 0
        self.wake()

    async def beyond(self, number: int, seconds: float) -> bool:
        """Wait for an event behind this number, at most so long; whether there is one."""
        if self.last <= number:
            try:
                await asyncio.wait_for(self._moved.wait(), seconds)
            except TimeoutError:
                return False
        return self.last > number

    def wake(self) -> None:
        """Let all who wait look around."""
        self._moved.set()
        self._moved = asyncio.Event()
