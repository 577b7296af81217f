"""Messages of a topic as the chunks of records that decoders take."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import count, islice
from typing import Final, NamedTuple

from confluent_kafka import Message

CHUNK_RECORDS: Final = 4096


class TopicRecord(NamedTuple):
    """A message. offset: its place among all that were read, of whatever partition; timestamp: Kafka's, ms."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


def in_chunks(
    messages: Iterable[Message], opened: Callable[[list[TopicRecord]], list[TopicRecord]]
) -> Iterator[list[TopicRecord]]:
    """The records in their order, some thousands at a time, opened (see `runtime.topic_opener`)."""
    places = count()
    records = (TopicRecord(next(places), one.timestamp()[1], one.key(), one.value()) for one in messages)
    while chunk := list(islice(records, CHUNK_RECORDS)):
        yield opened(chunk)
