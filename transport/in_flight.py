"""What has been handed out and is not safe yet: what may be committed, and how much more may be fetched."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from faust.types import TP

RECORDS_MAX: Final = 100_000
"""Records of all partitions that are handed out and not safe, some 450 bytes each as objects: some chunks."""
CHUNKS_MAX: Final = 64
"""Likewise; a chunk of few packed records may have a megabyte."""


@dataclass(slots=True)
class Delivery:
    """What is remembered of a chunk that was handed out: where it ends, its size, whether all of it is safe."""

    last: int
    records: int
    acknowledged: bool = False


class InFlight:
    """The chunks of each partition that have been handed out, in order."""

    def __init__(self, records_max: int = RECORDS_MAX, chunks_max: int = CHUNKS_MAX) -> None:
        self._records_max, self._chunks_max = records_max, chunks_max
        self._delivered: dict[TP, deque[Delivery]] = {}

    def add(self, tp: TP, last: int, records: int) -> Delivery:
        """Note a chunk that is handed out now."""
        delivery = Delivery(last, records)
        self._delivered.setdefault(tp, deque()).append(delivery)
        return delivery

    def take_safe(self, tp: TP) -> int | None:
        """The end of the longest prefix of chunks that are safe, which are forgotten; None if there is none."""
        delivered, done = self._delivered.get(tp), None
        while delivered and delivered[0].acknowledged:
            done = delivered.popleft().last
        return done

    def forget(self, partitions: Iterable[TP]) -> None:
        """These partitions are gone."""
        for tp in partitions:
            self._delivered.pop(tp, None)

    def clear(self) -> None:
        """All of it will be fetched again."""
        self._delivered.clear()

    def with_room(self, partitions: Iterable[TP]) -> set[TP]:
        """Those of which more may be handed out: all of them until too much waits, then those with nothing waiting.

        So nobody who waits for records of another topic waits for ever.
        """
        waiting = {tp: self._waiting(tp) for tp in self._delivered}
        chunks, records = sum(map(len, waiting.values())), sum(map(sum, waiting.values()))
        enough = records >= self._records_max or chunks >= self._chunks_max
        return {tp for tp in partitions if not (enough and waiting.get(tp))}

    def _waiting(self, tp: TP) -> list[int]:
        """The records of each chunk that is not safe."""
        return [one.records for one in self._delivered[tp] if not one.acknowledged]
