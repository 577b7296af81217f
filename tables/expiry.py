"""What waits and what is kept, by the event time at which it is over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

BUCKET_MS_MIN = 60_000
BUCKETS_A_HOLD = 16


def bucket_ms(hold_ms: int) -> int:
    """Width of the buckets in which rows that are kept for ``hold_ms`` expire."""
    return max(BUCKET_MS_MIN, hold_ms // BUCKETS_A_HOLD)


class Holds:
    """How many labels wait for a prediction, by (labels topic code, the time they give up)."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[int, int], int] = {}

    def add(self, topic: int, final_ms: int, records: int) -> None:
        """So many labels more (or fewer) wait until ``final_ms``."""
        key = (topic, final_ms)
        left = self._waiting.get(key, 0) + records
        if left:
            self._waiting[key] = left
        else:
            self._waiting.pop(key, None)

    def expire(self, topic: int, frontier_ms: int) -> int:
        """Forget the labels whose time is over; how many they were."""
        over = [k for k in self._waiting if k[0] == topic and k[1] <= frontier_ms]
        return sum(self._waiting.pop(k) for k in over)

    def entries(self) -> list[tuple[int, int, int]]:
        """All as (topic, final ms, records)."""
        return [(topic, final_ms, n) for (topic, final_ms), n in self._waiting.items()]


class RowIndex:
    """Which rows expire when, so that whole buckets are deleted without looking at rows.

    A row is entered when its id is first seen. Should a later prediction make it last longer,
    `extend` says so, and the purge of its first bucket leaves it alone.
    """

    def __init__(self) -> None:
        self._fresh: dict[tuple[int, int], list[bytes]] = {}
        self._stored: Counter[tuple[int, int]] = Counter()
        self.extended: dict[bytes, tuple[int, int]] = {}

    def add(self, topic: int, bucket: int, keys: Iterable[bytes]) -> None:
        """New rows that expire with that bucket (its end in ms)."""
        self._fresh.setdefault((topic, bucket), []).extend(keys)

    def extend(self, topic: int, bucket: int, key: bytes) -> None:
        """The row lasts until that bucket; entered again if it was known to end before."""
        if self.extended.get(key) != (topic, bucket):
            self.extended[key] = topic, bucket
            self.add(topic, bucket, (key,))

    def take(self) -> dict[tuple[int, int], list[bytes]]:
        """The entries since the last cut, to be stored with it."""
        fresh, self._fresh = self._fresh, {}
        self._stored.update({bucket: len(keys) for bucket, keys in fresh.items()})
        return fresh

    def purge(self, frontiers: Mapping[int, int]) -> tuple[list[tuple[int, int]], set[bytes]]:
        """(buckets whose rows are over by each topic's watermark, rows to spare)."""
        known = self._stored.keys() | self._fresh.keys()
        over = [k for k in known if k[1] <= frontiers.get(k[0], k[1] - 1)]
        for bucket in over:
            self._stored.pop(bucket, None)
        if not over:
            return [], set()
        gone = set(over)
        spared = {key for key, last in self.extended.items() if last not in gone}
        self.extended = {key: self.extended[key] for key in spared}
        return over, spared

    def buckets(self) -> list[tuple[int, int, int]]:
        """Every bucket that has entries: (topic, bucket, entries)."""
        counts = self._stored + Counter({bucket: len(keys) for bucket, keys in self._fresh.items()})
        return [(topic, bucket, entries) for (topic, bucket), entries in counts.items()]

    @property
    def rows(self) -> int:
        """Rows kept; one with more of a story may be entered, and counted, again."""
        return self._stored.total() + sum(map(len, self._fresh.values()))

    def restore(self, buckets: Iterable[tuple[int, int, int]], extended: Mapping[bytes, tuple[int, int]]) -> None:
        """The buckets and extended rows of a checkpoint."""
        self._stored = Counter({(topic, bucket): entries for topic, bucket, entries in buckets})
        self.extended = {key: (topic, bucket) for key, (topic, bucket) in extended.items()}
