"""A chunk: consecutive records of one partition, handed to an agent as one stream event."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from faust.serializers.schemas import Schema


class ConsumedRecord(Protocol):
    """What the decoder needs of a consumed record; aiokafka's records are such."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


class Chunk:
    """Records [first, last] of one partition, offsets ascending, gaps possible.

    ``after`` is the last offset of the chunk handed out before it, -1 for the first one since the
    partition was assigned or sought. ``lost``: so many offsets before it were deleted unread, by retention.
    """

    __slots__ = ("after", "first", "last", "lost", "partition", "records", "topic")

    def __init__(
        self, topic: str, partition: int, records: list[ConsumedRecord], after: int = -1, lost: int = 0
    ) -> None:
        self.topic, self.partition, self.records = topic, partition, records
        self.first, self.last, self.after = records[0].offset, records[-1].offset, after
        self.lost = lost

    def __len__(self) -> int:
        return len(self.records)


class ChunkSchema(Schema[None, Any]):
    """Marks a topic as chunked: the value is a `Chunk` already, so nothing is decoded here.

    records_max and bytes_max bound one chunk; a record is never split.
    """

    def __init__(self, records_max: int, bytes_max: int | None = None) -> None:
        super().__init__()
        self.records_max, self.bytes_max = records_max, bytes_max

    def loads_key(self, app: Any, message: Any, **_: Any) -> None:
        """Chunks have no key."""

    def loads_value(self, app: Any, message: Any, **_: Any) -> Chunk:
        """The chunk as the consumer made it."""
        chunk: Chunk = message.value
        return chunk

    def cut(self, records: list[ConsumedRecord]) -> Iterator[list[ConsumedRecord]]:
        """The fetched records in chunks of bounded size."""
        if self.bytes_max is None:
            for start in range(0, len(records), self.records_max):
                yield records[start : start + self.records_max]
            return
        start = size = 0
        for at, record in enumerate(records):
            size += len(record.value or b"")
            if at > start and (size > self.bytes_max or at - start >= self.records_max):
                yield records[start:at]
                start, size = at, len(record.value or b"")
        yield records[start:]
