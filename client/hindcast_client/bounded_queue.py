"""The queue between requests and the sender: bounded, never waited for, and every record accounted for."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar, get_args

from hindcast_client.errors import UsageError

T = TypeVar("T")
WhenFull = Literal["drop_newest", "drop_oldest"]


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of the records offered: ``offered = sent + fallback + sum(dropped) + waiting``, at every moment."""

    offered: int
    sent: int
    fallback: int
    dropped: Mapping[str, int]
    waiting: int


class Tally:
    """Counts under one lock. It is re-entrant: a signal handler that logs must not wait for itself."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.offered = self.sent = self.fallback = 0
        self.dropped: Counter[str] = Counter()

    def drop(self, reason: str, count: int = 1) -> None:
        """So many records are lost."""
        if count:
            with self.lock:
                self.dropped[reason] += count

    def deliver(self, count: int) -> None:
        """So many records have arrived."""
        with self.lock:
            self.sent += count

    def divert(self) -> None:
        """A record was taken by the fallback instead."""
        with self.lock:
            self.fallback += 1

    def counts(self) -> Counts:
        """All of it at one moment."""
        with self.lock:
            settled = self.sent + self.fallback + self.dropped.total()
            return Counts(self.offered, self.sent, self.fallback, dict(self.dropped), self.offered - settled)


@dataclass(slots=True)
class BoundedQueue(Generic[T]):
    """At most `size_max` items; of more, the newest or the oldest is dropped and counted (`queue_full`)."""

    size_max: int
    when_full: WhenFull = "drop_newest"
    tally: Tally = field(default_factory=Tally)
    _items: deque[T] = field(default_factory=deque)
    _room: int = field(init=False)

    def __post_init__(self) -> None:
        if self.size_max < 1:
            raise UsageError(f"queue_max: {self.size_max} is less than 1")
        if self.when_full not in get_args(WhenFull):
            raise UsageError(f"when_full: {self.when_full!r} is none of {', '.join(get_args(WhenFull))}")
        self._room = self.size_max

    def offer(self, item: T) -> bool:
        """Put an item in; False if it was dropped at once. Never waits for anything but a few instructions."""
        tally, items = self.tally, self._items
        with tally.lock:
            tally.offered += 1
            if len(items) >= self._room:
                return self._overflow(item)
            items.append(item)
            return True

    def _overflow(self, item: T) -> bool:
        if self._room == 0:
            self.tally.dropped["closed"] += 1
            return False
        self.tally.dropped["queue_full"] += 1
        if self.when_full == "drop_newest":
            return False
        self._items.popleft()
        self._items.append(item)
        return True

    def take(self, count_max: int) -> list[T]:
        """The oldest items, at most so many."""
        with self.tally.lock:
            return [self._items.popleft() for _ in range(min(count_max, len(self._items)))]

    def close(self) -> None:
        """From now on everything offered is dropped and counted (`closed`)."""
        with self.tally.lock:
            self._room = 0

    def __len__(self) -> int:
        return len(self._items)
